package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

type clipInput struct {
	OneIncident
	Range string `header:"Range" doc:"byte ranges, RFC 9110"`
}

func (s *Server) describeEvidence(api huma.API) {
	for _, e := range []struct {
		name, summary, kind, extension string
		role                           models.ObjectRole
	}{
		{"clip", "The clip of an incident", "video/mp4", ".mp4", models.RoleClip},
		{"still", "The picture of the alarm, annotated", "image/jpeg", ".jpg", models.RoleStill},
		{"picture", "The picture of the alarm as the camera saw it", "image/jpeg", "-picture.jpg", models.RolePicture},
		{"why", "The picture of why the rule fired", "image/jpeg", "-why.jpg", models.RoleWhy},
		{"mask", "What moved at the alarm: a grey PNG, white where it did", "image/png", "-mask.png", models.RoleMask},
		{"manifest", "What names every file of the incident with its SHA-256", "application/json", "-manifest.json", models.RoleManifest},
		{"signature", "The signature over the manifest", "application/json", "-manifest.sig", models.RoleSignature},
	} {
		op := needs(models.RightFootage, huma.Operation{
			OperationID: "get-" + e.name, Method: http.MethodGet, Path: "/api/incidents/{id}/" + e.name, Tags: []string{"evidence"},
			Summary: e.summary,
			Description: "Takes ranges and HEAD. Final evidence has its SHA-256 as ETag; while the footage is still being " +
				"written there is none, and what is there so far is sent.",
			Responses: map[string]*huma.Response{
				"200": binary("the whole object", e.kind),
				"206": binary("the ranges asked for", e.kind),
				"304": {Description: "the client has it"},
				"416": {Description: "there is no such range"},
			},
			Errors: []int{401, 403, 404, 503},
		})
		huma.Register(api, op, func(ctx context.Context, in *clipInput) (*huma.StreamResponse, error) {
			return s.evidence(ctx, models.IncidentID(in.ID), e.role, e.kind, e.extension)
		})
	}
}

func binary(description, kind string) *huma.Response {
	schema := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	if kind == "application/json" { // what the file holds, of which the page on evidence tells
		schema = &huma.Schema{Type: huma.TypeObject}
	}
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{kind: {Schema: schema}}}
}

// evidence opens one object of an incident and serves it.
func (s *Server) evidence(ctx context.Context, id models.IncidentID, role models.ObjectRole, kind, extension string) (*huma.StreamResponse, error) {
	what := string(role) + " of incident " + string(id)
	in, err := s.incident(ctx, string(id), models.RightFootage)
	if err != nil {
		return nil, err
	}
	body, object, err := s.Evidence.Open(ctx, in, role)
	if err != nil {
		return nil, s.unopened(ctx, what, err)
	}
	if err := s.seen(ctx, in, role); err != nil {
		body.Close()
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer body.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Disposition", `inline; filename="`+fileName(string(id))+extension+`"`)
		if object.SHA256 != "" {
			h.Set("ETag", `"`+object.SHA256+`"`)
			h.Set("Cache-Control", "private, no-cache") // may be kept, but is asked for again: the session may be over
		}
		http.ServeContent(steady{w}, r, "", time.Time{}, contextual{r.Context(), body})
	}}, nil
}

// seen notes that an object was given to the person who asks. A clip counts as played,
// also when it is downloaded: who has the bytes has seen them. The pictures of one
// incident count together. Manifest and signature show nothing of anybody.
func (s *Server) seen(ctx context.Context, in models.Incident, role models.ObjectRole) error {
	c := models.Custody{Act: models.ActViewed, Incident: in.ID, Camera: in.Camera}
	switch role {
	case models.RoleManifest, models.RoleSignature:
		return nil
	case models.RoleClip:
		c.Act, c.Objects = models.ActPlayed, having(in, role)
		if in.Footage.State == models.FootageRecording {
			c.Note = "while it was being recorded"
		}
	}
	return s.witness(ctx, string(in.ID), c)
}

// fileName keeps what every file system and header takes.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, id)
}

// steady is a writer whose deadline moves with every piece that the client takes: an
// hour of footage may take its time, a client that has stopped reading may not.
type steady struct{ http.ResponseWriter }

func (w steady) Write(p []byte) (int, error) {
	extend(w.ResponseWriter)
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w steady) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// contextual stops reading when the request is over, so that a slow bucket is not read
// for nobody.
type contextual struct {
	ctx context.Context
	io.ReadSeeker
}

func (c contextual) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.ReadSeeker.Read(p)
}
