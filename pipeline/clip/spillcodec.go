package clip

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// A chunk on disk is a magic number, the camera's name, its units and a checksum
// (CRC-32C) of all that, everything big-endian:
//
//	chunk = magic[4] nameLen:u16 name unit* crc:u32
//	unit  = flags:u8 codec:u8 clock:u8 0:u8 session:u32 media:i64 wall:i64 arrival:i64
//	        lossLen:u32 nalus:u32 (len:u32)* loss(JSON) nalu*
//
// The index of chunks is in memory; these files do not outlive the process.
const spillMagic = "VSP1"

const (
	spillKey  = 1
	spillLoss = 2

	unitHead = 40
)

var errSpill = errors.New("spilled chunk is damaged")

type summingWriter struct {
	w   *bufio.Writer
	sum uint32
	n   int64
}

func (s *summingWriter) write(p []byte) error {
	s.sum = crc32.Update(s.sum, castagnoli, p)
	n, err := s.w.Write(p)
	s.n += int64(n)
	return err
}

// encodeChunk writes the units of a chunk and returns how many bytes it took.
func encodeChunk(w *bufio.Writer, units []models.AccessUnit) (int64, error) {
	s := summingWriter{w: w}
	name := string(units[0].Camera)
	b := append([]byte(spillMagic), 0, 0)
	binary.BigEndian.PutUint16(b[4:], uint16(len(name)))
	b = append(b, name...)
	for _, au := range units {
		var err error
		if b, err = appendUnitHead(b, au); err != nil {
			return s.n, err
		}
		if err := s.write(b); err != nil {
			return s.n, err
		}
		b = b[:0]
		for _, n := range au.NALUs {
			if err := s.write(n); err != nil {
				return s.n, err
			}
		}
	}
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, s.sum))
	return s.n + 4, err
}

func appendUnitHead(b []byte, au models.AccessUnit) ([]byte, error) {
	var flags byte
	var loss []byte
	if au.Key {
		flags |= spillKey
	}
	if au.Loss != nil {
		flags |= spillLoss
		var err error
		if loss, err = json.Marshal(au.Loss); err != nil {
			return b, fmt.Errorf("encode gap: %w", err)
		}
	}
	t := timeOf(au)
	b = append(b, flags, codecByte(au.Codec), clockByte(au.Clock), 0)
	b = binary.BigEndian.AppendUint32(b, t.session)
	b = binary.BigEndian.AppendUint64(b, uint64(t.media))
	b = binary.BigEndian.AppendUint64(b, uint64(t.wall))
	b = binary.BigEndian.AppendUint64(b, uint64(t.arrival))
	b = binary.BigEndian.AppendUint32(b, uint32(len(loss)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(au.NALUs)))
	for _, n := range au.NALUs {
		b = binary.BigEndian.AppendUint32(b, uint32(len(n)))
	}
	return append(b, loss...), nil
}

// decodeChunk reads what encodeChunk wrote. The units' bits stay in b.
func decodeChunk(b []byte) ([]models.AccessUnit, error) {
	if len(b) < len(spillMagic)+2+4 || string(b[:4]) != spillMagic {
		return nil, errSpill
	}
	end := len(b) - 4
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return nil, errSpill
	}
	return decodeUnits(b[4:end])
}

func decodeUnits(b []byte) ([]models.AccessUnit, error) {
	if len(b) < 2 {
		return nil, errSpill
	}
	name := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < name {
		return nil, errSpill
	}
	camera := models.CameraID(b[:name])
	b = b[name:]
	var units []models.AccessUnit
	for len(b) > 0 {
		au, rest, err := decodeUnit(b)
		if err != nil {
			return nil, err
		}
		au.Camera = camera
		units = append(units, au)
		b = rest
	}
	return units, nil
}

func decodeUnit(b []byte) (models.AccessUnit, []byte, error) {
	var au models.AccessUnit
	if len(b) < unitHead {
		return au, nil, errSpill
	}
	flags := b[0]
	au.Key = flags&spillKey != 0
	au.Codec, au.Clock = byteCodec(b[1]), byteClock(b[2])
	au.Session = int(binary.BigEndian.Uint32(b[4:]))
	au.At.Media = time.Duration(binary.BigEndian.Uint64(b[8:]))
	au.At.Wall = fromUnixNano(int64(binary.BigEndian.Uint64(b[16:])))
	au.Arrival = fromUnixNano(int64(binary.BigEndian.Uint64(b[24:])))
	lossLen, nalus := uint64(binary.BigEndian.Uint32(b[32:])), uint64(binary.BigEndian.Uint32(b[36:]))
	b = b[unitHead:]
	if uint64(len(b)) < 4*nalus {
		return au, nil, errSpill
	}
	lengths := b[:4*nalus]
	if b = b[4*nalus:]; uint64(len(b)) < lossLen {
		return au, nil, errSpill
	}
	if flags&spillLoss != 0 {
		au.Loss = new(models.Gap)
		if err := json.Unmarshal(b[:lossLen], au.Loss); err != nil {
			return au, nil, fmt.Errorf("%w: %w", errSpill, err)
		}
	}
	b = b[lossLen:]
	au.NALUs = make([][]byte, nalus)
	for i := range au.NALUs {
		n := uint64(binary.BigEndian.Uint32(lengths[4*i:]))
		if uint64(len(b)) < n {
			return au, nil, errSpill
		}
		au.NALUs[i] = b[:n:n]
		b = b[n:]
	}
	return au, b, nil
}

func codecByte(c models.Codec) byte {
	switch c {
	case models.H264:
		return 1
	case models.H265:
		return 2
	}
	return 0
}

func byteCodec(b byte) models.Codec {
	switch b {
	case 1:
		return models.H264
	case 2:
		return models.H265
	}
	return ""
}
