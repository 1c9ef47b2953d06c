package object

import (
	"encoding/binary"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// network is an ONNX file that answers every picture with the same numbers.
type network struct {
	in, out []int64 // shapes; a negative side is left open
	kind    uint64  // element type, ONNX numbering; 0 means float
	inputs  int     // 0 means one
	answer  []float32
}

// tiny is of YOLOX's shape: 64x64 pixels, 64+16+4 cells, two classes.
func tiny() network {
	return network{in: []int64{1, 3, 64, 64}, out: []int64{1, 84, 7}, answer: make([]float32, 84*7)}
}

// plant puts a box into a cell.
func (n network) plant(cell int, row ...float32) { copy(n.answer[cell*int(n.out[2]):], row) }

// encode writes the protocol buffers of onnx.proto3 by hand.
func (n network) encode() []byte {
	var graph, tensor pb
	kind := max(n.kind, 1)
	for i, d := range n.out {
		if d < 0 {
			d = []int64{1, int64(len(n.answer)) / n.out[2]}[i]
		}
		tensor.number(1, uint64(d))
	}
	tensor.number(2, kind)
	tensor.text(8, "answer")
	raw := make([]byte, 0, 4*len(n.answer))
	for _, v := range n.answer {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	tensor.bytes(9, raw)
	graph.node("Identity", "out", []string{"answer"})
	graph.text(2, "planted")
	graph.bytes(5, tensor)
	for i := range max(n.inputs, 1) {
		graph.bytes(11, value("in"+string(rune('0'+i)), kind, n.in))
	}
	graph.bytes(12, value("out", kind, n.out))
	return graph.model(8, 13)
}

func value(name string, kind uint64, shape []int64) pb {
	var info, of, tensor, dims pb
	for _, d := range shape {
		var dim pb
		if d < 0 {
			dim.text(2, "open")
		} else {
			dim.number(1, uint64(d))
		}
		dims.bytes(1, dim)
	}
	tensor.number(1, kind)
	tensor.bytes(2, dims)
	of.bytes(1, tensor)
	info.text(1, name)
	info.bytes(2, of)
	return info
}

type pb []byte

func (p *pb) number(field int, v uint64) {
	*p = binary.AppendUvarint(binary.AppendUvarint(*p, uint64(field)<<3), v)
}

func (p *pb) bytes(field int, v []byte) {
	*p = binary.AppendUvarint(binary.AppendUvarint(*p, uint64(field)<<3|2), uint64(len(v)))
	*p = append(*p, v...)
}

func (p *pb) text(field int, s string) { p.bytes(field, []byte(s)) }

// node adds an operation to a graph.
func (p *pb) node(op, out string, in []string, attributes ...pb) {
	var n pb
	for _, name := range in {
		n.text(1, name)
	}
	n.text(2, out)
	n.text(4, op)
	for _, a := range attributes {
		n.bytes(5, a)
	}
	p.bytes(1, n)
}

// attribute is one of integers (type 7) or of one integer (type 2).
func attribute(name string, kind uint64, values ...uint64) (a pb) {
	a.text(1, name)
	field := map[uint64]int{2: 3, 7: 8}[kind]
	for _, v := range values {
		a.number(field, v)
	}
	a.number(20, kind)
	return a
}

// constant adds a row of 64-bit integers to a graph.
func (p *pb) constant(name string, values ...int64) {
	var c pb
	c.number(1, uint64(len(values)))
	c.number(2, 7)
	for _, v := range values {
		c.number(7, uint64(v))
	}
	c.text(8, name)
	p.bytes(5, c)
}

// model is the file of a graph, in those versions of the format and of the operations.
func (p pb) model(format, operations uint64) (m pb) {
	var opset pb
	opset.number(2, operations)
	m.number(1, format)
	m.bytes(7, p)
	m.bytes(8, opset)
	return m
}

func (n network) save(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "planted.onnx")
	save(t, path, n.encode())
	save(t, filepath.Join(filepath.Dir(path), "planted.txt"), []byte("person\ncar\n"))
	return path
}

func save(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// library skips the test when ONNX Runtime is not here.
func library(t testing.TB) {
	t.Helper()
	if _, _, err := load(libraryOr("")); err != nil {
		t.Skipf("ONNX Runtime is not present: %v", err)
	}
}

func open(t testing.TB, o Options) *Detector {
	t.Helper()
	library(t)
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// grey is a frame of one brightness.
func grey(w, h int) models.Frame {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for _, plane := range [][]uint8{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			plane[i] = 128
		}
	}
	return models.Frame{Camera: "gate", Picture: p, Source: image.Pt(w, h), Arrival: time.Unix(1000, 0)}
}

var everywhere = []models.Box{{X: 0, Y: 0, W: 1, H: 1}}
