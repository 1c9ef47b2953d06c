package health

import (
	"image"
	"testing"
)

// The fine copy is the mean of each box, whatever the picture's size and whatever the
// loop that makes it.
func TestShrink(t *testing.T) {
	for _, size := range []image.Point{{160, 120}, {320, 180}, {330, 200}, {502, 300}, {640, 360}, {960, 540}, {1290, 730}} {
		p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range p.Y {
			p.Y[i] = uint8(i * 7 % 251)
		}
		var l look
		if !l.shrink(p) {
			t.Fatalf("%v: refused", size)
		}
		n := size.X / l.size.X
		for _, at := range []image.Point{{0, 0}, {1, 2}, {l.size.X - 1, l.size.Y - 1}, {l.size.X / 2, l.size.Y / 3}} {
			sum := 0
			for y := range n {
				for x := range n {
					sum += int(p.Y[p.YOffset(at.X*n+x, at.Y*n+y)])
				}
			}
			if got, want := l.fine[at.Y*l.size.X+at.X], float32(sum)/float32(n*n); got-want > 0.01 || want-got > 0.01 {
				t.Errorf("%v: pixel %v is %v, want %v", size, at, got, want)
			}
		}
	}
}

// Two pictures that differ in one pixel, anywhere, differ in their fingerprint; the bytes
// beyond the picture do not count.
func TestDigest(t *testing.T) {
	p := image.NewYCbCr(image.Rect(0, 0, 100, 50), image.YCbCrSubsampleRatio420)
	part := p.SubImage(image.Rect(0, 0, 93, 50)).(*image.YCbCr)
	was := digest(part)
	p.Y[99]++
	if digest(part) != was {
		t.Error("a byte beside the picture changes the fingerprint")
	}
	seen := map[uint64]bool{was: true}
	for y := range 50 {
		for x := range 93 {
			p.Y[y*100+x] = 1
			if h := digest(part); seen[h] {
				t.Fatalf("pixel %d,%d does not count", x, y)
			} else {
				seen[h] = true
			}
			p.Y[y*100+x] = 0
		}
	}
}

// A picture that cannot be judged is refused, and nothing worse happens.
func TestTakeRefuses(t *testing.T) {
	var l look
	for _, size := range []image.Point{{0, 0}, {1, 1}, {63, 400}, {400, 35}, {8192, 100}} {
		if l.take(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), true) {
			t.Errorf("%v: taken", size)
		}
	}
	if l.take(nil, true) {
		t.Error("no picture: taken")
	}
	if !l.take(image.NewYCbCr(image.Rect(0, 0, 8192, 4320), image.YCbCrSubsampleRatio420), true) {
		t.Error("8192x4320: refused")
	}
}
