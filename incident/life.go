package incident

import (
	"errors"
	"fmt"
	"slices"
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
