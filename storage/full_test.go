package storage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

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
		_, failed = x.Create(t.Context(), incident(n))
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

// A bucket that is full of clips still takes what retention writes before it deletes, so
// that it gives space back by itself.
func TestFullDiskRetention(t *testing.T) {
	dir := smallDisk(t)
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDiskIn(t, dir+"/bucket"), Policy: Policy{Default: time.Minute}}
	in := keep(t, 1, k)[0]
	clip := randomBytes(smallObject + 100_000)
	var full error
	for n := 0; full == nil && n < 10; n++ {
		full = k.Bucket.Put(t.Context(), "other/"+strconv.Itoa(n)+".mp4", bytes.NewReader(clip), object(clip))
	}
	if !errors.Is(full, syscall.ENOSPC) || !strings.Contains(full.Error(), "are for records") {
		t.Fatalf("got %v", full)
	}
	if err := k.Round(t.Context()); err != nil || k.Status().Deleted != 1 {
		t.Errorf("%v, %+v", err, k.Status())
	}
	got, err := k.Index.Get(t.Context(), in.ID)
	if err != nil || got.Footage.State != models.FootageDeleted {
		t.Errorf("got %s, %v", got.Footage.State, err)
	}
}

// On a bucket that somebody else has filled to the last byte nothing is deleted, as it
// could not be written down.
func TestFullDiskKeepsWhatItCannotRecord(t *testing.T) {
	dir := smallDisk(t)
	k := &Keeper{Index: mustSQLite(t), Bucket: mustDiskIn(t, dir+"/bucket"), Policy: Policy{Default: time.Minute}}
	in := keep(t, 1, k)[0]
	free := exhaust(t, dir)
	if err := k.Round(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	namedIsThere(t, k.Bucket, in)
	free()
	if err := k.Round(t.Context()); err != nil || k.Status().Deleted != 1 {
		t.Errorf("with space again: %v, %+v", err, k.Status())
	}
}

// What is on a full disk goes off site all the same: that needs no space.
func TestFullDiskGrowingClip(t *testing.T) {
	dir := smallDisk(t)
	s, bucket := mustSpool(t, dir+"/spool", SpoolOptions{}), mustDisk(t)
	u := &Uploader{Spool: s, Bucket: bucket, Index: mustSQLite(t), LiveEvery: time.Millisecond}
	in := recent(1)
	e := record(t, s, in, nil)
	grow(t, e.Path(GrowingFile), append(mp4Head(), mp4Fragment(time.Now(), 100)...))
	free := exhaust(t, dir)
	defer free()
	start(t, u)
	waitLive(t, bucket, in, func(l Live) bool { return len(l.Files) == 1 })
}
