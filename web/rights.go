package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

// rightKey is where an operation keeps who may use it: a models.Right, or one of these.
const rightKey = "vedette.right"

type access int

const (
	anyone   access = iota + 1 // everybody who has logged in, and every token
	inPerson                   // everybody who has logged in; no token, which must not beget others
)

// inPersonKey marks an operation that takes a right, and no token.
const inPersonKey = "vedette.in_person"

// rightExtension names the right in the API's description.
const rightExtension = "x-vedette-right"

// needs marks an operation with the right that whoever asks must have. Below
// /api/incidents/{id}, /api/cameras/{id} and /api/recall/{camera} they must have it over
// the camera that it is about, which authorize sees to; elsewhere the operation limits
// what it answers with Server.visible.
func needs(right models.Right, op huma.Operation) huma.Operation {
	op = marked(op, right)
	op.Extensions[rightExtension] = right
	return op
}

// forAnyone marks an operation that takes no right.
func forAnyone(op huma.Operation) huma.Operation { return marked(op, anyone) }

// forPeople marks an operation that takes no right, but somebody who has logged in.
func forPeople(op huma.Operation) huma.Operation { return marked(op, inPerson) }

func marked(op huma.Operation, who any) huma.Operation {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	if op.Extensions == nil {
		op.Extensions = map[string]any{}
	}
	op.Metadata[rightKey] = who
	return op
}

// undeclared are operations that nobody has said the right of. The guard itself sees to
// figures and to this description.
func undeclared(o *huma.OpenAPI) error {
	var errs []error
	for path, item := range o.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch, item.Head, item.Options, item.Trace} {
			if op == nil || op.Security != nil && len(op.Security) == 0 || op.OperationID == "get-metrics" || op.OperationID == "get-openapi" {
				continue
			}
			if op.Metadata[rightKey] == nil {
				errs = append(errs, fmt.Errorf("web: %s %s says of no right that it takes: see needs", op.Method, path))
			}
		}
	}
	return errors.Join(errs...)
}

// authorize lets an operation be used by those who may. It is closed by default: what is
// below an incident or a camera is not there for those who may not see that camera.
func (s *Server) authorize(hc huma.Context, next func(huma.Context)) {
	op := hc.Operation()
	if op.Security != nil && len(op.Security) == 0 {
		next(hc)
		return
	}
	err := s.authorized(hc.Context(), op, hc.Param)
	if err == nil {
		next(hc)
		return
	}
	var refused huma.StatusError
	code, detail := http.StatusInternalServerError, "something went wrong here; the log has the details"
	if errors.As(err, &refused) {
		code, detail = refused.GetStatus(), refused.Error()
	}
	_, w := humago.Unwrap(hc)
	var with huma.HeadersError
	if errors.As(err, &with) {
		for name, values := range with.GetHeaders() {
			w.Header()[name] = values
		}
	}
	problem(w, code, "", detail)
}

func (s *Server) authorized(ctx context.Context, op *huma.Operation, param func(string) string) error {
	q := requestOf(ctx)
	q.operation = op.OperationID
	right, ok := op.Metadata[rightKey].(models.Right)
	if q.who.bearer != nil && (op.Metadata[rightKey] == inPerson || op.Metadata[inPersonKey] == true) {
		return s.refuse(ctx, "this takes somebody who has logged in: a token cannot do it", "without a session")
	}
	if !ok {
		return nil
	}
	if !q.who.may(right, "", nil) {
		return s.lacking(ctx, right)
	}
	switch below, name := scope(op.Path); below {
	case "incident":
		id := param(name)
		if !isIncidentID(id) {
			return nil // which the operation says better
		}
		_, err := s.incident(ctx, id, right)
		return err
	case "camera":
		return s.camera(ctx, models.CameraID(param(name)), right)
	}
	return nil
}

// scope says what the operations below a path are about, and which part of the path names it.
func scope(path string) (what, param string) {
	for _, s := range []struct{ below, what, param string }{
		{"/api/incidents/{id}", "incident", "id"}, {"/api/cameras/{id}", "camera", "id"}, {"/api/recall/{camera}", "camera", "camera"},
	} {
		if path == s.below || strings.HasPrefix(path, s.below+"/") {
			return s.what, s.param
		}
	}
	return "", ""
}

// isIncidentID says whether a name can be that of an incident, as OneIncident has it.
func isIncidentID(id string) bool {
	return id != "" && len(id) <= 256 && id[0] != '.' && id[0] != '_' && id[0] != '-' && fileName(id) == id
}

// incident returns an incident over whose camera whoever asks has a right. For those who
// may not see it, there is none. The error is an answer.
//
// Operations below /api/incidents/{id} get it with what was read to let them in; others,
// such as those that name incidents in their body, ask for each.
func (s *Server) incident(ctx context.Context, id string, right models.Right) (models.Incident, error) {
	q := requestOf(ctx)
	var in models.Incident
	if q.found != nil && string(q.found.ID) == id {
		in = *q.found
	} else {
		var err error
		if in, err = s.Incidents.Get(ctx, models.IncidentID(id)); err != nil {
			return models.Incident{}, s.fail(ctx, "incident "+id, err)
		}
	}
	switch groups := s.groups(in.Camera); {
	case q.who.may(right, in.Camera, groups):
		q.found = &in
		return in, nil
	case q.who.may(models.RightView, in.Camera, groups):
		return models.Incident{}, s.lacking(ctx, right)
	}
	return models.Incident{}, s.fail(ctx, "incident "+id, fs.ErrNotExist)
}

// camera says whether whoever asks has a right over a camera. For those who may not see it,
// there is none. The error is an answer.
func (s *Server) camera(ctx context.Context, id models.CameraID, right models.Right) error {
	switch who, groups := requestOf(ctx).who, s.groups(id); {
	case id == "", !who.may(right, id, groups) && !who.may(models.RightView, id, groups):
		return noCamera
	case !who.may(right, id, groups):
		return s.lacking(ctx, right)
	}
	return nil
}

var noCamera = huma.Error404NotFound("there is no camera of that name")

// visible limits the cameras that a query asks for, none for all, to those over which
// whoever asks has a right. all is true when that limits nothing. none is true when
// nothing is left: an empty list of cameras would ask for all of them.
//
// What belongs to no camera is for everybody who has the right at all.
func (s *Server) visible(ctx context.Context, right models.Right, asked []models.CameraID) (cameras []models.CameraID, none bool) {
	who := requestOf(ctx).who
	if who.everywhere(right) {
		return asked, false
	}
	list := asked
	if len(list) == 0 {
		list = append(s.known(), "")
	}
	for _, id := range list {
		if who.may(right, id, s.groups(id)) {
			cameras = append(cameras, id)
		}
	}
	return cameras, len(cameras) == 0
}

// everywhere says whether they have a right over all cameras, also those of the past.
func (i identity) everywhere(right models.Right) bool {
	if i.bearer != nil && (len(i.bearer.Groups) > 0 || !slices.Contains(i.bearer.Rights, right)) {
		return false
	}
	return slices.ContainsFunc(i.grants, func(g models.Grant) bool { return len(g.Groups) == 0 && slices.Contains(g.Role.Rights(), right) })
}

// sees says whether whoever asks has a right over a camera; over any, for none.
func (s *Server) sees(ctx context.Context, right models.Right, id models.CameraID) bool {
	return requestOf(ctx).who.may(right, id, s.groups(id))
}

// known are all cameras, also those of which there is only footage.
func (s *Server) known() []models.CameraID {
	var list []models.CameraID
	for _, c := range s.Cameras.Cameras() {
		list = append(list, c.ID)
	}
	if s.Recall != nil {
		list = append(list, s.Recall.Cameras()...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *Server) groups(id models.CameraID) []string {
	if s.Groups == nil || id == "" {
		return nil
	}
	return s.Groups(id)
}

// lacking refuses for want of a right.
func (s *Server) lacking(ctx context.Context, right models.Right) error {
	return s.refuse(ctx, "this takes the right "+string(right)+", which you do not have here", "without the right "+string(right))
}
