package snapshot

import (
	"bytes"
	"image"
	"slices"
	"testing"
)

// The mark is legible at every size, lies at the lower right edge, and leaves the rest of
// the picture alone.
func TestMark(t *testing.T) {
	for _, size := range []image.Point{{64, 48}, {161, 121}, {320, 240}, {1920, 1080}, {768, 576}} {
		for _, full := range []bool{false, true} {
			p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			for i := range p.Y {
				p.Y[i] = 120
			}
			for i := range p.Cb {
				p.Cb[i], p.Cr[i] = 90, 200
			}
			m := Mark{Words: "copy – not the original"}
			before := slices.Clone(p.Y)
			if err := m.Burn(p, full); err != nil {
				t.Fatal(err)
			}
			var changed image.Rectangle
			dark, bright := 0, 0
			for y := range size.Y {
				for x := range size.X {
					v := p.Y[y*p.YStride+x]
					if v == before[y*p.YStride+x] {
						continue
					}
					changed = changed.Union(image.Rect(x, y, x+1, y+1))
					if v < 60 {
						dark++
					} else if v > 200 {
						bright++
					}
				}
			}
			if changed.Max != size {
				t.Errorf("%v: the mark lies in %v, not at the edge", size, changed)
			}
			if share := float64(changed.Dx()*changed.Dy()) / float64(size.X*size.Y); share > 0.03 && size.X >= 320 {
				t.Errorf("%v: the mark hides %.1f%% of the picture", size, 100*share)
			}
			if dark == 0 || size.X >= 160 && bright < 20 {
				t.Errorf("%v full %v: %d dark and %d bright pixels: nobody can read that", size, full, dark, bright)
			}
			again := slices.Clone(p.Y)
			copy(p.Y, before)
			if err := m.Burn(p, full); err != nil || !bytes.Equal(again, p.Y) {
				t.Errorf("%v: the second picture is marked otherwise: %v", size, err)
			}
		}
	}
}

func TestMarkRefusesWhatIsNo420(t *testing.T) {
	p := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio444)
	if err := (&Mark{Words: "copy"}).Burn(p, false); err == nil {
		t.Error("a 4:4:4 picture was marked")
	}
}
