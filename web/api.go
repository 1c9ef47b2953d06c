package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// apiVersion is that of the API, not of the program: it changes when a client would
// have to.
const apiVersion = "1.0.0"

// Names of the security schemes in the API's description.
const (
	schemeSession = "session"
	schemeBearer  = "token"
	schemeToken   = "monitoring"
)

// open marks an operation that needs no session, in the description. What is really
// open is decided in Server.admit; a test compares the two.
var open = []map[string][]string{}

// apiConfig is huma's configuration without its extras: no links to schemas in answers,
// no documentation page from elsewhere, and a description that is made once.
func apiConfig() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "vedette",
				Version: apiVersion,
				Description: "Incidents that CCTV cameras saw, and the footage that proves them. " +
					"Times are RFC 3339 in UTC; fields that end in _ns are durations in nanoseconds; " +
					"coordinates are fractions of the picture from its top left corner. " +
					"Errors are problem documents (RFC 9457).",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					schemeSession: {Type: "apiKey", In: "cookie", Name: "vedette", Description: "Set by POST /api/session; named __Host-vedette over TLS."},
					schemeBearer:  {Type: "http", Scheme: "bearer", Description: "A token that POST /api/tokens has made. It takes part in nothing that cookies do."},
					schemeToken:   {Type: "http", Scheme: "bearer", Description: "The monitoring token, when one is configured."},
				},
			},
			Security: []map[string][]string{{schemeSession: {}}, {schemeBearer: {}}},
			Tags: []*huma.Tag{
				{Name: "session", Description: "Logging in and out."},
				{Name: "people", Description: "Who may log in and what they may do, and the tokens of other programs."},
				{Name: "incidents", Description: "The records that people act on."},
				{Name: "desk", Description: "What people do with an incident, stage by stage."},
				{Name: "evidence", Description: "Clips and pictures of incidents, and packages of them."},
				{Name: "custody", Description: "What proves evidence, keeps it, and says who used it."},
				{Name: "inbound", Description: "Devices and systems that open incidents by themselves."},
				{Name: "recall", Description: "Continuous footage of any time."},
				{Name: "cameras", Description: "What is watched, and how well."},
				{Name: "notify", Description: "How people outside the console are told."},
				{Name: "series", Description: "Incidents that are the work of the same offender."},
				{Name: "reports", Description: "What can be learnt from many incidents."},
				{Name: "events", Description: "What happens, as it happens."},
				{Name: "operation", Description: "For monitoring and orchestration."},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{withoutEcho},
	}
}

// withoutEcho takes the client's own values out of validation errors: one of them may
// be a password, and answers end up in logs and screenshots.
func withoutEcho(_ huma.Context, _ string, v any) (any, error) {
	if e, ok := v.(*huma.ErrorModel); ok {
		for _, d := range e.Errors {
			d.Value = nil
		}
	}
	return v, nil
}

// describe registers every operation.
func (s *Server) describe(api huma.API) {
	s.describeSession(api)
	s.describePeople(api)
	s.describeNames(api)
	s.describeTokens(api)
	s.describeIncidents(api)
	s.describeDesk(api)
	s.describeEvidence(api)
	s.describeAttachments(api)
	s.describeInbound(api)
	s.describePlayable(api)
	s.describeExhibits(api)
	s.describeIntegrity(api)
	s.describeCustody(api)
	s.describeHold(api)
	s.describeRecall(api)
	s.describeCameras(api)
	s.describeReports(api)
	s.describeSimilar(api)
	s.describeSeries(api)
	s.describeNotify(api)
	s.describeEvents(api)
	s.describeOperation(api)
}

// enums are the values that the model's named strings can take; the models themselves
// know nothing of OpenAPI.
var enums = map[string]map[string][]string{
	"Incident": {
		"state":    list(models.StateNew, models.StateAcknowledged, models.StateResolved, models.StateClosed),
		"kind":     kinds(models.RuleKinds(), models.HealthKinds(), []models.Kind{models.KindStorage, models.KindReported}),
		"severity": list(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical),
	},
	"Deadline": {"promise": list(models.Promises()...)},
	"Wait":     {"pauses": list(models.Promises()...)},
	"Subject":  {"kind": incident.SubjectKinds(), "role": incident.SubjectRoles()},
	"Task":     {"stage": incident.Stages()},
	"Step":     {"stage": incident.Stages()[:5]},
	"Type":     {"required": incident.Fields()},
	"Preset": {
		"kinds":    kinds(models.RuleKinds(), models.HealthKinds(), []models.Kind{models.KindStorage, models.KindReported}),
		"severity": list(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical),
	},
	"Change": {"kind": {"task", "zone"}},
	"Judgement": {
		"verdict": list(models.VerdictTrue, models.VerdictNuisance),
		"reason":  list(models.Nuisances()...),
	},
	"PrecisionRow": {
		"by":   list(incident.ByAll, incident.ByCamera, incident.ByZone, incident.ByRule, incident.ByHour),
		"kind": kinds(models.RuleKinds(), models.HealthKinds()),
	},
	"Footage": {
		"state": list(models.FootageRecording, models.FootagePending, models.FootageStored, models.FootageNone, models.FootageDeleted),
		"clock": list(models.ClockArrival, models.ClockCamera, models.ClockFile),
		"codec": list(models.H264, models.H265),
	},
	"Object":      {"role": roles},
	"CheckedFile": {"role": roles},
	"Gap": {"cause": list(models.CausePacketLoss, models.CauseCameraLost, models.CauseRestart, models.CauseDisk,
		models.CauseOverrun, models.CauseNotYet, models.CauseStream, models.CauseNotRecorded, models.CauseDeleted)},
	"CustodyRecord": {"act": acts},
	"Event":         {"phase": list(models.PhaseBegan, models.PhaseEnded)},
	"Rule": {
		"kind":      kinds(models.RuleKinds(), models.HealthKinds()),
		"severity":  list(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical),
		"direction": list(models.DirectionAny, models.DirectionToLeft, models.DirectionToRight),
	},
	"Health": {
		"troubles":   list(models.HealthKinds()...),
		"connection": list(models.Connecting, models.Connected, models.Disconnected),
		"clock":      list(models.ClockArrival, models.ClockCamera, models.ClockFile),
		"codec":      list(models.H264, models.H265),
	},
}

var roles = list(models.RoleClip, models.RoleStill, models.RolePicture, models.RoleWhy, models.RoleMask, models.RoleManifest,
	models.RoleSignature, models.RolePart, models.RoleDeletion, models.RoleAttachment, models.RoleExhibit)

var acts = list(models.ActStarted, models.ActCreated, models.ActUploaded, models.ActViewed, models.ActPlayed, models.ActRecalled,
	models.ActExported, models.ActRedacted, models.ActHeld, models.ActReleased, models.ActDeleted, models.ActDamaged,
	models.ActConfigured, models.ActKeyRotated, models.ActReindexed, models.ActTimestamped, models.ActClockSet, models.ActChanged,
	models.ActLoggedIn, models.ActLoginFailed, models.ActLockedOut, models.ActUnlocked, models.ActLoggedOut, models.ActPasswordChanged,
	models.ActPersonCreated, models.ActPersonChanged, models.ActTokenCreated, models.ActTokenUsed, models.ActTokenRevoked, models.ActRefused)

func kinds(lists ...[]models.Kind) []string { return list(slices.Concat(lists...)...) }

func list[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// document finishes the description and renders it. Lists are never null in answers
// (see whole), so they are not described as nullable.
func document(o *huma.OpenAPI) ([]byte, error) {
	for _, path := range o.Paths {
		if path.Get == nil {
			continue
		}
		for _, p := range path.Get.Parameters {
			if p.Schema.Type == huma.TypeArray {
				p.Schema.Nullable = false
			}
		}
	}
	if err := exemplify(o); err != nil {
		return nil, err
	}
	for name, schema := range o.Components.Schemas.Map() {
		for _, p := range schema.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
		}
		for property, values := range enums[name] {
			p := schema.Properties[property]
			if p == nil {
				return nil, fmt.Errorf("web: schema %s has no %s", name, property)
			}
			if p.Type == huma.TypeArray {
				p = p.Items
			}
			p.Enum = p.Enum[:0]
			for _, v := range values {
				p.Enum = append(p.Enum, v)
			}
		}
	}
	return json.Marshal(o)
}

// whole gives an incident lists instead of nulls.
func whole(in models.Incident) models.Incident {
	in.Polygon = orEmpty(in.Polygon)
	in.Log = orEmpty(in.Log)
	in.Events = slices.Clone(orEmpty(in.Events))
	for i := range in.Events {
		in.Events[i].Path = orEmpty(in.Events[i].Path)
		in.Events[i].Why = orEmpty(in.Events[i].Why)
	}
	return in
}

func orEmpty[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s
}

// fail turns an error into the answer to send, in the one place that knows how. What it
// does not know is logged, and the client is told nothing of it.
func (s *Server) fail(ctx context.Context, what string, err error) error {
	if answer := deskError(err); answer != nil {
		return answer
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return huma.Error404NotFound("there is no such thing: " + what)
	case errors.Is(err, storage.ErrCursor):
		return huma.Error400BadRequest("the cursor is not one that this server gave for this query")
	case errors.Is(err, incident.ErrState), errors.Is(err, storage.ErrHold), isConflict(err):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, people.ErrExists), errors.Is(err, people.ErrLastAdministrator):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, people.ErrReach):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, people.ErrEdition):
		return huma.Error412PreconditionFailed(err.Error())
	case errors.Is(err, people.ErrWeakPassword), errors.Is(err, people.ErrInvalid), errors.Is(err, incident.ErrJudgement):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, ErrHubClients), errors.Is(err, ErrHubClosed):
		return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable(err.Error()), http.Header{"Retry-After": {"5"}})
	case errors.Is(err, context.DeadlineExceeded):
		s.Log.Warn("request timed out", "what", what, "error", err)
		return huma.Error504GatewayTimeout("this took too long")
	case errors.Is(err, context.Canceled):
		return huma.NewError(statusClientGone, "the client went away")
	}
	s.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("what", what), slog.Any("error", err))
	return huma.Error500InternalServerError("something went wrong here; the log has the details")
}

// isConflict says that a part given to the server calls an error one of the state in which
// something is: it can be told to people as it is, and passes.
func isConflict(err error) bool {
	var c interface{ Conflict() bool }
	return errors.As(err, &c) && c.Conflict()
}

// statusClientGone is nginx's code for a client that closed the connection; nobody but
// the log sees it.
const statusClientGone = 499
