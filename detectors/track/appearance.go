package track

import (
	"image"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// blend returns a moved towards o by share. It makes a new one, because tracks hand out
// theirs.
func blend(a, o models.Appearance, share float32) models.Appearance {
	if len(a) != len(o) {
		return o
	}
	out := make(models.Appearance, len(a))
	for i := range a {
		out[i] = a[i] + share*(o[i]-a[i])
	}
	return out
}

// Look answers what the tracker asks about the present frame.
type Look interface {
	// Appearance says what a region looks like.
	Appearance(b models.Box) models.Appearance
	// Changed says whether anything in the region is different from the last frame.
	Changed(b models.Box) bool
	// Grey is the picture in grey.
	Grey() Grey
}

// Colours is the Look by colour: histograms of luma and both chroma channels of the
// upper and the lower half of the box, since clothes differ above and below the belt.
type Colours struct {
	Picture *image.YCbCr
	// Foreground, when given, says which pixels belong to the thing; its size may differ
	// from the picture's.
	Foreground *image.Gray
	// Changes answers Changed; nil says that everything has changed.
	Changes func(b models.Box) bool
}

// Grey is the luma plane.
func (c Colours) Grey() Grey {
	size := c.Picture.Rect.Size()
	return Grey{Pix: c.Picture.Y, Stride: c.Picture.YStride, W: size.X, H: size.Y}
}

// Changed asks Changes.
func (c Colours) Changed(b models.Box) bool { return c.Changes == nil || c.Changes(b) }

const (
	lumaBins   = 8
	chromaBins = 8
	partBins   = lumaBins + 2*chromaBins
	parts      = 2
)

// Appearance samples at most 16x32 pixels of the box.
func (c Colours) Appearance(b models.Box) models.Appearance {
	size := c.Picture.Rect.Size()
	b = b.Clamp()
	if b.Empty() {
		return nil
	}
	s := make(models.Appearance, parts*partBins)
	if n := c.sample(s, b, size, c.Foreground); n < 16 {
		clear(s)
		if c.sample(s, b, size, nil) == 0 {
			return nil
		}
	}
	for k := range s {
		s[k] += 1e-4
	}
	sum := float32(0)
	for _, v := range s {
		sum += v
	}
	for k := range s {
		s[k] /= sum
	}
	return s
}

func (c Colours) sample(s models.Appearance, b models.Box, size image.Point, mask *image.Gray) int {
	const cols, rows = 16, 32
	p, n := c.Picture, 0
	mw, mh := 0, 0
	if mask != nil {
		mw, mh = mask.Rect.Dx(), mask.Rect.Dy()
	}
	var at, masked [cols]int // columns in the picture and in the mask
	for i := range at {
		fx := (float64(i) + 0.5) / cols
		at[i] = min(int((b.X+b.W*fx)*float64(size.X)), size.X-1)
		masked[i] = min(at[i]*mw/size.X, mw-1)
	}
	for j := range rows {
		fy := (float64(j) + 0.5) / rows
		y := min(int((b.Y+b.H*fy)*float64(size.Y)), size.Y-1)
		part := s[j*parts/rows*partBins:][:partBins]
		luma, cb, cr := p.Y[y*p.YStride:], p.Cb[y/2*p.CStride:], p.Cr[y/2*p.CStride:]
		for i, x := range at {
			if mask != nil {
				if mask.Pix[min(y*mh/size.Y, mh-1)*mask.Stride+masked[i]] == 0 {
					continue
				}
			} else if fx := (float64(i) + 0.5) / cols; (fx-0.5)*(fx-0.5)+(fy-0.5)*(fy-0.5) > 0.25 {
				continue // without a mask only the ellipse in the box counts: its corners show the ground
			}
			lumaShares[luma[x]].add(part[:lumaBins])
			chromaShares[cb[x/2]].add(part[lumaBins : lumaBins+chromaBins])
			chromaShares[cr[x/2]].add(part[lumaBins+chromaBins:])
			n++
		}
	}
	return n
}

// shares is how a level is shared between the two bins it lies between, so that a small
// change of light moves the histogram a little, not a whole bin.
type shares struct {
	low, high   int
	lows, highs float32
}

var (
	lumaShares = sharesOf(lumaBins, func(level int) float32 { return float32(level) / 256 })
	// Chroma of clothes rarely leaves the middle half of its range.
	chromaShares = sharesOf(chromaBins, func(level int) float32 { return (float32(level) - 64) / 128 })
)

// sharesOf is for every level its share of so many bins; value is where it lies in them, 0..1.
func sharesOf(bins int, value func(level int) float32) (all [256]shares) {
	for level := range all {
		at := min(max(value(level), 0), 1)*float32(bins) - 0.5
		low := int(math.Floor(float64(at)))
		share := at - float32(low)
		all[level] = shares{low: min(max(low, 0), bins-1), high: min(max(low+1, 0), bins-1), lows: 1 - share, highs: share}
	}
	return all
}

func (s *shares) add(bins models.Appearance) {
	bins[s.low] += s.lows
	bins[s.high] += s.highs
}
