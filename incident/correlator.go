package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Step is what happened to an incident.
type Step string

// The steps that a Correlator reports.
const (
	Opened  Step = "opened"
	Changed Step = "changed" // an event joined or ended, the incident goes on
	Ended   Step = "ended"   // nothing more will join
)

// Change is one step of one incident. Incident is the caller's own copy.
type Change struct {
	Step     Step
	Incident models.Incident
	// Start and End are the incident's times on both axes; End is zero while it goes on.
	Start, End models.Instant
}

// Correlator joins the events of one camera into incidents.
//
// What belongs together depends on what the rule is about, within one zone and kind:
//
//   - A place (motion, intrusion, line) has one incident for as long as it stays busy: an
//     event joins when it overlaps the incident, or begins no later than the rule's Merge
//     after its last event ended. Without Merge, crossings of a line at different times are
//     an incident each.
//   - A person (loitering, returning) has one incident per visit, so that a second loiterer
//     never hides in the first one's file. With Merge, people who became due within that
//     time of each other are one group and one incident.
//   - A crowd has one incident for as long as it lasts.
//   - A thing (left_object, removed_object) has one incident each.
//   - The camera itself (camera_lost, frozen, …; no zone) has one incident of each kind for
//     as long as the trouble lasts.
//
// A further event about the same thing while the incident lasts (a second rule of the zone
// with a longer dwell, or a larger count) joins and may raise the severity.
//
// It is not safe for concurrent use.
type Correlator struct {
	Version string // of vedette, stored with each incident

	watch models.Watch
	open  []*open // in the order in which they opened
}

type open struct {
	in     models.Incident
	start  models.Instant
	end    models.Instant // latest end of an event so far
	alarm  models.Instant // latest alarm
	active map[int64]bool // events that have begun and not ended
	tracks map[models.TrackID]bool
	// hold is how long the incident waits for another event: Merge, and the Dwell that
	// such an event needs before it is reported at all.
	hold     time.Duration
	detached bool
}

// Apply sets the zones whose outlines new incidents carry.
func (c *Correlator) Apply(w models.Watch) { c.watch = w }

// Handle takes one event, in the order in which the rules reported it.
func (c *Correlator) Handle(e models.Event) []Change {
	if e.Phase == models.PhaseEnded {
		return c.ended(e)
	}
	for _, o := range c.open {
		if o.joins(e) {
			o.begin(e)
			return []Change{o.change(Changed)}
		}
	}
	o := c.create(e)
	c.open = append(c.open, o)
	return []Change{o.change(Opened)}
}

// Advance ends the incidents that nothing can join any more at the given media time.
// Call it after the events of each frame, and now and then when no frames come.
func (c *Correlator) Advance(now models.Instant) []Change {
	var changes []Change
	c.open = slices.DeleteFunc(c.open, func(o *open) bool {
		if len(o.active) > 0 || (!o.detached && o.hold > 0 && now.Since(o.end) <= o.hold) {
			return false
		}
		o.in.End = o.end.Wall
		changes = append(changes, o.change(Ended))
		return true
	})
	return changes
}

// Flush ends every incident at the latest end that is known, or at now when an event
// never ended.
func (c *Correlator) Flush(now models.Instant) []Change {
	changes := make([]Change, 0, len(c.open))
	for _, o := range c.open {
		if len(o.active) > 0 || o.end.IsZero() {
			o.end = now
		}
		o.in.End = o.end.Wall
		changes = append(changes, o.change(Ended))
	}
	c.open = nil
	return changes
}

// Detach lets nothing more join the incident: a person has closed it, and what happens
// from now on must not hide in a closed file.
func (c *Correlator) Detach(id models.IncidentID) {
	for _, o := range c.open {
		if o.in.ID == id {
			o.detached = true
		}
	}
}

func (c *Correlator) ended(e models.Event) []Change {
	for _, o := range c.open {
		if !o.active[e.ID] {
			continue
		}
		delete(o.active, e.ID)
		if o.end.IsZero() || e.End.Media > o.end.Media {
			o.end = e.End
		}
		for i := range o.in.Events {
			if o.in.Events[i].ID == e.ID {
				o.in.Events[i] = e
			}
		}
		return []Change{o.change(Changed)}
	}
	return nil
}

func (c *Correlator) create(e models.Event) *open {
	o := &open{
		in: models.Incident{
			ID: id(e), Camera: e.Camera, Zone: e.Zone, Kind: e.Rule.Kind,
			State: models.StateNew, Alarm: e.Alarm.Wall, Box: e.Box,
			Polygon: c.polygon(e.Zone), Config: e.Config, Version: c.Version,
		},
		start:  e.Start,
		active: map[int64]bool{}, tracks: map[models.TrackID]bool{},
	}
	o.begin(e)
	return o
}

func (c *Correlator) polygon(zone models.ZoneID) models.Polygon {
	for _, z := range c.watch.Zones {
		if z.ID == zone {
			return slices.Clone(z.Polygon)
		}
	}
	return nil
}

// id is made from what happened, not drawn at random: the same footage gives the same
// incidents. Fixed-width UTC first, so that IDs sort by alarm.
func id(e models.Event) models.IncidentID {
	where := string(e.Camera)
	if e.Zone != "" { // the camera's own trouble has none
		where += "-" + string(e.Zone)
	}
	return models.IncidentID(fmt.Sprintf("%s-%s-%s-%d",
		e.Alarm.Wall.UTC().Format("20060102T150405.000Z"), where, e.Rule.Kind, e.ID))
}

func (o *open) joins(e models.Event) bool {
	if o.detached || o.in.Zone != e.Zone || o.in.Kind != e.Rule.Kind {
		return false
	}
	busy := len(o.active) > 0
	switch e.Rule.Kind {
	case models.KindMotion, models.KindIntrusion, models.KindLine:
		return busy || e.Start.Since(o.end) <= e.Rule.Merge
	case models.KindLoitering, models.KindReturning:
		return busy && o.tracks[e.Track] || e.Rule.Merge > 0 && e.Alarm.Since(o.alarm) <= e.Rule.Merge
	case models.KindLeftObject, models.KindRemovedObject:
		// What was put down at the same instant and place is the same thing; its outline
		// may have become clearer.
		return busy && e.Start.Media == o.start.Media && e.Box.IoU(o.in.Box) >= 0.5
	}
	return busy
}

func (o *open) begin(e models.Event) {
	o.active[e.ID] = true
	o.tracks[e.Track] = true
	o.alarm = e.Alarm
	if e.Rule.Merge > 0 {
		o.hold = max(o.hold, e.Rule.Merge+e.Rule.Dwell)
	}
	if e.Start.Media < o.start.Media {
		o.start = e.Start
	}
	o.in.Start = o.start.Wall
	if e.Rule.Severity.Rank() > o.in.Severity.Rank() {
		o.in.Severity = e.Rule.Severity
	}
	if o.in.Label == "" || named(e) > named(o.labelled()) || (named(e) == named(o.labelled()) && e.Score > o.in.Score) {
		o.in.Label, o.in.Score = e.Label, e.Score
	}
	o.in.EventCount++
	if len(o.in.Events) < models.MaxEvents {
		o.in.Events = append(o.in.Events, e)
	}
}

func (o *open) labelled() models.Event { return models.Event{Label: o.in.Label} }

// named ranks a class name above "something moves".
func named(e models.Event) int {
	if e.Label == "" || e.Label == models.LabelUnknown {
		return 0
	}
	return 1
}

func (o *open) change(step Step) Change {
	in := o.in
	in.Events = slices.Clone(in.Events)
	slices.SortStableFunc(in.Events, func(a, b models.Event) int { return cmp.Compare(a.Alarm.Media, b.Alarm.Media) })
	ch := Change{Step: step, Incident: in, Start: o.start}
	if step == Ended {
		ch.End = o.end
	}
	return ch
}
