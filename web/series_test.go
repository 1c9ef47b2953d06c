package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

// nights are incidents of the same hand on four nights, and one of another.
func nights(s *site) []models.Incident {
	var list []models.Incident
	for n := range 5 {
		in := sample(n)
		in.ID = models.IncidentID(strings.Replace(string(in.ID), "-", "-n"+string(rune('0'+n))+"-", 1))
		in.Alarm = day.Add(-time.Duration(n) * 7 * 24 * time.Hour)
		in.Start, in.End, in.Opened = in.Alarm.Add(-time.Minute), in.Alarm.Add(time.Minute), in.Alarm
		in.Events = []models.Event{{ID: 1, Path: []models.PathPoint{{Foot: models.Point{X: .1, Y: .5}}, {Foot: models.Point{X: .9, Y: .5}}}}}
		if n == 4 {
			in.Camera, in.Zone, in.Alarm, in.Kind, in.Label = "yard", "fence", in.Alarm.Add(9*time.Hour), models.KindMotion, "car"
		}
		list = append(list, in)
	}
	s.create(list...)
	return list
}

func TestSeriesFromSuggestionToDelivery(t *testing.T) {
	s := newDesk(t)
	list := nights(s)
	ivo, mia := s.as("ivo", models.RoleInvestigator), s.as("mia", models.RoleMonitor)
	similar := get[Similar](ivo, "/api/incidents/"+string(list[0].ID)+"/similar")
	if len(similar.Items) != 3 || len(similar.Series) != 0 {
		t.Fatalf("similar: %+v", similar)
	}
	if m := similar.Items[0]; m.Score < incident.LeastSimilar || !strings.Contains(m.Reasons[0].Text, "same zone") {
		t.Errorf("best: %+v", m)
	}
	order := fields{"name": "Window shoppers", "incidents": []string{string(list[0].ID), string(list[1].ID)}, "note": "the same way in"}
	mia.want(http.StatusForbidden, "POST", "/api/series", order)
	var made SeriesAnswer
	for range 2 { // the repeat changes nothing
		a := ivo.want(http.StatusOK, "POST", "/api/series", order, "Idempotency-Key", "k1")
		a.decode(t, &made)
		if made.Number != 1 || len(made.Items) != 2 || made.Edition != 3 || a.Header.Get("ETag") != `"e3"` {
			t.Fatalf("made: %+v", made)
		}
	}
	if p := made.Profile; p.Incidents != 2 || len(p.Habits) == 0 || p.Interval.Median != 7*24*time.Hour {
		t.Errorf("profile: %+v", p)
	}
	// A third incident is like those of the series: it is suggested, and not added.
	if got := get[Similar](mia, "/api/incidents/"+string(list[2].ID)+"/similar"); len(got.Series) != 1 || got.Series[0].Matches != 2 || got.Series[0].Name != "Window shoppers" {
		t.Errorf("series suggested: %+v", got.Series)
	}
	path := "/api/series/" + made.ID
	ivo.want(http.StatusOK, "POST", path+"/incidents", fields{"incidents": []string{string(list[2].ID)}})
	if in := get[models.Incident](mia, "/api/incidents/"+string(list[2].ID)); in.Linked.Series != made.ID || in.Log[len(in.Log)-1].What != "added to a series" {
		t.Errorf("the incident: %+v", in.Linked)
	}
	// It belongs to one series at most.
	ivo.want(http.StatusConflict, "POST", "/api/series", fields{"name": "Another", "incidents": []string{string(list[2].ID)}})
	ivo.want(http.StatusPreconditionRequired, "PUT", path, fields{"name": "Shop fronts"})
	ivo.want(http.StatusPreconditionFailed, "PUT", path, fields{"name": "Shop fronts"}, "If-Match", `"e3"`)
	ivo.want(http.StatusOK, "PUT", path, fields{"name": "<b>Shop fronts</b>", "description": "=cmd()"}, "If-Match", `"e4"`)
	del := path + "/incidents/" + url.PathEscape(string(list[2].ID))
	ivo.want(http.StatusOK, "DELETE", del, fields{"reason": "another jacket"})
	ivo.want(http.StatusNotFound, "DELETE", del, fields{"reason": "another jacket"})
	ivo.want(http.StatusOK, "POST", path+"/deliveries", fields{"to": "Insp. Berger", "why": "case 12", "how": "by hand"}, "Idempotency-Key", "d")
	ivo.want(http.StatusOK, "POST", path+"/deliveries", fields{"to": "Insp. Berger", "why": "case 12", "how": "by hand"}, "Idempotency-Key", "d")
	for _, in := range list[:2] {
		if got := get[models.Incident](mia, "/api/incidents/"+string(in.ID)); len(got.Deliveries) != 1 {
			t.Errorf("%d deliveries of %s", len(got.Deliveries), in.ID)
		}
	}
	ivo.want(http.StatusOK, "POST", path+"/close", fields{"reason": "caught"})
	ivo.want(http.StatusConflict, "POST", path+"/close", fields{"reason": "caught"})
	ivo.want(http.StatusConflict, "POST", path+"/incidents", fields{"incidents": []string{string(list[2].ID)}})
	ivo.want(http.StatusOK, "POST", path+"/reopen", fields{"reason": "there is another"})
	ivo.want(http.StatusNotFound, "GET", "/api/series/none", nil)
	all := get[SeriesPage](mia, "/api/series")
	if len(all.Items) != 2 || all.Items[1].Name != "<b>Shop fronts</b>" || len(all.Items[1].Incidents) != 2 {
		t.Errorf("list: %+v", all)
	}
	// Those who may not see the camera learn that there is more, not what.
	ida := s.as("ida", models.RoleMonitor, "inside")
	if got := get[SeriesAnswer](ida, path); len(got.Items) != 0 || got.Hidden != 2 || len(got.Incidents) != 0 || got.Profile.Incidents != 0 {
		t.Errorf("seen from elsewhere: %+v", got)
	}
	ida.want(http.StatusNotFound, "GET", "/api/incidents/"+string(list[0].ID)+"/similar", nil)
}

func TestSummaryReport(t *testing.T) {
	s := newDesk(t)
	list := nights(s)
	sue := s.as("sue", models.RoleSupervisor)
	mia := s.as("mia", models.RoleMonitor)
	mia.act("POST", "/api/incidents/"+string(list[0].ID)+"/claim", fields{})
	got := get[incident.Summary](sue, "/api/reports/summary?from=2026-01-01T00:00:00Z&by=all&by=officer&by=day")
	if all := got.Rows[0]; all.Incidents != 5 || all.Open == 0 || all.Acknowledge.Count != 1 {
		t.Errorf("all: %+v", all)
	}
	if got := get[incident.Summary](sue, "/api/reports/summary?from=2026-01-01T00:00:00Z&by=all&officer=mia"); got.Rows[0].Incidents != 1 {
		t.Errorf("of mia: %+v", got.Rows)
	}
	if got := get[incident.Summary](sue, "/api/reports/summary?from=2026-01-01T00:00:00Z&by=all&officer=none&camera=yard"); got.Rows[0].Incidents != 1 {
		t.Errorf("of nobody, in the yard: %+v", got.Rows)
	}
	mia.want(http.StatusForbidden, "GET", "/api/reports/summary", nil)
	for _, q := range []string{"?by=zodiac", "?from=2026-03-05T00:00:00Z&to=2026-03-04T00:00:00Z", "?from=2020-01-01T00:00:00Z", "?form=x"} {
		sue.want(http.StatusUnprocessableEntity, "GET", "/api/reports/summary"+q, nil)
	}
	a := sue.want(http.StatusOK, "GET", "/api/reports/summary.csv?from=2026-01-01T00:00:00Z", nil)
	lines, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(lines) < 5 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") || !strings.Contains(string(a.body), "\r\n") ||
		!strings.Contains(a.Header.Get("Content-Disposition"), "vedette-summary-2026-01-01") {
		t.Errorf("%v, %d lines, headers %v", err, len(lines), a.Header)
	}
	// Over one group only, the rest is not counted.
	ivo := s.as("ivo", models.RoleInvestigator, "inside")
	if got := get[incident.Summary](ivo, "/api/reports/summary?from=2026-01-01T00:00:00Z&by=camera"); len(got.Rows) != 1 || got.Rows[0].Camera != "yard" {
		t.Errorf("of one group: %+v", got.Rows)
	}
}

func TestLogBookAndHandOver(t *testing.T) {
	s := newDesk(t)
	log := &ledger{people: true}
	s.server.Custody = log
	list := nights(s)
	sue, mia, max := s.as("sue", models.RoleSupervisor), s.as("mia", models.RoleMonitor), s.as("max", models.RoleMonitor)
	audit := s.as("aud", models.RoleAuditor)
	mia.act("POST", "/api/incidents/"+string(list[0].ID)+"/claim", fields{"note": "I go"})
	var first, again, fixed models.JournalEntry
	entry := fields{"kind": "key", "text": "key 12 to a plumber", "at": day.Add(10 * time.Minute), "site": "yard"}
	mia.want(http.StatusOK, "POST", "/api/journal", entry, "Idempotency-Key", "j").decode(t, &first)
	mia.want(http.StatusOK, "POST", "/api/journal", entry, "Idempotency-Key", "j").decode(t, &again)
	mia.want(http.StatusOK, "POST", "/api/journal", fields{"kind": "key", "text": "it was key 13", "corrects": first.Number, "site": "yard"}).decode(t, &fixed)
	if first.Number != 1 || again.Number != 1 || fixed.Number != 2 || first.Who != "mia" {
		t.Errorf("entries %+v, %+v, %+v", first, again, fixed)
	}
	mia.want(http.StatusUnprocessableEntity, "POST", "/api/journal", fields{"kind": "key", "text": "x", "site": "nowhere"})
	mia.want(http.StatusUnprocessableEntity, "POST", "/api/journal", fields{"kind": "key", "text": "x", "at": day.Add(48 * time.Hour)})
	mia.want(http.StatusNotFound, "POST", "/api/journal", fields{"kind": "key", "text": "x", "corrects": 99})
	audit.want(http.StatusForbidden, "POST", "/api/journal", entry)
	if page := get[JournalPage](mia, "/api/journal?limit=1"); len(page.Items) != 1 || page.Items[0].Number != 2 || page.Next == "" {
		t.Errorf("journal: %+v", page)
	}

	draft := get[HandoverDraft](mia, "/api/handover?from="+day.Add(-time.Hour).Format(time.RFC3339))
	if len(draft.Sheet.Open) != 5 || draft.Sheet.Happened.Opened != 1 || len(draft.Sheet.Journal) != 2 || len(draft.Sheet.Troubles) != 1 || draft.Sheet.Troubles[0].Camera != "yard" {
		t.Errorf("draft: %+v", draft)
	}
	mia.want(http.StatusUnprocessableEntity, "GET", "/api/handover?from=2020-01-01T00:00:00Z", nil)
	var given, taken models.Handover
	mia.want(http.StatusOK, "POST", "/api/handovers", fields{"notes": "watch the yard"}).decode(t, &given)
	audit.want(http.StatusForbidden, "POST", "/api/handovers/"+given.ID+"/take", nil)
	mia.want(http.StatusConflict, "POST", "/api/handovers/"+given.ID+"/take", nil)
	max.want(http.StatusOK, "POST", "/api/handovers/"+given.ID+"/take", fields{"remark": "all clear"}).decode(t, &taken)
	sue.want(http.StatusConflict, "POST", "/api/handovers/"+given.ID+"/take", nil)
	if taken.TakenBy != "max" || taken.By != "mia" || taken.Number != 1 {
		t.Errorf("taken: %+v", taken)
	}
	if page := get[HandoverPage](audit, "/api/handovers"); len(page.Items) != 1 || page.Items[0].Remark != "all clear" {
		t.Errorf("hand-overs: %+v", page)
	}
	if h := get[models.Handover](s.as("ida", models.RoleMonitor, "inside"), "/api/handovers/"+given.ID); len(h.Sheet.Open) != 1 || h.Sheet.Open[0].Camera != "yard" {
		t.Errorf("seen by who may see one camera: %+v", h.Sheet.Open)
	}

	book := get[incident.LogBook](audit, "/api/logbook?day="+day.Format(time.DateOnly))
	text := ""
	for _, l := range book.Lines {
		text += l.Ref + " " + l.Who + ": " + l.What + " [" + l.Corrected + "]\n"
	}
	for _, want := range []string{"J1 mia: key: key 12 to a plumber [J2]", "J2 mia: corrects J1, key: it was key 13", "claimed: I go", "H1 mia: handed over the shift, 5 open",
		"H1 max: took the shift from mia", "mia: logged in"} {
		if !strings.Contains(text, want) {
			t.Errorf("the book lacks %q:\n%s", want, text)
		}
	}
	mia.want(http.StatusForbidden, "GET", "/api/logbook", nil)
	audit.want(http.StatusUnprocessableEntity, "GET", "/api/logbook?day=2026-02-30", nil)
	if a := audit.want(http.StatusOK, "GET", "/api/logbook.csv?day="+day.Format(time.DateOnly), nil); !strings.Contains(string(a.body), "key 12 to a plumber") {
		t.Errorf("csv: %s", a.body)
	}
	// The site of the gate is the yard; what happened at the other camera is not in its book.
	if b := get[incident.LogBook](audit, "/api/logbook?site=yard&day="+day.Format(time.DateOnly)); len(b.Lines) == 0 || b.Site != "yard" {
		t.Errorf("of a site: %+v", b)
	}
}
