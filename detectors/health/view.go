package health

import (
	"math"
	"slices"
	"time"
)

const (
	// learning is how long a view must have been seen before pictures are judged by it.
	learning = 10 * time.Second
	// following is the time constant with which a view follows slow change: quick enough
	// for dusk, which takes half an hour, and slow enough that a coach that waits for a
	// minute is not yet the view.
	following = time.Minute
	// sure is the length of an edge's vector from which a cell belongs to the view.
	// What moves or is noise points everywhere and averages to less.
	sure = 0.3
	// leastEdges is how many such cells there must be, one in fifty: a view of nothing
	// but sky cannot be told from another.
	leastEdges = cells / 50
	// apart is how far the undisturbed view must stand above what chance gives: in a
	// picture of stripes everything agrees with everything.
	apart = 0.2
	// usual is the share of the view's own agreement from which a picture is looked at no
	// closer. leastSpread bounds the deviation of chance from below, which few shifts
	// may give too small.
	usual, leastSpread = 0.8, 0.02
	// leastContrast is the mean square difference of neighbouring cells from which a
	// block has something to be sharp about: one and a half grey levels.
	leastContrast = 2
	// leastDetail is the mean square difference of neighbouring pixels of the fine copy
	// from which a block has detail, one grey level; and lostDetail is the share of it
	// below which it has none: a scene that is as far from its mean as the view has more.
	leastDetail, lostDetail = 1, 0.1
	// leastBlocks is how many blocks must have it before their median is believed.
	leastBlocks = 4
)

// view is the memory of what the undisturbed camera shows.
type view struct {
	edges [cells]vector
	luma  [cells]float32
	// sharpness of each block, detail over contrast, 0 where there is no contrast.
	detail, contrast [blocks]float32
	agree            float64 // with undisturbed pictures, on average
	grey             bool
	seen             time.Duration // how much has been learnt
	sharp            time.Duration // the same of detail and contrast

	strong []edge  // those outside the captions that are sure
	weight float32 // sum of their lengths
	// chance and spread are the mean and the standard deviation of the agreement with
	// undisturbed pictures that are shifted far.
	chance, spread float64
}

// edge is where a view has one.
type edge struct {
	x, y int32
	vector
	size float32
}

func newView(grey bool) *view { return &view{grey: grey, strong: make([]edge, 0, cells)} }

func (v *view) clone() *view {
	c := *v
	c.strong = append(make([]edge, 0, cells), v.strong...)
	return &c
}

// reset forgets everything.
func (v *view) reset(grey bool) { *v = view{grey: grey, strong: v.strong[:0]} }

// known says whether pictures can be judged by the view.
func (v *view) known() bool { return v.seen >= learning && len(v.strong) >= leastEdges }

// learn takes in an undisturbed picture, dt after the one before: a plain mean at first,
// later one that forgets. Detail and contrast are learnt only if the picture is sharp.
//
//go:norace
func (v *view) learn(l *look, agree float64, dt time.Duration, sharp bool) {
	k := share(dt, v.seen)
	if v.seen == 0 {
		agree = 1 // with itself
	}
	for i := range v.edges {
		e, n := &v.edges[i], l.edges[i]
		e.x += k * (n.x - e.x)
		e.y += k * (n.y - e.y)
		v.luma[i] += k * (l.luma[i] - v.luma[i])
	}
	if sharp {
		k := share(dt, v.sharp)
		for b := range v.detail {
			v.detail[b] += k * (l.detail[b] - v.detail[b])
			v.contrast[b] += k * (l.contrast[b] - v.contrast[b])
		}
		v.sharp += dt
	}
	v.agree += float64(k) * (agree - v.agree)
	v.seen += dt
	v.index()
}

// share is the weight of a new picture.
func share(dt, seen time.Duration) float32 {
	if seen <= 0 {
		return 1
	}
	return float32(max(dt.Seconds()/(seen+dt).Seconds(), 1-math.Exp(-dt.Seconds()/following.Seconds())))
}

// index lists the cells that matter.
//
//go:norace
func (v *view) index() {
	v.strong, v.weight = v.strong[:0], 0
	for i := caption * cols; i < (rows-caption)*cols; i++ {
		if e := v.edges[i]; e.x*e.x+e.y*e.y >= sure*sure {
			n := e.length()
			v.strong = append(v.strong, edge{int32(i % cols), int32(i / cols), e, n})
			v.weight += n
		}
	}
}

// match is how far a picture agrees with the view when it is shifted by dx, dy cells: 1
// when all its edges are there, 0 on average when their directions are anything, -1 when
// all are at right angles. Edges that leave the picture do not count.
//
//go:norace
func (v *view) match(l *look, dx, dy int) float64 { return v.matchIn(nil, l, dx, dy) }

// matchIn is match over the edges of the view that lie in some blocks, all if there are none.
//
//go:norace
func (v *view) matchIn(in *[blocks]bool, l *look, dx, dy int) float64 {
	sum, weight := float32(0), float32(0)
	for i := range v.strong {
		e := &v.strong[i]
		x, y := int(e.x)+dx, int(e.y)+dy
		if uint(x) >= cols || uint(y) >= rows || in != nil && !in[blockAt(e.x, e.y)] {
			continue
		}
		sum += e.dot(l.edges[y*cols+x])
		weight += e.size
	}
	if weight == 0 || in == nil && weight < v.weight/4 {
		return 0
	}
	return float64(sum / weight)
}

// blockAt is the block that a cell lies in.
func blockAt(x, y int32) int {
	return int(y)/(rows/blockRows)*blockCols + int(x)/(cols/blockCols)
}

// comparison is how a picture stands to the view.
type comparison struct {
	agree float64 // match in place, within one cell of trembling
	// kept is the share of the view's structure that is still in place: 0 is what chance
	// gives, 1 what the undisturbed view gives. Not a number when that cannot be told.
	kept float64
	// clear is by how many standard deviations agree stands above chance.
	clear float64
	// bare is the share of the blocks with detail, in the view, that have none now.
	bare float64
	// through is by how many standard deviations the edges in those blocks still agree with
	// the view's, above chance: in the dark there is something left of them, behind a hand
	// there is not.
	through float64
	// alike is the correlation of light and dark at the scale of an eighth of the picture.
	alike float64
	// sharpness over that of the view, 1 when it is the same. Not a number when that
	// cannot be told.
	sharpness float64
	// faint says that most of what had contrast has none: in too little light the rest
	// says little of sharpness.
	faint bool
}

// far are the shifts that show what chance gives: farther than any structure repeats
// itself by being wide, nearer than half the picture.
var far = func() (out [][2]int) {
	for _, dx := range []int{-26, -19, -13, 0, 13, 19, 26} {
		for _, dy := range []int{-13, -9, 0, 9, 13} {
			if dx != 0 || dy != 0 {
				out = append(out, [2]int{dx, dy})
			}
		}
	}
	return out
}()

// random is what chance gives: the agreement with the picture shifted far.
func (v *view) random(l *look) (chance, spread float64) { return v.randomIn(nil, l) }

//go:norace
func (v *view) randomIn(in *[blocks]bool, l *look) (chance, spread float64) {
	sum, squares := 0.0, 0.0
	for _, s := range far {
		m := v.matchIn(in, l, s[0], s[1])
		sum += m
		squares += m * m
	}
	n := float64(len(far))
	chance = sum / n
	return chance, max(math.Sqrt(max(squares/n-chance*chance, 0)), leastSpread)
}

func (v *view) compare(l *look) comparison {
	c := comparison{kept: math.NaN(), sharpness: math.NaN()}
	c.agree = v.match(l, 0, 0)
	chance, spread := v.chance, v.spread
	if c.agree < usual*v.agree || spread == 0 {
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				c.agree = max(c.agree, v.match(l, dx, dy))
			}
		}
		chance, spread = v.random(l)
	}
	if c.agree >= usual*v.agree {
		v.chance, v.spread = chance, spread
	}
	if v.agree-chance >= apart {
		c.kept = min(max((c.agree-chance)/(v.agree-chance), 0), 1)
		c.clear = (c.agree - chance) / spread
	}
	var bare [blocks]bool
	c.bare = v.bared(l, &bare)
	if c.bare > 0 && !(c.kept >= lostShare) {
		chance, spread := v.randomIn(&bare, l)
		c.through = (v.matchIn(&bare, l, 0, 0) - chance) / spread
	}
	c.alike = v.correlate(l)
	c.sharpness, c.faint = v.sharper(l)
	return c
}

// correlate compares light and dark at a scale of 8 by 6 blocks: out of focus they stay
// where they are, behind a hand they do not.
//
//go:norace
func (v *view) correlate(l *look) float64 {
	var a, b [blocks]float64
	for i := range cells {
		at := i/cols/(rows/blockRows)*blockCols + i%cols/(cols/blockCols)
		a[at] += float64(v.luma[i])
		b[at] += float64(l.luma[i])
	}
	ma, mb := mean(a[:]), mean(b[:])
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

func mean(s []float64) float64 {
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// bared is the share of the blocks with detail that have lost nearly all of it. It marks them.
//
//go:norace
func (v *view) bared(l *look, which *[blocks]bool) float64 {
	n, bare := 0, 0
	for b, was := range v.detail {
		if was < leastDetail {
			continue
		}
		n++
		if l.detail[b] < lostDetail*was {
			bare++
			which[b] = true
		}
	}
	if n == 0 {
		return 0
	}
	return float64(bare) / float64(n)
}

// sharper is the sharpness of the look over that of the view: the median over the blocks
// that have contrast. Detail is divided by contrast, so that light and haze, which take
// the same part of both, do not count.
//
//go:norace
func (v *view) sharper(l *look) (sharpness float64, faint bool) {
	if v.sharp < learning {
		return math.NaN(), false
	}
	var ratios [blocks]float32
	n, none := 0, 0
	for b := range v.detail {
		if v.contrast[b] < leastContrast || v.detail[b] <= l.noise/2 {
			continue // in the noise of a dark night detail drowns, sharp or not
		}
		// Without contrast what looks like detail is noise.
		if l.contrast[b] >= leastContrast {
			ratios[n] = l.detail[b] / l.contrast[b] * v.contrast[b] / v.detail[b]
		} else {
			none++
		}
		n++
	}
	if n < leastBlocks {
		return math.NaN(), false
	}
	slices.Sort(ratios[:n])
	return float64(ratios[n/2]), 2*none > n
}

// shift looks for the view elsewhere in the picture, by up to a sixth of its width and a
// quarter of its height, and returns by how many cells it lies aside and what it is worth
// there, as kept.
//
//go:norace
func (v *view) shift(l *look, c comparison) (dx, dy int, kept float64) {
	best := c.agree
	for y := -9; y <= 9; y++ {
		for x := -11; x <= 11; x++ {
			if m := v.match(l, x, y); m > best {
				best, dx, dy = m, x, y
			}
		}
	}
	if c.agree == 0 || dx == 0 && dy == 0 {
		return 0, 0, c.kept
	}
	// agree = chance + kept · (undisturbed − chance)
	chance := v.agree
	if c.kept < 1 {
		chance = (c.agree - c.kept*v.agree) / (1 - c.kept)
	}
	return dx, dy, min((best-chance)/(v.agree-chance), 1)
}
