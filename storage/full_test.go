package storage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// smallDisk mounts a file system of 4 MB, which needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// exhaust takes all space of a file system and returns what gives it back.
func exhaust(t *testing.T, dir string) func() {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, n := range []int{1 << 16, 1 << 12, 1} {
		for err == nil {
			_, err = f.Write(make([]byte, n))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return func() { remove(t, path) }
}

func TestFullDiskBucket(t *testing.T) {
	dir := smallDisk(t)
	b, err := OpenDisk(dir + "/bucket")
	if err != nil {
		t.Fatal(err)
	}
	free := exhaust(t, dir)
	data := randomBytes(100_000)
	err = b.Put(t.Context(), "a/clip.mp4", bytes.NewReader(data), object(data))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Put: %v", err)
	}
	if err := b.Check(t.Context()); err == nil {
		t.Error("Check: no error")
	}
	if got := keys(t, b, ""); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if got := files(t, dir+"/bucket/"+reserved); len(got) != 0 {
		t.Errorf("parts left: %v", got)
	}
	free()
	if err := b.Put(t.Context(), "a/clip.mp4", bytes.NewReader(data), object(data)); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

func TestFullDiskSpool(t *testing.T) {
	dir := smallDisk(t)
	s := mustSpool(t, dir+"/spool", SpoolOptions{Reserve: 1 << 20})
	in := incident(1)
	e := record(t, s, in, randomBytes(500_000))

	// Footage is refused while there is still room for records.
	if err := s.Allow(3 << 20); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "kept for records") {
		t.Errorf("Allow: %v", err)
	}
	// Then somebody else takes even the reserve.
	free := exhaust(t, dir)
	if _, err := s.Begin(incident(2)); !errors.Is(err, ErrFull) {
		t.Errorf("Begin: %v", err)
	}
	changed := in
	changed.Footage.Frames = 1
	if err := e.Save(changed); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Save: %v", err)
	}
	if err := e.Ready(in, evidence); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Ready: %v", err)
	}
	s.Close()

	// A start on the full disk finds the old record, whole.
	s = mustSpool(t, dir+"/spool", SpoolOptions{Reserve: 1 << 20})
	e, ok := s.Entry(in.ID)
	if !ok || e.State() != EntryRecording || e.Incident().Footage.Frames != in.Footage.Frames {
		t.Fatalf("after a restart: %+v", e)
	}
	free()
	if err := e.Ready(in, evidence); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// fillChild is TestFileSizeLimit's second process: a limit on the size of a file stops a
// write in its middle as a full disk does, and needs no root.
func fillChild(args []string) error {
	signal.Ignore(syscall.SIGXFSZ) // it would end the process
	limit := syscall.Rlimit{Cur: 50_000, Max: 50_000}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	b, err := OpenDisk(args[0])
	if err != nil {
		return err
	}
	data := randomBytes(100_000)
	return b.Put(context.Background(), "clip.mp4", bytes.NewReader(data), object(data))
}

func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "fill", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "file too large") {
		t.Errorf("got %v: %s", err, out)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	if got := files(t, filepath.Join(dir, reserved)); len(got) != 0 {
		t.Errorf("parts left: %v", got)
	}
}

func TestFullDiskIndex(t *testing.T) {
	dir := smallDisk(t)
	x, err := OpenSQLite(dir + "/index.db")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	create(t, x, incident(1))
	free := exhaust(t, dir)
	var failed error
	for n := 2; n < 500 && failed == nil; n++ {
		failed = x.Create(t.Context(), incident(n))
	}
	if failed == nil || !strings.Contains(failed.Error(), "the disk is full") && !strings.Contains(failed.Error(), "the disk reports an error") {
		t.Errorf("Create: %v", failed)
	}
	if _, err := x.Get(t.Context(), incident(1).ID); err != nil {
		t.Errorf("Get: %v", err)
	}
	free()
	if _, err := x.Update(t.Context(), incident(1).ID, func(in *models.Incident) error { in.State = models.StateClosed; return nil }); err != nil {
		t.Errorf("with space again: %v", err)
	}
}
