package motion

import (
	"image"
	"time"
)

// shape turns raw foreground pixels into regions: what is tested, removed and filled.
type shape struct {
	closing morph
	minArea int
	parts   labeller
	holes   labeller
	kept    []component
}

func newShape(size image.Point) *shape {
	side := min(size.X, size.Y)
	// Gaps within a body (a belt of the colour of the wall) are a few hundredths of the
	// picture wide; 1/60 of 288 rows is 5 pixels.
	k := max(3, side/60|1)
	return &shape{
		closing: newClosing(image.Pt(k, k)),
		// The smallest thing worth a region: 1/4000 of the picture, 27 of 384x288 pixels,
		// a person of 10x3; and never less than 20, which is less than a person can be told by.
		minArea: max(20, size.X*size.Y/4000),
	}
}

func (s *shape) Close() error { return s.closing.Close() }

// refine removes what is not a thing from the raw foreground and returns the regions.
func (d *Detector) refine(dt time.Duration) []component {
	d.settle()
	d.scratch.majorityTo(d.clean, 5)
	d.shape.closing.apply(d.clean, d.scratch)
	copy(d.clean.Pix, d.scratch.Pix)
	d.applyMask(d.clean)
	d.fillHoles()
	d.busy.learn(d.clean.Pix, d.hold, dt, d.crowded > 0 || d.blind > 0)
	return d.judge(dt)
}

// settle clears raw foreground pixels that a neighbour's background or a shadow explains,
// into scratch.
//
//go:norace
func (d *Detector) settle() {
	w, h := d.model.w, d.model.h
	ic := d.noise.chromaWeight()
	black := float32(d.light.black)
	copy(d.scratch.Pix, d.raw.Pix)
	for i := next(d.raw.Pix, 0); i < w*h; i = next(d.raw.Pix, i+1) {
		x, y := i%w, i/w
		py := d.light.lut[d.in.y.Pix[i]]
		pb, pr := float32(d.in.cb.Pix[i]), float32(d.in.cr.Pix[i])
		if d.displaced(x, y, py, pb, pr, ic) || d.shadow(i, x, y, py-black, pb, pr, black) {
			d.scratch.Pix[i] = 0
		}
	}
}

// displaced says whether a neighbour's background explains the pixel: leaves and a
// shaken camera move the background by a pixel or two (Elgammal et al. 2000, 3.2).
//
//go:norace
func (d *Detector) displaced(x, y int, py, pb, pr, ic float32) bool {
	w, h := d.model.w, d.model.h
	for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
			if d.model.near(ny*w+nx, py, pb, pr, ic, 6.25) {
				return true
			}
		}
	}
	return false
}

// Shadow: darker by a common factor, of the same colour, with the background's texture.
const (
	shadowDarkest  = 0.4 // of the background's luma; full sun against sky light alone
	shadowLightest = 0.97
)

//go:norace
func (d *Detector) shadow(i, x, y int, luma, pb, pr, black float32) bool {
	m := &d.model.bg
	bg := m.y[i] - black
	if luma < shadowDarkest*bg || luma > shadowLightest*bg || bg < 24 {
		return false
	}
	ratio := luma / bg
	// Chroma shrinks towards grey with the light.
	db, dr := pb-128-(m.b[i]-128)*ratio, pr-128-(m.r[i]-128)*ratio
	if db*db+dr*dr > 36 {
		return false
	}
	// The neighbours must be darker by the same factor: a shadow keeps the texture.
	w, h := d.model.w, d.model.h
	var sum, sum2, n float32
	for ny := max(y-2, 0); ny <= min(y+2, h-1); ny++ {
		for nx := max(x-2, 0); nx <= min(x+2, w-1); nx++ {
			j := ny*w + nx
			if d.raw.Pix[j] == 0 {
				continue
			}
			b := m.y[j] - black
			if b < 16 {
				continue
			}
			q := (d.light.lut[d.in.y.Pix[j]] - black) / b
			sum += q
			sum2 += q * q
			n++
		}
	}
	if n < 6 {
		return false
	}
	mean := sum / n
	return sum2/n-mean*mean < 0.06*0.06
}

// fillHoles fills what a region encloses, unless the hole is large against the picture:
// a ring of people is not one thing.
func (d *Detector) fillHoles() {
	w, h := d.in.size.X, d.in.size.Y
	for _, c := range d.shape.holes.label(d.clean.Pix, w, h, 0, 4) {
		if c.edge || c.area > w*h/100 {
			continue
		}
		for _, r := range c.runs {
			row := d.clean.Pix[int(r.y)*w:]
			for x := r.x0; x < r.x1; x++ {
				row[x] = 255
			}
		}
	}
}

// judge keeps the components that are things and clears the others from the mask.
func (d *Detector) judge(dt time.Duration) []component {
	w, h := d.in.size.X, d.in.size.Y
	d.shape.kept = d.shape.kept[:0]
	step := uint8(min(max(dt*32/time.Second, 1), 16))
	keepWhere(d.ghost, d.clean.Pix)
	for _, c := range d.shape.parts.label(d.clean.Pix, w, h, 255, 8) {
		if c.area < d.shape.minArea {
			d.erase(c)
			continue
		}
		e := d.examine(c)
		if d.isLight(c, e) || d.isDisplaced(e) || d.isSmeared(c, e) {
			d.erase(c)
			continue
		}
		if hole, sure := d.isHole(e); hole {
			if d.ageGhost(c, step, sure) {
				d.erase(c)
				continue
			}
		} else {
			for _, r := range c.runs {
				clear(d.ghost[int(r.y)*w+int(r.x0) : int(r.y)*w+int(r.x1)])
			}
		}
		// The mask shows what moves for nothing, too; only the regions leave it out.
		if !d.busy.over(c) {
			d.shape.kept = append(d.shape.kept, c)
		}
	}
	return d.shape.kept
}

func (d *Detector) erase(c component) {
	w := d.in.size.X
	for _, r := range c.runs {
		clear(d.clean.Pix[int(r.y)*w+int(r.x0) : int(r.y)*w+int(r.x1)])
	}
}

// ghostTime is how long, in 1/32 s, a region must look like a hole before it is taken for
// one: a walker's outline crosses lines of the background, but not the same ones.
const ghostTime = 16

// ageGhost counts up a hole's age and absorbs it into the background when it is old.
func (d *Detector) ageGhost(c component, step uint8, sure bool) bool {
	w := d.in.size.X
	old := 0
	for _, r := range c.runs {
		for i := int(r.y)*w + int(r.x0); i < int(r.y)*w+int(r.x1); i++ {
			d.ghost[i] = min(d.ghost[i]+step, 200)
			if d.ghost[i] >= ghostTime {
				old++
			}
		}
	}
	if !sure && old*3 < c.area*2 {
		return false
	}
	for _, r := range c.runs {
		for i := int(r.y)*w + int(r.x0); i < int(r.y)*w+int(r.x1); i++ {
			d.model.absorb(i, d.light.lut[d.in.y.Pix[i]], float32(d.in.cb.Pix[i]), float32(d.in.cr.Pix[i]), d.noise)
			d.ghost[i] = 0
		}
	}
	return true
}
