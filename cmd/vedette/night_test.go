package main

import (
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

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// oneNight is a site with two cameras, a post beside the first of them, and a preset that
// makes who stays at its counter suspicious.
const oneNight = `
data: %[1]s/data
web: {listen: "127.0.0.1:0"}
storage: {bucket: {disk: {path: %[1]s/evidence}}}
defaults: {record: {continuous: true, size: 1GiB}}
sites:
  arcade: {name: Shopping arcade, position: [48.2082, 16.3738]}
groups:
  inside: [lobby, walkway]
cameras:
  lobby:
    name: Lobby
    url: %[2]s
    site: arcade
    position: [48.2084, 16.3741]
    pre_roll: 5s
    post_roll: 3s
    zones:
      counter:
        polygon: [[0.05, 0.1], [0.95, 0.1], [0.95, 0.98], [0.05, 0.98]]
        rules:
          - {kind: loitering, dwell: 6s, grace: 3s, severity: high}
  walkway:
    name: Walkway
    url: %[2]s
    site: arcade
    zones:
      path:
        polygon: [[0, 0], [0.02, 0], [0.02, 0.02], [0, 0.02]]
        rules:
          - {kind: loitering, dwell: 1h}
desk:
  presets:
    counter-at-night: {kinds: [loitering], zones: [counter], type: suspicious, tags: [counter]}
`

// TestNight plays a whole night in a real browser: an alarm arrives from real footage, a
// monitor claims it and judges it, a supervisor gives it to the officer who is suggested,
// who responds; an investigator finds out, resolves and closes it, a supervisor reviews it,
// a package is made and its delivery recorded, and an auditor reads who did what and can do
// nothing else. Each of them has rights of their own and a browser of their own.
func TestNight(t *testing.T) {
	for _, need := range []string{"/usr/bin/chromium", "../../web/console/node_modules/.package-lock.json", "../../web/console/dist/index.html"} {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("the browser test needs %s: make test builds and installs it", need)
		}
	}
	media, err := camtest.LoadMP4(footage.Path(t, "clips/one_by_one_person.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	cam := &camtest.Camera{Media: media, Loop: true, SenderReports: true}
	if err := cam.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cam.Stop)
	dir := t.TempDir()
	p := start(t, nil, "run", "-c", writeFile(t, filepath.Join(dir, "vedette.yml"), fmt.Sprintf(oneNight, dir, cam.URL())))
	admin, err := vedettetest.Login(t.Context(), p.URL, p.Password)
	if err != nil {
		t.Fatal(err)
	}
	staff, err := json.Marshal(hire(t, admin))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hung+time.Minute) // the browser gives up by itself, and says at what
	defer cancel()
	args := []string{"e2e/night.mjs", "--url", p.URL, "--staff", string(staff), "--dir", dir, "--timeout", fmt.Sprint(hung.Seconds())}
	if shots := os.Getenv("VEDETTE_SHOTS"); shots != "" { // keeps the pictures of docs/desk.md
		args = append(args, "--shots", shots)
	}
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = "../../web/console"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("browser: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	var night struct {
		Incident models.IncidentID `json:"incident"`
		Exhibit  string            `json:"exhibit"`
	}
	if err := json.Unmarshal(out, &night); err != nil {
		t.Fatal(err)
	}
	checkNight(t, admin, night.Incident)
	if code, out, errs := call(t, "verify", night.Exhibit); code != 0 || !strings.Contains(out, "UNCHANGED") {
		t.Errorf("verify: code %d, %s\n%s", code, out, errs)
	}
}

// hire lets the people of the night in and gives their one-time passwords by user name.
func hire(t *testing.T, admin *vedettetest.Client) map[string]string {
	t.Helper()
	passwords := map[string]string{}
	for _, one := range []struct {
		user, name string
		role       models.Role
	}{
		{"m.weber", "Maria Weber", models.RoleMonitor},
		{"e.okafor", "Ebele Okafor", models.RoleSupervisor},
		{"j.brandt", "Jonas Brandt", models.RoleOfficer},
		{"t.novak", "Tereza Novak", models.RoleInvestigator},
		{"a.hale", "Amir Hale", models.RoleAuditor},
	} {
		fields := map[string]any{"user": one.user, "name": one.name, "grants": []models.Grant{{Role: one.role}}}
		if one.role == models.RoleOfficer {
			fields["site"], fields["position"] = "arcade", models.Position{Lat: 48.2090, Lon: 16.3745}
		}
		var made struct {
			Password string `json:"password"`
		}
		if err := admin.Do(t.Context(), http.MethodPost, "/api/people", fields, &made); err != nil {
			t.Fatal(err)
		}
		passwords[one.user] = made.Password
	}
	return passwords
}

// checkNight reads the file of the incident as the night has left it.
func checkNight(t *testing.T, admin *vedettetest.Client, id models.IncidentID) {
	t.Helper()
	in, err := admin.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if in.State != models.StateClosed || in.Judgement == nil || in.Judgement.Verdict != models.VerdictTrue || in.Judgement.By != "m.weber" {
		t.Errorf("state %s, judgement %+v; want closed, judged true by m.weber", in.State, in.Judgement)
	}
	if in.Assignment.Officer != "j.brandt" || in.Assignment.By != "e.okafor" {
		t.Errorf("assignment %+v; want j.brandt by e.okafor", in.Assignment)
	}
	for _, d := range in.Deadlines {
		if d.Met.IsZero() {
			t.Errorf("the promise to %s was never kept: %+v", d.Promise, d)
		}
	}
	found := in.Investigation
	if len(found.Statements) != 1 || len(found.Marks) != 1 || len(found.Exhibits) != 1 || found.Exhibits[0].Camera != "walkway" {
		t.Errorf("investigation: %d statements, %d marks, exhibits %+v; want one of each, the footage of walkway",
			len(found.Statements), len(found.Marks), found.Exhibits)
	}
	for _, task := range found.Tasks {
		if task.Done.IsZero() && task.Skipped == "" {
			t.Errorf("task %q is open", task.Text)
		}
	}
	if in.Resolution == nil || in.Resolution.By != "t.novak" || in.Review == nil || in.Review.By != "e.okafor" || len(in.Deliveries) != 1 {
		t.Errorf("resolution %+v, review %+v, deliveries %+v", in.Resolution, in.Review, in.Deliveries)
	}
	done := map[string]string{}
	for _, a := range in.Log {
		done[a.What] = a.Who
	}
	for what, who := range map[string]string{"claimed": "m.weber", "assigned": "e.okafor", "responded": "j.brandt", "resolved": "t.novak",
		"closed": "t.novak", "evidence delivered": "e.okafor"} {
		if done[what] != who {
			t.Errorf("the log says that %q was done by %q, want %q", what, done[what], who)
		}
	}
}
