package track

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// spot is a place where the object detector sees something that has never moved: a sign
// that looks like a person, a parked car, somebody who sat there before the camera started.
type spot struct {
	box   models.Box
	label string
	look  models.Appearance
	first models.Instant
	last  models.Instant
	calm  float64 // share of the past seconds in which nothing moved there, 0..1
}

const (
	// spotCalm is how calm a place must be to be of the scene. A sign is calm but when people
	// pass it; who stands and waits stirs in most frames.
	spotCalm = 0.6
	// spotMemory is over how long calm is measured: it takes a second to believe in a sign
	// of which nothing is known, and two or three to see that something in it lives.
	spotMemory = 5 * time.Second
	// spotGap is the longest time that one look speaks for, so that it always takes some.
	spotGap = 350 * time.Millisecond
	// spotOverlap is the least overlap of two sights of something that does not move:
	// detectors move the edges of a box by a tenth or two of its size.
	spotOverlap = 0.5
	// spotForgotten is how long a spot is remembered unseen: a sign may be hidden by a
	// parked van, and what scores badly is not found in every light.
	spotForgotten = 10 * time.Minute
	// maxSpots bounds the memory; the one that was unseen for longest goes first.
	maxSpots = 64
)

// spots is the memory of what belongs to the scene although it has a name.
type spots struct {
	list []spot
}

func (s *spots) find(r *region) int {
	best, top := -1, spotOverlap
	for i := range s.list {
		if o := s.list[i].box.IoU(r.Box); o >= top {
			best, top = i, o
		}
	}
	return best
}

// known says whether a region of the object detector is part of the scene: it is seen at a
// known spot, and nothing moves there, or it looks as the spot always did, or it is the
// parked car before which people pass.
func (s *spots) known(r *region) bool {
	i := s.find(r)
	if i < 0 || !s.list[i].settled() {
		return false
	}
	p := &s.list[i]
	return r.quiet || p.look.Distance(r.sig) < sameLook || r.Label == p.label && !animate(p.label)
}

func (p *spot) settled() bool { return p.calm >= spotCalm }

// note takes in a region that no track accounts for.
func (s *spots) note(r *region, at models.Instant) {
	i := s.find(r)
	switch {
	case i < 0 && !r.quiet:
		return
	case i < 0:
		if len(s.list) == maxSpots {
			oldest := s.oldest()
			s.list = slices.Delete(s.list, oldest, oldest+1)
		}
		s.list = append(s.list, spot{box: r.Box, label: r.Label, look: r.sig, first: at, last: at, calm: 0.5})
		return
	}
	p := &s.list[i]
	weight := float64(min(at.Since(p.last), spotGap)) / float64(spotMemory)
	p.last = at
	if !r.quiet {
		// Who passes in front of it says little about it, and nothing about a parked car.
		if r.foreign {
			weight /= 2
		}
		if animate(p.label) {
			p.calm -= weight * p.calm
		}
		return
	}
	p.calm += weight * (1 - p.calm)
	const share = 0.1
	p.box.X += share * (r.Box.X - p.box.X)
	p.box.Y += share * (r.Box.Y - p.box.Y)
	p.box.W += share * (r.Box.W - p.box.W)
	p.box.H += share * (r.Box.H - p.box.H)
	if r.sig != nil {
		p.look = blend(p.look, r.sig, share)
	}
}

// animate says whether something of a label stirs where it stands. What does not, such as a
// parked car, has not moved before it leaves: what stirs there passes in front of it.
func animate(label string) bool {
	switch label {
	case "person", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe":
		return true
	}
	return false
}

func (s *spots) oldest() int {
	oldest := 0
	for i := range s.list {
		if s.list[i].last.Media < s.list[oldest].last.Media {
			oldest = i
		}
	}
	return oldest
}

// leave removes the spot that a region which now moves was at, and returns since when it
// was there.
func (s *spots) leave(r *region) (models.Instant, bool) {
	for i := range s.list {
		p := &s.list[i]
		if p.label == r.Label && p.box.IoU(r.Box) >= spotOverlap/2 && p.look.Distance(r.sig) < sameLook {
			first := p.first
			s.list = slices.Delete(s.list, i, i+1)
			return first, true
		}
	}
	return models.Instant{}, false
}

// forget drops what has not been seen for long.
func (s *spots) forget(at models.Instant) {
	s.list = slices.DeleteFunc(s.list, func(p spot) bool { return at.Since(p.last) > spotForgotten })
}
