package incident

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Candidate is an officer who could be sent, or why not.
type Candidate struct {
	User string `json:"user"`
	Name string `json:"name"`
	// Distance is how far the officer is, in metres; nil: not known.
	Distance *float64 `json:"distance_m,omitempty"`
	SameSite bool     `json:"same_site"` // posted at the incident's site
	Open     int      `json:"open"`      // incidents that they have and that are not closed
	// Reasons are for sending them; of those who cannot be sent, why not.
	Reasons []string `json:"reasons"`
}

// Suggestion is who could be sent to an incident, best first, and who could not.
type Suggestion struct {
	Officers []Candidate `json:"officers"`
	LeftOut  []Candidate `json:"left_out"`
}

// Suggest ranks officers for an incident: who is on duty, not away, may work on its camera
// and has every skill that its type needs. The nearest comes first; where positions are
// not known, who is posted at its site; then who has least to do. open says how many open
// incidents each has.
func (d Desk) Suggest(in models.Incident, officers []models.Officer, open map[string]int, at time.Time) Suggestion {
	s := Suggestion{Officers: []Candidate{}, LeftOut: []Candidate{}}
	t, _ := d.kind(in.Triage.Type)
	groups := d.groups(in.Camera)
	where, site := d.position(in)
	for _, o := range officers {
		c := Candidate{User: o.User, Name: o.Name, Open: open[o.User], SameSite: site != "" && o.Site == site}
		if from := d.posted(o); from != nil && where != nil {
			metres := math.Round(from.Distance(*where))
			c.Distance = &metres
		}
		if against := unfit(in, o, t, groups, at); len(against) > 0 {
			c.Reasons = against
			s.LeftOut = append(s.LeftOut, c)
			continue
		}
		c.Reasons = inFavour(o, c, t, at)
		s.Officers = append(s.Officers, c)
	}
	slices.SortFunc(s.Officers, func(a, b Candidate) int {
		return cmp.Or(compareDistance(a, b), cmp.Compare(a.Open, b.Open), cmp.Compare(a.User, b.User))
	})
	slices.SortFunc(s.LeftOut, func(a, b Candidate) int { return cmp.Compare(a.User, b.User) })
	return s
}

// compareDistance puts the nearer first. An unknown distance counts as none for who is at
// the site, and as farther than any that is known for everybody else.
func compareDistance(a, b Candidate) int {
	metres := func(c Candidate) float64 {
		switch {
		case c.Distance != nil:
			return *c.Distance
		case c.SameSite:
			return 0
		}
		return math.Inf(1)
	}
	return cmp.Compare(metres(a), metres(b))
}

// groups are the camera groups that a camera is in.
func (d Desk) groups(camera models.CameraID) (names []string) {
	for name, cameras := range d.Policy.Groups {
		if slices.Contains(cameras, camera) {
			names = append(names, name)
		}
	}
	return names
}

// position is where an incident is, and at which site; nil when it is not known where.
func (d Desk) position(in models.Incident) (*models.Position, string) {
	p := d.Policy.Places[in.Camera]
	site := cmp.Or(in.Site, p.Site)
	if p.Position != nil {
		return p.Position, site
	}
	return d.sitePosition(site), site
}

func (d Desk) sitePosition(id string) *models.Position {
	for _, s := range d.Policy.Sites {
		if s.ID == id {
			return s.Position
		}
	}
	return nil
}

// posted is where an officer is; nil when it is not known.
func (d Desk) posted(o models.Officer) *models.Position {
	if o.Position != nil {
		return o.Position
	}
	return d.sitePosition(o.Site)
}

// unfit is why an officer cannot be sent.
func unfit(in models.Incident, o models.Officer, t models.Type, groups []string, at time.Time) (why []string) {
	if o.User == in.Assignment.Officer {
		why = append(why, "has it already")
	}
	if !o.May(models.RightWork, in.Camera, groups) {
		why = append(why, "may not work on this camera's incidents")
	}
	if !o.OnDuty(at) {
		why = append(why, "off duty")
	}
	if o.Away != "" {
		why = append(why, "away: "+o.Away)
	}
	for _, skill := range t.Skills {
		if !slices.Contains(o.Skills, skill) {
			why = append(why, "without the skill "+skillWords(skill))
		}
	}
	return why
}

// inFavour is what speaks for an officer.
func inFavour(o models.Officer, c Candidate, t models.Type, at time.Time) (why []string) {
	switch {
	case c.Distance != nil && *c.Distance >= 10_000:
		why = append(why, fmt.Sprintf("%.0f km away", *c.Distance/1000))
	case c.Distance != nil && *c.Distance >= 1_000:
		why = append(why, fmt.Sprintf("%.1f km away", *c.Distance/1000))
	case c.Distance != nil && *c.Distance > 0:
		why = append(why, fmt.Sprintf("%.0f m away", *c.Distance))
	}
	if c.SameSite {
		why = append(why, "at the site")
	}
	if end, ok := shiftEnds(o, at); ok {
		why = append(why, "on shift until "+end)
	} else {
		why = append(why, "on duty")
	}
	for _, skill := range t.Skills {
		why = append(why, skillWords(skill))
	}
	switch c.Open {
	case 0:
		why = append(why, "free")
	case 1:
		why = append(why, "has 1 open incident")
	default:
		why = append(why, fmt.Sprintf("has %d open incidents", c.Open))
	}
	return why
}

// shiftEnds is when the shift of an officer on duty ends, by the wall clock of the shift.
func shiftEnds(o models.Officer, at time.Time) (string, bool) {
	if len(o.Shift) == 0 {
		return "", false
	}
	shift, end := hours(o.Shift), at
	for range 64 { // a shift that goes on for days has no end worth telling
		if end = shift.next(end); !shift.active(end) {
			i := slices.IndexFunc(o.Shift, func(s models.Schedule) bool { return s.Active(at) })
			return end.In(place(o.Shift[i])).Format("15:04"), true
		}
	}
	return "", false
}

// skillWords is a skill as people say it.
func skillWords(skill string) string { return strings.ReplaceAll(skill, "_", " ") }
