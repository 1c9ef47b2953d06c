package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

func TestReportsOfTheDesk(t *testing.T) {
	cfg := judgedSite(t)
	index, err := storage.OpenSQLite(filepath.Join(filepath.Dir(cfg), "vedette.db"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 5, 12, 0, 0, 0, time.Local)
	if _, err := index.(storage.Journal).AddEntry(t.Context(), models.JournalEntry{ID: "j", At: at, Logged: at, Who: "mia", Kind: models.JournalKey, Text: "=key 12\nto a plumber"}); err != nil {
		t.Fatal(err)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	rows := func(args ...string) [][]string {
		t.Helper()
		code, out, stderr := call(t, append([]string{"report"}, append(args, "-c", cfg, "--format", "csv")...)...)
		if code != 0 {
			t.Fatalf("%v: code %d: %s", args, code, stderr)
		}
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}

	summary := []string{"report", "summary", "-c", cfg, "--from", "2026-03-01T00:00:00Z", "--to", "2026-04-01T00:00:00Z"}
	_, out, _ := call(t, append(summary, "--format", "json", "--by", "all", "--by", "camera")...)
	var sum incident.Summary
	if err := json.Unmarshal([]byte(out), &sum); err != nil || len(sum.Rows) != 3 || sum.Rows[0].Incidents != 250 || sum.Rows[0].True != 175 || sum.Rows[2].Camera != "yard" {
		t.Errorf("summary: %+v, %v", sum.Rows, err)
	}
	code, out, stderr := call(t, summary...)
	for _, want := range []string{"BY SEVERITY", "BY DAY", "gate/all", "medians from logging on"} {
		if !strings.Contains(out, want) {
			t.Errorf("code %d, the table does not say %q:\n%s%s", code, want, out, stderr)
		}
	}
	if got := rows("summary", "--from", "2026-03-01T00:00:00Z", "--to", "2026-04-01T00:00:00Z", "--by", "all", "--camera", "yard"); len(got) != 2 || got[1][11] != "5" {
		t.Errorf("csv: %v", got)
	}
	if code, _, stderr := call(t, append(summary, "--by", "zodiac")...); code == 0 || !strings.Contains(stderr, "zodiac") {
		t.Errorf("code %d: %s", code, stderr)
	}

	if got := rows("logbook", "--day", "2026-03-05"); len(got) != 2 || got[1][1] != "J1" || !strings.HasPrefix(got[1][3], "key: =key 12") || got[1][4] != "mia" {
		t.Errorf("log book: %q", got)
	}
	if _, out, _ := call(t, "report", "logbook", "-c", cfg, "--day", "2026-03-05"); !strings.Contains(out, "key: =key 12 to a plumber") || !strings.Contains(out, "12:00:00") {
		t.Errorf("log book: %s", out)
	}
	if code, _, stderr := call(t, "report", "logbook", "-c", cfg, "--day", "2026-02-30"); code == 0 || !strings.Contains(stderr, "2026-02-30") {
		t.Errorf("code %d: %s", code, stderr)
	}

	if got := rows("handover"); len(got) != 201 || got[1][7] != "new" {
		t.Errorf("hand-over: %d lines", len(got))
	}
	if _, out, _ := call(t, "report", "handover", "-c", cfg); !strings.Contains(out, "250 open, 0 overdue") || !strings.Contains(out, "nobody") {
		t.Errorf("hand-over: %s", out)
	}
	if code, _, stderr := call(t, "report", "handover", "-c", cfg, "--shift", "200h"); code == 0 || !strings.Contains(stderr, "--shift") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
