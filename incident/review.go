package incident

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// SaveReview writes what was learnt from an incident that is over. What was written before
// is kept in the log; changes that are done stay done.
func (d Desk) SaveReview(in *models.Incident, who string, r models.Review, at time.Time) error {
	if in.State != models.StateResolved && in.State != models.StateClosed {
		return fmt.Errorf("review: incident is %s, not yet over: %w", in.State, ErrState)
	}
	if err := checkReview(r); err != nil {
		return fmt.Errorf("review: %w", err)
	}
	before := orZero(in.Review)
	t := now(in, at)
	r.By, r.At, r.Changes = who, t, slices.Clone(r.Changes)
	for i := range r.Changes {
		c := &r.Changes[i]
		c.Due, c.Done, c.DoneBy = utc(c.Due), time.Time{}, ""
		if c.ID == "" {
			c.ID = freeID(append(slices.Clone(before.Changes), r.Changes...))
		}
		if j := slices.IndexFunc(before.Changes, func(o models.Change) bool { return o.ID == c.ID }); j >= 0 {
			c.Done, c.DoneBy = before.Changes[j].Done, before.Changes[j].DoneBy
		}
	}
	in.Review, in.Course.Reviewed = &r, t
	fields := []models.Changed{changed("what happened", before.Happened, r.Happened), changed("how it unfolded", before.Unfolded, r.Unfolded),
		changed("signs", before.Signs, r.Signs), changed("summary", before.Summary, r.Summary)}
	fields = append(fields, changes(before.Changes, r.Changes)...)
	enter(in, who, "reviewed", "", at, fields...)
	return nil
}

// changes are those that a review has more, fewer or otherwise than before.
func changes(before, after []models.Change) (out []models.Changed) {
	for _, c := range after {
		was := ""
		if i := slices.IndexFunc(before, func(o models.Change) bool { return o.ID == c.ID }); i >= 0 {
			was = changeWords(before[i])
		}
		out = append(out, changed("change "+c.ID, was, changeWords(c)))
	}
	for _, c := range before {
		if !slices.ContainsFunc(after, func(o models.Change) bool { return o.ID == c.ID }) {
			out = append(out, changed("change "+c.ID, changeWords(c), ""))
		}
	}
	return out
}

func changeWords(c models.Change) string {
	s := c.Kind + ": " + c.Text
	if c.Owner != "" {
		s += ", " + c.Owner
	}
	if !c.Due.IsZero() {
		s += ", until " + stamp(c.Due)
	}
	return s
}

// freeID is a number that no change has.
func freeID(taken []models.Change) string {
	for n := 1; ; n++ {
		id := strconv.Itoa(n)
		if !slices.ContainsFunc(taken, func(c models.Change) bool { return c.ID == id }) {
			return id
		}
	}
}

func checkReview(r models.Review) error {
	for _, f := range []struct{ field, text string }{{"happened", r.Happened}, {"unfolded", r.Unfolded}, {"signs", r.Signs}} {
		if err := prose(f.field, f.text, MaxText); err != nil {
			return err
		}
	}
	if err := optional("summary", r.Summary, MaxText); err != nil {
		return err
	}
	if len(r.Changes) > MaxEntries {
		return fmt.Errorf("changes: there are %d, the most are %d: %w", len(r.Changes), MaxEntries, ErrField)
	}
	for i, c := range r.Changes {
		switch {
		case c.Kind != "task" && c.Kind != "zone":
			return fmt.Errorf("changes: the kind is task or zone: %w", ErrField)
		case c.Kind == "zone" && (c.Camera == "" || c.Zone == ""):
			return fmt.Errorf("changes: a zone change names camera and zone: %w", ErrField)
		case c.ID != "" && slices.ContainsFunc(r.Changes[:i], func(o models.Change) bool { return o.ID == c.ID }):
			return fmt.Errorf("changes: two have the ID %.60q: %w", c.ID, ErrField)
		}
		if err := optional("changes", c.ID, MaxLine); err != nil {
			return err
		}
		if err := prose("changes", c.Text, MaxNote); err != nil {
			return err
		}
		if err := optional("changes", c.Owner, MaxLine); err != nil {
			return err
		}
	}
	return nil
}

// CarryOut notes that a change which the review wanted has been made.
func (d Desk) CarryOut(in *models.Incident, who, id string, at time.Time) error {
	if in.Review == nil {
		return fmt.Errorf("change %.60q: %w", id, ErrNone)
	}
	r := *in.Review
	r.Changes = slices.Clone(r.Changes)
	i := slices.IndexFunc(r.Changes, func(c models.Change) bool { return c.ID == id })
	if i < 0 {
		return fmt.Errorf("change %.60q: %w", id, ErrNone)
	}
	c := &r.Changes[i]
	if !c.Done.IsZero() {
		return fmt.Errorf("change: %s has made it: %w", c.DoneBy, ErrState)
	}
	c.Done, c.DoneBy = now(in, at), who
	in.Review = &r
	enter(in, who, "change made", c.Text, at)
	return nil
}
