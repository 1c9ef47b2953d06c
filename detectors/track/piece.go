package track

import (
	"math"
	"slices"
)

// Motion may see one thing as several regions: a coat of the colour of the wall leaves a head
// and legs, and who was there at the start comes out from under his own picture bit by bit.
// Their tracks go along with one another for as long as the thing is there. People who walk
// together come apart, if only by a step, so two tracks are two things once they were apart.

// apartBy is the least gap between the boxes of two things, in heights of the larger one: the
// arm's length that people keep, while the pieces of one hardly leave a gap.
const apartBy = 0.25

// touch says whether two boxes are so near to one another that they may show one thing.
func touch(a, b *life) bool {
	p, q := a.state, b.state
	dx := math.Abs(p.x.x-q.x.x) - (p.w.x+q.w.x)/2
	dy := max(p.y.x-p.h.x-q.y.x, q.y.x-q.h.x-p.y.x)
	return math.Hypot(max(dx, 0), max(dy, 0)) < apartBy*max(p.h.x, q.h.x)
}

// tellApart drops from the pieces of each track what was now seen apart from it, and what has
// ended.
func (t *Tracker) tellApart() {
	for _, l := range t.live {
		l.pieces = slices.DeleteFunc(l.pieces, func(o *life) bool {
			return o.ID == 0 || o.Reason != "" || l.Seen && o.Seen && !touch(l, o)
		})
	}
}

// pieceOf says whether a track may be one thing with another one of those numbered.
func (t *Tracker) pieceOf(l *life, in []int) bool {
	return slices.ContainsFunc(in, func(i int) bool { return slices.Contains(l.pieces, t.live[i]) })
}
