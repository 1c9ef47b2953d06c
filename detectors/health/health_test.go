package health_test

import (
	"image"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestTrouble(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	for _, c := range []struct {
		name string
		film film
		want []string // kind, start, alarm and end in seconds
	}{
		{"nothing", drawn(60 * time.Second), nil},
		{"frozen", spoil(drawn(90*time.Second), 20, 70, freeze()), []string{"frozen 20 50 69.5"}},
		{"frozen for too short", spoil(drawn(60*time.Second), 20, 45, freeze()), nil},
		{"black", spoil(drawn(60*time.Second), 20, 40, fill(whole, 0, 0, 0)), []string{"blank 20 25 39.5"}},
		{"black, with a sensor's noise", spoil(drawn(60*time.Second), 20, 40, fill(whole, 10, 0, 10)), []string{"blank 20 25 39.5"}},
		{"blue screen", spoil(drawn(60*time.Second), 20, 40, fill(whole, 41, 0, 0)), []string{"blank 20 25 39.5"}},
		{"white", spoil(drawn(60*time.Second), 20, 40, fill(whole, 250, 0, 2)), []string{"blank 20 25 39.5"}},
		{"hand", spoil(drawn(60*time.Second), 20, 40, fill(whole, 70, 40, 3)), []string{"covered 20 25 39.5"}},
		{"dark cloth over most of it", spoil(drawn(60*time.Second), 20, 40, fill(middle(0.8), 25, 10, 2)), []string{"covered 20 25 39.5"}},
		{"bright paint over most of it", spoil(drawn(60*time.Second), 20, 40, fill(middle(0.7), 230, 10, 2)), []string{"covered 20 25 39.5"}},
		{"hand for three seconds", spoil(drawn(60*time.Second), 20, 23, fill(whole, 70, 40, 3)), nil},
		{"hand at once", spoil(drawn(60*time.Second), 0, 40, fill(whole, 70, 40, 3)), nil},
		{"out of focus", spoil(drawn(90*time.Second), 20, 70, blur(0.01, 3)), []string{"defocused 20 50 69.5"}},
		{"far out of focus", spoil(drawn(90*time.Second), 20, 70, blur(0.04, 3)), []string{"defocused 20 50 69.5"}},
		{"slightly soft", spoil(drawn(90*time.Second), 20, 70, soften(0.3)), nil},
		{"turned a little", spoil(drawn(60*time.Second), 20, 45, turn(0.08, 0.03)), []string{"moved 20 30 44.5"}},
		{"turned far", spoil(drawn(60*time.Second), 20, 45, turn(0.6, 0.4)), []string{"moved 20 30 44.5"}},
		{"knocked and back within For", spoil(drawn(60*time.Second), 20, 28, turn(0.6, 0.4)), nil},
		{"trembling", spoil(drawn(60*time.Second), 20, 60, shake(3)), nil},
		{"lorry before half of it", spoil(drawn(60*time.Second), 20, 60, lorry(models.Box{X: 0, Y: 0.1, W: 0.5, H: 0.9})), nil},
		{"light off and on", spoil(drawn(60*time.Second), 20, 40, light(0.25, 6)), nil},
		{"light off but for a little, and on", spoil(drawn(60*time.Second), 20, 40, light(0.1, 3)), nil},
		{"light off at full gain, but for a screen", spoil(spoil(drawn(60*time.Second), 20, 40, light(0.25, 12)), 20, 40, fill(models.Box{X: 0.6, Y: 0.4, W: 0.25, H: 0.3}, 150, 20, 12)), nil},
		{"more light", spoil(drawn(60*time.Second), 20, 40, light(1.5, 3)), nil},
		{"a noisy night", spoil(drawn(90*time.Second), 0, 90, light(0.3, 8)), nil},
		{"a lamp that flickers", spoil(drawn(90*time.Second), 15, 90, flicker(0.25)), nil},
		{"dusk", spoil(drawn(90*time.Second), 15, 90, dusk(150)), nil},
		{"covered in a noisy night", spoil(spoil(drawn(60*time.Second), 0, 60, light(0.4, 8)), 20, 40, fill(middle(0.8), 60, 20, 8)), []string{"covered 20 25 39.5"}},
		{"infrared", spoil(drawn(90*time.Second), 20, 80, infrared()), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			events := watch(newDetector(rules()), c.film)
			if got := told(events); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
				for _, e := range events {
					t.Logf("%s %s %v", e.Phase, e.Rule.Kind, e.Why)
				}
			}
		})
	}
}

// after puts footage after footage on one time axis.
func after(films ...film) film {
	return func(yield func(models.Frame) bool) {
		var offset, last time.Duration
		for _, f := range films {
			for fr := range f {
				fr.At = fr.At.Add(offset)
				last = fr.At.Media
				if !yield(fr) {
					return
				}
			}
			offset = last + 500*time.Millisecond
		}
	}
}

// A new view that has stood for ten minutes after its alarm is the view: the incident is
// over, and covering it is noticed. Turned back, the camera is at home again at once.
func TestNewViewIsAdopted(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	elsewhere := spoil(drawn(90*time.Second), 0, 1000, turn(0.6, 0.4))
	films := []film{drawn(30 * time.Second)}
	for range 8 { // 12 minutes
		films = append(films, elsewhere)
	}
	covered := spoil(elsewhere, 20, 40, fill(whole, 70, 40, 3))
	films = append(films, covered, drawn(60*time.Second))
	got := told(watch(newDetector(rules()), after(films...)))
	want := []string{"moved 30 40 640", "covered 770 775 789.5"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Trouble that turns into other trouble: the first is over when the second is sure.
func TestOneTroubleAtATime(t *testing.T) {
	hand := spoil(drawn(20*time.Second), 0, 20, fill(whole, 70, 40, 3))
	black := spoil(drawn(20*time.Second), 0, 20, fill(whole, 0, 0, 1))
	turned := spoil(drawn(30*time.Second), 0, 30, turn(0.6, 0.4))
	for _, c := range []struct {
		name string
		film film
		want []string
	}{
		{"a hand that is pressed on", after(drawn(30*time.Second), hand, black, drawn(30*time.Second)), []string{"covered 30 35 49.5"}},
		{"tape that is pulled off slowly", after(drawn(30*time.Second), black, hand, drawn(30*time.Second)), []string{"blank 30 35 49.5"}},
		{"covered, then turned", after(drawn(30*time.Second), hand, turned, drawn(30*time.Second)), []string{"covered 30 35 49.5", "moved 50 60 79.5"}},
	} {
		if got := told(watch(newDetector(rules()), c.film)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Street lamps in fog: nearly all of the picture is of one shade, but there is a picture.
func TestLampsInFogAreNotBlank(t *testing.T) {
	fog := fill(whole, 35, 0, 3)
	lamps := func(p *image.YCbCr) {
		fog(p)
		for _, x := range []int{60, 160, 260} {
			for dy := -25; dy <= 25; dy++ {
				for dx := -25; dx <= 25; dx++ {
					at := p.YOffset(x+dx, 90+dy)
					p.Y[at] = clamp(float64(p.Y[at]) + 180*math.Exp(-float64(dx*dx+dy*dy)/120))
				}
			}
		}
	}
	if got := told(watch(newDetector(rules()), spoil(drawn(60*time.Second), 0, 60, lamps))); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

// Rules can be taken away and changed between two frames; what is known of the view stays.
func TestApply(t *testing.T) {
	d := newDetector(rules())
	hand := fill(whole, 70, 40, 3)
	var events []models.Event
	for f := range spoil(drawn(90*time.Second), 20, 80, hand) {
		switch f.At.Media {
		case 30 * time.Second:
			d.Apply(models.Watch{Camera: "gate", ConfigHash: "none"})
		case 40 * time.Second:
			d.Apply(models.Watch{Camera: "gate", ConfigHash: "new", Health: []models.Rule{{Kind: models.KindCovered, For: 8 * time.Second}}})
		}
		events = append(events, d.Process(f, 0)...)
		if f.At.Media == 28*time.Second && !slices.Equal(d.Troubles(), []models.Kind{models.KindCovered}) {
			t.Errorf("got troubles %q", d.Troubles())
		}
	}
	events = append(events, d.Flush()...)
	if len(events) != 4 {
		t.Fatalf("got %q", told(events))
	}
	if e := events[1]; e.Phase != models.PhaseEnded || e.Config != "hash" || e.Why[len(e.Why)-1].Note != "no longer looked for" {
		t.Errorf("got %+v", e)
	}
	if e := events[2]; e.Config != "new" || e.Rule.For != 8*time.Second || e.Alarm.Media < 48*time.Second {
		t.Errorf("got %+v", e)
	}
}

// A picture of another size, a step back in time and a long pause start anew; whatever the
// size, nothing worse happens.
func TestBreaks(t *testing.T) {
	size := func(w, h int) change {
		return func(p *image.YCbCr) { *p = *image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420) }
	}
	hand := func(f film) film { return spoil(f, 20, 1000, fill(whole, 70, 40, 3)) }
	for _, c := range []struct {
		name string
		film film
		want []string
	}{
		{"another size while covered", after(hand(drawn(40*time.Second)), spoil(drawn(10*time.Second), 0, 10, size(200, 150))), []string{"covered 20 25 39.5", "blank 40 45 49.5"}},
		{"one pixel", spoil(drawn(60*time.Second), 20, 40, size(1, 1)), nil},
		{"from one pixel", spoil(drawn(60*time.Second), 0, 40, size(1, 1)), nil},
		{"back in time", func(yield func(models.Frame) bool) {
			for range 3 {
				for f := range drawn(22 * time.Second) {
					if !yield(f) {
						return
					}
				}
			}
		}, nil},
		{"stopped while covered for too short", hand(drawn(23 * time.Second)), nil},
	} {
		if got := told(watch(newDetector(rules()), c.film)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// An event carries why it is one: what was compared, over time.
func TestWhy(t *testing.T) {
	for _, c := range []struct {
		kind   models.Kind
		change change
		fact   string
	}{
		{models.KindFrozen, freeze(), "unchanged"},
		{models.KindBlank, fill(whole, 0, 0, 0), "spread"},
		{models.KindCovered, fill(whole, 70, 40, 3), "view in place"},
		{models.KindDefocused, blur(0.01, 3), "sharpness"},
		{models.KindMoved, turn(0.08, 0.03), "view in place"},
	} {
		events := watch(newDetector(rules()), spoil(drawn(90*time.Second), 20, 70, c.change))
		if len(events) != 2 || events[0].Phase != models.PhaseBegan || events[0].ID != events[1].ID {
			t.Fatalf("%s: got %q", c.kind, told(events))
		}
		e := events[0]
		if e.Rule.Kind != c.kind || e.Camera != "gate" || e.Config != "hash" || e.Zone != "" || e.Track != 0 || e.Score <= 0 || e.Score > 1 {
			t.Errorf("%s: got %+v", c.kind, e)
		}
		first := e.Why[0]
		if first.Name != c.fact || first.Unit == "" || math.IsNaN(first.Observed) || (first.Observed < first.Threshold) != (c.kind != models.KindFrozen) {
			t.Errorf("%s: got %+v", c.kind, first)
		}
		curve := events[1].Curve
		if n := len(curve); n < 20 || n > 64 || curve[0].At.Media >= e.Start.Media && c.kind != models.KindFrozen || curve[n-1].At.Media < 70*time.Second {
			t.Errorf("%s: the curve has %d points from %s to %s", c.kind, n, curve[0].At.Media, curve[n-1].At.Media)
		}
		for i, s := range curve {
			if math.IsNaN(s.Value) || i > 0 && s.At.Media <= curve[i-1].At.Media {
				t.Errorf("%s: point %d of the curve is %+v", c.kind, i, s)
			}
		}
	}
	// Which way the view has gone can be read.
	moved := watch(newDetector(rules()), spoil(drawn(60*time.Second), 20, 50, turn(0.08, 0)))
	aside := moved[0].Why[len(moved[0].Why)-2]
	if aside.Name != "view found aside" || !strings.Contains(aside.Note, "8 % left") {
		t.Errorf("got %+v", aside)
	}
}
