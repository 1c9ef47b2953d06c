package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// site is a whole storage room in one folder: what a crash child writes and the parent
// looks through afterwards.
type site struct {
	spool  *Spool
	bucket Bucket
	index  Index
	acks   *os.File // IDs whose Begin has returned, one a line
}

func openSite(dir string, step func(string)) (*site, error) {
	s := &site{}
	var err error
	if s.spool, err = OpenSpool(filepath.Join(dir, "spool"), SpoolOptions{Reserve: -1, step: step}); err != nil {
		return nil, err
	}
	if s.bucket, err = OpenDisk(filepath.Join(dir, "bucket")); err != nil {
		return nil, err
	}
	if s.index, err = OpenSQLite(filepath.Join(dir, "index.db")); err != nil {
		return nil, err
	}
	s.acks, err = os.OpenFile(filepath.Join(dir, "acks"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return s, err
}

func (s *site) close() error {
	return errors.Join(s.acks.Close(), s.index.Close(), s.spool.Close())
}

// replay finishes what a crash left, as the pipeline does at start-up.
func (s *site) replay() error {
	list, err := s.spool.Entries()
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.State() == EntryRecording {
			if err := s.finish(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish stands in for the clip writer: whatever has been written becomes the clip.
func (s *site) finish(e *Entry) error {
	step := s.spool.step
	if _, err := os.Stat(e.Path(ClipFile)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(e.Path(GrowingFile)); err == nil {
			if err := os.Rename(e.Path(GrowingFile), e.Path(ClipFile)); err != nil {
				return err
			}
			step("clip finished")
		}
	}
	in := e.Incident()
	var files []File
	for _, f := range evidence {
		if _, err := os.Stat(e.Path(f.Name)); err == nil {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		in.Footage.State = models.FootageNone
	}
	return e.Ready(in, files)
}

// happen lets one incident take place.
func (s *site) happen(ctx context.Context, in models.Incident) error {
	step := s.spool.step
	e, err := s.spool.Begin(in)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.acks, in.ID); err != nil {
		return err
	}
	step("begun")
	if _, err := s.index.Create(ctx, in); err != nil {
		return err
	}
	step("record created")
	if err := e.Write(StillFile, []byte("still of "+in.ID)); err != nil {
		return err
	}
	if err := os.WriteFile(e.Path(GrowingFile), randomBytes(20_000), 0o600); err != nil {
		return err
	}
	step("clip written")
	return s.finish(e)
}

func (s *site) drain(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u := &Uploader{Spool: s.spool, Bucket: s.bucket, Index: s.index}
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	err := u.Drain(ctx)
	cancel()
	return errors.Join(err, <-done)
}

// crashChild takes as arguments a folder, the step to die at (0: none) and how many
// incidents happen.
func crashChild(args []string) error {
	at, _ := strconv.ParseInt(args[1], 10, 64)
	incidents, _ := strconv.Atoi(args[2])
	var steps atomic.Int64 // the Uploader takes steps too
	s, err := openSite(args[0], func(string) {
		if steps.Add(1) == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if err != nil {
		return err
	}
	if err := s.replay(); err != nil {
		return err
	}
	ctx := context.Background()
	for n := range incidents {
		if _, err := s.index.Get(ctx, incident(n).ID); err == nil {
			continue // happened before the crash
		}
		if _, ok := s.spool.Entry(incident(n).ID); ok {
			continue
		}
		if err := s.happen(ctx, incident(n)); err != nil {
			return err
		}
		if err := s.drain(ctx); err != nil {
			return err
		}
	}
	return errors.Join(s.drain(ctx), s.close())
}

// namesOnlyDurable is invariant 1: what a record names is there, whole.
func namesOnlyDurable(t *testing.T, dir string) (all []models.Incident) {
	t.Helper()
	index, err := OpenSQLite(filepath.Join(dir, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	bucket, err := OpenDisk(filepath.Join(dir, "bucket"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := index.List(t.Context(), Query{Limit: MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range page.Items {
		if in.Footage.State == models.FootageStored && len(in.Footage.Objects) == 0 {
			t.Errorf("%s is stored and names nothing", in.ID)
		}
		for _, o := range in.Footage.Objects {
			got, _, err := bucket.Stat(t.Context(), o.Key)
			if err != nil || got.Size != o.Size || got.SHA256 != o.SHA256 {
				t.Errorf("%s names %s, which is %+v, %v", in.ID, o.Key, got, err)
			}
		}
	}
	return page.Items
}

// afterRecovery wants every incident that was begun to be stored, and nothing left over.
func afterRecovery(t *testing.T, dir string) {
	t.Helper()
	stored := map[string]models.Incident{}
	for _, in := range namesOnlyDurable(t, dir) {
		stored[string(in.ID)] = in
	}
	acks, err := os.ReadFile(filepath.Join(dir, "acks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(string(acks)) {
		in, ok := stored[id]
		switch {
		case !ok:
			t.Errorf("%s is lost", id)
		case in.Footage.State != models.FootageStored && in.Footage.State != models.FootageNone:
			t.Errorf("%s: footage is %s", id, in.Footage.State)
		case count(in.Log, "footage stored") != 1:
			t.Errorf("%s: log %+v", id, in.Log)
		}
	}
	if got := files(t, filepath.Join(dir, "spool")); len(got) != 2 {
		t.Errorf("left in the spool: %v", got)
	}
	if got := files(t, filepath.Join(dir, "spool", corruptName)); len(got) != 0 {
		t.Errorf("set aside: %v", got)
	}
}

func count(log []models.Action, what string) int {
	n := 0
	for _, a := range log {
		if a.What == what {
			n++
		}
	}
	return n
}

// memoryDir is a folder that needs no disk where there is one: a killed process loses
// nothing of what it has written, synced or not, so these tests need not wait for disks.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vedette-crash-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func runChild(t *testing.T, dir string, at, incidents int) (killed bool) {
	t.Helper()
	out, err := child(t, "crash", dir, strconv.Itoa(at), strconv.Itoa(incidents)).CombinedOutput()
	if err == nil {
		return false
	}
	if !wasKilled(err) {
		t.Fatalf("child: %v\n%s", err, out)
	}
	return true
}

func wasKilled(err error) bool {
	var exit interface{ Sys() any }
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// TestKillBetweenAnyTwoSteps kills a process at each step of an incident's way to the
// bucket in turn, looks at what is named, and lets the next start finish the work.
func TestKillBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		dir := memoryDir(t)
		killed := runChild(t, dir, at, 1)
		if killed {
			namesOnlyDurable(t, dir)
			runChild(t, dir, 0, 0)
		}
		afterRecovery(t, dir)
		if t.Failed() {
			t.Fatalf("killed at step %d", at)
		}
		if !killed {
			if at < 20 {
				t.Fatalf("only %d steps: the hooks are gone", at-1)
			}
			t.Logf("killed at each of %d steps", at-1)
			return
		}
	}
}

// A crash in the middle of the recovery from a crash is no worse.
func TestKillTwice(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for range 8 {
		dir := memoryDir(t)
		first, second := 1+rng.IntN(20), 1+rng.IntN(12)
		runChild(t, dir, first, 1)
		runChild(t, dir, second, 0)
		namesOnlyDurable(t, dir)
		runChild(t, dir, 0, 0)
		afterRecovery(t, dir)
		if t.Failed() {
			t.Fatalf("killed at step %d, then %d", first, second)
		}
	}
}

// TestKillAtRandomInstants needs no hooks: the signal comes from outside, at any time.
func TestKillAtRandomInstants(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 10))
	dir := memoryDir(t)
	kills := 0
	for range 15 {
		cmd := child(t, "crash", dir, "0", "60")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(rng.IntN(500))*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if !wasKilled(err) {
			t.Fatalf("child: %v", err)
		}
		kills++
		if _, err := os.Stat(filepath.Join(dir, "index.db")); err == nil {
			namesOnlyDurable(t, dir)
		}
	}
	runChild(t, dir, 0, 60)
	afterRecovery(t, dir)
	acks, _ := os.ReadFile(filepath.Join(dir, "acks"))
	t.Logf("%d kills, %d incidents", kills, len(strings.Fields(string(acks))))
}
