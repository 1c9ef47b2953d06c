package people

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/durable"
)

// AdminUser is the account that the first start creates.
const AdminUser = "admin"

// Errors of accounts that callers tell apart.
var (
	// ErrCredentials is returned for a wrong password and for an unknown user alike.
	ErrCredentials = errors.New("wrong user name or password")
	// ErrWeakPassword is returned when a new password is not acceptable; the error that
	// wraps it says why.
	ErrWeakPassword = errors.New("password is not acceptable")
)

// Accounts is the file of people who may log in. It is safe for concurrent use, also by
// two processes: a password that is reset from the command line holds at once in a
// running server, and ends the sessions that the old one had opened.
type Accounts struct {
	// ChangeOptional makes changing a generated password a suggestion instead of a
	// condition for everything else. Only for demonstrations. Set before use.
	ChangeOptional bool

	path  string
	cost  Cost
	dummy phc           // verified for users that do not exist, so that they take as long as others
	work  chan struct{} // bounds how many hashes are computed at once: 19 MiB each

	mu    sync.Mutex
	users []account
	info  fs.FileInfo // of the file as it was read
}

type account struct {
	Name       string    `json:"name"`
	Hash       string    `json:"hash"`
	MustChange bool      `json:"must_change,omitempty"`
	Changed    time.Time `json:"changed"`

	parsed phc
}

type accountsFile struct {
	Schema int       `json:"schema"`
	Users  []account `json:"users"`
}

const accountsSchema = 1

// Options say how accounts are kept.
type Options struct {
	Cost Cost // of the hashes of new passwords; zero: OWASP
}

// Open reads the accounts at path. When there is no such file it makes one with
// the user "admin" and returns the generated one-time password, which is stored nowhere
// else: show it to the operator. It refuses a file that others may read.
func Open(path string, o Options) (a *Accounts, oneTime string, err error) {
	c := o.Cost
	if c == (Cost{}) {
		c = OWASP
	}
	a = &Accounts{path: path, cost: c, dummy: hashPassword(oneTimePassword(), c), work: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, "", fmt.Errorf("accounts: %w", err)
	}
	err = a.locked(func() error {
		err := a.read()
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		oneTime = oneTimePassword()
		a.users = []account{a.newAccount(AdminUser, oneTime, true)}
		return a.write()
	})
	if err != nil {
		return nil, "", fmt.Errorf("accounts %s: %w", path, err)
	}
	return a, oneTime, nil
}

// ResetPassword gives a user a new one-time password, which must be changed at the next
// login, and ends the user's sessions. It creates the user "admin" when that is missing;
// any other unknown user is an fs.ErrNotExist.
func (a *Accounts) ResetPassword(user string) (oneTime string, err error) {
	oneTime = oneTimePassword()
	err = a.change(func() error {
		i := a.find(user)
		switch {
		case i >= 0:
			a.users[i] = a.newAccount(user, oneTime, true)
		case user == AdminUser:
			a.users = append(a.users, a.newAccount(user, oneTime, true))
		default:
			return fmt.Errorf("user %q: %w", user, fs.ErrNotExist)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reset password: %w", err)
	}
	return oneTime, nil
}

// Verify checks a password. It takes the same time whether or not the user exists.
func (a *Accounts) Verify(ctx context.Context, user, password string) error {
	h, known := a.dummy, false
	a.mu.Lock()
	err := a.refresh()
	if i := a.find(user); err == nil && i >= 0 {
		h, known = a.users[i].parsed, true
	}
	a.mu.Unlock()
	if err != nil {
		return fmt.Errorf("accounts %s: %w", a.path, err)
	}
	if len(password) > maxPassword {
		return ErrCredentials
	}
	select {
	case a.work <- struct{}{}:
		defer func() { <-a.work }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !h.matches(password) || !known {
		return ErrCredentials
	}
	return nil
}

// SetPassword replaces the user's password with one of the user's own choice.
func (a *Accounts) SetPassword(ctx context.Context, user, old, password string) error {
	if err := a.Verify(ctx, user, old); err != nil {
		return err
	}
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
	select {
	case a.work <- struct{}{}:
		defer func() { <-a.work }()
	case <-ctx.Done():
		return ctx.Err()
	}
	next := a.newAccount(user, password, false)
	return a.change(func() error {
		i := a.find(user)
		if i < 0 {
			return fmt.Errorf("user %q: %w", user, fs.ErrNotExist)
		}
		a.users[i] = next
		return nil
	})
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// Stamp names the present password of a user without revealing it. A session carries
// the stamp it was opened under and dies when the two part.
type Stamp [sha256.Size]byte

// Standing says whether the user still exists, under which stamp, and whether the
// password has yet to be chosen.
func (a *Accounts) Standing(user string) (s Stamp, mustChange, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refresh() != nil {
		return Stamp{}, false, false
	}
	i := a.find(user)
	if i < 0 {
		return Stamp{}, false, false
	}
	return sha256.Sum256([]byte(a.users[i].Hash)), a.users[i].MustChange, true
}

func (a *Accounts) newAccount(user, password string, mustChange bool) account {
	h := hashPassword(password, a.cost)
	return account{Name: user, Hash: h.String(), MustChange: mustChange, Changed: time.Now().UTC().Truncate(time.Second), parsed: h}
}

func (a *Accounts) find(user string) int {
	return slices.IndexFunc(a.users, func(u account) bool { return u.Name == user })
}

// change reads the newest file, applies fn and writes it, under the lock of both this
// process and others.
func (a *Accounts) change(fn func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.locked(func() error {
		if err := a.read(); err != nil {
			return err
		}
		before := slices.Clone(a.users)
		err := fn()
		if err == nil {
			err = a.write()
		}
		if err != nil {
			a.users = before
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

// refresh reads the file again when another process has replaced it.
func (a *Accounts) refresh() error {
	info, err := os.Stat(a.path)
	if err != nil {
		return err
	}
	if a.info != nil && os.SameFile(a.info, info) && a.info.ModTime().Equal(info.ModTime()) {
		return nil
	}
	return a.read()
}

func (a *Accounts) read() error {
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("mode %v lets others read it; run: chmod 600 %s", info.Mode().Perm(), a.path)
	}
	const most = 1 << 20
	if info.Size() > most {
		return fmt.Errorf("%d bytes; an accounts file has at most %d", info.Size(), most)
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(f); err != nil {
		return err
	}
	users, err := parseAccounts(buf.Bytes())
	if err != nil {
		return err
	}
	a.users, a.info = users, info
	return nil
}

func parseAccounts(data []byte) ([]account, error) {
	var file accountsFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("decode: %w; restore it from a backup, or move it away to start again", err)
	}
	if file.Schema != accountsSchema {
		return nil, fmt.Errorf("schema %d; this program reads %d", file.Schema, accountsSchema)
	}
	seen := map[string]bool{}
	for i := range file.Users {
		u := &file.Users[i]
		if u.Name == "" || len(u.Name) > maxUser || seen[u.Name] {
			return nil, fmt.Errorf("user %d: name %q is empty, too long or there twice", i+1, u.Name)
		}
		seen[u.Name] = true
		var err error
		if u.parsed, err = parsePHC(u.Hash); err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
	}
	return file.Users, nil
}

// maxUser bounds a user name in bytes.
const maxUser = 64

// write replaces the file.
func (a *Accounts) write() error {
	data, err := json.MarshalIndent(accountsFile{Schema: accountsSchema, Users: a.users}, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.ReplaceFile(a.path, append(data, '\n')); err != nil {
		return err
	}
	a.info, err = os.Stat(a.path)
	return err
}
