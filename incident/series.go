package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// MaxSeries is how many incidents one series can hold: as many as one package.
const MaxSeries = 100

// BeginSeries makes a series of which nothing belongs to it yet.
func BeginSeries(id, name, description, who string, at time.Time) (models.Series, error) {
	s := models.Series{ID: id, Name: strings.TrimSpace(name), Description: description, State: models.SeriesOpen, Opened: at.UTC(), By: who,
		Incidents: []models.IncidentID{}}
	if err := checkSeries(s.Name, description); err != nil {
		return models.Series{}, err
	}
	noteSeries(&s, who, "series begun", "", at)
	return s, nil
}

func checkSeries(name, description string) error {
	if err := line("name", name); err != nil {
		return err
	}
	return optional("description", description, MaxText)
}

// DescribeSeries gives a series another name or description.
func DescribeSeries(s *models.Series, name, description, who string, at time.Time) error {
	name = strings.TrimSpace(name)
	if err := checkSeries(name, description); err != nil {
		return err
	}
	changes := []models.Changed{changed("name", s.Name, name), changed("description", s.Description, description)}
	if len(differing(changes)) == 0 {
		return nil
	}
	s.Name, s.Description = name, description
	noteSeries(s, who, "described", "", at, changes...)
	return nil
}

// AddToSeries makes an incident part of a series: the series lists it, and it names the
// series. Both records are changed, each with an entry in its log. To repeat it changes
// nothing.
func AddToSeries(s *models.Series, in *models.Incident, who, note string, at time.Time) error {
	switch {
	case in.Linked.Series == s.ID && slices.Contains(s.Incidents, in.ID):
		return nil
	case s.State == models.SeriesClosed:
		return fmt.Errorf("series: %s is closed; reopen it first: %w", SeriesName(*s), ErrState)
	case in.Linked.Series != "" && in.Linked.Series != s.ID:
		return fmt.Errorf("series: %s belongs to another series; take it out there first: %w", called(*in), ErrState)
	case in.Linked.Into != "":
		return fmt.Errorf("series: %s was merged into another incident; add that one: %w", called(*in), ErrState)
	case len(s.Incidents) >= MaxSeries:
		return fmt.Errorf("series: there are %d, which is the most: %w", MaxSeries, ErrFull)
	}
	if err := optional("note", note, MaxNote); err != nil {
		return err
	}
	if !slices.Contains(s.Incidents, in.ID) {
		s.Incidents = append(slices.Clone(s.Incidents), in.ID)
	}
	noteSeries(s, who, "added "+called(*in), note, at)
	in.Linked.Series = s.ID
	enter(in, who, "added to a series", note, at, models.Changed{Field: "series", To: SeriesName(*s)})
	return nil
}

// TakeFromSeries parts an incident from a series.
func TakeFromSeries(s *models.Series, in *models.Incident, who, note string, at time.Time) error {
	if s.State == models.SeriesClosed {
		return fmt.Errorf("series: %s is closed; reopen it first: %w", SeriesName(*s), ErrState)
	}
	i := slices.Index(s.Incidents, in.ID)
	if i < 0 {
		return fmt.Errorf("series: %s does not belong to %s: %w", called(*in), SeriesName(*s), ErrNone)
	}
	if err := prose("reason", note, MaxNote); err != nil {
		return err
	}
	s.Incidents = slices.Delete(slices.Clone(s.Incidents), i, i+1)
	noteSeries(s, who, "took out "+called(*in), note, at)
	in.Linked.Series = ""
	enter(in, who, "taken out of a series", note, at, models.Changed{Field: "series", From: SeriesName(*s)})
	return nil
}

// CloseSeries ends the work on a series, and ReopenSeries goes on with it.
func CloseSeries(s *models.Series, who, note string, at time.Time) error {
	return turnSeries(s, models.SeriesClosed, "series closed", who, note, at)
}

// ReopenSeries goes on with a series that was closed.
func ReopenSeries(s *models.Series, who, note string, at time.Time) error {
	return turnSeries(s, models.SeriesOpen, "series reopened", who, note, at)
}

func turnSeries(s *models.Series, to models.SeriesState, what, who, note string, at time.Time) error {
	if s.State == to {
		return fmt.Errorf("series: it is %s already: %w", to, ErrState)
	}
	if err := prose("reason", note, MaxNote); err != nil {
		return err
	}
	s.State = to
	noteSeries(s, who, what, note, at)
	return nil
}

func noteSeries(s *models.Series, who, what, note string, at time.Time, changed ...models.Changed) {
	s.Log = append(s.Log, models.Action{At: at.UTC(), Who: who, What: what, Note: note, Changed: differing(changed)})
	s.Edition = int64(len(s.Log))
}

// SeriesName is what people call a series.
func SeriesName(s models.Series) string { return fmt.Sprintf("S%d %s", s.Number, s.Name) }
