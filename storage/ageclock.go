package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// AgeClock tells the time by which evidence grows old. A machine's clock may be years off:
// the battery behind it is dead, or somebody has set it. What retention deletes does not
// come back, so here time passes only as fast as the program lives through it, unless a
// time server vouches for the machine's clock. At worst evidence is deleted late, by as
// long as the machine was off.
//
// A machine without a time server is believed in the end: when its clock was not set anew
// for [agePatience] of the program's life, during which people could see that it was wrong.
//
// It is safe for concurrent use.
type AgeClock struct {
	path   string
	synced func() bool
	log    *slog.Logger
	// clocks are the machine's clock and for how long the program has run.
	clocks func() (now time.Time, ran time.Duration)

	mu    sync.Mutex
	state ageState
	read  time.Duration // how long the program had run at the last reading
	saved time.Duration // the same, when the state was last saved
	sick  bool          // the state cannot be saved, which was said
}

// ageState is what survives a restart.
type ageState struct {
	// At is the time by this clock at the last reading.
	At time.Time `json:"at"`
	// Gap is how far the machine's clock is ahead of At while the two differ, and Lived for
	// how long they have.
	Gap   time.Duration `json:"gap_ns,omitempty"`
	Lived time.Duration `json:"lived_ns,omitempty"`
	// Behind are the times that the machine's clock showed while it was behind, the newest
	// last. What bears one of them was made no earlier than Behind says.
	Behind []pastTimes `json:"behind,omitempty"`
}

// pastTimes are times that were shown by a clock that was behind.
type pastTimes struct {
	models.Span
	// Right is when it was right again, by then at the latest: zero, while it is behind.
	Right time.Time `json:"right,omitzero"`
}

const (
	// agePatience is how long a machine's clock must stand in contradiction to ours, while
	// the program runs, before it is believed without a time server.
	agePatience = 7 * 24 * time.Hour
	// ageSlack is what the two may differ by without contradiction: people set clocks to
	// the minute.
	ageSlack = time.Minute
	// ageStep is how much the difference may grow without being another one: a machine that
	// is switched off each night falls behind more and more.
	ageStep = 24 * time.Hour
	// ageSave is how much of its life the program may forget when it is killed.
	ageSave = time.Minute
	// agePast bounds the memory of times at which the machine's clock was behind.
	agePast = 100
)

// OpenAgeClock reads from a file what an earlier run has lived through. synced says whether
// a time server keeps the machine's clock. The first run believes the machine.
func OpenAgeClock(path string, synced func() bool, log *slog.Logger) (*AgeClock, error) {
	began := time.Now()
	c := &AgeClock{path: path, synced: synced, log: log, clocks: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.UTC().Round(0), now.Sub(began) // the difference is by the monotonic clock
	}}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return nil, fmt.Errorf("clock of retention: %w", durable.Hint(err))
	}
	if err := json.Unmarshal(data, &c.state); err != nil {
		return nil, fmt.Errorf("clock of retention: %s: %w; remove it once the machine's clock is right", path, err)
	}
	return c, nil
}

// Now is the time by which evidence is to be deleted: never later than the machine's clock.
func (c *AgeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.reckon()
	return earliest(c.state.At, now)
}

// Since is from when the age of something counts that bears a time: that time, or when the
// machine's clock was right again if it was behind then; false while it still is.
func (c *AgeClock) Since(at time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reckon()
	for _, p := range c.state.Behind {
		if at.Before(p.From.Add(-ageSlack)) || at.After(p.To.Add(ageSlack)) {
			continue
		}
		if p.Right.IsZero() {
			return time.Time{}, false
		}
		if p.Right.After(at) {
			at = p.Right
		}
	}
	return at, true
}

// reckon brings the state to what the clocks say now, and returns the machine's.
func (c *AgeClock) reckon() time.Time {
	now, ran := c.clocks()
	lived := ran - c.read
	c.read = ran
	s := &c.state
	if s.At.IsZero() {
		s.At = now
	}
	s.At = s.At.Add(lived)
	was, gap := s.Gap, now.Sub(s.At)
	switch {
	case gap.Abs() <= ageSlack || c.synced():
		c.believe(now)
	case was == 0 || (gap > 0) != (was > 0) || (gap-was).Abs() > ageStep:
		s.Gap, s.Lived = gap, 0
		c.log.Warn("this machine's clock is not what it should be by now; retention does not follow it yet",
			"machine", now.Format(time.RFC3339), "expected", s.At.Format(time.RFC3339), "follows_after", agePatience,
			"hint", "set the clock, or let a time server keep it: timedatectl set-ntp true")
	default:
		s.Gap, s.Lived = gap, s.Lived+lived
		if s.Lived >= agePatience {
			c.log.Warn("retention follows this machine's clock from now on, for nobody has set it otherwise", "by", gap, "for", s.Lived)
			c.believe(now)
		}
	}
	if s.Gap < 0 {
		c.behind(now)
	}
	if s.Gap != was || c.saved == 0 || ran-c.saved >= ageSave {
		c.save()
		c.saved = ran
	}
	return now
}

// believe takes the machine's clock for right.
func (c *AgeClock) believe(now time.Time) {
	s := &c.state
	if s.Gap != 0 {
		c.log.Info("retention and this machine's clock agree", "now", now.Format(time.RFC3339))
	}
	for i := range s.Behind {
		if s.Behind[i].Right.IsZero() {
			s.Behind[i].Right = now
		}
	}
	s.At, s.Gap, s.Lived = now, 0, 0
}

// behind notes what a clock shows that is behind.
func (c *AgeClock) behind(now time.Time) {
	s := &c.state
	last := len(s.Behind) - 1
	if last >= 0 && s.Behind[last].Right.IsZero() && !now.Before(s.Behind[last].From) && now.Sub(s.Behind[last].To) < ageStep {
		s.Behind[last].To = now
		return
	}
	s.Behind = append(s.Behind, pastTimes{Span: models.Span{From: now, To: now}})
	if len(s.Behind) > agePast {
		s.Behind = s.Behind[1:]
	}
}

// save keeps the state over a restart. When it cannot be kept, the next run takes up time
// where the last state that was has left it, which deletes nothing early.
func (c *AgeClock) save() {
	data, err := json.Marshal(c.state)
	if err == nil {
		err = durable.ReplaceFile(c.path, data)
	}
	if err != nil && !c.sick {
		c.log.Warn("the clock of retention is not saved", "err", durable.Hint(err))
	}
	c.sick = err != nil
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
