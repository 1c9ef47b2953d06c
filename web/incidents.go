package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// openQuery finds what is not closed.
var openQuery = storage.Query{States: []models.State{models.StateNew, models.StateAcknowledged, models.StateResolved}}

type incidentQuery struct {
	States     []string  `query:"state,explode" maxItems:"8" enum:"new,acknowledged,resolved,closed" doc:"repeat for several"`
	Cameras    []string  `query:"camera,explode" maxItems:"256"`
	Zones      []string  `query:"zone,explode" maxItems:"256"`
	Kinds      []string  `query:"kind,explode" maxItems:"32"`
	Severities []string  `query:"severity,explode" maxItems:"8" enum:"low,medium,high,critical"`
	Verdicts   []string  `query:"verdict,explode" maxItems:"8" enum:"true,nuisance,none" doc:"what people judged the alarm to be; none: nobody has"`
	Labels     []string  `query:"label,explode" maxItems:"64"`
	Footage    []string  `query:"footage,explode" maxItems:"8" enum:"recording,pending,stored,none,deleted"`
	Numbers    []int64   `query:"number,explode" maxItems:"200"`
	Officers   []string  `query:"officer,explode" maxItems:"64" doc:"user names of those who have it; none: nobody"`
	Types      []string  `query:"type,explode" maxItems:"64" doc:"of the policy's; none: not classified"`
	Tags       []string  `query:"tag,explode" maxItems:"50"`
	Sites      []string  `query:"site,explode" maxItems:"64"`
	Origins    []string  `query:"origin,explode" maxItems:"8" enum:"detection,report,patrol,access,device"`
	Series     []string  `query:"series,explode" maxItems:"64" doc:"IDs; none: in no series"`
	Overdue    bool      `query:"overdue" doc:"only those with a promise that was not kept in time and is still open"`
	Held       string    `query:"held" enum:"true,false" doc:"only those with a legal hold, or without one"`
	MinDwell   float64   `query:"min_dwell" minimum:"0" maximum:"31536000" doc:"only what lasted at least so many seconds"`
	Text       string    `query:"text" maxLength:"200" doc:"only records that hold each of these words: in camera, zone, kind, label, notes, or the reason of a hold"`
	From       time.Time `query:"from" doc:"only what went on at or after this time"`
	To         time.Time `query:"to" doc:"only what went on at or before this time"`
	Order      string    `query:"order" enum:"newest,queue" default:"newest" doc:"newest alarm first, or as a queue: most severe first, then oldest alarm"`
	Limit      int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	After      string    `query:"after" maxLength:"1024" doc:"the cursor next of the page before"`
}

// IncidentPage is one page of incidents.
type IncidentPage struct {
	Items []models.Incident `json:"items" doc:"without the paths and curves of their events, which GET /api/incidents/{id} gives"`
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

type judgeStep struct {
	OneIncident
	Body struct {
		Verdict models.Verdict  `json:"verdict" enum:"true,nuisance"`
		Reason  models.Nuisance `json:"reason,omitempty" enum:"rain,headlight,animal,shadow,insect,reflection,known_person,other" doc:"of a nuisance, which needs one"`
		Note    string          `json:"note,omitempty" maxLength:"4000" doc:"for the judgement and the incident's log"`
	}
}

// acknowledgeStep takes an incident, and may say in the same breath what it is.
type acknowledgeStep struct {
	OneIncident
	Body *struct {
		Verdict models.Verdict  `json:"verdict,omitempty" enum:"true,nuisance" doc:"judges the alarm too"`
		Reason  models.Nuisance `json:"reason,omitempty" enum:"rain,headlight,animal,shadow,insect,reflection,known_person,other" doc:"of a nuisance, which needs one"`
		Note    string          `json:"note,omitempty" maxLength:"4000" doc:"for the incident's log, and for the judgement"`
	} `required:"false"`
}

type incidentAnswer struct {
	ETag string `header:"ETag" doc:"edition of the record, for If-Match"`
	Body models.Incident
}

func (s *Server) describeIncidents(api huma.API) {
	tags := []string{"incidents"}
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "list-incidents", Method: http.MethodGet, Path: "/api/incidents", Tags: tags,
		Summary: "List incidents", Errors: []int{400, 401, 403, 422},
		RejectUnknownQueryParameters: true, // a misspelt filter would show what was not asked for
	}), s.listIncidents)
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "get-incident", Method: http.MethodGet, Path: "/api/incidents/{id}", Tags: tags,
		Summary: "Get one incident", Errors: []int{401, 403, 404},
	}), func(ctx context.Context, in *OneIncident) (*incidentAnswer, error) {
		found, err := s.incident(ctx, in.ID, models.RightView)
		if err != nil {
			return nil, err
		}
		// An alarm must be read even when the custody log cannot be written, or nobody
		// could answer it; its pictures and clip are refused then, and the log of the program says why.
		_ = s.seen(ctx, found, models.RolePicture)
		return answerOf(found), nil
	})
	huma.Register(api, needs(models.RightWork, huma.Operation{
		OperationID: "acknowledge-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/acknowledge", Tags: tags,
		Summary: "Take an incident", Description: "From new to acknowledged; 409 when somebody else was faster. With a verdict it is " +
			"judged in the same step: both happen, or neither.",
		Errors: []int{401, 403, 404, 409, 413, 422}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), s.acknowledge)
	huma.Register(api, needs(models.RightWork, huma.Operation{
		OperationID: "judge-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/judgement", Tags: tags,
		Summary: "Say what an alarm was", Description: "True, or nuisance with a reason. Possible in every state, and again: " +
			"the log keeps every judgement.",
		Errors: []int{401, 403, 404, 413, 422}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), func(ctx context.Context, in *judgeStep) (*incidentAnswer, error) {
		return s.change(ctx, in.ID, func(rec *models.Incident, who string, at time.Time) error {
			return incident.Judge(rec, models.Judgement{Verdict: in.Body.Verdict, Reason: in.Body.Reason, Note: in.Body.Note, By: who, At: at})
		})
	})
	huma.Register(api, needs(models.RightClose, huma.Operation{
		OperationID: "close-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/close", Tags: tags,
		Summary: "Close an incident", Description: "Its file must be whole: 422 names everything that its type requires and that is missing. An alarm that was judged a " +
			"nuisance needs none of it. What happens afterwards opens a new incident.",
		Errors: []int{401, 403, 404, 409, 413, 422}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), s.close)
}

func (s *Server) listIncidents(ctx context.Context, q *incidentQuery) (*struct{ Body IncidentPage }, error) {
	if !q.From.IsZero() && !q.To.IsZero() && q.To.Before(q.From) {
		return nil, huma.Error422UnprocessableEntity("to is before from")
	}
	query := storage.Query{
		States: named[models.State](q.States), Cameras: named[models.CameraID](q.Cameras), Zones: named[models.ZoneID](q.Zones),
		Kinds: named[models.Kind](q.Kinds), Severities: named[models.Severity](q.Severities),
		Labels: q.Labels, Footage: named[models.FootageState](q.Footage), MinDwell: time.Duration(q.MinDwell * float64(time.Second)), Text: q.Text,
		Verdicts: verdicts(q.Verdicts), From: q.From, To: q.To, Limit: q.Limit, After: q.After, Brief: true,
	}
	query.Numbers, query.Officers, query.Types, query.Tags = q.Numbers, orNone(q.Officers), orNone(q.Types), q.Tags
	query.Sites, query.Origins, query.Series = q.Sites, named[models.Origin](q.Origins), orNone(q.Series)
	if q.Overdue {
		query.DueBefore = s.Now().UTC()
	}
	if q.Held != "" {
		held := q.Held == "true"
		query.Held = &held
	}
	if q.Order == "queue" {
		query.Order = storage.OrderQueue
	}
	page, open := storage.Page{}, openQuery
	var none bool
	if query.Cameras, none = s.visible(ctx, models.RightView, query.Cameras); !none {
		var err error
		if page, err = s.Incidents.List(ctx, query); err != nil {
			return nil, s.fail(ctx, "incidents", err)
		}
	}
	open.Cameras, _ = s.visible(ctx, models.RightView, nil)
	count, err := s.Incidents.Count(ctx, open)
	if err != nil {
		return nil, s.fail(ctx, "incidents", err)
	}
	items := make([]models.Incident, len(page.Items))
	for i, in := range page.Items {
		items[i] = whole(in)
	}
	return &struct{ Body IncidentPage }{IncidentPage{Items: items, Next: page.Next, Open: count}}, nil
}

func (s *Server) acknowledge(ctx context.Context, in *acknowledgeStep) (*incidentAnswer, error) {
	var j models.Judgement
	if in.Body != nil {
		j.Verdict, j.Reason, j.Note = in.Body.Verdict, in.Body.Reason, in.Body.Note
	}
	return s.change(ctx, in.ID, func(rec *models.Incident, who string, at time.Time) error {
		if j.Verdict == "" && j.Reason == "" {
			return incident.Acknowledge(rec, who, j.Note, at)
		}
		// The note goes with the judgement; the log need not say it twice.
		if err := incident.Acknowledge(rec, who, "", at); err != nil {
			return err
		}
		j.By, j.At = who, at
		return incident.Judge(rec, j)
	})
}

func (s *Server) close(ctx context.Context, in *incidentStep) (*incidentAnswer, error) {
	note := ""
	if in.Body != nil {
		note = in.Body.Note
	}
	answer, err := s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
		return d.Close(rec, who, note, at)
	})
	if err == nil && s.Closed != nil {
		s.Closed(answer.Body)
	}
	return answer, err
}

// change takes one step on an incident, for the person who asks, and tells everybody when
// it changed something.
func (s *Server) change(ctx context.Context, id string, step func(in *models.Incident, who string, at time.Time) error) (*incidentAnswer, error) {
	who := requestOf(ctx).who.user
	in, different, err := edit(func(change func(*models.Incident) error) (models.Incident, error) {
		return s.Incidents.Update(ctx, models.IncidentID(id), change)
	}, func(rec *models.Incident) error { return step(rec, who, s.Now().UTC()) })
	if err != nil {
		return nil, s.fail(ctx, "incident "+id, err)
	}
	if different {
		s.changed(ctx, in)
	}
	return answerOf(in), nil
}

// errRepeated keeps what was asked once more from being stored as another revision.
var errRepeated = errors.New("asked once more")

// edit lets a step change a record through update, and says whether it did: every change is
// an entry of the log, so a record whose log did not grow is as it was, and stays that
// revision.
func edit(update func(func(*models.Incident) error) (models.Incident, error), step func(*models.Incident) error) (in models.Incident, different bool, err error) {
	var same models.Incident
	in, err = update(func(rec *models.Incident) error {
		entries := len(rec.Log)
		if err := step(rec); err != nil {
			return err
		}
		if len(rec.Log) == entries {
			same = *rec
			return errRepeated
		}
		return nil
	})
	if errors.Is(err, errRepeated) {
		return same, false, nil
	}
	return in, err == nil, err
}

// verdicts are those of a query, in which none stands for no judgement.
func verdicts(values []string) []models.Verdict {
	out := named[models.Verdict](values)
	for i, v := range out {
		if v == "none" {
			out[i] = ""
		}
	}
	return out
}

// orNone are the values of a query, in which none stands for nothing.
func orNone(values []string) []string {
	out := slices.Clone(values)
	for i, v := range out {
		if v == "none" {
			out[i] = ""
		}
	}
	return out
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
