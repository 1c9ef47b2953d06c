package custody

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// VerifyOptions say what a log is compared with besides itself.
type VerifyOptions struct {
	Authorities *x509.CertPool // trusted for time-stamps; default: those of the system
	// Checkpoints are signed heads of the log that were kept elsewhere, by what they are
	// called. Nobody can cut a log short, or write it anew, behind one of them.
	Checkpoints map[string][]byte
	Progress    func(done, total int64) // bytes of the log; may be nil
}

// Verify checks the whole log. See VerifyDir.
func (l *Log) Verify(ctx context.Context) (Findings, error) {
	return VerifyDir(ctx, l.dir, l.o.Keys.Public(), VerifyOptions{})
}

// VerifyDir checks the whole log in a folder, or in a copy of one, which it only reads:
// each entry and seal, every signature, the newest checkpoint, the time-stamps, and the
// files that are made from the log. The error wraps ErrAltered or ErrUnknownKey when
// something is wrong; the findings then say what, and how far the log is whole.
func VerifyDir(ctx context.Context, dir string, keys []PublicKey, o VerifyOptions) (Findings, error) {
	v := verification{dir: dir, o: o}
	err := v.run(ctx, keys)
	if err != nil {
		v.found.Problems = append(v.found.Problems, plain(err))
		return v.found, fmt.Errorf("custody log %s: %w", dir, err)
	}
	return v.found, nil
}

type verification struct {
	dir   string
	o     VerifyOptions
	found Findings

	log     *os.File
	size    int64 // of the log file; what is added later is not looked at
	head    []byte
	checker *verifiers
	tree    tree
	wanted  map[uint64][]wanted // by size
	stamps  []Stamp
	made    made
}

// wanted is a checkpoint that the log must agree with.
type wanted struct {
	name string
	checkpoint
}

func (v *verification) run(ctx context.Context, keys []PublicKey) (err error) {
	if err := v.open(ctx); err != nil {
		return err
	}
	defer v.log.Close()
	r := newLineReader(io.NewSectionReader(v.log, 0, v.size), 0)
	line, err := r.next()
	if err != nil {
		return fmt.Errorf("%w: its first line: %w", ErrAltered, err)
	}
	if v.found.Origin, err = parseHeader(line); err != nil {
		return err
	}
	if v.checker, err = newVerifiers(v.found.Origin, keys); err != nil {
		return err
	}
	if err := v.want(); err != nil {
		return err
	}
	if err := v.made.open(v.dir); err != nil {
		return err
	}
	defer v.made.close()
	if err := v.entries(ctx, r); err != nil {
		if v.found.Size > 0 {
			v.found.note("Up to there the log is whole: its first %s are as they were signed.", entries(int(v.found.Size)))
		}
		return err
	}
	v.found.check("%s: each is in its place and unchanged since it was recorded, and none is missing between them.", entries(v.found.Entries))
	v.found.check("Each of the states in which the log was signed continues the one before it, and is signed by a key of this recorder (%d of them).", len(v.found.Keys))
	if err := v.ahead(); err != nil {
		return err
	}
	for _, s := range v.stamps {
		stamped, err := checkToken(s.Token, []byte(s.Checkpoint), v.o.Authorities)
		if err != nil {
			return err
		}
		if c, err := v.checker.parse([]byte(s.Checkpoint)); err == nil {
			stamped.Size = c.size
		}
		v.found.stamped(stamped)
	}
	return v.made.end(v.tree.n, &v.found)
}

// open takes the state of the log at an instant in which nobody writes to it.
func (v *verification) open(ctx context.Context) error {
	lock, err := os.Open(filepath.Join(v.dir, lockName))
	if err == nil {
		defer lock.Close()
		err = lockFile(ctx, lock, lockShared, lockWait)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a copy needs no lock
		return err
	}
	if v.log, err = os.Open(filepath.Join(v.dir, logName)); err != nil {
		return err
	}
	info, err := v.log.Stat()
	if err != nil {
		return errors.Join(err, v.log.Close())
	}
	v.size = info.Size()
	v.head, err = os.ReadFile(filepath.Join(v.dir, checkpointName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, v.log.Close())
	}
	return nil
}

// want collects the checkpoints that the log must agree with.
func (v *verification) want() error {
	v.wanted = map[uint64][]wanted{}
	add := func(name string, data []byte) error {
		c, err := v.checker.parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		v.wanted[c.size] = append(v.wanted[c.size], wanted{name, c})
		return nil
	}
	if len(v.head) > 0 {
		if err := add("the newest checkpoint", v.head); err != nil {
			return err
		}
	}
	var err error
	if v.stamps, err = readStamps(v.dir); err != nil {
		return err
	}
	for _, s := range v.stamps {
		if err := add("the checkpoint of a time-stamp", []byte(s.Checkpoint)); err != nil {
			return err
		}
	}
	for name, data := range v.o.Checkpoints {
		if err := add(name, data); err != nil {
			return err
		}
	}
	return nil
}

// entries reads every line of the log.
func (v *verification) entries(ctx context.Context, r *lineReader) error {
	sealed, unsealed := r.at, false
	newest := len(v.checker.order) // no key may sign after its successor
	var clock time.Time
	for n := 0; ; n++ {
		if n%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if v.o.Progress != nil {
				v.o.Progress(r.at, v.size)
			}
		}
		at := r.at
		line, err := r.next()
		switch {
		case errors.Is(err, io.EOF) && !unsealed:
			return nil
		case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
			v.found.Entries = int(v.found.Size)
			v.found.note("The last %d bytes of the log belong to no signed entry. A crash leaves such; nobody was told that they are in the log.", v.size-sealed)
			return nil
		case err != nil:
			return err
		case !isSeal(line):
			c, err := decodeEntry(line)
			if err != nil {
				return fmt.Errorf("%w: entry %d: %w", ErrAltered, v.tree.n, err)
			}
			if back := clock.Sub(c.At); back > clockBack {
				v.found.note("At entry %d the recorder's clock had gone back by %s.", v.tree.n, back.Round(time.Second))
			}
			clock = c.At
			if err := v.made.entry(v.tree.n, at, line, c.Incident); err != nil {
				return err
			}
			if err := v.made.hashes(v.tree.add(tlog.RecordHash(line))); err != nil {
				return err
			}
			if err := v.agree(); err != nil {
				return err
			}
			unsealed = true
			v.found.Entries++
			continue
		}
		seal, err := v.checker.parseSeal(line)
		if err != nil {
			return fmt.Errorf("seal after entry %d: %w", v.tree.n, err)
		}
		if !unsealed || seal.size != v.tree.n || seal.root != v.tree.root() {
			return fmt.Errorf("%w: entries %d to %d are not those that were signed: one of them was changed, taken out or put in",
				ErrAltered, v.found.Size, v.tree.n)
		}
		if age := v.checker.order[seal.key]; age > newest {
			return fmt.Errorf("%w: entries %d to %d are signed by key %s after another had taken its place", ErrAltered, v.found.Size, v.tree.n, seal.key)
		} else if age < newest {
			newest = age
			v.found.Keys = slices.Insert(v.found.Keys, 0, seal.key)
		}
		v.found.Size, sealed, unsealed = seal.size, r.at, false
	}
}

// clockBack is how far entries may be out of the order of time without a note: they come
// from several goroutines, and a clock is corrected now and then.
const clockBack = 2 * time.Second

// agree compares the tree as it is with the checkpoints of that size.
func (v *verification) agree() error {
	for _, w := range v.wanted[v.tree.n] {
		if w.root != v.tree.root() {
			return fmt.Errorf("%w: the first %d entries are not those of %s", ErrAltered, w.size, w.name)
		}
		if _, ours := v.o.Checkpoints[w.name]; ours {
			v.found.check("The log continues %s, which has %s.", w.name, entries(int(w.size)))
		}
	}
	return nil
}

// ahead finds checkpoints that the log does not reach.
func (v *verification) ahead() error {
	for size, list := range v.wanted {
		if size > v.found.Size {
			return fmt.Errorf("%w: the log has %s, but %s has %d: %d are missing at its end",
				ErrAltered, entries(int(v.found.Size)), list[0].name, size, size-v.found.Size)
		}
	}
	switch {
	case len(v.head) > 0:
		v.found.check("No entry is missing at the end: the log reaches its newest checkpoint.")
	case v.found.Size > 0:
		v.found.note("There is no checkpoint beside the log, so entries that were cut off at its end would not be missed here.")
	}
	return nil
}

// made compares the files that are made from a log with what should be in them.
type made struct {
	files  []*os.File
	tree   *bufio.Reader // nil when there is no such file
	index  *bufio.Reader
	heads  *chains
	behind bool // they end before the log does
}

func (m *made) open(dir string) error {
	m.heads = &chains{}
	for _, f := range []struct {
		into **bufio.Reader
		name string
	}{{&m.tree, treeName}, {&m.index, indexName}} {
		file, err := os.Open(filepath.Join(dir, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			m.close()
			return err
		}
		m.files = append(m.files, file)
		*f.into = bufio.NewReaderSize(file, 1<<16)
	}
	return nil
}

func (m *made) close() {
	for _, f := range m.files {
		f.Close()
	}
}

func (m *made) entry(n uint64, at int64, line []byte, id models.IncidentID) error {
	p := link(m.heads, n, id, at, len(line))
	return m.compare(m.index, indexName, p.append(nil))
}

func (m *made) hashes(list []tlog.Hash) error {
	for _, h := range list {
		if err := m.compare(m.tree, treeName, h[:]); err != nil {
			return err
		}
	}
	return nil
}

func (m *made) compare(r *bufio.Reader, name string, want []byte) error {
	if r == nil || m.behind {
		return nil
	}
	got := make([]byte, len(want))
	_, err := io.ReadFull(r, got)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		m.behind = true
		return nil
	case err != nil:
		return err
	case !bytes.Equal(got, want):
		return fmt.Errorf("%w: the file %s, which only helps to find entries, is not what the log says; "+
			"stop vedette and remove it, and it is made anew", ErrAltered, name)
	}
	return nil
}

func (m *made) end(n uint64, f *Findings) error {
	if m.behind || m.tree == nil || m.index == nil {
		f.note("The files that help to find entries are not complete; the next start completes them.")
		return nil
	}
	for _, r := range []*bufio.Reader{m.tree, m.index} {
		if _, err := r.Peek(1); err == nil {
			f.note("The files that help to find entries go on behind entry %d; the next start puts that right.", n)
			return nil
		}
	}
	return nil
}
