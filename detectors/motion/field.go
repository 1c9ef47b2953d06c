package motion

import (
	"slices"
	"time"
)

// field is how much brighter the picture is here than there, against the background: the
// shadow of a cloud that drifts, a curtain that is drawn. Where the whole
// picture has one gain, light takes it out; the field is what then differs from place to
// place, as smooth as soft light is. It is measured anew in every picture, so that nothing
// can be absorbed into it by and by.
type field struct {
	ratio [fieldRows * fieldColumns]float32 // picture over background, over the common gain
	known [fieldRows * fieldColumns]bool    // light alone explains the tile
	group [fieldRows * fieldColumns]uint8
	queue []int

	now, then []float32 // samples of one tile
	bins      [2 * fieldBins]uint16

	// factor is what each tile is multiplied with, with a rim of one tile that continues
	// the slope to the edges of the picture.
	factor [(fieldRows + 2) * (fieldColumns + 2)]float32
	// Columns starts[k]..starts[k+1] of the picture lie between the centres of tiles k and
	// k+1 of a row with its rim, at the shares that between has for each column.
	starts  [fieldColumns + 2]int
	between []float32

	last    [fieldRows * fieldColumns]float32 // picture over background when it was last soft, 0 if unknown
	since   time.Duration                     // then, but for the time in which the picture was idle
	changes []float32

	uneven bool    // the loaded picture has been changed
	was    []uint8 // its luma before
}

const (
	// Tiles of a sixteenth of the picture's width: 24 of 384 pixels, larger than what a
	// person's limbs cover and smaller than any soft shadow.
	fieldColumns = 16
	fieldRows    = 9
	// fieldBins is how many steps of the histogram a ratio of one takes: 0.8 % each.
	fieldBins = 128
	// fieldSamples is how many usable pixels a tile must have to be judged.
	fieldSamples = 12
	// explained is the share of a tile's pixels that must be background once the tile's
	// ratio is taken out. Somebody who covers less leaves the median to the ground.
	explained = 0.7
	// softest is how much, as a ratio, soft light changes from one tile to the next: a
	// cloud that takes a third of the light does so over a third of the picture. A thing
	// that differs less from the ground would be lost in noise anyway.
	softest = 1.1
	// fastest is how much soft light may change in a second at one place against the others,
	// stepwise the same at once. The edge of a shadow that a storm drives takes two seconds
	// to cross a place; an infrared lamp that comes on, none.
	fastest  = 0.25
	stepwise = 0.05
	// hasty is the share of the tiles from which what changes faster is not soft light.
	hasty = 0.25
	// enough is the share of the tiles that must be one smooth field.
	enough = 0.3
)

// even takes uneven light out of the loaded picture. Light that is the same everywhere
// costs the measurement alone, some 5000 samples.
func (d *Detector) even(dt time.Duration) {
	f := &d.field
	f.since += dt
	f.measure(d)
	if f.uneven = f.connect() && f.gradual(float32(d.light.gain)) && f.smooth(); f.uneven {
		f.was = append(f.was[:0], d.in.y.Pix...)
		f.apply(d.in.y.Pix, d.model.w, d.model.h, float32(d.light.black))
	}
}

// reset begins anew with another background, against which the light may differ as it likes.
func (f *field) reset() { clear(f.last[:]) }

// original is the luma of the loaded picture as the camera sent it: what was measured against
// one background says nothing of another.
func (d *Detector) original() []uint8 {
	if d.field.uneven {
		return d.field.was
	}
	return d.in.y.Pix
}

// measure gives each tile the median ratio of picture to background, and says which tiles
// that ratio explains: people and other things have edges, which leave a residue.
//
//go:norace
func (f *field) measure(d *Detector) {
	w, h := d.model.w, d.model.h
	bg, pix := d.model.bg.y, d.in.y.Pix
	black, gain := float32(d.light.black), float32(d.light.gain)
	step := max(min(w/fieldColumns, h/fieldRows)/6, 1)
	for t := range f.ratio {
		x0, x1 := t%fieldColumns*w/fieldColumns, (t%fieldColumns+1)*w/fieldColumns
		y0, y1 := t/fieldColumns*h/fieldRows, (t/fieldColumns+1)*h/fieldRows
		f.now, f.then = f.now[:0], f.then[:0]
		clear(f.bins[:])
		for y := y0 + step/2; y < y1; y += step {
			for i := y*w + x0 + step/2; i < y*w+x1; i += step {
				now, then := float32(pix[i])-black, bg[i]-black
				if now < 4 || then < 12 || pix[i] > 240 {
					continue
				}
				now /= gain
				f.now, f.then = append(f.now, now), append(f.then, then)
				f.bins[min(int(now/then*fieldBins), len(f.bins)-1)]++
			}
		}
		f.known[t] = false
		if len(f.now) < fieldSamples {
			continue
		}
		r := f.median()
		good := 0
		limit := matchSigmas * matchSigmas * d.noise.minVariance()
		for k, now := range f.now {
			if e := now/r - f.then[k]; e*e < limit {
				good++
			}
		}
		f.ratio[t] = r
		f.known[t] = float64(good) >= explained*float64(len(f.now))
	}
}

// median of the ratios in the histogram, interpolated within a bin.
func (f *field) median() float32 {
	left := float32(len(f.now)) / 2
	for b, n := range f.bins {
		if c := float32(n); c < left {
			left -= c
			continue
		}
		return max((float32(b)+left/float32(n))/fieldBins, 1.0/fieldBins)
	}
	return 1
}

// connect keeps the largest part of the known tiles in which no two neighbours differ by
// more than soft light can: the inside of somebody close to the camera is as even as light,
// but stands apart. It returns false if too little of the picture is left.
func (f *field) connect() bool {
	clear(f.group[:])
	best, top, next := uint8(0), 0, uint8(0)
	for t := range f.known {
		if !f.known[t] || f.group[t] != 0 {
			continue
		}
		next++
		f.group[t] = next
		f.queue = append(f.queue[:0], t)
		for at := 0; at < len(f.queue); at++ {
			from := f.queue[at]
			around(from, func(to int) {
				if f.known[to] && f.group[to] == 0 && f.ratio[to] < softest*f.ratio[from] && f.ratio[from] < softest*f.ratio[to] {
					f.group[to] = next
					f.queue = append(f.queue, to)
				}
			})
		}
		if len(f.queue) > top {
			best, top = next, len(f.queue)
		}
	}
	for t := range f.known {
		f.known[t] = f.known[t] && f.group[t] == best
	}
	return float64(top) >= enough*float64(len(f.known))
}

// around calls do with the tiles beside, above and below t.
func around(t int, do func(int)) {
	if t%fieldColumns > 0 {
		do(t - 1)
	}
	if t%fieldColumns < fieldColumns-1 {
		do(t + 1)
	}
	if t >= fieldColumns {
		do(t - fieldColumns)
	}
	if t < fieldColumns*(fieldRows-1) {
		do(t + fieldColumns)
	}
}

// gradual says whether the light has changed from place to place no faster than soft light
// does. Where it has, the picture is left as it is for the guard against global change.
func (f *field) gradual(gain float32) bool {
	f.changes = f.changes[:0]
	for t, known := range f.known {
		if known && f.last[t] > 0 {
			f.changes = append(f.changes, f.ratio[t]*gain/f.last[t])
		}
	}
	slices.Sort(f.changes)
	// The common change is exposure, which may be as fast as it likes.
	common := float32(1)
	if n := len(f.changes); n > 0 {
		common = f.changes[n/2]
	}
	limit := 1 + stepwise + fastest*float32(f.since.Seconds())
	fast := 0
	for _, c := range f.changes {
		if c > common*limit || common > c*limit {
			fast++
		}
	}
	if float64(fast) > hasty*float64(len(f.changes)) {
		return false
	}
	f.since = 0
	for t, known := range f.known {
		if known {
			f.last[t] = f.ratio[t] * gain
		}
	}
	return true
}

// smooth fills the unknown tiles from their neighbours, and sets the factors. It returns
// false where the light is even to within what the model follows by itself.
func (f *field) smooth() bool {
	for missing := true; missing; {
		missing = false
		known := f.known
		for t := range known {
			if known[t] {
				continue
			}
			sum, n := float32(0), float32(0)
			around(t, func(o int) {
				if known[o] {
					sum += f.ratio[o]
					n++
				}
			})
			if n == 0 {
				missing = true
				continue
			}
			f.ratio[t], f.known[t] = sum/n, true
		}
	}
	const stride = fieldColumns + 2
	uneven := false
	for t := range f.ratio {
		// Half of what the tiles around say tempers the noise of one.
		sum, n := float32(0), float32(0)
		around(t, func(o int) { sum += f.ratio[o]; n++ })
		r := (f.ratio[t] + sum/n) / 2
		// The slack is left in, so that the model follows light that lasts.
		r -= min(max(r-1, -slack), slack)
		uneven = uneven || r != 1
		f.factor[(t/fieldColumns+1)*stride+t%fieldColumns+1] = 1 / r
	}
	if !uneven {
		return false
	}
	for row := 1; row <= fieldRows; row++ {
		r := f.factor[row*stride : (row+1)*stride]
		r[0], r[stride-1] = 2*r[1]-r[2], 2*r[stride-2]-r[stride-3]
	}
	for x := range stride {
		at := func(row int) *float32 { return &f.factor[row*stride+x] }
		*at(0) = 2**at(1) - *at(2)
		*at(fieldRows + 1) = 2**at(fieldRows) - *at(fieldRows - 1)
	}
	return true
}

// apply multiplies luma above black with the factors, interpolated between the centres of
// the tiles.
//
//go:norace
func (f *field) apply(pix []uint8, w, h int, black float32) {
	const stride = fieldColumns + 2
	f.place(w)
	var row [stride]float32
	for y := range h {
		v := (float32(y)+0.5)*fieldRows/float32(h) + 0.5
		j := min(int(v), fieldRows)
		v -= float32(j)
		up, down := f.factor[j*stride:], f.factor[(j+1)*stride:]
		for k := range row {
			row[k] = up[k] + (down[k]-up[k])*v
		}
		line := pix[y*w : (y+1)*w]
		for k := range fieldColumns + 1 {
			from, to := f.starts[k], f.starts[k+1]
			relight(line[from:to], f.between[from:to], black, row[k], row[k+1]-row[k])
		}
	}
}

// place says for each column of a picture between the centres of which tiles it lies, and
// where.
func (f *field) place(w int) {
	if len(f.between) == w {
		return
	}
	f.between = make([]float32, w)
	last := -1
	for x := range w {
		u := (float32(x)+0.5)*fieldColumns/float32(w) + 0.5
		k := min(int(u), fieldColumns)
		for ; last < k; last++ {
			f.starts[last+1] = x
		}
		f.between[x] = u - float32(k)
	}
	for k := last + 1; k < len(f.starts); k++ {
		f.starts[k] = w
	}
}
