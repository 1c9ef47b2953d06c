package motion

import (
	"image"
	"math"
	"time"
)

// align finds by how much the camera has moved since the background was learnt: wind
// shakes the pole, a lorry passes. It compares the picture with the background at points
// with much contrast, spread over the whole picture, and looks for the displacement at
// which most of them agree; things that move cover few of them.
type align struct {
	w, h   int
	points []int32   // pixels of the background, at analysis size
	soft   []float32 // luma of the blurred background there
	made   time.Duration
	fresh  bool // points are those of the present background

	shift  image.Point // of the picture against the background, in pixels of the picture
	margin image.Point // analysis pixels at each border that the shifts of late have uncovered
	calm   time.Duration
}

const (
	// maxShift is how far the camera may have moved, in analysis pixels: a fortieth of the
	// width. Beyond it the camera no longer looks where it did.
	maxShift = 8
	// alignCells is the grid, in each direction, of which every cell gives a point for
	// each direction of gradient.
	alignCells = 12
	// minPoints is how many points it takes to tell a displacement from a thing.
	minPoints = 40
	// alignEvery is how often the points are chosen anew.
	alignEvery = 20 * time.Second
	// inPlace is the share of the points that agree when the camera stands still and the
	// view is not full of things.
	inPlace = 0.7
	// inPicture is the share that must agree for a displacement to be believed, when things
	// fill much of the view.
	inPicture = 0.45
	// better is the share of the points by which another place must be better.
	better = 0.15
	// marginTau is how long a border stays ignored after the picture last moved.
	marginTau = 20 * time.Second
)

// choose picks the points: in each cell of a grid those with the strongest gradients to
// the right and downwards.
//
//go:norace
func (a *align) choose(m *model, n noise) {
	a.w, a.h = m.w, m.h
	a.points = a.points[:0]
	a.fresh, a.made = true, 0
	bg := m.bg.y
	least := max(20, 8*n.luma) // over two pixels: a displacement by one is beyond the limit of find
	const rim = maxShift + 1
	for cy := range alignCells {
		for cx := range alignCells {
			x0, x1 := rim+cx*(m.w-2*rim)/alignCells, rim+(cx+1)*(m.w-2*rim)/alignCells
			y0, y1 := rim+cy*(m.h-2*rim)/alignCells, rim+(cy+1)*(m.h-2*rim)/alignCells
			bestX, bestY := least, least
			atX, atY := -1, -1
			for y := y0; y < y1; y++ {
				for i := y*m.w + x0; i < y*m.w+x1; i++ {
					if g := abs32(bg[i+1] - bg[i-1]); g > bestX {
						bestX, atX = g, i
					}
					if g := abs32(bg[i+m.w] - bg[i-m.w]); g > bestY {
						bestY, atY = g, i
					}
				}
			}
			if atX >= 0 {
				a.points = append(a.points, int32(atX))
			}
			if atY >= 0 {
				a.points = append(a.points, int32(atY))
			}
		}
	}
}

// match is how well the picture fits the background at one displacement.
type match struct {
	cost  float32 // mean difference, in grey levels, of which each point gives at most a bound
	agree float32 // share of the points that differ by no more than noise
}

// tone is how the luma of a picture is compared with the background's: brought to its light,
// equal up to a limit, and different by no more than a bound, whatever stands there now. The
// bound lies above the limit: a point that disagrees by less is nearer to its place.
type tone struct{ black, gain, limit, bound float32 }

// fit compares the points at a displacement.
//
//go:norace
func (a *align) fit(m *model, y []uint8, dx, dy int, t tone) match {
	by := dy*a.w + dx
	bg := m.bg.y
	var sum float32
	agree := 0
	for _, p := range a.points {
		d := abs32(t.black + (float32(y[int(p)+by])-t.black)*t.gain - bg[p])
		if d < t.limit {
			agree++
		}
		sum += min(d, t.bound)
	}
	n := float32(len(a.points))
	return match{sum / n, float32(agree) / n}
}

// fine is fit at a displacement in pixels of the picture: the mean of what would become
// each point's analysis pixel.
//
//go:norace
func (a *align) fine(m *model, in *input, at image.Point, t tone) match {
	raw, n := in.rawY, in.factor
	bg := m.bg.y
	var sum float32
	agree := 0
	for _, p := range a.points {
		// The picture's size need not be a multiple of the factor.
		x := min(max(int(p)%a.w*raw.W/a.w+at.X, 0), raw.W-n)
		y := min(max(int(p)/a.w*raw.H/a.h+at.Y, 0), raw.H-n)
		luma := 0
		for row := y; row < y+n; row++ {
			for _, v := range raw.Pix[row*raw.W+x : row*raw.W+x+n] {
				luma += int(v)
			}
		}
		d := abs32(t.black + (float32(luma)/float32(n*n)-t.black)*t.gain - bg[p])
		if d < t.limit {
			agree++
		}
		sum += min(d, t.bound)
	}
	count := float32(len(a.points))
	return match{sum / count, float32(agree) / count}
}

// find returns the displacement of the loaded picture against the background, in pixels of
// the picture. Where the picture is shrunk, whole analysis pixels are too coarse: half of
// one is as much as the contrast at the points, and none would agree. soft is scratch memory.
func (a *align) find(m *model, in *input, soft *plane, l *light, n noise) image.Point {
	if len(a.points) < minPoints {
		return image.Point{}
	}
	y := in.y.Pix
	t := tone{black: float32(l.black), gain: float32(1 / l.gain), limit: max(8, 3*n.luma)}
	t.bound = 2 * t.limit
	here := a.fit(m, y, 0, 0, t)
	if here.agree < inPlace {
		// The light may be another one than in the picture before. Most of a picture is
		// smooth: a displacement hardly changes its brightness.
		if now, agree := l.measure(func(i int) float32 { return m.bg.y[i] }, y, nil, m.w, 2*sampling(m.w, m.h)); agree >= inPicture {
			t.gain = float32(1 / now)
			here = a.fit(m, y, 0, 0, t)
		}
	}
	top, best := image.Point{}, here
	// The places next to this one first: as long as this is the best of them and most of
	// the points agree, the camera stands still.
	if here.agree < inPlace || !a.summit(m, y, t, here) {
		if top = a.search(m, in.y, soft, t); top != (image.Point{}) {
			best = a.fit(m, y, top.X, top.Y, t)
		}
	}
	moved := top.Mul(in.factor)
	if half := in.factor / 2; half > 0 {
		from := best.cost
		for _, side := range [...]image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}} {
			at := top.Mul(in.factor).Add(side.Mul(half))
			// By a tenth: what differs by less is noise, and the picture would tremble.
			if f := a.fine(m, in, at, t); f.cost < best.cost && f.cost < 0.9*from-0.25 {
				moved, best = at, f
			}
		}
	}
	if best.cost > here.cost || best.agree < inPicture && !a.distinct(m, y, top, best, t) {
		return image.Point{}
	}
	far := max(moved.X, -moved.X, moved.Y, -moved.Y) >= in.factor
	if far && best.agree < here.agree+better*(1-here.agree) {
		return image.Point{}
	}
	return moved
}

// distinct says whether the points that agree at a displacement are more than chance gives
// elsewhere: somebody who fills the view hides most of them, but not where the others are.
func (a *align) distinct(m *model, y []uint8, at image.Point, best match, t tone) bool {
	if best.agree < 2*better {
		return false
	}
	chance, n := float32(0), float32(0)
	for _, d := range [...]image.Point{{-4, -4}, {0, -4}, {4, -4}, {-4, 0}, {4, 0}, {-4, 4}, {0, 4}, {4, 4}} {
		p := at.Add(d)
		if max(p.X, -p.X, p.Y, -p.Y) <= maxShift {
			chance += a.fit(m, y, p.X, p.Y, t).agree
			n++
		}
	}
	return best.agree > chance/n+better
}

// search looks for the displacement that fits best, in whole analysis pixels. It compares
// blurred pictures: in sharp ones the contrast at the points is gone within a pixel, and
// from half a pixel beside the right place nothing shows the way to it.
//
//go:norace
func (a *align) search(m *model, y, soft *plane, t tone) (top image.Point) {
	y.blurTo(soft, 3)
	a.soft = a.soft[:0]
	for _, p := range a.points {
		sum := float32(0)
		for row := int(p) - a.w; row <= int(p)+a.w; row += a.w {
			sum += m.bg.y[row-1] + m.bg.y[row] + m.bg.y[row+1]
		}
		a.soft = append(a.soft, sum/9)
	}
	least := float32(math.MaxFloat32)
	for dy := -maxShift; dy <= maxShift; dy++ {
		for dx := -maxShift; dx <= maxShift; dx++ {
			by, cost := dy*a.w+dx, float32(0)
			for k, p := range a.points {
				cost += min(abs32(t.black+(float32(soft.Pix[int(p)+by])-t.black)*t.gain-a.soft[k]), t.bound)
			}
			if cost < least {
				top, least = image.Pt(dx, dy), cost
			}
		}
	}
	return top
}

// summit says whether no neighbour fits better.
func (a *align) summit(m *model, y []uint8, t tone, here match) bool {
	for _, d := range [...]image.Point{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		if a.fit(m, y, d.X, d.Y, t).cost < here.cost {
			return false
		}
	}
	return true
}

// align brings the loaded picture into line with the background.
func (d *Detector) align(dt time.Duration) {
	a := d.aligned
	a.made += dt
	if !a.fresh || a.made >= alignEvery {
		a.choose(d.model, d.noise)
	}
	if a.calm += dt; a.calm >= marginTau {
		a.margin = image.Point{}
	}
	d.move(a.find(d.model, d.in, d.scratch, d.light, d.noise))
	a.uncover(d.in)
}

// move loads the picture displaced by so much more, in pixels of the picture.
func (d *Detector) move(by image.Point) {
	a := d.aligned
	far := maxShift * d.in.factor
	to := a.shift.Add(by)
	to = image.Pt(min(max(to.X, -far), far), min(max(to.Y, -far), far))
	if to != a.shift {
		a.shift = to
		d.load(to)
	}
}

// uncover notes which borders the shift has uncovered: nothing is known of them.
func (a *align) uncover(in *input) {
	m := image.Pt(in.cells(a.shift.X), in.cells(a.shift.Y))
	if m.X >= a.margin.X || m.Y >= a.margin.Y {
		a.calm = 0
	}
	if m == (image.Point{}) && a.margin == (image.Point{}) {
		return
	}
	a.margin = image.Pt(max(a.margin.X, m.X), max(a.margin.Y, m.Y))
}

// blank clears a mask where the picture does not cover the background.
func (a *align) blank(p *plane) {
	if a.margin == (image.Point{}) {
		return
	}
	w, h := p.W, p.H
	for y := range h {
		row := p.Pix[y*w : (y+1)*w]
		if y < a.margin.Y || y >= h-a.margin.Y {
			clear(row)
			continue
		}
		clear(row[:a.margin.X])
		clear(row[w-a.margin.X:])
	}
}
