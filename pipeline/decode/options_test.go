package decode

import (
	"math/rand/v2"
	"testing"
)

func TestFactor(t *testing.T) {
	tests := []struct{ w, h, target, want int }{
		{1920, 1080, 640, 3},
		{1080, 1920, 640, 3},
		{1280, 720, 640, 2},
		{768, 576, 640, 1},
		{3840, 2160, 640, 6},
		{2560, 1440, 640, 4},
		{320, 240, 640, 1},
		{8192, 4320, 640, 13},
		{8192, 16, 640, 1},    // a strip keeps its height
		{8192, 4320, 16, 256}, // the sums in C hold no more
		{1920, 1080, 0, 1},
		{1920, 1080, -1, 1},
	}
	for _, tt := range tests {
		if got := Factor(tt.w, tt.h, tt.target); got != tt.want {
			t.Errorf("Factor(%d, %d, %d) = %d, want %d", tt.w, tt.h, tt.target, got, tt.want)
		}
	}
	if got := (Options{}).factor(1920, 1080); got != 3 {
		t.Errorf("the zero value takes 1080p by %d, want 3", got)
	}
	if got := (Options{TargetSide: -1}).factor(8192, 4320); got != 1 {
		t.Errorf("a negative target takes the picture by %d, want 1", got)
	}
}

// Every box is the exact mean, rounded half up, also where it reaches over the edge.
func TestBoxIsTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 13, 64, 256} {
		for range 8 {
			// Planes of 4:2:0 have (size/n+1)/2 columns, of which the last may hang over.
			full := n*16 + r.IntN(3*n+40)
			tall := n*16 + r.IntN(3*n+40)
			w, h := (full+1)/2, (tall+1)/2
			dw, dh := (full/n+1)/2, (tall/n+1)/2
			stride := w + r.IntN(9)
			src := make([]byte, stride*h)
			for i := range src {
				src[i] = byte(r.Uint32())
				if r.IntN(4) == 0 {
					src[i] = 255
				}
			}
			got := make([]byte, dw*dh)
			box(got, dw, dh, src, stride, w, h, n)
			for y := range dh {
				for x := range dw {
					sum, count := 0, 0
					for v := y * n; v < min((y+1)*n, h); v++ {
						for u := x * n; u < min((x+1)*n, w); u++ {
							sum, count = sum+int(src[v*stride+u]), count+1
						}
					}
					if want := byte((sum + count/2) / count); got[y*dw+x] != want {
						t.Fatalf("n %d, %dx%d to %dx%d: pixel %d,%d is %d, want %d", n, w, h, dw, dh, x, y, got[y*dw+x], want)
					}
				}
			}
		}
	}
}

// The extremes: sums at the top of their range must neither overflow nor round up to 256.
func TestBoxOfWhiteIsWhite(t *testing.T) {
	for n := 1; n <= maxFactor; n++ {
		src := make([]byte, 2*n*n)
		for i := range src {
			src[i] = 255
		}
		got := make([]byte, 2)
		box(got, 2, 1, src, 2*n, 2*n, n, n)
		if got[0] != 255 || got[1] != 255 {
			t.Fatalf("n %d: white became %v", n, got)
		}
	}
}
