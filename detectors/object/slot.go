package object

import (
	"errors"
	"image"

	ort "github.com/yalue/onnxruntime_go"
)

// slot is the memory of one inference at a time.
type slot struct {
	in, out []float32
	forms   map[image.Point]*form // by size of the input
	painter painter
	reader  reader
}

// form is the slot's memory as input and output of one size.
type form struct {
	layout  layout
	in, out *ort.Tensor[float32]
	binding *ort.IoBinding
}

// maxForms bounds the forms that a slot keeps; a camera's whole picture has one, and the
// parts of it some more.
const maxForms = 64

func newSlot(l layout) *slot {
	return &slot{
		painter: painter{focused: l.focused},

		in:    make([]float32, 3*l.input.X*l.input.Y),
		out:   make([]float32, l.anchors*(5+l.classes)),
		forms: make(map[image.Point]*form),
	}
}

// form returns the form of that size, no larger than the slot was made for.
func (s *slot) form(session *ort.DynamicAdvancedSession, l layout) (*form, error) {
	if f := s.forms[l.input]; f != nil {
		return f, nil
	}
	if len(s.forms) >= maxForms {
		if err := s.free(); err != nil {
			return nil, err
		}
	}
	f := &form{layout: l}
	if err := f.bind(session, s.in[:3*l.input.X*l.input.Y], s.out[:l.anchors*(5+l.classes)]); err != nil {
		return nil, errors.Join(err, f.free())
	}
	s.forms[l.input] = f
	return f, nil
}

func (f *form) bind(session *ort.DynamicAdvancedSession, in, out []float32) (err error) {
	l := f.layout
	shape := ort.NewShape(1, 3, int64(l.input.Y), int64(l.input.X))
	if l.focused {
		shape = ort.NewShape(1, 3*focusParts, int64(l.input.Y/2), int64(l.input.X/2))
	}
	if f.in, err = ort.NewTensor(shape, in); err != nil {
		return err
	}
	if f.out, err = ort.NewTensor(ort.NewShape(1, int64(l.anchors), int64(5+l.classes)), out); err != nil {
		return err
	}
	if f.binding, err = session.CreateIoBinding(); err != nil {
		return err
	}
	return errors.Join(f.binding.BindInput(l.in, f.in), f.binding.BindOutput(l.out, f.out))
}

func (f *form) free() error {
	var errs []error
	if f.binding != nil {
		errs = append(errs, f.binding.Destroy())
	}
	for _, t := range []*ort.Tensor[float32]{f.in, f.out} {
		if t != nil {
			errs = append(errs, t.Destroy())
		}
	}
	return errors.Join(errs...)
}

func (s *slot) free() error {
	var errs []error
	for _, f := range s.forms {
		errs = append(errs, f.free())
	}
	clear(s.forms)
	return errors.Join(errs...)
}
