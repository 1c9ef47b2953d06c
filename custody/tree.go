package custody

import (
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the right edge of the Merkle tree of RFC 6962: the roots of its whole subtrees,
// largest first. That is all that is needed to add an entry, so a damaged file of hashes
// can never get into a signed head.
type tree struct {
	n     uint64 // entries
	peaks []tlog.Hash
}

// add takes the hash of the next entry and returns the hashes that are final now, in the
// order in which tlog stores them.
func (t *tree) add(leaf tlog.Hash) []tlog.Hash {
	out := append(make([]tlog.Hash, 0, 2), leaf)
	for i := t.n; i&1 == 1; i >>= 1 {
		last := len(t.peaks) - 1
		leaf = tlog.NodeHash(t.peaks[last], leaf)
		t.peaks = t.peaks[:last]
		out = append(out, leaf)
	}
	t.peaks = append(t.peaks, leaf)
	t.n++
	return out
}

// root is the hash of the whole tree; that of no entry at all is zero and never signed.
func (t *tree) root() tlog.Hash {
	if t.n == 0 {
		return tlog.Hash{}
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

func (t *tree) clone() tree {
	return tree{n: t.n, peaks: append([]tlog.Hash(nil), t.peaks...)}
}

// readTree takes the right edge of a tree of n entries from a file of hashes.
func readTree(n uint64, r tlog.HashReader) (tree, error) {
	t := tree{n: n}
	var at []int64
	start := uint64(0)
	for level := bits.Len64(n) - 1; level >= 0; level-- {
		if n&(1<<level) != 0 {
			at = append(at, tlog.StoredHashIndex(level, int64(start>>level)))
			start += 1 << level
		}
	}
	var err error
	if t.peaks, err = r.ReadHashes(at); err != nil {
		return tree{}, err
	}
	return t, nil
}

// hashFile reads hashes in the order in which tlog stores them.
type hashFile struct{ r io.ReaderAt }

// ReadHashes implements tlog.HashReader.
func (f hashFile) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, n := range at {
		if _, err := f.r.ReadAt(out[i][:], n*tlog.HashSize); err != nil {
			return nil, fmt.Errorf("hash %d: %w", n, err)
		}
	}
	return out, nil
}
