package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

func TestRedactMistakes(t *testing.T) {
	dir := t.TempDir()
	cfg := filepath.Join(dir, "vedette.yml")
	if err := os.WriteFile(cfg, []byte("cameras: {gate: {url: rtsp://192.0.2.10/main}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"clip.mp4"}, "name the copy"},
		{[]string{"clip.mp4", "-o", "out.mp4", "--regions-only"}, "name a --region"},
		{[]string{"clip.mp4", "-o", "out.mp4", "--region", "0,0,1,0"}, "three corners"},
		{[]string{"clip.mp4", "-o", "out.mp4", "--region", "0,0,1,0,2,1"}, "from 0 to 1"},
		{[]string{"clip.mp4", "-o", "out.mp4", "--region", "0,0,1,0,NaN,1"}, "from 0 to 1"},
		{[]string{"20260102T030415.000Z-gate", "-o", "out.mp4"}, "has vedette run with this configuration?"},
	} {
		code, _, stderr := call(t, append([]string{"redact", "-c", cfg}, c.args...)...)
		if code != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: code %d, %s; want %q", c.args, code, stderr, c.want)
		}
	}
}

// A region of a film that is no incident's is hidden, and a note beside the copy says so.
func TestRedactRegionOfAFile(t *testing.T) {
	if _, err := decode.NewEncoder(decode.EncoderOptions{}); errors.Is(err, decode.ErrNoEncoder) {
		t.Skip(err)
	}
	film := camtest.Clip{}.Path(t)
	dir := t.TempDir()
	cfg, out := filepath.Join(dir, "vedette.yml"), filepath.Join(dir, "out.mp4")
	if err := os.WriteFile(cfg, []byte("cameras: {gate: {url: rtsp://192.0.2.10/main}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "redact", "-c", cfg, film, "-o", out, "--regions-only", "--region", "0,0,0.5,0,0.5,0.5", "--who", "anna")
	if code != 0 || !strings.Contains(stdout, "40 pictures, something is hidden in 40") || !strings.Contains(stderr, "not signed") {
		t.Fatalf("code %d\n%s\n%s", code, stdout, stderr)
	}
	data, err := os.ReadFile(out + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var report pipeline.RedactReport
	if err := json.Unmarshal(data, &report); err != nil || report.By != "anna" || report.Hidden != 40 || len(report.Regions) != 1 || report.Master.Key != filepath.Base(film) {
		t.Errorf("the note says %s (%v)", data, err)
	}
	if code, _, stderr := call(t, "redact", "-c", cfg, film, "-o", out, "--regions-only", "--region", "0,0,0.5,0,0.5,0.5"); code != 1 || !strings.Contains(stderr, "exists already") {
		t.Errorf("over a file that is there: code %d, %s", code, stderr)
	}
}
