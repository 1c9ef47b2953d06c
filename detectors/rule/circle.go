package rule

import (
	"math"
	"math/rand/v2"

	"github.com/vedette-cctv/vedette/models"
)

// circle in picture heights.
type circle struct {
	c models.Point
	r float64
}

// contains allows for the rounding of a point that lies on the circle by construction.
func (c circle) contains(p models.Point) bool {
	return math.Hypot(p.X-c.c.X, p.Y-c.c.Y) <= c.r*(1+1e-9)+1e-12
}

// enclose is the smallest circle around all spots: Welzl 1991 in its incremental form,
// linear on average when the points come in random order. The order is shuffled with a
// fixed seed, so that the same spots always give the same circle.
func enclose(spots []spot) circle {
	ps := make([]models.Point, len(spots))
	for i, s := range spots {
		ps[i] = s.p
	}
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	var c circle
	for i, p := range ps {
		if i == 0 {
			c = circle{c: p}
		}
		if !c.contains(p) {
			c = through1(ps[:i], p)
		}
	}
	return c
}

// through1 is the smallest circle around ps that passes through p.
func through1(ps []models.Point, p models.Point) circle {
	c := circle{c: p}
	for i, q := range ps {
		if !c.contains(q) {
			c = through2(ps[:i], p, q)
		}
	}
	return c
}

// through2 is the smallest circle around ps that passes through p and q.
func through2(ps []models.Point, p, q models.Point) circle {
	c := across(p, q)
	for _, r := range ps {
		if !c.contains(r) {
			c = around(p, q, r)
		}
	}
	return c
}

// across is the circle whose diameter is pq.
func across(p, q models.Point) circle {
	return circle{models.Point{X: (p.X + q.X) / 2, Y: (p.Y + q.Y) / 2}, math.Hypot(p.X-q.X, p.Y-q.Y) / 2}
}

// around is the circle through three points. Points on one line have none: their smallest
// circle is that across the farthest two.
func around(p, q, r models.Point) circle {
	bx, by, cx, cy := q.X-p.X, q.Y-p.Y, r.X-p.X, r.Y-p.Y
	d := 2 * (bx*cy - by*cx)
	if math.Abs(d) < 1e-12 {
		c := across(p, q)
		for _, o := range []circle{across(p, r), across(q, r)} {
			if o.r > c.r {
				c = o
			}
		}
		return c
	}
	b2, c2 := bx*bx+by*by, cx*cx+cy*cy
	ux, uy := (cy*b2-by*c2)/d, (bx*c2-cx*b2)/d
	return circle{models.Point{X: p.X + ux, Y: p.Y + uy}, math.Hypot(ux, uy)}
}
