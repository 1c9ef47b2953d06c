package incident

import (
	"reflect"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// stepped sets the clock of a machine while an incident is open: at is what it shows then.
func stepped(at time.Time, by time.Duration) models.ClockStep {
	return models.ClockStep{Number: 1, At: at.Add(by), By: by, How: models.StepSeen}
}

// Whatever the clock is set to, a deadline has as much left after as before.
func TestSteppedLeavesWhatIsLeft(t *testing.T) {
	loc := vienna(t)
	office := models.Schedule{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 8 * time.Hour, To: 17 * time.Hour, Location: loc, TimeZone: "Europe/Vienna"}
	friday := local(t, "2026-11-20 16:00:00 +0100")
	for _, tc := range []struct {
		name  string
		hours []models.Schedule
		after time.Duration // from when it was opened to the step
		by    time.Duration
		want  time.Time // the deadline to respond, which was promised within 10 minutes
	}{
		{"forward", nil, time.Minute, time.Hour, friday.Add(time.Hour + 10*time.Minute)},
		{"back", nil, time.Minute, -time.Hour, friday.Add(10*time.Minute - time.Hour)},
		{"late by as much as before", nil, 3 * time.Hour, 24 * time.Hour, friday.Add(24*time.Hour + 10*time.Minute)},
		{"from office hours to the weekend", []models.Schedule{office}, 4 * time.Minute, 24 * time.Hour, local(t, "2026-11-23 08:06:00 +0100")},
		{"over the end of summer time", nil, time.Minute, -30 * 24 * time.Hour, friday.Add(10*time.Minute - 30*24*time.Hour)},
	} {
		d := promising(time.Minute, tc.hours...)
		in := fresh(d, friday)
		s := stepped(friday.Add(tc.after), tc.by)
		h := hours(tc.hours)
		before := left(in.Deadlines[1], h, s.Before())
		if !d.Stepped(&in, s) {
			t.Errorf("%s: nothing moved", tc.name)
			continue
		}
		l := in.Deadlines[1]
		if !l.Due.Equal(tc.want) || left(l, h, s.At) != before {
			t.Errorf("%s: due %s with %v left, want %s with %v", tc.name, l.Due.In(loc), left(l, h, s.At), tc.want.In(loc), before)
		}
	}
}

// There and back again is as if nothing had been, but for the log.
func TestSteppedThereAndBack(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(time.Minute)
	in := fresh(d, at)
	Overdue(&in, at.Add(3*time.Minute)) // acknowledge
	was := append([]models.Deadline(nil), in.Deadlines...)
	told, _, _ := d.Owed(in, at.Add(9*time.Minute))
	d.Stepped(&in, stepped(at.Add(4*time.Minute), time.Hour))
	if again, _, _ := d.Owed(in, at.Add(time.Hour+9*time.Minute)); len(told) != 1 || len(again) != 1 || again[0].ID != told[0].ID || again[0].Due.Equal(told[0].Due) {
		t.Errorf("told of %+v\nthen of %+v: want the same notice with the time that the clock shows now", told, again)
	}
	d.Stepped(&in, stepped(at.Add(time.Hour+5*time.Minute), -time.Hour))
	if !reflect.DeepEqual(in.Deadlines, was) {
		t.Errorf("deadlines %+v\nwere %+v", in.Deadlines, was)
	}
	if in.Course.Stepped != [3]time.Duration{} {
		t.Errorf("stepped by %v", in.Course.Stepped)
	}
	want := []models.Action{
		{At: at.Add(time.Hour + 4*time.Minute), Who: Program, What: "clock of the machine set forward by 1h0m0s", Note: stepNotes[models.StepSeen],
			Changed: []models.Changed{{Field: "acknowledge by", From: "2026-11-22T23:42:00Z", To: "2026-11-23T00:42:00Z"},
				{Field: "respond by", From: "2026-11-22T23:50:00Z", To: "2026-11-23T00:50:00Z"}}},
		{At: at.Add(5 * time.Minute), Who: Program, What: "clock of the machine set back by 1h0m0s", Note: stepNotes[models.StepSeen],
			Changed: []models.Changed{{Field: "acknowledge by", From: "2026-11-23T00:42:00Z", To: "2026-11-22T23:42:00Z"},
				{Field: "respond by", From: "2026-11-23T00:50:00Z", To: "2026-11-22T23:50:00Z"}}},
	}
	if got := in.Log[len(in.Log)-2:]; !reflect.DeepEqual(got, want) {
		t.Errorf("log %+v\nwant %+v", got, want)
	}
}

// What stands has left what it had, what was kept stays as it was, and an incident of which
// nothing is owed is left alone.
func TestSteppedMovesOnlyWhatRuns(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(0)
	d.Policy.Waits = []models.Wait{{ID: "police", Pauses: []models.Promise{models.PromiseRespond}}}
	in := fresh(d, at)
	must(t, Acknowledge(&in, "anna", "", at.Add(time.Minute)))
	must(t, d.AddEffort(&in, "anna", models.Effort{ID: "a", From: at, Spent: time.Minute}, at.Add(time.Minute)))
	must(t, d.StartTimer(&in, "anna", models.Effort{ID: "b"}, at.Add(time.Minute)))
	must(t, d.Wait(&in, "anna", "police", "", at.Add(2*time.Minute)))
	was := append([]models.Deadline(nil), in.Deadlines...)
	if !d.Stepped(&in, stepped(at.Add(3*time.Minute), time.Hour)) || !reflect.DeepEqual(in.Deadlines, was) {
		t.Errorf("deadlines %+v, were %+v", in.Deadlines, was)
	}
	must(t, d.StopTimer(&in, "anna", at.Add(time.Hour+4*time.Minute)))
	if e := in.Investigation.Effort; !e[0].From.Equal(at) || e[1].Spent != 3*time.Minute {
		t.Errorf("effort %+v, want what was logged and 3 minutes by the timer", e)
	}
	must(t, d.Resume(&in, "anna", "", at.Add(time.Hour+4*time.Minute)))
	if got, want := in.Deadlines[1].Due, at.Add(time.Hour+12*time.Minute); !got.Equal(want) {
		t.Errorf("due %s, want the 8 minutes that were left: %s", got, want)
	}
	must(t, d.Respond(&in, "anna", "", at.Add(time.Hour+5*time.Minute)))
	entries := len(in.Log)
	if d.Stepped(&in, stepped(at.Add(time.Hour+6*time.Minute), time.Hour)) || len(in.Log) != entries {
		t.Errorf("an incident that owes nothing was touched: %+v", in.Log[entries-1])
	}
	if got, want := in.Course.Stepped, [3]time.Duration{0, time.Hour, time.Hour}; got != want {
		t.Errorf("stepped by %v, want %v", got, want)
	}
	took := models.TallyOf(in).Promises
	if took[0].Took != time.Minute || took[1].Took != 5*time.Minute {
		t.Errorf("reports count %v to acknowledge, %v to respond; want 1 and 5 minutes", took[0].Took, took[1].Took)
	}
}

// What is done after the clock was set back is done in time, although the clock shows less
// than when the incident was opened; and a promise that the severity makes later counts
// from when it was opened.
func TestWorkAfterTheClockWasSetBack(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(0)
	d.Policy.Levels[models.SeverityCritical] = models.Level{Acknowledge: time.Minute, Respond: 5 * time.Minute, Resolve: 4 * time.Hour}
	in := fresh(d, at)
	d.Stepped(&in, stepped(at.Add(time.Minute), -time.Hour))
	must(t, Acknowledge(&in, "anna", "", at.Add(90*time.Second-time.Hour)))
	if l := in.Deadlines[0]; l.Missed || !l.Met.Equal(at.Add(90*time.Second-time.Hour)) {
		t.Errorf("acknowledged in time: %+v", l)
	}
	if took := models.TallyOf(in).Promises[0].Took; took != 90*time.Second {
		t.Errorf("it took %v to acknowledge it, want 90 s", took)
	}
	before := in.Severity
	in.Severity = models.SeverityCritical
	d.Raised(&in, before, at.Add(2*time.Minute-time.Hour))
	for i, want := range []time.Duration{2 * time.Minute, 5 * time.Minute, 4 * time.Hour} {
		if got, want := in.Deadlines[i].Due, at.Add(want-time.Hour); !got.Equal(want) {
			t.Errorf("to %s: due %s, want %s", in.Deadlines[i].Promise, got, want)
		}
	}
}

func TestStepWords(t *testing.T) {
	for _, tc := range []struct {
		s    models.ClockStep
		want string
	}{
		{models.ClockStep{By: 2500 * time.Millisecond, How: models.StepSeen}, "clock of the machine set forward by 2.5s"},
		{models.ClockStep{By: -time.Hour, How: models.StepStopped}, "clock of the machine set back by 1h0m0s"},
		{models.ClockStep{By: -time.Hour, How: models.StepAtLeast}, "clock of the machine set back by at least 1h0m0s"},
	} {
		if got := StepWords(tc.s); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
		if stepNotes[tc.s.How] == "" {
			t.Errorf("no note for %s", tc.s.How)
		}
	}
}
