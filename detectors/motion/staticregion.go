package motion

import (
	"image"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// staticRegion is one change of the scene that stays.
type staticRegion struct {
	models.Static
	cells []int32
	look  []cell // what each of the cells shows
	rect  image.Rectangle
	born  time.Duration // media time when it was found
	gone  time.Duration // media time since which something else is at rest there; 0: no
}

const (
	// growFor is how long after a change was found parts of it may still be added: not
	// all of a thing comes to rest at once.
	growFor = 5 * time.Second
	// mostCells is the share of a region's cells that decides what is seen there.
	mostCells = 0.5
	// goneFor is how long something else must be at rest in its place before a change is
	// over: somebody who steps before it and stands for a moment ends nothing.
	goneFor = 3 * time.Second
	// lifelessFor is how long a thing and all around it must have been at rest to be no
	// living one, whatever is tracked there: who sits or stands shifts more often.
	lifelessFor = 15 * time.Second
	// guarded is the share of a change that tracked things must cover for it to be one
	// of them.
	guarded = 1.0 / 3
	// minRemoved is how long the slow background must have been learnt before something
	// can be missing from it: who stood there when the camera started is no part of it.
	minRemoved = 10 * time.Second
	// staticSize is the least area of a change that stays, as a multiple of the least
	// region that moves: what is left at the border of light is small.
	staticSize = 2
)

// keepUp looks whether the known changes are still there.
func (s *statics) keepUp(at models.Instant, d *Detector, rate float32) {
	limit := changed(d.noise)
	s.found = slices.DeleteFunc(s.found, func(r *staticRegion) bool {
		there, other := 0, 0
		for k, i := range r.cells {
			switch {
			case !s.now[i].apart(r.look[k], limit):
				there++
				r.look[k].toward(s.now[i], rate)
			case at.Media-s.since[i] >= restFor:
				other++
			}
		}
		n := float64(len(r.cells))
		switch {
		case float64(there) >= mostCells*n:
			r.Last, r.gone = at, 0
		case float64(other) < mostCells*n: // hidden for the moment
			r.gone = 0
		case r.gone == 0:
			r.gone = at.Media
		}
		over := r.gone != 0 && at.Media-r.gone >= goneFor || at.Media-r.born >= acceptAfter
		if over || s.masked(r, d.mask) {
			s.release(r)
			return true
		}
		return false
	})
}

// release gives a region's cells back; what is there now belongs to the scene.
func (s *statics) release(r *staticRegion) {
	for _, i := range r.cells {
		s.taken[i], s.long[i] = false, s.rest[i]
	}
}

// masked says whether a mask has been drawn over most of a region since.
func (s *statics) masked(r *staticRegion, mask []uint8) bool {
	if mask == nil {
		return false
	}
	n := 0
	for _, i := range r.cells {
		n += int(mask[s.pixel(i)])
	}
	return float64(n) > mostCells*float64(len(r.cells))
}

// pixel is the first analysis pixel of a cell.
func (s *statics) pixel(i int32) int { return 2*(int(i)/s.w)*s.cw + 2*(int(i)%s.w) }

// discover makes regions of the cells that are static, belong together and are a thing.
func (s *statics) discover(at models.Instant, d *Detector, protect []models.Box) {
	s.thicken(at.Media)
	for _, c := range s.parts.label(s.joined, s.w, s.h, 255, 8) {
		cells := s.solidIn(c)
		if 4*len(cells) < staticSize*d.shape.minArea {
			s.drop(cells, at.Media)
			continue
		}
		if s.protected(cells, protect) && !s.lifeless(c.box, at.Media) {
			continue
		}
		v := s.judge(cells, d)
		if v.light || v.removed && s.age < minRemoved || s.busy(cells, d.busy) {
			s.drop(cells, at.Media)
			continue
		}
		if r := s.growing(c.box, at.Media); r != nil {
			s.add(r, cells)
			continue
		}
		s.nextID++
		r := &staticRegion{
			Static: models.Static{
				ID: s.nextID, Since: at.Add(s.restingSince(cells) - at.Media), Last: at,
				Removed: v.removed, Score: v.score,
			},
			born: at.Media,
		}
		s.add(r, cells)
		s.found = append(s.found, r)
		d.log.Debug("something stays", "id", r.ID, "box", r.Box, "removed", r.Removed, "score", r.Score)
	}
}

// thicken drops static cells that stand alone and joins those that are nearly neighbours:
// a bag with a strap of the floor's colour is one bag.
//
//go:norace
func (s *statics) thicken(at time.Duration) {
	w, h := s.w, s.h
	clear(s.joined)
	for i, v := range s.state {
		if v != cellStatic {
			continue
		}
		x, y, n := i%w, i/w, 0
		for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
			for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
				if s.state[ny*w+nx] != cellSame {
					n++
				}
			}
		}
		if n < 4 {
			s.dropOne(int32(i), at)
			continue
		}
		s.state[i] = cellSolid
		for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
			for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
				s.joined[ny*w+nx] = 255
			}
		}
	}
}

// solidIn returns the static cells of a component.
func (s *statics) solidIn(c component) []int32 {
	s.cells = s.cells[:0]
	for _, r := range c.runs {
		for i := r.y*int32(s.w) + r.x0; i < r.y*int32(s.w)+r.x1; i++ {
			if s.state[i] == cellSolid {
				s.cells = append(s.cells, i)
			}
		}
	}
	return s.cells
}

// drop takes cells that differ, but are no thing, into the scene when they have done so
// for long.
func (s *statics) drop(cells []int32, at time.Duration) {
	for _, i := range cells {
		s.dropOne(i, at)
	}
}

func (s *statics) dropOne(i int32, at time.Duration) {
	if at-s.since[i] >= dropAfter {
		s.long[i] = s.rest[i]
	}
}

// protected says whether the cells belong to a tracked thing.
func (s *statics) protected(cells []int32, boxes []models.Box) bool {
	n := 0
	for _, i := range cells {
		x, y := (float64(int(i)%s.w)+0.5)/float64(s.w), (float64(int(i)/s.w)+0.5)/float64(s.h)
		if slices.ContainsFunc(boxes, func(b models.Box) bool {
			return x >= b.X && x < b.X+b.W && y >= b.Y && y < b.Y+b.H
		}) {
			n++
		}
	}
	return float64(n) > guarded*float64(len(cells))
}

// lifeless says whether nothing in a place and around it has stirred for long.
func (s *statics) lifeless(box image.Rectangle, at time.Duration) bool {
	box = box.Inset(-2).Intersect(image.Rect(0, 0, s.w, s.h))
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for _, since := range s.since[y*s.w+box.Min.X : y*s.w+box.Max.X] {
			if at-since < lifelessFor {
				return false
			}
		}
	}
	return true
}

// busy says whether the cells lie where motion never ceases.
func (s *statics) busy(cells []int32, b *busy) bool {
	sum := float32(0)
	for _, i := range cells {
		sum += b.rate[s.pixel(i)]
	}
	return sum > busyRate*float32(len(cells))
}

// growing returns the young region that a new part is next to.
func (s *statics) growing(box image.Rectangle, at time.Duration) *staticRegion {
	for _, r := range s.found {
		if at-r.born < growFor && r.rect.Overlaps(box) {
			return r
		}
	}
	return nil
}

// add gives cells to a region.
func (s *statics) add(r *staticRegion, cells []int32) {
	for _, i := range cells {
		s.taken[i] = true
		r.cells = append(r.cells, i)
		r.look = append(r.look, s.rest[i])
		x, y := int(i)%s.w, int(i)/s.w
		r.rect = r.rect.Union(image.Rect(x, y, x+1, y+1))
	}
	r.Box = models.Box{
		X: float64(r.rect.Min.X) / float64(s.w), Y: float64(r.rect.Min.Y) / float64(s.h),
		W: float64(r.rect.Dx()) / float64(s.w), H: float64(r.rect.Dy()) / float64(s.h),
	}
}

// restingSince is the media time since when half of the cells have been at rest.
func (s *statics) restingSince(cells []int32) time.Duration {
	since := make([]time.Duration, len(cells))
	for k, i := range cells {
		since[k] = s.since[i]
	}
	slices.Sort(since)
	return since[len(since)/2]
}

// report returns the changes as they are at an instant. While the picture is idle they
// are where they were.
func (s *statics) report(at models.Instant, idle bool) []models.Static {
	if len(s.found) == 0 {
		return nil
	}
	out := make([]models.Static, len(s.found))
	for k, r := range s.found {
		if idle && r.Last.Media == s.last {
			out[k] = r.Static
			out[k].Last = at
			continue
		}
		out[k] = r.Static
	}
	return out
}
