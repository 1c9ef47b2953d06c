package storage

import (
	"context"
	"database/sql"

	"github.com/vedette-cctv/vedette/models"
)

// SeriesBook holds the series. Every Index of this package is one.
type SeriesBook interface {
	// CreateSeries stores a new series and returns it with its Number. When there already is
	// one with this ID nothing changes, and that one is returned.
	CreateSeries(ctx context.Context, s models.Series) (models.Series, error)

	// UpdateSeries lets change edit a series, in one transaction; see Index.Update.
	UpdateSeries(ctx context.Context, id string, change func(*models.Series) error) (models.Series, error)

	// LinkSeries lets change edit a series and an incident in one transaction: both are
	// stored, or neither.
	LinkSeries(ctx context.Context, id string, incident models.IncidentID, change func(*models.Series, *models.Incident) error) (models.Series, models.Incident, error)

	// GetSeries returns a series; the error is fs.ErrNotExist when there is none.
	GetSeries(ctx context.Context, id string) (models.Series, error)

	// ListSeries returns one page, the newest number first.
	ListSeries(ctx context.Context, q PaperQuery) (PaperPage[models.Series], error)
}

var seriesBinder = binder[models.Series]{"series", func(s *models.Series) paper { return paper{id: s.ID, number: &s.Number, at: s.Opened} }}

func (x *sqlIndex) CreateSeries(ctx context.Context, s models.Series) (models.Series, error) {
	return seriesBinder.add(ctx, x, s)
}

func (x *sqlIndex) UpdateSeries(ctx context.Context, id string, change func(*models.Series) error) (models.Series, error) {
	var s models.Series
	var refused error
	err := x.inTx(ctx, func(tx *sql.Tx) error {
		var log [][]byte
		var err error
		if s, log, err = x.openSeries(ctx, tx, id); err != nil {
			return err
		}
		if refused = change(&s); refused != nil {
			return errRefused
		}
		s, err = x.putSeries(ctx, tx, id, log, s)
		return err
	})
	switch {
	case refused != nil:
		return models.Series{}, refused
	case err != nil:
		return models.Series{}, x.fail("update series "+id, err)
	}
	return s, nil
}

func (x *sqlIndex) LinkSeries(ctx context.Context, id string, incident models.IncidentID, change func(*models.Series, *models.Incident) error) (models.Series, models.Incident, error) {
	var s models.Series
	var in models.Incident
	var refused error
	err := x.inSteadyTx(ctx, func(tx *sql.Tx) error {
		// The series first, always: so no two of these wait for each other.
		var log [][]byte
		var err error
		if s, log, err = x.openSeries(ctx, tx, id); err != nil {
			return err
		}
		if in, refused, err = x.change(ctx, tx, incident, func(in *models.Incident) error { return change(&s, in) }); refused != nil {
			return errRefused
		}
		if err != nil {
			return err
		}
		s, err = x.putSeries(ctx, tx, id, log, s)
		return err
	})
	switch {
	case refused != nil:
		return models.Series{}, models.Incident{}, refused
	case err != nil:
		return models.Series{}, models.Incident{}, x.fail("link series "+id, err)
	}
	return s, in, nil
}

// openSeries reads a series that the transaction will write, with its log as it was.
func (x *sqlIndex) openSeries(ctx context.Context, tx *sql.Tx, id string) (models.Series, [][]byte, error) {
	s, err := seriesBinder.get(ctx, x.dialect, tx, id, x.forUpdate)
	if err != nil {
		return s, nil, err
	}
	log, err := marshalled(s.Log)
	return s, log, err
}

// putSeries writes a series whose log was as given.
func (x *sqlIndex) putSeries(ctx context.Context, tx *sql.Tx, id string, log [][]byte, s models.Series) (models.Series, error) {
	if err := kept(log, s.Log); err != nil {
		return s, err
	}
	s.ID, s.Edition = id, int64(len(s.Log))
	return s, seriesBinder.put(ctx, x.dialect, tx, id, s)
}

func (x *sqlIndex) GetSeries(ctx context.Context, id string) (models.Series, error) {
	s, err := seriesBinder.get(ctx, x.dialect, x.read, id, "")
	if err != nil {
		return models.Series{}, x.fail("series "+id, err)
	}
	return s, nil
}

func (x *sqlIndex) ListSeries(ctx context.Context, q PaperQuery) (PaperPage[models.Series], error) {
	return seriesBinder.list(ctx, x, q)
}
