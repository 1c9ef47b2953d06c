package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/models"
)

// The acceptance suite: what Bucket promises, over every implementation.
func TestBucket(t *testing.T) {
	t.Parallel()
	t.Run("disk", func(t *testing.T) {
		testBucket(t, func(t *testing.T) Bucket { return mustDisk(t) })
	})
	server := miniotest.Start(t)
	t.Run("s3", func(t *testing.T) {
		testBucket(t, func(t *testing.T) Bucket { return mustS3(t, server, S3Options{}) })
	})
	t.Run("s3 with prefix", func(t *testing.T) {
		testBucket(t, func(t *testing.T) Bucket { return mustS3(t, server, S3Options{Prefix: "site/a/"}) })
	})
}

func mustDisk(tb testing.TB) Bucket {
	tb.Helper()
	b, err := OpenDisk(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// mustS3 makes a fresh bucket on the server.
func mustS3(tb testing.TB, server *miniotest.Server, o S3Options) Bucket {
	tb.Helper()
	o.Endpoint, o.AccessKey, o.SecretKey = server.Endpoint, server.AccessKey, server.SecretKey
	o.PathStyle, o.Region = true, "us-east-1"
	o.Bucket = fmt.Sprintf("test-%d", rand.Int64())
	b, err := OpenS3(o)
	if err != nil {
		tb.Fatal(err)
	}
	if err := b.(*s3).core.MakeBucket(tb.Context(), o.Bucket, minio.MakeBucketOptions{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.(*s3).transport.CloseIdleConnections)
	return b
}

// object describes data as Put wants it.
func object(data []byte) models.Object {
	sum := sha256.Sum256(data)
	return models.Object{Type: "video/mp4", Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

func randomBytes(n int) []byte {
	data := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	src.Read(data)
	return data
}

func readAll(t *testing.T, b Bucket, key string) []byte {
	t.Helper()
	r, err := b.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func keys(t *testing.T, b Bucket, prefix string) []string {
	t.Helper()
	var got []string
	if err := b.List(t.Context(), prefix, func(key string, _ int64) error {
		got = append(got, key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func testBucket(t *testing.T, open func(*testing.T) Bucket) {
	for _, size := range []int{0, 1, 100_000, partSize, partSize + 1, 2*partSize + 12345} {
		t.Run(fmt.Sprintf("what is put comes back, %d bytes", size), func(t *testing.T) {
			b := open(t)
			data := randomBytes(size)
			o := object(data)
			before := time.Now().Add(-time.Minute)
			if err := b.Put(t.Context(), "a/b/clip.mp4", bytes.NewReader(data), o); err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, b, "a/b/clip.mp4"); !bytes.Equal(got, data) {
				t.Error("read other bytes than were put")
			}
			got, at, err := b.Stat(t.Context(), "a/b/clip.mp4")
			if err != nil {
				t.Fatal(err)
			}
			o.Key = "a/b/clip.mp4"
			if got != o {
				t.Errorf("Stat: got %+v, want %+v", got, o)
			}
			if at.Before(before) || at.After(time.Now().Add(time.Minute)) {
				t.Errorf("Stat: stored at %v", at)
			}
		})
	}

	t.Run("an open object seeks", func(t *testing.T) {
		b := open(t)
		data := randomBytes(300_000)
		if err := b.Put(t.Context(), "clip.mp4", bytes.NewReader(data), object(data)); err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(t.Context(), "clip.mp4")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if r.Size() != 300_000 {
			t.Errorf("size: got %d", r.Size())
		}
		for _, at := range []struct {
			offset int64
			whence int
			want   int64
		}{{0, io.SeekEnd, 300_000}, {0, io.SeekStart, 0}, {1000, io.SeekStart, 1000}, {-10, io.SeekEnd, 299_990}, {-200_000, io.SeekCurrent, 99_995}} {
			got, err := r.Seek(at.offset, at.whence)
			if err != nil || got != at.want {
				t.Fatalf("seek %+v: got %d, %v", at, got, err)
			}
			buf := make([]byte, 5)
			n, err := io.ReadFull(r, buf)
			if got == 300_000 {
				if err != io.EOF {
					t.Fatalf("read at the end: %v", err)
				}
				continue
			}
			if err != nil || !bytes.Equal(buf[:n], data[got:got+5]) {
				t.Fatalf("read at %d: %x, %v", got, buf[:n], err)
			}
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			t.Error("seek before the start: no error")
		}
	})

	t.Run("an open object serves range requests", func(t *testing.T) {
		b := open(t)
		data := randomBytes(100_000)
		if err := b.Put(t.Context(), "clip.mp4", bytes.NewReader(data), object(data)); err != nil {
			t.Fatal(err)
		}
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f, err := b.Open(r.Context(), "clip.mp4")
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			w.Header().Set("Content-Type", "video/mp4")
			http.ServeContent(w, r, "", f.ModTime(), f)
		}))
		defer web.Close()
		req, _ := http.NewRequestWithContext(t.Context(), "GET", web.URL, nil)
		req.Header.Set("Range", "bytes=50000-50099")
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(got, data[50_000:50_100]) {
			t.Errorf("got %s, %d bytes, %v", resp.Status, len(got), err)
		}
	})

	t.Run("content that is not what is promised leaves nothing", func(t *testing.T) {
		for name, lie := range map[string]func([]byte, *models.Object) []byte{
			"other bytes": func(d []byte, _ *models.Object) []byte { d[len(d)/2] ^= 1; return d },
			"cut short":   func(d []byte, _ *models.Object) []byte { return d[:len(d)-1] },
			"more":        func(d []byte, _ *models.Object) []byte { return append(d, 0) },
			"bad digest":  func(d []byte, o *models.Object) []byte { o.SHA256 = "zz"; return d },
		} {
			for _, size := range []int{1000, partSize + 1000} {
				t.Run(fmt.Sprintf("%s of %d", name, size), func(t *testing.T) {
					b := open(t)
					data := randomBytes(size)
					o := object(data)
					data = lie(data, &o)
					err := b.Put(t.Context(), "x/clip.mp4", bytes.NewReader(data), o)
					if !errors.Is(err, ErrContent) {
						t.Errorf("got %v, want ErrContent", err)
					}
					if _, err := b.Open(t.Context(), "x/clip.mp4"); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("open: got %v, want fs.ErrNotExist", err)
					}
					if got := keys(t, b, ""); len(got) != 0 {
						t.Errorf("left: %v", got)
					}
				})
			}
		}
	})

	t.Run("what is absent is fs.ErrNotExist", func(t *testing.T) {
		b := open(t)
		if _, err := b.Open(t.Context(), "no/such"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open: %v", err)
		}
		if _, _, err := b.Stat(t.Context(), "no/such"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat: %v", err)
		}
		if err := b.Delete(t.Context(), "no/such"); err != nil {
			t.Errorf("Delete: %v", err)
		}
		if got := keys(t, b, "no/"); len(got) != 0 {
			t.Errorf("List: %v", got)
		}
	})

	t.Run("a put may be repeated and replaces", func(t *testing.T) {
		b := open(t)
		for _, data := range [][]byte{randomBytes(1000), randomBytes(1000), randomBytes(2000)} {
			if err := b.Put(t.Context(), "a/clip.mp4", bytes.NewReader(data), object(data)); err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, b, "a/clip.mp4"); !bytes.Equal(got, data) {
				t.Error("read other bytes than were put last")
			}
		}
	})

	t.Run("put reads from the start of its body", func(t *testing.T) {
		b := open(t)
		data := randomBytes(1000)
		body := bytes.NewReader(data)
		body.Seek(500, io.SeekStart)
		if err := b.Put(t.Context(), "clip.mp4", body, object(data)); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("list gives every key with a prefix and its size", func(t *testing.T) {
		b := open(t)
		for i, key := range []string{"incidents/2026/11/a/clip.mp4", "incidents/2026/11/a/still.jpg", "incidents/2026/12/b/clip.mp4", "index.bak", "in/x"} {
			data := randomBytes(i + 1)
			if err := b.Put(t.Context(), key, bytes.NewReader(data), object(data)); err != nil {
				t.Fatal(err)
			}
		}
		for prefix, want := range map[string][]string{
			"incidents/2026/11/":     {"incidents/2026/11/a/clip.mp4", "incidents/2026/11/a/still.jpg"},
			"incidents/2026/1":       {"incidents/2026/11/a/clip.mp4", "incidents/2026/11/a/still.jpg", "incidents/2026/12/b/clip.mp4"},
			"incidents/2026/11/a/st": {"incidents/2026/11/a/still.jpg"},
			"in":                     {"in/x", "incidents/2026/11/a/clip.mp4", "incidents/2026/11/a/still.jpg", "incidents/2026/12/b/clip.mp4", "index.bak"},
			"incidents/2027/":        nil,
			"index.bak/":             nil,
		} {
			if got := keys(t, b, prefix); !slices.Equal(got, want) {
				t.Errorf("%q: got %v, want %v", prefix, got, want)
			}
		}
		size := int64(0)
		if err := b.List(t.Context(), "index.bak", func(_ string, n int64) error { size = n; return nil }); err != nil || size != 4 {
			t.Errorf("size: got %d, %v", size, err)
		}
		stop := errors.New("stop")
		calls := 0
		if err := b.List(t.Context(), "", func(string, int64) error { calls++; return stop }); err != stop || calls != 1 {
			t.Errorf("an error of fn: got %v after %d calls", err, calls)
		}
	})

	t.Run("delete removes", func(t *testing.T) {
		b := open(t)
		for _, key := range []string{"d/a/one", "d/b/two"} {
			if err := b.Put(t.Context(), key, strings.NewReader("x"), object([]byte("x"))); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Delete(t.Context(), "d/a/one"); err != nil {
			t.Fatal(err)
		}
		if got := keys(t, b, ""); !slices.Equal(got, []string{"d/b/two"}) {
			t.Errorf("left: %v", got)
		}
	})

	t.Run("all of a folder are deleted at once", func(t *testing.T) {
		b := open(t)
		for round := range 20 {
			var all sync.WaitGroup
			for i := range 8 {
				key := fmt.Sprintf("live/%d/%d", round, i)
				if err := b.Put(t.Context(), key, strings.NewReader("x"), object([]byte("x"))); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 8 {
				all.Go(func() {
					if err := b.Delete(t.Context(), fmt.Sprintf("live/%d/%d", round, i)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		if got := keys(t, b, ""); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	})

	t.Run("a key that is no plain path is refused", func(t *testing.T) {
		b := open(t)
		for _, key := range []string{"", ".", "/abs", "../out", "a/../b", "a//b", "a/", reserved + "/x", "a\x00b", "a\nb", `a\b`, strings.Repeat("k", 901)} {
			if err := b.Put(t.Context(), key, strings.NewReader("x"), object([]byte("x"))); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Put %.20q: got %v", key, err)
			}
			if _, err := b.Open(t.Context(), key); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Open %.20q: got %v", key, err)
			}
			if _, _, err := b.Stat(t.Context(), key); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Stat %.20q: got %v", key, err)
			}
			if err := b.Delete(t.Context(), key); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Delete %.20q: got %v", key, err)
			}
		}
	})

	t.Run("names of other tongues", func(t *testing.T) {
		b := open(t)
		key := "incidents/Tür №3 & 門/clip 100%+.mp4"
		if err := b.Put(t.Context(), key, strings.NewReader("x"), object([]byte("x"))); err != nil {
			t.Fatal(err)
		}
		if got := keys(t, b, "incidents/"); !slices.Equal(got, []string{key}) {
			t.Errorf("got %q", got)
		}
		if got := readAll(t, b, key); string(got) != "x" {
			t.Errorf("got %q", got)
		}
	})

	t.Run("an ended context stops everything", func(t *testing.T) {
		b := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		data := randomBytes(partSize + 5)
		if err := b.Put(ctx, "clip.mp4", bytes.NewReader(data), object(data)); !errors.Is(err, context.Canceled) {
			t.Errorf("Put: %v", err)
		}
		if got := keys(t, b, ""); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	})

	t.Run("many writers at once", func(t *testing.T) {
		b := open(t)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 5 {
					data := randomBytes(1000 + j) // several writers write the same to the same key
					key := fmt.Sprintf("day/%d/clip.mp4", j)
					if err := b.Put(t.Context(), key, bytes.NewReader(data), object(data)); err != nil {
						t.Errorf("writer %d: %v", i, err)
					}
				}
			})
		}
		wg.Wait()
		if got := keys(t, b, "day/"); len(got) != 5 {
			t.Errorf("got %v", got)
		}
	})

	t.Run("check leaves nothing", func(t *testing.T) {
		b := open(t)
		if err := b.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := keys(t, b, ""); len(got) != 0 {
			t.Errorf("left: %v", got)
		}
	})
}

func TestDiskSweepsOldPartsOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenDisk(dir); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"put-old": 25 * time.Hour, "put-new": time.Hour} {
		path := dir + "/" + reserved + "/" + name
		if err := os.WriteFile(path, []byte("part"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenDisk(dir); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(dir + "/" + reserved)
	if len(left) != 1 || left[0].Name() != "put-new" {
		t.Errorf("left: %v", left)
	}
}

func TestDiskIsPrivate(t *testing.T) {
	dir := t.TempDir() + "/bucket"
	b, err := OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "a/clip.mp4", strings.NewReader("x"), object([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{"": 0o700, "/a": 0o700, "/a/clip.mp4": 0o600} {
		info, err := os.Stat(dir + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %o, want %o", path, got, want)
		}
	}
}

func BenchmarkBucket(b *testing.B) {
	server := miniotest.Start(b)
	for name, bucket := range map[string]Bucket{"disk": mustDisk(b), "s3": mustS3(b, server, S3Options{})} {
		for _, size := range []int{100_000, 10_000_000, 50_000_000} {
			data := randomBytes(size)
			o := object(data)
			b.Run(fmt.Sprintf("%s/put/%dkB", name, size/1000), func(b *testing.B) {
				b.SetBytes(int64(size))
				for i := 0; b.Loop(); i++ {
					if err := bucket.Put(b.Context(), fmt.Sprintf("bench/%d/%d", size, i%4), bytes.NewReader(data), o); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/stat/%dkB", name, size/1000), func(b *testing.B) {
				for b.Loop() {
					if _, _, err := bucket.Stat(b.Context(), fmt.Sprintf("bench/%d/0", size)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("%s/read/%dkB", name, size/1000), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					r, err := bucket.Open(b.Context(), fmt.Sprintf("bench/%d/0", size))
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, r); err != nil {
						b.Fatal(err)
					}
					r.Close()
				}
			})
		}
	}
}
