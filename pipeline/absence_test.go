package pipeline

import (
	"testing"
	"time"
)

func TestAbsence(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	// Each letter is a second: x brings pictures, - none.
	for _, c := range []struct {
		name, seconds string
		silent        time.Duration
		steady        bool
	}{
		{"never came", "------", 6 * time.Second, false},
		{"comes", "xxxxxxxx", 0, true},
		{"has just come", "---xxx", 0, false},
		{"is away", "xxxxxxxx----------", 10 * time.Second, false},
		{"is back for five seconds", "xxxx------xxxxxx", 0, true},
		{"is back for four", "xxxx------xxxxx", 0, false},
		{"flaps", "xxx-----xxx-----xxx-----xxx", 0, false},
		{"one picture in two seconds", "x-x-x-x-x", 0, true},
		{"came back and left again", "xxxx------xxxxxx----", 4 * time.Second, false},
	} {
		a := absence{newest: start}
		now, pictures := start, uint64(0)
		for _, s := range c.seconds {
			now = now.Add(time.Second)
			if s == 'x' {
				pictures += 10
			}
			a.notice(now, pictures)
		}
		if got := a.silent(now); got != c.silent {
			t.Errorf("%s: silent for %s, want %s", c.name, got, c.silent)
		}
		if got := a.steady(now); got != c.steady {
			t.Errorf("%s: steady %v, want %v", c.name, got, c.steady)
		}
	}
}
