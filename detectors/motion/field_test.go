package motion

import (
	"image"
	"math"
	"testing"
	"time"

	drawn "github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// drift is a row of clouds: large soft shadows that take up to four tenths of the light.
func drift(at time.Duration, p *image.YCbCr) {
	w := float64(p.Rect.Dx())
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			i := y*p.YStride + x
			k := 0.8 + 0.2*math.Sin((2.9*float64(x)+1.9*float64(y))/w-0.35*at.Seconds())
			p.Y[i] = uint8(16 + (float64(p.Y[i])-16)*k + 0.5)
		}
	}
}

// Clouds drift over the place the whole time: nobody is seen but who is there, and who
// stands there stays seen.
func TestDriftingClouds(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	s := drawn.Scene{Seed: 5, FPS: 8, Length: 60 * time.Second, Noise: 2}
	const comes, stops, goes = 20 * time.Second, 24 * time.Second, 52 * time.Second
	stands := models.Point{X: 0.5, Y: 0.85}
	s.Actors = []drawn.Actor{{Height: 0.5, Shirt: drawn.White, Stops: []drawn.Stop{
		{At: comes, Foot: models.Point{X: 0.05, Y: 0.85}}, {At: stops, Foot: stands},
		{At: goes - 4*time.Second, Foot: stands}, {At: goes, Foot: models.Point{X: 0.95, Y: 0.85}},
	}}}
	d := New(Options{})
	defer d.Close()
	var before []models.Detection
	nothing, present, seen := 0, 0, 0
	for f, truth := range s.Frames() {
		drift(f.At.Media, f.Picture)
		var g Guide
		for _, p := range truth {
			g.Protect = append(g.Protect, p.Box)
		}
		r, err := d.Detect(f, g)
		if err != nil {
			t.Fatal(err)
		}
		if len(truth) == 0 {
			nothing += stays(r.Regions, before)
		} else if present++; best(r.Regions, truth[0].Box) > 0.4 {
			seen++
		}
		before = r.Regions
	}
	t.Logf("%d lasting regions of nothing, seen in %d of %d", nothing, seen, present)
	if nothing > 2 {
		t.Errorf("%d regions that last while nobody was there", nothing)
	}
	if 10*seen < 9*present {
		t.Errorf("seen in %d of %d frames", seen, present)
	}
}

// best is the greatest overlap of a region with a box.
func best(regions []models.Detection, b models.Box) (iou float64) {
	for _, r := range regions {
		iou = max(iou, r.Box.IoU(b))
	}
	return iou
}

func TestField(t *testing.T) {
	const w, h = 320, 180
	// Three of the least deviations that a pixel of the background is given.
	limit := matchSigmas * math.Sqrt(float64(startNoise.minVariance()))
	ground := func(x, y int) uint8 { return uint8(90 + (x/7+y/5)%4*12) }
	for _, c := range []struct {
		name string
		now  func(x, y int) float64
		even bool            // nothing to take out
		want float64         // the largest difference that is left of the ground
		over image.Rectangle // where a difference must be left
	}{
		{name: "same light", now: func(x, y int) float64 { return float64(ground(x, y)) }, even: true},
		{name: "soft shadow", want: limit, now: func(x, y int) float64 {
			return 16 + float64(ground(x, y)-16)*(0.8+0.2*math.Sin(float64(x)/110+float64(y)/90))
		}},
		{name: "soft shadow and an even thing", want: limit, over: image.Rect(115, 50, 175, 150), now: func(x, y int) float64 {
			if image.Pt(x, y).In(image.Rect(115, 50, 175, 150)) {
				return 190
			}
			return 16 + float64(ground(x, y)-16)*(0.8+0.2*math.Sin(float64(x)/110+float64(y)/90))
		}},
		{name: "an even thing", even: true, now: func(x, y int) float64 {
			if image.Pt(x, y).In(image.Rect(115, 50, 175, 150)) {
				return 60
			}
			return float64(ground(x, y))
		}},
		{name: "another picture", even: true, now: func(x, y int) float64 { return float64(ground(x*3+1, y*2+3)/2 + ground(y, x)/2) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &Detector{in: &input{y: &plane{}}, model: newModel(w, h), light: newLight(false), noise: startNoise}
			pix := make([]uint8, w*h)
			for i := range pix {
				d.model.bg.y[i] = float32(ground(i%w, i/w))
				pix[i] = uint8(c.now(i%w, i/w) + 0.5)
			}
			d.in.y.Pix = append([]uint8(nil), pix...)
			d.even(200 * time.Millisecond)
			changed := 0
			off, left := 0.0, math.Inf(1)
			for i, v := range d.in.y.Pix {
				changed += min(diff(v, pix[i]), 1)
				e := math.Abs(float64(v) - float64(d.model.bg.y[i]))
				if image.Pt(i%w, i/w).In(c.over) {
					left = min(left, e)
				} else {
					off = max(off, e)
				}
			}
			if c.even && changed > 0 {
				t.Errorf("changed %d pixels of a picture in even light", changed)
			}
			if !c.even && off > c.want {
				t.Errorf("%.1f grey levels of the light are left, want at most %.0f", off, c.want)
			}
			if !c.over.Empty() && left < 30 {
				t.Errorf("the thing differs by %.1f grey levels only", left)
			}
		})
	}
}
