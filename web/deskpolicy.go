package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

func (s *Server) describePolicy(api huma.API) {
	huma.Register(api, needs(models.RightView, deskOp("get-policy", http.MethodGet, "/api/policy",
		"How incidents are handled", "Sites, types with their checklists, the matrix of impact and likelihood, service levels, outcomes, reasons to wait. "+
			"Of cameras and groups it names those that whoever asks may see.")),
		func(ctx context.Context, _ *struct{}) (*struct{ Body models.Policy }, error) {
			return &struct{ Body models.Policy }{s.policyFor(ctx)}, nil
		})
}

// policyFor is the policy without the cameras that whoever asks may not see, and with
// lists instead of nulls.
func (s *Server) policyFor(ctx context.Context) models.Policy {
	p := s.desk().Policy
	sees := func(id models.CameraID) bool { return s.sees(ctx, models.RightView, id) }
	places := map[models.CameraID]models.Place{}
	for id, place := range p.Places {
		if sees(id) {
			places[id] = place
		}
	}
	groups := map[string][]models.CameraID{}
	for name, cameras := range p.Groups {
		if seen := slices.DeleteFunc(slices.Clone(cameras), func(id models.CameraID) bool { return !sees(id) }); len(seen) > 0 {
			groups[name] = seen
		}
	}
	p.Places, p.Groups = places, groups
	p.Sites, p.Outcomes = orEmpty(p.Sites), orEmpty(p.Outcomes)
	p.Types = slices.Clone(orEmpty(p.Types))
	p.Presets = presetsFor(p.Presets, sees)
	if p.Levels == nil {
		p.Levels = map[models.Severity]models.Level{}
	}
	p.Waits = slices.Clone(orEmpty(p.Waits))
	for i := range p.Waits {
		p.Waits[i].Pauses = orEmpty(p.Waits[i].Pauses)
	}
	return p
}

// presetsFor are those that are not about cameras which whoever asks may not see.
func presetsFor(all []models.Preset, sees func(models.CameraID) bool) []models.Preset {
	return slices.DeleteFunc(slices.Clone(all), func(p models.Preset) bool {
		return len(p.Cameras) > 0 && !slices.ContainsFunc(p.Cameras, sees)
	})
}
