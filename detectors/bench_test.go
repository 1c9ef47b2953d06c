package detectors_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/detectors/motion"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// bench draws 10 s of 640x360 once; idle shows nothing, active two people who walk.
func bench(active bool) []models.Frame {
	s := scene.Scene{Width: 640, Height: 360, Seed: 1, Noise: 2, Length: 10 * time.Second}
	if active {
		s.Actors = []scene.Actor{
			{Stops: scene.Walk(models.Point{X: 0, Y: 0.8}, models.Point{X: 1, Y: 0.8}, 0, 10*time.Second)},
			{Stops: scene.Walk(models.Point{X: 1, Y: 0.6}, models.Point{X: 0, Y: 0.7}, 0, 10*time.Second), Shirt: scene.Blue},
		}
	}
	var frames []models.Frame
	for f := range s.Frames() {
		frames = append(frames, f)
	}
	return frames
}

// processor is the time that this process has spent on all cores; other processes do not
// change it.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkFrame(b *testing.B) {
	for _, scene := range []string{"idle", "active"} {
		frames := bench(scene == "active")
		// replay feeds the frames again and again, with media time that runs on.
		replay := func(b *testing.B, each func(models.Frame)) {
			b.ReportAllocs()
			start := processor()
			for i := 0; b.Loop(); i++ {
				f := frames[i%len(frames)]
				f.At.Media = time.Duration(i) * 100 * time.Millisecond
				each(f)
			}
			b.ReportMetric(float64((processor()-start).Microseconds())/1000/float64(b.N), "cpu-ms/frame")
		}
		b.Run(scene+"/chain", func(b *testing.B) {
			c, err := detectors.New(detectors.Options{Watch: inMiddle(moving, loitering(10*time.Second))})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			replay(b, func(f models.Frame) {
				if _, err := c.Process(f); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run(scene+"/motion", func(b *testing.B) {
			d := motion.New(motion.Options{})
			defer d.Close()
			replay(b, func(f models.Frame) {
				if _, err := d.Detect(f, motion.Guide{}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
