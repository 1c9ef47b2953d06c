package decode

/*
#cgo noescape vd_encode
#cgo nocallback vd_encode
#cgo noescape vd_encoded
#cgo nocallback vd_encoded
#include "decode.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"time"
	"unsafe"

	"github.com/vedette-cctv/vedette/models"
)

// ErrNoEncoder says that this machine's libavcodec was built without an H.264 encoder.
var ErrNoEncoder = errors.New("this machine's libavcodec has no H.264 encoder (libx264); " +
	"install a build that has one, such as Debian's libavcodec59")

// EncoderOptions tune an encoder. The zero value is what a copy for a browser wants.
type EncoderOptions struct {
	// CRF is x264's constant rate factor: lower is better and larger; default 20, where
	// the eye finds no difference at normal size.
	CRF float64
	// KeyEvery is the longest from one key frame to the next; default 2 s, so that a
	// player that seeks decodes little.
	KeyEvery time.Duration
	// FPS is about how many pictures a second come; default 25. The encoder plans with it;
	// every picture keeps its own time.
	FPS float64
	// Threads of the encoder; default 1.
	Threads int
}

// Encoder makes H.264 (High profile, 8 bit, 4:2:0) of frames, for working copies: what a
// camera sent is never encoded again in evidence. One goroutine uses it.
type Encoder struct {
	o       EncoderOptions
	c       *C.vd_encoder
	size    image.Point
	full    bool
	from    []encoded // frames that are in the encoder, oldest first
	zero    time.Duration
	begun   bool
	lastPTS int64
	lastKey time.Duration
	why     reason
}

// encoded is what a coded picture takes over from its frame.
type encoded struct {
	pts     int64
	camera  models.CameraID
	session int
	at      models.Instant
	clock   models.Clock
	arrival time.Time
}

// NewEncoder returns an encoder; the error is ErrNoEncoder where there is none.
func NewEncoder(o EncoderOptions) (*Encoder, error) {
	installLog()
	if o.CRF <= 0 {
		o.CRF = 20
	}
	if o.KeyEvery <= 0 {
		o.KeyEvery = 2 * time.Second
	}
	if o.FPS <= 0 {
		o.FPS = 25
	}
	e := &Encoder{o: o}
	if err := e.open(image.Pt(minSide, minSide), false); err != nil { // asks whether there is one
		return nil, err
	}
	e.Close()
	return e, nil
}

func (e *Encoder) open(size image.Point, full bool) error {
	form := C.vd_encoding{width: C.int(size.X), height: C.int(size.Y), fps: C.double(min(e.o.FPS, 240)),
		crf: C.double(e.o.CRF), threads: C.int(max(1, e.o.Threads))}
	if full {
		form.full_range = 1
	}
	if ret := C.vd_encoder_open(&e.c, &form, e.why.ptr(), e.why.size()); ret == C.VD_ABSENT {
		return ErrNoEncoder
	} else if ret < 0 {
		return fmt.Errorf("open H.264 encoder for %dx%d: %w", size.X, size.Y, newError(ret, &e.why))
	}
	e.size, e.full = size, full
	return nil
}

// Encode takes the next frame and emits the access units that have become ready, in
// order: the encoder looks ahead. Times must grow; a frame that is no later than the one
// before is passed a tick later. Where the size of the pictures changes, the units go on
// with a key unit of the new size. Of an odd width or height the last column or row is
// left out, because 4:2:0 has none for it.
func (e *Encoder) Encode(f models.Frame, emit func(models.AccessUnit)) error {
	p := f.Picture
	if p == nil || p.SubsampleRatio != image.YCbCrSubsampleRatio420 || p.Rect.Min != image.Pt(0, 0) {
		return errors.New("encode: the frame is no whole 4:2:0 picture")
	}
	size := image.Pt(p.Rect.Dx()&^1, p.Rect.Dy()&^1)
	if e.c != nil && (size != e.size || f.FullRange != e.full) {
		if err := e.Drain(emit); err != nil {
			return err
		}
	}
	key := e.c == nil
	if key {
		if err := e.open(size, f.FullRange); err != nil {
			return err
		}
	}
	if !e.begun {
		e.begun, e.zero, e.lastPTS = true, f.At.Media, -1
	}
	pts := max(ticksOf(f.At.Media-e.zero), e.lastPTS+1)
	e.lastPTS = pts
	if key || f.At.Media-e.lastKey >= e.o.KeyEvery {
		key, e.lastKey = true, f.At.Media
	}
	e.from = append(e.from, encoded{pts, f.Camera, f.Session, f.At, f.Clock, f.Arrival})
	var force C.int
	if key {
		force = 1
	}
	ret := C.vd_encode(e.c, plane(p.Y), C.int(p.YStride), plane(p.Cb), plane(p.Cr), C.int(p.CStride),
		C.int64_t(pts), force, e.why.ptr(), e.why.size())
	if ret < 0 {
		return fmt.Errorf("encode: %w", newError(ret, &e.why))
	}
	return e.collect(emit)
}

// Drain emits what the encoder still holds. Encoding may go on with a new key unit.
func (e *Encoder) Drain(emit func(models.AccessUnit)) error {
	if e.c == nil {
		return nil
	}
	ret := C.vd_encode(e.c, nil, 0, nil, nil, 0, 0, 0, e.why.ptr(), e.why.size())
	if ret < 0 {
		return fmt.Errorf("encode: %w", newError(ret, &e.why))
	}
	err := e.collect(emit)
	e.Close()
	return err
}

// Close frees the encoder. It may be called twice, and Encode after it begins anew.
func (e *Encoder) Close() {
	C.vd_encoder_close(&e.c)
	e.from = nil
}

func (e *Encoder) collect(emit func(models.AccessUnit)) error {
	for {
		var pkt C.vd_packet
		switch ret := C.vd_encoded(e.c, &pkt, e.why.ptr(), e.why.size()); {
		case ret < 0:
			return fmt.Errorf("encode: %w", newError(ret, &e.why))
		case ret != C.VD_GOT:
			return nil
		}
		if len(e.from) == 0 || e.from[0].pts != int64(pkt.pts) {
			return fmt.Errorf("encode: a picture came back out of order, at tick %d", int64(pkt.pts))
		}
		from := e.from[0]
		e.from = e.from[1:]
		emit(models.AccessUnit{
			Camera: from.camera, Codec: models.H264, Session: from.session, At: from.at, Clock: from.clock,
			Arrival: from.arrival, Key: pkt.key != 0,
			NALUs: splitAnnexB(C.GoBytes(unsafe.Pointer(pkt.data), pkt.size)),
		})
	}
}

// splitAnnexB takes the NAL units out of a byte stream (H.264, annex B).
func splitAnnexB(b []byte) [][]byte {
	var nalus [][]byte
	start := []byte{0, 0, 1}
	for i := bytes.Index(b, start); i >= 0; {
		b = b[i+3:]
		next := bytes.Index(b, start)
		nalu := b
		if next >= 0 {
			nalu = b[:next]
		}
		// Zeros between two units belong to neither; none ends with one (7.4.1).
		if nalu = bytes.TrimRight(nalu, "\x00"); len(nalu) > 0 {
			nalus = append(nalus, nalu)
		}
		i = next
	}
	return nalus
}

// ticksOf converts media time to the encoder's ticks, to the nearest.
func ticksOf(d time.Duration) int64 {
	const second = int64(time.Second)
	return (int64(d)*(C.VD_TICKS/10000) + second/20000) / (second / 10000)
}

func plane(p []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(p)) }
