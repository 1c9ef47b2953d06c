package score

import (
	"math"
	"math/rand/v2"
	"testing"
)

// a is thing (or track) id at x, 10 wide and high.
func a(id int, x float64) Box { return Box{ID: id, X: x, W: 10, H: 10} }

func TestTracks(t *testing.T) {
	still := [][]Box{{a(1, 0)}, {a(1, 0)}, {a(1, 0)}, {a(1, 0)}}
	two := [][]Box{{a(1, 0), a(2, 50)}, {a(1, 0), a(2, 50)}, {a(1, 0), a(2, 50)}, {a(1, 0), a(2, 50)}}
	for _, tc := range []struct {
		name         string
		truth, found [][]Box
		want         MOT // without overlap
		mota, idf1   float64
	}{
		{"truth against itself", two, two, MOT{Truth: 8, Found: 8, Matched: 8, IDTrue: 8}, 1, 1},
		{"nothing found", still, nil, MOT{Truth: 4, Missed: 4}, 0, 0},
		{"everything beside it", still, [][]Box{{a(1, 30)}, {a(1, 30)}, {a(1, 30)}, {a(1, 30)}},
			MOT{Truth: 4, Found: 4, Missed: 4, False: 4}, -1, 0},
		// IoU of a shift by 3 is 7/13 = .54, by 4 it is 6/14 = .43.
		{"just enough overlap", still, [][]Box{{a(7, 3)}, {a(7, 3)}, {a(7, 3)}, {a(7, 4)}},
			MOT{Truth: 4, Found: 4, Matched: 3, Missed: 1, False: 1, IDTrue: 3}, 1 - 2./4, 6. / 8},
		{"a switch", still, [][]Box{{a(1, 0)}, {a(1, 0)}, {a(1, 0)}, {a(2, 0)}},
			MOT{Truth: 4, Found: 4, Matched: 4, Switches: 1, IDTrue: 3}, 1 - 1./4, 6. / 8},
		{"a switch over a gap", still, [][]Box{{a(1, 0)}, {}, {}, {a(2, 0)}},
			MOT{Truth: 4, Found: 2, Matched: 2, Missed: 2, Switches: 1, IDTrue: 1}, 1 - 3./4, 2. / 6},
		{"found again after a gap", still, [][]Box{{a(1, 0)}, {}, {}, {a(1, 0)}},
			MOT{Truth: 4, Found: 2, Matched: 2, Missed: 2, IDTrue: 2}, 1 - 2./4, 4. / 6},
		{"two swap names", two, [][]Box{{a(1, 0), a(2, 50)}, {a(1, 0), a(2, 50)}, {a(2, 0), a(1, 50)}, {a(2, 0), a(1, 50)}},
			MOT{Truth: 8, Found: 8, Matched: 8, Switches: 2, IDTrue: 4}, 1 - 2./8, 8. / 16},
		// In the last frame track 2 fits better, but track 1 still fits and goes on.
		{"what corresponded goes on", still, [][]Box{{a(1, 0)}, {a(1, 0)}, {a(1, 0)}, {a(1, 3), a(2, 0)}},
			MOT{Truth: 4, Found: 5, Matched: 4, False: 1, IDTrue: 4}, 1 - 1./4, 8. / 9},
		// Greedy by overlap would pair 1 with 5 (1.0) and leave 2 alone; both can be paired.
		{"as many pairs as can be", [][]Box{{a(1, 0), a(2, -3)}}, [][]Box{{a(5, 0), a(6, 3)}},
			MOT{Truth: 2, Found: 2, Matched: 2, IDTrue: 2}, 1, 1},
		{"tracks go on after the truth", still[:1], still, MOT{Truth: 1, Found: 4, Matched: 1, False: 3, IDTrue: 1}, 1 - 3., 2. / 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Tracks(tc.truth, tc.found)
			if mota, idf1 := got.MOTA(), got.IDF1(); math.Abs(mota-tc.mota) > 1e-9 || math.Abs(idf1-tc.idf1) > 1e-9 {
				t.Errorf("got MOTA %.3f, IDF1 %.3f; want %.3f, %.3f", mota, idf1, tc.mota, tc.idf1)
			}
			if got.overlap = 0; got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	if got := Tracks(two, two).MOTP(); got != 1 {
		t.Errorf("truth against itself: MOTP %.3f", got)
	}
	if m := Tracks(nil, nil); !math.IsNaN(m.MOTA()) || !math.IsNaN(m.IDF1()) {
		t.Error("no truth has no score")
	}
}

// assign must find what trying everything finds.
func TestAssignIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		rows, cols := 1+r.IntN(5), 1+r.IntN(5)
		weight := make([][]float64, rows)
		for i := range weight {
			weight[i] = make([]float64, cols)
			for j := range weight[i] {
				weight[i][j] = max(0, float64(r.IntN(20)-6))
			}
		}
		got, used := 0.0, map[int]bool{}
		for i, j := range assign(weight) {
			if j < 0 {
				continue
			}
			if used[j] || weight[i][j] <= 0 {
				t.Fatalf("%v: column %d twice or for nothing", weight, j)
			}
			used[j] = true
			got += weight[i][j]
		}
		if want := best(weight, 0, 0); got != want {
			t.Fatalf("%v: got %g, want %g", weight, got, want)
		}
	}
	if got := assign([][]float64{{}, {}}); len(got) != 2 || got[0] != -1 || got[1] != -1 {
		t.Errorf("without columns: got %v", got)
	}
}

func best(weight [][]float64, i, used int) float64 {
	if i == len(weight) {
		return 0
	}
	most := best(weight, i+1, used)
	for j, w := range weight[i] {
		if used&(1<<j) == 0 {
			most = max(most, w+best(weight, i+1, used|1<<j))
		}
	}
	return most
}
