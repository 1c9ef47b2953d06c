package decode

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ramp.h264 and ramp.h265 hold 24 flat pictures of 64x48 at 10 a second, whose luma is
// 16 + 9n: key frames every 12, pyramids of three B-frames. The other streams in testdata
// hold the first six of them in another pixel format. Each access unit begins with a
// delimiter.
const (
	rampFrames = 24
	rampFPS    = 10
)

func rampLuma(n int) int { return 16 + 9*n }

// units cuts an Annex B stream with access unit delimiters into access units. At is set
// from order, which gives for each unit in decoding order its place in presentation order.
func units(t testing.TB, codec models.Codec, stream []byte, order []int, fps float64) []models.AccessUnit {
	t.Helper()
	var out []models.AccessUnit
	for _, nalu := range nalus(stream) {
		delimiter, key := nalu[0]&0x1f == 9, nalu[0]&0x1f == 5
		if codec == models.H265 {
			kind := nalu[0] >> 1 & 0x3f
			delimiter, key = kind == 35, kind >= 16 && kind <= 21
		}
		if delimiter {
			out = append(out, models.AccessUnit{Camera: "gate", Codec: codec, Session: 1, Clock: models.ClockCamera})
		}
		au := &out[len(out)-1]
		au.NALUs = append(au.NALUs, nalu)
		au.Key = au.Key || key
	}
	for i := range out {
		place := i
		if order != nil {
			place = order[i]
		}
		media := time.Duration(float64(place) / fps * float64(time.Second))
		out[i].At = models.Instant{Media: media, Wall: epoch.Add(media)}
		out[i].Arrival = epoch.Add(time.Duration(i) * time.Millisecond)
	}
	return out
}

var epoch = time.Date(2026, 3, 1, 23, 41, 7, 0, time.UTC)

func nalus(stream []byte) [][]byte {
	var out [][]byte
	for _, part := range bytes.Split(stream, []byte{0, 0, 1})[1:] {
		if part = bytes.TrimRight(part, "\x00"); len(part) > 0 {
			out = append(out, part)
		}
	}
	return out
}

// rampOrder is the presentation order of both ramps' units, in decoding order, as ffprobe
// gives it for a GOP of 12 with pyramids of three B-frames.
func rampUnits(t testing.TB, codec models.Codec) []models.AccessUnit {
	t.Helper()
	stream := testdata(t, "ramp."+string(codec))
	order := []int{0, 4, 2, 1, 3, 8, 6, 5, 7, 11, 9, 10}
	if codec == models.H265 {
		order = []int{0, 4, 2, 1, 3, 8, 6, 5, 7, 11, 10, 9}
	}
	var all []int
	for gop := range rampFrames / len(order) {
		for _, n := range order {
			all = append(all, gop*len(order)+n)
		}
	}
	us := units(t, codec, stream, all, rampFPS)
	if len(us) != rampFrames {
		t.Fatalf("ramp.%s has %d access units, want %d", codec, len(us), rampFrames)
	}
	return us
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func meanLuma(p *image.YCbCr) int {
	sum := 0
	for _, v := range p.Y {
		sum += int(v)
	}
	return (sum + len(p.Y)/2) / len(p.Y)
}

func near(got, want, tolerance int) bool { return got >= want-tolerance && got <= want+tolerance }

func mustNew(t testing.TB, codec models.Codec, o Options) *Decoder {
	t.Helper()
	d, err := New(codec, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// decodeAll feeds every unit and drains; errors fail the test.
func decodeAll(t testing.TB, d *Decoder, us []models.AccessUnit) []models.Frame {
	t.Helper()
	var out []models.Frame
	emit := func(f models.Frame) { out = append(out, f) }
	for i, au := range us {
		if err := d.Decode(au, emit); err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
	}
	if err := d.Drain(emit); err != nil {
		t.Fatal("drain:", err)
	}
	return out
}
