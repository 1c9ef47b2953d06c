package storage

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// What a StepClock promises, over both databases.
func TestStepClock(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testStepClock(t, func(t *testing.T) func() Index {
			path := filepath.Join(t.TempDir(), "index.db")
			return func() Index {
				x, err := OpenSQLite(path)
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := pgtest.Start(t)
		n := 0
		testStepClock(t, func(t *testing.T) func() Index {
			n++
			dsn := server.Database(fmt.Sprintf("clock%d", n))
			return func() Index {
				x, err := OpenPostgres(t.Context(), dsn)
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
		})
	})
}

// recorderHost is a machine with a clock that can be set.
type recorderHost struct {
	name, boot string
	clocks     reading
}

// goes lets time go by, and sets the wall clock besides.
func (h *recorderHost) goes(by, set time.Duration) {
	h.clocks.ran += by
	h.clocks.wall = h.clocks.wall.Add(by + set)
}

// starts it anew, after it was off, with a clock that went wrong meanwhile.
func (h *recorderHost) starts(off, wrong time.Duration) {
	h.boot += "+"
	h.goes(off, wrong)
	h.clocks.ran = time.Minute
}

// shift moves the deadlines of an incident, as a desk does.
func shift(in *models.Incident, s models.ClockStep) bool {
	open := false
	for i := range in.Deadlines {
		if l := &in.Deadlines[i]; l.Open() {
			l.Due = l.Due.Add(s.By)
			open = true
		}
	}
	if open {
		in.Log = append(in.Log, models.Action{At: s.At, Who: "vedette", What: "clock " + s.By.String() + " " + string(s.How)})
	}
	return open
}

// noted is what a StepClock has told.
type noted struct {
	by      time.Duration
	how     models.StepKnown
	changed int
}

func follow(t *testing.T, x Index, h *recorderHost) (c *StepClock, told func() []noted) {
	t.Helper()
	var all []noted
	c = &StepClock{x: x.(*sqlIndex), machine: h.name, boot: h.boot,
		read:  func() (reading, bool) { return h.clocks, true },
		since: func(time.Time) time.Duration { return 0 },
		StepOptions: StepOptions{Move: shift, Log: slog.New(slog.DiscardHandler),
			Moved: func(s models.ClockStep, changed []models.IncidentID) {
				all = append(all, noted{s.By, s.How, len(changed)})
			}}}
	if err := c.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, func() []noted { return all }
}

// owing is an incident that is opened at noon, with an hour to acknowledge it.
func owing(n int, within time.Duration) models.Incident {
	in := incident(n)
	in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Within: within, Due: noon.Truncate(time.Microsecond).Add(within)}}
	return in
}

func testStepClock(t *testing.T, open func(*testing.T) func() Index) {
	const hour = time.Hour
	// dueAfter reads when deadlines are over in every place that keeps them.
	check := func(t *testing.T, x Index, id models.IncidentID, after time.Duration) {
		t.Helper()
		want := noon.Truncate(time.Microsecond).Add(after)
		in, err := x.Get(t.Context(), id)
		if err != nil || !in.Deadlines[0].Due.Equal(want) {
			t.Errorf("record: due %s, want %s (%v)", in.Deadlines[0].Due, want, err)
		}
		for _, q := range []struct {
			before time.Time
			want   bool
		}{{want, false}, {want.Add(time.Microsecond), true}} {
			if got := slices.Contains(ids(t, x, Query{DueBefore: q.before}), id); got != q.want {
				t.Errorf("found among those due before %s: %v", q.before, got)
			}
		}
		outbox, err := NewOutbox(x, func(*models.Incident, models.Incident) []models.Dispatch { return nil })
		if err != nil {
			t.Fatal(err)
		}
		watched := time.Time{}
		if _, err := outbox.Due(t.Context(), want.Add(100*hour), func(i models.IncidentID, due time.Time) error {
			if i == id {
				watched = due
			}
			return nil
		}); err != nil || !watched.Equal(want) {
			t.Errorf("watched until %s, want %s (%v)", watched, want, err)
		}
		for chunk, err := range x.(*sqlIndex).Tallies(t.Context(), noon.Add(-hour), noon.Add(hour), 1)[0] {
			if err != nil {
				t.Fatal(err)
			}
			if due := chunk.Promises[0].Due; chunk.Number == in.Number && !due.Equal(want.Truncate(time.Millisecond)) {
				t.Errorf("reports: due %s, want %s", due, want)
			}
		}
	}
	t.Run("set while it runs", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour))
		c, told := follow(t, x, h)
		id := incident(0).ID
		for _, tc := range []struct {
			goes, set time.Duration
			due       time.Duration // after noon
		}{
			{time.Minute, 0, hour},
			{time.Minute, time.Second, hour},                  // a leap second
			{time.Minute, 1500 * time.Millisecond, 3602500e6}, // and more: they add up
			{time.Minute, -2500 * time.Millisecond, hour},     // to right again
			{time.Minute, hour, 2 * hour},                     // summer time, by hand
			{time.Minute, -3 * hour, -hour},                   // too far back
			{time.Minute, 2*hour + 1999*time.Millisecond, hour + 1999*time.Millisecond},
		} {
			h.goes(tc.goes, tc.set)
			c.Settle(t.Context())
			check(t, x, id, tc.due)
		}
		want := []noted{{2500 * time.Millisecond, models.StepSeen, 1}, {-2500 * time.Millisecond, models.StepSeen, 1}, {hour, models.StepSeen, 1},
			{-3 * hour, models.StepSeen, 1}, {2*hour + 1999*time.Millisecond, models.StepSeen, 1}}
		if got := told(); !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		if rows := dump(t, x, "clock_steps"); len(rows) != len(want) {
			t.Errorf("kept: %q", rows)
		}
	})
	t.Run("a kernel that does not name its start, and what was noted is gone", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour))
		c, _ := follow(t, x, h)
		for n, after := range []time.Duration{2 * hour, 3 * hour, 4 * hour} {
			if n == 2 {
				if _, err := x.(*sqlIndex).write.ExecContext(t.Context(), `DELETE FROM machines`); err != nil {
					t.Fatal(err)
				}
			}
			h.goes(time.Minute, hour)
			c.Settle(t.Context())
			check(t, x, incident(0).ID, after)
		}
	})
	t.Run("whoever changes a record finds it moved", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour), owing(1, hour))
		_, told := follow(t, x, h)
		h.goes(time.Minute, hour)
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				id := incident(n % 2).ID
				look := func(in *models.Incident) error {
					if want := noon.Truncate(time.Microsecond).Add(2 * hour); !in.Deadlines[0].Due.Equal(want) {
						t.Errorf("due %s, want %s", in.Deadlines[0].Due, want)
					}
					return nil
				}
				var err error
				if n < 4 {
					_, err = x.Update(t.Context(), id, look)
				} else {
					err = x.Together(t.Context(), func(r Records) error { _, err := r.Update(id, look); return err })
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		h.goes(time.Minute, hour)
		create(t, x, owing(2, 5*hour)) // by the new time
		check(t, x, incident(2).ID, 5*hour)
		check(t, x, incident(0).ID, 3*hour)
		if got := told(); len(got) != 2 {
			t.Errorf("told %v", got)
		}
	})
	t.Run("set while a record is changed", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour))
		follow(t, x, h)
		id := incident(0).ID
		var seen []time.Duration // due, after noon
		change := func(in *models.Incident) error {
			seen = append(seen, in.Deadlines[0].Due.Sub(noon.Truncate(time.Microsecond)))
			if len(seen)%2 == 1 { // whoever reads the clock now finds another time than the deadline's
				h.goes(time.Second, -hour)
			}
			in.Log = append(in.Log, models.Action{At: h.clocks.wall, Who: "ann", What: "looked"})
			return nil
		}
		if _, err := x.Update(t.Context(), id, change); err != nil {
			t.Fatal(err)
		}
		if err := x.Together(t.Context(), func(r Records) error { _, err := r.Update(id, change); return err }); err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{hour, 0, 0, -hour}; !slices.Equal(seen, want) {
			t.Errorf("due %v after noon, want %v", seen, want)
		}
		in, err := x.Get(t.Context(), id)
		if err != nil || len(in.Log) != 5 { // opened, and each time: clock, looked
			t.Errorf("log %+v (%v)", in.Log, err)
		}
	})
	t.Run("opened before, stored after", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		c, _ := follow(t, x, h)
		c.since = func(opened time.Time) time.Duration {
			if opened.Equal(incident(0).Opened) {
				return -hour
			}
			return time.Second
		}
		h.goes(time.Minute, -hour)
		early := owing(0, hour)
		create(t, x, early, owing(1, hour))
		if want := owing(0, hour).Deadlines; !slices.Equal(early.Deadlines, want) {
			t.Errorf("what was given to be stored has changed: %+v", early.Deadlines)
		}
		check(t, x, incident(0).ID, 0)
		check(t, x, incident(1).ID, hour)
	})
	t.Run("what moves", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		all := []models.Incident{owing(0, hour), owing(1, hour), owing(2, -hour), owing(3, -lateFor-2*hour), owing(4, -lateFor-2*hour), owing(5, hour), incident(6)}
		all[1].State, all[1].Deadlines[0].Met = models.StateAcknowledged, noon
		all[2].Deadlines[0].Missed = true
		all[3].Deadlines[0].Missed = true
		all[5].State = models.StateClosed
		all[5].Deadlines[0].Met = noon
		create(t, x, all...)
		c, told := follow(t, x, h)
		h.goes(time.Minute, -hour)
		c.Settle(t.Context())
		for n, want := range []time.Duration{0, hour, -2 * hour, -lateFor - 2*hour, -lateFor - 3*hour, hour} {
			in, err := x.Get(t.Context(), all[n].ID)
			if err != nil || !in.Deadlines[0].Due.Equal(noon.Truncate(time.Microsecond).Add(want)) {
				t.Errorf("%d: due %s, want %v after noon (%v)", n, in.Deadlines[0].Due, want, err)
			}
			if moved := len(in.Log) == 2; moved != slices.Contains([]int{0, 2, 4}, n) {
				t.Errorf("%d: log %+v", n, in.Log)
			}
		}
		if got, want := told(), []noted{{-hour, models.StepSeen, 3}}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
	t.Run("notices wait as long as they were to", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		outbox, err := NewOutbox(x, func(*models.Incident, models.Incident) []models.Dispatch { return nil })
		if err != nil {
			t.Fatal(err)
		}
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		c, _ := follow(t, x, h)
		waits := post("a", "pager", models.SeverityHigh, 5*60)
		if err := outbox.Put(t.Context(), waits); err != nil {
			t.Fatal(err)
		}
		for _, by := range []time.Duration{-hour, 2 * hour, -hour} {
			h.goes(10*time.Minute, by) // by then it may go
			c.Settle(t.Context())
			for _, wait := range []time.Duration{-time.Second, time.Second} {
				at := waits.Next.Add(by + wait)
				if got, err := outbox.Claim(t.Context(), "pager", at, time.Minute, 1); err != nil || len(got) == 1 != (wait > 0) {
					t.Errorf("set by %v, %v after it may go: %d taken (%v)", by, wait, len(got), err)
				}
			}
			// It was taken, and may be taken again a minute later.
			waits.Next = waits.Next.Add(by + time.Second + time.Minute)
		}
	})
	for _, tc := range []struct {
		name string
		off  func(*recorderHost)
		want []noted
		due  time.Duration
	}{
		{"a stop and nothing else", func(h *recorderHost) { h.goes(3*hour, 0) }, nil, hour},
		{"a stop in which the clock was set forward", func(h *recorderHost) { h.goes(3*hour, 2*hour) }, []noted{{2 * hour, models.StepStopped, 1}}, 3 * hour},
		{"a stop in which the clock was set back", func(h *recorderHost) { h.goes(3*hour, -2*hour) }, []noted{{-2 * hour, models.StepStopped, 1}}, -hour},
		{"two stops with a small step in each", func(h *recorderHost) { h.goes(hour, 1500*time.Millisecond) }, nil, hour},
		{"the machine was off", func(h *recorderHost) { h.starts(3*hour, 0) }, nil, hour},
		{"the machine was off, and then its clock behind", func(h *recorderHost) { h.starts(3*hour, -5*hour) }, []noted{{-2 * hour, models.StepAtLeast, 1}}, -hour},
		{"the machine was off, and then its clock ahead: nothing tells", func(h *recorderHost) { h.starts(3*hour, 5*hour) }, nil, hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			again := open(t)
			x := again()
			h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
			create(t, x, owing(0, hour))
			follow(t, x, h)
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			tc.off(h)
			x = again()
			defer x.Close()
			follow(t, x, h)
			check(t, x, incident(0).ID, tc.due)
			in, err := x.Get(t.Context(), incident(0).ID)
			if err != nil || len(in.Log) != 1+len(tc.want) {
				t.Errorf("log %+v (%v)", in.Log, err)
			}
			for i, w := range tc.want {
				if got, want := in.Log[1+i].What, "clock "+w.by.String()+" "+string(w.how); got != want {
					t.Errorf("log: %q, want %q", got, want)
				}
			}
			// The next start finds nothing more, but what is too small adds up.
			follow(t, x, h)
			check(t, x, incident(0).ID, tc.due)
			h.goes(hour, 1500*time.Millisecond)
			more, due := []noted(nil), tc.due
			if strings.HasPrefix(tc.name, "two") {
				more, due = []noted{{3 * time.Second, models.StepStopped, 1}}, tc.due+3*time.Second
			}
			follow(t, x, h)
			check(t, x, incident(0).ID, due)
			if in, err := x.Get(t.Context(), incident(0).ID); err != nil || len(in.Log) != 1+len(tc.want)+len(more) {
				t.Errorf("log %+v (%v)", in.Log, err)
			}
		})
	}
	t.Run("a transaction that is cut off", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour), owing(1, hour))
		c, told := follow(t, x, h)
		calls := 0
		gone, cut := context.WithCancel(t.Context())
		c.Move = func(in *models.Incident, s models.ClockStep) bool {
			if calls++; calls == 2 {
				cut()
			}
			return shift(in, s)
		}
		h.goes(time.Minute, hour)
		if _, err := x.(*sqlIndex).noteStep(gone, c, h.clocks, models.StepSeen); err == nil {
			t.Fatal("stored although it was cut off")
		}
		check(t, x, incident(0).ID, hour)
		check(t, x, incident(1).ID, hour)
		c.Settle(t.Context())
		check(t, x, incident(0).ID, 2*hour)
		check(t, x, incident(1).ID, 2*hour)
		if got, want := told(), []noted{{hour, models.StepSeen, 2}}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
	t.Run("a record that cannot be read keeps no other from moving", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		create(t, x, owing(0, hour), owing(1, hour))
		c, told := follow(t, x, h)
		if _, err := x.(*sqlIndex).write.ExecContext(t.Context(), `UPDATE incidents SET doc = '[]' WHERE id = '`+string(incident(0).ID)+`'`); err != nil {
			t.Fatal(err)
		}
		h.goes(time.Minute, hour)
		c.Settle(t.Context())
		in, err := x.Get(t.Context(), incident(1).ID)
		if err != nil || !in.Deadlines[0].Due.Equal(noon.Truncate(time.Microsecond).Add(2*hour)) {
			t.Errorf("due %s (%v)", in.Deadlines[0].Due, err)
		}
		if got, want := told(), []noted{{hour, models.StepSeen, 1}}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
	t.Run("processes and machines that share an index", func(t *testing.T) {
		x := open(t)()
		defer x.Close()
		if !x.(*sqlIndex).remote {
			return // a file has one
		}
		h := &recorderHost{name: "a", boot: "1", clocks: reading{noon, hour}}
		guest := &recorderHost{name: "b", boot: "2", clocks: reading{noon, 2 * hour}}
		create(t, x, owing(0, hour))
		one, first := follow(t, x, h)
		two, second := follow(t, x, h)
		other, third := follow(t, x, guest)
		set := func(due time.Duration, all ...*StepClock) {
			t.Helper()
			var wg sync.WaitGroup
			for _, c := range all {
				wg.Go(func() { c.Settle(t.Context()) })
			}
			wg.Wait()
			check(t, x, incident(0).ID, due)
		}
		h.goes(time.Minute, hour)
		guest.goes(time.Minute, hour)
		set(2*hour, one, two, other)
		// The same again is another step, of both.
		h.goes(time.Minute, hour)
		guest.goes(time.Minute, hour)
		set(3*hour, other, two, one)
		// One of them alone, there and back again.
		guest.goes(time.Minute, -hour)
		set(2*hour, other)
		h.goes(time.Minute, 0)
		guest.goes(time.Minute, hour)
		set(3*hour, other, one, two)
		// Each has told of what its own clock did, and one of what moved.
		moved := 0
		for _, told := range [][]noted{first(), second()} {
			if len(told) != 2 || told[0].by != hour || told[1].by != hour {
				t.Errorf("told %v", told)
			}
			moved += told[0].changed + told[1].changed
		}
		for i, want := range []time.Duration{hour, hour, -hour, hour} {
			if told := third(); len(told) != 4 || told[i].by != want {
				t.Fatalf("the guest told %v", told)
			}
			moved += third()[i].changed
		}
		if moved != 4 {
			t.Errorf("moved %d times, want 4", moved)
		}
	})
}

// While nobody changes a record, the clock is looked at all the same.
func TestStepClockRuns(t *testing.T) {
	x := mustSQLite(t)
	create(t, x, owing(0, time.Hour))
	began, set := time.Now(), time.Duration(0)
	moved := make(chan models.ClockStep, 1)
	c := &StepClock{x: x.(*sqlIndex), boot: "1", since: setSince, StepOptions: StepOptions{Move: shift, Log: slog.New(slog.DiscardHandler),
		Moved: func(s models.ClockStep, _ []models.IncidentID) { moved <- s }}}
	var mu sync.Mutex
	c.read = func() (reading, bool) {
		mu.Lock()
		defer mu.Unlock()
		ran := time.Since(began)
		return reading{noon.Add(ran + set), ran}, true
	}
	if err := c.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	mu.Lock()
	set = -time.Hour
	mu.Unlock()
	if s := <-moved; s.By.Round(time.Second) != -time.Hour || s.How != models.StepSeen {
		t.Errorf("noted %+v", s)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The real clocks agree with themselves, and a machine that is too busy is no step.
func TestReadClocks(t *testing.T) {
	a, ok := readClocks()
	b, ok2 := readClocks()
	if !ok || !ok2 {
		t.Skip("too busy")
	}
	if d := time.Duration(b.ahead() - a.ahead()).Abs(); d > time.Second {
		t.Errorf("%v between two readings", d)
	}
	at := time.Now()
	if by := setSince(at); by.Abs() > time.Second {
		t.Errorf("set by %v since a moment ago", by)
	}
	if by := setSince(at.Round(0).Add(-time.Hour)); by != 0 {
		t.Errorf("set by %v since a time that was stored", by)
	}
	synctest.Test(t, func(t *testing.T) {
		busy := 3
		c := &StepClock{x: &sqlIndex{}, read: func() (reading, bool) {
			busy--
			return reading{}, false
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.begin(ctx); err == nil || busy > 0 {
			t.Errorf("began with a reading that it had not: %v", err)
		}
		c.Settle(ctx) // there is no database to ask
	})
}
