package decode

/*
#cgo CFLAGS: -O3 -std=c11 -D_GNU_SOURCE -Wall
#cgo pkg-config: libavcodec libavformat libavutil libswscale
#cgo noescape vd_decode
#cgo nocallback vd_decode
#cgo noescape vd_take
#cgo nocallback vd_take
#cgo noescape vd_skip
#cgo nocallback vd_skip
#include "decode.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// maxUnit bounds an access unit in bytes. The largest picture accepted, coded as
	// badly as H.264 allows, stays below it.
	maxUnit = 32 << 20
	// reorder is how many access units can be inside the decoder at once. H.264 and
	// H.265 hold back at most 16 pictures, of two fields each.
	reorder = 64
	// keepPacket is the largest packet buffer that is kept between units.
	keepPacket = 4 << 20
)

// origin is what a frame takes over from its access unit.
type origin struct {
	seq     int64
	camera  models.CameraID
	session int
	at      models.Instant
	clock   models.Clock
	arrival time.Time
}

// Decoder decodes the access units of one camera. One goroutine uses it; only Frames,
// Broken and Skipped may be called from others.
type Decoder struct {
	codec   models.Codec
	options Options
	c       *C.vd_decoder

	form     C.vd_form // that the next frame will probably have
	pix      []byte    // room for it
	pic      C.vd_picture
	why      reason
	packet   []byte // the unit in Annex B form
	prefix   int    // bytes of packet that wait for the next unit with a picture
	origins  [reorder]origin
	seq      int64
	session  int
	index    int
	waiting  bool // for a key unit
	asked    bool // whether the picture that C holds is wanted
	unwanted bool // the answer, when asked
	gate     gate

	frames, broken, skipped atomic.Uint64
}

// New opens a decoder. The caller closes it.
func New(codec models.Codec, o Options) (*Decoder, error) {
	installLog()
	d := &Decoder{codec: codec, options: o, waiting: true}
	id := C.int(C.VD_H264)
	switch codec {
	case models.H264:
	case models.H265:
		id = C.VD_H265
	default:
		return nil, fmt.Errorf("open decoder: codec %q is neither h264 nor h265", codec)
	}
	var filter C.int
	if o.LoopFilter {
		filter = 1
	}
	if ret := C.vd_decoder_open(&d.c, id, filter); ret < 0 {
		return nil, fmt.Errorf("open %s decoder: %w", codec, newError(ret, &d.why))
	}
	return d, nil
}

// Decode decodes one access unit and emits the frames that have become ready: usually
// one, none while B-frames are awaited, several when they are complete. An error means
// that this unit, or one shortly before it, is lost to the vision lane; the decoder stays
// usable. At a change of session the frames of the old one are emitted first.
func (d *Decoder) Decode(au models.AccessUnit, emit func(models.Frame)) error {
	if d.c == nil {
		return errors.New("decode: the decoder is closed")
	}
	if au.Codec != d.codec {
		return fmt.Errorf("decode: a unit of %q came to the decoder of %s", au.Codec, d.codec)
	}
	var old error
	if au.Session != d.session {
		if d.seq > 0 {
			old = d.Drain(emit)
		}
		d.session, d.index = au.Session, 0
	}
	if d.waiting && !au.Key {
		d.skipped.Add(1)
		return old
	}
	ready, err := d.pack(au.NALUs)
	if err != nil {
		d.broken.Add(1)
		d.gate.taint(d.seq, au.At.Media)
		return errors.Join(old, fmt.Errorf("decode %s: %w", d.codec, err))
	}
	if !ready {
		return old
	}
	d.waiting = false
	d.seq++
	if au.Loss != nil && !au.Key {
		d.gate.taint(d.seq, au.At.Media)
	}
	d.origins[d.seq%reorder] = origin{d.seq, au.Camera, au.Session, au.At, au.Clock, au.Arrival}
	ret := C.vd_decode(d.c, (*C.uint8_t)(&d.packet[0]), C.int(len(d.packet)), C.int64_t(d.seq),
		&d.form, d.first(), &d.pic, d.why.ptr(), d.why.size())
	d.packet = d.packet[:0]
	if cap(d.packet) > keepPacket {
		d.packet = nil
	}
	return errors.Join(old, d.collect(ret, au.At.Media, emit))
}

// Drain emits the frames that are still held back for reordering. Decoding begins again
// at the next key unit.
func (d *Decoder) Drain(emit func(models.Frame)) error {
	if d.c == nil {
		return errors.New("decode: the decoder is closed")
	}
	ret := C.vd_decode(d.c, nil, 0, 0, &d.form, d.first(), &d.pic, d.why.ptr(), d.why.size())
	err := d.collect(ret, d.origins[d.seq%reorder].at.Media, emit)
	d.Reset()
	return err
}

// Reset forgets everything that is under way; decoding begins again at the next key unit.
// Frame.Index goes on within the session.
func (d *Decoder) Reset() {
	if d.c == nil {
		return
	}
	C.vd_decoder_flush(d.c)
	d.packet, d.prefix = d.packet[:0], 0
	d.waiting, d.asked, d.gate = true, false, gate{}
}

// Close frees the decoder. It may be called twice.
func (d *Decoder) Close() {
	C.vd_decoder_close(&d.c)
	d.pix, d.packet = nil, nil
}

// Frames counts the sound pictures, also those that were not wanted.
func (d *Decoder) Frames() uint64 { return d.frames.Load() }

// Broken counts the access units that could not be decoded and the pictures that were
// withheld because of damage.
func (d *Decoder) Broken() uint64 { return d.broken.Load() }

// Skipped counts the access units that came while a key unit was awaited.
func (d *Decoder) Skipped() uint64 { return d.skipped.Load() }

// pack joins the NAL units in Annex B form (H.264 and H.265, annex B) into d.packet. Units
// without a picture in them, such as parameter sets with a timestamp of their own, are
// kept in front of the next one: alone libavcodec calls them an error.
func (d *Decoder) pack(nalus [][]byte) (ready bool, err error) {
	size := d.prefix
	for _, n := range nalus {
		size += len(n) + 4
		ready = ready || d.codesPicture(n)
	}
	if size > maxUnit {
		d.packet, d.prefix = d.packet[:0], 0
		return false, fmt.Errorf("access unit of %d bytes; at most %d are accepted", size, maxUnit)
	}
	d.packet = d.packet[:d.prefix]
	for _, n := range nalus {
		if len(n) > 0 {
			d.packet = append(append(d.packet, 0, 0, 0, 1), n...)
		}
	}
	d.prefix = 0
	if !ready {
		d.prefix = len(d.packet)
	}
	return ready, nil
}

// codesPicture says whether a NAL unit holds (part of) a coded picture: types 1 to 5 in
// H.264 (table 7-1), 0 to 31 in H.265 (table 7-1).
func (d *Decoder) codesPicture(nalu []byte) bool {
	if len(nalu) == 0 {
		return false
	}
	if d.codec == models.H265 {
		return nalu[0]>>1&0x3f < 32
	}
	t := nalu[0] & 0x1f
	return t >= 1 && t <= 5
}

// dst is where C may write the next frame; nil before the first.
func (d *Decoder) dst() *C.uint8_t {
	if d.form.factor == 0 {
		return nil
	}
	if d.pix == nil {
		d.pix = make([]byte, room(int(d.form.width/d.form.factor), int(d.form.height/d.form.factor)))
	}
	return (*C.uint8_t)(unsafe.SliceData(d.pix))
}

// first is where C may write a picture before it was asked whether it is wanted.
func (d *Decoder) first() *C.uint8_t {
	if d.options.Want != nil {
		return nil
	}
	return d.dst()
}

// collect takes what came out of the decoder after ret, until it wants more input.
func (d *Decoder) collect(ret C.int, at time.Duration, emit func(models.Frame)) error {
	var first error
	for {
		if d.pic.hurt != 0 {
			d.gate.taint(int64(d.pic.hurt), at)
		}
		switch {
		case ret < 0:
			if first == nil {
				first = fmt.Errorf("decode %s: %w", d.codec, newError(ret, &d.why))
			}
			d.broken.Add(1)
			d.gate.taint(d.seq, at)
			d.asked = false
		case ret == C.VD_FORM:
			ret = d.admit()
			continue
		case ret == C.VD_GOT:
			d.deliver(emit)
			d.asked = false
			if d.pic.more == 0 {
				return first
			}
		default:
			return first
		}
		ret = C.vd_take(d.c, &d.form, d.first(), &d.pic, d.why.ptr(), d.why.size())
	}
}

// admit makes room for the picture that C holds and takes it, or passes over it because
// nobody wants it.
func (d *Decoder) admit() C.int {
	if !d.asked {
		d.asked = true
		from := d.origin()
		d.unwanted = d.options.Want != nil && from != nil && !d.options.Want(from.at)
	}
	if d.unwanted {
		return C.vd_skip(d.c, &d.pic, d.why.ptr(), d.why.size())
	}
	if d.form.width != d.pic.width || d.form.height != d.pic.height {
		d.form, d.pix = formOf(d.options, &d.pic), nil
	}
	return C.vd_take(d.c, &d.form, d.dst(), &d.pic, d.why.ptr(), d.why.size())
}

// origin is where the picture that C reports comes from; nil when that is long ago.
func (d *Decoder) origin() *origin {
	if from := &d.origins[uint64(d.pic.seq)%reorder]; from.seq == int64(d.pic.seq) {
		return from
	}
	return nil
}

// deliver emits the picture in d.pix, unless it is damaged or nobody wants it.
func (d *Decoder) deliver(emit func(models.Frame)) {
	index := d.index
	d.index++
	from := d.origin()
	if from == nil || !d.gate.pass(from.seq, d.pic.key != 0, flaws(d.pic.flaws), from.at.Media) {
		d.broken.Add(1)
		return
	}
	d.frames.Add(1)
	if d.asked && d.unwanted {
		return
	}
	f := frameOf(&d.form, &d.pic, d.pix)
	d.pix = nil
	f.Camera, f.Session, f.Index = from.camera, from.session, index
	f.At, f.Clock, f.Arrival = from.at, from.clock, from.arrival
	emit(f)
}

// formOf is the form that pictures like pic get.
func formOf(o Options, pic *C.vd_picture) C.vd_form {
	return C.vd_form{
		width: pic.width, height: pic.height,
		factor: C.int(o.factor(int(pic.width), int(pic.height))),
	}
}

// frameOf makes a frame of the picture that was written to pix.
func frameOf(form *C.vd_form, pic *C.vd_picture, pix []byte) models.Frame {
	return models.Frame{
		Source:    image.Pt(int(pic.width), int(pic.height)),
		Picture:   picture(pix, int(form.width/form.factor), int(form.height/form.factor)),
		FullRange: pic.full_range != 0,
	}
}
