package config

import (
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// Bounds on one polygon.
const (
	minCorners = 3
	maxCorners = 256
	// leastArea is a millionth of the picture: about two pixels of 1080p.
	leastArea = 1e-6
)

// polygon is an outline in fractions of the picture, [[x, y], …].
func polygon() shape[models.Polygon] {
	corners := list(point(), minCorners, maxCorners)
	sc := *corners.schema
	sc.kind = "polygon [[x, y], …]"
	return shape[models.Polygon]{schema: &sc, read: func(d *decoder, v value, path string, into *models.Polygon) {
		before := len(d.mistakes)
		var read []models.Point
		corners.read(d, v, path, &read)
		if len(d.mistakes) > before || len(read) < minCorners {
			return
		}
		pg := models.Polygon(read)
		if message, at := outline(pg); message != "" {
			hint := ""
			if pg[0] == pg[len(pg)-1] {
				hint = "the last corner joins the first by itself: leave the repeated one out"
			}
			d.mistake(v.items[at].place, path, hint, "%s", message)
			return
		}
		*into = pg
	}}
}

// point is one corner.
func point() shape[models.Point] {
	pair := list(float(0, 1), 2, 2)
	sc := *pair.schema
	sc.kind = "point [x, y]"
	return shape[models.Point]{schema: &sc, read: func(d *decoder, v value, path string, into *models.Point) {
		if v.form != formList {
			d.want(v, path, "a corner [x, y]", "")
			return
		}
		for i, held := range v.items {
			if (held.form == formInteger || held.form == formFloat) && held.number > 1 {
				d.mistake(held.place, path+indexed(i),
					"coordinates are fractions of the picture: divide pixels by its width or height",
					"want a number from 0 to 1, got %s", d.shown(held))
				return
			}
		}
		var xy []float64
		pair.read(d, v, path, &xy)
		if len(xy) == 2 {
			*into = models.Point{X: xy[0], Y: xy[1]}
		}
	}}
}

// outline finds what keeps corners from being the outline of an area, and the corner at
// which it shows.
func outline(pg models.Polygon) (message string, at int) {
	n := len(pg)
	for i := range pg {
		if pg[i] == pg[(i+1)%n] {
			return "two neighbouring corners are the same", (i + 1) % n
		}
	}
	if math.Abs(area(pg)) < leastArea && !bowtie(pg) {
		return "covers no area", 0
	}
	if i := crossing(pg); i >= 0 {
		return "the outline crosses or touches itself", i
	}
	return "", 0
}

// area is the signed area by the shoelace formula.
func area(pg models.Polygon) float64 {
	sum := 0.0
	for i, a := range pg {
		b := pg[(i+1)%len(pg)]
		sum += a.X*b.Y - b.X*a.Y
	}
	return sum / 2
}

// bowtie says whether an outline without area crosses itself somewhere off a straight
// line, so that crossing describes it better.
func bowtie(pg models.Polygon) bool {
	for i := range pg {
		if turn(pg[0], pg[1], pg[i]) != 0 {
			return crossing(pg) >= 0
		}
	}
	return false
}

// crossing returns the corner that begins an edge which meets an earlier edge elsewhere
// than in the corner they share, or -1.
func crossing(pg models.Polygon) int {
	n := len(pg)
	for i := range n {
		a, b := pg[i], pg[(i+1)%n]
		// The next edge may not fold back over this one.
		c := pg[(i+2)%n]
		if turn(a, b, c) == 0 && (b.X-a.X)*(c.X-b.X)+(b.Y-a.Y)*(c.Y-b.Y) < 0 {
			return (i + 1) % n
		}
		for j := i + 2; j < n; j++ {
			if i == 0 && j == n-1 {
				continue // neighbours around the end
			}
			if meet(a, b, pg[j], pg[(j+1)%n]) {
				return j
			}
		}
	}
	return -1
}

// turn is the direction in which the path a, b, c turns: 1, -1, or 0 for straight on.
// Coordinates are decimal fractions, which binary numbers only come near.
func turn(a, b, c models.Point) int {
	const eps = 1e-12
	cross := (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X)
	switch {
	case cross > eps:
		return 1
	case cross < -eps:
		return -1
	}
	return 0
}

// meet says whether the segments ab and cd have a point in common (Cormen et al.,
// Introduction to Algorithms, section 33.1).
func meet(a, b, c, d models.Point) bool {
	t1, t2, t3, t4 := turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)
	if t1*t2 < 0 && t3*t4 < 0 {
		return true
	}
	return t1 == 0 && within(a, b, c) || t2 == 0 && within(a, b, d) ||
		t3 == 0 && within(c, d, a) || t4 == 0 && within(c, d, b)
}

// within says whether p, known to lie on the line through a and b, lies between them.
func within(a, b, p models.Point) bool {
	return p.X >= min(a.X, b.X) && p.X <= max(a.X, b.X) && p.Y >= min(a.Y, b.Y) && p.Y <= max(a.Y, b.Y)
}
