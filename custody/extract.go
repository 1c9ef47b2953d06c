package custody

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// ExtractFormat names the form of an [Extract].
const ExtractFormat = "vedette-custody-extract-v1"

// Extract is a piece of a log that proves itself: some entries, the signed head of the
// log, and for each entry the path from it to that head. With JSON it goes into a file.
type Extract struct {
	Format string `json:"format"` // ExtractFormat
	// Checkpoint is the signed head of the log, a C2SP checkpoint: name of the log, number
	// of entries, root hash, signature.
	Checkpoint string  `json:"checkpoint"`
	Entries    []Proof `json:"entries"` // in the order of the log
	Stamps     []Stamp `json:"stamps,omitempty"`
}

// Proof is an entry and the proof that it is in the log.
type Proof struct {
	Index uint64 `json:"index"` // its place in the log, from 0
	// Entry is the entry as the log holds it, byte for byte: a models.Custody in JSON.
	Entry string `json:"entry"`
	// Path are the hashes beside the way from the entry to the root (RFC 6962, 2.1.1).
	Path [][]byte `json:"path"`
}

// Stamp is an authority's word that the log was in a state at a time.
type Stamp struct {
	Checkpoint string `json:"checkpoint"` // what was stamped, a C2SP checkpoint
	Token      []byte `json:"token"`      // RFC 3161 time-stamp token over Checkpoint, DER
	// Path proves that the log only grew between Checkpoint and the extract's own
	// checkpoint (RFC 6962, 2.1.2).
	Path [][]byte `json:"path,omitempty"`
}

// Extract takes out the entries of some incidents, with what proves that they are in the
// log as it is now, and for each the earliest stamp that came after it.
func (l *Log) Extract(ctx context.Context, ids []models.IncidentID) (Extract, error) {
	var x Extract
	err := l.mended(ctx, func() (err error) {
		x, err = l.extract(ctx, ids)
		return err
	})
	if err != nil {
		return Extract{}, fmt.Errorf("custody extract: %w", err)
	}
	return x, nil
}

// ParseExtract reads an extract from JSON and takes no field that it does not know.
func ParseExtract(data []byte) (Extract, error) {
	var x Extract
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&x); err != nil {
		return Extract{}, fmt.Errorf("custody extract: %w: %w", ErrAltered, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Extract{}, fmt.Errorf("custody extract: %w: more than one value", ErrAltered)
	}
	return x, nil
}

func (l *Log) extract(ctx context.Context, ids []models.IncidentID) (Extract, error) {
	// Entries that come while this is made are not in it.
	head, err := l.newest(ctx)
	if err != nil {
		return Extract{}, err
	}
	if head.size == 0 {
		return Extract{}, errors.New("the log has no entries yet")
	}
	x := Extract{Format: ExtractFormat, Checkpoint: head.String(), Entries: []Proof{}}
	var at []uint64
	for _, id := range ids {
		more, err := l.indexesOf(ctx, id)
		if err != nil {
			return Extract{}, err
		}
		at = append(at, more...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	at = at[:upTo(at, head.size)]
	for _, n := range at {
		p, err := l.prove(n, head)
		if err != nil {
			return Extract{}, err
		}
		x.Entries = append(x.Entries, p)
	}
	x.Stamps, err = l.stampsFor(at, head)
	return x, err
}

// upTo is how many of some sorted places lie before size.
func upTo(at []uint64, size uint64) int {
	n, _ := slices.BinarySearch(at, size)
	return n
}

func (l *Log) prove(n uint64, head checkpoint) (Proof, error) {
	_, line, err := l.read(n)
	if err != nil {
		return Proof{}, err
	}
	path, err := tlog.ProveRecord(int64(head.size), int64(n), l.hashes())
	if err == nil {
		err = tlog.CheckRecord(path, int64(head.size), head.root, int64(n), tlog.RecordHash(line))
	}
	if err != nil {
		return Proof{}, fmt.Errorf("%w: entry %d: %w", errHashes, n, err)
	}
	return Proof{Index: n, Entry: string(line), Path: toPath(path)}, nil
}

// stampsFor returns, for each of some entries, the earliest stamp that came after it, each
// stamp once.
func (l *Log) stampsFor(at []uint64, head checkpoint) ([]Stamp, error) {
	all, err := readStamps(l.dir)
	if err != nil {
		return nil, err
	}
	checker, err := l.checker()
	if err != nil {
		return nil, err
	}
	type sized struct {
		Stamp
		checkpoint
	}
	var list []sized
	for _, s := range all {
		c, err := checker.parse([]byte(s.Checkpoint))
		if err != nil {
			return nil, fmt.Errorf("stamp: %w", err)
		}
		if c.size <= head.size {
			list = append(list, sized{s, c})
		}
	}
	slices.SortStableFunc(list, func(a, b sized) int { return cmp.Compare(a.size, b.size) })
	var out []Stamp
	covered := uint64(0)
	for _, s := range list {
		if upTo(at, s.size) == upTo(at, covered) {
			continue // none of the entries lies between the two stamps
		}
		covered = s.size
		path, err := tlog.ProveTree(int64(head.size), int64(s.size), l.hashes())
		if err == nil {
			err = tlog.CheckTree(path, int64(head.size), head.root, int64(s.size), s.root)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: stamp over %d entries: %w", errHashes, s.size, err)
		}
		s.Path = toPath(path)
		out = append(out, s.Stamp)
	}
	return out, nil
}

func toPath[P ~[]tlog.Hash](p P) [][]byte {
	out := make([][]byte, len(p))
	for i, h := range p {
		out[i] = h[:]
	}
	return out
}

func fromPath(path [][]byte) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(path))
	for i, h := range path {
		if len(h) != tlog.HashSize {
			return nil, fmt.Errorf("%w: a hash of %d bytes", ErrAltered, len(h))
		}
		out[i] = tlog.Hash(h)
	}
	return out, nil
}

// Records returns the entries as records, without checking that they are in the log.
func (e Extract) Records() ([]models.CustodyRecord, error) {
	list := make([]models.CustodyRecord, 0, len(e.Entries))
	for _, p := range e.Entries {
		r, err := record(p.Index, []byte(p.Entry))
		if err != nil {
			return nil, fmt.Errorf("custody extract: %w", err)
		}
		list = append(list, r)
	}
	return list, nil
}

// Verify checks an extract with nothing but public keys, those of the system being trusted
// for time-stamps. The error wraps ErrAltered or ErrUnknownKey when something is wrong;
// the findings then say what.
func (e Extract) Verify(keys []PublicKey) (Findings, error) {
	return e.VerifyStamps(keys, nil)
}

// VerifyStamps is Verify with the authorities that are trusted for time-stamps.
func (e Extract) VerifyStamps(keys []PublicKey, roots *x509.CertPool) (Findings, error) {
	var f Findings
	err := e.verify(&f, keys, roots)
	if err != nil {
		f.Problems = append(f.Problems, plain(err))
		return f, fmt.Errorf("custody extract: %w", err)
	}
	return f, nil
}

func (e Extract) verify(f *Findings, keys []PublicKey, roots *x509.CertPool) error {
	if e.Format != ExtractFormat {
		return fmt.Errorf("%w: form %q, want %q", ErrAltered, e.Format, ExtractFormat)
	}
	origin, err := originOf(e.Checkpoint)
	if err != nil {
		return err
	}
	vs, err := newVerifiers(origin, keys)
	if err != nil {
		return err
	}
	head, err := vs.parse([]byte(e.Checkpoint))
	if err != nil {
		return err
	}
	f.Origin, f.Size, f.Keys = head.origin, head.size, []string{head.key}
	f.check("The state of the custody log with %s is signed by the recorder's key %s.", entries(int(head.size)), head.key)
	last := uint64(0)
	for i, p := range e.Entries {
		if i > 0 && p.Index <= last {
			return fmt.Errorf("%w: entry %d comes after entry %d", ErrAltered, p.Index, last)
		}
		last = p.Index
		if err := checkProof(p, head); err != nil {
			return err
		}
		f.Entries++
	}
	f.check("%s of the custody log %s in that state, unchanged and in this order.", entries(f.Entries), areOrIs(f.Entries))
	for _, s := range e.Stamps {
		stamped, err := checkStamp(s, vs, head, roots)
		if err != nil {
			return err
		}
		f.stamped(stamped)
	}
	return nil
}

func checkProof(p Proof, head checkpoint) error {
	if _, err := decodeEntry([]byte(p.Entry)); err != nil {
		return fmt.Errorf("%w: %w", ErrAltered, err)
	}
	path, err := fromPath(p.Path)
	if err != nil {
		return fmt.Errorf("entry %d: %w", p.Index, err)
	}
	if p.Index >= head.size {
		return fmt.Errorf("%w: entry %d, but the log has %d entries", ErrAltered, p.Index, head.size)
	}
	if err := tlog.CheckRecord(path, int64(head.size), head.root, int64(p.Index), tlog.RecordHash([]byte(p.Entry))); err != nil {
		return fmt.Errorf("%w: entry %d is not the one that was recorded: %w", ErrAltered, p.Index, err)
	}
	return nil
}

func checkStamp(s Stamp, vs *verifiers, head checkpoint, roots *x509.CertPool) (Stamped, error) {
	c, err := vs.parse([]byte(s.Checkpoint))
	if err != nil {
		return Stamped{}, fmt.Errorf("time-stamp: %w", err)
	}
	path, err := fromPath(s.Path)
	if err != nil {
		return Stamped{}, fmt.Errorf("time-stamp: %w", err)
	}
	if c.size > head.size {
		return Stamped{}, fmt.Errorf("%w: time-stamp over %d entries, but the log has %d", ErrAltered, c.size, head.size)
	}
	if err := tlog.CheckTree(path, int64(head.size), head.root, int64(c.size), c.root); err != nil {
		return Stamped{}, fmt.Errorf("%w: the log is not a continuation of the one that was stamped: %w", ErrAltered, err)
	}
	stamped, err := checkToken(s.Token, []byte(s.Checkpoint), roots)
	stamped.Size = c.size
	return stamped, err
}
