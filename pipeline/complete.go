package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
)

// around is how many steps from picture to picture on each side of a gap tell the frame
// rate there. Cameras with a dynamic frame rate send one picture a second while nothing
// moves and fifteen when something does, so the rate of the whole clip would say nothing.
const around = 32

// missing estimates how many pictures the gaps took, by the frame rate that the timestamps
// around each of them show: those between the pictures of the parts, and those from asked
// to the first and from the last to until. Only what a gap names is missing: a camera that
// slows down loses nothing. It is 0 when too few pictures are there to tell a rate; known
// is false then.
func missing(parts []string, gaps []models.Gap, asked, until time.Time) (n int, known bool, err error) {
	var walls []int64 // of all pictures, in the order in which they are shown
	for _, path := range parts {
		if err := clip.Moments(path, func(m clip.Moment) { walls = append(walls, m.Wall.UnixNano()) }); err != nil {
			return 0, false, err
		}
	}
	slices.Sort(walls)
	if len(walls) < 3 {
		return 0, false, nil
	}
	r := rhythm{walls: walls, broken: make([]bool, len(walls))}
	spans := stretches(gaps)
	for i := 1; i < len(walls); i++ {
		r.broken[i] = overlaps(spans, walls[i-1], walls[i])
	}
	for i, broken := range r.broken {
		if step := r.step(i); broken && step > 0 {
			n += max(0, rounded(walls[i]-walls[i-1], step)-1)
		}
	}
	first, last := walls[0], walls[len(walls)-1]
	if from := asked.UnixNano(); from < first && overlaps(spans, from, first) {
		n += rounded(first-from, r.step(0))
	}
	if to := until.UnixNano(); last < to && overlaps(spans, last, to) {
		n += max(0, rounded(to-last, r.step(len(walls)))-1)
	}
	return n, r.step(0) > 0, nil
}

// rhythm is when pictures came, and between which of them something is missing.
type rhythm struct {
	walls  []int64 // ns, ascending
	broken []bool  // something is missing between the picture before and this one
}

// step is the usual time between two pictures around the i-th: the median of the nearest
// steps that no gap breaks. 0: there is none.
func (r rhythm) step(i int) int64 {
	var steps []int64
	take := func(j int) {
		if d := r.walls[j] - r.walls[j-1]; !r.broken[j] && d > 0 {
			steps = append(steps, d)
		}
	}
	for j := min(i, len(r.walls)) - 1; j >= 1 && len(steps) < around; j-- {
		take(j)
	}
	before := len(steps)
	for j := max(i, 0) + 1; j < len(r.walls) && len(steps)-before < around; j++ {
		take(j)
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

// rounded is how many steps a stretch is long.
func rounded(length, step int64) int {
	if step <= 0 {
		return 0
	}
	return int((length + step/2) / step)
}

// stretch is a stretch of wall time in ns.
type stretch struct{ from, to int64 }

// stretches are the gaps, one after the other.
func stretches(gaps []models.Gap) []stretch {
	var all []stretch
	for _, g := range gaps {
		if g.From.Before(g.To) {
			all = append(all, stretch{g.From.UnixNano(), g.To.UnixNano()})
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var out []stretch
	for _, s := range all {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// overlaps says whether any stretch has a part in common with from..to.
func overlaps(all []stretch, from, to int64) bool {
	i, _ := slices.BinarySearchFunc(all, from, func(s stretch, at int64) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	return i < len(all) && all[i].from < to
}
