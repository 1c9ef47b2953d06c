package web

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

// Exporter writes an exhibit package: a zip that proves itself without this program. What
// it finds missing or altered is an error, never a package; an error with the method
// Conflict() bool that says true is one of evidence that is not ready yet. The server has
// logged the export before.
type Exporter interface {
	Export(ctx context.Context, w io.Writer, ids []models.IncidentID, who, why string) error
}

type exhibitOrder struct {
	Body struct {
		Incidents []string `json:"incidents" minItems:"1" maxItems:"100" doc:"IDs"`
		Why       string   `json:"why" minLength:"3" maxLength:"2000" doc:"who asked for it and what for; it stands in the package and in the custody log"`
	}
}

func (s *Server) describeExhibits(api huma.API) {
	huma.Register(api, needs(models.RightExport, huma.Operation{
		OperationID: "export-exhibit", Method: http.MethodPost, Path: "/api/exhibits", Tags: []string{"evidence"},
		Summary: "Make an exhibit package",
		Description: "A zip with the original clips, pictures, records, manifests, custody extract and public keys of one incident or " +
			"several; `vedette verify` checks it anywhere. It is sent while it is made: a connection that is cut is a package that was not finished.",
		Responses: map[string]*huma.Response{"200": binary("the package", "application/zip")},
		Errors:    []int{401, 403, 404, 409, 413, 422, 501, 503}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), s.exportExhibit)
}

func (s *Server) exportExhibit(ctx context.Context, in *exhibitOrder) (*huma.StreamResponse, error) {
	why := strings.TrimSpace(in.Body.Why)
	if len(why) < minReason {
		return nil, huma.Error422UnprocessableEntity("why is blank")
	}
	if s.Exporter == nil {
		return nil, absent("the export of exhibits")
	}
	ids := named[models.IncidentID](in.Body.Incidents)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids {
		found, err := s.incident(ctx, string(id), models.RightExport)
		if err != nil {
			return nil, err
		}
		// Logged before the first byte: what leaves the house is on record even when
		// the connection breaks.
		if err := s.witnessAlways(ctx, models.Custody{Act: models.ActExported, Incident: id, Camera: found.Camera,
			Objects: exported(found), Note: why}); err != nil {
			return nil, err
		}
	}
	who := requestOf(ctx).who.user
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		r, w := humago.Unwrap(hc)
		out := &firstByte{w: steady{w}, begin: func() {
			h := w.Header()
			h.Set("Content-Type", "application/zip")
			h.Set("Content-Disposition", `attachment; filename="`+exhibitName(ids, s.Now().UTC().Format("20060102T150405Z"))+`"`)
		}}
		err := s.Exporter.Export(r.Context(), out, ids, who, why)
		switch {
		case err == nil:
		case !out.begun:
			answer := s.fail(r.Context(), "exhibit", err)
			code := http.StatusInternalServerError
			if se, ok := answer.(huma.StatusError); ok {
				code = se.GetStatus()
			}
			problem(w, code, "", answer.Error())
		default:
			s.Log.Error("exhibit not finished", "incidents", len(ids), "error", err)
			// The client must not take half a package for a whole one.
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

// exported are the objects of an incident that its package holds: its footage, what people
// attached, and the copies of what they linked.
func exported(in models.Incident) []models.Object {
	objects := slices.Clone(in.Footage.Objects)
	for _, a := range in.Investigation.Attachments {
		objects = append(objects, models.Object{Role: models.RoleAttachment, Key: a.Key, Type: anyFile, Size: a.Size, SHA256: a.SHA256})
	}
	for _, x := range in.Investigation.Exhibits {
		if x.Object.SHA256 != "" {
			objects = append(objects, x.Object)
		}
	}
	return objects
}

// exhibitName names the file after the incident, or after the time for several.
func exhibitName(ids []models.IncidentID, now string) string {
	if len(ids) == 1 {
		return "exhibit-" + fileName(string(ids[0])) + ".zip"
	}
	return "exhibit-" + now + ".zip"
}

// firstByte calls begin before the first byte goes out: until then an error can still be
// told in plain words.
type firstByte struct {
	w     io.Writer
	begin func()
	begun bool
}

func (f *firstByte) Write(p []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.begin()
	}
	return f.w.Write(p)
}
