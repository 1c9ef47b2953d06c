package rule

import "github.com/vedette-cctv/vedette/models"

// stays is for the kinds that judge one visit at a time.
type stays struct {
	visits
	judge judge
}

// judge is what sets one such kind apart from the others.
type judge interface {
	// observe takes note of a sight of the visitor, and returns what the rule's first
	// fact observes of it.
	observe(w *watcher, f *frame, v *visit, t *models.Track, in bool) float64
	// due says whether the rule is true of a visitor who is in the zone now; since when,
	// and why.
	due(w *watcher, f *frame, v *visit) (start models.Instant, why []models.Fact, ok bool)
	// lapsed says that the rule is no longer true of a visit that goes on, and that it may
	// become true again.
	lapsed(w *watcher, f *frame, v *visit) bool
	// until is the last instant at which the rule was true of the visit.
	until(v *visit) models.Instant
	// close takes note of the end of a visit.
	close(w *watcher, v *visit)
}

// oneAlarm is what most kinds have in common: what became true stays so for the visit.
type oneAlarm struct{}

func (oneAlarm) lapsed(*watcher, *frame, *visit) bool { return false }
func (oneAlarm) until(v *visit) models.Instant        { return v.inside }
func (oneAlarm) close(*watcher, *visit)               {}

func newStays(w *watcher, j judge) *stays {
	return &stays{visits: visits{area: w.zone.Polygon, grace: w.rule.Grace}, judge: j}
}

func (s *stays) process(w *watcher, f *frame, out []models.Event) []models.Event {
	s.follow(f, func(v *visit, t *models.Track, in bool) {
		observed := s.judge.observe(w, f, v, t, in)
		if in {
			v.curve.add(f.at.Media, models.Sample{At: f.at, Value: observed})
		}
		if v.done || !in || t.State != models.TrackConfirmed || !w.admits(v, t) || !w.ready(f.at) {
			return
		}
		if start, why, ok := s.judge.due(w, f, v); ok {
			ev := w.alarmBy(v, t, start, f.at, why)
			v.event, v.done = &ev, true
			out = append(out, ev)
		}
	})
	for _, v := range s.open {
		if s.judge.lapsed(w, f, v) {
			out = s.end(v, out)
			v.done, v.movement = false, movement{}
		}
	}
	s.lapse(f, func(v *visit) { out = s.close(w, v, out) })
	return out
}

func (s *stays) flush(w *watcher, out []models.Event) []models.Event {
	for _, v := range s.open {
		out = s.close(w, v, out)
	}
	s.open = nil
	return out
}

func (s *stays) close(w *watcher, v *visit, out []models.Event) []models.Event {
	s.judge.close(w, v)
	return s.end(v, out)
}

// end ends the event of a visit, if there is one.
func (s *stays) end(v *visit, out []models.Event) []models.Event {
	if v.event == nil {
		return out
	}
	ev := ended(*v.event, s.judge.until(v))
	ev.Path, ev.Curve, ev.Identity = v.path.copy(), v.curve.copy(), v.identity()
	v.event = nil
	return append(out, ev)
}
