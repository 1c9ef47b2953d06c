package object

import (
	"bytes"
	"image"
	"math"
	"path/filepath"
	"testing"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// averaging is a network of YOLOX's shape for one class whose cells answer with the mean
// B, G, R, B, G, R of the pixels that they cover.
func averaging(side int) []byte {
	cells := 0
	for _, s := range strides {
		cells += (side / s) * (side / s)
	}
	var graph pb
	for i, name := range []string{"a", "b", "c"} {
		s := uint64(strides[i])
		graph.node("AveragePool", name, []string{"in"}, attribute("kernel_shape", 7, s, s), attribute("strides", 7, s, s))
		graph.node("Concat", name+"2", []string{name, name}, attribute("axis", 2, 1))
		graph.node("Reshape", name+"3", []string{name + "2", "flat"})
	}
	graph.node("Concat", "all", []string{"a3", "b3", "c3"}, attribute("axis", 2, 2))
	graph.node("Transpose", "out", []string{"all"}, attribute("perm", 7, 0, 2, 1))
	graph.text(2, "averaging")
	graph.constant("flat", 1, 6, -1)
	graph.bytes(11, value("in", 1, []int64{1, 3, int64(side), int64(side)}))
	graph.bytes(12, value("out", 1, []int64{1, int64(cells), 6}))
	graph.bytes(13, value("a", 1, []int64{1, 3, int64(side / 8), int64(side / 8)}))
	return graph.model(7, 11)
}

func openAveraging(t *testing.T) *Detector {
	path := filepath.Join(t.TempDir(), "averaging.onnx")
	save(t, path, averaging(128))
	save(t, filepath.Join(filepath.Dir(path), "averaging.txt"), []byte("person\n"))
	return open(t, Options{Weights: path, Rate: -1})
}

// The sides of an input become open, and each cell still answers for its own pixels.
func TestOpenSides(t *testing.T) {
	d := openAveraging(t)
	if !d.open {
		t.Fatal("the network's sides were not opened")
	}
	for _, size := range []image.Point{{128, 128}, {128, 64}, {32, 96}, {64, 32}} {
		l := d.layout.sized(size)
		s := newSlot(d.layout)
		f, err := s.form(d.session, l)
		if err != nil {
			t.Fatal(err)
		}
		in := f.in.GetData()
		for i := range in {
			in[i] = float32(i % 251)
		}
		if err := d.session.RunWithBinding(f.binding); err != nil {
			t.Fatalf("%v: %v", size, err)
		}
		out, cell := f.out.GetData(), 0
		for _, stride := range strides {
			for y := 0; y < size.Y/stride; y++ {
				for x := 0; x < size.X/stride; x++ {
					sum := 0.
					for v := y * stride; v < (y+1)*stride; v++ {
						for u := x * stride; u < (x+1)*stride; u++ {
							sum += float64(in[v*size.X+u])
						}
					}
					if got, want := float64(out[cell*6]), sum/float64(stride*stride); math.Abs(got-want) > 0.01 {
						t.Fatalf("%v, stride %d, cell %d, %d: got %.3f, want %.3f", size, stride, x, y, got, want)
					}
					cell++
				}
			}
		}
		if cell != l.anchors {
			t.Errorf("%v: %d cells, want %d", size, cell, l.anchors)
		}
		if err := s.free(); err != nil {
			t.Error(err)
		}
	}
}

// Weights that hold a size inside work at the size that they state.
func TestSidesThatCannotBeOpened(t *testing.T) {
	n := tiny()
	n.plant(0, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t)})
	if d.open {
		t.Error("a constant was taken for a network")
	}
	if got, err := d.Detect(grey(64, 32), everywhere); err != nil || len(got.Found) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestASlotKeepsFewForms(t *testing.T) {
	d := openAveraging(t)
	s := newSlot(d.layout.sized(image.Pt(512, 512)))
	for x := 1; x <= 9; x++ {
		for y := 1; y <= 9; y++ {
			if _, err := s.form(d.session, d.layout.sized(image.Pt(32*x, 32*y))); err != nil {
				t.Fatal(err)
			}
			if len(s.forms) > maxForms {
				t.Fatalf("%d forms", len(s.forms))
			}
		}
	}
	if err := s.free(); err != nil {
		t.Error(err)
	}
}

// The same persons are found in a part that is no larger than it must be.
func TestASmallLookFindsTheSame(t *testing.T) {
	d := open(t, Options{Weights: footage.Path(t, "models/yolox_nano.onnx"), Rate: -1})
	if !d.open {
		t.Fatal("YOLOX-nano takes one size of input only")
	}
	boxes := truth(t, footage.Path(t, "pets/gt.txt"), 768, 576)
	found := [2]int{}
	n := 0
	for _, f := range film(t, footage.Path(t, "pets/pets_s2l1.mp4"), 768, 576, 150) {
		for _, b := range boxes[f.Index] {
			n++
			for i, open := range []bool{false, true} {
				d.open = open
				saw, err := d.Detect(f, []models.Box{b})
				if err != nil || len(saw.Parts) != 1 || saw.Parts[0] != b && saw.Parts[0] != everywhere[0] {
					t.Fatalf("looked at %v for %v: %v", saw.Parts, b, err)
				}
				for _, det := range saw.Found {
					if det.Label == "person" && det.Score > 0.3 && det.Box.IoU(b) >= 0.5 {
						found[i]++
						break
					}
				}
			}
		}
	}
	t.Logf("%d persons: %d found at 416x416, %d in an input that fits", n, found[0], found[1])
	if found[1] < found[0]*95/100 {
		t.Errorf("%d of %d persons found in an input that fits, %d at 416x416", found[1], n, found[0])
	}
}

func FuzzOpenSides(f *testing.F) {
	whole := averaging(64)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(focusing(64, yolox))
	f.Add([]byte{})
	f.Add(tiny().encode()[:200])
	f.Add([]byte{7<<3 | 2, 0x80})
	f.Add([]byte{7<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	l := layout{in: "in", out: "out", classes: 1}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := openSides(data, l)
		if err != nil {
			return
		}
		twice, err := openSides(once, l)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("opened sides open to something else: %v", err)
		}
		if short, _, err := skipFocus(once, l); err == nil {
			if _, _, err := skipFocus(short, l); err == nil {
				t.Fatal("Focus was skipped twice")
			}
		}
	})
}
