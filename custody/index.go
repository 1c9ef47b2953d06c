package custody

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"github.com/vedette-cctv/vedette/models"
)

// The entries of one incident are found through chains: each entry points to the one
// before it in the same bucket. With ten million entries a chain holds some 40 of other
// incidents, each passed over with one read of 24 bytes; the newest of each bucket are
// kept in memory, 2 MiB when there are many.
const buckets = 1 << 18

// chains holds, for each bucket, 1 + the newest entry in it, 0 for none.
type chains struct {
	pages [buckets / chainPage]*[chainPage]uint64
}

const chainPage = 512

func (c *chains) newest(tag uint32) uint64 {
	b := tag % buckets
	if page := c.pages[b/chainPage]; page != nil {
		return page[b%chainPage]
	}
	return 0
}

// push makes an entry the newest of its bucket, and returns the one that was.
func (c *chains) push(tag uint32, n uint64) (before uint64) {
	b := tag % buckets
	if c.pages[b/chainPage] == nil {
		c.pages[b/chainPage] = new([chainPage]uint64)
	}
	at := &c.pages[b/chainPage][b%chainPage]
	before, *at = *at, n+1
	return before
}

// place is what the index says of one entry.
type place struct {
	offset int64  // of its line in the log file
	length uint32 // of the line, without its newline
	tag    uint32 // of its incident
	prev   uint64 // 1 + the entry before it in its bucket; 0 for none
}

const placeSize = 24

func (p place) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(p.offset))
	to = binary.LittleEndian.AppendUint32(to, p.length)
	to = binary.LittleEndian.AppendUint32(to, p.tag)
	return binary.LittleEndian.AppendUint64(to, p.prev)
}

func parsePlace(b []byte) place {
	return place{
		offset: int64(binary.LittleEndian.Uint64(b)),
		length: binary.LittleEndian.Uint32(b[8:]),
		tag:    binary.LittleEndian.Uint32(b[12:]),
		prev:   binary.LittleEndian.Uint64(b[16:]),
	}
}

// tagOf is what the index keeps of an incident's ID; 0 is for no incident. Its lower bits
// are the bucket. Two incidents may have the same: who follows a chain compares the IDs.
func tagOf(id models.IncidentID) uint32 {
	if id == "" {
		return 0
	}
	h := fnv.New32a()
	io.WriteString(h, string(id))
	return max(h.Sum32(), 1)
}

// link makes the place of entry n and puts it at the head of its chain.
func link(heads *chains, n uint64, id models.IncidentID, offset int64, length int) place {
	p := place{offset: offset, length: uint32(length), tag: tagOf(id)}
	if p.tag != 0 {
		p.prev = heads.push(p.tag, n)
	}
	return p
}

func (l *Log) placeAt(n uint64) (place, error) {
	var b [placeSize]byte
	if _, err := l.index.ReadAt(b[:], int64(n)*placeSize); err != nil {
		return place{}, fmt.Errorf("index of entry %d: %w", n, err)
	}
	return parsePlace(b[:]), nil
}

// loadIndex takes up what the files that are made from the log know, when it fits: the
// places follow one another, and the tree has the root that the seal after the last of
// them has signed. Otherwise it leaves the state at the beginning of the log.
func (l *Log) loadIndex() error {
	info, err := l.index.Stat()
	if err != nil {
		return err
	}
	n := uint64(info.Size() / placeSize)
	at, seal, err := l.newestSealed(n)
	if err != nil || at == 0 {
		return err
	}
	edge, err := readTree(at, l.hashes())
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		return err
	}
	if edge.root() != seal.root {
		return nil
	}
	ends, heads, err := l.readChains(at)
	if err != nil || ends == 0 {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.edge, l.state.heads, l.state.last = edge, heads, seal
	l.state.end = ends + int64(len(seal.seal()))
	return nil
}

// sealSearch is how many entries back a seal is looked for: as many as a batch can have.
const sealSearch = maxBatch

// newestSealed finds the last entry among the first n in the index that a good seal
// follows in the log. It returns how many entries there are up to it.
func (l *Log) newestSealed(n uint64) (uint64, checkpoint, error) {
	checker, err := l.checker()
	if err != nil {
		return 0, checkpoint{}, err
	}
	for at := n; at > 0 && n-at <= sealSearch; at-- {
		p, err := l.placeAt(at - 1)
		if err != nil {
			return 0, checkpoint{}, err
		}
		line := make([]byte, maxCheckpoint)
		got, err := l.file.ReadAt(line, p.offset+int64(p.length)+1)
		if err != nil && !errors.Is(err, io.EOF) {
			if p.offset < 0 || errors.Is(err, os.ErrInvalid) {
				continue // not a place of ours
			}
			return 0, checkpoint{}, err
		}
		line, _, whole := bytes.Cut(line[:got], []byte("\n"))
		if !whole || !isSeal(line) {
			continue
		}
		if seal, err := checker.parseSeal(line); err == nil && seal.size == at {
			return at, seal, nil
		}
	}
	return 0, checkpoint{}, nil
}

// readChains reads the places of the first n entries, and returns where the last one's
// line ends; 0 when they are not places that follow one another.
func (l *Log) readChains(n uint64) (end int64, heads *chains, err error) {
	heads = &chains{}
	r := io.NewSectionReader(l.index, 0, int64(n)*placeSize)
	buf := make([]byte, placeSize<<11)
	end = int64(len(header) + len(l.origin) + 1)
	for i := uint64(0); i < n; {
		got, err := io.ReadFull(r, buf[:min(uint64(len(buf)), (n-i)*placeSize)])
		if err != nil {
			return 0, nil, fmt.Errorf("index: %w", err)
		}
		for b := buf[:got]; len(b) > 0; b, i = b[placeSize:], i+1 {
			p := parsePlace(b)
			prev := uint64(0)
			if p.tag != 0 {
				prev = heads.push(p.tag, i)
			}
			if p.offset < end || p.length == 0 || p.length > maxEntry || p.prev != prev {
				return 0, nil, nil
			}
			end = p.offset + int64(p.length) + 1
		}
	}
	return end, heads, nil
}
