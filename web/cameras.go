package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// CameraList is every camera in the order of the configuration.
type CameraList struct {
	Items []Camera `json:"items"`
}

type cameraPath struct {
	ID string `path:"id" maxLength:"256" doc:"the camera's name in the configuration"`
}

type pictureAnswer struct {
	ContentType  string    `header:"Content-Type"`
	LastModified time.Time `header:"Last-Modified"`
	Body         []byte
}

func (s *Server) describeCameras(api huma.API) {
	tags := []string{"cameras"}
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "list-cameras", Method: http.MethodGet, Path: "/api/cameras", Tags: tags,
		Summary: "List cameras", Errors: []int{401, 403},
	}), func(ctx context.Context, _ *struct{}) (*struct{ Body CameraList }, error) {
		items := []Camera{}
		for _, c := range s.Cameras.Cameras() {
			if s.sees(ctx, models.RightView, c.ID) {
				items = append(items, wholeCamera(c))
			}
		}
		return &struct{ Body CameraList }{CameraList{items}}, nil
	})
	huma.Register(api, needs(models.RightLive, huma.Operation{
		OperationID: "get-camera-picture", Method: http.MethodGet, Path: "/api/cameras/{id}/picture", Tags: tags,
		Summary:     "The newest picture of a camera",
		Description: "Never cached; Last-Modified is when it was taken. 503 while there is none yet.",
		Responses:   map[string]*huma.Response{"200": binary("the picture", "image/jpeg")},
		Errors:      []int{401, 403, 404, 503},
	}), s.picture)
}

func (s *Server) picture(_ context.Context, in *cameraPath) (*pictureAnswer, error) {
	id := models.CameraID(in.ID)
	known := false
	for _, c := range s.Cameras.Cameras() {
		known = known || c.ID == id
	}
	if !known {
		return nil, noCamera
	}
	jpeg, at, ok := s.Cameras.Picture(id)
	if !ok {
		return nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the camera has not sent a picture yet"),
			http.Header{"Retry-After": {"2"}})
	}
	return &pictureAnswer{ContentType: "image/jpeg", LastModified: at.UTC(), Body: jpeg}, nil
}

// wholeCamera gives a camera lists instead of nulls.
func wholeCamera(c Camera) Camera {
	c.Health.Camera = c.ID
	zones := make([]models.Zone, len(c.Zones))
	for i, z := range c.Zones {
		z.Polygon, z.Rules = orEmpty(z.Polygon), orEmpty(z.Rules)
		zones[i] = z
	}
	c.Zones = zones
	return c
}
