package storage

import (
	"context"
	"errors"
	"io/fs"

	"github.com/vedette-cctv/vedette/models"
)

// Waiting is the footage of an incident that is complete, signed and only waits for the
// bucket: with it the evidence can be handed out although the bucket does not answer. ok is
// false when there is none, because the clip still grows or the bucket has it already.
func (v Evidence) Waiting(id models.IncidentID) (f models.Footage, ok bool) {
	if v.Spool == nil {
		return f, false
	}
	e, ok := v.Spool.Entry(id)
	if !ok || e.State() != EntryReady {
		return f, false
	}
	f = e.Incident().Footage
	f.Objects = e.upload()
	return f, len(f.Objects) > 0
}

// OpenObject opens an object that the record, or Waiting, names: from the spool while it
// waits there, else from the bucket.
func (v Evidence) OpenObject(ctx context.Context, id models.IncidentID, o models.Object) (Reader, error) {
	if v.Spool != nil {
		if e, ok := v.Spool.Entry(id); ok && e.State() == EntryReady {
			f, err := openFile(e.fileOf(o))
			if err == nil {
				return f, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
		}
	}
	return v.Bucket.Open(ctx, o.Key)
}
