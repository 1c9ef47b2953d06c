package custody

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

const (
	publishTimeout = 30 * time.Second
	// lastPublish is how long the end of the program waits for the last copy.
	lastPublish = 5 * time.Second
	// Between two tries of a time-stamp that fails.
	stampRetry, stampRetryMost = time.Minute, time.Hour
)

// Run makes the newest checkpoint durable by itself every LogOptions.Every while entries
// come, hands a copy of it to Publish, and has one a day stamped. It ends with a last
// checkpoint when ctx ends.
func (l *Log) Run(ctx context.Context) error {
	r := runner{Log: l}
	tick := time.NewTicker(l.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.checkpoint(ctx, publishTimeout)
			r.stamp(ctx)
		case <-ctx.Done():
			r.checkpoint(context.WithoutCancel(ctx), lastPublish)
			return nil
		}
	}
}

// runner is what Run remembers.
type runner struct {
	*Log
	synced    uint64 // size of the checkpoint that is durable by itself
	published uint64
	refused   int // times in a row that Publish has failed

	stampAfter time.Time // not before
	stampWait  time.Duration
}

func (r *runner) checkpoint(ctx context.Context, limit time.Duration) {
	last, err := r.newest(ctx)
	if err == nil && last.size > r.synced {
		err = r.locked(ctx, r.syncHead)
	}
	if err != nil {
		r.o.Log.Error("custody log: checkpoint", "err", durable.Hint(err))
		return
	}
	r.synced = last.size
	if r.o.Publish == nil || last.size <= r.published {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := r.o.Publish(ctx, publishedName(last), []byte(last.String())); err != nil {
		if r.refused++; r.refused == 1 {
			r.o.Log.Warn("custody log: no copy of the checkpoint off site; trying again", "err", err)
		}
		return
	}
	if r.refused > 0 {
		r.o.Log.Info("custody log: the checkpoint is off site again", "refused", r.refused)
	}
	r.published, r.refused = last.size, 0
}

// publishedName goes with one content for ever: the log's name and size.
func publishedName(c checkpoint) string {
	return fmt.Sprintf("%s/%012d.checkpoint", strings.TrimPrefix(c.origin, "vedette/"), c.size)
}

// newest returns the newest checkpoint; it is zero while there is no entry.
func (l *Log) newest(ctx context.Context) (checkpoint, error) {
	if _, err := l.fresh(ctx); err != nil {
		return checkpoint{}, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.state.last, nil
}

// stamp has the newest checkpoint stamped when none of this day (UTC) is.
func (r *runner) stamp(ctx context.Context) {
	now := r.o.Now().UTC()
	if r.o.Authority == nil || now.Before(r.stampAfter) {
		return
	}
	path := filepath.Join(r.path(stampsName), now.Format(time.DateOnly)+".json")
	if _, err := os.Stat(path); err == nil {
		return
	}
	last, err := r.newest(ctx)
	if err == nil && last.size == 0 {
		return
	}
	var stamped Stamped
	if err == nil {
		stamped, err = r.stampOne(ctx, last, path)
	}
	if err != nil {
		r.stampWait = min(max(2*r.stampWait, stampRetry), stampRetryMost)
		r.stampAfter = now.Add(r.stampWait)
		r.o.Log.Warn("custody log: time-stamp; trying again", "in", r.stampWait, "err", err)
		return
	}
	r.stampWait = 0
	if err := r.Record(ctx, models.Custody{At: now, Who: "vedette", Act: models.ActTimestamped,
		Note: fmt.Sprintf("%d entries at %s by %s", last.size, stamped.At.Format(time.RFC3339), stamped.Authority)}); err != nil {
		r.o.Log.Error("custody log", "err", err)
	}
}

func (r *runner) stampOne(ctx context.Context, c checkpoint, path string) (Stamped, error) {
	note := c.String()
	token, stamped, err := r.o.Authority.stamp(ctx, []byte(note))
	if err != nil {
		return Stamped{}, err
	}
	data, err := json.MarshalIndent(Stamp{Checkpoint: note, Token: token}, "", "  ")
	if err != nil {
		return Stamped{}, err
	}
	return stamped, durable.ReplaceFile(path, append(data, '\n'))
}

// maxStampFile bounds a file with a stamp: a token in base64, and a checkpoint.
const maxStampFile = 2*maxToken + maxCheckpoint

// readStamps reads what an authority has stamped in the folder of a log, oldest first.
func readStamps(dir string) ([]Stamp, error) {
	names, err := os.ReadDir(filepath.Join(dir, stampsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Stamp
	for _, name := range names { // by name, so by day
		if filepath.Ext(name.Name()) != ".json" {
			continue
		}
		s, err := readStamp(filepath.Join(dir, stampsName, name.Name()))
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return slices.Clip(list), nil
}

func readStamp(path string) (Stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{}, err
	}
	if info.Size() > maxStampFile {
		return Stamp{}, fmt.Errorf("%w: %s has %d bytes", ErrAltered, path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Stamp{}, err
	}
	var s Stamp
	if err := json.Unmarshal(data, &s); err != nil {
		return Stamp{}, fmt.Errorf("%w: %s: %w", ErrAltered, path, err)
	}
	return s, nil
}
