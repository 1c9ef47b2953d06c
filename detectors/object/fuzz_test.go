package object

import (
	"encoding/binary"
	"image"
	"math"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// Whatever numbers a network answers with, the boxes that come out mean something.
func FuzzOutput(f *testing.F) {
	row := func(v ...float32) (data []byte) {
		for _, x := range v {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		return data
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	f.Add(row(0.5, 0.5, 0.1, 0.1, 0.9, 0.8, 0.1))
	f.Add(row(nan, 0, 0, 0, 1, 1, 0))
	f.Add(row(0, 0, inf, -inf, 1, 1, 0))
	f.Add(row(0, 0, 0, 0, nan, nan, 1))
	f.Add(row(1e30, -1e30, 88, 88, 2, 3, -1))
	l := layout{input: image.Pt(64, 64), anchors: 84, classes: 2}
	labels := []string{"person", "car"}
	f.Fuzz(func(t *testing.T, data []byte) {
		out := make([]float32, 84*7)
		for i := range out {
			if len(data) >= 4 {
				at := (4 * i) % (len(data) / 4 * 4)
				out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
			}
		}
		picture := image.Pt(200, 100)
		var rd reader
		for _, regions := range [][]models.Box{everywhere, {{X: .1, Y: .1, W: .1, H: .1}}} {
			dets, invalid := rd.read(out, l, labels, []int{0, 1}, 0.1, choose(picture, l.input, regions, false), picture)
			if len(dets)+invalid > 84 {
				t.Fatalf("%d boxes and %d invalid out of 84", len(dets), invalid)
			}
			for i, d := range dets {
				if d.Box.Empty() || d.Box != d.Box.Clamp() || !(d.Score >= 0.1 && d.Score <= 1) || (d.Label != "person" && d.Label != "car") {
					t.Fatalf("got %+v", d)
				}
				if i > 0 && d.Score > dets[i-1].Score {
					t.Fatalf("not the best first: %v", dets)
				}
			}
		}
	})
}

func FuzzLabels(f *testing.F) {
	f.Add("person\ncar\n")
	f.Add("person\r\n\r\n")
	f.Add("person\nperson")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, text string) {
		labels, err := parseLabels(text)
		if err != nil {
			return
		}
		held := map[string]bool{}
		for _, l := range labels {
			if l == "" || held[l] {
				t.Fatalf("got %q", labels)
			}
			held[l] = true
		}
	})
}
