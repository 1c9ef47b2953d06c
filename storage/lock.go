package storage

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ErrLocked says that the store refuses to delete an object: its lock is in force.
var ErrLocked = errors.New("locked against deletion")

// ErrNoLock says that locks are asked for and the bucket cannot have them.
var ErrNoLock = errors.New("made without Object Lock")

// Locker is a Bucket that can refuse to delete objects, whoever asks (S3 Object Lock).
type Locker interface {
	Bucket

	// Locks says whether objects are to be locked. The first call asks the service; the
	// error explains what to do when locks are asked for and the bucket has none.
	Locks(ctx context.Context) (bool, error)

	// PutLocked is Put with a lock from the object's first instant on. A lock that would
	// be over already is none.
	PutLocked(ctx context.Context, key string, body io.ReadSeeker, o models.Object, until time.Time) error

	// Locked says until when the object is locked, zero for not, and whether a legal hold
	// is on it.
	Locked(ctx context.Context, key string) (until time.Time, held bool, err error)

	// SetHold sets the legal hold of an object or takes it away. Setting it again is fine.
	SetHold(ctx context.Context, key string, on bool) error
}

// locker returns the bucket as one that locks, or nil.
func locker(ctx context.Context, b Bucket) (Locker, error) {
	l, ok := b.(Locker)
	if !ok {
		return nil, nil
	}
	if on, err := l.Locks(ctx); err != nil || !on {
		return nil, err
	}
	return l, nil
}
