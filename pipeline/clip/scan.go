package clip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// maxHead bounds what is read into memory of a file's head or of a fragment's: our
	// own are a few kilobytes, and a fragment holds at most maxFragmentUnits rows.
	maxHead = 4 << 20
	// copyBuffer is the unit of reading picture data.
	copyBuffer = 256 << 10
)

// fileHead is the beginning of a clip: ftyp, moov and our header box.
type fileHead struct {
	header
	entry []byte // the sample entry, of a growing clip
	size  int64  // bytes; the fragments, or the mdat, begin there
}

// readHead reads and checks the beginning of a clip.
func readHead(r io.ReaderAt, size int64) (fileHead, error) {
	var off, moov, sealed int64
	for i, want := range [3]string{"ftyp", "moov", "uuid"} {
		h, err := readBoxHead(r, off, size)
		if err != nil {
			return fileHead{}, err
		}
		if h.typ != want || h.header != 8 {
			return fileHead{}, fmt.Errorf("box %q instead of %q", h.typ, want)
		}
		if i == 1 {
			moov = off
		}
		sealed = off
		off += h.size
	}
	if off-sealed > maxHead {
		return fileHead{}, fmt.Errorf("description of %d bytes", off-sealed)
	}
	b := make([]byte, off-sealed)
	if _, err := r.ReadAt(b, sealed); err != nil {
		return fileHead{}, err
	}
	head := fileHead{size: off}
	if _, err := openSealed(b, uuidHeader, &head.header); err != nil {
		return fileHead{}, err
	}
	// The sample tables of a finished clip may be large, so they pass by in pieces.
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, sealed+sealOffset)); err != nil {
		return fileHead{}, err
	}
	if binary.BigEndian.Uint32(b[sealOffset:]) != crc32.Update(sum.Sum32(), castagnoli, b[sealOffset+4:]) {
		return fileHead{}, errors.New("checksum of the head does not match")
	}
	if head.Version != version {
		return fileHead{}, fmt.Errorf("version %d of the clip format is not known", head.Version)
	}
	if head.Finished {
		return head, nil
	}
	if sealed-moov > maxHead {
		return fileHead{}, fmt.Errorf("moov of %d bytes without samples", sealed-moov)
	}
	b = make([]byte, sealed-moov)
	if _, err := r.ReadAt(b, moov); err != nil {
		return fileHead{}, err
	}
	stsd, err := findBox(b, "moov", "trak", "mdia", "minf", "stbl", "stsd")
	if err != nil {
		return fileHead{}, err
	}
	if len(stsd) < 8 {
		return fileHead{}, errNotWhole
	}
	head.entry = stsd[8:]
	return head, nil
}

// fragment is one fragment in a file.
type fragment struct {
	record
	off, size int64 // of the whole fragment, our record included
	times     []frameTime
	samples   []sample
	dts       int64 // decoding time of the first sample
	data      int64 // offset of the picture data
	dataSize  int64
	sum       uint32 // checksum so far, up to the picture data
	want      uint32 // checksum of all
}

// readFragment reads the head of the fragment at off. The picture data are there in full,
// but not checked yet.
func readFragment(r io.ReaderAt, off, size int64) (fragment, error) {
	f := fragment{off: off}
	var ends [4]int64
	at := off
	for i, want := range [4]string{"uuid", "prft", "moof", "mdat"} {
		h, err := readBoxHead(r, at, size)
		if err != nil {
			return f, err
		}
		if h.typ != want || h.header != 8 {
			return f, fmt.Errorf("box %q at %d instead of %q", h.typ, at, want)
		}
		at += h.size
		ends[i] = at
	}
	f.size = at - off
	f.data = ends[2] + 8
	f.dataSize = ends[3] - f.data
	if f.data-off > maxHead {
		return f, fmt.Errorf("fragment at %d has a head of %d bytes", off, f.data-off)
	}
	b := make([]byte, f.data-off)
	if _, err := r.ReadAt(b, off); err != nil {
		return f, err
	}
	rows, err := openSealed(b[:ends[0]-off], uuidFragment, &f.record)
	if err != nil {
		return f, err
	}
	f.want = binary.BigEndian.Uint32(b[sealOffset:])
	f.sum = crc32.Update(0, castagnoli, b[:sealOffset])
	f.sum = crc32.Update(f.sum, castagnoli, b[sealOffset+4:])
	if err := f.parseTimes(rows); err != nil {
		return f, err
	}
	return f, f.parseMoof(b[ends[1]-off : ends[2]-off])
}

func (f *fragment) parseTimes(rows []byte) error {
	if f.Frames <= 0 || len(rows) != f.Frames*frameTimeSize {
		return fmt.Errorf("%d frames in %d bytes of times", f.Frames, len(rows))
	}
	f.times = make([]frameTime, f.Frames)
	for i := range f.times {
		f.times[i] = parseFrameTime(rows[i*frameTimeSize:])
	}
	return nil
}

// parseMoof reads the sample table. It accepts what appendFragment writes, nothing else.
func (f *fragment) parseMoof(b []byte) error {
	traf, err := findBox(b, "moof", "traf")
	if err != nil {
		return err
	}
	tfdt, err := findBox(traf, "tfdt")
	if err != nil {
		return err
	}
	trun, err := findBox(traf, "trun")
	if err != nil {
		return err
	}
	if len(tfdt) != 12 || tfdt[0] != 1 {
		return errors.New("unknown tfdt")
	}
	dts := binary.BigEndian.Uint64(tfdt[4:])
	if dts > math.MaxInt64/2 {
		return errors.New("decoding time out of range")
	}
	f.dts = int64(dts)
	if len(trun) < 12 || binary.BigEndian.Uint32(trun) != 1<<24|trunFlags {
		return errors.New("unknown trun")
	}
	if len(trun) != 12+16*f.Frames || int64(binary.BigEndian.Uint32(trun[4:])) != int64(f.Frames) {
		return errors.New("trun disagrees about the number of frames")
	}
	f.samples = make([]sample, f.Frames)
	var total int64
	for i := range f.samples {
		f.samples[i] = parseSample(trun[12+16*i:])
		total += int64(f.samples[i].size)
	}
	if total != f.dataSize {
		return fmt.Errorf("samples take %d bytes of %d", total, f.dataSize)
	}
	return nil
}

// errDamaged says that a fragment's bytes are not those that were written.
var errDamaged = errors.New("checksum of a fragment does not match")

// check copies the picture data to w and compares the checksum.
func (f *fragment) check(r io.ReaderAt, w io.Writer, buf []byte) error {
	sum := f.sum
	for off, left := f.data, f.dataSize; left > 0; {
		p := buf[:min(left, int64(len(buf)))]
		if _, err := r.ReadAt(p, off); err != nil {
			return fmt.Errorf("read clip: %w", err)
		}
		sum = crc32.Update(sum, castagnoli, p)
		if _, err := w.Write(p); err != nil {
			return fmt.Errorf("write clip: %w", err)
		}
		off += int64(len(p))
		left -= int64(len(p))
	}
	if sum != f.want {
		return errDamaged
	}
	return nil
}

// scan walks a growing clip and calls visit for each whole fragment. With verify set a
// fragment is whole only when its picture data pass the checksum. Bytes that are not a
// whole fragment but have one after them, such as pages that a power cut left unwritten,
// are stepped over and become a gap. end is where the last whole fragment ends.
func scan(r io.ReaderAt, size int64, verify bool, visit func(fragment)) (head fileHead, info Info, end int64, err error) {
	head, err = readHead(r, size)
	if err != nil {
		return head, info, 0, headError(r, size, err)
	}
	if head.Finished {
		return head, info, 0, fmt.Errorf("%w: it is finished already", ErrCorrupt)
	}
	t := tally{info: Info{Codec: head.Info.Codec, Width: head.Info.Width, Height: head.Info.Height, Meta: head.Info.Meta}}
	buf := make([]byte, min(copyBuffer, size))
	end = head.size
	for off := end; off < size; {
		f, err := readFragment(r, off, size)
		if err == nil && verify {
			err = f.check(r, io.Discard, buf)
		}
		if isIO(err) {
			return head, info, 0, err
		}
		if err != nil {
			next, err := findSignature(r, off+1, size, buf)
			if err != nil {
				return head, info, 0, err
			}
			off = next
			continue
		}
		if off > end {
			t.info.Gaps = append(t.info.Gaps, damage(t.info.To, head, f, off-end))
		}
		t.add(f.times, f.Frame, f.Gaps)
		visit(f)
		off += f.size
		end = off
	}
	if t.info.Frames == 0 {
		return head, info, 0, ErrNothing
	}
	return head, t.info, end, nil
}

// isIO tells a failing disk from a file that is merely cut short or damaged.
func isIO(err error) bool {
	var pe *os.PathError
	return errors.As(err, &pe)
}

// headError tells a file that was cut before its first fragment from one whose head is
// damaged, or that was never ours.
func headError(r io.ReaderAt, size int64, err error) error {
	if isIO(err) {
		return err
	}
	next, serr := findSignature(r, 0, size, make([]byte, min(copyBuffer, size)))
	if serr != nil {
		return serr
	}
	if next < size {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	p := make([]byte, min(size, 20))
	if _, err := r.ReadAt(p, 0); err != nil {
		return err
	}
	var ours boxes
	ours.fileType()
	// Zeros are what a file system leaves of a file that was never synced.
	if strings.HasPrefix(string(ours.b), string(p)) || strings.Trim(string(p), "\x00") == "" {
		return ErrNothing
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// damage is the gap that a damaged stretch of a file leaves.
func damage(before time.Time, head fileHead, next fragment, bytes int64) models.Gap {
	if before.IsZero() {
		before = head.Info.From
	}
	return models.Gap{From: before, To: fromUnixNano(next.times[0].wall), Cause: models.CauseDisk,
		Note: fmt.Sprintf("%d bytes of the clip's file are damaged", bytes)}
}

// findSignature finds where the next fragment may begin; size when there is none. buf is
// for reading, and longer than a signature unless the file is not.
func findSignature(r io.ReaderAt, off, size int64, buf []byte) (int64, error) {
	const signature = "uuid" + uuidFragment
	for off < size {
		p := buf[:min(size-off, int64(len(buf)))]
		if _, err := r.ReadAt(p, off); err != nil {
			return 0, fmt.Errorf("read clip: %w", err)
		}
		// The signature follows the four bytes of the box's size.
		if i := strings.Index(string(p), signature); i >= 4 {
			return off + int64(i) - 4, nil
		} else if i >= 0 {
			off += int64(i) + 1
			continue
		}
		if off+int64(len(p)) == size {
			break
		}
		off += int64(len(p) - len(signature) - 4)
	}
	return size, nil
}
