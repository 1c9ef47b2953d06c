package incident

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Grouping says what the alarms of one row of a precision report have in common.
type Grouping string

// The groupings, in the order in which a report lists them.
const (
	ByAll    Grouping = "all"
	ByCamera Grouping = "camera"
	ByZone   Grouping = "zone" // of one camera
	ByRule   Grouping = "rule" // a kind of rule in one zone
	ByHour   Grouping = "hour" // of the day, over all days of the period
)

var groupings = []Grouping{ByAll, ByCamera, ByZone, ByRule, ByHour}

// Estimate is a share with its 95 % confidence interval; all 0..1.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Precision is what people said of some alarms. An alarm that nobody has judged counts
// neither as true nor as a nuisance.
type Precision struct {
	Alarms   int                     `json:"alarms"`
	Unjudged int                     `json:"unjudged"`
	True     int                     `json:"true"`
	Nuisance int                     `json:"nuisance"`
	Reasons  map[models.Nuisance]int `json:"reasons"` // of the nuisance alarms
	// Precision is the share of true alarms among those that were judged; nil when none
	// was. The interval is Wilson's (J. Am. Stat. Assoc. 22, 1927), which holds for few
	// judgements too. It tells the whole only as far as what was judged is like the rest.
	Precision *Estimate `json:"precision,omitempty"`
}

// Judged is how many alarms somebody has judged.
func (p Precision) Judged() int { return p.True + p.Nuisance }

// PrecisionRow is one line of a report. The fields that its grouping does not name are
// empty.
type PrecisionRow struct {
	By     Grouping        `json:"by"`
	Camera models.CameraID `json:"camera,omitempty"`
	Zone   models.ZoneID   `json:"zone,omitempty"` // also empty for trouble with the camera itself
	Kind   models.Kind     `json:"kind,omitempty"`
	Hour   *int            `json:"hour,omitempty"` // 0..23 by the wall clock of the report's time zone
	Precision
}

// PrecisionReport is how precise the alarms of a period were. A group without an alarm
// has no row.
type PrecisionReport struct {
	From     time.Time      `json:"from"` // the first instant of the period
	To       time.Time      `json:"to"`   // the first instant after it
	TimeZone string         `json:"time_zone"`
	Rows     []PrecisionRow `json:"rows"`
}

// MeasurePrecision counts the incidents whose alarm lies in [from, to), hours by the wall
// clock of a place. Incidents that no rule raised (storage, reported) are none of its business. It
// keeps no incident, so memory grows only with the number of rules; it ends with the first
// error of the sequence.
func MeasurePrecision(from, to time.Time, place *time.Location, incidents iter.Seq2[models.Incident, error]) (PrecisionReport, error) {
	groups := map[group]*Precision{}
	for in, err := range incidents {
		if err != nil {
			return PrecisionReport{}, fmt.Errorf("precision: %w", err)
		}
		if in.Kind == models.KindStorage || in.Kind == models.KindReported || in.Alarm.Before(from) || !in.Alarm.Before(to) {
			continue
		}
		for _, by := range groupings {
			g := groupOf(by, in, place)
			if groups[g] == nil {
				groups[g] = &Precision{Reasons: map[models.Nuisance]int{}}
			}
			groups[g].add(in.Judgement)
		}
	}
	r := PrecisionReport{From: from.UTC(), To: to.UTC(), TimeZone: name(place, from), Rows: []PrecisionRow{}}
	for g, p := range groups {
		r.Rows = append(r.Rows, g.row(*p))
	}
	slices.SortFunc(r.Rows, byPlace)
	return r, nil
}

// name is the place's in the time zone database, or the abbreviation at a time where it is
// only known as the machine's own.
func name(place *time.Location, at time.Time) string {
	if place != time.Local {
		return place.String()
	}
	zone, _ := at.In(place).Zone()
	return zone
}

// group is what a row counts.
type group struct {
	by     Grouping
	camera models.CameraID
	zone   models.ZoneID
	kind   models.Kind
	hour   int
}

func groupOf(by Grouping, in models.Incident, place *time.Location) group {
	switch g := (group{by: by}); by {
	case ByCamera:
		g.camera = in.Camera
		return g
	case ByZone:
		g.camera, g.zone = in.Camera, in.Zone
		return g
	case ByRule:
		g.camera, g.zone, g.kind = in.Camera, in.Zone, in.Kind
		return g
	case ByHour:
		g.hour = in.Alarm.In(place).Hour()
		return g
	default:
		return g
	}
}

func (g group) row(p Precision) PrecisionRow {
	p.Precision = wilson(p.True, p.Judged())
	row := PrecisionRow{By: g.by, Camera: g.camera, Zone: g.zone, Kind: g.kind, Precision: p}
	if g.by == ByHour {
		row.Hour = &g.hour
	}
	return row
}

func (p *Precision) add(j *models.Judgement) {
	p.Alarms++
	switch {
	case j == nil:
		p.Unjudged++
	case j.Verdict == models.VerdictTrue:
		p.True++
	default:
		p.Nuisance++
		p.Reasons[j.Reason]++
	}
}

// byPlace orders rows by grouping, then by name, then by hour.
func byPlace(a, b PrecisionRow) int {
	hour := func(r PrecisionRow) int {
		if r.Hour == nil {
			return -1
		}
		return *r.Hour
	}
	return cmp.Or(cmp.Compare(slices.Index(groupings, a.By), slices.Index(groupings, b.By)), cmp.Compare(a.Camera, b.Camera),
		cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Kind, b.Kind), cmp.Compare(hour(a), hour(b)))
}

// wilson is the score interval of k successes in n trials at 95 %; nil for no trial.
func wilson(k, n int) *Estimate {
	if n == 0 {
		return nil
	}
	const z = 1.959963984540054 // the normal distribution's 0.975 quantile
	kf, nf := float64(k), float64(n)
	middle := (kf + z*z/2) / (nf + z*z)
	half := z / (nf + z*z) * math.Sqrt(kf*(nf-kf)/nf+z*z/4)
	return &Estimate{Value: kf / nf, Low: max(0, middle-half), High: min(1, middle+half)}
}
