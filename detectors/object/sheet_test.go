package object

import (
	"image"
	"math"
	"testing"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// Cut-outs lie in the input and not over one another, show all that was asked for, at the
// size that the whole picture would be shown at, and cost less.
func TestCutOuts(t *testing.T) {
	largest := image.Pt(416, 416)
	at := func(x, y float64) models.Box { return models.Box{X: x, Y: y, W: .04, H: .12} }
	crowd := func(n int) (all []models.Box) {
		for i := range n {
			all = append(all, at(float64(i%8)/8, float64(i/8)/5))
		}
		return all
	}
	for _, tc := range []struct {
		name    string
		picture image.Point
		regions []models.Box
		views   int
		most    float64 // cost, as a share of the whole picture's
	}{
		{"one", image.Pt(640, 360), []models.Box{at(.5, .5)}, 1, .25},
		{"two side by side are one", image.Pt(640, 360), []models.Box{at(.5, .5), at(.53, .5)}, 1, .25},
		{"two far apart", image.Pt(640, 360), []models.Box{at(.05, .5), at(.9, .2)}, 2, .15},
		{"a chain is one", image.Pt(640, 360), []models.Box{at(.05, .5), at(.15, .5), at(.1, .5), at(.9, .1)}, 2, .2},
		{"five people in a yard", image.Pt(640, 360), []models.Box{at(.05, .5), at(.9, .2), at(.3, .3), at(.6, .7), at(.5, .1)}, 5, .4},
		{"upright", image.Pt(360, 640), []models.Box{at(.05, .5), at(.9, .2), at(.3, .3)}, 3, .3},
		{"at the edges", image.Pt(640, 360), []models.Box{at(-.02, -.05), at(.99, .95)}, 2, .15},
		{"more than are cut out", image.Pt(640, 360), crowd(40), 1, 1},
		{"one of them fills the picture", image.Pt(640, 360), []models.Box{{W: 1, H: 1}, at(.5, .5)}, 1, 1},
		{"one is nowhere", image.Pt(640, 360), []models.Box{at(.05, .5), at(.9, .2), {}, {X: math.NaN(), W: 1, H: 1}}, 2, .15},
		{"a picture smaller than the input", image.Pt(100, 60), []models.Box{at(.05, .5), at(.9, .2)}, 2, .3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			views, whole := choose(tc.picture, largest, tc.regions, true), whole(tc.picture, largest, true)
			if got := views[0].cost() / whole.cost(); len(views) != tc.views || got > tc.most {
				t.Fatalf("%d views for %.2f of the cost, want %d for at most %.2f", len(views), got, tc.views, tc.most)
			}
			var places []image.Rectangle
			for _, v := range views {
				place := image.Rectangle{Min: v.at, Max: v.at.Add(v.size)}
				if !place.In(image.Rectangle{Max: v.input}) || v.input != views[0].input || v.input.X > largest.X || v.input.Y > largest.Y ||
					v.input.X%coarsest+v.input.Y%coarsest != 0 || !v.part.In(image.Rectangle{Max: tc.picture}) || v.part.Min.X%2+v.part.Min.Y%2 != 0 {
					t.Errorf("%+v", v)
				}
				if len(views) > 1 && math.Abs(v.scale-whole.scale) > 1e-9 {
					t.Errorf("scale %.3f, the whole picture's is %.3f", v.scale, whole.scale)
				}
				for _, o := range places {
					if o.Overlaps(place) {
						t.Errorf("%v lies over %v", place, o)
					}
				}
				places = append(places, place)
			}
			for _, r := range tc.regions {
				if r = r.Clamp(); r.Empty() {
					continue
				}
				in := 0
				for _, v := range views {
					if r.Intersect(v.asked).Area() > 0.999*r.Area() {
						in++
					}
				}
				if in != 1 {
					t.Errorf("%v was looked at in %d views", r, in)
				}
			}
		})
	}
}

// What is found in a cut-out is where it is in the picture; what lies between two of them,
// or is cut off by an edge that is not the picture's, is nothing.
func TestCutOutsThereAndBack(t *testing.T) {
	picture := image.Pt(640, 360)
	people := []models.Box{{X: .05, Y: .5, W: .05, H: .2}, {X: .8, Y: .1, W: .05, H: .2}, {X: .4, Y: .7, W: .05, H: .2}}
	views := choose(picture, image.Pt(416, 416), people, true)
	if len(views) != len(people) {
		t.Fatalf("%d views", len(views))
	}
	for _, v := range views {
		b := v.asked
		c := candidate{
			x0: (b.X*640-float64(v.part.Min.X))*v.scale + float64(v.at.X), x1: ((b.X+b.W)*640-float64(v.part.Min.X))*v.scale + float64(v.at.X),
			y0: (b.Y*360-float64(v.part.Min.Y))*v.scale + float64(v.at.Y), y1: ((b.Y+b.H)*360-float64(v.part.Min.Y))*v.scale + float64(v.at.Y),
		}
		from := shows(views, c)
		if from == nil || from.asked != b {
			t.Fatalf("%v was taken for what %v shows", b, from)
		}
		if got := from.box(c.x0, c.y0, c.x1, c.y1, picture); !near(got, b) || from.cuts(c.x0, c.y0, c.x1, c.y1, picture) {
			t.Errorf("got %v, want %v", got, b)
		}
		if !from.cuts(c.x0, c.y0, c.x1+60, c.y1, picture) {
			t.Error("a box that leaves its view is told to be whole")
		}
	}
	end := views[len(views)-1]
	beyond := float64(end.at.X + end.size.X + gutter/2)
	if v := shows(views, candidate{x0: beyond - 1, x1: beyond + 1, y0: float64(end.at.Y), y1: float64(end.at.Y + 2)}); v != nil {
		t.Errorf("the gutter shows %v", v.asked)
	}
}

// Side by side, each view is painted as it is alone, and there is grey around them.
func TestPaintCutOuts(t *testing.T) {
	f := grey(640, 360)
	for i := range f.Picture.Y {
		f.Picture.Y[i] = uint8(i*i/7 + i)
	}
	views := choose(image.Pt(640, 360), image.Pt(416, 416), []models.Box{{X: .05, Y: .5, W: .05, H: .2}, {X: .8, Y: .1, W: .05, H: .2}}, true)
	if len(views) != 2 {
		t.Fatalf("%d views", len(views))
	}
	in := views[0].input
	got := make([]float32, 3*in.X*in.Y)
	var pt painter
	pt.paint(got, in, f, views...)
	covered := make([]bool, in.X*in.Y)
	for _, v := range views {
		alone := make([]float32, len(got))
		pt.paint(alone, in, f, v)
		for y := v.at.Y; y < v.at.Y+v.size.Y; y++ {
			for x := v.at.X; x < v.at.X+v.size.X; x++ {
				covered[y*in.X+x] = true
				if got[y*in.X+x] != alone[y*in.X+x] {
					t.Fatalf("at %d, %d: %v, alone %v", x, y, got[y*in.X+x], alone[y*in.X+x])
				}
			}
		}
	}
	for i, c := range covered {
		if !c && got[i] != padding {
			t.Fatalf("no padding at %d", i)
		}
	}
}

// People who are cut out are found as they are in the whole picture, for far less.
func TestCutOutsShowTheSame(t *testing.T) {
	d := open(t, Options{Weights: footage.Path(t, "models/yolox_nano.onnx"), Rate: -1})
	boxes := truth(t, footage.Path(t, "pets/gt.txt"), 768, 576)
	found, cost, people, looks := [2]int{}, [2]float64{}, 0, 0
	for _, f := range film(t, footage.Path(t, "pets/pets_s2l1.mp4"), 768, 576, 50) {
		looks++
		people += len(boxes[f.Index])
		for i, regions := range [][]models.Box{everywhere, boxes[f.Index]} {
			saw, err := d.Detect(f, regions)
			if err != nil {
				t.Fatal(err)
			}
			cost[i] += saw.Cost
			for _, b := range boxes[f.Index] {
				for _, det := range saw.Found {
					if det.Label == "person" && det.Score > 0.3 && det.Box.IoU(b) >= 0.5 {
						found[i]++
						break
					}
				}
			}
		}
	}
	t.Logf("%d persons: %d found in the whole picture, %d cut out, for %.2f of the cost", people, found[0], found[1], cost[1]/cost[0])
	if found[1] < found[0]*95/100 || cost[1] > cost[0]/2 {
		t.Errorf("%d of %d persons found cut out for %.2f of the cost, %d in the whole picture", found[1], people, cost[1]/cost[0], found[0])
	}
}
