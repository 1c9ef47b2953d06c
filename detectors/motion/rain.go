package motion

import (
	"image"
	"time"
)

// rain takes drops, flakes and insects before the lens out of the picture: thin bright
// things that are in one picture and not in the ones before (after Garg and Nayar 2007,
// who find that a drop brightens a pixel in one picture only). It works only while it
// rains, so that nothing is lost by it when it does not.
type rain struct {
	falling float64 // 0..1, how often of late there were flashes all over the picture
	width   int
	opening morph
}

const (
	// rainTau is over how long flashes are counted, and with that how long it takes to
	// notice that it has begun to rain, and that it has stopped.
	rainTau = 2 * time.Second
	// rainSpread is in how many of 4x4 cells of the picture there must be flashes. What
	// moves, other than rain, is rarely in most of the picture at once.
	rainSpread = 9
	// raining is the share of the pictures with such flashes from which it rains.
	raining = 0.5
	// dropWidth is the greatest width of a drop, in analysis pixels, and dropSmoothed the
	// same in a picture that is analysed at full size and has been smoothed.
	dropWidth    = 3
	dropSmoothed = 5
)

func newRain(factor int) *rain {
	width := dropWidth
	if factor == 1 {
		width = dropSmoothed
	}
	return &rain{width: width, opening: newOpening(image.Pt(width, width))}
}

func (r *rain) Close() error { return r.opening.Close() }

// countFlashes looks for flashes: foreground that is brighter than in the picture before, and
// alone. It samples the picture.
//
//go:norace
func (d *Detector) countFlashes(dt time.Duration) {
	w, h := d.model.w, d.model.h
	limit, wide := d.flash(), d.rain.width
	before := d.light.ratio(d.light.gain / d.gains[0])
	var cells [16]int
	for y := 2; y < h-2; y += 3 {
		for i := y*w + 2; i < (y+1)*w-2; i += 3 {
			if d.raw.Pix[i] == 0 {
				continue
			}
			v := d.in.y.Pix[i]
			if int(v)-int(before[d.prevY[i]]) <= limit {
				continue
			}
			// Thin: on both sides, within the width of a drop, the background is seen.
			x := i - y*w
			if x < wide || x >= w-wide || d.raw.Pix[i-wide] != 0 && d.raw.Pix[i-wide/2-1] != 0 ||
				d.raw.Pix[i+wide] != 0 && d.raw.Pix[i+wide/2+1] != 0 {
				continue
			}
			cells[y*4/h*4+x*4/w]++
		}
	}
	spread := 0.0
	for _, n := range cells {
		if n > 0 {
			spread++
		}
	}
	hit := 0.0
	if spread >= rainSpread {
		hit = 1
	}
	d.rain.falling += (hit - d.rain.falling) * min(dt.Seconds()/rainTau.Seconds(), 1)
}

// flash is by how much a drop brightens a pixel at least, in grey levels.
func (d *Detector) flash() int { return int(3*d.noise.luma + 4) }

// clearRain replaces what flashes by what the picture before shows there.
//
//go:norace
func (d *Detector) clearRain() {
	if d.rain.falling < raining {
		return
	}
	d.rain.opening.apply(d.in.y, d.scratch)
	limit := d.flash()
	older := *d.light.ratio(d.light.gain / d.gains[1])
	before := d.light.ratio(d.light.gain / d.gains[0])
	for i, v := range d.in.y.Pix {
		// What was foreground before is no flash: the bright parts of a thing that moves.
		if d.raw.Pix[i] != 0 || int(v)-int(d.scratch.Pix[i]) <= limit {
			continue
		}
		if was := max(before[d.prevY[i]], older[d.olderY[i]]); int(v)-int(was) > limit {
			d.in.y.Pix[i] = was
		}
	}
}
