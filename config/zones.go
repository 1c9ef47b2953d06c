package config

import (
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

func zones() shape[[]models.Zone] {
	zone := object[models.Zone]{keys: []key[models.Zone]{
		field("polygon", "The outline, in fractions of the picture from its top left corner. A track is in the zone when its foot point (bottom centre of its box) is.",
			polygon(), func(z *models.Zone) *models.Polygon { return &z.Polygon }).orElse("the whole picture"),
		field("rules", "What to watch for here; without any the zone is only drawn.",
			list(ruleObject().shape(), 0, maxRules), func(z *models.Zone) *[]models.Rule { return &z.Rules }),
	}, check: checkZone}
	return named(zone.shape(), maxZones, "zone",
		func(*decoder) models.Zone { return models.Zone{} },
		func(z *models.Zone, name string) { z.ID = models.ZoneID(name) })
}

// everywhere is the outline of the picture.
func everywhere() models.Polygon {
	return models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
}

// leastSide is the least width and height of a zone, and the least extent of a line, in
// fractions of the picture. Half a percent is one or two pixels of the picture that
// detectors look at; the foot point of somebody who stands still trembles by as much, so
// that nothing stays in such a zone and nobody clearly gets from one side of such a line
// to the other.
const leastSide = 0.005

// checkZone refuses what can never fire and a rule that is there twice, and gives a zone
// without an outline the whole picture.
func checkZone(d *decoder, v value, path string, z *models.Zone) {
	if outline := v.get("polygon"); !v.has("polygon") {
		z.Polygon = everywhere()
	} else if b := z.Polygon.Bounds(); z.Polygon != nil && (b.W < leastSide || b.H < leastSide) {
		d.mistake(outline.place, join(path, "polygon"), "draw it where people stand, as large as what they can stand on",
			"is smaller than a person could be: %.2g %% of the picture wide and %.2g %% high, and below %.2g %% no foot point can be followed",
			b.W*100, b.H*100, leastSide*100)
	}
	for i, r := range z.Rules {
		at := join(path, "rules") + indexed(i)
		if d.wrongIn(at) {
			continue
		}
		held := v.get("rules").items[i]
		if j := slices.IndexFunc(z.Rules[:i], r.Equal); j >= 0 {
			d.mistake(held.place, at, "", "is the same as rules[%d]", j)
		}
		if r.Kind == models.KindLine && z.Polygon != nil && !touches(r.Line, z.Polygon) {
			d.mistake(held.get("line").place, join(at, "line"), "only what crosses the line inside its zone counts: leave polygon out, or draw it around the line",
				"lies outside its zone")
		}
	}
}

// touches says whether any part of a line lies in an area.
func touches(line []models.Point, area models.Polygon) bool {
	for i, p := range line {
		if area.Contains(p) {
			return true
		}
		for j := range area {
			if i > 0 && meet(line[i-1], p, area[j], area[(j+1)%len(area)]) {
				return true
			}
		}
	}
	return false
}
