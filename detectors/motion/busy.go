package motion

import (
	"image"
	"math"
	"time"
)

// busy learns where something moves without cease and without anything coming of it: a
// tree in the wind, a flag, an escalator, a screen. It counts how often motion begins at a
// pixel: a thing that passes, or stays, begins once. Motion that belongs to a tracked
// thing does not count, so a busy pavement is not learnt away, nor a person who stays.
type busy struct {
	w      int
	rate   []float32 // beginnings a second at each pixel
	before []uint8   // the last mask
}

const (
	// busyTau is over how long beginnings are counted: a gust lasts some ten seconds.
	busyTau = 20 * time.Second
	// busyRate is the beginnings a second, on the mean of a region's pixels, from which it
	// is ignored: three in busyTau. A branch swings once in one or two seconds and each
	// pixel on its way sees some of it; people who pass a point one by one are tracked.
	busyRate = 0.14
	// forgotten is a rate that no longer counts: one beginning, three minutes ago. Without it
	// numbers would become ever smaller, and slow to reckon with.
	forgotten = 5e-6
)

func newBusy(w, h int) *busy {
	return &busy{w: w, rate: make([]float32, w*h), before: make([]uint8, w*h)}
}

func (b *busy) clear() {
	clear(b.rate)
	clear(b.before)
}

// learn takes in a mask. Where the whole picture changes, and while a new background is not
// believed, all begins at once, and nothing follows from it: then it is an upheaval.
//
//go:norace
func (b *busy) learn(fg, held []uint8, dt time.Duration, upheaval bool) {
	down, up := float32(math.Exp(-dt.Seconds()/busyTau.Seconds())), float32(1/busyTau.Seconds())
	if upheaval {
		up = 0
	}
	countStarts(b.rate, b.before, fg, held, down, up, forgotten)
}

// forgive forgets what was learnt where a thing has turned out to be real: it moved there
// before it was known to be one.
func (b *busy) forgive(r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(b.rate[y*b.w+r.Min.X : y*b.w+r.Max.X])
	}
}

// over says whether a component lies where motion never ceases.
func (b *busy) over(c component) bool {
	sum := float32(0)
	for _, r := range c.runs {
		for _, s := range b.rate[int(r.y)*b.w+int(r.x0) : int(r.y)*b.w+int(r.x1)] {
			sum += s
		}
	}
	return sum > busyRate*float32(c.area)
}
