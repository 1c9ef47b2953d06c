package track

import (
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Nobody leaves a region of motion but as a part of it. Whom motion alone loses while others
// have his region is in that region still, or in one of those that it falls into; he comes out
// of them, not out of a region that somebody else brought. Who does come out may be another
// one than the lost: his looks say so.

// isIn takes note of the region that shows it in this frame.
func (l *life) isIn(b models.Box) { l.inside = append(l.inside[:0], b) }

// hide takes note of what has become of the regions in which it was, when none of this frame
// is its own. Without any it may be anywhere.
func (l *life) hide(blobs []region) {
	was := slices.Clone(l.inside)
	l.inside = l.inside[:0]
	for i := range blobs {
		b := blobs[i].Box
		if slices.ContainsFunc(was, func(o models.Box) bool { return b.Intersect(o).Area() >= part*min(b.Area(), o.Area()) }) {
			l.inside = append(l.inside, b)
		}
	}
}

// elsewhere says that a track is hidden in regions of which none has become the one with that
// box. An object detector sees who comes from where by itself.
func (t *Tracker) elsewhere(l *life, b models.Box) bool {
	return !t.named && l.unseen > 0 && len(l.inside) > 0 &&
		!slices.ContainsFunc(l.inside, func(o models.Box) bool { return !o.Intersect(b).Empty() })
}

// stayed is for one who came out of a group and is to have the identity of somebody who was
// lost in it. When he looks more like a member who is still in there, he is that member, and
// the lost one is who stayed under the member's name.
func (t *Tracker) stayed(came, lost *life) {
	var member *life
	least := came.Look.Distance(lost.Look) - exchange
	for o := range t.met(lost) {
		if o == came || o.after != nil || o.Look == nil { // seen apart, it is settled by its own looks
			continue
		}
		if d := came.Look.Distance(o.Look); d < least {
			member, least = o, d
		}
	}
	if member != nil {
		member.swap(lost)
	}
}
