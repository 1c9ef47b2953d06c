package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// copyWords are burnt into every picture of a playable copy.
	copyWords = "copy – not the original"
	// copySide is the longer side to which a playable copy is brought near, by a whole
	// factor: 1080p.
	copySide = 1920
	// copiesAtOnce is how many copies are made at the same time; others wait their turn.
	copiesAtOnce = 2
	// defaultCopies is how many bytes of copies are kept.
	defaultCopies = 4 << 30
	// peekBytes is how much of a clip is read to see its profile: the sample entry stands
	// in the first kilobyte.
	peekBytes = 4 << 10
	// peekFor is how long that may take: whoever asks waits for a page.
	peekFor = 5 * time.Second
	// peeked bounds how many answers are remembered.
	peeked = 10_000
)

// Playable makes H.264 copies of clips that browsers refuse, when somebody wants to see
// one, and keeps the newest. The evidence is only read, and a copy is made of nothing but
// a master whose SHA-256 is the one on record. It is safe for concurrent use.
//
// Copies lie in Dir under the hash of their master: a clip that two incidents name is
// copied once. Two callers who want the same copy wait for one; it is given up when all
// of them have gone.
type Playable struct {
	// Dir is the folder of the copies; its own. What is in it can be made again.
	Dir string
	// Limit bounds the bytes of all copies, default 4 GiB; the one used longest ago goes
	// first. While a copy is made its master lies beside it, beyond the limit.
	Limit int64
	// Open opens the clip of an incident.
	Open func(ctx context.Context, in models.Incident) (io.ReadSeekCloser, models.Object, error)
	// Linger is how long a copy for which nobody waits any more is still worked on, for
	// those who ask again and again instead of waiting. Default 0.
	Linger time.Duration
	// OnProgress, when set, is told how many pictures are done, of about how many.
	OnProgress func(id models.IncidentID, done, total int)
	Log        *slog.Logger // default: none

	once    sync.Once
	slots   chan struct{}
	mu      sync.Mutex
	making  map[string]*making // by hash of the master
	refused map[string]bool    // by hash of the master: do browsers refuse it
}

// making is a copy on its way.
type making struct {
	waiting  int
	cancel   context.CancelFunc
	linger   *time.Timer // gives it up; nil before anybody has left
	pictures atomic.Int64
	of       atomic.Int64 // about
	done     chan struct{}
	object   models.Object // set when done
	err      error
}

func (p *Playable) defaults() {
	p.once.Do(func() {
		p.slots = make(chan struct{}, copiesAtOnce)
		p.making, p.refused = map[string]*making{}, map[string]bool{}
		if p.Limit <= 0 {
			p.Limit = defaultCopies
		}
		if p.Log == nil {
			p.Log = slog.New(slog.DiscardHandler)
		}
		left, _ := filepath.Glob(filepath.Join(p.Dir, "*.tmp*")) // of one that was killed
		for _, path := range left {
			_ = os.Remove(path)
		}
	})
}

// Needed says whether browsers mostly refuse the clip of an incident: it is H.265, or
// H.264 of a profile that they do not decode, such as 10 bit or 4:2:2. A clip that cannot
// be read, or that is still being written, needs none.
func (p *Playable) Needed(in models.Incident) bool {
	if in.Footage.Codec != models.H264 {
		return in.Footage.Codec == models.H265
	}
	master, ok := clipOf(in)
	if !ok {
		return false
	}
	p.defaults()
	p.mu.Lock()
	refused, known := p.refused[master.SHA256]
	p.mu.Unlock()
	if known {
		return refused
	}
	ctx, cancel := context.WithTimeout(context.Background(), peekFor)
	defer cancel()
	refused, err := p.peek(ctx, in)
	if err != nil {
		p.Log.Warn("look at the profile of a clip", "incident", in.ID, "err", err)
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refused) >= peeked {
		clear(p.refused)
	}
	p.refused[master.SHA256] = refused
	return refused
}

// clipOf is the clip that a record names.
func clipOf(in models.Incident) (models.Object, bool) {
	for _, o := range in.Footage.Objects {
		if o.Role == models.RoleClip && o.SHA256 != "" {
			return o, true
		}
	}
	return models.Object{}, false
}

func (p *Playable) peek(ctx context.Context, in models.Incident) (refused bool, err error) {
	r, _, err := p.Open(ctx, in)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	head := make([]byte, peekBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return refusedProfile(head[:n]), nil
}

// refusedProfile reads the profile_idc out of a clip's avcC box (ISO/IEC 14496-15, 5.3.3.1)
// and says whether browsers refuse it. They decode Constrained Baseline, Main and High: 66,
// 77 and 100 (H.264, annex A).
func refusedProfile(head []byte) bool {
	const name = "avcC"
	i := bytes.Index(head, []byte(name))
	if i < 0 || i+len(name)+2 > len(head) {
		return false
	}
	switch head[i+len(name)+1] {
	case 66, 77, 100:
		return false
	}
	return true
}

// Copy returns the path of the copy of an incident's clip and what it is. It makes the copy
// when there is none, which takes about as long as the clip lasts on a small machine. The
// path stays good until other copies need its room; an open file stays readable.
func (p *Playable) Copy(ctx context.Context, in models.Incident) (path string, o models.Object, err error) {
	p.defaults()
	master, ok := clipOf(in)
	if !ok { // the record is older than the upload, or that is still under way
		r, o, err := p.Open(ctx, in)
		if err != nil {
			return "", o, err
		}
		if err := r.Close(); err != nil {
			return "", o, err
		}
		if o.SHA256 == "" {
			return "", o, fmt.Errorf("clip of incident %s, which is still being written: %w", in.ID, fs.ErrNotExist)
		}
		master = o
	}
	path = filepath.Join(p.Dir, master.SHA256+".mp4")
	m, found, err := p.join(in, master, path)
	if err != nil || found {
		return path, m.object, err
	}
	select {
	case <-m.done:
		p.leave(m)
		if m.err != nil {
			return "", models.Object{}, fmt.Errorf("copy of incident %s: %w", in.ID, m.err)
		}
		return path, m.object, nil
	case <-ctx.Done():
		p.leave(m)
		return "", models.Object{}, ctx.Err()
	}
}

// join finds the copy that there is, or the one that is being made, or begins one.
func (p *Playable) join(in models.Incident, master models.Object, path string) (m *making, found bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m = p.making[master.SHA256]; m != nil {
		m.waiting++
		if m.linger != nil {
			m.linger.Stop()
		}
		return m, false, nil
	}
	switch o, err := readCopy(path); {
	case err == nil:
		now := time.Now()
		_ = os.Chtimes(path, now, now) // used: it goes later
		return &making{object: o}, true, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m = &making{waiting: 1, cancel: cancel, done: make(chan struct{})}
	p.making[master.SHA256] = m
	go func() {
		defer cancel()
		m.object, m.err = p.create(ctx, m, in, master, path)
		p.mu.Lock()
		if p.making[master.SHA256] == m {
			delete(p.making, master.SHA256)
		}
		p.mu.Unlock()
		close(m.done)
	}()
	return m, false, nil
}

// leave gives the copy up when nobody waits for it any more, after Linger. Whoever comes
// after begins anew.
func (p *Playable) leave(m *making) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.waiting--; m.waiting > 0 {
		return
	}
	if p.Linger <= 0 {
		p.giveUp(m)
		return
	}
	m.linger = time.AfterFunc(p.Linger, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if m.waiting == 0 {
			p.giveUp(m)
		}
	})
}

func (p *Playable) giveUp(m *making) {
	m.cancel()
	for sum, other := range p.making {
		if other == m {
			delete(p.making, sum)
		}
	}
}

// Progress says how many pictures of the copy of an incident's clip are made, of about how
// many: 0 of 0 when none is being made or its turn has not come.
func (p *Playable) Progress(in models.Incident) (done, total int) {
	master, ok := clipOf(in)
	if !ok {
		return 0, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.making[master.SHA256]
	if m == nil {
		return 0, 0
	}
	return int(m.pictures.Load()), int(m.of.Load())
}

// create makes a copy when it is its turn.
func (p *Playable) create(ctx context.Context, m *making, in models.Incident, master models.Object, path string) (o models.Object, err error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return o, ctx.Err()
	}
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return o, err
	}
	begun := time.Now()
	local, err := p.fetch(ctx, in, master)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.Remove(local)) }()
	w := workingCopy{master: local, sum: master.SHA256, out: local + ".mp4", words: copyWords,
		title: "Copy, not the original", side: copySide}
	w.progress = func(done, total int) {
		m.pictures.Store(int64(done))
		m.of.Store(int64(total))
		if p.OnProgress != nil {
			p.OnProgress(in.ID, done, total)
		}
	}
	made, err := w.make(ctx)
	if err != nil {
		return o, err
	}
	if o, err = describeCopy(w.out, master); err == nil {
		err = p.keep(w.out, path, o)
	}
	if err != nil {
		return o, errors.Join(err, os.Remove(w.out))
	}
	p.Log.Info("copy for browsers made", "incident", in.ID, "frames", made.info.Frames, "withheld", made.withheld,
		"bytes", o.Size, "took", time.Since(begun).Round(time.Millisecond))
	return o, nil
}

// fetch brings the master to this machine's disk, where the decoder can read it in any
// order, and checks that it is the one on record.
func (p *Playable) fetch(ctx context.Context, in models.Incident, master models.Object) (path string, err error) {
	r, _, err := p.Open(ctx, in)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f, err := os.CreateTemp(p.Dir, "master-*.tmp")
	if err != nil {
		return "", err
	}
	sum, _, err := hashTo(ctx, f, r)
	if err = errors.Join(err, f.Close()); err == nil && sum != master.SHA256 {
		err = fmt.Errorf("the clip has SHA-256 %s, its record says %s: no copy is made of what is not the evidence", sum, master.SHA256)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// describeCopy says what a finished copy is.
func describeCopy(path string, master models.Object) (models.Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return models.Object{}, err
	}
	defer f.Close()
	sum, size, err := hashTo(context.Background(), io.Discard, f)
	if err != nil {
		return models.Object{}, err
	}
	return models.Object{Role: models.RoleCopy, Key: strings.TrimSuffix(master.Key, filepath.Ext(master.Key)) + "-copy.mp4",
		Type: "video/mp4", Size: size, SHA256: sum}, nil
}

// keep gives the copy its name, the description first: a copy without one is made again.
func (p *Playable) keep(from, path string, o models.Object) error {
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.makeRoom(o.Size)
	if err := os.WriteFile(describedBy(path), data, 0o600); err != nil {
		return err
	}
	return os.Rename(from, path)
}

func describedBy(path string) string { return strings.TrimSuffix(path, ".mp4") + ".json" }

// readCopy describes a copy that was made before.
func readCopy(path string) (models.Object, error) {
	var o models.Object
	st, err := os.Stat(path)
	if err != nil {
		return o, err
	}
	data, err := os.ReadFile(describedBy(path))
	if err != nil {
		return o, err
	}
	if json.Unmarshal(data, &o) != nil || o.Size != st.Size() {
		return o, fmt.Errorf("copy %s is not what was made: %w", path, fs.ErrNotExist) // made again
	}
	return o, nil
}

// makeRoom removes the copies that were used longest ago until there is room for another.
func (p *Playable) makeRoom(size int64) {
	paths, _ := filepath.Glob(filepath.Join(p.Dir, "*.mp4")) // the pattern is sound
	type kept struct {
		path string
		size int64
		used time.Time
	}
	var all []kept
	for _, path := range paths {
		if strings.Contains(filepath.Base(path), ".tmp") {
			continue // being made
		}
		if st, err := os.Stat(path); err == nil {
			all = append(all, kept{path, st.Size(), st.ModTime()})
			size += st.Size()
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	for _, k := range all {
		if size <= p.Limit {
			return
		}
		if err := errors.Join(os.Remove(k.path), os.Remove(describedBy(k.path))); err != nil {
			p.Log.Warn("remove an old copy", "err", err)
		}
		size -= k.size
	}
}
