package score

import (
	"cmp"
	"math"
	"slices"
)

// Box is one thing in one frame: who it is, and its rectangle in any one unit.
type Box struct {
	ID         int
	X, Y, W, H float64 // left, top, width, height
}

// IoU is the intersection over the union of two boxes, 0..1.
func (b Box) IoU(o Box) float64 {
	w := min(b.X+b.W, o.X+o.W) - max(b.X, o.X)
	h := min(b.Y+b.H, o.Y+o.H) - max(b.Y, o.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (b.W*b.H + o.W*o.H - w*h)
}

// enough is the overlap from which two boxes are the same thing, as MOTChallenge has it.
const enough = 0.5

// MOT is how well tracks follow the truth.
type MOT struct {
	Truth    int // boxes of the truth
	Found    int // boxes of the tracks
	Matched  int // pairs of them
	Missed   int // boxes of the truth without a track
	False    int // boxes of tracks without a truth
	Switches int // times that the truth's thing goes on under another track
	IDTrue   int // boxes that agree under the best fixed pairing of identities

	overlap float64 // sum over the matched pairs
}

// Tracks scores tracks against the truth, both by frame: CLEAR MOT (Bernardin and
// Stiefelhagen 2008) and the identity measures (Ristani et al. 2016).
func Tracks(truth, found [][]Box) MOT {
	m := MOT{}
	now, ever := map[int]int{}, map[int]int{} // track of each thing: in the frame before, at any time before
	for t := range max(len(truth), len(found)) {
		things, boxes := frame(truth, t), frame(found, t)
		m.Truth += len(things)
		m.Found += len(boxes)
		pairs := correspond(things, boxes, now)
		now = map[int]int{}
		matched := 0
		for i, j := range pairs {
			if j < 0 {
				continue
			}
			matched++
			m.overlap += things[i].IoU(boxes[j])
			if before, ok := ever[things[i].ID]; ok && before != boxes[j].ID {
				m.Switches++
			}
			now[things[i].ID], ever[things[i].ID] = boxes[j].ID, boxes[j].ID
		}
		m.Matched += matched
		m.Missed += len(things) - matched
		m.False += len(boxes) - matched
	}
	m.IDTrue = identities(truth, found)
	return m
}

// correspond pairs the things of one frame with its tracks. A pair of the frame before
// stays together while it overlaps enough; the others are paired so that as many as can
// be are, and among those ways the one of the greatest overlap.
func correspond(things, boxes []Box, before map[int]int) []int {
	weight := make([][]float64, len(things))
	for i, a := range things {
		weight[i] = make([]float64, len(boxes))
		for j, b := range boxes {
			o := a.IoU(b)
			if o < enough {
				continue
			}
			weight[i][j] = 1000 + o
			if id, ok := before[a.ID]; ok && id == b.ID {
				weight[i][j] += 1e6
			}
		}
	}
	return assign(weight)
}

// identities is the number of boxes that overlap enough under the pairing of the truth's
// things with tracks for which that number is greatest.
func identities(truth, found [][]Box) int {
	rows, cols := number(truth), number(found)
	if len(rows) == 0 || len(cols) == 0 {
		return 0
	}
	weight := make([][]float64, len(rows))
	for i := range weight {
		weight[i] = make([]float64, len(cols))
	}
	for t := range min(len(truth), len(found)) {
		for _, a := range truth[t] {
			for _, b := range found[t] {
				if a.IoU(b) >= enough {
					weight[rows[a.ID]][cols[b.ID]]++
				}
			}
		}
	}
	sum := 0.0
	for i, j := range assign(weight) {
		if j >= 0 {
			sum += weight[i][j]
		}
	}
	return int(math.Round(sum))
}

// number counts identities from 0 in the order of their names.
func number(frames [][]Box) map[int]int {
	var ids []int
	for _, f := range frames {
		for _, b := range f {
			ids = append(ids, b.ID)
		}
	}
	slices.SortFunc(ids, cmp.Compare)
	at := map[int]int{}
	for i, id := range slices.Compact(ids) {
		at[id] = i
	}
	return at
}

func frame(frames [][]Box, t int) []Box {
	if t < len(frames) {
		return frames[t]
	}
	return nil
}

// MOTA is 1 - (missed + false + switches) / truth: 1 at best, negative when the errors
// outnumber the truth.
func (m MOT) MOTA() float64 {
	if m.Truth == 0 {
		return math.NaN()
	}
	return 1 - float64(m.Missed+m.False+m.Switches)/float64(m.Truth)
}

// MOTP is the mean overlap (IoU) of the matched pairs, 0..1.
func (m MOT) MOTP() float64 { return m.overlap / float64(m.Matched) }

// IDF1 is the share of boxes, of truth and tracks together, that have the right identity.
func (m MOT) IDF1() float64 {
	if m.Truth+m.Found == 0 {
		return math.NaN()
	}
	return 2 * float64(m.IDTrue) / float64(m.Truth+m.Found)
}
