package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// Custody is the log of who did what to which evidence. A custody.Log is one.
type Custody interface {
	// Record is durable when it returns.
	Record(context.Context, models.Custody) error
	// Of returns what concerns one incident, oldest first.
	Of(context.Context, models.IncidentID) ([]models.CustodyRecord, error)
	// Page returns at most limit entries that lie before an index, newest first; before
	// 0 it begins with the newest of all.
	Page(ctx context.Context, before uint64, limit int) ([]models.CustodyRecord, error)
}

// witness notes that the person who asks has done something to evidence. Within one
// session the same act on the same thing counts once: a player asks for a clip in
// hundreds of ranges.
//
// The error is an answer: evidence whose use cannot be logged is not given away.
func (s *Server) witness(ctx context.Context, thing string, c models.Custody) error {
	if s.Custody == nil {
		return nil
	}
	q := requestOf(ctx)
	err := s.sessions.once(ctx, q.who.token, string(c.Act)+" "+thing, func() error { return s.enter(ctx, c) })
	return s.unwitnessed(err)
}

// witnessAlways notes an act that counts each time, such as an export.
func (s *Server) witnessAlways(ctx context.Context, c models.Custody) error {
	if s.Custody == nil {
		return nil
	}
	return s.unwitnessed(s.enter(ctx, c))
}

// enter writes into the log what the request itself knows: who, from where, when.
func (s *Server) enter(ctx context.Context, c models.Custody) error {
	q := requestOf(ctx)
	c.At = s.Now().UTC()
	if c.Who == "" {
		c.Who = q.who.user
	}
	// A client that goes away must not leave it open whether it was seen.
	return s.Custody.Record(context.WithoutCancel(ctx), q.attributed(c))
}

// attributed adds to an entry by which token and from where the request came.
func (q *request) attributed(c models.Custody) models.Custody {
	if q.who.bearer != nil {
		c.Note = strings.TrimSpace(c.Note + " (by token " + q.who.bearer.Name + ")")
	}
	if q.addr.IsValid() {
		c.Remote = q.addr.String()
	}
	return c
}

// OnBehalf completes what another room enters into the custody log for somebody whose
// request it answers: with the address and the token that the request came with. A Keeper
// that the server is given writes through one.
type OnBehalf struct {
	Log interface {
		Record(context.Context, models.Custody) error
	}
}

// Record enters what somebody did into the log.
func (o OnBehalf) Record(ctx context.Context, c models.Custody) error {
	if q := requestOf(ctx); q.who.user != "" && q.who.user == c.Who {
		c = q.attributed(c)
	}
	return o.Log.Record(ctx, c)
}

func (s *Server) unwitnessed(err error) error {
	if err == nil {
		return nil
	}
	s.Log.Error("custody: an act could not be logged, so it was refused", "error", err)
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the custody log cannot be written, so evidence is not given out; the log of the program says why"),
		http.Header{"Retry-After": {"10"}})
}

// CustodyPage is a part of the custody log.
type CustodyPage struct {
	Items []models.CustodyRecord `json:"items"`
	Next  string                 `json:"next" doc:"before of the next page; empty on the last"`
}

type custodyQuery struct {
	Before   uint64    `query:"before" doc:"only entries with a lower index; 0: from the newest"`
	Limit    int       `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Who      string    `query:"who" maxLength:"256" doc:"only what this user did"`
	Acts     []string  `query:"act,explode" maxItems:"32" doc:"only these acts; repeat for several"`
	Incident string    `query:"incident" maxLength:"256" doc:"only what concerns this incident"`
	From     time.Time `query:"from" doc:"only at or after this time"`
	To       time.Time `query:"to" doc:"only before this time"`
}

// custodyScan is how many entries one request looks through: some 100 ms. A page may
// therefore have fewer items than its limit, or none, and still another after it.
const custodyScan = 10_000

// custodyEarlier is how much the clock of the recorder may have been set back between two
// entries without one of them being missed.
const custodyEarlier = time.Hour

// fits says whether an entry is asked for; over says that no earlier one is.
func (q *custodyQuery) fits(r models.CustodyRecord) (fits, over bool) {
	if !q.From.IsZero() && r.At.Before(q.From) {
		return false, r.At.Before(q.From.Add(-custodyEarlier))
	}
	return (q.Who == "" || q.Who == r.Who) && (len(q.Acts) == 0 || slices.Contains(q.Acts, string(r.Act))) &&
		(q.Incident == "" || q.Incident == string(r.Incident)) && (q.To.IsZero() || r.At.Before(q.To)), false
}

func (s *Server) describeCustody(api huma.API) {
	tags := []string{"custody"}
	huma.Register(api, needs(models.RightAudit, huma.Operation{
		OperationID: "incident-custody", Method: http.MethodGet, Path: "/api/incidents/{id}/custody", Tags: tags,
		Summary: "Who did what to the evidence of an incident", Description: "Oldest first.",
		Errors: []int{401, 403, 404, 501},
	}), func(ctx context.Context, in *OneIncident) (*struct{ Body CustodyPage }, error) {
		if s.Custody == nil {
			return nil, absent("the custody log")
		}
		if _, err := s.incident(ctx, in.ID, models.RightAudit); err != nil {
			return nil, err
		}
		entries, err := s.Custody.Of(ctx, models.IncidentID(in.ID))
		if err != nil {
			return nil, s.fail(ctx, "custody of incident "+in.ID, err)
		}
		return &struct{ Body CustodyPage }{CustodyPage{Items: orEmpty(entries)}}, nil
	})
	huma.Register(api, needs(models.RightAudit, huma.Operation{
		OperationID: "list-custody", Method: http.MethodGet, Path: "/api/custody", Tags: tags,
		Summary: "The custody log", Description: "Everything that was done to evidence, and what people did, newest first. A page " +
			"may have fewer items than its limit, or none, and still another after it: each request looks through a bounded part of the log.",
		Errors: []int{401, 403, 422, 501}, RejectUnknownQueryParameters: true,
	}), s.custodyPage)
}

func (s *Server) custodyPage(ctx context.Context, q *custodyQuery) (*struct{ Body CustodyPage }, error) {
	if s.Custody == nil {
		return nil, absent("the custody log")
	}
	items, next, err := s.custodyEntries(ctx, q)
	if err != nil {
		return nil, s.fail(ctx, "custody log", err)
	}
	page := CustodyPage{Items: items}
	if next > 0 {
		page.Next = strconv.FormatUint(next, 10)
	}
	return &struct{ Body CustodyPage }{page}, nil
}

// custodyEntries looks through the log from the newest entry backwards. next is where to
// go on; 0: nowhere.
func (s *Server) custodyEntries(ctx context.Context, q *custodyQuery) (items []models.CustodyRecord, next uint64, err error) {
	const batch = 500
	items = []models.CustodyRecord{}
	read := func(before uint64) ([]models.CustodyRecord, error) { return s.Custody.Page(ctx, before, batch) }
	if q.Incident != "" { // which the log has an index of
		all, err := s.Custody.Of(ctx, models.IncidentID(q.Incident))
		if err != nil {
			return nil, 0, err
		}
		slices.Reverse(all)
		read = func(before uint64) ([]models.CustodyRecord, error) {
			at := slices.IndexFunc(all, func(r models.CustodyRecord) bool { return before == 0 || r.Index < before })
			if at < 0 {
				return nil, nil
			}
			return all[at:min(at+batch, len(all))], nil
		}
	}
	before := q.Before
	for looked := 0; looked < custodyScan; {
		entries, err := read(before)
		if err != nil || len(entries) == 0 {
			return items, 0, err
		}
		for _, r := range entries {
			before = r.Index
			looked++
			fits, over := q.fits(r)
			if over {
				return items, 0, nil
			}
			if fits && s.sees(ctx, models.RightAudit, r.Camera) {
				if items = append(items, r); len(items) == q.Limit {
					return items, before, nil
				}
			}
		}
		if before == 0 {
			return items, 0, nil
		}
	}
	return items, before, nil
}

// absent answers for a part of the program that does not run here.
func absent(what string) error {
	return huma.NewError(http.StatusNotImplemented, what+" is not part of this program as it was started")
}

// utcRange is a time range as a custody entry's note gives it.
func utcRange(from, to time.Time) string {
	return from.UTC().Format(time.RFC3339) + " to " + to.UTC().Format(time.RFC3339)
}
