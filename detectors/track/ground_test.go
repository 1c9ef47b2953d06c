package track

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// crowdOf is one region of motion of n people side by side with their feet at foot, on a
// ground where people are 0.1 high at the horizon's foot 0.3 and 0.4 at 0.9.
func crowdOf(n int, foot models.Point) models.Box {
	h := 0.1 + (foot.Y-0.3)*0.5
	w := float64(n) * 0.38 * h * 9 / 16
	return models.Box{X: foot.X - w/2, Y: foot.Y - h, W: w, H: h}
}

func TestGroundPartsPeopleSideBySide(t *testing.T) {
	g := &ground{}
	if got := g.split(crowdOf(2, models.Point{X: 0.5, Y: 0.6}), 16.0/9); got != 1 {
		t.Errorf("parted into %d before anybody walked alone", got)
	}
	for i := range 400 {
		g.learn(crowdOf(1, models.Point{X: 0.2 + 0.6*float64(i%40)/40, Y: 0.4 + 0.4*float64(i%37)/37}), 16.0/9, time.Second/fps)
	}
	g.walkers = groundWalkers
	car := crowdOf(6, models.Point{X: 0.5, Y: 0.6})
	dog := crowdOf(1, models.Point{X: 0.5, Y: 0.6})
	dog.Y, dog.H, dog.W = dog.Y+dog.H/2, dog.H/2, 2*dog.W
	for _, c := range []struct {
		name string
		box  models.Box
		want int
	}{
		{"one, far", crowdOf(1, models.Point{X: 0.5, Y: 0.4}), 1},
		{"one, near", crowdOf(1, models.Point{X: 0.5, Y: 0.8}), 1},
		{"two, far", crowdOf(2, models.Point{X: 0.5, Y: 0.4}), 2},
		{"two, near", crowdOf(2, models.Point{X: 0.5, Y: 0.8}), 2},
		{"three", crowdOf(3, models.Point{X: 0.5, Y: 0.6}), 3},
		{"a car", car, 1},
		{"a dog", dog, 1},
		{"two where nobody walked", crowdOf(2, models.Point{X: 0.5, Y: 0.95}), 1},
	} {
		if got := g.split(c.box, 16.0/9); got != c.want {
			t.Errorf("%s: parted into %d, want %d", c.name, got, c.want)
		}
	}
}

// Motion alone sees three people who walk abreast as one region, after it has seen some
// walk alone.
func TestThreeAbreastAreThreeTracks(t *testing.T) {
	tr := New(16.0 / 9)
	at := time.Duration(0)
	walk := func(n int, y float64) (most int) {
		for x := 0.1; x < 0.9; x += 0.012 {
			most = 0
			box := crowdOf(n, models.Point{X: x, Y: y})
			for _, k := range tr.Update(instant(at), byMotion([]models.Box{box}), nil, nil) {
				if k.State == models.TrackConfirmed && k.Seen {
					most++
				}
			}
			at += time.Second / fps
		}
		at += 10 * time.Second
		return most
	}
	for _, y := range []float64{0.5, 0.7, 0.6, 0.8} {
		if got := walk(1, y); got != 1 {
			t.Fatalf("%d tracks of one who walks alone", got)
		}
	}
	if got := walk(3, 0.65); got != 3 {
		t.Errorf("%d tracks of three abreast", got)
	}
}

// A region that is as wide as two is not parted into two while it is known to hold three.
func TestWhoStandsBehindTheOthersIsNotLeftOut(t *testing.T) {
	tr := New(16.0 / 9)
	for i := range 400 {
		tr.ground.learn(crowdOf(1, models.Point{X: 0.2 + 0.6*float64(i%40)/40, Y: 0.4 + 0.4*float64(i%37)/37}), 16.0/9, time.Second/fps)
	}
	tr.ground.walkers = groundWalkers
	crowd := crowdOf(2, models.Point{X: 0.5, Y: 0.6})
	for n, want := range map[int]int{0: 2, 2: 2, 3: 1} {
		tr.live = nil
		for i := range n {
			l := &life{}
			b := crowdOf(1, models.Point{X: 0.48 + 0.02*float64(i), Y: 0.6})
			l.begin(&region{Detection: models.Detection{Box: b, By: models.ByMotion}, sigma: motionSigma}, instant(0), models.TrackID(i), 16.0/9)
			l.State = models.TrackConfirmed
			tr.live = append(tr.live, l)
		}
		if got := len(tr.abreast(byMotion([]models.Box{crowd}))); got != want {
			t.Errorf("%d people in a region of two: parted into %d, want %d", n, got, want)
		}
	}
}
