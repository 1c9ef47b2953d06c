package camtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ClockRate is the number of ticks in a second in which Media counts time: RTP's clock
// rate for video (RFC 6184, 8.2.1).
const ClockRate = 90000

const (
	maxFile    = 1 << 30 // a Media lives in memory as a whole
	maxSamples = 1 << 22 // 38 hours at 30 pictures a second
)

// Unit is one access unit of a Media.
type Unit struct {
	DTS, PTS int64 // in ticks of 1/ClockRate s; the first DTS is 0
	Key      bool
	NALUs    [][]byte // without start codes; to be read only
}

// Media is the video track of an MP4 file.
type Media struct {
	Codec         models.Codec
	Width, Height int      // of the coded picture, as the file says
	Params        [][]byte // VPS (H.265), SPS and PPS from the file's header
	Units         []Unit   // in decoding order
	Ticks         int64    // length of one loop, in ticks of 1/ClockRate s
}

// Duration is the length of one loop.
func (m *Media) Duration() time.Duration {
	return time.Duration(m.Ticks) * time.Second / ClockRate
}

// LoadMP4 reads the first H.264 or H.265 track of the MP4 file at path, up to 1 GiB.
func LoadMP4(path string) (*Media, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are more than a camera in a box holds (%d): cut the file first", path, info.Size(), maxFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parseMP4(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

var errShort = errors.New("box ends too early")

// parseMP4 reads ISO/IEC 14496-12 (boxes) and 14496-15 (AVC and HEVC in them).
// The units refer to data.
func parseMP4(data []byte) (*Media, error) {
	var moov []byte
	err := boxes(data, func(kind string, body []byte) error {
		switch kind {
		case "moov":
			moov = body
		case "moof":
			return errors.New("fragmented MP4 is not supported: remux it with ffmpeg -i IN -c copy OUT")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if moov == nil {
		return nil, errors.New("no moov box: not an MP4 file, or one that was never finished")
	}
	var found *Media
	err = boxes(moov, func(kind string, body []byte) error {
		if kind != "trak" || found != nil {
			return nil
		}
		t, err := parseTrack(body)
		if err != nil || t == nil {
			return err
		}
		found, err = t.media(data)
		return err
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("no H.264 or H.265 track")
	}
	return found, nil
}

// boxes calls fn for each box in b, with the box's body.
func boxes(b []byte, fn func(kind string, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return errShort
		}
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		kind := string(b[4:8])
		switch size {
		case 0: // to the end of the file
			size = uint64(len(b))
		case 1:
			if len(b) < 16 {
				return errShort
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return fmt.Errorf("box %q: %w", kind, errShort)
		}
		if err := fn(kind, b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// track is the part of a trak box that matters here.
type track struct {
	codec         models.Codec
	width, height int
	params        [][]byte
	lengthSize    int // of the length before each NAL unit, in bytes
	timescale     uint32
	stts, ctts    []byte
	stsc, stsz    []byte
	stco, co64    []byte
}

// parseTrack returns nil for a track that is not H.264 or H.265.
func parseTrack(trak []byte) (*track, error) {
	t := &track{}
	var walk func(kind string, body []byte) error
	walk = func(kind string, body []byte) error {
		switch kind {
		case "mdia", "minf", "stbl":
			return boxes(body, walk)
		case "mdhd":
			at := 12
			if len(body) > 0 && body[0] == 1 {
				at = 20
			}
			if len(body) < at+4 {
				return fmt.Errorf("mdhd: %w", errShort)
			}
			t.timescale = binary.BigEndian.Uint32(body[at:])
		case "stsd":
			return t.parseEntry(body)
		case "stts":
			t.stts = body
		case "ctts":
			t.ctts = body
		case "stsc":
			t.stsc = body
		case "stsz":
			t.stsz = body
		case "stco":
			t.stco = body
		case "co64":
			t.co64 = body
		}
		return nil
	}
	if err := boxes(trak, walk); err != nil {
		return nil, err
	}
	if t.codec == "" {
		return nil, nil
	}
	if t.timescale == 0 {
		return nil, errors.New("track without a time scale")
	}
	return t, nil
}

// parseEntry reads the first sample entry of an stsd box.
func (t *track) parseEntry(stsd []byte) error {
	if len(stsd) < 8 {
		return fmt.Errorf("stsd: %w", errShort)
	}
	first := true
	return boxes(stsd[8:], func(kind string, entry []byte) error {
		if !first {
			return nil
		}
		first = false
		var codec models.Codec
		switch kind {
		case "avc1", "avc3":
			codec = models.H264
		case "hvc1", "hev1":
			codec = models.H265
		default:
			return nil
		}
		if len(entry) < 78 {
			return fmt.Errorf("%s: %w", kind, errShort)
		}
		t.codec = codec
		t.width = int(binary.BigEndian.Uint16(entry[24:]))
		t.height = int(binary.BigEndian.Uint16(entry[26:]))
		err := boxes(entry[78:], func(kind string, body []byte) error {
			switch kind {
			case "avcC":
				return t.parseAVC(body)
			case "hvcC":
				return t.parseHEVC(body)
			}
			return nil
		})
		if err == nil && t.lengthSize == 0 {
			err = fmt.Errorf("%s: no decoder configuration", kind)
		}
		return err
	})
}

func (t *track) parseAVC(b []byte) error {
	if len(b) < 6 {
		return fmt.Errorf("avcC: %w", errShort)
	}
	t.lengthSize = int(b[4]&3) + 1
	sets, b := int(b[5]&31), b[6:]
	for range 2 { // SPS, then PPS
		for range sets {
			nalu, rest, err := cut16(b)
			if err != nil {
				return fmt.Errorf("avcC: %w", err)
			}
			t.params, b = append(t.params, nalu), rest
		}
		if len(b) == 0 {
			break
		}
		sets, b = int(b[0]), b[1:]
	}
	return nil
}

func (t *track) parseHEVC(b []byte) error {
	if len(b) < 23 {
		return fmt.Errorf("hvcC: %w", errShort)
	}
	t.lengthSize = int(b[21]&3) + 1
	arrays, b := int(b[22]), b[23:]
	for range arrays {
		if len(b) < 3 {
			return fmt.Errorf("hvcC: %w", errShort)
		}
		n := int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		for range n {
			nalu, rest, err := cut16(b)
			if err != nil {
				return fmt.Errorf("hvcC: %w", err)
			}
			t.params, b = append(t.params, nalu), rest
		}
	}
	return nil
}

// cut16 splits off what a 16-bit length at the front of b announces.
func cut16(b []byte) (head, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n || n == 0 {
		return nil, nil, errShort
	}
	return b[2 : 2+n], b[2+n:], nil
}

// media joins the sample tables into access units.
func (t *track) media(data []byte) (*Media, error) {
	sizes, err := t.sizes(len(data))
	if err != nil {
		return nil, err
	}
	if len(sizes) == 0 {
		return nil, errors.New("track without samples")
	}
	offsets, err := t.offsets(sizes)
	if err != nil {
		return nil, err
	}
	durations, err := runs(t.stts, len(sizes), "stts")
	if err != nil {
		return nil, err
	}
	shifts := make([]int64, len(sizes))
	if t.ctts != nil {
		if shifts, err = runs(t.ctts, len(sizes), "ctts"); err != nil {
			return nil, err
		}
	}

	m := &Media{Codec: t.codec, Width: t.width, Height: t.height, Params: t.params, Units: make([]Unit, len(sizes))}
	ticks := func(v int64) int64 { return v * ClockRate / int64(t.timescale) }
	dts := int64(0)
	for i, size := range sizes {
		off := offsets[i]
		if off > uint64(len(data)) || uint64(size) > uint64(len(data))-off {
			return nil, fmt.Errorf("sample %d lies outside the file: it was cut short", i+1)
		}
		nalus, err := t.split(data[off : off+uint64(size)])
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		m.Units[i] = Unit{DTS: ticks(dts), PTS: ticks(dts + shifts[i]), Key: isKey(t.codec, nalus), NALUs: nalus}
		dts += durations[i]
		if dts < 0 || dts > 1<<46 {
			return nil, errors.New("sample durations add up to more than a file can last")
		}
	}
	if m.Ticks = ticks(dts); m.Ticks <= 0 {
		return nil, errors.New("track without duration")
	}
	return m, nil
}

// sizes reads the stsz box.
func (t *track) sizes(total int) ([]uint32, error) {
	if len(t.stsz) < 12 {
		return nil, fmt.Errorf("stsz: %w", errShort)
	}
	size, n := binary.BigEndian.Uint32(t.stsz[4:]), int(binary.BigEndian.Uint32(t.stsz[8:]))
	table := t.stsz[12:]
	if n > maxSamples || size != 0 && n > total/int(size) || size == 0 && n > len(table)/4 {
		return nil, fmt.Errorf("stsz: %d samples do not fit the file", n)
	}
	sizes := make([]uint32, n)
	for i := range sizes {
		if sizes[i] = size; size == 0 {
			sizes[i] = binary.BigEndian.Uint32(table[4*i:])
		}
	}
	return sizes, nil
}

// offsets finds where in the file each sample begins, by stsc and stco or co64.
func (t *track) offsets(sizes []uint32) ([]uint64, error) {
	width, table := 4, t.stco
	if t.co64 != nil {
		width, table = 8, t.co64
	}
	if len(table) < 8 || len(t.stsc) < 8 {
		return nil, fmt.Errorf("stco, stsc: %w", errShort)
	}
	chunks := min(int(binary.BigEndian.Uint32(table[4:])), (len(table)-8)/width)
	table = table[8:]
	groups := min(int(binary.BigEndian.Uint32(t.stsc[4:])), (len(t.stsc)-8)/12)
	stsc := t.stsc[8:]

	offsets := make([]uint64, 0, len(sizes))
	group := -1
	for c := range chunks {
		for group+1 < groups && int(binary.BigEndian.Uint32(stsc[12*(group+1):])) <= c+1 {
			group++
		}
		if group < 0 {
			return nil, errors.New("stsc: no entry for the first chunk")
		}
		var at uint64
		if width == 8 {
			at = binary.BigEndian.Uint64(table[8*c:])
		} else {
			at = uint64(binary.BigEndian.Uint32(table[4*c:]))
		}
		for range binary.BigEndian.Uint32(stsc[12*group+4:]) {
			if len(offsets) == len(sizes) {
				return offsets, nil
			}
			offsets = append(offsets, at)
			at += uint64(sizes[len(offsets)-1])
		}
	}
	if len(offsets) < len(sizes) {
		return nil, fmt.Errorf("stco, stsc: %w", errShort)
	}
	return offsets, nil
}

// runs expands a table of (count, value) pairs to n values.
func runs(table []byte, n int, name string) ([]int64, error) {
	if len(table) < 8 {
		return nil, fmt.Errorf("%s: %w", name, errShort)
	}
	out := make([]int64, 0, n)
	for table = table[8:]; len(table) >= 8 && len(out) < n; table = table[8:] {
		count := min(int(binary.BigEndian.Uint32(table)), n-len(out))
		value := int64(int32(binary.BigEndian.Uint32(table[4:])))
		for range count {
			out = append(out, value)
		}
	}
	if len(out) < n {
		return nil, fmt.Errorf("%s: %w", name, errShort)
	}
	return out, nil
}

// split cuts a sample into its NAL units, each with its length before it.
func (t *track) split(sample []byte) ([][]byte, error) {
	var nalus [][]byte
	for len(sample) > 0 {
		if len(sample) < t.lengthSize {
			return nil, errShort
		}
		n := uint64(0)
		for _, b := range sample[:t.lengthSize] {
			n = n<<8 | uint64(b)
		}
		sample = sample[t.lengthSize:]
		if n > uint64(len(sample)) {
			return nil, errShort
		}
		if n > 0 {
			nalus = append(nalus, sample[:n])
		}
		sample = sample[n:]
	}
	if len(nalus) == 0 {
		return nil, errors.New("sample without NAL units")
	}
	return nalus, nil
}

// isKey says whether decoding can begin at the unit.
func isKey(codec models.Codec, nalus [][]byte) bool {
	for _, nalu := range nalus {
		if codec == models.H264 && nalu[0]&0x1f == 5 {
			return true
		}
		if typ := nalu[0] >> 1 & 0x3f; codec == models.H265 && typ >= 16 && typ <= 23 {
			return true
		}
	}
	return false
}
