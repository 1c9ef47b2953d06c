package clip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// boxes appends ISO base media file format boxes (ISO/IEC 14496-12, 4.2) to b.
type boxes struct {
	b    []byte
	open []int // offsets of the boxes that have begun and not ended
}

func (w *boxes) begin(typ string) {
	w.open = append(w.open, len(w.b))
	w.u32(0) // the size, set by end
	w.b = append(w.b, typ...)
}

func (w *boxes) beginFull(typ string, version uint8, flags uint32) {
	w.begin(typ)
	w.u32(uint32(version)<<24 | flags)
}

func (w *boxes) end() {
	off := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	binary.BigEndian.PutUint32(w.b[off:], uint32(len(w.b)-off))
}

func (w *boxes) u8(v uint8)    { w.b = append(w.b, v) }
func (w *boxes) u16(v uint16)  { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *boxes) u32(v uint32)  { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64)  { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *boxes) raw(p []byte)  { w.b = append(w.b, p...) }
func (w *boxes) text(s string) { w.b = append(w.b, s...) }

func (w *boxes) setU32(off int, v uint32) { binary.BigEndian.PutUint32(w.b[off:], v) }

func (w *boxes) zero(n int) {
	for range n {
		w.b = append(w.b, 0)
	}
}

// boxHead is the header of a box in a file.
type boxHead struct {
	typ    string
	header int64 // bytes of the header itself: 8, or 16 with a 64-bit size
	size   int64 // bytes of the whole box
}

var errNotWhole = errors.New("box is not whole")

// readBoxHead reads the header at off. A box that reaches beyond end is not whole; a size
// of zero ("to the end of the file") is not either, because we never write it.
func readBoxHead(r io.ReaderAt, off, end int64) (boxHead, error) {
	var p [16]byte
	if end-off < 8 {
		return boxHead{}, errNotWhole
	}
	if _, err := r.ReadAt(p[:8], off); err != nil {
		return boxHead{}, err
	}
	h := boxHead{typ: string(p[4:8]), header: 8, size: int64(binary.BigEndian.Uint32(p[:4]))}
	if h.size == 1 {
		if end-off < 16 {
			return boxHead{}, errNotWhole
		}
		if _, err := r.ReadAt(p[8:], off+8); err != nil {
			return boxHead{}, err
		}
		h.header = 16
		h.size = int64(binary.BigEndian.Uint64(p[8:]))
	}
	if h.size < h.header || h.size > end-off {
		return boxHead{}, fmt.Errorf("%w: %q of %d bytes at %d", errNotWhole, h.typ, h.size, off)
	}
	return h, nil
}

// splitBox takes the first box off b. Only 32-bit sizes: b is a box body in memory.
func splitBox(b []byte) (typ string, body, rest []byte, err error) {
	if len(b) < 8 {
		return "", nil, nil, errNotWhole
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size < 8 || size > int64(len(b)) {
		return "", nil, nil, errNotWhole
	}
	return string(b[4:8]), b[8:size], b[size:], nil
}

// findBox descends along path and returns the body of the box found there.
func findBox(b []byte, path ...string) ([]byte, error) {
	for _, want := range path {
		for {
			typ, body, rest, err := splitBox(b)
			if err != nil {
				return nil, fmt.Errorf("box %q: %w", want, err)
			}
			if typ == want {
				b = body
				break
			}
			b = rest
		}
	}
	return b, nil
}
