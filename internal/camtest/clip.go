package camtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vedette-cctv/vedette/models"
)

// TB is what this package needs of a *testing.T or *testing.B. The demo links this
// package and has no use for the testing package.
type TB interface {
	Helper()
	Cleanup(func())
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Clip describes footage that FFmpeg draws: its test picture, which moves.
type Clip struct {
	Codec   models.Codec // default H264
	Width   int          // pixels; default 320
	Height  int          // pixels; default 240
	FPS     int          // default 10
	Seconds int          // default 4
	GOP     int          // pictures from key frame to key frame; default FPS
	BFrames int          // between two reference pictures; default none
	Slices  int          // a picture; default 1
}

// Path encodes the clip, once per machine, and returns where it is. Without FFmpeg or
// its encoder the test is skipped.
func (c Clip) Path(t TB) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skipf("ffmpeg is not present: make setup installs it")
	}
	args := c.args()
	if c.Codec == models.H265 && !hasEncoder(ffmpeg, "libx265") {
		t.Skipf("this ffmpeg has no H.265 encoder (libx265)")
	}
	path, err := encode(ffmpeg, args)
	if err != nil {
		t.Fatalf("draw a clip: %v", err)
	}
	return path
}

// Load encodes the clip if need be and reads it.
func (c Clip) Load(t TB) *Media {
	t.Helper()
	m, err := LoadMP4(c.Path(t))
	if err != nil {
		t.Fatalf("load the drawn clip: %v", err)
	}
	return m
}

func (c Clip) args() []string {
	fps := cmp.Or(c.FPS, 10)
	gop := cmp.Or(c.GOP, fps)
	common := fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:bframes=%d:slices=%d", gop, gop, c.BFrames, max(1, c.Slices))
	args := []string{
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=%d", cmp.Or(c.Width, 320), cmp.Or(c.Height, 240), fps),
		"-t", strconv.Itoa(cmp.Or(c.Seconds, 4)), "-pix_fmt", "yuv420p", "-preset", "veryfast", "-threads", "1",
	}
	if c.Codec == models.H265 {
		return append(args, "-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", common+":open-gop=0:log-level=none")
	}
	return append(args, "-c:v", "libx264", "-profile:v", "main", "-x264-params", common)
}

func hasEncoder(ffmpeg, name string) bool {
	out, err := exec.Command(ffmpeg, "-hide_banner", "-encoders").Output()
	return err == nil && strings.Contains(string(out), " "+name+" ")
}

// encode runs FFmpeg unless its output is already in the cache. The file appears under
// its name only when whole, so that tests of several packages can ask for it at once.
func encode(ffmpeg string, args []string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "vedette", "camtest")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	path := filepath.Join(dir, hex.EncodeToString(sum[:8])+".mp4")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tmp, err := os.CreateTemp(dir, "*.part")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	if err := tmp.Close(); err != nil {
		return "", err
	}
	args = append([]string{"-hide_banner", "-loglevel", "error", "-y"}, args...)
	out, err := exec.Command(ffmpeg, append(args, "-f", "mp4", tmp.Name())...).CombinedOutput()
	if err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return path, os.Rename(tmp.Name(), path)
}
