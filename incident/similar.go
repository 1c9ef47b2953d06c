package incident

import (
	"cmp"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Factor is one thing in which two incidents can be alike.
type Factor string

// The factors, in the order in which a page lists them.
const (
	FactorPlace   Factor = "place"
	FactorHour    Factor = "hour"    // of the day
	FactorWeekday Factor = "weekday" // of the night, rather
	FactorKind    Factor = "kind"
	FactorType    Factor = "type"
	FactorLabel   Factor = "label"
	FactorDwell   Factor = "dwell"
	FactorPath    Factor = "path"  // its shape, wherever in the picture
	FactorEntry   Factor = "entry" // the direction in which the path begins
	FactorTags    Factor = "tags"
	FactorWords   Factor = "words" // of description, statements and assessment
	FactorLooks   Factor = "looks" // plates and clothing of the people and vehicles described
)

// weights say how much each factor counts; together they are 1. Habits of a person (place,
// hour, way) count most, because they change least; what a rule or a type says is shared
// by many who have nothing to do with each other, and the weekday is one of only seven.
// What people write is telling when it is there, and seldom is.
var weights = []struct {
	factor Factor
	weight float64
}{
	{FactorPlace, 0.16}, {FactorHour, 0.16}, {FactorWeekday, 0.04}, {FactorKind, 0.04}, {FactorType, 0.06}, {FactorLabel, 0.04},
	{FactorDwell, 0.08}, {FactorPath, 0.14}, {FactorEntry, 0.06}, {FactorTags, 0.06}, {FactorWords, 0.08}, {FactorLooks, 0.08},
}

const (
	// unknownScore is what a factor counts that one of the two says nothing of: neither for
	// nor against, about what two incidents of one site have in common by chance.
	unknownScore = 0.3
	// LeastSimilar is the total below which nothing is suggested.
	LeastSimilar = 0.62
	// leastReason is the score from which a factor is named as a reason.
	leastReason = 0.5
	// MaxSimilar is how many are suggested at most.
	MaxSimilar = 20
	// Shortlisted is how many records are compared in full at most.
	Shortlisted = 80
)

// SimilarPeriod is how far before and after an incident others are looked for.
const SimilarPeriod = 180 * 24 * time.Hour

// Reason is a factor in which two incidents are alike, in words.
type Reason struct {
	Factor Factor  `json:"factor"`
	Score  float64 `json:"score"`  // 0..1
	Weight float64 `json:"weight"` // of the factor
	Text   string  `json:"text"`
}

// Match is an incident that is like another one.
type Match struct {
	Incident models.IncidentID `json:"incident"`
	Number   int64             `json:"number"`
	Camera   models.CameraID   `json:"camera"`
	Zone     models.ZoneID     `json:"zone"`
	Kind     models.Kind       `json:"kind"`
	Type     string            `json:"type,omitempty"`
	State    models.State      `json:"state"`
	Severity models.Severity   `json:"severity"`
	Alarm    time.Time         `json:"alarm"`
	Series   string            `json:"series,omitempty"` // to which it belongs
	Score    float64           `json:"score"`            // 0..1, the weighted sum over all factors
	Reasons  []Reason          `json:"reasons"`          // what counts most first
}

// Clocks gives the place by whose wall clock a site counts hours and days.
type Clocks func(site string) *time.Location

// of is the clock of a site; without one it is UTC.
func (c Clocks) of(site string) *time.Location {
	if c != nil {
		if place := c(site); place != nil {
			return place
		}
	}
	return time.UTC
}

// finding is what one factor says of two incidents. known is false when one of them says
// nothing of it.
type finding struct {
	score float64
	known bool
	text  string
}

// Shortlist chooses those that are worth comparing in full, the most promising first: all
// that reach LeastSimilar if whatever an outline does not tell were the same, at most
// Shortlisted. Alarms that were judged a nuisance are left out, unless in is one.
func Shortlist(in models.Incident, others []models.Outline, clocks Clocks) []models.IncidentID {
	type promising struct {
		id    models.IncidentID
		score float64
	}
	me := models.OutlineOf(in)
	rest := 1.0
	for _, f := range outlined(me, me, clocks) {
		rest -= weightOf(f.factor)
	}
	var list []promising
	for _, o := range others {
		if o.ID == in.ID || o.Nuisance && !me.Nuisance {
			continue
		}
		sum := 0.0
		for _, f := range outlined(me, o, clocks) {
			sum += weightOf(f.factor) * f.value()
		}
		if sum+rest >= LeastSimilar {
			list = append(list, promising{o.ID, sum})
		}
	}
	slices.SortFunc(list, func(a, b promising) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id)) })
	var ids []models.IncidentID
	for _, p := range list {
		if len(ids) == Shortlisted {
			break
		}
		if !slices.Contains(ids, p.id) {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// Similar compares an incident with others and returns those that are like it, the most
// similar first, with the reasons. Others that were merged into one, or are in, are left
// out. Words count by how rare they are among all that are given.
func Similar(in models.Incident, others []models.Incident, clocks Clocks) []Match {
	me := featuresOf(in)
	c := corpus{}
	c.add(me.words)
	all := make([]features, len(others))
	for i, o := range others {
		all[i] = featuresOf(o)
		c.add(all[i].words)
	}
	out := []Match{}
	for i, o := range others {
		if o.ID == in.ID || o.Linked.Into != "" {
			continue
		}
		if m := compare(me, all[i], c, clocks); m.Score >= LeastSimilar {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), b.Alarm.Compare(a.Alarm), cmp.Compare(a.Incident, b.Incident))
	})
	return out[:min(len(out), MaxSimilar)]
}

// features are what the factors look at.
type features struct {
	in      models.Incident
	outline models.Outline
	shape   shape
	words   []string
	looks   looks
}

func featuresOf(in models.Incident) features {
	return features{in: in, outline: models.OutlineOf(in), shape: shapeOf(in), words: wordsOf(in), looks: looksOf(in)}
}

type found struct {
	factor Factor
	finding
}

// value is what a factor counts.
func (f finding) value() float64 {
	if !f.known {
		return unknownScore
	}
	return f.score
}

func compare(a, b features, c corpus, clocks Clocks) Match {
	all := append(outlined(a.outline, b.outline, clocks),
		found{FactorPath, samePath(a, b)},
		found{FactorEntry, sameEntry(a, b)},
		found{FactorTags, sameTags(a.in.Triage.Tags, b.in.Triage.Tags)},
		found{FactorWords, c.same(a.words, b.words)},
		found{FactorLooks, sameLooks(a.looks, b.looks)},
	)
	m := Match{Incident: b.in.ID, Number: b.in.Number, Camera: b.in.Camera, Zone: b.in.Zone, Kind: b.in.Kind, Type: b.in.Triage.Type,
		State: b.in.State, Severity: b.in.Severity, Alarm: b.in.Alarm, Series: b.in.Linked.Series, Reasons: []Reason{}}
	for _, f := range all {
		w := weightOf(f.factor)
		m.Score += w * f.value()
		if f.known && f.score >= leastReason {
			m.Reasons = append(m.Reasons, Reason{Factor: f.factor, Score: f.score, Weight: w, Text: f.text})
		}
	}
	slices.SortStableFunc(m.Reasons, func(x, y Reason) int { return cmp.Compare(y.Weight*y.Score, x.Weight*x.Score) })
	return m
}

// outlined are the factors that an outline tells.
func outlined(a, b models.Outline, clocks Clocks) []found {
	return []found{
		{FactorPlace, samePlace(a, b)},
		{FactorHour, sameHour(a, b, clocks)},
		{FactorWeekday, sameWeekday(a, b, clocks)},
		{FactorKind, sameKind(a, b)},
		{FactorType, sameType(a, b)},
		{FactorLabel, sameLabel(a, b)},
		{FactorDwell, sameDwell(a.Dwell, b.Dwell)},
	}
}

func weightOf(f Factor) float64 {
	for _, w := range weights {
		if w.factor == f {
			return w.weight
		}
	}
	return 0
}
