package health_test

import (
	"image"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// BenchmarkLook is one look at a picture of the usual analysis size. Two a second are
// taken; the frames between them cost nothing.
func BenchmarkLook(b *testing.B) {
	p := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	small := room()[0].Picture
	for y := range 360 {
		for x := range 640 {
			p.Y[p.YOffset(x, y)] = small.Y[small.YOffset(x/2, y*2/3)]
			c := small.COffset(x/2, y*2/3)
			p.Cb[p.COffset(x, y)], p.Cr[p.COffset(x, y)] = small.Cb[c], small.Cr[c]
		}
	}
	d := newDetector(rules())
	f := models.Frame{Picture: p, FullRange: true}
	look := func() {
		f.At = f.At.Add(500 * time.Millisecond)
		p.Y[0]++ // not frozen
		d.Process(f, 0)
	}
	for range 60 {
		look()
	}
	b.ReportAllocs()
	for b.Loop() {
		look()
	}
}
