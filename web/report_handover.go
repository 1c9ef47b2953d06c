package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// shiftLength is how long a shift was when nobody says.
const shiftLength = 12 * time.Hour

// sheetReads is how many open incidents a sheet counts at most.
const sheetReads = 10 * storage.MaxLimit

type handoverQuery struct {
	Site string    `query:"site" maxLength:"64" doc:"default: all sites"`
	From time.Time `query:"from" doc:"when the shift began; default: 12 h ago"`
}

// HandoverDraft is a sheet that nobody has handed over yet.
type HandoverDraft struct {
	Site  string               `json:"site"`
	From  time.Time            `json:"from"`
	To    time.Time            `json:"to"`
	Sheet models.HandoverSheet `json:"sheet"`
}

// HandoverPage is one page of shifts that were handed over.
type HandoverPage struct {
	Items []models.Handover `json:"items"`
	Next  string            `json:"next" doc:"cursor of the next page; empty on the last"`
}

type handoversQuery struct {
	Sites []string `query:"site,explode" maxItems:"256"`
	Paging
}

// OneHandover names the hand-over that a request is about.
type OneHandover struct {
	ID string `path:"handover" maxLength:"64" pattern:"^[A-Za-z0-9]+$" doc:"the hand-over's ID"`
}

type handoverOrder struct {
	Keyed
	Body struct {
		Site  string    `json:"site,omitempty" maxLength:"64" doc:"absent: all sites"`
		From  time.Time `json:"from,omitzero" doc:"when the shift began; absent: 12 h ago"`
		Notes string    `json:"notes,omitempty" maxLength:"20000" doc:"for the next shift" example:"The gate of the yard does not close by itself."`
	}
}

type handoverTake struct {
	OneHandover
	Body *struct {
		Remark string `json:"remark,omitempty" maxLength:"4000"`
	} `required:"false"`
}

type handoverAnswer struct {
	Body models.Handover
}

func (s *Server) describeHandover(api huma.API) {
	huma.Register(api, needs(models.RightView, reportOp("draft-handover", "/api/handover", "What the next shift has to know",
		"Open and overdue incidents, who works on what, what happened in the shift, camera troubles; as it is now, of the cameras that you may see.")),
		func(ctx context.Context, q *handoverQuery) (*struct{ Body HandoverDraft }, error) {
			d, err := s.draft(ctx, q.Site, q.From)
			return &struct{ Body HandoverDraft }{d}, err
		})
	huma.Register(api, needs(models.RightView, reportOp("list-handovers", "/api/handovers", "Shifts that were handed over", "The newest first.", 400)),
		func(ctx context.Context, q *handoversQuery) (*struct{ Body HandoverPage }, error) {
			if s.Ledger == nil {
				return nil, noLedger
			}
			page, err := s.Ledger.ListHandovers(ctx, storage.PaperQuery{Sites: q.Sites, Limit: q.Limit, After: q.After})
			if err != nil {
				return nil, s.fail(ctx, "hand-overs", err)
			}
			items := orEmpty(page.Items)
			for i := range items {
				items[i] = s.handoverFor(ctx, items[i])
			}
			return &struct{ Body HandoverPage }{HandoverPage{Items: items, Next: page.Next}}, nil
		})
	huma.Register(api, needs(models.RightView, reportOp("get-handover", "/api/handovers/{handover}", "One shift that was handed over", "With the sheet as it was then.", 404)),
		func(ctx context.Context, in *OneHandover) (*handoverAnswer, error) {
			if s.Ledger == nil {
				return nil, noLedger
			}
			h, err := s.Ledger.GetHandover(ctx, in.ID)
			if err != nil {
				return nil, s.fail(ctx, "hand-over "+in.ID, err)
			}
			return &handoverAnswer{s.handoverFor(ctx, h)}, nil
		})
	give := deskOp("hand-over-shift", http.MethodPost, "/api/handovers", "Hand over a shift", "The sheet is kept as it is now. Somebody else takes it.", 501)
	give.Tags = []string{"reports"}
	huma.Register(api, needs(models.RightWork, give), s.handOverShift)
	take := deskOp("take-over-shift", http.MethodPost, "/api/handovers/{handover}/take", "Take a shift", "Once, and not by whoever handed it over.", 404, 409, 501)
	take.Tags = []string{"reports"}
	huma.Register(api, needs(models.RightWork, take), s.takeShift)
}

func (s *Server) handOverShift(ctx context.Context, in *handoverOrder) (*handoverAnswer, error) {
	d, err := s.draft(ctx, in.Body.Site, in.Body.From)
	if err != nil {
		return nil, err
	}
	h, err := incident.HandOver(s.entryID(ctx, "hand-over", in.Keyed), d.Site, d.From, d.To, requestOf(ctx).who.user, in.Body.Notes, s.Now(), d.Sheet)
	if err != nil {
		return nil, s.fail(ctx, "hand-over", err)
	}
	stored, err := s.Ledger.AddHandover(ctx, h)
	if err != nil {
		return nil, s.fail(ctx, "hand-over", err)
	}
	s.audit(ctx, models.Custody{Act: models.ActChanged, Note: "handed over the shift"})
	return &handoverAnswer{s.handoverFor(ctx, stored)}, nil
}

func (s *Server) takeShift(ctx context.Context, in *handoverTake) (*handoverAnswer, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	remark := ""
	if in.Body != nil {
		remark = in.Body.Remark
	}
	who := requestOf(ctx).who.user
	h, err := s.Ledger.UpdateHandover(ctx, in.ID, func(h *models.Handover) error { return incident.TakeOver(h, who, remark, s.Now()) })
	if err != nil {
		return nil, s.fail(ctx, "hand-over "+in.ID, err)
	}
	s.audit(ctx, models.Custody{Act: models.ActChanged, Note: "took the shift"})
	return &handoverAnswer{s.handoverFor(ctx, h)}, nil
}

// draft makes the sheet as it is now, of what whoever asks may see.
func (s *Server) draft(ctx context.Context, site string, from time.Time) (HandoverDraft, error) {
	if s.Ledger == nil {
		return HandoverDraft{}, noLedger
	}
	if err := s.checkSite(site); err != nil {
		return HandoverDraft{}, err
	}
	now := s.Now().UTC()
	if from.IsZero() {
		from = now.Add(-shiftLength)
	}
	d := HandoverDraft{Site: site, From: from.UTC(), To: now, Sheet: incident.Sheet(now, nil, incident.Figures{}, nil, nil)}
	if !from.Before(now) || now.Sub(from) > incident.MaxShift {
		return d, huma.Error422UnprocessableEntity("from is not within the last 7 days")
	}
	cameras, none := s.visible(ctx, models.RightView, nil)
	if none {
		return d, nil
	}
	var err error
	if d.Sheet, err = SheetOf(ctx, s.Ledger, s.Incidents, site, cameras, d.From, now, s.clocks(), s.troubles(ctx, site)); err != nil {
		return d, s.fail(ctx, "hand-over", err)
	}
	return d, nil
}

// SheetOf makes the sheet of a site, or of all for an empty name, and of some cameras, or of
// all for none.
func SheetOf(ctx context.Context, ledger Ledger, incidents Incidents, site string, cameras []models.CameraID, from, now time.Time,
	clocks incident.Clocks, troubles []models.CameraTrouble) (models.HandoverSheet, error) {
	query, sum := openQuery, incident.SummaryQuery{From: from, To: now, Cameras: cameras, By: []incident.Grouping{incident.ByAll}}
	query.Cameras, query.Brief, query.Order, query.Limit = cameras, true, storage.OrderQueue, storage.MaxLimit
	if site != "" {
		query.Sites, sum.Sites = []string{site}, []string{site}
	}
	var open []models.Incident
	for in, err := range storage.Walk(ctx, incidents.List, query) {
		if err != nil {
			return models.HandoverSheet{}, err
		}
		if open = append(open, in); len(open) == sheetReads {
			break
		}
	}
	report, err := incident.Summarise(sum, now, clocks, ledger.Tallies(ctx, from, now, 1)...)
	if err != nil {
		return models.HandoverSheet{}, err
	}
	var happened incident.Figures
	if len(report.Rows) > 0 {
		happened = report.Rows[0].Figures
	}
	page, err := ledger.ListEntries(ctx, storage.PaperQuery{Sites: ofSite(site), From: from, To: now.Add(time.Second), Limit: incident.MaxSheet})
	if err != nil {
		return models.HandoverSheet{}, err
	}
	slices.Reverse(page.Items)
	return incident.Sheet(now, open, happened, page.Items, troubles), nil
}

// troubles are what the cameras suffer now.
func (s *Server) troubles(ctx context.Context, site string) []models.CameraTrouble {
	places := s.desk().Policy.Places
	out := []models.CameraTrouble{}
	for _, c := range s.Cameras.Cameras() {
		if site != "" && places[c.ID].Site != site || !s.sees(ctx, models.RightView, c.ID) {
			continue
		}
		var what []string
		for _, t := range c.Health.Troubles {
			what = append(what, strings.ReplaceAll(string(t), "_", " "))
		}
		if c.Health.Connection != models.Connected && len(what) == 0 {
			what = append(what, string(c.Health.Connection))
		}
		if len(what) > 0 {
			out = append(out, models.CameraTrouble{Camera: c.ID, What: strings.Join(what, ", ")})
		}
	}
	return out
}

// handoverFor leaves out of a sheet what whoever asks may not see.
func (s *Server) handoverFor(ctx context.Context, h models.Handover) models.Handover {
	if requestOf(ctx).who.everywhere(models.RightView) {
		return h
	}
	h.Sheet.Open = slices.DeleteFunc(slices.Clone(orEmpty(h.Sheet.Open)), func(in models.HandoverIncident) bool { return !s.sees(ctx, models.RightView, in.Camera) })
	h.Sheet.Troubles = slices.DeleteFunc(slices.Clone(orEmpty(h.Sheet.Troubles)), func(c models.CameraTrouble) bool { return !s.sees(ctx, models.RightView, c.Camera) })
	return h
}
