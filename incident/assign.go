package incident

import (
	"fmt"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Claim takes an incident that nobody has. Of two who claim it at the same time one gets
// it, and the other is told who. To claim what one has changes nothing, unless it is new:
// to claim a new incident is to acknowledge it.
func (d Desk) Claim(in *models.Incident, who, note string, at time.Time) error {
	if err := notClosed("claim", in); err != nil {
		return err
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	before := in.Assignment.Officer
	if before != "" && before != who {
		return fmt.Errorf("claim: %s has it since %s: %w", before, in.Assignment.At.UTC().Format(time.RFC3339), ErrTaken)
	}
	if before == who && in.State != models.StateNew {
		return nil
	}
	acknowledge(in, at)
	give(in, who, who, at)
	enter(in, who, "claimed", note, at, changed("officer", before, who))
	return nil
}

// Assign gives an incident to an officer. Who takes it away from somebody else says why.
// Somebody has seen it then, so a new one is acknowledged.
func (d Desk) Assign(in *models.Incident, who, officer, reason string, at time.Time) error {
	if err := notClosed("assign", in); err != nil {
		return err
	}
	if err := line("officer", officer); err != nil {
		return err
	}
	if err := optional("reason", reason, MaxNote); err != nil {
		return err
	}
	before := in.Assignment.Officer
	if before == officer && in.State != models.StateNew {
		return nil
	}
	if before != "" && before != who && before != officer {
		if err := prose("reason", reason, MaxNote); err != nil {
			return fmt.Errorf("assign: %s has it; to take it away needs a reason: %w", before, err)
		}
	}
	acknowledge(in, at)
	give(in, officer, who, at)
	enter(in, who, "assigned", reason, at, changed("officer", before, officer))
	return nil
}

// HandOver passes an incident on to another officer with a note, as at the change of
// shifts. Only who has it can.
func (d Desk) HandOver(in *models.Incident, who, to, note string, at time.Time) error {
	if err := mine("hand over", in, who); err != nil {
		return err
	}
	if err := line("officer", to); err != nil {
		return err
	}
	if to == who {
		return fmt.Errorf("hand over: officer: is who has it already: %w", ErrField)
	}
	if err := prose("note", note, MaxNote); err != nil {
		return err
	}
	acknowledge(in, at)
	give(in, to, who, at)
	enter(in, who, "handed over", note, at, changed("officer", who, to))
	return nil
}

// mine refuses a step that only who has the incident can take.
func mine(step string, in *models.Incident, who string) error {
	if err := notClosed(step, in); err != nil {
		return err
	}
	switch in.Assignment.Officer {
	case who:
		return nil
	case "":
		return fmt.Errorf("%s: nobody has it: %w", step, ErrState)
	}
	return fmt.Errorf("%s: %s has it: %w", step, in.Assignment.Officer, ErrTaken)
}

// Escalate gives an incident to somebody above, for a reason. The severity may be raised
// with it; empty leaves it.
func (d Desk) Escalate(in *models.Incident, who, to, reason string, severity models.Severity, at time.Time) error {
	if err := notClosed("escalate", in); err != nil {
		return err
	}
	if err := line("officer", to); err != nil {
		return err
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	if severity != "" && severity.Rank() <= in.Severity.Rank() {
		return fmt.Errorf("escalate: severity: %.60q is not above %s: %w", severity, in.Severity, ErrField)
	}
	officer, before, why := in.Assignment.Officer, in.Severity, in.Triage.Reason
	acknowledge(in, at)
	if severity != "" {
		in.Severity, in.Triage.Reason = severity, reason
		in.Triage.Impact, in.Triage.Likelihood = 0, 0
		d.reckon(in, before, now(in, at))
	}
	give(in, to, who, at)
	in.Assignment.Escalated++
	enter(in, who, "escalated", reason, at, changed("officer", officer, to), changed("severity", before, in.Severity),
		changed("reason for severity", why, in.Triage.Reason))
	return nil
}

// Release gives an incident back: nobody has it then, and anybody can claim it.
func (d Desk) Release(in *models.Incident, who, note string, at time.Time) error {
	if err := mine("release", in, who); err != nil {
		return err
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	give(in, "", who, at)
	enter(in, who, "released", note, at, changed("officer", who, ""))
	return nil
}
