package decode

import (
	"math"
	"time"
)

// mediaClock turns the time stamps of a file into media time that begins at zero and
// always grows.
type mediaClock struct {
	step  time.Duration // between two frames, where stamps do not tell
	now   time.Duration
	zero  float64 // the stamp, in seconds, that is media time zero
	begun bool
	fixed bool // zero is known
}

// advance returns the media time of the next frame. stamp is its time stamp in seconds,
// NaN when it has none. Where stamps are missing or run backwards (recorders that start
// their clock anew in mid-file, joined transport streams) a frame follows its predecessor
// by one step, and later stamps count from there.
func (c *mediaClock) advance(stamp float64) time.Duration {
	if !c.begun {
		c.begun = true
		c.zero, c.fixed = stamp, !math.IsNaN(stamp)
		return 0
	}
	next := c.now + c.step
	if !math.IsNaN(stamp) {
		if t := seconds(stamp - c.zero); c.fixed && t > c.now {
			next = t
		} else {
			c.zero, c.fixed = stamp-next.Seconds(), true
		}
	}
	c.now = next
	return next
}

// seconds converts without overflow; what no video lasts becomes the largest duration
// that can still be added to.
func seconds(s float64) time.Duration {
	const most = 100 * 365 * 24 * time.Hour
	d := math.Round(s * float64(time.Second))
	switch {
	case math.IsNaN(d) || d < -float64(most):
		return 0
	case d > float64(most):
		return most
	}
	return time.Duration(d)
}
