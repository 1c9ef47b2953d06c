package motion

import "math"

// light estimates how much brighter the whole picture is than the background, and takes
// that out. Auto-exposure, a cloud and the hour change all pixels by one factor; a thing
// in view changes few.
type light struct {
	lut   [256]float32
	gain  float64
	table float64 // the gain that lut was made for
	black float64
	bins  [2*gainRange*gainSteps + 1]int
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
	l.set(1)
	return l
}

// set makes the table for a gain.
func (l *light) set(gain float64) {
	l.gain = gain
	apply := 1.0
	switch {
	case gain > 1+slack:
		apply = gain - slack
	case gain < 1-slack:
		apply = gain + slack
	}
	if apply == l.table {
		return
	}
	l.table = apply
	for v := range l.lut {
		l.lut[v] = float32(l.black + (float64(v)-l.black)/apply)
	}
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
			b := int(math.Round(math.Log2(float64(now/then))*gainSteps)) + gainRange*gainSteps
			l.bins[min(max(b, 0), len(l.bins)-1)]++
			n++
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
	return math.Exp2(sum / weight / gainSteps), float64(near) / float64(n)
}

// sampling is the grid on which some 2500 pixels of a picture lie.
func sampling(w, h int) int {
	step := 1
	for (w/step)*(h/step) > 2500 {
		step++
	}
	return step
}
