package health

import (
	"encoding/binary"
	"image"
	"math"
	"slices"
)

const (
	// fineWidth bounds the width of the fine copy, in pixels. Detail that is lost at this
	// scale, one part in 320 of the picture's width, is what somebody needs to know a face.
	fineWidth = 320
	// The coarse copy has cells of 1/64 by 1/36 of the picture. A cell averages so many
	// pixels that a sensor's noise is gone, and a camera that trembles by a few pixels of
	// 640 stays within it.
	cols, rows = 64, 36
	cells      = cols * rows
	// Sharpness is read in blocks of 8 by 6 cells: a lorry takes some of them, a lens that
	// is out of focus takes them all.
	blockCols, blockRows = 8, 6
	blocks               = blockCols * blockRows
	// caption rows at the top and at the bottom are where cameras burn in their name and
	// the time, a tenth of the height: the text stays wherever the camera looks.
	caption = 4
	// floor is the difference in grey levels, over two cells, at which something is as
	// likely an edge as noise: 10 levels of sensor noise make one level in a cell.
	floor = 2
)

// look is what one picture shows.
type look struct {
	hash uint64 // of every pixel of the luma plane
	fine []float32
	size image.Point // of fine
	luma [cells]float32
	// edges are directions of edges with how sure it is that there is one, 0..1, as a
	// vector at twice the angle: an edge has the same direction from dark to light and
	// from light to dark (infrared turns dark cloth light), and noise averages out.
	edges [cells]vector
	// detail and contrast are the mean square difference of neighbours in each block, of
	// the fine and of the coarse copy.
	detail, contrast [blocks]float32
	// noise is what was taken from detail as the sensor's.
	noise float32
	// spread is between the 1st and the 99th percentile of luma outside the captions, and
	// bright is the 95th above black, both in grey levels of 0..255 full range.
	spread, bright float64
	grey           bool // without colour: infrared, or a camera without

	smooth, height [cells]float32
	counts         [256 * shades]int
}

// shades is how finely a grey level is divided to find percentiles.
const shades = 4

type vector struct{ x, y float32 }

func (v vector) dot(o vector) float32 { return v.x*o.x + v.y*o.y }
func (v vector) length() float32      { return float32(math.Sqrt(float64(v.x*v.x + v.y*v.y))) }

// take looks at a picture. It says false when the picture is too small, or too narrow, to
// have pixels for every cell.
func (l *look) take(p *image.YCbCr, fullRange bool) bool {
	if p == nil || !l.shrink(p) {
		return false
	}
	l.hash = digest(p)
	l.cut()
	l.direct()
	l.weigh()
	scale, black := 1.0, 0.0
	if !fullRange {
		scale, black = 255.0/219, 16
	}
	lo, hi, bright := l.percentiles()
	l.spread = float64(hi-lo) * scale
	l.bright = (float64(bright) - float64(l.grain()) - black) * scale
	l.grey = colourless(p)
	return true
}

// grain is by how much the sensor's noise alone lifts the 95th percentile of the cells: 1.64
// standard deviations of a cell. In a dark room at full gain that is as much as a screen's light.
func (l *look) grain() float32 {
	// Of noise the squares of two differences, of two pixels each, are four times its
	// variance; weigh has raised it by a fifth.
	variance := l.noise / 1.2 / 4
	return 1.64 * float32(math.Sqrt(float64(variance)*cells/float64(l.size.X*l.size.Y)))
}

// percentiles are the 1st, 99th and 95th of the cells outside the captions.
//
//go:norace
func (l *look) percentiles() (lo, hi, bright float32) {
	clear(l.counts[:])
	const n = (rows - 2*caption) * cols
	for _, v := range l.luma[caption*cols : caption*cols+n] {
		l.counts[int(v*shades)]++
	}
	i, sum := 0, 0
	at := func(rank int) float32 { // ranks rise from call to call
		for ; sum+l.counts[i] <= rank; i++ {
			sum += l.counts[i]
		}
		return (float32(i) + 0.5) / shades
	}
	lo, bright, hi = at(n/100), at(n*95/100), at(n*99/100)
	return lo, hi, bright
}

// shrink makes the fine copy: means of square boxes. Of a box larger than four pixels
// a grid of some four by four is enough.
//
//go:norace
func (l *look) shrink(p *image.YCbCr) bool {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	n := max(1, (w+fineWidth-1)/fineWidth)
	size := image.Pt(w/n, h/n)
	if size.X < cols || size.Y < rows {
		return false
	}
	if size != l.size {
		l.size, l.fine = size, make([]float32, size.X*size.Y)
	}
	step := max(1, n/4)
	per := (n + step - 1) / step
	scale := 1 / float32(per*per)
	for y := range size.Y {
		out := l.fine[y*size.X : (y+1)*size.X]
		clear(out)
		for dy := 0; dy < n; dy += step {
			at := p.YOffset(p.Rect.Min.X, p.Rect.Min.Y+y*n+dy)
			row := p.Y[at : at+size.X*n]
			switch n {
			case 1:
				for x, v := range row {
					out[x] = float32(v)
				}
			case 2:
				pairs(out, row)
			default:
				for x := range out {
					sum := 0
					for dx := 0; dx < n; dx += step {
						sum += int(row[x*n+dx])
					}
					out[x] += float32(sum)
				}
			}
		}
		for x := range out {
			out[x] *= scale
		}
	}
	return true
}

// pairs adds each two pixels of the row to one of out, eight pixels at once: the odd bytes
// of a word are added to the even ones in lanes of 16 bits.
//
//go:norace
func pairs(out []float32, row []uint8) {
	for ; len(out) >= 4; out, row = out[4:], row[8:] {
		const even = 0x00ff00ff00ff00ff
		w := binary.LittleEndian.Uint64(row)
		w = w&even + w>>8&even
		o := out[:4]
		o[0] += float32(w & 0xffff)
		o[1] += float32(w >> 16 & 0xffff)
		o[2] += float32(w >> 32 & 0xffff)
		o[3] += float32(w >> 48)
	}
	for x := range out {
		out[x] += float32(int(row[2*x]) + int(row[2*x+1]))
	}
}

// digest is a fingerprint of all luma (FNV-1a over words of eight pixels): pictures with
// the same one are the same.
//
//go:norace
func digest(p *image.YCbCr) uint64 {
	const prime = 1099511628211
	hash := uint64(14695981039346656037)
	for y := p.Rect.Min.Y; y < p.Rect.Max.Y; y++ {
		at := p.YOffset(p.Rect.Min.X, y)
		row := p.Y[at : at+p.Rect.Dx()]
		for ; len(row) >= 8; row = row[8:] {
			hash = (hash ^ binary.LittleEndian.Uint64(row)) * prime
			hash ^= hash >> 32 // the prime alone never carries high bits down
		}
		for _, v := range row {
			hash = (hash ^ uint64(v)) * prime
		}
	}
	return hash
}

// cut makes the coarse copy.
//
//go:norace
func (l *look) cut() {
	w, h := l.size.X, l.size.Y
	for j := range rows {
		y0, y1 := j*h/rows, (j+1)*h/rows
		out := l.luma[j*cols : (j+1)*cols]
		clear(out)
		for y := y0; y < y1; y++ {
			row := l.fine[y*w : (y+1)*w]
			for i := range out {
				sum := float32(0)
				for _, v := range row[i*w/cols : (i+1)*w/cols] {
					sum += v
				}
				out[i] += sum
			}
		}
		for i := range out {
			out[i] /= float32((y1 - y0) * ((i+1)*w/cols - i*w/cols))
		}
	}
}

// relief takes out what is wider than reach cells to each side, so that uneven light on
// something plain is no structure: luma less the mean around it. The surroundings shrink
// towards the rim alike on both sides, or a slope would leave a ridge there.
//
//go:norace
func (l *look) relief() {
	const reach = 2
	for j := range rows {
		row, out := l.luma[j*cols:(j+1)*cols], l.smooth[j*cols:(j+1)*cols]
		for i := range row {
			r := min(reach, i, cols-1-i)
			sum := float32(0)
			for _, v := range row[i-r : i+r+1] {
				sum += v
			}
			out[i] = sum / float32(2*r+1)
		}
	}
	for j := range rows {
		r := min(reach, j, rows-1-j)
		per := 1 / float32(2*r+1)
		for i := range cols {
			sum := float32(0)
			for at := (j-r)*cols + i; at <= (j+r)*cols+i; at += cols {
				sum += l.smooth[at]
			}
			l.height[j*cols+i] = l.luma[j*cols+i] - sum*per
		}
	}
}

// direct reads the directions of the edges.
//
//go:norace
func (l *look) direct() {
	l.relief()
	for j := 1; j < rows-1; j++ {
		for i := 1; i < cols-1; i++ {
			at := j*cols + i
			gx, gy := l.height[at+1]-l.height[at-1], l.height[at+cols]-l.height[at-cols]
			// The angle is doubled by squaring gx+i·gy; divided by its length, and
			// weighed by how sure the edge is, that is the square over length² + floor².
			s := 1 / (gx*gx + gy*gy + floor*floor)
			l.edges[at] = vector{(gx*gx - gy*gy) * s, 2 * gx * gy * s}
		}
	}
}

// weigh measures how much detail and how much contrast each block has.
//
//go:norace
func (l *look) weigh() {
	w, h := l.size.X, l.size.Y
	for b := range blocks {
		bi, bj := b%blockCols, b/blockCols
		x0, x1 := bi*w/blockCols, min((bi+1)*w/blockCols, w-1)
		y0, y1 := bj*h/blockRows, min((bj+1)*h/blockRows, h-1)
		sum := float32(0)
		for y := y0; y < y1; y++ {
			row, below := l.fine[y*w+x0:y*w+x1+1], l.fine[(y+1)*w+x0:(y+1)*w+x1]
			here := row[0]
			for x, under := range below {
				next := row[x+1]
				dx, dy := next-here, under-here
				sum += dx*dx + dy*dy
				here = next
			}
		}
		l.detail[b] = sum / float32((x1-x0)*(y1-y0))

		const bw, bh = cols / blockCols, rows / blockRows
		i0, i1 := bi*bw, min((bi+1)*bw, cols-1)
		j0, j1 := bj*bh, min((bj+1)*bh, rows-1)
		sum = 0
		for j := j0; j < j1; j++ {
			for i := i0; i < i1; i++ {
				at := j*cols + i
				dx, dy := l.luma[at+1]-l.luma[at], l.luma[at+cols]-l.luma[at]
				sum += dx*dx + dy*dy
			}
		}
		l.contrast[b] = sum / float32((i1-i0)*(j1-j0))
	}
	// The flattest blocks show what the sensor's noise alone amounts to. Over the pixels of
	// one block that varies by some five per cent, so the noisiest have a fifth more.
	s := l.detail
	slices.Sort(s[:])
	l.noise = 1.2 * s[len(s)/10]
	for b := range l.detail {
		l.detail[b] = max(0, l.detail[b]-l.noise)
	}
}

// colourless says whether chroma is neutral, from a grid of samples.
//
//go:norace
func colourless(p *image.YCbCr) bool {
	// Two levels from neutral on average: what compression does to a grey picture.
	const neutral = 2
	sum, n := 0, 0
	const grid = 32
	for j := range grid {
		for i := range grid {
			x := p.Rect.Min.X + (2*i+1)*p.Rect.Dx()/(2*grid)
			y := p.Rect.Min.Y + (2*j+1)*p.Rect.Dy()/(2*grid)
			at := p.COffset(x, y)
			sum += abs(int(p.Cb[at])-128) + abs(int(p.Cr[at])-128)
			n++
		}
	}
	return sum < neutral*n
}

func abs(v int) int { return max(v, -v) }
