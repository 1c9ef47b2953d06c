package decode

import (
	"image"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// Options tune a decoder. The zero value is what a live camera wants.
type Options struct {
	// TargetSide is the wished length of the longer side of a frame in pixels; see
	// Factor. 0 means 640, a negative value the full size of the coded picture.
	TargetSide int
	// LoopFilter runs the codec's deblocking filter. Without it decoding takes about a
	// quarter less time; the pictures drift slightly until the next key frame.
	LoopFilter bool
	// Want, when set, is asked once for each picture, in presentation order, before it is
	// averaged down and emitted; one that is not wanted costs its decoding alone. It is for
	// a Decoder; a File emits every picture.
	Want func(at models.Instant) bool
}

const (
	defaultSide = 640
	minSide     = 16  // of a coded picture, and of a frame where it was larger
	maxFactor   = 256 // 256*255 still fits the 16-bit column sums in C
)

func (o Options) factor(w, h int) int {
	switch {
	case o.TargetSide < 0:
		return 1
	case o.TargetSide == 0:
		return Factor(w, h, defaultSide)
	}
	return Factor(w, h, o.TargetSide)
}

// Factor is the integer n by which a w x h picture is averaged down, boxes of n x n
// pixels into one, so that its longer side comes near target: 1 or more, and never so
// much that the shorter side falls below 16 pixels.
func Factor(w, h, target int) int {
	if target <= 0 {
		return 1
	}
	n := int(math.Round(float64(max(w, h)) / float64(target)))
	return max(1, min(n, min(w, h)/minSide, maxFactor))
}

// room is the number of bytes that a picture of w x h takes as 4:2:0.
func room(w, h int) int {
	return w*h + 2*((w+1)/2)*((h+1)/2)
}

// picture lays an image over pix, which holds room(w, h) bytes: Y, then Cb, then Cr.
func picture(pix []byte, w, h int) *image.YCbCr {
	cw, ch := (w+1)/2, (h+1)/2
	y, c := w*h, cw*ch
	return &image.YCbCr{
		Y:              pix[:y:y],
		Cb:             pix[y : y+c : y+c],
		Cr:             pix[y+c : y+2*c : y+2*c],
		YStride:        w,
		CStride:        cw,
		SubsampleRatio: image.YCbCrSubsampleRatio420,
		Rect:           image.Rect(0, 0, w, h),
	}
}
