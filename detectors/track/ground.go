package track

import (
	"math"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ground learns how large people look where they stand, from those who walk alone: on a
// plane the height of things of one size grows in proportion to how far their feet are
// below the horizon (Hoiem, Efros and Hebert 2006), so it is a straight line over the foot's
// place. With it motion alone can tell two people side by side from one.
type ground struct {
	n, y, h, yy, yh, hh float64 // faded sums over foot places and heights, in seconds
	ratio               float64 // faded sum of widths over heights
	top, bottom         float64 // foot places that were seen
	walkers             int     // how many have walked alone
}

const (
	// groundMemory is how long somebody must walk until what was learnt before counts for
	// a third: a camera may be turned.
	groundMemory = 5 * time.Minute
	// groundTime is for how long, and groundWalkers how many, must have walked alone: a way
	// across the picture, and more than the one who is a child or has an umbrella.
	groundTime    = 5 * time.Second
	groundWalkers = 3
	// groundSpread is the greatest root mean square of the heights about the line, as a
	// share of the mean: people differ by a tenth, regions of motion by as much again.
	groundSpread = 0.2
	// thin and wide bound the width over the height of one who walks alone.
	thin, wide = 0.2, 0.55
	// asTall bounds the height of those who walk side by side, as a share of one's.
	asTall = 0.7
	// tooTall is where a region has shadows or a second row of people in it.
	tooTall = 1.4
	// abreast is how many times one's width makes a region of two.
	abreast = 1.6
	// mostAbreast bounds how many are told apart: what is wider is a car.
	mostAbreast = 3
)

// learn takes in a region of motion that one thing alone has had for dt, and says whether it
// is one of somebody who walks.
func (g *ground) learn(b models.Box, aspect float64, dt time.Duration) bool {
	if b.X < border || b.Y < border || b.X+b.W > 1-border || b.Y+b.H > 1-border {
		return false
	}
	ratio := b.W * aspect / b.H
	if ratio < thin || ratio > wide {
		return false
	}
	y := b.Y + b.H
	if g.n == 0 {
		g.top, g.bottom = y, y
	}
	g.top, g.bottom = min(g.top, y), max(g.bottom, y)
	s := dt.Seconds()
	fade := math.Exp(-s / groundMemory.Seconds())
	for _, v := range []*float64{&g.n, &g.y, &g.h, &g.yy, &g.yh, &g.hh, &g.ratio} {
		*v *= fade
	}
	g.n += s
	g.y += s * y
	g.h += s * b.H
	g.yy += s * y * y
	g.yh += s * y * b.H
	g.hh += s * b.H * b.H
	g.ratio += s * ratio
	return true
}

// size is the height and the width, in picture heights, of one who stands at y; ok is false
// while that is not known.
func (g *ground) size(y float64) (h, w float64, ok bool) {
	if g.n < groundTime.Seconds() || g.walkers < groundWalkers || y < g.top-border || y > g.bottom+border {
		return 0, 0, false
	}
	my, mh := g.y/g.n, g.h/g.n
	vy, vh, c := g.yy/g.n-my*my, g.hh/g.n-mh*mh, g.yh/g.n-my*mh
	slope := 0.0
	if vy > 1e-4 { // else they all walk along one line
		slope = c / vy
	}
	if left := vh - slope*c; left > groundSpread*groundSpread*mh*mh {
		return 0, 0, false
	}
	h = mh + slope*(y-my)
	return h, h * g.ratio / g.n, h > 0
}

// split cuts a region of motion into as many as walk side by side in it.
func (g *ground) split(b models.Box, aspect float64) int {
	h, w, ok := g.size(b.Y + b.H)
	if !ok || b.H < asTall*h || b.H > tooTall*h || b.W*aspect < abreast*w {
		return 1
	}
	if n := int(math.Round(b.W * aspect / w)); n <= mostAbreast {
		return max(n, 2)
	}
	return 1
}
