package models

import "time"

// Clock says where a wall-clock time was read.
type Clock string

// The clocks that a wall time can come from.
const (
	ClockArrival Clock = "arrival" // our own clock when the first packet of the picture arrived
	ClockCamera  Clock = "camera"  // the camera's clock, by its RTCP sender reports (RFC 3550, 6.4.1)
	ClockFile    Clock = "file"    // a file's media time, counted from a given start
)

// Instant is one moment on both time axes. Durations are always taken from Media: it
// never jumps when somebody sets a clock. People are always shown Wall.
type Instant struct {
	// Media is the camera's media time. It starts near zero when the program first
	// connects to the camera and keeps running over reconnections.
	Media time.Duration `json:"media_ns"`
	Wall  time.Time     `json:"wall"`
}

// Since returns the media time from earlier to i.
func (i Instant) Since(earlier Instant) time.Duration { return i.Media - earlier.Media }

// Add moves both axes by d.
func (i Instant) Add(d time.Duration) Instant {
	return Instant{Media: i.Media + d, Wall: i.Wall.Add(d)}
}

// IsZero says whether the instant was never set.
func (i Instant) IsZero() bool { return i.Wall.IsZero() }
