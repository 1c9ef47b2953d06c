package custody

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// The test binary is also the process that some tests kill.
const childVar = "VEDETTE_CUSTODY_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		if err := crashChild(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild takes as arguments a folder, the step to die at (0: none), and how many
// entries each of how many goroutines records. What has been acknowledged it prints.
func crashChild(args []string) error {
	at, _ := strconv.ParseInt(args[1], 10, 64)
	each, _ := strconv.Atoi(args[2])
	workers, _ := strconv.Atoi(args[3])
	var steps atomic.Int64
	k, err := OpenKeys(filepath.Join(args[0], "keys"))
	if err != nil {
		return err
	}
	l, err := OpenLog(filepath.Join(args[0], "custody"), LogOptions{Keys: k, Origin: "crash", step: func(string) {
		if steps.Add(1) == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err != nil {
		return err
	}
	pid := os.Getpid()
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for n := range each {
				id := fmt.Sprintf("%d-%d-%d", pid, w, n)
				c := models.Custody{At: time.Now(), Who: "child", Act: models.ActCreated, Incident: models.IncidentID(id)}
				if err := l.Record(context.Background(), c); err != nil {
					errs[w] = err
					return
				}
				os.Stdout.WriteString(id + "\n") // one write: whole or not at all
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), l.Close(), k.Close())
}

func child(t *testing.T, dir string, at, each, workers int) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir, strconv.Itoa(at), strconv.Itoa(each), strconv.Itoa(workers))
	cmd.Env = append(os.Environ(), childVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func wasKilled(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// afterCrash opens what was left, and wants every acknowledged entry in it.
func afterCrash(t *testing.T, dir string, acked []string) {
	t.Helper()
	keys, err := ReadPublicKeys(filepath.Join(dir, "keys"))
	if err != nil && len(acked) == 0 {
		return // it did not get far
	}
	log := filepath.Join(dir, "custody")
	if _, statErr := os.Stat(filepath.Join(log, logName)); statErr == nil {
		// Also before the next start has tidied up, nothing looks altered.
		if f, err := VerifyDir(t.Context(), log, keys, VerifyOptions{}); err != nil {
			t.Fatalf("right after the crash: %+v, %v", f, err)
		}
	}
	k := openTestKeys(t, filepath.Join(dir, "keys"))
	defer k.Close()
	l := openTestLog(t, k, log)
	defer l.Close()
	for _, id := range acked {
		if got, err := l.Of(t.Context(), models.IncidentID(id)); err != nil || len(got) != 1 {
			t.Fatalf("%s was acknowledged: %d entries, %v", id, len(got), err)
		}
	}
	if f, err := l.Verify(t.Context()); err != nil || len(f.Notes) > 0 {
		t.Fatalf("after the next start: %+v, %v", f, err)
	}
}

// TestKillAtEachStep kills a process at each step of making a log and of recording.
func TestKillAtEachStep(t *testing.T) {
	for at := 1; ; at++ {
		dir := memoryDir(t)
		out, err := child(t, dir, at, 2, 1).Output()
		if err != nil && !wasKilled(err) {
			t.Fatalf("step %d: %v", at, err)
		}
		afterCrash(t, dir, strings.Fields(string(out)))
		if err == nil {
			if at < 10 {
				t.Fatalf("only %d steps: the hooks are gone", at-1)
			}
			t.Logf("killed at each of %d steps", at-1)
			return
		}
	}
}

// TestKillAtRandomInstants kills two processes that write to one log, at any time.
func TestKillAtRandomInstants(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	dir := memoryDir(t)
	var acked []string
	kills := 0
	for range 6 {
		var wg sync.WaitGroup
		outs := make([][]string, 2)
		errs := make([]error, 2)
		delays := []time.Duration{time.Duration(20+rng.IntN(80)) * time.Millisecond, time.Duration(20+rng.IntN(80)) * time.Millisecond}
		for i := range outs {
			cmd := child(t, dir, 0, 100_000, 4)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(delays[i], func() { cmd.Process.Kill() })
			defer timer.Stop()
			wg.Go(func() {
				for lines := bufio.NewScanner(out); lines.Scan(); {
					outs[i] = append(outs[i], lines.Text())
				}
				errs[i] = cmd.Wait()
			})
		}
		wg.Wait()
		for i, err := range errs {
			if !wasKilled(err) {
				t.Fatalf("child: %v", err)
			}
			kills++
			acked = append(acked, outs[i]...)
		}
		afterCrash(t, dir, nil)
	}
	afterCrash(t, dir, slices.Compact(acked))
	t.Logf("%d kills, %d acknowledged entries, none lost", kills, len(acked))
}
