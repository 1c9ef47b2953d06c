package object

import (
	"image"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// view is a part of a picture that the network is shown, scaled with its aspect kept
// (YOLOX's letterbox). One that is shown alone lies at the top left of the input.
type view struct {
	part  image.Rectangle // in picture pixels
	input image.Point     // size of the network's input
	at    image.Point     // its top left corner in it
	size  image.Point     // of the part in it, in input pixels
	scale float64         // input pixels per picture pixel
	asked models.Box      // for what it was chosen, as a share of the picture
}

const (
	// surround is what a view shows around what was asked for, as a share of its longer
	// side: a network sees badly what is cut off close, and motion shows only a part of
	// what moves.
	surround = 0.3
	// gain is the least improvement of resolution that is worth losing sight of the rest,
	// where looking at a part costs as much as looking at the whole.
	gain = 1.3
	// saving is the greatest cost of a part, as a share of the cost of the whole, that is
	// worth losing sight of the rest.
	saving = 0.75
	// leastPart is the least side of a part in pixels: five cells of the coarsest grid,
	// whose context the network needs.
	leastPart = 5 * coarsest
)

// choose returns what the network is shown of a picture: one view that holds all regions, or,
// with an open input, each cut out by itself where that costs less and is worth losing sight
// of the rest. The views of a look share one input.
func choose(picture, largest image.Point, regions []models.Box, open bool) []view {
	one := together(picture, largest, regions, open)
	if !open {
		return []view{one}
	}
	whole := whole(picture, largest, open)
	cuts := cutOut(picture, regions, whole.scale)
	if len(cuts) < 2 {
		return []view{one}
	}
	apart := sheet(cuts, whole.scale, largest)
	if len(apart) > 0 && apart[0].cost() < one.cost() && apart[0].cost() <= saving*whole.cost() {
		return apart
	}
	return []view{one}
}

// together returns the view for a picture: the smallest part that holds all regions with
// their surround, if that helps; else the whole picture. open says that the network takes
// inputs smaller than the largest: it is then shown no more than there is to see, and less
// costs less.
func together(picture, largest image.Point, regions []models.Box, open bool) view {
	whole := whole(picture, largest, open)
	if !open && whole.scale*gain > 1 {
		return whole // a part at full resolution would gain too little
	}
	var all models.Box
	for _, r := range regions {
		all = all.Union(r.Clamp())
	}
	if all.Empty() {
		return whole
	}
	// A part is never enlarged more than the whole picture would be.
	most, least := 1., largest
	if open {
		most, least = max(1, whole.scale), image.Pt(leastPart, leastPart)
	}
	w, h := float64(picture.X), float64(picture.Y)
	margin := surround * max(all.W*w, all.H*h)
	x0, x1 := span(all.X*w-margin, (all.X+all.W)*w+margin, least.X, picture.X)
	y0, y1 := span(all.Y*h-margin, (all.Y+all.H)*h+margin, least.Y, picture.Y)
	part := fit(image.Rect(x0, y0, x1, y1), largest, most, open)
	part.asked = all
	if part.scale >= gain*whole.scale && part.cost() <= whole.cost() || part.cost() <= saving*whole.cost() {
		return part
	}
	return whole
}

// whole is the view of the whole picture.
func whole(picture, largest image.Point, open bool) view {
	v := fit(image.Rectangle{Max: picture}, largest, math.Inf(1), open)
	v.asked = models.Box{W: 1, H: 1}
	return v
}

// cost of a look grows with the area of the input.
func (v view) cost() float64 { return float64(v.input.X) * float64(v.input.Y) }

// span widens lo..hi to least pixels and moves it into 0..limit. Its ends are even, so
// that a part begins at a whole chroma sample.
func span(lo, hi float64, least, limit int) (from, to int) {
	want := min(max(int(math.Ceil(hi-lo)), least), limit)
	from = int(math.Round((lo+hi)/2)) - want/2
	from = max(0, min(from, limit-want)) &^ 1
	return from, min(limit, (from+want+1)&^1)
}

// fit scales a part as large as the largest input takes it, and at most by most; an open
// input is then cut down to the part.
func fit(part image.Rectangle, largest image.Point, most float64, open bool) view {
	scale := min(most, float64(largest.X)/float64(part.Dx()), float64(largest.Y)/float64(part.Dy()))
	v := view{part: part, input: largest, scale: scale, size: image.Pt(
		max(1, min(largest.X, int(float64(part.Dx())*scale+0.5))),
		max(1, min(largest.Y, int(float64(part.Dy())*scale+0.5))))}
	if open {
		v.input = image.Pt(cells(v.size.X)*coarsest, cells(v.size.Y)*coarsest)
	}
	return v
}

// cells is how many cells of the coarsest grid so many pixels take.
func cells(pixels int) int { return (pixels + coarsest - 1) / coarsest }

// box takes a box from input pixels to fractions of the picture.
func (v view) box(x0, y0, x1, y1 float64, picture image.Point) models.Box {
	w, h := float64(picture.X), float64(picture.Y)
	left := ((x0-float64(v.at.X))/v.scale + float64(v.part.Min.X)) / w
	top := ((y0-float64(v.at.Y))/v.scale + float64(v.part.Min.Y)) / h
	return models.Box{X: left, Y: top, W: (x1 - x0) / v.scale / w, H: (y1 - y0) / v.scale / h}.Clamp()
}

// cuts says whether the edge of the view, where it is not the picture's, runs through the
// box: what is seen there is a piece of something that nobody asked for.
func (v view) cuts(x0, y0, x1, y1 float64, picture image.Point) bool {
	const near = 2 // input pixels
	x0, x1 = x0-float64(v.at.X), x1-float64(v.at.X)
	y0, y1 = y0-float64(v.at.Y), y1-float64(v.at.Y)
	return v.part.Min.X > 0 && x0 < near || v.part.Min.Y > 0 && y0 < near ||
		v.part.Max.X < picture.X && x1 > float64(v.size.X)-near ||
		v.part.Max.Y < picture.Y && y1 > float64(v.size.Y)-near
}
