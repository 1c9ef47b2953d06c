package incident

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestSeriesLife(t *testing.T) {
	at := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	if _, err := BeginSeries("s", " ", "", "eva", at); !errors.Is(err, ErrField) {
		t.Errorf("without a name: %v", err)
	}
	s, err := BeginSeries("s", " Window shoppers ", "", "eva", at)
	if err != nil {
		t.Fatal(err)
	}
	s.Number = 3
	in := models.Incident{ID: "a", Number: 17, State: models.StateClosed}
	for range 2 { // the second changes nothing
		if err := AddToSeries(&s, &in, "eva", "the same jacket", at); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(s.Incidents, []models.IncidentID{"a"}) || in.Linked.Series != "s" || len(s.Log) != 2 || len(in.Log) != 1 ||
		s.Edition != 2 || in.Log[0].Changed[0].To != "S3 Window shoppers" {
		t.Errorf("added: %+v, %+v", s, in)
	}
	other := models.Incident{ID: "b", Linked: models.Linked{Series: "elsewhere"}}
	if err := AddToSeries(&s, &other, "eva", "", at); !errors.Is(err, ErrState) {
		t.Errorf("of another series: %v", err)
	}
	merged := models.Incident{ID: "c", Linked: models.Linked{Into: "a"}}
	if err := AddToSeries(&s, &merged, "eva", "", at); !errors.Is(err, ErrState) {
		t.Errorf("merged: %v", err)
	}
	if err := DescribeSeries(&s, "Window shoppers", "", "eva", at); err != nil || len(s.Log) != 2 {
		t.Errorf("the same name again: %v, %d entries", err, len(s.Log))
	}
	if err := DescribeSeries(&s, "Shop fronts", "by night", "eva", at); err != nil || len(s.Log[2].Changed) != 2 {
		t.Errorf("described: %v, %+v", err, s.Log)
	}
	if err := TakeFromSeries(&s, &in, "eva", "", at); !errors.Is(err, ErrField) {
		t.Errorf("taken out without a reason: %v", err)
	}
	if err := CloseSeries(&s, "eva", "caught", at); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"take out": TakeFromSeries(&s, &in, "eva", "wrong", at), "add": AddToSeries(&s, &models.Incident{ID: "d"}, "eva", "", at),
		"close again": CloseSeries(&s, "eva", "again", at)} {
		if !errors.Is(err, ErrState) {
			t.Errorf("%s a closed series: %v", name, err)
		}
	}
	if err := ReopenSeries(&s, "eva", "there is another one", at); err != nil {
		t.Fatal(err)
	}
	if err := TakeFromSeries(&s, &in, "eva", "another jacket", at); err != nil || len(s.Incidents) != 0 || in.Linked.Series != "" || len(in.Log) != 2 {
		t.Errorf("taken out: %v, %+v, %+v", err, s, in)
	}
	if err := TakeFromSeries(&s, &in, "eva", "again", at); !errors.Is(err, ErrNone) {
		t.Errorf("taken out twice: %v", err)
	}
	s.Incidents = make([]models.IncidentID, MaxSeries)
	if err := AddToSeries(&s, &in, "eva", "", at); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
}

func TestProfile(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	var list []models.Incident
	// Around midnight by the clock of Vienna, before and after it went to summer time.
	for i, at := range []time.Time{time.Date(2026, 3, 6, 23, 30, 0, 0, vienna), time.Date(2026, 3, 21, 0, 30, 0, 0, vienna),
		time.Date(2026, 4, 3, 23, 50, 0, 0, vienna), time.Date(2026, 4, 18, 0, 10, 0, 0, vienna), time.Date(2026, 4, 24, 23, 0, 0, 0, vienna)} {
		in := models.Incident{ID: models.IncidentID(rune('a' + i)), Number: int64(i + 1), Site: "north", Camera: "gate", Zone: "door", Kind: models.KindLoitering,
			Start: at.Add(-time.Minute).UTC(), Alarm: at.UTC(), End: at.Add(time.Duration(i) * time.Minute).UTC()}
		in.Events = []models.Event{{Path: []models.PathPoint{{Foot: models.Point{X: .1, Y: .5}}, {Foot: models.Point{X: .8, Y: .5}}}}}
		if i < 4 {
			in.Investigation.Subjects = []models.Subject{{Role: "suspect", Text: "red jacket, limps"}, {Role: "witness", Text: "green hat"}}
			in.Resolution = &models.Resolution{Outcome: "left_alone"}
		}
		list = append(list, in)
	}
	merged := list[0]
	merged.Linked.Into = list[1].ID
	p := ProfileOf(append(list, merged), func(string) *time.Location { return vienna })
	if p.Incidents != 5 || p.Weekdays[time.Friday] != 5 {
		t.Errorf("%d incidents, weekdays %v: want 5, all of Friday nights", p.Incidents, p.Weekdays)
	}
	if p.Hours.Mean == nil || min(*p.Hours.Mean, 24*time.Hour-*p.Hours.Mean) > 30*time.Minute || p.Hours.Spread > time.Hour {
		t.Errorf("hours: %+v", p.Hours)
	}
	if p.Hours.UsualFrom != 23*time.Hour || p.Hours.UsualTo != 30*time.Minute {
		t.Errorf("usual from %v to %v, want 23:00 to 00:30", p.Hours.UsualFrom, p.Hours.UsualTo)
	}
	if p.Interval.Count != 4 || p.Interval.Least.Round(24*time.Hour) != 7*24*time.Hour || p.Dwell.Median != 3*time.Minute {
		t.Errorf("interval %+v, dwell %+v", p.Interval, p.Dwell)
	}
	if len(p.Looks) != 1 || p.Looks[0] != (Count{"red jacket", 4}) || len(p.Subjects) != 4 || p.Outcomes[0] != (Count{"left alone", 4}) {
		t.Errorf("looks %v, subjects %v, outcomes %v", p.Looks, p.Subjects, p.Outcomes)
	}
	if p.WaysIn[0] != (Count{"gate/door from the left", 5}) {
		t.Errorf("ways in: %v", p.WaysIn)
	}
	all := strings.Join(p.Habits, "\n")
	for _, want := range []string{"at gate/door (5 of 5)", "between 23:00 and 00:30 (5 of 5)", "on a Friday or in the night after it (5 of 5)",
		"comes in at gate/door from the left (5 of 5)", "described with red jacket (4 of 5)", "stays 3 min, at least 1 min, at most 5 min"} {
		if !strings.Contains(all, want) {
			t.Errorf("habits lack %q:\n%s", want, all)
		}
	}
}

func TestTimesAllAroundTheClockHaveNoMiddle(t *testing.T) {
	var c DayCircle
	c.measure([]time.Duration{0, 6 * time.Hour, 12 * time.Hour, 18 * time.Hour})
	if c.Mean != nil {
		t.Errorf("middle of the four quarters: %v", *c.Mean)
	}
	empty := ProfileOf(nil, nil)
	if empty.Incidents != 0 || empty.Hours.Mean != nil || empty.Habits == nil || empty.Places == nil {
		t.Errorf("profile of nothing: %+v", empty)
	}
}
