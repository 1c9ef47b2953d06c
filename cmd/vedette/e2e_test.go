package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/internal/miniotest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// oneZone is a configuration with one camera and one rule over the whole picture.
const oneZone = `
data: %s
web: {listen: "127.0.0.1:0"}
storage:
  bucket: %s
cameras:
  gate:
    url: %s
    pre_roll: 3s
    post_roll: 2s
    zones:
      all:
        polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]
        rules:
          - {kind: %s}
`

// TestFromForeignCameraToBucket takes a camera that we did not write (GStreamer's RTSP
// server) to an incident whose clip lies in a real MinIO bucket, fetches it and decodes
// every frame.
func TestFromForeignCameraToBucket(t *testing.T) {
	t.Parallel()
	url := camtest.GStreamer(t, footage.Path(t, "clips/one_by_one_person.mp4"), camtest.GStreamerOptions{User: "viewer", Pass: "p@ss/word"})
	s3 := miniotest.Start(t)
	makeBucket(t, s3, "evidence")
	bucket, err := storage.OpenS3(storage.S3Options{Endpoint: s3.Endpoint, Bucket: "evidence", AccessKey: s3.AccessKey, SecretKey: s3.SecretKey, PathStyle: true, Prefix: "site-1"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(oneZone, dir+"/data",
		fmt.Sprintf("{s3: {endpoint: %s, region: us-east-1, bucket: evidence, prefix: site-1, access_key: \"${KEY}\", secret_key: \"${SECRET}\", tls: false, path_style: true}}", s3.Endpoint),
		strings.Replace(url, "rtsp://", "rtsp://viewer:${CAM_PASSWORD}@", 1), "loitering, dwell: 4s, grace: 2s"))
	p := start(t, []string{"KEY=" + s3.AccessKey, "SECRET=" + s3.SecretKey, "CAM_PASSWORD=p@ss/word"}, "run", "-c", cfg)
	client, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	var in models.Incident
	eventually(t, "an incident whose evidence is stored", func(ctx context.Context) (bool, string) {
		all, err := client.Incidents(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, in = range all {
			if in.Footage.State == models.FootageStored {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d incidents, the last one's footage %s", len(all), in.Footage.State)
	})

	if in.Kind != models.KindLoitering || in.Camera != "gate" || in.Zone != "all" || in.Config == "" {
		t.Errorf("got %s on %s/%s, config %q", in.Kind, in.Camera, in.Zone, in.Config)
	}
	if dwell := in.Alarm.Sub(in.Start); dwell < 3900*time.Millisecond || dwell > 6*time.Second {
		t.Errorf("alarm %s after the arrival, want the dwell of 4 s", dwell)
	}
	if in.Footage.From.After(in.Start) || in.Footage.To.Before(in.End) {
		t.Errorf("clip %s to %s does not hold the visit %s to %s", in.Footage.From, in.Footage.To, in.Start, in.End)
	}
	path := checkObjects(t, bucket, in)
	if n := countFrames(t, path); n != in.Footage.Frames {
		t.Errorf("FFmpeg decodes %d frames, the record says %d", n, in.Footage.Frames)
	}
	if card, err := client.Fetch(t.Context(), "/api/incidents/"+string(in.ID)+"/why"); err != nil || !strings.HasPrefix(string(card), "\xff\xd8") {
		t.Errorf("the picture of why: %d bytes, %v", len(card), err)
	}
	judge(t, client, in, cfg)
	body, err := client.Fetch(t.Context(), "/api/incidents/"+string(in.ID)+"/clip")
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := os.ReadFile(path); err != nil || string(stored) != string(body) {
		t.Errorf("the API's clip is not the bucket's: %d and %d bytes, %v", len(body), len(stored), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	if log := p.Log(); strings.Contains(log, "p@ss") || strings.Contains(log, "p%40ss") || strings.Contains(log, s3.SecretKey) {
		t.Errorf("the log holds a secret:\n%s", log)
	}
}

// judge takes an incident and says what it was in one step, and finds it in the report of
// the running service's index.
func judge(t *testing.T, client *vedettetest.Client, in models.Incident, cfg string) {
	t.Helper()
	var judged models.Incident
	if err := client.Do(t.Context(), http.MethodPost, "/api/incidents/"+string(in.ID)+"/acknowledge",
		map[string]string{"verdict": "nuisance", "reason": "known_person", "note": "the caretaker"}, &judged); err != nil {
		t.Fatal(err)
	}
	if judged.State != models.StateAcknowledged || judged.Judgement == nil || judged.Judgement.Reason != models.NuisanceKnown {
		t.Errorf("got %s, %+v", judged.State, judged.Judgement)
	}
	code, out, stderr := call(t, "report", "precision", "-c", cfg)
	if code != 0 || !strings.Contains(out, "gate/all loitering") || !strings.Contains(out, "1 known person") {
		t.Errorf("report: code %d, %s\n%s", code, stderr, out)
	}
}

func makeBucket(t *testing.T, s3 *miniotest.Server, name string) {
	t.Helper()
	c, err := minio.New(s3.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s3.AccessKey, s3.SecretKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MakeBucket(t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
}

// checkObjects compares every object of the record with what lies in the bucket, and
// returns a copy of the clip.
func checkObjects(t *testing.T, bucket storage.Bucket, in models.Incident) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	roles := map[models.ObjectRole]bool{}
	for _, o := range in.Footage.Objects {
		roles[o.Role] = true
		r, err := bucket.Open(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); int64(len(body)) != o.Size || hex.EncodeToString(sum[:]) != o.SHA256 {
			t.Errorf("%s: %d bytes with hash %x, the record says %d, %s", o.Key, len(body), sum, o.Size, o.SHA256)
		}
		if o.Role == models.RoleClip {
			writeFile(t, clip, string(body))
		}
	}
	for _, role := range []models.ObjectRole{models.RoleClip, models.RoleStill, models.RolePicture, models.RoleWhy, models.RoleMask, models.RoleManifest} {
		if !roles[role] {
			t.Errorf("the record names no %s: %v", role, in.Footage.Objects)
		}
	}
	return clip
}

// TestConsoleInBrowser runs the demo and lets a real browser log in, see a loitering
// incident arrive without reload, play its clip, put it on hold, take a package of it away
// and play continuous footage. The package then proves itself.
func TestConsoleInBrowser(t *testing.T) {
	for _, need := range []string{"/usr/bin/chromium", "../../web/console/node_modules/.package-lock.json", "../../web/console/dist/index.html"} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("the browser test needs %s: make test builds and installs it", need)
		}
	}
	dir := t.TempDir()
	p := start(t, []string{"XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}, "demo", "--video", footage.Path(t, "pets/pets_s2l1.mp4"), "--data", dir+"/data", "--listen", "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), 3*hung) // the browser gives up by itself, and says at what
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "e2e/real.mjs", "--url", p.URL, "--user", "admin", "--password", p.Password, "--timeout", fmt.Sprint(hung.Seconds()), "--fresh", "--evidence", dir)
	cmd.Dir = "../../web/console"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("browser: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	packages, err := filepath.Glob(filepath.Join(dir, "exhibit-*.zip"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("the browser took %v away, %v; want one package", packages, err)
	}
	if code, out, errs := call(t, "verify", packages[0]); code != 0 || !strings.Contains(out, "UNCHANGED") {
		t.Errorf("verify: code %d, %s\n%s", code, out, errs)
	}
}

// TestConfigFollowsTheFile edits the file of a running vedette: a bad edit leaves the
// last good configuration running and says so; a good one is applied without touching
// the stream.
func TestConfigFollowsTheFile(t *testing.T) {
	t.Parallel()
	cam := &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	dir := t.TempDir()
	good := fmt.Sprintf(oneZone, dir+"/data", "{disk: {path: "+dir+"/evidence}}", cam.URL(), "motion")
	path := writeFile(t, filepath.Join(dir, "vedette.yml"), good)
	p := start(t, nil, "run", "-c", path)
	client, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	type status struct {
		Config struct {
			Hash   string   `json:"hash"`
			Errors []string `json:"errors"`
		} `json:"config"`
	}
	var before, now status
	if err := client.Do(t.Context(), http.MethodGet, "/api/status", nil, &before); err != nil {
		t.Fatal(err)
	}
	sessions := func() int {
		var list struct {
			Items []struct {
				Health models.Health `json:"health"`
			} `json:"items"`
		}
		if err := client.Do(t.Context(), http.MethodGet, "/api/cameras", nil, &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != 1 {
			t.Fatalf("got %d cameras, want 1", len(list.Items))
		}
		return list.Items[0].Health.Sessions
	}
	eventually(t, "the camera is connected", func(context.Context) (bool, string) { return sessions() == 1, "" })

	writeFile(t, path, strings.Replace(good, "polygon:", "polygone:", 1))
	eventually(t, "the bad edit is shown", func(ctx context.Context) (bool, string) {
		_ = client.Do(ctx, http.MethodGet, "/api/status", nil, &now)
		return len(now.Config.Errors) > 0, fmt.Sprint(now)
	})
	if e := strings.Join(now.Config.Errors, "\n"); !strings.Contains(e, "vedette.yml:") || !strings.Contains(e, "polygon") {
		t.Errorf("the error does not name place and key: %s", e)
	}
	if now.Config.Hash != before.Config.Hash {
		t.Error("a bad edit changed the configuration in force")
	}
	if body, err := client.Fetch(t.Context(), "/readyz"); err != nil || !strings.Contains(string(body), "polygone") {
		t.Errorf("/readyz does not tell: %s %v", body, err)
	}

	writeFile(t, path, strings.Replace(good, "[1, 1]", "[1, 0.9]", 1))
	eventually(t, "the good edit is in force", func(ctx context.Context) (bool, string) {
		now = status{}
		_ = client.Do(ctx, http.MethodGet, "/api/status", nil, &now)
		return now.Config.Hash != before.Config.Hash && len(now.Config.Errors) == 0, fmt.Sprint(now)
	})
	if n := sessions(); n != 1 {
		t.Errorf("the stream was touched: %d sessions, want 1", n)
	}
	// The custody log is read beside the running program. It knows the good edit alone.
	code, out, errs := call(t, "log", "--json", "-c", path)
	if code != 0 || !strings.Contains(out, `"act":"started"`) || strings.Count(out, `"act":"config_changed"`) != 1 || !strings.Contains(out, now.Config.Hash) {
		t.Errorf("custody log: code %d, %s\n%s", code, errs, out)
	}
	if code, out, _ := call(t, "log", "verify", "-c", path); code != 0 {
		t.Errorf("custody log: %s", out)
	}
}

// TestSecondInstance starts a second vedette on the same data folder.
func TestSecondInstance(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(oneZone, dir+"/data", "{disk: {path: "+dir+"/evidence}}", "rtsp://127.0.0.1:1/none", "motion"))
	p := start(t, nil, "run", "-c", cfg)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	second, err := vedettetest.Start([]string{"VEDETTE_TEST_MAIN=1"}, self, "run", "-c", cfg)
	if err == nil {
		second.Kill()
		t.Fatal("a second instance started on the same data folder")
	}
	if !strings.Contains(err.Error(), fmt.Sprint(p.PID())) {
		t.Errorf("the error does not name the process that holds the folder (%d): %v", p.PID(), err)
	}
}
