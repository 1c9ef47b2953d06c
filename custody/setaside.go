package custody

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// SetAside keeps a log that is altered, or what is left of it, under another name beside
// it, and begins another whose first entry names it by its hash, with who did this and
// why. It returns where the old one is; that is empty when nothing was left.
func SetAside(ctx context.Context, dir string, o LogOptions, who, why string, at time.Time) (string, error) {
	kept, err := setAside(ctx, dir, o, who, why, at)
	if err != nil {
		return "", fmt.Errorf("set aside custody log %s: %w", dir, durable.Hint(err))
	}
	return kept, nil
}

func setAside(ctx context.Context, dir string, o LogOptions, who, why string, at time.Time) (string, error) {
	if who == "" || why == "" {
		return "", errors.New("who does it, and why, must be said")
	}
	before, err := o.Keys.boundLog()
	if err != nil {
		return "", err
	}
	sum, size, err := hashFileOf(filepath.Join(dir, logName))
	said := fmt.Sprintf("log %s set aside: %d bytes, SHA-256 %s", before, size, sum)
	if errors.Is(err, fs.ErrNotExist) {
		said, err = fmt.Sprintf("log %s set aside: it was missing", before), nil
	}
	if err != nil {
		return "", err
	}
	kept := ""
	if _, err := os.Stat(dir); err == nil {
		if kept, err = moveAway(ctx, dir, at); err != nil {
			return "", err
		}
	}
	if err := o.Keys.unbindLog(); err != nil {
		return "", err
	}
	l, err := OpenLog(dir, o)
	if err != nil {
		return "", err
	}
	if kept != "" {
		said += ", now in " + filepath.Base(kept)
	}
	return kept, errors.Join(
		l.Record(ctx, models.Custody{At: at, Who: who, Act: models.ActDamaged, Note: said + ". " + why}),
		l.Close())
}

// moveAway renames the folder of a log that no process has open.
func moveAway(ctx context.Context, dir string, at time.Time) (string, error) {
	switch log, err := os.Open(filepath.Join(dir, logName)); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", err
	default:
		defer log.Close()
		if err := lockFile(ctx, log, lockExclusive, 0); err != nil {
			return "", fmt.Errorf("%w: stop vedette first", err)
		}
	}
	kept := filepath.Clean(dir) + ".set-aside-" + at.UTC().Format("20060102T150405Z")
	if _, err := os.Lstat(kept); err == nil {
		return "", fmt.Errorf("%s is there already", kept)
	}
	if err := os.Rename(dir, kept); err != nil {
		return "", err
	}
	return kept, durable.SyncDir(filepath.Dir(kept))
}

func hashFileOf(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
