package config

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "30m": 30 * time.Minute, "0": 0,
	} {
		if got, err := parseAge(text); err != nil || got != want {
			t.Errorf("parse %q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "7", "-1d", "7d7d", "7d x", "99999999999999999999d"} {
		if got, err := parseAge(text); err == nil {
			t.Errorf("parse %q: %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		7 * day: "7d", 36 * time.Hour: "1d12h", 90 * time.Minute: "1h30m", day + time.Minute: "1d1m", 0: "0s",
	} {
		if got := Age(d); got != want {
			t.Errorf("show %v: %q, want %q", d, got, want)
		}
		if back, err := parseAge(Age(d)); err != nil || back != d {
			t.Errorf("%v comes back as %v, %v", d, back, err)
		}
	}
}
