package decode

import (
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	type step struct {
		at    float64 // seconds of media time
		key   bool
		flaws flaws
		loss  bool
		want  bool
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"sound", []step{{0, true, 0, false, true}, {1, false, 0, false, true}}},
		{"a sound start needs no key flag", []step{{0, false, 0, false, true}}},
		{"damage holds back until the next key", []step{
			{0, true, 0, false, true},
			{.1, false, damaged, false, false},
			{.2, false, 0, false, false},
			{.3, true, 0, false, true},
			{.4, false, 0, false, true},
		}},
		{"a damaged key frame does not end it", []step{
			{0, true, 0, false, true},
			{.1, false, damaged, false, false},
			{.2, true, damaged, false, false},
			{.3, false, 0, false, false},
		}},
		{"a loss upstream counts as damage", []step{
			{0, true, 0, false, true},
			{.1, false, 0, true, false},
			{.2, true, 0, false, true},
		}},
		{"no longer than the limit", []step{
			{0, true, 0, false, true},
			{1, false, damaged, false, false},
			{2.9, false, 0, false, false},
			{3, false, 0, false, true},
			{3.1, false, damaged, false, false},
			{3.2, false, 0, false, true},
		}},
		{"nothing before the first sound picture, however long", []step{
			{0, false, unrecovered, false, false},
			{60, false, unrecovered, false, false},
			{61, false, 0, false, true},
		}},
		{"the codec recovers by itself (recovery point)", []step{
			{0, true, 0, false, true},
			{.1, false, unrecovered, false, false},
			{.2, false, 0, false, true},
		}},
		{"unrecovered pictures come after the limit", []step{
			{0, true, 0, false, true},
			{.1, false, unrecovered, false, false},
			{2.1, false, unrecovered, false, true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var g gate
			for i, s := range tt.steps {
				at := time.Duration(s.at * float64(time.Second))
				if s.loss {
					g.taint(int64(i), at)
				}
				if got := g.pass(int64(i), s.key, s.flaws, at); got != s.want {
					t.Errorf("step %d at %v: pass %v, want %v", i, at, got, s.want)
				}
			}
		})
	}
}

func TestGateWithReordering(t *testing.T) {
	var g gate
	g.taint(3, 100*time.Millisecond) // noticed before the pictures of units 1 and 2 came out
	for _, p := range []struct {
		seq  int64
		key  bool
		want bool
	}{
		{1, true, true}, // decoded before the loss: sound, and no proof that it is over
		{3, false, false},
		{2, false, true},
		{4, false, false},
		{5, true, true},
		{6, false, true},
	} {
		if got := g.pass(p.seq, p.key, 0, time.Duration(p.seq)*50*time.Millisecond); got != p.want {
			t.Errorf("picture of unit %d: pass %v, want %v", p.seq, got, p.want)
		}
	}
}
