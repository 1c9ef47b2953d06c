package motion

import (
	"errors"
	"fmt"
	"image"

	"github.com/vedette-cctv/vedette/models"
)

// maxPixels bounds the size at which motion is analysed: 384x288. A person 25 pixels tall
// in a 1080p picture still covers 5x2 analysis pixels, and the model's cost, which grows
// with this number, stays near a millisecond.
const maxPixels = 384 * 288

// The picture sizes that are accepted.
const (
	minSide = 16
	maxSide = 8192
)

// analysisSize divides the picture by the smallest whole number that fits maxPixels. A
// whole number keeps a pixel's meaning the same over the whole picture.
func analysisSize(size image.Point) (analysis image.Point, factor int) {
	for n := 1; ; n++ {
		w, h := (size.X+n-1)/n, (size.Y+n-1)/n
		if w*h <= maxPixels {
			return image.Pt(max(w, 1), max(h, 1)), n
		}
	}
}

var errPicture = errors.New("motion: unusable picture")

// check refuses a picture that cannot be analysed. What a decoder hands over is input.
func check(f models.Frame) error {
	p := f.Picture
	if p == nil {
		return fmt.Errorf("%w: none", errPicture)
	}
	size := p.Rect.Size()
	if size.X < minSide || size.Y < minSide || size.X > maxSide || size.Y > maxSide {
		return fmt.Errorf("%w: %dx%d is outside %dx%d to %dx%d", errPicture,
			size.X, size.Y, minSide, minSide, maxSide, maxSide)
	}
	if p.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("%w: chroma is %v, not 4:2:0", errPicture, p.SubsampleRatio)
	}
	cw, ch := chromaSize(size)
	if p.YStride < size.X || p.CStride < cw ||
		len(p.Y) < (size.Y-1)*p.YStride+size.X ||
		len(p.Cb) < (ch-1)*p.CStride+cw || len(p.Cr) < (ch-1)*p.CStride+cw {
		return fmt.Errorf("%w: planes are shorter than %dx%d", errPicture, size.X, size.Y)
	}
	return nil
}

func chromaSize(luma image.Point) (w, h int) { return (luma.X + 1) / 2, (luma.Y + 1) / 2 }

// input brings a frame to analysis size: luma, and both chroma planes at luma's size.
type input struct {
	source image.Point
	size   image.Point
	factor int // of source over size

	rawY, rawCb, rawCr *plane // at the picture's size
	y, cb, cr          *plane // at analysis size
}

func newInput(source image.Point) (*input, error) {
	in := &input{source: source}
	in.size, in.factor = analysisSize(source)
	cw, ch := chromaSize(source)
	err := errors.Join(
		planes(source.X, source.Y, &in.rawY),
		planes(cw, ch, &in.rawCb, &in.rawCr),
		planes(in.size.X, in.size.Y, &in.y, &in.cb, &in.cr),
	)
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// load needs a picture that check has passed and that has the size given to newInput. What
// the picture shows at shift comes to lie at the origin.
func (in *input) load(p *image.YCbCr, shift image.Point) {
	in.rawY.load(p.Y, p.YStride, shift)
	in.rawCb.load(p.Cb, p.CStride, shift.Div(2))
	in.rawCr.load(p.Cr, p.CStride, shift.Div(2))
	if in.size == in.source {
		// A picture that is analysed at full size has had none of its noise averaged away.
		in.rawY.smoothTo(in.y)
	} else {
		in.rawY.scaleTo(in.y)
	}
	in.rawCb.scaleTo(in.cb)
	in.rawCr.scaleTo(in.cr)
}

// cells is how many analysis pixels a number of the picture's pixels touches.
func (in *input) cells(n int) int { return (max(n, -n) + in.factor - 1) / in.factor }

func (in *input) Close() error {
	var errs []error
	for _, p := range []*plane{in.rawY, in.rawCb, in.rawCr, in.y, in.cb, in.cr} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
