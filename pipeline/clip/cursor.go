package clip

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Cursor reads a Buffer from a key frame on. Its methods are for one goroutine; only
// Close may be called from another.
//
// When footage was dropped before the cursor read it, the next unit's Loss names the gap.
type Cursor struct {
	buffer *Buffer
	from   time.Duration
	pins   bool
	wake   chan struct{} // capacity 1: one signal tells all that came before it

	// The rest is guarded by buffer.mu.
	placed  bool
	id      int64 // of the chunk to read from
	index   int   // of the unit within it
	anchor  *anchor
	seq     int64 // of the unit to read next, if nothing is missing
	read    bool  // at least one unit
	last    models.Instant
	missed  *models.Gap
	settled bool // missed is known
	closed  bool

	loaded   []models.AccessUnit // a chunk read back from disk
	loadedID int64
}

// place finds the chunk to begin with. An empty buffer leaves that for later.
func (c *Cursor) place() {
	b := c.buffer
	if c.placed || len(b.chunks) == 0 {
		return
	}
	c.placed = true
	c.loadedID = -1
	front := b.chunks[0]
	c.id, c.anchor = front.id, b.anchor
	if !c.pins {
		c.jump(b.newKey)
		return
	}
	for _, ch := range b.chunks {
		if ch.key && ch.begin.Media <= c.from {
			c.id, c.anchor = ch.id, nil
		}
	}
	for c.anchor == nil {
		// Lost chunks at the beginning are not worth starting at, but for a key unit.
		ch := b.chunk(c.id)
		if ch.state != lost || ch.anchor != nil || ch == b.chunks[len(b.chunks)-1] {
			break
		}
		c.id++
	}
}

// jump goes to the beginning of the GOP that begins with chunk id.
func (c *Cursor) jump(id int64) {
	b := c.buffer
	c.index = 0
	if ch := b.chunk(id); ch != nil {
		c.id, c.anchor, c.seq = id, nil, ch.seq
		return
	}
	c.id, c.anchor, c.seq = b.chunks[0].id, b.anchor, b.chunks[0].seq
	if b.anchor != nil {
		c.seq = b.anchor.seq
	}
}

// Next waits for the next unit. The error is the context's, io.EOF when the buffer is
// closed and everything is read, or os.ErrClosed after Close.
func (c *Cursor) Next(ctx context.Context) (models.AccessUnit, error) {
	for {
		au, ok, err := c.step()
		if ok || err != nil {
			return au, err
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return models.AccessUnit{}, ctx.Err()
		}
	}
}

// TryNext returns the next unit if there is one already.
func (c *Cursor) TryNext() (models.AccessUnit, bool) {
	au, ok, _ := c.step()
	return au, ok
}

func (c *Cursor) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // it is awake already
	}
}

// step takes the next unit if there is one.
func (c *Cursor) step() (au models.AccessUnit, ok bool, err error) {
	b := c.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if c.closed {
			return au, false, os.ErrClosed
		}
		c.place()
		if !c.placed {
			return au, false, c.atEnd()
		}
		if c.id < b.chunks[0].id {
			c.overtaken()
		}
		if c.anchor != nil {
			a := c.anchor
			c.anchor = nil
			return c.take(a.unit, a.seq), true, nil
		}
		ch := b.chunk(c.id)
		if ch == nil {
			return au, false, c.atEnd()
		}
		switch ch.state {
		case inMemory, spilling:
			if c.index < len(ch.units) {
				c.index++
				return c.take(ch.units[c.index-1], ch.seq+int64(c.index-1)), true, nil
			}
			if ch == b.chunks[len(b.chunks)-1] {
				return au, false, c.atEnd()
			}
			c.advance()
		case onDisk:
			if c.loadedID != ch.id && !c.load(ch) {
				continue // the chunk's state says what became of it
			}
			if c.index < len(c.loaded) {
				c.index++
				return c.take(c.loaded[c.index-1], ch.seq+int64(c.index-1)), true, nil
			}
			c.advance()
		case lost:
			if a := ch.anchor; a != nil && c.index == 0 {
				c.index = 1
				return c.take(a.unit, a.seq), true, nil
			}
			c.advance()
		}
	}
}

func (c *Cursor) advance() {
	c.id++
	c.index = 0
	c.loaded, c.loadedID = nil, -1
}

// overtaken moves a cursor whose chunk has left the ring: one that follows the stream
// live to the newest key frame, any other to what is left.
func (c *Cursor) overtaken() {
	b := c.buffer
	seq := c.seq
	c.loaded, c.loadedID = nil, -1
	if c.pins {
		c.id, c.index, c.anchor = b.chunks[0].id, 0, nil
		if b.anchor != nil && b.anchor.seq >= c.seq {
			c.anchor = b.anchor
		}
		return
	}
	c.jump(b.newKey)
	c.seq = seq // so that the gap is named
}

func (c *Cursor) atEnd() error {
	if c.buffer.closed {
		return io.EOF
	}
	return nil
}

// load reads a chunk back from disk, without holding up anybody else.
func (c *Cursor) load(ch *chunk) bool {
	b := c.buffer
	b.spill.hold(ch.place)
	b.mu.Unlock()
	units, err := b.spill.read(ch.place, ch.count)
	b.mu.Lock()
	b.spill.drop(ch.place)
	if err != nil {
		if ch.state == onDisk {
			b.counts.SpillErrors++
			b.Log.Warn("read back pre-roll", "err", err)
			b.lose(ch, models.CauseDisk)
		}
		return false
	}
	c.loaded, c.loadedID = units, ch.id
	return true
}

// take accounts for a unit and names the gap before it, if units are missing.
func (c *Cursor) take(au models.AccessUnit, seq int64) models.AccessUnit {
	if !c.read {
		c.settle(au)
	} else if seq != c.seq {
		au.Loss = c.gap(au, int(seq-c.seq))
	}
	c.read, c.seq, c.last = true, seq+1, au.At
	return au
}

func (c *Cursor) gap(au models.AccessUnit, units int) *models.Gap {
	g := models.Gap{From: c.last.Wall, To: au.At.Wall, Cause: c.buffer.lossCause(), Lost: units,
		Note: "dropped from the pre-roll buffer"}
	if au.Loss != nil {
		g.Lost += au.Loss.Lost
		g.Note += "; and " + string(au.Loss.Cause)
	}
	return &g
}

// lossCause is why footage was dropped last. Live cursors are overtaken by age too.
func (b *Buffer) lossCause() models.Cause {
	if b.cause == "" {
		return models.CauseOverrun
	}
	return b.cause
}

// settle finds out how much is missing before the first unit.
func (c *Cursor) settle(first models.AccessUnit) {
	c.settled = true
	short := first.At.Media - c.from
	if !c.pins || short <= 0 {
		return
	}
	b := c.buffer
	c.missed = &models.Gap{From: first.At.Wall.Add(-short), To: first.At.Wall, Cause: models.CauseNotYet}
	if b.cause != "" && c.from >= b.oldest && c.from >= b.newest-b.window {
		c.missed.Cause = b.cause
	}
}

// Missed says what is missing between the time asked for and the first unit of a cursor
// made by Cursor: CauseOverrun or CauseDisk when the buffer had it and could not hold it,
// CauseNotYet when it never had it or the window does not reach back so far. It is nil
// when nothing is missing, and before the stream has begun.
func (c *Cursor) Missed() *models.Gap {
	c.buffer.mu.Lock()
	defer c.buffer.mu.Unlock()
	if !c.settled && !c.closed {
		c.place()
		if first, ok := c.peek(); ok {
			c.settle(first)
		}
	}
	return c.missed
}

// peek finds the first unit that step will give, as far as that is known.
func (c *Cursor) peek() (models.AccessUnit, bool) {
	if !c.placed {
		return models.AccessUnit{}, false
	}
	if c.anchor != nil {
		return c.anchor.unit, true
	}
	ch := c.buffer.chunk(c.id)
	switch {
	case ch == nil:
		return models.AccessUnit{}, false
	case ch.anchor != nil:
		return ch.anchor.unit, true
	case len(ch.units) > 0:
		return ch.units[0], true
	}
	return models.AccessUnit{At: ch.begin}, ch.state == onDisk
}

// Behind is the media time between the last unit read and the newest one.
func (c *Cursor) Behind() time.Duration {
	b := c.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.chunks) == 0 {
		return 0
	}
	if c.read {
		return max(0, b.newest-c.last.Media)
	}
	c.place()
	if first, ok := c.peek(); ok {
		return max(0, b.newest-first.At.Media)
	}
	return 0
}

// SkipToNewestKey moves to the newest key frame, if that lies ahead, and says how many
// units it left out. The next unit carries no Loss for them: the caller knows.
func (c *Cursor) SkipToNewestKey() (skipped int) {
	b := c.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	c.place()
	ch := b.chunk(b.newKey)
	if !c.placed || ch == nil || ch.id <= c.id {
		return 0
	}
	before := c.seq
	c.loaded, c.loadedID = nil, -1
	c.jump(b.newKey)
	if !c.read {
		return 0
	}
	return int(c.seq - before)
}

// Close lets go of what the cursor holds. Missed keeps its answer.
func (c *Cursor) Close() {
	b := c.buffer
	b.mu.Lock()
	already := c.closed
	c.closed = true
	delete(b.cursors, c)
	b.mu.Unlock()
	c.wakeUp()
	if !already && b.spill != nil {
		b.release()
	}
}
