// Package detectors is the chain from frames to events: motion, the health of the camera,
// objects, tracks, rules.
//
// A Chain belongs to one camera. It is fed that camera's frames in order, one at a time,
// and answers with what it saw and which rules became true. It reads no clock and uses no
// randomness, so the same frames give the same events on every run, faster or slower than
// they were filmed. What it looks for is data (models.Watch) that can be exchanged between
// two frames; two chains can run side by side on the same frames.
//
// The object detector is optional: without one, motion alone feeds the tracks. It looks by
// need, not at every frame: what a look costs, and when it can tell something new, is the
// affair of the looks in look.go.
package detectors
