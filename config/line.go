package config

import (
	"github.com/vedette-cctv/vedette/models"
)

// Bounds on one line.
const (
	minPoints = 2
	maxPoints = 16
)

// line is a path in fractions of the picture, [[x, y], …].
func line() shape[[]models.Point] {
	points := list(point(), minPoints, maxPoints)
	sc := *points.schema
	sc.kind = "line [[x, y], …]"
	return shape[[]models.Point]{schema: &sc, read: func(d *decoder, v value, path string, into *[]models.Point) {
		before := len(d.mistakes)
		var read []models.Point
		points.read(d, v, path, &read)
		if len(d.mistakes) > before || len(read) < minPoints {
			return
		}
		if message, at := uncrossable(read); message != "" {
			d.mistake(v.items[at].place, path, "", "%s", message)
			return
		}
		*into = read
	}}
}

// uncrossable finds what keeps points from being a line with a left and a right side, and
// the point at which it shows.
func uncrossable(line []models.Point) (message string, at int) {
	for i := 1; i < len(line); i++ {
		if line[i] == line[i-1] {
			return "two neighbouring points are the same", i
		}
	}
	if b := models.Polygon(line).Bounds(); b.W < leastSide && b.H < leastSide {
		return "the line is too short for anybody to cross it", 0
	}
	last := len(line) - 1
	for i := 1; i < last; i++ {
		a, b, c := line[i-1], line[i], line[i+1]
		if turn(a, b, c) == 0 && (b.X-a.X)*(c.X-b.X)+(b.Y-a.Y)*(c.Y-b.Y) < 0 {
			return "the line folds back over itself", i
		}
		for j := i + 1; j < last; j++ {
			if i == 1 && j == last-1 && line[0] == line[last] {
				continue // a line that closes around something has an inside and an outside
			}
			if meet(a, b, line[j], line[j+1]) {
				return "the line crosses or touches itself, so that its sides cannot be told", j
			}
		}
	}
	return "", 0
}
