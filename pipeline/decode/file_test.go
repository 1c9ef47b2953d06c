package decode

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

func mustOpen(t testing.TB, path string, o Options) *File {
	t.Helper()
	f, err := OpenFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// readAll calls each for every frame and returns their number and the error that ended
// the file.
func readAll(t testing.TB, f *File, each func(models.Frame)) (int, error) {
	t.Helper()
	for n := 0; ; n++ {
		frame, err := f.Next(context.Background())
		if err != nil {
			if _, again := f.Next(context.Background()); !errors.Is(again, err) {
				t.Errorf("after the end came %v, want again %v", again, err)
			}
			return n, err
		}
		if each != nil {
			each(frame)
		}
	}
}

func TestRealFootage(t *testing.T) {
	tests := []struct {
		file   string
		frames int
		fps    float64
		source image.Point
	}{
		{"pets/pets_s2l1.mp4", 795, 7, image.Pt(768, 576)},
		{"background/highway/highway.mp4", 1700, 25, image.Pt(320, 240)},
		{"clips/one_by_one_person.mp4", 1394, 10, image.Pt(768, 432)}, // with B-frames
	}
	for _, tt := range tests {
		t.Run(filepath.Base(tt.file), func(t *testing.T) {
			f := mustOpen(t, footage.Path(t, tt.file), Options{})
			start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			f.Start, f.Camera = start, "gate"
			want := Info{true, tt.source.X, tt.source.Y, tt.fps,
				time.Duration(float64(tt.frames) / tt.fps * 1e9), tt.frames, "h264", "mov,mp4,m4a,3gp,3g2,mj2"}
			got := f.Info()
			if d := got.Duration - want.Duration; d.Abs() > time.Millisecond {
				t.Errorf("duration %v, want %v", got.Duration, want.Duration)
			}
			want.Duration = got.Duration
			if got != want {
				t.Errorf("info %+v, want %+v", got, want)
			}
			n := 0
			count, err := readAll(t, f, func(fr models.Frame) {
				media := time.Duration(float64(n) / tt.fps * 1e9)
				if d := fr.At.Media - media; fr.Index != n || d.Abs() > time.Microsecond {
					t.Fatalf("frame %d has index %d and media time %v, want %v", n, fr.Index, fr.At.Media, media)
				}
				if !fr.At.Wall.Equal(start.Add(fr.At.Media)) || fr.Clock != models.ClockFile || fr.Camera != "gate" {
					t.Fatalf("frame %d: %+v", n, fr)
				}
				if fr.Source != tt.source || fr.Picture.Rect.Size() != tt.source {
					t.Fatalf("frame %d: source %v, picture %v", n, fr.Source, fr.Picture.Rect)
				}
				n++
			})
			if err != io.EOF || count != tt.frames || f.Broken() != 0 {
				t.Errorf("%d frames (%d broken), then %v; want %d, then io.EOF", count, f.Broken(), err, tt.frames)
			}
		})
	}
}

// The two ways into the decoder give the same pictures, in the same order.
func TestAccessUnitsAndFileAgree(t *testing.T) {
	for _, name := range []string{"pets/pets_s2l1.mp4", "clips/one_by_one_person.mp4"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			path := footage.Path(t, name)
			raw := filepath.Join(t.TempDir(), "raw.h264")
			ffmpeg(t, "-i", path, "-c", "copy", "-bsf:v", "h264_mp4toannexb,h264_metadata=aud=insert", "-f", "h264", raw)
			stream, err := os.ReadFile(raw)
			if err != nil {
				t.Fatal(err)
			}
			d, f := mustNew(t, models.H264, Options{TargetSide: 256}), mustOpen(t, path, Options{TargetSide: 256})
			n := 0
			same := func(got models.Frame) {
				want, err := f.Next(context.Background())
				if err != nil {
					t.Fatalf("frame %d: the file ends: %v", n, err)
				}
				if got.Index != want.Index || !bytes.Equal(got.Picture.Y, want.Picture.Y) || !bytes.Equal(got.Picture.Cr, want.Picture.Cr) {
					t.Fatalf("frame %d of the units differs from frame %d of the file", got.Index, want.Index)
				}
				n++
			}
			for _, au := range units(t, models.H264, stream, nil, 10) {
				if err := d.Decode(au, same); err != nil {
					t.Fatal(err)
				}
			}
			if err := d.Drain(same); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Next(context.Background()); err != io.EOF || d.Broken()+d.Skipped() != 0 {
				t.Errorf("after %d frames the file goes on (%v); %d broken, %d skipped", n, err, d.Broken(), d.Skipped())
			}
		})
	}
}

func TestFileOrderAndTime(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			f := mustOpen(t, filepath.Join("testdata", "ramp."+string(codec)), Options{LoopFilter: true})
			step := time.Duration(float64(time.Second) / f.Info().FPS)
			n := 0
			count, err := readAll(t, f, func(fr models.Frame) {
				if !near(meanLuma(fr.Picture), rampLuma(n), 2) || fr.Index != n {
					t.Errorf("frame %d: luma %d index %d, want luma %d", n, meanLuma(fr.Picture), fr.Index, rampLuma(n))
				}
				// A raw stream has no time stamps worth the name: one step each.
				if d := fr.At.Media - time.Duration(n)*step; d.Abs() > time.Millisecond {
					t.Errorf("frame %d at %v, want %v", n, fr.At.Media, time.Duration(n)*step)
				}
				if want := time.Unix(0, 0).Add(fr.At.Media); !fr.At.Wall.Equal(want) {
					t.Errorf("frame %d: wall %v, want %v", n, fr.At.Wall, want)
				}
				n++
			})
			if err != io.EOF || count != rampFrames {
				t.Errorf("%d frames, then %v; want %d, then io.EOF", count, err, rampFrames)
			}
		})
	}
}

// ffmpeg runs the encoder; the test is skipped when there is none.
func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not present:", err)
	}
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("this ffmpeg cannot encode it (ffmpeg %s): %s", strings.Join(args, " "), out)
	}
}

// Any container, codec and pixel format gives the same pictures.
func TestContainersAndCodecs(t *testing.T) {
	ramp := []string{"-f", "lavfi", "-i", "color=gray:s=64x48:r=10:d=2.4,geq=lum='16+N*9':cb=128:cr=128"}
	tests := []struct {
		name string
		args []string
	}{
		{"h264.mkv", []string{"-c:v", "libx264", "-bf", "2"}},
		{"h264.ts", []string{"-c:v", "libx264", "-bf", "2"}},
		{"h264.flv", []string{"-c:v", "libx264"}},
		{"fragmented.mp4", []string{"-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov", "-g", "6"}},
		{"h265.mp4", []string{"-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"}},
		{"h265-10.mkv", []string{"-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"}},
		{"mpeg4.avi", []string{"-c:v", "mpeg4", "-q:v", "1", "-bf", "2"}},
		{"mjpeg.avi", []string{"-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj422p"}},
		{"mpeg2.mpg", []string{"-c:v", "mpeg2video", "-q:v", "1", "-r", "25"}},
		{"vp9.webm", []string{"-c:v", "libvpx-vp9", "-cpu-used", "8"}},
		{"raw.avi", []string{"-c:v", "rawvideo", "-pix_fmt", "yuyv422"}},
		{"rgb.mov", []string{"-c:v", "qtrle", "-pix_fmt", "rgb24"}},
		{"grey.mkv", []string{"-c:v", "ffv1", "-pix_fmt", "gray"}},
		{"ffv1.mkv", []string{"-c:v", "ffv1", "-pix_fmt", "yuv444p16le"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.name)
			ffmpeg(t, append(append(append([]string{}, ramp...), tt.args...), path)...)
			want, rate := rampFrames, 10.0
			if tt.name == "mpeg2.mpg" { // MPEG-2 knows no 10 pictures a second: frames are repeated
				want, rate = 60, 25
			}
			n, last := 0, time.Duration(-1)
			f := mustOpen(t, path, Options{})
			count, err := readAll(t, f, func(fr models.Frame) {
				luma := meanLuma(fr.Picture)
				if fr.FullRange {
					luma = luma*219/255 + 16
				}
				if w := rampLuma(int(float64(n) * 10 / rate)); !near(luma, w, 10) {
					t.Errorf("frame %d: luma %d, want %d", n, luma, w)
				}
				if m := time.Duration(float64(n) / rate * 1e9); (fr.At.Media - m).Abs() > 2*time.Millisecond {
					t.Errorf("frame %d at %v, want %v", n, fr.At.Media, m)
				}
				if fr.At.Media <= last {
					t.Errorf("frame %d at %v, after %v", n, fr.At.Media, last)
				}
				last = fr.At.Media
				n++
			})
			if err != io.EOF || count != want {
				t.Errorf("%d frames, then %v; want %d, then io.EOF", count, err, want)
			}
		})
	}
}

func TestVariableFrameRate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vfr.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=3", "-vf", `select='not(between(n\,5\,19))'`,
		"-fps_mode", "vfr", "-c:v", "libx264", path)
	var got []time.Duration
	if _, err := readAll(t, mustOpen(t, path, Options{}), func(f models.Frame) { got = append(got, f.At.Media) }); err != io.EOF {
		t.Fatal(err)
	}
	if len(got) != 15 || got[4] != 400*time.Millisecond || got[5] != 2*time.Second {
		t.Errorf("times %v, want a jump from 400ms to 2s", got)
	}
}

func TestFullSizeAndDownscale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.h264")
	if err := os.WriteFile(path, testdata(t, "large.h264"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := func(o Options) models.Frame {
		f, err := mustOpen(t, path, o).Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	full, third := first(Options{TargetSide: -1}), first(Options{TargetSide: 107})
	if full.Picture.Rect.Size() != image.Pt(322, 242) || third.Picture.Rect.Size() != image.Pt(107, 80) {
		t.Fatalf("sizes %v and %v", full.Picture.Rect, third.Picture.Rect)
	}
	if third.Source != full.Source {
		t.Errorf("source %v, want %v", third.Source, full.Source)
	}
	sum := 0
	for v := range 3 {
		for u := range 3 {
			sum += int(full.Picture.Y[full.Picture.YOffset(30+u, 60+v)])
		}
	}
	if got, want := third.Picture.Y[third.Picture.YOffset(10, 20)], byte((sum+4)/9); got != want {
		t.Errorf("pixel 10,20 is %d, want the mean of its box, %d", got, want)
	}
}

// A file that was cut off gives the frames that it still has, then says so.
func TestTruncatedFiles(t *testing.T) {
	dir := t.TempDir()
	ramp := []string{"-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=10", "-c:v", "libx264", "-g", "10"}
	tests := []struct {
		name string
		args []string
		open bool // it can still be opened
	}{
		{"faststart.mp4", []string{"-movflags", "faststart"}, true},
		{"index at the end.mp4", nil, false},
		{"fragmented.mp4", []string{"-movflags", "frag_keyframe+empty_moov"}, true},
		{"a.mkv", nil, true},
		{"a.avi", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, tt.name)
			ffmpeg(t, append(append(append([]string{}, ramp...), tt.args...), path)...)
			st, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, st.Size()*6/10); err != nil {
				t.Fatal(err)
			}
			f, err := OpenFile(path, Options{})
			count := 0
			if err == nil {
				defer f.Close()
				count, err = readAll(t, f, nil)
			} else if tt.open {
				t.Fatal("the file cannot be opened any more:", err)
			}
			if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that wraps ErrTruncated and names the file", err)
			}
			if tt.open && (count < 30 || count > 70) {
				t.Errorf("%d of 100 frames came from 60 %% of the file", count)
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	put("secret.h264", string(testdata(t, "ramp.h264")))
	segment := put("segment.ts", string(testdata(t, "ramp.h264")))
	tests := []struct {
		name, path, want string
	}{
		{"absent", filepath.Join(dir, "absent.mp4"), "no such file"},
		{"an address", "http://127.0.0.1:1/a.mp4", "no such file"},
		{"empty", put("empty.mp4", ""), "the file is empty"},
		{"a folder", dir, "it is a folder"},
		{"a pipe", fifo, "not a regular file"},
		{"text", put("notes.txt", strings.Repeat("not a video at all\n", 100)), "not a video"},
		{"zeros", put("zeros.mp4", string(make([]byte, 1<<16))), "not a video"},
		{"a playlist", put("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n"+segment+"\n#EXT-X-ENDLIST\n"), "another file or address"},
		{"a playlist of addresses", put("net.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n"), "another file or address"},
		{"a list", put("concat.txt", "ffconcat version 1.0\nfile secret.h264\n"), "not on whitelist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := OpenFile(tt.path, Options{})
			if err == nil {
				f.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error %q, want the path and %q", err, tt.want)
			}
		})
	}
	if _, err := OpenFile(filepath.Join(dir, "absent.mp4"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestAFileWithoutVideo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tone.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "sine=d=1", path)
	if _, err := OpenFile(path, Options{}); err == nil || !strings.Contains(err.Error(), "Stream not found") {
		t.Errorf("error %v", err)
	}
}

func TestNextStopsWithItsContextAndWithClose(t *testing.T) {
	f := mustOpen(t, filepath.Join("testdata", "ramp.h264"), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Next(ctx); err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := f.Next(context.Background()); err != nil {
		t.Errorf("a cancelled call spoiled the file: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Next(context.Background()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v, want os.ErrClosed", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestLibavIsQuietAndCounted(t *testing.T) {
	before, _ := Complaints()
	d := mustNew(t, models.H264, Options{})
	au := garble(rampUnits(t, models.H264))[1]
	au.Key = true // without its parameter sets
	if err := d.Decode(au, func(models.Frame) {}); err == nil || !strings.Contains(err.Error(), "PPS") {
		t.Errorf("error %v, want libav's own reason in it", err)
	}
	if after, _ := Complaints(); after <= before {
		t.Errorf("%d complaints, before %d", after, before)
	}
}
