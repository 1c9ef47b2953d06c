package notify

import (
	"math/rand/v2"
	"time"
)

// When a delivery that went wrong is tried again: after 5 s, then twice as long each time,
// an hour at most, each with up to a quarter more or less so that many do not come at once.
const (
	firstRetry = 5 * time.Second
	mostRetry  = time.Hour
	// Patience is how long a notice is tried before it is given up.
	Patience = 72 * time.Hour
)

// retryAfter is how long to wait after so many attempts went wrong, from 1.
func retryAfter(attempts int, jitter func() float64) time.Duration {
	wait := mostRetry
	if attempts < 12 { // 5 s << 11 is beyond an hour
		wait = min(firstRetry<<max(0, attempts-1), mostRetry)
	}
	return time.Duration(float64(wait) * (0.75 + 0.5*jitter()))
}

// pauseAfter is how long a channel rests when so many deliveries in a row went wrong: a
// receiver that is down is not asked by each notice that waits. One that went wrong may be
// the notice's own fault.
func pauseAfter(failures int, jitter func() float64) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(retryAfter(failures-1, jitter), 5*time.Minute)
}

func random() float64 { return rand.Float64() }
