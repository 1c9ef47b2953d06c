package detectors

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fps, in float64
		want    int // of ten seconds
	}{
		{"every frame", 0, 25, 250},
		{"fewer than asked for", 10, 7, 70},
		{"a third", 5, 15, 50},
		{"five of seven", 5, 7, 50},
		{"a clock of 90 kHz", 12.5, 25.0003, 125},
		{"one in ten seconds", 0.1, 15, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := Pace{FPS: tc.fps}
			got := 0
			for i := 0; float64(i) < 10*tc.in; i++ {
				if p.Take(time.Duration(float64(i) / tc.in * float64(time.Second))) {
					got++
				}
			}
			if got < tc.want || got > tc.want+1 {
				t.Errorf("got %d frames, want %d", got, tc.want)
			}
		})
	}
}

func TestPaceAfterAStepBackAndALongPause(t *testing.T) {
	p := Pace{FPS: 1}
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{
		{5 * time.Second, true}, {5500 * time.Millisecond, false}, {2 * time.Second, true}, {2500 * time.Millisecond, false},
		{time.Hour, true}, {time.Hour + 500*time.Millisecond, false}, {time.Hour + time.Second, true},
	} {
		if got := p.Take(step.at); got != step.want {
			t.Errorf("at %v: got %v, want %v", step.at, got, step.want)
		}
	}
}
