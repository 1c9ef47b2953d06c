package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

// largestBody bounds what is sent in one request, in bytes: a review of four long texts,
// each character of which JSON may escape.
const largestBody = 512 << 10

// desk is the rules by which incidents are worked on now.
func (s *Server) desk() incident.Desk {
	if s.Policy == nil {
		return incident.Desk{}
	}
	return incident.Desk{Policy: s.Policy()}
}

// deskOp is an operation on the record of an incident.
func deskOp(id, method, path, summary, description string, errs ...int) huma.Operation {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"desk"}, Summary: summary, Description: description,
		Errors: append([]int{401, 403}, errs...)}
	if method != http.MethodGet {
		op.Errors = append(op.Errors, 413, 422)
		op.MaxBodyBytes, op.BodyReadTimeout = largestBody, requestTimeout
	}
	return op
}

// Expected is the edition of the record that whoever overwrites a part of it has seen.
type Expected struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"the ETag of the incident as it was read; 428 without it, 412 when somebody has changed it since" example:"\"e7\""`
}

// Keyed lets a request be repeated when its answer did not arrive.
type Keyed struct {
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"any text, such as a UUID: a repeated request with the same key creates nothing more and is answered the same"`
}

// etag names the edition of a record.
func etag(in models.Incident) string {
	return `"e` + strconv.FormatInt(max(in.Edition, int64(len(in.Log))), 10) + `"`
}

// answerOf is an incident as it is answered.
func answerOf(in models.Incident) *incidentAnswer {
	return &incidentAnswer{ETag: etag(in), Body: whole(in)}
}

// Errors of a record that is not as whoever changes it has seen it.
var (
	errEdition  = errors.New("somebody has changed the incident since you read it")
	errNoExpect = errors.New("say with If-Match which edition of the incident you have read")
)

// still says whether a record is as it was seen.
func (e Expected) still(in *models.Incident) error {
	if e.IfMatch == "" {
		return errNoExpect
	}
	if e.IfMatch == "*" {
		return nil
	}
	now := etag(*in)
	for one := range strings.SplitSeq(e.IfMatch, ",") {
		if one = strings.TrimSpace(one); one == now {
			return nil
		}
	}
	return fmt.Errorf("%w: it is now %s", errEdition, now)
}

// deskError is the answer to what the rules of an incident's life refuse; nil for other
// errors.
func deskError(err error) error {
	switch {
	case errors.Is(err, errEdition):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, errNoExpect):
		return huma.NewError(http.StatusPreconditionRequired, err.Error())
	case errors.Is(err, incident.ErrTaken), errors.Is(err, incident.ErrFull):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, incident.ErrField):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, incident.ErrNone):
		return huma.Error404NotFound(err.Error())
	}
	return nil
}

// step takes one step of the desk on an incident.
func (s *Server) step(ctx context.Context, id string, take func(d incident.Desk, in *models.Incident, who string, at time.Time) error) (*incidentAnswer, error) {
	d := s.desk()
	return s.change(ctx, id, func(in *models.Incident, who string, at time.Time) error { return take(d, in, who, at) })
}

// overwrite is a step that replaces what others may have changed since it was read.
func (s *Server) overwrite(ctx context.Context, id string, e Expected, take func(d incident.Desk, in *models.Incident, who string, at time.Time) error) (*incidentAnswer, error) {
	if e.IfMatch == "" {
		return nil, deskError(errNoExpect)
	}
	return s.step(ctx, id, func(d incident.Desk, in *models.Incident, who string, at time.Time) error {
		if err := e.still(in); err != nil {
			return err
		}
		return take(d, in, who, at)
	})
}

// entryID names what a request creates: by whoever asks and their key, so that a repeated
// request names the same thing; by chance without a key.
func (s *Server) entryID(ctx context.Context, what string, key Keyed) string {
	if key.Key == "" {
		return strings.ToLower(rand.Text()[:20])
	}
	sum := sha256.Sum256([]byte(requestOf(ctx).who.user + "\x00" + what + "\x00" + key.Key))
	return hex.EncodeToString(sum[:10])
}

// officer checks that a person may be given work on an incident. Without a list of people
// everybody may.
func (s *Server) officer(in *models.Incident, user string, right models.Right) error {
	if s.Officers == nil || user == "" {
		return nil
	}
	all := s.Officers()
	i := slices.IndexFunc(all, func(o models.Officer) bool { return o.User == user })
	if i < 0 {
		return fmt.Errorf("officer: there is nobody called %.60q: %w", user, incident.ErrField)
	}
	if !all[i].May(right, in.Camera, s.groups(in.Camera)) {
		return fmt.Errorf("officer: %s does not have the right %s over this incident: %w", user, right, incident.ErrField)
	}
	return nil
}
