package detectors

import "time"

// Pace passes so many frames a second. Its time is media time, and the next due time counts
// from the last due time, not from the last frame, so that 5 of 7 frames a second are
// passed when 5 are asked for. The zero value passes every frame.
type Pace struct {
	FPS float64 // most frames a second; 0 passes every frame

	begun bool
	last  time.Duration // of the newest frame that was asked for
	due   time.Duration // from which the next frame is passed
}

// Take says whether the frame of that time is passed. Frames come in order; a step back in
// time begins anew.
func (p *Pace) Take(at time.Duration) bool {
	anew := !p.begun || at < p.last
	p.begun, p.last = true, at
	if p.FPS <= 0 {
		p.due = at
		return true
	}
	every := time.Duration(float64(time.Second) / p.FPS)
	if anew {
		p.due = at + every
		return true
	}
	// A frame that is early by a hair (a clock that counts in 1/90000 s) is on time.
	if at+every/50 < p.due {
		return false
	}
	if p.due += every; p.due <= at {
		p.due = at + every
	}
	return true
}
