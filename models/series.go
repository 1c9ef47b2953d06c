package models

import "time"

// SeriesState says whether somebody still works on a series.
type SeriesState string

// The states of a series.
const (
	SeriesOpen   SeriesState = "open"
	SeriesClosed SeriesState = "closed"
)

// Series groups incidents that people believe to be the work of the same offender.
type Series struct {
	ID string `json:"id"`
	// Number is what people call it: counted from 1 by the index.
	Number      int64       `json:"number"`
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	State       SeriesState `json:"state"`
	Opened      time.Time   `json:"opened"`
	By          string      `json:"by"`
	// Incidents belong to it, in the order in which they were added. Linked.Series of each
	// names it in return.
	Incidents []IncidentID `json:"incidents"`
	Log       []Action     `json:"log"`
	Edition   int64        `json:"edition"` // how many entries the log has
}

// Outline is of an incident what can be compared without reading its record.
type Outline struct {
	ID       IncidentID
	Number   int64
	Site     string
	Camera   CameraID
	Zone     ZoneID
	Kind     Kind
	Type     string
	Label    string
	Series   string
	Alarm    time.Time
	Dwell    time.Duration
	Nuisance bool // somebody judged it so
}

// OutlineOf tells what of an incident can be compared without its record.
func OutlineOf(in Incident) Outline {
	return Outline{ID: in.ID, Number: in.Number, Site: in.Site, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Type: in.Triage.Type,
		Label: in.Label, Series: in.Linked.Series, Alarm: in.Alarm, Dwell: in.Dwell(),
		Nuisance: in.Judgement != nil && in.Judgement.Verdict == VerdictNuisance}
}

// Dwell is how long an incident lasted, to its alarm while it goes on.
func (in Incident) Dwell() time.Duration {
	if in.End.IsZero() {
		return in.Alarm.Sub(in.Start)
	}
	return in.End.Sub(in.Start)
}
