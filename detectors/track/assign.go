package track

import "math"

// assign solves the assignment problem for a cost matrix of rows x cols, given row by
// row: it returns for each row its column, or -1. A pair whose cost is not below limit is
// never made. Among all sets of pairs it makes the one with the least sum of
// (cost - limit), that is, it pairs as many as are worth pairing.
//
// The method is that of shortest augmenting paths with potentials (Jonker and Volgenant
// 1987), in O(rows * rows * cols), on a matrix in which every row also has the choice of
// staying alone at the price of limit.
func assign(cost []float64, rows, cols int, limit float64) []int {
	got := make([]int, rows)
	if rows == 0 {
		return got
	}
	n, m := rows, cols+rows // column cols+i: row i stays alone
	at := func(i, j int) float64 {
		switch {
		case j < cols:
			if c := cost[i*cols+j]; c < limit { // false for NaN
				return c
			}
			return math.Inf(1)
		case j-cols == i:
			return limit
		}
		return math.Inf(1)
	}
	// u, v: potentials of rows and columns; owner: the row of each column. Index 0 is the
	// row (column) being added, so everything counts from 1.
	u, v := make([]float64, n+1), make([]float64, m+1)
	owner, way := make([]int, m+1), make([]int, m+1)
	dist, done := make([]float64, m+1), make([]bool, m+1)
	for i := 1; i <= n; i++ {
		owner[0] = i
		for j := range dist {
			dist[j], done[j] = math.Inf(1), false
		}
		j0 := 0
		for owner[j0] != 0 {
			done[j0] = true
			row, next, delta := owner[j0], 0, math.Inf(1)
			for j := 1; j <= m; j++ {
				if done[j] {
					continue
				}
				if d := at(row-1, j-1) - u[row] - v[j]; d < dist[j] {
					dist[j], way[j] = d, j0
				}
				if dist[j] < delta {
					delta, next = dist[j], j
				}
			}
			for j := 0; j <= m; j++ {
				if done[j] {
					u[owner[j]] += delta
					v[j] -= delta
				} else {
					dist[j] -= delta
				}
			}
			j0 = next
		}
		for j0 != 0 {
			owner[j0] = owner[way[j0]]
			j0 = way[j0]
		}
	}
	for i := range got {
		got[i] = -1
	}
	for j := 1; j <= cols; j++ {
		if owner[j] != 0 {
			got[owner[j]-1] = j - 1
		}
	}
	return got
}
