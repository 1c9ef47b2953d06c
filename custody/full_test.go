package custody

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullDisk fills the disk under a log. What is refused leaves nothing behind, what was
// confirmed stays, and the log goes on when there is room again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	k := openTestKeys(t, filepath.Join(dir, "keys"))
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	}()
	l := openTestLog(t, k, filepath.Join(disk, "custody"))
	recordAll(t, l, 0, 5)
	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 1<<12))
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	confirmed, refused := 5, 0
	for n := 5; n < 60; n++ { // the last page of the files has room for some
		switch err := l.Record(t.Context(), act(n)); {
		case err == nil:
			confirmed++
		case errors.Is(err, syscall.ENOSPC):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Fatal("nothing was refused: the disk was not full")
	}
	if f, err := l.Verify(t.Context()); err != nil || f.Entries != confirmed {
		t.Errorf("while the disk is full: %+v, %v; %d were confirmed", f, err, confirmed)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	recordAll(t, l, 60, 65)
	if f, err := l.Verify(t.Context()); err != nil || f.Entries != confirmed+5 || len(f.Notes) > 0 {
		t.Errorf("%+v, %v; %d were confirmed", f, err, confirmed+5)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := openTestLog(t, k, l.dir)
	if n, err := again.Size(t.Context()); err != nil || n != uint64(confirmed+5) {
		t.Errorf("%d entries, %v", n, err)
	}
	again.Close()
}
