package clip

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	spillPattern = "preroll-*.spill"

	// A spill file ends at these, so that files become free soon after their footage ages.
	maxSpillFile  = 32 << 20
	maxSpillMedia = 10 * time.Second
)

// spill keeps the older part of a buffer on disk. Its goroutine alone writes and removes
// files; readers use ReadAt. What a file still holds is counted under the buffer's lock.
type spill struct {
	buffer *Buffer
	dir    string
	wake   chan struct{} // capacity 1: there may be something to do
	done   chan struct{}
	wg     sync.WaitGroup

	ready   bool       // the folder exists and is empty; owned by the goroutine
	count   int        // of files made; owned by the goroutine
	writing *spillFile // owned by the goroutine

	// Guarded by buffer.mu.
	failing bool
	current *spillFile // = writing
	files   map[*spillFile]struct{}
}

type spillFile struct {
	file  *os.File
	size  int64
	began time.Duration // media time
	users int           // chunks in it and readers of it; guarded by buffer.mu
}

// place is where a chunk lies on disk.
type place struct {
	file      *spillFile
	off, size int64
}

func newSpill(b *Buffer) *spill {
	s := &spill{
		buffer: b,
		dir:    b.SpillDir,
		wake:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		files:  make(map[*spillFile]struct{}),
	}
	s.wg.Go(s.run)
	return s
}

func (s *spill) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func (s *spill) stop() {
	close(s.done)
	s.wg.Wait()
}

func (s *spill) run() {
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		for s.spillOne() {
		}
		s.removeDead()
	}
}

// spillOne writes the oldest chunk in memory to disk, if memory is short. It says whether
// there may be more to do.
func (s *spill) spillOne() bool {
	b := s.buffer
	b.mu.Lock()
	c := s.choose()
	b.mu.Unlock()
	if c == nil {
		return false
	}
	at, err := s.write(c)
	b.mu.Lock()
	defer b.mu.Unlock()
	s.current = s.writing
	s.report(err)
	switch {
	case err != nil && !c.gone:
		// It stays in memory, to be tried again or dropped when memory runs out.
		c.state = inMemory
		b.fullest = min(b.fullest, c.id)
	case err == nil && !c.gone:
		at.file.users++
		b.inMemory -= c.bytes
		b.recycle(c)
		c.state, c.place, c.bytes = onDisk, at, at.size
		b.onDisk += c.bytes
	}
	return err == nil
}

// choose picks the chunk to write and makes room for it on disk. Writing begins before
// the memory is full, so that a disk of normal speed keeps up.
func (s *spill) choose() *chunk {
	b := s.buffer
	if !b.memoryShort() {
		return nil
	}
	i := b.indexOf(inMemory)
	if i < 0 || i == len(b.chunks)-1 {
		return nil
	}
	c := b.chunks[i]
	need := c.bytes // more than it takes on disk
	if need > b.Disk {
		return nil
	}
	for b.onDisk+need > b.Disk {
		if !b.dropOldest(onDisk, models.CauseOverrun) {
			return nil
		}
	}
	c.state = spilling
	return c
}

// memoryShort says whether it is time to spill.
func (b *Buffer) memoryShort() bool { return b.inMemory > b.memory-b.memory/4 }

// report logs when the disk begins to fail and when it is well again.
func (s *spill) report(err error) {
	b := s.buffer
	if err != nil {
		b.counts.SpillErrors++
	}
	switch failing := err != nil; {
	case failing && !s.failing:
		b.Log.Warn("pre-roll cannot be spilled to disk; what memory cannot hold will be dropped", "err", err)
	case !failing && s.failing:
		b.Log.Info("pre-roll is spilled to disk again")
	}
	s.failing = err != nil
}

// write appends a chunk to the current file. A file that took only a part is given up.
func (s *spill) write(c *chunk) (place, error) {
	if err := s.open(c); err != nil {
		return place{}, err
	}
	f := s.writing
	w := bufio.NewWriterSize(f.file, copyBuffer)
	n, err := encodeChunk(w, c.units)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		s.writing = nil
		_ = f.file.Truncate(f.size) // gives the room back; if not, the file goes with its footage
		return place{}, fmt.Errorf("spill pre-roll: %w", err)
	}
	at := place{file: f, off: f.size, size: n}
	f.size += n
	return at, nil
}

// open makes sure that there is a file to write to.
func (s *spill) open(c *chunk) error {
	if !s.ready {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return fmt.Errorf("spill pre-roll: %w", err)
		}
		if err := removeSpilled(s.dir); err != nil {
			return fmt.Errorf("remove old pre-roll: %w", err)
		}
		s.ready = true
	}
	if f := s.writing; f != nil && f.size < maxSpillFile && c.first-f.began < maxSpillMedia {
		return nil
	}
	s.writing = nil
	s.count++
	name := filepath.Join(s.dir, fmt.Sprintf("preroll-%06d.spill", s.count))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("spill pre-roll: %w", err)
	}
	s.writing = &spillFile{file: f, began: c.first}
	s.buffer.mu.Lock()
	s.files[s.writing] = struct{}{}
	s.buffer.mu.Unlock()
	return nil
}

func removeSpilled(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, spillPattern))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// read brings a chunk back. The caller has taken hold of the place.
func (s *spill) read(at place, count int) ([]models.AccessUnit, error) {
	b := make([]byte, at.size)
	if _, err := at.file.file.ReadAt(b, at.off); err != nil {
		return nil, fmt.Errorf("read %s: %w", at.file.file.Name(), err)
	}
	units, err := decodeChunk(b)
	if err == nil && len(units) != count {
		err = fmt.Errorf("%d units instead of %d", len(units), count)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s at %d: %w", at.file.file.Name(), at.off, err)
	}
	return units, nil
}

// hold keeps a file while it is read. The buffer's lock is held.
func (s *spill) hold(at place) { at.file.users++ }

// drop lets go of a place. The buffer's lock is held.
func (s *spill) drop(at place) {
	at.file.users--
	if at.file.users == 0 && at.file != s.current {
		s.wakeUp()
	}
}

// removeDead removes the files that nobody uses.
func (s *spill) removeDead() {
	b := s.buffer
	var dead []*spillFile
	b.mu.Lock()
	for f := range s.files {
		if f.users == 0 && f != s.writing {
			dead = append(dead, f)
			delete(s.files, f)
		}
	}
	b.mu.Unlock()
	s.remove(dead)
}

// wipe removes all files. The goroutine has stopped and no cursor is open.
func (s *spill) wipe() {
	var all []*spillFile
	s.buffer.mu.Lock()
	for f := range s.files {
		all = append(all, f)
	}
	clear(s.files)
	s.buffer.mu.Unlock()
	s.remove(all)
}

func (s *spill) remove(files []*spillFile) {
	for _, f := range files {
		f.file.Close() // nothing that it holds is needed
		if err := os.Remove(f.file.Name()); err != nil {
			s.buffer.Log.Warn("remove old pre-roll", "err", err)
		}
	}
}
