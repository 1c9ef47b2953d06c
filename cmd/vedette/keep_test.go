package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// A thief takes the recorder while somebody still loiters. Whoever has only the bucket
// finds the incident and plays its footage; a new recorder takes both up.
func TestStolenRecorder(t *testing.T) {
	media, err := camtest.LoadMP4(footage.Path(t, "clips/one_by_one_person.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	camera := &camtest.Camera{Media: media, Loop: true}
	if err := camera.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(camera.Stop)
	dir, bucketDir := t.TempDir(), t.TempDir()
	cfg := writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(oneZone, dir+"/data", "{disk: {path: "+bucketDir+"}}", camera.URL(), "motion"))
	p := start(t, nil, "run", "-c", cfg)
	var live storage.Live
	eventually(t, 2*time.Minute, "several parts of a growing clip in the bucket", func(context.Context) (bool, string) {
		found, err := filepath.Glob(bucketDir + "/incidents/*/*/*/*/" + storage.LiveFile)
		if err != nil || len(found) == 0 {
			return false, fmt.Sprintf("%d incidents, %v", len(found), err)
		}
		data, err := os.ReadFile(found[0])
		if err != nil {
			return false, err.Error()
		}
		if live, err = storage.ReadLive(data); err != nil {
			t.Fatal(err)
		}
		return len(live.Files) > 0 && live.Files[0].Parts >= 3, fmt.Sprintf("%+v", live.Files)
	})
	p.Kill()
	stolen := time.Now()
	if err := os.RemoveAll(dir + "/data"); err != nil {
		t.Fatal(err)
	}

	// By hand: the parts joined in their order are a clip.
	data, err := readParts(bucketDir, live.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	joined := writeFile(t, filepath.Join(t.TempDir(), "joined.mp4"), string(data))
	info, err := clip.Stat(joined)
	if err != nil || info.Frames < 10 {
		t.Fatalf("joined: %+v, %v", info, err)
	}
	if lost := stolen.Sub(info.To); lost > 10*time.Second {
		t.Errorf("the last %v are lost", lost.Round(time.Second))
	}
	if info.To.Before(live.UpTo) {
		t.Errorf("said to reach %v, reaches %v", live.UpTo, info.To)
	}
	if n := countFrames(t, joined); n != info.Frames {
		t.Errorf("FFmpeg decodes %d frames of %d", n, info.Frames)
	}

	// By a new recorder, when the old one has been silent for long enough.
	live.At = live.At.Add(-time.Hour)
	text, err := json.Marshal(live)
	if err != nil {
		t.Fatal(err)
	}
	if err := overwriteLive(bucketDir, live, text); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := call(t, "reindex", "-c", cfg)
	if code != 0 || !strings.Contains(out, "whose recorder was lost") {
		t.Fatalf("reindex: code %d\n%s%s", code, out, stderr)
	}
	p = start(t, nil, "run", "-c", cfg)
	client, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	in, err := client.Incident(t.Context(), live.Incident.ID)
	if err != nil || in.Footage.State != models.FootageStored || in.Footage.UploadNote == "" {
		t.Fatalf("got %+v, %v", in.Footage, err)
	}
	served, err := client.Fetch(t.Context(), "/api/incidents/"+string(in.ID)+"/clip")
	if err != nil || string(served) != string(data) {
		t.Errorf("the console serves %d bytes of %d, %v", len(served), len(data), err)
	}

	// It is held beside the running program, and what people do is found beside the footage.
	code, out, stderr = call(t, "hold", string(in.ID), "-c", cfg, "--why", "case 17/2026", "--until", "2999-01-01", "--who", "ada")
	if code != 0 || !strings.Contains(out, "held until") {
		t.Fatalf("hold: code %d\n%s%s", code, out, stderr)
	}
	if in, err = client.Incident(t.Context(), in.ID); err != nil || in.Hold == nil || in.Hold.By != "ada" || in.Hold.Why != "case 17/2026" {
		t.Errorf("held: %+v, %v", in.Hold, err)
	}
	code, out, stderr = call(t, "release", string(in.ID), "no-such", "-c", cfg, "--why", "closed")
	if code != 1 || !strings.Contains(out, "released") || !strings.Contains(stderr, "no-such") {
		t.Errorf("release: code %d\n%s%s", code, out, stderr)
	}
	if err := client.Do(t.Context(), http.MethodPost, "/api/incidents/"+string(in.ID)+"/acknowledge", map[string]string{}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the copy of the record says what was done", func(context.Context) (bool, string) {
		data, err := os.ReadFile(filepath.Join(bucketDir, filepath.Dir(filepath.Clean(live.Files[0].Folder)), storage.RecordObject))
		return err == nil && strings.Contains(string(data), `"acknowledged"`) && strings.Contains(string(data), `"released"`), string(data)
	})
}

func readParts(bucket string, f storage.LivePart) ([]byte, error) {
	var all []byte
	for n := 1; ; n++ {
		data, err := os.ReadFile(filepath.Join(bucket, f.Folder, fmt.Sprintf("%06d.fmp4", n)))
		if os.IsNotExist(err) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
	}
}

func overwriteLive(bucket string, live storage.Live, data []byte) error {
	return os.WriteFile(filepath.Join(bucket, live.Files[0].Folder, "live.json"), data, fs.FileMode(0o600))
}
