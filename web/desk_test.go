package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// house is the policy of the tests: a yard with a gate.
func house() models.Policy {
	return models.Policy{
		Sites: []models.Site{{ID: "yard", Name: "Yard", Position: &models.Position{Lat: 48.2, Lon: 16.37}}},
		Matrix: models.Matrix{{"low", "low", "low", "low", "low"}, {"low", "low", "low", "low", "low"}, {"low", "low", "medium", "medium", "high"},
			{"low", "low", "medium", "high", "high"}, {"low", "low", "high", "high", "critical"}},
		Types: []models.Type{{ID: "theft", Name: "Theft", Subs: []string{"burglary"}, Required: []string{"description", "outcome"},
			Checklist: []models.Step{{Stage: "assess", Text: "Look"}, {Stage: "secure", Text: "Keep the scene"}}}},
		Levels: map[models.Severity]models.Level{"high": {Acknowledge: 2 * time.Minute, Respond: 10 * time.Minute, Resolve: 8 * time.Hour},
			"medium": {Acknowledge: time.Hour}},
		Outcomes: []string{"deterred"},
		Waits:    []models.Wait{{ID: "police", Name: "Police", Pauses: []models.Promise{models.PromiseResolve}}},
		Groups:   map[string][]models.CameraID{"outside": {"gate"}, "inside": {"yard"}},
		Places:   map[models.CameraID]models.Place{"gate": {Site: "yard"}, "yard": {}},
	}
}

// newDesk is a site with that policy, at minute 30 of the day.
func newDesk(t *testing.T) *site {
	return newSite(t, func(s *Server) {
		s.Policy = house
		s.Now = func() time.Time { return day.Add(30 * time.Minute) }
		s.Groups = func(id models.CameraID) (names []string) {
			for name, cameras := range house().Groups {
				if slices.Contains(cameras, id) {
					names = append(names, name)
				}
			}
			return names
		}
		s.Officers = func() (list []models.Officer) {
			all, err := s.Accounts.People()
			if err != nil {
				t.Error(err)
			}
			for _, p := range all {
				list = append(list, p.Officer)
			}
			return list
		}
	})
}

// as returns a browser of somebody new with a role, over all cameras or over groups.
func (s *site) as(user string, role models.Role, groups ...string) *browser {
	s.t.Helper()
	_, oneTime, err := s.server.Accounts.Add(models.Officer{User: user, Name: user, Grants: []models.Grant{{Role: role, Groups: groups}}}, people.Operator, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.browser()
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": user, "password": oneTime})
	b.want(http.StatusOK, "PUT", "/api/session/password", map[string]string{"old": oneTime, "new": "correct horse battery"})
	return b
}

// fields are the body of a request.
type fields map[string]any

// act takes a step on an incident that must succeed, with its edition when it needs one.
func (b *browser) act(method, path string, body any) models.Incident {
	b.t.Helper()
	var in models.Incident
	var headers []string
	if method == "PUT" && !strings.Contains(path, "/tasks/") {
		id := strings.Join(strings.Split(path, "/")[:4], "/")
		headers = []string{"If-Match", b.want(http.StatusOK, "GET", id, nil).Header.Get("ETag")}
	}
	a := b.do(method, path, body, headers...)
	if a.StatusCode/100 != 2 {
		b.t.Fatalf("%s %s: got %d: %s", method, path, a.StatusCode, a.body)
	}
	a.decode(b.t, &in)
	if a.Header.Get("ETag") != fmt.Sprintf(`"e%d"`, in.Edition) {
		b.t.Errorf("%s %s: ETag %s of edition %d", method, path, a.Header.Get("ETag"), in.Edition)
	}
	return in
}

// An incident goes through the five stages, by people with different roles; each step is
// one entry of the log.
func TestDeskFromReportToReview(t *testing.T) {
	s := newDesk(t)
	monitor, investigator, supervisor := s.as("mia", models.RoleMonitor), s.as("ivo", models.RoleInvestigator), s.as("sue", models.RoleSupervisor)
	s.as("otto", models.RoleOfficer)
	a := monitor.want(http.StatusCreated, "POST", "/api/incidents", fields{"origin": "report", "site": "yard", "occurred": day, "description": "a man at the ramp",
		"impact": 4, "likelihood": 4, "footage": fields{"camera": "gate", "from": day, "to": day.Add(time.Minute)}})
	var in models.Incident
	a.decode(t, &in)
	path := "/api/incidents/" + string(in.ID)
	if a.Header.Get("Location") != path || in.Number != 1 || in.Kind != models.KindReported || in.Severity != models.SeverityHigh || len(in.Deadlines) != 3 ||
		in.Site != "yard" || len(in.Investigation.Exhibits) != 1 || in.Footage.State != models.FootageNone || in.Version != "test" {
		t.Fatalf("opened: %+v", in)
	}
	steps := []struct {
		b            *browser
		method, path string
		body         any
	}{
		{monitor, "POST", "/claim", nil},
		{monitor, "PUT", "/triage", fields{"type": "theft", "sub": "burglary", "tags": []string{"Ramp"}}},
		{monitor, "PUT", "/description", fields{"description": "a man at the ramp, with a bar"}},
		{monitor, "PUT", "/severity", fields{"impact": 5, "likelihood": 5}},
		{monitor, "POST", "/notes", fields{"text": "he saw the camera"}},
		{monitor, "POST", "/respond", nil},
		{monitor, "POST", "/hand-over", fields{"officer": "ivo", "note": "he is gone"}},
		{investigator, "PUT", "/tasks/theft-1", fields{"action": "done"}},
		{investigator, "PUT", "/tasks/theft-2", fields{"action": "skip", "why": "nothing to keep"}},
		{investigator, "POST", "/tasks", fields{"stage": "document", "text": "ask the neighbour", "owner": "otto"}},
		{investigator, "POST", "/statements", fields{"witness": "Cleo", "text": "I saw him"}},
		{investigator, "POST", "/subjects", fields{"kind": "vehicle", "role": "suspect", "text": "white van", "plate": "W 1"}},
		{investigator, "POST", "/marks", fields{"when": day, "text": "he tries the door"}},
		{investigator, "POST", "/exhibits", fields{"camera": "yard", "from": day, "to": day.Add(time.Minute)}},
		{investigator, "POST", "/effort", fields{"spent_ns": time.Hour}},
		{investigator, "POST", "/effort", fields{}},
		{investigator, "POST", "/effort/stop", nil},
		{investigator, "POST", "/wait", fields{"for": "police"}},
		{investigator, "POST", "/resume", nil},
		{investigator, "POST", "/escalate", fields{"officer": "sue", "reason": "too much"}},
		{supervisor, "POST", "/assign", fields{"officer": "ivo"}},
		{investigator, "POST", "/resolve", fields{"outcome": "deterred", "loss": fields{"amount": 100, "currency": "EUR"}}},
		{investigator, "POST", "/close", fields{"note": "whole"}},
		{investigator, "POST", "/deliveries", fields{"to": "police", "why": "case", "how": "stick"}},
		{supervisor, "PUT", "/review", fields{"happened": "a", "unfolded": "b", "signs": "c", "changes": []fields{{"kind": "task", "text": "light"}}}},
		{supervisor, "POST", "/review/changes/1/done", nil},
		{investigator, "POST", "/reopen", fields{"reason": "he is back"}},
		{investigator, "POST", "/release", nil},
	}
	for i, step := range steps {
		in = step.b.act(step.method, path+step.path, step.body)
		if in.Edition != int64(i+2) || len(in.Log) != i+2 {
			t.Fatalf("%s %s: edition %d and %d entries, want %d", step.method, step.path, in.Edition, len(in.Log), i+2)
		}
	}
	if in.State != models.StateAcknowledged || in.Review == nil || len(in.Deliveries) != 1 || in.Course.Reopened != 1 || in.Assignment.Officer != "" {
		t.Errorf("at the end: %+v", in)
	}
}

// Two who claim at the same time: one gets it, and the other is told who.
func TestConcurrentClaims(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	path := "/api/incidents/" + string(in.ID) + "/claim"
	names := []string{"ann", "bob", "cid", "dan"}
	answers := make([]answer, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		b := s.as(name, models.RoleMonitor)
		wg.Go(func() { answers[i] = b.do("POST", path, nil) })
	}
	wg.Wait()
	stored, err := s.index.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	winner := stored.Assignment.Officer
	for i, a := range answers {
		switch {
		case names[i] == winner && a.StatusCode != http.StatusOK:
			t.Errorf("%s has it and was told %d", winner, a.StatusCode)
		case names[i] != winner && (a.StatusCode != http.StatusConflict || !strings.Contains(string(a.body), winner+" has it")):
			t.Errorf("%s lost to %s and was told %d: %s", names[i], winner, a.StatusCode, a.body)
		}
	}
	if winner == "" || len(stored.Log) != 1 || stored.Course.Acknowledged.IsZero() {
		t.Errorf("got %+v", stored)
	}
}

// Who edits in two windows does not overwrite in one what the other said.
func TestEditsFromTwoWindows(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID)
	tag := b.want(http.StatusOK, "GET", path, nil).Header.Get("ETag")
	if tag != `"e0"` {
		t.Fatalf("ETag %q", tag)
	}
	b.want(http.StatusPreconditionRequired, "PUT", path+"/description", fields{"description": "one"})
	first := b.want(http.StatusOK, "PUT", path+"/description", fields{"description": "one"}, "If-Match", tag)
	for what, body := range map[string]fields{"description": {"description": "two"}, "triage": {"type": "theft"}, "severity": {"severity": "low", "reason": "x"}} {
		if a := b.want(http.StatusPreconditionFailed, "PUT", path+"/"+what, body, "If-Match", tag); a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	b.want(http.StatusOK, "PUT", path+"/description", fields{"description": "two"}, "If-Match", first.Header.Get("ETag"))
	b.want(http.StatusOK, "PUT", path+"/description", fields{"description": "three"}, "If-Match", "*")
	got := get[models.Incident](b, path)
	if len(got.Log) != 3 || got.Log[2].Changed[0] != (models.Changed{Field: "description", From: "two", To: "three"}) {
		t.Errorf("log: %+v", got.Log)
	}
	// What is resolved may be said otherwise, by who has seen what was said.
	b.want(http.StatusOK, "POST", path+"/claim", nil)
	b.want(http.StatusOK, "POST", path+"/resolve", fields{"outcome": "deterred"})
	b.want(http.StatusPreconditionRequired, "POST", path+"/resolve", fields{"outcome": "nuisance"})
	b.want(http.StatusPreconditionFailed, "POST", path+"/resolve", fields{"outcome": "nuisance"}, "If-Match", tag)
	b.want(http.StatusOK, "POST", path+"/resolve", fields{"outcome": "nuisance"}, "If-Match", `"x", "e5"`)
}

// A request whose answer got lost is sent again with its key, and creates nothing more, also
// when the program was started anew meanwhile.
func TestRepeatedRequests(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	b, other := s.logIn(), s.as("sue", models.RoleSupervisor)
	path := "/api/incidents/" + string(in.ID)
	steps := []struct {
		path  string
		body  fields
		count func(models.Incident) int
	}{
		{"/notes", fields{"text": "x"}, func(in models.Incident) int { return len(in.Log) }},
		{"/tasks", fields{"stage": "alert", "text": "x"}, func(in models.Incident) int { return len(in.Investigation.Tasks) }},
		{"/statements", fields{"witness": "w", "text": "x"}, func(in models.Incident) int { return len(in.Investigation.Statements) }},
		{"/subjects", fields{"kind": "person", "role": "other", "text": "x"}, func(in models.Incident) int { return len(in.Investigation.Subjects) }},
		{"/marks", fields{"when": day, "text": "x"}, func(in models.Incident) int { return len(in.Investigation.Marks) }},
		{"/exhibits", fields{"camera": "gate", "from": day, "to": day.Add(1)}, func(in models.Incident) int { return len(in.Investigation.Exhibits) }},
		{"/effort", fields{"spent_ns": 1}, func(in models.Incident) int { return len(in.Investigation.Effort) }},
		{"/deliveries", fields{"to": "p", "why": "w", "how": "h"}, func(in models.Incident) int { return len(in.Deliveries) }},
	}
	for _, step := range steps {
		before := step.count(get[models.Incident](b, path))
		first := b.want(http.StatusOK, "POST", path+step.path, step.body, "Idempotency-Key", "k1")
		again := b.want(http.StatusOK, "POST", path+step.path, step.body, "Idempotency-Key", "k1")
		if first.Header.Get("ETag") != again.Header.Get("ETag") || string(first.body) != string(again.body) {
			t.Errorf("%s: a repeated request changed the record:\n%s\n%s", step.path, first.body, again.body)
		}
		b.want(http.StatusOK, "POST", path+step.path, step.body, "Idempotency-Key", "k2")
		b.want(http.StatusOK, "POST", path+step.path, step.body)
		other.want(http.StatusOK, "POST", path+step.path, step.body, "Idempotency-Key", "k1")
		if got := step.count(get[models.Incident](b, path)) - before; got != 4 {
			t.Errorf("%s: %d were made, want 4", step.path, got)
		}
	}
	report := fields{"origin": "patrol", "site": "yard", "occurred": day}
	first := b.want(http.StatusCreated, "POST", "/api/incidents", report, "Idempotency-Key", "r")
	again := b.want(http.StatusCreated, "POST", "/api/incidents", report, "Idempotency-Key", "r")
	if first.Header.Get("Location") != again.Header.Get("Location") || string(first.body) != string(again.body) {
		t.Errorf("opened twice: %s and %s", first.Header.Get("Location"), again.Header.Get("Location"))
	}
	// Many at once, of which one writes.
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { b.do("POST", path+"/notes", fields{"text": "at once"}, "Idempotency-Key", "many") })
	}
	wg.Wait()
	n := 0
	for _, a := range get[models.Incident](b, path).Log {
		if a.Note == "at once" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the note was written %d times", n)
	}
	// A restart forgets no key.
	b = s.restarted().logIn()
	before := b.want(http.StatusOK, "GET", path, nil)
	for _, step := range steps {
		again := b.want(http.StatusOK, "POST", path+step.path, step.body, "Idempotency-Key", "k1")
		if again.Header.Get("ETag") != before.Header.Get("ETag") || string(again.body) != string(before.body) {
			t.Errorf("%s: a request repeated after a restart changed the record", step.path)
		}
	}
	again = b.want(http.StatusCreated, "POST", "/api/incidents", report, "Idempotency-Key", "r")
	if first.Header.Get("Location") != again.Header.Get("Location") || string(first.body) != string(again.body) {
		t.Errorf("opened twice: %s and, after a restart, %s", first.Header.Get("Location"), again.Header.Get("Location"))
	}
}

// Scripts and HTML in a text come back as they were sent: to show them harmlessly is the
// console's.
func TestTextsComeBackAsTheyWere(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID)
	const evil = "<script>alert('x')</script> & \"quotes\"\n\t\u2028 ä 🚓 \u202e {{7*7}} ' OR 1=1 --"
	plain := strings.ReplaceAll(strings.ReplaceAll(evil, "\n", " "), ",", "")
	b.act("PUT", path+"/description", fields{"description": evil})
	b.act("POST", path+"/claim", fields{"note": evil})
	b.act("PUT", path+"/triage", fields{"type": "", "tags": []string{"<b>&"}})
	b.act("POST", path+"/notes", fields{"text": evil})
	b.act("POST", path+"/tasks", fields{"stage": "alert", "text": evil})
	b.act("POST", path+"/statements", fields{"witness": plain, "contact": plain, "text": evil})
	b.act("POST", path+"/subjects", fields{"kind": "vehicle", "role": "other", "text": evil, "plate": plain, "name": plain})
	b.act("POST", path+"/marks", fields{"when": day, "text": evil})
	b.act("POST", path+"/deliveries", fields{"to": plain, "why": evil, "how": plain, "reference": plain})
	b.act("POST", path+"/resolve", fields{"outcome": "deterred", "recovery": evil, "assessment": evil, "police": plain})
	got := b.act("PUT", path+"/review", fields{"happened": evil, "unfolded": evil, "signs": evil, "summary": evil})
	v, st, su := got.Deliveries[0], got.Investigation.Statements[0], got.Investigation.Subjects[0]
	for name, text := range map[string]string{"description": got.Description, "note": got.Log[1].Note, "remark": got.Log[3].Note, "task": got.Investigation.Tasks[0].Text,
		"statement": st.Text, "subject": su.Text, "mark": got.Investigation.Marks[0].Text, "why": v.Why, "recovery": got.Resolution.Recovery,
		"assessment": got.Resolution.Assessment, "happened": got.Review.Happened, "summary": got.Review.Summary} {
		if text != evil {
			t.Errorf("%s: got %q", name, text)
		}
	}
	for name, text := range map[string]string{"witness": st.Witness, "contact": st.Contact, "plate": su.Plate, "name": su.Name, "to": v.To, "how": v.How,
		"reference": v.Reference, "police": got.Resolution.Police} {
		if text != plain {
			t.Errorf("%s: got %q", name, text)
		}
	}
	if got.Triage.Tags[0] != "<b>&" {
		t.Errorf("tags: %q", got.Triage.Tags)
	}
	b.want(http.StatusUnprocessableEntity, "POST", path+"/notes", fields{"text": "a\x00b"})
}

// What is too long, too much or nothing is refused in words.
func TestDeskLimits(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	full := sample(2)
	for n := range incident.MaxEntries {
		full.Investigation.Marks = append(full.Investigation.Marks, models.Mark{ID: fmt.Sprint(n), When: day, Text: "x"})
	}
	s.create(full)
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID)
	long := strings.Repeat("ä", incident.MaxText)
	b.act("PUT", path+"/description", fields{"description": long})
	b.act("POST", path+"/claim", nil)
	for _, tc := range []struct {
		code         int
		method, path string
		body         any
	}{
		{422, "PUT", path + "/description", fields{"description": long + "x"}},
		{413, "POST", path + "/notes", fields{"text": strings.Repeat("x", largestBody)}},
		{409, "POST", "/api/incidents/" + string(full.ID) + "/marks", fields{"when": day, "text": "x"}},
		{422, "POST", path + "/notes", fields{"text": " \n"}},
		{422, "PUT", path + "/triage", fields{"type": "magic"}},
		{422, "PUT", path + "/triage", fields{"type": "theft", "sub": "magic"}},
		{422, "PUT", path + "/severity", fields{"severity": "low"}},
		{422, "PUT", path + "/severity", fields{"impact": 3}},
		{422, "PUT", path + "/severity", fields{}},
		{422, "PUT", path + "/severity", fields{"impact": 3, "likelihood": 3, "severity": "low", "reason": "x"}},
		{422, "POST", path + "/assign", fields{"officer": "nobody-there"}},
		{422, "POST", path + "/wait", fields{"for": "rain"}},
		{422, "POST", path + "/resolve", fields{"outcome": "magic"}},
		{422, "POST", path + "/resolve", fields{"outcome": "deterred", "loss": fields{"amount": -1, "currency": "EUR"}}},
		{422, "POST", path + "/resolve", fields{"outcome": "deterred", "loss": fields{"amount": 1, "currency": "euro"}}},
		{422, "POST", path + "/exhibits", fields{"camera": "nowhere", "from": day, "to": day.Add(1)}},
		{422, "POST", path + "/exhibits", fields{"camera": "gate", "from": day, "to": day.Add(25 * time.Hour)}},
		{422, "POST", path + "/exhibits", fields{"incident": string(in.ID)}},
		{404, "POST", path + "/exhibits", fields{"incident": "not-there"}},
		{404, "PUT", path + "/tasks/nothing", fields{"action": "done"}},
		{404, "POST", path + "/review/changes/9/done", nil},
		{409, "PUT", path + "/review", fields{"happened": "a", "unfolded": "b", "signs": "c"}},
		{409, "POST", path + "/reopen", fields{"reason": "x"}},
		{409, "POST", path + "/resume", nil},
		{409, "POST", path + "/effort/stop", nil},
		{422, "POST", "/api/incidents", fields{"origin": "report", "site": "yard"}},
		{422, "POST", "/api/incidents", fields{"origin": "report", "occurred": day}},
		{422, "POST", "/api/incidents", fields{"origin": "detection", "site": "yard", "occurred": day}},
		{422, "POST", "/api/incidents", fields{"origin": "report", "site": "moon", "occurred": day}},
		{422, "POST", "/api/incidents", fields{"origin": "report", "camera": "moon", "occurred": day}},
		{422, "POST", "/api/incidents", fields{"origin": "report", "site": "yard", "occurred": day.Add(time.Hour)}},
		{422, "POST", "/api/incidents", fields{"origin": "report", "site": "yard", "zone": "door", "occurred": day}},
		{422, "POST", path + "/claim", fields{"note": strings.Repeat("x", incident.MaxNote+1)}},
	} {
		a := b.do(tc.method, tc.path, tc.body, "If-Match", "*")
		if a.StatusCode != tc.code || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: got %d, want %d: %.300s", tc.method, tc.path, a.StatusCode, tc.code, a.body)
		}
	}
	// A file that is not whole is not closed, and the answer says what is missing.
	b.act("PUT", path+"/triage", fields{"type": "theft"})
	if a := b.want(http.StatusUnprocessableEntity, "POST", path+"/close", nil); !strings.Contains(string(a.body), "missing is an outcome") {
		t.Errorf("close: %s", a.body)
	}
}

func TestMergeSplitAndDuplicates(t *testing.T) {
	var closed []models.IncidentID
	s := newDesk(t)
	s.server.Closed = func(in models.Incident) { closed = append(closed, in.ID) }
	a, c, far := sample(1), sample(2), sample(25)
	a.End, c.End, far.End = a.Alarm.Add(time.Minute), c.Alarm.Add(time.Minute), far.Alarm
	a.Events = append(a.Events, models.Event{ID: 2, Phase: models.PhaseEnded, Camera: "gate", Zone: "door", Rule: models.Rule{Kind: models.KindLoitering},
		Start: models.Instant{Wall: a.Start}, Alarm: models.Instant{Wall: a.Alarm.Add(time.Second)}, End: models.Instant{Wall: a.End}})
	a.EventCount = 2
	s.create(a, c, far)
	b := s.logIn()
	path := func(in models.Incident) string { return "/api/incidents/" + string(in.ID) }
	dups := get[[]incident.Duplicate](b, path(a)+"/duplicates")
	if len(dups) != 1 || dups[0].Incident != c.ID || !slices.Contains(dups[0].Reasons, "same zone") {
		t.Errorf("duplicates: %+v", dups)
	}
	merge := fields{"incidents": []string{string(c.ID)}, "reason": "one man"}
	// Of three the last cannot be: none is.
	b.want(http.StatusUnprocessableEntity, "POST", path(a)+"/merge", fields{"incidents": []string{string(c.ID), string(far.ID), string(a.ID)}, "reason": "one man"})
	for _, one := range []models.Incident{a, c, far} {
		if got := get[models.Incident](b, path(one)); got.State != models.StateNew || len(got.Log) != 0 || len(got.Linked.Merged) != 0 || len(closed) != 0 {
			t.Errorf("half a merge: %+v", got)
		}
	}
	once := b.act("POST", path(a)+"/merge", merge)
	merged := get[models.Incident](b, path(c))
	if got := b.act("POST", path(a)+"/merge", merge); !slices.Equal(got.Linked.Merged, []models.IncidentID{c.ID}) || len(got.Log) != 1 || got.Revision != once.Revision ||
		get[models.Incident](b, path(c)).Revision != merged.Revision || len(closed) != 1 {
		t.Errorf("a merge repeated: %+v", got)
	}
	if got := get[models.Incident](b, path(c)); got.State != models.StateClosed || got.Linked.Into != a.ID || !slices.Contains(closed, c.ID) {
		t.Errorf("merged: %+v", got)
	}
	b.want(http.StatusConflict, "POST", path(c)+"/merge", fields{"incidents": []string{string(a.ID)}, "reason": "x"})
	if got := b.act("POST", path(c)+"/unmerge", fields{"reason": "two men"}); got.State != models.StateAcknowledged {
		t.Errorf("unmerged: %+v", got)
	}
	if got := get[models.Incident](b, path(a)); len(got.Linked.Merged) != 0 {
		t.Errorf("the other one remembers: %+v", got.Linked)
	}

	made := b.want(http.StatusCreated, "POST", path(a)+"/split", fields{"events": []int{2}, "reason": "two men"})
	var part models.Incident
	made.decode(t, &part)
	left := get[models.Incident](b, path(a))
	if part.Linked.From != a.ID || len(part.Events) != 1 || len(left.Events) != 1 || left.EventCount != 1 || part.Number != 4 {
		t.Errorf("split: %+v, left %+v", part, left.Events)
	}
	b.want(http.StatusUnprocessableEntity, "POST", path(a)+"/split", fields{"events": []int{1}, "reason": "x"})
}

func TestBulk(t *testing.T) {
	s := newDesk(t)
	var ids []string
	for n := range 5 {
		in := sample(n)
		if n == 4 {
			in.Camera = "yard"
		}
		s.create(in)
		ids = append(ids, string(in.ID))
	}
	b := s.as("gus", models.RoleMonitor, "outside")
	b.want(http.StatusOK, "POST", "/api/incidents/"+ids[1]+"/claim", nil)
	var results []BulkResult
	b.want(http.StatusOK, "POST", "/api/incidents/bulk", fields{"incidents": append(ids, "gone", "a/b"), "action": "acknowledge_and_judge",
		"verdict": "nuisance", "nuisance": "rain", "reason": "storm"}).decode(t, &results)
	var got []int
	for _, r := range results {
		got = append(got, r.Status)
	}
	if want := []int{200, 409, 200, 200, 404, 404, 404}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %v", results, want)
	}
	in := get[models.Incident](b, "/api/incidents/"+ids[0])
	if in.State != models.StateAcknowledged || in.Judgement.Reason != models.NuisanceRain || in.Assignment.Officer != "gus" || in.Judgement.Note != "storm" {
		t.Errorf("got %+v", in)
	}
	for _, wrong := range []fields{
		{"incidents": ids[:1], "action": "judge", "reason": "x"},
		{"incidents": ids[:1], "action": "acknowledge", "verdict": "true", "reason": "x"},
		{"incidents": []string{ids[0], ids[0]}, "action": "acknowledge", "reason": "x"},
		{"incidents": slices.Repeat([]string{"x"}, 201), "action": "acknowledge", "reason": "x"},
		{"incidents": ids[:1], "action": "acknowledge"},
	} {
		b.want(http.StatusUnprocessableEntity, "POST", "/api/incidents/bulk", wrong)
	}
}

func TestSuggestAndPolicy(t *testing.T) {
	s := newDesk(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	s.as("bob", models.RoleOfficer, "outside")
	s.as("cid", models.RoleOfficer, "inside")
	b.want(http.StatusOK, "POST", "/api/incidents/"+string(in.ID)+"/claim", nil)
	got := get[incident.Suggestion](b, "/api/incidents/"+string(in.ID)+"/suggest")
	if len(got.Officers) != 1 || got.Officers[0].User != "bob" || !slices.Contains(got.Officers[0].Reasons, "free") ||
		len(got.LeftOut) != 2 || got.LeftOut[0].Open != 1 || got.LeftOut[0].Reasons[0] != "has it already" || got.LeftOut[1].User != "cid" {
		t.Errorf("got %+v", got)
	}
	// Of what an officer has to do only that is counted which whoever asks may see.
	elsewhere := sample(2)
	elsewhere.Camera = "yard"
	s.create(elsewhere)
	eve, dan := s.as("eve", models.RoleOfficer), s.as("dan", models.RoleMonitor, "outside")
	eve.want(http.StatusOK, "POST", "/api/incidents/"+string(elsewhere.ID)+"/claim", nil)
	for _, tc := range []struct {
		by   *browser
		open int
	}{{b, 1}, {dan, 0}} {
		all := get[incident.Suggestion](tc.by, "/api/incidents/"+string(in.ID)+"/suggest").Officers
		if i := slices.IndexFunc(all, func(o incident.Candidate) bool { return o.User == "eve" }); i < 0 || all[i].Open != tc.open {
			t.Errorf("got %+v, want eve with %d", all, tc.open)
		}
	}
	whole := get[models.Policy](b, "/api/policy")
	if len(whole.Types) != 1 || len(whole.Places) != 2 || len(whole.Groups) != 2 || whole.Matrix.Severity(5, 5) != "critical" || whole.Levels["high"].Respond != 10*time.Minute {
		t.Errorf("policy: %+v", whole)
	}
	if part := get[models.Policy](dan, "/api/policy"); len(part.Places) != 1 || len(part.Groups) != 1 {
		t.Errorf("of cameras that nobody may see: %+v, %+v", part.Places, part.Groups)
	}
}

// The queue is filtered by what people have said of an incident.
func TestListByWhatPeopleSaid(t *testing.T) {
	s := newDesk(t)
	s.create(sample(1), sample(2))
	b := s.logIn()
	first, second := string(sample(1).ID), string(sample(2).ID)
	b.act("POST", "/api/incidents/"+first+"/claim", nil)
	b.act("PUT", "/api/incidents/"+first+"/triage", fields{"type": "theft", "tags": []string{"ramp"}})
	third := string(b.act("POST", "/api/incidents", fields{"origin": "report", "site": "yard", "occurred": day, "severity": "high"}).ID)
	late := day
	if _, err := s.index.Update(t.Context(), models.IncidentID(second), func(in *models.Incident) error {
		in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Within: time.Minute, Due: late}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"officer=admin": {first}, "officer=none": {second, third}, "type=theft": {first}, "type=none": {second, third}, "tag=ramp": {first},
		"site=yard": {third}, "origin=report": {third}, "number=2": {second}, "number=1&number=3": {first, third}, "overdue=true": {second},
		"state=resolved": nil,
	} {
		var got []string
		for _, in := range get[IncidentPage](b, "/api/incidents?"+query).Items {
			got = append(got, string(in.ID))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
}
