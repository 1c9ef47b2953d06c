package rule

import "github.com/vedette-cctv/vedette/models"

// crowd: more than Count visitors are in the zone at once, for the time For. A visitor
// counts who is seen in the zone, or hidden in it for no longer than the tracker looks for
// him, if the tracker believes in him and the labels, score and size fit. Dips of up to
// the grace do not end it, nor do they begin the time anew.
//
// The event starts when there were first too many, and ends when there were last. While it
// lasts it is one event, however the people change. Its track and path are those of who
// came last, its box holds all who were there at the alarm, and its curve is how many
// there were over time.
type crowd struct {
	visits
	curve series[models.Sample]
	over  bool           // too many, now or within the grace
	since models.Instant // it was first so
	last  models.Instant // it was last so
	event *models.Event
}

func newCrowd(w *watcher) *crowd {
	return &crowd{visits: visits{area: w.zone.Polygon, grace: w.rule.Grace}}
}

func (c *crowd) process(w *watcher, f *frame, out []models.Event) []models.Event {
	c.follow(f, func(v *visit, t *models.Track, in bool) {
		v.counts = in && t.State == models.TrackConfirmed && w.admits(v, t)
	})
	c.lapse(f, func(*visit) {})
	count, newest, box := 0, (*visit)(nil), models.Box{}
	for _, v := range c.open {
		if v.counts && c.present(f, v) {
			count++
			newest, box = v, box.Union(v.box)
		}
	}
	many := count > w.rule.Count
	switch {
	case many && !c.over:
		c.over, c.since, c.last = true, f.at, f.at
		c.curve = series[models.Sample]{limit: maxCurve}
	case many:
		c.last = f.at
	case c.over && f.at.Since(c.last) > w.rule.Grace:
		return c.end(out)
	}
	if !c.over {
		return out
	}
	c.curve.add(f.at.Media, models.Sample{At: f.at, Value: float64(count)})
	if c.event != nil || !many || f.at.Since(c.since) < w.rule.For || !w.ready(f.at) {
		return out
	}
	ev := w.alarmOf(c.since, f.at, newest.label, newest.score, box, []models.Fact{
		{Name: "count", Observed: float64(count), Threshold: float64(w.rule.Count), Note: "alarm above"},
		{Name: "for", Observed: f.at.Since(c.since).Seconds(), Threshold: w.rule.For.Seconds(), Unit: "s"},
	})
	ev.Track, ev.Path, ev.Curve = newest.track(), newest.path.copy(), c.curve.copy()
	c.event = &ev
	return append(out, ev)
}

func (c *crowd) flush(_ *watcher, out []models.Event) []models.Event {
	c.open = nil
	return c.end(out)
}

func (c *crowd) end(out []models.Event) []models.Event {
	c.over = false
	if c.event == nil {
		return out
	}
	ev := ended(*c.event, c.last)
	ev.Curve = c.curve.copy()
	c.event = nil
	return append(out, ev)
}
