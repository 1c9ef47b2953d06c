package snapshot

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// hdLines is the number of lines from which video that does not say otherwise is coded
// with the BT.709 matrix. Browsers and players guess the same way.
const hdLines = 720

// Fixed point, 16 fractional bits.
const (
	one  = 1 << 16
	half = one / 2
)

// From BT.709 to BT.601, on Y in 0..1 and Cb, Cr in -1/2..1/2. It follows from the luma
// weights of both: Kr .2126, Kb .0722 and Kr .299, Kb .114.
const (
	yFromCb, yFromCr   = .101579, .196076
	cbFromCb, cbFromCr = .989854, -.110653
	crFromCb, crFromCr = -.072453, .983398
)

// jpegColours copies a frame's picture to what JPEG means by YCbCr: full range, BT.601.
func jpegColours(f models.Frame) (*image.YCbCr, error) {
	p := f.Picture
	switch {
	case p == nil || p.Rect.Empty():
		return nil, errors.New("the frame has no picture")
	case p.SubsampleRatio != image.YCbCrSubsampleRatio420:
		return nil, fmt.Errorf("the picture is %v, not 4:2:0", p.SubsampleRatio)
	case p.Rect.Min != image.Pt(0, 0):
		return nil, fmt.Errorf("the picture begins at %v", p.Rect.Min)
	}
	out := image.NewYCbCr(p.Rect, p.SubsampleRatio)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	lines := f.Source.Y
	if lines == 0 {
		lines = h
	}
	m := matrixFor(f.FullRange, lines >= hdLines)
	if m.identity {
		for y := range h {
			copy(out.Y[y*out.YStride:][:w], p.Y[y*p.YStride:][:w])
		}
		for y := range ch {
			copy(out.Cb[y*out.CStride:][:cw], p.Cb[y*p.CStride:][:cw])
			copy(out.Cr[y*out.CStride:][:cw], p.Cr[y*p.CStride:][:cw])
		}
		return out, nil
	}
	for y := range h {
		src, dst := p.Y[y*p.YStride:][:w], out.Y[y*out.YStride:][:w]
		cb, cr := p.Cb[y/2*p.CStride:][:cw], p.Cr[y/2*p.CStride:][:cw]
		for x, v := range src {
			b, r := int32(cb[x/2])-128, int32(cr[x/2])-128
			dst[x] = clip((int32(v)-m.black)*m.luma + b*m.yCb + r*m.yCr)
		}
	}
	for y := range ch {
		cb, cr := p.Cb[y*p.CStride:][:cw], p.Cr[y*p.CStride:][:cw]
		dcb, dcr := out.Cb[y*out.CStride:][:cw], out.Cr[y*out.CStride:][:cw]
		for x := range cw {
			b, r := int32(cb[x])-128, int32(cr[x])-128
			dcb[x] = clip(b*m.cbCb + r*m.cbCr + 128*one)
			dcr[x] = clip(b*m.crCb + r*m.crCr + 128*one)
		}
	}
	return out, nil
}

// matrix converts in fixed point: Y is (Y-black)*luma + Cb*yCb + Cr*yCr and so on.
type matrix struct {
	identity                                      bool
	black, luma, yCb, yCr, cbCb, cbCr, crCb, crCr int32
}

func matrixFor(full, hd bool) matrix {
	m := matrix{identity: full && !hd, black: 16}
	luma, chroma := 255./219, 255./224
	if full {
		m.black, luma, chroma = 0, 1, 1
	}
	fixed := func(v float64) int32 { return int32(math.Round(v * one)) }
	m.luma, m.cbCb, m.crCr = fixed(luma), fixed(chroma), fixed(chroma)
	if hd {
		m.yCb, m.yCr = fixed(yFromCb*chroma), fixed(yFromCr*chroma)
		m.cbCb, m.cbCr = fixed(cbFromCb*chroma), fixed(cbFromCr*chroma)
		m.crCb, m.crCr = fixed(crFromCb*chroma), fixed(crFromCr*chroma)
	}
	return m
}

// clip rounds a fixed-point value to a byte.
func clip(v int32) byte {
	return byte(max(0, min(255, (v+half)>>16)))
}
