package camtest

import (
	"bufio"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

//go:embed gstreamer.py
var gstreamerScript string

// GStreamerOptions say how GStreamer's RTSP server serves a file.
type GStreamerOptions struct {
	Codec models.Codec // default H264
	// ParamsInterval is rtph264pay's config-interval: seconds between parameter sets in
	// the stream, -1 with every key frame, 0 (default) only in the session description.
	ParamsInterval int
	User, Pass     string // empty User: no authentication; otherwise digest
}

// GStreamer starts GStreamer's RTSP server, a camera that we did not write, and returns
// its URL without credentials. Each viewer gets the file at its true rate from the
// beginning; at its end the viewer's session ends. The server stops with the test, and
// also when the test process dies, because it reads its end of a pipe. The test is
// skipped where Python's GStreamer bindings are missing.
func GStreamer(t TB, mp4 string, opt GStreamerOptions) string {
	t.Helper()
	// The bindings belong to the system's Python, not to one that comes first in PATH.
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		t.Skipf("GStreamer's RTSP server needs %s: %v", python, err)
	}
	if _, err := os.Stat(mp4); err != nil {
		t.Fatalf("serve %s: %v", mp4, err)
	}
	codec := opt.Codec
	if codec == "" {
		codec = models.H264
	}
	// Credentials travel by environment: a command line is public.
	cmd := exec.Command(python, "-c", gstreamerScript, mp4, string(codec), fmt.Sprint(opt.ParamsInterval))
	cmd.Env = append(os.Environ(), "CAMTEST_USER="+opt.User, "CAMTEST_PASS="+opt.Pass)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("start GStreamer: %v", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start GStreamer: %v", err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start GStreamer: %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// A watchdog instead of a read deadline, which pipes to processes do not have.
	watchdog := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	watchdog.Stop()
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case word == "port":
		return (&url.URL{Scheme: "rtsp", Host: "127.0.0.1:" + rest, Path: "/cam"}).String()
	case word == "missing":
		t.Skipf("GStreamer's RTSP server is not present (%s): make setup installs it", rest)
	default:
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // also ends the copying to stderr
		t.Fatalf("start GStreamer: %v, said %q: %s", err, line, stderr.String())
	}
	return ""
}
