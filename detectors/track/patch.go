package track

import (
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// Grey is the grey image of a frame, in which tracks are followed. The zero value shows
// nothing.
type Grey struct {
	Pix    []uint8
	Stride int // bytes from row to row
	W, H   int // pixels
	// X and Y are by how much the picture is displaced against the scene, in fractions of
	// the picture.
	X, Y float64
}

// patch is what a thing looks like in grey, so that it can be found in the next frame by
// its own picture: the normalised cross-correlation (Lewis 1995) of a template with the
// surroundings of the place where it is expected. The template has so many samples to the
// box, whatever the size of the box, so a thing keeps it while it comes nearer.
type patch struct {
	known bool
	box   models.Box // where in the scene it was last
	shade [patchRows][patchCols]float32
}

const (
	// patchCols and patchRows are the samples of a template: somebody of 40 pixels, as small
	// as an object detector still names, has more than a pixel to each.
	patchCols, patchRows = 10, 24
	// patchX and patchY are how far a window reaches beyond the box, in samples: who walks
	// and turns between two frames of a fifth of a second is off the prediction by a third
	// of a height, half of a walker's width of two fifths is a fifth of a height, and up
	// and down people go a third as fast.
	patchX, patchY = 6, 3

	windowCols, windowRows = patchCols + 2*patchX, patchRows + 2*patchY
	shiftsX, shiftsY       = 2*patchX + 1, 2*patchY + 1

	// finest bounds how many rows of the picture are read for a row of samples: somebody who
	// fills the picture costs little more than anybody else.
	finest = 4

	// plain is the variance, in levels of grey, below which a patch shows nothing that could
	// be told from anything else: that of the noise of a good sensor.
	plain = 4
)

// bell weighs the samples of a template: the middle of a box is its thing, its corners show
// what lies behind. It is the product of a weight by column and one by row.
var bell = struct {
	x   [patchCols]float32
	y   [patchRows]float32
	sum float32
}{x: [patchCols]float32(bellOf(patchCols)), y: [patchRows]float32(bellOf(patchRows)), sum: sumOf(bellOf(patchCols)) * sumOf(bellOf(patchRows))}

func bellOf(n int) []float32 {
	w := make([]float32, n)
	for i := range w {
		v := (float64(i)+0.5)/float64(n)*2 - 1
		w[i] = float32(math.Exp(-1.5 * v * v))
	}
	return w
}

func sumOf(w []float32) (sum float32) {
	for _, v := range w {
		sum += v
	}
	return sum
}

// window is what a box and its surroundings show: each sample is the mean over its part of
// the picture, and over the nearest pixels outside of it.
type window [windowRows][windowCols]float32

// read samples the picture around a box of the scene.
func (w *window) read(g Grey, b models.Box) {
	sx, sy := b.W*float64(g.W)/patchCols, b.H*float64(g.H)/patchRows
	left, top := (b.X+g.X)*float64(g.W)-patchX*sx, (b.Y+g.Y)*float64(g.H)-patchY*sy
	var spans [windowCols]span
	for i := range spans {
		spans[i] = spanOf(left+float64(i)*sx, left+float64(i+1)*sx, g.W)
	}
	step := max(1, int(sy/finest))
	var line [windowCols]float32
	read := -1
	for j := range windowRows {
		rows := spanOf(top+float64(j)*sy, top+float64(j+1)*sy, g.H)
		sum, weight := [windowCols]float32{}, float32(0)
		for y := rows.from; y <= rows.to; y += step {
			if y != read {
				read = y
				line = lineOf(&spans, g.Pix[y*g.Stride:][:g.W])
			}
			share := rows.weight(y)
			weight += share
			for i, v := range line {
				sum[i] += share * v
			}
		}
		for i, v := range sum {
			w[j][i] = v / weight
		}
	}
}

// span is the pixels that a sample takes along one axis; of the first and of the last one it
// takes a part.
type span struct {
	from, to    int
	first, last float32
}

// spanOf is the span from a to b along an axis of n pixels.
func spanOf(a, b float64, n int) span {
	end := float64(n)
	a, b = max(0, min(a, end)), max(0, min(b, end))
	s := span{from: min(int(a), n-1), to: min(int(b), n-1)}
	s.first, s.last = float32(float64(s.from+1)-a), float32(b-float64(s.to))
	if s.from == s.to {
		s.first, s.last = max(s.last-(1-s.first), least), 0
	}
	return s
}

// least is the smallest part of a pixel that has a weight, so that every span has one.
const least = 1e-3

// weight is the part of a pixel that the span takes.
func (s span) weight(at int) float32 {
	switch at {
	case s.from:
		return s.first
	case s.to:
		return s.last
	}
	return 1
}

// lineOf is the means of the spans of a row.
func lineOf(spans *[windowCols]span, row []uint8) (line [windowCols]float32) {
	for i, s := range spans {
		sum, weight := s.first*float32(row[s.from]), s.first
		if s.to > s.from {
			inner := int32(0)
			for _, v := range row[s.from+1 : s.to] {
				inner += int32(v)
			}
			sum += float32(inner) + s.last*float32(row[s.to])
			weight += float32(s.to-s.from-1) + s.last
		}
		line[i] = sum / weight
	}
	return line
}

// take blends the template with what a box shows; share is the weight of the new.
func (p *patch) take(g Grey, b models.Box, share float32) {
	if g.W == 0 || b.Empty() {
		return
	}
	if !p.known {
		share = 1
	}
	var w window
	w.read(g, b)
	for j := range p.shade {
		for i := range p.shade[j] {
			s := &p.shade[j][i]
			*s += share * (w[j+patchY][i+patchX] - *s)
		}
	}
	p.known, p.box = true, b
}

// find looks for the template around a box, and returns the box moved to where it is and
// the correlation there, 1 for the same picture, 0 for one that tells nothing.
func (p *patch) find(g Grey, b models.Box) (models.Box, float64) {
	if !p.known || g.W == 0 || b.Empty() {
		return b, 0
	}
	t, own := p.weighted()
	if own < plain*bell.sum {
		return b, 0
	}
	var w window
	w.read(g, b)
	like := w.like(&t, own)
	best := 0
	for k, v := range like {
		if v > like[best] {
			best = k
		}
	}
	dx, dy := best%shiftsX, best/shiftsX
	x, y := float64(dx-patchX), float64(dy-patchY)
	if dx > 0 && dx < shiftsX-1 {
		x += vertex(like[best-1], like[best], like[best+1])
	}
	if dy > 0 && dy < shiftsY-1 {
		y += vertex(like[best-shiftsX], like[best], like[best+shiftsX])
	}
	b.X += x * b.W / patchCols
	b.Y += y * b.H / patchRows
	return b, float64(like[best])
}

// weighted is the template as weighted differences from its mean, and their weighted square.
func (p *patch) weighted() (t [patchRows][patchCols]float32, own float32) {
	mean := float32(0)
	for j, row := range p.shade {
		for i, v := range row {
			mean += bell.y[j] * bell.x[i] * v
		}
	}
	mean /= bell.sum
	for j, row := range p.shade {
		for i, v := range row {
			t[j][i] = bell.y[j] * bell.x[i] * (v - mean)
			own += t[j][i] * (v - mean)
		}
	}
	return t, own
}

// like is the weighted correlation of a template with the window, for every shift, row by
// row.
func (w *window) like(t *[patchRows][patchCols]float32, own float32) (out [shiftsY * shiftsX]float32) {
	// The weights by column are applied once for all shifts up and down.
	var sums, squares [windowRows][shiftsX]float32
	for j := range w {
		for dx := range shiftsX {
			var s, q float32
			for i, v := range w[j][dx:][:patchCols] {
				weighted := bell.x[i] * v
				s += weighted
				q += weighted * v
			}
			sums[j][dx], squares[j][dx] = s, q
		}
	}
	for dy := range shiftsY {
		for dx := range shiftsX {
			var both, sum, square float32
			for j := range t {
				row, tr := w[j+dy][dx:][:patchCols], &t[j]
				for i, v := range row {
					both += tr[i] * v
				}
				sum += bell.y[j] * sums[j+dy][dx]
				square += bell.y[j] * squares[j+dy][dx]
			}
			if other := square - sum*sum/bell.sum; other >= plain*bell.sum {
				out[dy*shiftsX+dx] = both / float32(math.Sqrt(float64(own*other)))
			}
		}
	}
	return out
}

// vertex is where a parabola through three values has its top, in steps from the middle one,
// which is the greatest.
func vertex(a, b, c float32) float64 {
	if bend := a - 2*b + c; bend < 0 {
		return float64((a - c) / (2 * bend))
	}
	return 0
}
