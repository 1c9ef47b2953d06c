package object

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync/atomic"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/vedette-cctv/vedette/models"
)

// ErrClosed says that the detector was used after Close.
var ErrClosed = errors.New("object detector is closed")

// Options make a detector.
type Options struct {
	Library string // path of ONNX Runtime; default: VEDETTE_ONNXRUNTIME, then the first of Libraries that loads
	Weights string // path of the .onnx file
	SHA256  string // hex; when set, the weights must have it
	// Also are classes to report besides those of COCO that move by themselves, are driven
	// or are carried. Weights with classes of their own report all of them.
	Also []string
	// Threads is how many threads work on one inference. Default 1: several cameras keep
	// several processors busy better than several threads on one picture do.
	Threads int
	// AtOnce is how many inferences run at once; further callers wait. Default 2.
	AtOnce int
	// MinScore is the least score that is reported, 0..1. Default 0.1: a tracker makes
	// use of weak detections where it expects something (ByteTrack).
	MinScore float64
	// Rate is how many inferences per second all cameras get together, by the arrival
	// times of their frames. Default DefaultRate; a negative rate has no limit.
	Rate float64
}

// DefaultRate of inferences per second takes about a quarter of a processor core with
// YOLOX-nano and pictures of 16:9, and is enough for fifteen cameras on which somebody
// moves all the time.
const DefaultRate = 30

const (
	defaultMinScore = 0.1
	defaultAtOnce   = 2
)

// Stats count from Open.
type Stats struct {
	Inferences uint64 // runs of the network
	Parts      uint64 // those of them that were shown a part of the picture
	OverBudget uint64 // frames that were passed over because the rate was used up
	Invalid    uint64 // boxes dropped because they held numbers that mean nothing
}

// Detector finds things that it can name. It is safe for concurrent use.
type Detector struct {
	info    Info
	layout  layout
	open    bool  // the network takes smaller inputs than the file says
	wanted  []int // numbers of the classes that are reported
	least   float64
	budget  *budget
	session *ort.DynamicAdvancedSession
	slots   chan *slot // those that are free; holds all of them
	closed  chan struct{}
	closing atomic.Bool

	inferences, parts, overBudget, invalid atomic.Uint64
}

// Open loads library and weights. Its errors are ErrNoLibrary, ErrWeights (also for a
// hash that differs) and fs.ErrNotExist for weights that are not there.
func Open(o Options) (*Detector, error) {
	data, sum, err := readWeights(o.Weights, o.SHA256)
	if err != nil {
		return nil, err
	}
	library, version, err := load(libraryOr(o.Library))
	if err != nil {
		return nil, err
	}
	l, err := readLayout(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrWeights, o.Weights, err)
	}
	labels, err := readLabels(o.Weights, l.classes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrWeights, o.Weights, err)
	}
	d := &Detector{
		info:   Info{Name: nameOf(o.Weights), Path: o.Weights, SHA256: sum, Input: l.input, Classes: labels, Library: library, Version: version},
		layout: l, wanted: wantedOf(labels, o.Also), least: o.MinScore, closed: make(chan struct{}),
	}
	if d.least == 0 {
		d.least = defaultMinScore
	}
	rate := o.Rate
	if rate == 0 {
		rate = DefaultRate
	}
	d.budget = newBudget(rate)
	if d.session, d.layout, d.open, err = openSession(data, l, max(1, o.Threads)); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrWeights, o.Weights, err)
	}
	atOnce := o.AtOnce
	if atOnce <= 0 {
		atOnce = defaultAtOnce
	}
	d.slots = make(chan *slot, atOnce)
	for range atOnce {
		d.slots <- newSlot(d.layout)
	}
	return d, nil
}

// openSession makes a session that takes inputs of any size, if it can without Focus, or else
// one of the size that the file says. The layout is that of the session.
func openSession(data []byte, l layout, threads int) (session *ort.DynamicAdvancedSession, of layout, open bool, err error) {
	if free, err := openSides(data, l); err == nil {
		if session, err = newSession(free, l, threads); err == nil {
			if want, err := try(session, l); err == nil {
				return focus(session, free, l, want, threads)
			}
			if err := session.Destroy(); err != nil {
				return nil, l, false, err
			}
		}
	}
	session, err = newSession(data, l, threads)
	return session, l, false, err
}

// focus exchanges a session of any size for one without Focus, when that gives the same answer
// to the trial.
func focus(session *ort.DynamicAdvancedSession, data []byte, l layout, want []float32, threads int) (*ort.DynamicAdvancedSession, layout, bool, error) {
	data, input, err := skipFocus(data, l)
	if err != nil {
		return session, l, true, nil
	}
	short := l
	short.in, short.focused = input, true
	other, err := newSession(data, short, threads)
	if err != nil {
		return session, l, true, nil
	}
	if got, err := try(other, short); err == nil && slices.Equal(got, want) {
		return other, short, true, session.Destroy()
	}
	return session, l, true, other.Destroy()
}

// try runs the network on a picture of noise, the smallest one that is not square, and returns
// the answer.
func try(session *ort.DynamicAdvancedSession, l layout) ([]float32, error) {
	l = l.sized(image.Pt(2*coarsest, coarsest))
	s := newSlot(l)
	f, err := s.form(session, l)
	if err != nil {
		return nil, err
	}
	p := image.NewYCbCr(image.Rectangle{Max: l.input}, image.YCbCrSubsampleRatio420)
	noise := uint32(1)
	for _, plane := range [][]uint8{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			noise = noise*1664525 + 1013904223 // Numerical Recipes, 7.1
			plane[i] = uint8(noise >> 24)
		}
	}
	s.painter.paint(f.in.GetData(), l.input, models.Frame{Picture: p}, fit(p.Rect, l.input, 1, true))
	err = session.RunWithBinding(f.binding)
	return slices.Clone(s.out), errors.Join(err, s.free())
}

func newSession(data []byte, l layout, threads int) (_ *ort.DynamicAdvancedSession, err error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, o.Destroy()) }()
	err = errors.Join(
		o.SetIntraOpNumThreads(threads),
		o.SetInterOpNumThreads(1),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		// A thread that waits must not burn the processor that the decoders need.
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		// Denormal floats cost a hundred times what others do and mean nothing here.
		o.AddSessionConfigEntry("session.set_denormal_as_zero", "1"),
	)
	if plainLayout(ort.GetVersion()) {
		err = errors.Join(err, o.AddSessionConfigEntry("optimization.disable_specified_optimizers", "QuickGeluFusion"))
	}
	if err != nil {
		return nil, err
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(data, []string{l.in}, []string{l.out}, o)
}

// plainLayout says of an ONNX Runtime that x times sigmoid(x) as one operator stands in the way of
// the blocked layout: before 1.26 every convolution would be followed by a copy into the plain
// layout and another one back, a fifth of a look.
func plainLayout(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major == 1 && minor < 26
}

// Info describes the weights and the library in use.
func (d *Detector) Info() Info { return d.info }

// Stats returns the counts since Open.
func (d *Detector) Stats() Stats {
	return Stats{Inferences: d.inferences.Load(), Parts: d.parts.Load(), OverBudget: d.overBudget.Load(), Invalid: d.invalid.Load()}
}

// Detect names what it sees in the frame, best first. regions are where to look: what lies
// in them and was not found is not there, while of their surroundings it may have seen a
// piece. It looks at nothing when nothing was asked for, or the budget was used up, which
// is counted.
func (d *Detector) Detect(f models.Frame, regions []models.Box) (models.Sight, error) {
	if len(regions) == 0 {
		return models.Sight{}, nil
	}
	if err := check(f.Picture); err != nil {
		return models.Sight{}, err
	}
	arrived := f.Arrival
	if arrived.IsZero() {
		arrived = f.At.Wall
	}
	if !d.budget.take(f.Camera, arrived) {
		d.overBudget.Add(1)
		return models.Sight{}, nil
	}
	var s *slot
	select {
	case <-d.closed:
		return models.Sight{}, ErrClosed
	case s = <-d.slots:
		defer func() { d.slots <- s }()
	}
	return d.detect(s, f, regions)
}

func (d *Detector) detect(s *slot, f models.Frame, regions []models.Box) (models.Sight, error) {
	size := f.Picture.Rect.Size()
	views := choose(size, d.layout.input, regions, d.open)
	input := views[0].input
	form, err := s.form(d.session, d.layout.sized(input))
	if err != nil {
		return models.Sight{}, fmt.Errorf("make room for an input of %v: %w", input, err)
	}
	s.painter.paint(form.in.GetData(), input, f, views...)
	if err := d.session.RunWithBinding(form.binding); err != nil {
		return models.Sight{}, fmt.Errorf("run %s: %w", d.info.Name, err)
	}
	d.inferences.Add(1)
	if views[0].part != (image.Rectangle{Max: size}) {
		d.parts.Add(1)
	}
	sight := models.Sight{Cost: views[0].cost() / whole(size, d.layout.input, d.open).cost()}
	var invalid int
	sight.Found, invalid = s.reader.read(form.out.GetData(), form.layout, d.info.Classes, d.wanted, d.least, views, size)
	d.invalid.Add(uint64(invalid))
	for _, v := range views {
		sight.Parts = append(sight.Parts, v.asked)
	}
	return sight, nil
}

// Close waits for the inferences that run and frees the memory. Detect returns ErrClosed
// afterwards.
func (d *Detector) Close() error {
	if d.closing.Swap(true) {
		return nil
	}
	close(d.closed)
	var errs []error
	for range cap(d.slots) {
		errs = append(errs, (<-d.slots).free())
	}
	return errors.Join(append(errs, d.session.Destroy())...)
}
