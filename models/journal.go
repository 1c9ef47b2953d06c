package models

import "time"

// JournalKind is what an entry of the log book is about.
type JournalKind string

// The kinds of entries.
const (
	JournalPatrol   JournalKind = "patrol"   // a round was walked
	JournalVisitor  JournalKind = "visitor"  // somebody came or went
	JournalKey      JournalKind = "key"      // a key was handed out or came back
	JournalDelivery JournalKind = "delivery" // goods or post
	JournalRemark   JournalKind = "remark"   // anything else
)

// JournalKinds are all of them, in the order in which people are offered them.
func JournalKinds() []JournalKind {
	return []JournalKind{JournalPatrol, JournalVisitor, JournalKey, JournalDelivery, JournalRemark}
}

// JournalEntry is a line of the log book that belongs to no incident. It is never changed:
// a correction is a new entry that names the old one.
type JournalEntry struct {
	ID     string      `json:"id"`
	Number int64       `json:"number"` // counted from 1 by the index
	Site   string      `json:"site,omitempty"`
	At     time.Time   `json:"at"`     // when it happened
	Logged time.Time   `json:"logged"` // when it was written down
	Who    string      `json:"who"`
	Kind   JournalKind `json:"kind"`
	Text   string      `json:"text"`
	// Measures are what was done about it.
	Measures string `json:"measures,omitempty"`
	// Corrects is the number of the entry that this one sets right; 0: none.
	Corrects int64 `json:"corrects,omitempty"`
}

// Handover is a shift that one officer gave into the hands of another.
type Handover struct {
	ID     string        `json:"id"`
	Number int64         `json:"number"` // counted from 1 by the index
	Site   string        `json:"site,omitempty"`
	From   time.Time     `json:"from"` // of the shift
	To     time.Time     `json:"to"`
	By     string        `json:"by"` // who hands over
	At     time.Time     `json:"at"`
	Notes  string        `json:"notes,omitempty"` // for the next shift
	Sheet  HandoverSheet `json:"sheet"`           // as it was then
	// TakenBy is who took it, at Taken; both are empty until somebody does.
	TakenBy string    `json:"taken_by,omitempty"`
	Taken   time.Time `json:"taken,omitzero"`
	Remark  string    `json:"remark,omitempty"` // of who took it
}

// HandoverSheet is what the next shift has to know.
type HandoverSheet struct {
	Open     []HandoverIncident `json:"open"` // overdue first, then by severity and age
	Overdue  int                `json:"overdue"`
	Happened ShiftCount         `json:"happened"`
	Work     []Workload         `json:"work"` // who works on how many
	Journal  []JournalEntry     `json:"journal"`
	Troubles []CameraTrouble    `json:"troubles"`
	// More is how many open incidents the sheet leaves out.
	More int `json:"more,omitempty"`
}

// HandoverIncident is one line of a sheet.
type HandoverIncident struct {
	ID       IncidentID `json:"id"`
	Number   int64      `json:"number"`
	Camera   CameraID   `json:"camera,omitempty"`
	Zone     ZoneID     `json:"zone,omitempty"`
	Kind     Kind       `json:"kind"`
	Type     string     `json:"type,omitempty"`
	Severity Severity   `json:"severity"`
	State    State      `json:"state"`
	Officer  string     `json:"officer,omitempty"`
	Alarm    time.Time  `json:"alarm"`
	Due      time.Time  `json:"due,omitzero"` // of the next promise; zero: no clock runs
	Overdue  bool       `json:"overdue,omitempty"`
	Waiting  string     `json:"waiting,omitempty"` // for what
	Text     string     `json:"text,omitempty"`    // the beginning of its description
}

// ShiftCount says what happened in a shift.
type ShiftCount struct {
	Opened   int `json:"opened"`
	True     int `json:"true"`
	Nuisance int `json:"nuisance"`
	Closed   int `json:"closed"` // of those that were opened in it
}

// Workload is how many open incidents an officer has; nobody, for an empty name.
type Workload struct {
	Officer   string `json:"officer"`
	Incidents int    `json:"incidents"`
	Overdue   int    `json:"overdue"`
}

// CameraTrouble is what a camera suffers now.
type CameraTrouble struct {
	Camera CameraID `json:"camera"`
	What   string   `json:"what"`
}
