package incident

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// The groupings of a summary, beside those of a precision report.
const (
	BySite     Grouping = "site"
	ByKind     Grouping = "kind"
	ByType     Grouping = "type"
	ByOfficer  Grouping = "officer" // who has the incident, or had it last
	BySeverity Grouping = "severity"
	ByDay      Grouping = "day" // of the site
)

var summaries = []Grouping{ByAll, BySite, ByCamera, ByZone, ByKind, ByType, ByOfficer, BySeverity, ByHour, ByDay}

// SummaryGroupings are those of a summary, in the order in which it lists them.
func SummaryGroupings() []Grouping { return slices.Clone(summaries) }

// SummaryQuery says what a summary counts. Empty fields do not limit.
type SummaryQuery struct {
	From, To   time.Time // of the alarm: the first instant of the period, and the first after it
	Sites      []string
	Cameras    []models.CameraID
	Zones      []models.ZoneID
	Kinds      []models.Kind
	Types      []string
	Officers   []string // "" is nobody
	Severities []models.Severity
	By         []Grouping // which rows; empty: all of them
}

// Handling is how soon one promise was kept.
type Handling struct {
	Count int `json:"count"` // of incidents that reached it
	// Median and Slow90 are the 50th and the 90th percentile, from logging on; exact to the
	// second below two minutes and to 1.6 % above.
	Median time.Duration `json:"median_ns"`
	Slow90 time.Duration `json:"slow90_ns"`
	// Promised had a service level; InTime kept it, Missed did not, and the rest is open.
	Promised int `json:"promised"`
	InTime   int `json:"in_time"`
	Missed   int `json:"missed"`
	// Share is InTime among those that were decided; nil when none was.
	Share *float64 `json:"share,omitempty"`
}

// Figures are what a summary counts of some incidents.
type Figures struct {
	Incidents   int      `json:"incidents"` // without those that were merged into another
	Merged      int      `json:"merged"`
	True        int      `json:"true"`
	Nuisance    int      `json:"nuisance"`
	Unjudged    int      `json:"unjudged"`
	Open        int      `json:"open"`    // now
	Overdue     int      `json:"overdue"` // now
	Reopened    int      `json:"reopened"`
	Acknowledge Handling `json:"acknowledge"`
	Respond     Handling `json:"respond"`
	Resolve     Handling `json:"resolve"`
	// Effort is the time that people logged. By officer it is that of the officer, whoever
	// has the incident.
	Effort time.Duration  `json:"effort_ns"`
	Losses []models.Money `json:"losses"` // one sum for each currency
}

// SummaryRow is one line of a summary. The fields that its grouping does not name are empty.
type SummaryRow struct {
	By       Grouping        `json:"by"`
	Site     string          `json:"site,omitempty"`
	Camera   models.CameraID `json:"camera,omitempty"`
	Zone     models.ZoneID   `json:"zone,omitempty"`
	Kind     models.Kind     `json:"kind,omitempty"`
	Type     string          `json:"type,omitempty"`
	Officer  string          `json:"officer,omitempty"`
	Severity models.Severity `json:"severity,omitempty"`
	Hour     *int            `json:"hour,omitempty"` // 0..23 by the wall clock of the site
	Day      string          `json:"day,omitempty"`  // 2026-03-29, of the site
	// Length is how long the day was: 23 h or 25 h when the clocks changed.
	Length time.Duration `json:"length_ns,omitempty"`
	Figures
}

// Summary is what happened in a period and how it was handled.
type Summary struct {
	From time.Time    `json:"from"`
	To   time.Time    `json:"to"`
	Made time.Time    `json:"made"` // "now", of what is open and overdue
	Rows []SummaryRow `json:"rows"`
}

// Summarise counts tallies, each part in a goroutine of its own. It keeps none of them, so
// memory grows only with the number of rows; it ends with the first error of a part. clocks
// is called by all of them at once.
func Summarise(q SummaryQuery, made time.Time, clocks Clocks, parts ...iter.Seq2[models.Tally, error]) (Summary, error) {
	sums, errs := make([]*summing, len(parts)), make([]error, len(parts))
	var done sync.WaitGroup
	for i, tallies := range parts {
		sums[i] = newSumming(q, made, clocks)
		done.Go(func() { errs[i] = sums[i].addAll(tallies) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		return Summary{}, fmt.Errorf("summary: %w", err)
	}
	all := newSumming(q, made, clocks)
	for _, s := range sums {
		all.merge(s)
	}
	return all.summary(), nil
}

func (q SummaryQuery) wants(t *models.Tally) bool {
	return !t.Alarm.Before(q.From) && t.Alarm.Before(q.To) && anyOr(q.Sites, t.Site) && anyOr(q.Cameras, t.Camera) && anyOr(q.Zones, t.Zone) &&
		anyOr(q.Kinds, t.Kind) && anyOr(q.Types, t.Type) && anyOr(q.Officers, t.Officer) && anyOr(q.Severities, t.Severity)
}

// summing is a summary that is being counted.
type summing struct {
	q        SummaryQuery
	made     time.Time
	calendar calendar
	by       []Grouping
	groups   []map[subject]*counted // of each grouping
}

func newSumming(q SummaryQuery, made time.Time, clocks Clocks) *summing {
	s := &summing{q: q, made: made, calendar: calendar{clocks: clocks}, by: q.By}
	if len(s.by) == 0 {
		s.by = summaries
	}
	for range s.by {
		s.groups = append(s.groups, map[subject]*counted{})
	}
	return s
}

func (s *summing) addAll(tallies iter.Seq2[models.Tally, error]) error {
	for t, err := range tallies {
		if err != nil {
			return err
		}
		if s.q.wants(&t) {
			s.add(&t)
		}
	}
	return nil
}

// merge takes over what another one has counted.
func (s *summing) merge(o *summing) {
	for i, group := range o.groups {
		for of, c := range group {
			if have := s.groups[i][of]; have != nil {
				have.merge(c)
			} else {
				s.groups[i][of] = c
			}
		}
	}
}

func (s *summing) summary() Summary {
	out := Summary{From: s.q.From.UTC(), To: s.q.To.UTC(), Made: s.made.UTC(), Rows: []SummaryRow{}}
	for i, by := range s.by {
		var rows []SummaryRow
		for of, c := range s.groups[i] {
			row := of.row(by)
			row.Figures = c.figures()
			if by == ByDay {
				row.Length = s.calendar.length(row.Day, c.place)
			}
			rows = append(rows, row)
		}
		slices.SortFunc(rows, bySummary)
		out.Rows = append(out.Rows, rows...)
	}
	return out
}

// subject is what a row of some grouping is about. It is small, because a year has
// millions of look-ups.
type subject struct {
	name, zone string // zone only beside its camera
	hour       int
}

func (of subject) row(by Grouping) SummaryRow {
	r := SummaryRow{By: by}
	switch by {
	case BySite:
		r.Site = of.name
	case ByCamera:
		r.Camera = models.CameraID(of.name)
	case ByZone:
		r.Camera, r.Zone = models.CameraID(of.name), models.ZoneID(of.zone)
	case ByKind:
		r.Kind = models.Kind(of.name)
	case ByType:
		r.Type = of.name
	case ByOfficer:
		r.Officer = of.name
	case BySeverity:
		r.Severity = models.Severity(of.name)
	case ByHour:
		r.Hour = &of.hour
	case ByDay:
		r.Day = of.name
	}
	return r
}

func (s *summing) add(t *models.Tally) {
	day, hour := s.calendar.of(t.Site, t.Alarm)
	for i, by := range s.by {
		var of subject
		switch by {
		case BySite:
			of.name = t.Site
		case ByCamera:
			of.name = string(t.Camera)
		case ByZone:
			of.name, of.zone = string(t.Camera), string(t.Zone)
		case ByKind:
			of.name = string(t.Kind)
		case ByType:
			of.name = t.Type
		case ByOfficer:
			of.name = t.Officer
		case BySeverity:
			of.name = string(t.Severity)
		case ByHour:
			of.hour = hour
		case ByDay:
			of.name = day
		}
		c := s.group(i, of, t.Site)
		c.add(t, s.made)
		for _, e := range t.Effort {
			if by == ByOfficer { // of people it counts what they did themselves
				c = s.group(i, subject{name: e.Who}, t.Site)
			}
			c.effort += e.For
		}
	}
}

func (s *summing) group(i int, of subject, site string) *counted {
	c := s.groups[i][of]
	if c == nil {
		c = &counted{place: site}
		s.groups[i][of] = c
	}
	return c
}

// counted is one row that is being counted.
type counted struct {
	Figures
	place  string // a site whose clock counts
	effort time.Duration
	took   [3]durations
}

func (c *counted) add(t *models.Tally, made time.Time) {
	if t.Merged {
		c.Merged++
		return
	}
	c.Incidents++
	c.Reopened += t.Reopened
	switch t.Verdict {
	case models.VerdictTrue:
		c.True++
	case models.VerdictNuisance:
		c.Nuisance++
	default:
		c.Unjudged++
	}
	if t.State != models.StateClosed {
		c.Open++
		if t.Promises[0].Overdue(made) || t.Promises[1].Overdue(made) || t.Promises[2].Overdue(made) {
			c.Overdue++
		}
	}
	for i, h := range [...]*Handling{&c.Acknowledge, &c.Respond, &c.Resolve} {
		k := &t.Promises[i]
		if k.Took >= 0 {
			h.Count++
			c.took[i].add(k.Took)
		}
		result := k.Result
		if result == models.PromiseOpen && k.Overdue(made) {
			result = models.PromiseMissed // nobody has noted it yet
		}
		switch result {
		case models.PromiseInTime:
			h.InTime++
		case models.PromiseMissed:
			h.Missed++
		case models.PromiseNone:
			continue
		}
		h.Promised++
	}
	if t.Loss != nil {
		c.lose(*t.Loss)
	}
}

func (c *counted) lose(m models.Money) {
	i := slices.IndexFunc(c.Losses, func(o models.Money) bool { return o.Currency == m.Currency })
	if i < 0 {
		c.Losses = append(c.Losses, models.Money{Currency: m.Currency})
		i = len(c.Losses) - 1
	}
	c.Losses[i].Amount += m.Amount
}

// merge adds what another one has counted. The place stays that of the first.
func (c *counted) merge(o *counted) {
	for _, sum := range [...][2]*int{
		{&c.Incidents, &o.Incidents}, {&c.Merged, &o.Merged}, {&c.True, &o.True}, {&c.Nuisance, &o.Nuisance}, {&c.Unjudged, &o.Unjudged},
		{&c.Open, &o.Open}, {&c.Overdue, &o.Overdue}, {&c.Reopened, &o.Reopened},
	} {
		*sum[0] += *sum[1]
	}
	for i, sum := range [...][2]*Handling{{&c.Acknowledge, &o.Acknowledge}, {&c.Respond, &o.Respond}, {&c.Resolve, &o.Resolve}} {
		sum[0].Count += sum[1].Count
		sum[0].Promised += sum[1].Promised
		sum[0].InTime += sum[1].InTime
		sum[0].Missed += sum[1].Missed
		c.took[i].merge(o.took[i])
	}
	c.effort += o.effort
	for _, m := range o.Losses {
		c.lose(m)
	}
}

func (c *counted) figures() Figures {
	f := c.Figures
	f.Effort = c.effort
	for i, h := range []*Handling{&f.Acknowledge, &f.Respond, &f.Resolve} {
		h.Median, h.Slow90 = c.took[i].quantile(0.5), c.took[i].quantile(0.9)
		if decided := h.InTime + h.Missed; decided > 0 {
			share := float64(h.InTime) / float64(decided)
			h.Share = &share
		}
	}
	if f.Losses == nil {
		f.Losses = []models.Money{}
	}
	slices.SortFunc(f.Losses, func(a, b models.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return f
}

// bySummary orders the rows of one grouping: the worst severity first, all else by name.
func bySummary(a, b SummaryRow) int {
	hour := func(r SummaryRow) int {
		if r.Hour == nil {
			return -1
		}
		return *r.Hour
	}
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Camera, b.Camera), cmp.Compare(a.Zone, b.Zone),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Officer, b.Officer), cmp.Compare(hour(a), hour(b)), cmp.Compare(a.Day, b.Day))
}
