package object

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// ErrWeights says that a file does not hold weights that can be used.
var ErrWeights = errors.New("unusable weights")

const (
	// maxWeights bounds the file; YOLOX-x, the largest of its family, has 378 MiB.
	maxWeights = 1 << 30
	// maxSide bounds the side of the input in pixels.
	maxSide = 4096
)

// strides are the cell sizes of the three output grids, in input pixels.
var strides = [...]int{8, 16, coarsest}

// coarsest is the largest of them: what the sides of an input are multiples of.
const coarsest = 32

// Info describes the weights in use.
type Info struct {
	Name    string      // file name without .onnx
	Path    string      // where they were found
	SHA256  string      // hex, of the file
	Input   image.Point // size of the network's input in pixels
	Classes []string    // labels by class number
	Library string      // path of ONNX Runtime
	Version string      // of ONNX Runtime
}

// readWeights reads the file and its hash; want, when set, is the hash it must have.
func readWeights(path, want string) (data []byte, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(f, maxWeights+1)); err != nil {
		return nil, "", fmt.Errorf("read weights: %w", err)
	}
	if len(data) == 0 || len(data) > maxWeights {
		return nil, "", fmt.Errorf("%w: %s: %d bytes", ErrWeights, path, len(data))
	}
	h := sha256.Sum256(data)
	sum = hex.EncodeToString(h[:])
	if want != "" && !strings.EqualFold(sum, want) {
		return nil, "", fmt.Errorf("%w: %s: SHA-256 is %s, want %s", ErrWeights, path, sum, want)
	}
	return data, sum, nil
}

// layout is what a network takes and gives.
type layout struct {
	in, out string      // names of the tensors
	input   image.Point // size of the input in pixels
	anchors int
	classes int
	focused bool // it takes what Focus makes of a picture, see focus.go
}

// readLayout reads the shapes from the weights and refuses all that is not YOLOX's.
func readLayout(data []byte) (layout, error) {
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(data)
	if err != nil {
		return layout{}, fmt.Errorf("not an ONNX network: %w", err)
	}
	if len(ins) != 1 || len(outs) != 1 {
		return layout{}, fmt.Errorf("%d inputs and %d outputs, want one of each", len(ins), len(outs))
	}
	if err := float32s(ins[0]); err != nil {
		return layout{}, fmt.Errorf("input: %w", err)
	}
	if err := float32s(outs[0]); err != nil {
		return layout{}, fmt.Errorf("output: %w", err)
	}
	return shapeLayout(ins[0].Name, outs[0].Name, ins[0].Dimensions, outs[0].Dimensions)
}

func float32s(t ort.InputOutputInfo) error {
	if t.OrtValueType != ort.ONNXTypeTensor || t.DataType != ort.TensorElementDataTypeFloat {
		return fmt.Errorf("%s is not a tensor of 32-bit floats", t.Name)
	}
	return nil
}

// shapeLayout checks the dimensions. A batch size that the network leaves open is one.
func shapeLayout(inName, outName string, in, out []int64) (layout, error) {
	if len(in) != 4 || !one(in[0]) || in[1] != 3 {
		return layout{}, fmt.Errorf("input of %v, want 1x3xHxW", in)
	}
	for _, side := range in[2:] {
		if side < coarsest || side > maxSide || side%coarsest != 0 {
			return layout{}, fmt.Errorf("input of %v: sides must be fixed multiples of 32 up to %d", in, maxSide)
		}
	}
	l := layout{in: inName, out: outName}.sized(image.Pt(int(in[3]), int(in[2])))
	if len(out) != 3 || !one(out[0]) || (out[1] != int64(l.anchors) && out[1] >= 0) || out[2] < 6 || out[2] > 5+maxClasses {
		return layout{}, fmt.Errorf("output of %v, want 1x%dx(5+classes)", out, l.anchors)
	}
	l.classes = int(out[2]) - 5
	return l, nil
}

// sized is the layout with an input of that size.
func (l layout) sized(input image.Point) layout {
	l.input, l.anchors = input, 0
	for _, s := range strides {
		l.anchors += (input.X / s) * (input.Y / s)
	}
	return l
}

// one says whether a batch dimension admits a single picture; negative ones are open.
func one(n int64) bool { return n == 1 || n < 0 }

func nameOf(path string) string { return strings.TrimSuffix(filepath.Base(path), ".onnx") }
