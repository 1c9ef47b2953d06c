package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/exhibit"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// elsewhere is another machine, as far as one can be had here: a folder with the program
// and nothing else, no environment, and no network where the kernel allows that.
type elsewhere struct{ dir, program string }

func newElsewhere(t *testing.T) elsewhere {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	e := elsewhere{dir: t.TempDir()}
	e.program = filepath.Join(e.dir, "vedette")
	if err := os.WriteFile(e.program, data, 0o700); err != nil {
		t.Fatal(err)
	}
	return e
}

// run runs the program there.
func (e elsewhere) run(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	line := append([]string{e.program}, args...)
	if exec.Command("unshare", "--net", "true").Run() == nil {
		line = append([]string{"unshare", "--net"}, line...)
	} else {
		t.Log("the network could not be taken away")
	}
	cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
	cmd.Dir, cmd.Env = e.dir, []string{"VEDETTE_TEST_MAIN=1", "PATH=" + os.Getenv("PATH")}
	both, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(both)
}

// From a camera to a package that is checked elsewhere: exported on the command line while
// the service runs, and by the console's button.
func TestExportAndVerifyElsewhere(t *testing.T) {
	t.Parallel()
	cam := &camtest.Camera{Media: camtest.Clip{Seconds: 4}.Load(t), Loop: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	dir := t.TempDir()
	settings := fmt.Sprintf(oneZone, dir+"/data", "{disk: {path: "+dir+"/evidence}}", strings.Replace(cam.URL(), "rtsp://", "rtsp://viewer:${CAM_PASSWORD}@", 1), "motion")
	cfg := writeFile(t, filepath.Join(dir, "vedette.yml"), settings)
	p := start(t, []string{"CAM_PASSWORD=hunter2"}, "run", "-c", cfg)
	client, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	in := storedMotion(t, client, cam)

	there := newElsewhere(t)
	file := filepath.Join(there.dir, "case.zip")
	code, out, stderr := call(t, "export", string(in.ID), "-c", cfg, "-o", file, "--why", "asked for by the police", "--reference", "4711", "--who", "mara")
	if code != 0 || !strings.Contains(out, "SHA-256 ") {
		t.Fatalf("export: code %d, %s%s", code, out, stderr)
	}
	if code, _, stderr := call(t, "export", string(in.ID), "-c", cfg, "-o", file); code != 1 || !strings.Contains(stderr, "is there already") {
		t.Errorf("a second export over the first: code %d, %s", code, stderr)
	}
	if code, out := there.run(t, "verify", "case.zip"); code != 0 || !strings.Contains(out, "UNCHANGED") || !strings.Contains(out, string(in.ID)) {
		t.Errorf("verify: code %d\n%s", code, out)
	}
	var keys struct {
		Items []struct {
			Fingerprint string `json:"fingerprint"`
		} `json:"items"`
	}
	if err := client.Do(t.Context(), http.MethodGet, "/api/keys", nil, &keys); err != nil {
		t.Fatal(err)
	}
	if code, out := there.run(t, "verify", "--key", keys.Items[0].Fingerprint, "case.zip"); code != 0 || !strings.Contains(out, "GENUINE") {
		t.Errorf("verify with the fingerprint of the console: code %d\n%s", code, out)
	}
	if code, out := there.run(t, "verify", "--key", strings.Repeat("00", 32), "case.zip"); code != 1 || !strings.Contains(out, "NOT IN ORDER") {
		t.Errorf("verify with another fingerprint: code %d\n%s", code, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("hunter2")) || bytes.Contains(data, []byte("viewer:")) {
		t.Error("the package holds the camera's password")
	}
	data[len(data)/2] ^= 1
	writeFile(t, filepath.Join(there.dir, "altered.zip"), string(data))
	code, out = there.run(t, "verify", "--json", "altered.zip")
	var said struct {
		OK bool `json:"ok"`
		exhibit.Findings
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 1 || said.OK || len(said.Problems) == 0 {
		t.Errorf("one bit altered: code %d, %v\n%s", code, err, out)
	}

	// The console's button, and what the custody log of it says.
	var body []byte
	if err := client.Do(t.Context(), http.MethodPost, "/api/exhibits", map[string]any{"incidents": []string{string(in.ID)}, "why": "for the insurer"}, &body); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(there.dir, "button.zip"), string(body))
	code, out = there.run(t, "verify", "button.zip")
	if code != 0 || !strings.Contains(out, "for the insurer") || !strings.Contains(out, "by admin") {
		t.Errorf("the console's package: code %d\n%s", code, out)
	}
	var chain struct {
		Items []models.CustodyRecord `json:"items"`
	}
	if err := client.Do(t.Context(), http.MethodGet, "/api/incidents/"+string(in.ID)+"/custody", nil, &chain); err != nil {
		t.Fatal(err)
	}
	var exported []string
	for _, r := range chain.Items {
		if r.Act == models.ActExported {
			exported = append(exported, r.Who+": "+r.Note)
		}
	}
	if got, want := strings.Join(exported, "; "), "mara: asked for by the police; admin: for the insurer"; got != want {
		t.Errorf("the custody log says %q, want %q", got, want)
	}
}

// storedMotion waits for the incident that the camera's picture opens, ends it by taking
// the camera away, and returns it when its evidence is stored.
func storedMotion(t *testing.T, client *vedettetest.Client, cam *camtest.Camera) models.Incident {
	t.Helper()
	var in models.Incident
	footage := func(want func(models.Incident) bool) func(context.Context) (bool, string) {
		return func(ctx context.Context) (bool, string) {
			all, err := client.Incidents(ctx)
			if err != nil {
				return false, err.Error()
			}
			for _, in = range all {
				if in.Kind == models.KindMotion && want(in) {
					return true, ""
				}
			}
			return false, fmt.Sprintf("%d incidents", len(all))
		}
	}
	eventually(t, "something moves", footage(func(models.Incident) bool { return true }))
	timer := time.NewTimer(3 * time.Second) // so that there is something to see
	<-timer.C
	cam.Stop()
	eventually(t, "its evidence is stored", footage(func(in models.Incident) bool { return in.Footage.State == models.FootageStored }))
	return in
}
