package custody

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// syncDir makes the names in a folder durable.
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

// mkdirSync makes dir and its missing parents for our user alone, each durable in the one
// above.
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

// replaceFile writes a file that only our user can read, so that after a crash either the
// old or the new content is there. The caller must be the only writer of path.
func replaceFile(path string, data []byte) error {
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
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
		hint = fmt.Sprintf("user %d may not do that there: change the owner of the folder", os.Geteuid())
	case errors.Is(err, syscall.EIO):
		hint = "the disk reports an error: look in the system log, replace it"
	default:
		return err
	}
	return fmt.Errorf("%w (%s)", err, hint)
}
