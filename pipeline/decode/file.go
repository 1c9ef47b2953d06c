package decode

/*
#cgo noescape vd_file_next
#cgo nocallback vd_file_next
#include "decode.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"
	"unsafe"

	"github.com/vedette-cctv/vedette/models"
)

// ErrTruncated says that a file was cut off: its container promised more than it holds.
var ErrTruncated = errors.New("the file is cut off")

// Info describes the video in a file, as its container does. What the container does not
// say is zero.
type Info struct {
	HasVideo      bool // true for every file that could be opened
	Width, Height int  // of the coded picture, in pixels
	FPS           float64
	Duration      time.Duration
	Frames        int    // an estimate when the container has no index
	Codec         string // libavcodec's name, such as h264, hevc, mjpeg
	Container     string // libavformat's name, such as avi or mov,mp4,m4a,3gp,3g2,mj2
}

// File reads the frames of a video file in presentation order. One goroutine uses it.
type File struct {
	// Start is the wall time of the first frame: the Unix epoch in UTC, unless it is set
	// before the first Next.
	Start time.Time
	// Camera is put into every frame.
	Camera models.CameraID

	path    string
	file    *os.File
	options Options
	c       *C.vd_file
	info    Info
	base    float64 // seconds per tick of a time stamp

	form    C.vd_form
	pix     []byte
	pic     C.vd_picture
	why     reason
	clock   mediaClock
	gate    gate
	index   int
	emitted int
	broken  int
	last    error // why a packet could not be decoded, the last time
	end     error // sticky
}

// OpenFile opens a video file of any container and codec that libavformat reads. The
// caller closes it.
func OpenFile(path string, o Options) (*File, error) {
	installLog()
	file, size, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	f := &File{Start: time.Unix(0, 0).UTC(), path: path, file: file, options: o}
	var filter C.int
	if o.LoopFilter {
		filter = 1
	}
	var info C.vd_info
	if ret := C.vd_file_open(&f.c, C.int(file.Fd()), filter, &info, f.why.ptr(), f.why.size()); ret < 0 {
		err := newError(ret, &f.why)
		if cutOff(file, size) {
			err = fmt.Errorf("%w: %w; copy it again from where it was recorded", ErrTruncated, err)
		} else {
			err = fmt.Errorf("not a video that can be read: %w", err)
		}
		file.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f.base = float64(info.time_base)
	f.info = Info{
		HasVideo: true,
		Width:    int(info.width), Height: int(info.height),
		FPS:       float64(info.fps),
		Duration:  seconds(float64(info.duration)),
		Frames:    int(info.frames),
		Codec:     C.GoString(&info.codec[0]),
		Container: C.GoString(&info.container[0]),
	}
	if f.info.Frames <= 0 {
		f.info.Frames = int(math.Round(f.info.Duration.Seconds() * f.info.FPS))
	}
	f.clock.step = time.Second / 25
	if f.info.FPS > 0 {
		f.clock.step = seconds(1 / f.info.FPS)
	}
	return f, nil
}

// openRegular opens what can be read from end to end and in any order: not a folder, a
// device or a pipe.
func openRegular(path string) (*os.File, int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case st.IsDir():
		return nil, 0, fmt.Errorf("open %s: it is a folder; name a video file in it", path)
	case !st.Mode().IsRegular():
		return nil, 0, fmt.Errorf("open %s: it is not a regular file; save the video to disk first", path)
	case st.Size() == 0:
		return nil, 0, fmt.Errorf("open %s: the file is empty; copy it again from where it was recorded", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return file, st.Size(), nil
}

// Info describes the video.
func (f *File) Info() Info { return f.info }

// Broken counts the packets that could not be decoded and the pictures that were withheld
// because of damage.
func (f *File) Broken() int { return f.broken }

// Next returns the next frame. Its media time counts from the first frame of the file and
// always grows. After the last frame it returns io.EOF; or, once every frame that can be
// decoded has come, an error that wraps ErrTruncated when the file was cut off, and
// another error when nothing in it could be decoded.
func (f *File) Next(ctx context.Context) (models.Frame, error) {
	for f.end == nil {
		if err := ctx.Err(); err != nil {
			return models.Frame{}, err
		}
		ret := C.vd_file_next(f.c, &f.form, f.dst(), &f.pic, f.why.ptr(), f.why.size())
		if f.pic.hurt != 0 {
			f.gate.taint(int64(f.pic.hurt), f.clock.now)
		}
		switch {
		case ret < 0:
			f.broken++
			f.last = newError(ret, &f.why)
			f.gate.taint(int64(f.pic.fed), f.clock.now)
		case ret == C.VD_FORM:
			f.form = formOf(f.options, &f.pic)
			f.pix = nil
		case ret == C.VD_GOT:
			if frame, ok := f.take(); ok {
				return frame, nil
			}
		case ret == C.VD_END:
			f.end = f.finish()
		}
	}
	return models.Frame{}, f.end
}

// take makes a frame of the picture in f.pix, unless it is damaged.
func (f *File) take() (models.Frame, bool) {
	index := f.index
	f.index++
	stamp := math.NaN()
	if f.pic.pts != math.MinInt64 {
		stamp = float64(f.pic.pts) * f.base
	}
	media := f.clock.advance(stamp)
	if !f.gate.pass(int64(f.pic.seq), f.pic.key != 0, flaws(f.pic.flaws), media) {
		f.broken++
		return models.Frame{}, false
	}
	frame := frameOf(&f.form, &f.pic, f.pix)
	f.pix = nil
	f.emitted++
	frame.Camera, frame.Session, frame.Index = f.Camera, 1, index
	frame.At = models.Instant{Media: media, Wall: f.Start.Add(media)}
	frame.Clock, frame.Arrival = models.ClockFile, frame.At.Wall
	return frame, true
}

// finish says what the end of the pictures means.
func (f *File) finish() error {
	var cut C.int
	ret := C.vd_file_end(f.c, &cut)
	st, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	switch {
	case cut != 0 || cutOff(f.file, st.Size()):
		return fmt.Errorf("read %s: %w after %d frames (%.1f s of %.1f s); copy it again from where it was recorded",
			f.path, ErrTruncated, f.index, f.clock.now.Seconds(), f.info.Duration.Seconds())
	case ret < 0:
		return fmt.Errorf("read %s: stopped after %d frames: %w", f.path, f.index, newError(ret, &f.why))
	case f.emitted == 0 && f.last != nil:
		return fmt.Errorf("read %s: no picture can be decoded: %w", f.path, f.last)
	case f.emitted == 0:
		return fmt.Errorf("read %s: no picture can be decoded: %d are damaged", f.path, f.broken)
	}
	return io.EOF
}

// Close closes the file. It may be called twice.
func (f *File) Close() error {
	if f.c == nil {
		return nil
	}
	C.vd_file_close(&f.c)
	f.pix = nil
	f.end = fmt.Errorf("read %s: %w", f.path, os.ErrClosed)
	return f.file.Close()
}

func (f *File) dst() *C.uint8_t {
	if f.form.factor == 0 {
		return nil
	}
	if f.pix == nil {
		f.pix = make([]byte, room(int(f.form.width/f.form.factor), int(f.form.height/f.form.factor)))
	}
	return (*C.uint8_t)(unsafe.SliceData(f.pix))
}
