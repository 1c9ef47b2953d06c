package rule

import (
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// watcher is one rule in one zone.
type watcher struct {
	engine  *Engine
	zone    models.Zone
	rule    models.Rule
	kind    kind
	alarm   models.Instant // the last one, for the cool-down
	alarmed bool
}

// kind is how one kind of rule follows the frames. Both methods append their events.
type kind interface {
	process(w *watcher, f *frame, out []models.Event) []models.Event
	// flush ends what is going on; what was learnt of the past stays.
	flush(w *watcher, out []models.Event) []models.Event
}

func newWatcher(e *Engine, z models.Zone, r models.Rule) *watcher {
	w := &watcher{engine: e, zone: z, rule: r}
	switch r.Kind {
	case models.KindMotion:
		w.kind = newStays(w, motion{})
	case models.KindIntrusion:
		w.kind = newStays(w, intrusion{})
	case models.KindLoitering:
		w.kind = newStays(w, loitering{})
	case models.KindReturning:
		w.kind = newStays(w, &returning{})
	case models.KindLine:
		w.kind = newLine(w)
	case models.KindCrowd:
		w.kind = newCrowd(w)
	case models.KindLeftObject, models.KindRemovedObject:
		w.kind = newThings(w)
	default:
		w.kind = nothing{}
	}
	return w
}

// nothing is the kind of a rule that belongs to another room.
type nothing struct{}

func (nothing) process(_ *watcher, _ *frame, out []models.Event) []models.Event { return out }
func (nothing) flush(_ *watcher, out []models.Event) []models.Event             { return out }

func (w *watcher) same(z models.Zone, r models.Rule) bool {
	return w.zone.ID == z.ID && slices.Equal(w.zone.Polygon, z.Polygon) && w.rule.Equal(r)
}

// ready says whether the rule may become true now, by its schedule and its cool-down.
func (w *watcher) ready(at models.Instant) bool {
	// Media time begins anew when a file is played again: an alarm that lies in the future
	// is of another life.
	if since := at.Since(w.alarm); w.alarmed && w.rule.CoolDown > 0 && since >= 0 && since < w.rule.CoolDown {
		return false
	}
	return w.rule.Active(at.Wall)
}

// labelled says whether the rule is about things of that label and score.
func (w *watcher) labelled(label string, score float64) bool {
	if len(w.rule.Labels) > 0 && !slices.Contains(w.rule.Labels, label) {
		return false
	}
	return score >= w.rule.MinScore
}

// admits says whether the rule is about such a visitor.
func (w *watcher) admits(v *visit, t *models.Track) bool {
	return w.labelled(t.Label, t.Score) && (w.rule.MinSize <= 0 || v.size() >= w.rule.MinSize)
}

// alarmOf makes the began phase of an event of the rule. The caller adds where and who.
func (w *watcher) alarmOf(start, alarm models.Instant, label string, score float64, box models.Box, why []models.Fact) models.Event {
	if w.rule.MinScore > 0 || len(w.rule.Labels) > 0 {
		why = append(why, models.Fact{Name: "score", Observed: score, Threshold: w.rule.MinScore, Note: label})
	}
	if w.rule.CoolDown > 0 && w.alarmed && alarm.Media >= w.alarm.Media {
		why = append(why, models.Fact{Name: "since the last alarm", Observed: alarm.Since(w.alarm).Seconds(),
			Threshold: w.rule.CoolDown.Seconds(), Unit: "s"})
	}
	w.alarm, w.alarmed = alarm, true
	return models.Event{
		ID: w.engine.NextID(), Phase: models.PhaseBegan,
		Camera: w.engine.watch.Camera, Zone: w.zone.ID, Rule: w.rule,
		Label: label, Score: score, Start: start, Alarm: alarm, Box: box,
		Why: why, Config: w.engine.watch.ConfigHash,
	}
}

// alarmBy is alarmOf for what a visitor did.
func (w *watcher) alarmBy(v *visit, t *models.Track, start, alarm models.Instant, why []models.Fact) models.Event {
	if w.rule.MinSize > 0 {
		why = append(why, models.Fact{Name: "size", Observed: v.size(), Threshold: w.rule.MinSize, Note: "share of the picture"})
	}
	ev := w.alarmOf(start, alarm, t.Label, t.Score, t.Box, why)
	ev.Track, ev.Path, ev.Curve, ev.Identity = t.ID, v.path.copy(), v.curve.copy(), v.identity()
	return ev
}

// ended makes the ended phase of an event.
func ended(ev models.Event, at models.Instant) models.Event {
	ev.Phase, ev.End = models.PhaseEnded, at
	ev.Why = append(slices.Clone(ev.Why), models.Fact{Name: "lasted", Observed: at.Since(ev.Start).Seconds(), Unit: "s"})
	return ev
}
