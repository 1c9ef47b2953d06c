package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/vedette-cctv/vedette/models"
)

// Records are the incidents as one transaction sees them: with what it has changed itself,
// and nothing that others do meanwhile. Its methods are those of an Index.
type Records interface {
	Create(in models.Incident) (models.Incident, error)
	Update(id models.IncidentID, change func(*models.Incident) error) (models.Incident, error)
	Get(id models.IncidentID) (models.Incident, error)
}

// records is a transaction of an sqlIndex.
type records struct {
	ctx context.Context
	x   *sqlIndex
	tx  *sql.Tx
	err error // of the database: the transaction is lost with it
}

// fail keeps an error of the database, so that nothing is stored whatever becomes of it.
func (r *records) fail(op string, id models.IncidentID, err error) error {
	err = r.x.fail(op+" "+string(id), err)
	if r.err == nil && !errors.Is(err, fs.ErrNotExist) {
		r.err = err
	}
	return err
}

func (r *records) Create(in models.Incident) (models.Incident, error) {
	stored, err := r.x.createIn(r.ctx, r.tx, in)
	if err != nil {
		return models.Incident{}, r.fail("create", in.ID, err)
	}
	return stored, nil
}

func (r *records) Update(id models.IncidentID, change func(*models.Incident) error) (models.Incident, error) {
	in, refused, err := r.x.change(r.ctx, r.tx, id, change)
	switch {
	case refused != nil:
		return models.Incident{}, refused
	case err != nil:
		return models.Incident{}, r.fail("update", id, err)
	}
	return in, nil
}

func (r *records) Get(id models.IncidentID) (models.Incident, error) {
	in, err := r.x.get(r.ctx, r.tx, id, "")
	if err != nil {
		return models.Incident{}, r.fail("get", id, err)
	}
	return in, nil
}

func (x *sqlIndex) Together(ctx context.Context, do func(Records) error) error {
	var refused error
	err := x.inSteadyTx(ctx, func(tx *sql.Tx) error {
		r := &records{ctx: ctx, x: x, tx: tx}
		refused = do(r)
		switch {
		case r.err != nil:
			refused = nil
			return r.err
		case refused != nil:
			return errRefused
		}
		x.step("together")
		return nil
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return fmt.Errorf("%s: together: %w", x.name, x.explain(err))
	}
	x.tellChanged()
	return nil
}
