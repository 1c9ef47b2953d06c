package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// MaxEffort is the longest time that one entry can be.
const MaxEffort = 24 * time.Hour

// AddEffort logs time that was spent, by hand.
func (d Desk) AddEffort(in *models.Incident, who string, e models.Effort, at time.Time) error {
	list := in.Investigation.Effort
	if slices.ContainsFunc(list, func(old models.Effort) bool { return old.ID == e.ID }) {
		return nil
	}
	if err := d.checkEffort(in, e); err != nil {
		return err
	}
	switch {
	case e.Spent <= 0 || e.Spent > MaxEffort:
		return fmt.Errorf("spent: is more than nothing and at most 24 h: %w", ErrField)
	case e.From.IsZero():
		e.From = at.Add(-e.Spent)
	case e.From.Add(e.Spent).After(at.Add(aheadOfUs)):
		return fmt.Errorf("from: the time is not over yet: %w", ErrField)
	}
	in.Investigation.Effort = append(slices.Clone(list), models.Effort{ID: e.ID, Who: who, From: e.From.UTC(), Spent: e.Spent, Note: e.Note})
	enter(in, who, "time logged", e.Spent.Round(time.Second).String(), at)
	return nil
}

// StartTimer begins to count the time that somebody spends: one timer for each person and
// incident.
func (d Desk) StartTimer(in *models.Incident, who string, e models.Effort, at time.Time) error {
	list := in.Investigation.Effort
	if slices.ContainsFunc(list, func(old models.Effort) bool { return old.ID == e.ID }) {
		return nil
	}
	if err := d.checkEffort(in, e); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(old models.Effort) bool { return old.Timing && old.Who == who }) {
		return fmt.Errorf("timer: yours runs already: %w", ErrState)
	}
	in.Investigation.Effort = append(slices.Clone(list), models.Effort{ID: e.ID, Who: who, From: at.UTC(), Note: e.Note, Timing: true})
	enter(in, who, "timer started", e.Note, at)
	return nil
}

// StopTimer ends the timer of a person.
func (d Desk) StopTimer(in *models.Incident, who string, at time.Time) error {
	i := slices.IndexFunc(in.Investigation.Effort, func(e models.Effort) bool { return e.Timing && e.Who == who })
	if i < 0 {
		return fmt.Errorf("timer: none of yours runs: %w", ErrState)
	}
	in.Investigation.Effort = slices.Clone(in.Investigation.Effort)
	e := &in.Investigation.Effort[i]
	stop(e, at)
	enter(in, who, "timer stopped", e.Spent.Round(time.Second).String(), at)
	return nil
}

// stop ends one timer. A timer that somebody forgot counts no longer than MaxEffort.
func stop(e *models.Effort, at time.Time) {
	e.Timing, e.Spent = false, min(max(0, at.Sub(e.From)), MaxEffort)
}

// stopTimers ends all that run.
func stopTimers(in *models.Incident, at time.Time) {
	in.Investigation.Effort = slices.Clone(in.Investigation.Effort)
	for i := range in.Investigation.Effort {
		if e := &in.Investigation.Effort[i]; e.Timing {
			stop(e, at)
		}
	}
}

func (d Desk) checkEffort(in *models.Incident, e models.Effort) error {
	if err := notClosed("log time", in); err != nil {
		return err
	}
	if err := optional("note", e.Note, MaxNote); err != nil {
		return err
	}
	return room("effort", in.Investigation.Effort)
}
