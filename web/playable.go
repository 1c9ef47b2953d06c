package web

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

// Playable makes copies of clips that browsers do not play. A pipeline.Playable is one.
type Playable interface {
	// Needed says that browsers mostly refuse the clip as it is.
	Needed(models.Incident) bool
	// Copy returns the path of an H.264 copy, which it makes when there is none yet.
	Copy(context.Context, models.Incident) (path string, o models.Object, err error)
	// Progress says how many pictures of it are made, of about how many; 0 of 0 before
	// that is known.
	Progress(models.Incident) (done, total int)
}

const (
	// copyPatience is how long a request waits for a copy before it is told how far that is.
	// Most clips of a few seconds are done by then.
	copyPatience = 2 * time.Second
	// copyAgain is when it is worth asking again, in seconds.
	copyAgain = 1
)

// CopyProgress says how far a copy is that is being made.
type CopyProgress struct {
	Done  int `json:"done" doc:"pictures that are made"`
	Total int `json:"total" doc:"of about how many; 0: not known yet, or others are made before"`
}

func (s *Server) describePlayable(api huma.API) {
	accepted := &huma.Response{Description: "it is being made; Retry-After says when to ask again", Content: map[string]*huma.MediaType{
		"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[CopyProgress](), true, "")}}}
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "get-playable", Method: http.MethodGet, Path: "/api/incidents/{id}/playable", Tags: []string{"evidence"},
		Summary: "A copy of the clip that browsers play",
		Description: "H.264 in MP4, made when it is first asked for, which may take as long as the clip: 202 says how far it is and when to " +
			"ask again; it is given up when nobody does. It is a working copy and marked as one; the evidence is GET " +
			"/api/incidents/{id}/clip. 409 while the clip is still being written.",
		Responses: map[string]*huma.Response{
			"200": binary("the copy", "video/mp4"),
			"202": accepted,
			"206": binary("the ranges asked for", "video/mp4"),
			"304": {Description: "the client has it"},
			"416": {Description: "there is no such range"},
		},
		Errors: []int{401, 403, 404, 409, 501, 503},
	}), func(ctx context.Context, in *clipInput) (*huma.StreamResponse, error) {
		return s.playable(ctx, models.IncidentID(in.ID))
	})
}

func (s *Server) playable(ctx context.Context, id models.IncidentID) (*huma.StreamResponse, error) {
	if s.Playable == nil {
		return nil, absent("making copies that browsers play")
	}
	what := "playable copy of incident " + string(id)
	in, err := s.incident(ctx, string(id), models.RightFootage)
	if err != nil {
		return nil, err
	}
	if in.Footage.State == models.FootageRecording {
		return nil, huma.Error409Conflict("the clip is still being written; a copy can be made when it is finished")
	}
	if err := s.witness(ctx, string(id)+" copy", models.Custody{Act: models.ActPlayed, Incident: id, Camera: in.Camera,
		Objects: having(in, models.RoleClip), Note: "working copy in H.264"}); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, copyPatience)
	defer cancel()
	path, object, err := s.Playable.Copy(wait, in)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", strconv.Itoa(copyAgain))
			w.WriteHeader(http.StatusAccepted)
			var p CopyProgress
			p.Done, p.Total = s.Playable.Progress(in)
			_ = json.NewEncoder(w).Encode(p) // a client that has gone asks no more
		}}, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, context.Canceled):
		return nil, s.fail(ctx, what, err)
	case err != nil:
		s.Log.Error("copy cannot be made", "what", what, "error", err)
		return nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the copy cannot be made; the log has the details"),
			http.Header{"Retry-After": {"30"}})
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, s.fail(ctx, what, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "video/mp4")
		h.Set("Content-Disposition", `inline; filename="`+fileName(string(id))+`-copy.mp4"`)
		if object.SHA256 != "" {
			h.Set("ETag", `"`+object.SHA256+`"`)
			h.Set("Cache-Control", "private, no-cache")
		}
		http.ServeContent(steady{w}, r, "", time.Time{}, contextual{r.Context(), f})
	}}, nil
}

// having are the objects of an incident with this role.
func having(in models.Incident, role models.ObjectRole) []models.Object {
	for i, o := range in.Footage.Objects {
		if o.Role == role {
			return in.Footage.Objects[i : i+1 : i+1]
		}
	}
	return nil
}
