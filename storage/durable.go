package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncDir makes the names in a folder durable: a rename survives a power cut only once
// the folder itself is synced.
func syncDir(dir string) error {
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

// mkdirSync makes dir and its missing parents, each durable in the one above.
func mkdirSync(dir string) error {
	switch info, err := os.Stat(dir); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &os.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := mkdirSync(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// writeFile replaces path by data in one step: after a crash there is the old content
// or the new, never a part. The caller must be the only writer of path.
func writeFile(path string, data []byte, step func(string)) error {
	tmp := path + partSuffix
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
		return errors.Join(err, removeIfThere(tmp))
	}
	return syncDir(filepath.Dir(path))
}

// partSuffix ends the name of a file that is not complete; start-up removes them.
const partSuffix = ".part"

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// freeBytes is how many bytes we may still write to the file system that holds dir.
func freeBytes(dir string) (int64, error) {
	free, _, err := diskBytes(dir)
	return free, err
}

// diskBytes is that, and how many bytes the file system has in all.
func diskBytes(dir string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * st.Frsize, int64(st.Blocks) * st.Frsize, nil
}

// diskHint adds what an operator can do about an error of the file system.
func diskHint(err error) error {
	hint := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "the disk is full: free space, or move the folder to a larger disk"
	case errors.Is(err, syscall.EROFS):
		hint = "the file system is mounted read-only: look for disk errors in the system log"
	case errors.Is(err, os.ErrPermission):
		hint = fmt.Sprintf("user %d may not write there: change the owner of the folder", os.Geteuid())
	case errors.Is(err, syscall.EIO):
		hint = "the disk reports an error: look in the system log, replace it"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}
