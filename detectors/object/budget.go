package object

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// budget shares a number of inferences per second among the cameras that ask for them:
// max-min fair (Bertsekas and Gallager, Data Networks, 6.5.2). A camera that asks for
// less than its share gets all it asks for, and the others share the rest equally.
// Its time is the arrival time of the frames. It is safe for concurrent use.
type budget struct {
	rate float64 // inferences per second, all cameras together

	mu     sync.Mutex
	now    time.Time // newest arrival
	tokens float64
	window time.Time // since when demand is counted
	level  float64   // what one camera may take per second
	shares map[models.CameraID]*share
}

// share is one camera's part of the budget.
type share struct {
	asked  int       // in this window, refused ones too
	credit float64   // inferences that it may take now
	last   time.Time // when the credit was counted
}

const (
	// burst is how many seconds' worth of the budget may be taken at once, after a quiet
	// time; short enough that no frame of another camera waits long for a processor.
	burst = 0.25
	// credits bounds what one camera can save up: frames do not come quite evenly.
	credits = 2
	// backwards is how far arrival times may run back before the clock was set.
	backwards = 10 * time.Second
)

// newBudget makes a budget; a rate of 0 or less has no limit.
func newBudget(rate float64) *budget {
	if rate <= 0 {
		rate = math.Inf(1)
	}
	return &budget{rate: rate, level: math.Inf(1), shares: make(map[models.CameraID]*share)}
}

// take says whether the camera may run an inference for a frame that arrived at that time.
func (b *budget) take(camera models.CameraID, at time.Time) bool {
	if math.IsInf(b.rate, 1) {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(at)
	s := b.shares[camera]
	if s == nil {
		s = &share{credit: 1, last: b.now}
		b.shares[camera] = s
	}
	s.asked++
	if b.now.After(s.last) {
		s.credit = min(credits, s.credit+b.level*b.now.Sub(s.last).Seconds())
		s.last = b.now
	}
	if s.credit < 1 || b.tokens < 1 {
		return false
	}
	s.credit--
	b.tokens--
	return true
}

func (b *budget) advance(at time.Time) {
	// Where cameras get less than one inference a second each, one must be able to wait
	// for every camera.
	most := max(1, b.rate*burst, float64(len(b.shares)))
	switch {
	case b.now.IsZero() || at.Before(b.now.Add(-backwards)):
		b.now, b.window, b.tokens = at, at, most
		b.level = math.Inf(1)
		clear(b.shares)
	case at.After(b.now):
		b.tokens = min(most, b.tokens+b.rate*at.Sub(b.now).Seconds())
		b.now = at
	}
	if past := b.now.Sub(b.window); past >= time.Second {
		b.divide(past.Seconds())
		b.window = b.now
	}
}

// divide sets the level from what was asked for in the past seconds, and forgets cameras
// that asked for nothing.
func (b *budget) divide(seconds float64) {
	demands := make([]float64, 0, len(b.shares))
	for id, s := range b.shares {
		if s.asked == 0 {
			delete(b.shares, id)
			continue
		}
		demands = append(demands, float64(s.asked)/seconds)
		s.asked = 0
	}
	slices.Sort(demands)
	left := b.rate
	b.level = math.Inf(1)
	for i, d := range demands {
		if equal := left / float64(len(demands)-i); d > equal {
			b.level = equal
			return
		}
		left -= d
	}
}
