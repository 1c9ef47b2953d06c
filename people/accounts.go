package people

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// AdminUser is the account that the first start creates.
const AdminUser = "admin"

// Errors that callers tell apart.
var (
	// ErrCredentials is returned for a wrong password and for an unknown user alike.
	ErrCredentials = errors.New("wrong user name or password")
	// ErrLocked is returned for any password, also the right one, while an account is
	// locked; see Refused.
	ErrLocked = errors.New("too many wrong passwords: the account is locked for a while")
	// ErrWeakPassword is returned when a new password is not acceptable; the error that
	// wraps it says why.
	ErrWeakPassword = errors.New("password is not acceptable")
	// ErrInvalid is returned for a value that an account or a token cannot have.
	ErrInvalid = errors.New("not acceptable")
	// ErrExists is returned when there is somebody, or a token, of that name already.
	ErrExists = errors.New("there is one of that name")
	// ErrLastAdministrator is returned when nobody would be left who may administer.
	ErrLastAdministrator = errors.New("somebody must be left who administers all cameras")
	// ErrReach is returned to those who would give, or take from somebody, more than they
	// have themselves.
	ErrReach = errors.New("this reaches beyond your own rights")
	// ErrEdition is returned when an account was changed since it was read.
	ErrEdition = errors.New("somebody has changed it meanwhile")
)

// Options say how accounts are kept.
type Options struct {
	Cost Cost             // of the hashes of new passwords; zero: OWASP
	Now  func() time.Time // nil: time.Now
}

// Accounts is the file of people who may log in. It is safe for concurrent use, also by
// two processes: a password that is reset from the command line holds at once in a
// running server, and ends the sessions that the old one had opened.
type Accounts struct {
	// ChangeOptional makes changing a generated password a suggestion instead of a
	// condition for everything else. Only for demonstrations. Set before use.
	ChangeOptional bool

	path  string
	cost  Cost
	now   func() time.Time
	dummy phc           // verified for users that do not exist, so that they take as long as others
	work  chan struct{} // bounds how many hashes are computed at once: 19 MiB each
	seed  maphash.Seed

	mu        sync.Mutex
	content   content
	bearers   map[[sha256.Size]byte]int // of content.Tokens, by hash
	info      fs.FileInfo               // of the file as it was read
	strangers [4096]lock                // of users that do not exist, by a hash of their name
}

// account is somebody as the file holds them.
type account struct {
	models.Officer
	Hash       string    `json:"hash"`
	MustChange bool      `json:"must_change,omitempty"`
	Changed    time.Time `json:"changed"` // the password
	Created    time.Time `json:"created,omitzero"`
	Disabled   bool      `json:"disabled,omitempty"`
	Edition    int64     `json:"edition"`
	Lock       lock      `json:"lock,omitzero"`

	parsed phc
}

// Person is somebody who may log in, without what proves it.
type Person struct {
	models.Officer
	Disabled   bool
	MustChange bool // a one-time password is in force
	Created    time.Time
	Changed    time.Time // the password
	Locked     time.Time // until when nobody can log in as them; zero: not locked
	Edition    int64     // counts the changes of the account, but for those of its password
}

func (a *account) person(now time.Time) Person {
	p := Person{Officer: a.Officer, Disabled: a.Disabled, MustChange: a.MustChange, Created: a.Created, Changed: a.Changed, Edition: a.Edition}
	p.Grants, p.Skills, p.Shift = slices.Clone(p.Grants), slices.Clone(p.Skills), slices.Clone(p.Shift)
	if a.Lock.active(now) {
		p.Locked = a.Lock.Until
	}
	return p
}

// Witness is told what is about to change, and about whom, when everything else allows it;
// what it refuses does not happen. The note holds no secret. nil: nobody is told.
type Witness func(act models.Act, note string) error

func (w Witness) tell(act models.Act, format string, args ...any) error {
	if w == nil {
		return nil
	}
	return w(act, fmt.Sprintf(format, args...))
}

// Open reads the accounts at path. When there is no such file it makes one with
// the user "admin" and returns the generated one-time password, which is stored nowhere
// else: show it to the operator. It refuses a file that others may read.
func Open(path string, o Options) (a *Accounts, oneTime string, err error) {
	if o.Cost == (Cost{}) {
		o.Cost = OWASP
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a = &Accounts{path: path, cost: o.Cost, now: o.Now, dummy: hashPassword(oneTimePassword(), o.Cost),
		work: make(chan struct{}, max(1, runtime.GOMAXPROCS(0))), seed: maphash.MakeSeed()}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, "", fmt.Errorf("accounts: %w", err)
	}
	err = a.locked(func() error {
		err := a.read()
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		oneTime = oneTimePassword()
		a.content = content{Users: []account{a.administrator(oneTime)}}
		return a.write()
	})
	if err != nil {
		return nil, "", fmt.Errorf("accounts %s: %w", path, err)
	}
	return a, oneTime, nil
}

// administrator is the account that there is when there is no other.
func (a *Accounts) administrator(oneTime string) account {
	u := account{Officer: models.Officer{User: AdminUser, Grants: []models.Grant{{Role: models.RoleAdministrator}}}, Created: a.at(), Edition: 1}
	a.give(&u, oneTime, true)
	return u
}

// give gives an account another password, and takes away its lock.
func (a *Accounts) give(u *account, password string, mustChange bool) {
	h := hashPassword(password, a.cost)
	u.Hash, u.parsed, u.MustChange, u.Changed, u.Lock = h.String(), h, mustChange, a.at(), lock{}
}

func (a *Accounts) at() time.Time { return a.now().UTC().Truncate(time.Second) }

// Stamp names the present password of a user without revealing it. A session carries
// the stamp it was opened under and dies when the two part.
type Stamp [sha256.Size]byte

// Standing returns somebody who may log in, and under which stamp. It is false for those
// who are not there, and for those who are suspended.
func (a *Accounts) Standing(user string) (Person, Stamp, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refresh() != nil {
		return Person{}, Stamp{}, false
	}
	i := a.find(user)
	if i < 0 || a.content.Users[i].Disabled {
		return Person{}, Stamp{}, false
	}
	u := &a.content.Users[i]
	return u.person(a.now()), sha256.Sum256([]byte(u.Hash)), true
}

// People are all of them, by user name.
func (a *Accounts) People() ([]Person, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refresh(); err != nil {
		return nil, fmt.Errorf("accounts %s: %w", a.path, err)
	}
	list := make([]Person, len(a.content.Users))
	for i := range a.content.Users {
		list[i] = a.content.Users[i].person(a.now())
	}
	return list, nil
}

// Person is one of them; the error is fs.ErrNotExist when there is nobody of that name.
func (a *Accounts) Person(user string) (Person, error) {
	list, err := a.People()
	if err != nil {
		return Person{}, err
	}
	if i := slices.IndexFunc(list, func(p Person) bool { return p.User == user }); i >= 0 {
		return list[i], nil
	}
	return Person{}, unknown(user)
}

func unknown(user string) error { return fmt.Errorf("user %q: %w", user, fs.ErrNotExist) }

func (a *Accounts) find(user string) int {
	return slices.IndexFunc(a.content.Users, func(u account) bool { return u.User == user })
}

// change reads the newest file, applies fn and writes it, under the lock of both this
// process and others.
func (a *Accounts) change(fn func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked(func() error {
		if err := a.read(); err != nil {
			return fmt.Errorf("accounts %s: %w", a.path, err)
		}
		before := a.content.clone()
		err := fn()
		if err == nil {
			if err = a.write(); err != nil {
				err = fmt.Errorf("accounts %s: %w", a.path, durable.Hint(err))
			}
		}
		if err != nil {
			a.take(before)
		}
		return err
	})
}

// locked runs fn under a lock that other processes see. The lock has its own file,
// because the accounts file is replaced with each change.
func (a *Accounts) locked(fn func() error) error {
	f, err := os.OpenFile(a.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return fn()
}

// hashing waits for its turn to compute a hash; done must be called.
func (a *Accounts) hashing(ctx context.Context) (done func(), err error) {
	select {
	case a.work <- struct{}{}:
		return func() { <-a.work }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
