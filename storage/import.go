package storage

import (
	"context"
	"database/sql"
	"iter"

	"github.com/vedette-cctv/vedette/models"
)

// Importer takes many incidents at once, far faster than one Create for each: an index
// that is made anew, or one for measurements. Every Index of this package is one.
type Importer interface {
	// Import stores incidents as Create does and returns how many it has read. It
	// commits some thousands at a time; after an error the last of them may be missing,
	// and it can be called again with all.
	Import(ctx context.Context, incidents iter.Seq2[models.Incident, error]) (int, error)
}

// importBatch is how many incidents share a transaction. Each page of an index that they
// touch is written once for all of them.
const importBatch = 2000

func (x *sqlIndex) Import(ctx context.Context, incidents iter.Seq2[models.Incident, error]) (int, error) {
	n := 0
	batch := make([]models.Incident, 0, importBatch)
	flush := func() error {
		err := x.inTx(ctx, func(tx *sql.Tx) error { return x.insert(ctx, tx, batch...) })
		n += len(batch)
		batch = batch[:0]
		return err
	}
	for in, err := range incidents {
		if err == nil {
			if batch = append(batch, in); len(batch) < importBatch {
				continue
			}
			err = flush()
		}
		if err != nil {
			return n, x.fail("import", err)
		}
	}
	if err := flush(); err != nil {
		return n, x.fail("import", err)
	}
	return n, nil
}
