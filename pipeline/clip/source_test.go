package clip

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// sources is the folder of the streams that the tests make for themselves, made when it
// is needed.
var sources = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "vedette-clip-*")
	if err != nil {
		panic(err)
	}
	removeSources = func() { os.RemoveAll(dir) }
	return dir
})

var removeSources = func() {}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "child-") {
		os.Exit(child(os.Args[1], os.Args[2:]))
	}
	code := m.Run()
	removeSources()
	os.Exit(code)
}

// epoch is the wall time of the first unit of every test stream, with a full fraction.
var epoch = time.Date(2026, 3, 29, 0, 59, 58, 123456789, time.UTC)

// offset is the media time of the first unit: clips hardly ever begin at zero.
const offset = 1234567 * time.Microsecond

func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s not present: %v", name, err)
	}
	return path
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.Command(tool(t, name), args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// encodings are the streams that cameras send, as ffmpeg encodes them.
var encodings = map[string][]string{
	// No reordering, a key frame each second: most cameras.
	"h264":         {"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "15"},
	"h264-bframes": {"-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-b-pyramid", "normal", "-g", "30"},
	"h264-large":   {"-s", "640x480", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "15"},
	"h264-tiny":    {"-s", "64x48", "-c:v", "libx264", "-crf", "40", "-bf", "2", "-g", "30"},
	"h265":         {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0:keyint=15:repeat-headers=1"},
	"h265-bframes": {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=3:b-adapt=0:keyint=30:repeat-headers=1"},
	// The picture is refreshed column by column; only the first picture is a key frame.
	"h264-refresh": {"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "15", "-x264-params", "intra-refresh=1"},
}

var encoded sync.Map // name → *sync.Once result

// stream returns 6 s of 15 frames a second in the given encoding.
func stream(t testing.TB, name string) []models.AccessUnit {
	t.Helper()
	make, _ := encoded.LoadOrStore(name, sync.OnceValue(func() []models.AccessUnit {
		path := filepath.Join(sources(), name+".mp4")
		args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=15:duration=6"}
		args = append(args, encodings[name]...)
		run(t, "ffmpeg", append(args, "-pix_fmt", "yuv420p", path)...)
		return demux(t, path)
	}))
	units := make.(func() []models.AccessUnit)()
	if units == nil {
		t.Skipf("stream %s could not be made", name)
	}
	return append([]models.AccessUnit(nil), units...)
}

// realClip returns a real clip from the data folder.
func realClip(t testing.TB, name string) []models.AccessUnit {
	t.Helper()
	return demux(t, footage.Path(t, name))
}

// demux reads the access units of an ordinary MP4. Parameter sets from the sample entry
// are put before key units, as a camera's session description would be.
func demux(t testing.TB, path string) []models.AccessUnit {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	moov, err := findBox(file, "moov")
	if err != nil {
		t.Fatal(err)
	}
	for len(moov) > 0 {
		typ, trak, rest, err := splitBox(moov)
		if err != nil {
			t.Fatal(err)
		}
		moov = rest
		if typ != "trak" {
			continue
		}
		if hdlr, err := findBox(trak, "mdia", "hdlr"); err == nil && string(hdlr[8:12]) == "vide" {
			return demuxTrack(t, file, trak)
		}
	}
	t.Fatalf("%s has no video", path)
	return nil
}

func demuxTrack(t testing.TB, file, trak []byte) []models.AccessUnit {
	t.Helper()
	u32 := binary.BigEndian.Uint32
	table := func(name string) []byte {
		b, err := findBox(trak, "mdia", "minf", "stbl", name)
		if err != nil {
			return nil
		}
		return b[4:]
	}
	mdhd, err := findBox(trak, "mdia", "mdhd")
	if err != nil {
		t.Fatal(err)
	}
	scale := int64(u32(mdhd[12:]))
	if mdhd[0] == 1 {
		scale = int64(u32(mdhd[20:]))
	}
	codec, sets := parameterSets(t, table("stsd"))

	var durations, offsets []int64
	for i, b := 0, table("stts"); i < int(u32(b)); i++ {
		for range u32(b[4+8*i:]) {
			durations = append(durations, int64(u32(b[8+8*i:])))
		}
	}
	if b := table("ctts"); b != nil {
		for i := range int(u32(b)) {
			for range u32(b[4+8*i:]) {
				offsets = append(offsets, int64(int32(u32(b[8+8*i:]))))
			}
		}
	}
	keys := map[int]bool{}
	if b := table("stss"); b != nil {
		for i := range int(u32(b)) {
			keys[int(u32(b[4+4*i:]))-1] = true
		}
	}
	var perChunk []int
	stco, stsc := table("stco"), table("stsc")
	chunks := int(u32(stco))
	for i := range int(u32(stsc)) {
		last := chunks
		if i+1 < int(u32(stsc)) {
			last = int(u32(stsc[4+12*(i+1):])) - 1
		}
		for len(perChunk) < last {
			perChunk = append(perChunk, int(u32(stsc[8+12*i:])))
		}
	}
	var units []models.AccessUnit
	var dts, first int64
	stsz := table("stsz")
	for c, n := range perChunk {
		at := int(u32(stco[4+4*c:]))
		for range n {
			i := len(units)
			size := int(u32(stsz[8+4*i:]))
			pts := dts
			if offsets != nil {
				pts += offsets[i]
			}
			if i == 0 {
				first = pts
			}
			since := time.Duration((pts - first) * int64(time.Second) / scale)
			au := models.AccessUnit{
				Camera: "gate", Codec: codec, Session: 1, Clock: models.ClockCamera,
				At:      models.Instant{Media: offset + since, Wall: epoch.Add(since)},
				Arrival: epoch.Add(since + 40*time.Millisecond),
				Key:     keys[i] || table("stss") == nil,
				NALUs:   splitSample(t, file[at:at+size]),
			}
			if au.Key && !hasSets(au) {
				au.NALUs = append(append([][]byte(nil), sets...), au.NALUs...)
			}
			units = append(units, au)
			at += size
			dts += durations[i]
		}
	}
	return units
}

func parameterSets(t testing.TB, stsd []byte) (models.Codec, [][]byte) {
	t.Helper()
	typ, entry, _, err := splitBox(stsd[4:])
	if err != nil {
		t.Fatal(err)
	}
	u16 := binary.BigEndian.Uint16
	var sets [][]byte
	take := func(b []byte, n int) []byte {
		for range n {
			size := int(u16(b))
			sets = append(sets, b[2:2+size])
			b = b[2+size:]
		}
		return b
	}
	if typ == "avc1" {
		b, err := findBox(entry[78:], "avcC")
		if err != nil {
			t.Fatal(err)
		}
		rest := take(b[6:], int(b[5]&31))
		take(rest[1:], int(rest[0]))
		return models.H264, sets
	}
	b, err := findBox(entry[78:], "hvcC")
	if err != nil {
		t.Fatal(err)
	}
	n, b := int(b[22]), b[23:]
	for range n {
		b = take(b[3:], int(u16(b[1:])))
	}
	return models.H265, sets
}

func hasSets(au models.AccessUnit) bool {
	_, err := newTrack(au)
	return err == nil
}

func splitSample(t testing.TB, b []byte) [][]byte {
	t.Helper()
	var nalus [][]byte
	for len(b) > 0 {
		n := int(binary.BigEndian.Uint32(b))
		nalus = append(nalus, b[4:4+n])
		b = b[4+n:]
	}
	return nalus
}

// sampleHash is the hash that ffprobe gives for the unit's packet in an MP4.
func sampleHash(au models.AccessUnit) string {
	h := sha256.New()
	for _, n := range au.NALUs {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(n))))
		h.Write(n)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// packet is what ffprobe says of one sample.
type packet struct {
	PTS      int64  `json:"pts"`
	DTS      int64  `json:"dts"`
	Duration int64  `json:"duration"`
	Flags    string `json:"flags"`
	Hash     string `json:"data_hash"`
}

type probed struct {
	Packets []packet `json:"packets"`
	Streams []struct {
		Codec     string `json:"codec_name"`
		Tag       string `json:"codec_tag_string"`
		Width     int    `json:"width"`
		Height    int    `json:"height"`
		TimeBase  string `json:"time_base"`
		Frames    string `json:"nb_read_frames"`
		StartTime string `json:"start_time"`
	} `json:"streams"`
	Format struct {
		StartTime string            `json:"start_time"`
		Duration  string            `json:"duration"`
		Tags      map[string]string `json:"tags"`
	} `json:"format"`
}

// probe reads a clip with ffprobe.
func probe(t testing.TB, path string, options ...string) probed {
	t.Helper()
	out := run(t, "ffprobe", append(options, "-v", "error", "-show_packets", "-show_data_hash", "sha256",
		"-show_streams", "-show_format", "-of", "json", path)...)
	var p probed
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	for i := range p.Packets {
		p.Packets[i].Hash = strings.TrimPrefix(p.Packets[i].Hash, "SHA256:")
	}
	return p
}

// decode decodes every frame of a clip with ffmpeg, which must find no error, and returns
// their number.
func decode(t testing.TB, path string) int {
	t.Helper()
	cmd := exec.Command(tool(t, "ffmpeg"), "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framehash", "-")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("ffmpeg finds errors in %s: %v\n%s", filepath.Base(path), err, stderr.String())
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}
