package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// FreeBytes is how many bytes we may still write to the file system that holds dir.
func FreeBytes(dir string) (int64, error) {
	free, _, err := DiskBytes(dir)
	return free, err
}

// DiskBytes is that, and how many bytes the file system has in all.
func DiskBytes(dir string) (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * st.Frsize, int64(st.Blocks) * st.Frsize, nil
}

// Hint adds what an operator can do about an error of the file system. An error that it
// knows nothing of comes back as it is.
func Hint(err error) error {
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
