package clip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"
)

// uuidTable is the last box of a growing clip that was finished with a table: what a walk
// over the heads of its fragments would tell. A walk takes a seek for each second of
// footage, the table one for each file.
const uuidTable = uuidBase + "\x04"

// fileTable says where the pictures of a growing clip lie, and when they were taken.
type fileTable struct {
	entry []byte // the sample entry
	info  Info
	frags []fragment // with samples and times
}

// tableHead is the JSON of the table's box. The rows of the fragments follow, then those
// of the samples, then those of the times, then the size of the box.
type tableHead struct {
	Version   int    `json:"version"`
	Info      Info   `json:"info"`
	Entry     []byte `json:"entry"`
	Fragments int    `json:"fragments"`
	Samples   int    `json:"samples"`
}

const (
	// A fragment's row: offset in the file and decoding time (64 bits each), the length of
	// one picture in ticks, offset of the picture data from the fragment's beginning, their
	// size, number of samples (32 bits each).
	fragmentRow = 32
	// A sample's row is that of trun: duration, size, flags, composition offset.
	sampleRow = 16
	// maxTable bounds a table in memory: a day of 30 frames a second.
	maxTable = 192 << 20
)

// addGrowing remembers a fragment that was just written from off to end of the file. next
// is the decoding time of the unit after it.
func (t *fileTable) addGrowing(units []growing, next int64, frame time.Duration, off, end int64) {
	f := fragment{off: off, size: end - off, dts: units[0].dts,
		samples: make([]sample, len(units)), times: make([]frameTime, len(units))}
	f.Frames, f.Frame = len(units), frame
	for i, u := range units {
		after := next
		if i+1 < len(units) {
			after = units[i+1].dts
		}
		f.samples[i] = sampleOf(u, after)
		f.times[i] = timeOf(u.au)
		f.dataSize += int64(f.samples[i].size)
	}
	f.data = end - f.dataSize
	t.frags = append(t.frags, f)
}

// sampleOf describes a unit whose successor is decoded at next.
func sampleOf(u growing, next int64) sample {
	return sample{
		duration: uint32(min(next-u.dts, math.MaxUint32)),
		size:     uint32(sampleSize(u.au.NALUs)),
		offset:   int32(min(max(u.pts-u.dts, math.MinInt32), math.MaxInt32)),
		key:      u.au.Key,
	}
}

func (s sample) flags() uint32 {
	if s.key {
		return flagsKey
	}
	return flagsDelta
}

// append writes the box.
func (t *fileTable) append(b []byte) ([]byte, error) {
	w := boxes{b: b}
	start := len(b)
	head := tableHead{Version: version, Info: t.info, Entry: t.entry, Fragments: len(t.frags)}
	for _, f := range t.frags {
		head.Samples += len(f.samples)
	}
	if err := w.beginSealed(uuidTable, head); err != nil {
		return b, err
	}
	for _, f := range t.frags {
		w.u64(uint64(f.off))
		w.u64(uint64(f.dts))
		w.u32(uint32(ticks(f.Frame)))
		w.u32(uint32(f.data - f.off))
		w.u32(uint32(f.dataSize))
		w.u32(uint32(len(f.samples)))
	}
	for _, f := range t.frags {
		for _, s := range f.samples {
			w.u32(s.duration)
			w.u32(s.size)
			w.u32(s.flags())
			w.u32(uint32(s.offset))
		}
	}
	for _, f := range t.frags {
		for _, ft := range f.times {
			w.b = ft.append(w.b)
		}
	}
	w.u64(uint64(len(w.b) + 8 - start))
	w.end()
	if len(w.b)-start > maxTable {
		return b, fmt.Errorf("table of %d bytes is too large", len(w.b)-start)
	}
	seal(w.b[start:], sealOffset)
	return w.b, nil
}

// writeTable ends the file with its table. The file is synced afterwards.
func (w *Writer) writeTable() error {
	w.table.entry, w.table.info = w.track.entry, w.tally.info
	b, err := w.table.append(w.buf[:0])
	if err == nil {
		err = w.append(b)
	}
	return err
}

// tailRead is how much of the end of a file is read at first: the table of a minute of 30
// frames a second.
const tailRead = 96 << 10

var errNoTable = errors.New("no table at the end")

// readFileTable reads the table at the end of a growing clip. The error is errNoTable when
// there is no sound one; any other comes from the disk.
func readFileTable(r io.ReaderAt, size int64) (*fileTable, error) {
	if size < jsonOffset+8 {
		return nil, errNoTable
	}
	tail := make([]byte, min(size, tailRead))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(tail[len(tail)-8:])
	if n < jsonOffset+8 || n > maxTable || n > uint64(size) {
		return nil, errNoTable
	}
	box := tail
	if n > uint64(len(tail)) {
		box = make([]byte, n)
		if _, err := r.ReadAt(box, size-int64(n)); err != nil {
			return nil, err
		}
	}
	t, err := parseFileTable(box[uint64(len(box))-n:], size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoTable, err)
	}
	return t, nil
}

// parseFileTable reads the box b, which ends a file of the given size.
func parseFileTable(b []byte, size int64) (*fileTable, error) {
	if typ, _, rest, err := splitBox(b); err != nil || typ != "uuid" || len(rest) > 0 {
		return nil, errNotWhole
	}
	var head tableHead
	rows, err := openSealed(b, uuidTable, &head)
	if err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint32(b[sealOffset:]) != checksum(b, sealOffset) {
		return nil, errors.New("checksum of the table does not match")
	}
	want := int64(head.Fragments)*fragmentRow + int64(head.Samples)*(sampleRow+frameTimeSize) + 8
	if head.Version != version || head.Fragments <= 0 || head.Fragments > len(rows) ||
		head.Samples <= 0 || head.Samples > len(rows) || int64(len(rows)) != want {
		return nil, errors.New("the table's rows do not add up")
	}
	t := &fileTable{entry: head.Entry, info: head.Info, frags: make([]fragment, head.Fragments)}
	samples := make([]sample, head.Samples)
	times := make([]frameTime, head.Samples)
	at := rows[head.Fragments*fragmentRow:]
	for i := range samples {
		samples[i] = parseSample(at[i*sampleRow:])
	}
	at = at[head.Samples*sampleRow:]
	for i := range times {
		times[i] = parseFrameTime(at[i*frameTimeSize:])
	}
	end := size - int64(len(b)) // of the fragments
	for i := range t.frags {
		if err := t.frags[i].parseRow(rows[i*fragmentRow:], &samples, &times, end); err != nil {
			return nil, err
		}
	}
	if len(samples) > 0 {
		return nil, errors.New("samples without a fragment")
	}
	return t, nil
}

// parseRow reads a fragment's row and takes its samples and times off the front.
func (f *fragment) parseRow(p []byte, samples *[]sample, times *[]frameTime, end int64) error {
	u32 := binary.BigEndian.Uint32
	off, dts := binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:])
	data, n := int64(u32(p[20:])), int(u32(p[28:]))
	f.dataSize = int64(u32(p[24:]))
	if off > uint64(end) || dts > math.MaxInt64/2 || data > maxHead || int64(off)+data+f.dataSize > end ||
		n <= 0 || n > len(*samples) {
		return errors.New("a fragment lies outside the file")
	}
	f.off, f.dts, f.data, f.size = int64(off), int64(dts), int64(off)+data, data+f.dataSize
	f.Frames, f.Frame = n, time.Duration(u32(p[16:]))*time.Second/timescale
	f.samples, f.times = (*samples)[:n:n], (*times)[:n:n]
	*samples, *times = (*samples)[n:], (*times)[n:]
	var total int64
	for _, s := range f.samples {
		total += int64(s.size)
	}
	if total != f.dataSize {
		return fmt.Errorf("samples take %d bytes of %d", total, f.dataSize)
	}
	return nil
}

func parseSample(p []byte) sample {
	return sample{
		duration: binary.BigEndian.Uint32(p),
		size:     binary.BigEndian.Uint32(p[4:]),
		key:      binary.BigEndian.Uint32(p[8:]) == flagsKey,
		offset:   int32(binary.BigEndian.Uint32(p[12:])),
	}
}

// tableOf is the table of a growing clip: the one at its end, or what a walk finds. With
// verify set it walks, and leaves out the fragments whose pictures are damaged.
func tableOf(f *os.File, size int64, verify bool) (*fileTable, error) {
	if !verify {
		t, err := readFileTable(f, size)
		if !errors.Is(err, errNoTable) {
			return t, err
		}
	}
	t := &fileTable{}
	head, info, _, err := scan(f, size, verify, func(fr fragment) { t.frags = append(t.frags, fr) })
	if err != nil {
		return nil, err
	}
	t.entry, t.info = head.entry, info
	return t, nil
}

// Seal makes a growing clip that a crash left behind what Writer leaves with Table set: cut
// back to its last whole fragment, with a table at its end, synced. A clip that has its
// table is left as it is, so the step can be repeated. The errors are those of Recover.
func Seal(path string) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return Info{}, fmt.Errorf("seal clip: %w", err)
	}
	defer f.Close()
	info, err := sealFile(f)
	if err != nil {
		return Info{}, fmt.Errorf("seal clip %s: %w", path, err)
	}
	return info, nil
}

func sealFile(f *os.File) (Info, error) {
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	if st.Size() == 0 {
		return Info{}, ErrNothing
	}
	switch t, err := readFileTable(f, st.Size()); {
	case err == nil:
		t.info.Bytes = st.Size()
		return t.info, nil
	case !errors.Is(err, errNoTable):
		return Info{}, err
	}
	t := &fileTable{}
	head, info, end, err := scan(f, st.Size(), true, func(fr fragment) { t.frags = append(t.frags, fr) })
	if err != nil {
		return Info{}, err
	}
	t.entry, t.info = head.entry, info
	b, err := t.append(nil)
	if err != nil {
		return Info{}, err
	}
	if err := f.Truncate(end); err != nil {
		return Info{}, err
	}
	if _, err := f.WriteAt(b, end); err != nil {
		return Info{}, err
	}
	if err := f.Sync(); err != nil {
		return Info{}, err
	}
	info.Bytes = end + int64(len(b))
	return info, nil
}

// whole says whether the bytes of a fragment, its head included, are those that were
// written.
func (f *fragment) whole(b []byte) bool {
	return len(b) >= jsonOffset && string(b[8:sealOffset]) == uuidFragment &&
		binary.BigEndian.Uint32(b[sealOffset:]) == crc32.Update(crc32.Update(0, castagnoli, b[:sealOffset]), castagnoli, b[sealOffset+4:])
}
