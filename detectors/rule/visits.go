package rule

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// visits follows who is in an area, and who may come back to it.
type visits struct {
	area  models.Polygon // empty: the whole picture and beyond
	grace time.Duration
	open  []*visit // in order of arrival
}

// contains says whether a foot point is in the area. The filtered box of someone at the
// edge of the picture may reach a little beyond it; he stands at the edge.
func (s *visits) contains(p models.Point) bool {
	return len(s.area) == 0 || s.area.Contains(models.Point{X: min(max(p.X, 0), 1), Y: min(max(p.Y, 0), 1)})
}

// follow records the sights of a frame and reports each that belongs to a visit.
func (s *visits) follow(f *frame, sight func(v *visit, t *models.Track, in bool)) {
	for i := range f.tracks {
		t := &f.tracks[i]
		if !t.Seen {
			continue
		}
		in := s.contains(t.Box.Foot())
		v := s.of(t.ID)
		if v == nil && in {
			if v = s.handOver(f, i); v == nil {
				v = newVisit(f.arrival(i))
				s.open = append(s.open, v)
			}
			v.take(t.ID)
		}
		if v == nil {
			continue
		}
		v.see(f.at, t, in)
		sight(v, t, in)
	}
}

// lapse closes and reports the visits that have been away for too long.
func (s *visits) lapse(f *frame, closed func(v *visit)) {
	kept := s.open[:0]
	for _, v := range s.open {
		if f.at.Since(v.inside) > s.patience(f, v) {
			closed(v)
			continue
		}
		kept = append(kept, v)
	}
	clear(s.open[len(kept):])
	s.open = kept
}

// arrival is when a track that has just been found in an area came there: now, unless the
// tracker reports it for the first time and knows that it has been there for longer (it
// stood there when the camera started).
func (f *frame) arrival(i int) models.Instant {
	if t := &f.tracks[i]; f.first[i] && t.First.Media < f.at.Media {
		return t.First
	}
	return f.at
}

func (s *visits) of(id models.TrackID) *visit {
	for _, v := range s.open {
		if v.track() == id {
			return v
		}
	}
	return nil
}

// occlusion is how long a visit waits for a track that is out of sight, but not known to
// have left the area: the tracker looks for it that long. A shorter grace is about people
// who step out, not about people who pass behind a post.
const occlusion = 2 * time.Second

// patience is how long after the last time in the area a visit stays open.
func (s *visits) patience(f *frame, v *visit) time.Duration {
	if !v.believed { // nothing came of it: of rain there are many
		return min(s.grace, occlusion)
	}
	if !v.outside && s.grace < occlusion {
		if t := f.track(v.track()); t != nil && t.State == models.TrackLost && s.contains(t.Box.Foot()) {
			return occlusion
		}
	}
	return s.grace
}

// present says whether the visitor is in the area now: seen there, or hidden there for no
// longer than the tracker looks for it.
func (s *visits) present(f *frame, v *visit) bool {
	if v.outside || v.inside.Media == f.at.Media {
		return !v.outside
	}
	t := f.track(v.track())
	return t != nil && t.State == models.TrackLost && f.at.Since(v.inside) <= occlusion && s.contains(t.Box.Foot())
}

// Hand-over: a new track is the continuation of a visit whose own track was lost.
const (
	// handOverReach is how far, in box heights, the new track may begin from where the
	// old one was lost, at once; handOverSpeed how much farther a second (a brisk walk).
	handOverReach = 0.75
	handOverSpeed = 1.2
	// handOverSize bounds the ratio of the heights.
	handOverSize = 1.6
)

// handOver finds the open visit that a track, new in this area, continues.
func (s *visits) handOver(f *frame, i int) *visit {
	t := &f.tracks[i]
	// Since when the track is in sight: the tracker may have given the old number of
	// something lost to something that it has just come to believe in.
	from := t.First
	if f.fresh[i] && !f.first[i] {
		from = f.at
	}
	var best *visit
	least := math.Inf(1)
	for _, v := range s.open {
		// The old track must have been out of sight since before the new one appeared,
		// give or take the moment in which a tracker sees both halves of one thing.
		// What was its own before stays so, also when a piece that nobody believes in has taken it.
		gap, own := from.Since(v.seen), slices.Contains(v.tracks, t.ID)
		if v.outside || gap < -second && !own || f.at.Since(v.inside) > max(s.grace, occlusion) ||
			f.sees(v.track()) && !(own && t.State == models.TrackConfirmed && f.track(v.track()).State == models.TrackTentative) {
			continue
		}
		if r := t.Box.H / v.box.H; !(r < handOverSize && r > 1/handOverSize) {
			continue
		}
		jump := f.distance(t.Box.Foot(), v.box.Foot()) / v.box.H
		// Measured at this frame, which may be some time after the track's first.
		if jump > handOverReach+handOverSpeed*max(f.at.Since(v.seen).Seconds(), 0) || jump >= least {
			continue
		}
		best, least = v, jump
	}
	return best
}

// sees says whether a track is in sight.
func (f *frame) sees(id models.TrackID) bool {
	t := f.track(id)
	return t != nil && t.Seen
}
