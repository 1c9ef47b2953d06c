package snapshot

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Heights of the plots on a card, in pixels.
const (
	curveHeight = 210
	scoreHeight = 110
)

// plot is a curve over the time since the arrival.
type plot struct {
	name      string
	unit      string
	points    []sample
	threshold float64 // 0: none
	top       float64 // least upper end of the scale
	height    int
	dots      bool // single looks, not joined
}

// sample is one value at a time since the arrival.
type sample struct {
	after time.Duration
	value float64
}

// curves shows how the first fact came about, and what the object detector gave.
func (s *panel) curves(e models.Event) {
	var plots []plot
	if p := curveOf(e); len(p.points) > 1 {
		plots = append(plots, p)
	}
	if p := scoresOf(e); len(p.points) > 1 {
		plots = append(plots, p)
	}
	if len(plots) == 0 {
		return
	}
	from, to, alarm := time.Duration(0), time.Duration(0), elapsed(e, e.Alarm)
	for _, p := range plots {
		for _, v := range p.points {
			from, to = min(from, v.after), max(to, v.after)
		}
	}
	to = max(to, alarm)
	if to <= from {
		return
	}
	s.divide()
	axis := axis{left: cardMargin, right: cardWidth - cardMargin, from: from, to: to, alarm: alarm}
	for _, p := range plots {
		s.plot(p, axis)
	}
	s.add(40, func(y int) { s.times(y+30, axis) })
}

func curveOf(e models.Event) plot {
	p := plot{height: curveHeight}
	if len(e.Why) > 0 {
		f := e.Why[0]
		p.name, p.unit, p.threshold = f.Name, f.Unit, f.Threshold
	}
	for _, v := range e.Curve {
		if finite(v.Value) {
			p.points = append(p.points, sample{elapsed(e, v.At), v.Value})
		}
	}
	return p
}

func scoresOf(e models.Event) plot {
	p := plot{name: "score of " + oneOf([]string{e.Label}), threshold: e.Rule.MinScore, top: 1, height: scoreHeight, dots: true}
	for _, v := range e.Path {
		if v.Score > 0 && finite(v.Score) {
			p.points = append(p.points, sample{elapsed(e, v.At), v.Score})
		}
	}
	return p
}

func finite(v float64) bool { return !math.IsNaN(v) && math.Abs(v) < 1e300 }

// axis is the time that all plots of a card share.
type axis struct {
	left, right     int
	from, to, alarm time.Duration
}

func (a axis) x(t time.Duration) float64 {
	share := float64(t-a.from) / float64(a.to-a.from)
	return float64(a.left) + 6 + share*float64(a.right-a.left-12)
}

// plot adds one plot: its name above, its scale on a dark ground, threshold and alarm as
// lines.
func (s *panel) plot(p plot, a axis) {
	s.add(40, func(y int) {
		s.write(s.small, softColour, cardMargin, y+30, textWidth, sentence(strings.ReplaceAll(p.name, "_", " "))+" over time")
	})
	s.add(p.height+10, func(y int) {
		r := image.Rect(a.left, y, a.right, y+p.height)
		draw.Draw(s.canvas, r, image.NewUniform(wellColour), image.Point{}, draw.Src)
		lo, hi := 0., p.top
		for _, v := range p.points {
			lo, hi = min(lo, v.value), max(hi, v.value)
		}
		if finite(p.threshold) {
			lo, hi = min(lo, p.threshold), max(hi, p.threshold)
		}
		if hi <= lo {
			hi = lo + 1
		}
		room := float64(r.Dy()) - 30
		at := func(v sample) point {
			return point{a.x(v.after), float64(r.Max.Y) - 10 - room*(v.value-lo)/(hi-lo)}
		}
		s.line(at(sample{a.alarm, lo}), at(sample{a.alarm, hi}), 4, s.colour)
		if p.threshold != 0 && finite(p.threshold) {
			s.limit(quantity(p.threshold, p.unit), at(sample{a.from, p.threshold}), at(sample{a.to, p.threshold}), r)
		}
		s.trace(p, at, float64(r.Max.Y)-10)
	})
}

func (s *panel) line(a, b point, width float64, c color.RGBA) {
	s.layer.line(a, b, width, 1)
	s.layer.over(s.canvas, c)
}

// limit draws the threshold, with its value below the line, or above it where the plot
// ends.
func (s *panel) limit(value string, a, b point, plot image.Rectangle) {
	s.layer.dashed(a, b, 9, 3, 1)
	s.layer.over(s.canvas, softColour)
	y := int(a.y) + 30
	if y > plot.Max.Y-4 {
		y = int(a.y) - 10
	}
	s.write(s.small, softColour, int(a.x)+8, y, textWidth/3, value)
}

// trace draws the values, joined or as dots.
func (s *panel) trace(p plot, at func(sample) point, ground float64) {
	ink := color.RGBA{0xf3, 0xf5, 0xf8, 255}
	if p.dots {
		for _, v := range p.points {
			s.layer.fill(1, disc(at(v), 4.5))
		}
		s.layer.over(s.canvas, ink)
		return
	}
	area := make([]point, 0, len(p.points)+2)
	for _, v := range p.points {
		area = append(area, at(v))
	}
	area = append(area, point{area[len(area)-1].x, ground}, point{area[0].x, ground})
	s.layer.fill(1, area)
	s.layer.over(s.canvas, color.RGBA{255, 255, 255, 30})
	for i := 1; i < len(p.points); i++ {
		s.layer.line(at(p.points[i-1]), at(p.points[i]), 4, 1)
	}
	last := at(p.points[len(p.points)-1])
	s.layer.fill(1, disc(last, 8))
	s.layer.over(s.canvas, ink)
}

// times labels the axis: the arrival, the alarm, and what fits between.
func (s *panel) times(y int, a axis) {
	alarm := "alarm +" + span(a.alarm)
	width := s.small.width(alarm)
	right := min(int(a.x(a.alarm))+width/2, a.right)
	left := max(right-width, a.left)
	s.write(s.small, s.colour, left, y, textWidth, alarm)
	taken := []image.Rectangle{image.Rect(left-20, 0, left+width+20, 1)}
	step := stepFor(a.to-a.from, 6)
	if step == 0 {
		return
	}
	for t := (a.from / step) * step; t <= a.to; t += step {
		if t < a.from {
			continue
		}
		text := "0 s"
		if t != 0 {
			text = "+" + span(t)
		}
		if t < 0 {
			text = span(t)
		}
		w := s.small.width(text)
		x := max(a.left, min(int(a.x(t))-w/2, a.right-w))
		r := image.Rect(x, 0, x+w, 1)
		free := true
		for _, o := range taken {
			free = free && !r.Overlaps(o)
		}
		if free {
			taken = append(taken, r.Inset(-10))
			s.write(s.small, dimColour, x, y, w+4, text)
		}
	}
}
