package motion

import (
	"math"
	"slices"
	"testing"
	"time"

	drawn "github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// crate is something that stands on the floor from one time to another.
func crate(at models.Point, from, to time.Duration) drawn.Actor {
	return drawn.Actor{Stops: drawn.Stay(at, from, to), Rigid: true, Height: 0.15, Width: 0.12, Shirt: drawn.Blue, Legs: drawn.Blue}
}

func walker(from, to models.Point, at, until time.Duration, shirt drawn.Colour) drawn.Actor {
	return drawn.Actor{Stops: drawn.Walk(from, to, at, until), Shirt: shirt, Height: 0.35}
}

// life is when a change was first reported, when last, and what it was then.
type life struct {
	models.Static
	first time.Duration
}

// lives runs a detector over a scene and returns the changes that it reported.
func lives(t *testing.T, d *Detector, s *drawn.Scene, guide func(models.Frame, []drawn.Truth) Guide) []life {
	t.Helper()
	var out []life
	for f, truth := range s.Frames() {
		var g Guide
		if guide != nil {
			g = guide(f, truth)
		}
		r, err := d.Detect(f, g)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Statics {
			k := slices.IndexFunc(out, func(l life) bool { return l.ID == c.ID })
			if k < 0 {
				out = append(out, life{first: f.At.Media})
				k = len(out) - 1
			}
			out[k].Static = c
		}
	}
	return out
}

func seconds(d time.Duration) float64 { return d.Seconds() }

func TestStatics(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	place := models.Point{X: 0.4, Y: 0.8}
	left, right := models.Point{X: -0.1, Y: 0.85}, models.Point{X: 1.1, Y: 0.85}
	type want struct {
		since, last float64 // seconds
		removed     bool
	}
	for _, c := range []struct {
		name  string
		scene drawn.Scene
		guide func(models.Frame, []drawn.Truth) Guide
		masks []models.Polygon
		want  []want
	}{
		{
			name: "put down by somebody who walks on, and left",
			scene: drawn.Scene{Length: 40 * time.Second, Actors: []drawn.Actor{
				crate(place, 14*time.Second, time.Hour),
				walker(left, right, 11*time.Second, 18*time.Second, drawn.Red),
			}},
			want: []want{{since: 15, last: 39.9}},
		},
		{
			name: "taken back",
			scene: drawn.Scene{Length: 50 * time.Second, Actors: []drawn.Actor{
				crate(place, 14*time.Second, 35*time.Second),
			}},
			want: []want{{since: 14, last: 35}},
		},
		{
			name: "people pass in front of it",
			scene: drawn.Scene{Length: 50 * time.Second, Actors: []drawn.Actor{
				crate(place, 14*time.Second, time.Hour),
				walker(left, right, 20*time.Second, 25*time.Second, drawn.Red),
				walker(right, left, 24*time.Second, 31*time.Second, drawn.Dark),
				walker(left, right, 30*time.Second, 36*time.Second, drawn.Green),
				walker(left, right, 31*time.Second, 37*time.Second, drawn.White),
			}},
			want: []want{{since: 14, last: 49.9}},
		},
		{
			name: "stood there from the first, and is taken away",
			scene: drawn.Scene{Length: 40 * time.Second, Actors: []drawn.Actor{
				crate(place, 0, 20*time.Second),
			}},
			want: []want{{since: 20, last: 39.9, removed: true}},
		},
		{
			name: "somebody stands, tracked, and goes",
			scene: drawn.Scene{Length: 50 * time.Second, Actors: []drawn.Actor{
				{Height: 0.35, Shirt: drawn.Red, Stops: []drawn.Stop{{At: 10 * time.Second, Foot: left}, {At: 13 * time.Second, Foot: place},
					{At: 18 * time.Second, Foot: models.Point{X: 0.41, Y: 0.8}}, {At: 24 * time.Second, Foot: place},
					{At: 30 * time.Second, Foot: models.Point{X: 0.41, Y: 0.8}}, {At: 34 * time.Second, Foot: right}}},
			}},
			guide: func(_ models.Frame, truth []drawn.Truth) (g Guide) {
				for _, tr := range truth {
					g.Protect = append(g.Protect, tr.Box)
				}
				return g
			},
		},
		{
			name: "the owner stands by it, tracked, and then leaves it",
			scene: drawn.Scene{Length: 50 * time.Second, Actors: []drawn.Actor{
				crate(place, 14*time.Second, time.Hour),
				{Height: 0.35, Shirt: drawn.Red, Stops: []drawn.Stop{{At: 10 * time.Second, Foot: left}, {At: 13 * time.Second, Foot: models.Point{X: 0.34, Y: 0.82}},
					{At: 30 * time.Second, Foot: models.Point{X: 0.36, Y: 0.82}}, {At: 34 * time.Second, Foot: right}}},
			}},
			guide: func(_ models.Frame, truth []drawn.Truth) (g Guide) {
				for _, tr := range truth {
					if tr.Actor == 1 {
						g.Protect = append(g.Protect, tr.Box.Union(models.Box{X: tr.Box.X, Y: tr.Box.Y, W: tr.Box.W + 0.08, H: tr.Box.H}))
					}
				}
				return g
			},
			want: []want{{since: 31, last: 49.9}},
		},
		{
			name:  "nothing, under noise",
			scene: drawn.Scene{Length: 30 * time.Second, Noise: 10},
		},
		{
			name: "walkers only",
			scene: drawn.Scene{Length: 40 * time.Second, Actors: []drawn.Actor{
				walker(left, right, 8*time.Second, 14*time.Second, drawn.Red),
				walker(right, left, 12*time.Second, 20*time.Second, drawn.White),
				walker(left, right, 15*time.Second, 30*time.Second, drawn.Dark),
			}},
		},
		{
			name: "clouds come and go",
			scene: drawn.Scene{Length: 60 * time.Second, Light: func(at time.Duration) float64 {
				return 1 + 0.3*math.Sin(at.Seconds()/5)
			}},
		},
		{
			name: "the light is switched while it lies there",
			scene: drawn.Scene{Length: 60 * time.Second, Light: func(at time.Duration) float64 {
				if at > 30*time.Second {
					return 0.4
				}
				return 1
			}, Actors: []drawn.Actor{crate(place, 14*time.Second, time.Hour)}},
			want: []want{{since: 14, last: 59.9}},
		},
		{
			name:  "in a mask",
			scene: drawn.Scene{Length: 30 * time.Second, Actors: []drawn.Actor{crate(place, 14*time.Second, time.Hour)}},
			masks: []models.Polygon{{{X: 0.2, Y: 0.5}, {X: 0.6, Y: 0.5}, {X: 0.6, Y: 1}, {X: 0.2, Y: 1}}},
		},
		{
			name:  "leaves move without cease",
			scene: drawn.Scene{Length: 60 * time.Second, Leaves: []models.Box{{X: 0.6, Y: 0.1, W: 0.35, H: 0.4}}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := New(Options{Masks: c.masks})
			defer d.Close()
			c.scene.Seed, c.scene.FPS = 1, 6
			if c.scene.Noise == 0 {
				c.scene.Noise = 2
			}
			got := lives(t, d, &c.scene, c.guide)
			for _, l := range got {
				t.Logf("%d: %v, since %v, first reported %v, last seen %v, removed %v, score %.2f", l.ID, l.Box, l.Since.Media, l.first, l.Last.Media, l.Removed, l.Score)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d changes, want %d", len(got), len(c.want))
			}
			for k, w := range c.want {
				l := got[k]
				if math.Abs(seconds(l.Since.Media)-w.since) > 1.5 || math.Abs(seconds(l.Last.Media)-w.last) > 1 || l.Removed != w.removed {
					t.Errorf("since %v, last %v, removed %v; want %+v", l.Since.Media, l.Last.Media, l.Removed, w)
				}
				if l.first-l.Since.Media > 4*time.Second && c.guide == nil {
					t.Errorf("reported %v after it came to rest", l.first-l.Since.Media)
				}
				truth := models.Box{X: place.X - 0.06, Y: place.Y - 0.15, W: 0.12, H: 0.15}
				if l.Box.IoU(truth) < 0.7 {
					t.Errorf("box %v, want %v", l.Box, truth)
				}
				if l.Score < 0.5 || l.Score > 1 {
					t.Errorf("score %g", l.Score)
				}
				if !l.Since.Wall.Equal(l.Last.Wall.Add(l.Since.Media - l.Last.Media)) {
					t.Errorf("wall and media time of %v and %v do not agree", l.Since, l.Last)
				}
			}
		})
	}
}

// What lies there for hours is reported for acceptAfter and is part of the scene then.
func TestStaticIsAcceptedInTheEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	s := drawn.Scene{Seed: 1, Noise: 2, Length: 20 * time.Second, Actors: []drawn.Actor{crate(models.Point{X: 0.5, Y: 0.8}, 12*time.Second, time.Hour)}}
	d := New(Options{})
	defer d.Close()
	lives(t, d, &s, nil)
	f, _ := s.Frame(s.Count() - 1)
	var last time.Duration
	for at := 20 * time.Second; at < acceptAfter+time.Minute; at += 2 * time.Second {
		f.At.Media = at
		r, err := d.Detect(f, Guide{})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Statics) > 1 {
			t.Fatalf("at %v there are %d", at, len(r.Statics))
		}
		if len(r.Statics) == 1 {
			if r.Statics[0].ID != 1 || r.Statics[0].Last.Media != at && at-r.Statics[0].Last.Media > 2*time.Second {
				t.Fatalf("at %v it is %+v", at, r.Statics[0])
			}
			last = at
		}
	}
	if got := last - 12*time.Second; got < acceptAfter || got > acceptAfter+5*time.Second {
		t.Errorf("it was reported for %v, want %v", got, acceptAfter)
	}
}
