package soak

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// diskSize is more than the reserve that footage must leave free, with room for a run.
const diskSize = "size=700m"

// smallDisk mounts a small file system on a folder, which needs root.
func smallDisk(dir string) (unmount func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, diskSize); err != nil {
		return nil, fmt.Errorf("%w: a small file system cannot be mounted: %w", ErrNotHere, err)
	}
	return func() error { return syscall.Unmount(dir, 0) }, nil
}

// fill takes all space of the file system that path is on.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, n := range []int{1 << 20, 1 << 16, 1 << 12} {
		block := make([]byte, n)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	return nil
}
