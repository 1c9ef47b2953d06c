package storage

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Tallier counts incidents without reading their records. Every Index of this package is
// one.
type Tallier interface {
	// Tallies are those of all incidents whose alarm lies from one instant on and before
	// another; zero does not limit. They come in about the order of logging. The sequence
	// ends with the first error.
	Tallies(ctx context.Context, from, to time.Time) iter.Seq2[models.Tally, error]
}

// setTallies follows changes of incidents, in the transaction of the change.
func (d dialect) setTallies(ctx context.Context, tx *sql.Tx, list ...models.Tally) error {
	byChunk := map[int64][]models.Tally{}
	for _, t := range list {
		c := t.Number / chunkSize
		byChunk[c] = append(byChunk[c], t)
	}
	// In one order, so that no two processes wait for each other.
	for some := range slices.Chunk(slices.Sorted(maps.Keys(byChunk)), maxRows) {
		stored, err := d.chunks(ctx, tx, some)
		if err != nil {
			return err
		}
		w := where{bind: d.bind}
		rows := make([]string, len(some))
		for i, c := range some {
			all := stored[c]
			for _, t := range byChunk[c] {
				j, found := slices.BinarySearchFunc(all, t.Number, func(o models.Tally, n int64) int { return int(o.Number - n) })
				if found {
					all[j] = t
				} else {
					all = slices.Insert(all, j, t)
				}
			}
			first, last := int64(math.MaxInt64), int64(math.MinInt64)
			for _, t := range all {
				first, last = min(first, t.Alarm.UnixMicro()), max(last, t.Alarm.UnixMicro())
			}
			rows[i] = "(" + w.list([]any{c, first, last, packTallies(c, all)}) + ")"
		}
		stmt := "INSERT INTO tallies (chunk, first_us, last_us, packed) VALUES " + strings.Join(rows, ", ") +
			" ON CONFLICT (chunk) DO UPDATE SET first_us = excluded.first_us, last_us = excluded.last_us, packed = excluded.packed"
		if _, err := tx.ExecContext(ctx, stmt, w.args...); err != nil {
			return err
		}
	}
	return nil
}

// changeTally follows one change, when it is of what reports count.
func (d dialect) changeTally(ctx context.Context, tx *sql.Tx, was models.Tally, in models.Incident) error {
	if is := models.TallyOf(in); !reflect.DeepEqual(is, was) {
		return d.setTallies(ctx, tx, is)
	}
	return nil
}

// tallyIn counts incidents that are new to the index.
func (d dialect) tallyIn(ctx context.Context, tx *sql.Tx) func([]models.Incident) error {
	return func(list []models.Incident) error {
		tallies := make([]models.Tally, len(list))
		for i, in := range list {
			tallies[i] = models.TallyOf(in)
		}
		return d.setTallies(ctx, tx, tallies...)
	}
}

// chunks reads some chunks and keeps others from changing them until the transaction ends.
func (d dialect) chunks(ctx context.Context, tx *sql.Tx, which []int64) (map[int64][]models.Tally, error) {
	w := where{bind: d.bind}
	values := make([]any, len(which))
	for i, c := range which {
		values[i] = c
	}
	w.in("chunk", values)
	rows, err := tx.QueryContext(ctx, "SELECT chunk, packed FROM tallies"+w.String()+" ORDER BY chunk"+d.forUpdate, w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64][]models.Tally{}
	names := interned{}
	for rows.Next() {
		var c int64
		var packed []byte
		if err := rows.Scan(&c, &packed); err != nil {
			return nil, err
		}
		list := make([]models.Tally, 0, chunkSize)
		if err := unpackTallies(c, packed, names, func(t *models.Tally) bool { list = append(list, *t); return true }); err != nil {
			return nil, fmt.Errorf("tallies of incidents from %d: %w", c*chunkSize, err)
		}
		out[c] = list
	}
	return out, rows.Err()
}

func (x *sqlIndex) Tallies(ctx context.Context, from, to time.Time) iter.Seq2[models.Tally, error] {
	return func(yield func(models.Tally, error) bool) {
		if err := x.tallies(ctx, from, to, func(t *models.Tally) bool { return yield(*t, nil) }); err != nil {
			yield(models.Tally{}, x.fail("tallies", err))
		}
	}
}

func (x *sqlIndex) tallies(ctx context.Context, from, to time.Time, yield func(*models.Tally) bool) error {
	w := where{bind: x.bind}
	if !from.IsZero() {
		w.add("last_us >= " + w.arg(from.UnixMicro()-time.Millisecond.Microseconds()))
	}
	if !to.IsZero() {
		w.add("first_us < " + w.arg(to.UnixMicro()))
	}
	rows, err := x.read.QueryContext(ctx, "SELECT chunk, packed FROM tallies"+w.String(), w.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := interned{}
	more := true
	for more && rows.Next() {
		var c int64
		var packed sql.RawBytes
		if err := rows.Scan(&c, &packed); err != nil {
			return err
		}
		if err := unpackTallies(c, packed, names, func(t *models.Tally) bool {
			if !from.IsZero() && t.Alarm.Before(from.Truncate(time.Millisecond)) || !to.IsZero() && !t.Alarm.Before(to) {
				return true
			}
			more = yield(t)
			return more
		}); err != nil {
			return fmt.Errorf("of incidents from %d: %w", c*chunkSize, err)
		}
	}
	if !more {
		return nil
	}
	return rows.Err()
}
