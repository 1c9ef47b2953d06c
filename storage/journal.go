package storage

import (
	"context"
	"database/sql"

	"github.com/vedette-cctv/vedette/models"
)

// Journal holds what is written into the log book beside incidents, and the shifts that
// were handed over. Every Index of this package is one.
type Journal interface {
	// AddEntry stores a new entry and returns it with its Number. When there already is one
	// with this ID nothing changes, and that one is returned. Entries are never changed.
	AddEntry(ctx context.Context, e models.JournalEntry) (models.JournalEntry, error)

	// EntryOf returns the entry of a number; the error is fs.ErrNotExist when there is none.
	EntryOf(ctx context.Context, number int64) (models.JournalEntry, error)

	// ListEntries returns one page, the newest number first. From and To are of when it
	// happened: To is the first instant after.
	ListEntries(ctx context.Context, q PaperQuery) (PaperPage[models.JournalEntry], error)

	// Corrections gives, for numbers of entries, the last entry that corrects each, where
	// there is one.
	Corrections(ctx context.Context, numbers []int64) (map[int64]int64, error)

	// AddHandover stores a shift that is handed over and returns it with its Number. When
	// there already is one with this ID nothing changes, and that one is returned.
	AddHandover(ctx context.Context, h models.Handover) (models.Handover, error)

	// UpdateHandover lets change edit one, in one transaction; see Index.Update.
	UpdateHandover(ctx context.Context, id string, change func(*models.Handover) error) (models.Handover, error)

	// GetHandover returns one; the error is fs.ErrNotExist when there is none.
	GetHandover(ctx context.Context, id string) (models.Handover, error)

	// ListHandovers returns one page, the newest number first.
	ListHandovers(ctx context.Context, q PaperQuery) (PaperPage[models.Handover], error)
}

var journalBinder = binder[models.JournalEntry]{"journal", func(e *models.JournalEntry) paper {
	return paper{id: e.ID, number: &e.Number, at: e.At, site: e.Site, corrects: e.Corrects}
}}

var handoverBinder = binder[models.Handover]{"handovers", func(h *models.Handover) paper {
	return paper{id: h.ID, number: &h.Number, at: h.At, site: h.Site}
}}

func (x *sqlIndex) AddEntry(ctx context.Context, e models.JournalEntry) (models.JournalEntry, error) {
	return journalBinder.add(ctx, x, e)
}

func (x *sqlIndex) EntryOf(ctx context.Context, number int64) (models.JournalEntry, error) {
	var id string
	w := where{bind: x.bind}
	err := x.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), '') FROM journal WHERE number = "+w.arg(number), w.args...).Scan(&id)
	if err != nil {
		return models.JournalEntry{}, x.fail("journal", err)
	}
	e, err := journalBinder.get(ctx, x.dialect, x.read, id, "")
	if err != nil {
		return models.JournalEntry{}, x.fail("journal", err)
	}
	return e, nil
}

func (x *sqlIndex) ListEntries(ctx context.Context, q PaperQuery) (PaperPage[models.JournalEntry], error) {
	return journalBinder.list(ctx, x, q)
}

func (x *sqlIndex) Corrections(ctx context.Context, numbers []int64) (map[int64]int64, error) {
	out := map[int64]int64{}
	if len(numbers) == 0 {
		return out, nil
	}
	w := where{bind: x.bind}
	values := make([]any, len(numbers))
	for i, n := range numbers {
		values[i] = n
	}
	w.add("corrects > 0")
	w.in("corrects", values)
	rows, err := x.read.QueryContext(ctx, "SELECT corrects, MAX(number) FROM journal"+w.String()+" GROUP BY corrects", w.args...)
	if err != nil {
		return nil, x.fail("corrections", err)
	}
	defer rows.Close()
	for rows.Next() {
		var old, by int64
		if err := rows.Scan(&old, &by); err != nil {
			return nil, x.fail("corrections", err)
		}
		out[old] = by
	}
	if err := rows.Err(); err != nil {
		return nil, x.fail("corrections", err)
	}
	return out, nil
}

func (x *sqlIndex) AddHandover(ctx context.Context, h models.Handover) (models.Handover, error) {
	return handoverBinder.add(ctx, x, h)
}

func (x *sqlIndex) UpdateHandover(ctx context.Context, id string, change func(*models.Handover) error) (models.Handover, error) {
	var h models.Handover
	var refused error
	err := x.inTx(ctx, func(tx *sql.Tx) error {
		var err error
		if h, err = handoverBinder.get(ctx, x.dialect, tx, id, x.forUpdate); err != nil {
			return err
		}
		number := h.Number
		if refused = change(&h); refused != nil {
			return errRefused
		}
		h.ID, h.Number = id, number
		return handoverBinder.put(ctx, x.dialect, tx, id, h)
	})
	switch {
	case refused != nil:
		return models.Handover{}, refused
	case err != nil:
		return models.Handover{}, x.fail("update hand-over "+id, err)
	}
	return h, nil
}

func (x *sqlIndex) GetHandover(ctx context.Context, id string) (models.Handover, error) {
	h, err := handoverBinder.get(ctx, x.dialect, x.read, id, "")
	if err != nil {
		return models.Handover{}, x.fail("hand-over "+id, err)
	}
	return h, nil
}

func (x *sqlIndex) ListHandovers(ctx context.Context, q PaperQuery) (PaperPage[models.Handover], error) {
	return handoverBinder.list(ctx, x, q)
}
