package track

import (
	"math"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// region is one detection as the tracker sees it.
type region struct {
	models.Detection
	sigma  float64 // standard deviation of its edges, in box heights
	sure   bool    // may begin a track
	moving bool    // motion supports it
	still  bool    // no pixel in it has changed since the last frame
	sig    models.Appearance
	taken  bool // by a track
}

// sureScore parts the detections that may begin a track from those that may only
// continue one (the high threshold of ByteTrack); leastScore is the least worth a look.
const (
	sureScore  = 0.5
	leastScore = 0.1
)

// fuse combines what motion and the object detector see. An object's box is the better
// one: motion that lies in it is the same thing.
func fuse(dets []models.Detection) []region {
	out := make([]region, 0, len(dets))
	for _, d := range dets {
		if d.By == models.ByObject && d.Score >= leastScore && usable(d.Box) {
			out = append(out, region{Detection: d, sigma: objectSigma, sure: d.Score >= sureScore})
		}
	}
	objects := len(out)
	for _, d := range dets {
		if d.By != models.ByMotion || !usable(d.Box) {
			continue
		}
		covered := 0.0
		for i := range objects {
			o := &out[i]
			common := o.Box.Intersect(d.Box).Area()
			covered += common / d.Box.Area()
			if common > 0.1*o.Box.Area() {
				o.moving = true
			}
		}
		// What sticks out of the boxes is a shadow or an arm until it is the larger part.
		if covered < 0.5 {
			out = append(out, region{Detection: d, sigma: motionSigma, sure: true, moving: true})
		}
	}
	// The order of the detections must not matter.
	slices.SortStableFunc(out, func(a, b region) int {
		switch {
		case a.Score != b.Score:
			return sign(b.Score - a.Score)
		case a.Box.Y != b.Box.Y:
			return sign(a.Box.Y - b.Box.Y)
		}
		return sign(a.Box.X - b.Box.X)
	})
	return out
}

func sign(v float64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

// usable refuses boxes that are empty, not finite or absurd: detectors are input.
func usable(b models.Box) bool {
	for _, v := range []float64{b.X, b.Y, b.W, b.H} {
		if math.IsNaN(v) || math.Abs(v) > 4 {
			return false
		}
	}
	return !b.Empty()
}
