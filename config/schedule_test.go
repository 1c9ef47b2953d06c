package config_test

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestSchedules(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, schedule string
		want           models.Schedule
	}{
		{"nights", `{days: [weekdays], from: "22:00", to: "06:00", time_zone: Europe/Vienna}`, models.Schedule{
			Days: []time.Weekday{1, 2, 3, 4, 5}, From: 22 * time.Hour, To: 6 * time.Hour, Location: vienna, TimeZone: "Europe/Vienna"}},
		{"without quotes, short hour", "{from: 7:30, to: 18:05, time_zone: UTC}", models.Schedule{
			From: 7*time.Hour + 30*time.Minute, To: 18*time.Hour + 5*time.Minute, Location: time.UTC, TimeZone: "UTC"}},
		{"the whole day", `{days: [sun, sat], from: "00:00", to: "24:00", time_zone: UTC}`, models.Schedule{
			Days: []time.Weekday{time.Saturday, time.Sunday}, Location: time.UTC, TimeZone: "UTC"}},
		{"until midnight", `{days: [weekend], from: "20:00", time_zone: UTC}`, models.Schedule{
			Days: []time.Weekday{time.Saturday, time.Sunday}, From: 20 * time.Hour, To: 24 * time.Hour, Location: time.UTC, TimeZone: "UTC"}},
		{"from midnight", `{days: [tue], to: "05:00", time_zone: UTC}`, models.Schedule{
			Days: []time.Weekday{time.Tuesday}, To: 5 * time.Hour, Location: time.UTC, TimeZone: "UTC"}},
		{"every day is no day in particular", `{days: [weekdays, weekend, mon], from: "20:00", to: "21:00", time_zone: UTC}`, models.Schedule{
			From: 20 * time.Hour, To: 21 * time.Hour, Location: time.UTC, TimeZone: "UTC"}},
		{"daily", `{days: [daily], time_zone: UTC}`, models.Schedule{Location: time.UTC, TimeZone: "UTC"}},
	} {
		cfg := parse(t, rule("{kind: motion, schedule: ["+c.schedule+"]}"))
		got := cfg.Cameras[0].Zones[0].Rules[0].Schedule
		if len(got) != 1 || !(models.Rule{Schedule: got}).Equal(models.Rule{Schedule: []models.Schedule{c.want}}) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// What the file means must be what the detectors do.
func TestScheduleApplies(t *testing.T) {
	cfg := parse(t, rule(`{kind: motion, schedule: [{days: [fri], from: "22:00", to: "06:00", time_zone: Europe/Vienna}, {days: [sun], time_zone: Europe/Vienna}]}`))
	held := cfg.Cameras[0].Zones[0].Rules[0]
	for at, want := range map[string]bool{
		"2026-11-20T20:59:59Z": false, // Friday, an hour earlier than in Vienna
		"2026-11-20T21:00:00Z": true,
		"2026-11-21T04:59:59Z": true,
		"2026-11-21T05:00:00Z": false,
		"2026-11-21T22:59:59Z": false,
		"2026-11-21T23:00:00Z": true, // Sunday in Vienna
		"2026-11-22T23:00:00Z": false,
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := held.Active(instant); got != want {
			t.Errorf("%s: got %v, want %v", at, got, want)
		}
	}
}

// The machine's zone goes into records by its name.
func TestScheduleOfTheMachine(t *testing.T) {
	for _, c := range []struct{ tz, name, location string }{
		{"Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo"}, {":America/New_York", "America/New_York", "America/New_York"},
	} {
		t.Setenv("TZ", c.tz)
		got := parse(t, rule("{kind: motion, schedule: [{days: [mon]}]}")).Cameras[0].Zones[0].Rules[0].Schedule[0]
		if got.TimeZone != c.name || got.Location.String() != c.location {
			t.Errorf("TZ=%s: got %q and %s, want %q", c.tz, got.TimeZone, got.Location, c.name)
		}
	}
	t.Setenv("TZ", "/no/such/zone")
	got := parse(t, rule("{kind: motion, schedule: [{days: [mon]}]}")).Cameras[0].Zones[0].Rules[0].Schedule[0]
	if got.Location != time.Local || got.TimeZone == "" {
		t.Errorf("without a name: got %q and %v, want the machine's own", got.TimeZone, got.Location)
	}
}

// A file that is read again must give the same rules, or every reload would end every visit.
func TestSameFileSameRules(t *testing.T) {
	source := rule(`{kind: motion, labels: [person], schedule: [{days: [fri], from: "22:00", to: "06:00", time_zone: Europe/Vienna}, {days: [sat]}]}`,
		"{kind: line, line: [[0.1, 0.2], [0.5, 0.2]]}")
	a, b := parse(t, source).Cameras[0].Zones[0].Rules, parse(t, source).Cameras[0].Zones[0].Rules
	for i := range a {
		if !a[i].Equal(b[i]) {
			t.Errorf("rules[%d] differs from itself: %+v and %+v", i, a[i], b[i])
		}
	}
}
