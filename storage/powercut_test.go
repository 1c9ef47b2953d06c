package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/durable"
)

// A power cut loses what a kill does not: whatever the kernel had not yet brought to the
// disk. These tests keep a whole site on an ext4 file system in a file. What the kernel has
// written to that file is what a disk would hold: when the process stops at a step, the
// file is copied, the copy is mounted, its journal replayed, and the program started on it.

// cutDisk is an ext4 file system in a file, mounted.
type cutDisk struct {
	image, dir string
}

// newCutDisk makes one; that needs root and a loop device.
func newCutDisk(t *testing.T) cutDisk {
	t.Helper()
	work := memoryDir(t)
	d := cutDisk{filepath.Join(work, "disk.img"), filepath.Join(work, "disk")}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 48<<20); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", d.image).CombinedOutput()
	if err != nil {
		t.Skipf("no ext4 file system can be made here: %v\n%s", err, out)
	}
	d.mount(t)
	return d
}

func (d cutDisk) mount(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// commit=600: the kernel must not sync by itself what the program forgot to.
	out, err := exec.Command("mount", "-o", "loop,commit=600,data=ordered,noauto_da_alloc", d.image, d.dir).CombinedOutput()
	if err != nil {
		t.Skipf("a loop device cannot be mounted here: %v\n%s", err, out)
	}
	t.Cleanup(func() { d.unmount(t) })
}

func (d cutDisk) unmount(t *testing.T) {
	if err := syscall.Unmount(d.dir, 0); err != nil && !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
}

// sync brings this file system, and no other, to its disk: the whole machine's would take
// long, and would spoil a cut that another test makes at the same time.
func (d cutDisk) sync(t *testing.T) {
	t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		t.Fatal(err)
	}
}

// cut is what the disk would hold if the power went now, mounted as after the next start.
func (d cutDisk) cut(t *testing.T) cutDisk {
	t.Helper()
	work := memoryDir(t)
	after := cutDisk{filepath.Join(work, "disk.img"), filepath.Join(work, "disk")}
	in, err := os.Open(d.image)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(after.image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	after.mount(t)
	return after
}

// stopChild is crashChild, but stops at its step instead of ending: a process that ends
// gives the kernel a reason to write.
func stopChild(args []string) error {
	at, _ := strconv.ParseInt(args[1], 10, 64)
	var steps atomic.Int64
	s, err := openSite(args[0], func(string) {
		if steps.Add(1) == at {
			fmt.Println("stopped")
			select {}
		}
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := errors.Join(s.happen(ctx, incident(0)), s.drain(ctx)); err != nil {
		return err
	}
	fmt.Println("done")
	select {}
}

// TestPowerCutBetweenAnyTwoSteps cuts the power at each step of an incident's way to the
// bucket in turn. An incident that was begun must be there after the next start, and what
// a record names must be whole.
func TestPowerCutBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes a file system for each step")
	}
	for at := 1; ; at++ {
		var done bool
		t.Run(fmt.Sprintf("step %d", at), func(t *testing.T) { done = powerCut(t, at) })
		if t.Failed() {
			return
		}
		if done {
			if at < 20 {
				t.Fatalf("only %d steps: the hooks are gone", at-1)
			}
			t.Logf("cut at each of %d steps", at-1)
			return
		}
	}
}

func powerCut(t *testing.T, at int) (done bool) {
	disk := newCutDisk(t)
	// The folder is there from an earlier start.
	dir := filepath.Join(disk.dir, "data")
	s, err := openSite(mustMkdir(t, dir), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.close(), durable.SyncDir(disk.dir)); err != nil {
		t.Fatal(err)
	}
	disk.sync(t)

	cmd := child(t, "stop", dir, strconv.Itoa(at))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 32)
	n, err := out.Read(said)
	if err != nil {
		t.Fatalf("child: %v", err)
	}
	after := disk.cut(t)
	acks, err := os.ReadFile(filepath.Join(dir, "acks")) // what was promised before the cut
	if err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()

	there := filepath.Join(after.dir, "data")
	if err := os.WriteFile(filepath.Join(there, "acks"), acks, 0o600); err != nil {
		t.Fatal(err)
	}
	namesOnlyDurable(t, there)
	runChild(t, there, 0, 0)
	afterRecovery(t, there)
	return strings.HasPrefix(string(said[:n]), "done")
}

func mustMkdir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The measure itself is measured: a file that was not synced must be lost by the cut, one
// that was must not.
func TestPowerCutLosesWhatWasNotSynced(t *testing.T) {
	t.Parallel()
	disk := newCutDisk(t)
	synced, lost := filepath.Join(disk.dir, "synced"), filepath.Join(disk.dir, "lost")
	if err := durable.ReplaceFileSteps(synced, []byte("synced"), func(string) {}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lost, []byte("lost"), 0o600); err != nil {
		t.Fatal(err)
	}
	after := disk.cut(t)
	if data, err := os.ReadFile(filepath.Join(after.dir, "synced")); err != nil || string(data) != "synced" {
		t.Errorf("synced: %q, %v", data, err)
	}
	if data, err := os.ReadFile(filepath.Join(after.dir, "lost")); err == nil && len(data) > 0 {
		t.Errorf("not synced, and there: %q", data)
	}
}
