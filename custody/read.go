package custody

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// MaxPage is the most entries that a page holds.
const MaxPage = 1000

// Of returns the entries of an incident, oldest first.
func (l *Log) Of(ctx context.Context, id models.IncidentID) (list []models.CustodyRecord, err error) {
	err = l.mended(ctx, func() error {
		at, err := l.indexesOf(ctx, id)
		if err != nil {
			return err
		}
		list = make([]models.CustodyRecord, 0, len(at))
		for _, n := range at {
			r, _, err := l.read(n)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("custody of %s: %w", id, err)
	}
	return list, nil
}

// Page returns entries before a place in the log, newest first: at most limit of them, and
// MaxPage. From the newest on when before is 0.
func (l *Log) Page(ctx context.Context, before uint64, limit int) (list []models.CustodyRecord, err error) {
	err = l.mended(ctx, func() error {
		size, err := l.fresh(ctx)
		if err != nil {
			return err
		}
		from := before
		if from == 0 || from > size {
			from = size
		}
		list = make([]models.CustodyRecord, 0, min(max(limit, 0), MaxPage))
		for n := from; n > 0 && len(list) < cap(list); n-- {
			r, _, err := l.read(n - 1)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("custody log: %w", err)
	}
	return list, nil
}

// Size is how many entries the log has.
func (l *Log) Size(ctx context.Context) (uint64, error) { return l.fresh(ctx) }

// fresh takes up what other processes have added, and returns how many entries there are.
func (l *Log) fresh(ctx context.Context) (uint64, error) {
	info, err := l.file.Stat()
	if err != nil {
		return 0, err
	}
	l.mu.RLock()
	n, current := l.state.edge.n, info.Size() == l.state.end && !l.state.behind
	l.mu.RUnlock()
	if current {
		return n, ctx.Err()
	}
	err = l.locked(ctx, func() error {
		err := l.catchUp()
		n = l.state.edge.n
		return err
	})
	return n, err
}

// indexesOf follows the chain of an incident and returns its entries' places in the log,
// in order.
func (l *Log) indexesOf(ctx context.Context, id models.IncidentID) ([]uint64, error) {
	tag := tagOf(id)
	if tag == 0 {
		return nil, errors.New("no incident is named")
	}
	if _, err := l.fresh(ctx); err != nil {
		return nil, err
	}
	l.mu.RLock()
	next := l.state.heads.newest(tag)
	l.mu.RUnlock()
	var out []uint64
	for next > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := next - 1
		p, err := l.placeAt(n)
		if err != nil {
			return nil, err
		}
		if p.prev >= next {
			return nil, fmt.Errorf("%w: index of entry %d", errHashes, n)
		}
		next = p.prev
		if p.tag != tag {
			continue
		}
		if r, _, err := l.readAt(n, p); err != nil {
			return nil, err
		} else if r.Incident == id {
			out = append(out, n)
		}
	}
	slices.Reverse(out)
	return out, nil
}

// read returns an entry, and the bytes that it has in the log.
func (l *Log) read(n uint64) (models.CustodyRecord, []byte, error) {
	p, err := l.placeAt(n)
	if err != nil {
		return models.CustodyRecord{}, nil, err
	}
	return l.readAt(n, p)
}

func (l *Log) readAt(n uint64, p place) (models.CustodyRecord, []byte, error) {
	if p.length > maxEntry {
		return models.CustodyRecord{}, nil, fmt.Errorf("%w: index of entry %d", errHashes, n)
	}
	line := make([]byte, p.length)
	if _, err := l.file.ReadAt(line, p.offset); err != nil {
		if errors.Is(err, io.EOF) || p.offset < 0 {
			err = errHashes
		}
		return models.CustodyRecord{}, nil, fmt.Errorf("entry %d: %w", n, err)
	}
	leaf := tlog.RecordHash(line)
	hash, err := l.hashes().ReadHashes([]int64{tlog.StoredHashIndex(0, int64(n))})
	if err != nil || hash[0] != leaf {
		return models.CustodyRecord{}, nil, errors.Join(fmt.Errorf("%w: entry %d", errHashes, n), err)
	}
	r, err := record(n, line)
	if err != nil {
		return models.CustodyRecord{}, nil, fmt.Errorf("%w: %w", ErrAltered, err)
	}
	return r, line, nil
}
