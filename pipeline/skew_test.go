package pipeline

import (
	"testing"
	"time"
)

func TestSkew(t *testing.T) {
	const limit = 2 * time.Second
	for _, c := range []struct {
		name    string
		offsets []time.Duration // one a second, the last is now
		off     time.Duration
		back    time.Duration
	}{
		{"right all the time", []time.Duration{0, 5e6, -5e6, 0}, 0, 3 * time.Second},
		{"ahead", []time.Duration{0, 3e9, 3e9, 3e9}, 2 * time.Second, 0},
		{"behind", []time.Duration{-3e9, -3e9, -3e9, -3e9}, 3 * time.Second, 0},
		{"back for a moment", []time.Duration{3e9, 3e9, 1e9, 3e9}, 0, 0},
		{"just within the limit is not back", []time.Duration{3e9, 19e8, 19e8}, 0, 0},
		{"back", []time.Duration{3e9, 1e9, 1e9}, 0, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k skew
			var off, back time.Duration
			for i, o := range c.offsets {
				off, back = k.notice(epoch.Add(time.Duration(i)*time.Second), o, limit)
			}
			if off != c.off || back != c.back {
				t.Errorf("off for %s and right for %s, want %s and %s", off, back, c.off, c.back)
			}
		})
	}
}
