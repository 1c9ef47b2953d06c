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
// Looks are no proof of identity. To keep strangers apart the rule counts no visit of
// someone who looks different, none that went on while another that it counts did (nobody
// is there twice), and none after which the visitor was never away: who is lost from sight
// in mid-zone and found at that place again within a minute is on the same visit. Where
// everybody wears the same, and in the grey of infrared light, it will take one for another.
//
// It remembers the visits of the window, at most maxRemembered of them, as long as the
// program runs.
type returning struct {
	oneAlarm
	past []pastVisit // by end
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
	// sameLook is the greatest distance of looks between two visits of one person. Two
	// sights of one person a moment apart are 0.1 to 0.2 apart, two people in different
	// clothes 0.4 and more; light and posture change from one visit to the next.
	sameLook = 0.3
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
	same := r.sameOnes(f.aspect, v, look, w.rule.Window)
	v.looks.counted = len(same) + 1
	if len(same)+1 < w.rule.Visits || len(same) == 0 {
		return models.Instant{}, nil, false
	}
	why := []models.Fact{{Name: "visits", Observed: float64(len(same) + 1), Threshold: float64(w.rule.Visits),
		Note: fmt.Sprintf("the first %s before this one", v.start.Since(same[0].start).Round(time.Second))}}
	v.curve = series[models.Sample]{limit: maxCurve}
	for i, s := range same {
		why = append(why, models.Fact{Name: "difference of looks", Observed: s.distance, Threshold: sameLook,
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

// sameOnes finds the earlier visits of a visitor, oldest first. Of visits that overlapped
// only the most alike can be his.
func (r *returning) sameOnes(aspect float64, v *visit, look models.Appearance, window time.Duration) []match {
	own := r.continued(aspect, v, look)
	var found []match
	for i, p := range r.past {
		since := v.start.Since(p.start)
		if i == own || p.label != v.label || since > window || v.start.Since(p.end) < 0 {
			continue
		}
		if d := p.look.Distance(look); d <= sameLook {
			found = append(found, match{p, d})
		}
	}
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
	return same
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
	p := pastVisit{start: v.start, end: v.inside, label: v.label, look: v.looks.mean(),
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

// nearBorder says whether a box touches the edge of the picture, where things go out.
func nearBorder(b models.Box) bool {
	return b.X < border || b.Y < border || b.X+b.W > 1-border || b.Y+b.H > 1-border
}
