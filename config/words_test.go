package config_test

import (
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

func TestWords(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{"{kind: motion}", "anything moves for 500ms, with pauses of up to 2s"},
		{"{kind: motion, dwell: 0, grace: 0}", "anything moves"},
		{"{kind: motion, labels: [car, truck, bus], min_size: 0.002, cool_down: 5m}",
			"a car, truck or bus moves for 500ms, with pauses of up to 2s, 0.2 % of the picture or larger, then silent for 5m"},
		{"{kind: intrusion, labels: [elephant], min_score: 0.4}", "an elephant comes in, with absences of up to 3s, score 0.4 or more"},
		{"{kind: intrusion, dwell: 1s, grace: 0, labels: [unknown]}", "an unknown thing comes in and stays for 1s"},
		{"{kind: loitering, dwell: 90s, labels: [person]}", "a person stays for 1m30s, with absences of up to 3s"},
		{"{kind: loitering, dwell: 1m, max_radius: 0.2, grace: 0}", "anything stays for 1m within 0.2 picture heights of one spot"},
		{"{kind: returning, visits: 3, window: 2h, labels: [person]}", "the same person comes 3 times within 2h, each after more than 5s away"},
		{"{kind: returning, visits: 2, window: 2h, grace: 0}", "the same one comes 2 times within 2h"},
		{"{kind: line, line: [[0.1, 0.2], [0.5, 0.2]]}", "anything crosses the line"},
		{"{kind: line, line: [[0.1, 0.2], [0.5, 0.2]], direction: to_left, labels: [bicycle]}", "a bicycle crosses the line to its left side"},
		{"{kind: line, line: [[0.1, 0.2], [0.5, 0.2]], direction: to_right}", "anything crosses the line to its right side"},
		{"{kind: crowd, count: 5, for: 30s, labels: [person]}", "more than 5 (person) at once for 30s, with dips of up to 2s"},
		{"{kind: crowd, count: 5, for: 0}", "more than 5 at once"},
		{"{kind: left_object, labels: [suitcase, umbrella]}", "a suitcase or umbrella is put down and stays for 1m after its owner has gone"},
		{"{kind: left_object, min_score: 0.6}", "a thing is put down and stays for 1m after its owner has gone, score 0.6 or more"},
		{"{kind: left_object}", "a thing is put down and stays for 1m after its owner has gone"},
		{"{kind: removed_object, for: 10s}", "a thing that stood there is gone for 10s"},
	} {
		if got := config.Words(parse(t, rule(c.rule)).Cameras[0].Zones[0].Rules[0]); got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.rule, got, c.want)
		}
	}
}

func TestTimetable(t *testing.T) {
	for _, c := range []struct{ schedule, want string }{
		{`[{days: [weekdays], from: "22:00", to: "06:00", time_zone: Europe/Vienna}]`, "weekdays 22:00–06:00 Europe/Vienna"},
		{`[{days: [weekdays], from: "20:30", time_zone: UTC}, {days: [weekend], time_zone: UTC}]`, "weekdays 20:30–24:00, weekend all day UTC"},
		{`[{days: [fri, mon, sun], to: "05:00", time_zone: UTC}]`, "mon, fri, sun 00:00–05:00 UTC"},
		{`[{from: "05:00", to: "06:00", time_zone: UTC}, {days: [tue], time_zone: Asia/Tokyo}]`, "daily 05:00–06:00 UTC, tue all day Asia/Tokyo"},
	} {
		got := config.Timetable(parse(t, rule("{kind: motion, schedule: "+c.schedule+"}")).Cameras[0].Zones[0].Rules[0].Schedule)
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := config.Timetable(nil); got != "always" {
		t.Errorf("got %q for a rule without a schedule", got)
	}
}
