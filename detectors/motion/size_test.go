package motion

import (
	"errors"
	"image"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// A picture of any size is analysed or refused, also in the middle of a stream.
func TestEverySize(t *testing.T) {
	d := New(Options{Masks: []models.Polygon{{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}}}})
	defer d.Close()
	at := time.Duration(0)
	for _, c := range []struct {
		size image.Point
		ok   bool
	}{
		{image.Pt(1, 1), false},
		{image.Pt(640, 360), true},
		{image.Pt(1, 1), false},
		{image.Pt(16, 16), true},
		{image.Pt(17, 33), true},
		{image.Pt(8192, 4320), true},
		{image.Pt(8192, 16), true},
		{image.Pt(16, 8192), true},
		{image.Pt(8193, 4320), false},
		{image.Pt(641, 361), true},
		{image.Pt(1280, 720), true},
	} {
		p := image.NewYCbCr(image.Rectangle{Max: c.size}, image.YCbCrSubsampleRatio420)
		for n := range 6 {
			for i := range p.Y {
				p.Y[i] = uint8(i * (n%3 + 1) / 7)
			}
			at += 200 * time.Millisecond
			r, err := d.Detect(models.Frame{At: models.Instant{Media: at}, Picture: p, FullRange: true}, Guide{Protect: []models.Box{{X: 0.3, Y: 0.3, W: 0.9, H: 0.9}}})
			if c.ok != (err == nil) {
				t.Fatalf("%v: error %v", c.size, err)
			}
			if err != nil {
				if !errors.Is(err, errPicture) {
					t.Errorf("%v: %v", c.size, err)
				}
				continue
			}
			want, _ := analysisSize(c.size)
			if got := r.Foreground.Rect.Size(); got != want {
				t.Errorf("%v: the mask is %v, want %v", c.size, got, want)
			}
		}
	}
}
