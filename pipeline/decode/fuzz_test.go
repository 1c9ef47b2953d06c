package decode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// FuzzDecode feeds any bytes as access units to a decoder that has begun soundly. Whatever
// comes out must be a whole frame, in counted order, and the decoder must still decode.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"ramp.h264", "yuv420p10le.h264", "yuv444p.h264", "large.h264"} {
		f.Add(false, testdata(f, name))
	}
	f.Add(true, testdata(f, "ramp.h265"))
	f.Add(true, testdata(f, "yuv420p10le.h265"))
	f.Add(false, []byte{})
	f.Fuzz(func(t *testing.T, h265 bool, stream []byte) {
		codec := models.H264
		if h265 {
			codec = models.H265
		}
		sound := rampUnits(t, codec)
		d, err := New(codec, Options{TargetSide: 32})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		index := 0
		emit := func(f models.Frame) {
			size := f.Picture.Rect.Size()
			if f.Index < index || f.Source.X < minSide || f.Source.Y < minSide {
				t.Fatalf("frame %d after %d, of %v", f.Index, index-1, f.Source)
			}
			index = f.Index + 1
			if n := Factor(f.Source.X, f.Source.Y, 32); size != f.Source.Div(n) || len(f.Picture.Y) != size.X*size.Y {
				t.Fatalf("picture of %v for a source of %v", size, f.Source)
			}
		}
		feed := func(au models.AccessUnit, nalus [][]byte) {
			if len(nalus) > 0 {
				au.NALUs = nalus
			}
			_ = d.Decode(au, emit) // an error is a right answer
		}
		feed(sound[0], nil)
		parts := nalus(stream)
		if len(parts) == 0 {
			parts = [][]byte{stream}
		}
		for i, p := range parts[:min(len(parts), 64)] {
			au := sound[i%len(sound)]
			au.Key, au.At.Media = i%5 == 0, time.Duration(i)*100*time.Millisecond
			feed(au, [][]byte{p})
		}
		feed(sound[1], append(bytes.Split(stream, []byte{0, 0, 0, 1}), nil))
		_ = d.Drain(emit)

		// The old session's pictures of a foreign size are behind us: sound units decode.
		index = 0
		for _, au := range sound {
			au.Session = 2
			if err := d.Decode(au, emit); err != nil {
				t.Fatalf("a sound unit after the fuzzed ones: %v", err)
			}
		}
		if err := d.Drain(emit); err != nil {
			t.Fatal(err)
		}
		if index != rampFrames {
			t.Fatalf("%d frames after the fuzzed ones, want %d", index, rampFrames)
		}
	})
}

// FuzzOpenFile reads any bytes as a video file. It must end, in frames that are whole and
// times that grow.
func FuzzOpenFile(f *testing.F) {
	corpus, err := filepath.Glob(filepath.Join("testdata", "*.*"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range corpus {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)*2/3])
	}
	f.Add([]byte("#EXTM3U\n#EXTINF:5,\nfile:///etc/hostname\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "video")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := OpenFile(path, Options{TargetSide: 32})
		if err != nil {
			return
		}
		defer v.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		last := time.Duration(-1)
		for range 2000 {
			frame, err := v.Next(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("the file does not end")
			}
			if err != nil {
				return
			}
			if frame.At.Media <= last || len(frame.Picture.Y) != frame.Picture.Rect.Dx()*frame.Picture.Rect.Dy() {
				t.Fatalf("frame %d at %v after %v, %v", frame.Index, frame.At.Media, last, frame.Picture.Rect)
			}
			last = frame.At.Media
		}
	})
}

// FuzzCutOff walks the outer layer of any bytes; it must end and read nothing outside.
func FuzzCutOff(f *testing.F) {
	box := func(kind string, size uint32, body int) []byte {
		return append([]byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), kind[0], kind[1], kind[2], kind[3]}, make([]byte, body)...)
	}
	f.Add(append(box("ftyp", 16, 8), box("mdat", 99, 4)...))
	f.Add(append(box("ftyp", 16, 8), box("mdat", 1, 8)...))
	f.Add(append(box("ftyp", 16, 8), box("moov", 0, 8)...))
	f.Add([]byte("RIFF\x10\x00\x00\x00AVI LIST"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x84\x42\x86\x81\x01\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cutOff(inside{t, b}, int64(len(b)))
	})
}

// inside fails the test when something outside the file is asked for.
type inside struct {
	t *testing.T
	b []byte
}

func (r inside) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(r.b)) || at+int64(len(p)) > int64(len(r.b)) {
		r.t.Fatalf("read of %d at %d in a file of %d", len(p), at, len(r.b))
	}
	n := copy(p, r.b[at:])
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}
