package people

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// content is the file: schema 2. It is kept sorted by user name.
type content struct {
	Schema int           `json:"schema"`
	Users  []account     `json:"users"`
	Tokens []storedToken `json:"tokens,omitempty"`
}

const schema = 2

// maxFile bounds the file in bytes: some thousand people.
const maxFile = 8 << 20

func (c content) clone() content {
	c.Users, c.Tokens = slices.Clone(c.Users), slices.Clone(c.Tokens)
	return c
}

// take puts a content in force.
func (a *Accounts) take(c content) {
	a.content = c
	a.bearers = make(map[[sha256.Size]byte]int, len(c.Tokens))
	for i, t := range c.Tokens {
		a.bearers[t.hash] = i
	}
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
	if info.Size() > maxFile {
		return fmt.Errorf("%d bytes; an accounts file has at most %d", info.Size(), maxFile)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	c, err := parse(data)
	if err != nil {
		return err
	}
	a.info = info
	a.take(c)
	return nil
}

// write replaces the file.
func (a *Accounts) write() error {
	a.content.Schema = schema
	slices.SortFunc(a.content.Users, func(x, y account) int { return bytes.Compare([]byte(x.User), []byte(y.User)) })
	data, err := json.MarshalIndent(a.content, "", "  ")
	if err != nil {
		return err
	}
	if len(data) >= maxFile {
		return fmt.Errorf("%w: the file would be longer than %d bytes", ErrInvalid, maxFile)
	}
	if err := durable.ReplaceFile(a.path, append(data, '\n')); err != nil {
		return err
	}
	a.take(a.content)
	a.info, err = os.Stat(a.path)
	return err
}

// parse reads a file of this schema or the one before.
func parse(data []byte) (content, error) {
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return content{}, fmt.Errorf("decode: %w; restore it from a backup, or move it away to start again", err)
	}
	var c content
	var err error
	switch version.Schema {
	case 1:
		c, err = parseFirst(data)
	case schema:
		err = decode(data, &c)
	default:
		err = fmt.Errorf("schema %d; this program reads %d and 1", version.Schema, schema)
	}
	if err != nil {
		return content{}, err
	}
	return c, c.check()
}

func decode(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("decode: %w; restore it from a backup, or move it away to start again", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("decode: more than one value; restore it from a backup, or move it away to start again")
	}
	return nil
}

// parseFirst reads schema 1, which had no roles: everybody in it could do everything.
func parseFirst(data []byte) (content, error) {
	var first struct {
		Schema int `json:"schema"`
		Users  []struct {
			Name       string    `json:"name"`
			Hash       string    `json:"hash"`
			MustChange bool      `json:"must_change"`
			Changed    time.Time `json:"changed"`
		} `json:"users"`
	}
	if err := decode(data, &first); err != nil {
		return content{}, err
	}
	var c content
	for _, u := range first.Users {
		c.Users = append(c.Users, account{Officer: models.Officer{User: u.Name, Grants: []models.Grant{{Role: models.RoleAdministrator}}},
			Hash: u.Hash, MustChange: u.MustChange, Changed: u.Changed, Created: u.Changed, Edition: 1})
	}
	return c, nil
}

// check refuses what this program has not written, and fills in what is derived.
func (c *content) check() error {
	seen := map[string]bool{}
	for i := range c.Users {
		u := &c.Users[i]
		if u.User == "" || len(u.User) > maxUser || seen[u.User] {
			return fmt.Errorf("user %d: name %q is empty, too long or there twice", i+1, u.User)
		}
		seen[u.User] = true
		var err error
		if u.parsed, err = parsePHC(u.Hash); err != nil {
			return fmt.Errorf("user %q: %w", u.User, err)
		}
		if err := checkOfficer(&u.Officer); err != nil {
			return fmt.Errorf("user %q: %w", u.User, err)
		}
	}
	ids := map[string]bool{}
	for i := range c.Tokens {
		t := &c.Tokens[i]
		if err := t.check(); err != nil {
			return fmt.Errorf("token %d: %w", i+1, err)
		}
		if ids[t.ID] || !seen[t.Owner] {
			return fmt.Errorf("token %d: %w: it is there twice, or its owner is missing", i+1, fs.ErrInvalid)
		}
		ids[t.ID] = true
	}
	return nil
}
