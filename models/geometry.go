package models

import "math"

// Point is a place in the picture, in fractions of its width and height.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Box is an upright rectangle in fractions of the picture: left, top, width, height.
type Box struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// Foot is the bottom centre of the box: where the thing stands.
func (b Box) Foot() Point { return Point{b.X + b.W/2, b.Y + b.H} }

// Center is the middle of the box.
func (b Box) Center() Point { return Point{b.X + b.W/2, b.Y + b.H/2} }

// Area is the share of the picture that the box covers, 0..1 for a box inside it.
func (b Box) Area() float64 { return b.W * b.H }

// Empty says whether the box covers nothing. A box with NaN in it is empty.
func (b Box) Empty() bool { return !(b.W > 0 && b.H > 0) }

// Intersect returns the part of b that lies in o; it is empty when they do not meet.
func (b Box) Intersect(o Box) Box {
	x0, y0 := math.Max(b.X, o.X), math.Max(b.Y, o.Y)
	x1, y1 := math.Min(b.X+b.W, o.X+o.W), math.Min(b.Y+b.H, o.Y+o.H)
	if x1 <= x0 || y1 <= y0 {
		return Box{}
	}
	return Box{x0, y0, x1 - x0, y1 - y0}
}

// Union returns the smallest box that holds both.
func (b Box) Union(o Box) Box {
	if b.Empty() {
		return o
	}
	if o.Empty() {
		return b
	}
	x0, y0 := math.Min(b.X, o.X), math.Min(b.Y, o.Y)
	x1, y1 := math.Max(b.X+b.W, o.X+o.W), math.Max(b.Y+b.H, o.Y+o.H)
	return Box{x0, y0, x1 - x0, y1 - y0}
}

// IoU is the intersection over the union of the two areas, 0..1 (Jaccard index).
func (b Box) IoU(o Box) float64 {
	i := b.Intersect(o).Area()
	if i <= 0 {
		return 0
	}
	return i / (b.Area() + o.Area() - i)
}

// Travel is how far the box went to become to: on each axis the lesser way of its two
// ends, 0 when they went in different directions, because growing is not going. An end
// nearer than border to the edge of the picture says nothing: what comes in there grows
// by coming.
func (b Box) Travel(to Box, border float64) (dx, dy float64) {
	return travel(b.X, b.X+b.W, to.X, to.X+to.W, border), travel(b.Y, b.Y+b.H, to.Y, to.Y+to.H, border)
}

func travel(lo0, hi0, lo1, hi1, border float64) float64 {
	lo, hi := lo1-lo0, hi1-hi0
	switch loFree, hiFree := min(lo0, lo1) > border, max(hi0, hi1) < 1-border; {
	case !loFree && !hiFree:
		return 0
	case !loFree:
		return math.Abs(hi)
	case !hiFree:
		return math.Abs(lo)
	case lo*hi <= 0:
		return 0
	}
	return min(math.Abs(lo), math.Abs(hi))
}

// Clamp cuts the box to the picture.
func (b Box) Clamp() Box { return b.Intersect(Box{0, 0, 1, 1}) }

// Polygon is a closed outline; the last point joins the first. The configuration
// guarantees at least three points, all inside the picture, and no self-crossing.
type Polygon []Point

// Contains says whether p lies inside the polygon or on its edge.
// Ray casting after Franklin's PNPOLY; points on an edge are found first, because
// ray casting alone puts them inside or outside by chance.
func (pg Polygon) Contains(p Point) bool {
	in := false
	for i, j := 0, len(pg)-1; i < len(pg); j, i = i, i+1 {
		a, b := pg[i], pg[j]
		if onSegment(a, b, p) {
			return true
		}
		if (a.Y > p.Y) != (b.Y > p.Y) && p.X < (b.X-a.X)*(p.Y-a.Y)/(b.Y-a.Y)+a.X {
			in = !in
		}
	}
	return in
}

// onSegment allows for the rounding of a coordinate that was computed, not written.
func onSegment(a, b, p Point) bool {
	const eps = 1e-12
	cross := (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X)
	if math.Abs(cross) > eps {
		return false
	}
	return p.X >= math.Min(a.X, b.X)-eps && p.X <= math.Max(a.X, b.X)+eps &&
		p.Y >= math.Min(a.Y, b.Y)-eps && p.Y <= math.Max(a.Y, b.Y)+eps
}

// Bounds is the smallest box around the polygon.
func (pg Polygon) Bounds() Box {
	if len(pg) == 0 {
		return Box{}
	}
	lo, hi := pg[0], pg[0]
	for _, p := range pg[1:] {
		lo.X, lo.Y = math.Min(lo.X, p.X), math.Min(lo.Y, p.Y)
		hi.X, hi.Y = math.Max(hi.X, p.X), math.Max(hi.Y, p.Y)
	}
	return Box{lo.X, lo.Y, hi.X - lo.X, hi.Y - lo.Y}
}
