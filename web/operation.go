package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// Alive is the answer of /healthz.
type Alive struct {
	Status string `json:"status" enum:"alive"`
}

type readinessAnswer struct {
	Status int
	Body   Readiness
}

func (s *Server) describeOperation(api huma.API) {
	tags := []string{"operation"}
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "get-status", Method: http.MethodGet, Path: "/api/status", Tags: tags,
		Summary: "What the program says about itself", Errors: []int{401, 403},
	}), func(context.Context, *struct{}) (*struct{ Body Status }, error) {
		return &struct{ Body Status }{s.status()}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-health", Method: http.MethodGet, Path: "/healthz", Tags: tags, Security: open,
		Summary: "Whether the process lives", Description: "200 as long as it answers at all.",
	}, func(context.Context, *struct{}) (*struct{ Body Alive }, error) {
		return &struct{ Body Alive }{Alive{"alive"}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "get-readiness", Method: http.MethodGet, Path: "/readyz", Tags: tags, Security: open,
		Summary: "Whether the program can do its work",
		Description: "503 when something essential fails. A rejected configuration, a camera that is down and a bucket that " +
			"cannot be reached are reasons with status 200 (degraded): the last good configuration runs on and evidence waits in the spool.",
		Responses: map[string]*huma.Response{"503": {Description: "something essential fails",
			Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/Readiness"}}}}},
	}, func(ctx context.Context, _ *struct{}) (*readinessAnswer, error) {
		r := s.ready(ctx)
		if !requestOf(ctx).trusted {
			r = r.withoutReasons()
		}
		return &readinessAnswer{r.code(), r}, nil
	})
	api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/metrics", Tags: tags,
		Summary:     "Figures for Prometheus",
		Description: "With a session, with the monitoring token, or from the same machine.",
		Security:    []map[string][]string{{schemeSession: {}}, {schemeBearer: {}}, {schemeToken: {}}, {}},
		Responses: map[string]*huma.Response{
			"200": {Description: "the figures", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"401": {Description: "neither of these"},
		},
	})
	api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: "/api/openapi.json", Tags: tags,
		Summary: "This description",
		Responses: map[string]*huma.Response{
			"200": {Description: "OpenAPI 3.1", Content: map[string]*huma.MediaType{"application/openapi+json": {Schema: &huma.Schema{Type: huma.TypeObject}}}},
			"401": {Description: "Unauthorized"},
		},
	})
}
