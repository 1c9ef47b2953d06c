package soak

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
)

// TestFaults breaks a real vedette a few times in each way. "make soak" does it often.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not present")
	}
	program := filepath.Join(t.TempDir(), "vedette")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/vedette").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	films := []string{
		camtest.Clip{Seconds: 6, FPS: 10, GOP: 10}.Path(t),
		camtest.Clip{Seconds: 6, FPS: 10, GOP: 10, Width: 480, Height: 360}.Path(t),
	}
	street := t.TempDir()
	for i, f := range Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			found, err := f.Break(t.Context(), program, filepath.Join(street, fmt.Sprint("house-", i)), films, 1, func() {})
			skip(t, err)
			if err != nil {
				t.Fatal(err)
			}
			if found.Incidents == 0 {
				t.Error("nothing happened: no incident was opened")
			}
			for what, list := range map[string][]string{"lost": found.Lost, "unreadable": found.Unreadable, "altered": found.Altered, "not named": found.Unnamed, "custody log": found.Custody} {
				for _, s := range list {
					t.Errorf("%s: %s", what, s)
				}
			}
			for _, s := range found.Missing {
				if s > mostMissing {
					t.Errorf("%.2f s of footage missing at a kill", s)
				}
			}
		})
	}
}

// The autopsy itself must find what it is there for.
func TestSilences(t *testing.T) {
	t0 := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(s float64) time.Time { return t0.Add(seconds(s)) }
	gap := func(from, to float64) models.Gap { return models.Gap{From: at(from), To: at(to)} }
	even := []float64{0, .1, .2, .3, .4, .5, .6, .7, .8, .9}
	torn := []float64{0, .1, .2, .3, .4, 4.4, 4.5, 4.6, 4.7}
	for _, tc := range []struct {
		name  string
		times []float64
		gaps  []models.Gap
		want  int
	}{
		{"pictures come evenly", even, nil, 0},
		{"a silent hole", torn, nil, 1},
		{"a named one", torn, []models.Gap{gap(.4, 4.4)}, 0},
		{"a gap elsewhere names nothing", torn, []models.Gap{gap(8, 9)}, 1},
		{"pictures that are stored out of order", []float64{0, .2, .1, .4, .3}, nil, 0},
	} {
		in := models.Incident{Footage: models.Footage{From: t0, Gaps: tc.gaps}}
		if got := silences(in, t0, tc.times); len(got) != tc.want {
			t.Errorf("%s: found %q", tc.name, got)
		}
	}
	f := models.Footage{AskedFrom: at(0), From: at(3), To: at(10), AskedTo: at(12)}
	if got := ends(models.Incident{Footage: f}); len(got) != 2 {
		t.Errorf("both ends are short: %q", got)
	}
	f.Gaps = []models.Gap{gap(0, 3), gap(10, 12)}
	if got := ends(models.Incident{Footage: f}); len(got) != 0 {
		t.Errorf("both ends are named: %q", got)
	}
}

func TestDeadlineWrong(t *testing.T) {
	due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(d time.Duration) []models.Action {
		return []models.Action{{At: due.Add(d), What: "deadline missed: acknowledge"}}
	}
	// The clock is set an hour forward after it was noted as missed.
	const hour = time.Hour
	moved := models.Action{At: due.Add(hour), What: "clock set", Changed: []models.Changed{{Field: "acknowledge by",
		From: due.Format(time.RFC3339), To: due.Add(hour).Format(time.RFC3339)}}}
	for _, tc := range []struct {
		name    string
		missed  bool
		log     []models.Action
		now     time.Duration // after it was due
		stepped time.Duration // by how much the clock was set since it was opened
		moves   time.Duration // by how much the deadline has moved
		wrong   bool
	}{
		{"its time is to come", false, nil, -time.Second, 0, 0, false},
		{"over, and nobody noted it", false, nil, time.Minute, 0, 0, true},
		{"noted in time", true, at(time.Second), time.Minute, 0, 0, false},
		{"noted too early", true, at(-time.Second), time.Minute, 0, 0, true},
		{"not in the log", true, nil, time.Minute, 0, 0, true},
		{"moved with the clock", false, nil, -time.Second, hour, hour, false},
		{"not moved with the clock", false, nil, -time.Second, -hour, 0, true},
		{"moved, and the clock was not set", false, nil, -time.Second, 0, hour, true},
		{"noted in time, then moved", true, append(at(time.Second), moved), 2 * hour, hour, hour, false},
		{"noted too early, then moved", true, append(at(-time.Second), moved), 2 * hour, hour, hour, true},
	} {
		l := models.Deadline{Promise: models.PromiseAcknowledge, Within: time.Minute, Due: due.Add(tc.moves), Missed: tc.missed}
		in := models.Incident{Opened: due.Add(-time.Minute), Log: tc.log, Course: models.Course{Stepped: [3]time.Duration{tc.stepped}}}
		if got := deadlineWrong(in, l, due.Add(tc.now)); (got != "") != tc.wrong {
			t.Errorf("%s: %q", tc.name, got)
		}
	}
	long := models.Deadline{Promise: models.PromiseRespond, Within: hour, Due: due, Missed: true, Met: due.Add(time.Second)}
	if got := deadlineWrong(models.Incident{}, long, due); got == "" {
		t.Error("a promise for an hour that is noted as missed in a house that lives for seconds")
	}
}

func TestPicturesFindDamage(t *testing.T) {
	path := camtest.Clip{Seconds: 2}.Path(t)
	times, err := pictures(context.Background(), path)
	if err != nil || len(times) != 20 {
		t.Errorf("a sound clip: %d pictures, %v", len(times), err)
	}
	if _, err := pictures(t.Context(), cutInHalf(t, path)); err == nil {
		t.Error("half a file is readable")
	}
}
