package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Program is who is named in the log for what vedette itself did.
const Program = "vedette"

// Acknowledge says that a person has seen a new incident and takes it: it is theirs from
// then on.
func Acknowledge(in *models.Incident, who, note string, at time.Time) error {
	if in.State != models.StateNew {
		return fmt.Errorf("acknowledge: incident is %s: %w", in.State, ErrState)
	}
	if owner := in.Assignment.Officer; owner != "" && owner != who {
		return fmt.Errorf("acknowledge: %s has it: %w", owner, ErrTaken)
	}
	before := in.Assignment.Officer
	acknowledge(in, at)
	give(in, who, who, at)
	enter(in, who, "acknowledged", note, at, changed("officer", before, who))
	return nil
}

// acknowledge brings a new incident to somebody's hands.
func acknowledge(in *models.Incident, at time.Time) {
	if in.State != models.StateNew {
		return
	}
	in.State, in.Course.Acknowledged = models.StateAcknowledged, now(in, at)
	keep(in, in.Course.Acknowledged, models.PromiseAcknowledge)
}

// give assigns an incident.
func give(in *models.Incident, officer, by string, at time.Time) {
	in.Assignment.Officer, in.Assignment.By, in.Assignment.At = officer, by, now(in, at)
}

// Close ends the work on an incident. It must have been acknowledged: an incident that
// nobody took cannot have been handled. Desk.Close also sees to it that the file is whole.
func Close(in *models.Incident, who, note string, at time.Time) error {
	if in.State != models.StateAcknowledged && in.State != models.StateResolved {
		return fmt.Errorf("close: incident is %s: %w", in.State, ErrState)
	}
	finish(in, at)
	enter(in, who, "closed", note, at)
	return nil
}

// finish closes an incident: whatever was promised is over, and no timer runs on.
func finish(in *models.Incident, at time.Time) {
	at = now(in, at)
	keep(in, at, models.Promises()...)
	stopTimers(in, at)
	in.State, in.Waiting = models.StateClosed, nil
	if in.Course.Acknowledged.IsZero() {
		in.Course.Acknowledged = at
	}
	if in.Course.Responded.IsZero() {
		in.Course.Responded = at
	}
	if in.Course.Resolved.IsZero() {
		in.Course.Resolved = at
	}
	in.Course.Closed = at
}

// ErrJudgement is returned for a judgement that contradicts itself.
var ErrJudgement = errors.New("contradictory judgement")

// Judge records what a person says the alarm was. It is possible in every state, and again
// later: whoever closed an incident may learn the truth the next day. Each judgement is
// logged beside the one that it replaces; the same one again, of the same person, is
// nothing new.
func Judge(in *models.Incident, j models.Judgement) error {
	if err := check(j); err != nil {
		return err
	}
	what := "judged " + judged(j)
	if old := in.Judgement; old != nil {
		if old.Verdict == j.Verdict && old.Reason == j.Reason && old.Note == j.Note && old.By == j.By {
			return nil
		}
		what += ", before: " + judged(*old)
	}
	in.Judgement = &j
	enter(in, j.By, what, j.Note, j.At)
	return nil
}

func check(j models.Judgement) error {
	switch {
	case j.Verdict != models.VerdictTrue && j.Verdict != models.VerdictNuisance:
		return fmt.Errorf("%w: the verdict is %s or %s, not %.40q", ErrJudgement, models.VerdictTrue, models.VerdictNuisance, j.Verdict)
	case j.Verdict == models.VerdictTrue && j.Reason != "":
		return fmt.Errorf("%w: a true alarm has no reason for being a nuisance", ErrJudgement)
	case j.Verdict == models.VerdictNuisance && j.Reason == "":
		return fmt.Errorf("%w: a nuisance alarm needs a reason, one of %v", ErrJudgement, models.Nuisances())
	case j.Verdict == models.VerdictNuisance && !slices.Contains(models.Nuisances(), j.Reason):
		return fmt.Errorf("%w: the reason is one of %v, not %.40q", ErrJudgement, models.Nuisances(), j.Reason)
	}
	return nil
}

// judged is a judgement in the words of the log.
func judged(j models.Judgement) string {
	if j.Verdict == models.VerdictTrue {
		return string(j.Verdict)
	}
	return string(j.Verdict) + ": " + strings.ReplaceAll(string(j.Reason), "_", " ")
}

// Note adds one line to the incident's log.
func Note(in *models.Incident, who, what, note string, at time.Time) {
	enter(in, who, what, note, at)
}

// Merge lays the detection side of from over in: when and what, but neither the state
// nor the log, which belong to people, nor the footage, which belongs to the recorder. A
// severity that a person or a preset has set stays.
func Merge(in *models.Incident, from models.Incident) {
	if from.Severity.Rank() > in.Severity.Rank() && (in.Triage.Reason == "" || in.Triage.Reason == byRule) {
		in.Severity = from.Severity
	}
	in.Label, in.Score = from.Label, from.Score
	in.Start, in.End = from.Start, from.End
	in.Events, in.EventCount = slices.Clone(from.Events), from.EventCount
}
