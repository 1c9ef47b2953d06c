package rule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

// act is one track from one time to another. Between its points it goes evenly.
type act struct {
	id       models.TrackID
	from, to time.Duration
	path     []models.Point // foot points, evenly spread over the time
	height   float64        // of the box, default 0.1
	width    float64        // default 0.4 of the height
	label    string         // default unknown
	score    float64
	labelled time.Duration // before that, unknown
	believed time.Duration // before that, tentative
	look     models.Appearance
	hidden   [2]time.Duration // lost from then to then
}

func (a act) track(now time.Duration) (models.Track, bool) {
	if now < a.from || now > a.to {
		return models.Track{}, false
	}
	h := a.height
	if h == 0 {
		h = 0.1
	}
	w := a.width
	if w == 0 {
		w = 0.4 * h
	}
	foot := a.path[0]
	if n := len(a.path); n > 1 {
		s := float64(now-a.from) / float64(a.to-a.from) * float64(n-1)
		i := min(int(s), n-2)
		s -= float64(i)
		foot = models.Point{X: a.path[i].X + s*(a.path[i+1].X-a.path[i].X), Y: a.path[i].Y + s*(a.path[i+1].Y-a.path[i].Y)}
	}
	t := models.Track{ID: a.id, State: models.TrackConfirmed, Seen: true, Label: models.LabelUnknown, First: instant(a.from),
		Last: instant(now), Look: a.look, Box: models.Box{X: foot.X - w/2, Y: foot.Y - h, W: w, H: h}}
	if a.label != "" && now >= a.labelled {
		t.Label, t.Score, t.LastScore = a.label, a.score, a.score
	}
	if now < a.believed {
		t.State = models.TrackTentative
	}
	if now >= a.hidden[0] && now < a.hidden[1] {
		t.State, t.Seen = models.TrackLost, false
	}
	return t, true
}

// still is a static change from one time to another, reported a second after it came.
type still struct {
	id       int64
	from, to time.Duration
	foot     models.Point
	removed  bool
	size     float64          // width and height, default 0.04
	hidden   [2]time.Duration // not reported from then to then
	score    float64          // default 0.8
}

func (s still) static(now time.Duration) (models.Static, bool) {
	if now < s.from+time.Second || now > s.to || now > s.hidden[0] && now < s.hidden[1] {
		return models.Static{}, false
	}
	if s.size == 0 {
		s.size = 0.04
	}
	if s.score == 0 {
		s.score = 0.8
	}
	return models.Static{ID: s.id, Since: instant(s.from), Last: instant(now), Removed: s.removed, Score: s.score,
		Box: models.Box{X: s.foot.X - s.size/2, Y: s.foot.Y - s.size, W: s.size, H: s.size}}, true
}

// perform shows the acts to an engine, from the beginning to an end, and returns the events.
func perform(t testing.TB, e *rule.Engine, end time.Duration, acts []act, stills ...still) []models.Event {
	t.Helper()
	var events []models.Event
	for now := time.Duration(0); now <= end; now += step {
		var tracks []models.Track
		for _, a := range acts {
			if tr, ok := a.track(now); ok {
				tracks = append(tracks, tr)
			}
		}
		var statics []models.Static
		for _, s := range stills {
			if st, ok := s.static(now); ok {
				statics = append(statics, st)
			}
		}
		for _, ev := range e.Process(instant(now), tracks, statics) {
			check(t, ev)
			events = append(events, ev)
		}
	}
	return events
}

// check holds for every event.
func check(t testing.TB, e models.Event) {
	t.Helper()
	if e.ID == 0 || e.Camera != "gate" || e.Zone != "door" || e.Config != "c1" || len(e.Why) == 0 || len(e.Curve) == 0 {
		t.Errorf("%s does not say what it belongs to, or why: %+v", e.Rule.Kind, e)
	}
	if e.Alarm.Media < e.Start.Media || e.Phase == models.PhaseEnded && e.End.Media < e.Alarm.Media {
		t.Errorf("%s %s: start %v, alarm %v, end %v", e.Rule.Kind, e.Phase, e.Start.Media, e.Alarm.Media, e.End.Media)
	}
	if first := e.Why[0]; first.Threshold > 0 && first.Observed < first.Threshold {
		t.Errorf("%s: %s is %g, below the threshold of %g", e.Rule.Kind, first.Name, first.Observed, first.Threshold)
	}
	for i := 1; i < len(e.Path); i++ {
		if e.Path[i].At.Media < e.Path[i-1].At.Media {
			t.Fatalf("%s: the path runs backwards", e.Rule.Kind)
		}
	}
}

// story writes events as "start→alarm", and "start→alarm…end" when they end.
func story(events []models.Event) []string {
	var out []string
	for _, e := range events {
		s := fmt.Sprintf("%v→%v", e.Start.Media, e.Alarm.Media)
		if e.Phase == models.PhaseEnded {
			s += fmt.Sprintf("…%v", e.End.Media)
		}
		out = append(out, s)
	}
	return out
}

// scenario is acts under one rule in the square, and what is told of them.
type scenario struct {
	name   string
	rule   models.Rule
	end    time.Duration
	acts   []act
	stills []still
	want   []string
}

func runAll(t *testing.T, kind models.Kind, all []scenario) {
	t.Helper()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			c.rule.Kind = kind
			if got := story(perform(t, rule.New(watch(c.rule)), c.end, c.acts, c.stills...)); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// Places about the square of 0.4 to 0.6.
var (
	inside = models.Point{X: 0.5, Y: 0.5}
	away   = models.Point{X: 0.9, Y: 0.9}
)

func ways(ps ...models.Point) []models.Point { return ps }

const s = time.Second
