package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// To merge two incidents takes a step on each record: Absorb on the one that goes on, then
// MergeInto on the other. Whoever keeps the records stores both or none. Both may be
// repeated. The footage stays where it is.

// Absorb notes that another incident is the same occurrence and was merged into this one.
func (d Desk) Absorb(in *models.Incident, from models.Incident, who, reason string, at time.Time) error {
	if slices.Contains(in.Linked.Merged, from.ID) {
		return nil
	}
	if err := mergeable(in, &from); err != nil {
		return err
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	if err := room("merged", in.Linked.Merged); err != nil {
		return err
	}
	in.Linked.Merged = append(slices.Clone(in.Linked.Merged), from.ID)
	enter(in, who, "merged", reason, at, models.Changed{Field: "merged", To: called(from)})
	return nil
}

// mergeable refuses to merge what would lead nowhere or in a circle.
func mergeable(into, from *models.Incident) error {
	switch {
	case into.ID == from.ID:
		return fmt.Errorf("merge: an incident cannot be merged into itself: %w", ErrField)
	case into.State == models.StateClosed:
		return fmt.Errorf("merge: %s is closed; reopen it first: %w", called(*into), ErrState)
	case from.State == models.StateClosed:
		return fmt.Errorf("merge: %s is closed; reopen it first: %w", called(*from), ErrState)
	case slices.Contains(from.Linked.Merged, into.ID):
		return fmt.Errorf("merge: %s was merged into %s: %w", called(*into), called(*from), ErrState)
	}
	return nil
}

// MergeInto closes an incident that is the same occurrence as another one, whose record
// goes on for both.
func (d Desk) MergeInto(in *models.Incident, into models.Incident, who, reason string, at time.Time) error {
	if in.Linked.Into == into.ID {
		return nil
	}
	if err := mergeable(&into, in); err != nil {
		return err
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	in.Linked.Into = into.ID
	d.run(in, now(in, at))
	finish(in, at)
	enter(in, who, "merged into another", reason, at, models.Changed{Field: "merged into", To: called(into)})
	return nil
}

// Unmerge parts an incident from the one that it was merged into: it goes on by itself.
// The other record forgets it with Part.
func (d Desk) Unmerge(in *models.Incident, who, reason string, at time.Time) error {
	if in.Linked.Into == "" {
		return fmt.Errorf("unmerge: it was not merged into another: %w", ErrState)
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return err
	}
	was := in.Linked.Into
	in.Linked.Into = ""
	d.again(in, at)
	enter(in, who, "unmerged", reason, at, models.Changed{Field: "merged into", From: string(was)})
	return nil
}

// Part takes an incident that goes on by itself again off the list of those merged into
// this one.
func (d Desk) Part(in *models.Incident, from models.Incident, who, reason string, at time.Time) error {
	i := slices.Index(in.Linked.Merged, from.ID)
	if i < 0 {
		return nil
	}
	in.Linked.Merged = slices.Delete(slices.Clone(in.Linked.Merged), i, i+1)
	enter(in, who, "unmerged", reason, at, models.Changed{Field: "merged", From: called(from)})
	return nil
}

// called is what people call an incident.
func called(in models.Incident) string {
	if in.Number > 0 {
		return fmt.Sprintf("#%d", in.Number)
	}
	return string(in.ID)
}

// Split makes an incident of its own of some events of one whose detection is over. The
// new record refers to the same footage. Shed takes the events out of the old one; whoever
// keeps the records stores both or none.
func (d Desk) Split(in models.Incident, events []int64, who, reason string, at time.Time) (models.Incident, error) {
	if err := notClosed("split", &in); err != nil {
		return models.Incident{}, err
	}
	if in.End.IsZero() {
		return models.Incident{}, fmt.Errorf("split: the incident goes on: %w", ErrState)
	}
	if err := prose("reason", reason, MaxNote); err != nil {
		return models.Incident{}, err
	}
	var moved []models.Event
	for _, e := range in.Events {
		if slices.Contains(events, e.ID) {
			moved = append(moved, e)
		}
	}
	switch {
	case len(moved) != len(events) || len(moved) == 0:
		return models.Incident{}, fmt.Errorf("events: name some that the incident has, each once: %w", ErrField)
	case len(moved) == len(in.Events):
		return models.Incident{}, fmt.Errorf("events: at least one must stay: %w", ErrField)
	}
	slices.SortStableFunc(moved, func(a, b models.Event) int { return a.Alarm.Wall.Compare(b.Alarm.Wall) })
	first := moved[0]
	out := models.Incident{ID: id(first) + "-split", Origin: in.Origin, Site: in.Site, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind,
		Severity: in.Severity, State: models.StateNew, Start: in.Start, Alarm: first.Alarm.Wall, End: in.End, Opened: at.UTC(), Box: first.Box,
		Polygon: in.Polygon, Events: moved, EventCount: len(moved), Config: in.Config, Version: in.Version,
		Label: first.Label, Score: first.Score, Linked: models.Linked{From: in.ID},
		Triage: models.Triage{Reason: "split from " + called(in)}}
	out.Start, out.End = span(moved, out.Start, out.End)
	out.Footage = models.Footage{State: models.FootageNone, AskedFrom: out.Start, AskedTo: out.End}
	out.Investigation.Exhibits = []models.Exhibit{{ID: "split", Camera: in.Camera, From: earlier(out.Start, in.Footage.AskedFrom),
		To: later(out.End, in.Footage.AskedTo), Incident: in.ID, By: who, At: at.UTC()}}
	d.reckon(&out, out.Severity, at)
	enter(&out, who, "split off", reason, at, models.Changed{Field: "split from", To: called(in)})
	return out, nil
}

// span is from when to when some events lasted; what they do not tell is as given.
func span(events []models.Event, from, to time.Time) (time.Time, time.Time) {
	first, last := to, from
	for _, e := range events {
		if !e.Start.Wall.IsZero() {
			first = earlier(first, e.Start.Wall)
		}
		last = later(later(last, e.Alarm.Wall), e.End.Wall)
	}
	if first.Equal(to) {
		first = from
	}
	return first, earlier(last, to)
}

// Shed takes events out of an incident that are now in one of their own.
func (d Desk) Shed(in *models.Incident, into models.Incident, who, reason string, at time.Time) error {
	moved := func(e models.Event) bool {
		return slices.ContainsFunc(into.Events, func(o models.Event) bool { return o.ID == e.ID })
	}
	if !slices.ContainsFunc(in.Events, moved) {
		return nil
	}
	if err := notClosed("split", in); err != nil {
		return err
	}
	before := len(in.Events)
	in.Events = slices.DeleteFunc(slices.Clone(in.Events), moved)
	in.EventCount -= before - len(in.Events)
	enter(in, who, "split", reason, at, models.Changed{Field: "events moved to", To: called(into)})
	return nil
}

// Duplicate is an incident that may be the same occurrence as another, and why.
type Duplicate struct {
	Incident models.IncidentID `json:"incident"`
	Number   int64             `json:"number"`
	Reasons  []string          `json:"reasons"`
	// Apart is how long lies between the two; 0: they overlap.
	Apart time.Duration `json:"apart_ns"`
}

// NearTime is how long may lie between two incidents of one occurrence.
const NearTime = 10 * time.Minute

// Duplicates are those of others that may be the same occurrence: at the same camera or
// site, at overlapping or near times. Those that belong together more come first.
func (d Desk) Duplicates(in models.Incident, others []models.Incident) []Duplicate {
	out := []Duplicate{}
	for _, o := range others {
		if o.ID == in.ID || o.Linked.Into != "" || in.Linked.Into != "" {
			continue
		}
		var where string
		switch {
		case in.Camera != "" && o.Camera == in.Camera && o.Zone == in.Zone && in.Zone != "":
			where = "same zone"
		case in.Camera != "" && o.Camera == in.Camera:
			where = "same camera"
		case in.Site != "" && o.Site == in.Site:
			where = "same site"
		default:
			continue
		}
		gap := apart(in, o)
		if gap > NearTime {
			continue
		}
		dup := Duplicate{Incident: o.ID, Number: o.Number, Apart: gap, Reasons: []string{where}}
		if gap == 0 {
			dup.Reasons = append(dup.Reasons, "at the same time")
		} else {
			dup.Reasons = append(dup.Reasons, gap.Round(time.Second).String()+" apart")
		}
		if in.Triage.Type != "" && in.Triage.Type == o.Triage.Type {
			dup.Reasons = append(dup.Reasons, "same type")
		}
		if in.Kind == o.Kind {
			dup.Reasons = append(dup.Reasons, "same kind")
		}
		if in.Label != "" && in.Label == o.Label {
			dup.Reasons = append(dup.Reasons, "same label")
		}
		out = append(out, dup)
	}
	slices.SortStableFunc(out, func(a, b Duplicate) int {
		return cmp.Or(cmp.Compare(len(b.Reasons), len(a.Reasons)), cmp.Compare(a.Apart, b.Apart), cmp.Compare(a.Incident, b.Incident))
	})
	return out
}

// apart is how long lies between two incidents; 0 when they overlap.
func apart(a, b models.Incident) time.Duration {
	return max(0, b.Start.Sub(ended(a)), a.Start.Sub(ended(b)))
}

// ended is when an incident was over, as far as is known.
func ended(in models.Incident) time.Time { return later(in.Alarm, in.End) }
