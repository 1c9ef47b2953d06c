package models

import (
	"reflect"
	"slices"
	"time"
)

// Kind is what a rule watches for.
type Kind string

// The kinds of rule in a zone.
const (
	KindMotion        Kind = "motion"         // something moves
	KindIntrusion     Kind = "intrusion"      // something came in
	KindLoitering     Kind = "loitering"      // something stays
	KindReturning     Kind = "returning"      // the same one comes back
	KindLine          Kind = "line"           // something crosses a line
	KindCrowd         Kind = "crowd"          // more than so many at once
	KindLeftObject    Kind = "left_object"    // something was put down and stays
	KindRemovedObject Kind = "removed_object" // something that stood there is gone
)

// RuleKinds are the kinds of rule that a zone can have.
func RuleKinds() []Kind {
	return []Kind{KindMotion, KindIntrusion, KindLoitering, KindReturning, KindLine, KindCrowd, KindLeftObject, KindRemovedObject}
}

// The kinds of trouble with a camera itself. Their events belong to no zone.
const (
	KindCameraLost Kind = "camera_lost" // no pictures come
	KindFrozen     Kind = "frozen"      // pictures come, and are all the same one
	KindCovered    Kind = "covered"     // something hides most of the view
	KindDefocused  Kind = "defocused"   // the view has lost its sharpness
	KindMoved      Kind = "moved"       // the camera looks elsewhere
	KindBlank      Kind = "blank"       // the picture is of one shade: black, white, blue
	KindClock      Kind = "clock"       // the camera's clock is far from ours
)

// HealthKinds are the kinds of trouble with a camera.
func HealthKinds() []Kind {
	return []Kind{KindCameraLost, KindFrozen, KindCovered, KindDefocused, KindMoved, KindBlank, KindClock}
}

// KindStorage is the kind of an incident that no rule raises: footage had to be refused.
const KindStorage Kind = "storage"

// KindReported is the kind of an incident that no camera found: somebody or something else
// reported it. Its origin says who, its type what.
const KindReported Kind = "reported"

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

// Rule is one thing to watch for in a zone, or in the camera itself. Which of its fields
// count depends on the kind.
type Rule struct {
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	// Labels limits the rule to tracks with one of these labels; empty means any track,
	// also one that only motion has seen.
	Labels   []string `json:"labels,omitempty"`
	MinScore float64  `json:"min_score,omitempty"` // 0..1, of the track's label
	// MinSize is the least area of the box, as a share of the picture, 0..1.
	MinSize float64 `json:"min_size,omitempty"`
	// Schedule says when the rule may become true; empty means always.
	Schedule []Schedule `json:"schedule,omitempty"`
	// CoolDown is how long after an alarm the rule stays silent in its zone.
	CoolDown time.Duration `json:"cool_down_ns,omitempty"`
	// Dwell is how long a track must stay (loitering, intrusion) or move (motion) in the
	// zone before the rule becomes true.
	Dwell time.Duration `json:"dwell_ns,omitempty"`
	// Grace is how long a track may be out of the zone, or unseen, within one visit.
	Grace time.Duration `json:"grace_ns,omitempty"`
	// MaxRadius limits loitering to those who stay within a circle of this radius, in
	// fractions of the picture's height; 0 is the whole zone.
	MaxRadius float64 `json:"max_radius,omitempty"`
	// Visits is how many visits of the same one, the newest included, make returning.
	Visits int `json:"visits,omitempty"`
	// Window is the time within which those visits lie.
	Window time.Duration `json:"window_ns,omitempty"`
	// Line is what must be crossed: two or more points, joined in their order.
	Line []Point `json:"line,omitempty"`
	// Direction in which it must be crossed.
	Direction Direction `json:"direction,omitempty"`
	// Count is how many at once are still no crowd.
	Count int `json:"count,omitempty"`
	// For is how long it must hold: more than Count (crowd), a change of the scene
	// (left_object, removed_object), trouble with the camera.
	For time.Duration `json:"for_ns,omitempty"`
	// MaxOffset is how far the camera's clock may be from ours (clock).
	MaxOffset time.Duration `json:"max_offset_ns,omitempty"`
	// Merge joins an event to an incident of the same zone and kind that ended, or for
	// loitering became true, no longer than this before. 0 joins only what overlaps
	// (motion) or nothing (loitering: one incident per visit).
	Merge time.Duration `json:"merge_ns,omitempty"`
}

// Direction says from which side a line is crossed, for somebody who walks along it from
// its first to its last point.
type Direction string

// The directions.
const (
	DirectionAny     Direction = "any"
	DirectionToLeft  Direction = "to_left"  // from the right side to the left
	DirectionToRight Direction = "to_right" // from the left side to the right
)

// Schedule is a stretch of the day, on some days of the week, by the wall clock of a place.
type Schedule struct {
	Days []time.Weekday `json:"days,omitempty"` // on which it begins; empty is every day
	// From and To count from midnight by the wall clock. To at or before From lies on the
	// next day; both 0 is the whole day.
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	// Location is the place; nil is UTC.
	Location *time.Location `json:"-"`
	TimeZone string         `json:"time_zone"` // its name, such as Europe/Vienna
}

// Active says whether at lies in the schedule: From belongs to it, To does not.
func (s Schedule) Active(at time.Time) bool {
	loc := s.Location
	if loc == nil {
		loc = time.UTC
	}
	at = at.In(loc)
	clock := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute +
		time.Duration(at.Second())*time.Second + time.Duration(at.Nanosecond())
	today := at.Weekday()
	if s.From < s.To {
		return s.on(today) && clock >= s.From && clock < s.To
	}
	return s.on(today) && clock >= s.From || s.on((today+6)%7) && clock < s.To
}

func (s Schedule) on(d time.Weekday) bool { return len(s.Days) == 0 || slices.Contains(s.Days, d) }

// Active says whether the rule may become true at a time.
func (r Rule) Active(at time.Time) bool {
	return len(r.Schedule) == 0 || slices.ContainsFunc(r.Schedule, func(s Schedule) bool { return s.Active(at) })
}

// Equal says whether two rules are the same in everything.
func (r Rule) Equal(o Rule) bool { return reflect.DeepEqual(r, o) }

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
	// Health says which trouble with the camera itself is looked for, a rule for each kind.
	Health []Rule `json:"health,omitempty"`
	// FPS bounds how many frames a second are analysed; 0 means every frame.
	FPS float64 `json:"fps"`
	// Objects turns the object detector on for this camera (when weights are present).
	Objects bool `json:"objects"`
	// Looks bounds what the object detector may cost, in looks at the whole picture a second;
	// 0 is every analysed frame.
	Looks      float64 `json:"looks"`
	ConfigHash string  `json:"config_hash"` // names the accepted configuration this came from
}
