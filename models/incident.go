package models

import (
	"slices"
	"time"
)

// State is where an incident stands.
type State string

// The states, in order.
const (
	StateNew          State = "new"
	StateAcknowledged State = "acknowledged" // somebody works on it
	StateResolved     State = "resolved"     // it is over; the file is not yet complete
	StateClosed       State = "closed"
)

// FootageState says how far the evidence of an incident has come.
type FootageState string

// The states of footage, in order. Every step is re-entrant after a crash.
const (
	FootageRecording FootageState = "recording" // the clip is still being written to the spool
	FootagePending   FootageState = "pending"   // complete in the spool, not yet in the bucket
	FootageStored    FootageState = "stored"    // every object is durable in the bucket
	FootageNone      FootageState = "none"      // there was nothing to keep; Gaps says why
	FootageDeleted   FootageState = "deleted"   // by retention; a signed record of it is kept
)

// ObjectRole says what an object of evidence is.
type ObjectRole string

// The roles of evidence objects.
const (
	RoleClip     ObjectRole = "clip"     // the camera's own bits in MP4
	RoleStill    ObjectRole = "still"    // annotated picture of the alarm
	RolePicture  ObjectRole = "picture"  // the same picture without annotation
	RoleWhy      ObjectRole = "why"      // picture of why the rule fired
	RoleMask     ObjectRole = "mask"     // what moved at the alarm, as a PNG of the picture's size
	RoleManifest ObjectRole = "manifest" // JSON that names all the others
	// RoleSignature is a Signature over the manifest, as JSON.
	RoleSignature ObjectRole = "signature"
	// RolePart is a piece of the growing clip that was brought off site while the incident
	// went on. The manifest does not name it; it goes when the clip itself is there.
	RolePart ObjectRole = "part"
	// RoleCopy is a marked working copy of the clip that browsers play. It is no evidence:
	// neither the record nor the manifest names it.
	RoleCopy ObjectRole = "copy"
	// RoleAttachment is a file that somebody added, and RoleExhibit the stored copy of
	// continuous footage that somebody linked. The record names them apart from the footage.
	RoleAttachment ObjectRole = "attachment"
	RoleExhibit    ObjectRole = "exhibit"
	// RoleDeletion is the signed record of a deletion by retention, as JSON.
	RoleDeletion ObjectRole = "deletion"
)

// Object is one durable object of evidence.
type Object struct {
	Role   ObjectRole `json:"role"`
	Key    string     `json:"key"` // in the bucket, slash-separated, without the prefix
	Type   string     `json:"type"`
	Size   int64      `json:"size"`
	SHA256 string     `json:"sha256"` // hex
}

// Footage says how complete the video of an incident is: what was asked for, what was
// got, and what is missing.
type Footage struct {
	State     FootageState `json:"state"`
	AskedFrom time.Time    `json:"asked_from"`
	AskedTo   time.Time    `json:"asked_to,omitzero"`
	From      time.Time    `json:"from,omitzero"` // of the first frame in the clip
	To        time.Time    `json:"to,omitzero"`   // end of the last frame in the clip
	Clock     Clock        `json:"clock,omitempty"`
	Codec     Codec        `json:"codec,omitempty"`
	Width     int          `json:"width,omitempty"`
	Height    int          `json:"height,omitempty"`
	Frames    int          `json:"frames"`
	// Expected is how many frames the clip would hold without its gaps, by the frame rate of
	// the stream around each of them; 0 when unknown. Frames of Expected is complete.
	Expected int   `json:"expected,omitempty"`
	Gaps     []Gap `json:"gaps,omitempty"`
	// ClockOffset is the camera's clock minus ours when the clip ended, and ClockDrift how
	// fast that changes, in parts per million, by the camera's sender reports; both are 0
	// when it sends none. Clock says which of the two clocks the times come from.
	ClockOffset time.Duration `json:"clock_offset_ns,omitempty"`
	ClockDrift  float64       `json:"clock_drift_ppm,omitempty"`
	// OffSite is the time up to which the footage is already playable from the bucket while
	// the clip still grows.
	OffSite    time.Time `json:"off_site,omitzero"`
	Objects    []Object  `json:"objects,omitempty"` // set only when durable
	UploadNote string    `json:"upload_note,omitempty"`
}

// Complete is the share of the asked time that the clip covers, 0..1.
func (f Footage) Complete() float64 {
	if f.AskedTo.IsZero() || !f.AskedTo.After(f.AskedFrom) {
		return 1
	}
	asked := f.AskedTo.Sub(f.AskedFrom)
	missing, done := time.Duration(0), f.AskedFrom
	for _, g := range slices.SortedFunc(slices.Values(f.Gaps), func(a, b Gap) int { return a.From.Compare(b.From) }) {
		from, to := g.From, g.To
		if from.Before(done) { // gaps may overlap
			from = done
		}
		if to.After(f.AskedTo) {
			to = f.AskedTo
		}
		if to.After(from) {
			missing += to.Sub(from)
			done = to
		}
	}
	return max(0, 1-float64(missing)/float64(asked))
}

// Action is one entry of an incident's log: who did what, when. Entries are only added.
type Action struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"` // a user name, or "vedette"
	What string    `json:"what"`
	Note string    `json:"note,omitempty"`
	// Changed are the fields that took another value, with the value before.
	Changed []Changed `json:"changed,omitempty"`
	// ID names a note that somebody wrote, so that it is told when it is sent again.
	ID string `json:"id,omitempty"`
}

// Changed is a field of a record that took another value, in words for people.
type Changed struct {
	Field string `json:"field"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// Verdict is what an alarm turned out to be.
type Verdict string

// The verdicts.
const (
	VerdictTrue     Verdict = "true"     // what the rule is there for
	VerdictNuisance Verdict = "nuisance" // something else
)

// Nuisance is what a nuisance alarm came from.
type Nuisance string

// The sources of nuisance alarms.
const (
	NuisanceRain       Nuisance = "rain"
	NuisanceHeadlight  Nuisance = "headlight"
	NuisanceAnimal     Nuisance = "animal"
	NuisanceShadow     Nuisance = "shadow"
	NuisanceInsect     Nuisance = "insect"
	NuisanceReflection Nuisance = "reflection"
	NuisanceKnown      Nuisance = "known_person"
	NuisanceOther      Nuisance = "other"
)

// Nuisances are all of them, in the order in which people are offered them.
func Nuisances() []Nuisance {
	return []Nuisance{NuisanceRain, NuisanceHeadlight, NuisanceAnimal, NuisanceShadow,
		NuisanceInsect, NuisanceReflection, NuisanceKnown, NuisanceOther}
}

// Judgement is what a person said of an alarm.
type Judgement struct {
	Verdict Verdict   `json:"verdict"`
	Reason  Nuisance  `json:"reason,omitempty"` // of a nuisance
	Note    string    `json:"note,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Incident is what a person acts on: events that belong together, and their footage.
type Incident struct {
	ID IncidentID `json:"id"`
	// Number is what people call it: counted from 1 by the index when it is logged.
	Number   int64     `json:"number"`
	Origin   Origin    `json:"origin,omitempty"` // empty in old records: detection
	Site     string    `json:"site,omitempty"`   // of the policy's sites
	Camera   CameraID  `json:"camera"`
	Zone     ZoneID    `json:"zone"`
	Kind     Kind      `json:"kind"`
	Severity Severity  `json:"severity"`
	State    State     `json:"state"`
	Label    string    `json:"label"`
	Score    float64   `json:"score"`
	Start    time.Time `json:"start"`        // arrival
	Alarm    time.Time `json:"alarm"`        // the rule became true
	End      time.Time `json:"end,omitzero"` // zero while it goes on
	Opened   time.Time `json:"opened"`       // our own clock when the record was made
	Box      Box       `json:"box"`          // at the alarm
	Polygon  Polygon   `json:"polygon"`      // of the zone, as it was in force
	// Events holds the began or, once known, ended phase of each event, oldest first,
	// at most MaxEvents of them; EventCount counts all.
	Events     []Event `json:"events"`
	EventCount int     `json:"event_count"`
	Config     string  `json:"config"`  // hash of the configuration in force
	Version    string  `json:"version"` // of vedette
	Footage    Footage `json:"footage"`
	// Judgement is what a person said the alarm was; nil before.
	Judgement *Judgement `json:"judgement,omitempty"`
	// Hold keeps the evidence from retention; nil when there is none.
	Hold *Hold `json:"hold,omitempty"`
	// Description is what happened, in a person's words.
	Description string     `json:"description,omitempty"`
	Triage      Triage     `json:"triage,omitzero"`
	Assignment  Assignment `json:"assignment,omitzero"`
	Course      Course     `json:"course,omitzero"`
	// Deadlines are the promises of the service level in force when it was logged, at most
	// one of each, in the order of Promises.
	Deadlines     []Deadline    `json:"deadlines,omitempty"`
	Waiting       *Waiting      `json:"waiting,omitempty"`
	Investigation Investigation `json:"investigation,omitzero"`
	Resolution    *Resolution   `json:"resolution,omitempty"`
	Review        *Review       `json:"review,omitempty"`
	Deliveries    []Delivery    `json:"deliveries,omitempty"`
	Linked        Linked        `json:"linked,omitzero"`
	Log           []Action      `json:"log"`
	// Edition counts the entries of the log that were ever made: it is one more after
	// whatever a person did, and says nothing of what vedette itself adds to the footage.
	Edition int64 `json:"edition"`
	// Revision counts the changes of the record from 1.
	Revision int64 `json:"revision"`
}

// MaxEvents bounds the events that one incident carries in full: a zone that stays busy
// all night must not grow its record without end.
const MaxEvents = 64
