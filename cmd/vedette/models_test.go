package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"

	"github.com/vedette-cctv/vedette/internal/footage"
)

// publish makes data the published weights of a test.
func publish(t *testing.T, data []byte) publishedWeights {
	t.Helper()
	sum := sha256.Sum256(data)
	w := publishedWeights{name: "test_net", what: "a network for tests", licence: "Apache-2.0",
		sha256: hex.EncodeToString(sum[:]), size: int64(len(data))}
	old := catalogue
	catalogue = append([]publishedWeights{w}, old...)
	t.Cleanup(func() { catalogue = old })
	return w
}

func TestModelsPull(t *testing.T) {
	good := bytes.Repeat([]byte("weights "), 20_000)
	publish(t, good)
	other := bytes.Repeat([]byte("Weights "), 20_000)
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		want  string // of the error; empty when it must work
	}{
		{"good", func(w http.ResponseWriter, _ *http.Request) { w.Write(good) }, ""},
		{"not there", http.NotFound, "404"},
		{"other bytes", func(w http.ResponseWriter, _ *http.Request) { w.Write(other) }, "SHA-256"},
		{"short", func(w http.ResponseWriter, _ *http.Request) { w.Write(good[:100]) }, "breaks off after 100"},
		{"connection lost", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			w.Write(good[:100])
		}, "unexpected EOF"},
		{"too long", func(w http.ResponseWriter, _ *http.Request) { w.Write(good); w.Write(good) }, "longer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.serve)
			defer server.Close()
			dir := filepath.Join(t.TempDir(), "models")
			code, stdout, stderr := call(t, "models", "pull", "test_net", "--url", server.URL+"/w.onnx", "--to", dir)
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want != "" {
				if code != 1 || !strings.Contains(stderr, tc.want) || len(left) != 0 {
					t.Errorf("got code %d, %q, %d files left; want %q and none", code, stderr, len(left), tc.want)
				}
				return
			}
			if got, err := os.ReadFile(filepath.Join(dir, "test_net.onnx")); code != 0 || err != nil || !bytes.Equal(got, good) || len(left) != 1 {
				t.Errorf("got code %d, %v, %d files: %s", code, err, len(left), stderr)
			}
			if !strings.Contains(stdout, "licence: Apache-2.0") || !strings.Contains(stdout, "verified") {
				t.Errorf("got %q", stdout)
			}
			server.Close()
			if code, stdout, _ := call(t, "models", "pull", "test_net", "--url", server.URL, "--to", dir); code != 0 || !strings.Contains(stdout, "already there") {
				t.Errorf("what is there was fetched again: code %d, %q", code, stdout)
			}
		})
	}
}

func TestModelsPullFromFile(t *testing.T) {
	good := []byte("weights")
	publish(t, good)
	dir := t.TempDir()
	from := writeFile(t, filepath.Join(dir, "copy"), string(good))
	if code, _, stderr := call(t, "models", "pull", "test_net", "--from", from, "--to", filepath.Join(dir, "models")); code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	for _, tc := range []struct {
		want string
		args []string
	}{
		{"no such file", []string{"--from", filepath.Join(dir, "none"), "--to", filepath.Join(dir, "m2")}},
		{"contradict", []string{"--from", from, "--url", "http://192.0.2.1/"}},
		{"yolox_nano", []string{"unheard_of"}},
	} {
		args := append([]string{"models", "pull"}, tc.args...)
		if tc.args[0] != "unheard_of" {
			args = append(args, "test_net")
		}
		if code, _, stderr := call(t, args...); code != 1 || !strings.Contains(stderr, tc.want) {
			t.Errorf("%v: got code %d, %q; want %q", args, code, stderr, tc.want)
		}
	}
	// Pulling heals a file that went bad.
	path := writeFile(t, filepath.Join(dir, "models", "test_net.onnx"), "wEights")
	if code, stdout, _ := call(t, "models", "pull", "test_net", "--from", from, "--to", filepath.Join(dir, "models")); code != 0 || strings.Contains(stdout, "already") {
		t.Errorf("got code %d, %q", code, stdout)
	}
	if got, _ := os.ReadFile(path); string(got) != "weights" {
		t.Errorf("got %q", got)
	}
}

func TestModelsListAndVerify(t *testing.T) {
	publish(t, []byte("weights"))
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "c.yml"), "models: {path: ["+dir+"]}\n"+minimal)
	if code, stdout, _ := call(t, "models", "verify", "-c", cfg, "test_net"); code != 1 || !strings.Contains(stdout, "no test_net.onnx in "+dir) {
		t.Errorf("missing: got code %d, %q", code, stdout)
	}
	path := writeFile(t, filepath.Join(dir, "test_net.onnx"), "weights")
	writeFile(t, filepath.Join(dir, "mine.onnx"), "mine")
	if code, stdout, _ := call(t, "models", "verify", "-c", cfg, "test_net"); code != 0 || !strings.Contains(stdout, "good: "+path) {
		t.Errorf("good: got code %d, %q", code, stdout)
	}
	code, stdout, _ := call(t, "models", "list", "-c", cfg)
	for _, want := range []string{"test_net", "Apache-2.0", path, "yolox_nano", "mine", "your own", catalogue[0].url, catalogue[0].sha256} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("list lacks %q: code %d, %q", want, code, stdout)
		}
	}
	writeFile(t, path, "Weights")
	if code, stdout, _ := call(t, "models", "verify", "-c", cfg, "test_net"); code != 1 || !strings.Contains(stdout, "SHA-256") {
		t.Errorf("other bytes: got code %d, %q", code, stdout)
	}
}

func TestTheCatalogueIsPinned(t *testing.T) {
	for _, w := range catalogue {
		if raw, err := hex.DecodeString(w.sha256); err != nil || len(raw) != sha256.Size || w.size <= 0 || w.licence == "" || !strings.HasPrefix(w.url, "https://") {
			t.Errorf("%+v", w)
		}
	}
	path := footage.Path(t, "models/yolox_nano.onnx")
	w, err := inCatalogue("yolox_nano")
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() != w.size || verify(path, w) != nil {
		t.Errorf("%v, %v", err, verify(path, w))
	}
}

// Whatever is wrong with weights or library, vedette says it once and runs on motion alone.
func TestMotionAlone(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	cameras := []config.Camera{{Detect: config.Detect{Objects: true}}}
	for _, tc := range []struct {
		name string
		cfg  config.Config
		want string
	}{
		{"no weights", config.Config{Cameras: cameras, Models: config.Models{Path: []string{dir}, Weights: "yolox_nano"}}, "vedette models pull yolox_nano"},
		{"a truncated file", config.Config{Cameras: cameras, Models: config.Models{Path: []string{filepath.Dir(
			writeFile(t, filepath.Join(t.TempDir(), "yolox_nano.onnx"), "half"))}, Weights: "yolox_nano"}}, "SHA-256"},
		{"a folder", config.Config{Cameras: cameras, Models: config.Models{Path: []string{func() string {
			d := t.TempDir()
			if err := os.Mkdir(filepath.Join(d, "own.onnx"), fs.ModePerm); err != nil {
				t.Fatal(err)
			}
			return d
		}()}, Weights: "own"}}, "not a regular file"},
		{"nobody asks for objects", config.Config{Cameras: []config.Camera{{}}, Models: config.Models{Path: []string{dir}, Weights: "yolox_nano"}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log bytes.Buffer
			d, closeIt := objectDetector(&tc.cfg, slog.New(slog.NewTextHandler(&log, nil)))
			closeIt()
			if lines := strings.Count(log.String(), "motion alone"); d != nil || !strings.Contains(log.String(), tc.want) || (lines == 1) != (tc.want != "") {
				t.Errorf("got %v, %q; want %q", d, log.String(), tc.want)
			}
		})
	}
}

// With weights the same film gives the same incidents, and they know what they are about.
func TestAnalyzeWithWeights(t *testing.T) {
	weights := footage.Path(t, "models/yolox_nano.onnx")
	video := footage.Path(t, "clips/mall_corridor.mp4")
	cfg := writeFile(t, filepath.Join(t.TempDir(), "c.yml"), "defaults: {detect: {fps: 5}}\nmodels: {path: ["+filepath.Dir(weights)+"]}\n"+
		strings.Replace(minimal, "{kind: motion}", "{kind: motion, labels: [person]}", 1))
	args := []string{"analyze", "-c", cfg, "--camera", "gate", "--format", "jsonl", video}
	code, first, stderr := call(t, args...)
	if strings.Contains(stderr, "ONNX Runtime") {
		t.Skipf("ONNX Runtime is not present: %s", stderr)
	}
	if code != 0 || !strings.Contains(first, `"label":"person"`) {
		t.Errorf("code %d, %s\n%s", code, stderr, first)
	}
	if _, second, _ := call(t, args...); second != first {
		t.Error("two runs over the same film differ")
	}
}
