package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
)

// TestMain lets the test binary be vedette itself, so that tests run the real program in
// a process that can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("VEDETTE_TEST_MAIN") == "1" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		p := &program{stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
		os.Exit(p.main(ctx, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// start runs vedette in a process of its own; it is killed with the test.
func start(t testing.TB, env []string, args ...string) *vedettetest.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := vedettetest.Start(append(env, "VEDETTE_TEST_MAIN=1"), self, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("vedette's log:\n%s", tail(p.Log(), 8000))
		}
	})
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// call runs vedette in this process and returns its exit code and output.
func call(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, env: func(string) (string, bool) { return "", false }}
	code = p.main(t.Context(), args)
	return code, out.String(), errs.String()
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hung is after how long something is taken for hung: far more than a busy machine needs for
// anything here, so that what is only slow is not.
const hung = 5 * time.Minute

// eventually asks until the answer is yes; why says what was found last.
func eventually(t testing.TB, what string, ask func(ctx context.Context) (ok bool, why string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	why := ""
	for {
		ok := false
		if ok, why = ask(ctx); ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s; last: %s", hung, what, why)
		}
	}
}

// countFrames decodes every frame of a clip with FFmpeg and returns how many there are.
func countFrames(t testing.TB, path string) int {
	t.Helper()
	probe, err := exec.LookPath("ffprobe")
	if err != nil {
		t.Skip("ffprobe is not present: make setup installs it")
	}
	var errs bytes.Buffer
	cmd := exec.Command(probe, "-v", "error", "-count_frames", "-select_streams", "v:0",
		"-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("decode %s: %v: %s", path, err, errs.String())
	}
	var n int
	if _, err := fmt.Sscan(strings.Trim(string(out), " ,\n"), &n); err != nil {
		t.Fatalf("ffprobe said %q: %v", out, err)
	}
	return n
}
