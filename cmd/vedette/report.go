package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

type reportCmd struct {
	Precision precisionCmd `cmd:"" help:"How many alarms were true, by camera, zone, rule and hour of the day, as far as people have judged them."`
	Summary   summaryCmd   `cmd:"" help:"What happened and how it was handled: counts, service levels, effort, loss; by site, camera, zone, kind, type, officer, severity, hour and day."`
	Logbook   logbookCmd   `cmd:"" help:"The log book of a day: what was written into it, what happened to incidents, which shifts were handed over."`
	Handover  handoverCmd  `cmd:"" help:"What the next shift has to know: open and overdue incidents and who works on them, as it is now."`
}

type precisionCmd struct {
	Config   string   `short:"c" required:"" help:"The configuration file; its index is read, also while vedette runs."`
	From     string   `help:"First day (2026-03-01) or instant (RFC 3339). Default: 30 days before the end."`
	To       string   `help:"Last day or first instant after the period. Default: now."`
	Camera   []string `help:"Only this camera; repeat for several."`
	TimeZone string   `help:"Whose wall clock counts days and hours, such as Europe/Vienna. Default: this machine's."`
	Format   string   `default:"table" enum:"table,csv,json" help:"table, csv or json."`
}

func (c precisionCmd) Run(ctx context.Context, p *program) (err error) {
	place := time.Local
	if c.TimeZone != "" {
		if place, err = time.LoadLocation(c.TimeZone); err != nil {
			return fmt.Errorf("--time-zone: %w", err)
		}
	}
	from, to, err := c.period(time.Now(), place)
	if err != nil {
		return err
	}
	index, err := c.index(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	query := storage.Query{From: from, To: to, Brief: true}
	for _, camera := range c.Camera {
		query.Cameras = append(query.Cameras, models.CameraID(camera))
	}
	report, err := incident.MeasurePrecision(from, to, place, storage.Walk(ctx, index.List, query))
	if err != nil {
		return err
	}
	switch c.Format {
	case "json":
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	case "csv":
		return precisionCSV(p.stdout, report)
	}
	return precisionTable(p.stdout, report, place)
}

// period reads the bounds. A day alone is all of it: from begins it, to ends it.
func (c precisionCmd) period(now time.Time, place *time.Location) (from, to time.Time, err error) {
	to = now
	if c.To != "" {
		day, whole, err := parseDay(c.To, place)
		if err != nil {
			return from, to, fmt.Errorf("--to: %w", err)
		}
		if to = day; whole {
			to = day.AddDate(0, 0, 1)
		}
	}
	from = to.AddDate(0, 0, -30)
	if c.From != "" {
		if from, _, err = parseDay(c.From, place); err != nil {
			return from, to, fmt.Errorf("--from: %w", err)
		}
	}
	if !from.Before(to) {
		return from, to, errors.New("--to is not after --from")
	}
	return from, to, nil
}

func parseDay(s string, place *time.Location) (at time.Time, whole bool, err error) {
	if at, err := time.ParseInLocation(time.DateOnly, s, place); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, s); err != nil {
		return at, false, fmt.Errorf("%q is neither a day such as 2026-03-01 nor an instant such as 2026-03-01T06:00:00Z", s)
	}
	return at, false, nil
}

// index opens the index that the configuration names. It makes none: a report on nothing
// would hide a wrong path.
func (c precisionCmd) index(ctx context.Context, p *program) (storage.Index, error) {
	// No camera is touched, so none of their passwords is needed.
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return nil, err
	}
	for _, id := range c.Camera {
		if _, ok := cfg.Camera(models.CameraID(id)); !ok {
			fmt.Fprintf(p.stderr, "vedette: %s has no camera %q now; its earlier alarms are reported all the same\n", c.Config, id)
		}
	}
	if db := cfg.Storage.Index.SQLite; db != nil {
		if _, err := os.Stat(db.Path); err != nil {
			return nil, fmt.Errorf("index: %w (has vedette run with this configuration?)", err)
		}
	}
	return openIndex(ctx, cfg.Storage.Index)
}

func precisionCSV(w io.Writer, r incident.PrecisionReport) error {
	head := []string{"by", "camera", "zone", "kind", "hour", "alarms", "unjudged", "true", "nuisance"}
	for _, n := range models.Nuisances() {
		head = append(head, string(n))
	}
	out := csv.NewWriter(w)
	if err := out.Write(append(head, "precision", "low", "high")); err != nil {
		return err
	}
	for _, row := range r.Rows {
		hour := ""
		if row.Hour != nil {
			hour = strconv.Itoa(*row.Hour)
		}
		line := []string{string(row.By), string(row.Camera), string(row.Zone), string(row.Kind), hour,
			strconv.Itoa(row.Alarms), strconv.Itoa(row.Unjudged), strconv.Itoa(row.True), strconv.Itoa(row.Nuisance)}
		for _, n := range models.Nuisances() {
			line = append(line, strconv.Itoa(row.Reasons[n]))
		}
		estimate := []string{"", "", ""}
		if e := row.Precision.Precision; e != nil {
			for i, v := range []float64{e.Value, e.Low, e.High} {
				estimate[i] = strconv.FormatFloat(v, 'f', 4, 64)
			}
		}
		if err := out.Write(append(line, estimate...)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func precisionTable(w io.Writer, r incident.PrecisionReport, place *time.Location) error {
	const clock = "2006-01-02 15:04"
	fmt.Fprintf(w, "Alarms from %s to %s, %s\n", r.From.In(place).Format(clock), r.To.In(place).Format(clock), r.TimeZone)
	if len(r.Rows) == 0 {
		_, err := fmt.Fprintln(w, "There are none.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := incident.Grouping("")
	for _, row := range r.Rows {
		if row.By != section {
			section = row.By
			fmt.Fprintf(tw, "\nBY %s\tALARMS\tUNJUDGED\tTRUE\tNUISANCE\tPRECISION\t95 %%\tNUISANCE FROM\n", strings.ToUpper(string(section)))
		}
		precision, interval := "-", "-"
		if e := row.Precision.Precision; e != nil {
			precision, interval = fmt.Sprintf("%.1f %%", 100*e.Value), fmt.Sprintf("%.1f-%.1f", 100*e.Low, 100*e.High)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", rowName(row), row.Alarms, row.Unjudged, row.True, row.Nuisance, precision, interval, reasons(row.Reasons))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	all := r.Rows[0]
	_, err := fmt.Fprintf(w, "\nPrecision is the share of true alarms among those that people have judged: %d of %d. The other %d count neither way.\n",
		all.Judged(), all.Alarms, all.Unjudged)
	return err
}

func rowName(r incident.PrecisionRow) string {
	zone := cmp.Or(string(r.Zone), "(camera)")
	switch r.By {
	case incident.ByCamera:
		return string(r.Camera)
	case incident.ByZone:
		return string(r.Camera) + "/" + zone
	case incident.ByRule:
		return string(r.Camera) + "/" + zone + " " + string(r.Kind)
	case incident.ByHour:
		return fmt.Sprintf("%02d:00", *r.Hour)
	}
	return "all"
}

// reasons lists what nuisance alarms came from, the most frequent first.
func reasons(counts map[models.Nuisance]int) string {
	var found []models.Nuisance
	for _, n := range models.Nuisances() {
		if counts[n] > 0 {
			found = append(found, n)
		}
	}
	slices.SortStableFunc(found, func(a, b models.Nuisance) int { return cmp.Compare(counts[b], counts[a]) })
	out := make([]string, len(found))
	for i, n := range found {
		out[i] = fmt.Sprintf("%d %s", counts[n], strings.ReplaceAll(string(n), "_", " "))
	}
	return strings.Join(out, ", ")
}
