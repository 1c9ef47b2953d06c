package track

import (
	"math"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// life is one track in the making: what the tracker knows beyond models.Track.
type life struct {
	models.Track
	state state

	support time.Duration // media time for which detections supported it
	hits    int
	motion  time.Duration // the part of support in which it moved by the motion detector
	objects int           // hits by the object detector
	votes   []vote
	origin  models.Point  // filtered foot point at the start, aspect units
	start   models.Box    // filtered box at the start
	going   time.Duration // for how long it has been away from there by more than it sways
	length  float64       // of the filtered foot point's path, aspect units
	jerk    float64       // smoothed squared Mahalanobis distance of its detections from predictions
	places  []models.Box  // while tentative: where it has been
	carried time.Duration
	unseen  time.Duration
	seenAt  models.Point // filtered foot point when last seen, aspect units
	seenBox models.Box   // filtered box when last seen
	heading models.Point // filtered velocity of the foot point when last seen, aspect units a second

	named  models.Instant // when the object detector last measured it
	passed int            // looks that have passed it over since then
	sure   models.Instant // when a region showed it that was surely its own
	grip   grip
	walked bool // it has taught the ground

	patch  patch
	traced bool         // found by its picture in this frame
	step   models.Point // by how much it has moved then
	pieces []*life      // what may be one thing with it, see piece.go
	inside []models.Box // to motion alone: the regions of the last frame in one of which it is

	before  bool              // seen in the last frame
	after   models.Appearance // what it looks like since it parted from others
	parted  time.Duration     // for how long it has been seen apart
	meeting bool              // it has met others, and who is who is not settled
	came    models.Point      // its heading before it met them
}

// grip is how the region of motion of a thing lies about its box: the differences of the
// left, top, right and bottom edges, in fractions of the box's width and height.
type grip struct {
	l, t, r, b float64
	known      bool
}

// grasp is the least overlap of a region with what is expected of it for the grip to hold.
const grasp = 0.5

// of learns the grip of a region about a box.
func (g *grip) of(region, box models.Box) {
	n := grip{
		l: (region.X - box.X) / box.W, r: (region.X + region.W - box.X - box.W) / box.W,
		t: (region.Y - box.Y) / box.H, b: (region.Y + region.H - box.Y - box.H) / box.H,
		known: true,
	}
	if g.known {
		// Half: legs change the region from step to step, shadows with the direction.
		const share = 0.5
		n.l, n.r = g.l+share*(n.l-g.l), g.r+share*(n.r-g.r)
		n.t, n.b = g.t+share*(n.t-g.t), g.b+share*(n.b-g.b)
	}
	*g = n
}

// region is what motion should show of a box.
func (g grip) region(box models.Box) models.Box {
	if !g.known {
		return box
	}
	x0, x1 := box.X+g.l*box.W, box.X+box.W+g.r*box.W
	y0, y1 := box.Y+g.t*box.H, box.Y+box.H+g.b*box.H
	return models.Box{X: x0, Y: y0, W: max(x1-x0, 0.1*box.W), H: max(y1-y0, 0.1*box.H)}
}

// box moves a box to where a region of motion says that it is, by the region's centre.
func (g grip) box(region, box models.Box) models.Box {
	want := g.region(box)
	a, b := region.Center(), want.Center()
	box.X += a.X - b.X
	box.Y += a.Y - b.Y
	return box
}

type vote struct {
	label string
	sum   float64
	n     int
}

const (
	// LostFor is how long a confirmed track is predicted while nothing shows it: a person
	// walks past a lamp post in one second and a parked van in two.
	LostFor = 2 * time.Second
	// recallFor is how long after that a track sleeps: it is not predicted any more, but a
	// new one that looks like it can still take its identity.
	recallFor = 4 * time.Second
	// tentativeFor is how long a track that is not yet believed may be unseen.
	tentativeFor = 500 * time.Millisecond
	// believeAfter is the least support of a confirmed track; flicker of leaves and of
	// light is shorter.
	believeAfter = 400 * time.Millisecond
	// believeTravel is how far something that only motion has seen must have come, in the
	// square root of its box's area: what sways stays within its own outline.
	believeTravel = 0.35
	// believeStraight is the least ratio of the distance gained to the path walked. Who
	// goes somewhere gains most of it; what hops to and fro gains its square root.
	believeStraight = 0.5
	// believeJerk bounds how badly predictions may fail: the squared distance of foot points
	// is 2 on average for a body with inertia; what appears now here, now there has 10.
	believeJerk = 8
	// believeGoing is how long it must have been that far away, without coming back.
	believeGoing = 250 * time.Millisecond
	// believeMotion is how long something that an object detector has named must have
	// moved where it stands, for half of the time, when it does not travel: a sign that
	// looks like a person never does.
	believeMotion = time.Second
	// leavingFor is how long what was at the edge of the picture, on its way out, may be
	// unseen: longer than a detector misses it, and nothing else hides it there.
	leavingFor = 700 * time.Millisecond
	// passedFor is how long looks may pass over something that they knew before motion
	// alone no longer shows it: a detector misses a walker for a second, not for three.
	passedFor   = 3 * time.Second
	passedLooks = 4
	// carryFor bounds how long a track is carried in a region that belongs to another
	// one: as long as two people walk together past a third.
	carryFor = 5 * time.Second
)

// edge is how near to the edge of the picture a box is cut off by it.
const edge = 0.015

// maxPlaces bounds the places kept of a tentative track: three seconds at ten frames each.
const maxPlaces = 30

func (l *life) begin(r *region, at models.Instant, id models.TrackID, aspect float64) {
	l.ID, l.State, l.Label = id, models.TrackTentative, models.LabelUnknown
	l.First = at
	l.state = newState(r.Box, aspect, r.sigma)
	l.origin = models.Point{X: l.state.x.x, Y: l.state.y.x}
	l.start = l.state.box()
	l.note(r, at, 0)
}

// expect takes note of how well a detection was predicted; it comes before the update.
func (l *life) expect(r *region) {
	// One outlier, such as a region that another one has joined, must not count for ten.
	d := min(l.state.distance2(r.Box, r.sigma), 20)
	l.jerk += 0.3 * (d - l.jerk)
}

// note records the support of a detection.
func (l *life) note(r *region, at models.Instant, dt time.Duration) {
	since := dt
	if r.By == models.ByObject && l.hits > 0 {
		since = min(at.Since(l.Last), spotGap) // looks come more rarely than frames
	}
	l.Last, l.Seen, l.unseen, l.carried = at, true, 0, 0
	l.hits++
	l.support += since
	if r.By == models.ByMotion || !r.quiet {
		l.motion += since
	}
	if r.sure && (r.By == models.ByObject || l.passed == 0) {
		l.sure = at
	}
	if r.By == models.ByObject {
		l.objects++
		l.named, l.passed = at, 0
		l.LastScore = r.Score
		l.cast(r.Label, r.Score)
	}
	l.see(r, dt)
	l.measure(dt)
}

// measured says that the object detector has measured it.
func (l *life) measured() bool { return l.objects > 0 }

// overlooked says that the object detector has not found what it knew for longer than the
// given time, although it looks.
func (l *life) overlooked(longer time.Duration) bool {
	return l.measured() && l.passed >= passedLooks && l.Last.Since(l.named) > longer
}

// asleep says that the track is lost for too long to be found where it is predicted.
func (l *life) asleep() bool { return l.unseen > LostFor }

// follow moves the track to where a region says that it is.
func (l *life) follow(r *region, regions []region) {
	switch {
	case r.still:
		l.state.halt()
	case r.By == models.ByObject:
		l.state.update(r.Box, r.sigma)
	case !l.measured():
		l.state.update(r.Box, r.sigma)
	case l.traced && l.measured(): // better than a region that others may have joined
	case l.grip.region(l.state.box()).IoU(r.Box) >= grasp:
		l.state.place(l.grip.box(r.Box, l.state.box()), gripSigma)
	default: // it has changed its shape, or something else has joined it
		l.state.place(fit(l.state.box(), r.Box), 2*motionSigma)
	}
	if r.By == models.ByObject && r.blob >= 0 {
		l.grip.of(regions[r.blob].Box, l.state.box())
	}
}

// measure brings the public part up to date with the filter.
func (l *life) measure(dt time.Duration) {
	if l.hits > 1 {
		l.length += math.Hypot(l.state.x.x-l.seenAt.X, l.state.y.x-l.seenAt.Y)
	}
	l.Box = l.state.box()
	if l.State == models.TrackTentative && len(l.places) < maxPlaces {
		l.places = append(l.places, l.Box)
	}
	l.seenAt, l.seenBox = models.Point{X: l.state.x.x, Y: l.state.y.x}, l.Box
	l.heading = models.Point{X: l.state.x.v, Y: l.state.y.v}
	l.Speed = math.Hypot(l.heading.X, l.heading.Y)
	a := l.state.aspect
	dx, dy := l.state.x.x-l.origin.X, l.state.y.x-l.origin.Y
	l.Moved = max(l.Moved, math.Hypot(dx, dy)/math.Hypot(a, 1))
	ex, ey := l.start.Travel(l.Box, border)
	ex *= a
	gained := math.Hypot(ex, ey)
	if gained >= believeTravel*math.Sqrt(l.state.w.x*l.state.h.x) && gained >= believeStraight*l.length {
		l.going += dt
	} else {
		l.going = 0
	}
}

func (l *life) cast(label string, score float64) {
	at := -1
	for i := range l.votes {
		if l.votes[i].label == label {
			at = i
		}
	}
	if at < 0 {
		l.votes = append(l.votes, vote{label: label})
		at = len(l.votes) - 1
	}
	l.votes[at].sum += score
	l.votes[at].n++
	top := 0
	for i := range l.votes {
		if l.votes[i].sum > l.votes[top].sum {
			top = i
		}
	}
	l.Label = l.votes[top].label
	l.Score = l.votes[top].sum / float64(l.votes[top].n)
}

// believable says whether a tentative track has earned its confirmation.
func (l *life) believable() bool {
	if l.support < believeAfter || l.hits < 3 {
		return false
	}
	return l.going >= believeGoing && l.jerk <= believeJerk || l.objects >= 2 && l.motion >= believeMotion && l.motion >= l.support/2 && animate(l.Label)
}

// miss records a frame that did not show the track, and returns why it ends, if it does.
// looked says whether the object detector looked there.
func (l *life) miss(dt time.Duration, looked bool) (reason string) {
	l.Seen = false
	l.unseen += dt
	l.Box = l.state.box()
	if inside := l.Box.Clamp().Area(); inside < 0.3*l.Box.Area() || l.unseen > leavingFor && l.leaving() {
		return "left the picture"
	}
	if l.State == models.TrackTentative {
		if l.unseen > tentativeFor && (looked || !l.measured() || l.unseen > LostFor) {
			return "never confirmed"
		}
		return ""
	}
	l.State = models.TrackLost
	if l.unseen > LostFor+recallFor {
		return "not seen for " + (LostFor + recallFor).String()
	}
	return ""
}

// leaving says whether it was last seen at the edge of the picture and on its way out.
func (l *life) leaving() bool {
	b, v := l.seenBox, l.heading
	return b.X < edge && v.X < 0 || b.X+b.W > 1-edge && v.X > 0 ||
		b.Y < edge && v.Y < 0 || b.Y+b.H > 1-edge && v.Y > 0
}
