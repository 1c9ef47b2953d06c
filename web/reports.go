package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// Bounds of a report: it reads every record of its period.
const (
	reportPeriod = 30 * 24 * time.Hour
	reportLimit  = 400 * 24 * time.Hour // a year, and some days to compare it
)

type precisionQuery struct {
	From     time.Time `query:"from" doc:"the first instant of the period; default: 30 days before its end"`
	To       time.Time `query:"to" doc:"the first instant after the period; default: now"`
	Cameras  []string  `query:"camera,explode" maxItems:"256"`
	TimeZone string    `query:"time_zone" maxLength:"64" doc:"the place whose wall clock counts the hours, such as Europe/Vienna; default: the server's"`
}

func (s *Server) describeReports(api huma.API) {
	huma.Register(api, needs(models.RightReport, huma.Operation{
		OperationID: "report-precision", Method: http.MethodGet, Path: "/api/reports/precision", Tags: []string{"reports"},
		Summary: "How many alarms were true",
		Description: "Of the alarms of a period, by camera, zone, rule and hour of the day: how many people judged true and " +
			"nuisance, and for which reason. Alarms that nobody judged are counted apart, never as true.",
		Errors: []int{401, 403, 422, 504}, RejectUnknownQueryParameters: true,
	}), s.precision)
	s.describeSummary(api)
	s.describeLogBook(api)
	s.describeHandover(api)
}

func (s *Server) precision(ctx context.Context, q *precisionQuery) (*struct{ Body incident.PrecisionReport }, error) {
	from, to, place := q.From, q.To, time.Local
	if to.IsZero() {
		to = s.Now()
	}
	if from.IsZero() {
		from = to.Add(-reportPeriod)
	}
	switch period := to.Sub(from); {
	case period <= 0:
		return nil, huma.Error422UnprocessableEntity("to is not after from")
	case period > reportLimit:
		return nil, huma.Error422UnprocessableEntity("the period is longer than 400 days; vedette report precision has no such bound")
	}
	if q.TimeZone != "" {
		var err error
		if place, err = time.LoadLocation(q.TimeZone); err != nil || q.TimeZone == "Local" {
			return nil, huma.Error422UnprocessableEntity("time_zone is no place of the IANA time zone database")
		}
	}
	cameras, none := s.visible(ctx, models.RightReport, named[models.CameraID](q.Cameras))
	records := storage.Walk(ctx, s.Incidents.List, storage.Query{Cameras: cameras, From: from, To: to, Brief: true})
	if none {
		records = func(func(models.Incident, error) bool) {}
	}
	report, err := incident.MeasurePrecision(from, to, place, records)
	if err != nil {
		return nil, s.fail(ctx, "report", err)
	}
	return &struct{ Body incident.PrecisionReport }{report}, nil
}
