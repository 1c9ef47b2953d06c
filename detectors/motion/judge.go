package motion

// evidence is what speaks for and against a component being a thing.
type evidence struct {
	lines, kept  int     // samples of the background's lines in it, and how many are still there
	explained    float32 // share of its pixels that lie between the background's neighbours
	outlineNow   float32 // mean gradient of the picture along its outline
	outlineThen  float32 // mean gradient of the background there
	outlineNew   float32 // mean difference of the two gradients
	contrast     float32 // mean difference of luma from the background, inside
	colour       float32 // the same of chroma
	outlineCount int
}

// examine gathers the evidence of a component.
//
//go:norace
func (d *Detector) examine(c component) evidence {
	w, h := d.in.size.X, d.in.size.Y
	bg, lut := &d.model.bg, &d.light.lut
	var e evidence
	between := 0
	for _, r := range c.runs {
		y := int(r.y)
		for x := int(r.x0); x < int(r.x1); x++ {
			i := y*w + x
			py := lut[d.in.y.Pix[i]]
			e.contrast += abs32(py - bg.y[i])
			e.colour += abs32(float32(d.in.cb.Pix[i])-bg.b[i]) + abs32(float32(d.in.cr.Pix[i])-bg.r[i])
			if x < 2 || y < 2 || x >= w-2 || y >= h-2 {
				continue
			}
			if d.between(i, py) {
				between++
			}
			if line, kept := d.line(i); line {
				e.lines++
				if kept {
					e.kept++
				}
			}
			if x > int(r.x0) && x < int(r.x1)-1 && d.clean.Pix[i-w] != 0 && d.clean.Pix[i+w] != 0 {
				continue
			}
			now, then, fresh := d.edges(x, y)
			e.outlineNow += now
			e.outlineThen += then
			e.outlineNew += fresh
			e.outlineCount++
		}
	}
	n := float32(max(e.outlineCount, 1))
	e.outlineNow /= n
	e.outlineThen /= n
	e.outlineNew /= n
	e.contrast /= float32(c.area)
	e.colour /= float32(c.area)
	e.explained = float32(between) / float32(c.area)
	return e
}

// between says whether a luma lies between those of the background around pixel i.
//
//go:norace
func (d *Detector) between(i int, py float32) bool {
	w, bg := d.model.w, d.model.bg.y
	lo, hi := bg[i], bg[i]
	for _, j := range [...]int{i - w - 1, i - w, i - w + 1, i - 1, i + 1, i + w - 1, i + w, i + w + 1} {
		lo, hi = min(lo, bg[j]), max(hi, bg[j])
	}
	slack := 2 * d.noise.luma
	return py > lo-slack && py < hi+slack
}

// edges returns the strongest gradients within a pixel of (x,y), now and in the
// background, and the strongest difference of the two: what light does not explain, be it
// added to the background (a lamp's glow, fog) or taken from it as a share (a shadow, an
// insect that crawls on the lens).
//
//go:norace
func (d *Detector) edges(x, y int) (now, then, fresh float32) {
	w := d.in.size.X
	bg, lut, pix := d.model.bg.y, &d.light.lut, d.in.y.Pix
	black := float32(d.light.black)
	for ny := y - 1; ny <= y+1; ny++ {
		for nx := x - 1; nx <= x+1; nx++ {
			i := ny*w + nx
			cx, cy := lut[pix[i+1]]-lut[pix[i-1]], lut[pix[i+w]]-lut[pix[i-w]]
			bx, by := bg[i+1]-bg[i-1], bg[i+w]-bg[i-w]
			now = max(now, abs32(cx)+abs32(cy))
			then = max(then, abs32(bx)+abs32(by))
			q := min(max((lut[pix[i]]-black)/max(bg[i]-black, 1), 0), 2)
			fresh = max(fresh, min(abs32(cx-bx)+abs32(cy-by), abs32(cx-q*bx)+abs32(cy-q*by)))
		}
	}
	return now, then, fresh
}

const (
	// sameLines: a region that keeps this share of the background's lines is the
	// background under other light; people keep a third by chance, light nearly all.
	sameLines = 0.8
	// someLines is how many samples of lines, as a share of the region, it takes to say so.
	someLines = 0.1
	// soft is the ratio of new gradient on the outline to contrast inside below which a
	// region has no outline. The step at the border of a thing is as high as its contrast
	// and counts on both axes; light and its shadows fade out over many pixels.
	soft = 1.2
	// hard is a gradient that no light makes: 20 grey levels over two pixels.
	hard = 20
	// smeared is the ratio of the picture's gradient on the outline to contrast inside below
	// which a region is far out of focus: what a border rises by over two pixels, when it takes
	// seven to rise. An insect on the lens, a drop, a glare; not what the camera is there for.
	smeared = 0.3
	// stark is the contrast, in grey levels, from which that can be told: noise and the
	// background's own lines give some gradient everywhere.
	stark = 40
	// sameColours is the share of a region's pixels that lie between their neighbours'
	// luma in the background above which the background has only been displaced.
	sameColours = 0.7
)

// isLight says whether the region is the background under other light.
func (d *Detector) isLight(c component, e evidence) bool {
	if e.outlineCount < 6 {
		return false
	}
	if e.lines >= 8 && float32(e.lines) >= someLines*float32(c.area) && float32(e.kept) >= sameLines*float32(e.lines) {
		return true
	}
	return e.outlineNew < soft*e.contrast && e.outlineNew < hard
}

// isSmeared says whether the region has no outline that is anywhere near sharp. Somebody who
// fills the view has most of his outline beyond its border.
func (d *Detector) isSmeared(c component, e evidence) bool {
	return c.area < d.open/10 && e.outlineCount >= 6 && e.contrast >= stark && e.outlineNow < smeared*e.contrast
}

// isDisplaced says whether the region is the background moved by a pixel: leaves, a
// camera that shakes.
func (d *Detector) isDisplaced(e evidence) bool { return e.explained >= sameColours }

// Holes: the outline is an edge of the background and not of the picture.
const (
	holeRatio = 1.5 // suspicious: a hole if it stays
	holeClear = 3.0 // beyond doubt
)

// isHole says whether something stood here when the background was learnt, and has gone.
// sure says that it need not be watched any longer.
func (d *Detector) isHole(e evidence) (hole, sure bool) {
	if e.outlineCount < 8 || e.outlineThen < 6*d.noise.luma {
		return false, false
	}
	return e.outlineThen > holeRatio*e.outlineNow, e.outlineThen > holeClear*e.outlineNow
}
