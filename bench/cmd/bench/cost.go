package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// bareURL makes this program the bare limit: it reads and decodes a stream, nothing else.
const bareURL = "VEDETTE_BENCH_BARE_URL"

// settle is how long a process runs before it is measured: connected, warmed up, the
// pre-roll ring full.
const settle = 30 * time.Second

// cost compares the CPU time of one watched 1080p camera with the bare decode of the same
// stream at the same time, and the memory of one camera with that of four.
func cost(ctx context.Context, s *setting) error {
	source, ok := s.footage("pets/pets_s2l1.mp4")
	if !ok {
		return nil
	}
	film := filepath.Join(s.work, "1080p15.mp4")
	// Noise makes it a sensor's picture; what codecs save on a clean upscale is not honest.
	enc := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-t", "60", "-i", source, "-vf", "scale=1920:1080,fps=15,noise=alls=6:allf=t",
		"-c:v", "libx264", "-profile:v", "main", "-preset", "veryfast", "-b:v", "3M", "-maxrate", "4M", "-bufsize", "6M", "-g", "30", "-bf", "0", "-pix_fmt", "yuv420p", film)
	enc.Stderr = os.Stderr
	if err := enc.Run(); err != nil {
		return fmt.Errorf("make the 1080p film: %w", err)
	}
	cam, err := box(film)
	if err != nil {
		return err
	}
	defer cam.Stop()

	p, _, err := s.start(ctx, "cost-1", costCamera(0, cam.URL()))
	if err != nil {
		return err
	}
	defer p.Kill()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bare := exec.CommandContext(ctx, self)
	bare.Env = append(os.Environ(), bareURL+"="+cam.URL())
	bare.Stderr = os.Stderr
	if err := bare.Start(); err != nil {
		return err
	}
	defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()

	var ours, limit, memory1 float64
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { ours, memory1, err = s.load(gctx, p.PID()); return })
	g.Go(func() (err error) { limit, _, err = s.load(gctx, bare.Process.Pid); return })
	if err := g.Wait(); err != nil {
		return err
	}
	if err := p.Stop(ctx); err != nil {
		return err
	}
	var named float64
	if _, ok := s.footage("models/yolox_nano.onnx"); ok {
		folder, err := filepath.Abs(filepath.Join(s.data, "models"))
		if err != nil {
			return err
		}
		p, _, err := s.startWith(ctx, "cost-objects", fmt.Sprintf("models: {path: [%q]}", folder), costCamera(0, cam.URL()))
		if err != nil {
			return err
		}
		defer p.Kill()
		if named, _, err = s.load(ctx, p.PID()); err != nil {
			return err
		}
		if err := p.Stop(ctx); err != nil {
			return err
		}
	}
	var four strings.Builder
	for i := range 4 {
		four.WriteString(costCamera(i, cam.URL()))
	}
	p4, _, err := s.start(ctx, "cost-4", four.String())
	if err != nil {
		return err
	}
	defer p4.Kill()
	cpu4, memory4, err := s.load(ctx, p4.PID())
	if err != nil {
		return err
	}
	fmt.Println("| 1080p15, 3 Mbit/s, noise | CPU, cores | of bare decode |\n|---|---|---|")
	fmt.Printf("| bare decode (RTSP in, libavcodec, downscale) | %.3f | 1.00 |\n", limit)
	fmt.Printf("| vedette, one camera: motion, tracks, rules, pre-roll, clips | %.3f | %.2f |\n", ours, ours/limit)
	if named > 0 {
		fmt.Printf("| vedette, one camera, with the object detector at work all the time | %.3f | %.2f |\n", named, named/limit)
	}
	fmt.Printf("| vedette, each of four cameras | %.3f | %.2f |\n", cpu4/4, cpu4/4/limit)
	fmt.Printf("\nMemory (resident): %.0f MB with one camera, %.0f MB with four: %.0f MB a camera with a pre-roll of 10 s.\n",
		memory1, memory4, (memory4-memory1)/3)
	return p4.Stop(ctx)
}

func costCamera(i int, url string) string {
	return fmt.Sprintf(`
  cam%d:
    url: %s
    pre_roll: 10s
    zones:
      path: {polygon: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]], rules: [{kind: loitering, dwell: 10s, grace: 2s}]}
`, i, url)
}

// load is the CPU use of a process in cores, and its resident memory in MB, over the
// measuring time after it has settled.
func (s *setting) load(ctx context.Context, pid int) (cores, megabytes float64, err error) {
	if err := wait(ctx, settle); err != nil {
		return 0, 0, err
	}
	before, _, err := usage(pid)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := wait(ctx, s.seconds); err != nil {
		return 0, 0, err
	}
	after, megabytes, err := usage(pid)
	return (after - before).Seconds() / time.Since(begin).Seconds(), megabytes, err
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usage reads a process's CPU time and resident memory from /proc (proc(5)).
func usage(pid int) (cpu time.Duration, megabytes float64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	for _, i := range []int{11, 12} {  // utime, stime
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(n) * tick
	}
	pages, err := strconv.ParseInt(fields[21], 10, 64)
	return cpu, float64(pages) * float64(os.Getpagesize()) / 1e6, err
}

// runBare reads and decodes the stream at url until it is killed.
func runBare(ctx context.Context, url string) error {
	decoder, err := decode.New(models.H264, decode.Options{})
	if err != nil {
		return err
	}
	defer decoder.Close()
	source := &rtsp.Source{Camera: "bare", URL: url}
	return source.Run(ctx, func(au models.AccessUnit) error {
		_ = decoder.Decode(au, func(models.Frame) {})
		return nil
	})
}
