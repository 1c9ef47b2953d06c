package detectors

import (
	"reflect"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// gazer plays a second of ten frames again and again: tracks as given, looks that see all
// that they are asked for.
type gazer struct {
	looks
	at time.Duration
	// named says what is found in a look.
	named bool
}

var all = models.Box{W: 1, H: 1}

// watch returns the times of the looks, in seconds from its beginning, and the regions of
// the last one.
func (g *gazer) watch(d time.Duration, tracks []models.Track, moving ...models.Box) (times []float64, regions []models.Box) {
	var dets, found []models.Detection
	for _, b := range moving {
		dets = append(dets, models.Detection{Box: b, By: models.ByMotion, Label: models.LabelUnknown})
		if g.named {
			found = append(found, models.Detection{Box: b, By: models.ByObject, Label: "person", Score: 0.9})
		}
	}
	for end := g.at + d; g.at < end; g.at += 100 * time.Millisecond {
		if r := g.ask(g.at, dets); len(r) > 0 {
			times, regions = append(times, (g.at-end+d).Seconds()), r
			g.looked(g.at, models.Sight{Found: found, Parts: []models.Box{all}, Cost: 1})
		}
		g.whole = g.at // the looks at the whole picture have a test of their own
		g.note(tracks)
	}
	return times, regions
}

func settled(rate float64) *gazer {
	g := &gazer{looks: looks{rate: rate}}
	g.watch(5*time.Second, nil)
	return g
}

func person(id models.TrackID, x, speed float64) models.Track {
	return models.Track{ID: id, State: models.TrackConfirmed, Label: "person", Seen: true, Speed: speed, Box: models.Box{X: x, Y: 0.4, W: 0.05, H: 0.2}}
}

func TestLooksByNeed(t *testing.T) {
	walking, standing := person(1, 0.2, 0.2), person(1, 0.2, 0)
	unnamed := walking
	unnamed.Label = models.LabelUnknown
	lost := walking
	lost.State, lost.Seen = models.TrackLost, false
	ended := walking
	ended.State = models.TrackFinished
	for _, tc := range []struct {
		name   string
		rate   float64
		tracks []models.Track
		least  int // looks in twelve seconds
		most   int
	}{
		{"nothing is there", 2, nil, 0, 0},
		{"one walks", 2, []models.Track{walking}, 16, 20},
		{"several walk: they share the looks", 2, []models.Track{walking, person(2, 0.5, 0.2), person(3, 0.8, 0.2)}, 16, 20},
		{"one stands", 2, []models.Track{standing}, 4, 5},
		{"one has no name: less and less", 2, []models.Track{unnamed}, 4, 6},
		{"one is lost", 2, []models.Track{lost}, 20, 25},
		{"one has ended", 2, []models.Track{ended}, 0, 0},
		{"every frame", 0, []models.Track{standing}, 119, 120},
		{"no more than there are frames", 50, []models.Track{walking}, 118, 120},
	} {
		t.Run(tc.name, func(t *testing.T) {
			times, _ := settled(tc.rate).watch(12*time.Second, tc.tracks)
			if len(times) < tc.least || len(times) > tc.most {
				t.Errorf("%d looks in 12 s, want %d to %d: %v", len(times), tc.least, tc.most, times)
			}
		})
	}
}

func TestWhatIsNewIsLookedAtAtOnce(t *testing.T) {
	g := settled(2)
	g.named = true
	b := models.Box{X: 0.6, Y: 0.4, W: 0.05, H: 0.2}
	times, regions := g.watch(100*time.Millisecond, nil, b)
	if len(times) != 1 || !reflect.DeepEqual(regions, []models.Box{b}) {
		t.Errorf("looked at %v at %v", regions, times)
	}
	// It becomes a track, which is looked at when it has waited its turn.
	if times, _ := g.watch(300*time.Millisecond, []models.Track{person(7, 0.6, 0.2)}, b); len(times) > 1 {
		t.Errorf("looked again at %v", times)
	}
}

// Two who meet and part are told apart at once, each time.
func TestCrossingIsLookedAtAtOnce(t *testing.T) {
	g := settled(2)
	standing := []models.Track{person(1, 0.2, 0), person(2, 0.5, 0)}
	g.watch(time.Second, standing)
	for _, x := range []float64{0.24, 0.5} {
		tracks := []models.Track{person(1, 0.2, 0), person(2, x, 0)}
		times, regions := g.watch(2*time.Second, tracks)
		if len(times) != 1 || times[0] > 0.15 || len(regions) != 2 {
			t.Errorf("the other at %.2f: looked at %v at %v, want both at once and not again", x, regions, times)
		}
	}
}

// What moves and has no name, such as leaves, gets fewer and fewer looks; a person who is
// tracked there does not wait.
func TestBarrenPlaces(t *testing.T) {
	g := settled(2)
	leaf := models.Box{X: 0.1, Y: 0.1, W: 0.1, H: 0.1}
	if times, _ := g.watch(12*time.Second, nil, leaf); len(times) < 3 || len(times) > 6 {
		t.Errorf("looked at leaves at %v, want less and less", times)
	}
	g.watch(time.Second, nil)
	walker := models.Track{ID: 9, State: models.TrackConfirmed, Label: models.LabelUnknown, Seen: true, Speed: 0.2, Box: leaf}
	if times, _ := g.watch(300*time.Millisecond, []models.Track{walker}, leaf); len(times) == 0 {
		t.Error("a confirmed track among leaves is not looked at")
	}
	g = settled(2)
	g.named = true
	if times, _ := g.watch(12*time.Second, nil, leaf); len(times) < 23 {
		t.Errorf("%d looks at something with a name that no track takes up", len(times))
	}
}

func TestTheWholePictureNowAndThen(t *testing.T) {
	l := looks{rate: 2}
	var times []float64
	for at := time.Duration(0); at < 25*time.Second; at += 100 * time.Millisecond {
		if r := l.ask(at, nil); r != nil {
			if !reflect.DeepEqual(r, []models.Box{all}) {
				t.Errorf("asked for %v", r)
			}
			times = append(times, at.Seconds())
			l.looked(at, models.Sight{Parts: []models.Box{all}, Cost: 1})
		}
	}
	if !reflect.DeepEqual(times, []float64{0, 10, 20}) {
		t.Errorf("looked at %v, want at the start and every ten seconds", times)
	}
}

// A look that the budget refuses is asked for again; one that fails is not free.
func TestRefusedAndFailedLooks(t *testing.T) {
	for failed, want := range map[bool]int{false: 100, true: 21} {
		l, asked := looks{rate: 2}, 0
		for at := time.Duration(0); at < 10*time.Second; at += 100 * time.Millisecond {
			if l.ask(at, nil) != nil {
				asked++
				if failed {
					l.failed()
				}
			}
		}
		if asked < want-1 || asked > want+1 {
			t.Errorf("failed %v: asked %d times in 10 s, want %d", failed, asked, want)
		}
	}
}

// Boxes are input: a track far outside the picture asks for nothing that cannot be.
func TestLooksOutsideThePicture(t *testing.T) {
	g := settled(2)
	odd := person(1, -40, 0.2)
	if times, _ := g.watch(2*time.Second, []models.Track{odd}, models.Box{X: 5, Y: -5, W: 1, H: 1}); len(times) > 5 {
		t.Errorf("looked at %v", times)
	}
}

// What looks may cost is bounded, not how many there are: small ones come more often.
func TestCheapLooksComeMoreOften(t *testing.T) {
	for cost, want := range map[float64]struct{ least, most int }{1: {8, 13}, 0.25: {18, 50}} {
		l, n := looks{rate: 1}, 0
		for at := time.Duration(0); at < 10*time.Second; at += 100 * time.Millisecond {
			l.note([]models.Track{person(1, 0.2, 0.2), person(2, 0.8, 0.2)})
			if r := l.ask(at, nil); r != nil {
				n++
				if len(r) > 2 {
					t.Fatalf("asked for %v", r)
				}
				l.looked(at, models.Sight{Parts: []models.Box{{X: 0.2, Y: 0.4, W: 0.05, H: 0.2}, {X: 0.8, Y: 0.4, W: 0.05, H: 0.2}}, Cost: cost})
				l.whole = at
			}
		}
		if n < want.least || n > want.most {
			t.Errorf("%d looks of cost %.2f in 10 s at 1 a second, want %d to %d", n, cost, want.least, want.most)
		}
	}
}

// Without a bound, what lies between those who are asked for is looked at too.
func TestWithoutABoundAllIsLookedAtTogether(t *testing.T) {
	l := looks{}
	l.note([]models.Track{person(1, 0.2, 0.2), person(2, 0.8, 0.2)})
	l.ask(0, nil)
	l.looked(0, models.Sight{Parts: []models.Box{all}, Cost: 1})
	got := l.ask(100*time.Millisecond, nil)
	if want := person(1, 0.2, 0).Box.Union(person(2, 0.8, 0).Box); len(got) != 1 || got[0] != want {
		t.Errorf("asked for %v, want %v", got, want)
	}
}
