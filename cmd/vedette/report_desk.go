package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// deskReport is what the reports on people's work have in common.
type deskReport struct {
	Config string `short:"c" required:"" help:"The configuration file; its index is read, also while vedette runs."`
	Site   string `help:"Only this site; its clock counts days and hours. Default: all of them."`
	Format string `default:"table" enum:"table,csv,json" help:"table, csv or json."`
}

// open reads the configuration and opens its index.
func (d deskReport) open(ctx context.Context, p *program) (index storage.Index, cfg *config.Config, clocks incident.Clocks, err error) {
	if cfg, err = p.load(d.Config, true); err != nil {
		return nil, nil, nil, err
	}
	places := map[string]*time.Location{}
	for _, site := range cfg.Policy().Sites {
		if site.TimeZone != "" {
			if places[site.ID], err = time.LoadLocation(site.TimeZone); err != nil {
				return nil, nil, nil, fmt.Errorf("site %s: %w", site.ID, err)
			}
		}
	}
	if d.Site != "" && len(places) > 0 && places[d.Site] == nil {
		fmt.Fprintf(p.stderr, "vedette: %s has no site %q with a time zone; this machine's clock counts\n", d.Config, d.Site)
	}
	index, err = precisionCmd{Config: d.Config}.index(ctx, p)
	return index, cfg, func(site string) *time.Location { return cmp.Or(places[site], time.Local) }, err
}

func (d deskReport) sites() []string {
	if d.Site == "" {
		return nil
	}
	return []string{d.Site}
}

// write writes a report as it was asked for.
func (d deskReport) write(w io.Writer, whole any, table [][]string, text func(io.Writer) error) error {
	switch d.Format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(whole)
	case "csv":
		out := csv.NewWriter(w)
		out.UseCRLF = true
		return out.WriteAll(table)
	}
	return text(w)
}

type summaryCmd struct {
	deskReport
	From   string   `help:"First day (2026-03-01) or instant (RFC 3339). Default: 30 days before the end."`
	To     string   `help:"Last day or first instant after the period. Default: now."`
	Camera []string `help:"Only this camera; repeat for several."`
	By     []string `help:"Only these rows: all, site, camera, zone, kind, type, officer, severity, hour, day."`
}

func (c summaryCmd) Run(ctx context.Context, p *program) (err error) {
	q := incident.SummaryQuery{Sites: c.sites()}
	for _, by := range c.By {
		if !slices.Contains(incident.SummaryGroupings(), incident.Grouping(by)) {
			return fmt.Errorf("--by: %q is none of %v", by, incident.SummaryGroupings())
		}
		q.By = append(q.By, incident.Grouping(by))
	}
	index, _, clocks, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	now, place := time.Now(), clocks(c.Site)
	if q.From, q.To, err = (precisionCmd{From: c.From, To: c.To}).period(now, place); err != nil {
		return err
	}
	for _, camera := range c.Camera {
		q.Cameras = append(q.Cameras, models.CameraID(camera))
	}
	sum, err := incident.Summarise(q, now, clocks, index.(web.Ledger).Tallies(ctx, q.From, q.To, runtime.GOMAXPROCS(0))...)
	if err != nil {
		return err
	}
	return c.write(p.stdout, sum, sum.Table(), func(w io.Writer) error { return summaryText(w, sum, place) })
}

func summaryText(w io.Writer, sum incident.Summary, place *time.Location) error {
	const clock = "2006-01-02 15:04"
	fmt.Fprintf(w, "Incidents from %s to %s\n", sum.From.In(place).Format(clock), sum.To.In(place).Format(clock))
	if len(sum.Rows) == 0 {
		_, err := fmt.Fprintln(w, "There are none.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := incident.Grouping("")
	for _, r := range sum.Rows {
		if r.By != section {
			section = r.By
			fmt.Fprintf(tw, "\nBY %s\tINCIDENTS\tTRUE\tNUISANCE\tUNJUDGED\tOPEN\tOVERDUE\tACKNOWLEDGED\tRESPONDED\tRESOLVED\tIN TIME\tLOGGED\n", strings.ToUpper(string(section)))
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", summaryName(r), r.Incidents, r.True, r.Nuisance, r.Unjudged, r.Open, r.Overdue,
			soon(r.Acknowledge), soon(r.Respond), soon(r.Resolve), inTime(r.Resolve), r.Effort)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nAcknowledged, responded and resolved are medians from logging on; in time is the share of resolutions within the service level.")
	return err
}

func summaryName(r incident.SummaryRow) string {
	switch r.By {
	case incident.ByAll:
		return "all"
	case incident.ByHour:
		return fmt.Sprintf("%02d:00", *r.Hour)
	case incident.ByZone:
		return string(r.Camera) + "/" + cmp.Or(string(r.Zone), "(camera)")
	}
	return cmp.Or(r.Site, string(r.Camera), string(r.Kind), r.Type, r.Officer, string(r.Severity), r.Day, "-")
}

func soon(h incident.Handling) string {
	if h.Count == 0 {
		return "-"
	}
	return h.Median.String()
}

func inTime(h incident.Handling) string {
	if h.Share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**h.Share)
}

type logbookCmd struct {
	deskReport
	Day string `help:"The day, such as 2026-03-29, of the site. Default: today."`
}

func (c logbookCmd) Run(ctx context.Context, p *program) (err error) {
	index, cfg, clocks, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	place := clocks(c.Site)
	book, err := web.LogBookOf(ctx, index.(web.Ledger), index, cfg.Policy(), c.Site, cmp.Or(c.Day, time.Now().In(place).Format(time.DateOnly)), place)
	if err != nil {
		return err
	}
	return c.write(p.stdout, book, book.Table(place), func(w io.Writer) error {
		fmt.Fprintf(w, "Log book of %s, %s\n\n", cmp.Or(c.Site, "all sites"), book.Day)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "NO.\tTIME\tWHAT\tWHO\tMEASURES\tREF")
		for _, l := range book.Lines {
			fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Line, l.At.In(place).Format(time.TimeOnly), oneLine(l.What), l.Who, oneLine(l.Measures), l.Ref)
		}
		return tw.Flush()
	})
}

// oneLine keeps a text from breaking a table.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

type handoverCmd struct {
	deskReport
	Shift time.Duration `default:"12h" help:"How long the shift was."`
}

func (c handoverCmd) Run(ctx context.Context, p *program) (err error) {
	if c.Shift <= 0 || c.Shift > incident.MaxShift {
		return fmt.Errorf("--shift: %v is not between 0 and %v", c.Shift, incident.MaxShift)
	}
	index, _, clocks, err := c.open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	now, place := time.Now(), clocks(c.Site)
	sheet, err := web.SheetOf(ctx, index.(web.Ledger), index, c.Site, nil, now.Add(-c.Shift), now, clocks, nil)
	if err != nil {
		return err
	}
	table := [][]string{{"number", "incident", "camera", "zone", "kind", "type", "severity", "state", "officer", "alarm", "due", "overdue", "waiting"}}
	for _, h := range sheet.Open {
		due := ""
		if !h.Due.IsZero() {
			due = h.Due.In(place).Format(time.RFC3339)
		}
		line := []string{fmt.Sprint(h.Number), string(h.ID), string(h.Camera), string(h.Zone), string(h.Kind), h.Type, string(h.Severity), string(h.State), h.Officer,
			h.Alarm.In(place).Format(time.RFC3339), due, fmt.Sprint(h.Overdue), h.Waiting}
		for i := range line {
			line[i] = incident.Defuse(line[i])
		}
		table = append(table, line)
	}
	return c.write(p.stdout, sheet, table, func(w io.Writer) error {
		fmt.Fprintf(w, "Hand-over of %s at %s: %d open, %d overdue; in the last %v %d opened, %d true, %d nuisance, %d closed\n\n", cmp.Or(c.Site, "all sites"),
			now.In(place).Format("2006-01-02 15:04"), len(sheet.Open)+sheet.More, sheet.Overdue, c.Shift, sheet.Happened.Opened, sheet.Happened.True, sheet.Happened.Nuisance, sheet.Happened.Closed)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, "NO.\tWHAT\tWHERE\tSINCE\tSEVERITY\tWHO\tDUE")
		for _, h := range sheet.Open {
			due := "-"
			switch {
			case h.Overdue:
				due = "overdue since " + h.Due.In(place).Format(time.TimeOnly)
			case !h.Due.IsZero():
				due = h.Due.In(place).Format(time.TimeOnly)
			case h.Waiting != "":
				due = "waits for " + h.Waiting
			}
			fmt.Fprintf(tw, "#%d\t%s\t%s\t%s\t%s\t%s\t%s\n", h.Number, cmp.Or(h.Type, string(h.Kind)), string(h.Camera)+"/"+string(h.Zone),
				h.Alarm.In(place).Format("2006-01-02 15:04"), h.Severity, cmp.Or(h.Officer, "nobody"), due)
		}
		for _, j := range sheet.Journal {
			fmt.Fprintf(tw, "J%d\t%s\t\t%s\t\t%s\t\n", j.Number, oneLine(j.Text), j.At.In(place).Format("2006-01-02 15:04"), j.Who)
		}
		return tw.Flush()
	})
}
