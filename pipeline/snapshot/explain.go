package snapshot

import (
	"image"
	"image/color"
	"math"
	"time"

	"github.com/disintegration/imaging"

	"github.com/vedette-cctv/vedette/models"
)

// cardUnit is one pixel of a still of the usual width, in pixels of a card.
const cardUnit = float64(cardWidth) / stillWidth

// explain marks on a card's picture what the rule saw.
func explain(picture *image.RGBA, s *panel, e models.Event, r Reasons) {
	l := newLayer(picture.Rect)
	at := func(p models.Point) point {
		b := picture.Rect
		return point{float64(b.Min.X) + p.X*float64(b.Dx()), float64(b.Min.Y) + p.Y*float64(b.Dy())}
	}
	tint(picture, l, r.Moving, s.colour)
	markArea(picture, l, r.Incident.Polygon, at, cardUnit)
	if len(e.Rule.Line) >= 2 {
		markLine(picture, l, e.Rule, at)
	}
	if len(e.Path) > 0 {
		drawPath(picture, l, e.Path, at, s.colour, cardUnit)
	}
	if !e.Box.Empty() {
		drawBox(picture, l, at(models.Point{X: e.Box.X, Y: e.Box.Y}), at(models.Point{X: e.Box.X + e.Box.W, Y: e.Box.Y + e.Box.H}), s.colour, cardUnit)
	}
	plates := plates{picture: picture, layer: l, face: s.small}
	if !e.Box.Empty() {
		plates.label(at(models.Point{X: e.Box.X, Y: e.Box.Y}), at(models.Point{X: e.Box.X, Y: e.Box.Y + e.Box.H}), labelOf(e))
	}
	for _, m := range timeMarks(e) {
		p := at(m.foot)
		l.fill(1, disc(p, 7))
		l.over(picture, color.RGBA{0, 0, 0, 200})
		l.fill(1, disc(p, 4.5))
		l.over(picture, white)
		plates.beside(p, "+"+span(m.after))
	}
}

// tint colours what moves.
func tint(picture *image.RGBA, l *layer, moving *image.Gray, c color.RGBA) {
	if moving == nil || moving.Rect.Empty() {
		return
	}
	size := picture.Rect.Size()
	scaled := imaging.Resize(moving, size.X, size.Y, imaging.Linear)
	for y := range size.Y {
		src := scaled.Pix[y*scaled.Stride:]
		dst := l.mask.Pix[l.mask.PixOffset(picture.Rect.Min.X, picture.Rect.Min.Y+y):][:size.X]
		for x := range dst {
			dst[x] = src[4*x]
		}
	}
	l.dirty = picture.Rect
	c.A = 90
	l.over(picture, c)
}

// markLine draws the line that must be crossed, with an arrow for each direction that counts.
func markLine(picture *image.RGBA, l *layer, r models.Rule, at func(models.Point) point) {
	draw := func(width float64) {
		for i := 1; i < len(r.Line); i++ {
			l.line(at(r.Line[i-1]), at(r.Line[i]), width, 1)
		}
	}
	a, b := middleOf(r.Line, at)
	m := point{(a.x + b.x) / 2, (a.y + b.y) / 2}
	length := math.Hypot(b.x-a.x, b.y-a.y)
	// Left of somebody who walks from a to b, in a picture whose y points down.
	left := point{(b.y - a.y) / length, -(b.x - a.x) / length}
	arrows := func(width float64) {
		if !(length > 0) {
			return
		}
		if r.Direction != models.DirectionToRight {
			arrow(l, m, left, width)
		}
		if r.Direction != models.DirectionToLeft {
			arrow(l, m, point{-left.x, -left.y}, width)
		}
	}
	draw(9)
	arrows(9)
	l.over(picture, halo)
	draw(4)
	arrows(4)
	l.over(picture, white)
}

// middleOf is the stretch of a line in which the half of its length lies.
func middleOf(line []models.Point, at func(models.Point) point) (a, b point) {
	total := 0.
	for i := 1; i < len(line); i++ {
		a, b := at(line[i-1]), at(line[i])
		total += math.Hypot(b.x-a.x, b.y-a.y)
	}
	done := 0.
	for i := 1; i < len(line); i++ {
		a, b = at(line[i-1]), at(line[i])
		if done += math.Hypot(b.x-a.x, b.y-a.y); done >= total/2 {
			break
		}
	}
	return a, b
}

// arrow points from p along a unit vector.
func arrow(l *layer, p, along point, width float64) {
	const length, head = 54, 18
	tip := point{p.x + along.x*length, p.y + along.y*length}
	l.line(p, tip, width, 1)
	for _, side := range []float64{-1, 1} {
		l.line(tip, point{tip.x - head*along.x + side*head*along.y, tip.y - head*along.y - side*head*along.x}, width, 1)
	}
}

func labelOf(e models.Event) string {
	label := e.Label
	if label == "" || label == models.LabelUnknown {
		return ""
	}
	if e.Score > 0 {
		label += " " + number(e.Score)
	}
	return label
}

// timeMark is where the thing was so long after its arrival.
type timeMark struct {
	foot  models.Point
	after time.Duration
}

// maxMarks bounds the times beside a path: more could not be read.
const maxMarks = 8

// timeMarks are evenly spaced in time, on a step that people count in.
func timeMarks(e models.Event) []timeMark {
	n := len(e.Path)
	if n < 2 {
		return nil
	}
	end := elapsed(e, e.Path[n-1].At)
	step := stepFor(end, maxMarks)
	if step == 0 {
		return nil
	}
	var out []timeMark
	i := 1
	for after := step; after <= end && len(out) < maxMarks; after += step {
		for i < n-1 && elapsed(e, e.Path[i].At) < after {
			i++
		}
		from, to := elapsed(e, e.Path[i-1].At), elapsed(e, e.Path[i].At)
		if after < from || after > to {
			continue // the path says nothing of this time
		}
		share := float64(after-from) / float64(max(1, to-from))
		a, b := e.Path[i-1].Foot, e.Path[i].Foot
		out = append(out, timeMark{models.Point{X: a.X + (b.X-a.X)*share, Y: a.Y + (b.Y-a.Y)*share}, after})
	}
	return out
}

// elapsed is the time since the event began. It is bounded, so that an instant out of all
// order cannot make a scale without end.
func elapsed(e models.Event, at models.Instant) time.Duration {
	const most = 10_000 * time.Hour
	return max(-most, min(most, at.Since(e.Start)))
}

// stepFor is the least step of 1, 2, 5, 10, 15, 30 s and so on of which no more than n fit
// into a stretch; 0 when none fits.
func stepFor(length time.Duration, n int) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour} {
		for _, k := range []time.Duration{1, 2, 5, 10, 15, 30} {
			if step := k * unit; length/step <= time.Duration(n) {
				if length < step {
					return 0
				}
				return step
			}
		}
	}
	return length / time.Duration(n)
}

// plates are words over the picture, on dark ground, which do not hide each other.
type plates struct {
	picture *image.RGBA
	layer   *layer
	face    *face
	taken   []image.Rectangle
}

const plateHeight = 36

// label puts words above a box, or under it where there is no room.
func (p *plates) label(above, below point, text string) {
	if text == "" {
		return
	}
	w := p.face.width(p.face.fit(text, p.picture.Rect.Dx()/2)) + 20
	for _, at := range []point{{above.x, above.y - plateHeight - 8}, {below.x, below.y + 8}, {above.x + 6, above.y + 6}} {
		if p.put(at, w, text) {
			return
		}
	}
}

// beside puts words next to a place, on a side where there is room, or nowhere.
func (p *plates) beside(c point, text string) {
	w := p.face.width(p.face.fit(text, p.picture.Rect.Dx()/2)) + 20
	for _, at := range []point{
		{c.x + 14, c.y - plateHeight/2}, {c.x - 14 - float64(w), c.y - plateHeight/2},
		{c.x - float64(w)/2, c.y + 14}, {c.x - float64(w)/2, c.y - 14 - plateHeight},
	} {
		if p.put(at, w, text) {
			return
		}
	}
}

// put writes words in a plate whose left upper corner lies at a place, if it lies in the
// picture and meets no other plate.
func (p *plates) put(at point, width int, text string) bool {
	if !(math.Abs(at.x) < 1e5 && math.Abs(at.y) < 1e5) {
		return false
	}
	r := image.Rect(0, 0, width, plateHeight).Add(image.Pt(int(math.Round(at.x)), int(math.Round(at.y))))
	if !r.In(p.picture.Rect) {
		return false
	}
	for _, t := range p.taken {
		if r.Overlaps(t) {
			return false
		}
	}
	p.taken = append(p.taken, r.Inset(-3))
	y := float64(r.Min.Y + plateHeight/2)
	p.layer.line(point{float64(r.Min.X) + 10, y}, point{float64(r.Max.X) - 10, y}, plateHeight-8, 1)
	p.layer.over(p.picture, color.RGBA{6, 8, 11, 184}) // the console's ground for words over footage
	p.layer.text(p.face, r.Min.X+10, r.Min.Y+27, width, text)
	p.layer.over(p.picture, white)
	return true
}
