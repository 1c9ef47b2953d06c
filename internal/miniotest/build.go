package miniotest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	module  = "github.com/minio/minio"
	version = "v0.0.0-20260212201848-7aac2a2c5b7c"
	commit  = "7aac2a2c5b7c"
)

// Build returns the path of the server's binary and builds it first if it is missing.
func Build(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("minio: %w", err)
	}
	return build(ctx, filepath.Join(cache, "vedette", "minio-"+commit))
}

func build(ctx context.Context, binary string) (string, error) {
	if usable(binary) {
		return binary, nil
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return "", fmt.Errorf("minio: %w", err)
	}
	unlock, err := lock(binary + ".lock")
	if err != nil {
		return "", fmt.Errorf("minio: %w", err)
	}
	defer unlock()
	if usable(binary) { // built while we waited
		return binary, nil
	}
	// MinIO's go.mod has replace lines, which "go install module@version" refuses, so
	// the build runs inside a module of its own.
	dir, err := os.MkdirTemp("", "minio-build-*")
	if err != nil {
		return "", fmt.Errorf("minio: %w", err)
	}
	defer os.RemoveAll(dir)
	part := binary + ".part"
	// Pdeathsig looks at the thread that started the process, not at the whole program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, args := range [][]string{
		{"mod", "init", "miniobuild"},
		{"get", module + "@" + version},
		{"build", "-trimpath", "-ldflags=-s -w", "-o", part, module},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} // no build outlives its test
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("minio: go %s: %w\n%s", args[0], err, out)
		}
	}
	if err := os.Rename(part, binary); err != nil {
		return "", fmt.Errorf("minio: %w", err)
	}
	return binary, nil
}

func usable(binary string) bool {
	info, err := os.Stat(binary)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o100 != 0
}

// lock waits for a lock on a file; the kernel lets go of it if the process dies.
func lock(path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
