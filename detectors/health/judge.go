package health

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// flat is the spread in grey levels below which a picture is of one shade. It is
	// taken over cells, where 15 levels of sensor noise leave a spread of six.
	flat = 8
	// filled is the spread from which there is a picture again.
	filled = 12
	// dark is how far above black, in grey levels, the lightest twentieth of a picture
	// must lie to be more than the dark: with the light off there is a little from a
	// screen or under a door, and what is hidden cannot be told from what is unlit.
	dark = 32
	// lostShare and backShare are the shares of the view's structure from which the view
	// is lost and is back. A lorry that fills half the view leaves half.
	lostShare, backShare = 0.35, 0.5
	// bare is the share of the blocks that have lost their detail from which what hides
	// the view is a hand, cloth or paint, and not another view. What is left must not be
	// sharp, though: with half of the lamps off half the room has no detail either.
	bare = 0.5
	// blurred and focused are shares of the view's sharpness. A blur of two pixels of the
	// fine copy, 0.6 % of the picture's width, takes two thirds of it.
	blurred, focused = 0.35, 0.55
	// layout is the correlation of light and dark from which a picture without edges is
	// the view out of focus.
	layout = 0.8
	// standing is by how many standard deviations the agreement in place stands out from
	// that of shifted pictures when the view is the same in other light.
	standing = 4
	// glimpses is over how many looks it is averaged how much of the view shines through
	// what has no detail: three seconds, for a hand takes one to come.
	glimpses = 6
	// nudge is how many cells of the coarse copy the camera must have turned by, 3 % of
	// the width, to count: zones are then off by a foot or two. And nudged is how much
	// more of the view must be found there than in place.
	nudge, nudged = 2, 0.3
	// crowded is the share of moving picture from which nothing is concluded about the
	// camera having been moved, and from which nothing is learnt.
	crowded = 0.5
	// sudden is how long losing the view may take to be somebody's doing; fog takes longer.
	sudden = 30 * time.Second
	// settled is how long a new view must have been seen, and settledShare how much of it
	// must agree with itself, to be a view and not something that passes by.
	settled      = 2 * time.Second
	settledShare = 0.5
)

// judge says of each kind what the newest look says of it, and learns from the look.
func (d *Detector) judge(at models.Instant, dt time.Duration, busy float64) (s [count]state) {
	l := &d.now
	d.facts, d.aside = comparison{kept: math.NaN(), sharpness: math.NaN()}, shifted{}
	if l.hash != d.hash || d.same.IsZero() {
		d.hash, d.same = l.hash, at
		s[frozen] = refuted
	} else {
		s[frozen] = holds
	}
	if l.spread < flat {
		// Nothing is to be seen: that it stays the same says nothing.
		s[frozen], s[blank] = unknown, holds
		return d.alone(s)
	}
	if l.spread >= filled {
		s[blank] = refuted
	}
	if v := d.choose(at); !v.known() {
		d.gone = models.Instant{}
		if busy < crowded {
			if v.seen >= learning {
				v.reset(l.grey) // there was nothing to learn: a bare wall, a cover, the dark
			}
			v.learn(l, v.match(l, 0, 0), dt, true)
		}
		return s
	}
	switch c := d.facts; {
	case math.IsNaN(c.kept):
	case c.kept >= backShare:
		d.undisturbed(&s, at, dt, busy)
	case l.bright < dark:
	case c.kept >= lostShare:
		d.partly(&s, at, dt, busy)
	default:
		d.absent(&s, at, dt, busy)
	}
	return d.alone(s)
}

// alone lets one trouble with the view stand for all of them: while it goes on no other
// begins.
func (d *Detector) alone(s [count]state) [count]state {
	for i := blank; i < count; i++ {
		if d.trouble[i].event == nil || s[i] == refuted && !(i == blank && s[covered] == holds) {
			continue
		}
		for k := blank; k < count; k++ {
			if k != i && s[k] == holds {
				s[k] = unknown
			}
		}
		if i == blank && s[i] == refuted {
			s[i] = unknown // what covers the view has only become a little uneven
		}
	}
	return s
}

// undisturbed is a look that shows the view.
func (d *Detector) undisturbed(s *[count]state, at models.Instant, dt time.Duration, busy float64) {
	d.lost, d.gone, d.good = models.Instant{}, models.Instant{}, at
	s[covered], s[moved] = refuted, refuted
	c := d.facts
	switch {
	case c.faint:
	case c.sharpness < blurred:
		s[defocused] = holds
	case c.sharpness >= focused:
		s[defocused] = refuted
	}
	if s[defocused] != holds && busy < crowded {
		d.views[0].learn(&d.now, c.agree, dt, s[defocused] == refuted || math.IsNaN(c.sharpness))
	}
}

// partly is a look in which some of the view is where it was: something large stands
// before it, the light has changed much, or the camera has turned a little.
func (d *Detector) partly(s *[count]state, at models.Instant, dt time.Duration, busy float64) {
	d.meet(at, dt)
	x, y, kept := d.views[0].shift(&d.now, d.facts)
	if max(abs(x), abs(y)) >= nudge && kept >= d.facts.kept+nudged {
		if busy < crowded && d.steady() {
			s[covered], s[moved] = refuted, holds
			d.aside = shifted{float64(x) / cols, float64(y) / rows}
		}
		return
	}
	if _, disturbed := d.Disturbed(); busy < crowded && !disturbed {
		d.views[0].learn(&d.now, d.facts.agree, dt, false)
	}
}

// absent is a look that shows next to nothing of the view.
func (d *Detector) absent(s *[count]state, at models.Instant, dt time.Duration, busy float64) {
	d.meet(at, dt)
	c := d.facts
	if d.gone.IsZero() {
		d.gone, d.through = at, c.through
	}
	d.through += (c.through - d.through) / glimpses
	if c.bare >= bare && !(c.sharpness >= focused) {
		t := &d.trouble[covered]
		switch {
		case c.alike >= layout && c.sharpness < blurred:
			s[defocused] = holds
		case d.through >= standing:
			s[covered] = refuted // the light is off, and what is left of it shows the view
		case t.suspected() || at.Since(d.good) <= sudden:
			s[covered] = holds
		}
		return
	}
	if busy >= crowded || !d.steady() {
		return
	}
	s[covered] = refuted
	x, y, _ := d.views[0].shift(&d.now, c)
	if x == 0 && y == 0 && c.clear >= standing {
		s[moved] = refuted
		d.renew(at)
		return
	}
	s[moved] = holds
	d.aside = shifted{float64(x) / cols, float64(y) / rows}
}

// renew makes what is there now, and has settled, a view of its own.
func (d *Detector) renew(at models.Instant) {
	d.use(d.fresh, at)
	d.fresh, d.lost, d.gone = newView(false), models.Instant{}, models.Instant{}
}

// choose compares the look with the view in use and, when it is not that, with the others;
// it makes the one that fits the view in use. Day and infrared have each their own.
func (d *Detector) choose(at models.Instant) *view {
	l := &d.now
	if len(d.views) == 0 {
		d.use(newView(l.grey), at)
		return d.views[0]
	}
	v := d.views[0]
	if v.known() {
		d.facts = v.compare(l)
		if d.facts.kept >= backShare && v.grey == l.grey {
			return v
		}
	}
	for _, o := range d.views[1:] {
		if !o.known() || d.facts.kept >= backShare && o.grey != l.grey {
			continue
		}
		if c := o.compare(l); c.kept >= backShare {
			d.facts = c
			d.use(o, at)
			return o
		}
	}
	if d.facts.kept >= backShare {
		// The same view in the other mode: its edges are known, its sharpness is not.
		o := v.clone()
		o.grey, o.sharp = l.grey, 0
		d.facts.sharpness = math.NaN()
		d.use(o, at)
		return o
	}
	return v
}

// meet learns what is there instead of the view.
func (d *Detector) meet(at models.Instant, dt time.Duration) {
	if d.lost.IsZero() {
		d.lost = at
		d.fresh.reset(d.now.grey)
	}
	if d.fresh.seen >= settled && d.fresh.match(&d.now, 0, 0) < settledShare {
		d.fresh.reset(d.now.grey)
	}
	if d.fresh.seen == 0 {
		d.met = at
	}
	d.fresh.learn(&d.now, d.fresh.match(&d.now, 0, 0), dt, true)
}

// steady says that what is there instead of the view is a view itself.
func (d *Detector) steady() bool {
	return d.fresh.seen >= settled && len(d.fresh.strong) >= max(leastEdges, len(d.views[0].strong)/3) &&
		d.fresh.match(&d.now, 0, 0) >= settledShare
}

// observed is what the first fact of a kind's event is about; not a number when it cannot
// be told.
func (d *Detector) observed(kind int, at models.Instant) float64 {
	switch kind {
	case frozen:
		return at.Since(d.same).Seconds()
	case blank:
		return d.now.spread
	case defocused:
		return 100 * d.facts.sharpness
	}
	return 100 * d.facts.kept
}

// why says what was compared, and how sure it is.
func (d *Detector) why(kind int, at models.Instant) (score float64, why []models.Fact) {
	c := d.facts
	seen := models.Fact{Observed: d.observed(kind, at)}
	switch kind {
	case frozen:
		seen.Name, seen.Unit, seen.Threshold = "unchanged", "s", d.trouble[kind].rule.For.Seconds()
		seen.Note = "every pixel of the picture has the same brightness"
		return 1, []models.Fact{seen}
	case blank:
		seen.Name, seen.Unit, seen.Threshold = "spread", "grey levels", flat
		seen.Note = "between the darkest and the lightest part of the picture"
		return 1 - d.now.spread/flat, []models.Fact{seen}
	case defocused:
		seen.Name, seen.Unit, seen.Threshold = "sharpness", "%", 100*blurred
		seen.Note = "of the undisturbed view; fog, dew or dirt on the lens look the same"
		return 1 - c.sharpness/blurred, []models.Fact{seen,
			{Name: "light and dark in place", Observed: 100 * c.alike, Unit: "%"}}
	}
	seen.Name, seen.Unit, seen.Threshold = "view in place", "%", 100*lostShare
	seen.Note = "edges of the undisturbed view that are where they were, beyond chance"
	score = 1 - c.kept/lostShare
	empty := models.Fact{Name: "without detail", Observed: 100 * c.bare, Threshold: 100 * bare, Unit: "%", Note: "of the parts that had some"}
	if kind == covered {
		return score, []models.Fact{seen, empty}
	}
	if c.kept >= lostShare {
		seen.Threshold, score = 100*backShare, 1-c.kept/backShare
	}
	why = []models.Fact{seen, empty}
	if d.aside != (shifted{}) {
		why = append(why, models.Fact{Name: "view found aside", Observed: 100 * math.Hypot(d.aside.x, d.aside.y),
			Threshold: 100 * float64(nudge) / cols, Unit: "%", Note: d.aside.String()})
	}
	return score, why
}

// String says where the view has gone, and so that the camera has gone the other way.
func (s shifted) String() string {
	var to []string
	for _, w := range []struct {
		by   float64
		word string
	}{{-s.y, "up"}, {s.y, "down"}, {-s.x, "left"}, {s.x, "right"}} {
		if w.by > 0 {
			to = append(to, fmt.Sprintf("%.0f %% %s", 100*w.by, w.word))
		}
	}
	return "of the picture: the view lies " + strings.Join(to, ", ")
}
