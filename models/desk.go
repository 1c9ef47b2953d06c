package models

import "time"

// Origin is how an incident came to be known.
type Origin string

// The origins.
const (
	OriginDetection Origin = "detection" // a rule or the camera's health
	OriginReport    Origin = "report"    // somebody told the desk
	OriginPatrol    Origin = "patrol"    // an officer on patrol found it
	OriginAccess    Origin = "access"    // access control
	OriginDevice    Origin = "device"    // another device: a camera's own analysis, an alarm panel
)

// Origins are all of them.
func Origins() []Origin {
	return []Origin{OriginDetection, OriginReport, OriginPatrol, OriginAccess, OriginDevice}
}

// Triage is what an incident is and how bad: classification and prioritisation.
type Triage struct {
	Type string   `json:"type,omitempty"` // of the policy's types, such as theft
	Sub  string   `json:"sub,omitempty"`  // of that type's, such as shoplifting
	Tags []string `json:"tags,omitempty"` // lower case, sorted, each once
	// Impact and Likelihood, 1 (least) to 5, give the severity by the policy's matrix; both
	// are 0 when nobody has rated them, and then the severity is that of rule or preset.
	Impact     int `json:"impact,omitempty"`
	Likelihood int `json:"likelihood,omitempty"`
	// Reason says where the severity came from: "rule", "preset NAME", "matrix 4 × 3", or
	// what the person who set it by hand wrote.
	Reason string `json:"reason,omitempty"`
}

// Assignment is who works on an incident.
type Assignment struct {
	Officer string    `json:"officer,omitempty"` // user name; empty: nobody
	By      string    `json:"by,omitempty"`      // who assigned them; the officer himself for a claim
	At      time.Time `json:"at,omitzero"`
	// Escalated counts how often the incident was given to somebody above.
	Escalated int `json:"escalated,omitempty"`
}

// Course is when an incident reached each of its stages; zero: not yet. Reopening clears
// Resolved and Closed.
type Course struct {
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Responded    time.Time `json:"responded,omitzero"` // somebody was at the place, or dealt with it from the desk
	Resolved     time.Time `json:"resolved,omitzero"`
	Closed       time.Time `json:"closed,omitzero"`
	Reviewed     time.Time `json:"reviewed,omitzero"`
	Reopened     int       `json:"reopened,omitempty"` // how often
	// Stepped is by how much the machine's clock was set forward (negative: back) since the
	// incident was opened, before it was acknowledged, responded to and resolved: so much less
	// it took than the times say.
	Stepped [3]time.Duration `json:"stepped_ns,omitzero"`
}

// Promise is what a service level promises.
type Promise string

// The promises, in the order in which they fall due.
const (
	PromiseAcknowledge Promise = "acknowledge"
	PromiseRespond     Promise = "respond"
	PromiseResolve     Promise = "resolve"
)

// Promises are all of them.
func Promises() []Promise { return []Promise{PromiseAcknowledge, PromiseRespond, PromiseResolve} }

// Deadline is one promise of an incident, with its clock.
type Deadline struct {
	Promise Promise       `json:"promise"`
	Within  time.Duration `json:"within_ns"`
	// Due is when the time is over, if the clock runs on as it does now; zero while it is
	// paused.
	Due time.Time `json:"due,omitzero"`
	// Left is what was left when the clock was paused, of Within; negative: missed before.
	Left   time.Duration `json:"left_ns,omitempty"`
	Paused string        `json:"paused,omitempty"` // why the clock stands; empty: it runs
	// Met is when the promise was kept, in time or late; zero while it is open.
	Met time.Time `json:"met,omitzero"`
	// Missed is set once the time was over before the promise was kept.
	Missed bool `json:"missed,omitempty"`
}

// Open says that the promise has yet to be kept.
func (d Deadline) Open() bool { return d.Met.IsZero() }

// Waiting says why the work on an incident cannot go on now.
type Waiting struct {
	For   string    `json:"for"` // of the policy's reasons, such as police
	Note  string    `json:"note,omitempty"`
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// Attachment is a file that somebody added. It is stored as it came, never executed and
// never shown inline.
type Attachment struct {
	ID     string `json:"id"`
	Name   string `json:"name"` // as the sender called it, without folders
	Type   string `json:"type"` // as the sender claimed it; only a label
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
	// Key is where it is in the bucket; empty while the recorder alone has it, and again
	// once retention has deleted it.
	Key  string    `json:"key"`
	Note string    `json:"note,omitempty"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Exhibit is footage that somebody linked to an incident: of another camera, of another
// time, or of another incident, with marks on it.
type Exhibit struct {
	ID       string     `json:"id"`
	Camera   CameraID   `json:"camera"`
	From     time.Time  `json:"from"`
	To       time.Time  `json:"to"`
	Incident IncidentID `json:"incident,omitempty"` // whose clip it is; empty: continuous footage
	// Object is the stored copy of continuous footage; its Key is empty while it is only
	// referred to, and retention can still take it.
	Object Object `json:"object,omitzero"`
	// Gaps are what the stored copy lacks of From to To, and why.
	Gaps []Gap `json:"gaps,omitempty"`
	// Trouble says why no copy could be stored; empty: it is stored, or waits for it.
	Trouble string    `json:"trouble,omitempty"`
	Note    string    `json:"note,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Mark is a moment in the footage of an incident that somebody pointed at.
type Mark struct {
	ID   string    `json:"id"`
	When time.Time `json:"when"` // by the clock of the footage
	Text string    `json:"text"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Subject is a person or a vehicle as somebody described it. There are no biometrics.
type Subject struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"` // "person" or "vehicle"
	Role  string    `json:"role"` // suspect, witness, victim, staff, other
	Text  string    `json:"text"` // such as: red jacket, dark trousers, limps; or: white van, ladder on the roof
	Plate string    `json:"plate,omitempty"`
	Name  string    `json:"name,omitempty"` // when it is known from elsewhere
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// Statement is what a witness said, kept apart from what the footage shows.
type Statement struct {
	ID      string    `json:"id"`
	Witness string    `json:"witness"`
	Contact string    `json:"contact,omitempty"`
	Text    string    `json:"text"`
	TakenAt time.Time `json:"taken_at"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Task is something to do about an incident: of its type's checklist, or added.
type Task struct {
	ID    string    `json:"id"`
	Stage string    `json:"stage"` // assess, alert, secure, document, debrief or review
	Text  string    `json:"text"`
	Owner string    `json:"owner,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	// Done is when somebody ticked it off; Skipped is why it was not needed.
	Done    time.Time `json:"done,omitzero"`
	DoneBy  string    `json:"done_by,omitempty"`
	Skipped string    `json:"skipped,omitempty"`
}

// Effort is time that somebody spent on an incident.
type Effort struct {
	ID     string        `json:"id"`
	Who    string        `json:"who"`
	From   time.Time     `json:"from"`
	Spent  time.Duration `json:"spent_ns"` // 0 while the timer runs
	Note   string        `json:"note,omitempty"`
	Timing bool          `json:"timing,omitempty"` // the timer runs
}

// Investigation is what is found out about an incident.
type Investigation struct {
	Attachments []Attachment `json:"attachments,omitempty"`
	Exhibits    []Exhibit    `json:"exhibits,omitempty"`
	Marks       []Mark       `json:"marks,omitempty"`
	Subjects    []Subject    `json:"subjects,omitempty"`
	Statements  []Statement  `json:"statements,omitempty"`
	Tasks       []Task       `json:"tasks,omitempty"`
	Effort      []Effort     `json:"effort,omitempty"`
}

// Money is a sum in the smallest unit of its currency.
type Money struct {
	Amount   int64  `json:"amount"`   // such as cents
	Currency string `json:"currency"` // ISO 4217, such as EUR
}

// Resolution is how an incident ended.
type Resolution struct {
	Outcome    string    `json:"outcome"`              // of the policy's outcomes, such as deterred
	Recovery   string    `json:"recovery,omitempty"`   // steps that returned people and place to normal
	Loss       *Money    `json:"loss,omitempty"`       // cost or loss; nil: not said
	Police     string    `json:"police,omitempty"`     // their reference
	Assessment string    `json:"assessment,omitempty"` // what the investigator concludes
	By         string    `json:"by"`
	At         time.Time `json:"at"`
}

// Change is what a review wants to be different.
type Change struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"` // "task" or "zone"
	Text  string    `json:"text"`
	Owner string    `json:"owner,omitempty"`
	Due   time.Time `json:"due,omitzero"`
	// Camera and Zone are what a zone change is about.
	Camera CameraID  `json:"camera,omitempty"`
	Zone   ZoneID    `json:"zone,omitempty"`
	Done   time.Time `json:"done,omitzero"`
	DoneBy string    `json:"done_by,omitempty"`
}

// Review is what was learnt from an incident, without blame.
type Review struct {
	Happened string   `json:"happened"`          // what happened
	Unfolded string   `json:"unfolded"`          // how it came about
	Signs    string   `json:"signs"`             // what could have been seen earlier
	Changes  []Change `json:"changes,omitempty"` // what is to be different
	// Summary is for all staff: worded with care, without personal data.
	Summary string    `json:"summary,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Delivery is evidence that was handed over.
type Delivery struct {
	ID        string    `json:"id"`
	To        string    `json:"to"` // person and body
	Why       string    `json:"why"`
	Reference string    `json:"reference,omitempty"` // theirs
	How       string    `json:"how"`                 // such as: by hand on a stick
	SHA256    string    `json:"sha256,omitempty"`    // of the package, hex
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}

// Linked is how an incident belongs to others.
type Linked struct {
	// Into is the incident that this one was merged into; its own record stays and is closed.
	Into IncidentID `json:"into,omitempty"`
	// Merged are those that were merged into this one.
	Merged []IncidentID `json:"merged,omitempty"`
	// From is the incident that this one was split off.
	From   IncidentID `json:"from,omitempty"`
	Series string     `json:"series,omitempty"` // ID of the series it belongs to
}
