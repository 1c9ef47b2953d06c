package motion_test

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/vedette-cctv/vedette/detectors/motion"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// A spoiler makes a worse picture of a good one.
type spoiler func(index int, p *image.YCbCr) (spoilt *image.YCbCr, at image.Point)

func copyOf(p *image.YCbCr) *image.YCbCr {
	c := image.NewYCbCr(image.Rectangle{Max: p.Rect.Size()}, image.YCbCrSubsampleRatio420)
	for y := range c.Rect.Dy() {
		copy(c.Y[y*c.YStride:][:c.Rect.Dx()], p.Y[y*p.YStride:])
	}
	for y := range (c.Rect.Dy() + 1) / 2 {
		copy(c.Cb[y*c.CStride:][:c.CStride], p.Cb[y*p.CStride:])
		copy(c.Cr[y*c.CStride:][:c.CStride], p.Cr[y*p.CStride:])
	}
	return c
}

func clip(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// spoilers are weather and wear, each stronger than a camera should see for long.
func spoilers() map[string]spoiler {
	return map[string]spoiler{
		"as filmed": func(_ int, p *image.YCbCr) (*image.YCbCr, image.Point) { return p, image.Point{} },
		// A small sensor at night.
		"noise": func(i int, p *image.YCbCr) (*image.YCbCr, image.Point) {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			c := copyOf(p)
			for k, v := range c.Y {
				c.Y[k] = clip(float64(v) + 6*rng.NormFloat64())
			}
			for k := range c.Cb {
				c.Cb[k] = clip(float64(c.Cb[k]) + 3*rng.NormFloat64())
				c.Cr[k] = clip(float64(c.Cr[k]) + 3*rng.NormFloat64())
			}
			return c, image.Point{}
		},
		// A lamp on its way out: a quarter of the light, several times a second.
		"flicker": func(i int, p *image.YCbCr) (*image.YCbCr, image.Point) {
			c := copyOf(p)
			gain := 1 + 0.25*math.Sin(0.9*float64(i))
			for k, v := range c.Y {
				c.Y[k] = clip(16 + (float64(v)-16)*gain)
			}
			return c, image.Point{}
		},
		// The pole sways by three pixels.
		"shake": func(i int, p *image.YCbCr) (*image.YCbCr, image.Point) {
			at := image.Pt(3+int(math.Round(3*math.Sin(2.1*float64(i)))), 3+int(math.Round(3*math.Sin(1.3*float64(i)))))
			c := copyOf(p)
			size := c.Rect.Size().Sub(image.Pt(6, 6))
			out := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			for y := range size.Y {
				copy(out.Y[y*out.YStride:][:size.X], c.Y[(y+at.Y)*c.YStride+at.X:])
			}
			for y := range size.Y / 2 {
				copy(out.Cb[y*out.CStride:][:size.X/2], c.Cb[(y+at.Y/2)*c.CStride+at.X/2:])
				copy(out.Cr[y*out.CStride:][:size.X/2], c.Cr[(y+at.Y/2)*c.CStride+at.X/2:])
			}
			return out, at
		},
		// Heavy rain in front of a wide lens: bright streaks, other ones in every picture.
		"rain": func(i int, p *image.YCbCr) (*image.YCbCr, image.Point) {
			rng := rand.New(rand.NewPCG(uint64(i), 2))
			c := copyOf(p)
			size := c.Rect.Size()
			for range 130 {
				x, y := rng.IntN(size.X), rng.IntN(size.Y)
				for k := range size.Y / 18 {
					if px, py := x-k/4, y+k; px >= 0 && py < size.Y {
						j := py*c.YStride + px
						c.Y[j] = clip(float64(c.Y[j]) + 60)
					}
				}
			}
			return c, image.Point{}
		},
	}
}

// CDnet highway again, under each of them.
func TestHighwaySpoilt(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	video := footage.Path(t, "background/highway/highway.mp4")
	roi, err := bmp(footage.Path(t, "background/highway/ROI.bmp"))
	if err != nil {
		t.Fatal(err)
	}
	truths := map[int]*image.Gray{}
	const first, last, every = 470, 700, 3
	for n := first; n < last; n += every {
		file, err := os.Open(footage.Path(t, fmt.Sprintf("background/highway/groundtruth/gt%06d.png", n)))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		g := image.NewGray(img.Bounds())
		draw.Draw(g, g.Rect, img, image.Point{}, draw.Src)
		truths[n] = g
	}
	score := func(t *testing.T, spoil spoiler) float64 {
		d := motion.New(motion.Options{})
		defer d.Close()
		var tp, fp, fn, blind int
		watch(t, video, func(f models.Frame) bool {
			spoilt, at := spoil(f.Index, f.Picture)
			f.Picture = spoilt
			r, err := d.Detect(f, motion.Guide{})
			if err != nil {
				t.Fatal(err)
			}
			if f.Index > first && r.Blind {
				blind++
			}
			truth := truths[f.Index+1]
			if truth == nil {
				return f.Index < last
			}
			for y := range r.Foreground.Rect.Dy() {
				for x := range r.Foreground.Rect.Dx() {
					v := truth.GrayAt(x+at.X, y+at.Y).Y
					if roi.GrayAt(x+at.X, y+at.Y).Y == 0 || v == 85 || v == 170 {
						continue
					}
					switch got := r.Foreground.GrayAt(x, y).Y != 0; {
					case got && v == 255:
						tp++
					case got:
						fp++
					case v == 255:
						fn++
					}
				}
			}
			return true
		})
		f := 2 * float64(tp) / float64(2*tp+fp+fn)
		t.Logf("F %.3f, precision %.3f, recall %.3f, %d frames blind", f, float64(tp)/float64(tp+fp), float64(tp)/float64(tp+fn), blind)
		if blind > 0 {
			t.Errorf("%d frames were blind", blind)
		}
		return f
	}
	all := spoilers()
	plain := score(t, all["as filmed"])
	delete(all, "as filmed")
	for name, spoil := range all {
		t.Run(name, func(t *testing.T) {
			loss := 0.05
			if name == "noise" {
				loss = 0.08 // what contrasts with the road by less than the noise is lost in it
			}
			if f := score(t, spoil); f < plain-loss {
				t.Errorf("F %.3f, want at most %.2f less than the %.3f of the picture as filmed", f, loss, plain)
			}
		})
	}
}
