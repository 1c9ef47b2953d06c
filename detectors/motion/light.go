package motion

import (
	"math"
	"time"
)

// light estimates how much brighter the whole picture is than the background, and takes
// that out. Auto-exposure, a cloud and the hour change all pixels by one factor; a thing
// in view changes few.
type light struct {
	lut          [256]float32
	gain         float64
	slow, slower float64 // the gain that has lasted, and the one that has for longer
	turns        float64 // of the light, a second: from darker to lighter and back
	rises        bool
	table        float64 // the gain that lut was made for
	black        float64

	times  [256]uint8 // luma multiplied by factor
	factor float64
	bins   [2*gainRange*gainSteps + 1]int
}

const (
	gainRange = 2  // octaves up and down
	gainSteps = 24 // histogram bins an octave: 2.9 % each
	// slack is the part of the gain that is left for the model to learn, so that the
	// model follows a slow change of light instead of being carried ever farther from it.
	// Two grey steps in a hundred stay inside the noise threshold.
	slack = 0.02
)

func newLight(fullRange bool) *light {
	l := &light{black: 16}
	if fullRange {
		l.black = 0
	}
	l.reset()
	return l
}

const (
	// lasting is how long another light must last for it to be the light of the place.
	lasting = 5 * time.Second
	// flickerTau is over how long turns of the light are counted, flickerStep the least
	// change from one picture to the next that counts, flickering the turns a second from
	// which a lamp flickers or an exposure hunts. A switch and a cloud turn once.
	flickerTau  = 3 * time.Second
	flickerStep = 0.03
	flickering  = 0.8
)

// reset begins anew in the light that is now.
func (l *light) reset() {
	l.gain, l.slow, l.slower = 1, 1, 1
	l.apply(1)
}

// changing says whether the light becomes another one that lasts.
func (l *light) changing() bool { return math.Abs(l.slow-l.slower) > 2*slack }

// set takes a gain out of the pictures from now on. The slack is left in, so that the
// model follows; of a light that flickers only what lasts.
func (l *light) set(gain float64, dt time.Duration) {
	l.turns -= l.turns * min(dt.Seconds()/flickerTau.Seconds(), 1)
	if step := gain/l.gain - 1; math.Abs(step) > flickerStep {
		if rises := step > 0; rises != l.rises {
			l.rises = rises
			l.turns += 1 / flickerTau.Seconds()
		}
	}
	l.gain = gain
	l.slow += (gain - l.slow) * min(dt.Seconds()/lasting.Seconds(), 1)
	l.slower += (l.slow - l.slower) * min(dt.Seconds()/(3*lasting).Seconds(), 1)
	lasts := gain
	if l.turns > flickering {
		lasts = l.slow
	}
	l.apply(gain - min(max(lasts-1, -slack), slack))
}

// apply makes the table for a gain.
func (l *light) apply(gain float64) {
	if gain == l.table {
		return
	}
	l.table = gain
	for v := range l.lut {
		l.lut[v] = float32(l.black + (float64(v)-l.black)/gain)
	}
}

// ratio is a table that multiplies luma by a factor.
func (l *light) ratio(gain float64) *[256]uint8 {
	if gain != l.factor {
		l.factor = gain
		for v := range l.times {
			l.times[v] = uint8(min(max(l.black+(float64(v)-l.black)*gain+0.5, 0), 255))
		}
	}
	return &l.times
}

// colour is what chroma's distance from grey is multiplied with to bring it to the light of
// the background: light makes colours stronger as it makes them brighter.
func (l *light) colour() float64 { return 1 / l.table }

// sigmas is the distance within which a pixel is background. A camera that changes its
// exposure does not do so by quite the same factor at every brightness and everywhere, so
// the distance grows with the change: by one half for one stop.
func (l *light) sigmas() float32 {
	return matchSigmas * float32(1+0.5*math.Abs(math.Log2(l.gain)))
}

// measure compares samples of the picture with a background, whose luma at a pixel bg
// gives, and returns the common gain and the share of the samples that agree with it.
// Pixels that were foreground, are too dark to have a ratio or are clipped do not vote.
func (l *light) measure(bg func(i int) float32, y, mask []uint8, w, step int) (gain, agree float64) {
	clear(l.bins[:])
	n := 0
	black := float32(l.black)
	for row := step / 2 * w; row < len(y); row += step * w {
		for i := row + step/2; i < row+w; i += step {
			if mask != nil && mask[i] != 0 {
				continue
			}
			now, then := float32(y[i])-black, bg(i)-black
			if now < 8 || then < 16 || y[i] > 240 {
				continue
			}
			n++
			// Beyond the range there is no telling by how much: it agrees with nothing.
			if b := gainBin(now / then); b >= 0 {
				l.bins[b]++
			}
		}
	}
	if n < 64 {
		return 1, 0
	}
	// The fullest stretch of three bins, refined by its mean: a mode, not a mean, so that
	// a lorry that fills a third of the view does not pull it.
	best, top := 0, -1
	for b := 1; b < len(l.bins)-1; b++ {
		if s := l.bins[b-1] + 2*l.bins[b] + l.bins[b+1]; s > top {
			best, top = b, s
		}
	}
	sum, weight := 0.0, 0.0
	near := 0
	for b := max(best-3, 0); b <= min(best+3, len(l.bins)-1); b++ {
		c := float64(l.bins[b])
		sum += c * float64(b-gainRange*gainSteps)
		weight += c
		near += l.bins[b]
	}
	if weight == 0 {
		return 1, 0
	}
	return math.Exp2(sum / weight / gainSteps), float64(near) / float64(n)
}

// gainEdges are the ratios at which the histogram's bins begin, and the last one ends.
var gainEdges = func() (edges [2*gainRange*gainSteps + 2]float32) {
	for b := range edges {
		edge := math.Exp2((float64(b) - gainRange*gainSteps - 0.5) / gainSteps)
		edges[b] = float32(edge)
		if float64(edges[b]) < edge {
			edges[b] = math.Nextafter32(edges[b], 8) // what is below the edge stays below
		}
	}
	return edges
}()

// gainHints are the bins of all ratios within the range of the histogram whose first six bits
// of fraction are the same: no more than two, of which it is the first.
var gainHints = func() (hints [(2*gainRange + 2) << gainBits]uint8) {
	for k := range hints {
		q := math.Float32frombits(uint32(k+gainLeast) << (23 - gainBits))
		hint := 0
		for hint+2 < len(gainEdges) && gainEdges[hint+1] <= q {
			hint++
		}
		hints[k] = uint8(hint)
	}
	return hints
}()

const (
	// gainBits of a ratio's fraction tell 1/64 apart, less than the width of a bin.
	gainBits = 6
	// gainLeast is the exponent, as floats code it, of less than the least ratio.
	gainLeast = (127 - gainRange - 1) << gainBits
)

// gainBin is the bin of a ratio above zero, -1 beyond the range. It takes no logarithm, which
// would be a tenth of what a quiet picture costs.
func gainBin(q float32) int {
	if !(q >= gainEdges[0] && q < gainEdges[len(gainEdges)-1]) { // also what is no number
		return -1
	}
	b := int(gainHints[math.Float32bits(q)>>(23-gainBits)-gainLeast])
	for q >= gainEdges[b+1] {
		b++
	}
	return b
}

// sampling is the grid on which some 2500 pixels of a picture lie.
func sampling(w, h int) int {
	step := 1
	for (w/step)*(h/step) > 2500 {
		step++
	}
	return step
}
