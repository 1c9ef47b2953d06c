package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// MaxSheet is how many open incidents and entries of the log book a hand-over sheet lists.
	MaxSheet = 200
	// MaxShift is the longest shift that one sheet can be about.
	MaxShift = 7 * 24 * time.Hour
	// sheetText is how much of a description a sheet shows, in characters.
	sheetText = 160
)

// Sheet makes what the next shift has to know, as it is at an instant: the open incidents,
// overdue ones first, who works on them, and what happened in the shift.
func Sheet(at time.Time, open []models.Incident, happened Figures, journal []models.JournalEntry, troubles []models.CameraTrouble) models.HandoverSheet {
	s := models.HandoverSheet{Open: []models.HandoverIncident{}, Work: []models.Workload{}, Journal: slices.Clone(journal), Troubles: slices.Clone(troubles),
		Happened: models.ShiftCount{Opened: happened.Incidents, True: happened.True, Nuisance: happened.Nuisance, Closed: happened.Incidents - happened.Open}}
	work := map[string]*models.Workload{}
	for _, in := range open {
		if in.State == models.StateClosed {
			continue
		}
		h := models.HandoverIncident{ID: in.ID, Number: in.Number, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Type: in.Triage.Type, Severity: in.Severity,
			State: in.State, Officer: in.Assignment.Officer, Alarm: in.Alarm, Text: beginning(in.Description)}
		for _, k := range models.TallyOf(in).Promises {
			if !k.Due.IsZero() && (h.Due.IsZero() || k.Due.Before(h.Due)) {
				h.Due = k.Due
			}
		}
		h.Overdue = !h.Due.IsZero() && h.Due.Before(at)
		if in.Waiting != nil {
			h.Waiting = in.Waiting.For
		}
		s.Open = append(s.Open, h)
		w := work[h.Officer]
		if w == nil {
			w = &models.Workload{Officer: h.Officer}
			work[h.Officer] = w
		}
		w.Incidents++
		if h.Overdue {
			s.Overdue++
			w.Overdue++
		}
	}
	slices.SortFunc(s.Open, func(a, b models.HandoverIncident) int {
		if a.Overdue != b.Overdue {
			if a.Overdue {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.Alarm.Compare(b.Alarm), cmp.Compare(a.ID, b.ID))
	})
	if n := len(s.Open); n > MaxSheet {
		s.Open, s.More = s.Open[:MaxSheet], n-MaxSheet
	}
	for _, w := range work {
		s.Work = append(s.Work, *w)
	}
	slices.SortFunc(s.Work, func(a, b models.Workload) int {
		return cmp.Or(cmp.Compare(b.Incidents, a.Incidents), cmp.Compare(a.Officer, b.Officer))
	})
	if s.Journal == nil {
		s.Journal = []models.JournalEntry{}
	}
	if s.Troubles == nil {
		s.Troubles = []models.CameraTrouble{}
	}
	return s
}

// beginning is the first of a text, cut between two words where there is a place.
func beginning(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= sheetText {
		return s
	}
	cut := []rune(s)[:sheetText-1]
	text := string(cut)
	if i := strings.LastIndexByte(text, ' '); i > len(text)/2 {
		text = text[:i]
	}
	return text + "…"
}

// HandOver makes the record of a shift that is given into other hands.
func HandOver(id, site string, from, to time.Time, by, notes string, at time.Time, sheet models.HandoverSheet) (models.Handover, error) {
	switch {
	case !to.After(from):
		return models.Handover{}, fmt.Errorf("shift: it ends before it begins: %w", ErrField)
	case to.Sub(from) > MaxShift:
		return models.Handover{}, fmt.Errorf("shift: it is longer than 7 days: %w", ErrField)
	}
	if err := optional("notes", notes, MaxText); err != nil {
		return models.Handover{}, err
	}
	return models.Handover{ID: id, Site: site, From: from.UTC(), To: to.UTC(), By: by, At: at.UTC(), Notes: notes, Sheet: sheet}, nil
}

// TakeOver notes who took a shift. Nobody takes it from themselves, and only one person does.
func TakeOver(h *models.Handover, who, remark string, at time.Time) error {
	switch {
	case h.TakenBy == who:
		return nil
	case h.TakenBy != "":
		return fmt.Errorf("hand-over: %s took it: %w", h.TakenBy, ErrState)
	case h.By == who:
		return fmt.Errorf("hand-over: somebody else must take what you hand over: %w", ErrState)
	}
	if err := optional("remark", remark, MaxNote); err != nil {
		return err
	}
	h.TakenBy, h.Taken, h.Remark = who, at.UTC(), remark
	return nil
}
