package clip

import (
	"log/slog"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// defaultMemory holds 2 minutes of a 4 Mbit/s stream.
	defaultMemory = 64 << 20
	// defaultWindow applies when no window is set.
	defaultWindow = 30 * time.Second

	// A GOP is kept in chunks of at most this length, and at most an eighth of the
	// memory, so that a very long one can be spilled and dropped in parts.
	maxChunk      = 8 << 20
	maxChunkMedia = 10 * time.Second

	// longGOP is how far beyond twice the window a single GOP may grow before its oldest
	// chunks go. A shorter GOP stays whole, because nothing in it can be decoded without
	// its beginning.
	longGOP = time.Minute
)

// Buffer keeps the last seconds of one camera's stream: a ring of GOPs bounded by time
// and bytes, in memory first and on disk beyond a bound. One goroutine pushes; any number
// of cursors read. The zero value works. Set the fields before
// the first use.
//
// Whole GOPs age out when the rest still covers Window. A cursor made by Cursor holds
// back the GOPs that it has not read yet, by age but not beyond the bounds in bytes. What
// goes early, because the bytes ran out, is counted, and a cursor that misses it says so
// with a gap. Call Close when the stream is over.
//
// A GOP that never ends, from a camera that refreshes its picture without key frames, is
// bounded like the rest: its oldest chunks go, its key unit stays, because without it
// nothing that follows can be decoded. A reader gets the key unit, then a unit with a
// gap before it, then the rest. Such key units are kept beyond the bounds in bytes.
type Buffer struct {
	// Window is how much media time to keep: at least the longest dwell, plus the
	// pre-roll, plus a margin. Default 30 s. SetWindow changes it later.
	Window time.Duration
	// Memory bounds the bytes kept in memory; default 64 MiB. With a disk, spilling begins
	// at three quarters of it.
	Memory int64
	// Disk bounds the bytes in SpillDir; 0 keeps everything in memory.
	Disk int64
	// SpillDir is a folder for this buffer alone. What an earlier run left there is
	// removed, for pre-roll is no evidence until an incident refers to it.
	SpillDir string
	Log      *slog.Logger // default: none

	mu       sync.Mutex
	started  bool
	closed   bool
	window   time.Duration
	memory   int64
	chunkMax int64
	chunks   []*chunk // ids are consecutive; the last one grows
	nextID   int64
	nextSeq  int64
	anchor   *anchor       // key unit of the front GOP when its first chunk is gone
	newest   time.Duration // greatest media time pushed
	oldest   time.Duration // media time of the first unit ever kept
	newKey   int64         // id of the newest chunk that begins with a key unit
	inMemory int64
	onDisk   int64
	fullest  int64 // id of the oldest chunk that may still be in memory
	cursors  map[*Cursor]struct{}
	free     [][]models.AccessUnit
	cause    models.Cause // why footage went early, last
	counts   Stats
	spill    *spill
}

// Stats is what a Buffer holds, and what it could not hold since it began.
type Stats struct {
	Duration    time.Duration // media time from the oldest to the newest unit held
	MemoryBytes int64
	DiskBytes   int64
	GOPs        int
	Units       int
	Cursors     int
	// Evicted counts units dropped before their time because memory and disk were full,
	// EvictedBytes their bytes.
	Evicted      uint64
	EvictedBytes uint64
	// Headless counts units not kept because no key unit had come before them.
	Headless uint64
	// SpillErrors counts chunks that could not be written to disk or read back.
	SpillErrors uint64
}

// Push adds a unit. It copies no bits and never waits for the disk.
func (b *Buffer) Push(au models.AccessUnit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start()
	if b.closed {
		return
	}
	if len(b.chunks) == 0 && b.anchor == nil && !au.Key {
		b.counts.Headless++
		return
	}
	if b.nextSeq == 0 {
		b.oldest, b.newest = au.At.Media, au.At.Media
	}
	c := b.chunkFor(au)
	size := weight(au)
	c.add(au, size)
	b.nextSeq++
	short := b.memoryShort()
	b.inMemory += size
	if b.spill != nil && !short && b.memoryShort() {
		b.spill.wakeUp()
	}
	b.newest = max(b.newest, au.At.Media)
	b.ageOut()
	b.bound()
	for c := range b.cursors {
		c.wakeUp()
	}
}

// start takes the configuration on the first use.
func (b *Buffer) start() {
	if b.started {
		return
	}
	b.started = true
	if b.window == 0 {
		b.window = b.Window
	}
	if b.window <= 0 {
		b.window = defaultWindow
	}
	b.memory = b.Memory
	if b.memory <= 0 {
		b.memory = defaultMemory
	}
	b.chunkMax = min(maxChunk, b.memory/8)
	b.newKey = -1
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	if b.Disk > 0 && b.SpillDir != "" {
		b.spill = newSpill(b)
	}
}

// chunkFor returns the chunk that takes au: the last one, or a new one at a key unit, or
// when the last one has grown enough.
func (b *Buffer) chunkFor(au models.AccessUnit) *chunk {
	var last *chunk
	if n := len(b.chunks); n > 0 {
		last = b.chunks[n-1]
		if !au.Key && last.bytes < b.chunkMax && au.At.Media-last.first < maxChunkMedia {
			return last
		}
	}
	c := &chunk{id: b.nextID, seq: b.nextSeq, key: au.Key, begin: au.At, first: au.At.Media, last: au.At.Media}
	if n := len(b.free); n > 0 {
		c.units, b.free = b.free[n-1], b.free[:n-1]
	}
	b.nextID++
	if au.Key {
		b.newKey = c.id
	} else if last != nil && last.key {
		last.anchor = &anchor{unit: last.units[0], seq: last.seq}
	}
	b.chunks = append(b.chunks, c)
	if b.spill != nil {
		b.spill.wakeUp()
	}
	return c
}

// chunk finds a chunk by its id; nil when it is gone or yet to come.
func (b *Buffer) chunk(id int64) *chunk {
	if len(b.chunks) == 0 {
		return nil
	}
	i := id - b.chunks[0].id
	if i < 0 || i >= int64(len(b.chunks)) {
		return nil
	}
	return b.chunks[i]
}

// Cursor returns a cursor that begins at the last key frame at or before from, a media
// time, and then follows the stream. When the buffer does not reach back that far it
// begins with the oldest key frame, and Missed says what is missing. The footage that the
// cursor has yet to read is held for it; Close it when it is no longer read.
func (b *Buffer) Cursor(from time.Duration) *Cursor {
	return b.newCursor(&Cursor{buffer: b, from: from, pins: true})
}

// Live returns a cursor that begins at the newest key frame. Nothing is held for it: when
// it falls behind the buffer it goes on at the newest key frame.
func (b *Buffer) Live() *Cursor {
	return b.newCursor(&Cursor{buffer: b})
}

func (b *Buffer) newCursor(c *Cursor) *Cursor {
	c.wake = make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.start()
	if b.cursors == nil {
		b.cursors = make(map[*Cursor]struct{})
	}
	b.cursors[c] = struct{}{}
	c.place()
	return c
}

// SetWindow changes how much media time is kept.
func (b *Buffer) SetWindow(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.window = d
	if d <= 0 {
		b.window = defaultWindow
	}
}

// Stats says what the buffer holds now.
func (b *Buffer) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.counts
	s.MemoryBytes, s.DiskBytes, s.Cursors = b.inMemory, b.onDisk, len(b.cursors)
	oldest := b.newest
	for _, c := range b.chunks {
		if c.state == lost {
			continue
		}
		oldest = min(oldest, c.first)
		s.Units += c.count
		if c.key {
			s.GOPs++
		}
	}
	s.Duration = b.newest - oldest
	return s
}

// Close ends the stream. Cursors may still read what is there and then get io.EOF; the
// files on disk go with the last cursor, or now when there is none.
func (b *Buffer) Close() {
	b.mu.Lock()
	b.start()
	already := b.closed
	b.closed = true
	for c := range b.cursors {
		c.wakeUp()
	}
	b.mu.Unlock()
	if b.spill == nil {
		return
	}
	if !already {
		b.spill.stop()
	}
	b.release()
}

// release removes the spilled files when nobody can read them any more.
func (b *Buffer) release() {
	b.mu.Lock()
	over := b.closed && len(b.cursors) == 0
	b.mu.Unlock()
	if over {
		b.spill.wipe()
	}
}
