package models

import "math"

// Appearance describes what a thing looks like: a histogram whose parts sum to 1; nil when
// unknown. Appearances of one make can be compared.
type Appearance []float32

// Distance is 0 for the same look and 1 for nothing in common (Hellinger distance). It is
// 0.5, neither, when one is unknown.
func (a Appearance) Distance(o Appearance) float64 {
	if len(a) == 0 || len(a) != len(o) {
		return 0.5
	}
	bc := 0.0 // Bhattacharyya coefficient
	for i, v := range a {
		bc += math.Sqrt(float64(v) * float64(o[i]))
	}
	return math.Sqrt(max(0, 1-bc))
}
