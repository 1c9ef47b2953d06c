package clip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"

	"github.com/vedette-cctv/vedette/models"
)

// write makes a clip of the units and checks that its description survives: recovered,
// read back, and finished, it says the same.
func write(t testing.TB, units []models.AccessUnit, o WriterOptions) (growing, finished string, info Info) {
	t.Helper()
	dir := t.TempDir()
	growing, finished = filepath.Join(dir, "clip.fmp4"), filepath.Join(dir, "clip.mp4")
	w, err := Create(growing, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, au := range units {
		if err := w.Write(au); err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
	}
	if info, err = w.Finish(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() (Info, error){
		"Stat of the growing clip":  func() (Info, error) { return Stat(growing) },
		"Recover":                   func() (Info, error) { return Recover(growing) },
		"Faststart":                 func() (Info, error) { return Faststart(growing, finished) },
		"Faststart again":           func() (Info, error) { return Faststart(growing, finished) },
		"Stat of the finished clip": func() (Info, error) { return Stat(finished) },
		"Recover of a finished one": func() (Info, error) { return Recover(finished) },
	} {
		if name == "Stat of the finished clip" || name == "Recover of a finished one" {
			if _, err := Faststart(growing, finished); err != nil {
				t.Fatal(err)
			}
		}
		got, err := read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got.Bytes = info.Bytes
		if !reflect.DeepEqual(got, info) {
			t.Errorf("%s says\n%+v\nthe writer said\n%+v", name, got, info)
		}
	}
	after, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) || int64(len(before)) != info.Bytes {
		t.Errorf("the growing clip has changed: %d bytes, then %d, said to be %d", len(before), len(after), info.Bytes)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	return growing, finished, info
}

// samePictures checks with ffprobe that a clip holds the units' bits, in order, at their
// times, and with ffmpeg that all of them decode.
func samePictures(t *testing.T, path string, units []models.AccessUnit) {
	t.Helper()
	p := probe(t, path)
	if got, want := len(p.Packets), len(units); got != want {
		t.Fatalf("%s holds %d pictures, want %d", filepath.Base(path), got, want)
	}
	first := slices.MinFunc(units, func(a, b models.AccessUnit) int { return int(a.At.Media - b.At.Media) })
	start := slices.MinFunc(p.Packets, func(a, b packet) int { return int(a.PTS - b.PTS) }).PTS
	last := int64(-1 << 62)
	for i, pk := range p.Packets {
		if pk.Hash != sampleHash(units[i]) {
			t.Fatalf("picture %d: the bits differ from the camera's", i)
		}
		if got, want := pk.PTS-start, ticks(units[i].At.Media)-ticks(first.At.Media); got != want {
			t.Errorf("picture %d is shown at %d ticks, want %d", i, got, want)
		}
		if pk.DTS <= last {
			t.Errorf("picture %d: decoding time %d is not after %d", i, pk.DTS, last)
		}
		last = pk.DTS
		if got := pk.Flags[0] == 'K'; got != units[i].Key {
			t.Errorf("picture %d: key %v, want %v", i, got, units[i].Key)
		}
	}
	if got := decode(t, path); got != len(units) {
		t.Errorf("%d pictures decode, want %d", got, len(units))
	}
}

func TestClipHoldsTheCamerasBits(t *testing.T) {
	for name := range encodings {
		t.Run(name, func(t *testing.T) {
			units := stream(t, name)
			growing, finished, info := write(t, units, WriterOptions{Meta: Meta{Title: "Gate", Software: "vedette test"}})
			samePictures(t, growing, units)
			samePictures(t, finished, units)

			p := probe(t, finished)
			if got := p.Format.StartTime; got != "0.000000" {
				t.Errorf("the presentation starts at %s", got)
			}
			if got, want := p.Format.Duration, "6.000000"; got != want {
				t.Errorf("duration %s, want %s", got, want)
			}
			if got, want := p.Streams[0].Tag, map[models.Codec]string{models.H264: "avc1", models.H265: "hvc1"}[info.Codec]; got != want {
				t.Errorf("tagged %s, want %s", got, want)
			}
			want := Info{From: epoch, To: epoch.Add(6 * time.Second), FirstMedia: offset,
				LastMedia: lastMedia(units), Codec: units[0].Codec, Width: p.Streams[0].Width,
				Height: p.Streams[0].Height, Frames: 90, Bytes: info.Bytes, Clock: models.ClockCamera,
				Meta: Meta{Title: "Gate", Camera: "gate", Software: "vedette test"}}
			if d := info.To.Sub(want.To).Abs(); d < time.Millisecond { // one picture is 66.66… ms
				want.To = info.To
			}
			if !reflect.DeepEqual(info, want) {
				t.Errorf("got  %+v\nwant %+v", info, want)
			}
		})
	}
}

func lastMedia(units []models.AccessUnit) time.Duration {
	last := units[0].At.Media
	for _, au := range units {
		last = max(last, au.At.Media)
	}
	return last
}

func TestClipOfRealFootage(t *testing.T) {
	for _, name := range []string{"clips/one_by_one_person.mp4", "clips/mall_corridor.mp4", "pets/pets_s2l1.mp4"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			units := realClip(t, name)
			growing, finished, _ := write(t, units, WriterOptions{})
			samePictures(t, growing, units)
			samePictures(t, finished, units)
		})
	}
}

// The words and the exact start are there for people with ordinary tools.
func TestClipSaysWhatItIs(t *testing.T) {
	_, finished, _ := write(t, stream(t, "h264"), WriterOptions{Meta: Meta{Title: "Loitering at the gate", Software: "vedette 1"}})
	tags := probe(t, finished).Format.Tags
	for key, want := range map[string]string{
		"creation_time":                         "2026-03-29T00:59:58.000000Z",
		"com.apple.quicktime.title":             "Loitering at the gate",
		"com.apple.quicktime.software":          "vedette 1",
		"com.apple.quicktime.camera.identifier": "gate",
		"com.apple.quicktime.creationdate":      "2026-03-29T00:59:58.123456789Z",
	} {
		if got := tags[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// mediacommon's demuxer, which is not ours, finds the same samples.
func TestFragmentsReadByMediacommon(t *testing.T) {
	for _, name := range []string{"h264-bframes", "h265-bframes"} {
		t.Run(name, func(t *testing.T) {
			units := stream(t, name)
			growing, _, _ := write(t, units, WriterOptions{})
			b, err := os.ReadFile(growing)
			if err != nil {
				t.Fatal(err)
			}
			var init fmp4.Init
			if err := init.Unmarshal(bytes.NewReader(b)); err != nil {
				t.Fatal(err)
			}
			if got := init.Tracks[0].TimeScale; got != timescale {
				t.Errorf("timescale %d, want %d", got, timescale)
			}
			head, err := readHead(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			var parts fmp4.Parts
			if err := parts.Unmarshal(b[head.size:]); err != nil {
				t.Fatal(err)
			}
			i := 0
			for n, part := range parts {
				if int(part.SequenceNumber) != n+1 {
					t.Errorf("fragment %d is numbered %d", n+1, part.SequenceNumber)
				}
				dts := int64(part.Tracks[0].BaseTime)
				for _, s := range part.Tracks[0].Samples {
					nalus, err := s.GetH264()
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(nalus, units[i].NALUs) {
						t.Fatalf("unit %d: NAL units differ", i)
					}
					if got, want := dts+int64(s.PTSOffset), ticks(units[i].At.Media)-ticks(offset); got != want {
						t.Errorf("unit %d at %d, want %d", i, got, want)
					}
					dts += int64(s.Duration)
					i++
				}
			}
			if i != len(units) {
				t.Errorf("%d samples, want %d", i, len(units))
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	avc, hevc := stream(t, "h264"), stream(t, "h265")
	path := filepath.Join(t.TempDir(), "clip.fmp4")
	w, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(avc[1]); !errors.Is(err, ErrNotKey) {
		t.Errorf("a unit that is not key: %v", err)
	}
	if _, err := Create(path, WriterOptions{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("a second writer for the same file: %v", err)
	}
	for _, au := range avc[:20] {
		if err := w.Write(au); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(hevc[0]); !errors.Is(err, ErrNewFile) {
		t.Errorf("another codec: %v", err)
	}
	if err := w.Write(avc[20]); err != nil {
		t.Errorf("after ErrNewFile: %v", err)
	}
	info, err := w.Finish()
	if err != nil || info.Frames != 21 {
		t.Errorf("%d frames, %v", info.Frames, err)
	}
	if err := w.Write(avc[21]); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Finish: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", st.Mode(), err)
	}
}

func TestWriterWithoutUnits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.fmp4")
	w, err := Create(path, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := w.Finish()
	if err != nil || info.Frames != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := Recover(path); !errors.Is(err, ErrNothing) {
		t.Errorf("Recover: %v", err)
	}
	if _, err := Faststart(path, path+".mp4"); !errors.Is(err, ErrNothing) {
		t.Errorf("Faststart: %v", err)
	}
}

func TestWriterNeedsParameterSets(t *testing.T) {
	for _, name := range []string{"h264", "h265"} {
		au := stream(t, name)[0]
		au.NALUs = au.NALUs[len(au.NALUs)-1:]
		w, err := Create(filepath.Join(t.TempDir(), "clip.fmp4"), WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(au); err == nil {
			t.Errorf("%s: a key unit without parameter sets was taken", name)
		}
		if _, err := w.Finish(); err == nil {
			t.Errorf("%s: Finish forgot the error", name)
		}
	}
}

// shift moves units in time.
func shift(units []models.AccessUnit, by time.Duration) []models.AccessUnit {
	out := slices.Clone(units)
	for i := range out {
		out[i].At = out[i].At.Add(by)
		out[i].Arrival = out[i].Arrival.Add(by)
	}
	return out
}

func TestGapsKeepTheirLength(t *testing.T) {
	units := stream(t, "h264")
	at := func(i int) time.Time { return units[i].At.Wall }
	frame := time.Second / 15
	cases := []struct {
		name string
		make func() []models.AccessUnit
		want []models.Gap
	}{
		{"packets lost", func() []models.AccessUnit {
			rest := slices.Clone(units[30:])
			rest[0].Loss = &models.Gap{From: at(19), To: at(30), Cause: models.CausePacketLoss, Lost: 10}
			return append(slices.Clone(units[:20]), rest...)
		}, []models.Gap{{From: at(19), To: at(30), Cause: models.CausePacketLoss, Lost: 10}}},
		{"reconnected after ten minutes", func() []models.AccessUnit {
			rest := shift(units[30:], 10*time.Minute)
			for i := range rest {
				rest[i].Session = 2
			}
			return append(slices.Clone(units[:30]), rest...)
		}, []models.Gap{{From: at(29).Add(frame), To: at(30).Add(10 * time.Minute), Cause: models.CauseCameraLost}}},
		{"silent for six seconds", func() []models.AccessUnit {
			return append(slices.Clone(units[:30]), shift(units[30:], 6*time.Second)...)
		}, []models.Gap{{From: at(29).Add(frame), To: at(30).Add(6 * time.Second), Cause: models.CauseStream, Note: "the camera sent no pictures"}}},
		{"slow for four seconds", func() []models.AccessUnit {
			return append(slices.Clone(units[:30]), shift(units[30:], 4*time.Second)...)
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := c.make()
			_, finished, info := write(t, in, WriterOptions{})
			samePictures(t, finished, in)
			got := slices.Clone(info.Gaps)
			for i := range got { // a picture lasts 66.66… ms
				if i < len(c.want) && got[i].From.Sub(c.want[i].From).Abs() < time.Millisecond {
					got[i].From = c.want[i].From
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("gaps\n%+v, want\n%+v", got, c.want)
			}
			length := in[len(in)-1].At.Media - in[0].At.Media + frame
			if got, want := probe(t, finished).Format.Duration, fmt.Sprintf("%.6f", length.Seconds()); got != want {
				t.Errorf("duration %s, want %s", got, want)
			}
		})
	}
}

// Lost B- and P-pictures upset the picture order count; the clip goes on all the same.
func TestLossInReorderedStream(t *testing.T) {
	for _, name := range []string{"h264-bframes", "h265-bframes"} {
		for lost := 1; lost < 30; lost += 3 {
			units := stream(t, name)
			units = append(units[:20:20], units[20+lost:]...)
			growing, _, info := write(t, units, WriterOptions{})
			if info.Frames != len(units) {
				t.Errorf("%s without %d units: %d of %d frames", name, lost, info.Frames, len(units))
			}
			p := probe(t, growing).Packets
			for i, pk := range p {
				if i > 0 && pk.DTS <= p[i-1].DTS {
					t.Errorf("%s without %d units: decoding time of picture %d does not rise", name, lost, i)
				}
				if got, want := pk.PTS-p[0].PTS, ticks(units[i].At.Media)-ticks(offset); got != want {
					t.Errorf("%s without %d units: picture %d at %d, want %d", name, lost, i, got, want)
				}
			}
		}
	}
}

// A camera that is switched to another resolution goes on in the same clip.
func TestResolutionChanges(t *testing.T) {
	small, large := stream(t, "h264"), shift(stream(t, "h264-large"), 6*time.Second)
	units := append(small, large...)
	growing, finished, info := write(t, units, WriterOptions{})
	if info.Width != 320 || info.Height != 240 {
		t.Errorf("size %dx%d, want that of the first picture", info.Width, info.Height)
	}
	for _, path := range []string{growing, finished} {
		samePictures(t, path, units)
		sizes := run(t, "ffprobe", "-v", "error", "-show_entries", "frame=width,height", "-of", "csv=p=0", path)
		sizes = strings.ReplaceAll(sizes, ",\n", "\n") // a field for side data, when there are any
		sizes = strings.ReplaceAll(sizes, "\n\n", "\n")
		if want := strings.Repeat("320,240\n", 90) + strings.Repeat("640,480\n", 90); sizes != want {
			t.Errorf("%s: the decoder does not see 90 small and 90 large pictures", filepath.Base(path))
		}
	}
}

func TestClockOfAClip(t *testing.T) {
	for _, c := range []struct {
		clocks []models.Clock
		want   models.Clock
	}{
		{[]models.Clock{models.ClockCamera}, models.ClockCamera},
		{[]models.Clock{models.ClockArrival, models.ClockCamera}, models.ClockArrival},
		{[]models.Clock{models.ClockCamera, models.ClockArrival}, models.ClockArrival},
		{[]models.Clock{models.ClockFile}, models.ClockFile},
	} {
		units := stream(t, "h264")
		for i := range units {
			units[i].Clock = c.clocks[i*len(c.clocks)/len(units)]
		}
		if _, _, info := write(t, units, WriterOptions{}); info.Clock != c.want {
			t.Errorf("%v make %q, want %q", c.clocks, info.Clock, c.want)
		}
	}
}

// Each picture's wall time, arrival and session survive in the finished clip.
func TestTimesOfEachPicture(t *testing.T) {
	units := stream(t, "h264-bframes")
	for i := range units {
		units[i].At.Wall = units[i].At.Wall.Add(time.Duration(i*i) * time.Microsecond) // a clock that is being set
		units[i].Session = 7
	}
	_, finished, _ := write(t, units, WriterOptions{})
	b, err := os.ReadFile(finished)
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(b, []byte("uuid"+uuidTimes))
	if i < 0 {
		t.Fatal("no table of times")
	}
	rows := b[i+20:]
	if len(rows) != len(units)*frameTimeSize {
		t.Fatalf("%d bytes of times for %d pictures", len(rows), len(units))
	}
	for i, au := range units {
		if got, want := parseFrameTime(rows[i*frameTimeSize:]), timeOf(au); got != want {
			t.Errorf("picture %d: %+v, want %+v", i, got, want)
		}
	}
}

// Timestamps that make no sense cost no picture.
func TestWildTimestamps(t *testing.T) {
	cases := map[string]func(i int) time.Duration{
		"all the same":     func(int) time.Duration { return 0 },
		"backwards":        func(i int) time.Duration { return -time.Duration(i) * time.Second },
		"jump back":        func(i int) time.Duration { return time.Duration(i%40) * time.Second / 15 },
		"one in a century": func(i int) time.Duration { return time.Duration(i/45) * 100 * 365 * 24 * time.Hour / 2 },
		"one far ahead": func(i int) time.Duration {
			if i == 20 {
				return 1000 * time.Hour
			}
			return time.Duration(i) * time.Second / 15
		},
	}
	for name, at := range cases {
		t.Run(name, func(t *testing.T) {
			units := stream(t, "h264")
			for i := range units {
				units[i].At.Media = offset + at(i)
			}
			_, finished, info := write(t, units, WriterOptions{})
			if info.Frames != len(units) {
				t.Errorf("%d frames, want %d", info.Frames, len(units))
			}
			// With all times equal an edit list cannot tell which pictures it begins with.
			p := probe(t, finished, "-ignore_editlist", "1").Packets
			if len(p) != len(units) {
				t.Fatalf("%d pictures, want %d", len(p), len(units))
			}
			for i := range p {
				if p[i].Hash != sampleHash(units[i]) {
					t.Fatalf("picture %d: the bits differ", i)
				}
			}
		})
	}
}

// What Flush writes is there before the next unit comes, and the time until that unit
// stays a gap.
func TestFlushDuringSilence(t *testing.T) {
	units := stream(t, "h264-bframes")
	path := filepath.Join(t.TempDir(), "clip.fmp4")
	w, err := Create(path, WriterOptions{Part: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, au := range units[:60] {
		if err := w.Write(au); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if info, err := Stat(path); err != nil || info.Frames != 60 {
		t.Errorf("after Flush: %d frames, %v", info.Frames, err)
	}
	rest := shift(units[60:], time.Minute)
	for _, au := range rest {
		if err := w.Write(au); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	finished := path + ".mp4"
	if _, err := Faststart(path, finished); err != nil {
		t.Fatal(err)
	}
	samePictures(t, finished, append(slices.Clone(units[:60]), rest...))
}

// Each fragment gives the wall time of its first picture in the standard's own box.
func TestProducerReferenceTime(t *testing.T) {
	units := stream(t, "h264-bframes")
	growing, _, _ := write(t, units, WriterOptions{})
	b, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	if _, _, _, err := scan(bytes.NewReader(b), int64(len(b)), true, func(f fragment) {
		rest := b[f.off : f.off+f.size]
		prft, err := findBox(rest, "prft")
		if err != nil {
			t.Fatal(err)
		}
		first := units[frames]
		if got := fromNTP(binary.BigEndian.Uint64(prft[8:])); !got.Equal(first.At.Wall) {
			t.Errorf("fragment at unit %d: %v, want %v", frames, got, first.At.Wall)
		}
		if got, want := int64(binary.BigEndian.Uint64(prft[16:])), ticks(first.At.Media)-ticks(offset); got != want {
			t.Errorf("fragment at unit %d: %d ticks, want %d", frames, got, want)
		}
		frames += f.Frames
	}); err != nil {
		t.Fatal(err)
	}
	if frames != len(units) {
		t.Errorf("%d frames, want %d", frames, len(units))
	}
}

// From a camera that never sends a second key frame, through a buffer that cannot hold
// all, comes a clip that begins with the key frame and names what is missing.
func TestClipOfEndlessGOP(t *testing.T) {
	units := repeat(stream(t, "h264-refresh"), 5)
	for i := range units {
		units[i].Key = i == 0
	}
	b := &Buffer{Window: time.Minute, Memory: 512 << 10}
	pushAll(b, units)
	cur := b.Cursor(units[300].At.Media)
	defer cur.Close()
	b.Close()
	in := drain(cur)
	if len(in) < 30 || len(in) > 400 {
		t.Fatalf("%d units of %d held", len(in), len(units))
	}
	tail := units[len(units)-len(in)+1:]
	_, finished, info := write(t, in, WriterOptions{})
	want := []models.Gap{{From: units[0].At.Wall, To: tail[0].At.Wall, Cause: models.CauseOverrun,
		Lost: len(units) - len(in), Note: "dropped from the pre-roll buffer"}}
	if !reflect.DeepEqual(info.Gaps, want) {
		t.Errorf("gaps %+v, want %+v", info.Gaps, want)
	}
	p := probe(t, finished).Packets
	if len(p) != len(in) {
		t.Fatalf("%d pictures, want %d", len(p), len(in))
	}
	for i, au := range append(slices.Clone(units[:1]), tail...) {
		if p[i].Hash != sampleHash(au) {
			t.Fatalf("picture %d: the bits differ", i)
		}
		if got, want := p[i].PTS, ticks(au.At.Media)-ticks(units[0].At.Media); got != want {
			t.Errorf("picture %d at %d ticks, want %d", i, got, want)
		}
	}
}
