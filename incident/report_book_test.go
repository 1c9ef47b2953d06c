package incident

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestSheetAndHandOver(t *testing.T) {
	at := time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC)
	open := []models.Incident{
		{ID: "closed", State: models.StateClosed},
		{ID: "low", State: models.StateNew, Severity: models.SeverityLow, Alarm: at.Add(-time.Hour)},
		{ID: "late", State: models.StateNew, Severity: models.SeverityLow, Alarm: at, Assignment: models.Assignment{Officer: "eva"},
			Deadlines: []models.Deadline{{Promise: models.PromiseAcknowledge, Due: at.Add(-time.Second)}}},
		{ID: "high", State: models.StateAcknowledged, Severity: models.SeverityHigh, Alarm: at, Waiting: &models.Waiting{For: "police"}, Assignment: models.Assignment{Officer: "eva"},
			Description: strings.Repeat("a long story ", 40)},
	}
	s := Sheet(at, open, Figures{Incidents: 9, True: 3, Nuisance: 2, Open: 3}, nil, nil)
	order := ""
	for _, h := range s.Open {
		order += string(h.ID) + " "
	}
	if order != "late high low " || s.Overdue != 1 || s.Open[1].Waiting != "police" || s.Happened != (models.ShiftCount{Opened: 9, True: 3, Nuisance: 2, Closed: 6}) {
		t.Errorf("order %q, sheet %+v", order, s)
	}
	if text := s.Open[1].Text; len([]rune(text)) > sheetText || !strings.HasSuffix(text, " a…") {
		t.Errorf("text %q", text)
	}
	if len(s.Work) != 2 || s.Work[0] != (models.Workload{Officer: "eva", Incidents: 2, Overdue: 1}) {
		t.Errorf("work %+v", s.Work)
	}
	many := make([]models.Incident, MaxSheet+7)
	if s := Sheet(at, many, Figures{}, nil, nil); len(s.Open) != MaxSheet || s.More != 7 || s.Work[0].Incidents != MaxSheet+7 {
		t.Errorf("%d lines, %d more", len(s.Open), s.More)
	}

	if _, err := HandOver("h", "", at, at, "eva", "", at, s); !errors.Is(err, ErrField) {
		t.Errorf("a shift of no time: %v", err)
	}
	if _, err := HandOver("h", "", at.Add(-8*24*time.Hour), at, "eva", "", at, s); !errors.Is(err, ErrField) {
		t.Errorf("a shift of 8 days: %v", err)
	}
	h, err := HandOver("h", "north", at.Add(-8*time.Hour), at, "eva", "watch the yard", at, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := TakeOver(&h, "eva", "", at); !errors.Is(err, ErrState) {
		t.Errorf("taken from oneself: %v", err)
	}
	for range 2 {
		if err := TakeOver(&h, "jan", "all clear", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := TakeOver(&h, "ida", "", at); !errors.Is(err, ErrState) {
		t.Errorf("taken twice: %v", err)
	}
	if l := HandoverLines(h); len(l) != 2 || l[0].Who != "eva" || l[1].What != "took the shift from eva" || l[1].Measures != "all clear" {
		t.Errorf("lines %+v", l)
	}
}

func TestLogBook(t *testing.T) {
	at := time.Date(2026, 3, 6, 6, 0, 0, 0, time.UTC)
	b := LogBook{Lines: JournalLines([]models.JournalEntry{
		{Number: 1, At: at.Add(time.Hour), Logged: at.Add(2 * time.Hour), Who: "eva", Kind: models.JournalKey, Text: "key 12 to a plumber", Measures: "signed for"},
		{Number: 2, At: at.Add(time.Hour), Logged: at.Add(time.Hour), Who: "eva", Kind: models.JournalKey, Text: "key 13", Corrects: 1},
	}, map[int64]int64{1: 2})}
	b.Lines = append(b.Lines, IncidentLine("a", 17, 3, "gate", models.Action{At: at, Who: "jan", What: "severity set", Note: "a knife", Changed: []models.Changed{
		{Field: "severity", From: "low", To: "high"}, {Field: "type", To: "assault"}, {Field: "officer", From: "eva"}}}),
		CustodyLine(models.CustodyRecord{Index: 801, Custody: models.Custody{At: at, Who: "jan", Act: models.ActLoggedIn}}))
	b.Order()
	got := ""
	for _, l := range b.Lines {
		got += fmt.Sprintf("%d %s %s | %s | %s | %s\n", l.Line, l.Ref, l.Who, l.What, l.Measures, l.Corrected)
	}
	want := "1 C801 jan | logged in |  | \n" +
		"2 #17/3 jan | incident #17: severity set: a knife | severity: low → high; type: assault; officer: no longer eva | \n" +
		"3 J1 eva | key: key 12 to a plumber | signed for | J2\n" +
		"4 J2 eva | corrects J1, key: key 13 |  | \n"
	if got != want {
		t.Errorf("book:\n%swant:\n%s", got, want)
	}
	if b.Lines[2].Logged.IsZero() || !b.Lines[3].Logged.IsZero() {
		t.Error("only what was written down later says when")
	}
	long := LogBook{Lines: make([]LogLine, MaxLogBook+1)}
	long.Order()
	if len(long.Lines) != MaxLogBook || !long.Truncated {
		t.Errorf("%d lines, truncated %v", len(long.Lines), long.Truncated)
	}
	for name, e := range map[string]models.JournalEntry{
		"no text": {Kind: models.JournalRemark, At: at}, "no kind": {Text: "x", At: at}, "tomorrow": {Kind: models.JournalRemark, Text: "x", At: at.Add(24 * time.Hour)},
		"control": {Kind: models.JournalRemark, Text: "x\x1b[2J", At: at},
	} {
		if err := CheckJournal(e, at); !errors.Is(err, ErrField) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckJournal(models.JournalEntry{Kind: models.JournalPatrol, Text: "all doors shut", At: at}, at); err != nil {
		t.Error(err)
	}
}

func TestTablesAreSafeForSpreadsheets(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+49": "'+49", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "＝1": "'＝1",
		"": "", "gate": "gate", "a=b": "a=b"} {
		if got := Defuse(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	day := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
	s := summarised(t, SummaryQuery{From: day, To: day.Add(time.Hour)}, day, nil, models.Incident{Site: "=HYPERLINK()", Camera: "gate", Alarm: day,
		Assignment: models.Assignment{Officer: "+eva"}, Resolution: &models.Resolution{Loss: &models.Money{Amount: 5, Currency: "EUR"}}})
	for _, line := range s.Table() {
		if len(line) != len(s.Table()[0]) {
			t.Errorf("%d cells, the head has %d: %v", len(line), len(s.Table()[0]), line)
		}
		for _, cell := range line {
			if strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "+") {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	b := LogBook{Lines: []LogLine{{What: "=1", Who: "@x", Measures: "-1", At: day}}}
	if got := b.Table(time.UTC)[1]; got[3] != "'=1" || got[4] != "'@x" || got[5] != "'-1" || got[2] != "2026-03-29T01:00:00Z" {
		t.Errorf("line %v", got)
	}
}
