package clip

import "math"

// tables are the sample tables of a finished clip (ISO/IEC 14496-12, 8.6 and 8.7). Each
// fragment becomes one chunk. They take 16 bytes a picture.
type tables struct {
	samples []sample // duration set from the next sample's decoding time
	chunks  []chunkRef
	shift   int64  // ticks added to composition offsets so that none is negative
	shown   uint64 // ticks from the first picture to the end of the last
	decoded uint64 // ticks, sum of durations
	start   uint64 // ticks on the media timeline at which the first picture is shown
	large   bool   // 64-bit chunk offsets

	last struct{ dts, frame int64 } // of the newest sample, ticks
	data int64
}

type chunkRef struct {
	offset  int64 // in the picture data
	samples uint32
	entry   uint32 // sample description, from 1
}

// add appends a fragment. The stretch between its first decoding time and the last one
// before it is the duration of the sample before: a gap stays as long as it was, up to
// the 13 hours that a duration can hold.
func (t *tables) add(f fragment) {
	if n := len(t.samples); n > 0 {
		t.samples[n-1].duration = uint32(min(max(f.dts-t.last.dts, 0), math.MaxUint32))
	}
	dts := f.dts
	for i, s := range f.samples {
		if i > 0 {
			dts += int64(f.samples[i-1].duration)
		}
		t.samples = append(t.samples, s)
	}
	t.last.dts, t.last.frame = dts, ticks(f.Frame)
	t.chunks = append(t.chunks, chunkRef{t.data, uint32(len(f.samples)), 1})
	t.data += f.dataSize
}

// close computes the durations once all fragments are in. The last picture is shown for
// one picture's time, also when the writer saw a gap after it and died.
func (t *tables) close() {
	last := &t.samples[len(t.samples)-1]
	last.duration = uint32(min(int64(last.duration), max(t.last.frame, 1)))
	var dts int64
	lowest, highest := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range t.samples {
		pts := dts + int64(s.offset)
		lowest = min(lowest, pts)
		highest = max(highest, pts+int64(s.duration))
		t.shift = max(t.shift, -int64(s.offset))
		dts += int64(s.duration)
	}
	t.decoded = uint64(dts)
	t.shown = uint64(highest - lowest)
	t.start = uint64(lowest + t.shift)
	t.large = t.data > math.MaxUint32-maxTables
}

// maxTables is room for all that precedes the picture data in a file of under 4 GiB.
const maxTables = 256 << 20

func (t *tables) write(w *boxes, dataOffset int64) {
	w.runs("stts", t.samples, func(s sample) uint32 { return s.duration })
	if t.anyOffset() {
		w.runs("ctts", t.samples, func(s sample) uint32 { return uint32(int64(s.offset) + t.shift) })
	}
	w.syncSamples(t.samples)

	w.beginFull("stsc", 0, 0)
	count := len(w.b)
	w.u32(0)
	entries, before := uint32(0), chunkRef{}
	for i, c := range t.chunks {
		if c.samples != before.samples || c.entry != before.entry {
			w.u32(uint32(i + 1))
			w.u32(c.samples)
			w.u32(c.entry)
			before = c
			entries++
		}
	}
	w.setU32(count, entries)
	w.end()

	w.beginFull("stsz", 0, 0)
	w.u32(0)
	w.u32(uint32(len(t.samples)))
	for _, s := range t.samples {
		w.u32(s.size)
	}
	w.end()

	if t.large {
		w.beginFull("co64", 0, 0)
	} else {
		w.beginFull("stco", 0, 0)
	}
	w.u32(uint32(len(t.chunks)))
	for _, c := range t.chunks {
		if t.large {
			w.u64(uint64(dataOffset + c.offset))
		} else {
			w.u32(uint32(dataOffset + c.offset))
		}
	}
	w.end()
}

func (t *tables) anyOffset() bool {
	for _, s := range t.samples {
		if s.offset != 0 {
			return true
		}
	}
	return false
}

// runs writes a run-length coded table: stts or ctts.
func (w *boxes) runs(typ string, samples []sample, value func(sample) uint32) {
	w.beginFull(typ, 0, 0)
	count := len(w.b)
	w.u32(0)
	entries := uint32(0)
	for i := 0; i < len(samples); {
		v, n := value(samples[i]), 1
		for i+n < len(samples) && value(samples[i+n]) == v {
			n++
		}
		w.u32(uint32(n))
		w.u32(v)
		entries++
		i += n
	}
	w.setU32(count, entries)
	w.end()
}

// syncSamples writes stss. Without the box every sample is a sync sample.
func (w *boxes) syncSamples(samples []sample) {
	w.beginFull("stss", 0, 0)
	count := len(w.b)
	w.u32(0)
	entries := uint32(0)
	for i, s := range samples {
		if s.key {
			w.u32(uint32(i + 1))
			entries++
		}
	}
	w.setU32(count, entries)
	w.end()
}
