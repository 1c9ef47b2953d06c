package storage

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// where gathers conditions and their arguments.
type where struct {
	bind  func(int) string
	apart string // of the dialect; see there
	conds []string
	args  []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return w.bind(len(w.args))
}

func (w *where) add(cond string) { w.conds = append(w.conds, cond) }

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// list binds values and joins their parameters with commas.
func (w *where) list(values []any) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = w.arg(v)
	}
	return strings.Join(out, ", ")
}

// in limits an expression to some values; without values it does not limit.
func (w *where) in(expression string, values []any) {
	switch len(values) {
	case 0:
	case 1:
		w.add(expression + " = " + w.arg(values[0]))
	default:
		w.add(expression + " IN (" + w.list(values) + ")")
	}
}

// pass limits a column that is not walked to some values.
func (w *where) pass(d dialect, column string, values []any) {
	each := make([]string, len(values))
	for i, v := range values {
		each[i] = d.passed(column, w.arg(v))
	}
	if len(each) == 1 {
		w.add(each[0])
	} else if len(each) > 1 {
		w.add("(" + strings.Join(each, " OR ") + ")")
	}
}

// maxValues bounds the values of one field of a query, and maxWords its words.
const (
	maxValues = 500
	maxWords  = 16
)

// fields are the limits of a query by column.
func (q Query) fields() ([]field, error) {
	fs := []field{
		{"camera", distinct(q.Cameras, text)},
		{"zone", distinct(q.Zones, text)},
		{"state", distinct(q.States, text)},
		{"verdict", distinct(q.Verdicts, text)},
		{"kind", distinct(q.Kinds, text)},
		{"label", distinct(q.Labels, asColumn)},
		{"footage", distinct(q.Footage, text)},
		{"priority", distinct(q.Severities, func(s models.Severity) any { return priority(s) })},
		{"officer", distinct(q.Officers, asColumn)},
		{"type", distinct(q.Types, asColumn)},
		{"site", distinct(q.Sites, asColumn)},
		{"origin", distinct(q.Origins, text)},
		{"series", distinct(q.Series, asColumn)},
	}
	if q.Held != nil {
		held := 0
		if *q.Held {
			held = 1
		}
		fs = append(fs, field{"held", []any{held}})
	}
	if q.MinDwell > 0 {
		f := field{column: "dwell_class"}
		for class := dwellClass(q.MinDwell); class < dwellClasses; class++ {
			f.values = append(f.values, class)
		}
		fs = append(fs, f)
	}
	fs = slices.DeleteFunc(fs, func(f field) bool { return len(f.values) == 0 })
	for _, f := range fs {
		if len(f.values) > maxValues {
			return nil, fmt.Errorf("query: %d values for %s, at most %d", len(f.values), f.column, maxValues)
		}
	}
	return fs, nil
}

type field struct {
	column string
	values []any
}

// distinct drops repeated values: each may become a branch of a union.
func distinct[T comparable](list []T, column func(T) any) []any {
	var out []any
	seen := map[any]bool{}
	for _, v := range list {
		if c := column(v); !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

func text[S ~string](s S) any { return string(s) }
func asColumn(s string) any   { return column(s) }

func (q Query) order() Order {
	if q.Order == "" {
		return OrderNewest
	}
	return q.Order
}

// alarmRange bounds the alarms of the incidents that can overlap a time range, in µs.
type alarmRange struct{ lo, hi int64 }

func (x *sqlIndex) reach(ctx context.Context, q Query) (alarmRange, error) {
	if q.From.IsZero() && q.To.IsZero() {
		return alarmRange{}, nil
	}
	var before, after int64
	if err := x.read.QueryRowContext(ctx, `SELECT before_us, after_us FROM spread`).Scan(&before, &after); err != nil {
		return alarmRange{}, err
	}
	r := alarmRange{q.From.UnixMicro() - after, q.To.UnixMicro() + before}
	// One that goes on may have begun at any time before.
	var oldest sql.NullInt64
	if err := x.read.QueryRowContext(ctx, `SELECT MIN(alarm_us) FROM facets WHERE end_us IS NULL`).Scan(&oldest); err != nil {
		return alarmRange{}, err
	}
	if oldest.Valid {
		r.lo = min(r.lo, oldest.Int64)
	}
	return r, nil
}

// within limits to alarms in the range, which every index can find.
func (w *where) within(q Query, alarms alarmRange) {
	if !q.From.IsZero() {
		w.add("f.alarm_us >= " + w.arg(alarms.lo))
	}
	if !q.To.IsZero() {
		w.add("f.alarm_us <= " + w.arg(alarms.hi))
	}
}

// overlaps limits to what really lies in the time range.
func (w *where) overlaps(q Query) {
	if !q.From.IsZero() {
		w.add("(f.end_us IS NULL OR f.end_us >= " + w.arg(q.From.UnixMicro()) + ")")
	}
	if !q.To.IsZero() {
		w.add("f.start_us <= " + w.arg(q.To.UnixMicro()))
	}
}

// behind says whether a walk of one severity can have anything behind the last item of the
// page before, and begins it there.
func (w *where) behind(c cursor, along walk) bool {
	switch {
	case along.priority < c.priority:
		return false
	case along.priority > c.priority:
		return true
	}
	alarm := func() string { return w.arg(c.alarm) + ", " + w.arg(c.id) + ")" }
	switch along.clock {
	case stands:
		if c.due == noDue {
			w.add("(f.alarm_us, f.id) > (" + alarm())
		}
	case runs:
		if c.due == noDue {
			return false
		}
		w.add("(f.due_us, f.alarm_us, f.id) > (" + w.arg(c.due) + ", " + alarm())
	default:
		w.add("(f.due_us, f.alarm_us, f.id) > (" + w.arg(c.due) + ", " + alarm())
	}
	return true
}

// after begins behind the last item of the page before.
func (w *where) after(q Query) error {
	if q.After == "" {
		return nil
	}
	c, err := parseCursor(q.After, q.order())
	if err != nil {
		return err
	}
	if c.order == OrderQueue {
		w.add("(f.priority, f.due_us, f.alarm_us, f.id) > (" + w.arg(c.priority) + ", " + w.arg(c.due) + ", " + w.arg(c.alarm) + ", " + w.arg(c.id) + ")")
	} else {
		w.add("(f.alarm_us, f.id) < (" + w.arg(c.alarm) + ", " + w.arg(c.id) + ")")
	}
	return nil
}

// countQuery makes the statement that counts; empty when nothing can fit.
func (x *sqlIndex) countQuery(ctx context.Context, q Query) (string, []any, error) {
	s, err := x.search(ctx, q)
	if err != nil || s.nothing {
		return "", nil, err
	}
	w := where{bind: x.bind}
	for _, f := range s.fields {
		w.in("f."+f.column, f.values)
	}
	w.within(q, s.alarms)
	w.rest(q, s.terms)
	w.tagged(s.tags)
	w.dueBefore(q)
	return "SELECT COUNT(*) FROM facets f" + w.String(), w.args, nil
}

// dueBefore limits to running clocks. The list of the query's own instants is exact to 1 µs,
// as the column is.
func (w *where) dueBefore(q Query) {
	if !q.DueBefore.IsZero() {
		w.add("f.due_us < " + w.arg(min(q.DueBefore.UnixMicro(), noDue)))
	}
}

// tagged limits to what has one of the tags.
func (w *where) tagged(tags []any) {
	if len(tags) == 0 {
		return
	}
	n := where{bind: w.bind, args: w.args}
	n.in("n.word", tags)
	n.add("n.alarm_us = f.alarm_us AND n.id = f.id")
	w.args = n.args
	w.add("EXISTS (SELECT 1 FROM words n" + n.String() + w.apart + ")")
}

// rest are the conditions that no index helps with.
func (w *where) rest(q Query, terms []term) {
	if q.MinDwell > 0 {
		w.add("f.dwell_ns >= " + w.arg(int64(q.MinDwell)))
	}
	w.overlaps(q)
	for _, t := range terms {
		w.has(t)
	}
}

// listQuery makes the statement for one page; empty when nothing can fit.
//
// A page is found by walking facets, which are narrow, in the order of the list, along
// the index that passes over the fewest rows; the documents of those few are fetched at
// the end. Which index that is, the databases cannot know: how often two values come
// together depends on the site. So it is measured (see rarest). A walk for several values
// of a column is a union of walks, each of which reads at most one page, or, where the
// database merges walks that are in the order of the list, no further than the page needs.
func (x *sqlIndex) listQuery(ctx context.Context, q Query) (string, []any, error) {
	if o := q.order(); o != OrderQueue && o != OrderNewest {
		return "", nil, fmt.Errorf("query: order %.20q is unknown", q.Order)
	}
	if q.After != "" {
		// A wrong cursor is wrong even where nothing fits.
		if _, err := parseCursor(q.After, q.order()); err != nil {
			return "", nil, err
		}
	}
	s, err := x.search(ctx, q)
	if err != nil || s.nothing {
		return "", nil, err
	}
	walks := [][]walk{}
	all := where{bind: x.bind}
	for _, g := range s.groups() {
		along, err := x.rarest(ctx, s, g)
		if err != nil {
			return "", nil, err
		}
		walks = append(walks, s.split(along))
	}
	order := "alarm_us DESC, id DESC"
	if q.order() == OrderQueue {
		order = "priority, due_us, alarm_us, id"
	}
	merged := x.merges && q.order() == OrderNewest
	var branches []string
	for _, along := range slices.Concat(walks...) {
		stmt, err := x.walk(&all, s, along)
		if err != nil {
			return "", nil, err
		}
		if stmt == "" {
			continue
		}
		if merged {
			branches = append(branches, stmt)
			continue
		}
		inner := order
		if q.order() == OrderQueue && along.priority >= 0 {
			inner = "due_us, alarm_us, id" // it has one priority
			if along.clock == stands {
				inner = "alarm_us, id"
			}
		}
		if pin := x.pinned(q, along); pin != "" {
			inner = pin + " DESC, " + inner
		}
		branches = append(branches, fmt.Sprintf("SELECT * FROM (%s ORDER BY %s LIMIT %d) AS b%d", stmt, qualified(inner, "f"), q.Limit+1, len(branches)))
	}
	if len(branches) == 0 {
		return "", nil, nil
	}
	out := "i.doc"
	if !q.Brief {
		out += ", i.paths, i.curves"
	}
	// The walks of one page are disjoint, so nothing comes twice.
	page := strings.Join(branches, " UNION ALL ")
	if !merged {
		page = "SELECT * FROM (" + page + ") AS every"
	}
	return fmt.Sprintf("SELECT %s FROM (%s ORDER BY %s LIMIT %d) AS page JOIN incidents i ON i.id = page.id ORDER BY %s",
		out, page, order, q.Limit+1, qualified(order, "page")), all.args, nil
}

// qualified names the table of each column of an order.
func qualified(order, table string) string {
	return table + "." + strings.ReplaceAll(order, ", ", ", "+table+".")
}

// walk makes the statement of one walk, without its order; empty when nothing of it can be
// on the page.
func (x *sqlIndex) walk(all *where, s search, along walk) (string, error) {
	w := where{bind: x.bind, apart: x.apart, args: all.args}
	w.along(along, x.pinned(s.q, along))
	if s.q.order() == OrderQueue && along.priority >= 0 && along.column != "priority" {
		if along.column == "state" { // the one that has an index with the priority
			w.add("f.priority = " + w.arg(along.priority))
		} else {
			w.pass(x.dialect, "f.priority", []any{along.priority})
		}
	}
	w.within(s.q, s.alarms)
	w.columns(x.dialect, s, along)
	w.group(x.dialect, along)
	w.rest(s.q, along.group.either)
	if len(along.tags) == 0 {
		w.tagged(s.tags)
	}
	w.dueBefore(s.q)
	if s.q.order() == OrderQueue && along.priority >= 0 && s.q.After != "" {
		c, err := parseCursor(s.q.After, OrderQueue)
		if err != nil || !w.behind(c, along) {
			return "", err
		}
	} else if err := w.after(s.q); err != nil {
		return "", err
	}
	all.args = w.args
	return "SELECT f.id, f.priority, f.due_us, f.alarm_us FROM " + along.table() + " f" + w.String(), nil
}

// columns limits to the values of a query's columns that are not what is walked.
func (w *where) columns(d dialect, s search, along walk) {
	for _, f := range s.fields {
		// The class of a dwell is there to be walked along; rest compares the dwell itself.
		if f.column != along.column && f.column != "dwell_class" {
			w.pass(d, "f."+f.column, f.values)
		}
	}
}

// pinned is the column that the order of a walk begins with, so that only the index of the
// walk is in that order; empty where a planner needs no such help. It costs the first entry
// behind a cursor or within a time its place in the index, so those do without.
func (x *sqlIndex) pinned(q Query, along walk) string {
	_, several := along.value.([]any)
	switch {
	case !x.pins, q.order() != OrderNewest, q.After != "", !q.From.IsZero(), !q.To.IsZero(), several, along.clock != either:
		return ""
	case along.word != "":
		return "word"
	}
	return along.column
}

// along limits to what a walk goes along. Of a pinned column the planner must not see that
// it has one value, or it leaves it out of the order.
func (w *where) along(along walk, pinned string) {
	switch values, several := along.value.([]any); {
	case pinned != "":
		var value any = along.word
		if along.word == "" {
			value = along.value
		}
		w.add("f." + pinned + " >= " + w.arg(value))
		w.add("f." + pinned + " <= " + w.arg(value))
	case along.word != "":
		w.add("f.word = " + w.arg(along.word))
	case several:
		w.in("f."+along.column, values)
	case along.column != "":
		w.add("f." + along.column + " = " + w.arg(along.value))
	}
	switch {
	// In these words an index of a part of the rows is recognised.
	case along.column == "origin":
		w.add("f.origin <> 'detection'")
	case along.column == "series":
		w.add("f.series <> ''")
	}
	switch along.clock {
	case runs:
		w.add("f.due_us < " + noDueText)
	case stands:
		w.add("f.due_us = " + noDueText)
	}
	// Those of the tags before have been passed already.
	if len(along.tags) > 1 {
		n := where{bind: w.bind, args: w.args}
		n.in("n.word", along.tags[:len(along.tags)-1])
		n.add("n.alarm_us = f.alarm_us AND n.id = f.id")
		w.args = n.args
		w.add("NOT EXISTS (SELECT 1 FROM words n" + n.String() + w.apart + ")")
	}
}

// noDueText is noDue in a statement: a planner knows how rare it is.
var noDueText = strconv.FormatInt(noDue, 10)
