package motion

import (
	"image"
	"math"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// scenes remembers what the empty picture looked like under other light: the room lit and
// dark, the camera by day and through its infrared lamp. When the whole picture changes
// to one of them, its background is taken back instead of learnt again, so that whoever
// stands there at that moment is seen at once.
type scenes struct {
	stored []scene
	uses   int
}

type scene struct {
	y, b, r []uint8
	used    int // larger is later
}

const (
	maxScenes = 3
	// storable is how long a background must have been learnt before it is worth keeping.
	storable = 10 * time.Second
	// recognised is the share of the picture that must agree with a stored scene. A
	// person close to the camera hides a third of it.
	recognised = 0.6
)

func (s *scenes) clear() { s.stored = s.stored[:0] }

// store keeps the model's background, in place of the scene that was used longest ago.
func (s *scenes) store(m *model) {
	if m.age < storable {
		return
	}
	s.uses++
	at := s.find(m)
	if at < 0 && len(s.stored) < maxScenes {
		n := m.w * m.h
		s.stored = append(s.stored, scene{y: make([]uint8, n), b: make([]uint8, n), r: make([]uint8, n)})
		at = len(s.stored) - 1
	}
	if at < 0 {
		at = 0
		for i, c := range s.stored {
			if c.used < s.stored[at].used {
				at = i
			}
		}
	}
	c := &s.stored[at]
	c.used = s.uses
	for i := range m.bg.y {
		c.y[i], c.b[i], c.r[i] = uint8(m.bg.y[i]+0.5), uint8(m.bg.b[i]+0.5), uint8(m.bg.r[i]+0.5)
	}
}

// find returns the stored scene that is the model's own, -1 if there is none.
func (s *scenes) find(m *model) int {
	for k, c := range s.stored {
		same, n := 0, 0
		for i := 0; i < len(c.y); i += 37 {
			n++
			if abs32(m.bg.y[i]-float32(c.y[i])) < 12 {
				same++
			}
		}
		if float64(same) > recognised*float64(n) {
			return k
		}
	}
	return -1
}

// recall returns the stored scene that the picture shows, in whatever light, or nil, and by
// how much the picture is displaced against it, up to reach analysis pixels.
func (s *scenes) recall(l *light, n noise, y, b, r []uint8, w, reach int) (known *scene, by image.Point) {
	// Nearly what a pixel of the background is allowed: a scene that is only like this one
	// leaves a mask full of holes.
	limit := min(max(4*math.Sqrt(float64(n.minVariance())), 8), 16)
	best, top := -1, recognised
	step := sampling(w, len(y)/w)
	for k := range s.stored {
		c := &s.stored[k]
		gain, agree := c.exposure(l, y, w, reach, step)
		if agree < 0.3 {
			continue
		}
		// What the picture would show of the scene, at each luma.
		var expect [256]float32
		for v := range expect {
			expect[v] = float32(l.black + (float64(v)-l.black)*gain)
		}
		at, share := image.Point{}, 0.0
		for dy := -reach; dy <= reach; dy++ {
			for dx := -reach; dx <= reach; dx++ {
				// A first look on a fourth of the samples.
				if v := c.alike(&expect, float32(limit), y, b, r, w, dx, dy, 2*step); v > share {
					at, share = image.Pt(dx, dy), v
				}
			}
		}
		if share = c.alike(&expect, float32(limit), y, b, r, w, at.X, at.Y, step); share > top {
			best, top, by = k, share, at
		}
	}
	if best < 0 {
		return nil, image.Point{}
	}
	s.uses++
	s.stored[best].used = s.uses
	return &s.stored[best], by
}

// exposure is the gain of a picture against the scene and the share of the samples that agree
// with it: where the two lie upon one another best, to within two pixels.
func (c *scene) exposure(l *light, y []uint8, w, reach, step int) (gain, agree float64) {
	if reach > 0 {
		step *= 2
	}
	h := len(y) / w
	for dy := -reach; dy <= reach; dy += 2 {
		for dx := -reach; dx <= reach; dx += 2 {
			g, a := l.measure(func(i int) float32 {
				sx, sy := i%w-dx, i/w-dy
				if uint(sx) >= uint(w) || uint(sy) >= uint(h) {
					return 0 // too dark to vote
				}
				return float32(c.y[sy*w+sx])
			}, y, nil, w, step)
			if a > agree {
				gain, agree = g, a
			}
		}
	}
	return gain, agree
}

// alike is the share of the samples at which the picture, displaced by dx, dy, shows what is
// expected of the scene.
//
//go:norace
func (c *scene) alike(expect *[256]float32, limit float32, y, b, r []uint8, w, dx, dy, step int) float64 {
	same, all, h := 0, 0, len(y)/w
	for row := step / 2; row < h; row += step {
		if uint(row+dy) >= uint(h) {
			continue
		}
		for x := step / 2; x < w; x += step {
			if uint(x+dx) >= uint(w) {
				continue
			}
			i := row*w + x
			j := i + dy*w + dx
			all++
			if abs32(float32(y[j])-expect[c.y[i]]) < limit && diff(b[j], c.b[i]) < 8 && diff(r[j], c.r[i]) < 8 {
				same++
			}
		}
	}
	return float64(same) / float64(max(all, 1))
}

const (
	// suddenly is within what time a change of the whole picture happens, counted from when
	// crowdedShare of it was foreground: lamps that come on one after another take a second,
	// a lorry that fills the view somewhat longer.
	suddenly     = time.Second
	crowdedShare = 0.3
	// everything is the share of foreground from which it does not matter how it came
	// about: nothing is left of the background. A camera that was turned hides all of it.
	everything = 0.9
)

// guard recognises a change of the whole picture and returns true while it lasts.
func (d *Detector) guard(protect []models.Box, dt time.Duration) bool {
	share, cells := d.spread()
	d.crowded += dt
	if share < crowdedShare {
		d.crowded = 0
	}
	// Half of the picture, in three quarters of it.
	if share < 0.5 || cells < 12 {
		return d.blind > 0 && d.recall()
	}
	if share < everything && d.blind == 0 {
		if d.crowded > suddenly {
			return false
		}
		// Somebody who steps before the camera does that too, but hides the lines of the
		// background; other light leaves them.
		if agree, lines := d.structure(); lines >= minLines && agree < sameStructure {
			return false
		}
	}
	if d.blind > 0 {
		d.noise = d.grain()
	}
	d.scene.store(d.model)
	d.light.reset()
	d.field.reset()
	copy(d.in.y.Pix, d.original())
	d.recalled = false
	if !d.recall() {
		behind := d.behind(protect)
		d.model.begin(d.in.y.Pix, d.in.cb.Pix, d.in.cr.Pix, d.noise)
		for _, p := range behind {
			d.model.bg.set(p.i, p.mode)
		}
	}
	clear(d.ghost)
	clear(d.held)
	clear(d.raw.Pix)
	d.blind, d.crowded = relearn, 0
	d.log.Debug("the whole picture changed", "share", share, "known_scene", d.recalled)
	return true
}

// grain is the noise of a picture that differs everywhere from a background that was begun
// with one of the last: a sensor at full gain, when nothing was known of it. Without it every
// picture would be a new scene, and no picture would be left to measure the noise by. It is
// taken from how the difference varies from pixel to pixel, for that of light does not.
func (d *Detector) grain() noise {
	const step, apart = 6, 3 // farther than the smoothing of a small picture reaches
	var m meter
	bg, w, h := &d.model.bg, d.model.w, d.model.h
	for y := step / 2; y < h; y += step {
		for i := y*w + step/2; i < (y+1)*w-apart; i += step {
			j := i + apart
			m.add(int(abs32((float32(d.in.y.Pix[i])-bg.y[i])-(float32(d.in.y.Pix[j])-bg.y[j]))+0.5),
				int(abs32((float32(d.in.cb.Pix[i])-bg.b[i])-(float32(d.in.cb.Pix[j])-bg.b[j]))+0.5))
		}
	}
	// The median of |difference| of two pairs of Gaussian samples is 0.6745 * 2 sigma.
	return noise{
		luma:   min(max(median(&m.luma)/1.349, d.noise.luma), maxNoise),
		chroma: min(max(median(&m.chroma)/1.349, d.noise.chroma), maxNoise),
	}
}

// hidden is the background of one pixel that a thing hides.
type hidden struct {
	i    int
	mode mode
}

// behind is the background behind the things in view, in the light that is now: what was
// known of it, brighter or darker by as much as the ground around each thing. So a person
// who stands there while the light changes does not become part of the new background.
func (d *Detector) behind(boxes []models.Box) []hidden {
	var out []hidden
	w, h := d.model.w, d.model.h
	black := float32(d.light.black)
	for _, b := range boxes {
		var now, then float32
		around := models.Box{X: b.X - b.W/2, Y: b.Y - b.H/4, W: 2 * b.W, H: 1.5 * b.H}
		each(pixels(around, w, h), w, func(i int) {
			if d.clean.Pix[i] == 0 {
				now += float32(d.in.y.Pix[i]) - black
				then += d.model.bg.y[i] - black
			}
		})
		if then <= 0 || now <= 0 {
			continue
		}
		gain := now / then
		each(pixels(b, w, h), w, func(i int) {
			if d.clean.Pix[i] != 0 {
				m := d.model.bg.get(i)
				m.y = min(black+(m.y-black)*gain, 255)
				m.b, m.r = 128+(m.b-128)*gain, 128+(m.r-128)*gain
				m.v, m.w = d.noise.newVariance(), 1
				out = append(out, hidden{i, m})
			}
		})
	}
	return out
}

// each calls f with the index of every pixel of r in an image w pixels wide.
func each(r image.Rectangle, w int, f func(i int)) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := y*w + r.Min.X; i < y*w+r.Max.X; i++ {
			f(i)
		}
	}
}

// recall takes the background back from the store, if the picture shows a scene that is
// there. Exposure takes its time, so it is asked again until the model is believed.
func (d *Detector) recall() bool {
	if d.recalled {
		return false
	}
	reach := 0
	if d.aligned.margin != (image.Point{}) {
		reach = maxShift // the camera shakes, and was last aligned with another scene
	}
	known, by := d.scene.recall(d.light, d.noise, d.original(), d.in.cb.Pix, d.in.cr.Pix, d.model.w, reach)
	if d.recalled = known != nil; d.recalled {
		d.move(by.Mul(d.in.factor))
		d.model.begin(known.y, known.b, known.r, d.noise)
		d.model.age = weightTau // it was learnt long ago: who stands there now is not part of it
	}
	return d.recalled
}

// spread returns the share of the unmasked picture that is raw foreground, and in how
// many of 4x4 cells more than a third is. Borders that a shake has uncovered do not count.
//
//go:norace
func (d *Detector) spread() (share float64, cells int) {
	w, h, margin := d.model.w, d.model.h, d.aligned.margin
	var fg, all [16]int
	for y := margin.Y; y < h-margin.Y; y += 2 {
		for c, x := y*4/h*4, margin.X; x < w-margin.X; c++ {
			// The cells' borders: x*4/w is the column.
			for end := min(((c%4+1)*w+3)/4, w-margin.X); x < end; x += 2 {
				i := y*w + x
				if d.mask != nil && d.mask[i] != 0 {
					continue
				}
				all[c]++
				if d.raw.Pix[i] != 0 {
					fg[c]++
				}
			}
		}
	}
	total, sum := 0, 0
	for c := range fg {
		sum += fg[c]
		total += all[c]
		if fg[c]*3 > all[c] || all[c] == 0 {
			cells++
		}
	}
	return float64(sum) / float64(max(total, 1)), cells
}

const (
	// minLines is how many samples of the background's lines there must be to judge by.
	minLines = 50
	// sameStructure: under other light nearly all lines keep their direction; where a
	// thing hides them, those that are there agree by chance, one time in four.
	sameStructure = 0.6
)

// structure returns the share of the background's lines that the picture still has, in
// the same direction, among samples of the raw foreground, and how many samples these are.
func (d *Detector) structure() (agree float64, lines int) {
	w, h := d.model.w, d.model.h
	same := 0
	for y := 1; y < h-1; y += 2 {
		for i := y*w + 1; i < (y+1)*w-1; i += 2 {
			if d.raw.Pix[i] == 0 {
				continue
			}
			if line, kept := d.line(i); line {
				lines++
				if kept {
					same++
				}
			}
		}
	}
	return float64(same) / float64(max(lines, 1)), lines
}

// line says whether the background has an edge at pixel i and whether the picture has it
// too: a gradient within 45 degrees, at least a quarter as strong.
func (d *Detector) line(i int) (line, kept bool) {
	w, bg, lut, pix := d.model.w, d.model.bg.y, &d.light.lut, d.in.y.Pix
	bx, by := bg[i+1]-bg[i-1], bg[i+w]-bg[i-w]
	strong := max(6*d.noise.luma, 10)
	b2 := bx*bx + by*by
	if b2 < strong*strong {
		return false, false
	}
	cx, cy := lut[pix[i+1]]-lut[pix[i-1]], lut[pix[i+w]]-lut[pix[i-w]]
	dot, c2 := bx*cx+by*cy, cx*cx+cy*cy
	return true, dot > 0 && dot*dot > 0.5*b2*c2 && c2 > b2/16
}
