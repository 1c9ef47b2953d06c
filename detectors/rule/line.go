package rule

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// line: the foot point's path crosses the line in the direction. The path between two
// sights is taken as straight, so that one who is hidden for a moment is not missed, and
// the point where it crosses must lie in the zone. Who goes around an end of the line has
// not crossed it.
//
// Standing on the line raises nothing: one must have been clear of it, by a fifth of his
// height, and get clear of it again on the other side; that is the alarm. The event starts
// at the instant of the crossing and, a crossing being a moment, ends with the alarm. Both
// directions are counted apart: there and back is one crossing to each side.
//
// A crossing waits for up to three seconds for the tracker to believe in the track and for
// the object detector to name it. Outside its schedule and within its cool-down it is let
// pass.
type line struct{ visits }

const (
	// clearOf is how far from the line, in box heights, a foot point is clear of it: twice
	// the sway of the box of one who stands.
	clearOf = 0.2
	// knownWithin is how long after it a crossing may become an alarm: two looks of an
	// object detector that looks at a moving thing at least once a second.
	knownWithin = 3 * time.Second
	// maxPassed bounds the crossings of one track that wait; the oldest goes.
	maxPassed = 4
)

// passage is how a visitor stands to the line.
type passage struct {
	foot     models.Point // at the last sight
	at       models.Instant
	started  bool
	anchored bool    // has been clear of the line
	net      int     // crossings since then: to the left counts up, to the right down
	last     passed  // the newest of them
	from     float64 // how far it was clear before, in box heights
	waiting  []passed
}

// passed is a crossing that is over.
type passed struct {
	at         models.Instant
	dir        models.Direction
	before, by float64 // clear before and after, in box heights
}

func newLine(w *watcher) *line { return &line{visits{grace: max(w.rule.Grace, occlusion)}} }

func (l *line) process(w *watcher, f *frame, out []models.Event) []models.Event {
	l.follow(f, func(v *visit, t *models.Track, _ bool) {
		side := v.passage.step(f, w, t.Box)
		v.curve.add(f.at.Media, models.Sample{At: f.at, Value: side})
		out = l.report(w, f, v, t, out)
	})
	l.lapse(f, func(*visit) {})
	return out
}

func (l *line) flush(_ *watcher, out []models.Event) []models.Event {
	l.open = nil
	return out
}

// step takes the next sight, and returns how far it is from the line, in box heights: to
// the left of it above 0, to the right below.
func (p *passage) step(f *frame, w *watcher, box models.Box) float64 {
	foot := box.Foot()
	if p.started {
		p.pass(f, w, foot)
	}
	p.foot, p.at, p.started = foot, f.at, true
	side := f.beside(w.rule.Line, foot) / box.H
	if math.Abs(side) < clearOf {
		return side
	}
	if p.anchored && p.net != 0 {
		c := p.last
		c.dir, c.before, c.by = models.DirectionToLeft, p.from, math.Abs(side)
		if p.net < 0 {
			c.dir = models.DirectionToRight
		}
		if w.rule.Direction == c.dir || w.rule.Direction == models.DirectionAny || w.rule.Direction == "" {
			if len(p.waiting) == maxPassed {
				p.waiting = slices.Delete(p.waiting, 0, 1)
			}
			p.waiting = append(p.waiting, c)
		}
	}
	p.anchored, p.net, p.from = true, 0, math.Abs(side)
	return side
}

// pass counts the crossings between the last sight and this one.
func (p *passage) pass(f *frame, w *watcher, foot models.Point) {
	for i := 1; i < len(w.rule.Line); i++ {
		a, b := w.rule.Line[i-1], w.rule.Line[i]
		n := crosses(a, b, p.foot, foot)
		if n == 0 {
			continue
		}
		share := along(a, b, p.foot, foot)
		at := models.Point{X: p.foot.X + share*(foot.X-p.foot.X), Y: p.foot.Y + share*(foot.Y-p.foot.Y)}
		if !w.zone.Polygon.Contains(at) {
			continue
		}
		p.net += n
		p.last.at = p.at.Add(time.Duration(share * float64(f.at.Since(p.at))))
	}
}

// report turns the crossings of a visitor that is known by now into events.
func (l *line) report(w *watcher, f *frame, v *visit, t *models.Track, out []models.Event) []models.Event {
	p := &v.passage
	if len(p.waiting) == 0 {
		return out
	}
	p.waiting = slices.DeleteFunc(p.waiting, func(c passed) bool { return f.at.Since(c.at) > knownWithin })
	if t.State != models.TrackConfirmed || !w.admits(v, t) {
		return out
	}
	for _, c := range p.waiting {
		if !w.ready(f.at) {
			continue
		}
		ev := w.alarmBy(v, t, c.at, f.at, []models.Fact{
			{Name: "beyond the line", Observed: c.by, Threshold: clearOf, Unit: "box heights", Note: string(c.dir)},
			{Name: "before the line", Observed: c.before, Threshold: clearOf, Unit: "box heights"},
		})
		if c.dir == models.DirectionToRight { // beyond is above 0
			for i := range ev.Curve {
				ev.Curve[i].Value = -ev.Curve[i].Value
			}
		}
		out = append(out, ev, ended(ev, f.at))
	}
	p.waiting = p.waiting[:0]
	return out
}

// crosses says whether the way from p to q crosses the segment ab: 1 to its left, -1 to
// its right, 0 not. The picture's y points down, so the left of one who walks to the right
// is up. An end that lies exactly on the other's line counts as on its left: a way through
// a corner of a polyline crosses once, and one that only touches a corner does not.
func crosses(a, b, p, q models.Point) int {
	fromLeft, toLeft := left(a, b, p), left(a, b, q)
	if fromLeft == toLeft || left(p, q, a) == left(p, q, b) {
		return 0
	}
	if toLeft {
		return 1
	}
	return -1
}

func left(a, b, p models.Point) bool {
	return (b.X-a.X)*(p.Y-a.Y)-(b.Y-a.Y)*(p.X-a.X) <= 0
}

// along is the share of the way from p to q, which crosses ab, up to the line.
func along(a, b, p, q models.Point) float64 {
	dp := (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X)
	dq := (b.X-a.X)*(q.Y-a.Y) - (b.Y-a.Y)*(q.X-a.X)
	if dp == dq {
		return 0
	}
	return dp / (dp - dq)
}

// beside is the distance of a point from a polyline in picture heights, above 0 to the left
// of its nearest segment.
func (f *frame) beside(polyline []models.Point, p models.Point) float64 {
	best := math.Inf(1)
	for i := 1; i < len(polyline); i++ {
		a, b := polyline[i-1], polyline[i]
		dx, dy := (b.X-a.X)*f.aspect, b.Y-a.Y
		px, py := (p.X-a.X)*f.aspect, p.Y-a.Y
		share := 0.0
		if l2 := dx*dx + dy*dy; l2 > 0 {
			share = min(max((px*dx+py*dy)/l2, 0), 1)
		}
		d := math.Hypot(px-share*dx, py-share*dy)
		if d < math.Abs(best) {
			if best = d; !left(a, b, p) {
				best = -d
			}
		}
	}
	if math.IsInf(best, 0) {
		return 0
	}
	return best
}
