package notify

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Records is where the incidents are. A storage.Index is one.
type Records interface {
	Get(context.Context, models.IncidentID) (models.Incident, error)
	Update(context.Context, models.IncidentID, func(*models.Incident) error) (models.Incident, error)
}

// Deadlines finds the next deadline without reading every record. A storage.Outbox is one.
type Deadlines interface {
	// Due visits the incidents whose first deadline that is open, runs and is not yet noted
	// as missed falls due before a time, soonest first, and says when the first one at or
	// after that time does; zero: none.
	Due(ctx context.Context, before time.Time, visit func(models.IncidentID, time.Time) error) (next time.Time, err error)
}

// Watcher sees to it that the time of a deadline is noticed: that it is about to be missed,
// and that it was, also while nothing ran.
type Watcher struct {
	Records   Records
	Deadlines Deadlines
	// Longest is the longest time before a deadline at which anybody is warned.
	Longest func() time.Duration
	// Owed says which warnings about an incident's deadlines have become due, whether one was
	// missed that is not noted so, and when to ask again.
	Owed func(in models.Incident, at time.Time) (warnings []models.Notice, missed bool, again time.Time)
	// Miss notes in the record that deadlines were missed; false: there was nothing to note.
	// Whoever keeps the record puts the notice of it into the outbox in the same transaction.
	Miss func(in *models.Incident, at time.Time) bool
	// Send puts warnings into the outbox. Those that are there are not told again.
	Send func(ctx context.Context, warnings ...models.Notice) error
	// Missed, when set, is told of a record that was changed, after it is safe.
	Missed func(models.Incident)
	// Settle, when set, lets deadlines follow a clock that was set, before they are judged.
	Settle func(context.Context)
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now

	kick  chan struct{}
	known map[models.IncidentID]watched // owned by Run
}

// watched is what a look at an incident has found, as long as its deadline is the same.
type watched struct{ due, again time.Time }

// lookEvery bounds the sleep: another process on the same database may set a deadline, and
// somebody may set the clock.
const lookEvery = 15 * time.Second

// leastSleep keeps changes that come in a row from having the index asked for each of them.
const leastSleep = 100 * time.Millisecond

// NewWatcher gives the parts that Kick needs before Run.
func NewWatcher(w Watcher) *Watcher {
	w.kick = make(chan struct{}, 1) // it is enough to know that something has changed
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Settle == nil {
		w.Settle = func(context.Context) {}
	}
	return &w
}

// Kick says that a record has changed. It never blocks.
func (w *Watcher) Kick() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends. While the index does not answer it is asked again, less and
// less often; what became due meanwhile is told then.
func (w *Watcher) Run(ctx context.Context) error {
	troubles := 0
	for {
		next, err := w.look(ctx)
		wait := lookEvery
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if troubles++; troubles == 1 {
				w.Log.Warn("deadlines cannot be watched; trying again", "err", err)
			}
			wait = min(lookEvery, pauseAfter(troubles+1, random))
		default:
			if troubles > 0 {
				w.Log.Info("deadlines are watched again")
			}
			troubles = 0
			if !next.IsZero() {
				wait = min(wait, next.Sub(w.Now()))
			}
		}
		if !w.rest(ctx, max(wait, leastSleep)) {
			return nil
		}
	}
}

// rest sleeps until something has changed, but for at least a moment; false: ctx has ended.
func (w *Watcher) rest(ctx context.Context, wait time.Duration) bool {
	if !sleep(ctx, leastSleep) {
		return false
	}
	timer := time.NewTimer(wait - leastSleep)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-w.kick:
	}
	return true
}

// look tells of everything that has become due, and says when the next thing will. One
// record that cannot be handled keeps no other from being looked at.
func (w *Watcher) look(ctx context.Context) (time.Time, error) {
	w.Settle(ctx)
	longest, now := w.Longest(), w.Now()
	type found struct {
		id  models.IncidentID
		due time.Time
	}
	var all []found
	beyond, err := w.Deadlines.Due(ctx, now.Add(longest), func(id models.IncidentID, due time.Time) error {
		all = append(all, found{id, due})
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	next := time.Time{}
	soonest := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if !beyond.IsZero() {
		soonest(beyond.Add(-longest))
	}
	known := make(map[models.IncidentID]watched, len(all))
	var trouble error
	for _, f := range all {
		k, ok := w.known[f.id]
		if !ok || !k.due.Equal(f.due) || !k.again.After(now) {
			again, err := w.tell(ctx, f.id)
			if err != nil {
				trouble = errors.Join(trouble, err)
				if ctx.Err() != nil {
					return next, trouble
				}
				continue
			}
			k = watched{f.due, again}
		}
		known[f.id] = k
		soonest(k.again)
	}
	w.known = known
	return next, trouble
}

// errNoted says that another process was faster.
var errNoted = errors.New("noted before")

// tell sends what is owed about one incident, by the clock as it is once the record is read:
// it may have been set since the last one.
func (w *Watcher) tell(ctx context.Context, id models.IncidentID) (again time.Time, err error) {
	w.Settle(ctx)
	in, err := w.Records.Get(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	warnings, missed, again := w.Owed(in, w.Now())
	if len(warnings) > 0 {
		if err := w.Send(ctx, warnings...); err != nil {
			return time.Time{}, err
		}
	}
	if !missed {
		return again, nil
	}
	changed, err := w.Records.Update(ctx, id, func(in *models.Incident) error {
		if !w.Miss(in, w.Now()) {
			return errNoted
		}
		return nil
	})
	switch {
	case errors.Is(err, errNoted), errors.Is(err, fs.ErrNotExist):
		return again, nil
	case err != nil:
		return time.Time{}, err
	}
	if w.Missed != nil {
		w.Missed(changed)
	}
	return again, nil
}
