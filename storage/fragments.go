package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// errNoFragments says that a file is no fragmented MP4.
var errNoFragments = errors.New("no fragmented MP4")

// wholeFragments finds where the fragments of a growing MP4 that are whole end: at most
// limit bytes after from, but for a first fragment that is longer by itself. It looks at
// the heads of the outermost boxes alone (ISO/IEC 14496-12, 4.2), and takes the time of
// the last fragment's first picture from its producer reference time (prft, 8.16.5). The
// end is from when nothing is whole.
func wholeFragments(r io.ReaderAt, from, size, limit int64) (end int64, upTo time.Time, err error) {
	end = from
	var at time.Time
	for off := from; ; {
		var head [32]byte
		n, err := r.ReadAt(head[:min(int64(len(head)), max(0, size-off))], off)
		if err != nil && err != io.EOF {
			return from, time.Time{}, err
		}
		if n < 8 {
			return end, upTo, nil
		}
		length, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:8])
		if length == 1 { // a 64-bit length follows
			if n < 16 {
				return end, upTo, nil
			}
			length = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if length < 8 || length > maxFragment {
			return end, upTo, fmt.Errorf("%w: box %q at byte %d has length %d", errNoFragments, kind, off, length)
		}
		if off+length > size {
			return end, upTo, nil // still being written
		}
		off += length
		switch {
		case kind == "prft" && n == len(head):
			at = ntpTime(binary.BigEndian.Uint64(head[16:]))
		case kind == "mdat":
			if end > from && off-from > limit {
				return end, upTo, nil
			}
			end, upTo = off, at
		}
	}
}

// ntpEpoch is the second from which NTP counts (RFC 5905, 6), in Unix time.
const ntpEpoch = -2_208_988_800

// ntpTime reads a 64-bit NTP time stamp of era 0.
func ntpTime(v uint64) time.Time {
	return time.Unix(int64(v>>32)+ntpEpoch, int64((v&0xffffffff)*1e9>>32)).UTC()
}
