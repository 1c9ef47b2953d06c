package detectors_test

import (
	"bytes"
	"errors"
	"image"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// middle is a zone on the floor in the middle of a drawn scene.
var middle = models.Polygon{{X: 0.35, Y: 0.55}, {X: 0.65, Y: 0.55}, {X: 0.65, Y: 0.95}, {X: 0.35, Y: 0.95}}

func inMiddle(rules ...models.Rule) models.Watch {
	return models.Watch{Camera: "scene", ConfigHash: "c1", Zones: []models.Zone{{ID: "middle", Polygon: middle, Rules: rules}}}
}

func loitering(dwell time.Duration) models.Rule {
	return models.Rule{Kind: models.KindLoitering, Dwell: dwell, Grace: 2 * time.Second}
}

var moving = models.Rule{Kind: models.KindMotion, Grace: 2 * time.Second}

// visitor walks in from the left, stays in the middle, and walks out to the right.
func visitor(arrive, leave time.Duration) scene.Actor {
	return scene.Actor{Stops: []scene.Stop{
		{At: arrive - 3*time.Second, Foot: models.Point{X: -0.05, Y: 0.8}},
		{At: arrive, Foot: models.Point{X: 0.37, Y: 0.8}},
		{At: arrive + time.Second, Foot: models.Point{X: 0.5, Y: 0.8}},
		{At: leave, Foot: models.Point{X: 0.5, Y: 0.8}},
		{At: leave + 3*time.Second, Foot: models.Point{X: 1.05, Y: 0.8}},
	}}
}

func run(t *testing.T, s *scene.Scene, o detectors.Options) ([]models.Event, []detectors.Result) {
	t.Helper()
	c, err := detectors.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var events []models.Event
	var results []detectors.Result
	var last models.Instant
	for f := range s.Frames() {
		r, err := c.Process(f)
		if err != nil {
			t.Fatal(err)
		}
		last = f.At
		events = append(events, r.Events...)
		results = append(results, r)
	}
	return append(events, c.Flush(last)...), results
}

// masks returns the motion mask of each frame.
func masks(t *testing.T, s *scene.Scene, o detectors.Options) []*image.Gray {
	t.Helper()
	c, err := detectors.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Foreground() != nil {
		t.Error("there is a foreground before the first frame")
	}
	var out []*image.Gray
	for f := range s.Frames() {
		if _, err := c.Process(f); err != nil {
			t.Fatal(err)
		}
		out = append(out, c.Foreground())
	}
	return out
}

func began(events []models.Event) []models.Event {
	var out []models.Event
	for _, e := range events {
		if e.Phase == models.PhaseBegan {
			out = append(out, e)
		}
	}
	return out
}

func within(got, want, tolerance time.Duration) bool { return (got - want).Abs() <= tolerance }

func TestLoiterer(t *testing.T) {
	for _, c := range []struct {
		name  string
		scene scene.Scene
		dwell time.Duration
	}{
		{"stands", scene.Scene{Noise: 2}, 10 * time.Second},
		{"stands longer than the background takes to learn", scene.Scene{Noise: 2}, 45 * time.Second},
		{"comes in behind a post", scene.Scene{Noise: 2, Posts: []models.Box{{X: 0.4, Y: 0.2, W: 0.06, H: 0.8}}}, 10 * time.Second},
		{"in rain", scene.Scene{Noise: 2, Rain: 20}, 10 * time.Second},
		{"at night", scene.Scene{Noise: 4, Light: func(time.Duration) float64 { return 0.4 }}, 10 * time.Second},
		{"while clouds pass", scene.Scene{Noise: 2, Light: func(at time.Duration) float64 {
			return 1 + 0.25*math.Sin(2*math.Pi*at.Seconds()/7)
		}}, 10 * time.Second},
		{"while the light is switched off", scene.Scene{Noise: 2, Light: func(at time.Duration) float64 {
			if at > 13*time.Second {
				return 0.3
			}
			return 1
		}}, 10 * time.Second},
		{"before trees", scene.Scene{Noise: 2, Leaves: []models.Box{{X: 0, Y: 0, W: 1, H: 0.4}}}, 10 * time.Second},
		{"under a camera that shakes", scene.Scene{Noise: 2, Shake: 0.7}, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			arrive := 8 * time.Second
			s := c.scene
			s.Seed, s.Length = 3, c.dwell+25*time.Second
			s.Actors = []scene.Actor{visitor(arrive, arrive+c.dwell+5*time.Second)}
			events, _ := run(t, &s, detectors.Options{Watch: inMiddle(loitering(c.dwell))})
			got := began(events)
			if len(got) != 1 {
				t.Fatalf("%d loitering events, want 1", len(got))
			}
			e := got[0]
			if !within(e.Start.Media, arrive, time.Second) {
				t.Errorf("arrival at %v, want %v", e.Start.Media, arrive)
			}
			if !within(e.Alarm.Media, e.Start.Media+c.dwell, 200*time.Millisecond) {
				t.Errorf("alarm at %v, want %v after the arrival at %v", e.Alarm.Media, c.dwell, e.Start.Media)
			}
			end := events[len(events)-1]
			if end.Phase != models.PhaseEnded || end.ID != e.ID || !within(end.End.Media, arrive+c.dwell+6*time.Second, 1500*time.Millisecond) {
				t.Errorf("ended: %s at %v, want the same event's end near %v", end.Phase, end.End.Media, arrive+c.dwell+6*time.Second)
			}
		})
	}
}

func TestWhoIsThereAtTheStartCountsFromTheStart(t *testing.T) {
	s := scene.Scene{Seed: 5, Noise: 2, Length: 20 * time.Second, Actors: []scene.Actor{{Stops: []scene.Stop{
		{At: 0, Foot: models.Point{X: 0.4, Y: 0.8}}, {At: 5 * time.Second, Foot: models.Point{X: 0.6, Y: 0.8}},
		{At: 20 * time.Second, Foot: models.Point{X: 0.6, Y: 0.8}},
	}}}}
	events, _ := run(t, &s, detectors.Options{Watch: inMiddle(loitering(10 * time.Second))})
	got := began(events)
	if len(got) != 1 || got[0].Start.Media != 0 || !within(got[0].Alarm.Media, 10*time.Second, 200*time.Millisecond) {
		t.Errorf("got %+v, want one event from 0 s with its alarm at 10 s", got)
	}
}

// What must not raise anything, however it looks to a background model.
func TestSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	half := func(at time.Duration) float64 {
		if at > 8*time.Second && at < 14*time.Second {
			return 0.35
		}
		return 1
	}
	crate := models.Point{X: 0.5, Y: 0.8}
	for _, c := range []struct {
		name  string
		scene scene.Scene
	}{
		{"nothing", scene.Scene{Noise: 2}},
		{"a noisy sensor", scene.Scene{Noise: 6}},
		{"rain", scene.Scene{Noise: 2, Rain: 25}},
		{"leaves", scene.Scene{Noise: 2, Leaves: []models.Box{{X: 0.3, Y: 0.3, W: 0.4, H: 0.6}}}},
		{"light switched off and on", scene.Scene{Noise: 2, Light: half}},
		{"flicker of a quarter", scene.Scene{Noise: 2, Light: func(at time.Duration) float64 {
			return 1 + 0.25*math.Sin(2*math.Pi*1.3*at.Seconds())
		}}},
		{"dawn", scene.Scene{Noise: 2, Light: func(at time.Duration) float64 { return 0.3 + 0.04*at.Seconds() }}},
		{"a camera that shakes", scene.Scene{Noise: 2, Shake: 1}},
		{"a crate that stands there", scene.Scene{Noise: 2, Actors: []scene.Actor{{Rigid: true, Height: 0.15, Stops: scene.Stay(crate, 0, time.Minute)}}}},
		{"a crate that appears", scene.Scene{Noise: 2, Actors: []scene.Actor{{Rigid: true, Height: 0.15, Stops: scene.Stay(crate, 5*time.Second, time.Minute)}}}},
		{"a crate that disappears", scene.Scene{Noise: 2, Actors: []scene.Actor{{Rigid: true, Height: 0.15, Stops: scene.Stay(crate, 0, 8*time.Second)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.scene
			s.Seed, s.Length = 11, 20*time.Second
			events, results := run(t, &s, detectors.Options{Watch: inMiddle(moving, loitering(5*time.Second))})
			for _, e := range events {
				t.Errorf("%s %s: arrival %v, alarm %v, box %.2f", e.Rule.Kind, e.Phase, e.Start.Media, e.Alarm.Media, e.Box)
			}
			if last := results[len(results)-1]; last.Motion > 0.01 {
				t.Errorf("at the end %.3f of the picture is foreground", last.Motion)
			}
		})
	}
}

func TestTwoWhoCrossAreTwoEvents(t *testing.T) {
	s := scene.Scene{Seed: 2, Noise: 2, Length: 14 * time.Second, Actors: []scene.Actor{
		{Shirt: scene.Red, Stops: scene.Walk(models.Point{X: -0.05, Y: 0.78}, models.Point{X: 1.05, Y: 0.78}, 3*time.Second, 11*time.Second)},
		{Shirt: scene.Blue, Legs: scene.White, Stops: scene.Walk(models.Point{X: 1.05, Y: 0.85}, models.Point{X: -0.05, Y: 0.85}, 3*time.Second, 11*time.Second)},
	}}
	events, _ := run(t, &s, detectors.Options{Watch: inMiddle(moving)})
	got := began(events)
	if len(got) != 2 || got[0].Track == got[1].Track {
		t.Errorf("got %d events, want two of two tracks", len(got))
	}
}

func TestSameFramesSameResults(t *testing.T) {
	s := func() *scene.Scene {
		return &scene.Scene{Seed: 4, Noise: 3, Rain: 5, Shake: 0.5, Length: 15 * time.Second,
			Leaves: []models.Box{{X: 0, Y: 0, W: 0.3, H: 0.4}}, Actors: []scene.Actor{visitor(5*time.Second, 10*time.Second)}}
	}
	o := detectors.Options{Watch: inMiddle(moving, loitering(3*time.Second))}
	e1, r1 := run(t, s(), o)
	e2, r2 := run(t, s(), o)
	if !reflect.DeepEqual(e1, e2) || !reflect.DeepEqual(r1, r2) {
		t.Error("two runs over the same frames differ")
	}
	if !reflect.DeepEqual(masks(t, s(), o), masks(t, s(), o)) {
		t.Error("the masks of two runs over the same frames differ")
	}
	if len(e1) == 0 {
		t.Error("no events to compare")
	}
}

func TestMaskHidesMotion(t *testing.T) {
	s := scene.Scene{Seed: 4, Noise: 2, Length: 14 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 9*time.Second)}}
	w := inMiddle(moving)
	w.Masks = []models.Polygon{{{X: 0, Y: 0.3}, {X: 1, Y: 0.3}, {X: 1, Y: 1}, {X: 0, Y: 1}}}
	events, results := run(t, &s, detectors.Options{Watch: w})
	if len(events) > 0 {
		t.Errorf("%d events under the mask", len(events))
	}
	for i, r := range results {
		if len(r.Detections) > 0 {
			t.Fatalf("frame %d: detections under the mask: %v", i, r.Detections)
		}
	}
}

func TestForegroundCoversThePerson(t *testing.T) {
	s := scene.Scene{Seed: 4, Noise: 2, Length: 8 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 9*time.Second)}}
	shown := masks(t, &s, detectors.Options{Watch: inMiddle()})
	f, truth := s.Frame(65)
	g := shown[65]
	in, out, all := 0, 0, 0
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			p := models.Point{X: (float64(x) + 0.5) / float64(g.Rect.Dx()), Y: (float64(y) + 0.5) / float64(g.Rect.Dy())}
			b := truth[0].Box
			inside := p.X > b.X && p.X < b.X+b.W && p.Y > b.Y && p.Y < b.Y+b.H
			switch {
			case inside:
				all++
				in += int(g.GrayAt(x, y).Y / 255)
			case g.GrayAt(x, y).Y != 0:
				out++
			}
		}
	}
	if in < all*55/100 || out > all/10 {
		t.Errorf("frame of %v: %d of %d pixels of the person's box are foreground, %d outside it", f.At.Media, in, all, out)
	}
	if slices.Contains(shown[3].Pix, 255) {
		t.Error("the empty foreground of an early frame was not its own copy")
	}
}

func TestFrameRateLimit(t *testing.T) {
	s := scene.Scene{FPS: 25, Length: 10 * time.Second}
	w := inMiddle()
	w.FPS = 5
	_, results := run(t, &s, detectors.Options{Watch: w})
	analysed := 0
	for _, r := range results {
		if !r.Skipped {
			analysed++
		}
	}
	if analysed != 50 {
		t.Errorf("%d frames of 10 s analysed, want 50", analysed)
	}
}

func TestStepBackInTime(t *testing.T) {
	s := scene.Scene{Seed: 3, Noise: 2, Length: 20 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 18*time.Second)}}
	c, err := detectors.New(detectors.Options{Watch: inMiddle(loitering(5 * time.Second))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var phases []models.Phase
	for range 2 { // the second time, media time starts again at zero
		for f := range s.Frames() {
			if f.At.Media > 14*time.Second {
				break
			}
			r, err := c.Process(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range r.Events {
				phases = append(phases, e.Phase)
			}
		}
	}
	want := []models.Phase{models.PhaseBegan, models.PhaseEnded, models.PhaseBegan}
	if !reflect.DeepEqual(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
}

func TestPictureSizeChanges(t *testing.T) {
	c, err := detectors.New(detectors.Options{Watch: inMiddle(loitering(8 * time.Second))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	actor := []scene.Actor{visitor(5*time.Second, 30*time.Second)}
	small := scene.Scene{Seed: 3, Noise: 2, Length: 20 * time.Second, Actors: actor}
	large := scene.Scene{Seed: 3, Noise: 2, Length: 40 * time.Second, Width: 640, Height: 480, Actors: actor}
	var events []models.Event
	feed := func(s *scene.Scene, from, to time.Duration) {
		for i := int(from.Seconds() * 10); i < int(to.Seconds()*10); i++ {
			f, _ := s.Frame(i)
			r, err := c.Process(f)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, r.Events...)
		}
	}
	small.Count()
	large.Count()
	feed(&small, 0, 9*time.Second)
	feed(&large, 9*time.Second, 40*time.Second)
	got := began(events)
	if len(got) != 1 || !within(got[0].Start.Media, 5*time.Second, time.Second) {
		t.Errorf("got %d events, want one whose arrival lies before the change: %+v", len(got), got)
	}
}

func TestApplyBetweenFrames(t *testing.T) {
	s := scene.Scene{Seed: 3, Noise: 2, Length: 30 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 25*time.Second)}}
	w := inMiddle(loitering(10 * time.Second))
	c, err := detectors.New(detectors.Options{Watch: w})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var events []models.Event
	for f := range s.Frames() {
		if f.Index == 100 {
			next := inMiddle(loitering(10*time.Second), moving)
			next.Zones = append(next.Zones, models.Zone{ID: "all", Polygon: whole})
			next.Masks = []models.Polygon{{{X: 0.9, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 0.1}}}
			c.Apply(next)
		}
		r, err := c.Process(f)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, r.Events...)
	}
	for _, e := range began(events) {
		if e.Rule.Kind == models.KindLoitering {
			if !within(e.Start.Media, 5*time.Second, time.Second) {
				t.Errorf("the visit starts at %v: Apply made it forget the arrival", e.Start.Media)
			}
			return
		}
	}
	t.Error("no loitering event")
}

func TestUnusablePictures(t *testing.T) {
	c, err := detectors.New(detectors.Options{Watch: inMiddle(moving)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	good := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	short := *good
	short.Cr = short.Cr[:10]
	for name, p := range map[string]*image.YCbCr{
		"none":       nil,
		"1x1":        image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio420),
		"empty":      image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420),
		"16384 wide": {Rect: image.Rect(0, 0, 16384, 16), YStride: 16384, CStride: 8192, SubsampleRatio: image.YCbCrSubsampleRatio420},
		"4:4:4":      image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio444),
		"short":      &short,
	} {
		if _, err := c.Process(models.Frame{Picture: p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for i, size := range []image.Point{{64, 48}, {16, 16}, {17, 33}, {8192, 16}, {8192, 4320}, {64, 48}} {
		p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for k := range 3 {
			at := time.Duration(10*i+k) * 100 * time.Millisecond
			if _, err := c.Process(models.Frame{Picture: p, At: models.Instant{Media: at}}); err != nil {
				t.Errorf("%v: %v", size, err)
			}
		}
	}
}

func TestUnknownRuleIsRefused(t *testing.T) {
	if _, err := detectors.New(detectors.Options{Watch: inMiddle(models.Rule{Kind: "levitation"})}); err == nil {
		t.Error("no error")
	}
}

// oracle is an object detector that knows the truth of a scene.
type oracle struct {
	scene *scene.Scene
	sign  models.Box
	fail  error
}

func (o oracle) Detect(f models.Frame, _ []models.Box) (models.Sight, error) {
	_, truth := o.scene.Frame(f.Index)
	if o.fail != nil {
		return models.Sight{}, o.fail
	}
	out := []models.Detection{{Box: o.sign, Label: "person", Score: 0.55, By: models.ByObject},
		{Box: models.Box{X: math.NaN(), W: 1, H: 1}, Label: "person", Score: math.NaN(), By: models.ByObject}}
	for _, tr := range truth {
		if tr.Visible > 0.5 {
			out = append(out, models.Detection{Box: tr.Box, Label: "person", Score: 0.9, By: models.ByObject})
		}
	}
	return models.Sight{Found: out, Parts: []models.Box{{W: 1, H: 1}}, Cost: 1}, nil
}

func TestObjectsAndMotionAreOneThing(t *testing.T) {
	s := &scene.Scene{Seed: 3, Noise: 2, Length: 20 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 14*time.Second)}}
	rule := loitering(5 * time.Second)
	rule.Labels, rule.MinScore = []string{"person"}, 0.5
	w := inMiddle(rule)
	// A sign in the zone that scores as a person on every frame.
	sign := models.Box{X: 0.6, Y: 0.62, W: 0.04, H: 0.1}
	w.Objects = true
	events, results := run(t, s, detectors.Options{Watch: w, Objects: oracle{scene: s, sign: sign}})
	got := began(events)
	if len(got) != 1 || got[0].Label != "person" || math.Abs(got[0].Score-0.9) > 0.05 {
		t.Errorf("got %+v, want one event of a person", got)
	}
	for i, r := range results {
		confirmed := 0
		for _, tr := range r.Tracks {
			if tr.State == models.TrackConfirmed {
				confirmed++
			}
		}
		if confirmed > 1 {
			t.Fatalf("frame %d: %d confirmed tracks of one person", i, confirmed)
		}
	}
	w.Objects = false
	if events, _ := run(t, s, detectors.Options{Watch: w, Objects: oracle{scene: s}}); len(events) > 0 {
		t.Error("objects were looked for although the watch does not ask for them")
	}
}

func TestObjectDetectorThatFails(t *testing.T) {
	s := &scene.Scene{Seed: 3, Noise: 2, Length: 14 * time.Second, Actors: []scene.Actor{visitor(5*time.Second, 9*time.Second)}}
	w := inMiddle(moving)
	w.Objects = true
	var log bytes.Buffer
	events, results := run(t, s, detectors.Options{
		Watch: w, Objects: oracle{scene: s, fail: errors.New("no session")},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if len(events) == 0 || results[0].Look != detectors.LookFailed {
		t.Errorf("%d events, failed %v; want motion alone to go on", len(events), results[0].Look == detectors.LookFailed)
	}
	if n := strings.Count(log.String(), "no session"); n != 1 {
		t.Errorf("the failure is logged %d times, want once", n)
	}
}
