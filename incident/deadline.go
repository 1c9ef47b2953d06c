package incident

import (
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// promised is how soon a level promises something; 0: it does not.
func promised(l models.Level, p models.Promise) time.Duration {
	switch p {
	case models.PromiseAcknowledge:
		return l.Acknowledge
	case models.PromiseRespond:
		return l.Respond
	case models.PromiseResolve:
		return l.Resolve
	}
	return 0
}

// begun is when a promise was kept before a level was asked for it; zero: it is open.
func begun(in *models.Incident, p models.Promise) time.Time {
	switch p {
	case models.PromiseAcknowledge:
		return in.Course.Acknowledged
	case models.PromiseRespond:
		return in.Course.Responded
	case models.PromiseResolve:
		return in.Course.Resolved
	}
	return time.Time{}
}

// reckon brings the deadlines to those of the incident's severity. What was kept stays as
// it is, and so does that a promise was missed. An open one keeps the time that it has
// used: its pauses, and a resolving that began anew, count as they did. A promise that the
// severity did not make before counts from when the incident was opened.
func (d Desk) reckon(in *models.Incident, before models.Severity, at time.Time) {
	level, old := d.Policy.Levels[in.Severity], d.Policy.Levels[before]
	var all []models.Deadline
	for _, p := range models.Promises() {
		within := promised(level, p)
		i := slices.IndexFunc(in.Deadlines, func(l models.Deadline) bool { return l.Promise == p })
		if i < 0 {
			if within > 0 && begun(in, p).IsZero() {
				due := hours(level.Hours).after(since(in, at), within)
				all = append(all, d.wait(in, models.Deadline{Promise: p, Within: within, Due: due}, level.Hours, at))
			}
			continue
		}
		l := in.Deadlines[i]
		switch {
		case !l.Open():
		case within == 0:
			if !l.Missed {
				continue // it is promised no longer
			}
		case within != l.Within || in.Severity != before:
			used := l.Within - left(l, old.Hours, at)
			l.Within = within
			if l.Paused != "" {
				l.Left = within - used
			} else {
				l.Due = due(level.Hours, at, within-used)
			}
		}
		all = append(all, l)
	}
	in.Deadlines = all
}

// since is from when promises count: when the record was made, by our own clock as it is set
// now.
func since(in *models.Incident, at time.Time) time.Time {
	if in.Opened.IsZero() {
		return at
	}
	return in.Opened.UTC().Add(in.Course.Stepped[len(in.Course.Stepped)-1])
}

// left is what is left of a deadline; negative: how long it is over.
func left(l models.Deadline, h hours, at time.Time) time.Duration {
	switch {
	case l.Paused != "":
		return l.Left
	case at.After(l.Due):
		return -h.between(l.Due, at)
	}
	return h.between(at, l.Due)
}

// due is when a clock with so much left falls due.
func due(h hours, at time.Time, left time.Duration) time.Time {
	if left < 0 {
		return h.before(at, -left).UTC()
	}
	return h.after(at, left).UTC()
}

// wait pauses a deadline that is new while the incident waits.
func (d Desk) wait(in *models.Incident, l models.Deadline, h hours, at time.Time) models.Deadline {
	if in.Waiting != nil && d.pauses(in.Waiting.For, l.Promise) {
		return pause(l, in.Waiting.For, h, at)
	}
	return l
}

func (d Desk) pauses(reason string, p models.Promise) bool {
	return slices.ContainsFunc(d.Policy.Waits, func(w models.Wait) bool { return w.ID == reason && slices.Contains(w.Pauses, p) })
}

// pause stops a clock. What was missed before stays so.
func pause(l models.Deadline, reason string, h hours, at time.Time) models.Deadline {
	l.Left = left(l, h, at)
	l.Missed = l.Missed || l.Left < 0
	l.Due, l.Paused = time.Time{}, reason
	return l
}

// start lets a clock run on.
func start(l models.Deadline, h hours, at time.Time) models.Deadline {
	l.Due = due(h, at, l.Left)
	l.Left, l.Paused = 0, ""
	return l
}

// run lets every clock of an incident run on, for it waits no longer.
func (d Desk) run(in *models.Incident, at time.Time) {
	h := d.Policy.Levels[in.Severity].Hours
	for i, l := range in.Deadlines {
		if l.Open() && l.Paused != "" {
			in.Deadlines[i] = start(l, h, at)
		}
	}
	in.Waiting = nil
}

// keep notes that promises were kept, in time or late. A clock that stands does not
// become late.
func keep(in *models.Incident, at time.Time, promises ...models.Promise) {
	for i := range in.Deadlines {
		l := &in.Deadlines[i]
		if !l.Open() || !slices.Contains(promises, l.Promise) {
			continue
		}
		l.Met = at
		l.Missed = l.Missed || l.Paused == "" && at.After(l.Due) || l.Paused != "" && l.Left < 0
		l.Paused = ""
	}
}

// Miss notes that promises were not kept in time, and says which of them were not known
// to be missed before.
func Miss(in *models.Incident, at time.Time) (missed []models.Promise) {
	for i := range in.Deadlines {
		if l := &in.Deadlines[i]; l.Open() && !l.Missed && l.Paused == "" && at.After(l.Due) {
			l.Missed = true
			missed = append(missed, l.Promise)
		}
	}
	return missed
}
