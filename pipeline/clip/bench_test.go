package clip

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// hd returns seconds of a 1080p stream at 15 frames and 4 Mbit a second: a key frame of
// 120 kB each second, the rest in the others.
func hd(b *testing.B, seconds int) []models.AccessUnit {
	b.Helper()
	sets := stream(b, "h264")[0].NALUs[:2]
	bits := make([]byte, 120_000)
	for i := range bits {
		bits[i] = byte(rand.Uint32())
	}
	units := make([]models.AccessUnit, seconds*15)
	for i := range units {
		since := time.Duration(i) * time.Second / 15
		units[i] = models.AccessUnit{Camera: "gate", Codec: models.H264, Session: 1, Clock: models.ClockCamera,
			At: models.Instant{Media: since, Wall: epoch.Add(since)}, Arrival: epoch.Add(since),
			Key: i%15 == 0, NALUs: [][]byte{bits[:27_100]}}
		if units[i].Key {
			units[i].NALUs = append(append([][]byte(nil), sets...), bits)
		}
	}
	return units
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perSecond reports what a second of the stream costs.
func perSecond(b *testing.B, before time.Duration, seconds int) {
	b.Helper()
	b.ReportMetric(float64(cpu(b)-before)/1e3/float64(b.N*seconds), "cpu-µs/stream-s")
}

// BenchmarkPush pushes an hour, in memory and with most of the window on disk, while a
// live cursor follows.
func BenchmarkPush(b *testing.B) {
	for _, c := range []struct {
		name   string
		window time.Duration
		disk   int64
	}{{"memory", 60 * time.Second, 0}, {"disk", 300 * time.Second, 1 << 30}} {
		b.Run(c.name, func(b *testing.B) {
			const seconds = 3600
			units := hd(b, seconds)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				buf := &Buffer{Window: c.window, Disk: c.disk, SpillDir: b.TempDir()}
				live := buf.Live()
				for _, au := range units {
					buf.Push(au)
					live.TryNext()
				}
				if s := buf.Stats(); s.SpillErrors > 0 {
					b.Fatalf("%+v", s)
				}
				live.Close()
				buf.Close()
			}
			perSecond(b, before, seconds)
			b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(units)), "ns/unit")
		})
	}
}

// BenchmarkWrite writes a minute to disk, with a sync each second.
func BenchmarkWrite(b *testing.B) {
	const seconds = 60
	units := hd(b, seconds)
	dir := b.TempDir()
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		path := filepath.Join(dir, "clip.fmp4")
		w, err := Create(path, WriterOptions{})
		if err != nil {
			b.Fatal(err)
		}
		for _, au := range units {
			if err := w.Write(au); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			b.Fatal(err)
		}
		os.Remove(path)
	}
	perSecond(b, before, seconds)
	b.ReportMetric(float64(b.Elapsed())/1e3/float64(b.N*seconds), "wall-µs/stream-s")
}

// BenchmarkFinish recovers and finishes a clip of ten minutes.
func BenchmarkFinish(b *testing.B) {
	const seconds = 600
	units := hd(b, seconds)
	dir := b.TempDir()
	path := filepath.Join(dir, "clip.fmp4")
	w, err := Create(path, WriterOptions{Sync: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	for _, au := range units {
		if err := w.Write(au); err != nil {
			b.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		do   func() (Info, error)
	}{
		{"recover", func() (Info, error) { return Recover(path) }},
		{"faststart", func() (Info, error) { return Faststart(path, filepath.Join(dir, "clip.mp4")) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(info.Bytes)
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if _, err := c.do(); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, before, seconds)
		})
	}
}

// BenchmarkReadBack reads a window from disk.
func BenchmarkReadBack(b *testing.B) {
	const seconds = 120
	units := hd(b, seconds)
	buf := &Buffer{Window: time.Hour, Memory: 1 << 20, Disk: 1 << 30, SpillDir: b.TempDir()}
	defer buf.Close()
	for _, au := range units {
		buf.Push(au)
		for buf.Stats().MemoryBytes > 800<<10 { // the disk is given the time it takes
		}
	}
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		cur := buf.Cursor(0)
		for range units {
			au, err := cur.Next(context.Background())
			if err != nil || len(au.NALUs) == 0 || bytes.Equal(au.NALUs[0], nil) {
				b.Fatal(err)
			}
		}
		cur.Close()
	}
	perSecond(b, before, seconds)
}
