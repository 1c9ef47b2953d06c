package rule

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// visit is one stay of one thing in one zone.
type visit struct {
	tracks  []models.TrackID // the numbers it had, newest last
	start   models.Instant   // arrival in the zone
	inside  models.Instant   // last seen in the zone
	seen    models.Instant   // last seen anywhere
	outside bool             // when last seen, it was outside
	absent  time.Duration    // longest stretch not in the zone
	box     models.Box       // when last seen
	path    path
	recent  []models.PathPoint // of the last second, to tell movement from standing
	moving  models.Instant     // movement: since when; zero when it stands
	moved   models.Instant     // last movement in the zone
	event   *models.Event      // the began phase, once the rule was true
	done    bool               // loitering: has alarmed in this visit
}

func (v *visit) track() models.TrackID {
	if len(v.tracks) == 0 {
		return 0
	}
	return v.tracks[len(v.tracks)-1]
}

func (v *visit) take(id models.TrackID) {
	if v.track() != id {
		v.tracks = append(v.tracks, id)
	}
}

// see records a sight of the thing.
func (v *visit) see(at models.Instant, t *models.Track, in bool, aspect float64) {
	if in {
		if len(v.path.points) > 0 {
			v.absent = max(v.absent, at.Since(v.inside))
		}
		v.inside = at
	}
	v.seen, v.outside, v.box = at, !in, t.Box
	p := models.PathPoint{At: at, Foot: t.Box.Foot(), Box: t.Box, Seen: true}
	v.path.add(p)
	v.recent = append(v.recent, p)
	for len(v.recent) > 1 && at.Since(v.recent[0].At) > window {
		v.recent = v.recent[1:]
	}
	if v.travels(aspect) {
		if v.moving.IsZero() {
			v.moving = v.recent[0].At
			if v.moving.Media < v.start.Media {
				v.moving = v.start
			}
		}
		if in {
			v.moved = at
		}
	}
}

const (
	// window is the time over which movement is told from standing.
	window = time.Second
	// stir is how far, in box heights, something must get within the window: a third of
	// a walk. The box of a person who stands still, and moves the arms, shifts by a tenth.
	stir = 0.25
)

// travels says whether the thing has moved within the window.
func (v *visit) travels(aspect float64) bool {
	now := v.recent[len(v.recent)-1].Box
	for _, p := range v.recent {
		b := p.Box
		dx, dy := b.Travel(now, border)
		dx *= aspect
		if math.Hypot(dx, dy) > stir*now.H {
			return true
		}
	}
	return false
}

// border is how near to the edge of the picture the end of a box says nothing.
const border = 0.02

// Hand-over: a new track is the continuation of a visit whose own track was lost.
const (
	// handOverReach is how far, in box heights, the new track may begin from where the
	// old one was lost, at once; handOverSpeed how much farther a second (a brisk walk).
	handOverReach = 0.75
	handOverSpeed = 1.2
	// handOverSize bounds the ratio of the heights.
	handOverSize = 1.6
)

// handOver finds the open visit that a track, new in this zone, continues.
func (w *watcher) handOver(e *Engine, at models.Instant, t *models.Track, tracks []models.Track) *visit {
	var best *visit
	least := math.Inf(1)
	for _, v := range w.visits {
		// The old track must have been out of sight since before the new one appeared,
		// give or take the moment in which a tracker sees both halves of one thing.
		gap := t.First.Since(v.seen)
		if v.outside || gap < -window || at.Since(v.inside) > max(w.rule.Grace, occlusion) || seen(tracks, v.track()) {
			continue
		}
		if r := t.Box.H / v.box.H; !(r < handOverSize && r > 1/handOverSize) {
			continue
		}
		a, b := t.Box.Foot(), v.box.Foot()
		jump := math.Hypot((a.X-b.X)*e.Aspect, a.Y-b.Y) / v.box.H
		// Measured at this frame, which may be some time after the track's first.
		if jump > handOverReach+handOverSpeed*max(at.Since(v.seen).Seconds(), 0) || jump >= least {
			continue
		}
		best, least = v, jump
	}
	return best
}

func seen(tracks []models.Track, id models.TrackID) bool {
	for i := range tracks {
		if tracks[i].ID == id {
			return tracks[i].Seen && tracks[i].State != models.TrackFinished
		}
	}
	return false
}

// identity names the tracks that a visit was joined from; empty when there was one.
func (v *visit) identity() string {
	if len(v.tracks) < 2 {
		return ""
	}
	ids := make([]string, len(v.tracks))
	for i, id := range v.tracks {
		ids[i] = strconv.FormatInt(int64(id), 10)
	}
	return fmt.Sprintf("tracks %s", strings.Join(ids, "+"))
}

// maxPath bounds the points of a path.
const maxPath = 256

// path keeps at most maxPath points, evenly thinned: when it is full, every other point
// goes and the distance between kept points doubles.
type path struct {
	points []models.PathPoint
	every  time.Duration // least distance of two kept points
}

func (p *path) add(pt models.PathPoint) {
	n := len(p.points)
	// The newest point always stands at the end; it replaces its forerunner while that
	// is too close to the one before.
	if n >= 2 && p.points[n-1].At.Since(p.points[n-2].At) < p.every {
		p.points[n-1] = pt
		return
	}
	if n == maxPath {
		kept := p.points[:0]
		for i := 0; i < n; i += 2 {
			kept = append(kept, p.points[i])
		}
		p.points = kept
		span := kept[len(kept)-1].At.Since(kept[0].At)
		p.every = max(2*p.every, span/time.Duration(len(kept)-1))
	}
	p.points = append(p.points, pt)
}

func (p *path) copy() []models.PathPoint { return append([]models.PathPoint(nil), p.points...) }
