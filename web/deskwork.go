package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

// noteStep is a step with a note that may be left out.
type noteStep struct {
	OneIncident
	Body *struct {
		Note string `json:"note,omitempty" maxLength:"4000" doc:"for the incident's log"`
	} `required:"false"`
}

func (n noteStep) note() string {
	if n.Body == nil {
		return ""
	}
	return n.Body.Note
}

type describeStep struct {
	OneIncident
	Expected
	Body struct {
		Description string `json:"description" maxLength:"20000" doc:"what happened; empty takes it away" example:"Two men climbed the fence at the ramp."`
	}
}

type triageStep struct {
	OneIncident
	Expected
	Body struct {
		Type string   `json:"type" maxLength:"64" doc:"one of the policy's; empty: none" example:"theft"`
		Sub  string   `json:"sub,omitempty" maxLength:"64" doc:"one of that type's" example:"shoplifting"`
		Tags []string `json:"tags,omitempty" maxItems:"50" doc:"all of them, at most 64 characters each"`
	}
}

type severityStep struct {
	OneIncident
	Expected
	Body struct {
		Impact     int    `json:"impact,omitempty" minimum:"0" maximum:"5" doc:"with likelihood, gives the severity by the policy's matrix" example:"4"`
		Likelihood int    `json:"likelihood,omitempty" minimum:"0" maximum:"5" example:"3"`
		Severity   string `json:"severity,omitempty" enum:"low,medium,high,critical" doc:"by hand instead, which needs a reason"`
		Reason     string `json:"reason,omitempty" maxLength:"4000"`
	}
}

type assignStep struct {
	OneIncident
	Body struct {
		Officer string `json:"officer" minLength:"1" maxLength:"64" doc:"user name" example:"bob"`
		Reason  string `json:"reason,omitempty" maxLength:"4000" doc:"needed to take it away from somebody else"`
	}
}

type handOverStep struct {
	OneIncident
	Body struct {
		Officer string `json:"officer" minLength:"1" maxLength:"64" doc:"user name" example:"bob"`
		Note    string `json:"note" minLength:"1" maxLength:"4000" doc:"what is done and what is left" example:"The tenant has the key; the police come at 7."`
	}
}

type escalateStep struct {
	OneIncident
	Body struct {
		Officer  string `json:"officer" minLength:"1" maxLength:"64" doc:"user name of somebody with the right assign" example:"eva"`
		Reason   string `json:"reason" minLength:"1" maxLength:"4000" example:"He has a knife."`
		Severity string `json:"severity,omitempty" enum:"medium,high,critical" doc:"raises it to this"`
	}
}

type waitStep struct {
	OneIncident
	Body struct {
		For  string `json:"for" minLength:"1" maxLength:"64" doc:"one of the policy's reasons" example:"police"`
		Note string `json:"note,omitempty" maxLength:"4000"`
	}
}

type resolveStep struct {
	OneIncident
	Expected
	Body struct {
		Outcome    string        `json:"outcome" minLength:"1" maxLength:"200" doc:"one of the policy's, or nuisance" example:"deterred"`
		Recovery   string        `json:"recovery,omitempty" maxLength:"20000" doc:"steps that returned people and place to normal"`
		Loss       *models.Money `json:"loss,omitempty" doc:"cost or loss; absent: not said"`
		Police     string        `json:"police,omitempty" maxLength:"200" doc:"their reference"`
		Assessment string        `json:"assessment,omitempty" maxLength:"20000" doc:"what the investigator concludes"`
	}
}

type reasonStep struct {
	OneIncident
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"4000" doc:"for the incident's log" example:"The man came back."`
	}
}

type reviewStep struct {
	OneIncident
	Expected
	Body struct {
		Happened string          `json:"happened" minLength:"1" maxLength:"20000" doc:"what happened"`
		Unfolded string          `json:"unfolded" minLength:"1" maxLength:"20000" doc:"how it came about"`
		Signs    string          `json:"signs" minLength:"1" maxLength:"20000" doc:"what could have been seen earlier"`
		Changes  []plannedChange `json:"changes,omitempty" maxItems:"500" doc:"what is to be different"`
		Summary  string          `json:"summary,omitempty" maxLength:"20000" doc:"for all staff: worded with care, without personal data"`
	}
}

// plannedChange is what a review wants to be different.
type plannedChange struct {
	ID     string    `json:"id,omitempty" maxLength:"200" doc:"of a change that the review has; absent: a new one"`
	Kind   string    `json:"kind" enum:"task,zone"`
	Text   string    `json:"text" minLength:"1" maxLength:"4000" example:"Mend the light over the ramp"`
	Owner  string    `json:"owner,omitempty" maxLength:"64"`
	Due    time.Time `json:"due,omitzero"`
	Camera string    `json:"camera,omitempty" maxLength:"64" doc:"of a zone change"`
	Zone   string    `json:"zone,omitempty" maxLength:"64" doc:"of a zone change"`
}

type changeDone struct {
	OneIncident
	Change string `path:"change" maxLength:"200"`
}

// describeDesk registers what people do with an incident, stage by stage.
func (s *Server) describeDesk(api huma.API) {
	s.describeOpening(api)
	s.describeTriage(api)
	s.describeAssignment(api)
	s.describeInvestigation(api)
	s.describeResolution(api)
	s.describeLinks(api)
	s.describePolicy(api)
}

func (s *Server) describeTriage(api huma.API) {
	huma.Register(api, needs(models.RightWork, deskOp("describe-incident", http.MethodPut, "/api/incidents/{id}/description",
		"Say what happened", "In a person's words. The log keeps what was said before.", 404, 409, 412, 428)),
		func(ctx context.Context, in *describeStep) (*incidentAnswer, error) {
			return s.overwrite(ctx, in.ID, in.Expected, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Describe(rec, who, in.Body.Description, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("classify-incident", http.MethodPut, "/api/incidents/{id}/triage",
		"Say what an incident is", "Type, sub-type and tags. The type brings its checklist; what is ticked off stays.", 404, 409, 412, 428)),
		func(ctx context.Context, in *triageStep) (*incidentAnswer, error) {
			return s.overwrite(ctx, in.ID, in.Expected, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Classify(rec, who, in.Body.Type, in.Body.Sub, in.Body.Tags, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("rate-incident", http.MethodPut, "/api/incidents/{id}/severity",
		"Say how severe an incident is", "By impact and likelihood, or by hand with a reason. The deadlines follow; what was kept or missed stays so.", 404, 409, 412, 428)),
		func(ctx context.Context, in *severityStep) (*incidentAnswer, error) {
			b := in.Body
			if (b.Severity != "") == (b.Impact != 0 || b.Likelihood != 0) {
				return nil, huma.Error422UnprocessableEntity("give either impact and likelihood, or severity and a reason")
			}
			return s.overwrite(ctx, in.ID, in.Expected, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if b.Severity != "" {
					return d.SetSeverity(rec, who, models.Severity(b.Severity), b.Reason, at)
				}
				return d.Rate(rec, who, b.Impact, b.Likelihood, at)
			})
		})
}

func (s *Server) describeAssignment(api huma.API) {
	huma.Register(api, needs(models.RightWork, deskOp("claim-incident", http.MethodPost, "/api/incidents/{id}/claim",
		"Claim an incident", "Only when nobody has it: of two who claim it at the same time one gets 409, which says who has it. To claim a new incident acknowledges it.", 404, 409)),
		func(ctx context.Context, in *noteStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Claim(rec, who, in.note(), at)
			})
		})
	huma.Register(api, needs(models.RightAssign, deskOp("assign-incident", http.MethodPost, "/api/incidents/{id}/assign",
		"Give an incident to an officer", "To take it away from somebody else needs a reason.", 404, 409)),
		func(ctx context.Context, in *assignStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if err := s.officer(rec, in.Body.Officer, models.RightWork); err != nil {
					return err
				}
				return d.Assign(rec, who, in.Body.Officer, in.Body.Reason, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("hand-over-incident", http.MethodPost, "/api/incidents/{id}/hand-over",
		"Hand an incident over", "From who has it to another officer, as at the change of shifts.", 404, 409)),
		func(ctx context.Context, in *handOverStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if err := s.officer(rec, in.Body.Officer, models.RightWork); err != nil {
					return err
				}
				return d.HandOver(rec, who, in.Body.Officer, in.Body.Note, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("escalate-incident", http.MethodPost, "/api/incidents/{id}/escalate",
		"Escalate an incident", "To somebody above, for a reason; whoever works on incidents may ask for help.", 404, 409)),
		func(ctx context.Context, in *escalateStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				if err := s.officer(rec, in.Body.Officer, models.RightAssign); err != nil {
					return err
				}
				return d.Escalate(rec, who, in.Body.Officer, in.Body.Reason, models.Severity(in.Body.Severity), at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("release-incident-claim", http.MethodPost, "/api/incidents/{id}/release",
		"Give an incident back", "Nobody has it then, and anybody can claim it.", 404, 409)),
		func(ctx context.Context, in *noteStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Release(rec, who, in.note(), at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("respond-incident", http.MethodPost, "/api/incidents/{id}/respond",
		"Note the response", "Somebody is at the place, or deals with it from the desk.", 404, 409)),
		func(ctx context.Context, in *noteStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Respond(rec, who, in.note(), at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("wait-incident", http.MethodPost, "/api/incidents/{id}/wait",
		"Wait for somebody", "The clocks that the policy names for the reason stand until the work resumes.", 404, 409)),
		func(ctx context.Context, in *waitStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Wait(rec, who, in.Body.For, in.Body.Note, at)
			})
		})
	huma.Register(api, needs(models.RightWork, deskOp("resume-incident", http.MethodPost, "/api/incidents/{id}/resume",
		"Go on with the work", "The clocks run again with the time that they had left.", 404, 409)),
		func(ctx context.Context, in *noteStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Resume(rec, who, in.note(), at)
			})
		})
}

func (s *Server) describeResolution(api huma.API) {
	huma.Register(api, needs(models.RightClose, deskOp("resolve-incident", http.MethodPost, "/api/incidents/{id}/resolve",
		"Say how an incident ended", "Of one that is resolved already it changes what was said, and needs If-Match; the log keeps what was said before.", 404, 409, 412, 428)),
		s.resolve)
	huma.Register(api, needs(models.RightClose, deskOp("reopen-incident", http.MethodPost, "/api/incidents/{id}/reopen",
		"Go on with an incident that was thought to be over", "The clock of its resolution begins anew.", 404, 409)),
		func(ctx context.Context, in *reasonStep) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.Reopen(rec, who, in.Body.Reason, at)
			})
		})
	huma.Register(api, needs(models.RightReview, deskOp("review-incident", http.MethodPut, "/api/incidents/{id}/review",
		"Write what was learnt", "Of an incident that is over, without blame. What was written before stays in the log.", 404, 409, 412, 428)),
		func(ctx context.Context, in *reviewStep) (*incidentAnswer, error) {
			b := in.Body
			r := models.Review{Happened: b.Happened, Unfolded: b.Unfolded, Signs: b.Signs, Summary: b.Summary}
			for _, c := range b.Changes {
				r.Changes = append(r.Changes, models.Change{ID: c.ID, Kind: c.Kind, Text: c.Text, Owner: c.Owner, Due: c.Due,
					Camera: models.CameraID(c.Camera), Zone: models.ZoneID(c.Zone)})
			}
			return s.overwrite(ctx, in.ID, in.Expected, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.SaveReview(rec, who, r, at)
			})
		})
	huma.Register(api, needs(models.RightReview, deskOp("carry-out-change", http.MethodPost, "/api/incidents/{id}/review/changes/{change}/done",
		"Note that a change has been made", "One that the review wanted.", 404, 409)),
		func(ctx context.Context, in *changeDone) (*incidentAnswer, error) {
			return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
				return d.CarryOut(rec, who, in.Change, at)
			})
		})
}

func (s *Server) resolve(ctx context.Context, in *resolveStep) (*incidentAnswer, error) {
	b := in.Body
	return s.step(ctx, in.ID, func(d incident.Desk, rec *models.Incident, who string, at time.Time) error {
		if rec.Resolution != nil || in.IfMatch != "" {
			if err := in.still(rec); err != nil {
				return err
			}
		}
		return d.Resolve(rec, who, models.Resolution{Outcome: b.Outcome, Recovery: b.Recovery, Loss: b.Loss, Police: b.Police, Assessment: b.Assessment}, at)
	})
}
