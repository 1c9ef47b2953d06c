package detectors

import (
	"image"

	"github.com/vedette-cctv/vedette/detectors/track"
	"github.com/vedette-cctv/vedette/models"
)

// shake is by how much the picture is displaced against the scene, in fractions of the
// picture. What looks at a frame sees the picture; tracks, rules and zones live in the
// scene, where who stands still does so also before a camera that shakes.
type shake struct{ x, y float64 }

func shaken(size, shift image.Point) shake {
	return shake{float64(shift.X) / float64(size.X), float64(shift.Y) / float64(size.Y)}
}

// picture is where the picture shows a box of the scene.
func (s shake) picture(b models.Box) models.Box {
	b.X, b.Y = b.X+s.x, b.Y+s.y
	return b
}

// scene is where a box of the picture is in the scene.
func (s shake) scene(b models.Box) models.Box {
	b.X, b.Y = b.X-s.x, b.Y-s.y
	return b
}

// detect looks where the picture shows regions of the scene, and says what it found in the
// scene, and which parts of it it saw.
func (s shake) detect(o ObjectDetector, f models.Frame, regions []models.Box) (models.Sight, error) {
	if s == (shake{}) {
		return o.Detect(f, regions)
	}
	shown := make([]models.Box, len(regions))
	for i, b := range regions {
		shown[i] = s.picture(b)
	}
	seen, err := o.Detect(f, shown)
	for i := range seen.Found {
		seen.Found[i].Box = s.scene(seen.Found[i].Box).Clamp()
	}
	for i, b := range seen.Parts {
		seen.Parts[i] = s.scene(b)
	}
	return seen, err
}

// view answers what the tracker asks about a part of the scene.
type view struct {
	shake
	track.Colours
}

// Appearance is that of what the picture shows there.
func (v view) Appearance(b models.Box) models.Appearance { return v.Colours.Appearance(v.picture(b)) }

// Grey is the picture, and how it lies over the scene.
func (v view) Grey() track.Grey {
	g := v.Colours.Grey()
	g.X, g.Y = v.x, v.y
	return g
}
