package rule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// returning: the same one has come to the zone at least Visits times within Window, the
// newest visit included. Who it is is told by looks: the colours of the clothes, upper and
// lower half apart, and the label. The alarm comes in the newest visit, once the visitor
// has been seen well enough, and Why names each earlier visit with its times and with how
// alike the two were. Later visits alarm again.
//
// Looks are no proof of identity, so the rule asks how likely strangers explain what it
// sees. The more visits it remembers, the more alike they must be: so alike that chance
// would bring as many matches in less than one case in twenty. How often strangers look
// alike here it learns from visitors who were there at the same time; where everybody
// wears the same, and in the grey of infrared light, it asks for more and misses more. Of
// visits that overlapped only one can be his, and a visit from which he was never away is
// none of its own: who is lost from sight in mid-zone and found at that place again within
// a minute goes on with the old one.
//
// It remembers the visits of the window, at most maxRemembered of them, as long as the
// program runs.
type returning struct {
	oneAlarm
	past  []pastVisit // by end
	pairs int         // of visitors who were there at the same time: different people
	alike int         // of those, pairs no farther apart than sameLook
}

// pastVisit is what is remembered of a visit.
type pastVisit struct {
	start, end models.Instant
	label      string
	look       models.Appearance
	alarmed    bool
	hidden     bool       // it ended out of sight, not out of the zone
	box        models.Box // where it was last seen
}

const (
	// sameLook is the greatest distance of looks between two visits of one person. On a
	// campus and in a mall (PETS 2009, CAVIAR) seven in ten sights of one person, seconds
	// and metres apart, are nearer than that, and one in ten pairs of different people.
	sameLook = 0.15
	// strangers is that share of pairs of different people; it holds as much as ten pairs
	// that are seen here. Below sameLook it falls with the third power of the distance
	// (0.12: one in twenty, 0.07: one in a hundred).
	strangers, strangersWeigh = 0.1, 10
	// chance is how probable it may be that strangers explain an alarm.
	chance = 0.05
	// sureAfter and sureLooks say how long a visitor must have been in sight, and how
	// often, before the looks count: the first sights show half a person at a border.
	sureAfter = time.Second
	sureLooks = 4
	// stillThere is how long after a visitor was lost in mid-zone whoever appears at that
	// place has not come, but was there: a man on a bench behind a parked van.
	stillThere = time.Minute
	// maxRemembered bounds the memory; the oldest visit goes first.
	maxRemembered = 512
)

// looks is what a visitor looked like, on average.
type looks struct {
	sum     models.Appearance
	n       int
	asked   time.Duration // time in sight at the last comparison
	counted int           // visits found then, this one included
}

func (l *looks) add(a models.Appearance) {
	if len(a) == 0 {
		return
	}
	if len(l.sum) != len(a) {
		l.sum, l.n = make(models.Appearance, len(a)), 0
	}
	for i, x := range a {
		l.sum[i] += x
	}
	l.n++
}

func (l *looks) mean() models.Appearance {
	m := slices.Clone(l.sum)
	for i := range m {
		m[i] /= float32(l.n)
	}
	return m
}

func (l *looks) sure(v *visit) bool { return l.n >= sureLooks && v.sight >= sureAfter }

func (r *returning) observe(_ *watcher, _ *frame, v *visit, t *models.Track, in bool) float64 {
	if in {
		v.looks.add(t.Look)
	}
	return float64(max(1, v.looks.counted))
}

func (r *returning) due(w *watcher, f *frame, v *visit) (models.Instant, []models.Fact, bool) {
	// Compared at twice the sight each time: the looks get better, and a stranger must not
	// be compared until he fits.
	if !v.looks.sure(v) || v.sight < 2*v.looks.asked {
		return models.Instant{}, nil, false
	}
	v.looks.asked = v.sight
	look := v.looks.mean()
	if at := r.continued(f.aspect, v, look); at >= 0 && r.past[at].alarmed {
		v.done = true
		return models.Instant{}, nil, false
	}
	same, limit := r.sameOnes(w, f.aspect, v, look)
	v.looks.counted = len(same) + 1
	if len(same)+1 < w.rule.Visits || len(same) == 0 {
		return models.Instant{}, nil, false
	}
	why := []models.Fact{{Name: "visits", Observed: float64(len(same) + 1), Threshold: float64(w.rule.Visits),
		Note: fmt.Sprintf("the first %s before this one", v.start.Since(same[0].start).Round(time.Second))}}
	v.curve = series[models.Sample]{limit: maxCurve}
	for i, s := range same {
		why = append(why, models.Fact{Name: "difference of looks", Observed: s.distance, Threshold: limit,
			Note: fmt.Sprintf("visit %d: %s to %s", i+1, s.start.Wall.Format(time.RFC3339), s.end.Wall.Format(time.RFC3339))})
		v.curve.add(s.start.Media, models.Sample{At: s.start, Value: float64(i + 1)})
	}
	v.curve.add(v.start.Media, models.Sample{At: v.start, Value: float64(len(same) + 1)})
	return v.start, why, true
}

type match struct {
	pastVisit
	distance float64
}

// sameOnes finds the earlier visits of a visitor, oldest first, and says how alike they had
// to be. Of visits that overlapped only the most alike can be his.
func (r *returning) sameOnes(w *watcher, aspect float64, v *visit, look models.Appearance) ([]match, float64) {
	own := r.continued(aspect, v, look)
	var found []match
	for i, p := range r.past {
		if i == own || p.label != v.label || v.start.Since(p.start) > w.rule.Window || v.start.Since(p.end) < 0 {
			continue
		}
		found = append(found, match{p, p.look.Distance(look)})
	}
	limit := r.limit(len(found), w.rule.Visits-1)
	found = slices.DeleteFunc(found, func(m match) bool { return m.distance > limit })
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(a.distance, b.distance) })
	var same []match
	for _, m := range found {
		if !slices.ContainsFunc(same, func(o match) bool {
			return m.start.Media <= o.end.Media && o.start.Media <= m.end.Media
		}) {
			same = append(same, m)
		}
	}
	slices.SortFunc(same, func(a, b match) int { return cmp.Compare(a.start.Media, b.start.Media) })
	return same, limit
}

// limit is how far apart looks may be when n visits are compared and k must match: strangers
// match as often as a Poisson process, and k of them must be less probable than chance.
func (r *returning) limit(n, k int) float64 {
	if n == 0 || k < 1 {
		return sameLook
	}
	share := (strangers*strangersWeigh + float64(r.alike)) / float64(strangersWeigh+r.pairs)
	factorial, _ := math.Lgamma(float64(k + 1))
	expected := math.Exp((math.Log(chance) + factorial) / float64(k)) // expected^k / k! = chance
	return sameLook * min(1, math.Cbrt(expected/(share*float64(n))))
}

// continued finds the past visit that this one is the rest of, -1 if there is none.
func (r *returning) continued(aspect float64, v *visit, look models.Appearance) int {
	for i := len(r.past) - 1; i >= 0; i-- {
		p := r.past[i]
		gap := v.start.Since(p.end)
		if !p.hidden || gap < 0 || gap > stillThere || p.look.Distance(look) > sameLook {
			continue
		}
		a, b := v.path.kept[0].Box, p.box
		far := math.Hypot((a.Foot().X-b.Foot().X)*aspect, a.Foot().Y-b.Foot().Y)
		if ratio := a.H / b.H; far <= b.H && ratio < handOverSize && ratio > 1/handOverSize {
			return i
		}
	}
	return -1
}

// close remembers a visit, when the visitor was seen well enough to be known again.
func (r *returning) close(w *watcher, v *visit) {
	if !v.believed || !v.looks.sure(v) {
		return
	}
	// What is older than the window, or lies in the future because media time began anew,
	// can no longer count.
	r.past = slices.DeleteFunc(r.past, func(p pastVisit) bool {
		age := v.inside.Since(p.start)
		return age > w.rule.Window || age < 0
	})
	look := v.looks.mean()
	r.learn(v, look)
	p := pastVisit{start: v.start, end: v.inside, label: v.label, look: look,
		alarmed: v.done, hidden: !v.outside && !nearBorder(v.box), box: v.box}
	if at := r.continued(w.engine.Aspect, v, p.look); at >= 0 {
		p.start, p.alarmed = r.past[at].start, p.alarmed || r.past[at].alarmed
		r.past = slices.Delete(r.past, at, at+1)
	}
	if len(r.past) == maxRemembered {
		r.past = slices.Delete(r.past, 0, 1)
	}
	r.past = append(r.past, p)
}

// learn takes note of how alike different people look here: those who were there together.
func (r *returning) learn(v *visit, look models.Appearance) {
	for _, p := range r.past {
		// More than the moment in which one thing may have two tracks.
		if p.end.Since(v.start) <= occlusion {
			continue
		}
		r.pairs++
		if p.look.Distance(look) <= sameLook {
			r.alike++
		}
		if r.pairs == 1000 { // what was long ago counts for less
			r.pairs, r.alike = r.pairs/2, r.alike/2
		}
	}
}

// nearBorder says whether a box touches the edge of the picture, where things go out.
func nearBorder(b models.Box) bool {
	return b.X < border || b.Y < border || b.X+b.W > 1-border || b.Y+b.H > 1-border
}
