package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/durable"
)

// History keeps every accepted configuration in a folder that only the program's user can
// read, so that an incident can name the one that was in force. For each there is a file
// <hash>.yml with the bytes as written, and in the file "index" a line with the time and
// the hash for each time that one came into force.
//
// Both are written to a temporary file, synced and renamed, the index last: after a crash
// the folder holds a configuration as a whole or not at all.
type History struct {
	Dir string // made when missing

	mu sync.Mutex // one writer of the index
}

// Accepted is one line of the index.
type Accepted struct {
	At   time.Time
	Hash string
}

const indexName = "index"

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Add notes that cfg, read from raw, came into force. Adding what is in force already
// changes nothing.
func (h *History) Add(cfg *Config, raw []byte, at time.Time) error {
	if got := Hash(raw); got != cfg.Hash {
		return fmt.Errorf("configuration history: the bytes have hash %s, not %s", got, cfg.Hash)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := os.MkdirAll(h.Dir, 0o700); err != nil {
		return fmt.Errorf("configuration history: %w", err)
	}
	if held, err := h.file(cfg.Hash); err != nil || !bytes.Equal(held, raw) {
		if err := durable.ReplaceFile(filepath.Join(h.Dir, cfg.Hash+".yml"), raw); err != nil {
			return fmt.Errorf("configuration history: %w", err)
		}
	}
	all, err := h.list()
	if err != nil {
		return err
	}
	if len(all) > 0 && all[len(all)-1].Hash == cfg.Hash {
		return nil
	}
	var index bytes.Buffer
	for _, a := range append(all, Accepted{At: at, Hash: cfg.Hash}) {
		fmt.Fprintf(&index, "%s %s\n", a.At.UTC().Format(time.RFC3339Nano), a.Hash)
	}
	if err := durable.ReplaceFile(filepath.Join(h.Dir, indexName), index.Bytes()); err != nil {
		return fmt.Errorf("configuration history: %w", err)
	}
	return nil
}

// Get returns the configuration with that hash and when it first came into force. The
// error wraps fs.ErrNotExist when there is none.
func (h *History) Get(hash string) ([]byte, time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all, err := h.list()
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, a := range all {
		if a.Hash != hash {
			continue
		}
		raw, err := h.file(hash)
		return raw, a.At, err
	}
	return nil, time.Time{}, fmt.Errorf("configuration %s: %w", quoted(hash), fs.ErrNotExist)
}

// List returns what came into force when, oldest first.
func (h *History) List() ([]Accepted, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list()
}

// file reads one configuration and makes sure that it is still what its name says.
func (h *History) file(hash string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(h.Dir, hash+".yml"))
	if err != nil {
		return nil, fmt.Errorf("configuration history: %w", err)
	}
	if Hash(raw) != hash {
		return nil, fmt.Errorf("configuration history: %s.yml was changed after it was written", hash)
	}
	return raw, nil
}

// list reads the index. A line that is not one of ours is left out rather than keeping
// the program from starting.
func (h *History) list() ([]Accepted, error) {
	data, err := os.ReadFile(filepath.Join(h.Dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration history: %w", err)
	}
	var all []Accepted
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		when, hash, ok := strings.Cut(lines.Text(), " ")
		at, err := time.Parse(time.RFC3339Nano, when)
		if !ok || err != nil || !hashPattern.MatchString(hash) {
			continue
		}
		all = append(all, Accepted{At: at, Hash: hash})
	}
	return all, nil
}
