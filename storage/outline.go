package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// OutlineQuery says of which incidents to give outlines: those that have a place, a type or
// a tag in common with one.
type OutlineQuery struct {
	Camera models.CameraID
	Zone   models.ZoneID
	Type   string
	Tags   []string
	// Hours are those of the day in UTC, 0..23, in which most are looked for; empty: all.
	Hours    []int
	From, To time.Time // of the alarm; both included
}

// Outliner finds incidents that may be like another one. Every Index of this package is one.
type Outliner interface {
	// Outlines gives the newest of each branch, each incident once, at most 2 000 in all.
	Outlines(ctx context.Context, q OutlineQuery) ([]models.Outline, error)

	// Comparable gives the records of some incidents with their paths, without their logs, in
	// no order; those that are not there are left out.
	Comparable(ctx context.Context, ids []models.IncidentID) ([]models.Incident, error)
}

// How many outlines each branch gives at most. Most offenders come again to the same place
// at the same hour; those that do not are found by what people said of them.
const (
	outlinesOfZone   = 900
	outlinesOfCamera = 500
	outlinesAnyHour  = 200 // of the zone
	outlinesOfType   = 200
	outlinesOfTags   = 200
)

func (x *sqlIndex) Outlines(ctx context.Context, q OutlineQuery) ([]models.Outline, error) {
	out, err := x.outlines(ctx, q)
	if err != nil {
		return nil, x.fail("outlines", err)
	}
	return out, nil
}

func (x *sqlIndex) outlines(ctx context.Context, q OutlineQuery) ([]models.Outline, error) {
	all := where{bind: x.bind}
	var branches []string
	branch := func(table string, limit int, hours []int, limits func(*where)) {
		w := where{bind: x.bind, args: all.args}
		limits(&w)
		w.add("f.alarm_us >= " + w.arg(q.From.UnixMicro()))
		w.add("f.alarm_us <= " + w.arg(q.To.UnixMicro()))
		if len(hours) > 0 {
			list := make([]string, len(hours))
			for i, h := range hours {
				list[i] = fmt.Sprint(h)
			}
			w.add(fmt.Sprintf("(f.alarm_us / %d) %% 24 IN (%s)", time.Hour.Microseconds(), strings.Join(list, ", ")))
		}
		all.args = w.args
		branches = append(branches, fmt.Sprintf("SELECT * FROM (SELECT f.id, f.alarm_us FROM %s f%s ORDER BY f.alarm_us DESC, f.id DESC LIMIT %d) AS b%d",
			table, w.String(), limit, len(branches)))
	}
	zone := func(w *where) {
		w.in("f.zone", []any{string(q.Zone)})
		w.in(x.unindexed("f.camera"), []any{string(q.Camera)})
	}
	camera := func(w *where) { w.in("f.camera", []any{string(q.Camera)}) }
	if q.Camera != "" {
		if q.Zone != "" {
			branch("facets", outlinesOfZone, q.Hours, zone)
			branch("facets", outlinesAnyHour, nil, zone)
		}
		branch("facets", outlinesOfCamera, q.Hours, camera)
	}
	if q.Type != "" {
		branch("facets", outlinesOfType, nil, func(w *where) { w.in("f.type", []any{column(q.Type)}) })
	}
	tags := slices.Compact(slices.Sorted(slices.Values(q.Tags)))
	for _, tag := range tags[:min(len(tags), maxWords)] {
		branch("words", outlinesOfTags/min(len(tags), maxWords), nil, func(w *where) { w.in("f.word", []any{tagWord(tag)}) })
	}
	if len(branches) == 0 {
		return nil, nil
	}
	// UNION gives each once; the columns that no index carries are read for those alone.
	rows, err := x.read.QueryContext(ctx, "SELECT f.id, f.site, f.camera, f.zone, f.kind, f.type, f.label, f.series, f.alarm_us, f.dwell_ns, f.verdict "+
		"FROM ("+strings.Join(branches, " UNION ")+") AS u JOIN facets f ON f.id = u.id", all.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []models.Outline
	for rows.Next() {
		var o models.Outline
		var us int64
		var v models.Verdict
		if err := rows.Scan(&o.ID, &o.Site, &o.Camera, &o.Zone, &o.Kind, &o.Type, &o.Label, &o.Series, &us, &o.Dwell, &v); err != nil {
			return nil, err
		}
		o.Alarm, o.Nuisance = time.UnixMicro(us).UTC(), v == models.VerdictNuisance
		out = append(out, o)
	}
	return out, rows.Err()
}

func (x *sqlIndex) Comparable(ctx context.Context, ids []models.IncidentID) ([]models.Incident, error) {
	var out []models.Incident
	for some := range slices.Chunk(ids, maxRows) {
		read, err := x.comparable(ctx, some)
		if err != nil {
			return nil, x.fail("compare", err)
		}
		out = append(out, read...)
	}
	return out, nil
}

func (x *sqlIndex) comparable(ctx context.Context, ids []models.IncidentID) ([]models.Incident, error) {
	w := where{bind: x.bind}
	w.in("id", distinct(ids, text))
	rows, err := x.read.QueryContext(ctx, "SELECT doc, paths FROM incidents"+w.String(), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []models.Incident
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.doc, &r.paths); err != nil {
			return nil, err
		}
		in, err := r.incident()
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, rows.Err()
}
