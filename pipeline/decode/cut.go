package decode

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxBoxes bounds the walk through a container's outermost layer; a day of fragments of
// one second each has 172 800.
const maxBoxes = 1 << 20

// cutOff says whether a container's outermost layer promises more bytes than the file
// has. libavformat reads such files to their end and reports nothing. Containers without
// outer sizes (transport streams, raw H.264) cannot be judged and count as whole.
func cutOff(r io.ReaderAt, size int64) bool {
	var head [12]byte
	n := peek(r, size, 0, head[:])
	switch {
	case n >= 8 && isBox(head[4:8]):
		return cutBoxes(r, size)
	case n == 12 && string(head[:4]) == "RIFF":
		return cutRIFF(r, size)
	case n >= 4 && string(head[:4]) == "\x1a\x45\xdf\xa3":
		return cutMatroska(r, size)
	}
	return false
}

// peek reads what there is of b at the given place and returns how much that is. A file
// that cannot be read counts as ending there; the demuxer has met the error itself.
func peek(r io.ReaderAt, size, at int64, b []byte) int {
	if at >= size {
		return 0
	}
	n, _ := r.ReadAt(b[:min(int64(len(b)), size-at)], at)
	return n
}

// isBox knows the types with which an ISO base media or QuickTime file begins.
func isBox(kind []byte) bool {
	switch string(kind) {
	case "ftyp", "styp", "moov", "mdat", "free", "skip", "wide", "pnot":
		return true
	}
	return false
}

// cutBoxes walks the boxes of ISO/IEC 14496-12, 4.2: 32-bit size and type, a 64-bit size
// when the short one is 1, and 0 for "to the end of the file". Media data without an
// index means that the recorder never came to write it.
func cutBoxes(r io.ReaderAt, size int64) bool {
	var media, index bool
	at := int64(0)
	for range maxBoxes {
		var head [16]byte
		n := peek(r, size, at, head[:])
		if n < 8 {
			return n > 0 && bytes.Trim(head[:n], "\x00") != nil || media && !index
		}
		length := int64(binary.BigEndian.Uint32(head[:4]))
		switch string(head[4:8]) {
		case "mdat":
			media = true
		case "moov":
			index = true
		}
		switch {
		case length == 0:
			return media && !index
		case length == 1:
			if n < 16 {
				return true
			}
			wide := binary.BigEndian.Uint64(head[8:])
			if wide < 16 {
				return false // not a box: nothing can be said about what follows
			}
			if wide > uint64(size-at) {
				return true
			}
			length = int64(wide)
		case length < 8:
			return false
		}
		if length > size-at {
			return true
		}
		at += length
	}
	return false
}

// cutRIFF walks the RIFF chunks of an AVI file; OpenDML has one for each gigabyte.
// Size 0 and all ones mean that the writer could not seek back to fill it in.
func cutRIFF(r io.ReaderAt, size int64) bool {
	at := int64(0)
	for range maxBoxes {
		var head [8]byte
		if n := peek(r, size, at, head[:]); n < 8 || string(head[:4]) != "RIFF" {
			return false
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		if length == 0 || length == 1<<32-1 {
			return false
		}
		if length > size-at-8 {
			return true
		}
		at += 8 + length + length&1
	}
	return false
}

// cutMatroska looks for the segment after the EBML header (RFC 8794, RFC 9559). A segment
// of unknown size ends where it ends.
func cutMatroska(r io.ReaderAt, size int64) bool {
	at := int64(4)
	length, n, known := ebmlSize(r, at, size)
	if n == 0 || !known || length > size-at-n {
		return n == 0 || known
	}
	at += n + length
	var id [4]byte
	if peek(r, size, at, id[:]) < 4 {
		return true
	}
	if string(id[:]) != "\x18\x53\x80\x67" {
		return false
	}
	length, n, known = ebmlSize(r, at+4, size)
	return n == 0 || known && length > size-at-4-n
}

// ebmlSize reads a variable-size integer of 1 to 8 bytes: the zeros before its first one
// bit tell the length; all data bits set means unknown. n is 0 when it is cut or invalid.
func ebmlSize(r io.ReaderAt, at, size int64) (value, n int64, known bool) {
	var b [8]byte
	got := peek(r, size, at, b[:])
	if got == 0 || b[0] == 0 {
		return 0, 0, false
	}
	n = 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	if got < int(n) {
		return 0, 0, false
	}
	v := uint64(b[0]) & (1<<(8-n) - 1)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return int64(v), n, v != 1<<(7*n)-1
}
