package object

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestBudgetIsFair(t *testing.T) {
	const seconds = 20
	for _, tc := range []struct {
		name string
		rate float64
		asks []float64 // per second, of each camera
		want []float64 // granted per second
	}{
		{"one camera within the budget", 10, []float64{5}, []float64{5}},
		{"one camera over the budget", 10, []float64{25}, []float64{10}},
		{"exactly used up", 10, []float64{5, 5}, []float64{5, 5}},
		{"equal cameras share equally", 10, []float64{10, 10, 10, 10}, []float64{2.5, 2.5, 2.5, 2.5}},
		{"who asks for little gets it, the others share the rest", 12, []float64{1, 25, 25}, []float64{1, 5.5, 5.5}},
		{"three levels", 20, []float64{2, 6, 25, 25}, []float64{2, 6, 6, 6}},
		{"less than one a second each", 2, []float64{5, 5, 5, 5}, []float64{.5, .5, .5, .5}},
		{"no limit", -1, []float64{100}, []float64{100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBudget(tc.rate)
			got := make([]float64, len(tc.asks))
			next := make([]float64, len(tc.asks))
			for i := range next {
				next[i] = 0.003 * float64(i)
			}
			for now := 0.0; now < seconds; now += 0.001 {
				for i, rate := range tc.asks {
					if now < next[i] {
						continue
					}
					next[i] += 1 / rate
					// The first seconds, in which demand becomes known, do not count.
					if b.take(camera(i), at(now)) && now >= 4 {
						got[i] += 1. / (seconds - 4)
					}
				}
			}
			for i, want := range tc.want {
				if math.Abs(got[i]-want) > 0.08*want+0.1 {
					t.Errorf("got %.2f per second, want %.2f", got, tc.want)
					break
				}
			}
		})
	}
}

func TestBudgetHoldsFromTheFirstSecond(t *testing.T) {
	b := newBudget(10)
	runs := 0
	for now := 0.0; now < 1; now += 0.01 {
		for i := range 50 {
			if b.take(camera(i), at(now)) {
				runs++
			}
		}
	}
	if runs < 9 || runs > 13 {
		t.Errorf("got %d inferences in the first second, want about 10", runs)
	}
}

func TestBudgetAfterQuietAndBackwards(t *testing.T) {
	b := newBudget(10)
	run := func(from, to float64) (n int) {
		for now := from; now < to; now += 0.04 {
			if b.take("a", at(now)) {
				n++
			}
		}
		return n
	}
	run(0, 5)
	if got := run(1000, 1001); got < 9 || got > 14 {
		t.Errorf("a quiet time saved up %d inferences", got)
	}
	// The clock was set back by a quarter of an hour; another camera's frame is a little old.
	if got := run(100, 105); got < 45 || got > 55 {
		t.Errorf("got %d inferences in 5 s after a step back, want about 50", got)
	}
	b.take("b", at(104.5))
	if got := run(105, 110); got < 45 || got > 55 {
		t.Errorf("got %d inferences in 5 s after a late frame, want about 50", got)
	}
}

func TestBudgetForgetsCameras(t *testing.T) {
	b := newBudget(10)
	for i := range 100 {
		b.take(camera(i), at(0))
	}
	for now := 0.0; now < 5; now++ {
		b.take("last", at(now))
	}
	if len(b.shares) != 1 {
		t.Errorf("%d cameras are remembered", len(b.shares))
	}
}

func camera(i int) models.CameraID { return models.CameraID(fmt.Sprint("c", i)) }

func at(seconds float64) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}
