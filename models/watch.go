package models

import "time"

// Kind is what a rule watches for.
type Kind string

// The kinds of rule.
const (
	KindMotion    Kind = "motion"
	KindLoitering Kind = "loitering"
)

// KindStorage is the kind of an incident that no rule raises: footage had to be refused.
const KindStorage Kind = "storage"

// Severity ranks incidents for the people who watch.
type Severity string

// The severities, from least to most.
const (
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// Rank orders severities: 0 is low, 3 critical, -1 unknown.
func (s Severity) Rank() int {
	switch s {
	case SeverityLow:
		return 0
	case SeverityMedium:
		return 1
	case SeverityHigh:
		return 2
	case SeverityCritical:
		return 3
	}
	return -1
}

// Rule is one thing to watch for in a zone.
type Rule struct {
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	// Labels limits the rule to tracks with one of these labels; empty means any track,
	// also one that only motion has seen.
	Labels   []string `json:"labels,omitempty"`
	MinScore float64  `json:"min_score,omitempty"` // 0..1, of the track's label
	// Dwell is how long a track must stay (loitering) or move (motion) in the zone
	// before the rule becomes true.
	Dwell time.Duration `json:"dwell_ns,omitempty"`
	// Grace is how long a track may be out of the zone, or unseen, within one visit.
	Grace time.Duration `json:"grace_ns,omitempty"`
	// Merge joins an event to an incident of the same zone and kind that ended, or for
	// loitering became true, no longer than this before. 0 joins only what overlaps
	// (motion) or nothing (loitering: one incident per visit).
	Merge time.Duration `json:"merge_ns,omitempty"`
}

// Zone is a named area of one camera's picture with its rules.
type Zone struct {
	ID      ZoneID  `json:"id"`
	Polygon Polygon `json:"polygon"`
	Rules   []Rule  `json:"rules"`
}

// Watch is everything the vision lane of one camera looks for. It is data: it can be
// replaced between two frames without touching the stream.
type Watch struct {
	Camera CameraID  `json:"camera"`
	Zones  []Zone    `json:"zones"`
	Masks  []Polygon `json:"masks,omitempty"` // areas in which motion is ignored
	// FPS bounds how many frames a second are analysed; 0 means every frame.
	FPS float64 `json:"fps"`
	// Objects turns the object detector on for this camera (when weights are present).
	Objects    bool   `json:"objects"`
	ConfigHash string `json:"config_hash"` // names the accepted configuration this came from
}
