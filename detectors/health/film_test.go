package health_test

import (
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/health"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

// film is footage: frames in order.
type film = iter.Seq[models.Frame]

// drawn is a room in which two people walk about.
func drawn(length time.Duration) film {
	return func(yield func(models.Frame) bool) {
		for _, f := range room() {
			if f.At.Media >= length || !yield(f) {
				return
			}
		}
	}
}

// room is drawn once: drawing takes longer than looking.
var room = sync.OnceValue(func() []models.Frame {
	const length = 90 * time.Second
	s := &scene.Scene{Width: 320, Height: 240, FPS: 2, Length: length, Seed: 7, Noise: 3, Actors: []scene.Actor{
		{Stops: scene.Walk(models.Point{X: -0.1, Y: 0.8}, models.Point{X: 1.1, Y: 0.7}, 5*time.Second, 30*time.Second)},
		{Stops: scene.Stay(models.Point{X: 0.4, Y: 0.9}, 12*time.Second, length), Shirt: scene.Blue},
	}}
	var frames []models.Frame
	for f := range s.Frames() {
		frames = append(frames, f)
	}
	return frames
})

// real is a clip of the test footage.
func real(t *testing.T, name string) film {
	path := footage.Path(t, name)
	return func(yield func(models.Frame) bool) {
		file, err := decode.OpenFile(path, decode.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for {
			f, err := file.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// thin leaves out the frames that no look is taken at, which takes longer to spoil than to
// judge.
func thin(f film) film {
	return func(yield func(models.Frame) bool) {
		due := time.Duration(0)
		for fr := range f {
			if fr.At.Media < due {
				continue
			}
			due = fr.At.Media + 500*time.Millisecond
			if !yield(fr) {
				return
			}
		}
	}
}

// change is what happens to the picture.
type change func(p *image.YCbCr)

// spoil lets something happen to the film between two times.
func spoil(f film, from, to float64, c change) film {
	return func(yield func(models.Frame) bool) {
		for fr := range f {
			if s := fr.At.Media.Seconds(); s >= from && s < to {
				fr.Picture = copied(fr.Picture)
				c(fr.Picture)
			}
			if !yield(fr) {
				return
			}
		}
	}
}

func copied(p *image.YCbCr) *image.YCbCr {
	c := *p
	c.Y = append([]uint8(nil), p.Y...)
	c.Cb = append([]uint8(nil), p.Cb...)
	c.Cr = append([]uint8(nil), p.Cr...)
	return &c
}

// freeze repeats the first picture that it is given.
func freeze() change {
	var still *image.YCbCr
	return func(p *image.YCbCr) {
		if still == nil {
			still = copied(p)
		}
		copy(p.Y, still.Y)
		copy(p.Cb, still.Cb)
		copy(p.Cr, still.Cr)
	}
}

// fill makes a part of the picture one colour, lit unevenly, with noise of its own.
func fill(part models.Box, luma, uneven, noise float64) change {
	rng := rand.New(rand.NewPCG(1, 2))
	return func(p *image.YCbCr) {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		for y := int(part.Y * h); y < int((part.Y+part.H)*h); y++ {
			for x := int(part.X * w); x < int((part.X+part.W)*w); x++ {
				v := luma + uneven*(float64(x)/w+float64(y)/h-1) + noise*rng.NormFloat64()
				p.Y[p.YOffset(x, y)] = clamp(v)
				p.Cb[p.COffset(x, y)], p.Cr[p.COffset(x, y)] = 120, 135
			}
		}
	}
}

var whole = models.Box{W: 1, H: 1}

// middle is a box around the picture's centre that covers so much of it.
func middle(share float64) models.Box {
	s := math.Sqrt(share)
	return models.Box{X: (1 - s) / 2, Y: (1 - s) / 2, W: s, H: s}
}

// blur is very nearly a Gaussian blur (three box blurs), sigma in shares of the picture's
// width: what a lens out of focus does to the scene, before the sensor adds its noise.
func blur(sigma, noise float64) change {
	rng := rand.New(rand.NewPCG(3, 4))
	return func(p *image.YCbCr) {
		w, h := p.Rect.Dx(), p.Rect.Dy()
		r := max(1, int(math.Round((math.Sqrt(4*sigma*sigma*float64(w*w)+1)-1)/2)))
		pic := make([]float64, w*h)
		for y := range h {
			for x := range w {
				pic[y*w+x] = float64(p.Y[y*p.YStride+x])
			}
		}
		for range 3 {
			box(pic, w, h, 1, w, r)
			box(pic, h, w, w, 1, r)
		}
		for y := range h {
			for x := range w {
				p.Y[y*p.YStride+x] = clamp(pic[y*w+x] + noise*rng.NormFloat64())
			}
		}
	}
}

// soften blends the picture with its blur: a lens that was cleaned, or less bitrate.
func soften(share float64) change {
	return func(p *image.YCbCr) {
		sharp := copied(p)
		blur(0.003, 0)(p)
		for i, v := range sharp.Y {
			p.Y[i] = clamp(share*float64(p.Y[i]) + (1-share)*float64(v))
		}
	}
}

// box takes the mean over r to each side, along lines of n whose parts are step apart.
func box(pic []float64, n, lines, step, next, r int) {
	line := make([]float64, n)
	for l := range lines {
		at := func(i int) float64 { return pic[l*next+min(max(i, 0), n-1)*step] }
		sum := 0.0
		for i := -r; i <= r; i++ {
			sum += at(i)
		}
		for i := range n {
			line[i] = sum / float64(2*r+1)
			sum += at(i+r+1) - at(i-r)
		}
		for i, v := range line {
			pic[l*next+i*step] = v
		}
	}
}

// turn shows what lies dx, dy shares of the picture aside; what was never in the picture
// is the picture mirrored at its edge.
func turn(dx, dy float64) change {
	return func(p *image.YCbCr) {
		old := copied(p)
		move := func(dst, src []uint8, w, h, stride int) {
			mx, my := int(dx*float64(w)), int(dy*float64(h))
			for y := range h {
				for x := range w {
					dst[y*stride+x] = src[mirror(y+my, h)*stride+mirror(x+mx, w)]
				}
			}
		}
		move(p.Y, old.Y, p.Rect.Dx(), p.Rect.Dy(), p.YStride)
		move(p.Cb, old.Cb, p.Rect.Dx()/2, p.Rect.Dy()/2, p.CStride)
		move(p.Cr, old.Cr, p.Rect.Dx()/2, p.Rect.Dy()/2, p.CStride)
	}
}

func mirror(v, n int) int {
	v = ((v % (2 * n)) + 2*n) % (2 * n)
	return min(v, 2*n-1-v)
}

// light multiplies all light.
func light(gain, noise float64) change {
	rng := rand.New(rand.NewPCG(5, 6))
	return func(p *image.YCbCr) {
		for i, v := range p.Y {
			p.Y[i] = clamp(float64(v)*gain + noise*rng.NormFloat64())
		}
		for i := range p.Cb {
			p.Cb[i] = clamp(128 + (float64(p.Cb[i])-128)*gain)
			p.Cr[i] = clamp(128 + (float64(p.Cr[i])-128)*gain)
		}
	}
}

// flicker multiplies all light by up to so much more or less, another time each.
func flicker(by float64) change {
	rng := rand.New(rand.NewPCG(9, 10))
	return func(p *image.YCbCr) { light(1+by*(2*rng.Float64()-1), 3)(p) }
}

// dusk takes the light away over so many looks, down to a tenth.
func dusk(looks int) change {
	n := 0
	rng := rand.New(rand.NewPCG(11, 12))
	return func(p *image.YCbCr) {
		n++
		gain := max(0.1, 1-float64(n)/float64(looks))
		for i, v := range p.Y {
			p.Y[i] = clamp(float64(v)*gain + 4*rng.NormFloat64())
		}
	}
}

// infrared takes the colour away, lights the middle more than the rim, and makes things
// of one brightness another: what is warm in colour turns light.
func infrared() change {
	return func(p *image.YCbCr) {
		w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
		for y := range p.Rect.Dy() {
			for x := range p.Rect.Dx() {
				c := p.COffset(x, y)
				u, v := float64(x)/w-0.5, float64(y)/h-0.5
				l := 0.7*float64(p.Y[p.YOffset(x, y)]) + 3*(float64(p.Cr[c])-128)
				p.Y[p.YOffset(x, y)] = clamp(l * (1.3 - 1.6*(u*u+v*v)))
			}
		}
		for i := range p.Cb {
			p.Cb[i], p.Cr[i] = 128, 128
		}
	}
}

// shake moves the picture by up to n pixels, another way each time.
func shake(n int) change {
	rng := rand.New(rand.NewPCG(7, 8))
	return func(p *image.YCbCr) {
		turn(float64(rng.IntN(2*n+1)-n)/float64(p.Rect.Dx()), float64(rng.IntN(2*n+1)-n)/float64(p.Rect.Dy()))(p)
	}
}

// lorry is a large thing with a grille, a window and wheels.
func lorry(part models.Box) change {
	return func(p *image.YCbCr) {
		fill(part, 170, 30, 3)(p)
		for i := range 12 {
			fill(models.Box{X: part.X + part.W*float64(i)/12, Y: part.Y + part.H*0.6, W: part.W / 30, H: part.H * 0.3}, 60, 0, 3)(p)
		}
	}
}

func clamp(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// rules are those of every kind, with the confirming times of the defaults.
func rules() []models.Rule {
	return []models.Rule{
		{Kind: models.KindCameraLost, For: 15 * time.Second},
		{Kind: models.KindFrozen, For: 30 * time.Second, Severity: models.SeverityMedium},
		{Kind: models.KindCovered, For: 5 * time.Second, Severity: models.SeverityHigh},
		{Kind: models.KindDefocused, For: 30 * time.Second, Severity: models.SeverityMedium},
		{Kind: models.KindMoved, For: 10 * time.Second, Severity: models.SeverityHigh},
		{Kind: models.KindBlank, For: 5 * time.Second, Severity: models.SeverityHigh},
	}
}

func newDetector(rules []models.Rule) *health.Detector {
	id := int64(0)
	return health.New(rules, "gate", "hash", func() int64 { id++; return id })
}

// watch returns the events of a film.
func watch(d *health.Detector, f film) []models.Event {
	var events []models.Event
	for fr := range f {
		events = append(events, d.Process(fr, 0)...)
	}
	return append(events, d.Flush()...)
}

// told writes events as kind@start-alarm-end, in seconds.
func told(events []models.Event) []string {
	var out []string
	for _, e := range events {
		if e.Phase == models.PhaseEnded {
			out = append(out, fmt.Sprintf("%s %g %g %g", e.Rule.Kind, e.Start.Media.Seconds(), e.Alarm.Media.Seconds(), e.End.Media.Seconds()))
		}
	}
	return out
}
