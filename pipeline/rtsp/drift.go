package rtsp

import (
	"cmp"
	"slices"
	"time"
)

const (
	// driftWindow is how far back a camera's clock is compared with ours. The delays of a
	// network make a single comparison wrong by some milliseconds: over ten minutes that is
	// about ten parts per million, less than the crystal of a cheap camera is off (50 to
	// 100).
	driftWindow = 10 * time.Minute
	// driftEvery is the least time between two comparisons that are kept.
	driftEvery = 5 * time.Second
	// driftAfter is how long a camera must have been compared before its drift is known.
	driftAfter = time.Minute
	// driftPoints is how many comparisons make a line.
	driftPoints = 8
	// stepped is how far a comparison may lie from the one before: more than drift and
	// delays explain means that one of the two clocks was set.
	stepped = 500 * time.Millisecond
)

// drift follows how the camera's clock moves against ours, by a straight line through the
// comparisons of the last minutes. The slope is the median of the slopes between all
// pairs (Theil 1950, Sen 1968): comparisons that a busy network delayed do not move it.
type drift struct {
	points []comparison
	slopes []float64 // reused
	ppm    float64
	known  bool
}

// comparison is how far the camera's clock was ahead of ours at a time of ours.
type comparison struct {
	at    time.Time // its monotonic reading counts
	ahead time.Duration
}

// compare takes the next comparison.
func (d *drift) compare(at time.Time, ahead time.Duration) {
	if n := len(d.points); n > 0 {
		last := d.points[n-1]
		if (ahead - last.ahead).Abs() > stepped {
			*d = drift{slopes: d.slopes} // one of the clocks was set: what was before says nothing
		} else if at.Sub(last.at) < driftEvery {
			return
		}
	}
	d.points = append(d.points, comparison{at, ahead})
	old := slices.IndexFunc(d.points, func(p comparison) bool { return at.Sub(p.at) <= driftWindow })
	d.points = slices.Delete(d.points, 0, old)
	if len(d.points) < driftPoints || at.Sub(d.points[0].at) < driftAfter {
		return
	}
	d.ppm, d.known = d.slope(), true
}

// slope is the line's slope in parts per million. Pairs that lie close together say little
// and are left out, which also keeps the work small: at most 120 points.
func (d *drift) slope() float64 {
	d.slopes = d.slopes[:0]
	least := d.points[len(d.points)-1].at.Sub(d.points[0].at) / 4
	for i, a := range d.points {
		for _, b := range d.points[i+1:] {
			if passed := b.at.Sub(a.at); passed >= least {
				d.slopes = append(d.slopes, float64(b.ahead-a.ahead)/float64(passed)*1e6)
			}
		}
	}
	slices.SortFunc(d.slopes, cmp.Compare)
	n := len(d.slopes)
	return (d.slopes[(n-1)/2] + d.slopes[n/2]) / 2
}
