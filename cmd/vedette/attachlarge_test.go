package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// largeFile is a file of any size that needs no disk: noise, of which each page has its
// number, so that no page can stand for another.
type largeFile struct{ at, size int64 }

const filePage = 4096

var fileNoise = func() (noise [filePage]byte) {
	rand.NewChaCha8([32]byte{5}).Read(noise[:])
	return noise
}()

func (f *largeFile) Read(p []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	page := fileNoise
	binary.BigEndian.PutUint64(page[:], uint64(f.at/filePage))
	n := copy(p, page[f.at%filePage:min(filePage, f.at%filePage+f.size-f.at)])
	f.at += int64(n)
	return n, nil
}

// largeMemory is how much more memory the program may take for a file of any size: the
// pieces of 16 MiB in which it travels to a bucket, and what the garbage collector lets lie.
const largeMemory = 128 << 20

// slowDisk is how many bytes a second a busy disk takes at the least, when a bucket is on it.
const slowDisk = 4 << 20

// TestSoakLargeAttachment brings a file that the configured bound allows through the whole
// program, to a folder and to a real MinIO bucket: some hundred MB, and 5 GB with
// VEDETTE_SOAK set. The memory that it takes does not grow with the file.
func TestSoakLargeAttachment(t *testing.T) {
	size := int64(200<<20 + 12345)
	if os.Getenv("VEDETTE_SOAK") != "" {
		size = 5<<30 + 12345
	} else {
		t.Parallel()
	}
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		bucket, err := storage.OpenDisk(filepath.Join(dir, "bucket"))
		if err != nil {
			t.Fatal(err)
		}
		attachLarge(t, size, bucket, fmt.Sprintf("{disk: {path: %s}}", filepath.Join(dir, "bucket")), nil)
	})
	t.Run("MinIO", func(t *testing.T) {
		s3 := miniotest.Start(t)
		makeBucket(t, s3, "evidence")
		bucket, err := storage.OpenS3(storage.S3Options{Endpoint: s3.Endpoint, Bucket: "evidence", AccessKey: s3.AccessKey, SecretKey: s3.SecretKey, PathStyle: true})
		if err != nil {
			t.Fatal(err)
		}
		attachLarge(t, size, bucket, fmt.Sprintf(`{s3: {endpoint: %s, region: us-east-1, bucket: evidence, access_key: "${KEY}", secret_key: "${SECRET}", tls: false, path_style: true}}`, s3.Endpoint),
			[]string{"KEY=" + s3.AccessKey, "SECRET=" + s3.SecretKey})
	})
}

func attachLarge(t *testing.T, size int64, bucket storage.Bucket, where string, env []string) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(`web: {listen: 127.0.0.1:0}
storage: {bucket: %s}
sites: {yard: {name: Yard}}
cameras: {gate: {url: "rtsp://127.0.0.1:9/nobody", site: yard}}
desk: {attachments: {max_size: 8GiB}}
`, where))
	running := start(t, env, "run", "-c", path)
	c := newFiler(t, running)
	var in models.Incident
	if err := c.Do(t.Context(), "POST", "/api/incidents", map[string]any{"origin": "report", "site": "yard", "occurred": time.Now().UTC()}, &in); err != nil {
		t.Fatal(err)
	}
	of := "/api/incidents/" + string(in.ID)
	local := filepath.Join(dir, "data", "attachments")
	before := c.resetPeak(t)
	c.breakOff(t, of, local, size)
	if in, err := c.Incident(t.Context(), in.ID); err != nil || len(in.Investigation.Attachments) != 0 || len(stored(t, bucket)) != 0 {
		t.Errorf("after half a file: %+v, %v; stored %v", in.Investigation.Attachments, err, stored(t, bucket))
	}

	sum := sha256.New()
	began := time.Now()
	res := c.send(t, http.MethodPost, of+"/attachments?name=recorder.img", io.TeeReader(&largeFile{size: size}, sum), size)
	err := json.NewDecoder(res.Body).Decode(&in)
	res.Body.Close()
	want := hex.EncodeToString(sum.Sum(nil))
	if err != nil || res.StatusCode != http.StatusCreated || len(in.Investigation.Attachments) != 1 {
		t.Fatalf("%s, %v: %+v", res.Status, err, in.Investigation)
	}
	if a := in.Investigation.Attachments[0]; a.Size != size || a.SHA256 != want {
		t.Fatalf("recorded as %+v, sent were %d bytes with %s", a, size, want)
	}
	received := time.Since(began)
	in = c.settled(t, in.ID, local, hung+time.Duration(size/slowDisk)*time.Second)
	there := time.Since(began)
	a := in.Investigation.Attachments[0]
	if o, _, err := bucket.Stat(t.Context(), a.Key); err != nil || o.Size != size || o.SHA256 != want {
		t.Errorf("the bucket has %+v, %v", o, err)
	}
	// Its end, to the byte.
	const tail = 1<<20 + 77
	res = c.send(t, http.MethodGet, of+"/attachments/"+a.ID, nil, 0, "Range", fmt.Sprintf("bytes=%d-", size-tail))
	end, err := io.ReadAll(res.Body)
	res.Body.Close()
	wantEnd, _ := io.ReadAll(&largeFile{at: size - tail, size: size})
	if err != nil || res.StatusCode != http.StatusPartialContent || !bytes.Equal(end, wantEnd) ||
		res.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", size-tail, size-1, size) {
		t.Errorf("its end: %s %s, %d bytes, %v", res.Status, res.Header.Get("Content-Range"), len(end), err)
	}
	// And all of it.
	res = c.send(t, http.MethodGet, of+"/attachments/"+a.ID, nil, 0)
	sum.Reset()
	n, err := io.Copy(sum, res.Body)
	res.Body.Close()
	if got := hex.EncodeToString(sum.Sum(nil)); err != nil || n != size || got != want {
		t.Errorf("the whole: %s, %d bytes with %s, %v", res.Status, n, got, err)
	}
	after := c.peak(t)
	t.Logf("%d MiB: received in %s, in the bucket after %s; memory %d MiB before, %d MiB at most", size>>20, received.Round(time.Millisecond),
		there.Round(time.Millisecond), before>>20, after>>20)
	if after-before > largeMemory {
		t.Errorf("the program took %d MiB for it, at most %d MiB are fine", (after-before)>>20, largeMemory>>20)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	if err := running.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// filer is a program that attaches files, with a token.
type filer struct {
	*vedettetest.Client
	process *vedettetest.Process
	token   string
}

func newFiler(t *testing.T, p *vedettetest.Process) *filer {
	t.Helper()
	client, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Secret string `json:"secret"`
	}
	if err := client.Do(t.Context(), "POST", "/api/tokens", map[string]any{"name": "filer", "rights": []models.Right{models.RightWork, models.RightFootage}}, &made); err != nil {
		t.Fatal(err)
	}
	return &filer{client, p, made.Secret}
}

// request is one with a body that is not read into memory.
func (c *filer) request(t *testing.T, method, path string, body io.Reader, size int64) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.process.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Bearer "+c.token)
	return req
}

func (c *filer) send(t *testing.T, method, path string, body io.Reader, size int64, header ...string) *http.Response {
	t.Helper()
	req := c.request(t, method, path, body, size)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// breakOff sends a part of a file until the program has some of it on its disk, hangs up,
// and waits until nothing of it is left.
func (c *filer) breakOff(t *testing.T, of, local string, size int64) {
	t.Helper()
	cut := errors.New("the cable was pulled")
	r, w := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, &largeFile{size: size / 3})
		wrote <- err // and no end: the client still owes the rest
	}()
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(c.request(t, http.MethodPost, of+"/attachments?name=half.img", r, size))
		if err == nil {
			err = fmt.Errorf("answered with %s", res.Status)
			res.Body.Close()
		}
		answered <- err
	}()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	eventually(t, "a part of the file on the disk", func(context.Context) (bool, string) {
		list, err := names(local)
		if err != nil || len(list) != 1 {
			return false, fmt.Sprintf("%v, %v", list, err)
		}
		info, err := os.Stat(filepath.Join(local, list[0]))
		return err == nil && info.Size() > size/4, fmt.Sprintf("%+v, %v", info, err)
	})
	w.CloseWithError(cut)
	if err := <-answered; !errors.Is(err, cut) {
		t.Errorf("the request ended with %v", err)
	}
	eventually(t, "nothing of it on the disk", func(context.Context) (bool, string) {
		list, err := names(local)
		return err == nil && len(list) == 0, fmt.Sprintf("%v, %v", list, err)
	})
}

// settled waits until the only attachment of an incident is in the bucket, and nowhere else.
func (c *filer) settled(t *testing.T, id models.IncidentID, local string, patience time.Duration) models.Incident {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		in, err := c.Incident(ctx, id)
		list, dirErr := names(local)
		if err == nil && dirErr == nil && in.Investigation.Attachments[0].Key != "" && len(list) == 0 {
			return in
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not in the bucket within %s: %+v, %v; local %v, %v", patience, in.Investigation, err, list, dirErr)
		}
	}
}

// names are the files in a folder, without the folders in it.
func names(dir string) (files []string, err error) {
	list, err := os.ReadDir(dir)
	for _, item := range list {
		if !item.IsDir() {
			files = append(files, item.Name())
		}
	}
	return files, err
}

// stored are the attachments that a bucket has.
func stored(t *testing.T, b storage.Bucket) (keys []string) {
	t.Helper()
	if err := b.List(t.Context(), "", func(key string, _ int64) error {
		if strings.Contains(key, "/attachments/") {
			keys = append(keys, key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

// resetPeak forgets how much memory the program has had at most, and returns what it has.
func (c *filer) resetPeak(t *testing.T) int64 {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.process.PID()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	return c.peak(t)
}

// peak is how much memory the program has had at most, in bytes.
func (c *filer) peak(t *testing.T) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
