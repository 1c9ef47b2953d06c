package clip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Samples gives the access units of a finished clip in any order, without reading the rest
// of it: a few pictures of an hour need a few reads. It keeps some bytes a picture in
// memory and is safe for concurrent use when its reader is.
type Samples struct {
	r     io.ReaderAt
	info  Info
	sizes []byte    // 32 bits for each sample, as in stsz
	runs  []lasting // of samples with the same duration
	keys  []byte    // 32 bits for each key sample, counted from 1, as in stss
	parts []piece   // in order
	times int64     // offset of the first row of the table of times
}

type lasting struct{ count, duration uint32 }

type piece struct {
	first   int   // sample
	offset  int64 // of it in the file
	samples int
}

const (
	maxMoov   = 256 << 20 // of a clip of a month
	maxSample = 64 << 20
)

// OpenSamples reads the tables of a finished clip. It returns ErrCorrupt for a file that is
// not one, also for a clip that still grows.
func OpenSamples(r io.ReaderAt, size int64) (*Samples, error) {
	s, err := openSamples(r, size)
	if err != nil && !isIO(err) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read clip: %w", err)
	}
	return s, nil
}

func openSamples(r io.ReaderAt, size int64) (*Samples, error) {
	head, err := readHead(r, size)
	if err != nil {
		return nil, err
	}
	if !head.Finished {
		return nil, errors.New("it is not finished")
	}
	s := &Samples{r: r, info: head.Info}
	s.info.Bytes = size
	ftyp, err := readBoxHead(r, 0, size)
	if err != nil {
		return nil, err
	}
	moov, err := readBoxHead(r, ftyp.size, size)
	if err != nil {
		return nil, err
	}
	if moov.size > maxMoov {
		return nil, fmt.Errorf("tables of %d bytes", moov.size)
	}
	b := make([]byte, moov.size)
	if _, err := r.ReadAt(b, ftyp.size); err != nil {
		return nil, err
	}
	stbl, err := findBox(b, "moov", "trak", "mdia", "minf", "stbl")
	if err != nil {
		return nil, err
	}
	if err := s.parse(stbl, size); err != nil {
		return nil, err
	}
	return s, s.findTimes(head.size, size)
}

// parse reads the sample tables (ISO/IEC 14496-12, 8.6 and 8.7). It accepts what tables
// writes.
func (s *Samples) parse(stbl []byte, size int64) error {
	var err error
	rows := func(typ string, width int) []byte {
		body, ferr := findBox(stbl, typ)
		if ferr == nil && (len(body) < 8 || int64(len(body)-8) != int64(binary.BigEndian.Uint32(body[4:]))*int64(width)) {
			ferr = fmt.Errorf("table %s: %w", typ, errNotWhole)
		}
		if ferr != nil {
			err = errors.Join(err, ferr)
			return nil
		}
		return body[8:]
	}
	stsz, ferr := findBox(stbl, "stsz")
	if ferr != nil || len(stsz) < 12 || binary.BigEndian.Uint32(stsz[4:]) != 0 ||
		int64(len(stsz)-12) != 4*int64(binary.BigEndian.Uint32(stsz[8:])) || len(stsz) == 12 {
		return fmt.Errorf("table stsz: %w", errNotWhole)
	}
	s.sizes = stsz[12:]
	s.keys = rows("stss", 4)
	durations, runs := rows("stts", 8), rows("stsc", 12)
	width, offsets := 4, []byte(nil)
	if _, ferr := findBox(stbl, "stco"); ferr == nil {
		offsets = rows("stco", 4)
	} else {
		width, offsets = 8, rows("co64", 8)
	}
	if err != nil {
		return err
	}
	covered := uint64(0)
	for p := durations; len(p) > 0; p = p[8:] {
		r := lasting{binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:])}
		s.runs, covered = append(s.runs, r), covered+uint64(r.count)
	}
	if covered != uint64(s.Len()) {
		return fmt.Errorf("durations of %d samples, sizes of %d", covered, s.Len())
	}
	before := uint32(0)
	for p := s.keys; len(p) > 0; p = p[4:] {
		k := binary.BigEndian.Uint32(p)
		if k <= before || int64(k) > int64(s.Len()) {
			return errors.New("key samples are not in order")
		}
		before = k
	}
	if len(s.keys) == 0 || binary.BigEndian.Uint32(s.keys) != 1 {
		return ErrNotKey
	}
	return s.parseChunks(runs, offsets, width, size)
}

func (s *Samples) parseChunks(runs, offsets []byte, width int, size int64) error {
	first, each := 0, 0
	for i := 0; len(offsets) > 0; i++ {
		if len(runs) > 0 && int64(binary.BigEndian.Uint32(runs)) == int64(i)+1 {
			each = int(min(binary.BigEndian.Uint32(runs[4:]), 1<<30))
			runs = runs[12:]
		}
		offset := int64(0)
		if width == 4 {
			offset = int64(binary.BigEndian.Uint32(offsets))
		} else if far := binary.BigEndian.Uint64(offsets); far < uint64(size) {
			offset = int64(far)
		}
		if each == 0 || offset <= 0 || offset >= size || each > s.Len()-first {
			return fmt.Errorf("chunk %d of %d samples at %d", i, each, offset)
		}
		s.parts = append(s.parts, piece{first, offset, each})
		first += each
		offsets = offsets[width:]
	}
	if first != s.Len() {
		return fmt.Errorf("chunks of %d samples, sizes of %d", first, s.Len())
	}
	return nil
}

// findTimes looks for the table of times behind the picture data.
func (s *Samples) findTimes(off, size int64) error {
	for off < size {
		h, err := readBoxHead(s.r, off, size)
		if err != nil {
			return err
		}
		if h.typ == "uuid" && h.size == 24+int64(s.Len())*frameTimeSize {
			var id [16]byte
			if _, err := s.r.ReadAt(id[:], off+8); err != nil {
				return err
			}
			if string(id[:]) == uuidTimes {
				s.times = off + 24
				return nil
			}
		}
		off += h.size
	}
	return errors.New("no table of times")
}

// Info describes the clip.
func (s *Samples) Info() Info { return s.info }

// Len is the number of access units.
func (s *Samples) Len() int { return len(s.sizes) / 4 }

// Key is the number of the newest key unit that is no later than unit i, counted from 0.
func (s *Samples) Key(i int) int {
	lo, hi := 0, len(s.keys)/4
	for lo+1 < hi {
		if mid := (lo + hi) / 2; int(binary.BigEndian.Uint32(s.keys[4*mid:]))-1 <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	return int(binary.BigEndian.Uint32(s.keys[4*lo:])) - 1
}

// Find is the number of the unit that is decoded at a time since the first one, or the last
// one before it.
func (s *Samples) Find(at time.Duration) int {
	want, n := uint64(max(0, ticks(at))), 0
	for _, r := range s.runs {
		length := uint64(r.count) * uint64(r.duration)
		if want < length {
			return n + int(want/uint64(r.duration))
		}
		want -= length
		n += int(r.count)
	}
	return s.Len() - 1
}

// Unit reads access unit i, in decoding order.
func (s *Samples) Unit(i int) (models.AccessUnit, error) {
	if i < 0 || i >= s.Len() {
		return models.AccessUnit{}, fmt.Errorf("clip: unit %d of %d", i, s.Len())
	}
	off, size := s.locate(i)
	if size > maxSample || off+size > s.info.Bytes {
		return models.AccessUnit{}, fmt.Errorf("%w: unit %d has %d bytes at %d", ErrCorrupt, i, size, off)
	}
	b := make([]byte, size)
	if _, err := s.r.ReadAt(b, off); err != nil {
		return models.AccessUnit{}, fmt.Errorf("read clip: %w", err)
	}
	var row [frameTimeSize]byte
	if _, err := s.r.ReadAt(row[:], s.times+int64(i)*frameTimeSize); err != nil {
		return models.AccessUnit{}, fmt.Errorf("read clip: %w", err)
	}
	t := parseFrameTime(row[:])
	au := models.AccessUnit{
		Camera: s.info.Meta.Camera, Codec: s.info.Codec, Session: int(t.session), Key: s.Key(i) == i, Clock: t.clock,
		At: models.Instant{Media: t.media, Wall: fromUnixNano(t.wall)}, Arrival: fromUnixNano(t.arrival),
	}
	for len(b) > 0 {
		if len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4) {
			return models.AccessUnit{}, fmt.Errorf("%w: a NAL unit of unit %d is not whole", ErrCorrupt, i)
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		au.NALUs = append(au.NALUs, b[4:n:n])
		b = b[n:]
	}
	return au, nil
}

// locate says where sample i lies.
func (s *Samples) locate(i int) (off, size int64) {
	lo, hi := 0, len(s.parts)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; s.parts[mid].first <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	off = s.parts[lo].offset
	for n := s.parts[lo].first; n < i; n++ {
		off += int64(binary.BigEndian.Uint32(s.sizes[4*n:]))
	}
	return off, int64(binary.BigEndian.Uint32(s.sizes[4*i:]))
}
