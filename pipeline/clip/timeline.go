package clip

// maxReorder is the largest number of pictures that may precede another one in decoding
// order and follow it in presentation: the size of the decoded picture buffer in H.264
// (A.3.1) and H.265 (A.4.1).
const maxReorder = 16

// timeline finds decoding times. A camera sends presentation times only, in decoding
// order. The i-th unit decoded gets the i-th smallest presentation time: decoding times
// then rise, keep the rhythm of the stream, and equal the presentation times when nothing
// is reordered. Composition offsets can be negative (trun and ctts allow it); Faststart
// shifts them away.
//
// Slice headers are not read, so nothing in a damaged or unusual stream can make this
// fail. Recorders that derive decoding times from picture order counts stop with "too
// many reordered frames" after packet loss.
type timeline struct {
	depth   int // units to look ahead: the most reordering seen so far
	recent  [maxReorder]int64
	seen    int
	waiting []int64 // presentation times that no unit decodes at yet, ascending
	last    int64   // the newest decoding time
	begun   bool
}

// push takes the presentation time of the next unit in decoding order.
func (t *timeline) push(pts int64) {
	later := 0
	for _, p := range t.recent[:min(t.seen, maxReorder)] {
		if p > pts {
			later++
		}
	}
	t.depth = max(t.depth, min(later, maxReorder-1))
	t.recent[t.seen%maxReorder] = pts
	t.seen++

	i := len(t.waiting)
	t.waiting = append(t.waiting, pts)
	for ; i > 0 && t.waiting[i-1] > pts; i-- {
		t.waiting[i] = t.waiting[i-1]
	}
	t.waiting[i] = pts
}

// maxLead is how far a unit's decoding time may lie after its presentation time: more
// than any reordering takes. Beyond it a timestamp among the others was wrong.
const maxLead = 2 * timescale

// pop returns the decoding time of the oldest unit that has none yet, whose presentation
// time is pts. It is right when depth units have been pushed after it. When reordering
// begins later, or time runs backwards, it still rises, by a tick.
func (t *timeline) pop(pts int64) int64 {
	dts := t.waiting[0]
	t.waiting = append(t.waiting[:0], t.waiting[1:]...)
	if dts > pts+maxLead {
		dts = pts
	}
	if t.begun && dts <= t.last {
		dts = t.last + 1
	}
	if !t.begun && dts < 0 {
		dts = 0
	}
	t.last, t.begun = dts, true
	return dts
}
