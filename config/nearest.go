package config

import "strings"

// nearest returns the word that was most likely meant, or "" when none is near.
func nearest(word string, among []string) string {
	const longest = 64 // nobody misspells a longer word than that, and distance is quadratic
	if word == "" || len(word) > longest {
		return ""
	}
	plain := strings.ReplaceAll(strings.ToLower(word), "-", "_")
	best, least := "", max(1, len(plain)/3)+1
	for _, candidate := range among {
		if d := distance(plain, strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	if best != "" {
		return best
	}
	for _, candidate := range among {
		if len(candidate) >= 3 && len(plain) >= 3 &&
			(strings.Contains(plain, candidate) || strings.Contains(candidate, plain)) {
			return candidate
		}
	}
	return ""
}

// distance counts insertions, deletions, substitutions and swaps of neighbours between a
// and b (optimal string alignment, a restricted Damerau–Levenshtein distance).
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	above := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
