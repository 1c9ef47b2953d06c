package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/health"
	"github.com/vedette-cctv/vedette/models"
)

// None of the clips shows a camera in trouble: a light is switched, day dawns, exposure
// dims the whole picture, a tree fills half of it, a man stands before the lens. Nothing
// is told of what moves, which makes it harder; the confirming times are the defaults.
func TestSilentOnFootage(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	for _, clip := range []string{
		"pets/pets_s2l1.mp4",
		"clips/one_by_one_person.mp4",
		"clips/cars_from_above.mp4",
		"clips/mall_corridor.mp4",
		"background/highway/highway.mp4",
		"background/wallflower/Camouflage.mp4",
		"background/wallflower/ForegroundAperture.mp4",
		"background/wallflower/LightSwitch.mp4",
		"background/wallflower/MovedObject.mp4",
		"background/wallflower/TimeOfDay.mp4",
		"background/wallflower/WavingTrees.mp4",
	} {
		t.Run(clip, func(t *testing.T) {
			t.Parallel()
			for _, e := range watch(newDetector(rules()), real(t, clip)) {
				t.Errorf("%s %s from %s: %v", e.Rule.Kind, e.Phase, e.Start.Media, e.Why)
			}
		})
	}
}

// What happens to a camera is found on real footage as on drawn, and begins and ends where
// it should.
func TestTroubleOnFootage(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of footage in one goroutine")
	}
	for _, clip := range []struct {
		name     string
		from, to float64 // seconds
	}{
		{"clips/one_by_one_person.mp4", 40, 100},
		{"pets/pets_s2l1.mp4", 30, 90},
		{"background/wallflower/TimeOfDay.mp4", 60, 120},
		{"background/wallflower/ForegroundAperture.mp4", 20, 80},
		{"background/highway/highway.mp4", 15, 55},
	} {
		t.Run(clip.name, func(t *testing.T) {
			t.Parallel()
			cases := []struct {
				kind   models.Kind
				change change
				*health.Detector
				events []models.Event
			}{
				{kind: models.KindFrozen, change: freeze()},
				{kind: models.KindBlank, change: fill(whole, 16, 0, 1)},
				{kind: models.KindCovered, change: fill(whole, 90, 30, 2)},
				{kind: models.KindCovered, change: fill(middle(0.8), 40, 10, 2)},
				{kind: models.KindDefocused, change: blur(0.01, 2)},
				{kind: models.KindMoved, change: turn(0.1, -0.05)},
				{kind: models.KindMoved, change: turn(0.7, 0.3)},
			}
			for i := range cases {
				cases[i].Detector = newDetector(rules())
			}
			for f := range thin(real(t, clip.name)) { // decoded once for all
				for i := range cases {
					for f := range spoil(slices.Values([]models.Frame{f}), clip.from, clip.to, cases[i].change) {
						cases[i].events = append(cases[i].events, cases[i].Process(f, 0)...)
					}
				}
			}
			for i, c := range cases {
				events := append(c.events, c.Flush()...)
				if len(events) != 2 {
					t.Errorf("case %d: got %d events, want one that begins and ends: %q", i, len(events), told(events))
					continue
				}
				e := events[1]
				confirmed := e.Rule.For.Seconds()
				if e.Rule.Kind != c.kind || !near(e.Start, clip.from, 2.5) || !near(e.Alarm, clip.from+confirmed, 3) || !near(e.End, clip.to, 1.5) {
					t.Errorf("case %d: got %q, want %s %g %g %g", i, told(events), c.kind, clip.from, clip.from+confirmed, clip.to)
				}
			}
		})
	}
}

func near(at models.Instant, seconds, tolerance float64) bool {
	d := at.Media - time.Duration(seconds*float64(time.Second))
	return d.Abs() <= time.Duration(tolerance*float64(time.Second))
}
