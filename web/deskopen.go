package web

import (
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

type openStep struct {
	Keyed
	Body struct {
		Origin      string         `json:"origin" enum:"report,patrol,access,device" doc:"how it came to be known" example:"report"`
		Site        string         `json:"site,omitempty" maxLength:"64" doc:"one of the policy's; needed without a camera" example:"arcade"`
		Camera      string         `json:"camera,omitempty" maxLength:"64" doc:"that sees the place"`
		Zone        string         `json:"zone,omitempty" maxLength:"64"`
		Occurred    time.Time      `json:"occurred" doc:"when it happened, as far as is known"`
		Type        string         `json:"type,omitempty" maxLength:"64" doc:"one of the policy's" example:"theft"`
		Sub         string         `json:"sub,omitempty" maxLength:"64" example:"shoplifting"`
		Tags        []string       `json:"tags,omitempty" maxItems:"50"`
		Description string         `json:"description,omitempty" maxLength:"20000" example:"A customer saw a man put a watch into his sleeve."`
		Severity    string         `json:"severity,omitempty" enum:"low,medium,high,critical" doc:"by hand; else impact and likelihood give it, else a preset, else it is medium"`
		Impact      int            `json:"impact,omitempty" minimum:"0" maximum:"5"`
		Likelihood  int            `json:"likelihood,omitempty" minimum:"0" maximum:"5"`
		Footage     *linkedFootage `json:"footage,omitempty" doc:"continuous footage of its time and place, linked as an exhibit"`
	}
}

// linkedFootage is continuous footage of a camera.
type linkedFootage struct {
	Camera string    `json:"camera" minLength:"1" maxLength:"64"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
}

type openAnswer struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     models.Incident
}

func (s *Server) describeOpening(api huma.API) {
	op := deskOp("open-incident", http.MethodPost, "/api/incidents", "Open an incident by hand",
		"For what no camera found: a report at the desk, a note of a patrol, access control, another device. Its footage is what is linked to it.")
	op.DefaultStatus = http.StatusCreated
	huma.Register(api, needs(models.RightWork, op), s.open)
	op = deskOp("split-incident", http.MethodPost, "/api/incidents/{id}/split", "Split an incident",
		"Some of its events become an incident of their own, which refers to the same footage. Its detection must be over.", 404, 409)
	op.DefaultStatus = http.StatusCreated
	huma.Register(api, needs(models.RightAssign, op), s.split)
}

// createdAt is when an incident occurred, as its ID begins.
const createdAt = "20060102T150405.000Z"

func (s *Server) open(ctx context.Context, in *openStep) (*openAnswer, error) {
	b := in.Body
	r := incident.Report{Origin: models.Origin(b.Origin), Site: b.Site, Camera: models.CameraID(b.Camera), Zone: models.ZoneID(b.Zone),
		Occurred: b.Occurred, Type: b.Type, Sub: b.Sub, Tags: b.Tags, Description: b.Description, Severity: models.Severity(b.Severity),
		Impact: b.Impact, Likelihood: b.Likelihood}
	if r.Camera != "" {
		if err := s.cameraFor(ctx, r.Camera, models.RightWork); err != nil {
			return nil, err
		}
	} else if r.Zone != "" {
		return nil, huma.Error422UnprocessableEntity("zone: belongs to a camera")
	}
	r.ID = models.IncidentID(b.Occurred.UTC().Format(createdAt) + "-" + string(models.KindReported) + "-" + s.entryID(ctx, "incident", in.Keyed))
	if b.Footage != nil {
		r.Exhibit = &models.Exhibit{ID: "opened", Camera: models.CameraID(b.Footage.Camera), From: b.Footage.From.UTC(), To: b.Footage.To.UTC()}
		if err := s.cameraFor(ctx, r.Exhibit.Camera, models.RightFootage); err != nil {
			return nil, err
		}
	}
	made, err := s.desk().Open(r, requestOf(ctx).who.user, s.Now())
	if err != nil {
		return nil, s.fail(ctx, "incident", err)
	}
	status := s.status()
	made.Version, made.Config = status.Version, status.Config.Hash
	return s.create(ctx, made)
}

// cameraFor says whether there is a camera over which whoever asks has a right.
func (s *Server) cameraFor(ctx context.Context, id models.CameraID, right models.Right) error {
	if !slices.Contains(s.known(), id) {
		return huma.Error422UnprocessableEntity("camera: there is no camera of that name")
	}
	return s.camera(ctx, id, right)
}

// create stores a new incident and tells everybody. One that is there already was created
// by the same request, sent before.
func (s *Server) create(ctx context.Context, made models.Incident) (*openAnswer, error) {
	_, err := s.Incidents.Get(ctx, made.ID)
	repeated := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fail(ctx, "incident", err)
	}
	stored, err := s.Incidents.Create(ctx, made)
	if err != nil {
		return nil, s.fail(ctx, "incident", err)
	}
	if !repeated {
		s.changed(ctx, stored)
	}
	return &openAnswer{Location: "/api/incidents/" + string(stored.ID), ETag: etag(stored), Body: whole(stored)}, nil
}

type splitStep struct {
	OneIncident
	Body struct {
		Events []int64 `json:"events" minItems:"1" maxItems:"64" doc:"IDs of the events that move"`
		Reason string  `json:"reason" minLength:"1" maxLength:"4000" example:"two different men"`
	}
}

func (s *Server) split(ctx context.Context, in *splitStep) (*openAnswer, error) {
	s.linking.Lock()
	defer s.linking.Unlock()
	who, at, d, id := requestOf(ctx).who.user, s.Now().UTC(), s.desk(), models.IncidentID(in.ID)
	var made, old models.Incident
	if err := s.Incidents.Together(ctx, func(r storage.Records) error {
		found, err := r.Get(id)
		if err != nil {
			return err
		}
		part, err := d.Split(found, in.Body.Events, who, in.Body.Reason, at)
		if err != nil {
			return err
		}
		if made, err = r.Create(part); err != nil {
			return err
		}
		old, err = r.Update(id, func(rec *models.Incident) error { return d.Shed(rec, made, who, in.Body.Reason, at) })
		return err
	}); err != nil {
		return nil, s.fail(ctx, "incident "+in.ID, err)
	}
	s.changed(ctx, made)
	s.changed(ctx, old)
	return &openAnswer{Location: "/api/incidents/" + string(made.ID), ETag: etag(made), Body: whole(made)}, nil
}
