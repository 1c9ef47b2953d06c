package custody

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrInUse says that another process holds what this one needs.
var ErrInUse = errors.New("in use by another process")

const (
	lockShared    = syscall.LOCK_SH
	lockExclusive = syscall.LOCK_EX
)

// lockPoll is how often a lock that another process holds is asked for again. Others hold
// one for as long as an fsync takes.
const lockPoll = 2 * time.Millisecond

// lockFile takes an advisory lock (flock), waiting at most limit. The kernel lets go of it
// however the process ends.
func lockFile(ctx context.Context, f *os.File, how int, limit time.Duration) error {
	var deadline <-chan time.Time
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		case limit <= 0:
			return ErrInUse
		}
		if deadline == nil {
			deadline = time.After(limit)
		}
		select {
		case <-time.After(lockPoll):
		case <-deadline:
			return fmt.Errorf("%s: %w", f.Name(), ErrInUse)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func unlockFile(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
