package track

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// spot is a place where the object detector sees something that has never moved: a sign
// that looks like a person, a parked car, somebody who sat there before the camera started.
type spot struct {
	box    models.Box
	label  string
	score  float64 // smoothed
	look   models.Appearance
	first  models.Instant
	last   models.Instant
	seen   int           // looks that found it
	motion time.Duration // movement of its own that has not been forgotten
}

const (
	// spotLooks and spotAfter are what it takes to know a spot: who walks is gone from a
	// place after a second.
	spotLooks = 3
	spotAfter = time.Second
	// spotOverlap is the least overlap of two sights of something that does not move:
	// detectors move the edges of a box by a tenth or two of its size.
	spotOverlap = 0.5
	// spotForgotten is how long a spot is remembered unseen: a sign may be hidden by a
	// parked van, and what scores badly is not found in every light.
	spotForgotten = 10 * time.Minute
	// maxSpots bounds the memory; the one that was unseen for longest goes first.
	maxSpots = 64
	// spotAlive is how much movement of its own shows that something in a spot lives.
	spotAlive = time.Second
	// spotFading is how long a movement of one second counts: somebody who sits stirs more
	// often than that, the shadow of a branch over a sign stirs for a moment.
	spotFading = 10
	// ownMotion is the least share of a region of motion that lies in a spot whose own
	// motion it is; who passes by sticks out.
	ownMotion = 0.8
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
// known spot, and it either does not move or looks as the spot always did.
func (s *spots) known(r *region) bool {
	i := s.find(r)
	return i >= 0 && s.list[i].settled() && (!r.supported() || s.list[i].look.Distance(r.sig) < sameLook)
}

func (p *spot) settled() bool { return p.seen >= spotLooks && p.last.Since(p.first) >= spotAfter }

// note takes in a region at rest that no track accounts for.
func (s *spots) note(r *region, at models.Instant) {
	i := s.find(r)
	if i < 0 {
		if len(s.list) == maxSpots {
			s.list = slices.Delete(s.list, s.oldest(), s.oldest()+1)
		}
		s.list = append(s.list, spot{box: r.Box, label: r.Label, score: r.Score, look: r.sig, first: at, last: at, seen: 1})
		return
	}
	p := &s.list[i]
	const share = 0.1
	p.box.X += share * (r.Box.X - p.box.X)
	p.box.Y += share * (r.Box.Y - p.box.Y)
	p.box.W += share * (r.Box.W - p.box.W)
	p.box.H += share * (r.Box.H - p.box.H)
	if r.sig != nil {
		p.look = blend(p.look, r.sig, share)
	}
	p.score += share * (r.Score - p.score)
	p.last = at
	p.seen++
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

// stir counts the movement of each spot's own.
func (s *spots) stir(blobs []region, dt time.Duration) {
	for i := range s.list {
		p := &s.list[i]
		around := enlarged(p.box)
		own := false
		if !animate(p.label) {
			continue
		}
		for j := range blobs {
			b := &blobs[j].Box
			if common := b.Intersect(around).Area(); common >= ownMotion*b.Area() && common >= 0.1*p.box.Area() {
				own = true
			}
		}
		if own {
			p.motion += dt
		} else {
			p.motion = max(0, p.motion-dt/spotFading)
		}
	}
}

// awake removes and returns the spots that live.
func (s *spots) awake() []spot {
	var out []spot
	s.list = slices.DeleteFunc(s.list, func(p spot) bool {
		if p.settled() && p.motion >= spotAlive {
			out = append(out, p)
			return true
		}
		return false
	})
	return out
}

// leave removes the spot that a region which now moves was, and returns since when it was
// there.
func (s *spots) leave(r *region) (models.Instant, bool) {
	for i := range s.list {
		p := &s.list[i]
		if p.settled() && p.label == r.Label && p.box.IoU(r.Box) >= spotOverlap/2 && p.look.Distance(r.sig) < sameLook {
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
