package motion

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	drawn "github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// stays counts the regions that were there in the frame before, too: one that was not
// confirms no track.
func stays(regions, before []models.Detection) (n int) {
	for _, r := range regions {
		if slices.ContainsFunc(before, func(b models.Detection) bool { return r.Box.IoU(b.Box) > 0.1 }) {
			n++
		}
	}
	return n
}

// What light and cameras do at night and in the weather: nobody is seen while nobody is
// there, and whoever walks through is.
func TestEmptyPictureStaysEmpty(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	each := func(p *image.YCbCr, f func(x, y int, v uint8) float64) {
		w := p.Rect.Dx()
		for y := range p.Rect.Dy() {
			for x := range w {
				i := y*p.YStride + x
				p.Y[i] = uint8(min(max(f(x, y, p.Y[i])+0.5, 0), 255))
			}
		}
	}
	grey := func(p *image.YCbCr) {
		for i := range p.Cb {
			p.Cb[i], p.Cr[i] = 128, 128
		}
	}
	for _, c := range []struct {
		name  string
		scene drawn.Scene
		spoil func(at time.Duration, p *image.YCbCr)
	}{
		{name: "sensor noise", scene: drawn.Scene{Noise: 12}},
		{name: "an exposure that steps", scene: drawn.Scene{Light: func(at time.Duration) float64 {
			return 1 - 0.1*float64(int(at.Seconds()/4)%4)
		}}},
		{name: "a cloud", spoil: func(at time.Duration, p *image.YCbCr) {
			// Its soft edge crosses the picture in half a minute.
			front := (at.Seconds()-8)/25*2 - 0.5
			w := float64(p.Rect.Dx())
			each(p, func(x, _ int, v uint8) float64 {
				return float64(v) * (1 - 0.35/(1+math.Exp(-12*(front-float64(x)/w))))
			})
		}},
		{name: "dusk", scene: drawn.Scene{Light: func(at time.Duration) float64 { return 1 - at.Seconds()/80 }}},
		{name: "the infrared filter", spoil: func(at time.Duration, p *image.YCbCr) {
			// The camera turns to its lamp: all grey, other materials are bright, the middle is.
			if at < 15*time.Second {
				return
			}
			grey(p)
			w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
			each(p, func(x, y int, v uint8) float64 {
				dx, dy := float64(x)/w-0.5, float64(y)/h-0.5
				return 30 + float64(v)*0.9*math.Exp(-2*(dx*dx+dy*dy))
			})
		}},
		{name: "key frames that pump", spoil: func(at time.Duration, p *image.YCbCr) {
			// Once a second the encoder begins anew and all blocks shift by a step or two.
			second := int(at.Seconds())
			each(p, func(x, y int, v uint8) float64 {
				rng := rand.New(rand.NewPCG(uint64(second), uint64(y/8*64+x/8)))
				return float64(v) + float64(rng.IntN(5)-2)
			})
		}},
		{name: "rain", scene: drawn.Scene{Rain: 100}},
		{name: "an insect that crawls on the lens", spoil: func(at time.Duration, p *image.YCbCr) {
			// Far out of focus it is a soft dark blob a sixth of the picture wide.
			w, h, t := float64(p.Rect.Dx()), float64(p.Rect.Dy()), at.Seconds()
			ix, iy := w*(0.4+0.15*math.Sin(0.9*t)), h*(0.35+0.15*math.Sin(1.3*t))
			each(p, func(x, y int, v uint8) float64 {
				dx, dy := (float64(x)-ix)/w, (float64(y)-iy)/w
				return 16 + (float64(v)-16)*(1-0.8*math.Exp(-(dx*dx+dy*dy)/0.002))
			})
		}},
		{name: "a pole in the wind", scene: drawn.Scene{Shake: 1.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.scene
			s.Seed, s.FPS, s.Length = 3, 8, 40*time.Second
			if s.Noise == 0 {
				s.Noise = 3
			}
			const comes, goes = 30 * time.Second, 38 * time.Second
			s.Actors = []drawn.Actor{{Height: 0.4, Shirt: drawn.White, Stops: drawn.Walk(models.Point{X: 0.1, Y: 0.85}, models.Point{X: 0.9, Y: 0.85}, comes, goes)}}
			d := New(Options{})
			defer d.Close()
			var before []models.Detection
			nothing, present, seen, blind := 0, 0, 0, 0
			for f, truth := range s.Frames() {
				if c.spoil != nil {
					c.spoil(f.At.Media, f.Picture)
				}
				r, err := d.Detect(f, Guide{})
				if err != nil {
					t.Fatal(err)
				}
				if r.Blind && f.At.Media > 5*time.Second {
					blind++
				}
				if f.At.Media < comes {
					nothing += stays(r.Regions, before)
				}
				before = r.Regions
				if len(truth) == 0 {
					continue
				}
				present++
				for _, region := range r.Regions {
					if region.Box.IoU(truth[0].Box) > 0.3 {
						seen++
						break
					}
				}
				if len(r.Statics) > 0 {
					t.Fatalf("%v: %v stays", f.At.Media, r.Statics[0])
				}
			}
			t.Logf("%d lasting regions of nothing, seen in %d of %d, blind in %d frames", nothing, seen, present, blind)
			if nothing > 2 {
				t.Errorf("%d regions that last while nobody was there", nothing)
			}
			if 10*seen < 8*present {
				t.Errorf("seen in %d of %d frames", seen, present)
			}
			if blind > 16 {
				t.Errorf("blind in %d frames", blind)
			}
		})
	}
}

// A camera that is switched on at night sends the noise of full gain from its first picture,
// far more than is assumed of a camera that nothing is known of.
func TestFullGainFromTheFirstPicture(t *testing.T) {
	s := drawn.Scene{Seed: 5, FPS: 8, Length: 8 * time.Second, Noise: 20}
	s.Actors = []drawn.Actor{{Height: 0.5, Shirt: drawn.White, Stops: drawn.Walk(models.Point{X: 0.1, Y: 0.85}, models.Point{X: 0.9, Y: 0.85}, 4*time.Second, 8*time.Second)}}
	d := New(Options{})
	defer d.Close()
	present, seen := 0, 0
	for f, truth := range s.Frames() {
		// The encoder of such a camera leaves coarse noise in the colours, too.
		rng := rand.New(rand.NewPCG(uint64(f.Index), 1))
		for _, p := range [][]uint8{f.Picture.Cb, f.Picture.Cr} {
			for i, v := range p {
				p[i] = uint8(min(max(float64(v)+8*rng.NormFloat64(), 0), 255))
			}
		}
		r, err := d.Detect(f, Guide{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Blind && f.At.Media > warmUp+relearn {
			t.Fatalf("%v: blind", f.At.Media)
		}
		if len(truth) == 0 {
			continue
		}
		present++
		if slices.ContainsFunc(r.Regions, func(g models.Detection) bool { return g.Box.IoU(truth[0].Box) > 0.3 }) {
			seen++
		}
	}
	if 10*seen < 7*present {
		t.Errorf("somebody who walks past was seen in %d of %d frames", seen, present)
	}
}
