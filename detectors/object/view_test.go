package object

import (
	"image"
	"math"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

func TestChoose(t *testing.T) {
	input := image.Pt(416, 416)
	whole := func(w, h int) image.Rectangle { return image.Rect(0, 0, w, h) }
	for _, tc := range []struct {
		name    string
		picture image.Point
		regions []models.Box
		want    image.Rectangle
	}{
		{"everything", image.Pt(768, 576), everywhere, whole(768, 576)},
		{"a small picture is enlarged whole", image.Pt(320, 240), []models.Box{{X: .1, Y: .1, W: .1, H: .1}}, whole(320, 240)},
		{"a picture a little larger than the input", image.Pt(480, 360), []models.Box{{X: .1, Y: .1, W: .1, H: .1}}, whole(480, 360)},
		{"one person: as much as the input shows in full", image.Pt(768, 576), []models.Box{{X: .5, Y: .5, W: .05, H: .1}}, image.Rect(194, 108, 612, 524)},
		{"in the corner", image.Pt(768, 576), []models.Box{{X: 0, Y: .9, W: .05, H: .1}}, image.Rect(0, 160, 416, 576)},
		{"far apart", image.Pt(768, 576), []models.Box{{X: 0, Y: .9, W: .05, H: .1}, {X: .9, Y: .1, W: .05, H: .1}}, whole(768, 576)},
		{"outside", image.Pt(768, 576), []models.Box{{X: 2, Y: .9, W: .05, H: .1}}, whole(768, 576)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := choose(tc.picture, input, tc.regions, false)[0]
			if off := got.part.Min.Sub(tc.want.Min).Add(got.part.Max.Sub(tc.want.Max)); off.X < -4 || off.X > 4 || off.Y < -4 || off.Y > 4 {
				t.Errorf("got %v, want %v", got.part, tc.want)
			}
			if !got.part.In(whole(tc.picture.X, tc.picture.Y)) || got.part.Min.X%2+got.part.Min.Y%2 != 0 ||
				got.size.X > input.X || got.size.Y > input.Y || max(got.size.X, got.size.Y) != 416 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A box that is painted and read again is where it was.
func TestViewThereAndBack(t *testing.T) {
	picture := image.Pt(1280, 720)
	v := choose(picture, image.Pt(416, 416), []models.Box{{X: .7, Y: .2, W: .1, H: .3}}, false)[0]
	want := models.Box{X: .7, Y: .2, W: .1, H: .3}
	x := func(f float64) float64 { return (f*1280 - float64(v.part.Min.X)) * v.scale }
	y := func(f float64) float64 { return (f*720 - float64(v.part.Min.Y)) * v.scale }
	if got := v.box(x(.7), y(.2), x(.8), y(.5), picture); !near(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v.cuts(x(.7), y(.2), x(.8), y(.5), picture) || !v.cuts(1, 100, 50, 200, picture) || !v.cuts(300, 100, 415.9, 200, picture) {
		t.Error("what the view's edge cuts is told wrongly")
	}
	if w := choose(picture, image.Pt(416, 416), everywhere, false)[0]; w.cuts(0, 0, 416, 234, picture) {
		t.Error("the picture's own edge cuts nothing")
	}
}

// paint must agree with doing the same in plain floating point, step by step.
func TestPaint(t *testing.T) {
	input := image.Pt(96, 64)
	f := grey(150, 90)
	for i := range f.Picture.Y {
		f.Picture.Y[i] = uint8(i*i/7 + i)
	}
	for i := range f.Picture.Cb {
		f.Picture.Cb[i], f.Picture.Cr[i] = uint8(i*3), uint8(255-i*5)
	}
	for _, tc := range []struct {
		name  string
		full  bool
		lines int
		part  image.Rectangle
	}{
		{"whole, limited range, BT.601", false, 90, image.Rect(0, 0, 150, 90)},
		{"whole, full range, BT.709", true, 1080, image.Rect(0, 0, 150, 90)},
		{"part, enlarged", false, 1080, image.Rect(20, 30, 61, 53)},
		{"part at the far corner", true, 90, image.Rect(100, 40, 150, 90)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := f
			f.FullRange, f.Source = tc.full, image.Pt(0, tc.lines)
			v := fit(tc.part, input, math.Inf(1), false)
			got := make([]float32, 3*96*64)
			var pt painter
			pt.paint(got, input, f, v)
			for _, at := range []image.Point{{0, 0}, {v.size.X - 1, v.size.Y - 1}, {7, 11}, {v.size.X / 2, 5}, {1, v.size.Y - 2}} {
				want := colour(f, v, at)
				for c := range 3 {
					if g := float64(got[c*96*64+at.Y*96+at.X]); math.Abs(g-want[c]) > 1.5 {
						t.Errorf("at %v channel %d: got %.2f, want %.2f", at, c, g, want[c])
					}
				}
			}
			for y := range input.Y {
				for x := range input.X {
					if (x >= v.size.X || y >= v.size.Y) && got[96*64+y*96+x] != padding {
						t.Fatalf("no padding at %d, %d", x, y)
					}
				}
			}
		})
	}
}

// colour is B, G, R of one input pixel, slowly.
func colour(f models.Frame, v view, at image.Point) [3]float64 {
	sample := func(plane []uint8, stride int, r image.Rectangle, scale float64) float64 {
		x := max(0, min((float64(at.X)+.5)/scale-.5, float64(r.Dx()-1)))
		y := max(0, min((float64(at.Y)+.5)/scale-.5, float64(r.Dy()-1)))
		x0, y0 := int(x), int(y)
		x1, y1 := min(x0+1, r.Dx()-1), min(y0+1, r.Dy()-1)
		p := func(x, y int) float64 { return float64(plane[(y+r.Min.Y)*stride+x+r.Min.X]) }
		fx, fy := x-float64(x0), y-float64(y0)
		return (p(x0, y0)*(1-fx)+p(x1, y0)*fx)*(1-fy) + (p(x0, y1)*(1-fx)+p(x1, y1)*fx)*fy
	}
	p := f.Picture
	half := image.Rect(v.part.Min.X/2, v.part.Min.Y/2, (v.part.Max.X+1)/2, (v.part.Max.Y+1)/2)
	y := sample(p.Y, p.YStride, v.part, v.scale)
	cb := sample(p.Cb, p.CStride, half, 2*v.scale) - 128
	cr := sample(p.Cr, p.CStride, half, 2*v.scale) - 128
	if !f.FullRange {
		y, cb, cr = (y-16)*255/219, cb*255/224, cr*255/224
	}
	r, g, b := y+1.402*cr, y-0.344136*cb-0.714136*cr, y+1.772*cb
	if f.Source.Y >= 720 {
		r, g, b = y+1.5748*cr, y-0.187324*cb-0.468124*cr, y+1.8556*cb
	}
	clip := func(c float64) float64 { return max(0, min(c, 255)) }
	return [3]float64{clip(b), clip(g), clip(r)}
}

// With open sides the input is no larger than what is shown, in whole cells.
func TestChooseAnInputThatFits(t *testing.T) {
	largest := image.Pt(416, 416)
	person := models.Box{X: .5, Y: .5, W: .05, H: .2}
	for _, tc := range []struct {
		name    string
		picture image.Point
		regions []models.Box
		input   image.Point
		whole   bool
	}{
		{"16:9", image.Pt(640, 360), everywhere, image.Pt(416, 256), true},
		{"4:3", image.Pt(768, 576), everywhere, image.Pt(416, 320), true},
		{"upright", image.Pt(360, 640), everywhere, image.Pt(256, 416), true},
		{"one person", image.Pt(640, 360), []models.Box{person}, image.Pt(160, 160), false},
		{"two persons", image.Pt(640, 360), []models.Box{person, {X: .7, Y: .4, W: .05, H: .2}}, image.Pt(256, 224), false},
		{"two far apart", image.Pt(640, 360), []models.Box{person, {X: 0, Y: .4, W: .05, H: .2}}, image.Pt(416, 256), true},
		{"a picture smaller than the input is shown whole", image.Pt(100, 60), []models.Box{person}, image.Pt(416, 256), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := together(tc.picture, largest, tc.regions, true)
			if v.input != tc.input || (v.part == image.Rectangle{Max: tc.picture}) != tc.whole {
				t.Errorf("got %+v, want an input of %v", v, tc.input)
			}
			if v.size.X > v.input.X || v.size.Y > v.input.Y || v.input.X-v.size.X >= coarsest || v.input.Y-v.size.Y >= coarsest {
				t.Errorf("%v in %v", v.size, v.input)
			}
			for _, r := range tc.regions {
				if r.Intersect(v.asked).Area() < 0.999*r.Area() {
					t.Errorf("asked for %v, looked at %v", r, v.asked)
				}
			}
		})
	}
}
