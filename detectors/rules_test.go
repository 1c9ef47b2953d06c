package detectors_test

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// guest walks in from the left along a line through the middle, stays, and walks out to the
// left again, once for each arrival; he is off the picture in between.
func guest(shirt, legs scene.Colour, y float64, stay time.Duration, arrivals ...time.Duration) scene.Actor {
	a := scene.Actor{Shirt: shirt, Legs: legs}
	for _, at := range arrivals {
		a.Stops = append(a.Stops,
			scene.Stop{At: at - 3*time.Second, Foot: models.Point{X: -0.1, Y: y}},
			scene.Stop{At: at, Foot: models.Point{X: 0.35, Y: y}},
			scene.Stop{At: at + time.Second, Foot: models.Point{X: 0.5, Y: y}},
			scene.Stop{At: at + time.Second + stay, Foot: models.Point{X: 0.5, Y: y}},
			scene.Stop{At: at + 4*time.Second + stay, Foot: models.Point{X: -0.1, Y: y}})
	}
	return a
}

// through walks across the picture at a height, once.
func through(shirt scene.Colour, y float64, from, to float64, at time.Duration) scene.Actor {
	return scene.Actor{Shirt: shirt, Stops: scene.Walk(models.Point{X: from, Y: y}, models.Point{X: to, Y: y}, at, at+6*time.Second)}
}

// Every kind of rule on drawn footage, by motion alone: once where it must fire, and where
// it must not.
func TestRulesOnDrawnFootage(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	const s = time.Second
	upright := []models.Point{{X: 0.5, Y: 1}, {X: 0.5, Y: 0.3}}
	intrusion := models.Rule{Kind: models.KindIntrusion, Grace: 2 * s}
	radius := models.Rule{Kind: models.KindLoitering, Dwell: 8 * s, Grace: 2 * s, MaxRadius: 0.08}
	returning := models.Rule{Kind: models.KindReturning, Visits: 3, Window: 10 * time.Minute, Grace: 3 * s}
	line := models.Rule{Kind: models.KindLine, Line: upright, Direction: models.DirectionToRight}
	crowd := models.Rule{Kind: models.KindCrowd, Count: 2, For: 3 * s, Grace: 2 * s}
	left := models.Rule{Kind: models.KindLeftObject, For: 10 * s}
	removed := models.Rule{Kind: models.KindRemovedObject, For: 10 * s}

	pacer := scene.Actor{Stops: []scene.Stop{{At: 4 * s, Foot: models.Point{X: -0.1, Y: 0.8}}}}
	for i, x := range []float64{0.38, 0.62, 0.38, 0.62, 0.38, 0.62, 0.38, 0.62} {
		pacer.Stops = append(pacer.Stops, scene.Stop{At: time.Duration(7+2*i) * s, Foot: models.Point{X: x, Y: 0.8}})
	}
	bag := func(from, to time.Duration) scene.Actor {
		return scene.Actor{Rigid: true, Height: 0.12, Width: 0.1, Shirt: scene.Blue, Stops: scene.Stay(models.Point{X: 0.56, Y: 0.8}, from, to)}
	}
	three := func(n int) []scene.Actor {
		var all []scene.Actor
		for i, shirt := range []scene.Colour{scene.Red, scene.Blue, scene.White}[:n] {
			x := 0.4 + 0.1*float64(i)
			at := time.Duration(5+3*i) * s
			all = append(all, scene.Actor{Shirt: shirt, Stops: []scene.Stop{
				{At: at, Foot: models.Point{X: x, Y: 1.4}}, {At: at + 3*s, Foot: models.Point{X: x, Y: 0.85}}, {At: 25 * s, Foot: models.Point{X: x, Y: 0.85}},
				{At: 28 * s, Foot: models.Point{X: x, Y: 1.4}}}})
		}
		return all
	}
	for _, c := range []struct {
		name   string
		rule   models.Rule
		length time.Duration
		actors []scene.Actor
		start  time.Duration // 0: silent
		alarm  time.Duration
	}{
		{"intrusion: walks through", intrusion, 14 * s, []scene.Actor{visitor(6*s, 7*s)}, 6 * s, 6 * s},
		{"intrusion: walks past behind the zone", intrusion, 14 * s, []scene.Actor{through(scene.Red, 0.5, -0.1, 1.1, 4*s)}, 0, 0},
		{"loitering within a radius: stands", radius, 30 * s, []scene.Actor{visitor(6*s, 24*s)}, 6500 * time.Millisecond, 14500 * time.Millisecond},
		{"loitering within a radius: paces up and down", radius, 24 * s, []scene.Actor{pacer}, 0, 0},
		{"returning: the same one three times", returning, 70 * s, []scene.Actor{guest(scene.Red, scene.Dark, 0.8, 5*s, 8*s, 30*s, 52*s)}, 52 * s, 53 * s},
		{"returning: three who look different", returning, 70 * s, []scene.Actor{guest(scene.Red, scene.Dark, 0.8, 5*s, 8*s),
			guest(scene.Blue, scene.White, 0.8, 5*s, 30*s), guest(scene.Green, scene.Red, 0.8, 5*s, 52*s)}, 0, 0},
		{"returning: one long visit", returning, 70 * s, []scene.Actor{guest(scene.Red, scene.Dark, 0.8, 50*s, 8*s)}, 0, 0},
		{"line: crosses to the right", line, 14 * s, []scene.Actor{through(scene.Red, 0.8, -0.1, 1.1, 4*s)}, 7 * s, 7500 * time.Millisecond},
		{"line: crosses to the left", line, 14 * s, []scene.Actor{through(scene.Red, 0.8, 1.1, -0.1, 4*s)}, 0, 0},
		{"line: comes up to it and goes back", line, 20 * s, []scene.Actor{{Stops: []scene.Stop{{At: 4 * s, Foot: models.Point{X: -0.1, Y: 0.8}},
			{At: 7 * s, Foot: models.Point{X: 0.42, Y: 0.8}}, {At: 12 * s, Foot: models.Point{X: 0.42, Y: 0.8}}, {At: 15 * s, Foot: models.Point{X: -0.1, Y: 0.8}}}}}, 0, 0},
		{"crowd: three", crowd, 30 * s, three(3), 13500 * time.Millisecond, 16500 * time.Millisecond},
		{"crowd: two are none", crowd, 30 * s, three(2), 0, 0},
		// He is out of reach at 11 s; the tracker may take two to see that it is not he who lies there.
		{"left object: the owner goes away", left, 40 * s, []scene.Actor{visitor(6*s, 10*s), bag(9*s, 40*s)}, 9 * s, 22 * s},
		{"left object: the owner stands by it", left, 36 * s, []scene.Actor{visitor(6*s, 34*s), bag(9*s, 33*s)}, 0, 0},
		{"left object: taken along again", left, 36 * s, []scene.Actor{visitor(6*s, 10*s), bag(9*s, 16*s)}, 0, 0},
		{"left object: somebody stands there", left, 36 * s, []scene.Actor{visitor(6*s, 30*s)}, 0, 0},
		// He stands in front of it until 15 s: before that nobody can see that it is gone.
		{"removed object: carried off", removed, 40 * s, []scene.Actor{bag(0, 14*s), visitor(12*s, 15*s)}, 15 * s, 25 * s},
		{"removed object: still there", removed, 40 * s, []scene.Actor{bag(0, 40*s), visitor(12*s, 15*s)}, 0, 0},
		{"removed object: something was left", removed, 40 * s, []scene.Actor{visitor(6*s, 10*s), bag(9*s, 40*s)}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			drawn := scene.Scene{Seed: 6, Noise: 2, Length: c.length, Actors: c.actors}
			events, _ := run(t, &drawn, detectors.Options{Watch: inMiddle(c.rule)})
			got := began(events)
			for _, e := range got {
				t.Logf("start %v, alarm %v, track %d %s, box %.2f, why %v", e.Start.Media, e.Alarm.Media, e.Track, e.Identity, e.Box, e.Why)
			}
			if c.start == 0 {
				if len(got) > 0 {
					t.Errorf("%d events, want silence", len(got))
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d events, want 1", len(got))
			}
			if e := got[0]; !within(e.Start.Media, c.start, s) || !within(e.Alarm.Media, c.alarm, 2*s) {
				t.Errorf("start %v, alarm %v; want %v and %v", e.Start.Media, e.Alarm.Media, c.start, c.alarm)
			}
			if end := events[len(events)-1]; end.Phase != models.PhaseEnded || end.ID != got[0].ID {
				t.Errorf("the last event is %s %d, want the end of %d", end.Phase, end.ID, got[0].ID)
			}
		})
	}
}

// Six people come one after another: an intrusion each, from when it came, and none while
// nobody is there. A person of whom motion makes two is one incident still, because the
// place is busy.
func TestIntrusionsOnFootage(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	clip := "clips/one_by_one_person.mp4"
	people, _ := happenings(t, clip)
	w := models.Watch{Camera: "c", Zones: []models.Zone{{ID: "all", Polygon: whole,
		Rules: []models.Rule{{Kind: models.KindIntrusion, Grace: 3 * time.Second}}}}}
	const right, tolerance = 0.6, 0.4 // of the detection, and of the truth, which is by hand
	first := make([]float64, len(people))
	for _, e := range began(watch(t, footage.Path(t, clip), w, nil)) {
		start := e.Start.Media.Seconds()
		t.Logf("track %d %s start %.1f alarm %.1f box %.2f", e.Track, e.Identity, start, e.Alarm.Media.Seconds(), e.Box)
		at := -1
		for i, p := range people {
			if start >= p.Start-right-tolerance && start <= p.End+tolerance {
				at = i
			}
		}
		switch {
		case at < 0:
			t.Errorf("intrusion at %.1f s while nobody is there", start)
		case first[at] == 0 || start < first[at]:
			first[at] = start
		}
	}
	for i, p := range people {
		if off := first[i] - p.Start; off > right+tolerance || off < -right-tolerance {
			t.Errorf("intrusion %d starts at %.1f s, want %.1f s", i+1, first[i], p.Start)
		}
	}
}

// Light comes and goes in two clips, and nothing is put down or taken while nobody is there
// (in one of them somebody moves a chair before he switches off the light and goes). In the
// third a chair and a telephone are moved.
func TestThingsOnFootage(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	w := models.Watch{Camera: "c", Zones: []models.Zone{{ID: "all", Polygon: whole, Rules: []models.Rule{
		{Kind: models.KindLeftObject, For: 10 * time.Second}, {Kind: models.KindRemovedObject, For: 10 * time.Second}}}}}
	for clip, moved := range map[string]bool{"LightSwitch": false, "TimeOfDay": false, "MovedObject": true} {
		t.Run(clip, func(t *testing.T) {
			t.Parallel()
			clip := "background/wallflower/" + clip + ".mp4"
			_, nothing := happenings(t, clip)
			events := began(watch(t, footage.Path(t, clip), w, nil))
			for _, e := range events {
				start := e.Start.Media.Seconds()
				t.Logf("%s since %.1f, alarm %.1f, box %.2f", e.Rule.Kind, start, e.Alarm.Media.Seconds(), e.Box)
				for _, s := range nothing {
					if !moved && start > s.Start && start < s.End {
						t.Errorf("%s at %.1f s while nothing happens (%.1f to %.1f s)", e.Rule.Kind, start, s.Start, s.End)
					}
				}
			}
			if moved && len(events) == 0 {
				t.Error("nothing was found to have moved")
			}
		})
	}
}
