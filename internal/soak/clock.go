package soak

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// wallClock is the wall clock of a program that ownClock has made.
type wallClock struct{ file string }

// set sets the clock that far ahead of the machine's, in whole seconds. The program's next
// reading shows it.
func (c wallClock) set(ahead time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	var word [8]byte // in place, because the program has the file mapped
	binary.NativeEndian.PutUint64(word[:], uint64(int64(ahead/time.Second)))
	_, err = f.WriteAt(word[:], 0)
	return errors.Join(err, f.Close())
}

// ownClocks are the programs that were built, by the folder that they are in. Houses next
// to each other share one.
var ownClocks = struct {
	sync.Mutex
	in map[string]bool
}{in: map[string]bool{}}

// ownClock gives the house a vedette with a wall clock that can be set.
func (s Scene) ownClock(ctx context.Context) (wallClock, error) {
	dir := filepath.Dir(s.Dir)
	program := filepath.Join(dir, "vedette-own-clock")
	ownClocks.Lock()
	defer ownClocks.Unlock()
	if !ownClocks.in[dir] {
		if err := buildOwnClock(ctx, dir, program); err != nil {
			return wallClock{}, err
		}
		ownClocks.in[dir] = true
	}
	clock := wallClock{filepath.Join(s.Dir, "clock")}
	s.Program, s.Env = program, append(s.Env, "VEDETTE_SOAK_CLOCK="+clock.file)
	return clock, clock.set(0)
}

// buildOwnClock links the program anew, with the files in overlay.
func buildOwnClock(ctx context.Context, dir, program string) error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return fmt.Errorf("%w: the clock of one process can be set on Linux with a 64-bit processor only", ErrNotHere)
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("%w: go list: %w", ErrNotHere, err)
	}
	module := strings.TrimSpace(string(out))
	overlay := filepath.Join(module, "internal", "soak", "overlay")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(module, "cmd", "vedette", "soakclock.go"): filepath.Join(overlay, "clock.go"),
		filepath.Join(module, "pipeline", "hostclock.go"):       filepath.Join(overlay, "hostclock.go"),
	}})
	if err != nil {
		return err
	}
	recipe := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(recipe, replace, 0o600); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-tags", "soakclock", "-overlay", recipe, "-ldflags", "-s -w", "-o", program, "./cmd/vedette")
	build.Dir = module
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build a vedette whose clock can be set: %w\n%s", err, out)
	}
	return nil
}

// clockRules are those of a house in which much depends on the clock: what is kept for a day, and
// promises of different lengths.
const clockRules = `
retention: {default: 1d}
desk:
  levels:
    low: {acknowledge: 5s, respond: 30m, resolve: 24h}
    medium: {acknowledge: 5s, respond: 30m, resolve: 24h}
    high: {acknowledge: 5s, respond: 30m, resolve: 24h}
`

// clockSet sets the machine's clock back by an hour and to right again, or forward and to
// right again, each time in the midst of open incidents; and in the end once more, where it
// is only set right while the program does not run.
func clockSet(ctx context.Context, s Scene, n int) error {
	clock, err := s.ownClock(ctx)
	if err != nil {
		return err
	}
	s.Also = clockRules
	s.check = func(ctx context.Context, client *vedettetest.Client, told map[models.IncidentID]models.Incident) ([]string, error) {
		wrong, err := deadlines(ctx, client, told)
		if err != nil {
			return nil, err
		}
		steps, err := clockSteps(ctx, client)
		if want := 2*n + 2; steps != want {
			wrong = append(wrong, fmt.Sprintf("the clock was set %d times, and the custody log says %d", want, steps))
		}
		return wrong, err
	}
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	i := 0
	err = s.one(ctx, n, func(*Life) error {
		ahead := -time.Hour
		if i++; i%2 == 0 {
			ahead = time.Hour
		}
		err := clock.set(ahead)
		if err == nil {
			err = wait(ctx, 6*time.Second)
		}
		err = errors.Join(err, clock.set(0), wait(ctx, 6*time.Second))
		if err == nil && i == n {
			err = clock.set(ahead / 2)
		}
		return err
	})
	return errors.Join(err, clock.set(0))
}

// clockSteps counts how often the custody log says that the machine's clock was set.
func clockSteps(ctx context.Context, client *vedettetest.Client) (n int, err error) {
	for next := "0"; next != ""; {
		var page struct {
			Items []models.CustodyRecord `json:"items"`
			Next  string                 `json:"next"`
		}
		if err := client.Do(ctx, "GET", "/api/custody?limit=500&act="+string(models.ActClockSet)+"&before="+next, nil, &page); err != nil {
			return 0, err
		}
		n, next = n+len(page.Items), page.Next
	}
	return n, nil
}

// clockAhead starts the machine with a clock that is years ahead, as one does whose battery
// is dead, and then with the right time again.
func clockAhead(ctx context.Context, s Scene, n int) error {
	clock, err := s.ownClock(ctx)
	if err != nil {
		return err
	}
	s.Also = clockRules
	stop, err := s.cameras(nil)
	if err != nil {
		return err
	}
	defer stop()
	for range n {
		// A life in the right time leaves evidence, which the next must not let go.
		for _, ahead := range []time.Duration{0, 20 * 365 * 24 * time.Hour} {
			if err := clock.set(ahead); err != nil {
				return err
			}
			if err := s.one(ctx, 0, nil); err != nil {
				return err
			}
		}
		s.Tick()
	}
	return clock.set(0)
}

// deadlines says which deadlines did not move with the machine's clock, which were noted as
// missed before their time, and which are over and not noted.
func deadlines(ctx context.Context, client *vedettetest.Client, told map[models.IncidentID]models.Incident) ([]string, error) {
	return settled(ctx, patience, func() (wrong []string, err error) {
		judged := 0
		for id := range told {
			in, err := client.Incident(ctx, id)
			if err != nil {
				return nil, err
			}
			for _, l := range in.Deadlines {
				judged++
				if w := deadlineWrong(in, l, time.Now()); w != "" {
					wrong = append(wrong, fmt.Sprintf("%s: %s", id, w))
				}
			}
		}
		if judged == 0 && len(told) > 0 {
			wrong = append(wrong, "no incident has a deadline")
		}
		return wrong, nil
	})
}

// clockNoise is by how much a step may be measured wrong, on a machine that is busy.
const clockNoise = 100 * time.Millisecond

// longPromise is more than any life of a house is long.
const longPromise = 10 * time.Minute

func deadlineWrong(in models.Incident, l models.Deadline, now time.Time) string {
	if l.Open() {
		want := in.Opened.Add(l.Within + in.Course.Stepped[slices.Index(models.Promises(), l.Promise)])
		if off := l.Due.Sub(want); off.Abs() > clockNoise {
			return fmt.Sprintf("to %s it is due %s, %v after it was opened and the clock was set", l.Promise, l.Due, off+l.Within)
		}
	}
	if !l.Missed {
		if l.Open() && now.After(l.Due) {
			return fmt.Sprintf("to %s it by %s was missed, and nobody noted it", l.Promise, l.Due)
		}
		return ""
	}
	if l.Within >= longPromise {
		return fmt.Sprintf("to %s it within %v is noted as missed", l.Promise, l.Within)
	}
	i := slices.IndexFunc(in.Log, func(a models.Action) bool {
		return strings.HasPrefix(a.What, "deadline missed") && strings.Contains(a.What, string(l.Promise))
	})
	if i < 0 {
		return fmt.Sprintf("to %s it in time is noted as missed, but not in its log", l.Promise)
	}
	if due := dueThen(in.Log[i+1:], l); in.Log[i].At.Before(due) {
		return fmt.Sprintf("to %s it by %s was noted as missed at %s", l.Promise, due, in.Log[i].At)
	}
	return ""
}

// dueThen is when a deadline was over before the machine's clock was set, as the log says
// since then, to the second.
func dueThen(since []models.Action, l models.Deadline) time.Time {
	for _, a := range since {
		for _, c := range a.Changed {
			if due, err := time.Parse(time.RFC3339, c.From); err == nil && c.Field == string(l.Promise)+" by" {
				return due
			}
		}
	}
	return l.Due
}
