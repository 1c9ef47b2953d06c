package custody

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// maxBatch is the most entries that one fsync makes durable. More callers than that wait
// for the next.
const maxBatch = 1024

// batch is the entries of callers that came while another batch was being written.
type batch struct {
	lines     [][]byte
	incidents []models.IncidentID
	done      chan struct{} // closed when err is set
	err       error
}

// Record adds an entry and returns when it is durable. Callers at the same time share an
// fsync. When ctx ends first, the entry may or may not be in the log.
//
// Nothing is queued beyond its caller: each call holds one entry and waits for it.
func (l *Log) Record(ctx context.Context, c models.Custody) error {
	if c.At.IsZero() {
		c.At = l.o.Now()
	}
	line, err := encodeEntry(c)
	if err != nil {
		return fmt.Errorf("custody log: %w", err)
	}
	b, first := l.join(line, c.Incident)
	if first {
		// The others' entries must not depend on this caller's context.
		b.err = l.locked(context.WithoutCancel(ctx), func() error { return l.write(l.take(b)) })
		if b.err != nil {
			l.take(b)
		}
		close(b.done)
	}
	select {
	case <-b.done:
		err = b.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("custody log: %s: %w", c.Act, durable.Hint(err))
	}
	return nil
}

// join puts an entry into the batch that is written next, and says whether its caller is
// the first, who writes it.
func (l *Log) join(line []byte, id models.IncidentID) (b *batch, first bool) {
	l.queue.Lock()
	defer l.queue.Unlock()
	if first = l.next == nil || len(l.next.lines) >= maxBatch; first {
		l.next = &batch{done: make(chan struct{})}
	}
	l.next.lines = append(l.next.lines, line)
	l.next.incidents = append(l.next.incidents, id)
	return l.next, first
}

// take closes a batch for further entries.
func (l *Log) take(b *batch) *batch {
	l.queue.Lock()
	defer l.queue.Unlock()
	if l.next == b {
		l.next = nil
	}
	return b
}

// write adds a batch to the log. The log itself, with the seal that ends the batch, is
// made durable in one fsync; what is made from it follows and may be lost.
func (l *Log) write(b *batch) error {
	if err := l.catchUp(); err != nil {
		return err
	}
	edge, end := l.state.edge.clone(), l.state.end
	var lines bytes.Buffer
	var added []leaf
	for i, line := range b.lines {
		added = append(added, leaf{end + int64(lines.Len()), len(line), b.incidents[i], edge.add(tlog.RecordHash(line))})
		lines.Write(line)
		lines.WriteByte('\n')
	}
	seal, err := l.o.Keys.signCheckpoint(l.origin, &edge)
	if err != nil {
		return err
	}
	lines.WriteString(seal.seal())
	if err := l.append(lines.Bytes()); err != nil {
		return err
	}
	l.o.step("log synced")
	l.apply(added, edge, seal, end+int64(lines.Len()))
	// One write within a sector: the old head is there or the new one. The number of
	// entries only grows, so a head is never shorter than the one before it.
	if _, err := l.head.WriteAt([]byte(seal.String()), 0); err != nil {
		l.o.Log.Warn("custody log: the newest checkpoint cannot be written; the entries are safe", "err", durable.Hint(err))
	}
	l.o.step("head written")
	return nil
}

// append adds bytes to the log file: all of them, durable, or none.
func (l *Log) append(data []byte) error {
	_, err := l.file.WriteAt(data, l.state.end)
	l.o.step("log written")
	if err == nil {
		err = unix.Fdatasync(int(l.file.Fd()))
	}
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.state.end))
	}
	return nil
}

// leaf is an entry that is in the log, on its way into what is made from it.
type leaf struct {
	offset   int64 // of its line
	length   int   // of its line, without the newline
	incident models.IncidentID
	hashes   []tlog.Hash // that it makes final
}

// apply takes entries that are in the log into the files that are made from it, and into
// the state. What cannot be written is made up for by the next catchUp.
func (l *Log) apply(added []leaf, edge tree, seal checkpoint, end int64) {
	s := &l.state
	first := s.edge.n
	var hashes, places []byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range added {
		places = link(s.heads, first+uint64(i), e.incident, e.offset, e.length).append(places)
		for _, h := range e.hashes {
			hashes = append(hashes, h[:]...)
		}
	}
	s.edge, s.end, s.last = edge, end, seal
	_, err := l.tree.WriteAt(hashes, tlog.StoredHashCount(int64(first))*tlog.HashSize)
	l.o.step("tree written")
	if err == nil {
		_, err = l.index.WriteAt(places, int64(first)*placeSize)
	}
	l.o.step("index written")
	s.behind = err != nil
	if err != nil {
		l.o.Log.Warn("custody log: what is made from the log cannot be written; the entries are safe", "err", durable.Hint(err))
	}
}
