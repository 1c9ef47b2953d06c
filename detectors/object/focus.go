package object

import (
	"errors"
	"slices"
)

// YOLOX begins with its Focus layer: it parts the picture into four, of the pixels in even and
// odd columns of even and odd rows, and lays their colours on top of one another. In ONNX that
// is six copies of the picture, a sixteenth of the cost of a look. The painter can as well
// write every pixel to where the layer would put it.

// focusParts are the pictures that Focus makes of one, in its order: the even columns of the
// even and of the odd rows, then the odd columns.
const focusParts = 4

var errNoFocus = errors.New("it does not begin with Focus")

// skipFocus rewrites a network whose sides are open so that it takes what its Focus layer would
// make of a picture, and returns the name of that input. Which pixel goes where is not read
// from the file: it shows when both networks are tried.
func skipFocus(model []byte, l layout) (out []byte, input string, err error) {
	out, err = rewrite(model, func(f field) ([]byte, error) {
		if f.number != 7 {
			return f.raw, nil
		}
		of := []string{l.in} // the picture and what was cut out of it
		graph, err := rewrite(f.body, func(f field) ([]byte, error) {
			if f.number != 1 {
				return f.raw, nil
			}
			n, err := readNode(f.body)
			if err != nil || !slices.ContainsFunc(n.in, func(name string) bool { return slices.Contains(of, name) }) {
				return f.raw, err
			}
			switch {
			case n.op == "Slice":
				of = append(of, n.out)
			case n.op == "Concat" && len(n.in) == focusParts && input == "":
				input = n.out
			default:
				return nil, errNoFocus // it sees the picture itself
			}
			return nil, nil
		})
		if err != nil {
			return nil, err
		}
		graph, err = rewrite(graph, func(f field) ([]byte, error) {
			if f.number != 11 {
				return f.raw, nil
			}
			return replaceValue(f, l.in, input, []dim{{size: 1}, {size: 3 * focusParts}, {name: "rows"}, {name: "columns"}})
		})
		return message(f.number, graph), err
	})
	if err == nil && input == "" {
		err = errNoFocus
	}
	return out, input, err
}

// node is one operation of a network.
type node struct {
	op  string
	in  []string
	out string // the first of them
}

// readNode reads a NodeProto: input is field 1, output 2 and op_type 4.
func readNode(msg []byte) (n node, err error) {
	err = walk(msg, func(f field) error {
		switch {
		case f.number == 1:
			n.in = append(n.in, string(f.body))
		case f.number == 2 && n.out == "":
			n.out = string(f.body)
		case f.number == 4:
			n.op = string(f.body)
		}
		return nil
	})
	return n, err
}
