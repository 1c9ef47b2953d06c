package clip

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// reseal gives the sealed boxes of a mutated file valid checksums, so that the fuzzer
// reaches what lies behind them.
func reseal(b []byte) []byte {
	b = bytes.Clone(b)
	size := int64(len(b))
	var off, sealed int64
	for _, typ := range []string{"ftyp", "moov", "uuid"} {
		h, err := readBoxHead(bytes.NewReader(b), off, size)
		if err != nil || h.typ != typ {
			return b
		}
		sealed = off
		off += h.size
	}
	if at := sealed + sealOffset; at+4 <= off {
		seal(b[:off], int(at))
	}
	for off < size {
		end := off
		for range 4 {
			h, err := readBoxHead(bytes.NewReader(b), end, size)
			if err != nil {
				return b
			}
			end += h.size
		}
		if end-off > sealOffset+4 {
			seal(b[off:end], sealOffset)
		}
		off = end
	}
	return b
}

// FuzzClip: whatever the bytes are, Recover, Stat and Faststart do not panic, Recover can
// be repeated, and what it lets pass can be finished.
func FuzzClip(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range [][]byte{data, reseal(data)} {
			dir := t.TempDir()
			path := filepath.Join(dir, "clip.fmp4")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _ = Stat(path)
			_ = Moments(path, func(Moment) {})
			info, err := Recover(path)
			if err != nil {
				if got, _ := os.ReadFile(path); !bytes.Equal(got, b) {
					t.Fatal("Recover failed and changed the file")
				}
				continue
			}
			again, err := Recover(path)
			if err != nil || !reflect.DeepEqual(info, again) {
				t.Fatalf("Recover said %+v, then %+v, %v", info, again, err)
			}
			if head, _ := readHead(bytes.NewReader(b), int64(len(b))); head.Finished {
				continue
			}
			finished := filepath.Join(dir, "clip.mp4")
			if _, err := Faststart(path, finished); err != nil {
				t.Fatalf("a recovered clip cannot be finished: %v", err)
			}
			if _, err := Stat(finished); err != nil {
				t.Fatalf("a finished clip cannot be read: %v", err)
			}
		}
	})
}

// FuzzFragment reads fragments without the protection of the checksum.
func FuzzFragment(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		frag, err := readFragment(r, 0, int64(len(data)))
		if err != nil {
			return
		}
		_ = frag.check(r, io.Discard, make([]byte, 64))
		var tab tables
		tab.add(frag)
		tab.add(frag)
		tab.close()
		var w boxes
		tab.write(&w, 0)
	})
}

// FuzzSpilled reads chunks without the protection of the checksum.
func FuzzSpilled(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = decodeChunk(data)
		units, err := decodeUnits(data)
		if err != nil {
			return
		}
		size := 0
		for _, au := range units {
			size += au.Size()
		}
		if size > len(data) {
			t.Fatalf("%d bytes of pictures from %d", size, len(data))
		}
	})
}

// FuzzTrack makes sample entries from whatever a camera sends as parameter sets.
func FuzzTrack(f *testing.F) {
	f.Fuzz(func(t *testing.T, hevc bool, sets []byte) {
		var nalus [][]byte
		for len(sets) >= 2 {
			n := min(int(binary.BigEndian.Uint16(sets)), len(sets)-2)
			nalus = append(nalus, sets[2:2+n])
			sets = sets[2+n:]
		}
		var tr track
		var err error
		if hevc {
			tr, err = hevcTrack(nalus)
		} else {
			tr, err = avcTrack(nalus)
		}
		if err != nil {
			return
		}
		if _, _, rest, err := splitBox(tr.entry); err != nil || len(rest) != 0 {
			t.Fatalf("the sample entry is no box: %v", err)
		}
	})
}
