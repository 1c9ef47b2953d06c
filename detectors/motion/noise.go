package motion

// noise is what the camera itself adds to a picture that does not change.
type noise struct {
	luma   float32 // standard deviation at analysis size, in 8-bit steps
	chroma float32
}

// Bounds of the measured noise. Even a still from a perfect sensor is quantised by the
// encoder in steps that differ from picture to picture, hence the floor; beyond the
// ceiling nothing of a person's contrast is left to find.
const (
	minNoise = 1.0
	maxNoise = 6.0
)

// startNoise is assumed until the camera's own is known.
var startNoise = noise{luma: 2, chroma: 1.5}

// minVariance is the least variance of a mode's luma: half as much again as the camera's
// noise, for pixels at an edge swing more than the average one, but no more than a step,
// by which key frames shift a block.
func (n noise) minVariance() float32 {
	s := min(1.5*n.luma, n.luma+1)
	return s * s
}

func (n noise) newVariance() float32 { return newSigma * newSigma * n.minVariance() }

// chromaWeight is one over the variance of chroma. Chroma is coded more coarsely than it
// is noisy, so its spread is taken as twice what was measured.
func (n noise) chromaWeight() float32 { return 1 / (4 * n.chroma * n.chroma) }

// meter measures noise from the differences between successive pictures at pixels that
// are background in both.
type meter struct {
	luma, chroma [256]int // histograms of absolute differences, newest halved against old
	count        int
}

func (t *meter) add(dy, db int) {
	t.luma[min(dy, 255)]++
	t.chroma[min(db, 255)]++
	t.count++
}

// read turns the histograms into noise and halves them, so that old pictures fade.
// The median of |difference| of two Gaussian samples is 0.954 sigma; interpolating within
// the histogram's step gives fractions of one.
func (t *meter) read(prev noise) noise {
	if t.count < 2000 {
		return prev
	}
	n := noise{
		luma:   min(max(median(&t.luma)/0.954, minNoise), maxNoise),
		chroma: min(max(median(&t.chroma)/0.954, minNoise), maxNoise),
	}
	t.count = 0
	for i := range t.luma {
		t.luma[i] /= 2
		t.chroma[i] /= 2
		t.count += t.luma[i]
	}
	// Half the way each time: one odd second must not change the threshold at once.
	return noise{(prev.luma + n.luma) / 2, (prev.chroma + n.chroma) / 2}
}

// median of a histogram of absolute whole-number differences. Bin v holds the values
// that rounded to v: [v-0.5, v+0.5), and bin 0 [0, 0.5).
func median(h *[256]int) float32 {
	total := 0
	for _, n := range h {
		total += n
	}
	left := float32(total) / 2
	for v, n := range h {
		if float32(n) < left {
			left -= float32(n)
			continue
		}
		if n == 0 {
			return float32(v)
		}
		share := left / float32(n)
		if v == 0 {
			return share / 2
		}
		return float32(v) - 0.5 + share
	}
	return 0
}
