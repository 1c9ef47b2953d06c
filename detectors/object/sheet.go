package object

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Things that stand far apart are cut out, each with its surround, and shown side by side in
// one small input: a few people in a wide yard cost a quarter of a look at the yard. They
// are as large as in a view of the whole picture, so their scores mean the same.

const (
	// leastCut is the least side of a cut-out in input pixels: two cells of the coarsest grid.
	// With less around them, fewer people are named surely.
	leastCut = 2 * coarsest
	// gutter lies between two cut-outs: a cell of the finest grid, of padding.
	gutter = 8
	// mostCuts bounds what is cut out; so many have little between them.
	mostCuts = 32
)

// cut is a part of the picture that is worth a view of its own.
type cut struct {
	asked models.Box
	part  image.Rectangle // in picture pixels
}

// cutOut returns the regions with their surround, at a scale; what would overlap is one.
// There are none when there would be too many.
func cutOut(picture image.Point, regions []models.Box, scale float64) []cut {
	if len(regions) > mostCuts {
		return nil
	}
	var all []cut
	w, h := float64(picture.X), float64(picture.Y)
	least := int(math.Ceil(leastCut / scale))
	for _, r := range regions {
		if r = r.Clamp(); r.Empty() {
			continue
		}
		more := surround * max(r.W*w, r.H*h)
		x0, x1 := span(r.X*w-more, (r.X+r.W)*w+more, least, picture.X)
		y0, y1 := span(r.Y*h-more, (r.Y+r.H)*h+more, least, picture.Y)
		c := cut{r, image.Rect(x0, y0, x1, y1)}
		for i := 0; i < len(all); {
			if !all[i].part.Overlaps(c.part) {
				i++
				continue
			}
			c = cut{c.asked.Union(all[i].asked), c.part.Union(all[i].part)}
			all = slices.Delete(all, i, i+1)
			i = 0 // the larger one may overlap those that it did not before
		}
		all = append(all, c)
	}
	return all
}

// sheet places cut-outs side by side on the smallest input that takes them: on shelves, the
// highest first (Coffman et al. 1980). There are no views when the largest input is too
// small.
func sheet(cuts []cut, scale float64, largest image.Point) []view {
	views := make([]view, len(cuts))
	for i, c := range cuts {
		views[i] = fit(c.part, largest, scale, true)
		views[i].asked = c.asked
	}
	slices.SortStableFunc(views, func(a, b view) int { return cmp.Compare(b.size.Y, a.size.Y) })
	var best image.Point
	for width := coarsest; width <= largest.X; width += coarsest {
		height, ok := shelve(views, width)
		if ok && height <= largest.Y && (best.X == 0 || width*height < best.X*best.Y) {
			best = image.Pt(width, height)
		}
	}
	if best.X == 0 {
		return nil
	}
	shelve(views, best.X)
	for i := range views {
		views[i].input = best
	}
	return views
}

// shelve places views in an input of a width and returns the height that they take, in whole
// cells; ok says that none is wider.
func shelve(views []view, width int) (height int, ok bool) {
	at, below := image.Point{}, 0
	for i := range views {
		v := &views[i]
		if v.size.X > width {
			return 0, false
		}
		if at.X+v.size.X > width {
			at = image.Pt(0, below)
		}
		v.at = at
		height = max(height, at.Y+v.size.Y)
		at.X = after(at.X + v.size.X)
		below = max(below, after(at.Y+v.size.Y))
	}
	return cells(height) * coarsest, true
}

// after is where the next view may begin: behind a gutter, on the finest grid.
func after(end int) int { return (end + 2*gutter - 1) / gutter * gutter }

// shows is the view in which the middle of a candidate lies, nil when it lies between them.
func shows(views []view, c candidate) *view {
	x, y := int(c.x0+c.x1)/2, int(c.y0+c.y1)/2
	for i := range views {
		v := &views[i]
		if len(views) == 1 || image.Pt(x, y).In(image.Rectangle{Min: v.at, Max: v.at.Add(v.size)}) {
			return v
		}
	}
	return nil
}
