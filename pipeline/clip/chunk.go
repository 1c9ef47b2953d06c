package clip

import (
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// chunk is a GOP, or a part of a long one. It is the unit of spilling and dropping.
type chunk struct {
	id    int64
	seq   int64 // number of its first unit, counted over the whole stream
	key   bool  // begins with a key unit
	state state
	units []models.AccessUnit // while in memory
	count int
	bytes int64
	begin models.Instant // of the first unit
	first time.Duration  // least media time
	last  time.Duration  // greatest media time

	// anchor is the key unit of a chunk whose GOP goes on in the next one. It stays in
	// memory when the chunk is spilled or dropped.
	anchor *anchor
	cause  models.Cause // why it was lost
	place  place        // where it lies on disk
	gone   bool         // left the ring while it was being written
}

type anchor struct {
	unit models.AccessUnit
	seq  int64
}

type state uint8

const (
	inMemory state = iota
	spilling       // in memory, being written to disk; complete, so its units do not change
	onDisk
	lost // dropped before its time; a place holder, so that readers can name the gap
)

func (c *chunk) add(au models.AccessUnit, size int64) {
	c.units = append(c.units, au)
	c.count++
	c.bytes += size
	c.first = min(c.first, au.At.Media)
	c.last = max(c.last, au.At.Media)
}

// overhead is what a unit takes besides its bits: the unit itself and its slice headers.
const (
	unitOverhead = 200
	naluOverhead = 24
)

func weight(au models.AccessUnit) int64 {
	return int64(au.Size() + unitOverhead + naluOverhead*len(au.NALUs))
}

// ageOut drops whole GOPs from the front while the rest covers the window, and the oldest
// chunks of a GOP that has grown far beyond it.
func (b *Buffer) ageOut() {
	held := b.held()
	for {
		next := b.nextGOP(0)
		if next < 0 {
			break
		}
		if b.newest-b.chunks[next].first < b.window || held < b.chunks[next].id {
			return
		}
		for range next {
			b.popFront()
		}
	}
	for len(b.chunks) > 1 && b.newest-b.chunks[0].last > 2*b.window+longGOP && held > b.chunks[0].id {
		b.popFront()
	}
}

// nextGOP is the index of the first chunk after index i that begins with a key unit, or -1.
func (b *Buffer) nextGOP(i int) int {
	for i++; i < len(b.chunks); i++ {
		if b.chunks[i].key {
			return i
		}
	}
	return -1
}

// held is the id of the oldest chunk that a cursor still has to read.
func (b *Buffer) held() int64 {
	id := b.nextID
	for c := range b.cursors {
		if c.pins && c.placed {
			id = min(id, c.id)
		}
	}
	return id
}

// bound keeps the memory within its bound, whoever still wants to read.
func (b *Buffer) bound() {
	if b.inMemory <= b.memory {
		return
	}
	cause := models.CauseOverrun
	if b.spill != nil && b.spill.failing {
		cause = models.CauseDisk
	}
	for b.inMemory > b.memory && b.dropOldest(inMemory, cause) {
	}
}

// dropOldest drops, early, the oldest GOP that has a chunk in the given state: all its
// chunks, or if it is the newest GOP its oldest chunk only. The last chunk of the ring
// grows and is never dropped; its size is bounded.
func (b *Buffer) dropOldest(st state, cause models.Cause) bool {
	i := b.indexOf(st)
	if i < 0 || i == len(b.chunks)-1 {
		return false
	}
	end := b.nextGOP(i)
	if end < 0 {
		end = i + 1
	}
	for ; i < end; i++ {
		if c := b.chunks[i]; c.state == st {
			b.lose(c, cause)
		}
	}
	for len(b.chunks) > 1 && b.chunks[0].state == lost {
		b.popFront()
	}
	return true
}

func (b *Buffer) indexOf(st state) int {
	start := 0
	if st == inMemory && len(b.chunks) > 0 {
		start = int(max(b.fullest-b.chunks[0].id, 0))
	}
	for i := start; i < len(b.chunks); i++ {
		if b.chunks[i].state == st {
			if st == inMemory {
				b.fullest = b.chunks[i].id
			}
			return i
		}
	}
	return -1
}

// lose drops a chunk's units and leaves a place holder.
func (b *Buffer) lose(c *chunk, cause models.Cause) {
	b.counts.Evicted += uint64(c.count)
	b.counts.EvictedBytes += uint64(c.bytes)
	b.cause = cause
	b.forget(c)
	c.state, c.cause = lost, cause
}

// forget releases what a chunk holds.
func (b *Buffer) forget(c *chunk) {
	switch c.state {
	case inMemory:
		b.inMemory -= c.bytes
		b.recycle(c)
	case spilling:
		b.inMemory -= c.bytes
		c.gone = true
	case onDisk:
		b.onDisk -= c.bytes
		b.spill.drop(c.place)
	}
}

// recycle keeps the unit lists of a few dropped chunks for new ones.
func (b *Buffer) recycle(c *chunk) {
	const spare = 4
	if len(b.free) < spare {
		clear(c.units)
		b.free = append(b.free, c.units[:0])
	}
	c.units = nil
}

// popFront takes the oldest chunk out of the ring. When its GOP goes on its key unit
// stays behind.
func (b *Buffer) popFront() {
	c := b.chunks[0]
	b.forget(c)
	b.chunks[0] = nil
	b.chunks = b.chunks[1:]
	switch {
	case len(b.chunks) == 0 || b.chunks[0].key:
		b.anchor = nil
	case c.key:
		b.anchor = c.anchor
	}
}
