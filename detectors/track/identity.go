package track

import (
	"iter"
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// sameLook is the greatest distance of looks between two sights of one person; two
	// people in different clothes are 0.4 and more apart.
	sameLook = 0.3
	// sameSize bounds the ratio of heights.
	sameSize = 1.5
	// seenTwice is how long two tracks may overlap in time that are one thing: the old one
	// is still carried along when the new one begins.
	seenTwice = 500 * time.Millisecond
	// doubtful is how long something that others cover may go without a sure sight before it
	// may be elsewhere: a detector misses a walker for a second, and shows one of two people
	// twice.
	doubtful = time.Second
)

// recall gives a newly confirmed track the identity of one that was lost, or is hidden among
// others, that looks alike and could have come this far in the time.
func (t *Tracker) recall(l *life) {
	var best *life
	least := sameLook
	for _, o := range t.live {
		// What is carried along in the region of others may be the one that comes out of it.
		gap := l.First.Since(o.Last) + o.carried
		hidden := o.State == models.TrackLost || o.carried > 0
		if doubt := l.First.Since(o.sure); !hidden && doubt > doubtful && t.covered(o) {
			gap, hidden = doubt, true
		}
		if o == l || !hidden || t.elsewhere(o, l.Box) || gap < -seenTwice || l.Look == nil || o.Look == nil {
			continue
		}
		if r := l.state.h.x / o.state.h.x; r > sameSize || r < 1/sameSize {
			continue
		}
		jump := math.Hypot(l.origin.X-o.seenAt.X, l.origin.Y-o.seenAt.Y) / l.state.h.x
		if jump > 1+1.2*max(gap.Seconds(), 0) {
			continue
		}
		// The farther the jump, the more alike they must be.
		if d := t.unlike(l, o) + 0.05*jump; d < least {
			best, least = o, d
		}
	}
	if best == nil {
		return
	}
	if !t.named {
		t.stayed(l, best)
	}
	body := l.Look
	l.swap(best)
	l.First, best.ID = best.First, 0 // finish drops the other one
	for i := range t.meets {
		m := &t.meets[i]
		if m.a == best {
			m.a = l
		}
		if m.b == best {
			m.b = l
		}
	}
	l.meeting = best.meeting
	if !l.meeting {
		l.Look = blend(l.Look, body, 0.5)
	}
}

// covered says whether others that are surely seen lie over most of a track.
func (t *Tracker) covered(l *life) bool {
	share := 0.0
	for _, o := range t.live {
		if o != l && o.Seen && o.sure.Media > l.sure.Media && o.State == models.TrackConfirmed {
			share += o.Box.Intersect(l.Box).Area() / l.Box.Area()
		}
	}
	return share >= part
}

// unlike is how different a new track looks from a lost one. Who met others may have been
// taken for one of them: when that one now looks like the lost one, the new track may look
// like that one.
func (t *Tracker) unlike(l, lost *life) float64 {
	d := l.Look.Distance(lost.Look)
	for other := range t.met(lost) {
		if other.after != nil && other.after.Distance(lost.Look)+exchange < other.after.Distance(other.Look) {
			d = min(d, l.Look.Distance(other.Look))
		}
	}
	return d
}

// swap exchanges who two tracks are, not where.
func (l *life) swap(o *life) {
	l.ID, o.ID = o.ID, l.ID
	l.First, o.First = o.First, l.First
	l.Look, o.Look = o.Look, l.Look
	l.Label, o.Label = o.Label, l.Label
	l.Score, o.Score = o.Score, l.Score
	l.votes, o.votes = o.votes, l.votes
	l.came, o.came = o.came, l.came
	moved := max(l.Moved, o.Moved)
	l.Moved, o.Moved = moved, moved
}

// meet is two tracks that came so close that one may have been taken for the other.
type meet struct {
	a, b  *life
	apart time.Duration // since they were last close
	lasts time.Duration // since they first were
}

const (
	// touching is the share of the smaller box under the other one from which two tracks may
	// be mistaken for each other.
	touching = 0.3
	// partedFor is how long both must be seen apart before their looks are compared: some
	// sights from different steps.
	partedFor = 500 * time.Millisecond
	// forgetMeet is when it is too late to compare.
	forgetMeet = LostFor + recallFor
	// exchange is by how much the exchanged identities must look better, as the mean of
	// both; looks of one person vary by a tenth.
	exchange = 0.08
	// decisive is the logarithm of the odds from which headings decide by themselves: 20 to 1.
	decisive = 3.0
)

// see takes in what a region of its own looks like. While it is not settled who is who,
// the look from before stays as it is.
func (l *life) see(r *region, dt time.Duration) {
	if r.sig == nil || l.Look != nil && !r.clean {
		return
	}
	if !l.meeting {
		l.Look = blend(l.Look, r.sig, 0.1)
		return
	}
	l.after = blend(l.after, r.sig, 0.3)
	l.parted += dt
}

// settle notes who meets whom and, when they have parted, who is who.
func (t *Tracker) settle(dt time.Duration) {
	for i := range t.meets {
		t.meets[i].apart += dt
		t.meets[i].lasts += dt
	}
	for i, a := range t.live {
		if a.State == models.TrackTentative || a.asleep() || a.ID == 0 {
			continue
		}
		for _, b := range t.live[:i] {
			if b.State == models.TrackTentative || b.asleep() || b.ID == 0 ||
				a.Box.Intersect(b.Box).Area() < touching*min(a.Box.Area(), b.Box.Area()) {
				continue
			}
			t.meet(a, b)
		}
	}
	t.meets = slices.DeleteFunc(t.meets, func(m meet) bool {
		return !slices.Contains(t.live, m.a) || !slices.Contains(t.live, m.b) || m.apart > forgetMeet
	})
	// In a group one mistake makes all who met its two look mistaken: what explains most is
	// set right first.
	for {
		best, most := -1, 1.0
		for i := range t.meets {
			if m := &t.meets[i]; m.told() {
				if g := m.exchanged(); g > most {
					best, most = i, g
				}
			}
		}
		if best < 0 {
			break
		}
		t.meets[best].a.swap(t.meets[best].b)
		t.meets = slices.Delete(t.meets, best, best+1)
	}
	// Of three who changed places, two pairs tell nothing before the third has parted too.
	open := slices.DeleteFunc(slices.Clone(t.meets), func(m meet) bool { return m.told() })
	t.meets = slices.DeleteFunc(t.meets, func(m meet) bool {
		return m.told() && !slices.ContainsFunc(open, func(o meet) bool { return o.has(m.a) || o.has(m.b) })
	})
	for _, l := range t.live {
		l.settled(slices.ContainsFunc(t.meets, func(m meet) bool { return m.has(l) }))
	}
	slices.SortFunc(t.live, func(a, b *life) int { return int(a.ID - b.ID) })
}

// meet notes that two tracks are close to each other.
func (t *Tracker) meet(a, b *life) {
	for _, l := range []*life{a, b} {
		if !l.meeting {
			l.came, l.meeting = l.heading, true
		}
		l.after, l.parted = nil, 0
	}
	for i := range t.meets {
		if m := &t.meets[i]; m.a == a && m.b == b || m.a == b && m.b == a {
			m.apart = 0
			return
		}
	}
	t.meets = append(t.meets, meet{a: a, b: b})
}

// has says whether a track is one of the two.
func (m *meet) has(l *life) bool { return m.a == l || m.b == l }

// told says whether both have been seen apart for long enough to tell who is who.
func (m *meet) told() bool {
	return m.a.parted >= partedFor && m.b.parted >= partedFor && m.a.Look != nil && m.b.Look != nil
}

// exchanged is how strongly looks and headings say that each of the two is the other one; from
// 1 on they are.
func (m *meet) exchanged() float64 {
	keep := m.a.Look.Distance(m.a.after) + m.b.Look.Distance(m.b.after)
	swap := m.a.Look.Distance(m.b.after) + m.b.Look.Distance(m.a.after)
	return (keep-swap)/(2*exchange) + m.crossed()/decisive
}

// crossed is the logarithm of the odds that each of two who met goes on as the other one came,
// rather than as it came itself: on average a body keeps its velocity. The longer it could not
// be told from the other one, the less its heading from before says.
func (m *meet) crossed() float64 {
	a, b := m.a, m.b
	mixed := (m.lasts - min(a.parted, b.parted)).Seconds()
	// Both the headings from before and those of now are estimates.
	spread := accelDensity*mixed*a.state.h.x*b.state.h.x + a.state.x.pvv + b.state.x.pvv
	misfit := func(came models.Point, l *life) float64 {
		x, y := l.heading.X-came.X, l.heading.Y-came.Y
		return (x*x + y*y) / (2 * spread)
	}
	return misfit(a.came, a) + misfit(b.came, b) - misfit(b.came, a) - misfit(a.came, b)
}

// met are those whom a track was close to, as long as that is remembered.
func (t *Tracker) met(l *life) iter.Seq[*life] {
	return func(yield func(*life) bool) {
		for _, m := range t.meets {
			if m.b == l && !yield(m.a) || m.a == l && !yield(m.b) {
				return
			}
		}
	}
}

// settled takes in whether who it is is still open.
func (l *life) settled(open bool) {
	if l.meeting && !open {
		if l.after != nil {
			l.Look = blend(l.Look, l.after, 0.3)
		}
		l.after, l.parted = nil, 0
	}
	l.meeting = open
}
