package snapshot

import (
	"errors"
	"image"
)

const (
	// markShare and markLeast give the height of a mark: a share of the picture's, and what
	// can still be read, in pixels.
	markShare = 30
	markLeast = 12
	// markStrength is how dark the strip under the words is, 0..255: nobody takes the words
	// for a part of the scene, and what is behind the strip still shows.
	markStrength = 200
)

// Mark is a line of words that is burnt into pictures of a working copy, so that nobody
// takes it for the original: a strip at the lower right edge.
type Mark struct {
	Words string

	size  image.Point // of the pictures that strip was drawn for
	strip *image.Alpha
	at    image.Point // where it lies
}

// Burn writes the mark into a 4:2:0 picture.
func (m *Mark) Burn(p *image.YCbCr, fullRange bool) error {
	if p.SubsampleRatio != image.YCbCrSubsampleRatio420 || p.Rect.Min != image.Pt(0, 0) {
		return errors.New("mark: the picture is no whole 4:2:0 one")
	}
	if size := p.Rect.Size(); m.strip == nil || m.size != size {
		if err := m.draw(size); err != nil {
			return err
		}
	}
	black, white := 16, 235
	if fullRange {
		black, white = 0, 255
	}
	for y := range m.strip.Rect.Dy() {
		words := m.strip.Pix[y*m.strip.Stride:][:m.strip.Rect.Dx()]
		row := p.Y[(m.at.Y+y)*p.YStride+m.at.X:][:len(words)]
		for x, w := range words {
			v := (int(row[x])*(255-markStrength) + black*markStrength) / 255
			row[x] = uint8((v*(255-int(w)) + white*int(w)) / 255)
		}
	}
	for y := m.at.Y / 2; y < (m.at.Y+m.strip.Rect.Dy()+1)/2; y++ {
		for x := m.at.X / 2; x < (m.at.X+m.strip.Rect.Dx()+1)/2; x++ {
			p.Cb[y*p.CStride+x], p.Cr[y*p.CStride+x] = 128, 128
		}
	}
	return nil
}

// draw makes the strip for pictures of a size.
func (m *Mark) draw(size image.Point) error {
	fonts, err := fonts()
	if err != nil {
		return err
	}
	h := min(max(size.Y/markShare, markLeast), size.Y)
	pad := h / 3
	f := newFace(fonts.bold, float64(h)*0.7)
	w := min(f.width(m.Words)+2*pad, size.X)
	l := newLayer(image.Rect(0, 0, w, h))
	l.text(f, pad, h-h*3/10, w-pad, m.Words)
	m.size, m.strip, m.at = size, l.mask, image.Pt(size.X-w, size.Y-h)
	return nil
}
