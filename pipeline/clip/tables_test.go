package clip

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// zeros is a file of any size.
type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// headWriter keeps the beginning of what is written.
type headWriter struct {
	head  []byte
	total int64
}

func (w *headWriter) Write(p []byte) (int, error) {
	if room := 1<<20 - len(w.head); room > 0 {
		w.head = append(w.head, p[:min(room, len(p))]...)
	}
	w.total += int64(len(p))
	return len(p), nil
}

// A clip of more than 4 GiB needs 64-bit offsets.
func TestBeyondFourGiB(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  uint32 // of a sample
		table string
		mdat  int // bytes of the header of mdat
	}{
		{"4.1 GiB", 1<<30 + 1<<25, "co64", 16},
		{"2 GiB", 1 << 29, "stco", 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("reads gigabytes of zeros")
			}
			var tab tables
			var frags []fragment
			sum := crc32.New(castagnoli)
			if _, err := io.CopyN(sum, io.NewSectionReader(zeros{}, 0, math.MaxInt64), int64(c.size)); err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				f := fragment{dts: int64(i) * 90000, dataSize: int64(c.size), want: sum.Sum32()}
				f.samples = []sample{{size: c.size, duration: 90000, key: i == 0}}
				f.Frame = time.Second
				tab.add(f)
				frags = append(frags, f)
			}
			tab.close()
			var out headWriter
			n, err := writePictures(&out, zeros{}, fileHead{entry: []byte("\x00\x00\x00\x08avc1")}, Info{Codec: models.H264}, &tab, frags)
			if err != nil {
				t.Fatal(err)
			}
			if n != out.total {
				t.Errorf("%d bytes written, %d said", out.total, n)
			}
			table, err := findBox(out.head, "moov", "trak", "mdia", "minf", "stbl", c.table)
			if err != nil {
				t.Fatal(err)
			}
			mdat := bytes.Index(out.head, []byte("mdat")) - 4
			for i := range 4 {
				var got int64
				if c.table == "co64" {
					got = int64(binary.BigEndian.Uint64(table[8+8*i:]))
				} else {
					got = int64(binary.BigEndian.Uint32(table[8+4*i:]))
				}
				if want := int64(mdat+c.mdat) + int64(i)*int64(c.size); got != want {
					t.Errorf("chunk %d at %d, want %d", i, got, want)
				}
			}
			h, err := readBoxHead(bytes.NewReader(out.head), int64(mdat), out.total)
			if err != nil || h.size != int64(c.mdat)+4*int64(c.size) || h.header != int64(c.mdat) {
				t.Errorf("mdat %+v, %v", h, err)
			}
		})
	}
}
