package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
)

// bareURL makes this program the bare limit: it reads and decodes a stream, nothing else.
const bareURL = "VEDETTE_BENCH_BARE_URL"

// frugal is the detection whose cost has a goal: at most 40 % on top of decoding.
const frugal = "{fps: 5, looks: 1.5}"

// settle is how long a process runs before it is measured: connected, warmed up, the
// pre-roll ring full.
const settle = 30 * time.Second

// watcher is a process whose cost is measured beside others, at the same time.
type watcher struct {
	what   string
	detect string // of its one camera; empty for the bare decoder
	object bool
	pid    int
	client *vedettetest.Client // of vedette
	bare   *lastNumber         // of the bare decoder

	cores, megabytes float64
	work             work // a second
}

// work is what a process has done.
type work struct{ frames, analysed, looks float64 }

// each is the CPU time of a decoded picture in ms. It compares also while the machine is too
// busy to decode every picture.
func (w *watcher) each() float64 { return 1000 * w.cores / w.work.frames }

// cost compares the CPU time of one watched 1080p camera with the bare decode of the same
// stream at the same time, and the memory of one camera with that of four.
func cost(ctx context.Context, s *setting) error {
	source, ok := s.footage("pets/pets_s2l1.mp4")
	if !ok {
		return nil
	}
	film, err := s.film1080(ctx, source)
	if err != nil {
		return err
	}
	if err := costOfDetection(ctx, s, film); err != nil {
		return err
	}
	fmt.Println()
	cam, err := box(film)
	if err != nil {
		return err
	}
	defer cam.Stop()
	one, err := s.costOfOne(ctx, cam.URL())
	if err != nil {
		return err
	}
	var four strings.Builder
	for i := range 4 {
		four.WriteString(costCamera(i, cam.URL(), "{}"))
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
	fmt.Printf("\nEach of four cameras on motion alone at the default rate, measured afterwards: %.3f cores.\n", cpu4/4)
	fmt.Printf("Memory (resident): %.0f MB with one camera, %.0f MB with four: %.0f MB a camera with a pre-roll of 10 s.\n",
		one, memory4, (memory4-one)/3)
	return p4.Stop(ctx)
}

// film1080 makes a minute of 1080p at 15 frames and 3 Mbit a second of footage, once.
func (s *setting) film1080(ctx context.Context, source string) (string, error) {
	film := filepath.Join(s.work, "1080p15.mp4")
	if _, err := os.Stat(film); err == nil {
		return film, nil
	}
	// Noise makes it a sensor's picture; what codecs save on a clean upscale is not honest.
	enc := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-t", "60", "-i", source, "-vf", "scale=1920:1080,fps=15,noise=alls=6:allf=t",
		"-c:v", "libx264", "-profile:v", "main", "-preset", "veryfast", "-b:v", "3M", "-maxrate", "4M", "-bufsize", "6M", "-g", "30", "-bf", "0", "-pix_fmt", "yuv420p", film)
	enc.Stderr = os.Stderr
	if err := enc.Run(); err != nil {
		return "", fmt.Errorf("make the 1080p film: %w", err)
	}
	return film, nil
}

// costOfOne prints the cost of one camera, every row measured at the same time, and returns
// the memory that it takes in MB on motion alone.
func (s *setting) costOfOne(ctx context.Context, url string) (megabytes float64, err error) {
	folder, err := filepath.Abs(filepath.Join(s.data, "models"))
	if err != nil {
		return 0, err
	}
	all := []*watcher{
		{what: "bare decode (RTSP in, libavcodec, downscale)"},
		{what: "vedette, 5 frames a second, motion only", detect: "{fps: 5}"},
		{what: "vedette, default rate, motion only", detect: "{}"},
	}
	if _, ok := s.footage("models/yolox_nano.onnx"); ok {
		all = append(all,
			&watcher{what: "vedette, 5 frames a second, with objects, at most 1.5 looks a second", detect: frugal, object: true},
			&watcher{what: "vedette, default rates, with objects", detect: "{}", object: true})
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, w := range all {
		stop, err := s.begin(ctx, w, fmt.Sprintf("cost-%d", i), folder, url)
		if err != nil {
			return 0, err
		}
		defer stop()
		g.Go(func() error { return s.measure(gctx, w) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	limit := all[0].each()
	fmt.Println("| 1080p15, 3 Mbit/s, noise, always somebody in the picture | CPU, cores | CPU a decoded picture | of bare decode | decoded, analysed, looked at a second |\n|---|---|---|---|---|")
	for _, w := range all {
		done := fmt.Sprintf("%.1f", w.work.frames)
		if w.client != nil {
			done += fmt.Sprintf(", %.1f, %.2f", w.work.analysed, w.work.looks)
		}
		fmt.Printf("| %s | %.3f | %.2f ms | %.2f | %s |\n", w.what, w.cores, w.each(), w.each()/limit, done)
	}
	return all[2].megabytes, nil
}

// begin starts the process of a watcher; stop ends it.
func (s *setting) begin(ctx context.Context, w *watcher, name, folder, url string) (stop func(), err error) {
	if w.detect == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		bare := exec.CommandContext(ctx, self)
		bare.Env = append(os.Environ(), bareURL+"="+url)
		bare.Stderr = os.Stderr
		w.bare = &lastNumber{}
		bare.Stdout = w.bare
		if err := bare.Start(); err != nil {
			return nil, err
		}
		w.pid = bare.Process.Pid
		return func() { _ = bare.Process.Kill(); _ = bare.Wait() }, nil
	}
	also := "defaults: {detect: {objects: false}}"
	if w.object {
		also = fmt.Sprintf("models: {path: [%q]}", folder)
	}
	p, client, err := s.startWith(ctx, name, also, costCamera(0, url, w.detect))
	if err != nil {
		return nil, err
	}
	w.pid, w.client = p.PID(), client
	return p.Kill, nil
}

func (s *setting) measure(ctx context.Context, w *watcher) (err error) {
	if err := wait(ctx, settle); err != nil {
		return err
	}
	begin := time.Now()
	before, err := w.done(ctx)
	if err != nil {
		return err
	}
	if w.cores, w.megabytes, err = s.busy(ctx, w.pid); err != nil {
		return err
	}
	after, err := w.done(ctx)
	past := time.Since(begin).Seconds()
	w.work = work{(after.frames - before.frames) / past, (after.analysed - before.analysed) / past, (after.looks - before.looks) / past}
	return err
}

// done is what the process has done since it began.
func (w *watcher) done(ctx context.Context) (work, error) {
	if w.client == nil {
		return work{frames: w.bare.read()}, nil
	}
	var list struct {
		Items []struct {
			Health models.Health `json:"health"`
		} `json:"items"`
	}
	if err := w.client.Do(ctx, http.MethodGet, "/api/cameras", nil, &list); err != nil {
		return work{}, err
	}
	if len(list.Items) != 1 {
		return work{}, fmt.Errorf("%d cameras, want 1", len(list.Items))
	}
	h := list.Items[0].Health
	return work{float64(h.Frames), float64(h.Analysed), float64(h.Looks)}, nil
}

// lastNumber keeps the number in the last line that was written to it.
type lastNumber struct {
	mu   sync.Mutex
	last float64
}

func (l *lastNumber) Write(p []byte) (int, error) {
	lines := strings.Fields(string(p))
	if len(lines) == 0 {
		return len(p), nil
	}
	n, err := strconv.ParseFloat(lines[len(lines)-1], 64)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = n
	return len(p), err
}

func (l *lastNumber) read() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func costCamera(i int, url, detect string) string {
	return fmt.Sprintf(`
  cam%d:
    url: %s
    pre_roll: 10s
    detect: %s
    zones:
      path: {polygon: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]], rules: [{kind: loitering, dwell: 10s, grace: 2s}]}
`, i, url, detect)
}

// load is the CPU use of a process in cores, and its resident memory in MB, over the
// measuring time after it has settled.
func (s *setting) load(ctx context.Context, pid int) (cores, megabytes float64, err error) {
	if err := wait(ctx, settle); err != nil {
		return 0, 0, err
	}
	return s.busy(ctx, pid)
}

// busy is the same from now on.
func (s *setting) busy(ctx context.Context, pid int) (cores, megabytes float64, err error) {
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

// runBare reads and decodes the stream at url until it is killed, and writes how many
// pictures that were after each.
func runBare(ctx context.Context, url string) error {
	decoder, err := decode.New(models.H264, decode.Options{})
	if err != nil {
		return err
	}
	defer decoder.Close()
	source := &rtsp.Source{Camera: "bare", URL: url}
	return source.Run(ctx, func(au models.AccessUnit) error {
		_ = decoder.Decode(au, func(models.Frame) {})
		_, err := fmt.Println(decoder.Frames())
		return err
	})
}
