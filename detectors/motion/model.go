package motion

import (
	"math"
	"time"
)

// Time constants of the background, in seconds of media time.
const (
	// weightTau is how slowly a mode gains weight. With backgroundShare, something new
	// that stays becomes background after -ln(backgroundShare) * weightTau = 5.3 s.
	weightTau = 50 * time.Second
	// meanTau is how fast a mode follows its own colour. A dawn that doubles the light in
	// two minutes moves a pixel by half a per cent a second, which ten seconds follow.
	meanTau = 10 * time.Second
	// spreadTau is how fast a mode learns its own noise.
	spreadTau = 4 * time.Second
)

const (
	modes = 3
	// backgroundShare: the heaviest modes that together explain this share of the recent
	// past are background (cf = 0.1 in Zivkovic 2004).
	backgroundShare = 0.9
	// matchSigmas is the distance, in standard deviations, within which a pixel belongs
	// to a mode. Three sigmas of a
	// Gaussian leave 3 pixels in 1000 outside; alone among their neighbours, they fall to
	// the median filter.
	matchSigmas = 3
	// settled is the weight above which the other modes no longer matter.
	settled = 0.995
	// maxSigma keeps a mode that has matched everything from ever matching everything.
	maxSigma = 9
	// newSigma is the spread, in units of the camera's noise, of a mode seen once.
	newSigma = 1.0
)

// mode is one colour that a pixel of the background takes: mean luma and chroma in
// 8-bit steps, variance of the luma, and the share of the recent past that it explains.
type mode struct {
	y, b, r, v, w float32
}

func (m mode) tint() tint { return tint{m.y, m.b, m.r, m.v} }

// layer holds the heaviest mode of each pixel, plane by plane: most pixels need no other, and
// vectors take eight of them at a time.
type layer struct {
	y, b, r, v, w []float32
}

func newLayer(n int) layer {
	all := make([]float32, 5*n)
	return layer{all[:n:n], all[n : 2*n : 2*n], all[2*n : 3*n : 3*n], all[3*n : 4*n : 4*n], all[4*n:]}
}

func (l *layer) get(i int) mode { return mode{l.y[i], l.b[i], l.r[i], l.v[i], l.w[i]} }

func (l *layer) set(i int, m mode) {
	l.y[i], l.b[i], l.r[i], l.v[i], l.w[i] = m.y, m.b, m.r, m.v, m.w
}

// tint is a mode without its weight.
type tint struct {
	y, b, r, v float32
}

// model is the background: the modes of each pixel, heaviest first.
type model struct {
	w, h  int
	bg    layer                // the heaviest
	less  [modes - 1][]tint    // the others
	share [modes - 1][]float32 // their weights, which change with those of the heaviest
	age   time.Duration        // media time learnt since the model was last begun
}

func newModel(w, h int) *model {
	m := &model{w: w, h: h, bg: newLayer(w * h)}
	for k := range m.less {
		m.less[k], m.share[k] = make([]tint, w*h), make([]float32, w*h)
	}
	return m
}

// begin takes the picture as the background.
func (m *model) begin(y, b, r []uint8, noise noise) {
	m.age = 0
	v := noise.newVariance()
	for i := range m.bg.y {
		m.bg.set(i, mode{float32(y[i]), float32(b[i]), float32(r[i]), v, 1})
	}
	for k := range m.less {
		clear(m.less[k])
		clear(m.share[k])
	}
}

// rates are the shares by which one step of dt moves a weight, a mean and a variance.
type rates struct{ weight, mean, spread float32 }

// youth is how long a new model takes whatever it sees for background, by plain averaging:
// its first picture is as likely to show somebody as the next ones.
const youth = 2 * time.Second

// ratesFor gives the rates of a step of dt, the model having rested for idle before it.
// Means and spreads are averaged plainly until their time constants take over. A weight is
// evidence that something has been there, and while the model rested, nothing new was.
func (m *model) ratesFor(dt, idle time.Duration) rates {
	rate := func(dt, tau time.Duration, young bool) float32 {
		r := 1 - math.Exp(-dt.Seconds()/tau.Seconds())
		if young {
			r = max(r, dt.Seconds()/(m.age+2*dt).Seconds())
		}
		return float32(min(r, 0.5))
	}
	return rates{
		weight: rate(dt, weightTau, m.age < youth),
		mean:   rate(dt+idle, meanTau, true),
		spread: rate(dt+idle, spreadTau, true),
	}
}

// step compares a picture with the background and learns from it. fg gets 255 where the
// picture is not background. gain maps luma to the model's light; sigmas is the distance
// within which a pixel belongs to a mode. Where hold is not 0, what is foreground now
// stays foreground.
//
//go:norace
func (m *model) step(y, b, r []uint8, gain *[256]float32, sigmas float32, hold, fg []uint8, noise noise, dt, idle time.Duration) {
	rt := m.ratesFor(dt, idle)
	m.age += dt + idle
	k2, ic := sigmas*sigmas, noise.chromaWeight()
	m.match(y, b, r, gain, fg, k2, ic, rt, noise)
	for i := next(fg, 0); i < len(fg); i = next(fg, i+1) {
		fg[i] = m.other(i, gain[y[i]], float32(b[i]), float32(r[i]), rt, ic, k2, hold[i] != 0, noise)
	}
}

// other handles a pixel that its heaviest mode does not explain.
//
//go:norace
func (m *model) other(i int, y, b, r float32, rt rates, ic, k2 float32, held bool, noise noise) uint8 {
	before := m.bg.w[i]
	for k := range m.less {
		c, w := &m.less[k][i], m.share[k][i]
		if w <= 0 {
			break
		}
		dy, db, dr := y-c.y, b-c.b, r-c.r
		if dy*dy+c.v*ic*(db*db+dr*dr) >= k2*c.v {
			before += w
			continue
		}
		known := before < backgroundShare
		c.y += rt.mean * dy
		c.b += rt.mean * db
		c.r += rt.mean * dr
		c.v = min(max(c.v+rt.spread*(dy*dy-c.v), noise.minVariance()), maxSigma*maxSigma)
		if known || !held {
			m.gain(i, k, rt.weight)
		}
		if known {
			return 0
		}
		return 255
	}
	if !held {
		m.add(i, y, b, r, rt.weight, noise.newVariance())
	}
	return 255
}

// gain moves weight to mode k of the less heavy ones and keeps the modes ordered.
func (m *model) gain(i, k int, rate float32) {
	m.bg.w[i] -= rate * m.bg.w[i]
	for j := range m.share {
		m.share[j][i] -= rate * m.share[j][i]
	}
	m.share[k][i] += rate
	for ; k > 0 && m.share[k][i] > m.share[k-1][i]; k-- {
		m.less[k][i], m.less[k-1][i] = m.less[k-1][i], m.less[k][i]
		m.share[k][i], m.share[k-1][i] = m.share[k-1][i], m.share[k][i]
	}
	if k == 0 && m.share[0][i] > m.bg.w[i] {
		first, c := m.bg.get(i), m.less[0][i]
		m.bg.set(i, mode{c.y, c.b, c.r, c.v, m.share[0][i]})
		m.less[0][i], m.share[0][i] = first.tint(), first.w
	}
}

// add puts a new mode in the place of the lightest.
func (m *model) add(i int, y, b, r, rate, v float32) {
	k := len(m.less) - 1
	for k > 0 && m.share[k-1][i] <= 0 {
		m.less[k][i], m.share[k][i] = m.less[k-1][i], m.share[k-1][i]
		k--
	}
	m.less[k][i], m.share[k][i] = tint{y, b, r, v}, 0
	m.gain(i, k, rate)
}

// absorb makes the pixel's present colour its background at once.
func (m *model) absorb(i int, y, b, r float32, noise noise) {
	first := m.bg.get(i)
	m.less[1][i], m.less[0][i] = m.less[0][i], first.tint()
	m.share[1][i], m.share[0][i] = 0.3*m.share[0][i], 0.3*first.w
	m.bg.set(i, mode{y, b, r, noise.newVariance(), 1 - m.share[0][i] - m.share[1][i]})
}

// near says whether the heaviest mode of pixel j explains a colour.
func (m *model) near(j int, y, b, r, ic, sigmas2 float32) bool {
	bg := &m.bg
	dy, db, dr, v := y-bg.y[j], b-bg.b[j], r-bg.r[j], bg.v[j]
	return dy*dy+v*ic*(db*db+dr*dr) < sigmas2*v
}
