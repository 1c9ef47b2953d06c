package rule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

const step = 200 * time.Millisecond

var (
	square = models.Polygon{{X: 0.4, Y: 0.4}, {X: 0.6, Y: 0.4}, {X: 0.6, Y: 0.6}, {X: 0.4, Y: 0.6}}
	epoch  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func instant(media time.Duration) models.Instant {
	return models.Instant{Media: media, Wall: epoch.Add(media)}
}

func watch(rules ...models.Rule) models.Watch {
	return models.Watch{Camera: "gate", ConfigHash: "c1", Zones: []models.Zone{{ID: "door", Polygon: square, Rules: rules}}}
}

func loitering(dwell, grace time.Duration) models.Rule {
	return models.Rule{Kind: models.KindLoitering, Severity: models.SeverityHigh, Dwell: dwell, Grace: grace}
}

// player acts out scripts such as "in 20s, out 2s, walk 5s". Words:
//
//	in, out    stands in the zone, or well outside it
//	near       stands just outside the zone
//	walk       walks to and fro inside the zone
//	hidden     out of sight; the tracker predicts it where it was
//	gone       no track at all
//	new        (no time) the tracker gives it a new number from here
//	far        stands in the zone, but more than a hand-over away from "in"
type player struct {
	engine *rule.Engine
	now    time.Duration
	track  models.Track
	begun  bool
	next   models.TrackID
	label  string
	score  float64
	events []models.Event
}

func newPlayer(w models.Watch) *player {
	return &player{engine: rule.New(w), next: 1, label: models.LabelUnknown}
}

func (p *player) at(x, y float64) {
	p.track.Box = models.Box{X: x - 0.02, Y: y - 0.1, W: 0.04, H: 0.1}
}

func (p *player) play(t *testing.T, script string) {
	t.Helper()
	for _, part := range strings.Split(script, ",") {
		word, length, _ := strings.Cut(strings.TrimSpace(part), " ")
		if word == "new" {
			p.begun = false
			continue
		}
		d, err := time.ParseDuration(length)
		if err != nil {
			t.Fatalf("script %q: %v", script, err)
		}
		for end := p.now + d; p.now < end; p.now += step {
			p.frame(t, word)
		}
	}
}

func (p *player) frame(t *testing.T, word string) {
	t.Helper()
	at := instant(p.now)
	if word == "gone" {
		p.begun = false
		p.events = append(p.events, p.engine.Process(at, nil, nil)...)
		return
	}
	if !p.begun && word != "hidden" {
		p.begun = true
		p.track = models.Track{ID: p.next, First: at, Label: p.label, Score: p.score}
		p.next++
	}
	p.track.State, p.track.Seen = models.TrackConfirmed, true
	switch word {
	case "in":
		p.at(0.5, 0.5)
	case "far":
		p.at(0.59, 0.59)
	case "near":
		p.at(0.5, 0.62)
	case "out":
		p.at(0.9, 0.9)
	case "walk":
		// 0.6 box heights a second, turning every two seconds.
		s := p.now.Seconds()
		s -= 4 * float64(int(s/4))
		p.at(0.45+0.06*min(s, 4-s)*9/16, 0.5)
	case "hidden":
		p.track.State, p.track.Seen = models.TrackLost, false
	default:
		t.Fatalf("no such word: %s", word)
	}
	if p.track.Seen {
		p.track.Last = at
	}
	p.events = append(p.events, p.engine.Process(at, []models.Track{p.track}, nil)...)
}

// told writes events as "kind@alarm" and "kind@alarm ended start..end".
func told(events []models.Event) []string {
	var out []string
	for _, e := range events {
		s := fmt.Sprintf("%s@%v", e.Rule.Kind, e.Alarm.Media)
		if e.Phase == models.PhaseEnded {
			s += fmt.Sprintf(" ended %v..%v", e.Start.Media, e.End.Media)
		}
		out = append(out, s)
	}
	return out
}

func TestLoitering(t *testing.T) {
	for _, c := range []struct {
		name         string
		dwell, grace time.Duration
		path         string
		want         []string
	}{
		{"stays for the dwell", 10 * time.Second, 3 * time.Second,
			"in 15s", []string{"loitering@10s"}},
		{"stays a little less", 10 * time.Second, 3 * time.Second,
			"in 9s, out 20s", nil},
		{"ends when it has been away for the grace", 10 * time.Second, 3 * time.Second,
			"in 15s, out 5s", []string{"loitering@10s", "loitering@10s ended 0s..14.8s"}},
		{"leaves and returns within grace: same visit", 30 * time.Second, 3 * time.Second,
			"in 20s, out 2s, in 15s", []string{"loitering@30s"}},
		{"leaves and returns after grace: a new visit", 30 * time.Second, 3 * time.Second,
			"in 20s, out 4s, in 15s", nil},
		{"many short visits do not add up", 10 * time.Second, 3 * time.Second,
			"in 4s, out 20s, in 4s, out 20s, in 4s, out 20s, in 4s, out 20s, in 4s", nil},
		{"the alarm waits until it is back in the zone", 10 * time.Second, 3 * time.Second,
			"in 9s, out 2s, in 5s", []string{"loitering@11s"}},
		{"one alarm a visit, however long", 10 * time.Second, 3 * time.Second,
			"in 60s, out 2s, in 60s", []string{"loitering@10s"}},
		{"a second visit alarms again", 10 * time.Second, 3 * time.Second,
			"in 12s, out 10s, in 12s", []string{"loitering@10s", "loitering@10s ended 0s..11.8s", "loitering@32s"}},
		{"arrives later", 10 * time.Second, 3 * time.Second,
			"out 7s, in 12s", []string{"loitering@17s"}},
		{"stands just outside", 10 * time.Second, 3 * time.Second,
			"near 60s", nil},
		{"walks about in the zone", 10 * time.Second, 3 * time.Second,
			"walk 15s", []string{"loitering@10s"}},
		{"hidden for less than the grace", 10 * time.Second, 3 * time.Second,
			"in 6s, hidden 2s, in 6s", []string{"loitering@10s"}},
		{"hidden behind a post for longer than a short grace", 10 * time.Second, time.Second,
			"in 6s, hidden 1600ms, in 6s", []string{"loitering@10s"}},
		{"hidden for longer than anyone passes behind a post", 10 * time.Second, time.Second,
			"in 6s, hidden 4s, in 6s", nil},
		{"no alarm while it is out of sight", 10 * time.Second, 3 * time.Second,
			"in 9s, hidden 2s, in 3s", []string{"loitering@11s"}},
		{"lost, and found under a new number", 10 * time.Second, 3 * time.Second,
			"in 6s, gone 2s, in 6s", []string{"loitering@10s"}},
		{"lost, and something else appears elsewhere at once", 10 * time.Second, 3 * time.Second,
			"in 6s, new, far 6s", nil},
		{"renamed by the tracker without a pause", 10 * time.Second, 3 * time.Second,
			"in 4s, new, in 4s, new, in 4s", []string{"loitering@10s"}},
		{"gone for longer than the grace", 10 * time.Second, 3 * time.Second,
			"in 6s, gone 4s, in 6s", nil},
		{"no grace at all", 10 * time.Second, 0,
			"in 6s, out 1s, in 6s", nil},
		{"no dwell: alarms on arrival", 0, 3 * time.Second,
			"out 2s, in 1s", []string{"loitering@2s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlayer(watch(loitering(c.dwell, c.grace)))
			p.play(t, c.path)
			if got := told(p.events); !slices.Equal(got, c.want) {
				t.Errorf("%s\n got %q\nwant %q", c.path, got, c.want)
			}
		})
	}
}

func TestMotion(t *testing.T) {
	for _, c := range []struct {
		name         string
		dwell, grace time.Duration
		path         string
		want         []string
	}{
		{"walks in the zone", 0, 2 * time.Second,
			"walk 5s", []string{"motion@600ms"}},
		{"stands in the zone from the start", 0, 2 * time.Second,
			"in 20s", nil},
		{"stops", 0, 2 * time.Second,
			"walk 5s, in 10s", []string{"motion@600ms", "motion@600ms ended 0s..5.8s"}},
		{"stops and goes on", 0, 2 * time.Second,
			"walk 4s, in 8s, walk 4s", []string{"motion@600ms", "motion@600ms ended 0s..4.8s", "motion@12s"}},
		{"stops for less than the grace", 0, 5 * time.Second,
			"walk 4s, in 2s, walk 4s", []string{"motion@600ms"}},
		{"walks, but not long enough", 3 * time.Second, time.Second,
			"walk 2s, gone 5s", nil},
		{"walks long enough", 3 * time.Second, time.Second,
			"walk 5s", []string{"motion@3s"}},
		{"leaves the zone", 0, 2 * time.Second,
			"walk 4s, out 5s", []string{"motion@600ms", "motion@600ms ended 0s..3.8s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlayer(watch(models.Rule{Kind: models.KindMotion, Dwell: c.dwell, Grace: c.grace}))
			p.play(t, c.path)
			if got := told(p.events); !slices.Equal(got, c.want) {
				t.Errorf("%s\n got %q\nwant %q", c.path, got, c.want)
			}
		})
	}
}

func TestLabelsAndScores(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   models.Rule
		label  string
		score  float64
		alarms bool
	}{
		{"any track", models.Rule{}, models.LabelUnknown, 0, true},
		{"the label asked for", models.Rule{Labels: []string{"car", "person"}}, "person", 0.6, true},
		{"another label", models.Rule{Labels: []string{"car"}}, "person", 0.9, false},
		{"seen by motion alone", models.Rule{Labels: []string{"person"}}, models.LabelUnknown, 0, false},
		{"too unsure", models.Rule{Labels: []string{"person"}, MinScore: 0.7}, "person", 0.6, false},
		{"sure enough", models.Rule{Labels: []string{"person"}, MinScore: 0.5}, "person", 0.6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.rule.Kind, c.rule.Dwell = models.KindLoitering, time.Second
			p := newPlayer(watch(c.rule))
			p.label, p.score = c.label, c.score
			p.play(t, "in 3s")
			if got := len(p.events) > 0; got != c.alarms {
				t.Errorf("alarms: %v, want %v", got, c.alarms)
			}
		})
	}
}

func TestTentativeTracksRaiseNothing(t *testing.T) {
	e := rule.New(watch(loitering(time.Second, time.Second)))
	tr := models.Track{ID: 1, First: instant(0), State: models.TrackTentative, Seen: true,
		Box: models.Box{X: 0.48, Y: 0.4, W: 0.04, H: 0.1}}
	for now := time.Duration(0); now < 5*time.Second; now += step {
		if ev := e.Process(instant(now), []models.Track{tr}, nil); len(ev) > 0 {
			t.Fatalf("a tentative track raised %q", told(ev))
		}
	}
	tr.State = models.TrackConfirmed
	ev := e.Process(instant(5*time.Second), []models.Track{tr}, nil)
	if len(ev) != 1 || ev[0].Start.Media != 0 {
		t.Errorf("once confirmed it raised %q, want one event that starts at 0", told(ev))
	}
}

// The tracker may know that something stood there before it was first reported.
func TestWhoWasThereFromTheStartCountsFromTheStart(t *testing.T) {
	e := rule.New(watch(loitering(10*time.Second, time.Second)))
	tr := models.Track{ID: 1, First: instant(0), State: models.TrackConfirmed, Seen: true,
		Box: models.Box{X: 0.48, Y: 0.4, W: 0.04, H: 0.1}}
	var got []models.Event
	for now := 3 * time.Second; now < 12*time.Second; now += step {
		got = append(got, e.Process(instant(now), []models.Track{tr}, nil)...)
	}
	if len(got) != 1 || got[0].Start.Media != 0 || got[0].Alarm.Media != 10*time.Second {
		t.Errorf("got %+v, want one event from 0 s with its alarm at 10 s", told(got))
	}
}

func TestEventSaysWhy(t *testing.T) {
	w := watch(loitering(10*time.Second, 3*time.Second))
	p := newPlayer(w)
	p.play(t, "in 6s, gone 2s, in 6s, out 5s")
	if len(p.events) != 2 {
		t.Fatalf("got %q, want began and ended", told(p.events))
	}
	began, ended := p.events[0], p.events[1]
	if began.ID != ended.ID || began.Phase != models.PhaseBegan || ended.Phase != models.PhaseEnded {
		t.Errorf("phases %s %d, %s %d", began.Phase, began.ID, ended.Phase, ended.ID)
	}
	if began.Camera != "gate" || began.Zone != "door" || began.Config != "c1" || began.Rule.Severity != models.SeverityHigh {
		t.Errorf("event does not say what it belongs to: %+v", began)
	}
	if began.Identity != "tracks 1+2" || began.Track != 2 {
		t.Errorf("identity %q, track %d; want tracks 1+2 and 2", began.Identity, began.Track)
	}
	dwell := began.Why[0]
	if dwell.Name != "dwell" || dwell.Observed != 10 || dwell.Threshold != 10 || dwell.Unit != "s" {
		t.Errorf("dwell: %+v", dwell)
	}
	absence := began.Why[1]
	if absence.Observed < 2 || absence.Observed > 2.4 || absence.Threshold != 3 {
		t.Errorf("longest absence: %+v, want 2 s of 3 s", absence)
	}
	if began.Path[0].At.Media != 0 || began.Path[len(began.Path)-1].At.Media != 10*time.Second {
		t.Errorf("path runs from %v to %v, want from arrival to alarm", began.Path[0].At.Media, began.Path[len(began.Path)-1].At.Media)
	}
	if began.Alarm.Wall != epoch.Add(10*time.Second) {
		t.Errorf("wall time of the alarm is %v", began.Alarm.Wall)
	}
}

func TestPathIsThinned(t *testing.T) {
	p := newPlayer(watch(loitering(time.Second, time.Second)))
	p.play(t, "walk 40m, out 5s")
	path := p.events[1].Path
	if len(path) > 256 || len(path) < 100 {
		t.Fatalf("%d points, want 100 to 256", len(path))
	}
	if path[0].At.Media != 0 || path[len(path)-1].At.Media < 40*time.Minute {
		t.Errorf("path runs from %v to %v", path[0].At.Media, path[len(path)-1].At.Media)
	}
	for i := 1; i < len(path)-1; i++ {
		if d := path[i].At.Since(path[i-1].At); d <= 0 || d > time.Minute {
			t.Errorf("points %d and %d are %v apart", i-1, i, d)
		}
	}
}

func TestApply(t *testing.T) {
	long := loitering(10*time.Second, 2*time.Second)
	t.Run("a running visit of an unchanged rule goes on", func(t *testing.T) {
		p := newPlayer(watch(long))
		p.play(t, "in 6s")
		w := watch(models.Rule{Kind: models.KindMotion}, long)
		w.Zones = append(w.Zones, models.Zone{ID: "other", Polygon: square})
		w.ConfigHash = "c2"
		p.engine.Apply(w)
		p.play(t, "in 6s")
		if got, want := told(p.events), []string{"loitering@10s"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		} else if p.events[0].Config != "c2" {
			t.Errorf("config %q, want the one in force", p.events[0].Config)
		}
	})
	t.Run("the event of a removed rule ends", func(t *testing.T) {
		p := newPlayer(watch(long))
		p.play(t, "in 12s")
		p.engine.Apply(watch())
		p.play(t, "in 12s")
		if got, want := told(p.events), []string{"loitering@10s", "loitering@10s ended 0s..11.8s"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("a moved zone begins anew", func(t *testing.T) {
		p := newPlayer(watch(long))
		p.play(t, "in 6s")
		w := watch(long)
		w.Zones[0].Polygon = append(models.Polygon{{X: 0.39, Y: 0.39}}, square[1:]...)
		p.engine.Apply(w)
		p.play(t, "in 9s")
		if got := told(p.events); len(got) > 0 {
			t.Errorf("got %q, want nothing: the new zone has seen 9 s", got)
		}
	})
	t.Run("events keep unique numbers", func(t *testing.T) {
		p := newPlayer(watch(long))
		p.play(t, "in 12s")
		p.engine.Apply(watch(loitering(time.Second, time.Second)))
		p.play(t, "in 3s")
		if p.events[0].ID == p.events[len(p.events)-1].ID {
			t.Errorf("two events share number %d", p.events[0].ID)
		}
	})
}

func TestFlushEndsWhatIsOpen(t *testing.T) {
	p := newPlayer(watch(loitering(5*time.Second, 2*time.Second), models.Rule{Kind: models.KindMotion, Grace: 2 * time.Second}))
	p.play(t, "walk 7s")
	var ended []string
	for _, e := range p.engine.Flush() {
		ended = append(ended, told([]models.Event{e})...)
	}
	want := []string{"loitering@5s ended 0s..6.8s", "motion@600ms ended 0s..6.8s"}
	if !slices.Equal(ended, want) {
		t.Errorf("got %q, want %q", ended, want)
	}
	if again := p.engine.Flush(); len(again) > 0 {
		t.Errorf("a second flush ended %q", told(again))
	}
}

// The filtered box of somebody at the edge of the picture may reach a little beyond it.
func TestWhoStandsAtTheEdgeIsInTheZone(t *testing.T) {
	w := watch(loitering(5*time.Second, 0))
	w.Zones[0].Polygon = models.Polygon{{X: 0, Y: 0.5}, {X: 1, Y: 0.5}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	e := rule.New(w)
	var got []models.Event
	for now := time.Duration(0); now <= 6*time.Second; now += step {
		over := 0.01 * float64(now/step%2)
		got = append(got, e.Process(instant(now), []models.Track{{ID: 1, First: instant(0), State: models.TrackConfirmed, Seen: true,
			Box: models.Box{X: 0.43, Y: 0.9 + over, W: 0.04, H: 0.1}}}, nil)...)
	}
	if s := told(got); !slices.Equal(s, []string{"loitering@5s"}) {
		t.Errorf("got %q", s)
	}
}

func TestTwoPeopleHaveTwoVisits(t *testing.T) {
	e := rule.New(watch(loitering(5*time.Second, time.Second)))
	var got []models.Event
	for now := time.Duration(0); now < 10*time.Second; now += step {
		at := instant(now)
		tracks := []models.Track{{ID: 1, First: instant(0), State: models.TrackConfirmed, Seen: true, Box: models.Box{X: 0.43, Y: 0.4, W: 0.04, H: 0.1}}}
		if now >= 2*time.Second {
			tracks = append(tracks, models.Track{ID: 2, First: instant(2 * time.Second), State: models.TrackConfirmed, Seen: true,
				Box: models.Box{X: 0.53, Y: 0.4, W: 0.04, H: 0.1}})
		}
		got = append(got, e.Process(at, tracks, nil)...)
	}
	if s := told(got); !slices.Equal(s, []string{"loitering@5s", "loitering@7s"}) {
		t.Errorf("got %q", s)
	}
}

// Of two who meet in a zone the tracker loses one for a moment, and the other one just after it
// has come in and was hidden for a moment itself. Nobody continues the visit of somebody else.
func TestWhoComesBackWhereItWasExpectedIsItself(t *testing.T) {
	e := rule.New(watch(loitering(5*time.Second, time.Second)))
	stays := models.Track{ID: 1, First: instant(0), State: models.TrackConfirmed}
	passes := models.Track{ID: 2, First: instant(0), State: models.TrackConfirmed}
	var got []models.Event
	for now := time.Duration(0); now < 8*time.Second; now += step {
		x := 0.3 + 0.05*now.Seconds() // 0.9 of its height a second; in the zone from 2 s to 6 s
		stays.Box = models.Box{X: 0.42, Y: 0.4, W: 0.04, H: 0.1}
		passes.Box = models.Box{X: x - 0.02, Y: 0.4, W: 0.04, H: 0.1}
		stays.Seen, passes.Seen = now != 2*time.Second+step, now != 2*time.Second
		if now > 4*time.Second {
			stays.Box.X = 0.2 // and leaves
		}
		got = append(got, e.Process(instant(now), []models.Track{stays, passes}, nil)...)
	}
	if len(got) > 0 {
		t.Errorf("got %q, want nothing: each was in the zone for 4 s", told(got))
	}
}

// A fragment continues the visit of a track that is lost for a moment; when the track comes
// back, the visit is its own again, whether or not the fragment is still in sight.
func TestVisitGoesBackToItsTrack(t *testing.T) {
	for _, both := range []bool{false, true} {
		e := rule.New(watch(loitering(5*time.Second, time.Second)))
		box := models.Box{X: 0.48, Y: 0.4, W: 0.04, H: 0.1}
		stands := models.Track{ID: 1, First: instant(0), State: models.TrackConfirmed, Box: box}
		piece := models.Track{ID: 2, First: instant(2 * time.Second), State: models.TrackTentative, Box: box}
		var got []models.Event
		for now := time.Duration(0); now < 8*time.Second; now += step {
			tracks := []models.Track{stands}
			tracks[0].Seen = now < 2*time.Second || now >= 2600*time.Millisecond
			if now >= 2*time.Second && now < 4*time.Second {
				tracks = append(tracks, piece)
				tracks[1].Seen = both || !tracks[0].Seen
			}
			got = append(got, e.Process(instant(now), tracks, nil)...)
		}
		if want := []string{"loitering@5s"}; !slices.Equal(told(got), want) {
			t.Errorf("the fragment stays: %v: got %q, want %q", both, told(got), want)
		}
	}
}
