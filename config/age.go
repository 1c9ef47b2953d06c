package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// age is how long something is kept: days, or a length of time with its unit.
func age(lo, hi time.Duration) shape[time.Duration] {
	return inRange("age", "an age such as 7d, 36h or 30m",
		`^([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))*$|^0$`, lo, hi, parseAge, Age)
}

var daysPattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)d`)

// parseAge reads days in front of what time.ParseDuration reads.
func parseAge(s string) (time.Duration, error) {
	m := daysPattern.FindStringSubmatch(s)
	if m == nil {
		return time.ParseDuration(s)
	}
	days, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, err
	}
	total := days * float64(24*time.Hour)
	if total > math.MaxInt64/2 {
		return 0, fmt.Errorf("age %q", s)
	}
	rest := s[len(m[0]):]
	if rest == "" {
		return time.Duration(total), nil
	}
	more, err := time.ParseDuration(rest)
	return time.Duration(total) + more, err
}

// Age shows an age as people write it: 7d, not 168h0m0s.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return Span(d)
	}
	s := fmt.Sprintf("%dd", d/day)
	if rest := d % day; rest > 0 {
		s += strings.TrimSuffix(Span(rest), "0s")
	}
	return s
}
