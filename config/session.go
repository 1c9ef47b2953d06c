package config

import "time"

// Session is how long people stay logged in.
type Session struct {
	Lifetime time.Duration // at most
	Idle     time.Duration // without a request; an open console counts as one
}

func sessionObject() object[Session] {
	return object[Session]{
		keys: []key[Session]{
			field("lifetime", "How long a login holds at most: a shift.",
				duration(time.Minute, 7*24*time.Hour), func(s *Session) *time.Duration { return &s.Lifetime }).or("12h"),
			field("idle", "How long a login holds without a request. An open console counts as one, so that a wall of screens stays lit.",
				duration(time.Minute, 24*time.Hour), func(s *Session) *time.Duration { return &s.Idle }).or("30m"),
		},
		check: func(d *decoder, v value, path string, s *Session) {
			if s.Idle > s.Lifetime && s.Lifetime > 0 {
				at := v.get("idle")
				if at.form == formAbsent {
					at = v.get("lifetime")
				}
				d.mistake(at.place, path, "", "idle is longer than lifetime, and would never end a login")
			}
		},
	}
}
