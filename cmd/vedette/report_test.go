package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// judgedSite is a configuration whose index holds 250 alarms of March 2026, one an hour:
// of ten, seven are true, two nuisances by rain, one nobody has judged.
func judgedSite(t *testing.T) (cfg string) {
	t.Helper()
	dir := t.TempDir()
	cfg = writeFile(t, filepath.Join(dir, "c.yml"), fmt.Sprintf(oneZone, dir, "{disk: {path: "+dir+"/evidence}}", "rtsp://127.0.0.1:1/none", "motion"))
	index, err := storage.OpenSQLite(filepath.Join(dir, "vedette.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for n := range 250 {
		at := time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)
		in := models.Incident{ID: models.IncidentID(fmt.Sprintf("alarm-%d", n)), Camera: "gate", Zone: "all", Kind: models.KindMotion,
			State: models.StateNew, Severity: models.SeverityLow, Start: at, Alarm: at, End: at}
		if n%50 == 49 {
			in.Camera = "yard"
		}
		switch n % 10 {
		case 0:
		case 1, 2:
			in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain}
		default:
			in.Judgement = &models.Judgement{Verdict: models.VerdictTrue}
		}
		if _, err := index.Create(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

func TestReportPrecision(t *testing.T) {
	cfg := judgedSite(t)
	period := []string{"report", "precision", "-c", cfg, "--from", "2026-03-01", "--to", "2026-03-31", "--time-zone", "UTC"}

	code, out, stderr := call(t, period...)
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	for _, want := range []string{"2026-03-01 00:00 to 2026-04-01 00:00, UTC", "BY CAMERA", "BY ZONE", "BY RULE", "BY HOUR",
		"77.8 %", "71.9-82.7", "50 rain", "gate/all motion", "225 of 250", "The other 25 count neither way"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table does not say %q:\n%s", want, out)
		}
	}

	_, out, _ = call(t, append(period, "--format", "json")...)
	var report incident.PrecisionReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if all := report.Rows[0]; all.Alarms != 250 || all.True != 175 || all.Nuisance != 50 || all.Unjudged != 25 || all.Reasons[models.NuisanceRain] != 50 {
		t.Errorf("all: %+v", all)
	}

	_, out, _ = call(t, append(period, "--format", "csv", "--camera", "yard")...)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) < 5 || rows[0][0] != "by" || rows[1][5] != "5" || rows[1][7] != "5" || rows[1][17] != "1.0000" {
		t.Errorf("csv: %v, %v", rows, err)
	}

	// The last day belongs to the period, an instant does not.
	for to, want := range map[string]int{"2026-03-01": 24, "2026-03-01T06:30:00Z": 6} {
		_, out, _ := call(t, "report", "precision", "-c", cfg, "--from", "2026-03-01", "--to", to, "--time-zone", "UTC", "--format", "json")
		var report incident.PrecisionReport
		if err := json.Unmarshal([]byte(out), &report); err != nil || report.Rows[0].Alarms != want {
			t.Errorf("to %s: %+v, %v; want %d alarms", to, report.Rows, err, want)
		}
	}

	if code, out, _ := call(t, "report", "precision", "-c", cfg, "--from", "2020-01-01", "--to", "2020-01-02"); code != 0 || !strings.Contains(out, "There are none.") {
		t.Errorf("code %d: %s", code, out)
	}
}

func TestReportPrecisionBadInput(t *testing.T) {
	dir := t.TempDir()
	fresh := writeFile(t, filepath.Join(dir, "c.yml"), fmt.Sprintf(oneZone, dir+"/data", "{disk: {path: "+dir+"/evidence}}", "rtsp://127.0.0.1:1/none", "motion"))
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no index yet", nil, "has vedette run"},
		{"not a day", []string{"--from", "yesterday"}, "--from"},
		{"not an instant", []string{"--to", "2026-13-01"}, "--to"},
		{"turned round", []string{"--from", "2026-03-02", "--to", "2026-03-01"}, "not after"},
		{"no such place", []string{"--time-zone", "Mars/Olympus"}, "Mars"},
	} {
		code, stdout, stderr := call(t, append([]string{"report", "precision", "-c", fresh}, tc.args...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: code %d, %q, %q; want %q", tc.name, code, stdout, stderr, tc.want)
		}
	}
	if matches, _ := filepath.Glob(filepath.Join(dir, "data", "*")); len(matches) > 0 {
		t.Errorf("a report made %v", matches)
	}
}
