package incident

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// promising is a policy that promises one thing for high severity, with a warning.
func promising(warn time.Duration, hours ...models.Schedule) Desk {
	return Desk{Policy: models.Policy{Levels: map[models.Severity]models.Level{
		models.SeverityHigh: {Acknowledge: 2 * time.Minute, Respond: 10 * time.Minute, Warn: warn, Hours: hours},
	}}}
}

func fresh(d Desk, at time.Time) models.Incident {
	in := models.Incident{ID: "20261122T234000.000Z-gate-door-loitering-1", Number: 7, Camera: "gate", Zone: "door",
		Kind: models.KindLoitering, Severity: models.SeverityHigh, State: models.StateNew, Start: at, Alarm: at, Opened: at}
	d.Log(&in, at)
	return in
}

func TestOwed(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(time.Minute)
	for _, tc := range []struct {
		name   string
		after  time.Duration
		change func(*models.Incident)
		warn   string
		missed bool
		again  time.Duration // after at; 0: never
	}{
		{name: "just opened", after: 0, again: time.Minute},
		{name: "a moment before the warning", after: time.Minute - 1, again: time.Minute},
		{name: "the warning", after: time.Minute, warn: "acknowledge", again: 2*time.Minute + 1},
		{name: "a promise may be kept until the instant itself", after: 2 * time.Minute, warn: "acknowledge", again: 2*time.Minute + 1},
		{name: "missed", after: 2*time.Minute + 1, missed: true, again: 9 * time.Minute},
		{name: "noted as missed", after: 3 * time.Minute, change: func(in *models.Incident) { Overdue(in, at.Add(3*time.Minute)) }, again: 9 * time.Minute},
		{name: "both, after a long stop", after: time.Hour, missed: true},
		{name: "kept", after: time.Minute, change: func(in *models.Incident) {
			if err := Acknowledge(in, "anna", "", at.Add(30*time.Second)); err != nil {
				t.Fatal(err)
			}
		}, again: 9 * time.Minute},
		{name: "a clock that stands", after: time.Hour, change: func(in *models.Incident) {
			for i := range in.Deadlines {
				in.Deadlines[i] = pause(in.Deadlines[i], "police", nil, at)
			}
		}},
		{name: "the clock of the machine was set back", after: -time.Hour, again: time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := fresh(d, at)
			if tc.change != nil {
				tc.change(&in)
			}
			warnings, missed, again := d.Owed(in, at.Add(tc.after))
			var promises []string
			for _, n := range warnings {
				promises = append(promises, string(n.Promise))
				if n.Kind != models.NoticeDue || n.Incident.ID != in.ID || n.Due.IsZero() {
					t.Errorf("notice %+v", n)
				}
			}
			if got := strings.Join(promises, " "); got != tc.warn || missed != tc.missed {
				t.Errorf("warned of %q, missed %v; want %q, %v", got, missed, tc.warn, tc.missed)
			}
			want := time.Time{}
			if tc.again != 0 {
				want = at.Add(tc.again)
			}
			if !again.Equal(want) {
				t.Errorf("again at %v, want %v", again, want)
			}
		})
	}
	if got := d.Longest(); got != time.Minute {
		t.Errorf("longest warning %v", got)
	}
}

// What is owed has the same ID each time, and another one once the deadline is another.
func TestWarningsAreTheSameEachTime(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(time.Minute)
	in := fresh(d, at)
	first, _, _ := d.Owed(in, at.Add(time.Minute))
	// An hour later the clock is set back by an hour, and another node asks.
	second, _, _ := promising(time.Minute).Owed(in, at.Add(90*time.Second))
	if len(first) != 1 || !reflect.DeepEqual(first, second) {
		t.Errorf("first %+v\nsecond %+v", first, second)
	}
	in.Deadlines[0].Due = in.Deadlines[0].Due.Add(time.Second)
	if third, _, _ := d.Owed(in, at.Add(90*time.Second)); len(third) != 1 || third[0].ID == first[0].ID {
		t.Errorf("another deadline has the same notice: %+v", third)
	}
}

// On 25 October 2026 the hour from 2 to 3 comes twice in Vienna, on 29 March it does not
// come at all. Service hours from 1 to 6 count what the wall clock really showed.
func TestDeadlinesOverSummerTime(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	hours := models.Schedule{From: time.Hour, To: 6 * time.Hour, Location: vienna, TimeZone: "Europe/Vienna"}
	d := Desk{Policy: models.Policy{Levels: map[models.Severity]models.Level{
		models.SeverityHigh: {Acknowledge: 3 * time.Hour, Warn: 30 * time.Minute, Hours: []models.Schedule{hours}}}}}
	for _, tc := range []struct{ name, opened, due string }{
		{"an hour twice", "2026-10-25T01:30:00+02:00", "2026-10-25T03:30:00+01:00"},
		{"an hour never", "2026-03-29T01:30:00+01:00", "2026-03-29T05:30:00+02:00"},
	} {
		opened, _ := time.Parse(time.RFC3339, tc.opened)
		due, _ := time.Parse(time.RFC3339, tc.due)
		in := fresh(d, opened)
		if _, _, again := d.Owed(in, opened); !again.Equal(due.Add(-30 * time.Minute)) {
			t.Errorf("%s: warning at %v, want half an hour before %v", tc.name, again.In(vienna), due.In(vienna))
		}
		if _, missed, _ := d.Owed(in, due); missed {
			t.Errorf("%s: missed at the instant that it is due", tc.name)
		}
		if _, missed, _ := d.Owed(in, due.Add(1)); !missed {
			t.Errorf("%s: not missed after it", tc.name)
		}
	}
}

func TestOverdueIsNotedOnce(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	in := fresh(promising(0), at)
	entries := len(in.Log)
	if !Overdue(&in, at.Add(time.Hour)) {
		t.Fatal("nothing noted")
	}
	if Overdue(&in, at.Add(time.Hour)) || Overdue(&in, at.Add(2*time.Hour)) {
		t.Error("noted again")
	}
	if len(in.Log) != entries+1 || in.Log[entries].Who != Program || in.Log[entries].What != "deadline missed: acknowledge, respond" {
		t.Errorf("log %+v", in.Log)
	}
}

func TestOccasions(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	d := promising(0)
	for _, tc := range []struct {
		name   string
		create bool
		change func(*models.Incident)
		want   string
		to     string
	}{
		{name: "a new one", create: true, want: "opened"},
		{name: "nothing has changed", change: func(*models.Incident) {}},
		{name: "claimed by hand: nobody needs to be told", change: func(in *models.Incident) { must(t, Acknowledge(in, "anna", "", at)) }},
		{name: "assigned", change: func(in *models.Incident) {
			in.Assignment = models.Assignment{Officer: "ben", By: "anna", At: at}
		}, want: "assigned", to: "ben"},
		{name: "escalated", change: func(in *models.Incident) {
			in.Assignment = models.Assignment{Officer: "chief", By: "anna", At: at, Escalated: 1}
		}, want: "assigned escalated", to: "chief"},
		{name: "worse", change: func(in *models.Incident) { in.Severity = models.SeverityCritical }, want: "opened"},
		{name: "less bad", change: func(in *models.Incident) { in.Severity = models.SeverityLow }},
		{name: "missed", change: func(in *models.Incident) { Overdue(in, at.Add(time.Hour)) }, want: "missed missed"},
		{name: "kept late, which nobody can mend", change: func(in *models.Incident) { must(t, Acknowledge(in, "anna", "", at.Add(3*time.Minute))) }},
		{name: "closed", change: func(in *models.Incident) {
			in.State, in.Severity = models.StateClosed, models.SeverityCritical
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := fresh(d, at)
			after := before
			after.Deadlines = append([]models.Deadline(nil), before.Deadlines...)
			was := &before
			if tc.create {
				was = nil
			} else {
				tc.change(&after)
			}
			first, second := Occasions(was, after, at), Occasions(was, after, at.Add(time.Hour))
			var kinds []string
			for i, n := range first {
				kinds = append(kinds, string(n.Kind))
				if n.ID != second[i].ID {
					t.Errorf("%s has another ID later", n.Kind)
				}
				if got := strings.Join(n.To, " "); got != tc.to {
					t.Errorf("%s to %q, want %q", n.Kind, got, tc.to)
				}
			}
			if got := strings.Join(kinds, " "); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What was found out about people does not leave the house.
func TestNoticesHoldNoStatements(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 40, 0, 0, time.UTC)
	in := fresh(promising(0), at)
	const private = "Sabine Muster"
	in.Investigation = models.Investigation{Statements: []models.Statement{{Witness: private, Text: private}},
		Subjects: []models.Subject{{Name: private}}, Marks: []models.Mark{{Text: private}}, Tasks: []models.Task{{Text: private}}}
	in.Resolution = &models.Resolution{Assessment: private}
	in.Review = &models.Review{Happened: private}
	in.Judgement = &models.Judgement{Note: private}
	in.Hold = &models.Hold{Why: private}
	in.Waiting = &models.Waiting{Note: private}
	in.Deliveries = []models.Delivery{{To: private}}
	in.Triage.Reason, in.Triage.Tags = private, []string{private}
	Note(&in, private, private, private, at)
	for _, n := range Occasions(nil, in, at) {
		data, err := json.Marshal(n)
		if err != nil || strings.Contains(string(data), private) {
			t.Errorf("%s (%v)", data, err)
		}
	}
}
