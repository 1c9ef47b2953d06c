package motion

import (
	"image"
	"time"
)

// align finds by how much the camera has moved since the background was learnt: wind
// shakes the pole, a lorry passes. It compares the picture with the background at points
// with much contrast, spread over the whole picture, and looks for the displacement at
// which most of them agree; things that move cover few of them.
type align struct {
	w, h   int
	points []int32 // pixels of the background, at analysis size
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
	bg := m.at[0]
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
					if g := abs32(bg[i+1].y - bg[i-1].y); g > bestX {
						bestX, atX = g, i
					}
					if g := abs32(bg[i+m.w].y - bg[i-m.w].y); g > bestY {
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
	cost  float32 // mean difference, in grey levels, of which each point gives at most a limit
	agree float32 // share of the points that differ by no more than noise
}

// fit compares the points at a displacement. gain brings the picture to the background's light.
//
//go:norace
func (a *align) fit(m *model, y []uint8, dx, dy int, black, gain, limit float32) match {
	by := dy*a.w + dx
	bg := m.at[0]
	var sum float32
	agree := 0
	for _, p := range a.points {
		d := abs32(black + (float32(y[int(p)+by])-black)*gain - bg[p].y)
		if d < limit {
			agree++
		} else {
			d = limit
		}
		sum += d
	}
	n := float32(len(a.points))
	return match{sum / n, float32(agree) / n}
}

// find returns the displacement of the picture against the background, in half analysis
// pixels.
func (a *align) find(m *model, y []uint8, l *light, n noise) image.Point {
	if len(a.points) < minPoints {
		return image.Point{}
	}
	black, gain := float32(l.black), float32(1/l.gain)
	limit := max(8, 3*n.luma)
	here := a.fit(m, y, 0, 0, black, gain, limit)
	if here.agree < inPlace {
		// The light may be another one than in the picture before. Most of a picture is
		// smooth: a displacement hardly changes its brightness.
		if now, agree := l.measure(func(i int) float32 { return m.at[0][i].y }, y, nil, m.w, 2*sampling(m.w, m.h)); agree >= inPicture {
			gain = float32(1 / now)
			here = a.fit(m, y, 0, 0, black, gain, limit)
		}
	}
	top, best := image.Point{}, here
	// The places next to this one first: as long as this is the best of them and most of
	// the points agree, the camera stands still.
	if here.agree < inPlace || !a.summit(m, y, black, gain, limit, here) {
		for dy := -maxShift; dy <= maxShift; dy++ {
			for dx := -maxShift; dx <= maxShift; dx++ {
				if f := a.fit(m, y, dx, dy, black, gain, limit); f.cost < best.cost {
					top, best = image.Pt(dx, dy), f
				}
			}
		}
		if top != (image.Point{}) && (best.agree < inPicture || best.agree < here.agree+better*(1-here.agree)) {
			top = image.Point{}
		}
	}
	if best.agree < inPicture {
		return image.Point{}
	}
	half := func(before, after match) int {
		// The vertex of the V through the three costs, in halves.
		lo, hi := before.cost-best.cost, after.cost-best.cost
		switch steep := max(lo, hi); {
		case steep < 0.5 || lo < 0 || hi < 0: // no contrast to tell by
		case lo > 2.5*hi:
			return 1
		case hi > 2.5*lo:
			return -1
		}
		return 0
	}
	at := func(dx, dy int) match { return a.fit(m, y, top.X+dx, top.Y+dy, black, gain, limit) }
	inside := max(top.X, -top.X, top.Y, -top.Y) < maxShift
	out := top.Mul(2)
	if inside {
		out.X += half(at(-1, 0), at(1, 0))
		out.Y += half(at(0, -1), at(0, 1))
	}
	return out
}

// summit says whether no neighbour fits better.
func (a *align) summit(m *model, y []uint8, black, gain, limit float32, here match) bool {
	for _, d := range [...]image.Point{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		if a.fit(m, y, d.X, d.Y, black, gain, limit).cost < here.cost {
			return false
		}
	}
	return true
}

// align brings the loaded picture into line with the background.
func (d *Detector) align(dt time.Duration, load func(shift image.Point)) {
	a := d.aligned
	a.made += dt
	if !a.fresh || a.made >= alignEvery {
		a.choose(d.model, d.noise)
	}
	if a.calm += dt; a.calm >= marginTau {
		a.margin = image.Point{}
	}
	move := a.find(d.model, d.in.y.Pix, d.light, d.noise)
	if move == (image.Point{}) {
		a.uncover(d.in)
		return
	}
	to := a.shift.Add(image.Pt(halves(move.X, d.in.factor), halves(move.Y, d.in.factor)))
	far := maxShift * d.in.factor
	to = image.Pt(min(max(to.X, -far), far), min(max(to.Y, -far), far))
	if to != a.shift {
		a.shift = to
		load(to)
	}
	a.uncover(d.in)
}

// halves turns half analysis pixels into pixels of the picture.
func halves(n, factor int) int { return n * factor / 2 }

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
