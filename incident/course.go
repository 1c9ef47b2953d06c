package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// worked refuses a step that needs somebody at work on the incident.
func worked(step string, in *models.Incident) error {
	if in.State != models.StateAcknowledged {
		return fmt.Errorf("%s: incident is %s: %w", step, in.State, ErrState)
	}
	return nil
}

// Respond notes that somebody is at the place, or deals with it from the desk.
func (d Desk) Respond(in *models.Incident, who, note string, at time.Time) error {
	if err := worked("respond", in); err != nil {
		return err
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	if t := in.Course.Responded; !t.IsZero() {
		return fmt.Errorf("respond: there was a response at %s: %w", t.UTC().Format(time.RFC3339), ErrState)
	}
	in.Course.Responded = now(in, at)
	keep(in, in.Course.Responded, models.PromiseRespond)
	enter(in, who, "responded", note, at)
	return nil
}

// Wait says for what the work has to wait. The clocks that the policy names for it stand
// until Resume.
func (d Desk) Wait(in *models.Incident, who, reason, note string, at time.Time) error {
	if err := worked("wait", in); err != nil {
		return err
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	if in.Waiting != nil {
		return fmt.Errorf("wait: it waits for %s: %w", in.Waiting.For, ErrState)
	}
	if !slices.ContainsFunc(d.Policy.Waits, func(w models.Wait) bool { return w.ID == reason }) {
		return fmt.Errorf("for: there is nothing to wait for that is called %.60q: %w", reason, ErrField)
	}
	t := now(in, at)
	in.Waiting = &models.Waiting{For: reason, Note: note, By: who, Since: t}
	h := d.Policy.Levels[in.Severity].Hours
	for i, l := range in.Deadlines {
		if l.Open() && d.pauses(reason, l.Promise) {
			in.Deadlines[i] = pause(l, reason, h, t)
		}
	}
	enter(in, who, "waits for "+reason, note, at)
	return nil
}

// Resume goes on with the work: the clocks run again with the time that they had left.
func (d Desk) Resume(in *models.Incident, who, note string, at time.Time) error {
	if in.Waiting == nil {
		return fmt.Errorf("resume: it does not wait: %w", ErrState)
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	reason := in.Waiting.For
	d.run(in, now(in, at))
	enter(in, who, "resumed", note, at, models.Changed{Field: "waits for", From: reason})
	return nil
}

// Resolve says how an incident ended, when it has. Whoever has resolved it may say more of
// it until it is closed: the log keeps what was said before.
func (d Desk) Resolve(in *models.Incident, who string, r models.Resolution, at time.Time) error {
	if in.State != models.StateAcknowledged && in.State != models.StateResolved {
		return fmt.Errorf("resolve: incident is %s: %w", in.State, ErrState)
	}
	if err := d.checkResolution(r); err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	t := now(in, at)
	r.By, r.At = who, t
	what, before := "resolved", in.Resolution
	if in.State == models.StateResolved {
		what = "resolution changed"
	} else {
		d.run(in, t)
		if in.Course.Responded.IsZero() {
			in.Course.Responded = t
		}
		in.State, in.Course.Resolved = models.StateResolved, t
		keep(in, t, models.PromiseRespond, models.PromiseResolve)
	}
	in.Resolution = &r
	enter(in, who, what, "", at, resolutions(before, &r)...)
	return nil
}

// NuisanceOutcome is how an incident ends that was none.
const NuisanceOutcome = "nuisance"

func (d Desk) checkResolution(r models.Resolution) error {
	if err := line("outcome", r.Outcome); err != nil {
		return err
	}
	if r.Outcome != NuisanceOutcome && !slices.Contains(d.Policy.Outcomes, r.Outcome) {
		return fmt.Errorf("outcome: there is no outcome %.60q: %w", r.Outcome, ErrField)
	}
	if r.Loss != nil {
		if r.Loss.Amount < 0 || r.Loss.Amount > maxLoss {
			return fmt.Errorf("loss: the amount is 0 to %d: %w", int64(maxLoss), ErrField)
		}
		if len(r.Loss.Currency) != 3 || slices.ContainsFunc([]byte(r.Loss.Currency), func(c byte) bool { return c < 'A' || c > 'Z' }) {
			return fmt.Errorf("loss: the currency is a code of ISO 4217 such as EUR: %w", ErrField)
		}
	}
	if err := optional("police", r.Police, MaxLine); err != nil {
		return err
	}
	if err := optional("recovery", r.Recovery, MaxText); err != nil {
		return err
	}
	return optional("assessment", r.Assessment, MaxText)
}

// maxLoss is what a browser can still count exactly.
const maxLoss = 1<<53 - 1

// resolutions are the fields that differ between two; nil is none.
func resolutions(before, after *models.Resolution) []models.Changed {
	b, a := orZero(before), orZero(after)
	return []models.Changed{changed("outcome", b.Outcome, a.Outcome), changed("recovery", b.Recovery, a.Recovery),
		changed("loss", money(b.Loss), money(a.Loss)), changed("police reference", b.Police, a.Police),
		changed("assessment", b.Assessment, a.Assessment)}
}

func orZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}

func money(m *models.Money) string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("%d %s", m.Amount, m.Currency)
}

// Close ends the work on an incident whose file is whole: the error names everything that
// its type requires and that is missing. An alarm that was judged a nuisance needs none of
// it, and has that as its outcome.
func (d Desk) Close(in *models.Incident, who, note string, at time.Time) error {
	if in.State != models.StateAcknowledged && in.State != models.StateResolved {
		return fmt.Errorf("close: incident is %s: %w", in.State, ErrState)
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	before := in.Resolution
	if nuisance(in) {
		if before == nil {
			in.Resolution = &models.Resolution{Outcome: NuisanceOutcome, By: who, At: now(in, at)}
		}
	} else if missing := d.Missing(in); len(missing) > 0 {
		return fmt.Errorf("close: the file is not whole: %s: %w", enumerate(missing), ErrField)
	}
	d.run(in, now(in, at))
	finish(in, at)
	enter(in, who, "closed", note, at, resolutions(before, in.Resolution)...)
	return nil
}

func nuisance(in *models.Incident) bool {
	return in.Judgement != nil && in.Judgement.Verdict == models.VerdictNuisance
}

// Reopen goes on with an incident that was thought to be over, for a reason. The clock of
// its resolution begins anew, and what was said of its end moves into the log.
func (d Desk) Reopen(in *models.Incident, who, reason string, at time.Time) error {
	if in.State != models.StateClosed && in.State != models.StateResolved {
		return fmt.Errorf("reopen: incident is %s: %w", in.State, ErrState)
	}
	if in.Linked.Into != "" {
		return fmt.Errorf("reopen: it was merged into %s: %w", in.Linked.Into, ErrState)
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	before := in.Resolution
	in.Course.Reopened++
	d.again(in, at)
	enter(in, who, "reopened", reason, at, resolutions(before, nil)...)
	return nil
}

// again brings an incident back to work.
func (d Desk) again(in *models.Incident, at time.Time) {
	t := now(in, at)
	in.State, in.Resolution = models.StateAcknowledged, nil
	in.Course.Resolved, in.Course.Closed = time.Time{}, time.Time{}
	in.Deadlines = slices.DeleteFunc(slices.Clone(in.Deadlines), func(l models.Deadline) bool { return l.Promise == models.PromiseResolve })
	if level := d.Policy.Levels[in.Severity]; level.Resolve > 0 {
		in.Deadlines = append(in.Deadlines, models.Deadline{Promise: models.PromiseResolve, Within: level.Resolve,
			Due: hours(level.Hours).after(t, level.Resolve).UTC()})
	}
}
