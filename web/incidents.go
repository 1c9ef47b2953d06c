package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// openQuery finds what is not closed.
var openQuery = storage.Query{States: []models.State{models.StateNew, models.StateAcknowledged}}

type incidentQuery struct {
	States     []string  `query:"state,explode" maxItems:"8" enum:"new,acknowledged,closed" doc:"repeat for several"`
	Cameras    []string  `query:"camera,explode" maxItems:"256"`
	Zones      []string  `query:"zone,explode" maxItems:"256"`
	Kinds      []string  `query:"kind,explode" maxItems:"32"`
	Severities []string  `query:"severity,explode" maxItems:"8" enum:"low,medium,high,critical"`
	From       time.Time `query:"from" doc:"only what went on at or after this time"`
	To         time.Time `query:"to" doc:"only what went on at or before this time"`
	Order      string    `query:"order" enum:"newest,queue" default:"newest" doc:"newest alarm first, or as a queue: most severe first, then oldest alarm"`
	Limit      int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After      string    `query:"after" maxLength:"1024" doc:"the cursor next of the page before"`
}

// IncidentPage is one page of incidents.
type IncidentPage struct {
	Items []models.Incident `json:"items" doc:"without the paths of their events, which GET /api/incidents/{id} gives"`
	Next  string            `json:"next" doc:"cursor of the next page; empty on the last"`
	Open  int               `json:"open" doc:"incidents that are not closed, whatever the filters"`
}

// OneIncident names the incident that a request is about.
type OneIncident struct {
	ID string `path:"id" maxLength:"256" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" patternDescription:"an incident's ID" doc:"the incident's ID"`
}

type incidentStep struct {
	OneIncident
	Body *struct {
		Note string `json:"note,omitempty" maxLength:"4000" doc:"for the incident's log"`
	} `required:"false"`
}

type incidentAnswer struct {
	Body models.Incident
}

func (s *Server) describeIncidents(api huma.API) {
	tags := []string{"incidents"}
	huma.Register(api, huma.Operation{
		OperationID: "list-incidents", Method: http.MethodGet, Path: "/api/incidents", Tags: tags,
		Summary: "List incidents", Errors: []int{400, 401, 403, 422},
		RejectUnknownQueryParameters: true, // a misspelt filter would show what was not asked for
	}, s.listIncidents)
	huma.Register(api, huma.Operation{
		OperationID: "get-incident", Method: http.MethodGet, Path: "/api/incidents/{id}", Tags: tags,
		Summary: "Get one incident", Errors: []int{401, 403, 404},
	}, func(ctx context.Context, in *OneIncident) (*incidentAnswer, error) {
		found, err := s.Incidents.Get(ctx, models.IncidentID(in.ID))
		if err != nil {
			return nil, s.fail(ctx, "incident "+in.ID, err)
		}
		return &incidentAnswer{whole(found)}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "acknowledge-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/acknowledge", Tags: tags,
		Summary: "Take an incident", Description: "From new to acknowledged; 409 when somebody else was faster.",
		Errors: []int{401, 403, 404, 409, 413}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}, s.step(incident.Acknowledge, nil))
	huma.Register(api, huma.Operation{
		OperationID: "close-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/close", Tags: tags,
		Summary: "Close an incident", Description: "From acknowledged to closed. What happens afterwards opens a new incident.",
		Errors: []int{401, 403, 404, 409, 413}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}, s.step(incident.Close, func(in models.Incident) {
		if s.Closed != nil {
			s.Closed(in)
		}
	}))
}

func (s *Server) listIncidents(ctx context.Context, q *incidentQuery) (*struct{ Body IncidentPage }, error) {
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		return nil, huma.Error422UnprocessableEntity("to is before from")
	}
	query := storage.Query{
		States: named[models.State](q.States), Cameras: named[models.CameraID](q.Cameras), Zones: named[models.ZoneID](q.Zones),
		Kinds: named[models.Kind](q.Kinds), Severities: named[models.Severity](q.Severities),
		From: q.From, To: q.To, Limit: q.Limit, After: q.After, Brief: true,
	}
	if q.Order == "queue" {
		query.Order = storage.OrderQueue
	}
	page, err := s.Incidents.List(ctx, query)
	if err != nil {
		return nil, s.fail(ctx, "incidents", err)
	}
	count, err := s.Incidents.Count(ctx, openQuery)
	if err != nil {
		return nil, s.fail(ctx, "incidents", err)
	}
	items := make([]models.Incident, len(page.Items))
	for i, in := range page.Items {
		items[i] = whole(in)
	}
	return &struct{ Body IncidentPage }{IncidentPage{Items: items, Next: page.Next, Open: count}}, nil
}

// step is a handler for one step that a person takes.
func (s *Server) step(take func(in *models.Incident, who, note string, at time.Time) error, then func(models.Incident)) func(context.Context, *incidentStep) (*incidentAnswer, error) {
	return func(ctx context.Context, in *incidentStep) (*incidentAnswer, error) {
		who, note := requestOf(ctx).who.user, ""
		if in.Body != nil {
			note = in.Body.Note
		}
		changed, err := s.Incidents.Update(ctx, models.IncidentID(in.ID), func(rec *models.Incident) error {
			return take(rec, who, note, s.Now().UTC())
		})
		if err != nil {
			return nil, s.fail(ctx, "incident "+in.ID, err)
		}
		if err := s.Events.Publish(KindIncident, changed); err != nil {
			s.Log.Error("publish", "incident", changed.ID, "error", err)
		}
		if then != nil {
			then(changed)
		}
		return &incidentAnswer{whole(changed)}, nil
	}
}

func named[T ~string](values []string) []T {
	if len(values) == 0 {
		return nil
	}
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}
