package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

type logBookQuery struct {
	Day  string `query:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"of the site, such as 2026-03-29; default: today"`
	Site string `query:"site" maxLength:"64" doc:"default: all sites, by the clock of the recorder"`
}

type journalQuery struct {
	Sites []string  `query:"site,explode" maxItems:"256"`
	From  time.Time `query:"from" doc:"only what happened at or after this time"`
	To    time.Time `query:"to" doc:"only what happened before this time"`
	Paging
}

// JournalPage is one page of the journal.
type JournalPage struct {
	Items []models.JournalEntry `json:"items"`
	Next  string                `json:"next" doc:"cursor of the next page; empty on the last"`
}

type journalOrder struct {
	Keyed
	Body struct {
		Site     string    `json:"site,omitempty" maxLength:"64"`
		At       time.Time `json:"at,omitzero" doc:"when it happened; absent: now"`
		Kind     string    `json:"kind" enum:"patrol,visitor,key,delivery,remark"`
		Text     string    `json:"text" minLength:"1" maxLength:"4000" example:"Key 12 handed to Mr. Lang, plumber"`
		Measures string    `json:"measures,omitempty" maxLength:"4000" doc:"what was done about it" example:"Identity checked, signed for"`
		Corrects int64     `json:"corrects,omitempty" minimum:"1" doc:"the number of the entry that this one sets right; that one stays as it is"`
	}
}

func (s *Server) describeLogBook(api huma.API) {
	huma.Register(api, needs(models.RightReport, reportOp("get-logbook", "/api/logbook", "The log book of a day",
		"What was written into it, what happened to incidents, which shifts were handed over, and who came to the desk and left it.")),
		func(ctx context.Context, q *logBookQuery) (*struct{ Body incident.LogBook }, error) {
			b, _, err := s.logBook(ctx, q)
			return &struct{ Body incident.LogBook }{b}, err
		})
	huma.Register(api, needs(models.RightReport, asCSV(reportOp("get-logbook-csv", "/api/logbook.csv", "The log book of a day as a table", ""))),
		func(ctx context.Context, q *logBookQuery) (*csvFile, error) {
			b, place, err := s.logBook(ctx, q)
			if err != nil {
				return nil, err
			}
			return newCSV("vedette-logbook-"+b.Day+".csv", b.Table(place))
		})
	list := reportOp("list-journal", "/api/journal", "What was written into the log book", "The newest number first. Entries are never changed: a correction is a new one.", 400)
	huma.Register(api, needs(models.RightView, list), func(ctx context.Context, q *journalQuery) (*struct{ Body JournalPage }, error) {
		if s.Ledger == nil {
			return nil, noLedger
		}
		page, err := s.Ledger.ListEntries(ctx, storage.PaperQuery{Sites: q.Sites, From: q.From, To: q.To, Limit: q.Limit, After: q.After})
		if err != nil {
			return nil, s.fail(ctx, "journal", err)
		}
		return &struct{ Body JournalPage }{JournalPage{Items: orEmpty(page.Items), Next: page.Next}}, nil
	})
	add := deskOp("add-journal", http.MethodPost, "/api/journal", "Write into the log book", "What belongs to no incident: a round, a visitor, a key.", 501)
	add.Tags = []string{"reports"}
	huma.Register(api, needs(models.RightWork, add), s.addJournal)
}

func (s *Server) addJournal(ctx context.Context, in *journalOrder) (*struct{ Body models.JournalEntry }, error) {
	if s.Ledger == nil {
		return nil, noLedger
	}
	b, now := in.Body, s.Now().UTC()
	e := models.JournalEntry{ID: s.entryID(ctx, "journal", in.Keyed), Site: b.Site, At: b.At.UTC(), Logged: now, Who: requestOf(ctx).who.user,
		Kind: models.JournalKind(b.Kind), Text: b.Text, Measures: b.Measures, Corrects: b.Corrects}
	if b.At.IsZero() {
		e.At = now
	}
	if err := s.checkSite(b.Site); err != nil {
		return nil, err
	}
	if err := incident.CheckJournal(e, now); err != nil {
		return nil, s.fail(ctx, "journal", err)
	}
	if e.Corrects > 0 {
		if _, err := s.Ledger.EntryOf(ctx, e.Corrects); err != nil {
			return nil, s.fail(ctx, "entry to correct", err)
		}
	}
	stored, err := s.Ledger.AddEntry(ctx, e)
	if err != nil {
		return nil, s.fail(ctx, "journal", err)
	}
	return &struct{ Body models.JournalEntry }{stored}, nil
}

// checkSite refuses a site that the configuration does not have. The error is an answer.
func (s *Server) checkSite(site string) error {
	if site == "" || slices.ContainsFunc(s.desk().Policy.Sites, func(p models.Site) bool { return p.ID == site }) {
		return nil
	}
	return huma.Error422UnprocessableEntity("there is no site of that name")
}

// logBook puts the page of one day together, for whoever asks.
func (s *Server) logBook(ctx context.Context, q *logBookQuery) (incident.LogBook, *time.Location, error) {
	if s.Ledger == nil {
		return incident.LogBook{}, nil, noLedger
	}
	place := s.clocks()(q.Site)
	day := cmp.Or(q.Day, s.Now().In(place).Format(time.DateOnly))
	from, to, err := incident.DayOf(day, place)
	if err != nil {
		return incident.LogBook{}, nil, huma.Error422UnprocessableEntity("day is no day such as 2026-03-29")
	}
	b := incident.LogBook{Site: q.Site, Day: day, From: from.UTC(), To: to.UTC(), TimeZone: place.String()}
	g := gathering{ledger: s.Ledger, incidents: s.Incidents, places: s.desk().Policy.Places}
	g.cameras, g.none = s.visible(ctx, models.RightReport, nil)
	if err = g.gather(ctx, &b); err == nil {
		err = s.deskLines(ctx, &b)
	}
	if err != nil {
		return incident.LogBook{}, nil, s.fail(ctx, "log book", err)
	}
	b.Order()
	return b, place, nil
}

// LogBookOf puts the page of a day together without the custody log.
func LogBookOf(ctx context.Context, ledger Ledger, incidents Incidents, policy models.Policy, site, day string, place *time.Location) (incident.LogBook, error) {
	from, to, err := incident.DayOf(day, place)
	if err != nil {
		return incident.LogBook{}, fmt.Errorf("day %q: %w", day, err)
	}
	b := incident.LogBook{Site: site, Day: day, From: from.UTC(), To: to.UTC(), TimeZone: place.String()}
	if err := (gathering{ledger: ledger, incidents: incidents, places: policy.Places}).gather(ctx, &b); err != nil {
		return incident.LogBook{}, err
	}
	b.Order()
	return b, nil
}

// gathering puts the lines of a page together.
type gathering struct {
	ledger    Ledger
	incidents Incidents
	places    map[models.CameraID]models.Place
	cameras   []models.CameraID // empty: all
	none      bool              // no camera at all
}

func (g gathering) gather(ctx context.Context, b *incident.LogBook) error {
	for _, lines := range []func(context.Context, *incident.LogBook) error{g.journalLines, g.incidentLines, g.handoverLines} {
		if err := lines(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// ofSite are the sites of a query for a page of the log book: its own and what belongs to
// none; all of them for no site.
func ofSite(site string) []string {
	if site == "" {
		return nil
	}
	return []string{site, ""}
}

func (g gathering) journalLines(ctx context.Context, b *incident.LogBook) error {
	q := storage.PaperQuery{Sites: ofSite(b.Site), From: b.From, To: b.To, Limit: storage.MaxLimit}
	for n := 0; n < incident.MaxLogBook; n += q.Limit {
		page, err := g.ledger.ListEntries(ctx, q)
		if err != nil {
			return err
		}
		numbers := make([]int64, len(page.Items))
		for i, e := range page.Items {
			numbers[i] = e.Number
		}
		corrections, err := g.ledger.Corrections(ctx, numbers)
		if err != nil {
			return err
		}
		b.Lines = append(b.Lines, incident.JournalLines(page.Items, corrections)...)
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
	b.Truncated = true
	return nil
}

func (g gathering) incidentLines(ctx context.Context, b *incident.LogBook) error {
	if g.none {
		return nil
	}
	sites := map[models.IncidentID]string{} // of those that belong to no camera
	q := storage.EntryQuery{From: b.From, To: b.To.Add(-time.Microsecond), Cameras: g.cameras, Limit: storage.MaxLimit}
	for n := 0; n < incident.MaxLogBook; n += q.Limit {
		page, err := g.ledger.Entries(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range page.Items {
			if b.Site != "" {
				site, known := g.places[e.Camera].Site, e.Camera != ""
				if !known {
					if site, known = sites[e.Incident]; !known {
						in, err := g.incidents.Get(ctx, e.Incident)
						if err != nil {
							return err
						}
						site = in.Site
						sites[e.Incident] = site
					}
				}
				if site != b.Site {
					continue
				}
			}
			b.Lines = append(b.Lines, incident.IncidentLine(e.Incident, e.Number, e.N, e.Camera, e.Action))
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
	b.Truncated = true
	return nil
}

func (g gathering) handoverLines(ctx context.Context, b *incident.LogBook) error {
	// One that was handed over before may have been taken on this day.
	page, err := g.ledger.ListHandovers(ctx, storage.PaperQuery{Sites: ofSite(b.Site), From: b.From.Add(-incident.MaxShift), To: b.To, Limit: storage.MaxLimit})
	if err != nil {
		return err
	}
	for _, h := range page.Items {
		for _, l := range incident.HandoverLines(h) {
			if !l.At.Before(b.From) && l.At.Before(b.To) {
				b.Lines = append(b.Lines, l)
			}
		}
	}
	return nil
}

// deskLines are who came to the desk and left it, as far back as one request may look
// through the custody log.
func (s *Server) deskLines(ctx context.Context, b *incident.LogBook) error {
	if s.Custody == nil {
		return nil
	}
	acts := make([]string, 0, len(incident.DeskActs()))
	for _, a := range incident.DeskActs() {
		acts = append(acts, string(a))
	}
	q := custodyQuery{From: b.From, To: b.To, Acts: acts}
	const batch = 500
	before := uint64(0)
	for looked := 0; looked < 5*custodyScan; {
		entries, err := s.Custody.Page(ctx, before, batch)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, r := range entries {
			before = r.Index
			looked++
			fits, over := q.fits(r)
			if over {
				return nil
			}
			if fits {
				b.Lines = append(b.Lines, incident.CustodyLine(r))
			}
		}
		if before == 0 {
			return nil
		}
	}
	b.Truncated = true
	return nil
}
