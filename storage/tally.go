package storage

import (
	"context"
	"database/sql"
	"errors"
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
	// another; zero does not limit. They come in at least one and at most n parts of about
	// the same size, which follow each other in about the order of logging; each can be read
	// by a goroutine of its own. A part ends with its first error.
	Tallies(ctx context.Context, from, to time.Time, n int) []iter.Seq2[models.Tally, error]
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

// maxReaders bounds how many connections one report reads with.
const maxReaders = 4

func (x *sqlIndex) Tallies(ctx context.Context, from, to time.Time, n int) []iter.Seq2[models.Tally, error] {
	first, last, err := x.chunkRange(ctx, from, to)
	n = int(max(1, min(int64(n), maxReaders, last-first+1)))
	parts := make([]iter.Seq2[models.Tally, error], n)
	low := int64(math.MinInt64)
	for i := range parts {
		begin, end := low, first+(last-first+1)*int64(i+1)/int64(n)
		if i == n-1 {
			end = math.MaxInt64
		}
		low = end
		parts[i] = func(yield func(models.Tally, error) bool) {
			err := err
			if err == nil {
				err = x.tallies(ctx, from, to, begin, end, func(t *models.Tally) bool { return yield(*t, nil) })
			}
			if err != nil {
				yield(models.Tally{}, x.fail("tallies", err))
			}
		}
	}
	return parts
}

// chunkRange is about where the chunks of a period begin and end: near enough to share them
// out, which the few that were logged out of order do not change.
func (x *sqlIndex) chunkRange(ctx context.Context, from, to time.Time) (first, last int64, err error) {
	for _, end := range []struct {
		chunk *int64
		at    time.Time
		cond  string
		order string
	}{{&first, from, "last_us >= ", ""}, {&last, to, "last_us <= ", " DESC"}} {
		w := where{bind: x.bind}
		if !end.at.IsZero() {
			w.add(end.cond + w.arg(end.at.UnixMicro()))
		}
		err := x.read.QueryRowContext(ctx, "SELECT chunk FROM tallies"+w.String()+" ORDER BY last_us"+end.order+" LIMIT 1", w.args...).Scan(end.chunk)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, 0, err
		}
	}
	return first, last, nil
}

// alarmed limits to chunks that can have alarms of a period.
func (w *where) alarmed(from, to time.Time) {
	if !from.IsZero() {
		w.add("last_us >= " + w.arg(from.UnixMicro()-time.Millisecond.Microseconds()))
	}
	if !to.IsZero() {
		w.add("first_us < " + w.arg(to.UnixMicro()))
	}
}

// tallies reads the chunks from one on and before another.
func (x *sqlIndex) tallies(ctx context.Context, from, to time.Time, low, high int64, yield func(*models.Tally) bool) error {
	w := where{bind: x.bind}
	w.alarmed(from, to)
	w.add("chunk >= " + w.arg(low) + " AND chunk < " + w.arg(high))
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
