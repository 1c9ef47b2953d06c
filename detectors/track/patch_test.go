package track

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// found is how well a place must be found, in box heights: half a sample of a template.
const found = 0.5 / patchRows

// canvas is a grey picture to draw on.
type canvas struct {
	w, h int
	pix  []uint8
}

// ground is an even ground with the noise of a sensor.
func newCanvas(w, h int, seed uint64) canvas {
	c := canvas{w, h, make([]uint8, w*h)}
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range c.pix {
		c.pix[i] = uint8(110 + rng.NormFloat64()*3)
	}
	return c
}

// draw paints the clothes of a seed over a box: coarse squares that move with it.
func (c canvas) draw(b models.Box, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	var cloth [8 * 4]float64
	for i := range cloth {
		cloth[i] = 40 + 170*rng.Float64()
	}
	x0, y0 := b.X*float64(c.w), b.Y*float64(c.h)
	w, h := b.W*float64(c.w), b.H*float64(c.h)
	for y := max(0, int(y0)); y < min(c.h, int(y0+h)+1); y++ {
		for x := max(0, int(x0)); x < min(c.w, int(x0+w)+1); x++ {
			u, v := (float64(x)+0.5-x0)/w, (float64(y)+0.5-y0)/h
			if u < 0 || u >= 1 || v < 0 || v >= 1 {
				continue
			}
			c.pix[y*c.w+x] = uint8(cloth[int(v*8)*4+int(u*4)])
		}
	}
}

func (c canvas) grey() Grey { return Grey{Pix: c.pix, Stride: c.w, W: c.w, H: c.h} }

func TestPatchIsFoundWhereItMoved(t *testing.T) {
	for _, c := range []struct {
		name   string
		w, h   int
		box    models.Box
		dx, dy float64 // of the box's height
		scale  float64
	}{
		{"not at all", 640, 360, models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}, 0, 0, 1},
		{"a walker's step", 640, 360, models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}, 0.13, 0.02, 1},
		{"back and up", 640, 360, models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}, -0.2, -0.08, 1},
		{"far away", 384, 288, models.Box{X: 0.4, Y: 0.4, W: 0.04, H: 0.14}, 0.1, 0, 1},
		{"close by", 640, 360, models.Box{X: 0.3, Y: 0.1, W: 0.2, H: 0.85}, 0.07, 0.01, 1},
		{"nearer", 640, 360, models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}, 0.1, 0, 1.05},
	} {
		t.Run(c.name, func(t *testing.T) {
			aspect := float64(c.w) / float64(c.h)
			from, to := newCanvas(c.w, c.h, 1), newCanvas(c.w, c.h, 2)
			from.draw(c.box, 7)
			want := c.box
			want.X, want.Y = want.X+c.dx*c.box.H/aspect, want.Y+c.dy*c.box.H
			drawn := want
			drawn.W, drawn.H = want.W*c.scale, want.H*c.scale
			drawn.X, drawn.Y = want.X-(drawn.W-want.W)/2, want.Y-(drawn.H-want.H)/2
			to.draw(drawn, 7)
			var p patch
			p.take(from.grey(), c.box, 1)
			got, like := p.find(to.grey(), c.box)
			off := math.Hypot((got.X-want.X)*aspect, got.Y-want.Y) / c.box.H
			if like < sameShade || off > found {
				t.Errorf("found with correlation %.2f, off by %.3f of the height", like, off)
			}
		})
	}
}

func TestPatchIsNotFound(t *testing.T) {
	box := models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}
	shown := newCanvas(640, 360, 1)
	shown.draw(box, 7)
	empty, other := newCanvas(640, 360, 2), newCanvas(640, 360, 3)
	other.draw(box, 8)
	dark := canvas{640, 360, make([]uint8, 640*360)}
	for _, c := range []struct {
		name     string
		from, in canvas
	}{
		{"on empty ground", shown, empty},
		{"in somebody else", shown, other},
		{"in the dark", shown, dark},
		{"a patch of the dark", dark, dark},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p patch
			p.take(c.from.grey(), box, 1)
			if _, like := p.find(c.in.grey(), box); like >= sameShade {
				t.Errorf("found with correlation %.2f", like)
			}
		})
	}
}

// The picture of a camera that shakes shows the scene displaced.
func TestPatchInADisplacedPicture(t *testing.T) {
	box := models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}
	from, to := newCanvas(640, 360, 1), newCanvas(640, 360, 2)
	from.draw(box, 7)
	moved := box
	moved.X, moved.Y = box.X+8./640, box.Y-6./360
	to.draw(moved, 7)
	var p patch
	p.take(from.grey(), box, 1)
	g := to.grey()
	g.X, g.Y = 8./640, -6./360
	got, like := p.find(g, box)
	if off := math.Hypot((got.X-box.X)*16/9, got.Y-box.Y) / box.H; like < sameShade || off > found {
		t.Errorf("found with correlation %.2f, off by %.3f of the height", like, off)
	}
}

// A track may stand outside the picture, and a picture may be of any size.
func TestPatchAtTheEdge(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {2, 1}, {640, 360}} {
		c := newCanvas(size[0], size[1], 1)
		for _, b := range []models.Box{{X: -3, Y: -3, W: 0.1, H: 0.1}, {X: 0.95, Y: 0.9, W: 0.1, H: 0.3}, {X: 3, Y: 3, W: 4, H: 4}, {W: 1, H: 1}, {X: 0.5, Y: 0.5, W: 1e-9, H: 1e-9}, {}} {
			var p patch
			p.take(c.grey(), b, 1)
			got, like := p.find(c.grey(), b)
			if !(like >= -1 && like <= 1.001) || math.IsNaN(got.X) || math.IsNaN(got.Y) {
				t.Errorf("%v in %v: %v, correlation %v", b, size, got, like)
			}
		}
	}
	var p patch
	if p.take(Grey{}, models.Box{W: 1, H: 1}, 1); p.known {
		t.Error("nothing was shown, and the patch knows it")
	}
}

// scenery shows walkers in a picture that motion and the object detector know nothing of.
type scenery struct {
	looks
	canvas
}

func (s scenery) Grey() Grey { return s.grey() }

// Two people meet, stand close for longer than a track is carried without being seen, and
// go back where they came from: motion alone, which sees one region then, keeps who is who
// by their pictures.
func TestWhoStandsInAGroup(t *testing.T) {
	const rate, aspect = 10, 16.0 / 9
	const meet, part, length = 3 * time.Second, 11 * time.Second, 14 * time.Second
	at := func(side float64, now time.Duration) models.Box {
		h := 0.25
		x := 0.5 + side*(0.04+0.05*max(0, (meet-now).Seconds(), (now-part).Seconds()))
		x += 0.01 * math.Sin(2*now.Seconds()+side)
		return models.Box{X: x, Y: 0.4 + 0.01*side, W: 0.4 * h / aspect, H: h}
	}
	run := func(picture bool) (kept int) {
		tr := New(aspect)
		var first, last [2]models.TrackID
		for now := time.Duration(0); now < length; now += time.Second / rate {
			a, b := at(-1, now), at(1, now)
			c := newCanvas(640, 360, uint64(now))
			c.draw(a, 3)
			c.draw(b, 4)
			dets := byMotion([]models.Box{a, b})
			if now > meet && now < part {
				dets = byMotion([]models.Box{a.Union(b)})
			}
			var look Look = looks{nil, now}
			if picture {
				look = scenery{looks{nil, now}, c}
			}
			tracks := tr.Update(instant(now), dets, nil, look)
			for i, want := range []models.Box{a, b} {
				for _, k := range tracks {
					if k.State != models.TrackConfirmed || k.Box.IoU(want) < 0.5 {
						continue
					}
					if last[i] = k.ID; now < meet {
						first[i] = k.ID
					}
				}
			}
		}
		for i := range first {
			if first[i] != 0 && first[i] == last[i] {
				kept++
			}
		}
		return kept
	}
	if kept := run(true); kept != 2 {
		t.Errorf("%d of 2 kept their numbers", kept)
	}
	if kept := run(false); kept == 2 {
		t.Error("both keep their numbers without a picture: this does not test the picture")
	}
}

// Two people who walk together, one a little ahead, turn back and forth for five seconds:
// the object detector sees them at the start only, motion shows one region. Each is where
// it is by its own picture, which prediction alone does not know.
func TestFollowedByPicture(t *testing.T) {
	const rate, length, aspect = 10, 6 * time.Second, 16.0 / 9
	at := func(i int, now time.Duration) models.Box {
		s := now.Seconds()
		x := 0.45 + 0.035*math.Sin(2*math.Pi*s/3) + 0.075*float64(i)
		h := 0.25
		return models.Box{X: x, Y: 0.4 + 0.01*float64(i), W: 0.4 * h / aspect, H: h}
	}
	run := func(picture bool) (worst float64) {
		tr := New(aspect)
		for now := time.Duration(0); now < length; now += time.Second / rate {
			a, b := at(0, now), at(1, now)
			c := newCanvas(640, 360, uint64(now))
			c.draw(a, 3)
			c.draw(b, 4)
			dets := []models.Detection{{Box: a.Union(b), Label: models.LabelUnknown, Score: 0.6, By: models.ByMotion}}
			var looked []models.Box
			if now <= time.Second {
				dets, looked = append(dets, people(0.9, a, b)...), everything
			}
			var look Look = looks{nil, now}
			if picture {
				look = scenery{looks{nil, now}, c}
			}
			tracks := tr.Update(instant(now), dets, looked, look)
			if now < 2*time.Second {
				continue
			}
			for _, want := range []models.Box{a, b} {
				off := math.Inf(1)
				for _, t := range tracks {
					if t.Seen {
						off = min(off, math.Abs(t.Box.Center().X-want.Center().X)*aspect/want.H)
					}
				}
				worst = max(worst, off)
			}
		}
		return worst
	}
	// A quarter of a walker's width keeps an overlap of .6.
	if worst := run(true); worst > 0.1 {
		t.Errorf("one was off by %.2f of the height", worst)
	}
	if worst := run(false); worst < 0.12 {
		t.Errorf("off by %.2f of the height without a picture: this does not test the picture", worst)
	}
}

func TestFollowingAllocatesNothing(t *testing.T) {
	box := models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}
	c := newCanvas(640, 360, 1)
	c.draw(box, 7)
	var p patch
	if n := testing.AllocsPerRun(10, func() {
		p.take(c.grey(), box, 0.2)
		p.find(c.grey(), box)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkFollow is what one track of 80 pixels costs in a picture of 640x360.
func BenchmarkFollow(b *testing.B) {
	box := models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.22}
	c := newCanvas(640, 360, 1)
	c.draw(box, 7)
	var p patch
	p.take(c.grey(), box, 1)
	b.ReportAllocs()
	for b.Loop() {
		p.find(c.grey(), box)
		p.take(c.grey(), box, shadeShare)
	}
}
