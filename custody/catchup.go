package custody

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// catchUp takes up what other processes have added, and cuts off what a crash left of a
// batch that nobody was told of. It wraps ErrAltered for anything else.
func (l *Log) catchUp() error {
	if l.state.behind {
		return l.load()
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	switch size := info.Size(); {
	case size == l.state.end:
		return nil
	case size < l.state.end:
		return fmt.Errorf("%w: %s is %d bytes long and was %d", ErrAltered, l.path(logName), size, l.state.end)
	default:
		return l.readOn(size, l.cutTail)
	}
}

// flushEvery is after how many entries what is made from the log is written while much of
// it is read again.
const flushEvery = 4096

// batches are entries up to a seal, on their way from the log into the index.
type batches struct {
	leaves []leaf
	edge   tree   // at the newest seal
	seal   []byte // the newest, without its newline; nil for none
	sealed int    // entries up to it
	end    int64  // of its line
}

// readOn reads the log from where the state ends to size. Each seal must have the root that
// the entries have; the signature of the last one then stands for all before it. What
// follows the last one is handed to tail.
func (l *Log) readOn(size int64, tail func(size int64) error) error {
	start := l.state.end
	if l.state.edge.n == 0 && size > 1<<20 {
		l.o.Log.Info("custody log: making the index anew from the log", "bytes", size)
	}
	r := newLineReader(io.NewSectionReader(l.file, start, size-start), start)
	edge := l.state.edge.clone()
	var b batches
	for {
		at := r.at
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
			if err := l.takeUp(&b); err != nil {
				return err
			}
			return tail(size)
		case err == nil && isSeal(line):
			if !bytes.HasPrefix(line, []byte(sealStart(edge.n, edge.root()))) {
				err = fmt.Errorf("%w: entries %d to %d are not those that were signed", ErrAltered, l.state.edge.n+uint64(b.sealed), edge.n)
				break
			}
			b.seal, b.sealed, b.edge, b.end = bytes.Clone(line), len(b.leaves), edge.clone(), r.at
			if b.sealed >= flushEvery {
				err = l.takeUp(&b)
			}
		case err == nil:
			var c models.Custody
			if c, err = decodeEntry(line); err != nil {
				err = fmt.Errorf("%w: line at byte %d: %w", ErrAltered, at, err)
				break
			}
			b.leaves = append(b.leaves, leaf{at, len(line), c.Incident, edge.add(tlog.RecordHash(line))})
		}
		if errors.Is(err, ErrAltered) {
			if torn, readErr := l.isTorn(max(b.end, l.state.end), size); readErr != nil || !torn {
				return errors.Join(err, readErr)
			}
			if err := l.takeUp(&b); err != nil {
				return err
			}
			return tail(size)
		}
		if err != nil {
			return err
		}
	}
}

// takeUp takes the batches up to the newest seal into the index and the state.
func (l *Log) takeUp(b *batches) error {
	if b.sealed == 0 {
		return nil
	}
	checker, err := l.checker()
	if err != nil {
		return err
	}
	seal, err := checker.parseSeal(b.seal)
	if err != nil {
		return fmt.Errorf("seal after entry %d: %w", b.edge.n-1, err)
	}
	l.apply(b.leaves[:b.sealed], b.edge, seal, b.end)
	b.leaves, b.sealed = b.leaves[b.sealed:], 0
	return nil
}

// isTorn says whether what lies between two offsets can be one batch whose writing was cut
// short by a power cut: parts of it have never reached the disk and read as zeros, which
// no entry holds, and no other batch follows it.
func (l *Log) isTorn(from, to int64) (bool, error) {
	r := newLineReader(io.NewSectionReader(l.file, from, to-from), from)
	zeros := false
	for {
		line, err := r.next()
		zeros = zeros || bytes.IndexByte(line, 0) >= 0
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
			return zeros, nil
		case err != nil:
			return false, err
		case isSeal(line) && r.at < to:
			return false, nil
		}
	}
}

// cutTail removes what follows the last seal. Nobody was told that it is in the log,
// unless the newest checkpoint says otherwise.
func (l *Log) cutTail(size int64) error {
	if size == l.state.end {
		return nil
	}
	head, err := l.readHead()
	if err != nil {
		return err
	}
	if head.size > l.state.edge.n {
		return fmt.Errorf("%w: the log has %d whole entries, and %d were signed", ErrAltered, l.state.edge.n, head.size)
	}
	l.o.Log.Warn("custody log: cutting off the beginning of entries that a crash left; none of them was confirmed",
		"bytes", size-l.state.end, "entries", l.state.edge.n)
	return l.file.Truncate(l.state.end)
}

// readHead reads the newest checkpoint; it is zero when none has been written yet.
func (l *Log) readHead() (checkpoint, error) {
	data := make([]byte, maxCheckpoint+1)
	n, err := l.head.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return checkpoint{}, err
	}
	if n == 0 {
		return checkpoint{}, nil
	}
	checker, err := l.checker()
	if err != nil {
		return checkpoint{}, err
	}
	return checker.parse(data[:n])
}

// checkHead makes sure that the newest checkpoint is of this log, and brings it up to date
// where a crash left it behind.
func (l *Log) checkHead() error {
	head, err := l.readHead()
	if err != nil {
		return fmt.Errorf("%s: %w", l.path(checkpointName), err)
	}
	s := &l.state
	switch {
	case head.size > s.edge.n:
		return fmt.Errorf("%w: the log has %d whole entries, and %d were signed", ErrAltered, s.edge.n, head.size)
	case head.size == s.edge.n && head.root != s.edge.root():
		return fmt.Errorf("%w: the %d entries are not those that were signed", ErrAltered, s.edge.n)
	case head.size == s.edge.n:
		return nil
	case head.size > 0:
		then, err := readTree(head.size, l.hashes())
		if err != nil {
			return err
		}
		if then.root() != head.root {
			return fmt.Errorf("%w: the first %d entries are not those that were signed", ErrAltered, head.size)
		}
	}
	_, err = l.head.WriteAt([]byte(s.last.String()), 0)
	return err
}
