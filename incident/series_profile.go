package incident

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// SeriesProfile is how the offender of a series works, as far as its incidents tell.
type SeriesProfile struct {
	Incidents int       `json:"incidents"`
	First     time.Time `json:"first,omitzero"` // alarm
	Last      time.Time `json:"last,omitzero"`
	Hours     DayCircle `json:"hours"`
	// Weekdays counts from Sunday; a night counts to the day on which it begins.
	Weekdays [7]int  `json:"weekdays"`
	Places   []Count `json:"places"`  // camera/zone
	Kinds    []Count `json:"kinds"`   // of those that were detected
	Types    []Count `json:"types"`   // as people classified them
	Tags     []Count `json:"tags"`    // of those that have some
	WaysIn   []Count `json:"ways_in"` // as the camera sees it, with the place
	Looks    []Count `json:"looks"`   // plates and coloured things that at least two have
	Words    []Count `json:"words"`   // that at least two texts have, and not most
	Outcomes []Count `json:"outcomes"`
	Verdicts []Count `json:"verdicts"`
	Dwell    Spread  `json:"dwell"`
	// Interval is from one alarm to the next.
	Interval Spread `json:"interval"`
	// Subjects are the suspects as they were described.
	Subjects []Described `json:"subjects"`
	// Habits are the same in sentences, each with how many incidents it holds for.
	Habits []string `json:"habits"`
}

// Count is how many incidents have something in common.
type Count struct {
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Described is a suspect of one of the incidents.
type Described struct {
	Incident models.IncidentID `json:"incident"`
	Number   int64             `json:"number"`
	Kind     string            `json:"kind"`
	Text     string            `json:"text"`
	Plate    string            `json:"plate,omitempty"`
}

// Spread is where some durations lie; all 0 when there are none.
type Spread struct {
	Count   int           `json:"count"`
	Least   time.Duration `json:"least_ns"`
	Median  time.Duration `json:"median_ns"`
	Longest time.Duration `json:"longest_ns"`
}

// DayCircle is where some times of the day lie, around the clock (Mardia and Jupp,
// Directional Statistics, 2000).
type DayCircle struct {
	// Mean is the middle, from midnight by the clock of the place; nil when there is no
	// middle, because the times lie all around the clock.
	Mean *time.Duration `json:"mean_ns,omitempty"`
	// Spread is the circular standard deviation; it has no bound.
	Spread time.Duration `json:"spread_ns"`
	// Usual holds the middle 80 % of the times, from and to, which may lie behind midnight.
	UsualFrom time.Duration `json:"usual_from_ns"`
	UsualTo   time.Duration `json:"usual_to_ns"`
	Hours     [24]int       `json:"hours"` // how many in each
}

// leastResultant is the length of the mean vector below which a middle of the day says
// nothing: a third of it is what a dozen times drawn at random seldom reach.
const leastResultant = 1.0 / 3

// ProfileOf tells what some incidents have in common. Those that were merged into another
// one are left out.
func ProfileOf(incidents []models.Incident, clocks Clocks) SeriesProfile {
	list := slices.DeleteFunc(slices.Clone(incidents), func(in models.Incident) bool { return in.Linked.Into != "" })
	slices.SortStableFunc(list, func(a, b models.Incident) int { return a.Alarm.Compare(b.Alarm) })
	p := SeriesProfile{Incidents: len(list), Subjects: []Described{}}
	var places, kinds, types, tags, ways, seen, words, outcomes, verdicts counting
	var times, dwells, intervals []time.Duration
	c := corpus{}
	for i, in := range list {
		f := featuresOf(in)
		at := in.Alarm.In(clocks.of(in.Site))
		times = append(times, timeOfDay(at))
		p.Hours.Hours[at.Hour()]++
		p.Weekdays[weekday(f.outline, clocks)]++
		places.add(where(in))
		if in.Kind != models.KindReported {
			kinds.add(spoken(string(in.Kind)))
		}
		types.add(spoken(in.Triage.Type))
		tags.add(in.Triage.Tags...)
		if f.shape.extent >= stillExtent {
			ways.add(where(in) + " " + string(f.shape.from))
		}
		seen.add(f.looks.plates...)
		seen.add(f.looks.things...)
		c.add(f.words)
		words.add(f.words...)
		if in.Resolution != nil {
			outcomes.add(spoken(in.Resolution.Outcome))
		}
		if in.Judgement != nil {
			verdicts.add(string(in.Judgement.Verdict))
		}
		if d := in.Dwell(); d > 0 {
			dwells = append(dwells, d)
		}
		if i > 0 {
			intervals = append(intervals, in.Alarm.Sub(list[i-1].Alarm))
		}
		for _, s := range in.Investigation.Subjects {
			if s.Role == "suspect" || s.Role == "" {
				p.Subjects = append(p.Subjects, Described{Incident: in.ID, Number: in.Number, Kind: s.Kind, Text: s.Text, Plate: s.Plate})
			}
		}
	}
	if len(list) > 0 {
		p.First, p.Last = list[0].Alarm, list[len(list)-1].Alarm
	}
	p.Hours.measure(times)
	p.Places, p.Kinds, p.Types, p.Tags, p.WaysIn = places.most(1), kinds.most(1), types.most(1), tags.most(1), ways.most(1)
	p.Looks, p.Outcomes, p.Verdicts = seen.most(2), outcomes.most(1), verdicts.most(1)
	p.Words = slices.DeleteFunc(words.most(2), func(w Count) bool { return c.rarity(w.What) == 0 })
	p.Words = p.Words[:min(len(p.Words), 12)]
	p.Dwell, p.Interval = spreadOf(dwells), spreadOf(intervals)
	p.Habits = p.habits()
	return p
}

// where is the place of an incident in words.
func where(in models.Incident) string {
	switch {
	case in.Camera != "" && in.Zone != "":
		return string(in.Camera) + "/" + string(in.Zone)
	case in.Camera != "":
		return string(in.Camera)
	case in.Site != "":
		return in.Site
	}
	return "no place"
}

// counting counts in how many incidents something occurs.
type counting map[string]int

func (c *counting) add(what ...string) {
	if *c == nil {
		*c = counting{}
	}
	for _, w := range what {
		if w != "" {
			(*c)[w]++
		}
	}
}

// most lists what occurs at least so often, the most frequent first.
func (c counting) most(least int) []Count {
	out := []Count{}
	for what, n := range c {
		if n >= least {
			out = append(out, Count{what, n})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What)) })
	return out
}

func spreadOf(list []time.Duration) Spread {
	if len(list) == 0 {
		return Spread{}
	}
	slices.Sort(list)
	return Spread{Count: len(list), Least: list[0], Median: list[(len(list)-1)/2], Longest: list[len(list)-1]}
}

// measure finds the middle of times of the day and where most of them lie.
func (c *DayCircle) measure(times []time.Duration) {
	if len(times) == 0 {
		return
	}
	const day = 24 * time.Hour
	var x, y float64
	for _, t := range times {
		angle := 2 * math.Pi * float64(t) / float64(day)
		x, y = x+math.Cos(angle)/float64(len(times)), y+math.Sin(angle)/float64(len(times))
	}
	r := math.Hypot(x, y)
	if r < leastResultant {
		return
	}
	mean := around(time.Duration(math.Atan2(y, x) / (2 * math.Pi) * float64(day)).Round(time.Second))
	c.Mean = &mean
	c.Spread = time.Duration(math.Sqrt(max(0, -2*math.Log(min(1, r)))) / (2 * math.Pi) * float64(day)).Round(time.Second)
	off := make([]time.Duration, len(times)) // from the middle, -12 h..12 h
	for i, t := range times {
		off[i] = around(t-mean+day/2) - day/2
	}
	slices.Sort(off)
	cut := len(off) / 10 // on either side
	c.UsualFrom, c.UsualTo = around(mean+off[cut]), around(mean+off[len(off)-1-cut])
}

// around brings a time to 0..24 h.
func around(t time.Duration) time.Duration {
	const day = 24 * time.Hour
	return (t%day + day) % day
}

// leastShare is the share of the incidents that makes something a habit.
const leastShare = 0.6

func (p SeriesProfile) habits() []string {
	out := []string{}
	if p.Incidents < 2 {
		return out
	}
	say := func(format string, n int, args ...any) {
		if float64(n) >= leastShare*float64(p.Incidents) {
			out = append(out, fmt.Sprintf(format, args...)+fmt.Sprintf(" (%d of %d)", n, p.Incidents))
		}
	}
	first := func(list []Count, format string) {
		if len(list) > 0 {
			say(format, list[0].Count, list[0].What)
		}
	}
	first(p.Places, "at %s")
	if p.Hours.Mean != nil {
		in := p.Incidents - 2*(p.Incidents/10)
		say("between %s and %s", in, clockOf(p.Hours.UsualFrom), clockOf(p.Hours.UsualTo))
	}
	best := 0
	for d, n := range p.Weekdays {
		if n > p.Weekdays[best] {
			best = d
		}
	}
	say("on a %s or in the night after it", p.Weekdays[best], time.Weekday(best))
	if weekend := p.Weekdays[0] + p.Weekdays[6]; p.Weekdays[best] < weekend {
		say("at the weekend", weekend)
	}
	first(p.WaysIn, "comes in at %s")
	first(p.Tags, "tagged %s")
	first(p.Looks, "described with %s")
	if p.Dwell.Count > 0 {
		out = append(out, fmt.Sprintf("stays %s, at least %s, at most %s", inMinutes(p.Dwell.Median), inMinutes(p.Dwell.Least), inMinutes(p.Dwell.Longest)))
	}
	if p.Interval.Count > 0 {
		out = append(out, fmt.Sprintf("comes again after %s, at the earliest after %s", inDays(p.Interval.Median), inDays(p.Interval.Least)))
	}
	return out
}

func clockOf(t time.Duration) string {
	return fmt.Sprintf("%02d:%02d", t/time.Hour, t%time.Hour/time.Minute)
}

// inDays is an interval as people say it.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return inMinutes(d)
	}
	return fmt.Sprintf("%d days", (d+day/2)/day)
}
