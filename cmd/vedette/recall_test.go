package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

func TestParseTime(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2026, 11, 22, 14, 30, 0, 0, vienna)
	for text, want := range map[string]time.Time{
		"2026-11-22T14:00:00Z":      time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC),
		"2026-11-22T14:00:00+01:00": time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC),
		"2026-11-22 14:00":          time.Date(2026, 11, 22, 14, 0, 0, 0, vienna),
		"2026-11-22 14:00:05.5":     time.Date(2026, 11, 22, 14, 0, 5, 5e8, vienna),
		"2026-11-22":                time.Date(2026, 11, 22, 0, 0, 0, 0, vienna),
		"14:00":                     time.Date(2026, 11, 22, 14, 0, 0, 0, vienna),
		"23:15:30":                  time.Date(2026, 11, 21, 23, 15, 30, 0, vienna),
		"-10m":                      now.Add(-10 * time.Minute),
		"-0s":                       now,
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "25:00", "--10m", "10m", "2026-13-01"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	if s, err := recallSpan("14:00", "+10m", now); err != nil || s.To.Sub(s.From) != 10*time.Minute {
		t.Errorf("+10m: %v, %v", s, err)
	}
	for _, tt := range [][2]string{{"14:00", "13:00"}, {"14:00", "+"}, {"14:00", "+-1m"}, {"x", "14:00"}, {"14:00", "x"}} {
		if s, err := recallSpan(tt[0], tt[1], now); err == nil {
			t.Errorf("%v: %v", tt, s)
		}
	}
}

// TestRecallWhileVedetteRuns runs the whole program on a camera in a box and recalls, with
// the verb and through the API, what was recorded a moment ago.
func TestRecallWhileVedetteRuns(t *testing.T) {
	t.Parallel()
	cam := &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "vedette.yml"),
		fmt.Sprintf("web: {listen: 127.0.0.1:0}\ncameras:\n  gate: {url: %q, record: {continuous: true}}\n", cam.URL()))
	begin := time.Now()
	running := start(t, nil, "run", "-c", path)
	eventually(t, "four seconds of footage", func(context.Context) (bool, string) {
		files, _ := filepath.Glob(filepath.Join(dir, "data", "archive", "gate", "*", "*.fmp4"))
		if len(files) == 0 {
			return false, "no segment"
		}
		info, err := clip.Stat(files[0])
		return err == nil && info.Frames >= 40, fmt.Sprintf("%d frames, %v", info.Frames, err)
	})
	out := filepath.Join(dir, "out.mp4")
	var stdout, stderr bytes.Buffer
	p := &program{stdout: &stdout, stderr: &stderr, env: os.LookupEnv}
	if code := p.main(t.Context(), []string{"recall", "-c", path, "--camera", "gate", "--from", begin.Format(time.RFC3339), "-o", out}); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "out.mp4") || !strings.Contains(stdout.String(), "missing") {
		t.Errorf("said: %s", stdout.String())
	}
	var note recallNote
	data, err := os.ReadFile(filepath.Join(dir, "out.json"))
	if err == nil {
		err = json.Unmarshal(data, &note)
	}
	video, rerr := os.ReadFile(out)
	if err != nil || rerr != nil {
		t.Fatal(err, rerr)
	}
	sum := sha256.Sum256(video)
	info, err := clip.Stat(out)
	if err != nil || note.SHA256 != hex.EncodeToString(sum[:]) || note.Frames != info.Frames || info.Frames < 30 || note.Camera != "gate" {
		t.Errorf("note %+v, clip %+v, %v", note, info, err)
	}
	if info.Meta.Camera != "gate" || info.Clock == "" {
		t.Errorf("the clip says of itself: %+v", info)
	}
	for _, g := range note.Gaps {
		if g.Cause != models.CauseNotRecorded && g.Cause != models.CauseStream {
			t.Errorf("gap %+v", g)
		}
	}
	client, err := vedettetest.Login(t.Context(), running.URL, running.Password)
	if err != nil {
		t.Fatal(err)
	}
	body, err := client.Fetch(t.Context(), "/api/recall/gate/clip.mp4?from="+note.Got.From.Format(time.RFC3339Nano)+"&to="+note.Got.To.Format(time.RFC3339Nano))
	if err != nil {
		t.Fatal(err)
	}
	same := filepath.Join(dir, "api.mp4")
	if err := os.WriteFile(same, body, 0o600); err != nil {
		t.Fatal(err)
	}
	// The end of the newest picture was a guess; the next one may have come a little sooner.
	if got, err := clip.Stat(same); err != nil || got.Frames < info.Frames || got.Frames > info.Frames+1 {
		t.Errorf("through the API: %+v, %v", got, err)
	}
	// A file up to now grows while a browser fetches it in parts; one that ends a second
	// before what there is stays as it is.
	settled := "/api/recall/gate/clip.mp4?from=" + note.Got.From.Format(time.RFC3339Nano) + "&to=" + note.Got.To.Add(-time.Second).Format(time.RFC3339Nano)
	first, err := client.Fetch(t.Context(), settled)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "more footage", func(ctx context.Context) (bool, string) {
		longer, err := client.Fetch(ctx, "/api/recall/gate/clip.mp4?from="+note.Got.From.Format(time.RFC3339Nano)+"&to="+time.Now().Format(time.RFC3339Nano))
		return err == nil && len(longer) > len(body)+len(body)/4, fmt.Sprintf("%d bytes, %v", len(longer), err)
	})
	if second, err := client.Fetch(t.Context(), settled); err != nil || !bytes.Equal(first, second) {
		t.Errorf("fetched again the clip is another one: %d and %d bytes, %v", len(first), len(second), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	if err := running.Stop(ctx); err != nil {
		t.Error(err)
	}
	a, err := archive.Open(filepath.Join(dir, "data", "archive"), archive.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	day := models.Span{From: begin.Add(-time.Minute), To: time.Now().Add(time.Minute)}
	if grids, err := a.Grids("gate", day); err != nil || len(grids) == 0 || grids[0].Analysed == 0 {
		t.Errorf("motion: %d grids, %v", len(grids), err)
	}
	if all, err := a.Segments("gate", day); err != nil || len(all) != 1 || all[0].Open || all[0].SHA256 == "" {
		t.Errorf("after the stop: %+v, %v", all, err)
	}
	if code := p.main(t.Context(), []string{"recall", "-c", path, "--camera", "gate", "--from", "2020-01-01", "--to", "+1m", "-o", out}); code != 1 {
		t.Errorf("a time without footage: exit code %d", code)
	}
}
