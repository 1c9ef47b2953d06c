package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// PaperQuery says which series, entries of the journal or hand-overs to list, the newest
// number first. Empty fields do not limit.
type PaperQuery struct {
	Sites    []string // "" is what belongs to no site
	From, To time.Time
	Limit    int    // page size, 1..MaxLimit; 0 means DefaultLimit, more is cut to MaxLimit
	After    string // Next of the page before; empty for the first page
}

// PaperPage is a part of such a list.
type PaperPage[T any] struct {
	Items []T
	Next  string // PaperQuery.After for the next page; empty on the last one
}

// binder is a table of numbered documents.
type binder[T any] struct {
	table string
	paper func(*T) paper
}

// paper is what the columns of a document say.
type paper struct {
	id, site string
	number   *int64
	at       time.Time
	corrects int64 // of journal alone
}

// add stores a new document under the next number and returns it. When there already is one
// with this ID nothing changes and that one is returned.
func (s binder[T]) add(ctx context.Context, x *sqlIndex, doc T) (T, error) {
	var out T
	err := x.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		out, err = s.insert(ctx, x.dialect, tx, doc)
		return err
	})
	if err != nil {
		return out, x.fail("create in "+s.table, err)
	}
	return out, nil
}

func (s binder[T]) insert(ctx context.Context, d dialect, tx *sql.Tx, doc T) (T, error) {
	p := s.paper(&doc)
	if p.id == "" {
		return doc, errors.New("document without an ID")
	}
	for range attempts * attempts { // each is lost to another process that has taken the number meanwhile
		switch old, err := s.get(ctx, d, tx, p.id, ""); {
		case err == nil:
			return old, nil
		case !errors.Is(err, fs.ErrNotExist):
			return doc, err
		}
		var last int64
		if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM "+s.table).Scan(&last); err != nil {
			return doc, err
		}
		*p.number = last + 1
		data, err := json.Marshal(doc)
		if err != nil {
			return doc, err
		}
		columns, values := "number, id, at_us, site, doc", []any{last + 1, p.id, p.at.UnixMicro(), column(p.site), string(data)}
		if s.table == "journal" {
			columns, values = columns+", corrects", append(values, p.corrects)
		}
		w := where{bind: d.bind}
		done, err := tx.ExecContext(ctx, "INSERT INTO "+s.table+" ("+columns+") VALUES ("+w.list(values)+") ON CONFLICT DO NOTHING", w.args...)
		if err != nil {
			return doc, err
		}
		if n, err := done.RowsAffected(); err != nil || n == 1 {
			return doc, err
		}
	}
	return doc, fmt.Errorf("no number in %s after %d attempts", s.table, attempts*attempts)
}

func (s binder[T]) get(ctx context.Context, d dialect, q querier, id, lock string) (T, error) {
	var doc T
	var data []byte
	w := where{bind: d.bind}
	err := q.QueryRowContext(ctx, "SELECT doc FROM "+s.table+" WHERE id = "+w.arg(id)+lock, w.args...).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return doc, fs.ErrNotExist
	}
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	return doc, err
}

// put writes a document that is there.
func (s binder[T]) put(ctx context.Context, d dialect, tx *sql.Tx, id string, doc T) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	w := where{bind: d.bind}
	_, err = tx.ExecContext(ctx, "UPDATE "+s.table+" SET doc = "+w.arg(string(data))+" WHERE id = "+w.arg(id), w.args...)
	return err
}

func (s binder[T]) list(ctx context.Context, x *sqlIndex, q PaperQuery) (PaperPage[T], error) {
	var page PaperPage[T]
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	w := where{bind: x.bind}
	w.in("site", distinct(q.Sites, func(s string) any { return column(s) }))
	if !q.From.IsZero() {
		w.add("at_us >= " + w.arg(q.From.UnixMicro()))
	}
	if !q.To.IsZero() {
		w.add("at_us < " + w.arg(q.To.UnixMicro()))
	}
	if q.After != "" {
		n, err := strconv.ParseInt(q.After, 10, 64)
		if err != nil || n < 1 || strconv.FormatInt(n, 10) != q.After {
			return page, x.fail("list "+s.table, ErrCursor)
		}
		w.add("number < " + w.arg(n))
	}
	rows, err := x.read.QueryContext(ctx, fmt.Sprintf("SELECT number, doc FROM %s%s ORDER BY number DESC LIMIT %d", s.table, w.String(), q.Limit+1), w.args...)
	if err != nil {
		return page, x.fail("list "+s.table, err)
	}
	defer rows.Close()
	last := int64(0)
	for rows.Next() {
		if len(page.Items) == q.Limit {
			page.Next = strconv.FormatInt(last, 10)
			break
		}
		var data []byte
		var doc T
		if err := rows.Scan(&last, &data); err != nil {
			return page, x.fail("list "+s.table, err)
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			return page, x.fail(fmt.Sprintf("list %s: number %d", s.table, last), err)
		}
		page.Items = append(page.Items, doc)
	}
	if err := rows.Err(); err != nil {
		return page, x.fail("list "+s.table, err)
	}
	return page, nil
}
