package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ErrState is returned when a step is not possible in the incident's present state.
var ErrState = errors.New("not possible in this state")

// Program is who is named in the log for what vedette itself did.
const Program = "vedette"

// Acknowledge says that a person has seen a new incident and takes it.
func Acknowledge(in *models.Incident, who, note string, at time.Time) error {
	if in.State != models.StateNew {
		return fmt.Errorf("acknowledge: incident is %s: %w", in.State, ErrState)
	}
	in.State = models.StateAcknowledged
	Note(in, who, "acknowledged", note, at)
	return nil
}

// Close ends the work on an incident. It must have been acknowledged: an incident that
// nobody took cannot have been handled.
func Close(in *models.Incident, who, note string, at time.Time) error {
	if in.State != models.StateAcknowledged {
		return fmt.Errorf("close: incident is %s: %w", in.State, ErrState)
	}
	in.State = models.StateClosed
	Note(in, who, "closed", note, at)
	return nil
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
	Note(in, j.By, what, j.Note, j.At)
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
	in.Log = append(in.Log, models.Action{At: at, Who: who, What: what, Note: note})
}

// Merge lays the detection side of from over in: when and what, but neither the state
// nor the log, which belong to people, nor the footage, which belongs to the recorder.
func Merge(in *models.Incident, from models.Incident) {
	if from.Severity.Rank() > in.Severity.Rank() {
		in.Severity = from.Severity
	}
	in.Label, in.Score = from.Label, from.Score
	in.Start, in.End = from.Start, from.End
	in.Events, in.EventCount = slices.Clone(from.Events), from.EventCount
}
