package incident

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Stepped moves the deadlines of an incident with the machine's clock, which was set: each
// has as much left as before, of the hours in which it runs. What was missed stays missed,
// and is late by as much as before. It notes in the log what it has moved; false: no promise
// is open, and nothing has changed.
func (d Desk) Stepped(in *models.Incident, s models.ClockStep) bool {
	h := hours(d.Policy.Levels[in.Severity].Hours)
	open, moved := false, []models.Changed(nil)
	for i := range in.Deadlines {
		l := &in.Deadlines[i]
		if !l.Open() {
			continue
		}
		open = true
		if l.Paused != "" || l.Due.IsZero() {
			continue // it has left what it had
		}
		was := l.Due
		l.Due = due(h, s.At, left(*l, h, s.Before()))
		moved = append(moved, changed(string(l.Promise)+" by", stamp(was), stamp(l.Due)))
	}
	if !open {
		return false
	}
	for i, p := range models.Promises() {
		if begun(in, p).IsZero() {
			in.Course.Stepped[i] += s.By
		}
	}
	in.Investigation.Effort = slices.Clone(in.Investigation.Effort)
	for i := range in.Investigation.Effort {
		if e := &in.Investigation.Effort[i]; e.Timing {
			e.From = e.From.Add(s.By)
		}
	}
	enter(in, Program, StepWords(s), stepNotes[s.How], now(in, s.At), moved...)
	return true
}

// StepWords say by how much a clock was set.
func StepWords(s models.ClockStep) string {
	by := s.By.Abs().Round(time.Millisecond).String()
	if s.How == models.StepAtLeast {
		by = "at least " + by
	}
	if s.By < 0 {
		return "clock of the machine set back by " + by
	}
	return "clock of the machine set forward by " + by
}

var stepNotes = map[models.StepKnown]string{
	models.StepSeen:    "open deadlines move with it",
	models.StepStopped: "open deadlines move with it; it was set while vedette did not run",
	models.StepAtLeast: "open deadlines move with it; it was set while the machine was off or started anew",
}
