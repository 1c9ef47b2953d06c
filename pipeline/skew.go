package pipeline

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// backWithin is the share of the limit within which a camera's clock must be to count as
	// right again: one that drifts about the limit has one incident, not a hundred.
	backWithin = 0.8
	// backFor is how long it must be: two sender reports of a camera that sends one each
	// five seconds, the least interval that RFC 3550 recommends.
	backFor = 10 * time.Second
)

// skew follows whether a camera's clock is too far from ours. Its own times are those of
// our monotonic clock.
type skew struct {
	off  time.Time // since when it is too far off; zero: it is not
	back time.Time // since when it is near enough; zero: it is not
}

// notice takes how far the clock is off, and says for how long it has been off or right.
func (k *skew) notice(now time.Time, offset, limit time.Duration) (off, back time.Duration) {
	if offset.Abs() <= limit {
		k.off = time.Time{}
	} else if k.off.IsZero() {
		k.off = now
	}
	if float64(offset.Abs()) > backWithin*float64(limit) {
		k.back = time.Time{}
	} else if k.back.IsZero() {
		k.back = now
	}
	if !k.off.IsZero() {
		off = now.Sub(k.off)
	}
	if !k.back.IsZero() {
		back = now.Sub(k.back)
	}
	return off, back
}

// compare opens and ends the incident of a clock that is off. It is called each second.
// While the camera is away, or sends no reports, nothing is known and nothing changes.
func (s *Stream) compare(now time.Time) {
	rules := s.settings.Load().Health.Rules()
	at := slices.IndexFunc(rules, func(r models.Rule) bool { return r.Kind == models.KindClock })
	if at < 0 {
		if s.skewed {
			s.skewed = !s.lane.Do(func() { s.right(now, 0, "no longer looked for") })
		}
		return
	}
	stats := s.main.Stats()
	s.mu.Lock()
	connected := s.state.Connection == models.Connected
	s.mu.Unlock()
	if !connected || !stats.OffsetKnown {
		return
	}
	rule := rules[at]
	off, back := s.skew.notice(now, stats.Offset, rule.MaxOffset)
	switch {
	case !s.skewed && !s.skew.off.IsZero() && off >= rule.For:
		s.skewed = s.lane.Do(func() { s.wrong(now, rule, stats, off) })
	case s.skewed && back >= backFor:
		s.skewed = !s.lane.Do(func() { s.right(now, stats.Offset, "the camera's clock is right again") })
	}
}

// wrong begins the event of a clock that has been off for so long. It runs in the lane.
func (s *Stream) wrong(now time.Time, rule models.Rule, stats SourceStats, lasted time.Duration) {
	at := s.last
	if at.IsZero() {
		at = s.started
	}
	why := []models.Fact{
		{Name: "offset", Observed: stats.Offset.Abs().Seconds(), Threshold: rule.MaxOffset.Seconds(), Unit: "s", Note: aside(stats.Offset)},
		{Name: "lasted", Observed: lasted.Seconds(), Threshold: rule.For.Seconds(), Unit: "s"},
	}
	if stats.Drift != 0 {
		why = append(why, models.Fact{Name: "drift", Observed: stats.Drift, Unit: "ppm"})
	}
	s.wrongSince = now
	s.wrongClock = &models.Event{
		ID: s.chain.NextID(), Phase: models.PhaseBegan, Camera: s.Camera.ID, Rule: rule, Score: 1,
		Start: at, Alarm: at, Why: why, Config: s.hash,
	}
	var f models.Frame
	if latest := s.latest.Load(); latest != nil {
		f = *latest
	}
	s.take(s.correlator.Handle(*s.wrongClock), f)
	s.tell()
}

// aside says which of two clocks is ahead.
func aside(offset time.Duration) string {
	if offset < 0 {
		return "the camera's clock is behind ours"
	}
	return "the camera's clock is ahead of ours"
}

// right ends that event. It runs in the lane, whose pictures can be behind: how long it
// lasted is by our monotonic clock.
func (s *Stream) right(now time.Time, offset time.Duration, reason string) {
	if s.wrongClock == nil {
		return
	}
	e := *s.wrongClock
	s.wrongClock = nil
	e.Phase, e.End = models.PhaseEnded, e.Alarm.Add(max(0, now.Sub(s.wrongSince)))
	e.Why = append(slices.Clone(e.Why), models.Fact{Name: "over at", Observed: offset.Abs().Seconds(), Unit: "s", Note: reason})
	s.take(s.correlator.Handle(e), models.Frame{})
	s.take(s.correlator.Advance(s.last), models.Frame{})
	s.tell()
}

// clock says how the camera's clock stands to ours now.
func (s *Stream) clock() (offset time.Duration, drift float64) {
	stats := s.main.Stats()
	if !stats.OffsetKnown {
		return 0, 0
	}
	return stats.Offset, stats.Drift
}
