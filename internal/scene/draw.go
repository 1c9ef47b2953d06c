package scene

import (
	"image"
	"math"
	"math/rand/v2"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// canvas is one frame being drawn.
type canvas struct {
	scene *Scene
	w, h  int
	pix   []colour
}

// shade sets the pixels for which in says so, inside a box; u and v run 0..1 over the box.
//
//go:norace
func (c *canvas) shade(b models.Box, in func(u, v float64) (colour, bool)) {
	x0, y0 := b.X*float64(c.w), b.Y*float64(c.h)
	bw, bh := b.W*float64(c.w), b.H*float64(c.h)
	for y := max(int(y0), 0); y < min(int(y0+bh)+1, c.h); y++ {
		for x := max(int(x0), 0); x < min(int(x0+bw)+1, c.w); x++ {
			u, v := (float64(x)+0.5-x0)/bw, (float64(y)+0.5-y0)/bh
			if u < 0 || v < 0 || u > 1 || v > 1 {
				continue
			}
			if p, ok := in(u, v); ok {
				c.pix[y*c.w+x] = p
			}
		}
	}
}

func (c *canvas) fill(b models.Box, p colour) {
	c.shade(b, func(float64, float64) (colour, bool) { return p, true })
}

func of(c Colour) colour { return colour{float32(c.Y), float32(c.Cb), float32(c.Cr)} }

// actor draws a person (head, patterned shirt, two legs that swing while walking; one who
// stands sways a little) or a rigid box.
//
//go:norace
func (c *canvas) actor(a *Actor, b models.Box, at time.Duration) {
	if a.Rigid {
		c.shade(b, func(u, v float64) (colour, bool) {
			p := of(a.Shirt)
			if u < 0.06 || u > 0.94 || v < 0.06 || v > 0.94 || math.Abs(u-v) < 0.05 {
				p.y *= 0.6
			}
			return p, true
		})
		return
	}
	t := at.Seconds()
	swing, sway := 0.0, 0.02*math.Sin(2*math.Pi*0.4*t)
	if a.moving(at) {
		swing = math.Sin(2 * math.Pi * t) // two steps a second
	}
	c.shade(b, func(u, v float64) (colour, bool) {
		u += sway * (1 - v)
		switch {
		case v < 0.16: // head
			du, dv := (u-0.5)/0.22, (v-0.08)/0.08
			if du*du+dv*dv > 1 {
				return colour{}, false
			}
			return colour{165, 115, 150}, true
		case v < 0.55: // shirt with a pattern
			if math.Abs(u-0.5) > 0.42 {
				return colour{}, false
			}
			p := of(a.Shirt)
			if math.Mod(v*14, 1) < 0.35 {
				p.y *= 0.75
			}
			return p, true
		default:
			spread := 0.12 + 0.14*math.Abs(swing)*(v-0.55)/0.45
			if math.Abs(math.Abs(u-0.5)-spread) > 0.13 {
				return colour{}, false
			}
			return of(a.Legs), true
		}
	})
}

// leaves moves the texture of an area to and fro, each cell of it on its own.
//
//go:norace
func (c *canvas) leaves(at time.Duration) {
	t := at.Seconds()
	for _, b := range c.scene.Leaves {
		c.shade(b, func(u, v float64) (colour, bool) {
			i, j := int(u*float64(c.w)*b.W/6), int(v*float64(c.h)*b.H/6)
			phase := float64(i*7+j*13) * 0.7
			dx := 2.5 * math.Sin(2*math.Pi*(0.6+0.05*float64(j%5))*t+phase)
			x, y := u*b.W*float64(c.w)+dx, v*b.H*float64(c.h)
			g := float32(c.scene.texture(x+1000, y, 4))
			return colour{100 + 45*g, 110, 120}, true
		})
	}
}

// rain draws bright streaks, each in one frame only.
//
//go:norace
func (c *canvas) rain(rng *rand.Rand) {
	for range c.scene.Rain {
		x, y := rng.IntN(c.w), rng.IntN(c.h)
		for k := range 8 + rng.IntN(10) {
			px, py := x+k/6, y+k
			if px < c.w && py < c.h {
				c.pix[py*c.w+px].y += 30
			}
		}
	}
}

// picture takes the photograph: shake, light, noise, quantisation and 4:2:0.
//
//go:norace
func (c *canvas) picture(light float64, rng *rand.Rand) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, c.w, c.h), image.YCbCrSubsampleRatio420)
	dx, dy := 0, 0
	if c.scene.Shake > 0 {
		dx = int(math.Round(rng.NormFloat64() * c.scene.Shake))
		dy = int(math.Round(rng.NormFloat64() * c.scene.Shake))
	}
	at := func(x, y int) colour {
		return c.pix[min(max(y+dy, 0), c.h-1)*c.w+min(max(x+dx, 0), c.w-1)]
	}
	offset := rng.IntN(len(c.scene.noise))
	gain := float32(light)
	for y := range c.h {
		for x := range c.w {
			n := c.scene.noise[(offset+y*c.w+x)%len(c.scene.noise)]
			img.Y[y*img.YStride+x] = clip(at(x, y).y*gain + float32(n))
		}
	}
	for y := 0; y < c.h; y += 2 {
		for x := 0; x < c.w; x += 2 {
			p := at(x, y)
			i := y/2*img.CStride + x/2
			img.Cb[i] = clip(128 + (p.b-128)*gain)
			img.Cr[i] = clip(128 + (p.r-128)*gain)
		}
	}
	return img
}

func clip(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }
