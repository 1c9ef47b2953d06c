package track

import (
	"math"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// axis is the Kalman filter of one coordinate: position and velocity, with their
// covariance. The axes of a box are filtered apart, which is exact when the noise of the
// axes is independent and saves the inversion of 8x8 matrices.
type axis struct {
	x, v          float64 // position, velocity per second
	pxx, pxv, pvv float64
	was, pwas     float64 // x and pxx before the last prediction
}

// predict moves the state dt seconds on. q is the spectral density of the acceleration
// (length^2/s^3; Bar-Shalom et al. 2001, 6.2.2), fade the share of the velocity that
// is left after dt.
func (a *axis) predict(dt, q, fade float64) {
	a.was, a.pwas = a.x, a.pxx
	a.x += a.v * dt
	a.v *= fade
	a.pxx += 2*dt*a.pxv + dt*dt*a.pvv + q*dt*dt*dt/3
	a.pxv = fade*(a.pxv+dt*a.pvv) + q*dt*dt/2
	a.pvv = fade*fade*a.pvv + q*dt
}

// outlier is from how many standard deviations on a measurement pulls no harder: a box
// that holds two people, or one person's legs, must not throw a track (Huber 1964).
const outlier = 2

// update takes in a measurement with variance r.
func (a *axis) update(z, r float64) {
	s := a.pxx + r
	kx, kv := a.pxx/s, a.pxv/s
	far := outlier * math.Sqrt(s)
	d := min(max(z-a.x, -far), far)
	a.x += kx * d
	a.v += kv * d
	a.pvv -= kv * a.pxv
	a.pxv *= 1 - kx
	a.pxx *= 1 - kx
}

// move takes in by how much it has moved in the dt seconds since the last prediction, with
// variance r, in the place of what was predicted: nothing about where it is.
func (a *axis) move(d, dt, r float64) {
	a.x, a.pxx = a.was+d, a.pwas+r
	k := a.pvv / (a.pvv + r/(dt*dt))
	a.v += k * (d/dt - a.v)
	a.pvv *= 1 - k
	a.pxv *= 1 - k
}

// keep puts it to a bound; the speed towards it ends there.
func (a *axis) keep(at float64) {
	if d := at - a.x; d*a.v < 0 {
		a.v = 0
	}
	a.x = at
}

// halt takes in that the speed is zero.
func (a *axis) halt() {
	a.x = a.was
	a.v = 0
}

// state filters a box: foot point and size, in units of the picture's height on both
// axes, so that a velocity means the same in every direction.
type state struct {
	x, y, w, h axis
	aspect     float64 // width of the picture over its height
}

// Noise, in box heights. A standing adult is one box height, walks 0.8 of them a second
// and reaches that speed, or turns, within about half a second.
const (
	// accelDensity: a change of velocity of 0.8 heights/s within 0.5 s has the spectral
	// density 0.8^2/0.5; a third of that, because most of the time nobody turns.
	accelDensity = 0.4
	// sizeDensity lets the size of a box drift: approaching the camera changes it by some
	// ten per cent a second. Legs and arms that swing are noise about it.
	sizeDensity = 0.005
	// unlearntDensity is that of motion alone for who was there when the camera started: the
	// region grows from a patch to the figure while the background behind it is learnt.
	unlearntDensity = 0.02
	// startSpeed is the standard deviation of the speed of something new.
	startSpeed = 1.0
	// Standard deviations of a measured box edge. A region of motion loses feet and
	// heads to the background and gains shadows, a detector's box does not.
	objectSigma = 0.05
	motionSigma = 0.09
	// gripSigma is that of a place taken from a region whose shape about the box is known:
	// its shadow and its lost feet go along.
	gripSigma = 0.06
	// velocityFade is how long an unseen thing keeps going, in seconds: it may as well
	// have stopped behind what hides it.
	velocityFade = 2.0
)

func newState(b models.Box, aspect, sigma float64) state {
	s := state{aspect: aspect}
	r := sigma * sigma * b.H * b.H
	v := startSpeed * startSpeed * b.H * b.H
	foot := b.Foot()
	s.x = axis{x: foot.X * aspect, pxx: r, pvv: v}
	s.y = axis{x: foot.Y, pxx: r, pvv: v}
	s.w = axis{x: b.W * aspect, pxx: 4 * r}
	s.h = axis{x: b.H, pxx: 4 * r}
	return s
}

// predict moves the state dt seconds on. size is the density with which its size drifts;
// unseen says that the last frame did not show it.
func (s *state) predict(dt, size float64, unseen bool) {
	h2 := s.h.x * s.h.x
	fade := 1.0
	if unseen {
		fade = math.Exp(-dt / velocityFade)
	}
	s.x.predict(dt, accelDensity*h2, fade)
	s.y.predict(dt, accelDensity*h2, fade)
	// Size has no velocity: an object that grows is an object that comes nearer, and is
	// followed closely enough by its measurements.
	s.w.pxx += size * h2 * dt
	s.h.pxx += size * h2 * dt
}

// update takes in a measured box.
func (s *state) update(b models.Box, sigma float64) {
	r := sigma * sigma * s.h.x * s.h.x
	foot := b.Foot()
	s.x.update(foot.X*s.aspect, r)
	s.y.update(foot.Y, r)
	s.w.update(b.W*s.aspect, 2*r)
	s.h.update(b.H, 2*r)
	s.clamp()
}

// place takes in where a box stands, and nothing about its size.
func (s *state) place(b models.Box, sigma float64) {
	r := sigma * sigma * s.h.x * s.h.x
	foot := b.Foot()
	s.x.update(foot.X*s.aspect, r)
	s.y.update(foot.Y, r)
}

// keep moves the state to where a box stands, and ends the speed that it would have left it with.
func (s *state) keep(b models.Box) {
	foot := b.Foot()
	s.x.keep(foot.X * s.aspect)
	s.y.keep(foot.Y)
}

// move takes in by how much a thing was seen to move in the dt since the last prediction.
func (s *state) move(step models.Point, dt time.Duration) {
	r := traceDrift * traceDrift * dt.Seconds() * s.h.x * s.h.x
	s.x.move(step.X*s.aspect, dt.Seconds(), r)
	s.y.move(step.Y, dt.Seconds(), r)
}

// halt takes in that nothing has moved: the region may look different to the background
// model from frame to frame, but the thing is where it was.
func (s *state) halt() {
	s.x.halt()
	s.y.halt()
}

// clamp keeps a size positive whatever was measured.
func (s *state) clamp() {
	const least = 1e-3
	s.w.x = max(s.w.x, least)
	s.h.x = max(s.h.x, least)
}

// box is the filtered box in fractions of the picture.
func (s *state) box() models.Box {
	w := s.w.x / s.aspect
	return models.Box{X: s.x.x/s.aspect - w/2, Y: s.y.x - s.h.x, W: w, H: s.h.x}
}

// distance2 is the squared Mahalanobis distance of a measured foot point.
func (s *state) distance2(b models.Box, sigma float64) float64 {
	r := sigma * sigma * s.h.x * s.h.x
	foot := b.Foot()
	dx, dy := foot.X*s.aspect-s.x.x, foot.Y-s.y.x
	return dx*dx/(s.x.pxx+r) + dy*dy/(s.y.pxx+r)
}
