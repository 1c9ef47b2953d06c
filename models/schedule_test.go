package models

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestSchedule(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	night := Schedule{Days: []time.Weekday{time.Friday}, From: 22 * time.Hour, To: 6 * time.Hour, Location: vienna}
	for _, tc := range []struct {
		name string
		s    Schedule
		at   string // in Vienna
		want bool
	}{
		{"Friday night", night, "2026-11-20T23:00:00", true},
		{"it begins", night, "2026-11-20T22:00:00", true},
		{"the morning after belongs to Friday", night, "2026-11-21T05:59:59", true},
		{"it ends", night, "2026-11-21T06:00:00", false},
		{"Saturday night does not", night, "2026-11-21T23:00:00", false},
		{"Friday morning belongs to Thursday", night, "2026-11-20T03:00:00", false},
		{"a whole day", Schedule{Days: []time.Weekday{time.Sunday}, Location: vienna}, "2026-11-22T00:00:00", true},
		{"a whole day does not reach into the next", Schedule{Days: []time.Weekday{time.Sunday}, Location: vienna}, "2026-11-23T00:00:00", false},
		// The hour from 2 to 3 does not exist on 29 March and comes twice on 25 October.
		{"in summer time", Schedule{From: 2 * time.Hour, To: 4 * time.Hour, Location: vienna}, "2026-03-29T03:30:00", true},
		{"always in UTC", Schedule{From: 10 * time.Hour, To: 11 * time.Hour}, "2026-11-20T11:30:00", true},
	} {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", tc.at, vienna)
		if err != nil {
			t.Fatal(err)
		}
		if got := tc.s.Active(at); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	if !(Rule{}).Active(time.Time{}) || (Rule{Schedule: []Schedule{{From: 1, To: 2}}}).Active(time.Time{}) {
		t.Error("a rule without a schedule is always active, one with a schedule only then")
	}
}
