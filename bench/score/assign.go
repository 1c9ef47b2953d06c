package score

import "math"

// assign pairs rows with columns so that the sum of weights is greatest; pairs of weight
// 0 or less are not made. It returns the column of each row, -1 for none.
//
// Hungarian method by shortest augmenting paths with potentials (Kuhn 1955; Jonker and
// Volgenant 1987), on weights turned into costs. Rows may stay alone at cost 0, so each
// has a column of its own for that.
func assign(weight [][]float64) []int {
	n := len(weight)
	if n == 0 {
		return nil
	}
	m := len(weight[0]) + n
	cost := func(i, j int) float64 {
		switch {
		case j >= len(weight[0]):
			return 0
		case weight[i][j] > 0:
			return -weight[i][j]
		}
		return 1 // worse than staying alone
	}
	// Index 0 stands for none; rows and columns count from 1.
	u, v := make([]float64, n+1), make([]float64, m+1)
	row, way := make([]int, m+1), make([]int, m+1)
	least, used := make([]float64, m+1), make([]bool, m+1)
	for i := 1; i <= n; i++ {
		row[0] = i
		for j := range least {
			least[j], used[j] = math.Inf(1), false
		}
		at := 0
		for row[at] != 0 {
			used[at] = true
			delta, next := math.Inf(1), 0
			for j := 1; j <= m; j++ {
				if used[j] {
					continue
				}
				if c := cost(row[at]-1, j-1) - u[row[at]] - v[j]; c < least[j] {
					least[j], way[j] = c, at
				}
				if least[j] < delta {
					delta, next = least[j], j
				}
			}
			for j := range used {
				if used[j] {
					u[row[j]] += delta
					v[j] -= delta
				} else {
					least[j] -= delta
				}
			}
			at = next
		}
		for at != 0 {
			row[at] = row[way[at]]
			at = way[at]
		}
	}
	pairs := make([]int, n)
	for i := range pairs {
		pairs[i] = -1
	}
	for j := 1; j <= len(weight[0]); j++ {
		if row[j] != 0 && weight[row[j]-1][j-1] > 0 {
			pairs[row[j]-1] = j - 1
		}
	}
	return pairs
}
