package rule

import (
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// judge says whether the rule becomes true with this sight of a visitor.
func (w *watcher) judge(e *Engine, v *visit, at models.Instant, t *models.Track, in bool) (models.Event, bool) {
	if v.event != nil || v.done || !in || t.State != models.TrackConfirmed || !w.admits(t) {
		return models.Event{}, false
	}
	switch w.rule.Kind {
	case models.KindLoitering:
		dwell := at.Since(v.start)
		if dwell < w.rule.Dwell {
			return models.Event{}, false
		}
		v.done = true
		return w.begin(e, v, t, v.start, at, []models.Fact{
			{Name: "dwell", Observed: dwell.Seconds(), Threshold: w.rule.Dwell.Seconds(), Unit: "s"},
			{Name: "longest absence", Observed: v.absent.Seconds(), Threshold: w.rule.Grace.Seconds(), Unit: "s"},
		}), true
	case models.KindMotion:
		if v.moving.IsZero() || v.moved.Media != at.Media {
			return models.Event{}, false
		}
		moved := at.Since(v.moving)
		if moved < w.rule.Dwell {
			return models.Event{}, false
		}
		return w.begin(e, v, t, v.moving, at, []models.Fact{
			{Name: "movement", Observed: moved.Seconds(), Threshold: w.rule.Dwell.Seconds(), Unit: "s"},
		}), true
	}
	return models.Event{}, false
}

// admits says whether the rule is about such a track.
func (w *watcher) admits(t *models.Track) bool {
	if len(w.rule.Labels) > 0 && !slices.Contains(w.rule.Labels, t.Label) {
		return false
	}
	return !(t.Score < w.rule.MinScore)
}

// pause ends a motion event whose thing has stood still for the grace; it may move again
// within the same visit and begin another.
func (w *watcher) pause(e *Engine, v *visit, at models.Instant) (models.Event, bool) {
	if w.rule.Kind != models.KindMotion || v.moving.IsZero() || v.moved.IsZero() || at.Since(v.moved) <= w.rule.Grace {
		return models.Event{}, false
	}
	var ev models.Event
	ended := v.event != nil
	if ended {
		ev = w.end(v, v.moved)
	}
	v.event, v.moving, v.moved = nil, models.Instant{}, models.Instant{}
	return ev, ended
}

func (w *watcher) begin(e *Engine, v *visit, t *models.Track, start, alarm models.Instant, why []models.Fact) models.Event {
	if w.rule.MinScore > 0 {
		why = append(why, models.Fact{Name: "score", Observed: t.Score, Threshold: w.rule.MinScore})
	}
	ev := models.Event{
		ID: e.NextID(), Phase: models.PhaseBegan,
		Camera: e.watch.Camera, Zone: w.zone.ID, Rule: w.rule,
		Track: t.ID, Label: t.Label, Score: t.Score,
		Start: start, Alarm: alarm, Box: t.Box,
		Path: v.path.copy(), Why: why,
		Config: e.watch.ConfigHash, Identity: v.identity(),
	}
	v.event = &ev
	return ev
}

// end makes the ended phase of a visit's event.
func (w *watcher) end(v *visit, at models.Instant) models.Event {
	ev := *v.event
	ev.Phase, ev.End = models.PhaseEnded, at
	ev.Path, ev.Identity = v.path.copy(), v.identity()
	ev.Why = append(slices.Clone(ev.Why), models.Fact{Name: "lasted", Observed: at.Since(ev.Start).Seconds(), Unit: "s"})
	v.event = nil
	return ev
}

// until is the last instant at which the rule was true of the visit.
func (v *visit) until(r models.Rule) models.Instant {
	if r.Kind == models.KindMotion && !v.moved.IsZero() {
		return v.moved
	}
	return v.inside
}
