package decode

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// threadTime is the CPU time of this thread: other work on the machine does not count.
func threadTime(b *testing.B) time.Duration {
	const thread = 1 // RUSAGE_THREAD, which package syscall does not name
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stream1080 encodes six seconds of real footage, or of a test picture where there is
// none, as a camera does: 1080p at 15 a second, 3 Mbit/s, main profile, no B-frames.
func stream1080(b *testing.B) []models.AccessUnit {
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=15:d=6"}
	if real, ok := footage.Find(b, "pets/pets_s2l1.mp4"); ok {
		source = []string{"-i", real}
	} else {
		b.Log("real footage is not present, a test picture is decoded:", real)
	}
	path := filepath.Join(b.TempDir(), "1080p.h264")
	ffmpeg(b, append(source, "-vf", "scale=1920:1080,fps=15", "-frames:v", "90", "-c:v", "libx264", "-preset", "veryfast",
		"-profile:v", "main", "-b:v", "3M", "-maxrate", "3M", "-bufsize", "3M", "-g", "30", "-bf", "0", "-pix_fmt", "yuv420p",
		"-x264-params", "aud=1", path)...)
	stream, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return units(b, models.H264, stream, nil, 15)
}

// BenchmarkDecode1080 gives CPU milliseconds a frame. Bare decoding is "to 640" less
// what BenchmarkBox takes for its three planes.
func BenchmarkDecode1080(b *testing.B) {
	us := stream1080(b)
	for _, bb := range []struct {
		name string
		o    Options
	}{
		{"loop filter to 640", Options{LoopFilter: true}},
		{"to 640", Options{}},
		{"to 640, one in three wanted", Options{Want: func(at models.Instant) bool { return int64(at.Media*15/time.Second)%3 == 0 }}},
		{"to 320", Options{TargetSide: 320}},
		{"full size", Options{TargetSide: -1}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			d := mustNew(b, models.H264, bb.o)
			frames := 0
			decodeAll(b, d, us[:30]) // warm
			b.ReportAllocs()
			start := threadTime(b)
			for b.Loop() {
				for _, au := range us {
					if err := d.Decode(au, func(models.Frame) { frames++ }); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric((threadTime(b)-start).Seconds()*1000/float64(frames), "cpu-ms/frame")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkBox shrinks the three planes of a 1080p picture.
func BenchmarkBox(b *testing.B) {
	const w, h = 1920, 1080
	src := make([]byte, room(w, h))
	r := rand.New(rand.NewPCG(3, 4))
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	from := picture(src, w, h)
	for _, bb := range []struct {
		name string
		n    int
	}{{"by 1", 1}, {"by 2", 2}, {"by 3", 3}, {"by 4", 4}, {"by 5", 5}, {"by 6", 6}} {
		b.Run(bb.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			to := picture(make([]byte, room(w/bb.n, h/bb.n)), w/bb.n, h/bb.n)
			runs := 0
			start := threadTime(b)
			for b.Loop() {
				box(to.Y, to.YStride, len(to.Y)/to.YStride, from.Y, from.YStride, w, h, bb.n)
				box(to.Cb, to.CStride, len(to.Cb)/to.CStride, from.Cb, from.CStride, w/2, h/2, bb.n)
				box(to.Cr, to.CStride, len(to.Cr)/to.CStride, from.Cr, from.CStride, w/2, h/2, bb.n)
				runs++
			}
			b.ReportMetric((threadTime(b)-start).Seconds()*1000/float64(runs), "cpu-ms/frame")
			b.ReportMetric(0, "ns/op")
		})
	}
}
