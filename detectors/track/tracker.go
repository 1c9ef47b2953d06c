package track

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Tracker follows the things in the frames of one camera. It is not safe for concurrent use.
type Tracker struct {
	// Aspect is the width of the picture over its height. Set before the first Update.
	Aspect float64

	live    []*life // by rising ID
	nextID  models.TrackID
	start   models.Instant // of the first frame
	last    models.Instant
	started bool
	real    []models.Box
	cost    []float64
}

// New returns a tracker without tracks.
func New(aspect float64) *Tracker { return &Tracker{Aspect: aspect, nextID: 1} }

// Costs of joining a track with a region; each part lies in 0..1.
const (
	// gate is the 99.9th percentile of chi-square with two degrees of freedom.
	gate = 13.8
	// reach and reachRate bound a jump beside the statistics: half a body height at
	// once, and a fast runner's three body heights a second.
	reach     = 0.5
	reachRate = 3.0
	// sizeGate: between two frames a thing does not become 2.5 times as large.
	sizeGate = 2.5

	weightOverlap  = 0.5
	weightDistance = 0.2
	weightLook     = 0.3
	// limitSure and limitUnsure bound the cost of a pair: a sure region may lie beside
	// the prediction, an unsure one must overlap it.
	limitSure   = 0.85
	limitUnsure = 0.5
)

// Update takes the detections of the next frame and returns all tracks, those that have
// just finished included, by rising ID. looked is the part of the picture that the object
// detector looked at, empty when it did not look. Time must not run backwards; look may be
// nil.
func (t *Tracker) Update(at models.Instant, dets []models.Detection, looked models.Box, look Look) []models.Track {
	dt := time.Duration(0)
	if t.started {
		dt = max(at.Since(t.last), 0)
	} else {
		t.started, t.start = true, at
	}
	t.last = at
	t.real = t.real[:0]
	regions := fuse(dets)
	if look != nil {
		for i := range regions {
			regions[i].sig = look.Appearance(regions[i].Box)
			regions[i].still = !look.Changed(regions[i].Box)
		}
	}
	for _, l := range t.live {
		if !l.asleep() {
			l.state.predict(dt.Seconds(), !l.Seen)
		}
		l.Seen = false
	}
	pairs := make([]int, len(t.live)) // region of each track
	for i := range pairs {
		pairs[i] = -1
	}
	believed := func(l *life) bool { return l.State != models.TrackTentative && !l.asleep() }
	fresh := func(l *life) bool { return l.State == models.TrackTentative }
	t.stage(regions, pairs, limitSure, believed, func(r *region) bool { return r.sure })
	t.stage(regions, pairs, limitUnsure, believed, func(r *region) bool { return !r.sure })
	t.stage(regions, pairs, limitSure, fresh, func(r *region) bool { return r.sure })
	t.gather(regions, pairs)
	t.share(regions, pairs, at, dt)
	return t.finish(t.conclude(regions, pairs, at, dt))
}

// stage pairs the tracks and regions that are still free and that the two filters admit.
func (t *Tracker) stage(regions []region, pairs []int, limit float64, track func(*life) bool, use func(*region) bool) {
	var rows, cols []int
	for i, l := range t.live {
		if pairs[i] < 0 && track(l) {
			rows = append(rows, i)
		}
	}
	for j := range regions {
		if !regions[j].taken && use(&regions[j]) {
			cols = append(cols, j)
		}
	}
	if len(rows) == 0 || len(cols) == 0 {
		return
	}
	t.cost = t.cost[:0]
	for _, i := range rows {
		for _, j := range cols {
			t.cost = append(t.cost, t.live[i].price(&regions[j]))
		}
	}
	for k, c := range assign(t.cost, len(rows), len(cols), limit) {
		if c >= 0 {
			pairs[rows[k]] = cols[c]
			regions[cols[c]].taken = true
		}
	}
}

// price is the cost of joining the track with a region, infinite when it cannot be.
func (l *life) price(r *region) float64 {
	predicted := l.state.box()
	d2 := l.state.distance2(r.Box, r.sigma)
	iou := predicted.IoU(r.Box)
	if iou == 0 {
		if d2 > gate {
			return math.Inf(1)
		}
		foot := r.Box.Foot()
		jump := math.Hypot(foot.X*l.state.aspect-l.state.x.x, foot.Y-l.state.y.x) / l.state.h.x
		if jump > reach+reachRate*l.unseen.Seconds() {
			return math.Inf(1)
		}
	}
	if ratio := r.Box.Area() / predicted.Area(); ratio > sizeGate || ratio < 1/sizeGate {
		return math.Inf(1)
	}
	return weightOverlap*(1-iou) + weightDistance*min(d2/gate, 1) + weightLook*l.sig.Distance(r.sig)
}

// gather joins the pieces of one thing: a region that nobody has taken and that, together
// with a track's own region, fits the track's prediction better than that region alone.
func (t *Tracker) gather(regions []region, pairs []int) {
	for j := range regions {
		r := &regions[j]
		if r.taken || r.By != models.ByMotion {
			continue
		}
		for i, l := range t.live {
			if pairs[i] < 0 || regions[pairs[i]].By != models.ByMotion {
				continue
			}
			own := &regions[pairs[i]]
			predicted, both := l.state.box(), own.Box.Union(r.Box)
			if both.IoU(predicted) > own.Box.IoU(predicted)+0.05 {
				own.Box, r.taken = both, true
				break
			}
		}
	}
}

const (
	// within is the share of a track's predicted box that must lie in a region for the
	// track to be in it.
	within = 0.6
	// shared is how much larger than a track a region must be to hold another one too.
	shared = 1.4
)

// share handles regions that hold several believed tracks: people who pass each other are
// one region to motion. Each keeps its size and goes on as predicted, within the region.
func (t *Tracker) share(regions []region, pairs []int, at models.Instant, dt time.Duration) {
	for j := range regions {
		r := &regions[j]
		if r.By != models.ByMotion {
			continue
		}
		var in []int
		owner := -1
		for i, l := range t.live {
			predicted := l.state.box()
			switch {
			case pairs[i] == j:
				owner = i
				in = append(in, i)
			case pairs[i] < 0 && l.State != models.TrackTentative && l.carried < carryFor &&
				l.unseen < LostFor/2 && predicted.Intersect(r.Box).Area() >= within*predicted.Area() &&
				r.Box.Area() > shared*predicted.Area():
				in = append(in, i)
			}
		}
		if len(in) == 0 || (len(in) == 1 && owner == in[0]) {
			continue
		}
		for _, i := range in {
			l := t.live[i]
			fit := fit(l.state.box(), r.Box)
			if l.carried < carryFor {
				// Half as sure as a region of one's own would be.
				l.state.update(fit, 2*motionSigma)
			}
			l.Last, l.Seen, l.unseen = at, true, 0
			l.carried += dt
			l.measure(dt)
			pairs[i] = -2
		}
		r.taken = true
	}
}

// fit moves box into bounds as far as it fits.
func fit(b, bounds models.Box) models.Box {
	b.X = max(min(b.X, bounds.X+bounds.W-b.W), min(bounds.X, bounds.X+bounds.W-b.W))
	b.Y = max(min(b.Y, bounds.Y+bounds.H-b.H), min(bounds.Y, bounds.Y+bounds.H-b.H))
	return b
}

// conclude updates the tracks with their regions, begins new ones, and returns those that end.
func (t *Tracker) conclude(regions []region, pairs []int, at models.Instant, dt time.Duration) []*life {
	var ended []*life
	kept := t.live[:0]
	for i, l := range t.live {
		switch j := pairs[i]; {
		case j >= 0:
			l.expect(&regions[j])
			if regions[j].still {
				l.state.halt()
			} else {
				l.state.update(regions[j].Box, regions[j].sigma)
			}
			l.note(&regions[j], at, dt)
			if l.State == models.TrackLost {
				l.State = models.TrackConfirmed
			}
			if l.State == models.TrackTentative && l.believable() {
				l.State = models.TrackConfirmed
				t.real = append(t.real, l.places...)
				l.places = nil
				t.recall(l)
			}
		case j == -1:
			if l.Reason = l.miss(dt); l.Reason != "" {
				ended = append(ended, l)
				continue
			}
		default: // shared a region
			l.State = models.TrackConfirmed
		}
		kept = append(kept, l)
	}
	clear(t.live[len(kept):])
	t.live = kept
	for j := range regions {
		if r := &regions[j]; !r.taken && r.sure {
			l := &life{}
			l.begin(r, at, t.nextID, t.Aspect)
			if t.wasThere(r.Box, at) {
				l.First = t.start
			}
			t.nextID++
			t.live = append(t.live, l)
		}
	}
	slices.SortFunc(t.live, func(a, b *life) int { return int(a.ID - b.ID) })
	return ended
}

const (
	// foundWithin is how long after the first frame something can still be found that was
	// there from the start: a second in which the background is learnt, and as long again
	// in which it has to move.
	foundWithin = 2 * time.Second
	// border is how near to the edge of the picture things come in.
	border = 0.03
)

// wasThere says whether something that is seen for the first time must have been there
// when the camera started: nothing appears in the middle of a picture.
func (t *Tracker) wasThere(b models.Box, at models.Instant) bool {
	return at.Since(t.start) <= foundWithin &&
		b.X > border && b.Y > border && b.X+b.W < 1-border && b.Y+b.H < 1-border
}

const (
	// sameLook is the greatest distance of looks between two sights of one person; two
	// people in different clothes are 0.4 and more apart.
	sameLook = 0.3
	// sameSize bounds the ratio of heights.
	sameSize = 1.5
)

// recall gives a newly confirmed track the identity of a lost one that looks alike and
// could have come this far in the time.
func (t *Tracker) recall(l *life) {
	var best *life
	least := sameLook
	for _, o := range t.live {
		gap := l.First.Since(o.Last)
		if o == l || o.State != models.TrackLost || gap < 0 || l.sig == nil || o.sig == nil {
			continue
		}
		if r := l.state.h.x / o.state.h.x; r > sameSize || r < 1/sameSize {
			continue
		}
		jump := math.Hypot(l.origin.X-o.seenAt.X, l.origin.Y-o.seenAt.Y) / l.state.h.x
		if jump > 1+1.2*gap.Seconds() {
			continue
		}
		// The farther the jump, the more alike they must be.
		if d := l.sig.Distance(o.sig) + 0.05*jump; d < least {
			best, least = o, d
		}
	}
	if best == nil {
		return
	}
	l.ID, l.First = best.ID, best.First
	l.Moved = max(l.Moved, best.Moved)
	if len(best.votes) > 0 {
		l.votes, l.Label, l.Score = best.votes, best.Label, best.Score
	}
	best.ID = 0 // finish drops it
}

// finish returns the public tracks of this frame, by rising ID.
func (t *Tracker) finish(ended []*life) []models.Track {
	t.live = slices.DeleteFunc(t.live, func(l *life) bool { return l.ID == 0 })
	out := make([]models.Track, 0, len(t.live)+len(ended))
	for _, l := range t.live {
		out = append(out, l.Track)
	}
	for _, l := range ended {
		if l.ID != 0 {
			l.State = models.TrackFinished
			out = append(out, l.Track)
		}
	}
	slices.SortFunc(out, func(a, b models.Track) int { return int(a.ID - b.ID) })
	return out
}

// Protect returns the boxes of believed tracks, a little enlarged: the background must not
// learn them away while they stand.
func (t *Tracker) Protect() []models.Box {
	var out []models.Box
	for _, l := range t.live {
		if l.State == models.TrackTentative || l.asleep() {
			continue
		}
		b := l.Box
		out = append(out, models.Box{X: b.X - b.W*0.1, Y: b.Y - b.H*0.1, W: b.W * 1.2, H: b.H * 1.2}.Clamp())
	}
	return out
}

// Real returns the places of tracks that were confirmed with the last frame, from before
// they were: what moved there was a thing.
func (t *Tracker) Real() []models.Box { return t.real }

// Flush ends all tracks for the given reason and returns them.
func (t *Tracker) Flush(reason string) []models.Track {
	out := make([]models.Track, 0, len(t.live))
	for _, l := range t.live {
		l.State, l.Reason, l.Seen = models.TrackFinished, reason, false
		out = append(out, l.Track)
	}
	t.live, t.started = nil, false
	return out
}
