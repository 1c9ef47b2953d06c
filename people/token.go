package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// TokenPrefix is how the secret of every token begins, so that people and scanners of
// repositories recognise one that lies where it should not.
const TokenPrefix = "vtk_"

// Bounds of tokens.
const (
	maxTokens    = 32 // of one owner
	maxTokenName = 80
	// MaxTokenLife is the longest that a token is good for.
	MaxTokenLife = 366 * 24 * time.Hour
	// tokenUsedEvery is how exactly the file knows when a token was last used.
	tokenUsedEvery = time.Minute
)

// Token lets another program in, in the name of its owner and with a part of what the
// owner may do.
type Token struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Owner string `json:"owner"` // user name
	// Rights are what it may do, as far as its owner may at the time.
	Rights []models.Right `json:"rights"`
	// Groups are the camera groups that it may do it to; empty: all that its owner may.
	Groups  []string  `json:"groups,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Used is when it was last used, to within a minute; zero: never.
	Used time.Time `json:"used,omitzero"`
}

// Allows says whether the token's own bounds allow a right over a camera in these groups.
// What its owner may do bounds it too.
func (t Token) Allows(right models.Right, camera models.CameraID, groups []string) bool {
	if !slices.Contains(t.Rights, right) {
		return false
	}
	return camera == "" || len(t.Groups) == 0 || slices.ContainsFunc(t.Groups, func(g string) bool { return slices.Contains(groups, g) })
}

// storedToken is a token as the file holds it.
type storedToken struct {
	Token
	SHA256 string `json:"sha256"` // of the secret, hex

	hash [sha256.Size]byte
}

func (t *storedToken) check() error {
	sum, err := hex.DecodeString(t.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("%w: its hash is none", ErrInvalid)
	}
	t.hash = [sha256.Size]byte(sum)
	if t.ID == "" || t.Expires.IsZero() {
		return fmt.Errorf("%w: without an ID or an end", ErrInvalid)
	}
	return checkToken(t.Token)
}

func checkToken(t Token) error {
	if err := checkText("name", t.Name, maxTokenName); err != nil {
		return err
	}
	if t.Name == "" {
		return fmt.Errorf("%w: a token without a name", ErrInvalid)
	}
	if len(t.Rights) == 0 {
		return fmt.Errorf("%w: a token without a right opens nothing", ErrInvalid)
	}
	for _, r := range t.Rights {
		if !slices.Contains(models.Rights(), r) {
			return fmt.Errorf("%w: there is no right %q", ErrInvalid, r)
		}
	}
	return checkGroups(t.Groups)
}

// AddToken makes a token of Name, Owner, Rights, Groups and Expires, and returns its
// secret, which is stored nowhere. Nobody gives a token what they have not got, though a
// right that they lose later makes the token weaker, not void.
func (a *Accounts) AddToken(t Token, w Witness) (_ Token, secret string, err error) {
	if err := checkToken(t); err != nil {
		return Token{}, "", err
	}
	now := a.at()
	if t.Expires = t.Expires.UTC().Truncate(time.Second); !within(now, t.Expires, MaxTokenLife) {
		return Token{}, "", fmt.Errorf("%w: a token ends in the future, at most %d days from now", ErrInvalid, MaxTokenLife/(24*time.Hour))
	}
	random := make([]byte, 32)
	rand.Read(random)
	secret = TokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	t.ID, t.Created, t.Used = strings.ToLower(rand.Text()[:16]), now, time.Time{}
	stored := storedToken{Token: t, hash: sha256.Sum256([]byte(secret))}
	stored.SHA256 = hex.EncodeToString(stored.hash[:])
	err = a.change(func() error {
		i := a.find(t.Owner)
		if i < 0 {
			return unknown(t.Owner)
		}
		for _, r := range t.Rights {
			if !reachesToken(a.content.Users[i].Grants, r, t.Groups) {
				return fmt.Errorf("%w: %s", ErrReach, r)
			}
		}
		count := 0
		for _, o := range a.content.Tokens {
			if o.Owner != t.Owner {
				continue
			}
			if count++; o.Name == t.Name {
				return fmt.Errorf("token %q: %w", t.Name, ErrExists)
			}
		}
		if count >= maxTokens {
			return fmt.Errorf("%w: one person has at most %d tokens; revoke one", ErrInvalid, maxTokens)
		}
		if err := w.tell(models.ActTokenCreated, "%s of %s, until %s: %s", t.Name, t.Owner, t.Expires.Format(time.RFC3339), t.Scope()); err != nil {
			return err
		}
		a.content.Tokens = append(a.content.Tokens, stored)
		return nil
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

// reachesToken says whether grants give a right over each of some groups; without groups,
// over any camera: the token then reaches as far as its owner.
func reachesToken(grants []models.Grant, right models.Right, groups []string) bool {
	if len(groups) == 0 {
		return models.Allows(grants, right, "", nil)
	}
	return !slices.ContainsFunc(groups, func(g string) bool { return !holds(grants, right, g) })
}

// Scope says in words what the token may do.
func (t Token) Scope() string {
	rights := make([]string, len(t.Rights))
	for i, r := range t.Rights {
		rights[i] = string(r)
	}
	scope := strings.Join(rights, ", ")
	if len(t.Groups) > 0 {
		scope += " of " + strings.Join(t.Groups, ", ")
	}
	return scope
}

// Tokens are those of one owner, or of all for "", the oldest first; those that are over
// too.
func (a *Accounts) Tokens(owner string) ([]Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refresh(); err != nil {
		return nil, fmt.Errorf("accounts %s: %w", a.path, err)
	}
	list := []Token{}
	for _, t := range a.content.Tokens {
		if owner == "" || t.Owner == owner {
			list = append(list, t.Token)
		}
	}
	return list, nil
}

// Revoke ends a token. may says whether the token is one that whoever asks may end; what
// they may not is not there for them.
func (a *Accounts) Revoke(id string, may func(Token, Person) bool, w Witness) error {
	return a.change(func() error {
		i := slices.IndexFunc(a.content.Tokens, func(t storedToken) bool { return t.ID == id })
		if i < 0 {
			return fmt.Errorf("token: %w", fs.ErrNotExist)
		}
		t := a.content.Tokens[i].Token
		if o := a.find(t.Owner); o < 0 || !may(t, a.content.Users[o].person(a.now())) {
			return fmt.Errorf("token: %w", fs.ErrNotExist)
		}
		if err := w.tell(models.ActTokenRevoked, "%s of %s", t.Name, t.Owner); err != nil {
			return err
		}
		a.content.Tokens = slices.Delete(a.content.Tokens, i, i+1)
		return nil
	})
}

// Bearer returns the token that a secret proves, and its owner. It is false for a token
// that is over, and for one whose owner is suspended or has yet to choose a password.
// first says that the token was never used before.
func (a *Accounts) Bearer(secret string) (t Token, owner Person, first, ok bool) {
	if !strings.HasPrefix(secret, TokenPrefix) || len(secret) > 128 {
		return Token{}, Person{}, false, false
	}
	sum, now := sha256.Sum256([]byte(secret)), a.at()
	a.mu.Lock()
	if a.refresh() == nil {
		t, owner, ok = a.bears(sum, now)
	}
	a.mu.Unlock()
	if !ok {
		return Token{}, Person{}, false, false
	}
	if now.Sub(t.Used) < tokenUsedEvery && !t.Used.After(now) {
		return t, owner, false, true
	}
	// Not to know when it was last used is no reason to refuse it: a disk that is full must
	// not stop whoever calls for help.
	err := a.change(func() error {
		i, there := a.bearers[sum]
		if !there {
			ok = false // revoked this moment
			return fs.ErrNotExist
		}
		first = a.content.Tokens[i].Used.IsZero()
		a.content.Tokens[i].Used = now
		return nil
	})
	return t, owner, first && err == nil, ok
}

// Stands returns a token by its ID, and its owner, as long as it is good.
func (a *Accounts) Stands(id string) (Token, Person, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refresh() != nil {
		return Token{}, Person{}, false
	}
	i := slices.IndexFunc(a.content.Tokens, func(t storedToken) bool { return t.ID == id })
	if i < 0 {
		return Token{}, Person{}, false
	}
	return a.bears(a.content.Tokens[i].hash, a.at())
}

func (a *Accounts) bears(sum [sha256.Size]byte, now time.Time) (Token, Person, bool) {
	i, ok := a.bearers[sum]
	if !ok || !now.Before(a.content.Tokens[i].Expires) {
		return Token{}, Person{}, false
	}
	t := a.content.Tokens[i].Token
	o := a.find(t.Owner)
	if o < 0 || a.content.Users[o].Disabled || a.content.Users[o].MustChange && !a.ChangeOptional {
		return Token{}, Person{}, false
	}
	return t, a.content.Users[o].person(a.now()), true
}
