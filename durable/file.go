package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// PartSuffix ends the name of a file that is not complete. Who owns the folder removes
// those that a crash has left.
const PartSuffix = ".part"

// SyncDir makes the names in a folder durable: a rename survives a power cut only once
// the folder itself is synced.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// MkdirSync makes dir and its missing parents for our user alone, each durable in the one
// above.
func MkdirSync(dir string) error {
	switch info, err := os.Stat(dir); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &os.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirSync(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

// ReplaceFile writes a file that only our user can read, in one step: after a crash there
// is the old content or the new, never a part. The caller must be the only writer of path.
func ReplaceFile(path string, data []byte) error {
	return ReplaceFileSteps(path, data, func(string) {})
}

// ReplaceFileSteps is ReplaceFile that tells of each step on the way, so that a test can
// end the process there.
func ReplaceFileSteps(path string, data []byte, step func(string)) error {
	tmp := path + PartSuffix
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	name := filepath.Base(path)
	_, err = f.Write(data)
	step("written " + name)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	step("synced " + name)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	step("renamed " + name)
	if err != nil {
		return errors.Join(err, RemoveIfThere(tmp))
	}
	return SyncDir(filepath.Dir(path))
}

// RemoveIfThere removes a file, which may be gone already.
func RemoveIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
