package object

import (
	"errors"
	"fmt"
	"image"

	"github.com/vedette-cctv/vedette/models"
)

// padding is the grey around the picture that YOLOX was trained with.
const padding = 114

// hdLines is the number of lines from which video is taken for BT.709, else for BT.601,
// as players do when the stream does not say.
const hdLines = 720

// tap is where one output pixel reads its two neighbours along an axis: left + (right -
// left) * weight / 256.
type tap struct{ at, next, weight int32 }

// painter writes pictures into the network's input. It keeps its scratch memory.
type painter struct {
	focused bool // every pixel goes to where Focus would put it

	luma, chroma []tap   // across
	y, cb, cr    []int32 // one row between two picture rows, times 256
}

// check refuses pictures that cannot be read.
func check(p *image.YCbCr) error {
	switch {
	case p == nil || p.Rect.Empty():
		return errors.New("the frame has no picture")
	case p.SubsampleRatio != image.YCbCrSubsampleRatio420:
		return fmt.Errorf("the picture is %v, not 4:2:0", p.SubsampleRatio)
	case p.Rect.Min != image.Pt(0, 0):
		return fmt.Errorf("the picture begins at %v", p.Rect.Min)
	}
	return nil
}

// paint fills dst, three planes of input size in the order B, G, R, or those of the four
// pictures of Focus, with views of the frame and grey around them.
func (pt *painter) paint(dst []float32, input image.Point, f models.Frame, views ...view) {
	pad(dst[:3*input.X*input.Y])
	for _, v := range views {
		pt.view(dst, input, f, v)
	}
}

// view paints one of them: bilinear, straight from the coded planes.
func (pt *painter) view(dst []float32, input image.Point, f models.Frame, v view) {
	p := f.Picture
	part := v.part
	half := image.Rect(part.Min.X/2, part.Min.Y/2, (part.Max.X+1)/2, (part.Max.Y+1)/2)
	pt.luma = taps(pt.luma, v.size.X, v.scale, part.Dx())
	pt.chroma = taps(pt.chroma, v.size.X, 2*v.scale, half.Dx())
	pt.y = grow(pt.y, part.Dx())
	pt.cb, pt.cr = grow(pt.cb, half.Dx()), grow(pt.cr, half.Dx())
	lines := f.Source.Y
	if lines == 0 {
		lines = p.Rect.Dy()
	}
	m := matrixFor(f.FullRange, lines >= hdLines)
	for row := range v.size.Y {
		ty := tapAt(row, v.scale, part.Dy())
		between(pt.y, p.Y[part.Min.X:], p.YStride, part.Min.Y, ty)
		tc := tapAt(row, 2*v.scale, half.Dy())
		between(pt.cb, p.Cb[half.Min.X:], p.CStride, half.Min.Y, tc)
		between(pt.cr, p.Cr[half.Min.X:], p.CStride, half.Min.Y, tc)
		if y := v.at.Y + row; pt.focused {
			// Views begin at even columns, see gutter.
			for odd := range min(2, v.size.X) {
				n := (v.size.X - odd + 1) / 2
				b, g, r := planes(dst, 2*odd+y%2, input.Div(2), image.Pt(v.at.X/2, y/2), n)
				pt.row(b, g, r, odd, 2, m)
			}
		} else {
			b, g, r := planes(dst, 0, input, image.Pt(v.at.X, y), v.size.X)
			pt.row(b, g, r, 0, 1, m)
		}
	}
}

// planes returns n pixels from a place on, in each of the three planes of a picture; those that
// lie in dst are of one size.
func planes(dst []float32, picture int, size, at image.Point, n int) (b, g, r []float32) {
	plane := size.X * size.Y
	from := 3*picture*plane + at.Y*size.X + at.X
	return dst[from:][:n], dst[from+plane:][:n], dst[from+2*plane:][:n]
}

// row converts one row of the output to colours: every step-th pixel from the first on.
func (pt *painter) row(b, g, r []float32, first, step int, m matrix) {
	luma, chroma := pt.luma, pt.chroma
	g, r = g[:len(b)], r[:len(b)]
	for x := range b {
		t, c := luma[first+x*step], chroma[first+x*step]
		y := (t.of(pt.y) - m.black) * m.luma
		cb, cr := c.of(pt.cb)-128, c.of(pt.cr)-128
		b[x] = level(y + cb*m.blueCb)
		g[x] = level(y - cb*m.greenCb - cr*m.greenCr)
		r[x] = level(y + cr*m.redCr)
	}
}

// of is the value of a row between two picture rows at the tap.
func (t tap) of(row []int32) float32 {
	const scale = 1.0 / (256 * 256)
	at := row[t.at]
	return float32(at<<8+(row[t.next]-at)*t.weight) * scale
}

// level limits a colour to what a picture can hold. It compares instead of taking min and max,
// which mind numbers that are none and take three times as long.
func level(v float32) float32 {
	switch {
	case v < 0:
		return 0
	case v > 255:
		return 255
	}
	return v
}

// between blends two rows of a plane into dst, times 256.
func between(dst []int32, plane []uint8, stride, top int, t tap) {
	upper := plane[(top+int(t.at))*stride:][:len(dst)]
	lower := plane[(top+int(t.next))*stride:][:len(dst)]
	for x, u := range upper {
		dst[x] = int32(u)<<8 + (int32(lower[x])-int32(u))*t.weight
	}
}

func pad(pixels []float32) {
	for i := range pixels {
		pixels[i] = padding
	}
}

// taps places n output pixels over an axis of the given length.
func taps(into []tap, n int, scale float64, length int) []tap {
	into = into[:0]
	for i := range n {
		into = append(into, tapAt(i, scale, length))
	}
	return into
}

// tapAt maps pixel centres to pixel centres, as every common image library does.
func tapAt(i int, scale float64, length int) tap {
	x := (float64(i)+0.5)/scale - 0.5
	x = max(0, min(x, float64(length-1)))
	at := int32(x)
	return tap{at, min(at+1, int32(length-1)), int32((x - float64(at)) * 256)}
}

func grow(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// matrix takes Y, Cb, Cr to R, G, B in 0..255 (ITU-R BT.601-7, BT.709-6).
type matrix struct {
	black, luma                     float32
	redCr, greenCb, greenCr, blueCb float32
}

func matrixFor(full, hd bool) matrix {
	kr, kb := 0.299, 0.114
	if hd {
		kr, kb = 0.2126, 0.0722
	}
	m := matrix{black: 16, luma: 255. / 219}
	chroma := 255. / 224
	if full {
		m.black, m.luma, chroma = 0, 1, 1
	}
	kg := 1 - kr - kb
	m.redCr, m.blueCb = float32(2*(1-kr)*chroma), float32(2*(1-kb)*chroma)
	m.greenCr, m.greenCb = float32(2*(1-kr)*kr/kg*chroma), float32(2*(1-kb)*kb/kg*chroma)
	return m
}
