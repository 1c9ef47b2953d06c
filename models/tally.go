package models

import (
	"slices"
	"time"
)

// Tally is what reports count of one incident. It is made of the record alone.
type Tally struct {
	Number   int64
	Site     string
	Camera   CameraID
	Zone     ZoneID
	Kind     Kind
	Type     string
	Officer  string // who has it, or had it last
	Severity Severity
	State    State
	Verdict  Verdict // empty: nobody has judged it
	Alarm    time.Time
	// Merged says that the record was merged into another one, which counts for both.
	Merged bool
	// Promises are acknowledge, respond and resolve.
	Promises [3]Kept
	Reopened int
	Effort   []Spent // by name
	Loss     *Money
}

// Kept is how one promise was kept.
type Kept struct {
	// Took is from logging until it was kept, however often the clock stood; negative: it is
	// not yet.
	Took   time.Duration
	Result PromiseResult
	// Due is when the time of an open one is over; zero: no clock runs.
	Due time.Time
}

// Overdue says that a promise has yet to be kept and its time was over before an instant.
func (k Kept) Overdue(at time.Time) bool { return !k.Due.IsZero() && k.Due.Before(at) }

// PromiseResult is what became of a promise.
type PromiseResult int

// The results.
const (
	PromiseNone   PromiseResult = iota // nothing was promised
	PromiseOpen                        // the time is not over, or nobody has noted that it is
	PromiseInTime                      // it was kept in time
	PromiseMissed                      // it was not, or not yet
)

// Spent is time that somebody spent.
type Spent struct {
	Who string
	For time.Duration
}

// TallyOf counts an incident. Times are exact to the second, instants to 1 ms.
func TallyOf(in Incident) Tally {
	t := Tally{Number: in.Number, Site: in.Site, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Type: in.Triage.Type,
		Officer: in.Assignment.Officer, Severity: in.Severity, State: in.State, Alarm: in.Alarm.UTC().Truncate(time.Millisecond),
		Merged: in.Linked.Into != "", Reopened: in.Course.Reopened}
	if in.Judgement != nil {
		t.Verdict = in.Judgement.Verdict
	}
	reached := [3]time.Time{in.Course.Acknowledged, in.Course.Responded, in.Course.Resolved}
	for i, p := range Promises() {
		t.Promises[i].Took = -time.Second
		if !reached[i].IsZero() && !in.Opened.IsZero() {
			t.Promises[i].Took = max(0, reached[i].Sub(in.Opened)-in.Course.Stepped[i]).Truncate(time.Second)
		}
		j := slices.IndexFunc(in.Deadlines, func(d Deadline) bool { return d.Promise == p })
		if j < 0 {
			continue
		}
		d := in.Deadlines[j]
		if in.State != StateClosed && d.Open() && d.Paused == "" && !d.Due.IsZero() {
			t.Promises[i].Due = d.Due.UTC().Truncate(time.Millisecond)
		}
		switch {
		case d.Missed:
			t.Promises[i].Result = PromiseMissed
		case d.Open():
			t.Promises[i].Result = PromiseOpen
		default:
			t.Promises[i].Result = PromiseInTime
		}
	}
	for _, e := range in.Investigation.Effort {
		i, found := slices.BinarySearchFunc(t.Effort, e.Who, func(s Spent, who string) int {
			switch {
			case s.Who < who:
				return -1
			case s.Who > who:
				return 1
			}
			return 0
		})
		if !found {
			t.Effort = slices.Insert(t.Effort, i, Spent{Who: e.Who})
		}
		t.Effort[i].For += e.Spent.Truncate(time.Second)
	}
	if in.Resolution != nil && in.Resolution.Loss != nil {
		loss := *in.Resolution.Loss
		t.Loss = &loss
	}
	return t
}
