package object

import (
	"encoding/binary"
	"errors"
)

// openSides rewrites an ONNX network so that it takes pictures of any height and width:
// the sides that the file states for input and output become open, and the shapes noted in
// between, which hold for those sides alone, are left out. The networks of YOLOX are
// convolutions and do not mind; one that does, because a size is built into it, shows by
// failing when it is tried.
//
// It edits the protocol buffers of onnx.proto3 in place, because nothing else is needed
// of them: ModelProto.graph is field 7; GraphProto.input 11, output 12 and value_info 13.
func openSides(model []byte, l layout) ([]byte, error) {
	return rewrite(model, func(f field) ([]byte, error) {
		if f.number != 7 {
			return f.raw, nil
		}
		graph, err := rewrite(f.body, func(f field) ([]byte, error) {
			switch f.number {
			case 11:
				return openValue(f, l.in, []dim{{size: 1}, {size: 3}, {name: "height"}, {name: "width"}})
			case 12:
				return openValue(f, l.out, []dim{{size: 1}, {name: "cells"}, {size: 5 + l.classes}})
			case 13:
				return nil, nil
			}
			return f.raw, nil
		})
		return message(f.number, graph), err
	})
}

// dim is one dimension of a tensor: a size, or a name for one that is open.
type dim struct {
	size int
	name string
}

// openValue gives the value of that name, a tensor of floats, other dimensions.
func openValue(f field, name string, dims []dim) ([]byte, error) {
	return replaceValue(f, name, name, dims)
}

// replaceValue gives the value of that name another name and other dimensions.
func replaceValue(f field, name, by string, dims []dim) ([]byte, error) {
	held := ""
	if err := walk(f.body, func(g field) error {
		if g.number == 1 {
			held = string(g.body)
		}
		return nil
	}); err != nil || held != name {
		return f.raw, err
	}
	var shape []byte
	for _, d := range dims {
		if d.name != "" {
			shape = append(shape, message(1, message(2, []byte(d.name)))...)
		} else {
			shape = append(shape, message(1, number(1, uint64(d.size)))...)
		}
	}
	tensor := append(number(1, 1), message(2, shape)...) // element type 1 is a 32-bit float
	return message(f.number, append(message(1, []byte(by)), message(2, message(1, tensor))...)), nil
}

// field is one field of a protocol buffer.
type field struct {
	number int
	raw    []byte // with its key
	body   []byte // of a message, a text or bytes
}

var errEncoding = errors.New("not a protocol buffer")

// walk hands over the fields of a message in their order.
func walk(msg []byte, take func(field) error) error {
	for len(msg) > 0 {
		key, n := binary.Uvarint(msg)
		if n <= 0 {
			return errEncoding
		}
		f, end := field{number: int(key >> 3)}, n
		switch key & 7 {
		case 0:
			_, m := binary.Uvarint(msg[n:])
			if m <= 0 {
				return errEncoding
			}
			end += m
		case 1:
			end += 8
		case 2:
			size, m := binary.Uvarint(msg[n:])
			if m <= 0 || size > uint64(len(msg)-n-m) {
				return errEncoding
			}
			f.body = msg[n+m : n+m+int(size)]
			end += m + int(size)
		case 5:
			end += 4
		default:
			return errEncoding
		}
		if end > len(msg) {
			return errEncoding
		}
		f.raw, msg = msg[:end:end], msg[end:]
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}

// rewrite copies a message and replaces its fields by what edit makes of them.
func rewrite(msg []byte, edit func(field) ([]byte, error)) ([]byte, error) {
	out := make([]byte, 0, len(msg)+64)
	err := walk(msg, func(f field) error {
		b, err := edit(f)
		out = append(out, b...)
		return err
	})
	return out, err
}

func number(field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3), v)
}

func message(field int, body []byte) []byte {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|2), uint64(len(body)))
	return append(b, body...)
}
