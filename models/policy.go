package models

import "time"

// Policy is how a site wants its incidents handled. It comes from the configuration.
type Policy struct {
	Sites  []Site `json:"sites"`
	Matrix Matrix `json:"matrix"`
	Types  []Type `json:"types"`
	// Presets set severity, type and tags of new incidents; the first that fits counts.
	Presets []Preset `json:"presets,omitempty"`
	// Levels are the service levels; a severity without one promises nothing.
	Levels map[Severity]Level `json:"levels"`
	// Outcomes are how incidents end, such as deterred.
	Outcomes []string `json:"outcomes"`
	// Waits are for what the work may have to wait.
	Waits []Wait `json:"waits"`
	// Groups are camera groups: name to cameras.
	Groups map[string][]CameraID `json:"groups,omitempty"`
	// Places are where cameras are.
	Places map[CameraID]Place `json:"places,omitempty"`
}

// Site is a place that is guarded.
type Site struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Position *Position `json:"position,omitempty"`
	TimeZone string    `json:"time_zone,omitempty"` // of its reports; empty: the recorder's
}

// Place is where a camera is.
type Place struct {
	Site     string    `json:"site,omitempty"`
	Position *Position `json:"position,omitempty"` // nil: that of the site
}

// Matrix gives the severity for impact and likelihood, each 1..5: Matrix[impact-1][likelihood-1].
type Matrix [5][5]Severity

// Severity of an incident with this impact and likelihood; empty when one is out of range.
func (m Matrix) Severity(impact, likelihood int) Severity {
	if impact < 1 || impact > 5 || likelihood < 1 || likelihood > 5 {
		return ""
	}
	return m[impact-1][likelihood-1]
}

// Type is a kind of occurrence as people classify it.
type Type struct {
	ID   string   `json:"id"`
	Name string   `json:"name"`
	Subs []string `json:"subs,omitempty"`
	// Skills are what an officer needs to be sent.
	Skills []string `json:"skills,omitempty"`
	// Checklist is what to do, in order.
	Checklist []Step `json:"checklist,omitempty"`
	// Required are the fields without which it cannot be closed: description, type,
	// judgement, outcome, assessment, recovery, loss, police, subject, statement, effort, tasks.
	Required []string `json:"required,omitempty"`
}

// Step is one line of a checklist.
type Step struct {
	Stage string `json:"stage"` // assess, alert, secure, document or debrief
	Text  string `json:"text"`
}

// Preset is what a new incident gets when it fits.
type Preset struct {
	Name     string     `json:"name"`
	Kinds    []Kind     `json:"kinds,omitempty"`
	Cameras  []CameraID `json:"cameras,omitempty"`
	Zones    []ZoneID   `json:"zones,omitempty"`
	Labels   []string   `json:"labels,omitempty"`
	Schedule []Schedule `json:"schedule,omitempty"`
	Severity Severity   `json:"severity,omitempty"` // empty: that of the rule
	Type     string     `json:"type,omitempty"`
	Tags     []string   `json:"tags,omitempty"`
}

// Level is a service level: how soon things are promised for a severity; 0 promises nothing.
type Level struct {
	Acknowledge time.Duration `json:"acknowledge_ns,omitempty"`
	Respond     time.Duration `json:"respond_ns,omitempty"`
	Resolve     time.Duration `json:"resolve_ns,omitempty"`
	// Warn is how long before a deadline people are warned.
	Warn time.Duration `json:"warn_ns,omitempty"`
	// Hours are when the clocks run; empty: always.
	Hours []Schedule `json:"hours,omitempty"`
}

// Wait is something that work may have to wait for.
type Wait struct {
	ID   string `json:"id"` // such as police
	Name string `json:"name"`
	// Pauses are the promises whose clocks stand meanwhile.
	Pauses []Promise `json:"pauses"`
}
