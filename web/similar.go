package web

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// Ledger is where series, the log book and what reports count are kept. A storage.Index of
// this house is one.
type Ledger interface {
	storage.SeriesBook
	storage.Journal
	storage.Tallier
	storage.Outliner
	Entries(context.Context, storage.EntryQuery) (storage.EntryPage, error)
}

// Similar are the incidents that are like one, and the series that they belong to.
type Similar struct {
	Items []incident.Match `json:"items" doc:"the most similar first"`
	// Series are suggestions: nothing is added to one by itself.
	Series []SimilarSeries `json:"series" doc:"open series of those incidents; nothing is added to one by itself"`
	Least  float64         `json:"least" doc:"the score below which nothing is suggested"`
}

// SimilarSeries is a series to which an incident may belong.
type SimilarSeries struct {
	ID      string  `json:"id"`
	Number  int64   `json:"number"`
	Name    string  `json:"name"`
	Matches int     `json:"matches" doc:"how many of its incidents are like this one"`
	Score   float64 `json:"score" doc:"of the most similar one"`
}

func (s *Server) describeSimilar(api huma.API) {
	huma.Register(api, needs(models.RightView, deskOp("list-similar", http.MethodGet, "/api/incidents/{id}/similar",
		"Incidents that are like this one", "By place, hour, weekday, kind, type, label, dwell, path, entry, tags, words and looks: each score with its "+
			"reasons in words. Within 180 days; nothing is merged or added to a series by itself.", 404, 501)), s.similar)
}

func (s *Server) similar(ctx context.Context, in *OneIncident) (*struct{ Body Similar }, error) {
	found, err := s.incident(ctx, in.ID, models.RightView)
	if err != nil {
		return nil, err
	}
	if s.Ledger == nil {
		return nil, noLedger
	}
	matches, err := SimilarTo(ctx, s.Ledger, found, s.clocks(), func(id models.CameraID) bool { return s.sees(ctx, models.RightView, id) })
	if err != nil {
		return nil, s.fail(ctx, "similar incidents", err)
	}
	answer := Similar{Items: matches, Series: []SimilarSeries{}, Least: incident.LeastSimilar}
	if answer.Series, err = s.similarSeries(ctx, found, answer.Items); err != nil {
		return nil, s.fail(ctx, "similar incidents", err)
	}
	return &struct{ Body Similar }{answer}, nil
}

// SimilarTo finds what is like an incident among those whose cameras may be seen: outlines
// first, of all that share something with it, then the records of the few that promise most.
func SimilarTo(ctx context.Context, x storage.Outliner, in models.Incident, clocks incident.Clocks, sees func(models.CameraID) bool) ([]incident.Match, error) {
	outlines, err := x.Outlines(ctx, storage.OutlineQuery{Camera: in.Camera, Zone: in.Zone, Type: in.Triage.Type, Tags: in.Triage.Tags,
		Hours: hoursAround(in.Alarm), From: in.Alarm.Add(-incident.SimilarPeriod), To: in.Alarm.Add(incident.SimilarPeriod)})
	if err != nil {
		return nil, err
	}
	outlines = slices.DeleteFunc(outlines, func(o models.Outline) bool { return !sees(o.Camera) })
	records, err := x.Comparable(ctx, incident.Shortlist(in, outlines, clocks))
	if err != nil {
		return nil, err
	}
	return incident.Similar(in, records, clocks), nil
}

// hoursAround are the hours of the day in UTC that are near enough to be the same habit,
// with one more on either side because the clocks may have changed between.
func hoursAround(at time.Time) []int {
	const reach = 4
	var hours []int
	for h := -reach; h <= reach; h++ {
		hours = append(hours, (at.UTC().Hour()+h+24)%24)
	}
	return hours
}

func (s *Server) similarSeries(ctx context.Context, in models.Incident, matches []incident.Match) ([]SimilarSeries, error) {
	out := []SimilarSeries{}
	for _, m := range matches {
		if m.Series == "" || m.Series == in.Linked.Series {
			continue
		}
		if i := slices.IndexFunc(out, func(o SimilarSeries) bool { return o.ID == m.Series }); i >= 0 {
			out[i].Matches++
			continue
		}
		found, err := s.Ledger.GetSeries(ctx, m.Series)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case found.State == models.SeriesOpen:
			out = append(out, SimilarSeries{ID: found.ID, Number: found.Number, Name: found.Name, Matches: 1, Score: m.Score})
		}
	}
	slices.SortStableFunc(out, func(a, b SimilarSeries) int {
		return cmp.Or(cmp.Compare(b.Matches, a.Matches), cmp.Compare(b.Score, a.Score))
	})
	return out, nil
}

var noLedger = absent("the ledger of series, log book and reports")

// clocks are those by which sites count days and hours: their own, or the recorder's.
func (s *Server) clocks() incident.Clocks {
	places := map[string]*time.Location{}
	for _, site := range s.desk().Policy.Sites {
		if site.TimeZone == "" {
			continue
		}
		if place, err := time.LoadLocation(site.TimeZone); err == nil {
			places[site.ID] = place
		}
	}
	return func(site string) *time.Location { return cmp.Or(places[site], time.Local) }
}
