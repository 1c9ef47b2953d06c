package motion

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestGainBin(t *testing.T) {
	want := func(q float32) int {
		b := int(math.Round(math.Log2(float64(q))*gainSteps)) + gainRange*gainSteps
		if b < 0 || b > 2*gainRange*gainSteps {
			return -1
		}
		return b
	}
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[int]bool{}
	for range 200_000 {
		q := float32(math.Exp2(6*r.Float64() - 3))
		got := gainBin(q)
		if seen[got] = true; got != want(q) {
			t.Fatalf("ratio %v is in bin %d, want %d", q, got, want(q))
		}
	}
	if len(seen) != 2*gainRange*gainSteps+2 {
		t.Errorf("%d bins seen", len(seen))
	}
	for _, edge := range gainEdges {
		for _, q := range []float32{math.Nextafter32(edge, 0), edge, math.Nextafter32(edge, 8)} {
			if got := gainBin(q); got != want(q) {
				t.Errorf("ratio %v is in bin %d, want %d", q, got, want(q))
			}
		}
	}
	for _, q := range []float32{0, 1e-30, 100, math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN())} {
		if got := gainBin(q); got != -1 {
			t.Errorf("ratio %v is in bin %d", q, got)
		}
	}
}
