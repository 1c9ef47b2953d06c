package main

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/internal/footage"
)

const minimal = `cameras:
  gate:
    url: rtsp://viewer:${GATE_PASSWORD}@192.0.2.10/main
    zones:
      door:
        polygon: [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
        rules:
          - {kind: motion}
`

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	bad := strings.NewReplacer("zones:", "zoness:").Replace(minimal)
	for _, tc := range []struct {
		name, text string
		args       []string
		code       int
		stdout     string
		stderr     []string
	}{
		{"good with placeholders", minimal, []string{"--placeholders"}, 0, "good: 1 camera, 1 zone, 1 rule", nil},
		{"missing secret", minimal, nil, 1, "", []string{":3:", "GATE_PASSWORD"}},
		{"misspelt key", bad, []string{"--placeholders"}, 1, "", []string{":4:", "zoness", `zones`}},
		{"empty", "", nil, 1, "", []string{"empty.yml"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := writeFile(t, filepath.Join(dir, strings.ReplaceAll(tc.name, " ", "-")+".yml"), tc.text)
			code, stdout, stderr := call(t, append([]string{"check", path}, tc.args...)...)
			if code != tc.code || !strings.Contains(stdout, tc.stdout) {
				t.Errorf("got code %d, %q, %q", code, stdout, stderr)
			}
			for _, want := range tc.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q: %s", want, stderr)
				}
			}
		})
	}
}

func TestSchemaIsJSON(t *testing.T) {
	code, stdout, _ := call(t, "schema")
	var v map[string]any
	if err := json.Unmarshal([]byte(stdout), &v); code != 0 || err != nil || v["$schema"] == nil {
		t.Errorf("got code %d, %v, %.80s", code, err, stdout)
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, 0, "analyze"},
		{[]string{"version"}, 0, "vedette"},
		{[]string{"nonsense"}, 2, "nonsense"},
		{[]string{"run", "-c", "/does/not/exist.yml"}, 1, "/does/not/exist.yml"},
		{[]string{"check", "/does/not/exist.yml"}, 1, "/does/not/exist.yml"},
	} {
		code, stdout, stderr := call(t, tc.args...)
		if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
			t.Errorf("%v: got code %d, %q %q; want %d with %q", tc.args, code, stdout, stderr, tc.code, tc.want)
		}
	}
}

func TestAnalyze(t *testing.T) {
	video := footage.Path(t, "clips/one_by_one_person.mp4")
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "c.yml"), strings.Replace(minimal, "{kind: motion}", "{kind: loitering, dwell: 5s, grace: 2s}", 1))
	tracks := filepath.Join(dir, "tracks.txt")
	cards := filepath.Join(dir, "cards")
	args := []string{"analyze", "--config", cfg, "--camera", "gate", "--format", "jsonl", "--tracks", tracks, video}
	code, first, stderr := call(t, args...)
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(first), "\n")
	if len(lines) < 4 {
		t.Errorf("got %d incidents for six people who stay 12 s and longer:\n%s", len(lines), first)
	}
	prompt := 0
	for _, l := range lines {
		var got line
		if err := json.Unmarshal([]byte(l), &got); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		if got.Kind != "loitering" || got.Camera != "gate" || got.Zone != "door" || got.Box[2] <= 0 {
			t.Errorf("got %s", l)
		}
		// A track may need longer than the dwell until it is believed, never less.
		if e := got.Events[0]; len(e.Why) == 0 || len(e.Curve) < 2 || e.Curve[0][0] < got.Start-.01 {
			t.Errorf("it does not say why, or how that came about: %s", l)
		}
		d := got.Alarm - got.Start
		if d < 4.99 || got.End < got.Alarm {
			t.Errorf("alarm %.2f s after the arrival, want 5 or a little more: %s", d, l)
		}
		if d < 5.5 {
			prompt++
		}
	}
	if prompt < 4 {
		t.Errorf("%d alarms came when they were due, want at least 4 of the six people", prompt)
	}
	if text, err := os.ReadFile(tracks); err != nil || strings.Count(string(text), ",") < 9*500 {
		t.Errorf("tracks: %d bytes, %v", len(text), err)
	}
	if _, second, _ := call(t, append(args, "--cards", cards)...); second != first {
		t.Error("two runs over the same film differ")
	}
	all, err := filepath.Glob(filepath.Join(cards, "*-gate-door-loitering-*.jpg"))
	if err != nil || len(all) != len(lines) {
		t.Errorf("got %d cards for %d incidents, %v", len(all), len(lines), err)
	}
	for _, path := range all {
		card, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if size, err := jpeg.DecodeConfig(bytes.NewReader(card)); err != nil || size.Height < size.Width || len(card) > 300_000 {
			t.Errorf("%s: %d bytes, %v, %v", filepath.Base(path), len(card), size, err)
		}
	}
}

func TestAnalyzeForeground(t *testing.T) {
	video := footage.Path(t, "background/wallflower/Camouflage.mp4")
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "c.yml"), minimal)
	masks := filepath.Join(dir, "masks")
	if code, _, stderr := call(t, "analyze", "-c", cfg, "--camera", "gate", "--foreground", masks, video); code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	first, err := os.Stat(filepath.Join(masks, "000001.png"))
	if err != nil || first.Size() == 0 {
		t.Errorf("no mask of the first frame: %v", err)
	}
	if all, _ := filepath.Glob(filepath.Join(masks, "*.png")); len(all) < 300 {
		t.Errorf("got %d masks, want one for each frame", len(all))
	}
}

func TestAnalyzeBadInput(t *testing.T) {
	dir := t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "c.yml"), minimal)
	empty := writeFile(t, filepath.Join(dir, "empty.mp4"), "")
	text := writeFile(t, filepath.Join(dir, "text.mp4"), strings.Repeat("this is no film\n", 1000))
	for _, tc := range []struct {
		name, camera, video, want string
	}{
		{"empty file", "gate", empty, "empty.mp4"},
		{"not a film", "gate", text, "text.mp4"},
		{"no such file", "gate", filepath.Join(dir, "none.mp4"), "none.mp4"},
		{"no such camera", "yard", empty, "yard"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, stdout, stderr := call(t, "analyze", "-c", cfg, "--camera", tc.camera, "--format", "jsonl", tc.video)
			if code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("got code %d, %q, %q; want 1 and an error that names %q", code, stdout, stderr, tc.want)
			}
		})
	}
	t.Run("truncated film", func(t *testing.T) {
		whole, err := os.ReadFile(footage.Path(t, "clips/one_by_one_person.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		cut := writeFile(t, filepath.Join(dir, "cut.mp4"), string(whole[:len(whole)/2]))
		if code, _, stderr := call(t, "analyze", "-c", cfg, "--camera", "gate", cut); code != 1 || !strings.Contains(stderr, "cut.mp4") {
			t.Errorf("got code %d, %q; want 1 and an error that names the file", code, stderr)
		}
	})
}
