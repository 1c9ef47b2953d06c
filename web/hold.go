package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// Keeper decides how long evidence stays. A storage.Keeper is one. It writes holds into
// the custody log itself.
type Keeper interface {
	Hold(context.Context, models.IncidentID, models.Hold) (models.Incident, error)
	Release(ctx context.Context, id models.IncidentID, who, why string, at time.Time) (models.Incident, error)
	// Expires says when retention may delete the evidence; ok is false for never.
	Expires(models.Incident) (at time.Time, ok bool)
}

type holdStep struct {
	OneIncident
	Body struct {
		Why   string    `json:"why" minLength:"3" maxLength:"2000" doc:"such as the reference of the case"`
		Until time.Time `json:"until,omitzero" doc:"when it ends by itself; absent: when somebody releases it"`
	}
}

type releaseStep struct {
	OneIncident
	Body struct {
		Why string `json:"why" minLength:"3" maxLength:"2000"`
	}
}

// Retention says how long the evidence of an incident stays.
type Retention struct {
	Held    bool         `json:"held" doc:"a hold is in force: nothing is deleted, whatever its age"`
	Hold    *models.Hold `json:"hold,omitempty" doc:"the last one, also when it is over"`
	Expires time.Time    `json:"expires,omitzero" doc:"when retention may delete the evidence; absent: never"`
}

func (s *Server) describeHold(api huma.API) {
	tags := []string{"custody"}
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "get-retention", Method: http.MethodGet, Path: "/api/incidents/{id}/retention", Tags: tags,
		Summary: "How long the evidence of an incident stays", Errors: []int{401, 403, 404, 501},
	}), func(ctx context.Context, in *OneIncident) (*struct{ Body Retention }, error) {
		if s.Keeper == nil {
			return nil, absent("retention")
		}
		found, err := s.incident(ctx, in.ID, models.RightView)
		if err != nil {
			return nil, err
		}
		r := Retention{Held: found.Hold.Active(s.Now()), Hold: found.Hold}
		if at, ok := s.Keeper.Expires(found); ok {
			r.Expires = at.UTC()
		}
		return &struct{ Body Retention }{r}, nil
	})
	huma.Register(api, needs(models.RightHold, huma.Operation{
		OperationID: "hold-incident", Method: http.MethodPost, Path: "/api/incidents/{id}/hold", Tags: tags,
		Summary: "Keep the evidence from being deleted", Description: "A legal hold: retention passes the incident by until the hold ends " +
			"or is released. A second hold takes the place of the first; the log keeps both.",
		Errors: []int{401, 403, 404, 409, 413, 422, 501}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), func(ctx context.Context, in *holdStep) (*incidentAnswer, error) {
		now := s.Now().UTC()
		h := models.Hold{By: requestOf(ctx).who.user, Why: strings.TrimSpace(in.Body.Why), At: now, Until: in.Body.Until.UTC()}
		if len(h.Why) < minReason {
			return nil, huma.Error422UnprocessableEntity("why is blank")
		}
		if !in.Body.Until.IsZero() && !h.Until.After(now) {
			return nil, huma.Error422UnprocessableEntity("until is not in the future")
		}
		if s.Keeper == nil {
			return nil, absent("retention")
		}
		return s.kept(ctx, in.ID, func(id models.IncidentID) (models.Incident, error) { return s.Keeper.Hold(ctx, id, h) })
	})
	huma.Register(api, needs(models.RightDelete, huma.Operation{
		OperationID: "release-incident", Method: http.MethodDelete, Path: "/api/incidents/{id}/hold", Tags: tags,
		Summary: "Release the hold", Description: "From then on retention may delete the evidence when its time is over.",
		Errors: []int{401, 403, 404, 409, 413, 422, 501}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), func(ctx context.Context, in *releaseStep) (*incidentAnswer, error) {
		who, why, at := requestOf(ctx).who.user, strings.TrimSpace(in.Body.Why), s.Now().UTC()
		if len(why) < minReason {
			return nil, huma.Error422UnprocessableEntity("why is blank")
		}
		if s.Keeper == nil {
			return nil, absent("retention")
		}
		return s.kept(ctx, in.ID, func(id models.IncidentID) (models.Incident, error) { return s.Keeper.Release(ctx, id, who, why, at) })
	})
}

// minReason is the least that says anything, in bytes.
const minReason = 3

// kept takes one step of the keeper and tells everybody.
func (s *Server) kept(ctx context.Context, id string, step func(models.IncidentID) (models.Incident, error)) (*incidentAnswer, error) {
	changed, err := step(models.IncidentID(id))
	if err != nil {
		return nil, s.fail(ctx, "incident "+id, err)
	}
	s.tell(changed) // the keeper itself notes it in the custody log
	return answerOf(changed), nil
}
