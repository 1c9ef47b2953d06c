package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// where gathers conditions and their arguments.
type where struct {
	bind  func(int) string
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

// in limits a column to some values, to none when there are none.
func (w *where) in(column string, values []any) {
	switch len(values) {
	case 0:
	case 1:
		w.add(column + " = " + w.arg(values[0]))
	default:
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = w.arg(v)
		}
		w.add(column + " IN (" + strings.Join(list, ", ") + ")")
	}
}

// maxValues bounds the values of one field of a query.
const maxValues = 500

// fields are the limits of a query by column.
func (q Query) fields() ([]field, error) {
	fs := []field{
		{"camera", distinct(q.Cameras, text)},
		{"zone", distinct(q.Zones, text)},
		{"state", distinct(q.States, text)},
		{"verdict", distinct(q.Verdicts, text)},
		{"kind", distinct(q.Kinds, text)},
		{"priority", distinct(q.Severities, func(s models.Severity) any { return priority(s) })},
	}
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

func (q Query) order() Order {
	if q.Order == "" {
		return OrderNewest
	}
	return q.Order
}

// filter adds the conditions of q to w.
func (x *sqlIndex) filter(ctx context.Context, w *where, q Query) error {
	fields, err := q.fields()
	if err != nil {
		return err
	}
	alarms, err := x.reach(ctx, q)
	if err != nil {
		return err
	}
	for _, f := range fields {
		w.in(f.column, f.values)
	}
	w.overlaps(q, alarms)
	return nil
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
	if err := x.read.QueryRowContext(ctx, `SELECT MIN(alarm_us) FROM incidents WHERE end_us IS NULL`).Scan(&oldest); err != nil {
		return alarmRange{}, err
	}
	if oldest.Valid {
		r.lo = min(r.lo, oldest.Int64)
	}
	return r, nil
}

func (w *where) overlaps(q Query, alarms alarmRange) {
	if !q.From.IsZero() {
		w.add("alarm_us >= " + w.arg(alarms.lo))
		w.add("(end_us IS NULL OR end_us >= " + w.arg(q.From.UnixMicro()) + ")")
	}
	if !q.To.IsZero() {
		w.add("alarm_us <= " + w.arg(alarms.hi))
		w.add("start_us <= " + w.arg(q.To.UnixMicro()))
	}
}

// maxBranches bounds the union of a list; with more values one scan in order is cheaper.
const maxBranches = 32

// listQuery makes the statement for one page.
//
// With several values for a column a database either walks all rows in order, which is
// slow when few of them fit, or fetches and sorts all that fit, which is slow when many
// do. So the values of the first limited column become branches of a union: each branch
// reads at most one page from the index on that column, and only those are sorted.
func (x *sqlIndex) listQuery(ctx context.Context, q Query) (string, []any, error) {
	order := "alarm_us DESC, id DESC"
	if q.order() == OrderQueue {
		order = "priority, alarm_us, id"
	} else if q.order() != OrderNewest {
		return "", nil, fmt.Errorf("query: order %.20q is unknown", q.Order)
	}
	out := "doc"
	if !q.Brief {
		out += ", paths, curves"
	}
	fields, err := q.fields()
	if err != nil {
		return "", nil, err
	}
	alarms, err := x.reach(ctx, q)
	if err != nil {
		return "", nil, err
	}
	split := field{values: []any{nil}}
	for i, f := range fields {
		if len(f.values) > 1 && len(f.values) <= maxBranches {
			split = f
			fields = append(fields[:i:i], fields[i+1:]...)
			break
		}
		if len(f.values) == 1 {
			break // its own index already narrows the scan
		}
	}
	all := where{bind: x.bind}
	var branches []string
	for i, v := range split.values {
		w := where{bind: x.bind, args: all.args}
		if split.column != "" {
			w.add(split.column + " = " + w.arg(v))
		}
		for _, f := range fields {
			w.in(f.column, f.values)
		}
		w.overlaps(q, alarms)
		if err := w.after(q); err != nil {
			return "", nil, err
		}
		branches = append(branches, fmt.Sprintf("SELECT * FROM (SELECT id, priority, alarm_us, %s FROM incidents%s ORDER BY %s LIMIT %d) AS b%d",
			out, w.String(), order, q.Limit+1, i))
		all.args = w.args
	}
	return fmt.Sprintf("SELECT %s FROM (%s) AS page ORDER BY %s LIMIT %d",
		out, strings.Join(branches, " UNION ALL "), order, q.Limit+1), all.args, nil
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
		w.add("(priority, alarm_us, id) > (" + w.arg(c.priority) + ", " + w.arg(c.alarm) + ", " + w.arg(c.id) + ")")
	} else {
		w.add("(alarm_us, id) < (" + w.arg(c.alarm) + ", " + w.arg(c.id) + ")")
	}
	return nil
}
