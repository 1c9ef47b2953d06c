package incident

import (
	"slices"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// required are the fields that a type may require, with the words for one that is missing.
var required = []struct {
	field, words string
	there        func(*models.Incident) bool
}{
	{"type", "a type", func(in *models.Incident) bool { return in.Triage.Type != "" }},
	{"description", "a description", func(in *models.Incident) bool { return in.Description != "" }},
	{"judgement", "a judgement of the alarm", func(in *models.Incident) bool {
		return in.Judgement != nil || in.Kind == models.KindReported
	}},
	{"subject", "a person or vehicle described", func(in *models.Incident) bool { return len(in.Investigation.Subjects) > 0 }},
	{"statement", "a witness statement", func(in *models.Incident) bool { return len(in.Investigation.Statements) > 0 }},
	{"tasks", "every task ticked off or skipped", func(in *models.Incident) bool {
		return !slices.ContainsFunc(in.Investigation.Tasks, func(t models.Task) bool { return !settled(t) })
	}},
	{"effort", "the time spent", func(in *models.Incident) bool { return len(in.Investigation.Effort) > 0 }},
	{"outcome", "an outcome", func(in *models.Incident) bool { return orZero(in.Resolution).Outcome != "" }},
	{"assessment", "an assessment", func(in *models.Incident) bool { return orZero(in.Resolution).Assessment != "" }},
	{"recovery", "the steps of recovery", func(in *models.Incident) bool { return orZero(in.Resolution).Recovery != "" }},
	{"loss", "the cost or loss, which may be 0", func(in *models.Incident) bool { return orZero(in.Resolution).Loss != nil }},
	{"police", "the reference of the police", func(in *models.Incident) bool { return orZero(in.Resolution).Police != "" }},
}

// Fields are those that a type may require before an incident of it can be closed.
func Fields() []string {
	names := make([]string, len(required))
	for i, r := range required {
		names[i] = r.field
	}
	return names
}

// Missing says in words what the incident's type requires and the record does not have.
func (d Desk) Missing(in *models.Incident) (words []string) {
	t, _ := d.kind(in.Triage.Type)
	for _, r := range required {
		if slices.Contains(t.Required, r.field) && !r.there(in) {
			words = append(words, r.words)
		}
	}
	return words
}

// enumerate is "missing a, b and c".
func enumerate(words []string) string {
	if len(words) == 1 {
		return "missing is " + words[0]
	}
	last := len(words) - 1
	return "missing are " + strings.Join(words[:last], ", ") + " and " + words[last]
}
