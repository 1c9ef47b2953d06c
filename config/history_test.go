package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
)

var noon = time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)

// add notes that source came into force at a time.
func add(t *testing.T, h *config.History, source string, at time.Time) string {
	t.Helper()
	cfg := parse(t, source)
	if err := h.Add(cfg, []byte(cfg.Source.Reveal()), at); err != nil {
		t.Fatal(err)
	}
	return cfg.Hash
}

func TestHistory(t *testing.T) {
	h := &config.History{Dir: filepath.Join(t.TempDir(), "data", "config")}
	a := add(t, h, camera("name: A"), noon)
	add(t, h, camera("name: A"), noon.Add(time.Minute)) // a restart changes nothing
	b := add(t, h, camera("name: B"), noon.Add(time.Hour))
	add(t, h, camera("name: A"), noon.Add(2*time.Hour)) // back again

	again := &config.History{Dir: h.Dir}
	raw, at, err := again.Get(a)
	if err != nil || string(raw) != camera("name: A") || !at.Equal(noon) {
		t.Errorf("Get: got %q at %v, %v", raw, at, err)
	}
	all, err := again.List()
	if err != nil {
		t.Fatal(err)
	}
	same(t, all, []config.Accepted{{noon, a}, {noon.Add(time.Hour), b}, {noon.Add(2 * time.Hour), a}})

	err = filepath.WalkDir(h.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(h.Dir, ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
}

func TestHistoryRefuses(t *testing.T) {
	h := &config.History{Dir: t.TempDir()}
	hash := add(t, h, camera(), noon)
	if err := h.Add(parse(t, camera()), []byte("other"), noon); err == nil {
		t.Error("took bytes that are not those of the configuration")
	}
	for _, unknown := range []string{"", "../" + hash, strings.Repeat("0", 64)} {
		if _, _, err := h.Get(unknown); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get of %q: got %v, want fs.ErrNotExist", unknown, err)
		}
	}
	write(t, filepath.Join(h.Dir, hash+".yml"), "cameras: {}")
	if _, _, err := h.Get(hash); err == nil {
		t.Error("gave out a configuration that was changed on disk")
	}
	add(t, h, camera(), noon) // mends it
	if _, _, err := h.Get(hash); err != nil {
		t.Error(err)
	}
}

// A crash can leave a temporary file, a configuration that the index does not name yet,
// or (from a copy of the folder) half an index: none may keep the program from starting.
func TestHistoryAfterACrash(t *testing.T) {
	h := &config.History{Dir: t.TempDir()}
	a := add(t, h, camera(), noon)
	cfg := parse(t, camera("name: B"))
	write(t, filepath.Join(h.Dir, cfg.Hash+".yml"), cfg.Source.Reveal())
	write(t, filepath.Join(h.Dir, ".new-1"), "half")
	index := filepath.Join(h.Dir, "index")
	whole, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	write(t, index, string(whole)+"2025-03-01T13:00:00Z 12ab")
	if _, _, err := h.Get(cfg.Hash); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist: it never came into force", err)
	}
	b := add(t, h, camera("name: B"), noon.Add(time.Hour))
	all, err := h.List()
	if err != nil {
		t.Fatal(err)
	}
	same(t, all, []config.Accepted{{noon, a}, {noon.Add(time.Hour), b}})
}
