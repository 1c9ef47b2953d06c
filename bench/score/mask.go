package score

import (
	"fmt"
	"image"
)

// Mask counts the pixels of foreground masks against the truth.
type Mask struct {
	Both, False, Missed int // foreground in both, only in the mask, only in the truth
}

// The grey levels of CDnet's ground truth (Goyette et al. 2012). All others are
// foreground or not, by their middle.
const (
	outside = 85  // the region of interest
	unknown = 170 // whether it moves
	middle  = 128
)

// CDnet scores one mask against a ground truth with CDnet's labels: shadow is background,
// what is outside or unknown is not scored. roi, when set, is black where nothing is
// scored.
func CDnet(truth, mask, roi *image.Gray) (Mask, error) {
	return count(truth, mask, func(t uint8, at image.Point) bool {
		return t != outside && t != unknown && (roi == nil || roi.GrayAt(at.X, at.Y).Y >= middle)
	})
}

// Plain scores one mask against a truth of black and white, as Wallflower's
// (Toyama et al. 1999).
func Plain(truth, mask *image.Gray) (Mask, error) {
	return count(truth, mask, func(uint8, image.Point) bool { return true })
}

func count(truth, mask *image.Gray, scored func(uint8, image.Point) bool) (Mask, error) {
	if truth.Rect.Size() != mask.Rect.Size() {
		return Mask{}, fmt.Errorf("the mask is %v, the truth %v", mask.Rect.Size(), truth.Rect.Size())
	}
	var m Mask
	for y := range truth.Rect.Dy() {
		for x := range truth.Rect.Dx() {
			t, g := truth.Pix[y*truth.Stride+x], mask.Pix[y*mask.Stride+x] >= middle
			if !scored(t, truth.Rect.Min.Add(image.Pt(x, y))) {
				continue
			}
			switch is := t >= middle; {
			case is && g:
				m.Both++
			case g:
				m.False++
			case is:
				m.Missed++
			}
		}
	}
	return m, nil
}

// Add sums the pixels of two masks.
func (m Mask) Add(o Mask) Mask {
	return Mask{m.Both + o.Both, m.False + o.False, m.Missed + o.Missed}
}

// Errors is the number of wrong pixels.
func (m Mask) Errors() int { return m.False + m.Missed }

// F is the harmonic mean of precision and recall over the pixels, 1 when there was
// nothing to find and nothing was found.
func (m Mask) F() float64 { return ratio(2*m.Both, 2*m.Both+m.False+m.Missed) }
