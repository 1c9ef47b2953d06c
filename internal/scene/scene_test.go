package scene_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

func walker() *scene.Scene {
	return &scene.Scene{
		Length: 4 * time.Second, Seed: 7, Noise: 2, Rain: 3, Shake: 0.5,
		Actors: []scene.Actor{{Stops: scene.Walk(models.Point{X: 0.2, Y: 0.8}, models.Point{X: 0.8, Y: 0.8}, time.Second, 3*time.Second)}},
		Posts:  []models.Box{{X: 0.48, Y: 0, W: 0.04, H: 1}},
	}
}

func TestSameSceneSamePictures(t *testing.T) {
	a, b := walker(), walker()
	for _, i := range []int{0, 15, 39, 2} {
		f, _ := a.Frame(i)
		g, _ := b.Frame(i)
		if !bytes.Equal(f.Picture.Y, g.Picture.Y) || !bytes.Equal(f.Picture.Cr, g.Picture.Cr) {
			t.Errorf("frame %d differs between two runs", i)
		}
	}
}

func TestTruthFollowsTheStops(t *testing.T) {
	s := walker()
	n := 0
	for f, truth := range s.Frames() {
		n++
		at := f.At.Media
		if there := at >= time.Second && at <= 3*time.Second; there != (len(truth) == 1) {
			t.Fatalf("at %v: %d actors, want present = %v", at, len(truth), there)
		}
		if len(truth) == 0 {
			continue
		}
		want := 0.2 + 0.6*(at-time.Second).Seconds()/2
		if got := truth[0].Box.Foot(); math.Abs(got.X-want) > 1e-9 || got.Y != 0.8 {
			t.Errorf("at %v the foot is at %v, want (%.3f, 0.8)", at, got, want)
		}
	}
	if n != 40 {
		t.Errorf("%d frames, want 40", n)
	}
}

// What is drawn differs from the empty scene where the truth says, and nowhere else.
func TestActorIsDrawnInItsBox(t *testing.T) {
	s := walker()
	s.Noise, s.Rain, s.Shake = 0, 0, 0
	empty, _ := s.Frame(0)
	f, truth := s.Frame(12)
	inside, outside := 0, 0
	for y := range f.Picture.Rect.Dy() {
		for x := range f.Picture.Rect.Dx() {
			if f.Picture.YCbCrAt(x, y).Y == empty.Picture.YCbCrAt(x, y).Y {
				continue
			}
			p := models.Point{X: (float64(x) + 0.5) / 320, Y: (float64(y) + 0.5) / 240}
			b := truth[0].Box
			if p.X >= b.X && p.X <= b.X+b.W && p.Y >= b.Y && p.Y <= b.Y+b.H {
				inside++
			} else {
				outside++
			}
		}
	}
	if area := truth[0].Box.Area() * 320 * 240; outside > 0 || float64(inside) < 0.4*area {
		t.Errorf("%d changed pixels inside a box of %.0f, %d outside", inside, area, outside)
	}
}

func TestPostHidesPartOfTheActor(t *testing.T) {
	s := walker()
	least := 1.0
	for _, truth := range s.Frames() {
		for _, tr := range truth {
			least = min(least, tr.Visible)
		}
	}
	if least > 0.7 {
		t.Errorf("the post hides at most %.2f of the actor", 1-least)
	}
}

func TestLightScalesThePicture(t *testing.T) {
	s := &scene.Scene{Length: 2 * time.Second, Light: func(at time.Duration) float64 {
		if at >= time.Second {
			return 0.5
		}
		return 1
	}}
	a, _ := s.Frame(0)
	b, _ := s.Frame(15)
	sum := func(p []uint8) (n int) {
		for _, v := range p {
			n += int(v)
		}
		return n
	}
	if ratio := float64(sum(b.Picture.Y)) / float64(sum(a.Picture.Y)); math.Abs(ratio-0.5) > 0.01 {
		t.Errorf("half the light gives %.3f of the picture", ratio)
	}
}
