package people

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// A lock begins with so many wrong passwords in a row, and lasts twice as long each time,
// until the right password is given while none is in force.
const (
	lockAfter = 10
	lockFirst = 15 * time.Minute
	lockMost  = 24 * time.Hour
)

// lock is how many wrong passwords were given for an account, and what came of it.
type lock struct {
	Failures int       `json:"failures,omitempty"` // in a row, since the last lock
	Locks    int       `json:"locks,omitempty"`    // in a row
	Until    time.Time `json:"until,omitzero"`     // end of the last one
}

func (l lock) active(now time.Time) bool { return now.Before(l.Until) }

// fail counts a wrong password, and says whether it locks the account. One that comes
// while the account is locked counts nothing: it must not make the lock longer.
func (l *lock) fail(now time.Time) bool {
	if l.active(now) {
		return false
	}
	if l.Failures++; l.Failures < lockAfter {
		return false
	}
	l.Failures = 0
	l.Until = now.Add(min(lockFirst<<min(l.Locks, 7), lockMost)).UTC().Truncate(time.Second)
	l.Locks++
	return true
}

// Refused says why a password was not accepted. It wraps ErrCredentials, or ErrLocked
// while the account is locked.
type Refused struct {
	Known bool      // there is such a user: for the log, never for the answer
	Until time.Time // of the lock in force, or of the one that this attempt has begun
	Began bool      // this attempt has begun a lock
	err   error
}

func (r *Refused) Error() string { return r.err.Error() }

// Unwrap makes errors.Is tell the two apart.
func (r *Refused) Unwrap() error { return r.err }

// Verify checks a password. What it refuses is a *Refused. It takes the same time whether
// or not the user exists, and is told apart by nothing else.
func (a *Accounts) Verify(ctx context.Context, user, password string) error {
	h, l, known, err := a.expect(user)
	if err != nil {
		return err
	}
	if now := a.now(); l.active(now) {
		return &Refused{Known: known, Until: l.Until, err: ErrLocked}
	}
	right := false
	if len(password) <= maxPassword {
		done, err := a.hashing(ctx)
		if err != nil {
			return err
		}
		right = h.matches(password) && known
		done()
	}
	return a.outcome(user, known, right, l)
}

// expect returns what a password is checked against.
func (a *Accounts) expect(user string) (phc, lock, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refresh(); err != nil {
		return phc{}, lock{}, false, fmt.Errorf("accounts %s: %w", a.path, err)
	}
	if i := a.find(user); i >= 0 && !a.content.Users[i].Disabled {
		return a.content.Users[i].parsed, a.content.Users[i].Lock, true, nil
	}
	return a.dummy, *a.stranger(user), false, nil
}

// stranger is the lock of a user that does not exist. Some share one, which nobody sees.
func (a *Accounts) stranger(user string) *lock {
	return &a.strangers[maphash.String(a.seed, user)%uint64(len(a.strangers))]
}

// outcome counts what came of a check.
func (a *Accounts) outcome(user string, known, right bool, before lock) error {
	if right && before == (lock{}) {
		return nil // as nearly always: nothing to write
	}
	refused := &Refused{Known: known, err: ErrCredentials}
	err := a.change(func() error {
		l := a.stranger(user)
		if i := a.find(user); i >= 0 && known {
			l = &a.content.Users[i].Lock
		}
		now := a.now()
		switch {
		case l.active(now): // others were wrong meanwhile
			refused.Until, refused.err = l.Until, ErrLocked
		case right:
			*l = lock{}
			refused = nil
		default:
			// The file is written for strangers too, or they could be told by the time that it takes.
			if refused.Began = l.fail(now); refused.Began {
				refused.Until = l.Until
			}
		}
		return nil
	})
	if err != nil {
		return err // uncounted attempts are not answered: a full disk must not open a door
	}
	if refused != nil {
		return refused
	}
	return nil
}

// SetPassword replaces the user's password with one of the user's own choice.
func (a *Accounts) SetPassword(ctx context.Context, user, old, password string, w Witness) error {
	if err := a.Verify(ctx, user, old); err != nil {
		return err
	}
	if err := checkPassword(old, password); err != nil {
		return err
	}
	done, err := a.hashing(ctx)
	if err != nil {
		return err
	}
	var next account
	a.give(&next, password, false)
	done()
	return a.change(func() error {
		i := a.find(user)
		if i < 0 {
			return unknown(user)
		}
		if err := w.tell(models.ActPasswordChanged, "their own"); err != nil {
			return err
		}
		u := &a.content.Users[i]
		u.Hash, u.parsed, u.MustChange, u.Changed = next.Hash, next.parsed, false, next.Changed
		return nil
	})
}

func checkPassword(old, password string) error {
	switch {
	case len(password) < minPassword:
		return fmt.Errorf("%w: use at least %d characters", ErrWeakPassword, minPassword)
	case len(password) > maxPassword:
		return fmt.Errorf("%w: use at most %d bytes", ErrWeakPassword, maxPassword)
	case password == old:
		return fmt.Errorf("%w: it is the old one", ErrWeakPassword)
	case distinct(password) < 5:
		return fmt.Errorf("%w: it repeats too few different characters", ErrWeakPassword)
	}
	return nil
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// Known says whether an error is that of a password which was refused to somebody who
// exists.
func Known(err error) bool {
	var r *Refused
	return errors.As(err, &r) && r.Known
}
