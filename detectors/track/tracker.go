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
	spots   spots
	ground  ground
	named   bool // there is an object detector
	meets   []meet
	real    []models.Box
	cost    []float64
	in      []int
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
	weightLabel    = 0.3
	// limitSure and limitUnsure bound the cost of a pair: a sure region may lie beside
	// the prediction, an unsure one must overlap it.
	limitSure   = 0.85
	limitUnsure = 0.5

	// part is the share of the smaller of two boxes in the other from which they may show
	// the same thing: of somebody who is hidden by more than half, motion knows as much as an
	// unsure detection does.
	part = 0.5
	// rested is the least overlap of something that has stopped with where it was seen last.
	rested = 0.3
	// walks is the least speed of something that walks, in box heights a second.
	walks = 0.2
)

// Update takes the detections of the next frame and returns all tracks, those that have
// just finished included, by rising ID. looked are the parts of the picture that the object
// detector looked at, none when it did not look: what it had measured before is then
// carried on by motion. Time must not run backwards; look may be nil.
func (t *Tracker) Update(at models.Instant, dets []models.Detection, looked []models.Box, look Look) []models.Track {
	dt := time.Duration(0)
	if t.started {
		dt = max(at.Since(t.last), 0)
	} else {
		t.started, t.start = true, at
	}
	t.last = at
	t.real = t.real[:0]
	if t.named = t.named || len(looked) > 0; !t.named {
		dets = t.abreast(dets)
	}
	regions, n := fuse(dets)
	objects, blobs := regions[:n], regions[n:]
	for i := range regions {
		r := &regions[i]
		r.quiet = !r.moving()
		if look != nil {
			r.sig = look.Appearance(r.Box)
			r.still = !look.Changed(r.Box)
			r.quiet = r.still
		}
	}
	for i := range objects {
		objects[i].scene = t.spots.known(&objects[i])
		objects[i].taken = objects[i].scene
	}
	for _, l := range t.live {
		if !l.asleep() {
			size := sizeDensity
			if !l.measured() && l.First == t.start {
				size = unlearntDensity
			}
			l.state.predict(dt.Seconds(), size, !l.Seen)
		}
		l.before = l.Seen
		l.Seen, l.LastScore = false, 0
	}
	if look != nil {
		t.trace(look.Grey(), dt)
	}
	pairs := make([]int, len(t.live)) // region of each track, or how else it is seen
	for i := range pairs {
		pairs[i] = unpaired
	}
	believed := func(l *life) bool { return l.State != models.TrackTentative && !l.asleep() }
	fresh := func(l *life) bool { return l.State == models.TrackTentative }
	object := func(sure bool) func(*region) bool {
		return func(r *region) bool { return r.By == models.ByObject && r.sure == sure }
	}
	blob := func(r *region) bool { return r.By == models.ByMotion && !r.explained }
	t.stage(regions, pairs, limitSure, believed, object(true))
	dismiss(objects)
	t.stage(regions, pairs, limitUnsure, believed, object(false))
	explain(objects, blobs)
	t.stage(regions, pairs, limitSure, believed, blob)
	t.stage(regions, pairs, limitSure, fresh, object(true))
	t.stage(regions, pairs, limitSure, fresh, blob)
	t.gather(regions, pairs)
	t.share(blobs, n, pairs, at, dt)
	t.rest(looked, pairs, look, at, dt)
	t.remember(objects, pairs, at)
	ended := t.conclude(regions, pairs, looked, at, dt)
	t.tellApart()
	t.settle(dt)
	if look != nil {
		t.sketch(look.Grey())
	}
	return t.finish(ended)
}

// abreast parts the regions of motion of people who walk side by side. An object detector
// tells them apart by itself.
func (t *Tracker) abreast(dets []models.Detection) []models.Detection {
	out := make([]models.Detection, 0, len(dets))
	for _, d := range dets {
		n := 1
		if d.By == models.ByMotion && usable(d.Box) {
			if n = t.ground.split(d.Box, t.Aspect); t.holds(d.Box) > n {
				n = 1 // they also stand behind one another
			}
		}
		d.Box.W /= float64(n)
		for range n {
			out = append(out, d)
			d.Box.X += d.Box.W
		}
	}
	return out
}

// holds is how many believed tracks the last frame showed in a region. One that was lost may
// have gone.
func (t *Tracker) holds(b models.Box) (n int) {
	for _, l := range t.live {
		if l.Seen && l.State != models.TrackTentative && l.Box.Intersect(b).Area() >= within*l.Box.Area() {
			n++
		}
	}
	return n
}

// How a track is seen in a frame, beside the number of its region.
const (
	unpaired = -1 - iota
	carried  // within a region of motion that is not its own
	resting  // by nothing having changed where it is
)

// dismiss takes the unsure regions that lie in one that a track has: they show its parts,
// or it with a part of somebody else, and would keep the track of another thing alive.
func dismiss(objects []region) {
	for i := range objects {
		r := &objects[i]
		if r.sure || r.taken {
			continue
		}
		for j := range objects {
			o := &objects[j]
			if o.sure && o.taken && !o.scene && r.Box.Intersect(o.Box).Area() >= part*min(r.Box.Area(), o.Box.Area()) {
				r.taken = true
				break
			}
		}
	}
}

// stage pairs the tracks and regions that are still free and that the two filters admit.
func (t *Tracker) stage(regions []region, pairs []int, limit float64, track func(*life) bool, use func(*region) bool) {
	var rows, cols []int
	for i, l := range t.live {
		if pairs[i] == unpaired && track(l) {
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
			price := math.Inf(1)
			if !t.elsewhere(t.live[i], regions[j].Box) {
				price = t.live[i].price(&regions[j])
			}
			t.cost = append(t.cost, price)
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
	predicted, box := l.state.box(), r.Box
	switch {
	case r.By == models.ByMotion && l.measured():
		if l.overlooked(passedFor) && l.Speed < walks*l.state.h.x {
			return math.Inf(1)
		}
		predicted, box = l.grip.region(predicted), l.grip.box(r.Box, predicted)
	case r.By == models.ByObject && r.quiet && l.State != models.TrackTentative && l.seenBox.IoU(r.Box) < rested:
		// What does not move must stand where the track stood: nothing walks unseen by motion.
		return math.Inf(1)
	}
	d2 := l.state.distance2(box, r.sigma)
	iou := predicted.IoU(r.Box)
	if iou == 0 {
		if d2 > gate {
			return math.Inf(1)
		}
		foot := box.Foot()
		jump := math.Hypot(foot.X*l.state.aspect-l.state.x.x, foot.Y-l.state.y.x) / l.state.h.x
		if jump > reach+reachRate*l.unseen.Seconds() {
			return math.Inf(1)
		}
	}
	if ratio := r.Box.Area() / predicted.Area(); ratio > sizeGate || ratio < 1/sizeGate {
		return math.Inf(1)
	}
	c := weightOverlap*(1-iou) + weightDistance*min(d2/gate, 1) + weightLook*l.Look.Distance(r.sig)
	if r.By == models.ByObject && l.measured() && r.Label != l.Label {
		c += weightLabel
	}
	return c
}

// gather joins the pieces of one thing: a region that nobody has taken and that, together
// with a track's own region, fits the track's prediction better than that region alone.
func (t *Tracker) gather(regions []region, pairs []int) {
	for j := range regions {
		r := &regions[j]
		if r.taken || r.By != models.ByMotion || r.explained {
			continue
		}
		for i, l := range t.live {
			if pairs[i] < 0 || regions[pairs[i]].By != models.ByMotion {
				continue
			}
			own := &regions[pairs[i]]
			predicted, both := l.grip.region(l.state.box()), own.Box.Union(r.Box)
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
// one region to motion, and one hides the other from the object detector. Each keeps its
// size and goes on as predicted, within the region. The blobs are numbered from first.
func (t *Tracker) share(blobs []region, first int, pairs []int, at models.Instant, dt time.Duration) {
	for k := range blobs {
		r := &blobs[k]
		in, owner := t.in[:0], -1
		for i, l := range t.live {
			predicted := l.state.box()
			switch {
			case pairs[i] == first+k:
				owner = i
				in = append(in, i)
			case pairs[i] == unpaired && l.State != models.TrackTentative && l.carried < carryFor && !l.overlooked(LostFor) &&
				l.unseen < LostFor/2 && predicted.Intersect(r.Box).Area() >= within*predicted.Area() &&
				r.Box.Area() > shared*predicted.Area():
				in = append(in, i)
			}
		}
		t.in = in
		if len(in) == 0 || len(in) == 1 && owner == in[0] {
			continue
		}
		for _, i := range in {
			l := t.live[i]
			if l.traced && !l.measured() && !t.pieceOf(l, in) {
				l.state.move(l.step, dt)
			} else {
				if !l.traced && l.carried < carryFor {
					// Half as sure as a region of one's own would be.
					l.state.place(fit(l.state.box(), r.Box), 2*motionSigma)
				}
				l.carried += dt
			}
			if !l.measured() {
				// Who came out of the region would be a region of his own.
				l.state.keep(fit(l.state.box(), r.Box))
			}
			l.Last, l.Seen, l.unseen = at, true, 0
			if !t.named {
				l.isIn(r.Box)
			}
			l.measure(dt)
			pairs[i] = carried
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

// rest keeps what the object detector has measured where it was while it does not look and
// not a pixel changes there.
func (t *Tracker) rest(looked []models.Box, pairs []int, look Look, at models.Instant, dt time.Duration) {
	if look == nil {
		return
	}
	for i, l := range t.live {
		if pairs[i] != unpaired || !l.before || !l.measured() || l.State == models.TrackTentative || covers(looked, l.seenBox) || look.Changed(l.seenBox) {
			continue
		}
		l.state.halt()
		l.Last, l.Seen, l.unseen = at, true, 0
		l.measure(dt)
		pairs[i] = resting
	}
}

// covers says whether the object detector looked at a box.
func covers(looked []models.Box, b models.Box) bool {
	return slices.ContainsFunc(looked, func(p models.Box) bool { return p.Intersect(b).Area() >= 0.5*b.Area() })
}

// remember keeps in mind where objects are that never move.
func (t *Tracker) remember(objects []region, pairs []int, at models.Instant) {
	for j := range objects {
		r := &objects[j]
		mine := slices.IndexFunc(pairs, func(p int) bool { return p == j })
		if r.scene || mine < 0 || t.live[mine].State == models.TrackTentative {
			t.spots.note(r, at)
		}
	}
	t.spots.forget(at)
}

// conclude updates the tracks with their regions, begins new ones, and returns those that end.
func (t *Tracker) conclude(regions []region, pairs []int, looked []models.Box, at models.Instant, dt time.Duration) []*life {
	var ended []*life
	kept := t.live[:0]
	for i, l := range t.live {
		j := pairs[i]
		if (j < 0 || regions[j].By == models.ByMotion) && covers(looked, l.Box) {
			l.passed++
		}
		switch {
		case j >= 0:
			l.expect(&regions[j])
			l.follow(&regions[j], regions)
			l.note(&regions[j], at, dt)
			if !t.named {
				l.isIn(regions[j].Box)
			}
			if r := &regions[j]; !t.named && l.State == models.TrackConfirmed && r.clean && l.Speed > walks*l.state.h.x {
				if t.ground.learn(r.Box, t.Aspect, dt) && !l.walked {
					l.walked = true
					t.ground.walkers++
				}
			}
			if l.State == models.TrackLost {
				l.State = models.TrackConfirmed
			}
			if l.State == models.TrackTentative && l.believable() {
				l.State = models.TrackConfirmed
				t.real = append(t.real, l.places...)
				l.places = nil
				t.recall(l)
			}
		case j == unpaired:
			if !t.named {
				l.hide(regions)
			}
			seen := covers(looked, l.Box)
			l.Reason = l.miss(dt, seen)
			if seen && !l.measured() && occupied(regions, l.Box) >= part {
				l.Reason = "several others"
			}
			if l.Reason != "" {
				ended = append(ended, l)
				continue
			}
		case l.State == models.TrackLost || !t.named:
			// To motion alone the pieces of one thing share a region: what is believed of one is
			// believed of the others. An object detector says by itself what is there.
			l.State = models.TrackConfirmed
		}
		kept = append(kept, l)
	}
	clear(t.live[len(kept):])
	t.live = kept
	for j := range regions {
		if r := &regions[j]; !r.taken && r.sure && !r.explained {
			t.begin(r, at)
		}
	}
	slices.SortFunc(t.live, func(a, b *life) int { return int(a.ID - b.ID) })
	return ended
}

// occupied is the share of a box in which sure objects lie.
func occupied(regions []region, b models.Box) (share float64) {
	for i := range regions {
		if r := &regions[i]; r.By == models.ByObject && r.sure && !r.scene {
			share += r.Box.Intersect(b).Area() / b.Area()
		}
	}
	return share
}

// begin starts a track.
func (t *Tracker) begin(r *region, at models.Instant) {
	l := &life{}
	l.begin(r, at, t.nextID, t.Aspect)
	if t.wasThere(r.Box, at) {
		l.First = t.start
	}
	if r.By == models.ByObject && !r.quiet {
		if first, ok := t.spots.leave(r); ok {
			l.First = t.from(first)
		}
	}
	t.nextID++
	for _, o := range t.live {
		if touch(l, o) {
			l.pieces = append(l.pieces, o)
			o.pieces = append(o.pieces, l)
		}
	}
	t.live = append(t.live, l)
}

// from is when something was first there that was first seen at an instant: what is seen
// in the first moments was there from the start.
func (t *Tracker) from(seen models.Instant) models.Instant {
	if seen.Since(t.start) <= foundWithin {
		return t.start
	}
	return seen
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
		out = append(out, enlarged(l.Box))
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
	t.live, t.meets, t.spots, t.started = nil, nil, spots{}, false
	return out
}
