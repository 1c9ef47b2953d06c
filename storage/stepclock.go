package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/models"
)

// StepClock notices that the machine's clock was set, and moves the deadlines of the index
// with it: what they promise is a span of time, and the clock only says when it is over.
//
// A step is a change of how far the wall clock is ahead of the time since the machine was
// started (CLOCK_BOOTTIME, which goes on while the machine sleeps). Both run at the same
// rate, also while a time server slews them, so nothing else changes that difference. It is
// compared with the one that was noted last, in the index: small steps add up, and those
// while the program did not run are found by the next.
//
// It is safe for concurrent use.
type StepClock struct {
	StepOptions

	x       *sqlIndex
	read    func() (reading, bool)
	since   func(time.Time) time.Duration // by how much the clock was set since this process has read it
	machine string
	boot    string // empty: not known

	ahead atomic.Int64  // of reading.ahead, as it was noted last
	turn  chan struct{} // holds one token of whoever notes a step, which others wait for
	again atomic.Int64  // reading.ran before which no other attempt is made
	sick  bool          // the last attempt failed, which was said; of who has the turn
}

// StepOptions say what is done when the clock was set.
type StepOptions struct {
	// Move changes the deadlines of an incident, within the transaction that notes the step,
	// and must not use the index; false leaves the record as it is.
	Move func(in *models.Incident, step models.ClockStep) bool
	// Moved is told of each step, with the incidents whose records were changed for it: none
	// when another process has noted it before, and then it has no Number either. Who waits to change a record waits for it, so it must change none itself.
	Moved func(step models.ClockStep, changed []models.IncidentID)
	Log   *slog.Logger
}

// reading is what the clocks of a machine show at one instant.
type reading struct {
	wall time.Time
	ran  time.Duration // since the machine was started
}

// ahead is how far the wall clock is ahead of the other, in ns.
func (r reading) ahead() int64 { return r.wall.UnixNano() - int64(r.ran) }

const (
	// stepSlack is the least step that is noted. Time servers slew what is less than .128 s
	// (ntpd), .4 s (systemd-timesyncd) or what they are told to (chrony), and step the rest; a
	// leap second is one of 1 s. No promise to people is about less than this, and an entry
	// in the log of every open incident should mean something.
	stepSlack = 2 * time.Second
	// stepEvery is how often the clocks are looked at while nobody writes to the index.
	stepEvery = time.Second
	// seenEvery is how often it is noted what the clock shows: after the machine was started
	// anew, nothing else tells that it was set back.
	seenEvery = time.Minute
	// stepPatience bounds one attempt to note a step, which takes about 1 ms for each incident
	// that moves.
	stepPatience = 10 * time.Minute
	// oneReading is how long a reading may take, in which the program may have been made to
	// wait between one clock and the other.
	oneReading = 10 * time.Millisecond
	// lateFor is for how long a deadline that was missed moves on. What lies longer is late
	// by any clock, and a site that never closes an incident has very many.
	lateFor = 24 * time.Hour
	// guestsApart is how far apart two machines may note what is one step: guests of one host
	// get its time together.
	guestsApart = 10 * time.Minute
)

// NewStepClock follows the clock of this machine for an index of this package. A step while
// nothing ran is noted before it returns. Call it before the index is used, and Run then.
func NewStepClock(ctx context.Context, index Index, o StepOptions) (*StepClock, error) {
	x, ok := index.(*sqlIndex)
	if !ok {
		return nil, fmt.Errorf("clock: %T has no deadlines", index)
	}
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return nil, fmt.Errorf("clock: time since this machine was started: %w", err)
	}
	machine := "" // a file has one
	if x.remote {
		machine = thisMachine()
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // where there is none, each start is another one
	c := &StepClock{StepOptions: o, x: x, read: readClocks, since: setSince, machine: column(machine), boot: strings.TrimSpace(string(boot))}
	return c, c.begin(ctx)
}

// thisMachine names a machine among those that share a database: by its name, and by a hash
// of its machine-id(5), which is not to be shown, where there is one.
func thisMachine() string {
	name, _ := os.Hostname()
	id, _ := os.ReadFile("/etc/machine-id")
	sum := sha256.Sum256(append([]byte("vedette\n"), id...))
	return name + " " + hex.EncodeToString(sum[:8])
}

// readClocks reads the clocks of the machine; false: it was too busy to read them together.
func readClocks() (reading, bool) {
	for range 5 {
		var before, after unix.Timespec
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &before) != nil {
			return reading{}, false
		}
		wall := time.Now()
		if unix.ClockGettime(unix.CLOCK_BOOTTIME, &after) != nil {
			return reading{}, false
		}
		if after.Nano()-before.Nano() <= int64(oneReading) {
			return reading{wall.UTC().Round(0), time.Duration(before.Nano())}, true
		}
	}
	return reading{}, false
}

// begin takes up what the last run has noted.
func (c *StepClock) begin(ctx context.Context) error {
	r, ok := c.read()
	for wait := oneReading; !ok; r, ok = c.read() {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	out, err := c.x.noteStep(ctx, c, r, models.StepStopped)
	if err != nil {
		return c.x.fail("clock", err)
	}
	c.ahead.Store(out.ahead)
	c.turn = make(chan struct{}, 1)
	c.x.follow, c.x.watch, c.x.late = c.Settle, c.watch, c.catchUp
	c.tell(out)
	return nil
}

// Settle moves the deadlines if the clock was set since it was looked at last, and returns
// once they agree with it. The index calls it before it changes a record. When they cannot
// be moved, because the database does not answer, the next call tries again.
func (c *StepClock) Settle(ctx context.Context) {
	if _, stepped := c.stepped(); !stepped {
		return
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return
	}
	r, stepped := c.stepped()
	if !stepped || int64(r.ran) < c.again.Load() {
		return
	}
	// Others wait for it too, and have more patience.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepPatience)
	defer cancel()
	out, err := c.x.noteStep(ctx, c, r, models.StepSeen)
	if err != nil {
		c.again.Store(int64(r.ran + stepEvery))
		if !c.sick {
			c.Log.Error("this machine's clock was set, and deadlines cannot be moved with it; trying again",
				"by", time.Duration(r.ahead()-c.ahead.Load()), "err", c.x.explain(err))
		}
		c.sick = true
		return
	}
	c.sick = false
	if by := time.Duration(out.ahead - c.ahead.Load()); out.step == nil && by.Abs() >= stepSlack {
		out.step = &models.ClockStep{At: r.wall, By: by, How: models.StepSeen} // another process of this machine has noted it
	}
	c.ahead.Store(out.ahead)
	c.tell(out)
}

// catchUp moves the deadlines of an incident that was opened before the clock was set and is
// stored only now, because the database did not answer or the clip came first.
func (c *StepClock) catchUp(in *models.Incident) {
	if _, stepped := c.stepped(); stepped {
		return // they move with all others, once that is noted
	}
	if by := c.since(in.Opened); by.Abs() >= stepSlack {
		in.Deadlines = slices.Clone(in.Deadlines) // whoever gave it to us may have to do so again
		c.Move(in, models.ClockStep{At: time.Now().UTC(), By: by, How: models.StepSeen})
	}
}

// setSince is by how much the wall clock was set since a time was read from it, which says so
// when it carries a reading of the monotonic clock too: one that was stored does not.
func setSince(at time.Time) time.Duration {
	now := time.Now()
	return now.Round(0).Sub(at.Round(0)) - now.Sub(at)
}

// watch says, when what it returns is called, whether the clock was set since.
func (c *StepClock) watch() func() bool {
	ahead := c.ahead.Load()
	return func() bool {
		_, stepped := c.stepped()
		return stepped || c.ahead.Load() != ahead
	}
}

// stepped says whether the clock was set since a step was noted.
func (c *StepClock) stepped() (reading, bool) {
	r, ok := c.read()
	return r, ok && time.Duration(r.ahead()-c.ahead.Load()).Abs() >= stepSlack
}

// tell says that a step was noted, if one was.
func (c *StepClock) tell(out comparison) {
	s := out.step
	if s == nil {
		return
	}
	c.Log.Warn("this machine's clock was set; open deadlines were moved with it", "by", s.By, "now", s.At.Format(time.RFC3339),
		"how", s.How, "incidents", len(out.changed), "hint", "let a time server keep the clock: timedatectl set-ntp true")
	c.x.tellChanged()
	c.Moved(*s, out.changed)
}

// Run looks at the clock until ctx ends.
func (c *StepClock) Run(ctx context.Context) error {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	var seen time.Duration
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c.Settle(ctx)
		// What cannot be noted now is noted later.
		if r, ok := c.read(); ok && r.ran-seen >= seenEvery && c.x.noteSeen(ctx, c.machine, r) == nil {
			seen = r.ran
		}
	}
}
