package notify

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ledger keeps incidents with one deadline each, and what was told of them.
type ledger struct {
	mu   sync.Mutex
	all  map[models.IncidentID]models.Incident
	sent []string // "due ID", "missed ID", with the time since it began
	away bool
	gets int
	seen map[string]bool
	born time.Time
}

func (l *ledger) set(id models.IncidentID, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[id] = models.Incident{ID: id, Deadlines: []models.Deadline{{Promise: models.PromiseAcknowledge, Due: due}}}
}

func (l *ledger) Get(_ context.Context, id models.IncidentID) (models.Incident, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gets++
	if l.away {
		return models.Incident{}, errAway
	}
	in, ok := l.all[id]
	if !ok {
		return in, fs.ErrNotExist
	}
	in.Deadlines = slices.Clone(in.Deadlines)
	return in, nil
}

func (l *ledger) Update(_ context.Context, id models.IncidentID, change func(*models.Incident) error) (models.Incident, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return models.Incident{}, errAway
	}
	in, ok := l.all[id]
	if !ok {
		return in, fs.ErrNotExist
	}
	in.Deadlines = slices.Clone(in.Deadlines)
	if err := change(&in); err != nil {
		return in, err
	}
	l.all[id] = in
	l.sent = append(l.sent, "missed "+string(id)+" "+time.Since(l.born).Round(time.Second).String())
	return in, nil
}

func (l *ledger) Due(_ context.Context, before time.Time, visit func(models.IncidentID, time.Time) error) (next time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return next, errAway
	}
	for id, in := range l.all {
		d := in.Deadlines[0]
		switch {
		case d.Missed || !d.Open():
		case d.Due.Before(before):
			if err := visit(id, d.Due); err != nil {
				return next, err
			}
		case next.IsZero() || d.Due.Before(next):
			next = d.Due
		}
	}
	return next, nil
}

func (l *ledger) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.sent)
	slices.Sort(out)
	return out
}

const warning = time.Minute

// watching starts a watcher; ahead is what its clock is ahead of the true one.
func watching(t *testing.T, l *ledger, ahead func() time.Duration) (*Watcher, func()) {
	t.Helper()
	w := NewWatcher(Watcher{Records: l, Deadlines: l, Log: slog.New(slog.DiscardHandler),
		Now:     func() time.Time { return time.Now().Add(ahead()) },
		Longest: func() time.Duration { return warning },
		Owed: func(in models.Incident, at time.Time) ([]models.Notice, bool, time.Time) {
			d := in.Deadlines[0]
			switch early := d.Due.Add(-warning); {
			case !d.Open() || d.Missed:
				return nil, false, time.Time{}
			case at.After(d.Due):
				return nil, true, time.Time{}
			case at.Before(early):
				return nil, false, early
			}
			return []models.Notice{{ID: "due " + string(in.ID), Kind: models.NoticeDue, Incident: in}}, false, d.Due.Add(1)
		},
		Miss: func(in *models.Incident, at time.Time) bool {
			d := &in.Deadlines[0]
			if d.Missed || !at.After(d.Due) {
				return false
			}
			d.Missed = true
			return true
		},
		Send: func(_ context.Context, all ...models.Notice) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			for _, n := range all {
				if !l.seen[n.ID] {
					l.seen[n.ID] = true
					l.sent = append(l.sent, n.ID+" "+time.Since(l.born).Round(time.Second).String())
				}
			}
			return nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return w, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func newLedger() *ledger {
	return &ledger{all: map[models.IncidentID]models.Incident{}, seen: map[string]bool{}, born: time.Now()}
}

func onTime() time.Duration { return 0 }

func TestWatcher(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(t *testing.T, l *ledger) // ends within an hour
		want []string
	}{
		{"one deadline", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(10*time.Minute))
			_, stop := watching(t, l, onTime)
			sleep(t.Context(), 20*time.Minute)
			stop()
		}, []string{"due a 9m0s", "missed a 10m0s"}},
		{"set while it watches", func(t *testing.T, l *ledger) {
			w, stop := watching(t, l, onTime)
			sleep(t.Context(), time.Minute)
			l.set("a", time.Now().Add(70*time.Second))
			w.Kick()
			sleep(t.Context(), 20*time.Minute)
			stop()
		}, []string{"due a 1m10s", "missed a 2m10s"}},
		{"set by another process", func(t *testing.T, l *ledger) {
			_, stop := watching(t, l, onTime)
			sleep(t.Context(), 7*time.Second)
			l.set("a", time.Now().Add(10*time.Minute))
			sleep(t.Context(), 20*time.Minute)
			stop()
		}, []string{"due a 9m7s", "missed a 10m7s"}},
		{"kept in time", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(10*time.Minute))
			w, stop := watching(t, l, onTime)
			sleep(t.Context(), 570*time.Second)
			l.mu.Lock()
			l.all["a"].Deadlines[0].Met = time.Now()
			l.mu.Unlock()
			w.Kick()
			sleep(t.Context(), 20*time.Minute)
			stop()
		}, []string{"due a 9m0s"}},
		{"passed while nothing ran", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(10*time.Minute))
			_, stop := watching(t, l, onTime)
			sleep(t.Context(), time.Minute)
			stop()
			sleep(t.Context(), 20*time.Minute)
			_, stop = watching(t, l, onTime)
			sleep(t.Context(), time.Minute)
			stop()
		}, []string{"missed a 21m0s"}},
		{"two processes", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(30*time.Second))
			_, stop := watching(t, l, onTime)
			_, stop2 := watching(t, l, onTime)
			sleep(t.Context(), 10*time.Minute)
			stop()
			stop2()
		}, []string{"due a 0s", "missed a 30s"}},
		{"the clock is set back an hour", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(2*time.Minute))
			began := time.Now()
			_, stop := watching(t, l, func() time.Duration {
				if time.Since(began) > 5*time.Minute {
					return -time.Hour
				}
				return 0
			})
			sleep(t.Context(), 55*time.Minute)
			stop()
		}, []string{"due a 1m0s", "missed a 2m0s"}},
		{"the clock is set forward", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(59*time.Minute))
			began := time.Now()
			_, stop := watching(t, l, func() time.Duration {
				if time.Since(began) > 5*time.Minute {
					return time.Hour
				}
				return 0
			})
			sleep(t.Context(), 20*time.Minute)
			stop()
		}, []string{"missed a 5m15s"}},
		{"the database goes away and returns", func(t *testing.T, l *ledger) {
			l.set("a", time.Now().Add(2*time.Minute))
			_, stop := watching(t, l, onTime)
			sleep(t.Context(), 30*time.Second)
			l.mu.Lock()
			l.away = true
			l.mu.Unlock()
			sleep(t.Context(), 210*time.Second)
			l.mu.Lock()
			l.away = false
			l.mu.Unlock()
			sleep(t.Context(), 16*time.Second)
			stop()
		}, []string{"missed a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger()
				tc.do(t, l)
				got := l.told()
				if tc.name == "the database goes away and returns" && len(got) == 1 {
					got[0] = got[0][:len("missed a")] // within 15 s of its return
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("told %q, want %q", got, tc.want)
				}
			})
		})
	}
}

// A deadline that is far off, and one that was warned of, cost nothing while they wait.
func TestWatcherSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.set("far", time.Now().Add(24*time.Hour))
		l.set("near", time.Now().Add(time.Minute))
		w, stop := watching(t, l, onTime)
		for range 300 { // changes of other records
			w.Kick()
			sleep(t.Context(), 150*time.Millisecond)
		}
		stop()
		if l.gets > 2 {
			t.Errorf("%d records were read", l.gets)
		}
	})
}

// One record that cannot be written keeps no other from being told of.
func TestWatcherGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		for _, id := range []models.IncidentID{"a", "b", "c"} {
			l.set(id, time.Now().Add(-time.Minute))
		}
		w, stop := watching(t, l, onTime)
		stop()
		miss := w.Miss
		w.Miss = func(in *models.Incident, at time.Time) bool {
			if in.ID == "b" {
				return false // noted by another process meanwhile
			}
			return miss(in, at)
		}
		l.sent = nil
		for _, id := range []models.IncidentID{"a", "b", "c"} {
			l.set(id, time.Now().Add(-time.Minute))
		}
		if _, err := w.look(t.Context()); err != nil && !errors.Is(err, errNoted) {
			t.Error(err)
		}
		if got := l.told(); !slices.Equal(got, []string{"missed a 0s", "missed c 0s"}) {
			t.Errorf("told %q", got)
		}
	})
}
