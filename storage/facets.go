package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// facet is what an incident is found by: a narrow row beside its wide documents, so that
// a search reads little of what it passes over.
type facet struct {
	place                     int64
	camera, zone, kind, label string
	state, verdict, footage   string
	priority, held, class     int
	dwell                     time.Duration
	start, alarm              int64 // µs since 1970
	end                       any   // the same, or nil while it goes on
	id                        string
	due                       int64 // µs since 1970, or noDue
	officer, typ, site        string
	origin, series            string
	words                     []string // with tags
}

// noDue stands for the deadline of an incident that has none or whose clocks stand. It
// comes after every other.
const noDue = math.MaxInt64

// due is when the next deadline of an open incident comes, or the first that was missed
// came, in µs since 1970.
func due(in models.Incident) int64 {
	next := int64(noDue)
	if in.State == models.StateClosed {
		return next
	}
	for _, d := range in.Deadlines {
		if d.Open() && d.Paused == "" && !d.Due.IsZero() {
			next = min(next, d.Due.UnixMicro())
		}
	}
	return next
}

// origin is where an incident came from; old records do not say.
func origin(in models.Incident) models.Origin {
	if in.Origin == "" {
		return models.OriginDetection
	}
	return in.Origin
}

func facetOf(in models.Incident) facet {
	f := facet{
		camera: string(in.Camera), zone: string(in.Zone), kind: string(in.Kind), label: column(in.Label),
		state: string(in.State), verdict: string(verdict(in)), footage: string(in.Footage.State),
		priority: priority(in.Severity), dwell: dwell(in), start: in.Start.UnixMicro(), alarm: in.Alarm.UnixMicro(),
		end: endMicros(in), id: string(in.ID), due: due(in), officer: column(in.Assignment.Officer),
		typ: column(in.Triage.Type), site: column(in.Site), origin: column(string(origin(in))), series: column(in.Linked.Series),
		words: notesOf(in),
	}
	f.class = dwellClass(f.dwell)
	if in.Hold != nil {
		f.held = 1
	}
	return f
}

// column is a text as a column can hold it: PostgreSQL takes neither NUL nor broken UTF-8.
func column(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// dwell is how long an incident lasted, to its alarm while it goes on.
func dwell(in models.Incident) time.Duration {
	if in.End.IsZero() {
		return in.Alarm.Sub(in.Start)
	}
	return in.End.Sub(in.Start)
}

// dwellClasses is how many classes of dwell there are.
const dwellClasses = 22

// dwellClass groups dwells by powers of two: class 0 is below one second, class n from
// 2^(n-1) s, the last is open. "At least 10 min" is then a handful of values, each of
// which an index holds in the order of time.
func dwellClass(d time.Duration) int {
	if d < time.Second {
		return 0
	}
	return min(bits.Len64(uint64(d/time.Second)), dwellClasses-1)
}

// place is a combination of camera, zone, kind and label that has occurred. There are
// few of them, whatever the number of incidents.
type place struct {
	number                    int64
	camera, zone, kind, label string
}

// placeColumns are the names of a place, as columns of facets.
var placeColumns = []string{"camera", "zone", "kind", "label"}

// column is the name that a place has in a column of facets.
func (p place) column(name string) string {
	switch name {
	case "camera":
		return p.camera
	case "zone":
		return p.zone
	case "kind":
		return p.kind
	default:
		return p.label
	}
}

// facetColumns are the columns of facets in the order of facet.columns.
var facetColumns = []string{"id", "place", "camera", "zone", "kind", "label", "priority", "state", "verdict", "footage",
	"held", "dwell_class", "dwell_ns", "start_us", "alarm_us", "end_us", "due_us", "officer", "type", "site", "origin", "series"}

func (f facet) columns() []any {
	return []any{f.id, f.place, f.camera, f.zone, f.kind, f.label, f.priority, f.state, f.verdict, f.footage,
		f.held, f.class, int64(f.dwell), f.start, f.alarm, f.end, f.due, f.officer, f.typ, f.site, f.origin, f.series}
}

// same says whether two rows, words apart, say the same.
func (f facet) same(o facet) bool {
	f.words, o.words, f.place, o.place = nil, nil, 0, 0
	return slices.Equal(f.columns(), o.columns())
}

// addFacets makes incidents findable.
func (d dialect) addFacets(ctx context.Context, tx *sql.Tx, list []models.Incident) error {
	facets := make([]facet, len(list))
	known := map[place]int64{} // of this transaction: it may yet be rolled back
	for i, in := range list {
		f := facetOf(in)
		names := place{camera: f.camera, zone: f.zone, kind: f.kind, label: f.label}
		n, ok := known[names]
		if !ok {
			var err error
			if n, err = d.placeOf(ctx, tx, f); err != nil {
				return err
			}
			known[names] = n
		}
		f.place = n
		facets[i] = f
	}
	for some := range slices.Chunk(facets, maxRows) {
		w := where{bind: d.bind}
		rows := make([]string, len(some))
		for i, f := range some {
			rows[i] = "(" + w.list(f.columns()) + ")"
		}
		stmt := "INSERT INTO facets (" + strings.Join(facetColumns, ", ") + ") VALUES " + strings.Join(rows, ", ")
		if _, err := tx.ExecContext(ctx, stmt, w.args...); err != nil {
			return err
		}
	}
	return d.addWords(ctx, tx, facets...)
}

// maxRows bounds the rows of one statement; at 22 columns each it stays far below the
// 32 766 parameters of SQLite.
const maxRows = 100

// changeFacet follows a change of the record.
func (d dialect) changeFacet(ctx context.Context, tx *sql.Tx, was facet, after models.Incident) error {
	is := facetOf(after)
	gone, came := difference(was.words, is.words), difference(is.words, was.words)
	if was.same(is) {
		if err := d.dropWords(ctx, tx, was, gone); err != nil {
			return err
		}
		is.words = came
		return d.addWords(ctx, tx, is)
	}
	var err error
	if is.place, err = d.placeOf(ctx, tx, is); err != nil {
		return err
	}
	w := where{bind: d.bind}
	set := make([]string, len(facetColumns))
	for i, v := range is.columns() {
		set[i] = facetColumns[i] + " = " + w.arg(v)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE facets SET "+strings.Join(set, ", ")+" WHERE id = "+w.arg(is.id), w.args...); err != nil {
		return err
	}
	// Each word carries the whole row.
	if err := d.dropWords(ctx, tx, was, was.words); err != nil {
		return err
	}
	return d.addWords(ctx, tx, is)
}

// dropWords forgets some words of an incident, whose row was as given.
func (d dialect) dropWords(ctx context.Context, tx *sql.Tx, was facet, words []string) error {
	for some := range slices.Chunk(words, maxRows) {
		w := where{bind: d.bind}
		list := make([]any, len(some))
		for i, word := range some {
			list[i] = word
		}
		w.in("word", list)
		stmt := "DELETE FROM words" + w.String() + " AND alarm_us = " + w.arg(was.alarm) + " AND id = " + w.arg(was.id)
		if _, err := tx.ExecContext(ctx, stmt, w.args...); err != nil {
			return err
		}
	}
	return nil
}

// difference is what a sorted list has and another has not.
func difference(list, without []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		_, found := slices.BinarySearch(without, s)
		return found
	})
}

// addWords enters the words of incidents whose rows are there.
func (d dialect) addWords(ctx context.Context, tx *sql.Tx, facets ...facet) error {
	type entry struct{ word, id string }
	var entries []entry
	for _, f := range facets {
		for _, word := range f.words {
			entries = append(entries, entry{word, f.id})
		}
	}
	columns := strings.Join(facetColumns, ", ")
	for some := range slices.Chunk(entries, maxRows) {
		w := where{bind: d.bind}
		rows := make([]string, len(some))
		for i, e := range some {
			rows[i] = "(" + w.list([]any{e.word, e.id}) + ")"
		}
		// Both databases name the columns of VALUES so. The order of a cross join is kept.
		stmt := "INSERT INTO words (word, " + columns + ") SELECT v.column1, f." + strings.Join(facetColumns, ", f.") +
			" FROM (VALUES " + strings.Join(rows, ", ") + ") AS v CROSS JOIN facets f WHERE f.id = v.column2"
		if _, err := tx.ExecContext(ctx, stmt, w.args...); err != nil {
			return err
		}
	}
	return nil
}

// placeOf finds the number of a combination, and gives it one when it is new.
func (d dialect) placeOf(ctx context.Context, tx *sql.Tx, f facet) (int64, error) {
	names := []any{f.camera, f.zone, f.kind, f.label}
	const attempts = 100 // each is lost to another process that has made a place meanwhile
	for range attempts {
		w := where{bind: d.bind}
		for i, name := range placeColumns {
			w.in(name, names[i:i+1])
		}
		var n int64
		err := tx.QueryRowContext(ctx, "SELECT place FROM places"+w.String(), w.args...).Scan(&n)
		if !errors.Is(err, sql.ErrNoRows) {
			return n, err
		}
		w = where{bind: d.bind}
		// WHERE TRUE keeps SQLite from reading ON as the beginning of a join.
		if _, err := tx.ExecContext(ctx, "INSERT INTO places (place, camera, zone, kind, label) SELECT COALESCE(MAX(place), 0) + 1, "+
			d.texts(&w, names)+" FROM places WHERE TRUE ON CONFLICT DO NOTHING", w.args...); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no number for a place after %d attempts", attempts)
}

// texts lists parameters that stand where a database cannot know that they are texts.
func (d dialect) texts(w *where, values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = "CAST(" + w.arg(v) + " AS TEXT)"
	}
	return strings.Join(out, ", ")
}

// atlas is every place, as searches look for them. It is not changed once it is made.
type atlas struct {
	all      []place // by number
	numbers  []int64 // the same
	byNumber map[int64]place
	byWord   map[string][]int64 // whose names have a word, by number
}

func newAtlas(all []place) *atlas {
	a := &atlas{all: all, byNumber: map[int64]place{}, byWord: map[string][]int64{}}
	for _, p := range all {
		a.numbers = append(a.numbers, p.number)
		a.byNumber[p.number] = p
		for _, word := range p.names() {
			a.byWord[word] = append(a.byWord[word], p.number)
		}
	}
	return a
}

// places reads every combination. They are never changed or deleted and numbered in the
// order in which they came, so the highest number says whether those in memory are all.
func (x *sqlIndex) places(ctx context.Context) (*atlas, error) {
	var last int64
	if err := x.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(place), 0) FROM places").Scan(&last); err != nil {
		return nil, err
	}
	x.known.Lock()
	defer x.known.Unlock()
	if a := x.known.atlas; a != nil && (last == 0 || len(a.numbers) > 0 && a.numbers[len(a.numbers)-1] >= last) {
		return a, nil
	}
	rows, err := x.read.QueryContext(ctx, "SELECT place, camera, zone, kind, label FROM places ORDER BY place")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []place
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.number, &p.camera, &p.zone, &p.kind, &p.label); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	x.known.atlas = newAtlas(all)
	return x.known.atlas, nil
}
