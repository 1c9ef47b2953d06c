package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"net/http"
	"runtime"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

type summaryQuery struct {
	From       time.Time `query:"from" doc:"the first instant of the period, of alarms; default: 30 days before its end"`
	To         time.Time `query:"to" doc:"the first instant after the period; default: now"`
	Sites      []string  `query:"site,explode" maxItems:"256"`
	Cameras    []string  `query:"camera,explode" maxItems:"256"`
	Zones      []string  `query:"zone,explode" maxItems:"256"`
	Kinds      []string  `query:"kind,explode" maxItems:"32"`
	Types      []string  `query:"type,explode" maxItems:"64"`
	Officers   []string  `query:"officer,explode" maxItems:"64" doc:"user names; none: nobody's"`
	Severities []string  `query:"severity,explode" maxItems:"8" enum:"low,medium,high,critical"`
	By         []string  `query:"by,explode" maxItems:"16" enum:"all,site,camera,zone,kind,type,officer,severity,hour,day" doc:"which rows; default: all of these"`
}

// csvFile is a table for spreadsheets (RFC 4180).
type csvFile struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func newCSV(name string, table [][]string) (*csvFile, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if err := w.WriteAll(table); err != nil {
		return nil, err
	}
	return &csvFile{Type: "text/csv; charset=utf-8; header=present", Disposition: `attachment; filename="` + fileName(name) + `"`, Body: out.Bytes()}, nil
}

// reportOp is an operation that reads, and changes nothing.
func reportOp(id, path, summary, description string, errs ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"reports"}, Summary: summary, Description: description,
		Errors: append([]int{401, 403, 422, 501, 504}, errs...), RejectUnknownQueryParameters: true}
}

func asCSV(op huma.Operation) huma.Operation {
	op.Responses = map[string]*huma.Response{"200": binary("a table with a head (RFC 4180); no cell is a formula", "text/csv")}
	return op
}

func (s *Server) describeSummary(api huma.API) {
	const what = "Counts, true and nuisance, how soon incidents were acknowledged, responded to and resolved and whether that was within the service " +
		"level, effort, loss, and what is open and overdue now; by site, camera, zone, kind, type, officer, severity, hour and day. Hours and days " +
		"are those of the site: a day on which the clocks change has 23 or 25 hours. At most 400 days."
	huma.Register(api, needs(models.RightReport, reportOp("report-summary", "/api/reports/summary", "What happened and how it was handled", what)),
		func(ctx context.Context, q *summaryQuery) (*struct{ Body incident.Summary }, error) {
			sum, err := s.summary(ctx, q)
			return &struct{ Body incident.Summary }{sum}, err
		})
	huma.Register(api, needs(models.RightReport, asCSV(reportOp("report-summary-csv", "/api/reports/summary.csv", "The same as a table",
		"Durations are in seconds, losses in the smallest unit of their currency."))),
		func(ctx context.Context, q *summaryQuery) (*csvFile, error) {
			sum, err := s.summary(ctx, q)
			if err != nil {
				return nil, err
			}
			return newCSV("vedette-summary-"+sum.From.Format(time.DateOnly)+"-"+sum.To.Format(time.DateOnly)+".csv", sum.Table())
		})
}

func (s *Server) summary(ctx context.Context, q *summaryQuery) (incident.Summary, error) {
	if s.Ledger == nil {
		return incident.Summary{}, noLedger
	}
	from, to, err := s.reportTimes(q.From, q.To)
	if err != nil {
		return incident.Summary{}, err
	}
	query := incident.SummaryQuery{From: from, To: to, Sites: q.Sites, Zones: named[models.ZoneID](q.Zones), Kinds: named[models.Kind](q.Kinds),
		Types: q.Types, Officers: orNobody(q.Officers), Severities: named[models.Severity](q.Severities), By: named[incident.Grouping](q.By)}
	var none bool
	if query.Cameras, none = s.visible(ctx, models.RightReport, named[models.CameraID](q.Cameras)); none {
		return incident.Summary{From: from.UTC(), To: to.UTC(), Made: s.Now().UTC(), Rows: []incident.SummaryRow{}}, nil
	}
	sum, err := incident.Summarise(query, s.Now(), s.clocks(), s.Ledger.Tallies(ctx, from, to, runtime.GOMAXPROCS(0))...)
	if err != nil {
		return incident.Summary{}, s.fail(ctx, "report", err)
	}
	return sum, nil
}

// reportTimes are the bounds of a report; the error is an answer.
func (s *Server) reportTimes(from, to time.Time) (time.Time, time.Time, error) {
	if to.IsZero() {
		to = s.Now()
	}
	if from.IsZero() {
		from = to.Add(-reportPeriod)
	}
	switch period := to.Sub(from); {
	case period <= 0:
		return from, to, huma.Error422UnprocessableEntity("to is not after from")
	case period > reportLimit:
		return from, to, huma.Error422UnprocessableEntity("the period is longer than 400 days; vedette report on the command line has no such bound")
	}
	return from, to, nil
}

// orNobody are the officers of a query, in which none stands for nobody.
func orNobody(officers []string) []string {
	out := named[string](officers)
	for i, o := range out {
		if o == "none" {
			out[i] = ""
		}
	}
	return out
}
