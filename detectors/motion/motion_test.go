package motion

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	drawn "github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

func TestAnalysisSize(t *testing.T) {
	for _, c := range []struct{ picture, want image.Point }{
		{image.Pt(16, 16), image.Pt(16, 16)},
		{image.Pt(320, 240), image.Pt(320, 240)},
		{image.Pt(640, 360), image.Pt(320, 180)},
		{image.Pt(768, 576), image.Pt(384, 288)},
		{image.Pt(1920, 1080), image.Pt(384, 216)},
		{image.Pt(8192, 4320), image.Pt(456, 240)},
		{image.Pt(8192, 16), image.Pt(4096, 8)},
	} {
		if got, _ := analysisSize(c.picture); got != c.want {
			t.Errorf("%v is analysed at %v, want %v", c.picture, got, c.want)
		}
	}
}

// flood is the plain way to find components, to compare with.
func flood(mask []uint8, w, h int, value uint8, connect int) (areas []int) {
	seen := make([]bool, len(mask))
	for start := range mask {
		if seen[start] || mask[start] != value {
			continue
		}
		area, stack := 0, []int{start}
		seen[start] = true
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			area++
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					x, y := i%w+dx, i/w+dy
					if connect == 4 && dx*dy != 0 || x < 0 || y < 0 || x >= w || y >= h {
						continue
					}
					if j := y*w + x; !seen[j] && mask[j] == value {
						seen[j] = true
						stack = append(stack, j)
					}
				}
			}
		}
		areas = append(areas, area)
	}
	return areas
}

func TestLabel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var l labeller
	for range 500 {
		w, h := 1+rng.IntN(20), 1+rng.IntN(20)
		mask := make([]uint8, w*h)
		density := rng.Float64()
		for i := range mask {
			if rng.Float64() < density {
				mask[i] = 255
			}
		}
		for _, connect := range []int{4, 8} {
			var got []int
			for _, c := range l.label(mask, w, h, 255, connect) {
				n := 0
				for _, r := range c.runs {
					n += int(r.x1 - r.x0)
					if !image.Rect(int(r.x0), int(r.y), int(r.x1), int(r.y)+1).In(c.box) {
						t.Fatalf("run %v outside its box %v", r, c.box)
					}
				}
				if n != c.area {
					t.Fatalf("runs of %d pixels in a component of %d", n, c.area)
				}
				if edge := c.box.Min.X == 0 || c.box.Min.Y == 0 || c.box.Max.X == w || c.box.Max.Y == h; edge != c.edge {
					t.Fatalf("box %v of %dx%d: edge %v", c.box, w, h, c.edge)
				}
				got = append(got, c.area)
			}
			want := flood(mask, w, h, 255, connect)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%dx%d, connectivity %d: areas %v, want %v", w, h, connect, got, want)
			}
		}
	}
}

func TestNoiseIsMeasured(t *testing.T) {
	for _, sigma := range []float64{2, 4} {
		rng := rand.New(rand.NewPCG(2, 2))
		var m meter
		n := startNoise
		for range 8 {
			for range 4000 {
				a, b := rng.NormFloat64()*sigma, rng.NormFloat64()*sigma
				d := int(a-b+1000.5) - 1000
				m.add(max(d, -d), 0)
			}
			n = m.read(n)
		}
		if float64(n.luma) < 0.9*sigma || float64(n.luma) > 1.1*sigma {
			t.Errorf("noise of %.1f is measured as %.2f", sigma, n.luma)
		}
		if n.chroma > 1.01*minNoise {
			t.Errorf("no noise in chroma is measured as %.2f, want the floor %.1f", n.chroma, minNoise)
		}
	}
}

func TestGainIsMeasured(t *testing.T) {
	s := drawn.Scene{Seed: 1, Noise: 1, Length: time.Second}
	f, _ := s.Frame(0)
	w := f.Picture.Rect.Dx()
	bg := func(i int) float32 { return float32(f.Picture.Y[i]) }
	for _, want := range []float64{0.5, 0.8, 1, 1.3} {
		l := newLight(true)
		y := make([]uint8, len(f.Picture.Y))
		for i, v := range f.Picture.Y {
			y[i] = uint8(min(float64(v)*want, 255))
			if i%w < w/4 { // somebody stands there
				y[i] = 40
			}
		}
		gain, agree := l.measure(bg, y, nil, w, 4)
		if gain < want*0.98 || gain > want*1.02 || agree < 0.6 {
			t.Errorf("gain %.2f is measured as %.3f with %.2f agreeing", want, gain, agree)
		}
	}
}

// feed runs a detector over a scene and returns the share of foreground in each frame.
func feed(t *testing.T, d *Detector, s *drawn.Scene, guide func(models.Frame, []drawn.Truth) Guide) (shares []float64, idle int) {
	t.Helper()
	for f, truth := range s.Frames() {
		var g Guide
		if guide != nil {
			g = guide(f, truth)
		}
		r, err := d.Detect(f, g)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, r.Share)
		if r.Idle {
			idle++
		}
	}
	return shares, idle
}

func comes(at, length time.Duration) *drawn.Scene {
	return &drawn.Scene{Seed: 1, Noise: 1.5, Length: length, Actors: []drawn.Actor{{Stops: drawn.Stay(models.Point{X: 0.5, Y: 0.8}, at, time.Hour)}}}
}

func TestStandingThingBecomesBackground(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	shares, _ := feed(t, d, comes(10*time.Second, 30*time.Second), nil)
	if shares[110] < 0.01 {
		t.Errorf("one second after it came %.4f of the picture is foreground", shares[110])
	}
	if shares[199] > 0.005 {
		t.Errorf("ten seconds after it came %.4f of the picture is foreground still", shares[199])
	}
}

func TestProtectedThingStaysForegroundUpToTheBound(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at minutes of drawn footage, each scene in one goroutine")
	}
	d := New(Options{Hold: 20 * time.Second})
	defer d.Close()
	shares, _ := feed(t, d, comes(10*time.Second, 60*time.Second), func(_ models.Frame, truth []drawn.Truth) Guide {
		var g Guide
		for _, tr := range truth {
			g.Protect = append(g.Protect, tr.Box)
		}
		return g
	})
	if shares[280] < 0.01 {
		t.Errorf("after 18 s under protection %.4f of the picture is foreground", shares[280])
	}
	if shares[500] > 0.005 {
		t.Errorf("20 s after the bound %.4f of the picture is foreground still", shares[500])
	}
}

func TestQuietPictureIsIdle(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	s := comes(20*time.Second, 25*time.Second)
	shares, idle := feed(t, d, s, nil)
	if idle < 120 {
		t.Errorf("%d of 200 quiet frames were idle", idle)
	}
	if shares[200] == 0 && shares[201] == 0 {
		t.Error("what came after the quiet was not seen at once")
	}
}

func TestNothingIsReportedWhileWarmingUp(t *testing.T) {
	d := New(Options{})
	defer d.Close()
	s := drawn.Scene{Seed: 1, Noise: 2, Length: 3 * time.Second, Actors: []drawn.Actor{
		{Stops: drawn.Walk(models.Point{X: 0.1, Y: 0.8}, models.Point{X: 0.9, Y: 0.8}, 0, 3*time.Second)}}}
	seen := false
	for f := range s.Frames() {
		r, err := d.Detect(f, Guide{})
		if err != nil {
			t.Fatal(err)
		}
		if f.At.Media < warmUp && (len(r.Regions) > 0 || !r.Blind) {
			t.Errorf("at %v: blind %v, %d regions", f.At.Media, r.Blind, len(r.Regions))
		}
		seen = seen || len(r.Regions) > 0
	}
	if !seen {
		t.Error("the walker was never seen")
	}
}

// The pixels of a frame belong to whoever sent it.
func TestFrameIsNotChanged(t *testing.T) {
	d := New(Options{Masks: []models.Polygon{{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}}}})
	defer d.Close()
	s := comes(time.Second, 3*time.Second)
	for f := range s.Frames() {
		before := slices.Concat(f.Picture.Y, f.Picture.Cb, f.Picture.Cr)
		if _, err := d.Detect(f, Guide{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, slices.Concat(f.Picture.Y, f.Picture.Cb, f.Picture.Cr)) {
			t.Fatal("the detector wrote into the frame")
		}
	}
}

// A cut-out of a larger picture has a stride; only what lies in it counts.
func TestStride(t *testing.T) {
	s := drawn.Scene{Seed: 1, Noise: 1.5, Length: 6 * time.Second, Actors: []drawn.Actor{
		{Stops: drawn.Walk(models.Point{X: 0.1, Y: 0.8}, models.Point{X: 0.9, Y: 0.8}, 2*time.Second, 6*time.Second)}}}
	whole, padded := New(Options{}), New(Options{})
	defer whole.Close()
	defer padded.Close()
	for f := range s.Frames() {
		a, err := whole.Detect(f, Guide{})
		if err != nil {
			t.Fatal(err)
		}
		size := f.Picture.Rect.Size()
		big := image.NewYCbCr(image.Rect(0, 0, size.X+34, size.Y), image.YCbCrSubsampleRatio420)
		for y := range size.Y {
			copy(big.Y[y*big.YStride:], f.Picture.Y[y*f.Picture.YStride:][:size.X])
		}
		for y := range (size.Y + 1) / 2 {
			copy(big.Cb[y*big.CStride:], f.Picture.Cb[y*f.Picture.CStride:][:size.X/2])
			copy(big.Cr[y*big.CStride:], f.Picture.Cr[y*f.Picture.CStride:][:size.X/2])
		}
		f.Picture = big.SubImage(f.Picture.Rect).(*image.YCbCr)
		b, err := padded.Detect(f, Guide{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Foreground.Pix, b.Foreground.Pix) {
			t.Fatalf("at %v the stride changes the foreground", f.At.Media)
		}
	}
}
