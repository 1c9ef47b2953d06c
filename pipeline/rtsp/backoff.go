package rtsp

import (
	"math/rand/v2"
	"time"
)

// How long to wait before connecting again.
const (
	backoffMin = time.Second
	backoffMax = 30 * time.Second
	// slowMin and slowMax are for what does not mend itself.
	slowMin = 30 * time.Second
	slowMax = 5 * time.Minute
	// settled is how long a session must have lasted for the next wait to be short again:
	// a camera that accepts, sends half a second and fails must not be hammered.
	settled = 30 * time.Second
)

// backoff grows exponentially. Half of each wait is random, so that a hundred cameras
// behind one switch do not come back in step.
type backoff struct {
	wait time.Duration // the last one before jitter; 0 after a settled session
}

// next returns how long to wait now. slow is for errors that wait for a person.
func (b *backoff) next(slow bool) time.Duration {
	low, high := backoffMin, backoffMax
	if slow {
		low, high = slowMin, slowMax
	}
	b.wait = min(max(2*b.wait, low), high)
	return b.wait/2 + rand.N(b.wait/2+1)
}

func (b *backoff) reset() { b.wait = 0 }
