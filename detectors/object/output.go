package object

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

const (
	// sameClass is the overlap (IoU) from which the weaker of two boxes of one class is
	// the same thing (YOLOX's own evaluation takes .45 for deployment).
	sameClass = 0.45
	// sameThing is the overlap from which two classes name one thing: a car is not also a
	// truck. Rider and bicycle overlap less.
	sameThing = 0.7
	// maxCandidates bounds the boxes that are compared with each other; no picture that
	// means something holds more.
	maxCandidates = 512
)

// candidate is one box of the network in input pixels.
type candidate struct {
	x0, y0, x1, y1 float64
	class          int
	score          float64
}

// reader turns the network's output into detections. It keeps its scratch memory.
type reader struct {
	found []candidate
	kept  []candidate
}

// read returns what scores at least least, best first, never nil, and how many boxes were dropped
// because they hold numbers that mean nothing.
func (rd *reader) read(out []float32, l layout, labels []string, wanted []int, least float64, views []view, picture image.Point) (dets []models.Detection, invalid int) {
	invalid = rd.decode(out, l, wanted, float32(least))
	rd.suppress()
	dets = make([]models.Detection, 0, len(rd.kept))
	for _, c := range rd.kept {
		v := shows(views, c)
		if v == nil || v.cuts(c.x0, c.y0, c.x1, c.y1, picture) {
			continue
		}
		box := v.box(c.x0, c.y0, c.x1, c.y1, picture)
		if box.Empty() {
			continue
		}
		dets = append(dets, models.Detection{Box: box, Label: labels[c.class], Score: min(c.score, 1), By: models.ByObject})
	}
	return dets, invalid
}

// decode reads the boxes: centre, logarithm of size, objectness and classes, one row per
// cell, the cells of the finest grid first, row by row.
func (rd *reader) decode(out []float32, l layout, wanted []int, least float32) (invalid int) {
	rd.found = rd.found[:0]
	width := 5 + l.classes
	cell := 0
	for _, stride := range strides {
		cols, rows := l.input.X/stride, l.input.Y/stride
		for y := range rows {
			for x := range cols {
				row := out[cell*width : (cell+1)*width : (cell+1)*width]
				cell++
				// The product with a class is no larger. Not a number is not less.
				if row[4] < least {
					continue
				}
				c, ok := decodeRow(row, wanted, float64(x), float64(y), float64(stride))
				if !ok {
					invalid++
				} else if c.score >= float64(least) {
					rd.found = append(rd.found, c)
				}
			}
		}
	}
	return invalid
}

// decodeRow takes the best of the wanted classes.
func decodeRow(row []float32, wanted []int, x, y, stride float64) (candidate, bool) {
	best := wanted[0]
	for _, i := range wanted {
		if !(row[5+i] <= row[5+best]) {
			best = i // also when it is not a number: then the box is refused below
		}
		if row[5+i] != row[5+i] {
			break
		}
	}
	c := candidate{class: best, score: float64(row[4]) * float64(row[5+best])}
	cx, cy := (float64(row[0])+x)*stride, (float64(row[1])+y)*stride
	w, h := math.Exp(float64(row[2]))*stride, math.Exp(float64(row[3]))*stride
	c.x0, c.y0, c.x1, c.y1 = cx-w/2, cy-h/2, cx+w/2, cy+h/2
	for _, n := range []float64{c.score, c.x0, c.y0, c.x1, c.y1} {
		// A network's box far outside its input means as little as one that is not a number.
		if !(math.Abs(n) < 1e6) {
			return candidate{}, false
		}
	}
	return c, c.score <= 1.0001 && float64(row[4]) <= 1.0001
}

// suppress keeps the best of boxes that show the same thing (greedy non-maximum
// suppression).
func (rd *reader) suppress() {
	slices.SortStableFunc(rd.found, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	rd.kept = rd.kept[:0]
	for _, c := range rd.found[:min(len(rd.found), maxCandidates)] {
		if !slices.ContainsFunc(rd.kept, func(k candidate) bool {
			limit := sameThing
			if k.class == c.class {
				limit = sameClass
			}
			return k.overlap(c) > limit
		}) {
			rd.kept = append(rd.kept, c)
		}
	}
}

func (c candidate) overlap(o candidate) float64 {
	w := min(c.x1, o.x1) - max(c.x0, o.x0)
	h := min(c.y1, o.y1) - max(c.y0, o.y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / ((c.x1-c.x0)*(c.y1-c.y0) + (o.x1-o.x0)*(o.y1-o.y0) - w*h)
}
