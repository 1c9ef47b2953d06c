package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
	"github.com/vedette-cctv/vedette/storage/archive"
)

const (
	// recordURL makes this program read the stream at that address eight times over into
	// rings, as vedette does, and with recordDir record all of it there.
	recordURL = "VEDETTE_BENCH_RECORD_URL"
	recordDir = "VEDETTE_BENCH_RECORD_DIR"

	recordCameras = 8
	// recallFootage is how much there is to recall from, recallRange how much is asked for.
	recallFootage = 40 * time.Minute
	recallRange   = 10 * time.Minute
	recalls       = 300
)

// record measures what continuous recording costs, and how soon a recall begins.
func record(ctx context.Context, s *setting) error {
	source, ok := s.footage("pets/pets_s2l1.mp4")
	if !ok {
		return nil
	}
	film, err := s.film1080(ctx, source)
	if err != nil {
		return err
	}
	if err := costOfRecording(ctx, s, film); err != nil {
		return err
	}
	fmt.Println()
	return firstRecallByte(ctx, s, film)
}

// costOfRecording compares two processes that read the same cameras at the same time, of
// which one records.
func costOfRecording(ctx context.Context, s *setting, film string) error {
	cam, err := box(film)
	if err != nil {
		return err
	}
	defer cam.Stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir := filepath.Join(s.work, "record")
	cores := [2]float64{}
	var g errgroup.Group
	for i, to := range [2]string{"", dir} {
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), recordURL+"="+cam.URL(), recordDir+"="+to)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		g.Go(func() (err error) {
			cores[i], _, err = s.load(ctx, cmd.Process.Pid)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	bytes, err := sizeOf(dir)
	if err != nil {
		return err
	}
	each := (cores[1] - cores[0]) / recordCameras
	fmt.Printf("| %d cameras, 1080p15, 3 Mbit/s | CPU a camera, of a core | goal ≤ 1.5 %% |\n|---|---|---|\n", recordCameras)
	fmt.Printf("| RTSP in, ring | %.2f %% | |\n", 100*cores[0]/recordCameras)
	fmt.Printf("| the same and continuous recording | %.2f %% | |\n", 100*cores[1]/recordCameras)
	fmt.Printf("| recording alone: disk, a sync a second, hash, index | %.2f %% | %s |\n", 100*each, map[bool]string{true: "yes", false: "no"}[each <= 0.015])
	fmt.Printf("\n%.0f MB were written in %s.\n", float64(bytes)/1e6, s.seconds+settle)
	return nil
}

func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}

// runRecord reads the stream at address until it is killed, and records it when dir is set.
func runRecord(ctx context.Context, address, dir string) error {
	var footage *archive.Archive
	if dir != "" {
		var err error
		if footage, err = archive.Open(dir, archive.Options{Describe: pipeline.DescribeSegment, Reserve: -1}); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range recordCameras {
		id := models.CameraID(fmt.Sprintf("cam%d", i))
		ring := &clip.Buffer{Window: 25 * time.Second}
		if footage != nil {
			c := &pipeline.Continuous{Camera: id, Axis: "bench", Archive: footage, Log: slog.Default(), OnDisk: func(err error) {
				if err != nil {
					fmt.Fprintln(os.Stderr, "bench: record:", err)
				}
			}}
			cursor := ring.Cursor(0)
			g.Go(func() error { c.Run(cursor); return nil })
		}
		g.Go(func() error {
			defer ring.Close()
			source := &rtsp.Source{Camera: id, URL: address}
			return source.Run(ctx, func(au models.AccessUnit) error { ring.Push(au); return nil })
		})
	}
	return g.Wait()
}

// firstRecallByte asks the running program for ten minutes of footage, at random times, and
// waits for the first byte: all of the clip's index is in it.
func firstRecallByte(ctx context.Context, s *setting, film string) error {
	end := time.Now().Add(-time.Minute)
	begin := end.Add(-recallFootage)
	if err := fillArchive(filepath.Join(s.work, "recall", "archive"), film, begin, end); err != nil {
		return err
	}
	p, client, err := s.start(ctx, "recall", "\n  cam0: {url: \"rtsp://127.0.0.1:1/none\"}\n")
	if err != nil {
		return err
	}
	defer p.Kill()
	var took []time.Duration
	for range recalls {
		from := begin.Add(rand.N(recallFootage - recallRange))
		query := url.Values{"from": {from.Format(time.RFC3339Nano)}, "to": {from.Add(recallRange).Format(time.RFC3339Nano)}}
		first, err := firstByte(ctx, client, "/api/recall/cam0/clip.mp4?"+query.Encode())
		if err != nil {
			return err
		}
		took = append(took, first)
	}
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	fmt.Printf("| recalls of 10 minutes | p50 | p99 | slowest | goal p99 ≤ 300 ms |\n|---|---|---|---|---|\n| %d, through the API, from the request to the first byte | %s | %s | %s | %s |\n",
		len(took), ms(took[len(took)/2]), ms(p99), ms(took[len(took)-1]), map[bool]string{true: "yes", false: "no"}[p99 <= 300*time.Millisecond])
	return p.Stop(ctx)
}

// firstByte is how long an answer takes to begin. The rest of it is not read.
func firstByte(ctx context.Context, c *vedettetest.Client, path string) (time.Duration, error) {
	begin := time.Now()
	body, err := c.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	var b [1]byte
	if _, err := io.ReadFull(body, b[:]); err != nil {
		return 0, err
	}
	return time.Since(begin), nil
}

// fillArchive records a film over and over, as if it had been seen from begin to end.
func fillArchive(dir, film string, begin, end time.Time) error {
	media, err := camtest.LoadMP4(film)
	if err != nil {
		return err
	}
	footage, err := archive.Open(dir, archive.Options{Describe: pipeline.DescribeSegment, Reserve: -1})
	if err != nil {
		return err
	}
	var refused error
	c := &pipeline.Continuous{Camera: "cam0", Axis: "bench", Archive: footage, Log: slog.Default(),
		OnDisk: func(err error) { refused = errors.Join(refused, err) }}
	c.Record(played(media, begin, end))
	return errors.Join(refused, footage.Close())
}

// played are the units of a film that is played over and over.
func played(media *camtest.Media, begin, end time.Time) iter.Seq[models.AccessUnit] {
	return func(yield func(models.AccessUnit) bool) {
		for loop := int64(0); ; loop++ {
			for _, u := range media.Units {
				since := time.Duration(u.PTS+loop*media.Ticks) * time.Second / camtest.ClockRate
				at := models.Instant{Media: since, Wall: begin.Add(since)}
				nalus := u.NALUs
				if u.Key {
					nalus = append(slices.Clone(media.Params), nalus...)
				}
				if !at.Wall.Before(end) || !yield(models.AccessUnit{Camera: "cam0", Codec: media.Codec, Session: 1, At: at,
					Clock: models.ClockCamera, Arrival: at.Wall, Key: u.Key, NALUs: nalus}) {
					return
				}
			}
		}
	}
}
