package models

import "time"

// NoticeKind is what people are told.
type NoticeKind string

// The notices.
const (
	NoticeOpened    NoticeKind = "opened"   // an incident of at least the channel's severity
	NoticeDue       NoticeKind = "due"      // a deadline is about to be missed
	NoticeMissed    NoticeKind = "missed"   // a deadline was missed
	NoticeAssigned  NoticeKind = "assigned" // an incident was given to somebody
	NoticeEscalated NoticeKind = "escalated"
	NoticeTest      NoticeKind = "test"
)

// Notice is one message to people outside the console.
type Notice struct {
	// ID is the same for the same occasion, so that a restart tells nobody twice.
	ID       string     `json:"id"`
	Kind     NoticeKind `json:"kind"`
	At       time.Time  `json:"at"`
	Incident Incident   `json:"incident"` // without paths and curves
	Promise  Promise    `json:"promise,omitempty"`
	Due      time.Time  `json:"due,omitzero"`
	// To are users whom it concerns; channels that reach single people tell them.
	To []string `json:"to,omitempty"`
}
