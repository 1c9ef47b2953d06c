package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/web"
)

// TestDeviceOpensAnIncident runs the whole program on a camera in a box. A door reports; the
// camera's footage of that time ends up beside the incident, and so does a file that
// somebody attaches.
func TestDeviceOpensAnIncident(t *testing.T) {
	t.Parallel()
	cam := &camtest.Camera{Media: camtest.Clip{}.Load(t), Loop: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(`web: {listen: 127.0.0.1:0}
cameras:
  gate: {url: %q, record: {continuous: true}}
inbound:
  door: {kind: access, auth: bearer, secret: the secret of the door, camera: gate, severity: high, before: 1s, after: 1s}
`, cam.URL()))
	running := start(t, nil, "run", "-c", path)
	eventually(t, "three seconds of footage", func(context.Context) (bool, string) {
		files, _ := filepath.Glob(filepath.Join(dir, "data", "archive", "gate", "*", "*.fmp4"))
		if len(files) == 0 {
			return false, "no segment"
		}
		info, err := clip.Stat(files[0])
		return err == nil && info.Frames >= 30, fmt.Sprintf("%d frames, %v", info.Frames, err)
	})
	req, err := http.NewRequestWithContext(t.Context(), "POST", running.URL+"/api/inbound/door", strings.NewReader(`{"id":"evt-1","topic":"door.forced"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the secret of the door")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var results web.InboundResults
	err = json.NewDecoder(res.Body).Decode(&results)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || len(results.Items) != 1 || results.Items[0].Result != "opened" {
		t.Fatalf("%d %+v, %v", res.StatusCode, results, err)
	}
	client, err := vedettetest.Login(t.Context(), running.URL, running.Password)
	if err != nil {
		t.Fatal(err)
	}
	id := models.IncidentID(results.Items[0].Incident)
	of := "/api/incidents/" + string(id)
	if err := client.Do(t.Context(), "POST", of+"/attachments?name=reader.json", map[string]int{"card": 4711}, nil); err != nil {
		t.Fatal(err)
	}
	var in models.Incident
	eventually(t, "footage and file in the bucket", func(ctx context.Context) (bool, string) {
		in, err = client.Incident(ctx, id)
		i := in.Investigation
		return err == nil && len(i.Exhibits) == 1 && i.Exhibits[0].Object.Key != "" && len(i.Attachments) == 1 && i.Attachments[0].Key != "", fmt.Sprintf("%+v, %v", i, err)
	})
	body, err := client.Fetch(t.Context(), of+"/attachments/"+in.Investigation.Attachments[0].ID)
	if err != nil || strings.TrimSpace(string(body)) != `{"card":4711}` {
		t.Errorf("%q, %v", body, err)
	}
	x := in.Investigation.Exhibits[0]
	video, err := client.Fetch(t.Context(), of+"/exhibits/"+x.ID+"/clip.mp4")
	if err != nil || int64(len(video)) != x.Object.Size {
		t.Fatalf("%d bytes of %d, %v", len(video), x.Object.Size, err)
	}
	file := filepath.Join(dir, "exhibit.mp4")
	if err := os.WriteFile(file, video, 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := clip.Stat(file); err != nil || info.Frames < 10 || info.Meta.Camera != "gate" || info.From.After(in.Alarm) || info.To.Before(in.Alarm) {
		t.Errorf("%+v, %v; the alarm was at %s", info, err, in.Alarm)
	}
	// What was set aside for it on the way is gone.
	for _, folder := range []string{"attachments", "exhibits"} {
		list, err := os.ReadDir(filepath.Join(dir, "data", folder))
		if err != nil || len(list) > 1 { // the folder for what is damaged
			t.Errorf("%s: %v, %v", folder, list, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	if err := running.Stop(ctx); err != nil {
		t.Error(err)
	}
}
