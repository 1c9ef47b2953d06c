package incident

import (
	"math"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// shapePoints is how many points of a path are compared.
	shapePoints = 32
	// stillExtent is the diagonal of a path, in fractions of the picture, below which it
	// says nothing but that somebody stood there.
	stillExtent = 0.05
	// shapeReach is the distance of two shapes, as a share of the larger one's diagonal, at
	// which they have nothing in common.
	shapeReach = 0.5
)

// shape is a path without its place: points at even distances along it, around their middle.
type shape struct {
	points []models.Point
	extent float64 // diagonal of the bounds, in fractions of the picture; 0: there is no path
	from   side
	angle  float64 // in which it begins, in radians
}

// side is where somebody came from, as the camera sees it.
type side string

const (
	fromLeft   side = "from the left"
	fromRight  side = "from the right"
	fromTop    side = "from the top"
	fromBottom side = "from the bottom"
)

// shapeOf takes the longest path of an incident.
func shapeOf(in models.Incident) shape {
	var best []models.Point
	longest := 0.0
	for _, e := range in.Events {
		path := make([]models.Point, len(e.Path))
		for i, p := range e.Path {
			path[i] = p.Foot
		}
		if n := arc(path); n > longest {
			best, longest = path, n
		}
	}
	if longest == 0 || math.IsNaN(longest) || math.IsInf(longest, 0) {
		return shape{}
	}
	s := shape{points: resample(best, shapePoints)}
	b := models.Polygon(s.points).Bounds()
	s.extent = math.Hypot(b.W, b.H)
	s.from, s.angle = entry(s.points)
	var middle models.Point
	for _, p := range s.points {
		middle.X += p.X / shapePoints
		middle.Y += p.Y / shapePoints
	}
	for i := range s.points {
		s.points[i].X -= middle.X
		s.points[i].Y -= middle.Y
	}
	return s
}

// entry is the direction of the first quarter of a path.
func entry(points []models.Point) (side, float64) {
	a, b := points[0], points[len(points)/4]
	dx, dy := b.X-a.X, b.Y-a.Y
	switch angle := math.Atan2(dy, dx); {
	case math.Abs(dx) >= math.Abs(dy) && dx >= 0:
		return fromLeft, angle
	case math.Abs(dx) >= math.Abs(dy):
		return fromRight, angle
	case dy > 0: // y grows downwards
		return fromTop, angle
	default:
		return fromBottom, angle
	}
}

// arc is the length of a path.
func arc(path []models.Point) float64 {
	n := 0.0
	for i := 1; i < len(path); i++ {
		n += math.Hypot(path[i].X-path[i-1].X, path[i].Y-path[i-1].Y)
	}
	return n
}

// resample puts n points at even distances along a path of some length.
func resample(path []models.Point, n int) []models.Point {
	step := arc(path) / float64(n-1)
	out := make([]models.Point, 0, n)
	out = append(out, path[0])
	gone, i := 0.0, 1 // along the path up to point i-1
	for len(out) < n-1 {
		want := step * float64(len(out))
		part := math.Hypot(path[i].X-path[i-1].X, path[i].Y-path[i-1].Y)
		if gone+part < want && i < len(path)-1 {
			gone += part
			i++
			continue
		}
		share := 0.0
		if part > 0 {
			share = min(1, (want-gone)/part)
		}
		out = append(out, models.Point{X: path[i-1].X + share*(path[i].X-path[i-1].X), Y: path[i-1].Y + share*(path[i].Y-path[i-1].Y)})
	}
	return append(out, path[len(path)-1])
}

// frechet is the discrete Fréchet distance (Eiter and Mannila, Computing Discrete Fréchet
// Distance, 1994): the shortest leash with which one can walk along one path and a dog along
// the other, neither going back.
func frechet(p, q []models.Point) float64 {
	row := make([]float64, len(q))
	for i, a := range p {
		before := 0.0 // of the row above, one to the left
		for j, b := range q {
			d := math.Hypot(a.X-b.X, a.Y-b.Y)
			above := row[j]
			switch {
			case i == 0 && j == 0:
			case i == 0:
				d = max(d, row[j-1])
			case j == 0:
				d = max(d, above)
			default:
				d = max(d, min(above, before, row[j-1]))
			}
			before, row[j] = above, d
		}
	}
	return row[len(q)-1]
}

// samePath compares the shapes of two paths before the same camera: another one sees them
// from elsewhere.
func samePath(a, b features) finding {
	x, y := a.shape, b.shape
	if a.in.Camera != b.in.Camera || x.extent == 0 || y.extent == 0 {
		return finding{}
	}
	switch size := max(x.extent, y.extent); {
	case size < stillExtent:
		return finding{1, true, "both stayed in one spot"}
	case min(x.extent, y.extent) < stillExtent:
		return finding{known: true}
	default:
		score := max(0, 1-frechet(x.points, y.points)/(shapeReach*size))
		text := "a similar way through the picture"
		if score >= 0.8 {
			text = "the same way through the picture"
		}
		return finding{score, true, text}
	}
}

// sameEntry compares the directions in which two paths begin before the same camera.
func sameEntry(a, b features) finding {
	x, y := a.shape, b.shape
	if a.in.Camera != b.in.Camera || x.extent < stillExtent || y.extent < stillExtent {
		return finding{}
	}
	text := "the same way in, " + string(x.from)
	if x.from != y.from {
		text = "nearly the same way in, " + string(x.from) + " and " + string(y.from)
	}
	return finding{max(0, math.Cos(x.angle-y.angle)), true, text}
}
