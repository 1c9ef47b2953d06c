package storage

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// chunkSize is how many incidents share a row of tallies.
const chunkSize = 32

// packFormat is the first byte of a packed chunk.
const packFormat = 1

var errPack = errors.New("packed tallies are damaged")

// packTallies writes the tallies of one chunk: the format, the texts that occur in them
// (count, then length and bytes of each), the number of tallies, and the tallies, whose
// texts are places in that list. All numbers are varints, signed ones zigzag.
func packTallies(chunk int64, list []models.Tally) []byte {
	var texts []string
	places := map[string]uint64{}
	var body []byte
	number := func(n int64) { body = binary.AppendVarint(body, n) }
	text := func(s string) {
		i, ok := places[s]
		if !ok {
			i = uint64(len(texts))
			texts, places[s] = append(texts, s), i
		}
		body = binary.AppendUvarint(body, i)
	}
	for _, t := range list {
		number(t.Number - chunk*chunkSize)
		for _, s := range []string{t.Site, string(t.Camera), string(t.Zone), string(t.Kind), t.Type, t.Officer, string(t.Severity), string(t.State), string(t.Verdict)} {
			text(s)
		}
		number(t.Alarm.UnixMilli())
		flags := int64(0)
		if t.Merged {
			flags |= 1
		}
		if t.Loss != nil {
			flags |= 2
		}
		number(flags)
		for _, k := range t.Promises {
			number(int64(k.Took / time.Second))
			if k.Due.IsZero() {
				number(int64(k.Result) << 1)
				continue
			}
			number(int64(k.Result)<<1 | 1)
			number(k.Due.UnixMilli() - t.Alarm.UnixMilli())
		}
		number(int64(t.Reopened))
		number(int64(len(t.Effort)))
		for _, e := range t.Effort {
			text(e.Who)
			number(int64(e.For / time.Second))
		}
		if t.Loss != nil {
			number(t.Loss.Amount)
			text(t.Loss.Currency)
		}
	}
	out := binary.AppendUvarint([]byte{packFormat}, uint64(len(texts)))
	for _, s := range texts {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	return append(binary.AppendUvarint(out, uint64(len(list))), body...)
}

// interned gives each text once, so that a year of tallies shares a few hundred.
type interned map[string]string

func (n interned) of(b []byte) string {
	s, ok := n[string(b)] // does not allocate
	if !ok {
		s = string(b)
		n[s] = s
	}
	return s
}

// unpackTallies reads a chunk and calls fn for each tally until it returns false.
func unpackTallies(chunk int64, data []byte, names interned, fn func(*models.Tally) bool) error {
	if len(data) == 0 || data[0] != packFormat {
		return errPack
	}
	r := unpacker{data: data[1:]}
	texts := make([]string, 0, 32)
	for range r.length() {
		texts = append(texts, names.of(r.bytes(r.length())))
	}
	n := r.length()
	if r.bad || n > chunkSize {
		return errPack
	}
	text := func() string {
		i := r.uvarint()
		if i >= uint64(len(texts)) {
			r.bad = true
			return ""
		}
		return texts[i]
	}
	var t models.Tally // one for all: fn keeps a copy, if anything
	for range n {
		t = models.Tally{}
		t.Number = chunk*chunkSize + r.varint()
		t.Site, t.Camera, t.Zone, t.Kind = text(), models.CameraID(text()), models.ZoneID(text()), models.Kind(text())
		t.Type, t.Officer, t.Severity, t.State, t.Verdict = text(), text(), models.Severity(text()), models.State(text()), models.Verdict(text())
		alarm := r.varint()
		t.Alarm = time.UnixMilli(alarm).UTC()
		flags := r.varint()
		t.Merged = flags&1 != 0
		for i := range t.Promises {
			k := &t.Promises[i]
			k.Took = time.Duration(r.varint()) * time.Second
			result := r.varint()
			k.Result = models.PromiseResult(result >> 1)
			if result&1 != 0 {
				k.Due = time.UnixMilli(alarm + r.varint()).UTC()
			}
		}
		t.Reopened = int(r.varint())
		efforts := r.varint()
		if efforts < 0 || efforts > int64(len(r.data)) { // each takes two bytes
			return errPack
		}
		for range efforts {
			t.Effort = append(t.Effort, models.Spent{Who: text(), For: time.Duration(r.varint()) * time.Second})
		}
		if flags&2 != 0 {
			t.Loss = &models.Money{Amount: r.varint(), Currency: text()}
		}
		if r.bad {
			return errPack
		}
		if !fn(&t) {
			return nil
		}
	}
	if len(r.data) > 0 {
		return errPack
	}
	return nil
}

// unpacker reads varints; bad says that the data did not have them.
type unpacker struct {
	data []byte
	bad  bool
}

// uvarint reads most numbers, which are small, without a call.
func (r *unpacker) uvarint() uint64 {
	if len(r.data) > 0 && r.data[0] < 0x80 {
		v := uint64(r.data[0])
		r.data = r.data[1:]
		return v
	}
	return r.long()
}

func (r *unpacker) long() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *unpacker) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// length is a count of things that take at least a byte each.
func (r *unpacker) length() int {
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return 0
	}
	return int(n)
}

func (r *unpacker) bytes(n int) []byte {
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}
