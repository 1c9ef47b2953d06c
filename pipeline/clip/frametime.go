package clip

import (
	"encoding/binary"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// frameTime is what a clip remembers about the time of one picture beyond the MP4
// timeline: the camera's media time, both wall clocks, and which connection it came over.
type frameTime struct {
	media   time.Duration
	wall    int64 // nanoseconds since 1970, or noTime
	arrival int64 // nanoseconds since 1970, or noTime
	session uint32
	clock   models.Clock
}

// frameTimeSize is the size of one row in a file: media, wall and arrival as signed
// 64-bit nanoseconds, the session as 32 bits, the clock as one byte and three of zero,
// all big-endian.
const frameTimeSize = 32

var clocks = [...]models.Clock{1: models.ClockArrival, 2: models.ClockCamera, 3: models.ClockFile}

func timeOf(au models.AccessUnit) frameTime {
	return frameTime{
		media:   au.At.Media,
		wall:    unixNano(au.At.Wall),
		arrival: unixNano(au.Arrival),
		session: uint32(au.Session),
		clock:   au.Clock,
	}
}

func (f frameTime) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(f.media))
	b = binary.BigEndian.AppendUint64(b, uint64(f.wall))
	b = binary.BigEndian.AppendUint64(b, uint64(f.arrival))
	b = binary.BigEndian.AppendUint32(b, f.session)
	return append(b, clockByte(f.clock), 0, 0, 0)
}

func parseFrameTime(b []byte) frameTime {
	return frameTime{
		media:   time.Duration(binary.BigEndian.Uint64(b)),
		wall:    int64(binary.BigEndian.Uint64(b[8:])),
		arrival: int64(binary.BigEndian.Uint64(b[16:])),
		session: binary.BigEndian.Uint32(b[24:]),
		clock:   byteClock(b[28]),
	}
}

func clockByte(c models.Clock) byte {
	for i, known := range clocks {
		if known == c {
			return byte(i)
		}
	}
	return 0
}

func byteClock(b byte) models.Clock {
	if int(b) < len(clocks) {
		return clocks[b]
	}
	return ""
}
