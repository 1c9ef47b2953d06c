package track

import (
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Tracks are followed in the picture itself between two looks of the object detector: where
// people cross or walk together motion knows one region, while each of them still looks as
// a moment ago. What is found is by how much a thing has moved since the last frame, in the
// place of what was predicted; where it is stays the business of the looks, so an error of
// one step is not defended against them. To motion alone it is so while a region holds
// several; somebody whose region is his own is where it is.

const (
	// sameShade is the least correlation of a thing with its own picture of the last frames.
	// Who walks has .9 and more but for the legs; somebody else in its place has .5.
	sameShade = 0.8
	// traceDrift is the standard deviation of what is found to have moved within a second, in
	// box heights: half a walker's stride would be a fifth. One step is found to a part of a
	// sample, but a body turns and swings about its middle.
	traceDrift = 0.1
	// shadeShare is how much of a template is renewed by a frame: a body at a walk has
	// turned its other leg forward after half a second.
	shadeShare = 0.2
	// aside is the least overlap of a patch with its track, before it has slipped.
	aside = 0.5
	// overlaid is the share of a box under another one's from which it shows two things.
	overlaid = 0.15
)

// trace finds the tracks by their picture, and moves those that the object detector has
// measured to where they are.
func (t *Tracker) trace(g Grey, dt time.Duration) {
	if dt <= 0 {
		return
	}
	for _, l := range t.live {
		l.traced = false
		if l.unseen > 0 || !l.patch.known || t.named && !l.measured() {
			continue // what no look has named may be several
		}
		from := l.patch.box
		expected := from
		expected.X += (l.state.x.x - l.state.x.was) / l.state.aspect
		expected.Y += l.state.y.x - l.state.y.was
		found, like := l.patch.find(g, expected)
		if l.patch.box = expected; like >= sameShade {
			l.traced = true
			l.patch.box = found
			l.step = models.Point{X: found.X - from.X, Y: found.Y - from.Y}
			if l.measured() {
				l.state.move(l.step, dt)
			}
		}
	}
}

// sketch keeps what the tracks look like in this frame, for the next one.
func (t *Tracker) sketch(g Grey) {
	for _, l := range t.live {
		if !l.Seen || t.named && !l.measured() {
			continue
		}
		apart := t.apart(l)
		switch {
		case l.traced && l.patch.box.IoU(l.Box) >= aside:
			if apart {
				l.patch.take(g, l.patch.box, shadeShare)
			}
		case apart || !l.patch.known:
			l.patch.take(g, l.Box, 1)
		}
	}
}

// apart says whether the box of a track shows nobody else.
func (t *Tracker) apart(l *life) bool {
	for _, o := range t.live {
		if o != l && o.State != models.TrackTentative && !o.asleep() && o.Box.Intersect(l.Box).Area() > overlaid*l.Box.Area() {
			return false
		}
	}
	return true
}
