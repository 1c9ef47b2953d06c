package motion

import (
	"image"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// statics finds changes of the scene that stay: things that were put down, and the places
// of things that were taken away. After Porikli (2008) it keeps a second, much slower
// background beside the model, which accepts what stays within seconds: what is at rest
// and differs from the slow background is a static change.
//
// It works on cells of 2x2 analysis pixels, whose mean has half the noise, and at most
// some five times a second: what stays does not hurry.
type statics struct {
	w, h int // in cells
	cw   int // analysis pixels in a row

	now    []cell          // the picture
	rest   []cell          // what each cell has shown since it came to rest
	since  []time.Duration // media time since when it has
	same   []time.Duration // media time when it was last as in the slow background
	long   []cell          // the slow background
	age    time.Duration   // media time that long has been learnt for
	state  []uint8         // of each cell: what is to be done with it
	taken  []bool          // the cell belongs to a region
	joined []uint8         // 255 where static cells are, or are near
	inside []bool          // scratch of judge
	cells  []int32
	parts  labeller
	found  []*staticRegion // by rising ID
	nextID int64
	last   time.Duration // media time of the last look
	begun  bool
	other  bool // the whole picture has changed since the last look
}

// cell is the mean colour of 2x2 analysis pixels.
type cell struct{ y, b, r float32 }

const (
	// staticEvery is how often the picture is looked at for changes that stay.
	staticEvery = 180 * time.Millisecond
	// restFor is how long a cell must have been at rest before it is part of a change
	// that stays. Somebody who walks pauses for less at every step.
	restFor = 1500 * time.Millisecond
	// longYouth is how long the slow background just follows the model. It takes the
	// model some five seconds to let go of what stood there when it began and left.
	longYouth = 6 * time.Second
	// longTau is how fast the slow background follows slow changes of what it knows, and
	// a known change those of its own look. The hour moves a cell by some grey levels a
	// minute, the model's adaptation to a switched light by one a second, which five seconds
	// follow; a thing that is put down differs at once.
	longTau = 5 * time.Second
	// acceptAfter is how long a change is reported before it is part of the scene.
	acceptAfter = 2 * time.Hour
	// dropAfter is how long a cell that differs, and is no part of a region worth the
	// name (too small, light, trees), is kept out of the slow background.
	dropAfter = 30 * time.Second
	// staticFlood is the share of the picture from which a change that stays is other
	// light or another view, not a thing.
	staticFlood = 0.3
)

func newStatics(w, h int) *statics {
	s := &statics{w: w / 2, h: h / 2, cw: w}
	n := s.w * s.h
	s.now, s.rest, s.long = make([]cell, n), make([]cell, n), make([]cell, n)
	s.since = make([]time.Duration, n)
	s.same = make([]time.Duration, n)
	s.state = make([]uint8, n)
	s.taken = make([]bool, n)
	s.joined = make([]uint8, n)
	s.inside = make([]bool, n)
	return s
}

// begin forgets everything.
func (s *statics) begin() {
	s.begun, s.age, s.found = false, 0, nil
	clear(s.taken)
}

// The states of a cell.
const (
	cellSame   = iota // as the slow background has it, or not at rest
	cellStatic        // differs, and is at rest
	cellSolid         // static, among others
)

// look takes the picture in.
func (d *Detector) look(at models.Instant, protect []models.Box) {
	s := d.static
	if s.w < 8 || s.h < 8 {
		return
	}
	if !s.begun {
		s.load(d)
		copy(s.rest, s.now)
		for i := range s.since {
			s.since[i], s.same[i] = at.Media, at.Media
		}
		s.follow(d.model, 1)
		s.begun, s.last = true, at.Media
		return
	}
	dt := at.Media - s.last
	if dt < staticEvery || d.blind > 0 {
		return
	}
	s.last = at.Media
	dt = min(dt, maxGap)
	s.load(d)
	if s.other {
		s.other = false
		s.change(at.Media, d.model)
		return
	}
	s.settle(at.Media, d.noise)
	if s.age += dt; s.age < longYouth {
		s.follow(d.model, 1)
		return
	}
	rate := float32(min(dt.Seconds()/longTau.Seconds(), 1))
	differing := s.compare(at.Media, d.noise, rate, d.mask, d.aligned.margin)
	s.keepUp(at, d, rate)
	if float64(differing) > staticFlood*float64(s.w*s.h) {
		d.log.Debug("too much has changed to stay: the scene is taken as it is", "share", float64(differing)/float64(s.w*s.h))
		s.relearn(at.Media)
		return
	}
	if differing > 0 && !d.light.changing() {
		s.discover(at, d, protect)
	}
}

// load takes the mean of each cell, in the light of the model.
//
//go:norace
func (s *statics) load(d *Detector) {
	lut := &d.light.lut
	colour := float32(d.light.colour()) / 2
	py, pb, pr := d.in.y.Pix, d.in.cb.Pix, d.in.cr.Pix
	for cy := range s.h {
		a := 2 * cy * s.cw
		ya, yb := py[a:a+s.cw], py[a+s.cw:a+2*s.cw]
		ba, bb := pb[a:a+s.cw], pb[a+s.cw:a+2*s.cw]
		ra, rb := pr[a:a+s.cw], pr[a+s.cw:a+2*s.cw]
		row := s.now[cy*s.w : (cy+1)*s.w]
		for cx := range row {
			x := 2 * cx
			row[cx] = cell{
				y: (lut[ya[x]] + lut[ya[x+1]] + lut[yb[x]] + lut[yb[x+1]]) / 4,
				// Chroma has a quarter of luma's samples to begin with: two are all there is.
				b: 128 + float32(int(ba[x])+int(bb[x+1])-256)*colour,
				r: 128 + float32(int(ra[x])+int(rb[x+1])-256)*colour,
			}
		}
	}
}

// apart says whether two colours differ by more than steps of luma. Chroma is coded more
// coarsely but hardly touched by light, and counts as much.
func (c cell) apart(o cell, steps float32) bool {
	return abs32(c.y-o.y) > steps || abs32(c.b-o.b) > steps*0.8 || abs32(c.r-o.r) > steps*0.8
}

func (c *cell) toward(o cell, rate float32) {
	c.y += rate * (o.y - c.y)
	c.b += rate * (o.b - c.b)
	c.r += rate * (o.r - c.r)
}

// restless is the change, in grey levels, from which a cell is not at rest: three sigmas
// of a cell's noise, and a quantiser's step of six at a key frame.
func restless(n noise) float32 { return 6 + 1.5*n.luma }

// changed is the difference from the slow background, in grey levels, from which a cell
// has changed. Cloth on a floor of its own colour differs by a dozen or so.
func changed(n noise) float32 { return 9 + 2*n.luma }

// settle keeps account of what each cell shows at rest, and since when.
//
//go:norace
func (s *statics) settle(at time.Duration, n noise) {
	limit := restless(n)
	for i := range s.now {
		if s.now[i].apart(s.rest[i], limit) {
			s.rest[i], s.since[i] = s.now[i], at
			continue
		}
		s.rest[i].toward(s.now[i], 0.1)
	}
}

// compare marks the cells that are at rest and differ from the slow background, and lets
// that follow what it knows. It returns how many differ and belong to no region.
//
//go:norace
func (s *statics) compare(at time.Duration, n noise, rate float32, mask []uint8, margin image.Point) (differing int) {
	known := s.known(margin)
	limit := changed(n)
	clear(s.state)
	all := known == image.Rect(0, 0, s.w, s.h)
	for i := range s.now {
		if mask != nil && mask[s.pixel(int32(i))] != 0 || !all && !image.Pt(i%s.w, i/s.w).In(known) {
			s.long[i] = s.now[i]
			continue
		}
		if !s.rest[i].apart(s.long[i], limit) {
			s.same[i] = at
			if s.since[i] != at && !s.taken[i] {
				s.long[i].toward(s.rest[i], rate)
			}
			continue
		}
		if s.since[i] < s.same[i] && !s.taken[i] {
			s.long[i] = s.rest[i] // it came to differ by and by: light
			continue
		}
		if at-s.since[i] >= restFor && !s.taken[i] && s.now[i].apart(s.long[i], limit) {
			s.state[i] = cellStatic
			differing++
		}
	}
	return differing
}

// known are the cells that the picture shows whole, however the camera has shaken of late.
func (s *statics) known(margin image.Point) image.Rectangle {
	all := image.Rect(0, 0, s.w, s.h)
	if margin == (image.Point{}) {
		return all
	}
	return image.Rectangle{all.Min.Add(margin.Div(2)), all.Max.Sub(margin.Div(2))}.Inset(2)
}

// follow moves the slow background towards the model's.
func (s *statics) follow(m *model, rate float32) {
	for cy := range s.h {
		for cx := range s.w {
			i := 2*cy*s.cw + 2*cx
			j, bg := i+s.cw, &m.bg
			s.long[cy*s.w+cx].toward(cell{
				(bg.y[i] + bg.y[i+1] + bg.y[j] + bg.y[j+1]) / 4, (bg.b[i] + bg.b[j+1]) / 2, (bg.r[i] + bg.r[j+1]) / 2,
			}, rate)
		}
	}
}

// relearn takes the picture as it is for the scene, in which the known changes are still
// there, but for those that were the beginning of this.
func (s *statics) relearn(at time.Duration) {
	s.found = slices.DeleteFunc(s.found, func(r *staticRegion) bool {
		young := at-r.born < growFor
		if young {
			s.release(r)
		}
		return young
	})
	copy(s.long, s.rest)
	for _, r := range s.found {
		for k, i := range r.cells {
			r.look[k] = s.rest[i]
		}
	}
}

// change does the same when the whole picture has: somebody has switched the light. The
// model knows what is behind most of the things in view, and takes its time for the others.
func (s *statics) change(at time.Duration, m *model) {
	s.age = 0
	copy(s.rest, s.now)
	for i := range s.since {
		s.since[i], s.same[i] = at, at
	}
	s.relearn(at)
	s.follow(m, 1)
}
