package custody

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// errHashes says that what is made from the log and the log itself do not agree. Either
// can be at fault: hashes are not synced with each batch, so a power cut may damage them.
var errHashes = errors.New("the log and what is made from it do not agree")

// mendAgain is how soon the log is read again after it was found altered: a large one
// takes minutes, and nobody can record meanwhile.
const mendAgain = 10 * time.Minute

// mended runs work, and once more after what is made from the log was made anew, if that
// was at fault. If the log itself was, the error wraps ErrAltered, and the log still takes
// further entries: the alarm must not be what stops it.
func (l *Log) mended(ctx context.Context, work func() error) error {
	err := work()
	if !errors.Is(err, errHashes) {
		return err
	}
	err = l.locked(ctx, func() error {
		if l.altered == nil || l.o.Now().Sub(l.alteredAt).Abs() > mendAgain {
			l.o.Log.Warn("custody log: reading all of it again", "err", err)
			l.altered, l.alteredAt = l.mend(), l.o.Now()
		}
		return l.altered
	})
	if err != nil {
		return err
	}
	if err := work(); err != nil {
		return fmt.Errorf("after reading all of the log again: %w", err)
	}
	return nil
}

// mend reads the log from the beginning into new files, and copies them over the old ones
// once every seal was found to be right.
func (l *Log) mend() error {
	if err := l.catchUp(); err != nil {
		return err
	}
	anew := &Log{dir: l.dir, o: l.o, origin: l.origin, file: l.file}
	anew.state = state{heads: &chains{}, end: int64(len(header) + len(l.origin) + 1)}
	for _, f := range []struct {
		into **os.File
		name string
	}{{&anew.tree, treeName}, {&anew.index, indexName}} {
		file, err := os.Create(l.path(f.name + ".part"))
		if err != nil {
			return err
		}
		defer os.Remove(file.Name())
		defer file.Close()
		*f.into = file
	}
	err := anew.readOn(l.state.end, func(size int64) error {
		if size != anew.state.end {
			return fmt.Errorf("%w: entry %d is not the one that was recorded", ErrAltered, anew.state.edge.n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if anew.state.behind {
		return errors.New("no room to read the log again")
	}
	if err := errors.Join(overwrite(l.tree, anew.tree), overwrite(l.index, anew.index)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.heads = anew.state.heads
	return nil
}

func overwrite(to, from *os.File) error {
	size, err := io.Copy(io.NewOffsetWriter(to, 0), io.NewSectionReader(from, 0, 1<<62))
	if err != nil {
		return err
	}
	return shorten(to, size)
}
