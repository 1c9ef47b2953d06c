package health

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// state is what one look says of one kind of trouble.
type state uint8

const (
	unknown state = iota // it cannot be told, or lies between the two
	refuted
	holds
)

const (
	// recovery is how long the contrary must last before trouble is over: longer than an
	// automatic exposure or focus takes to settle.
	recovery = 3 * time.Second
	// patience is how long it may be unknown whether trouble still holds before it counts
	// as not having begun: three looks.
	patience = 1500 * time.Millisecond
	// outage is a pause in the pictures after which what went before it says nothing of
	// what has lasted.
	outage = 10 * time.Second
	// before and during bound the curve: so many looks from before trouble began, and so
	// many points in all.
	before, during = 16, 64
)

// trouble is one kind of it, through suspicion, alarm and recovery.
type trouble struct {
	rule  models.Rule
	on    bool // rule counts
	since models.Instant
	last  models.Instant // it held last
	clear models.Instant // since when it is refuted, while there is an event
	event *models.Event
	curve []models.Sample
	every int // every how many looks the curve gets a point
	skip  int
}

// suspected says that it holds, confirmed or not.
func (t *trouble) suspected() bool { return !t.since.IsZero() }

// note adds to the curve: all that is observed while there is trouble, the newest looks
// before.
func (t *trouble) note(at models.Instant, value float64) {
	if !t.suspected() {
		t.every, t.skip = 1, 0
		if n := len(t.curve); n >= before {
			t.curve = t.curve[:copy(t.curve, t.curve[n-before+1:])]
		}
	} else {
		if t.skip++; t.skip < t.every {
			return
		}
		t.skip = 0
		if len(t.curve) >= during {
			for i := range during / 2 {
				t.curve[i] = t.curve[2*i]
			}
			t.curve = t.curve[:during/2]
			t.every *= 2
		}
	}
	t.curve = append(t.curve, models.Sample{At: at, Value: value})
}

// step follows one look. from is since when it has held, should it hold.
func (t *trouble) step(at, from models.Instant, s state) (alarm, over bool) {
	switch {
	case t.event == nil && s == holds:
		if !t.suspected() {
			t.since = from
		}
		t.last = at
		return at.Since(t.since) >= t.rule.For, false
	case t.event == nil:
		if s == refuted || t.suspected() && at.Since(t.last) > patience {
			t.since = models.Instant{}
		}
	case s == refuted:
		if t.clear.IsZero() {
			t.clear = at
		}
		return false, at.Since(t.clear) >= recovery
	case s == holds:
		t.last, t.clear = at, models.Instant{}
	default:
		t.clear = models.Instant{}
	}
	return false, false
}

// forget drops a suspicion.
func (t *trouble) forget() {
	if t.event == nil {
		t.since = models.Instant{}
	}
}

// raise makes the began phase.
func (t *trouble) raise(d *Detector, at models.Instant, score float64, why []models.Fact) models.Event {
	why = append(why, models.Fact{Name: "lasted", Observed: at.Since(t.since).Seconds(), Threshold: t.rule.For.Seconds(), Unit: "s"})
	t.event = &models.Event{
		ID: d.next(), Phase: models.PhaseBegan, Camera: d.camera, Rule: t.rule, Score: score,
		Start: t.since, Alarm: at, Why: why, Curve: slices.Clone(t.curve), Config: d.config,
	}
	return *t.event
}

// end makes the ended phase.
func (t *trouble) end(at models.Instant, reason string) models.Event {
	e := *t.event
	e.Phase, e.End, e.Curve = models.PhaseEnded, at, slices.Clone(t.curve)
	e.Why = append(slices.Clone(e.Why), models.Fact{Name: "over after", Observed: at.Since(e.Start).Seconds(), Unit: "s", Note: reason})
	t.event, t.since, t.clear = nil, models.Instant{}, models.Instant{}
	return e
}
