package motion

/*
#cgo CFLAGS: -O3 -std=c11 -Wall
#cgo noescape vd_match
#cgo nocallback vd_match
#cgo noescape vd_relight
#cgo nocallback vd_relight
#cgo noescape vd_count_starts
#cgo nocallback vd_count_starts
#cgo noescape vd_hold
#cgo nocallback vd_hold
#cgo noescape vd_keep
#cgo nocallback vd_keep
#include "kernel.h"
*/
import "C"

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// What touches every pixel of every picture is written in C, of which the compiler makes
// vectors. The functions here are all that Go sees of it; every slice is as long as the first.

// match compares every pixel with its heaviest mode, and lets that learn its colour and gain
// weight. fg gets 255 where the mode does not explain the pixel.
func (m *model) match(y, b, r []uint8, lut *[256]float32, fg []uint8, sigmas2, chroma float32, rt rates, n noise) {
	size := len(m.bg.y)
	if size == 0 {
		return
	}
	rule := C.vd_rule{
		sigmas2: C.float(sigmas2), chroma: C.float(chroma), weight: C.float(rt.weight), mean: C.float(rt.mean), spread: C.float(rt.spread),
		min_v: C.float(n.minVariance()), max_v: maxSigma * maxSigma, settled: settled,
	}
	bg := &m.bg
	C.vd_match(bytesOf(y, size), bytesOf(b, size), bytesOf(r, size), floatsOf(lut[:], len(lut)),
		floatsOf(bg.y, size), floatsOf(bg.b, size), floatsOf(bg.r, size), floatsOf(bg.v, size), floatsOf(bg.w, size),
		floatsOf(m.share[0], size), floatsOf(m.share[1], size), bytesOf(fg, size), C.size_t(size), rule)
}

// relight multiplies the luma above black of each pixel with from + step*share.
func relight(pix []uint8, share []float32, black, from, step float32) {
	if n := len(pix); n > 0 {
		C.vd_relight(bytesOf(pix, n), floatsOf(share, n), C.size_t(n), C.float(black), C.float(from), C.float(step))
	}
}

// countStarts multiplies the rates by down, and adds up where a pixel is foreground now, was
// not before and is not held. Rates below least become zero. before becomes now.
func countStarts(rate []float32, before, now, held []uint8, down, up, least float32) {
	if n := len(rate); n > 0 {
		C.vd_count_starts(floatsOf(rate, n), bytesOf(before, n), bytesOf(now, n), bytesOf(held, n),
			C.size_t(n), C.float(down), C.float(up), C.float(least))
	}
}

// countHeld counts in held how long a pixel has been foreground, in now, where it is to be
// held, and clears hold where that is limit or more. Where it is background it counts back.
func countHeld(held []uint16, hold, now []uint8, step, limit uint16) {
	if n := len(held); n > 0 {
		C.vd_hold((*C.uint16_t)(unsafe.Pointer(&held[0])), bytesOf(hold, n), bytesOf(now, n),
			C.size_t(n), C.uint16_t(step), C.uint16_t(limit))
	}
}

// keepWhere clears a where b is zero.
func keepWhere(a, b []uint8) {
	if n := len(a); n > 0 {
		C.vd_keep(bytesOf(a, n), bytesOf(b, n), C.size_t(n))
	}
}

// bytesOf and floatsOf are where n elements of a slice begin.
func bytesOf(s []uint8, n int) *C.uint8_t  { return (*C.uint8_t)(unsafe.Pointer(&s[:n][0])) }
func floatsOf(s []float32, n int) *C.float { return (*C.float)(unsafe.Pointer(&s[:n][0])) }

// next returns the index of the first byte from i on that is not zero, or the length. Masks
// are mostly zero: it takes eight at a time.
func next(mask []uint8, i int) int {
	for ; i+8 <= len(mask); i += 8 {
		if word := binary.LittleEndian.Uint64(mask[i:]); word != 0 {
			return i + bits.TrailingZeros64(word)/8
		}
	}
	for ; i < len(mask) && mask[i] == 0; i++ {
	}
	return i
}
