package track

import (
	"math"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// region is one detection as the tracker sees it.
type region struct {
	models.Detection
	sigma     float64 // standard deviation of its edges, in box heights
	sure      bool    // may begin a track
	support   float64 // object: share of the box in which motion lies, 0..1
	scene     bool    // object: it is part of the scene, see spots
	explained bool    // motion: objects account for most of it
	blob      int     // object: the region of motion that is the same thing and no other's, or -1
	foreign   bool    // object: motion lies over it that is not its own
	still     bool    // no pixel in it has changed since the last frame
	quiet     bool    // object: as far as anybody can tell, nothing moves there
	clean     bool    // no other region lies over it: what it shows is its own
	sig       models.Appearance
	taken     bool // by a track
}

// moving says whether motion supports the region.
func (r *region) moving() bool { return r.By == models.ByMotion || r.support > 0.1 }

// ownMotion is the least share of a region of motion that lies in an object whose own motion
// it is; who passes in front of it sticks out.
const ownMotion = 0.8

// sureScore parts the detections that may begin a track from those that may only
// continue one (the high threshold of ByteTrack); leastScore is the least worth a look.
const (
	sureScore  = 0.5
	leastScore = 0.1
)

// fuse combines what motion and the object detector see. An object's box is the better
// one: motion that lies in it is the same thing. Objects come first, and n of them.
func fuse(dets []models.Detection) (all []region, n int) {
	all = make([]region, 0, len(dets))
	for _, d := range dets {
		if d.By == models.ByObject && d.Score >= leastScore && usable(d.Box) {
			all = append(all, region{Detection: d, sigma: objectSigma, sure: d.Score >= sureScore, blob: -1})
		}
	}
	n = len(all)
	for _, d := range dets {
		if d.By == models.ByMotion && usable(d.Box) {
			all = append(all, region{Detection: d, sigma: motionSigma, sure: true, blob: -1})
		}
	}
	objects, blobs := all[:n], all[n:]
	order(objects)
	order(blobs)
	for j := range blobs {
		b := &blobs[j]
		only, several := -1, false
		for i := range objects {
			o := &objects[i]
			common := o.Box.Intersect(b.Box).Area()
			o.support = max(o.support, common/o.Box.Area())
			if common >= 0.1*o.Box.Area() && enlarged(o.Box).Intersect(b.Box).Area() < ownMotion*b.Box.Area() {
				o.foreign = true
			}
			if common < 0.25*o.Box.Area() {
				continue
			}
			several = several || only >= 0
			only = i
		}
		if only >= 0 && !several && objects[only].Box.IoU(b.Box) >= 0.4 {
			objects[only].blob = n + j
		}
	}
	isolate(objects)
	isolate(blobs)
	return all, n
}

// explain marks the motion of objects. An unsure one that no track has, and that alone is what
// moves there, accounts for nothing: it cannot begin a track, so motion must, as for somebody
// who is half in the picture. What sticks out of the boxes is a shadow or an arm until it is
// the larger part.
func explain(objects, blobs []region) {
	for j := range blobs {
		b, covered := &blobs[j], 0.0
		for i := range objects {
			if o := &objects[i]; o.sure || o.taken || o.blob < 0 {
				covered += o.Box.Intersect(b.Box).Area() / b.Box.Area()
			}
		}
		b.explained = covered >= 0.5
	}
}

// isolate marks the regions that no other one of their kind lies over.
func isolate(regions []region) {
	for i := range regions {
		regions[i].clean = true
	}
	for i := range regions {
		for j := range regions[:i] {
			a, b := &regions[i], &regions[j]
			if a.Box.Intersect(b.Box).Area() > 0.1*min(a.Box.Area(), b.Box.Area()) {
				a.clean, b.clean = false, false
			}
		}
	}
}

// order sorts by score and place: the order of the detections must not matter.
func order(regions []region) {
	slices.SortStableFunc(regions, func(a, b region) int {
		switch {
		case a.Score != b.Score:
			return sign(b.Score - a.Score)
		case a.Box.Y != b.Box.Y:
			return sign(a.Box.Y - b.Box.Y)
		}
		return sign(a.Box.X - b.Box.X)
	})
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

// enlarged is the box with a tenth of its size around it.
func enlarged(b models.Box) models.Box {
	return models.Box{X: b.X - b.W*0.1, Y: b.Y - b.H*0.1, W: b.W * 1.2, H: b.H * 1.2}.Clamp()
}
