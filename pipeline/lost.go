package pipeline

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// steadyFor is how long pictures must have come without a pause before a camera that was
	// lost is back. A camera whose link flaps has one incident, not one for each try.
	steadyFor = 5 * time.Second
	// pause is how long no picture may come meanwhile. Cameras with a dynamic frame rate
	// send one a second; the look at the clock once a second may add another.
	pause = 3 * time.Second
	// longAfter is later than any event may still join an incident.
	longAfter = 1000 * time.Hour
)

// absence follows whether pictures come. All its times are those of our own clock: a
// camera that is away has none.
type absence struct {
	pictures uint64    // decoded so far
	newest   time.Time // when the newest were noticed; the start before there were any
	back     time.Time // since when they have come without a pause
}

// notice takes how many pictures have been decoded so far.
func (a *absence) notice(now time.Time, pictures uint64) {
	if pictures == a.pictures {
		return
	}
	if a.back.IsZero() || now.Sub(a.newest) > pause {
		a.back = now
	}
	a.pictures, a.newest = pictures, now
}

// silent is for how long no picture has come.
func (a *absence) silent(now time.Time) time.Duration { return now.Sub(a.newest) }

// steady says that pictures come again and have not paused for long enough.
func (a *absence) steady(now time.Time) bool {
	return !a.back.IsZero() && now.Sub(a.newest) <= pause && now.Sub(a.back) >= steadyFor
}

// present opens and ends the incident of a camera that is lost. It is called each second.
func (s *Stream) present(now time.Time) {
	s.absence.notice(now, s.frames.Load())
	rules := s.settings.Load().Health.Rules()
	at := slices.IndexFunc(rules, func(r models.Rule) bool { return r.Kind == models.KindCameraLost })
	silent := s.absence.silent(now)
	switch {
	case !s.away && at >= 0 && silent >= rules[at].For:
		s.away = s.lane.Do(func() { s.lose(rules[at], silent) })
	case s.away && at < 0:
		s.away = !s.lane.Do(func() { s.find(silent, "no longer looked for") })
	case s.away && s.absence.steady(now):
		// Both on our clock: the newest picture is that long older than the first one.
		since := -s.absence.newest.Sub(s.absence.back)
		s.away = !s.lane.Do(func() { s.find(since, "pictures come again") })
	}
}

// lose begins the event of a camera from which no picture has come for so long. It begins
// with the last picture, or when vedette started. It runs in the lane.
func (s *Stream) lose(rule models.Rule, silent time.Duration) {
	start := s.last
	if start.IsZero() {
		start = s.started
	}
	why := models.Fact{Name: "silence", Observed: silent.Seconds(), Threshold: rule.For.Seconds(), Unit: "s",
		Note: "the camera is connected and sends no pictures"}
	s.mu.Lock()
	state := s.state
	if s.sub != nil {
		state = s.other
	}
	s.mu.Unlock()
	if state.Connection != models.Connected {
		why.Note = "the camera is not connected"
		if state.Err != nil {
			why.Note += ": " + state.Err.Error()
		}
	}
	alarm := start.Add(silent)
	s.lost = &models.Event{
		ID: s.chain.NextID(), Phase: models.PhaseBegan, Camera: s.Camera.ID, Rule: rule, Score: 1,
		Start: start, Alarm: alarm, Why: []models.Fact{why}, Config: s.hash,
		Curve: []models.Sample{{At: start}, {At: alarm, Value: silent.Seconds()}},
	}
	var f models.Frame // the last picture is what there is to show
	if latest := s.latest.Load(); latest != nil {
		f = *latest
	}
	s.take(s.correlator.Handle(*s.lost), f)
	s.tell()
}

// find ends that event, a time after the newest picture. It runs in the lane.
func (s *Stream) find(after time.Duration, reason string) {
	if s.lost == nil {
		return
	}
	e := *s.lost
	s.lost = nil
	newest := s.last
	if newest.IsZero() {
		newest = s.started
	}
	e.Phase, e.End = models.PhaseEnded, newest.Add(after)
	if e.End.Media < e.Alarm.Media {
		e.End = e.Alarm // media time and our clock drift apart by a little
	}
	e.Why = append(slices.Clone(e.Why), models.Fact{Name: "over after", Observed: e.End.Since(e.Start).Seconds(), Unit: "s", Note: reason})
	s.take(s.correlator.Handle(e), models.Frame{})
	s.take(s.correlator.Advance(e.End), models.Frame{})
	s.tell()
}

// stop ends everything, because vedette stops or no longer watches the camera. It runs in
// the lane, when nothing else runs any more.
func (s *Stream) stop() {
	s.find(s.absence.silent(time.Now()), "vedette stopped watching while the camera was away")
	s.right(time.Now(), s.main.Stats().Offset, "vedette stopped watching while the camera's clock was off")
	s.flush()
	s.take(s.correlator.Flush(s.last), models.Frame{})
}

// tell notes which trouble with the camera goes on. It runs in the lane.
func (s *Stream) tell() {
	kinds := s.chain.Troubles()
	if s.lost != nil {
		kinds = append(kinds, models.KindCameraLost)
	}
	if s.wrongClock != nil {
		kinds = append(kinds, models.KindClock)
	}
	if was := s.troubles.Load(); was == nil && len(kinds) > 0 || was != nil && !slices.Equal(*was, kinds) {
		s.troubles.Store(&kinds)
	}
}
