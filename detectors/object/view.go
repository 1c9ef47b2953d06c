package object

import (
	"image"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

// view is the part of a picture that the network is shown. It lies at the top left of the
// input, scaled with its aspect kept (YOLOX's letterbox).
type view struct {
	part  image.Rectangle // in picture pixels
	size  image.Point     // in input pixels
	scale float64         // input pixels per picture pixel
}

const (
	// surround is what a view shows around what was asked for, as a share of its longer
	// side: a network sees badly what is cut off close, and motion shows only a part of
	// what moves.
	surround = 0.3
	// gain is the least improvement of resolution that is worth losing sight of the rest.
	gain = 1.3
)

// choose returns the view for a picture: the smallest part that holds all regions with
// their surround, no smaller than the input, if that helps; else the whole picture.
func choose(picture, input image.Point, regions []models.Box) view {
	whole := fit(image.Rectangle{Max: picture}, input)
	if whole.scale*gain > 1 {
		return whole // a part at full resolution would gain too little
	}
	var all models.Box
	for _, r := range regions {
		all = all.Union(r.Clamp())
	}
	if all.Empty() {
		return whole
	}
	w, h := float64(picture.X), float64(picture.Y)
	margin := surround * max(all.W*w, all.H*h)
	// At least the input's own size, so that a part is never enlarged.
	x0, x1 := span(all.X*w-margin, (all.X+all.W)*w+margin, input.X, picture.X)
	y0, y1 := span(all.Y*h-margin, (all.Y+all.H)*h+margin, input.Y, picture.Y)
	if part := fit(image.Rect(x0, y0, x1, y1), input); part.scale >= gain*whole.scale {
		return part
	}
	return whole
}

// span widens lo..hi to least pixels and moves it into 0..limit. Its ends are even, so
// that a part begins at a whole chroma sample.
func span(lo, hi float64, least, limit int) (from, to int) {
	want := min(max(int(math.Ceil(hi-lo)), least), limit)
	from = int(math.Round((lo+hi)/2)) - want/2
	from = max(0, min(from, limit-want)) &^ 1
	return from, min(limit, (from+want+1)&^1)
}

// fit scales a part as large as the input takes it.
func fit(part image.Rectangle, input image.Point) view {
	scale := min(float64(input.X)/float64(part.Dx()), float64(input.Y)/float64(part.Dy()))
	return view{part: part, scale: scale, size: image.Pt(
		max(1, min(input.X, int(float64(part.Dx())*scale+0.5))),
		max(1, min(input.Y, int(float64(part.Dy())*scale+0.5))))}
}

// box takes a box from input pixels to fractions of the picture.
func (v view) box(x0, y0, x1, y1 float64, picture image.Point) models.Box {
	w, h := float64(picture.X), float64(picture.Y)
	left, top := (x0/v.scale+float64(v.part.Min.X))/w, (y0/v.scale+float64(v.part.Min.Y))/h
	return models.Box{X: left, Y: top, W: (x1 - x0) / v.scale / w, H: (y1 - y0) / v.scale / h}.Clamp()
}

// shown is the part as a share of the picture.
func (v view) shown(picture image.Point) models.Box {
	w, h := float64(picture.X), float64(picture.Y)
	return models.Box{X: float64(v.part.Min.X) / w, Y: float64(v.part.Min.Y) / h, W: float64(v.part.Dx()) / w, H: float64(v.part.Dy()) / h}
}

// cuts says whether the edge of the view, where it is not the picture's, runs through the
// box: what is seen there is a piece of something that nobody asked for.
func (v view) cuts(x0, y0, x1, y1 float64, picture image.Point) bool {
	const near = 2 // input pixels
	return v.part.Min.X > 0 && x0 < near || v.part.Min.Y > 0 && y0 < near ||
		v.part.Max.X < picture.X && x1 > float64(v.size.X)-near ||
		v.part.Max.Y < picture.Y && y1 > float64(v.size.Y)-near
}
