package detectors

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// looks decides when the object detector looks, and where: a look at the whole picture costs
// as much as the decoding of two, so it is spent where it can tell something new. It runs on
// media time.
//
// Every need has an interval, counted from the last look at the same thing, in steps of
// the camera's pace, the time between two looks such as the last ones at its highest rate.
// When one need is due, those that will soon be due share its look.
type looks struct {
	// rate is what looks may cost, in looks at the whole picture a second; 0 has no bound.
	rate float64

	begun   bool
	counted time.Duration  // when the credit was counted
	credit  float64        // what looks may cost now
	cost    float64        // of a look, as the last ones were
	whole   time.Duration  // of the last look at the whole picture
	tracks  []models.Track // of the newest analysed frame, without those that have ended
	moving  []models.Box   // that the newest look was asked for, beside tracks
	known   map[models.TrackID]*glance
	barren  [rows * columns]barren
}

// glance is what is known of the looks at one track.
type glance struct {
	looked  bool
	last    time.Duration // look
	vain    int           // looks in a row that gave it no label
	company int           // tracks that it touches
}

// barren is a place in which things move that have no name: leaves, water, rain.
type barren struct {
	vain  int // looks in a row that found nothing there
	until time.Duration
}

const (
	// burst is how many looks at the whole picture can be saved up: something new comes in
	// while two cross.
	burst = 2
	// costShare is how much of a look's cost counts for the next ones: a look at the whole
	// picture now and then must not slow those that follow.
	costShare = 0.2
	// wholeEvery is the interval of looks at the whole picture. It finds who stands still
	// from the start and what motion does not notice; a hundredth of the time is no cost.
	wholeEvery = 10 * time.Second

	// Intervals, in steps of the pace. Things that move take four fifths of all looks and
	// leave one for what is urgent.
	everyMoving   = 1.25
	everyUnnamed  = 1 // what is new or lost, doubled by each look in vain
	everyStanding = 6 // what stands changes by leaving, and that is motion
	// soon is the share of an interval after which a need joins the look of another one.
	soon = 0.5
	// mostVain bounds the doubling: a place or track that has no name is looked at again
	// after eight steps at the latest.
	mostVain = 3

	// stands is the speed, in the thing's own heights a second, below which it stands:
	// people walk at 0.8 of their height, and sway with a tenth.
	stands = 0.15
	// touches is how much of their size two boxes are widened by before they touch: they
	// meet a moment later.
	touches = 0.1
	// held is the share of a moving region that lies in tracks when it is theirs.
	held = 0.3
	// named is the least score that says what a place holds.
	named = 0.3

	columns, rows = 16, 9
)

// note takes the tracks of the frame that was just analysed.
func (l *looks) note(tracks []models.Track) {
	l.tracks = l.tracks[:0]
	for _, t := range tracks {
		if t.State == models.TrackFinished {
			delete(l.known, t.ID)
			continue
		}
		l.tracks = append(l.tracks, t)
	}
}

// ask returns where to look now; nothing when no look is needed or the rate is used up.
func (l *looks) ask(at time.Duration, moving []models.Detection) []models.Box {
	if !l.begun {
		l.begun, l.counted, l.credit, l.cost, l.whole = true, at, burst, 1, at-wholeEvery
	}
	past := (at - l.counted).Seconds()
	l.credit = min(burst, l.credit+l.rate*past)
	l.counted = at
	l.moving = l.moving[:0]
	if l.rate > 0 && l.credit < 1 {
		return nil
	}
	if at-l.whole >= wholeEvery {
		return []models.Box{{W: 1, H: 1}}
	}
	var regions []models.Box
	due := false
	for i := range l.tracks {
		t := &l.tracks[i]
		g := l.glance(t.ID)
		// Half a frame too early is nearer than a whole one too late.
		interval, waited := l.interval(t, g, at)*l.step(), (at-g.last).Seconds()+past/2
		if waited >= soon*interval {
			regions = append(regions, t.Box)
			due = due || waited >= interval
		}
	}
	for _, d := range moving {
		if l.tracked(d.Box) || at < l.until(d.Box) {
			continue
		}
		l.moving = append(l.moving, d.Box)
		regions = append(regions, d.Box)
		due = true
	}
	switch {
	case !due:
		return nil
	case l.rate <= 0:
		return []models.Box{around(regions)}
	}
	return regions
}

// around is what holds all regions. Where cost has no bound, they are looked at together
// with what lies between them: what nobody asked for is found too, and what was asked for is
// named a little more surely.
func around(regions []models.Box) (all models.Box) {
	for _, r := range regions {
		all = all.Union(r.Clamp())
	}
	return all
}

// step is the time between two looks at the highest rate, in seconds.
func (l *looks) step() float64 {
	if l.rate <= 0 {
		return 0
	}
	return l.cost / l.rate
}

// interval is how many steps lie between two looks at a track; 0 is at once.
func (l *looks) interval(t *models.Track, g *glance, at time.Duration) float64 {
	switch {
	case !g.looked && t.State == models.TrackTentative && at < l.until(t.Box):
		return math.Inf(1) // a leaf among leaves
	case !g.looked || g.company != l.company(t):
		return 0
	case t.Label == models.LabelUnknown:
		return everyUnnamed * math.Exp2(float64(g.vain))
	case t.State != models.TrackConfirmed || !t.Seen:
		return everyUnnamed
	case t.Speed < stands*t.Box.H:
		return everyStanding
	}
	return everyMoving
}

// looked takes note of a look and of what it saw.
func (l *looks) looked(at time.Duration, seen models.Sight) {
	l.credit -= seen.Cost
	l.cost += costShare * (seen.Cost - l.cost)
	if seen.Parts[0].Area() >= 1 {
		l.whole = at
	}
	for i := range l.tracks {
		t := &l.tracks[i]
		if !inside(t.Box, seen.Parts) {
			continue
		}
		g := l.glance(t.ID)
		g.looked, g.last, g.company = true, at, l.company(t)
		if t.Label != models.LabelUnknown || shows(seen.Found, t.Box) {
			g.vain = 0
		} else {
			g.vain = min(g.vain+1, mostVain)
		}
	}
	for _, b := range l.moving {
		if inside(b, seen.Parts) {
			l.sow(b, at, shows(seen.Found, b))
		}
	}
}

// failed takes note of a look that came to nothing.
func (l *looks) failed() { l.credit -= l.cost }

func (l *looks) glance(id models.TrackID) *glance {
	g := l.known[id]
	if g == nil {
		g = &glance{}
		if l.known == nil {
			l.known = make(map[models.TrackID]*glance)
		}
		l.known[id] = g
	}
	return g
}

// company is how many other tracks one touches. When it changes they have met or parted,
// and who is who must be settled.
func (l *looks) company(t *models.Track) (n int) {
	wide := models.Box{X: t.Box.X - touches*t.Box.W, Y: t.Box.Y, W: (1 + 2*touches) * t.Box.W, H: t.Box.H}
	for i := range l.tracks {
		if o := &l.tracks[i]; o.ID != t.ID && o.State == models.TrackConfirmed && !wide.Intersect(o.Box).Empty() {
			n++
		}
	}
	return n
}

// tracked says whether a moving region belongs to a track.
func (l *looks) tracked(b models.Box) bool {
	for i := range l.tracks {
		if l.tracks[i].Box.Intersect(b).Area() >= held*b.Area() {
			return true
		}
	}
	return false
}

// until is when the place in the middle of a box may be looked at again.
func (l *looks) until(b models.Box) time.Duration {
	c := b.Center()
	return l.barren[cellOf(c.Y, rows)*columns+cellOf(c.X, columns)].until
}

// sow takes note that what moved in a box has a name, or none.
func (l *looks) sow(b models.Box, at time.Duration, name bool) {
	for y := cellOf(b.Y, rows); y <= cellOf(b.Y+b.H, rows); y++ {
		for x := cellOf(b.X, columns); x <= cellOf(b.X+b.W, columns); x++ {
			place := &l.barren[y*columns+x]
			if name {
				*place = barren{}
				continue
			}
			place.vain = min(place.vain+1, mostVain)
			place.until = at + time.Duration(math.Exp2(float64(place.vain))*l.step()*float64(time.Second))
		}
	}
}

func cellOf(v float64, n int) int { return max(0, min(int(v*float64(n)), n-1)) }

// inside says whether nearly all of a box lies in one of the parts.
func inside(b models.Box, parts []models.Box) bool {
	b = b.Clamp()
	return !b.Empty() && slices.ContainsFunc(parts, func(p models.Box) bool { return b.Intersect(p).Area() >= 0.9*b.Area() })
}

// shows says whether something with a name lies in a box.
func shows(found []models.Detection, b models.Box) bool {
	for _, d := range found {
		if d.Score >= named && !d.Box.Intersect(b).Empty() {
			return true
		}
	}
	return false
}
