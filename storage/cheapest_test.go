package storage

import (
	"testing"
	"time"
)

// TestCheapestWay weighs the ways to the incidents of a camera that lasted long and of which
// a word was noted, by what 200 entries of each tell.
func TestCheapestWay(t *testing.T) {
	day := 24 * time.Hour.Microseconds()
	g := group{notes: []string{"lorry"}}
	ways := [][]walk{{{word: "lorry", group: g}}, {{column: "camera", value: "gate", group: g}}}
	of := func(days, fit int) sample {
		return sample{n: few, fit: fit, last: 1000 * day, back: (1000 - int64(days)) * day}
	}
	for _, tt := range []struct {
		name         string
		word, camera sample
		want         int
	}{
		{"fewer than are looked at", sample{n: 7, last: 1000 * day}, of(900, 1), 0},
		{"rarer, as each of the camera's must be looked up in the word's list", of(10, few), of(20, few), 0},
		{"more frequent, by more than the look-ups cost", of(10, few), of(100, few), 1},
		{"more frequent, and hardly one of the camera's needs a look-up", of(10, few), of(20, 2), 1},
	} {
		if got := cheapest(ways, []sample{tt.word, tt.camera}); got != tt.want {
			t.Errorf("%s: way %d", tt.name, got)
		}
	}
	two := group{notes: []string{"lorry", "white"}}
	words := [][]walk{{{word: "lorry", group: two}}, {{word: "white", group: two}}}
	if probes(ways[0]) != 0 || probes(ways[1]) != 1 || probes(words[0]) != 1 || probes(nil) != 0 {
		t.Error("what is walked is not looked up, every other word is")
	}
	if got := cheapest(words, []sample{of(10, few), of(11, few)}); got != 1 {
		t.Errorf("of two words the more frequent one is walked: %d", got)
	}
}
