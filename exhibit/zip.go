package exhibit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"time"
)

// The zip file is written by hand because archive/zip cannot write a stored file without
// either a second description behind its data, which streaming readers (macOS, Java) refuse
// for stored files, or header bytes that only archive/zip knows how to repeat. Field numbers
// are those of APPNOTE.TXT 6.3.10.
const (
	sigLocal     = 0x04034b50
	sigCentral   = 0x02014b50
	sigEnd       = 0x06054b50
	sigEnd64     = 0x06064b50
	sigLocator64 = 0x07064b50

	sizeLocal     = 30
	sizeCentral   = 46
	sizeEnd       = 22
	sizeEnd64     = 56
	sizeLocator64 = 20

	flagUTF8    = 1 << 11
	madeByUnix  = 3<<8 | 45
	needs20     = 20
	needs45     = 45         // zip64
	regularFile = 0o100644   // Unix mode of every file
	large       = 0xffffffff // this much or more is told in a zip64 field

	// maxEntries bounds a package: far above what people hand over, and below where the
	// number of entries itself needs zip64.
	maxEntries = 50_000
	maxName    = 1000
)

// zipEntry is one file of a package.
type zipEntry struct {
	name string
	size int64
	crc  uint32
	data int64 // offset of its first byte
}

// container is a whole zip file but for the data: everything else follows from it.
type container struct {
	entries []zipEntry
	when    dosTime
}

// place sets the offsets of the data.
func (c *container) place() {
	at := int64(0)
	for i := range c.entries {
		e := &c.entries[i]
		e.data = at + int64(len(e.local(c.when)))
		at = e.data + e.size
	}
}

// directoryOffset is where the data ends and the directory begins.
func (c *container) directoryOffset() int64 {
	if len(c.entries) == 0 {
		return 0
	}
	last := c.entries[len(c.entries)-1]
	return last.data + last.size
}

// length is the size of the whole file.
func (c *container) length() int64 { return c.directoryOffset() + int64(len(c.tail())) }

// local is the header in front of a file's data.
func (e zipEntry) local(when dosTime) []byte {
	var extra []byte
	size, needs := uint32(e.size), uint16(needs20)
	if e.size >= large {
		size, needs = large, needs45
		extra = le16(extra, 1, 16)
		extra = le64(extra, uint64(e.size), uint64(e.size))
	}
	b := le32(nil, sigLocal)
	b = le16(b, needs, flagUTF8, 0, when.time, when.date)
	b = le32(b, e.crc, size, size)
	b = le16(b, uint16(len(e.name)), uint16(len(extra)))
	return append(append(b, e.name...), extra...)
}

// central is the entry of a file in the directory.
func (e zipEntry) central(when dosTime) []byte {
	header := e.data - int64(len(e.local(when)))
	var extra []byte
	size, offset, needs := uint32(e.size), uint32(header), uint16(needs20)
	if e.size >= large {
		size, needs = large, needs45
		extra = le64(extra, uint64(e.size), uint64(e.size))
	}
	if header >= large {
		offset, needs = large, needs45
		extra = le64(extra, uint64(header))
	}
	if len(extra) > 0 {
		extra = append(le16(nil, 1, uint16(len(extra))), extra...)
	}
	b := le32(nil, sigCentral)
	b = le16(b, madeByUnix, needs, flagUTF8, 0, when.time, when.date)
	b = le32(b, e.crc, size, size)
	b = le16(b, uint16(len(e.name)), uint16(len(extra)), 0, 0, 0)
	b = le32(b, regularFile<<16, offset)
	return append(append(b, e.name...), extra...)
}

// tail is what follows the data: the directory and its end.
func (c *container) tail() []byte {
	var b []byte
	for _, e := range c.entries {
		b = append(b, e.central(c.when)...)
	}
	offset, length, n := uint64(c.directoryOffset()), uint64(len(b)), uint16(len(c.entries))
	short := uint32(min(offset, large))
	if offset >= large {
		b = le32(b, sigEnd64)
		b = le64(b, sizeEnd64-12)
		b = le16(b, madeByUnix, needs45)
		b = le32(b, 0, 0)
		b = le64(b, uint64(n), uint64(n), length, offset)
		b = le32(b, sigLocator64, 0)
		b = le64(b, offset+length)
		b = le32(b, 1)
	}
	b = le32(b, sigEnd)
	b = le16(b, 0, 0, n, n)
	b = le32(b, uint32(length), short)
	return le16(b, 0)
}

// write writes the zip file. open gives the data of entry i, which must have the size and
// the checksum that the entry states.
func (c *container) write(w io.Writer, open func(i int) (io.ReadCloser, error)) error {
	c.place()
	for i, e := range c.entries {
		if _, err := w.Write(e.local(c.when)); err != nil {
			return err
		}
		if err := copyEntry(w, e, func() (io.ReadCloser, error) { return open(i) }); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	_, err := w.Write(c.tail())
	return err
}

func copyEntry(w io.Writer, e zipEntry, open func() (io.ReadCloser, error)) (err error) {
	r, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	sum := crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, e.size+1))
	if err != nil {
		return err
	}
	if n != e.size || sum.Sum32() != e.crc {
		return errChanged
	}
	return nil
}

var errChanged = errors.New("it changed while the package was made")

// errContainer says that the file is not a zip file of the one form that is written here.
type errContainer struct{ said string }

func (e errContainer) Error() string { return e.said }

func malformed(format string, args ...any) error { return errContainer{fmt.Sprintf(format, args...)} }

// readContainer reads the directory of a zip file and compares every byte that is not data
// with what the directory makes it.
func readContainer(r io.ReaderAt, size int64) (*container, error) {
	start, length, n, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	dir := make([]byte, length)
	if _, err := r.ReadAt(dir, start); err != nil {
		return nil, fmt.Errorf("read the directory: %w", err)
	}
	c := &container{}
	for i := range n {
		e, rest, err := c.parseCentral(dir, i == 0)
		if err != nil {
			return nil, err
		}
		c.entries = append(c.entries, e)
		dir = rest
	}
	at := int64(0)
	for i := range c.entries {
		e := &c.entries[i]
		e.data = at + int64(len(e.local(c.when)))
		if e.size > size-e.data {
			return nil, malformed("%s reaches beyond the end of the file", e.name)
		}
		if err := same(r, at, e.local(c.when)); err != nil {
			return nil, err
		}
		at = e.data + e.size
	}
	if at != start {
		return nil, malformed("%d bytes before the directory belong to no file", start-at)
	}
	tail := c.tail()
	if at+int64(len(tail)) != size {
		return nil, malformed("%d bytes at the end belong to no file", size-at-int64(len(tail)))
	}
	return c, same(r, at, tail)
}

// findDirectory reads the end of the file. There is no comment, so that it has one place.
func findDirectory(r io.ReaderAt, size int64) (start, length int64, n int, err error) {
	if size < sizeEnd {
		return 0, 0, 0, malformed("%d bytes are too few for a package", size)
	}
	end := make([]byte, sizeEnd)
	if _, err := r.ReadAt(end, size-sizeEnd); err != nil {
		return 0, 0, 0, fmt.Errorf("read the end of the file: %w", err)
	}
	if binary.LittleEndian.Uint32(end) != sigEnd {
		return 0, 0, 0, malformed("the end of the file is not that of a package: it is cut off, or something was added")
	}
	n = int(binary.LittleEndian.Uint16(end[10:]))
	length = int64(binary.LittleEndian.Uint32(end[12:]))
	start = int64(binary.LittleEndian.Uint32(end[16:]))
	if start == large {
		if size < sizeEnd+sizeLocator64+sizeEnd64 {
			return 0, 0, 0, malformed("%d bytes are too few for a large package", size)
		}
		var b [8]byte
		if _, err := r.ReadAt(b[:], size-sizeEnd-sizeLocator64-8); err != nil {
			return 0, 0, 0, fmt.Errorf("read the end of the file: %w", err)
		}
		far := binary.LittleEndian.Uint64(b[:])
		if far > math.MaxInt64 {
			return 0, 0, 0, malformed("the directory is said to begin beyond any file")
		}
		start = int64(far)
	}
	if n == 0 || n > maxEntries || length > int64(n)*(sizeCentral+maxName+28) || start > size-length {
		return 0, 0, 0, malformed("the directory is said to have %d entries in %d bytes at %d", n, length, start)
	}
	return start, length, n, nil
}

// parseCentral takes the first entry off the directory.
func (c *container) parseCentral(b []byte, first bool) (e zipEntry, rest []byte, err error) {
	if len(b) < sizeCentral || binary.LittleEndian.Uint32(b) != sigCentral {
		return e, nil, malformed("the directory is not whole")
	}
	if first {
		c.when = dosTime{binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:])}
	}
	e.crc = binary.LittleEndian.Uint32(b[16:])
	size := uint64(binary.LittleEndian.Uint32(b[24:]))
	name := int(binary.LittleEndian.Uint16(b[28:]))
	extra := int(binary.LittleEndian.Uint16(b[30:]))
	if name == 0 || name > maxName || extra > 28 || len(b) < sizeCentral+name+extra {
		return e, nil, malformed("an entry of the directory has a name of %d and an extra field of %d bytes", name, extra)
	}
	e.name = string(b[sizeCentral : sizeCentral+name])
	if size == large {
		if extra < 12 {
			return e, nil, malformed("%q is large and its size is not told", e.name)
		}
		size = binary.LittleEndian.Uint64(b[sizeCentral+name+4:])
	}
	if size > math.MaxInt64/2 {
		return e, nil, malformed("%q is said to have %d bytes", e.name, size)
	}
	e.size = int64(size)
	return e, b[sizeCentral+name+extra:], nil
}

// same compares bytes of the file with what they have to be.
func same(r io.ReaderAt, off int64, want []byte) error {
	got := make([]byte, len(want))
	if _, err := r.ReadAt(got, off); err != nil && err != io.EOF {
		return fmt.Errorf("read at byte %d: %w", off, err)
	}
	if bytes.Equal(got, want) {
		return nil
	}
	i := 0
	for i < len(want) && got[i] == want[i] {
		i++
	}
	return malformed("byte %d is not what the rest of the package makes it", off+int64(i))
}

// dosTime is a time as zip files tell it, without a zone and to two seconds.
type dosTime struct{ time, date uint16 }

// toDOS gives a time of UTC; zip files begin in 1980 and end in 2107.
func toDOS(t time.Time) dosTime {
	t = t.UTC()
	if t.Year() < 1980 || t.Year() > 2107 {
		return dosTime{0, 1<<5 | 1}
	}
	return dosTime{
		uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2),
		uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()),
	}
}

func le16(b []byte, vs ...uint16) []byte {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}

func le32(b []byte, vs ...uint32) []byte {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func le64(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// reader reads the data of an entry.
func (e zipEntry) reader(r io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(r, e.data, e.size)
}
