package models

// Detector says which detector found a region.
type Detector string

// The detectors.
const (
	ByMotion Detector = "motion"
	ByObject Detector = "object"
)

// LabelUnknown is the label of something that moves and that nothing has classified.
const LabelUnknown = "unknown"

// Detection is one region in one frame.
type Detection struct {
	Box   Box      `json:"box"`
	Label string   `json:"label"` // LabelUnknown or a class name such as "person"
	Score float64  `json:"score"` // 0..1; for motion, the share of the box that moves
	By    Detector `json:"by"`
}

// Sight is what an object detector saw when it looked at a frame.
type Sight struct {
	Found []Detection
	// Parts of the picture that it looked at; none when it did not look.
	Parts []Box
	// Cost of the look, as a share of that of a look at the whole picture, 0..1.
	Cost float64
}

// TrackState is where a track stands in its life.
type TrackState string

// The states of a track.
const (
	TrackTentative TrackState = "tentative" // too young to be believed
	TrackConfirmed TrackState = "confirmed"
	TrackLost      TrackState = "lost"     // not seen in this frame; may be found again
	TrackFinished  TrackState = "finished" // reported once, then gone
)

// PathPoint is where a track stood at an instant.
type PathPoint struct {
	At   Instant `json:"at"`
	Foot Point   `json:"foot"`
	Box  Box     `json:"box"`
	Seen bool    `json:"seen"` // false: predicted or filled in
	// Score is that of the object detector at this instant, 0 where it did not look or
	// saw nothing.
	Score float64 `json:"score,omitempty"`
}

// Track is the same thing over time.
type Track struct {
	ID    TrackID    `json:"id"`
	State TrackState `json:"state"`
	Label string     `json:"label"` // by vote over the detections; LabelUnknown before one
	Score float64    `json:"score"` // of the label, 0..1
	Box   Box        `json:"box"`   // filtered, in the newest frame
	First Instant    `json:"first"` // first seen
	Last  Instant    `json:"last"`  // last seen (not predicted)
	Seen  bool       `json:"seen"`  // a detection supports the track in the newest frame
	// LastScore is what the object detector gave in the newest frame, 0 where it did not
	// look or saw nothing.
	LastScore float64 `json:"last_score,omitempty"`
	// Speed of the foot point now, in fractions of the picture's height a second.
	Speed float64 `json:"speed"`
	// Look is what the thing looks like; nil when unknown. It is not for people.
	Look Appearance `json:"-"`
	// Moved is how far the foot point has been from where the track began, in fractions
	// of the picture's diagonal. Something that never moved is part of the scene.
	Moved float64 `json:"moved"`
	// Reason says why the track is finished.
	Reason string `json:"reason,omitempty"`
}

// Static is a change of the scene that stays: a thing that was put down, or the place of
// one that was taken away.
type Static struct {
	ID      int64   `json:"id"` // the same from frame to frame; unique within one camera and run
	Box     Box     `json:"box"`
	Since   Instant `json:"since"`   // first seen, and at rest since
	Last    Instant `json:"last"`    // last seen
	Removed bool    `json:"removed"` // something that belonged to the scene is gone
	Score   float64 `json:"score"`   // 0..1, how sure that is, one way or the other
}

// Phase is the part of its life in which an event reports.
type Phase string

// The phases of an event.
const (
	PhaseBegan Phase = "began" // the rule became true
	PhaseEnded Phase = "ended" // the rule is no longer true; same ID as the began event
)

// Fact is one line of why a rule fired: what it compared.
type Fact struct {
	Name      string  `json:"name"` // such as "dwell"
	Observed  float64 `json:"observed"`
	Threshold float64 `json:"threshold"`
	Unit      string  `json:"unit"` // such as "s"
	Note      string  `json:"note,omitempty"`
}

// Sample is one point of a curve.
type Sample struct {
	At    Instant `json:"at"`
	Value float64 `json:"value"`
}

// Event is a rule that became true, or ceased to be, at an instant.
type Event struct {
	ID     int64       `json:"id"` // joins the two phases; unique within one camera and run
	Phase  Phase       `json:"phase"`
	Camera CameraID    `json:"camera"`
	Zone   ZoneID      `json:"zone"`
	Rule   Rule        `json:"rule"`
	Track  TrackID     `json:"track"`
	Label  string      `json:"label"`
	Score  float64     `json:"score"`
	Start  Instant     `json:"start"` // arrival: the visit or movement began
	Alarm  Instant     `json:"alarm"` // the rule became true
	End    Instant     `json:"end"`   // ended phase: last time it was true
	Box    Box         `json:"box"`   // at the alarm
	Path   []PathPoint `json:"path"`  // from the arrival to now, thinned
	Why    []Fact      `json:"why"`
	// Curve is how the first fact of Why came about: what was observed of it over time, in
	// its unit, thinned.
	Curve    []Sample `json:"curve,omitempty"`
	Config   string   `json:"config"`
	Identity string   `json:"identity,omitempty"` // set when the track was joined from several
}
