package incident

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// desk is a site with a shop and a yard.
func desk() Desk {
	return Desk{Policy: models.Policy{
		Sites: []models.Site{{ID: "shop", Name: "Shop", Position: &models.Position{Lat: 48.2, Lon: 16.37}}, {ID: "yard", Name: "Yard"}},
		Matrix: models.Matrix{
			{"low", "low", "low", "medium", "medium"},
			{"low", "low", "medium", "medium", "high"},
			{"low", "medium", "medium", "high", "high"},
			{"medium", "medium", "high", "high", "critical"},
			{"medium", "high", "high", "critical", "critical"}},
		Types: []models.Type{
			{ID: "theft", Name: "Theft", Subs: []string{"shoplifting"}, Skills: []string{"first_aid"},
				Checklist: []models.Step{{Stage: "assess", Text: "Look"}, {Stage: "secure", Text: "Keep the scene"}},
				Required:  []string{"description", "outcome", "statement", "tasks"}},
			{ID: "accident", Name: "Accident", Checklist: []models.Step{{Stage: "assess", Text: "Look"}, {Stage: "alert", Text: "Call help"}}},
		},
		Presets: []models.Preset{{Name: "window", Kinds: []models.Kind{models.KindLoitering}, Zones: []models.ZoneID{"window"},
			Severity: models.SeverityHigh, Type: "theft", Tags: []string{"Jewels"},
			Schedule: []models.Schedule{{From: 22 * time.Hour, To: 6 * time.Hour, Location: time.UTC}}}},
		Levels: map[models.Severity]models.Level{
			models.SeverityCritical: {Acknowledge: time.Minute, Respond: 5 * time.Minute, Resolve: 4 * time.Hour},
			models.SeverityHigh:     {Acknowledge: 2 * time.Minute, Respond: 10 * time.Minute, Resolve: 8 * time.Hour},
			models.SeverityMedium:   {Acknowledge: 10 * time.Minute, Respond: 30 * time.Minute, Resolve: 24 * time.Hour},
			models.SeverityLow:      {Acknowledge: time.Hour, Resolve: 72 * time.Hour},
		},
		Outcomes: []string{"deterred", "arrested"},
		Waits:    []models.Wait{{ID: "police", Pauses: []models.Promise{models.PromiseResolve}}},
		Groups:   map[string][]models.CameraID{"inside": {"till"}},
		Places:   map[models.CameraID]models.Place{"till": {Site: "shop"}, "gate": {Site: "yard"}},
	}}
}

// opened is an incident of detection, logged at day.
func opened(d Desk) models.Incident {
	in := models.Incident{ID: "x", Camera: "till", Zone: "door", Kind: models.KindLoitering, Severity: models.SeverityMedium,
		State: models.StateNew, Start: day.Add(-time.Minute), Alarm: day, Opened: day}
	d.Log(&in, day)
	return in
}

func after(minutes float64) time.Time { return day.Add(time.Duration(minutes * float64(time.Minute))) }

// done stops the test when a step was refused.
func done(t *testing.T, steps ...error) {
	t.Helper()
	for i, err := range steps {
		if err != nil {
			t.Fatalf("step %d: %v", i+1, err)
		}
	}
}

// clocks shows deadlines as "acknowledge +10m", in minutes after day.
func clocks(in models.Incident) string {
	var out []string
	for _, l := range in.Deadlines {
		s := fmt.Sprintf("%s +%g", l.Promise, l.Due.Sub(day).Minutes())
		if l.Paused != "" {
			s = fmt.Sprintf("%s paused %g left", l.Promise, l.Left.Minutes())
		}
		if !l.Met.IsZero() {
			s += fmt.Sprintf(" met +%g", l.Met.Sub(day).Minutes())
		}
		if l.Missed {
			s += " missed"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestDetectionIsLogged(t *testing.T) {
	d := desk()
	in := opened(d)
	if in.Site != "shop" || in.Origin != models.OriginDetection || in.Triage.Reason != "rule" || len(in.Log) != 0 {
		t.Errorf("got %+v", in)
	}
	if got := clocks(in); got != "acknowledge +10, respond +30, resolve +1440" {
		t.Errorf("clocks: %s", got)
	}
	night := models.Incident{Camera: "till", Zone: "window", Kind: models.KindLoitering, Severity: models.SeverityLow, Alarm: day.Add(-time.Hour), Opened: day}
	d.Log(&night, day)
	if night.Severity != models.SeverityHigh || night.Triage.Type != "theft" || night.Triage.Reason != "preset window" ||
		!slices.Equal(night.Triage.Tags, []string{"jewels"}) || len(night.Investigation.Tasks) != 2 || len(night.Log) != 1 {
		t.Errorf("preset: got %+v", night)
	}
	if got := clocks(night); got != "acknowledge +2, respond +10, resolve +480" {
		t.Errorf("clocks of the preset: %s", got)
	}
	// What the preset said stays when a further event of the same incident comes.
	Merge(&night, models.Incident{Severity: models.SeverityCritical})
	if night.Severity != models.SeverityHigh {
		t.Errorf("detection overruled the preset: %s", night.Severity)
	}
	Merge(&in, models.Incident{Severity: models.SeverityCritical})
	d.Raised(&in, models.SeverityMedium, after(.5))
	if got := clocks(in); in.Severity != models.SeverityCritical || got != "acknowledge +1, respond +5, resolve +240" || len(in.Log) != 1 {
		t.Errorf("raised: %s, %s, log %v", in.Severity, got, in.Log)
	}
}

// A whole night: claimed, judged, sent, waited for the police, resolved, closed, reviewed.
func TestTheFiveStages(t *testing.T) {
	d := desk()
	in := opened(d)
	done(t,
		d.Claim(&in, "ann", "", after(1)),
		d.Classify(&in, "ann", "theft", "shoplifting", []string{"Window", "night", "window"}, after(2)),
		d.Rate(&in, "ann", 4, 3, after(3)),
		d.Assign(&in, "ann", "bob", "", after(4)),
		d.Respond(&in, "bob", "at the door", after(5)),
		d.AddStatement(&in, "bob", models.Statement{ID: "s1", Witness: "Cleo", Text: "He ran"}, after(6)),
		d.StartTimer(&in, "bob", models.Effort{ID: "t1"}, after(6)),
		d.Wait(&in, "bob", "police", "", after(10)),
	)
	if got := clocks(in); got != "acknowledge +10 met +1, respond +10 met +5, resolve paused 470 left" {
		t.Errorf("while it waits: %s", got)
	}
	done(t, d.Resume(&in, "bob", "", after(70)))
	if got := clocks(in); got != "acknowledge +10 met +1, respond +10 met +5, resolve +540" {
		t.Errorf("after the wait: %s", got)
	}
	err := d.Close(&in, "bob", "", after(71))
	if !errors.Is(err, ErrField) || !strings.Contains(err.Error(), "missing are a description, every task ticked off or skipped and an outcome") {
		t.Errorf("close of half a file: %v", err)
	}
	if err := d.Tick(&in, "bob", "theft-9", after(71)); !errors.Is(err, ErrNone) {
		t.Errorf("no such task: %v", err)
	}
	done(t,
		d.Describe(&in, "bob", "A man ran off <script>", after(72)),
		d.Tick(&in, "bob", "theft-1", after(72)),
		d.Skip(&in, "bob", "theft-2", "nothing was touched", after(72)),
		d.Resolve(&in, "bob", models.Resolution{Outcome: "deterred", Loss: &models.Money{Amount: 0, Currency: "EUR"}}, after(73)),
		d.Close(&in, "ann", "complete", after(80)),
		d.SaveReview(&in, "eva", models.Review{Happened: "a", Unfolded: "b", Signs: "c", Changes: []models.Change{{Kind: "task", Text: "light"}}}, after(90)),
		d.CarryOut(&in, "eva", "1", after(91)),
		d.AddDelivery(&in, "eva", models.Delivery{ID: "d1", To: "Police", Why: "case", How: "stick"}, after(92)),
	)
	c := in.Course
	if in.State != models.StateClosed || c.Acknowledged != after(1) || c.Responded != after(5) || c.Resolved != after(73) ||
		c.Closed != after(80) || c.Reviewed != after(90) || in.Triage.Reason != "matrix 4 × 3" || in.Assignment.Officer != "bob" {
		t.Errorf("got %+v %+v", in.Course, in)
	}
	if e := in.Investigation.Effort; len(e) != 1 || e[0].Timing || e[0].Spent != 74*time.Minute {
		t.Errorf("the timer that ran: %+v", e)
	}
	var got []string
	for _, a := range in.Log {
		s := a.Who + " " + a.What
		for _, ch := range a.Changed {
			s += fmt.Sprintf(" [%s: %s→%s]", ch.Field, ch.From, ch.To)
		}
		got = append(got, s)
	}
	want := []string{"ann claimed [officer: →ann]",
		"ann classified [type: →theft] [sub-type: →shoplifting] [tags: →night, window]",
		"ann rated [severity: medium→high] [reason for severity: rule→matrix 4 × 3]",
		"ann assigned [officer: ann→bob]", "bob responded", "bob statement added", "bob timer started", "bob waits for police",
		"bob resumed [waits for: police→]", "bob described [description: →A man ran off <script>]", "bob task done",
		"bob task skipped [skipped: →nothing was touched]", "bob resolved [outcome: →deterred] [loss: →0 EUR]", "ann closed",
		"eva reviewed [what happened: →a] [how it unfolded: →b] [signs: →c] [change 1: →task: light]", "eva change made", "eva evidence delivered"}
	if !slices.Equal(got, want) {
		t.Errorf("log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if in.Edition != int64(len(want)) {
		t.Errorf("edition %d", in.Edition)
	}

	done(t, d.Reopen(&in, "eva", "he came back", after(100)))
	if got := clocks(in); in.State != models.StateAcknowledged || in.Resolution != nil || in.Course.Reopened != 1 ||
		got != "acknowledge +10 met +1, respond +10 met +5, resolve +580" {
		t.Errorf("reopened: %s, %s", in.State, got)
	}
	if last := in.Log[len(in.Log)-1]; !slices.Contains(last.Changed, models.Changed{Field: "outcome", From: "deterred"}) {
		t.Errorf("what was said of its end is lost: %+v", last)
	}
}

func TestTwoCannotClaimOneIncident(t *testing.T) {
	d := desk()
	in := opened(d)
	done(t, d.Claim(&in, "ann", "", after(1)))
	before := in
	err := d.Claim(&in, "bob", "", after(1))
	if !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), "ann has it") || !reflect.DeepEqual(in, before) {
		t.Errorf("second claim: %v", err)
	}
	done(t, d.Claim(&in, "ann", "", after(2)))
	if len(in.Log) != 1 {
		t.Errorf("to claim what one has is nothing new: %v", in.Log)
	}
	if err := d.HandOver(&in, "bob", "cid", "x", after(3)); !errors.Is(err, ErrTaken) {
		t.Errorf("hand over of somebody else's: %v", err)
	}
	if err := d.Assign(&in, "eva", "bob", "", after(3)); !errors.Is(err, ErrField) || !strings.Contains(err.Error(), "ann has it") {
		t.Errorf("taken away without a reason: %v", err)
	}
	done(t, d.Assign(&in, "eva", "bob", "ann is ill", after(3)), d.HandOver(&in, "bob", "cid", "the key is in the box", after(4)),
		d.Release(&in, "cid", "", after(5)))
	if err := d.Release(&in, "cid", "", after(5)); !errors.Is(err, ErrState) {
		t.Errorf("released twice: %v", err)
	}
	done(t, d.Claim(&in, "dan", "", after(6)), d.Escalate(&in, "dan", "eva", "too much for me", models.SeverityCritical, after(7)))
	if in.Assignment.Officer != "eva" || in.Assignment.Escalated != 1 || in.Severity != models.SeverityCritical {
		t.Errorf("got %+v", in.Assignment)
	}
	if err := d.Escalate(&in, "eva", "fay", "x", models.SeverityLow, after(8)); !errors.Is(err, ErrField) {
		t.Errorf("escalated to a lower severity: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	d := desk()
	for _, tc := range []struct {
		name string
		play func(*models.Incident) error
		want string
	}{
		{"late", func(in *models.Incident) error { return d.Claim(in, "ann", "", after(11)) },
			"acknowledge +10 met +11 missed, respond +30, resolve +1440"},
		{"at the last moment", func(in *models.Incident) error { return d.Claim(in, "ann", "", after(10)) },
			"acknowledge +10 met +10, respond +30, resolve +1440"},
		{"the severity rises", func(in *models.Incident) error { return d.SetSeverity(in, "ann", "critical", "a knife", after(3)) },
			"acknowledge +1, respond +5, resolve +240"},
		{"it falls: no response is promised", func(in *models.Incident) error { return d.SetSeverity(in, "ann", "low", "a cat", after(3)) },
			"acknowledge +60, resolve +4320"},
		{"what was kept stays", func(in *models.Incident) error {
			return errors.Join(d.Claim(in, "ann", "", after(3)), d.SetSeverity(in, "ann", "critical", "a knife", after(4)))
		}, "acknowledge +10 met +3, respond +5, resolve +240"},
		{"what was missed stays so", func(in *models.Incident) error {
			if got := Miss(in, after(11)); !slices.Equal(got, []models.Promise{models.PromiseAcknowledge}) || Miss(in, after(11)) != nil {
				return fmt.Errorf("missed %v", got)
			}
			return d.SetSeverity(in, "ann", "low", "a cat", after(12))
		}, "acknowledge +60 missed, resolve +4320"},
		{"pauses count when the severity changes", func(in *models.Incident) error {
			return errors.Join(d.Claim(in, "ann", "", after(1)), d.Wait(in, "ann", "police", "", after(60)), d.Resume(in, "ann", "", after(160)),
				d.SetSeverity(in, "ann", "high", "more", after(161)))
		}, "acknowledge +10 met +1, respond +10, resolve +580"},
		{"the severity changes while it waits", func(in *models.Incident) error {
			return errors.Join(d.Claim(in, "ann", "", after(1)), d.Wait(in, "ann", "police", "", after(60)),
				d.SetSeverity(in, "ann", "high", "more", after(100)))
		}, "acknowledge +10 met +1, respond +10, resolve paused 420 left"},
		{"missed before it waits", func(in *models.Incident) error {
			return errors.Join(d.Claim(in, "ann", "", after(1)), d.Wait(in, "ann", "police", "", after(1450)), d.Resume(in, "ann", "", after(2000)))
		}, "acknowledge +10 met +1, respond +30, resolve +1990 missed"},
		{"the clock is set back", func(in *models.Incident) error { return d.Claim(in, "ann", "", after(-60)) },
			"acknowledge +10 met +0, respond +30, resolve +1440"},
		{"resolved while it waits", func(in *models.Incident) error {
			return errors.Join(d.Claim(in, "ann", "", after(1)), d.Wait(in, "ann", "police", "", after(60)),
				d.Resolve(in, "ann", models.Resolution{Outcome: "deterred"}, after(5000)))
		}, "acknowledge +10 met +1, respond +30 met +5000 missed, resolve +6380 met +5000"},
	} {
		in := opened(d)
		if err := tc.play(&in); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got := clocks(in); got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

func TestANuisanceIsClosedWithoutAFile(t *testing.T) {
	d := desk()
	in := opened(d)
	done(t, d.Claim(&in, "ann", "", after(1)), d.Classify(&in, "ann", "theft", "", nil, after(1)))
	if err := d.Close(&in, "ann", "", after(2)); !errors.Is(err, ErrField) {
		t.Fatalf("got %v", err)
	}
	done(t, Judge(&in, models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain, By: "ann", At: after(2)}), d.Close(&in, "ann", "", after(2)))
	if in.Resolution == nil || in.Resolution.Outcome != NuisanceOutcome {
		t.Errorf("got %+v", in.Resolution)
	}
}

// What was added before an incident was closed, and is sent once more because the answer did not
// arrive, is there: that is no mistake.
func TestAddedOnceMoreAfterTheClose(t *testing.T) {
	d := desk()
	for _, tc := range []struct {
		name string
		add  func(*models.Incident, string) error
	}{
		{"task", func(in *models.Incident, id string) error {
			return d.AddTask(in, "ann", models.Task{ID: id, Stage: "alert", Text: "x"}, after(1))
		}},
		{"statement", func(in *models.Incident, id string) error {
			return d.AddStatement(in, "ann", models.Statement{ID: id, Witness: "w", Text: "x"}, after(1))
		}},
		{"subject", func(in *models.Incident, id string) error {
			return d.AddSubject(in, "ann", models.Subject{ID: id, Kind: "person", Role: "other", Text: "x"}, after(1))
		}},
		{"mark", func(in *models.Incident, id string) error {
			return d.AddMark(in, "ann", models.Mark{ID: id, When: after(0), Text: "x"}, after(1))
		}},
		{"exhibit", func(in *models.Incident, id string) error {
			return d.AddExhibit(in, "ann", models.Exhibit{ID: id, Camera: "gate", From: after(0), To: after(1)}, after(1))
		}},
		{"effort", func(in *models.Incident, id string) error {
			return d.AddEffort(in, "ann", models.Effort{ID: id, From: after(0), Spent: time.Second}, after(1))
		}},
		{"timer", func(in *models.Incident, id string) error {
			return d.StartTimer(in, "ann", models.Effort{ID: id}, after(1))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := opened(d)
			done(t, tc.add(&in, "k1"))
			in.State = models.StateClosed
			entries := len(in.Log)
			done(t, tc.add(&in, "k1"))
			if len(in.Log) != entries {
				t.Errorf("%d entries, want %d", len(in.Log), entries)
			}
			if err := tc.add(&in, "k2"); !errors.Is(err, ErrState) {
				t.Errorf("another one: %v, want %v", err, ErrState)
			}
		})
	}
}

func TestATypeBringsItsChecklist(t *testing.T) {
	d := desk()
	in := opened(d)
	texts := func() (out []string) {
		for _, task := range in.Investigation.Tasks {
			out = append(out, task.ID+" "+task.Text)
		}
		return out
	}
	done(t, d.Classify(&in, "ann", "theft", "", nil, after(1)), d.Tick(&in, "ann", "theft-1", after(2)),
		d.AddTask(&in, "ann", models.Task{ID: "own", Stage: "alert", Text: "Tell the tenant"}, after(2)),
		d.AddTask(&in, "ann", models.Task{ID: "own", Stage: "alert", Text: "Tell the tenant"}, after(2)),
		d.Classify(&in, "ann", "accident", "", nil, after(3)))
	if got := texts(); !slices.Equal(got, []string{"theft-1 Look", "own Tell the tenant", "accident-2 Call help"}) {
		t.Errorf("got %v", got)
	}
	done(t, d.Classify(&in, "ann", "theft", "", nil, after(4)))
	if got := texts(); !slices.Equal(got, []string{"theft-1 Look", "own Tell the tenant", "theft-2 Keep the scene"}) {
		t.Errorf("and back: got %v", got)
	}
	done(t, d.Untick(&in, "bob", "theft-1", after(5)), d.Delegate(&in, "ann", "theft-1", "bob", after(60), after(5)))
	if task := in.Investigation.Tasks[0]; settled(task) || task.Owner != "bob" {
		t.Errorf("got %+v", task)
	}
}

func TestMergeAndSplit(t *testing.T) {
	d := desk()
	a, b := opened(d), opened(d)
	a.ID, a.Number, b.ID, b.Number = "a", 1, "b", 2
	done(t, d.Absorb(&a, b, "eva", "same man", after(1)), d.MergeInto(&b, a, "eva", "same man", after(1)))
	before := []models.Incident{a, b}
	done(t, d.Absorb(&a, b, "eva", "same man", after(2)), d.MergeInto(&b, a, "eva", "same man", after(2)))
	if !reflect.DeepEqual(before, []models.Incident{a, b}) {
		t.Error("a repeated merge changed something")
	}
	if b.State != models.StateClosed || b.Linked.Into != "a" || !slices.Equal(a.Linked.Merged, []models.IncidentID{"b"}) || a.State != models.StateNew {
		t.Errorf("got %+v and %+v", a.Linked, b.Linked)
	}
	if err := d.Reopen(&b, "eva", "x", after(3)); !errors.Is(err, ErrState) {
		t.Errorf("reopened what was merged: %v", err)
	}
	if err := d.Absorb(&b, a, "eva", "x", after(3)); !errors.Is(err, ErrState) {
		t.Errorf("merged in a circle: %v", err)
	}
	if err := d.Absorb(&a, a, "eva", "x", after(3)); !errors.Is(err, ErrField) {
		t.Errorf("merged into itself: %v", err)
	}
	done(t, d.Unmerge(&b, "eva", "another man", after(4)), d.Part(&a, b, "eva", "another man", after(4)))
	if b.State != models.StateAcknowledged || b.Linked.Into != "" || len(a.Linked.Merged) != 0 {
		t.Errorf("unmerged: %+v and %+v", a.Linked, b.Linked)
	}

	for n := int64(1); n <= 3; n++ {
		a.Events = append(a.Events, models.Event{ID: n, Camera: "till", Zone: "door", Rule: models.Rule{Kind: models.KindLoitering},
			Start: at(float64(n) * 60), Alarm: at(float64(n)*60 + 10), End: at(float64(n)*60 + 30)})
	}
	a.EventCount = 3
	if _, err := d.Split(a, []int64{2}, "eva", "two men", after(5)); !errors.Is(err, ErrState) {
		t.Errorf("split what goes on: %v", err)
	}
	a.End = after(4)
	for _, wrong := range [][]int64{nil, {9}, {1, 2, 3}, {1, 1}} {
		if _, err := d.Split(a, wrong, "eva", "two men", after(5)); !errors.Is(err, ErrField) {
			t.Errorf("split off %v: %v", wrong, err)
		}
	}
	part, err := d.Split(a, []int64{3, 2}, "eva", "two men", after(5))
	done(t, err, d.Shed(&a, part, "eva", "two men", after(5)), d.Shed(&a, part, "eva", "two men", after(6)))
	if part.EventCount != 2 || a.EventCount != 1 || len(a.Events) != 1 || part.Linked.From != "a" || part.Start != after(2) || part.End != after(3.5) ||
		part.Alarm != at(130).Wall || part.Investigation.Exhibits[0].Incident != "a" || part.State != models.StateNew || len(part.Deadlines) != 3 {
		t.Errorf("got %+v, left %+v", part, a.Events)
	}
}

func TestDuplicates(t *testing.T) {
	d := desk()
	in := opened(d)
	other := func(id string, camera models.CameraID, minutes float64) models.Incident {
		o := opened(d)
		o.ID, o.Camera, o.Site = models.IncidentID(id), camera, d.Policy.Places[camera].Site
		o.Start, o.Alarm, o.End = after(minutes), after(minutes), after(minutes+1)
		return o
	}
	merged := other("merged", "till", 0)
	merged.Linked.Into = "z"
	report := other("report", "", 5)
	report.Site, report.Kind = "shop", models.KindReported
	var got []string
	for _, dup := range d.Duplicates(in, []models.Incident{in, merged, other("far", "till", 60), other("gate", "gate", 0), report, other("same", "till", 0)}) {
		got = append(got, string(dup.Incident)+": "+strings.Join(dup.Reasons, ", "))
	}
	if want := []string{"same: same zone, at the same time, same kind", "report: same site, 5m0s apart"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSuggest(t *testing.T) {
	d := desk()
	in := opened(d)
	in.Triage.Type = "theft"
	work := []models.Grant{{Role: models.RoleOfficer}}
	near := &models.Position{Lat: 48.2011, Lon: 16.37}
	night := []models.Schedule{{From: 0, To: 6 * time.Hour, Location: time.UTC}}
	officers := []models.Officer{
		{User: "far", Grants: work, Skills: []string{"first_aid"}, Position: &models.Position{Lat: 48.3, Lon: 16.37}},
		{User: "near", Grants: work, Skills: []string{"first_aid"}, Position: near, Shift: night},
		{User: "busy", Grants: work, Skills: []string{"first_aid"}, Position: near},
		{User: "nowhere", Grants: work, Skills: []string{"first_aid"}},
		{User: "here", Grants: work, Skills: []string{"first_aid", "k9"}, Site: "shop"},
		{User: "off", Grants: work, Skills: []string{"first_aid"}, Shift: []models.Schedule{{From: 8 * time.Hour, To: 9 * time.Hour}}},
		{User: "break", Grants: work, Skills: []string{"first_aid"}, Away: "lunch"},
		{User: "raw", Grants: work},
		{User: "clerk", Grants: []models.Grant{{Role: models.RoleAuditor}}, Skills: []string{"first_aid"}},
		{User: "outside", Grants: []models.Grant{{Role: models.RoleOfficer, Groups: []string{"outside"}}}, Skills: []string{"first_aid"}},
		{User: "inside", Grants: []models.Grant{{Role: models.RoleOfficer, Groups: []string{"inside"}}}, Skills: []string{"first_aid"}},
	}
	show := func(list []Candidate) (out []string) {
		for _, c := range list {
			out = append(out, c.User+": "+strings.Join(c.Reasons, ", "))
		}
		return out
	}
	s := d.Suggest(in, officers, map[string]int{"busy": 2, "far": 1}, day)
	if got, want := show(s.Officers), []string{
		"here: at the site, on duty, first aid, free",
		"near: 122 m away, on shift until 06:00, first aid, free",
		"busy: 122 m away, on duty, first aid, has 2 open incidents",
		"far: 11 km away, on duty, first aid, has 1 open incident",
		"inside: on duty, first aid, free", "nowhere: on duty, first aid, free",
	}; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := show(s.LeftOut), []string{"break: away: lunch", "clerk: may not work on this camera's incidents", "off: off duty",
		"outside: may not work on this camera's incidents", "raw: without the skill first aid"}; !slices.Equal(got, want) {
		t.Errorf("left out:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOpenByHand(t *testing.T) {
	d := desk()
	good := Report{ID: "r", Origin: models.OriginPatrol, Site: "shop", Occurred: after(-30), Type: "theft", Description: "till broken"}
	in, err := d.Open(good, "ann", day)
	if err != nil || in.Severity != models.SeverityMedium || in.Kind != models.KindReported || in.Alarm != after(-30) || in.Opened != day ||
		len(in.Investigation.Tasks) != 2 || clocks(in) != "acknowledge +10, respond +30, resolve +1440" || len(in.Log) != 1 || in.Footage.Complete() != 1 {
		t.Errorf("got %+v, %v", in, err)
	}
	for name, change := range map[string]func(*Report){
		"origin":      func(r *Report) { r.Origin = models.OriginDetection },
		"occurred":    func(r *Report) { r.Occurred = after(30) },
		"site":        func(r *Report) { r.Site = "moon" },
		"type":        func(r *Report) { r.Type = "magic" },
		"severity":    func(r *Report) { r.Severity = "huge" },
		"impact":      func(r *Report) { r.Impact = 6 },
		"description": func(r *Report) { r.Description = "a\x00b" },
		"tags":        func(r *Report) { r.Tags = []string{"a,b"} },
		"camera":      func(r *Report) { r.Exhibit = &models.Exhibit{} },
	} {
		r := good
		change(&r)
		if _, err := d.Open(r, "ann", day); !errors.Is(err, ErrField) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	rated := good
	rated.Impact, rated.Likelihood = 5, 5
	if in, err := d.Open(rated, "ann", day); err != nil || in.Severity != models.SeverityCritical {
		t.Errorf("rated: %s, %v", in.Severity, err)
	}
}

func TestLists(t *testing.T) {
	d := desk()
	in := opened(d)
	for n := range MaxEntries + 1 {
		err := d.AddMark(&in, "ann", models.Mark{ID: fmt.Sprint(n), When: day, Text: "here"}, after(1))
		if full := n == MaxEntries; errors.Is(err, ErrFull) != full {
			t.Fatalf("mark %d: %v", n, err)
		}
	}
	if err := d.Describe(&in, "ann", strings.Repeat("ä", MaxText), after(1)); err != nil {
		t.Errorf("a text of the greatest length: %v", err)
	}
	if err := d.Describe(&in, "ann", strings.Repeat("a", MaxText+1), after(1)); !errors.Is(err, ErrField) {
		t.Errorf("a longer one: %v", err)
	}
}

// Whatever people do, in whatever order: a record never says what cannot be, its log only
// grows, by one entry for each step that changed something, and a refused step changes
// nothing.
func TestRandomWalksGiveNoImpossibleRecord(t *testing.T) {
	d := desk()
	people := []string{"ann", "bob", "eva"}
	severities := []models.Severity{"low", "medium", "high", "critical", "huge"}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		who := func() string { return people[r.IntN(len(people))] }
		text := func() string { return []string{"", "text"}[r.IntN(2)] }
		in, clock := opened(d), day
		other := opened(d)
		other.ID = "y"
		steps := []func() error{
			func() error { return Acknowledge(&in, who(), "", clock) },
			func() error { return d.Claim(&in, who(), "", clock) },
			func() error { return d.Assign(&in, who(), who(), text(), clock) },
			func() error { return d.HandOver(&in, who(), who(), text(), clock) },
			func() error { return d.Release(&in, who(), "", clock) },
			func() error { return d.Escalate(&in, who(), who(), text(), severities[r.IntN(5)], clock) },
			func() error { return d.Rate(&in, who(), r.IntN(7), r.IntN(7), clock) },
			func() error { return d.SetSeverity(&in, who(), severities[r.IntN(5)], text(), clock) },
			func() error {
				return d.Classify(&in, who(), []string{"", "theft", "accident", "x"}[r.IntN(4)], "", nil, clock)
			},
			func() error { return d.Respond(&in, who(), "", clock) },
			func() error { return d.Wait(&in, who(), []string{"police", "x"}[r.IntN(2)], "", clock) },
			func() error { return d.Resume(&in, who(), "", clock) },
			func() error {
				return d.Resolve(&in, who(), models.Resolution{Outcome: []string{"deterred", "x"}[r.IntN(2)]}, clock)
			},
			func() error { return d.Close(&in, who(), "", clock) },
			func() error { return Close(&in, who(), "", clock) },
			func() error { return d.Reopen(&in, who(), text(), clock) },
			func() error { return d.Tick(&in, who(), "theft-1", clock) },
			func() error { return d.Skip(&in, who(), "theft-2", text(), clock) },
			func() error { return d.Untick(&in, who(), "theft-1", clock) },
			func() error { return d.StartTimer(&in, who(), models.Effort{ID: fmt.Sprint(r.IntN(9))}, clock) },
			func() error { return d.StopTimer(&in, who(), clock) },
			func() error {
				return d.SaveReview(&in, who(), models.Review{Happened: "a", Unfolded: "b", Signs: text()}, clock)
			},
			func() error { return d.MergeInto(&in, other, who(), text(), clock) },
			func() error { return d.Unmerge(&in, who(), text(), clock) },
			func() error { Miss(&in, clock); return nil },
			func() error { return d.Remark(&in, who(), fmt.Sprint(r.IntN(9)), text(), clock) },
		}
		for range 60 {
			clock = clock.Add(time.Duration(r.IntN(120)-5) * time.Minute) // sometimes somebody sets it back
			before, log := in, slices.Clone(in.Log)
			n := r.IntN(len(steps))
			err := steps[n]()
			if err != nil && !reflect.DeepEqual(in, before) {
				t.Fatalf("seed %d: step %d was refused (%v) and changed\n%+v\nto\n%+v", seed, n, err, before, in)
			}
			if !slices.EqualFunc(in.Log[:len(log)], log, func(a, b models.Action) bool { return reflect.DeepEqual(a, b) }) || len(in.Log) > len(log)+1 {
				t.Fatalf("seed %d: step %d: the log was rewritten", seed, n)
			}
			if impossible := impossible(in); impossible != "" {
				t.Fatalf("seed %d: step %d: %s: %+v", seed, n, impossible, in)
			}
		}
	}
}

// impossible says what a record says that cannot be.
func impossible(in models.Incident) string {
	c := in.Course
	switch {
	case in.State != models.StateNew && c.Acknowledged.IsZero():
		return "worked on and not acknowledged"
	case in.State == models.StateNew && in.Assignment.Officer != "":
		return "new and somebody's"
	case (in.State == models.StateClosed) == c.Closed.IsZero():
		return "closed without a time, or a time without being closed"
	case (in.State == models.StateClosed || in.State == models.StateResolved) == c.Resolved.IsZero():
		return "resolved without a time, or a time without being resolved"
	case in.State == models.StateResolved && in.Resolution == nil:
		return "resolved without a resolution"
	case in.Waiting != nil && in.State != models.StateAcknowledged:
		return "waits and nobody works on it"
	case in.Linked.Into != "" && in.State != models.StateClosed:
		return "merged into another and goes on"
	case in.Edition != int64(len(in.Log)):
		return "an edition that is not that of its log"
	case c.Acknowledged.Before(in.Opened) && !c.Acknowledged.IsZero():
		return "acknowledged before it was opened"
	}
	timing := map[string]bool{}
	for _, e := range in.Investigation.Effort {
		if e.Spent < 0 || e.Timing && (timing[e.Who] || in.State == models.StateClosed) {
			return "time that nobody spent"
		}
		timing[e.Who] = timing[e.Who] || e.Timing
	}
	seen := map[models.Promise]bool{}
	for _, l := range in.Deadlines {
		switch {
		case seen[l.Promise]:
			return "two deadlines of one promise"
		case !l.Met.IsZero() && l.Met.Before(in.Opened):
			return "met before it was opened"
		case l.Open() && in.State == models.StateClosed:
			return "closed with a clock that runs"
		case l.Open() && l.Paused == "" && l.Due.IsZero():
			return "a clock that falls due never"
		case l.Paused != "" && (in.Waiting == nil || !l.Due.IsZero()):
			return "a clock that stands for nothing"
		case l.Open() && l.Promise == models.PromiseAcknowledge && in.State != models.StateNew:
			return "acknowledged and the promise open"
		case !l.Missed && !l.Met.IsZero() && !l.Due.IsZero() && l.Met.After(l.Due):
			return "late and not missed"
		}
		seen[l.Promise] = true
	}
	return ""
}
