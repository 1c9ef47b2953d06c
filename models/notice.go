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

// DispatchState says how far a dispatch has come.
type DispatchState string

// The states of a dispatch.
const (
	DispatchWaiting   DispatchState = "waiting"   // to be sent, or sent again
	DispatchDelivered DispatchState = "delivered" // the receiver has taken it
	DispatchFailed    DispatchState = "failed"    // given up; Error says why
	DispatchDropped   DispatchState = "dropped"   // made room for worse ones
)

// Dispatch is one notice on its way through one channel.
type Dispatch struct {
	Channel string        `json:"channel"`
	Notice  Notice        `json:"notice"`
	State   DispatchState `json:"state"`
	// Message is the ID of the message that it went out with: that of the notice, or of a
	// summary of several.
	Message  string    `json:"message,omitempty"`
	Attempts int       `json:"attempts"`
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next,omitzero"`   // of the next attempt, while it waits
	Done     time.Time `json:"done,omitzero"`   // when it was delivered, given up or dropped
	Error    string    `json:"error,omitempty"` // of the last attempt
}
