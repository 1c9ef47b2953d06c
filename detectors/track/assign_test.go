package track

import (
	"math"
	"math/rand/v2"
	"testing"
)

// best finds the least sum of (cost - limit) over all assignments by trying every one.
func best(cost []float64, rows, cols int, limit float64, row int, used []bool) float64 {
	if row == rows {
		return 0
	}
	least := best(cost, rows, cols, limit, row+1, used) // alone
	for j := range cols {
		if c := cost[row*cols+j]; !used[j] && c < limit {
			used[j] = true
			least = min(least, c-limit+best(cost, rows, cols, limit, row+1, used))
			used[j] = false
		}
	}
	return least
}

func TestAssignIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		rows, cols := rng.IntN(6), rng.IntN(6)
		cost := make([]float64, rows*cols)
		for i := range cost {
			// Small whole numbers make ties, and some pairs are impossible.
			if cost[i] = float64(rng.IntN(8)); rng.IntN(5) == 0 {
				cost[i] = math.Inf(1)
			}
		}
		const limit = 6
		got := assign(cost, rows, cols, limit)
		sum, used := 0.0, map[int]bool{}
		for i, j := range got {
			if j < 0 {
				continue
			}
			if used[j] {
				t.Fatalf("column %d is given twice: %v", j, got)
			}
			used[j] = true
			if cost[i*cols+j] >= limit {
				t.Fatalf("pair (%d,%d) costs %v, not below %v", i, j, cost[i*cols+j], float64(limit))
			}
			sum += cost[i*cols+j] - limit
		}
		if want := best(cost, rows, cols, limit, 0, make([]bool, cols)); math.Abs(sum-want) > 1e-9 {
			t.Fatalf("assign(%v, %d, %d) = %v with sum %v, want %v", cost, rows, cols, got, sum, want)
		}
	}
}

func TestAssignNeverPairsNaN(t *testing.T) {
	got := assign([]float64{math.NaN(), math.Inf(1), math.NaN(), 1}, 2, 2, 5)
	if got[0] != -1 || got[1] != 1 {
		t.Errorf("got %v, want [-1 1]", got)
	}
}

func BenchmarkAssign(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 30
	cost := make([]float64, n*n)
	for i := range cost {
		cost[i] = rng.Float64()
	}
	for b.Loop() {
		assign(cost, n, n, 0.9)
	}
}
