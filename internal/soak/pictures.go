package soak

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// pictures reads a clip to its end with FFmpeg, which did not write it, and returns the
// presentation time of each picture in seconds.
func pictures(ctx context.Context, path string) ([]float64, error) {
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "packet=pts_time", "-of", "csv=p=0", path)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ffprobe: %w: %s", err, complaints.String())
	}
	var times []float64
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		t, err := strconv.ParseFloat(strings.Trim(sc.Text(), ", "), 64)
		if err != nil {
			return nil, fmt.Errorf("ffprobe: picture without a time: %q", sc.Text())
		}
		times = append(times, t)
	}
	// Damage inside of the pictures does not show in their times.
	cmd = exec.CommandContext(ctx, "ffmpeg", "-v", "fatal", "-i", path, "-map", "0:v", "-f", "null", "-")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return times, nil
}
