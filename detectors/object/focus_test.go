package object

import (
	"image"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vedette-cctv/vedette/internal/footage"
)

// focusing is a network of YOLOX's shape for seven classes that begins with Focus: its cells
// answer with the means of the colours of the four pictures. order is that in which these are
// laid on top of one another, by column and row of their first pixels.
func focusing(side int, order [focusParts]image.Point, more ...pb) []byte {
	var graph pb
	graph.constant("0", 0)
	graph.constant("1", 1)
	graph.constant("2", 2)
	graph.constant("3", 3)
	graph.constant("end", 1<<31)
	graph.constant("flat", 1, 3*focusParts, -1)
	number := []string{"0", "1"}
	var parts []string
	for _, at := range order {
		name := "part" + at.String()
		graph.node("Slice", name+" rows", []string{"in", number[at.Y], "end", "2", "2"})
		graph.node("Slice", name, []string{name + " rows", number[at.X], "end", "3", "2"})
		parts = append(parts, name)
	}
	graph.node("Concat", "focus", parts, attribute("axis", 2, 1))
	cells := 0
	for i, name := range []string{"a", "b", "c"} {
		cells += (side / strides[i]) * (side / strides[i])
		s := uint64(strides[i] / 2)
		graph.node("AveragePool", name, []string{"focus"}, attribute("kernel_shape", 7, s, s), attribute("strides", 7, s, s))
		graph.node("Reshape", name+"2", []string{name, "flat"})
	}
	graph.node("Concat", "all", []string{"a2", "b2", "c2"}, attribute("axis", 2, 2))
	graph.node("Transpose", "out", []string{"all"}, attribute("perm", 7, 0, 2, 1))
	for _, n := range more {
		graph.bytes(1, n)
	}
	graph.text(2, "focusing")
	graph.bytes(11, value("in", 1, []int64{1, 3, int64(side), int64(side)}))
	graph.bytes(12, value("out", 1, []int64{1, int64(cells), 3 * focusParts}))
	return graph.model(7, 11)
}

// yolox is the order of YOLOX's Focus.
var yolox = [focusParts]image.Point{{0, 0}, {0, 1}, {1, 0}, {1, 1}}

func TestFocusIsSkipped(t *testing.T) {
	// One that reads the picture, too: its answer is nobody's.
	var reader pb
	reader.text(1, "in")
	reader.text(2, "nothing")
	reader.text(4, "Relu")
	for _, tc := range []struct {
		name   string
		data   []byte
		labels string
		want   bool
	}{
		{"YOLOX's own", focusing(64, yolox), "a\nb\nc\nd\ne\nf\ng\n", true},
		{"rows first", focusing(64, [focusParts]image.Point{{0, 0}, {1, 0}, {0, 1}, {1, 1}}), "a\nb\nc\nd\ne\nf\ng\n", false},
		{"the picture is read by another", focusing(64, yolox, reader), "a\nb\nc\nd\ne\nf\ng\n", false},
		{"no Focus", averaging(64), "a\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "network.onnx")
			save(t, path, tc.data)
			save(t, filepath.Join(filepath.Dir(path), "network.txt"), []byte(tc.labels))
			d := open(t, Options{Weights: path, Rate: -1})
			if !d.open || d.layout.focused != tc.want {
				t.Errorf("open %v, without Focus %v, want %v", d.open, d.layout.focused, tc.want)
			}
		})
	}
}

func TestFocusOfYOLOXIsSkipped(t *testing.T) {
	if d := open(t, Options{Weights: footage.Path(t, "models/yolox_nano.onnx")}); !d.layout.focused {
		t.Error("it is not")
	}
}

// Every pixel goes to where Focus would put it, in views of odd sizes and places too.
func TestPaintFocused(t *testing.T) {
	f := grey(211, 97)
	for i := range f.Picture.Y {
		f.Picture.Y[i] = uint8(i*i/7 + i)
	}
	for i := range f.Picture.Cb {
		f.Picture.Cb[i], f.Picture.Cr[i] = uint8(i*3), uint8(i*5)
	}
	for _, tc := range []struct {
		name  string
		views []view
	}{
		{"whole", []view{whole(image.Pt(211, 97), image.Pt(160, 160), true)}},
		{"beside and below", []view{
			{part: image.Rect(10, 4, 43, 41), at: image.Pt(0, 0), size: image.Pt(33, 37), scale: 1},
			{part: image.Rect(60, 4, 61, 5), at: image.Pt(48, 0), size: image.Pt(1, 1), scale: 1},
			{part: image.Rect(2, 2, 31, 51), at: image.Pt(40, 41), size: image.Pt(15, 25), scale: .5},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := tc.views[0].input
			if in.X == 0 {
				in = image.Pt(64, 96)
			}
			plain, got := make([]float32, 3*in.X*in.Y), make([]float32, 3*in.X*in.Y)
			var pt painter
			pt.paint(plain, in, f, tc.views...)
			want := make([]float32, len(plain))
			for c := range 3 {
				for y := range in.Y {
					for x := range in.X {
						k := slices.Index(yolox[:], image.Pt(x%2, y%2))
						want[((3*k+c)*in.Y/2+y/2)*in.X/2+x/2] = plain[(c*in.Y+y)*in.X+x]
					}
				}
			}
			pt.focused = true
			if pt.paint(got, in, f, tc.views...); !slices.Equal(got, want) {
				t.Error("painted elsewhere")
			}
		})
	}
}
