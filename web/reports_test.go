package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

func TestPrecisionReport(t *testing.T) {
	s := newSite(t, func(s *Server) { s.Now = func() time.Time { return day.Add(time.Hour) } })
	for n := range 6 {
		in := sample(n)
		switch n {
		case 0, 1, 2:
			in.Judgement = &models.Judgement{Verdict: models.VerdictTrue}
		case 3:
			in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain}
		case 4:
			in.Camera = "yard"
		case 5:
			in.Alarm = day.Add(-31 * 24 * time.Hour) // ended today, but its alarm lies before the period
			in.Start, in.End = in.Alarm, day
		}
		s.create(in)
	}
	b := s.logIn()
	report := get[incident.PrecisionReport](b, "/api/reports/precision?time_zone=Europe/Vienna")
	all := report.Rows[0]
	if all.By != incident.ByAll || all.Alarms != 5 || all.Unjudged != 1 || all.True != 3 || all.Nuisance != 1 ||
		all.Reasons[models.NuisanceRain] != 1 || all.Precision.Precision == nil || all.Precision.Precision.Value != 0.75 {
		t.Errorf("all: %+v", all)
	}
	last := report.Rows[len(report.Rows)-1] // 05:07 in UTC
	if report.TimeZone != "Europe/Vienna" || last.Hour == nil || *last.Hour != 6 || last.Alarms != 5 {
		t.Errorf("by the hour of %s: %+v", report.TimeZone, last)
	}
	if yard := get[incident.PrecisionReport](b, "/api/reports/precision?camera=yard").Rows[0]; yard.Alarms != 1 || yard.Precision.Precision != nil {
		t.Errorf("yard: %+v", yard)
	}
	a := b.want(http.StatusOK, "GET", "/api/reports/precision?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z", nil)
	if !strings.Contains(string(a.body), `"rows":[]`) {
		t.Errorf("without an incident: %s", a.body)
	}
	for _, query := range []string{"?from=2026-03-05T00:00:00Z&to=2026-03-04T00:00:00Z", "?from=2020-01-01T00:00:00Z&to=2022-01-01T00:00:00Z",
		"?time_zone=Mars/Olympus", "?time_zone=Local", "?form=2026-03-05T00:00:00Z"} {
		b.want(http.StatusUnprocessableEntity, "GET", "/api/reports/precision"+query, nil)
	}
}
