package incident

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// alarm is an incident in short: "camera/zone/kind hour verdict[:reason]".
func alarm(t *testing.T, s string) models.Incident {
	t.Helper()
	f := strings.Fields(s)
	place := strings.Split(f[0], "/")
	clock, err := time.Parse("15:04", f[1])
	if err != nil {
		t.Fatal(err)
	}
	in := models.Incident{Camera: models.CameraID(place[0]), Zone: models.ZoneID(place[1]), Kind: models.Kind(place[2]),
		Alarm: time.Date(2026, 3, 4, clock.Hour(), clock.Minute(), 0, 0, time.UTC)}
	if len(f) == 3 {
		verdict, reason, _ := strings.Cut(f[2], ":")
		in.Judgement = &models.Judgement{Verdict: models.Verdict(verdict), Reason: models.Nuisance(reason)}
	}
	return in
}

func alarms(t *testing.T, list ...string) iter.Seq2[models.Incident, error] {
	return func(yield func(models.Incident, error) bool) {
		for _, s := range list {
			if !yield(alarm(t, s), nil) {
				return
			}
		}
	}
}

// The table is counted by hand.
func TestMeasurePrecision(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna") // UTC+1 in March
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)
	r, err := MeasurePrecision(from, from.Add(23*time.Hour), vienna, alarms(t,
		"gate/door/loitering 01:00 true",
		"gate/door/loitering 01:59 nuisance:rain",
		"gate/door/motion 01:10",
		"gate/yard/motion 22:30 nuisance:rain",
		"gate//covered 22:40 true",
		"dock/bay/motion 23:30 nuisance:animal",
		"dock/bay/motion 23:40 true",
		"dock/bay/motion 00:59 true", // before the period
		"//storage 12:00",            // of no rule
	))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range r.Rows {
		s := fmt.Sprintf("%s %s/%s/%s", row.By, row.Camera, row.Zone, row.Kind)
		if row.Hour != nil {
			s = fmt.Sprintf("%s %d", row.By, *row.Hour)
		}
		s += fmt.Sprintf(": %d alarms, %d unjudged, %d true, %d nuisance %v", row.Alarms, row.Unjudged, row.True, row.Nuisance, row.Reasons)
		if row.Precision.Precision != nil {
			s += fmt.Sprintf(" %.3f", row.Precision.Precision.Value)
		}
		got = append(got, s)
	}
	want := []string{
		"all //: 7 alarms, 1 unjudged, 3 true, 3 nuisance map[animal:1 rain:2] 0.500",
		"camera dock//: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[animal:1] 0.500",
		"camera gate//: 5 alarms, 1 unjudged, 2 true, 2 nuisance map[rain:2] 0.500",
		"zone dock/bay/: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[animal:1] 0.500",
		"zone gate//: 1 alarms, 0 unjudged, 1 true, 0 nuisance map[] 1.000",
		"zone gate/door/: 3 alarms, 1 unjudged, 1 true, 1 nuisance map[rain:1] 0.500",
		"zone gate/yard/: 1 alarms, 0 unjudged, 0 true, 1 nuisance map[rain:1] 0.000",
		"rule dock/bay/motion: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[animal:1] 0.500",
		"rule gate//covered: 1 alarms, 0 unjudged, 1 true, 0 nuisance map[] 1.000",
		"rule gate/door/loitering: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[rain:1] 0.500",
		"rule gate/door/motion: 1 alarms, 1 unjudged, 0 true, 0 nuisance map[]",
		"rule gate/yard/motion: 1 alarms, 0 unjudged, 0 true, 1 nuisance map[rain:1] 0.000",
		"hour 0: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[animal:1] 0.500",
		"hour 2: 3 alarms, 1 unjudged, 1 true, 1 nuisance map[rain:1] 0.500",
		"hour 23: 2 alarms, 0 unjudged, 1 true, 1 nuisance map[rain:1] 0.500",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r.TimeZone != "Europe/Vienna" || !r.From.Equal(from) {
		t.Errorf("period from %s, hours of %s", r.From, r.TimeZone)
	}
}

func TestPrecisionOfNothing(t *testing.T) {
	r, err := MeasurePrecision(day, day.Add(time.Hour), time.UTC, alarms(t))
	if err != nil || r.Rows == nil || len(r.Rows) != 0 {
		t.Errorf("got %+v, %v; want no rows, but a list", r, err)
	}
}

func TestPrecisionEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("the index is away")
	_, err := MeasurePrecision(day, day.Add(time.Hour), time.UTC, func(yield func(models.Incident, error) bool) {
		if yield(models.Incident{}, broken) {
			t.Error("it went on after an error")
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// 8 of 10 and 0 of 20 are worked by hand from the formula; 95 of 100 and 10 of 10 are as
// Newcombe (Stat. Med. 17, 1998) and R's prop.test without correction give them.
func TestWilson(t *testing.T) {
	for _, tc := range []struct {
		k, n      int
		low, high float64
	}{
		{8, 10, 0.4902, 0.9433},
		{0, 20, 0, 0.1611},
		{10, 10, 0.7225, 1},
		{95, 100, 0.8882, 0.9785},
		{1, 1, 0.2065, 1},
	} {
		got := wilson(tc.k, tc.n)
		if math.Abs(got.Low-tc.low) > 5e-5 || math.Abs(got.High-tc.high) > 5e-5 || got.Value != float64(tc.k)/float64(tc.n) {
			t.Errorf("%d of %d: got %+v, want %.4f to %.4f", tc.k, tc.n, *got, tc.low, tc.high)
		}
	}
	if wilson(0, 0) != nil {
		t.Error("no trial has no precision")
	}
}
