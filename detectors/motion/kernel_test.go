package motion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sizes are lengths around those of vectors and of the chunks that luma is looked up in.
var sizes = []int{1, 7, 8, 31, 32, 33, 511, 512, 513, 1600}

// picture is n random bytes, some of them 0 and 255.
func picture(r *rand.Rand, n int) []uint8 {
	pix := make([]uint8, n)
	for i := range pix {
		pix[i] = uint8([]int{0, 255, r.IntN(256), r.IntN(256)}[r.IntN(4)])
	}
	return pix
}

// mask is the same of 0 and 255 alone.
func mask(r *rand.Rand, n int) []uint8 {
	pix := make([]uint8, n)
	for i := range pix {
		pix[i] = uint8(255 * r.IntN(2))
	}
	return pix
}

// TestMatch holds the compiled loop to the one it stands for, bit by bit.
func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n := noise{luma: 2, chroma: 1.5}
	rt := rates{weight: 0.01, mean: 0.05, spread: 0.1}
	const k2 = matchSigmas * matchSigmas
	ic := n.chromaWeight()
	var lut [256]float32
	for v := range lut {
		lut[v] = float32(16 + (float64(v)-16)/1.07)
	}
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			y, b, c := picture(r, size), picture(r, size), picture(r, size)
			m, want := newModel(size, 1), newModel(size, 1)
			for i := range size {
				// Half of the pixels lie near their mode.
				at := mode{float32(r.IntN(256)), float32(r.IntN(256)), float32(r.IntN(256)), 4 + 70*r.Float32(), 1}
				if r.IntN(2) == 0 {
					at.y, at.b, at.r = lut[y[i]]+r.Float32()*9, float32(b[i])+r.Float32(), float32(c[i])-r.Float32()
				}
				if r.IntN(2) == 0 {
					at.w = 0.9
				}
				for _, m := range []*model{m, want} {
					m.bg.set(i, at)
					m.share[0][i], m.share[1][i] = 0.06, 0.04
				}
			}
			fg, wantFG := make([]uint8, size), make([]uint8, size)
			m.match(y, b, c, &lut, fg, k2, ic, rt, n)
			seen := map[bool]int{}
			for i := range size {
				at := want.bg.get(i)
				dy, db, dr := lut[y[i]]-at.y, float32(b[i])-at.b, float32(c[i])-at.r
				wantFG[i] = 255
				if d2 := dy * dy; d2+at.v*ic*(db*db+dr*dr) < k2*at.v {
					at.y += rt.mean * dy
					at.b += rt.mean * db
					at.r += rt.mean * dr
					at.v = min(max(at.v+rt.spread*(d2-at.v), n.minVariance()), maxSigma*maxSigma)
					wantFG[i] = 0
					if at.w < settled {
						at.w += rt.weight * (1 - at.w)
						for k := range want.share {
							want.share[k][i] -= rt.weight * want.share[k][i]
						}
						seen[true]++
					}
				}
				want.bg.set(i, at)
				seen[false] += int(wantFG[i])
			}
			if !slices.Equal(fg, wantFG) {
				t.Errorf("mask %v,\nwant %v", fg, wantFG)
			}
			if size > 100 && (seen[true] == 0 || seen[false] == 0) {
				t.Errorf("the case shows %v", seen)
			}
			if !slices.Equal(m.share[0], want.share[0]) || !slices.Equal(m.share[1], want.share[1]) {
				t.Error("the other weights differ")
			}
			for i := range size {
				if got, want := m.bg.get(i), want.bg.get(i); got != want {
					t.Fatalf("pixel %d: %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestRelight(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range sizes {
		pix, share := picture(r, size), make([]float32, size)
		want := make([]uint8, size)
		for i := range share {
			share[i] = r.Float32()
			by := 0.6 + float32(0.9)*share[i]
			want[i] = uint8(min(max(16+(float32(pix[i])-16)*by+0.5, 0), 255))
		}
		relight(pix, share, 16, 0.6, 0.9)
		if !slices.Equal(pix, want) {
			t.Errorf("%d pixels: %v,\nwant %v", size, pix, want)
		}
	}
}

func TestCountStarts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, size := range sizes {
		rate, want := make([]float32, size), make([]float32, size)
		before, now, held := mask(r, size), mask(r, size), mask(r, size)
		for i := range rate {
			rate[i] = []float32{0, 1e-6, r.Float32()}[r.IntN(3)]
			if want[i] = rate[i] * 0.99; want[i] < 1e-5 {
				want[i] = 0
			}
			if now[i] > before[i] && held[i] == 0 {
				want[i] += 0.05
			}
		}
		countStarts(rate, before, now, held, 0.99, 0.05, 1e-5)
		if !slices.Equal(rate, want) {
			t.Errorf("%d pixels: %v,\nwant %v", size, rate, want)
		}
		if !slices.Equal(before, now) {
			t.Errorf("%d pixels: the mask was not kept", size)
		}
	}
}

func TestCountHeld(t *testing.T) {
	tests := []struct {
		name               string
		held               uint16
		hold, now          uint8
		wantHeld, wantHold uint16
	}{
		{"nothing there", 0, 0, 0, 0, 0},
		{"moves, but nobody protects it", 7, 0, 255, 7, 0},
		{"protected and moves", 7, 1, 255, 9, 1},
		{"protected and gone", 7, 1, 0, 5, 1},
		{"gone for nearly as long", 1, 1, 0, 0, 1},
		{"held for too long", 20, 1, 255, 20, 0},
		{"held for too long and gone", 20, 1, 0, 18, 1},
		{"at the end of what 16 bits hold", math.MaxUint16 - 1, 1, 255, math.MaxUint16 - 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range sizes {
				held, hold, now := slices.Repeat([]uint16{tt.held}, size), slices.Repeat([]uint8{tt.hold}, size), slices.Repeat([]uint8{tt.now}, size)
				countHeld(held, hold, now, 2, 20)
				for i := range size {
					if held[i] != tt.wantHeld || uint16(hold[i]) != tt.wantHold {
						t.Fatalf("pixel %d of %d: held %d, hold %d, want %d, %d", i, size, held[i], hold[i], tt.wantHeld, tt.wantHold)
					}
				}
			}
		})
	}
}

func TestKeepWhere(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, size := range sizes {
		a, b := picture(r, size), mask(r, size)
		want := slices.Clone(a)
		for i := range want {
			want[i] &= b[i]
		}
		if keepWhere(a, b); !slices.Equal(a, want) {
			t.Errorf("%d pixels: %v,\nwant %v", size, a, want)
		}
	}
}

func TestNext(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		pix := make([]uint8, r.IntN(70))
		for i := range pix {
			if r.IntN(20) == 0 {
				pix[i] = uint8(1 + r.IntN(255))
			}
		}
		for from := range len(pix) + 1 {
			want := from
			for want < len(pix) && pix[want] == 0 {
				want++
			}
			if got := next(pix, from); got != want {
				t.Fatalf("next(%v, %d) = %d, want %d", pix, from, got, want)
			}
		}
	}
}
