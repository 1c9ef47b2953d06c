package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

// Recall takes continuous footage out of the archive.
type Recall interface {
	// Cameras are those of which there is footage, also when they are configured no more.
	Cameras() []models.CameraID
	// Coverage says which parts of a span there is footage of, and why the others lack.
	Coverage(models.CameraID, models.Span) (have []models.Span, gaps []models.Gap, err error)
	// Moved finds where something moved in a region, by at least so much of a cell.
	Moved(ctx context.Context, cam models.CameraID, region models.Polygon, span models.Span, least float64) ([]models.Moved, error)
	// Open makes one MP4 of a span; what is missing is a gap of it. The error is
	// fs.ErrNotExist when there is nothing at all.
	Open(context.Context, models.CameraID, models.Span) (RecallReader, models.Recalled, error)
}

// RecallReader reads recalled footage, which is made while it is read.
type RecallReader interface {
	io.ReadSeekCloser
	Size() int64
}

// Bounds on what one request may ask of the archive.
const (
	recallMost = 12 * time.Hour      // footage in one file: the archive gives no more
	searchMost = 31 * 24 * time.Hour // time to look through
	movedMost  = 5000                // places; more is no answer to look through
)

// RecallSpan names a camera and a time range.
type RecallSpan struct {
	Camera string    `path:"camera" maxLength:"256" doc:"the camera's name in the configuration"`
	From   time.Time `query:"from" required:"true" doc:"belongs to the range"`
	To     time.Time `query:"to" required:"true" doc:"does not"`
}

// span checks the range; most is the longest allowed.
func (r RecallSpan) span(most time.Duration) (models.CameraID, models.Span, error) {
	s := models.Span{From: r.From.UTC(), To: r.To.UTC()}
	switch d := s.To.Sub(s.From); {
	case d <= 0:
		return "", s, huma.Error422UnprocessableEntity("to is not after from")
	case d > most:
		return "", s, huma.Error422UnprocessableEntity(fmt.Sprintf("the range is longer than %s", most))
	}
	return models.CameraID(r.Camera), s, nil
}

type movedQuery struct {
	RecallSpan
	X0    float64 `query:"x0" minimum:"0" maximum:"1" doc:"left edge of the region, as a fraction of the picture's width"`
	Y0    float64 `query:"y0" minimum:"0" maximum:"1" doc:"its upper edge, of the height"`
	X1    float64 `query:"x1" minimum:"0" maximum:"1" default:"1" doc:"right edge"`
	Y1    float64 `query:"y1" minimum:"0" maximum:"1" default:"1" doc:"lower edge"`
	Least float64 `query:"least" minimum:"0" maximum:"1" default:"0.05" doc:"the share of a cell of the 16 × 16 grid that must have moved; less than a twentieth is a sensor's noise at night"`
}

// RecallCameras lists where continuous footage can be had from.
type RecallCameras struct {
	Items []models.CameraID `json:"items"`
}

// Coverage says what there is of a time range.
type Coverage struct {
	Have []models.Span `json:"have" doc:"stretches with footage, oldest first"`
	Gaps []models.Gap  `json:"gaps" doc:"stretches without, and why"`
}

// MovedList is where something moved.
type MovedList struct {
	Items     []models.Moved `json:"items" doc:"oldest first"`
	Truncated bool           `json:"truncated" doc:"there is more than is shown: narrow the range or the region"`
}

func (s *Server) describeRecall(api huma.API) {
	tags := []string{"recall"}
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "recall-cameras", Method: http.MethodGet, Path: "/api/recall", Tags: tags,
		Summary: "Cameras with continuous footage", Errors: []int{401, 403, 501},
	}), func(ctx context.Context, _ *struct{}) (*struct{ Body RecallCameras }, error) {
		if s.Recall == nil {
			return nil, noRecall
		}
		unseen := func(id models.CameraID) bool { return !s.sees(ctx, models.RightFootage, id) }
		return &struct{ Body RecallCameras }{RecallCameras{orEmpty(slices.DeleteFunc(slices.Clone(s.Recall.Cameras()), unseen))}}, nil
	})
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "recall-coverage", Method: http.MethodGet, Path: "/api/recall/{camera}/coverage", Tags: tags,
		Summary: "Of which times there is footage", Description: "At most 31 days at once.",
		Errors: []int{401, 403, 404, 422, 501}, RejectUnknownQueryParameters: true,
	}), s.coverage)
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "recall-moved", Method: http.MethodGet, Path: "/api/recall/{camera}/moved", Tags: tags,
		Summary: "When something moved here", Description: "Looks through the motion grids, which have 16 × 16 cells and one entry for 10 s, " +
			"for a region of the picture. At most 31 days at once.",
		Errors: []int{401, 403, 404, 422, 501, 504}, RejectUnknownQueryParameters: true,
	}), s.moved)
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "recall-clip", Method: http.MethodGet, Path: "/api/recall/{camera}/clip.mp4", Tags: tags,
		Summary: "The footage of a time range as one MP4",
		Description: "The camera's own bits, in one playable file that is made while it is read; it may begin earlier, on a key frame. Gaps stay " +
			"gaps on its timeline. Takes ranges; up to now it still grows, so ranges of it belong together only under one ETag: ask again up to " +
			"a second before Footage-To for a file that stays as it is. At most 12 h at once. The custody log keeps who took what.",
		Responses: map[string]*huma.Response{
			"200": footageTimes(binary("the whole file", "video/mp4")),
			"206": binary("the ranges asked for", "video/mp4"),
			"416": {Description: "there is no such range"},
		},
		Errors: []int{401, 403, 404, 422, 501, 503},
	}), s.recallClip)
}

// footageTimes describes the headers that say which times a file shows.
func footageTimes(r *huma.Response) *huma.Response {
	at := &huma.Schema{Type: huma.TypeString, Format: "date-time"}
	r.Headers = map[string]*huma.Param{
		"Footage-From": {Description: "of the first picture: where the file's timeline begins", Schema: at},
		"Footage-To":   {Description: "end of the last picture", Schema: at},
	}
	return r
}

var noRecall = huma.NewError(http.StatusNotImplemented,
	"continuous footage is not kept here: set record.continuous for a camera in the configuration")

// archived says whether there is footage of a camera, now or in the past.
func (s *Server) archived(cam models.CameraID) error {
	if s.Recall == nil {
		return noRecall
	}
	known := slices.Contains(s.Recall.Cameras(), cam) ||
		slices.ContainsFunc(s.Cameras.Cameras(), func(c Camera) bool { return c.ID == cam })
	if !known {
		return noCamera
	}
	return nil
}

func (s *Server) coverage(ctx context.Context, q *RecallSpan) (*struct{ Body Coverage }, error) {
	cam, span, err := q.span(searchMost)
	if err == nil {
		err = s.archived(cam)
	}
	if err != nil {
		return nil, err
	}
	have, gaps, err := s.Recall.Coverage(cam, span)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fail(ctx, "coverage of "+string(cam), err)
	}
	return &struct{ Body Coverage }{Coverage{Have: orEmpty(have), Gaps: orEmpty(gaps)}}, nil
}

func (s *Server) moved(ctx context.Context, q *movedQuery) (*struct{ Body MovedList }, error) {
	cam, span, err := q.span(searchMost)
	if err == nil {
		err = s.archived(cam)
	}
	if err != nil {
		return nil, err
	}
	if !(q.X1 > q.X0 && q.Y1 > q.Y0) || math.IsNaN(q.Least) {
		return nil, huma.Error422UnprocessableEntity("the region is empty: x0 < x1 and y0 < y1 are needed")
	}
	region := models.Polygon{{X: q.X0, Y: q.Y0}, {X: q.X1, Y: q.Y0}, {X: q.X1, Y: q.Y1}, {X: q.X0, Y: q.Y1}}
	found, err := s.Recall.Moved(ctx, cam, region, span, q.Least)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fail(ctx, "motion of "+string(cam), err)
	}
	list := MovedList{Items: orEmpty(found)}
	if len(found) > movedMost {
		list = MovedList{Items: found[:movedMost], Truncated: true}
	}
	return &struct{ Body MovedList }{list}, nil
}

type recallClipQuery struct {
	RecallSpan
	Range string `header:"Range" doc:"byte ranges, RFC 9110"`
}

func (s *Server) recallClip(ctx context.Context, q *recallClipQuery) (*huma.StreamResponse, error) {
	cam, span, err := q.span(recallMost)
	if err == nil {
		err = s.archived(cam)
	}
	if err != nil {
		return nil, err
	}
	what := "footage of " + string(cam)
	body, got, err := s.Recall.Open(ctx, cam, span)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, huma.Error404NotFound("there is no footage of this range")
	case err != nil:
		return nil, s.fail(ctx, what, err)
	}
	note := utcRange(span.From, span.To)
	if err := s.witness(ctx, string(cam)+" "+note, models.Custody{Act: models.ActRecalled, Camera: cam, Note: note}); err != nil {
		body.Close()
		return nil, err
	}
	// The file follows from what it is made of, so a range of it may only be joined to
	// ranges of the same making.
	etag := fmt.Sprintf(`"%x-%x-%x-%x"`, got.Got.From.UnixMicro(), got.Got.To.UnixMicro(), got.Frames, body.Size())
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer body.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "video/mp4")
		h.Set("ETag", etag)
		// Where the clip's timeline begins and ends: a player shows the time of day by it.
		h.Set("Footage-From", got.Got.From.UTC().Format(time.RFC3339Nano))
		h.Set("Footage-To", got.Got.To.UTC().Format(time.RFC3339Nano))
		h.Set("Content-Disposition", `inline; filename="`+fileName(string(cam)+"-"+span.From.Format("20060102T150405Z"))+`.mp4"`)
		http.ServeContent(steady{w}, r, "", time.Time{}, contextual{r.Context(), body})
	}}, nil
}
