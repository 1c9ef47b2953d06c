package motion

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// smooth is a picture of blurred noise.
func smooth(w, h int, seed uint64) []uint8 {
	rng := rand.New(rand.NewPCG(seed, seed))
	coarse := make([]float64, (w/8+2)*(h/8+2))
	for i := range coarse {
		coarse[i] = 40 + 120*rng.Float64()
	}
	pix := make([]uint8, w*h)
	for i := range pix {
		x, y := i%w, i/w
		u, v := float64(x%8)/8, float64(y%8)/8
		c := coarse[y/8*(w/8+2)+x/8:]
		below := c[w/8+2:]
		pix[i] = uint8((c[0]*(1-u)+c[1]*u)*(1-v) + (below[0]*(1-u)+below[1]*u)*v)
	}
	return pix
}

// A scene is known again in other light, and displaced, but only as far as is asked for.
func TestRecall(t *testing.T) {
	const w, h = 160, 120
	lit := smooth(w, h, 1)
	grey := slices.Repeat([]uint8{128}, w*h)
	m := newModel(w, h)
	m.begin(lit, grey, grey, startNoise)
	m.age = storable
	for _, c := range []struct {
		name  string
		gain  float64
		by    image.Point
		reach int
		other bool
		known bool
	}{
		{name: "the same", gain: 1, known: true},
		{name: "darker", gain: 0.7, known: true},
		{name: "displaced", gain: 1, by: image.Pt(3, -2), reach: maxShift, known: true},
		{name: "displaced and darker", gain: 0.7, by: image.Pt(-5, 4), reach: maxShift, known: true},
		{name: "displaced, before a camera that never shook", gain: 1, by: image.Pt(6, 6)},
		{name: "another scene", gain: 1, reach: maxShift, other: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s scenes
			s.store(m)
			from := lit
			if c.other {
				from = smooth(w, h, 2)
			}
			now := make([]uint8, w*h)
			for i := range now {
				x, y := min(max(i%w-c.by.X, 0), w-1), min(max(i/w-c.by.Y, 0), h-1)
				now[i] = uint8(16 + (float64(from[y*w+x])-16)*c.gain)
			}
			known, by := s.recall(newLight(false), startNoise, now, grey, grey, w, c.reach)
			if (known != nil) != c.known {
				t.Fatalf("known: %v, want %v", known != nil, c.known)
			}
			if !c.known {
				return
			}
			// To within a pixel: the next picture is aligned with the scene.
			if off := by.Sub(c.by); max(off.X, -off.X, off.Y, -off.Y) > 1 {
				t.Errorf("found at %v, want %v", by, c.by)
			}
		})
	}
}

// What begins to move because the whole picture changes does not count as motion without
// cease; what begins by itself, over and over, does.
func TestBusyLeavesUpheavalOut(t *testing.T) {
	const w, h = 16, 16
	for _, upheaval := range []bool{false, true} {
		b := newBusy(w, h)
		none, all := make([]uint8, w*h), slices.Repeat([]uint8{255}, w*h)
		held := make([]uint8, w*h)
		for range 5 {
			b.learn(all, held, 100*time.Millisecond, upheaval)
			b.learn(none, held, 100*time.Millisecond, upheaval)
		}
		c := component{area: w, runs: []run{{y: 3, x0: 0, x1: w}}}
		if got := b.over(c); got == upheaval {
			t.Errorf("upheaval %v: busy %v", upheaval, got)
		}
	}
}
