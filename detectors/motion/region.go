package motion

import (
	"bytes"
	"image"
	"slices"
)

// run is a stretch of equal mask pixels in one row: [x0, x1).
type run struct {
	y, x0, x1 int32
	id        int32 // of its component, after label
}

// component is one 8-connected part of a mask.
type component struct {
	box   image.Rectangle
	area  int
	runs  []run // in rows from the top
	edge  bool  // touches the border of the picture
	count int   // of runs
}

// labeller finds the components of masks; it keeps its buffers from frame to frame.
type labeller struct {
	runs   []run
	parent []int32
	comps  []component
	index  []int32
	sorted []run
}

// label returns the components of the pixels equal to value, which is 0 or 255, as every pixel
// is. connect is 8 or 4.
// The result is valid until the next call.
//
//go:norace
func (l *labeller) label(mask []uint8, w, h int, value uint8, connect int) []component {
	l.runs, l.parent = l.runs[:0], l.parent[:0]
	reach := int32(0)
	if connect == 8 {
		reach = 1
	}
	prev, prevEnd := 0, 0
	for y := range h {
		row := mask[y*w : (y+1)*w]
		start := len(l.runs)
		for x := 0; ; {
			n := bytes.IndexByte(row[x:], value)
			if n < 0 {
				break
			}
			x0 := x + n
			if n = bytes.IndexByte(row[x0:], ^value); n < 0 {
				n = w - x0
			}
			x = x0 + n
			l.add(int32(y), int32(x0), int32(x))
		}
		// Join with the runs above: both rows are sorted, so one sweep finds all pairs.
		p := prev
		for i := start; i < len(l.runs); i++ {
			r := l.runs[i]
			for p < prevEnd && l.runs[p].x1+reach <= r.x0 {
				p++
			}
			for q := p; q < prevEnd && l.runs[q].x0 < r.x1+reach; q++ {
				l.join(int32(i), int32(q))
			}
		}
		prev, prevEnd = start, len(l.runs)
	}
	return l.collect(w, h)
}

func (l *labeller) add(y, x0, x1 int32) {
	l.parent = append(l.parent, int32(len(l.runs)))
	l.runs = append(l.runs, run{y: y, x0: x0, x1: x1})
}

func (l *labeller) root(i int32) int32 {
	for l.parent[i] != i {
		l.parent[i] = l.parent[l.parent[i]]
		i = l.parent[i]
	}
	return i
}

func (l *labeller) join(a, b int32) {
	a, b = l.root(a), l.root(b)
	if a < b {
		l.parent[b] = a
	} else {
		l.parent[a] = b
	}
}

// collect groups the runs by component, components in scan order of their first run.
func (l *labeller) collect(w, h int) []component {
	l.comps = l.comps[:0]
	l.index = slices.Grow(l.index[:0], len(l.runs))[:len(l.runs)]
	for i := range l.runs {
		// A root comes before all the runs that point to it.
		root := l.root(int32(i))
		if root == int32(i) {
			l.index[i] = int32(len(l.comps))
			l.comps = append(l.comps, component{})
		}
		r := &l.runs[i]
		r.id = l.index[root]
		c := &l.comps[r.id]
		c.box = c.box.Union(image.Rect(int(r.x0), int(r.y), int(r.x1), int(r.y)+1))
		c.area += int(r.x1 - r.x0)
		c.count++
		c.edge = c.edge || r.x0 == 0 || int(r.x1) == w || r.y == 0 || int(r.y) == h-1
	}
	l.sorted = slices.Grow(l.sorted[:0], len(l.runs))[:len(l.runs)]
	at := 0
	for i := range l.comps {
		c := &l.comps[i]
		c.runs = l.sorted[at : at : at+c.count]
		at += c.count
	}
	for _, r := range l.runs {
		c := &l.comps[r.id]
		c.runs = append(c.runs, r)
	}
	return l.comps
}
