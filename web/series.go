package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// SeriesAnswer is a series with what its incidents have in common.
type SeriesAnswer struct {
	models.Series
	// Items are its incidents as far as whoever asks may see them.
	Items   []models.Incident      `json:"items" doc:"its incidents whose cameras you may see, without paths, curves and logs"`
	Hidden  int                    `json:"hidden" doc:"how many more belong to it"`
	Profile incident.SeriesProfile `json:"profile" doc:"of those items"`
}

// SeriesPage is one page of series.
type SeriesPage struct {
	Items []models.Series `json:"items" doc:"without their logs; incidents are left out for those who may not see all cameras"`
	Next  string          `json:"next" doc:"cursor of the next page; empty on the last"`
}

// OneSeries names the series that a request is about.
type OneSeries struct {
	ID string `path:"series" maxLength:"64" pattern:"^[A-Za-z0-9]+$" doc:"the series' ID"`
}

type seriesAnswer struct {
	ETag string `header:"ETag"`
	Body SeriesAnswer
}

// Paging is which page of a list is asked for.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After string `query:"after" maxLength:"64" doc:"the cursor next of the page before"`
}

// SeriesFields are what people say of a series.
type SeriesFields struct {
	Name        string `json:"name" minLength:"1" maxLength:"200" example:"Window shoppers"`
	Description string `json:"description,omitempty" maxLength:"20000"`
}

type seriesOrder struct {
	Keyed
	Body struct {
		SeriesFields
		Incidents []string `json:"incidents,omitempty" maxItems:"100" doc:"IDs of the first that belong to it"`
		Note      string   `json:"note,omitempty" maxLength:"4000" doc:"why; for the log of each"`
	}
}

type seriesEdit struct {
	OneSeries
	Expected
	Body SeriesFields
}

type seriesAdd struct {
	OneSeries
	Body struct {
		Incidents []string `json:"incidents" minItems:"1" maxItems:"100" doc:"their IDs"`
		Note      string   `json:"note,omitempty" maxLength:"4000" doc:"why; for the log of each" example:"the same jacket, the same way in"`
	}
}

type seriesTake struct {
	OneSeries
	Incident string `path:"incident" maxLength:"256"`
	Body     struct {
		Reason string `json:"reason" minLength:"1" maxLength:"4000"`
	}
}

type seriesTurn struct {
	OneSeries
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"4000" example:"the offender was caught"`
	}
}

type seriesDelivery struct {
	OneSeries
	Keyed
	Body struct {
		To        string `json:"to" minLength:"1" maxLength:"200" example:"Insp. Berger, city police"`
		Why       string `json:"why" minLength:"1" maxLength:"4000"`
		Reference string `json:"reference,omitempty" maxLength:"200"`
		How       string `json:"how" minLength:"1" maxLength:"200" example:"by hand on a stick"`
		SHA256    string `json:"sha256,omitempty" maxLength:"64" pattern:"^([0-9a-f]{64})?$" doc:"of the package"`
	}
}

// seriesOp is an operation on series.
func seriesOp(id, method, path, summary, description string, errs ...int) huma.Operation {
	op := deskOp(id, method, path, summary, description, append(errs, 501)...)
	op.Tags = []string{"series"}
	return op
}

func (s *Server) describeSeries(api huma.API) {
	huma.Register(api, needs(models.RightView, seriesOp("list-series", http.MethodGet, "/api/series", "List series", "The newest first.", 400)), s.listSeries)
	huma.Register(api, needs(models.RightView, seriesOp("get-series", http.MethodGet, "/api/series/{series}", "Get one series",
		"With its incidents and a profile of how the offender works, as far as they tell.", 404)), func(ctx context.Context, in *OneSeries) (*seriesAnswer, error) {
		return s.seriesWith(ctx, in.ID)
	})
	huma.Register(api, needs(models.RightInvestigate, seriesOp("create-series", http.MethodPost, "/api/series", "Begin a series",
		"Of incidents that you believe to be the work of the same offender.", 404, 409)), s.createSeries)
	huma.Register(api, needs(models.RightInvestigate, seriesOp("describe-series", http.MethodPut, "/api/series/{series}", "Name and describe a series",
		"The log keeps what was said before.", 404, 412, 428)), s.describeOneSeries)
	huma.Register(api, needs(models.RightInvestigate, seriesOp("add-to-series", http.MethodPost, "/api/series/{series}/incidents", "Add incidents to a series",
		"Each belongs to one series at most. To repeat it changes nothing.", 404, 409)), func(ctx context.Context, in *seriesAdd) (*seriesAnswer, error) {
		return s.addToSeries(ctx, in.ID, in.Body.Incidents, in.Body.Note)
	})
	huma.Register(api, needs(models.RightInvestigate, seriesOp("take-from-series", http.MethodDelete, "/api/series/{series}/incidents/{incident}",
		"Take an incident out of a series", "Both logs say why.", 404, 409)), s.takeFromSeries)
	huma.Register(api, needs(models.RightInvestigate, seriesOp("close-series", http.MethodPost, "/api/series/{series}/close", "Close a series", "", 404, 409)),
		func(ctx context.Context, in *seriesTurn) (*seriesAnswer, error) {
			return s.turnSeries(ctx, in, incident.CloseSeries)
		})
	huma.Register(api, needs(models.RightInvestigate, seriesOp("reopen-series", http.MethodPost, "/api/series/{series}/reopen", "Reopen a series", "", 404, 409)),
		func(ctx context.Context, in *seriesTurn) (*seriesAnswer, error) {
			return s.turnSeries(ctx, in, incident.ReopenSeries)
		})
	huma.Register(api, needs(models.RightExport, seriesOp("deliver-series", http.MethodPost, "/api/series/{series}/deliveries",
		"Record that the package of a series was handed over", "On each of its incidents. POST /api/exhibits makes the package.", 404, 409)), s.deliverSeries)
}

func (s *Server) listSeries(ctx context.Context, q *Paging) (*struct{ Body SeriesPage }, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	page, err := s.Ledger.ListSeries(ctx, storage.PaperQuery{Limit: q.Limit, After: q.After})
	if err != nil {
		return nil, s.fail(ctx, "series", err)
	}
	items := orEmpty(page.Items)
	for i := range items {
		items[i].Log, items[i].Incidents = []models.Action{}, orEmpty(items[i].Incidents)
		if !requestOf(ctx).who.everywhere(models.RightView) {
			items[i].Incidents = []models.IncidentID{} // they name cameras
		}
	}
	return &struct{ Body SeriesPage }{SeriesPage{Items: items, Next: page.Next}}, nil
}

// seriesWith answers a series with its incidents and their profile.
func (s *Server) seriesWith(ctx context.Context, id string) (*seriesAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	found, err := s.Ledger.GetSeries(ctx, id)
	if err != nil {
		return nil, s.fail(ctx, "series "+id, err)
	}
	records, err := s.Ledger.Comparable(ctx, found.Incidents)
	if err != nil {
		return nil, s.fail(ctx, "series "+id, err)
	}
	byID := map[models.IncidentID]models.Incident{}
	for _, in := range records {
		if s.sees(ctx, models.RightView, in.Camera) {
			byID[in.ID] = in
		}
	}
	out := SeriesAnswer{Series: found, Items: []models.Incident{}}
	var seen []models.Incident
	shown := []models.IncidentID{} // an ID names its camera
	for _, id := range found.Incidents {
		in, ok := byID[id]
		if !ok {
			out.Hidden++
			continue
		}
		shown = append(shown, id)
		seen = append(seen, in)
		out.Items = append(out.Items, brief(in))
	}
	out.Profile = incident.ProfileOf(seen, s.clocks())
	out.Log, out.Incidents = orEmpty(out.Log), shown
	return &seriesAnswer{ETag: seriesTag(found), Body: out}, nil
}

// brief is an incident as lists show it.
func brief(in models.Incident) models.Incident {
	in = whole(in)
	in.Log = []models.Action{}
	for i := range in.Events {
		in.Events[i].Path, in.Events[i].Curve = []models.PathPoint{}, nil
	}
	return in
}

func seriesTag(s models.Series) string { return `"e` + strconv.FormatInt(s.Edition, 10) + `"` }

func (s *Server) createSeries(ctx context.Context, in *seriesOrder) (*seriesAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	for _, id := range in.Body.Incidents {
		if _, err := s.incident(ctx, id, models.RightInvestigate); err != nil {
			return nil, err
		}
	}
	who, at := requestOf(ctx).who.user, s.Now().UTC()
	begun, err := incident.BeginSeries(s.entryID(ctx, "series", in.Keyed), in.Body.Name, in.Body.Description, who, at)
	if err != nil {
		return nil, s.fail(ctx, "series", err)
	}
	stored, err := s.Ledger.CreateSeries(ctx, begun)
	if err != nil {
		return nil, s.fail(ctx, "series", err)
	}
	s.audit(ctx, models.Custody{Act: models.ActChanged, Note: "series begun"})
	return s.addToSeries(ctx, stored.ID, in.Body.Incidents, in.Body.Note)
}

func (s *Server) describeOneSeries(ctx context.Context, in *seriesEdit) (*seriesAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	if in.IfMatch == "" {
		return nil, huma.NewError(http.StatusPreconditionRequired, "say with If-Match which edition of the series you have read")
	}
	return s.changeSeries(ctx, in.ID, func(found *models.Series, who string, at time.Time) error {
		if tag := seriesTag(*found); in.IfMatch != "*" && !strings.Contains(in.IfMatch, tag) {
			return huma.Error412PreconditionFailed("somebody has changed the series since you read it: it is now " + tag)
		}
		return incident.DescribeSeries(found, in.Body.Name, in.Body.Description, who, at)
	})
}

// changeSeries takes one step on a series, for the person who asks.
func (s *Server) changeSeries(ctx context.Context, id string, step func(found *models.Series, who string, at time.Time) error) (*seriesAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	who, before := requestOf(ctx).who.user, int64(0)
	changed, err := s.Ledger.UpdateSeries(ctx, id, func(found *models.Series) error {
		before = found.Edition
		return step(found, who, s.Now().UTC())
	})
	if err != nil {
		return nil, s.seriesFail(ctx, id, err)
	}
	if changed.Edition > before {
		s.audit(ctx, models.Custody{Act: models.ActChanged, Note: changed.Log[len(changed.Log)-1].What})
	}
	return s.seriesWith(ctx, id)
}

// seriesFail is the answer to an error; one that is an answer already stays it.
func (s *Server) seriesFail(ctx context.Context, id string, err error) error {
	if answer, ok := err.(huma.StatusError); ok {
		return answer
	}
	return s.fail(ctx, "series "+id, err)
}

func (s *Server) turnSeries(ctx context.Context, in *seriesTurn, turn func(found *models.Series, who, note string, at time.Time) error) (*seriesAnswer, error) {
	return s.changeSeries(ctx, in.ID, func(found *models.Series, who string, at time.Time) error {
		return turn(found, who, in.Body.Reason, at)
	})
}

func (s *Server) addToSeries(ctx context.Context, id string, incidents []string, note string) (*seriesAnswer, error) {
	for _, one := range incidents {
		if err := s.linkSeries(ctx, id, one, func(found *models.Series, in *models.Incident, who string, at time.Time) error {
			return incident.AddToSeries(found, in, who, note, at)
		}); err != nil {
			return nil, err
		}
	}
	return s.seriesWith(ctx, id)
}

func (s *Server) takeFromSeries(ctx context.Context, in *seriesTake) (*seriesAnswer, error) {
	if err := s.linkSeries(ctx, in.ID, in.Incident, func(found *models.Series, rec *models.Incident, who string, at time.Time) error {
		return incident.TakeFromSeries(found, rec, who, in.Body.Reason, at)
	}); err != nil {
		return nil, err
	}
	return s.seriesWith(ctx, in.ID)
}

// linkSeries takes one step on a series and an incident at once, and tells everybody.
func (s *Server) linkSeries(ctx context.Context, id, one string, step func(found *models.Series, in *models.Incident, who string, at time.Time) error) error {
	if s.Ledger == nil {
		return noLedger
	}
	before, err := s.incident(ctx, one, models.RightInvestigate)
	if err != nil {
		return err
	}
	who := requestOf(ctx).who.user
	_, after, err := s.Ledger.LinkSeries(ctx, id, before.ID, func(found *models.Series, in *models.Incident) error {
		before.Edition = in.Edition
		return step(found, in, who, s.Now().UTC())
	})
	if err != nil {
		return s.seriesFail(ctx, id, err)
	}
	if after.Edition > before.Edition {
		s.changed(ctx, after)
	}
	return nil
}

func (s *Server) deliverSeries(ctx context.Context, in *seriesDelivery) (*seriesAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	found, err := s.Ledger.GetSeries(ctx, in.ID)
	if err != nil {
		return nil, s.fail(ctx, "series "+in.ID, err)
	}
	for _, id := range found.Incidents {
		if _, err := s.incident(ctx, string(id), models.RightExport); err != nil {
			return nil, err
		}
	}
	b := in.Body
	v := models.Delivery{ID: s.entryID(ctx, "delivery "+in.ID, in.Keyed), To: b.To, Why: b.Why, Reference: b.Reference, How: b.How, SHA256: b.SHA256}
	for _, id := range found.Incidents {
		if _, err := s.step(ctx, string(id), func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
			return d.AddDelivery(rec, who, v, at)
		}); err != nil {
			return nil, err
		}
	}
	return s.seriesWith(ctx, in.ID)
}
