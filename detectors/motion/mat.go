package motion

import (
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"
)

// plane is one 8-bit image whose pixels live in an OpenCV Mat. Go code works on Pix, which
// is the Mat's own memory: nothing is copied between the two, and OpenCV never holds a
// pointer into Go memory.
type plane struct {
	mat  gocv.Mat
	Pix  []uint8
	W, H int
}

func newPlane(w, h int) (*plane, error) {
	mat := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8U)
	pix, err := mat.DataPtrUint8()
	if err != nil {
		mat.Close()
		return nil, fmt.Errorf("allocate a plane of %dx%d: %w", w, h, err)
	}
	return &plane{mat: mat, Pix: pix, W: w, H: h}, nil
}

func (p *plane) Close() error { return p.mat.Close() }

// planes allocates several planes of one size, all or none.
func planes(w, h int, dst ...**plane) error {
	for i, d := range dst {
		p, err := newPlane(w, h)
		if err != nil {
			for _, d := range dst[:i] {
				(*d).Close()
				*d = nil
			}
			return err
		}
		*d = p
	}
	return nil
}

// load copies w*h bytes out of an image plane with a stride, from shift on. Beyond the
// borders of the plane its outermost pixels go on.
func (p *plane) load(pix []uint8, stride int, shift image.Point) {
	left, right := min(max(-shift.X, 0), p.W-1), min(max(shift.X, 0), p.W-1)
	for y := range p.H {
		from := min(max(y+shift.Y, 0), p.H-1) * stride
		row := p.Pix[y*p.W : (y+1)*p.W]
		copy(row[left:p.W-right], pix[from+right:from+p.W-left])
		for x := range left {
			row[x] = row[left]
		}
		for x := p.W - right; x < p.W; x++ {
			row[x] = row[p.W-right-1]
		}
	}
}

// scaleTo fills dst with p at dst's size. Shrinking takes the mean of the area, so that
// sensor noise falls with it; growing (chroma of a small picture) interpolates.
func (p *plane) scaleTo(dst *plane) {
	method := gocv.InterpolationArea
	if dst.W > p.W || dst.H > p.H {
		method = gocv.InterpolationLinear
	}
	gocv.Resize(p.mat, &dst.mat, image.Pt(dst.W, dst.H), 0, 0, method)
}

// smoothTo blurs p into dst with a 3x3 Gaussian.
func (p *plane) smoothTo(dst *plane) {
	gocv.GaussianBlur(p.mat, &dst.mat, image.Pt(3, 3), 0, 0, gocv.BorderReplicate)
}

// blurTo puts the mean of each k x k neighbourhood into dst.
func (p *plane) blurTo(dst *plane, k int) { gocv.Blur(p.mat, &dst.mat, image.Pt(k, k)) }

// majorityTo takes the majority of each k x k neighbourhood of a mask: its median, at a
// fifth of the cost of one.
func (p *plane) majorityTo(dst *plane, k int) {
	p.blurTo(dst, k)
	gocv.Threshold(dst.mat, &dst.mat, 127, 255, gocv.ThresholdBinary)
}

// morph is a morphological filter with a fixed kernel.
type morph struct {
	op     gocv.MorphType
	kernel gocv.Mat
}

// newClosing joins parts that are less than size apart.
func newClosing(size image.Point) morph {
	return morph{gocv.MorphClose, gocv.GetStructuringElement(gocv.MorphEllipse, size)}
}

// newOpening takes bright parts that are thinner than size out.
func newOpening(size image.Point) morph {
	return morph{gocv.MorphOpen, gocv.GetStructuringElement(gocv.MorphRect, size)}
}

func (m *morph) apply(src, dst *plane) { gocv.MorphologyEx(src.mat, &dst.mat, m.op, m.kernel) }
func (m *morph) Close() error          { return m.kernel.Close() }

// fillPolygon sets the pixels of p inside the polygon (in pixels) to v.
func (p *plane) fillPolygon(points []image.Point, v uint8) {
	pv := gocv.NewPointsVectorFromPoints([][]image.Point{points})
	defer pv.Close()
	gocv.FillPoly(&p.mat, pv, color.RGBA{R: v, G: v, B: v})
}
