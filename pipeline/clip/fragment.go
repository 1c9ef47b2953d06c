package clip

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// A clip carries what MP4 has no field for in uuid boxes (ISO/IEC 14496-12, 11.1). The
// last byte of the UUID tells which.
const (
	uuidBase     = "\x8a\x7d\xfb\xb6\x38\x07\x48\x6d\x87\x0e\x94\xec\xe8\xaf\x59"
	uuidHeader   = uuidBase + "\x01" // one, after moov: what the clip is
	uuidFragment = uuidBase + "\x02" // before each fragment: its times, gaps and checksum
	uuidTimes    = uuidBase + "\x03" // last box of a finished clip: a time for each picture
)

// version is the version of these boxes.
const version = 1

// header is the JSON of the header box.
type header struct {
	Version int `json:"version"`
	// Info is whole in a finished clip; in a growing one it says what is known from the
	// first unit.
	Info     Info `json:"info"`
	Finished bool `json:"finished"`
}

// record is the JSON of a fragment's box.
type record struct {
	Frames int `json:"frames"`
	// Frame is how long the camera shows one picture, by the rhythm of the stream.
	Frame time.Duration `json:"frame_ns"`
	Gaps  []models.Gap  `json:"gaps,omitempty"`
}

// castagnoli is the polynomial with hardware support on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed boxes begin: size, "uuid", UUID, checksum, length of the JSON.
const (
	sealOffset = 24 // of the checksum within the box
	jsonOffset = sealOffset + 8
)

// beginSealed begins a uuid box that carries a checksum and JSON.
func (w *boxes) beginSealed(uuid string, v any) error {
	p, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode clip record: %w", err)
	}
	w.begin("uuid")
	w.text(uuid)
	w.u32(0) // the checksum, set by seal
	w.u32(uint32(len(p)))
	w.raw(p)
	return nil
}

// seal sets the checksum at offset at to that of all of b but the checksum itself.
func seal(b []byte, at int) {
	binary.BigEndian.PutUint32(b[at:], checksum(b, at))
}

func checksum(b []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, b[:at])
	return crc32.Update(sum, castagnoli, b[at+4:])
}

// openSealed reads a sealed uuid box that begins b, without checking its checksum.
func openSealed(b []byte, uuid string, v any) (extra []byte, err error) {
	if len(b) < jsonOffset || string(b[4:8]) != "uuid" || string(b[8:sealOffset]) != uuid {
		return nil, errors.New("not the expected uuid box")
	}
	n := int64(binary.BigEndian.Uint32(b[sealOffset+4:]))
	if n > int64(len(b)-jsonOffset) {
		return nil, errNotWhole
	}
	if err := json.Unmarshal(b[jsonOffset:jsonOffset+n], v); err != nil {
		return nil, fmt.Errorf("decode clip record: %w", err)
	}
	return b[jsonOffset+n:], nil
}

// sample is one access unit in a fragment or a sample table.
type sample struct {
	size     uint32
	duration uint32 // ticks, to the decoding time of the next sample
	offset   int32  // ticks, presentation minus decoding time
	key      bool
}

const (
	// Sample flags (ISO/IEC 14496-12, 8.8.3.1).
	flagsKey   = 0x02000000 // depends on no other sample
	flagsDelta = 0x01010000 // depends on others, not a sync sample

	trunFlags   = 0xf01 // data offset; duration, size, flags and composition offset of each sample
	tfhdFlags   = 0x020000
	prftSize    = 32
	prftCapture = 24 // the time is that of capture (ISO/IEC 14496-12:2022, 8.16.5)
)

// growing is a unit that waits to be written.
type growing struct {
	au       models.AccessUnit
	pts, dts int64 // ticks since the clip's origin
	gap      *models.Gap
}

// appendFragment writes one fragment to b: our record, prft, moof and mdat. end is the
// decoding time of the unit that follows.
func appendFragment(b []byte, sequence uint32, units []growing, end int64, frame time.Duration) ([]byte, error) {
	w := boxes{b: b}
	start := len(b)
	rec := record{Frames: len(units), Frame: frame}
	for _, u := range units {
		if u.gap != nil {
			rec.Gaps = append(rec.Gaps, *u.gap)
		}
	}
	if err := w.beginSealed(uuidFragment, rec); err != nil {
		return b, err
	}
	for _, u := range units {
		w.b = timeOf(u.au).append(w.b)
	}
	w.end()

	w.beginFull("prft", 1, prftCapture)
	w.u32(trackID)
	w.u64(ntp(units[0].au.At.Wall))
	w.u64(uint64(max(0, units[0].pts)))
	w.end()

	moof := len(w.b)
	w.begin("moof")
	w.beginFull("mfhd", 0, 0)
	w.u32(sequence)
	w.end()
	w.begin("traf")
	w.beginFull("tfhd", 0, tfhdFlags)
	w.u32(trackID)
	w.end()
	w.beginFull("tfdt", 1, 0)
	w.u64(uint64(units[0].dts))
	w.end()
	w.beginFull("trun", 1, trunFlags)
	w.u32(uint32(len(units)))
	dataOffset := len(w.b)
	w.u32(0)
	for i, u := range units {
		next := end
		if i+1 < len(units) {
			next = units[i+1].dts
		}
		s := sampleOf(u, next)
		w.u32(s.duration)
		w.u32(s.size)
		w.u32(s.flags())
		w.u32(uint32(s.offset))
	}
	w.end()
	w.end()
	w.end()
	binary.BigEndian.PutUint32(w.b[dataOffset:], uint32(len(w.b)-moof+8))

	w.begin("mdat")
	for _, u := range units {
		for _, n := range u.au.NALUs {
			if len(n) > 0 {
				w.u32(uint32(len(n)))
				w.raw(n)
			}
		}
	}
	w.end()
	seal(w.b[start:], sealOffset)
	return w.b, nil
}

// sampleSize is the size of an access unit in a clip: each NAL unit after its length in
// 4 bytes.
func sampleSize(nalus [][]byte) int {
	n := 0
	for _, nalu := range nalus {
		if len(nalu) > 0 {
			n += 4 + len(nalu)
		}
	}
	return n
}
