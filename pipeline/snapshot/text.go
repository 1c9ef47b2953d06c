package snapshot

import (
	"fmt"
	"image"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// fonts are parsed once. They may be read by several goroutines at once.
var fonts = sync.OnceValues(func() (f struct{ regular, bold *sfnt.Font }, err error) {
	if f.regular, err = sfnt.Parse(goregular.TTF); err != nil {
		return f, fmt.Errorf("parse the regular font: %w", err)
	}
	if f.bold, err = sfnt.Parse(gobold.TTF); err != nil {
		return f, fmt.Errorf("parse the bold font: %w", err)
	}
	return f, nil
})

// face is a font at a size. The glyphs are drawn by the layer's own rasterizer, because
// opentype.Face of this x/image cannot draw any.
type face struct {
	font *sfnt.Font
	size fixed.Int26_6 // pixels an em
	buf  sfnt.Buffer
}

func newFace(f *sfnt.Font, pixels float64) *face {
	return &face{font: f, size: fixed.Int26_6(pixels*64 + .5)}
}

// glyphs calls each for the glyphs of a line with the place of their origin, and returns
// the line's width.
func (f *face) glyphs(s string, each func(x fixed.Int26_6, g sfnt.GlyphIndex)) fixed.Int26_6 {
	var x fixed.Int26_6
	var last sfnt.GlyphIndex
	for i, r := range s {
		g, err := f.font.GlyphIndex(&f.buf, r)
		if err != nil {
			continue
		}
		if i > 0 {
			if k, err := f.font.Kern(&f.buf, last, g, f.size, font.HintingNone); err == nil {
				x += k
			}
		}
		last = g
		if each != nil {
			each(x, g)
		}
		if a, err := f.font.GlyphAdvance(&f.buf, g, f.size, font.HintingNone); err == nil {
			x += a
		}
	}
	return x
}

// width is how many pixels a line takes.
func (f *face) width(s string) int { return f.glyphs(s, nil).Ceil() }

// fit makes one printable line of s, cut with an ellipsis to limit pixels.
func (f *face) fit(s string, limit int) string {
	s = printable(s)
	if f.width(s) <= limit {
		return s
	}
	for runes := []rune(s); len(runes) > 0; {
		runes = runes[:len(runes)-1]
		if short := strings.TrimRight(string(runes), " ·") + "…"; f.width(short) <= limit {
			return short
		}
	}
	return ""
}

// wrap breaks s into at most so many lines of limit pixels; the last is cut where it must.
func (f *face) wrap(s string, limit, lines int) []string {
	var out []string
	words := strings.Fields(printable(s))
	for len(words) > 0 {
		n := 1
		for n < len(words) && f.width(strings.Join(words[:n+1], " ")) <= limit {
			n++
		}
		if len(out) == lines-1 {
			n = len(words)
		}
		out = append(out, f.fit(strings.Join(words[:n], " "), limit))
		words = words[n:]
	}
	return out
}

// text writes a line that fits limit pixels; its baseline begins at (x, y).
func (l *layer) text(f *face, x, y, limit int, s string) {
	s = f.fit(s, limit)
	em := f.size.Ceil()
	r := image.Rect(x-em/4, y-em-em/4, x+f.width(s)+em/4, y+em/2).Intersect(l.mask.Rect)
	if r.Empty() {
		return
	}
	l.brush.Reset(r.Dx(), r.Dy())
	f.glyphs(s, func(at fixed.Int26_6, g sfnt.GlyphIndex) {
		segments, err := f.font.LoadGlyph(&f.buf, g, f.size, nil)
		if err != nil {
			return
		}
		px := func(p fixed.Point26_6) (float32, float32) {
			return float32(at+p.X)/64 + float32(x-r.Min.X), float32(p.Y)/64 + float32(y-r.Min.Y)
		}
		for _, s := range segments {
			ax, ay := px(s.Args[0])
			bx, by := px(s.Args[1])
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				l.brush.MoveTo(ax, ay)
			case sfnt.SegmentOpLineTo:
				l.brush.LineTo(ax, ay)
			case sfnt.SegmentOpQuadTo:
				l.brush.QuadTo(ax, ay, bx, by)
			case sfnt.SegmentOpCubeTo:
				cx, cy := px(s.Args[2])
				l.brush.CubeTo(ax, ay, bx, by, cx, cy)
			}
		}
	})
	l.stamp(r, 1)
}

// maxText bounds a line in letters: nobody reads more, and names come from outside.
const maxText = 200

// printable makes one line of what may come from a configuration file.
func printable(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > maxText {
			return -1
		}
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
