package models

import "time"

// ClockStep is a change of a machine's clock that is no passing of time: a person or a
// time server has set it.
type ClockStep struct {
	Number int64         `json:"number"` // of all that the index knows, from 1
	At     time.Time     `json:"at"`     // by the clock, when it was noted
	By     time.Duration `json:"by_ns"`  // forward; negative: back
	How    StepKnown     `json:"how"`
}

// StepKnown is how a step of the clock came to be known.
type StepKnown string

// The ways.
const (
	StepSeen    StepKnown = "seen"     // the program ran
	StepStopped StepKnown = "stopped"  // the machine ran, the program did not
	StepAtLeast StepKnown = "at_least" // neither ran: the clock is behind what it last showed, so it was set back at least by that
)

// Before is what the clock would show at At had nobody set it.
func (s ClockStep) Before() time.Time { return s.At.Add(-s.By) }
