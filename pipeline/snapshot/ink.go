package snapshot

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// point is a place on the canvas in pixels.
type point struct{ x, y float64 }

// layer is a mask on which one colour is drawn. Shapes on the same layer do not add up
// where they meet, so the joints of a translucent line do not show.
type layer struct {
	mask  *image.Alpha
	dirty image.Rectangle
	brush vector.Rasterizer
}

func newLayer(size image.Rectangle) *layer {
	return &layer{mask: image.NewAlpha(size)}
}

// over paints the layer in a colour and wipes it clean for the next.
func (l *layer) over(dst *image.RGBA, c color.RGBA) {
	r := l.dirty.Intersect(dst.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		mask := l.mask.Pix[l.mask.PixOffset(r.Min.X, y):][:r.Dx()]
		pix := dst.Pix[dst.PixOffset(r.Min.X, y):][:4*r.Dx()]
		for x, m := range mask {
			if m == 0 {
				continue
			}
			a := uint32(m) * uint32(c.A) // 0..255*255
			for i, v := range [3]uint8{c.R, c.G, c.B} {
				old := uint32(pix[4*x+i])
				pix[4*x+i] = uint8((old*(255*255-a) + uint32(v)*a + 255*255/2) / (255 * 255))
			}
		}
		clear(mask)
	}
	l.dirty = image.Rectangle{}
}

// fill covers a polygon to the given strength, 0..1.
func (l *layer) fill(strength float64, outlines ...[]point) {
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, outline := range outlines {
		for _, p := range outline {
			lo = point{math.Min(lo.x, p.x), math.Min(lo.y, p.y)}
			hi = point{math.Max(hi.x, p.x), math.Max(hi.y, p.y)}
		}
	}
	// Marks come from a camera's configuration and its tracks, but a NaN or a box far
	// outside must not become a huge raster.
	edge := l.mask.Rect
	if !(lo.x <= float64(edge.Max.X) && lo.y <= float64(edge.Max.Y) && hi.x >= 0 && hi.y >= 0) {
		return
	}
	r := image.Rect(
		int(math.Floor(math.Max(lo.x, 0))), int(math.Floor(math.Max(lo.y, 0))),
		int(math.Ceil(math.Min(hi.x, float64(edge.Max.X)))), int(math.Ceil(math.Min(hi.y, float64(edge.Max.Y)))),
	).Intersect(edge)
	if r.Empty() {
		return
	}
	l.brush.Reset(r.Dx(), r.Dy())
	for _, outline := range outlines {
		for i, p := range wound(outline) {
			x, y := float32(near(p.x, edge.Max.X)-float64(r.Min.X)), float32(near(p.y, edge.Max.Y)-float64(r.Min.Y))
			if i == 0 {
				l.brush.MoveTo(x, y)
			} else {
				l.brush.LineTo(x, y)
			}
		}
		l.brush.ClosePath()
	}
	l.stamp(r, strength)
}

// near draws a coordinate towards the canvas, which ends at edge: the rasterizer walks all
// the way to a point that lies far outside.
func near(v float64, edge int) float64 {
	reach := 16 * float64(edge)
	return max(-reach, min(reach, v))
}

// stamp puts what the brush has drawn, which begins at r.Min, on the mask.
func (l *layer) stamp(r image.Rectangle, strength float64) {
	drawn := image.NewAlpha(image.Rect(0, 0, r.Dx(), r.Dy()))
	l.brush.Draw(drawn, drawn.Rect, image.Opaque, image.Point{})
	for y := range r.Dy() {
		src := drawn.Pix[y*drawn.Stride:][:r.Dx()]
		dst := l.mask.Pix[l.mask.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()]
		for x, v := range src {
			dst[x] = max(dst[x], uint8(math.Round(float64(v)*strength)))
		}
	}
	l.dirty = l.dirty.Union(r)
}

// wound returns the outline in clockwise order: the rasterizer subtracts where outlines
// of opposite order overlap.
func wound(outline []point) []point {
	area := 0.
	for i, p := range outline {
		q := outline[(i+1)%len(outline)]
		area += p.x*q.y - q.x*p.y
	}
	if area >= 0 {
		return outline
	}
	out := make([]point, len(outline))
	for i, p := range outline {
		out[len(out)-1-i] = p
	}
	return out
}

// line draws a straight line with round ends.
func (l *layer) line(a, b point, width, strength float64) {
	dx, dy := b.x-a.x, b.y-a.y
	length := math.Hypot(dx, dy)
	outlines := [][]point{disc(a, width/2)}
	if length > 0 {
		nx, ny := -dy/length*width/2, dx/length*width/2
		outlines = append(outlines, disc(b, width/2),
			[]point{{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}})
	}
	l.fill(strength, outlines...)
}

// outline draws the closed line around a polygon.
func (l *layer) outline(polygon []point, width float64) {
	for i, p := range polygon {
		l.line(p, polygon[(i+1)%len(polygon)], width, 1)
	}
}

// dashed draws a line of dashes and gaps, both of the given length.
func (l *layer) dashed(a, b point, dash, width, strength float64) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	at := func(d float64) point {
		return point{a.x + (b.x-a.x)*d/length, a.y + (b.y-a.y)*d/length}
	}
	if !(length < 1e5) {
		return
	}
	for d := 0.; d < length; d += 2 * dash {
		l.line(at(d), at(math.Min(d+dash, length)), width, strength)
	}
}

// disc is a circle as a polygon, close enough for the eye.
func disc(c point, radius float64) []point {
	n := max(12, int(radius*3))
	out := make([]point, n)
	for i := range out {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		out[i] = point{c.x + radius*cos, c.y + radius*sin}
	}
	return out
}

// regular is a regular polygon whose first corner lies at the given angle.
func regular(c point, radius float64, corners int, angle float64) []point {
	out := make([]point, corners)
	for i := range out {
		sin, cos := math.Sincos(angle + 2*math.Pi*float64(i)/float64(corners))
		out[i] = point{c.x + radius*cos, c.y + radius*sin}
	}
	return out
}
