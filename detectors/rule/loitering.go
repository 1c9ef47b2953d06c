package rule

import (
	"slices"
	"sort"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// loitering: somebody stays for the dwell, by the clock, not by the frames in which he was
// found. Absences of up to the grace, occlusions and new numbers from the tracker do not
// interrupt it; who was there when the camera started counts from then. Many short visits
// do not add up.
//
// With MaxRadius, the dwell counts from the last instant since when all places where the
// visitor stood fit in one circle of that radius, wherever it lies: it sets apart those
// who stay at a spot from those who walk about a large zone. The event then starts at that
// instant, otherwise with the arrival. It ends with the visit, also when the visitor has
// left the circle before.
type loitering struct{ oneAlarm }

func (loitering) observe(w *watcher, f *frame, v *visit, _ *models.Track, in bool) float64 {
	if w.rule.MaxRadius > 0 && in {
		v.place.add(f, v, w.rule.MaxRadius)
	}
	return f.at.Since(v.settled(w.rule)).Seconds()
}

func (loitering) due(w *watcher, f *frame, v *visit) (models.Instant, []models.Fact, bool) {
	since := v.settled(w.rule)
	dwell := f.at.Since(since)
	if dwell < w.rule.Dwell {
		return models.Instant{}, nil, false
	}
	absence := models.Fact{Name: "longest absence", Observed: v.absent.Seconds(), Threshold: w.rule.Grace.Seconds(), Unit: "s"}
	if v.absent > w.rule.Grace {
		absence.Note = "hidden in the zone, not gone from it"
	}
	why := []models.Fact{{Name: "dwell", Observed: dwell.Seconds(), Threshold: w.rule.Dwell.Seconds(), Unit: "s"}, absence}
	if w.rule.MaxRadius > 0 {
		why = append(why,
			models.Fact{Name: "radius", Observed: v.place.radius(), Threshold: w.rule.MaxRadius, Unit: "picture heights"},
			models.Fact{Name: "in the zone", Observed: f.at.Since(v.start).Seconds(), Unit: "s"})
	}
	return since, why, true
}

// settled is since when the visitor stays.
func (v *visit) settled(r models.Rule) models.Instant {
	if r.MaxRadius > 0 && len(v.place.spots) > 0 && v.place.spots[0].at.Media > v.start.Media {
		return v.place.spots[0].at
	}
	return v.start
}

// place is where a visitor has stood, as far back as it fits in the circle.
type place struct {
	spots []spot // oldest first
	every time.Duration
	bound circle // holds all spots; not larger than allowed, not always the smallest
}

// spot is where a visitor stood, as the median of a second: a foot point that jumps for a
// moment, behind a car or where two people are one region, is no step.
type spot struct {
	at models.Instant
	p  models.Point // x in picture heights too
}

const (
	// spotEvery is how often a place is taken down: a walker makes half a box height.
	spotEvery = 500 * time.Millisecond
	// maxSpots bounds them; beyond, every other goes, and they are taken half as often.
	maxSpots = 256
)

func (l *place) add(f *frame, v *visit, limit float64) {
	if n := len(l.spots); n > 0 && f.at.Since(l.spots[n-1].at) < max(spotEvery, l.every) {
		return
	}
	p := v.standing(f.aspect)
	since := f.at
	if len(l.spots) == 0 {
		since = v.start
	}
	if len(l.spots) == maxSpots {
		k := 0
		for i := 0; i < len(l.spots); i += 2 {
			l.spots[k] = l.spots[i]
			k++
		}
		l.spots = l.spots[:k]
		l.every = 2 * max(spotEvery, l.every)
	}
	l.spots = append(l.spots, spot{since, p})
	if len(l.spots) > 1 && l.bound.contains(p) {
		return
	}
	from, bound := 0, enclose(l.spots)
	if bound.r > limit {
		// The later a stretch begins, the smaller its circle: search for the first that fits.
		from = 1 + sort.Search(len(l.spots)-2, func(i int) bool { return enclose(l.spots[1+i:]).r <= limit })
		bound = enclose(l.spots[from:])
	}
	l.spots, l.bound = slices.Delete(l.spots, 0, from), bound
}

// radius of the smallest circle around the spots.
func (l *place) radius() float64 { return enclose(l.spots).r }

// standing is the median foot point of the last second, in picture heights.
func (v *visit) standing(aspect float64) models.Point {
	var rx, ry [32]float64
	xs, ys := rx[:0], ry[:0]
	for _, p := range v.recent {
		xs, ys = append(xs, p.Foot.X*aspect), append(ys, p.Foot.Y)
	}
	slices.Sort(xs)
	slices.Sort(ys)
	return models.Point{X: xs[len(xs)/2], Y: ys[len(ys)/2]}
}
