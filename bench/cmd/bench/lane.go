package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/detectors/object"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

// visionLane decodes a film and analyses some of its pictures, in this process.
type visionLane struct {
	what    string
	detect  string // YAML of the camera's detection; empty decodes alone
	object  bool
	discard bool // decode alone, and take no picture out
	filter  bool // decode alone, with the loop filter that every standard decoder applies

	decoder  *decode.Decoder
	chain    *detectors.Chain
	pace     detectors.Pace
	err      error
	cpu      time.Duration
	analysed int
	looks    int
}

// costOfDetection prints what detection adds to decoding: the same units go through every
// lane, two seconds at a time in turn, so that whatever else the machine does weighs on
// all of them alike.
func costOfDetection(ctx context.Context, s *setting, film string) (err error) {
	media, err := camtest.LoadMP4(film)
	if err != nil {
		return err
	}
	lanes := []*visionLane{
		{what: "decode, downscale"},
		{what: "decode, take no picture out", discard: true},
		{what: "decode with the loop filter, as other programs do, downscale", filter: true},
		{what: "decode and detect at 5 frames a second, motion only", detect: "{fps: 5, objects: false}"},
	}
	var objects *object.Detector
	if weights, ok := s.footage("models/yolox_nano.onnx"); ok {
		// The lanes see the same time twice, which a budget would take for one camera's.
		if objects, err = object.Open(object.Options{Weights: weights, Rate: -1}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, objects.Close()) }()
		lanes = append(lanes,
			&visionLane{what: "decode and detect at 5 frames a second, with objects, at most 1.5 looks a second", detect: frugal, object: true},
			&visionLane{what: "decode and detect at the default rates, with objects", detect: "{}", object: true})
	}
	for _, l := range lanes {
		if err := l.open(s, objects); err != nil {
			return err
		}
		defer l.close()
	}
	const chunk, warm = 30, 10 * time.Second
	pictures := 0
	for from := 0; from < len(media.Units); from += chunk {
		units := media.Units[from:min(from+chunk, len(media.Units))]
		counts := ticks(units[0].PTS) >= warm
		for _, l := range lanes {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.run(media, units, counts); err != nil {
				return fmt.Errorf("%s: %w", l.what, err)
			}
		}
		if counts {
			pictures += len(units)
		}
	}
	fmt.Printf("\n| the vision lane alone, on the same %d pictures in turn | CPU a decoded picture | of decoding | analysed, looked at a second |\n|---|---|---|---|\n", pictures)
	past := float64(pictures) / 15
	for _, l := range lanes {
		each := func(l *visionLane) float64 { return float64(l.cpu.Microseconds()) / 1000 / float64(pictures) }
		done := ""
		if l.chain != nil {
			done = fmt.Sprintf("%.1f, %.2f", float64(l.analysed)/past, float64(l.looks)/past)
		}
		fmt.Printf("| %s | %.2f ms | %.2f | %s |\n", l.what, each(l), each(l)/each(lanes[0]), done)
	}
	return nil
}

func (l *visionLane) open(s *setting, objects *object.Detector) (err error) {
	options := decode.Options{LoopFilter: l.filter}
	switch {
	case l.discard:
		options.Want = func(models.Instant) bool { return false }
	case l.detect != "":
		text := fmt.Sprintf("data: %s\ncameras:%s", s.work, costCamera(0, "rtsp://127.0.0.1/", l.detect))
		cfg, err := config.Parse(filepath.Join(s.work, "lane.yml"), []byte(text), nil)
		if err != nil {
			return err
		}
		w := cfg.Cameras[0].Watch(cfg.Hash)
		l.pace.FPS, w.FPS = w.FPS, 0
		options.Want = func(at models.Instant) bool { return l.pace.Take(at.Media) }
		o := detectors.Options{Watch: w}
		if l.object {
			o.Objects = objects
		}
		if l.chain, err = detectors.New(o); err != nil {
			return err
		}
	}
	l.decoder, err = decode.New(models.H264, options)
	return err
}

func (l *visionLane) close() {
	if l.decoder != nil {
		l.decoder.Close()
	}
	if l.chain != nil {
		_ = l.chain.Close()
	}
}

// run takes some units through the lane; counts says whether their cost counts.
func (l *visionLane) run(media *camtest.Media, units []camtest.Unit, counts bool) error {
	begin := processTime()
	for _, u := range units {
		at := models.Instant{Media: ticks(u.PTS), Wall: time.Unix(0, 0).UTC().Add(ticks(u.PTS))}
		au := models.AccessUnit{Camera: "cam0", Codec: media.Codec, Session: 1, At: at, Arrival: at.Wall, Key: u.Key, NALUs: u.NALUs}
		if u.Key {
			au.NALUs = append(append([][]byte(nil), media.Params...), u.NALUs...)
		}
		if err := l.decoder.Decode(au, func(f models.Frame) { l.analyse(f, counts) }); err != nil {
			return err
		}
	}
	if counts {
		l.cpu += processTime() - begin
	}
	return l.err
}

func (l *visionLane) analyse(f models.Frame, counts bool) {
	if l.chain == nil || l.err != nil {
		return
	}
	r, err := l.chain.Process(f)
	l.err = err
	if counts {
		l.analysed++
		if r.Look == detectors.LookDone {
			l.looks++
		}
	}
}

func ticks(n int64) time.Duration { return time.Duration(n) * time.Second / camtest.ClockRate }

// processTime is the CPU time of this process, its helper threads included.
func processTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // it cannot fail for a process's own
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
