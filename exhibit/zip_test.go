package exhibit

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func checksum(data []byte) uint32 { return crc32.ChecksumIEEE(data) }

func writeAll(t testing.TB, c *container, all [][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := c.write(&out, func(i int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(all[i])), nil }); err != nil {
		t.Fatal(err)
	}
	if int64(out.Len()) != c.length() {
		t.Errorf("said to have %d bytes, has %d", c.length(), out.Len())
	}
	return out.Bytes()
}

// sparse is a large file that is zero but for some pieces.
type sparse struct {
	size   int64
	pieces map[int64][]byte
}

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), s.size-off))
	clear(p[:n])
	for at, b := range s.pieces {
		if lo, hi := max(at, off), min(at+int64(len(b)), off+int64(n)); lo < hi {
			copy(p[lo-off:hi-off], b[lo-at:hi-at])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Files and offsets of 4 GiB and more are told in zip64 fields, which archive/zip reads.
func TestLargePackages(t *testing.T) {
	when := toDOS(time.Date(2026, 3, 2, 7, 41, 6, 0, time.UTC))
	for _, tc := range []struct {
		name  string
		sizes []int64
	}{
		{"small", []int64{0, 1, 100}},
		{"a file just below the limit", []int64{large - 1, 5}},
		{"a file at the limit", []int64{large, 5}},
		{"a large file first", []int64{5 << 30, 7, 0}},
		{"a large file last", []int64{7, 5 << 30}},
		{"many that are large together", []int64{3 << 30, 3 << 30, 3 << 30, 1}},
		{"the directory at the limit", []int64{large - 31}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &container{when: when}
			for i, n := range tc.sizes {
				c.entries = append(c.entries, zipEntry{name: string(rune('a' + i)), size: n, crc: uint32(i)})
			}
			c.place()
			file := sparse{size: c.length(), pieces: map[int64][]byte{c.directoryOffset(): c.tail()}}
			for _, e := range c.entries {
				b := e.local(when)
				file.pieces[e.data-int64(len(b))] = b
			}
			got, err := readContainer(file, file.size)
			if err != nil {
				t.Fatal(err)
			}
			r, err := zip.NewReader(file, file.size)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range r.File {
				off, err := f.DataOffset()
				if err != nil {
					t.Fatal(err)
				}
				e := got.entries[i]
				if int64(f.UncompressedSize64) != tc.sizes[i] || off != e.data || e.size != tc.sizes[i] || f.Name != e.name || !f.Modified.Equal(time.Date(2026, 3, 2, 7, 41, 6, 0, time.UTC)) {
					t.Errorf("archive/zip reads %+v at %d, we %+v", f.FileHeader, off, e)
				}
			}
			if len(r.File) != len(tc.sizes) {
				t.Errorf("archive/zip reads %d files", len(r.File))
			}
		})
	}
}

// What is given must be what was announced.
func TestWriteRefusesOtherContent(t *testing.T) {
	for _, data := range []string{"", "hell", "hello!", "jello"} {
		c := &container{entries: []zipEntry{{name: "a", size: 5, crc: checksum([]byte("hello"))}}}
		err := c.write(io.Discard, func(int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(data))), nil })
		if !errors.Is(err, errChanged) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// FuzzContainer: whatever the bytes are, they are read without harm, and what is taken for a
// container is written again as the same bytes.
func FuzzContainer(f *testing.F) {
	c := &container{when: toDOS(time.Date(2026, 3, 2, 7, 41, 6, 0, time.UTC)), entries: []zipEntry{
		{name: "case/a", size: 5, crc: checksum([]byte("hello"))}, {name: "case/b", size: 0}}}
	f.Add(writeAll(f, c, [][]byte{[]byte("hello"), nil}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readContainer(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var all [][]byte
		for i, e := range c.entries {
			all = append(all, data[e.data:e.data+e.size])
			if checksum(all[i]) != e.crc {
				return // the verification compares it, not the reading
			}
		}
		if got := writeAll(t, c, all); !bytes.Equal(got, data) {
			t.Fatalf("written again it is another file:\n%x\n%x", data, got)
		}
	})
}

// FuzzVerify: whatever the bytes are, a verification ends with findings.
func FuzzVerify(f *testing.F) {
	c := &container{entries: []zipEntry{{name: "case/" + ListFile, size: 2, crc: checksum([]byte("{}"))},
		{name: "case/" + SignatureFile, size: 2, crc: checksum([]byte("{}"))}, {name: "case/" + KeysFile, size: 2, crc: checksum([]byte("[]"))}}}
	f.Add(writeAll(f, c, [][]byte{[]byte("{}"), []byte("{}"), []byte("[]")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if f, err := Verify(bytes.NewReader(data), int64(len(data)), VerifyOptions{}); err != nil || f.OK() {
			t.Fatalf("%v, %+v", err, f)
		}
	})
}

// FuzzList: a list that is taken names only files that any system can have in one folder,
// and is the same when it is written again.
func FuzzList(f *testing.F) {
	l := List{Schema: listSchema, Folder: "case", Files: []File{{Path: "a/b.mp4", SHA256: strings.Repeat("0", 64)}}}
	data, err := l.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("a/b.mp4"), []byte("../../etc/passwd"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseList(data)
		if err != nil {
			return
		}
		for _, f := range l.Files {
			if !filepath.IsLocal(f.Path) || strings.ContainsAny(f.Path, "\\:\x00") {
				t.Fatalf("%q is taken for a name", f.Path)
			}
		}
		again, err := l.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseList(again); err != nil {
			t.Fatalf("written again it is refused: %v", err)
		}
	})
}
