package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// Classify says what an incident is: a type of the policy, one of its sub-types, tags. The
// checklist of the type takes the place of the one before; what was ticked off stays.
func (d Desk) Classify(in *models.Incident, who, kind, sub string, tags []string, at time.Time) error {
	if err := notClosed("classify", in); err != nil {
		return err
	}
	if err := d.checkTriage(kind, sub, tags); err != nil {
		return fmt.Errorf("classify: %w", err)
	}
	before := in.Triage
	after := before
	after.Type, after.Sub, after.Tags = kind, sub, tagged(tags)
	list := in.Investigation.Tasks
	if in.Triage = after; before.Type != after.Type {
		d.checklist(in, before.Type)
	}
	if len(in.Investigation.Tasks) > MaxEntries {
		in.Triage, in.Investigation.Tasks = before, list
		return fmt.Errorf("classify: tasks: there are too many for another checklist: %w", ErrFull)
	}
	differ := differing([]models.Changed{changed("type", before.Type, after.Type), changed("sub-type", before.Sub, after.Sub),
		changed("tags", strings.Join(before.Tags, ", "), strings.Join(after.Tags, ", "))})
	if len(differ) > 0 {
		enter(in, who, "classified", "", at, differ...)
	}
	return nil
}

func (d Desk) checkTriage(kind, sub string, tags []string) error {
	t, ok := d.kind(kind)
	switch {
	case kind != "" && !ok:
		return fmt.Errorf("type: there is no type %.60q: %w", kind, ErrField)
	case sub != "" && !slices.Contains(t.Subs, sub):
		return fmt.Errorf("sub: %.60q is no sub-type of %.60q: %w", sub, kind, ErrField)
	case len(tags) > MaxTags:
		return fmt.Errorf("tags: there are %d, the most are %d: %w", len(tags), MaxTags, ErrField)
	}
	for _, tag := range tags {
		if err := line("tags", tag); err != nil {
			return err
		}
		if utf8.RuneCountInString(tag) > maxTag || strings.ContainsAny(tag, "\n\r\t,") {
			return fmt.Errorf("tags: %.60q is no tag: one line of at most %d characters without commas: %w", tag, maxTag, ErrField)
		}
	}
	return nil
}

// maxTag is the longest tag, in characters.
const maxTag = 64

// kind is a type of the policy.
func (d Desk) kind(id string) (models.Type, bool) {
	i := slices.IndexFunc(d.Policy.Types, func(t models.Type) bool { return t.ID == id })
	if i < 0 {
		return models.Type{}, false
	}
	return d.Policy.Types[i], true
}

// tagged puts tags as records hold them: lower case, sorted, each once.
func tagged(tags []string) []string {
	var out []string
	for _, t := range tags {
		out = append(out, strings.ToLower(strings.TrimSpace(t)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Rate gives an incident the severity of its impact and likelihood, by the policy's matrix.
func (d Desk) Rate(in *models.Incident, who string, impact, likelihood int, at time.Time) error {
	if err := notClosed("rate", in); err != nil {
		return err
	}
	severity := d.Policy.Matrix.Severity(impact, likelihood)
	if severity == "" {
		return fmt.Errorf("rate: impact and likelihood are 1 to 5 each: %w", ErrField)
	}
	d.setSeverity(in, who, "rated", severity, byMatrix(impact, likelihood), "", at)
	in.Triage.Impact, in.Triage.Likelihood = impact, likelihood
	return nil
}

func byMatrix(impact, likelihood int) string {
	return fmt.Sprintf("matrix %d × %d", impact, likelihood)
}

// SetSeverity sets the severity by hand, for a reason.
func (d Desk) SetSeverity(in *models.Incident, who string, severity models.Severity, reason string, at time.Time) error {
	if err := notClosed("set severity", in); err != nil {
		return err
	}
	if severity.Rank() < 0 {
		return fmt.Errorf("severity: there is no severity %.60q: %w", severity, ErrField)
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	d.setSeverity(in, who, "severity set", severity, reason, reason, at)
	in.Triage.Impact, in.Triage.Likelihood = 0, 0
	return nil
}

// setSeverity changes the severity, its reason and the deadlines that follow.
func (d Desk) setSeverity(in *models.Incident, who, what string, severity models.Severity, reason, note string, at time.Time) {
	before, why := in.Severity, in.Triage.Reason
	in.Severity, in.Triage.Reason = severity, reason
	d.reckon(in, before, now(in, at))
	enter(in, who, what, note, at, changed("severity", before, severity), changed("reason for severity", why, reason))
}

// Describe says what happened, in a person's words.
func (d Desk) Describe(in *models.Incident, who, text string, at time.Time) error {
	if err := notClosed("describe", in); err != nil {
		return err
	}
	if err := optional("description", text, MaxText); err != nil {
		return err
	}
	if text != in.Description {
		before := in.Description
		in.Description = text
		enter(in, who, "described", "", at, changed("description", before, text))
	}
	return nil
}
