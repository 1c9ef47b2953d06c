package motion

// verdict says what a change that stays is.
type verdict struct {
	light   bool    // the scene under other light, or displaced by a hair
	removed bool    // what was there is gone
	score   float64 // 0.5..1, how sure it is that it was put down, or taken away
}

const (
	// staticSoft is the ratio of the new gradient on the outline to the contrast inside
	// below which a change has no outline. Over the two cells of a gradient a thing's
	// border rises by all of its contrast; the border of light by a part of it.
	staticSoft = 0.6
	// similar scales the difference of two colours, in grey levels, to a doubt.
	similar = 10
)

// judge looks at a change that stays. Along its outline a thing that was put down has
// edges now, and one that was taken away had them before; and what lies around is more
// like the inside without the thing than with it (after Tian et al. 2011).
//
//go:norace
func (s *statics) judge(cells []int32, d *Detector) verdict {
	w, h := s.w, s.h
	strong := max(4*d.noise.luma, 10)
	for _, i := range cells {
		s.inside[i] = true
	}
	var edgeNow, edgeThen, fresh, contrast, colour float32
	var outline, lines, kept, between int
	var in, inThen, out, outThen cell
	ring := 0
	for _, i := range cells {
		x, y := int(i)%w, int(i)/w
		now, then := s.rest[i], s.long[i]
		in, inThen = in.plus(now), inThen.plus(then)
		contrast += abs32(now.y - then.y)
		colour += abs32(now.b-then.b) + abs32(now.r-then.r)
		if x < 2 || y < 2 || x >= w-2 || y >= h-2 {
			continue
		}
		j := int(i)
		if s.between(j, d.noise.luma) {
			between++
		}
		bx, by := s.long[j+1].y-s.long[j-1].y, s.long[j+w].y-s.long[j-w].y
		if b2 := bx*bx + by*by; b2 > strong*strong {
			lines++
			cx, cy := s.rest[j+1].y-s.rest[j-1].y, s.rest[j+w].y-s.rest[j-w].y
			dot, c2 := bx*cx+by*cy, cx*cx+cy*cy
			if dot > 0 && dot*dot > 0.5*b2*c2 && c2 > b2/16 {
				kept++
			}
		}
		if s.inside[j-1] && s.inside[j+1] && s.inside[j-w] && s.inside[j+w] {
			continue
		}
		outline++
		a, b, f := s.edges(j)
		edgeNow, edgeThen, fresh = edgeNow+a, edgeThen+b, fresh+f
		for _, k := range [...]int{j - 2, j + 2, j - 2*w, j + 2*w} {
			if !s.inside[k] && !s.taken[k] {
				out, outThen = out.plus(s.now[k]), outThen.plus(s.long[k])
				ring++
			}
		}
	}
	for _, i := range cells {
		s.inside[i] = false
	}
	n := float32(len(cells))
	var v verdict
	switch {
	case outline < 6: // at the border of the picture: too little to go by
		v.light = true
	case between >= int(sameColours*n):
		v.light = true
	case lines >= 6 && float32(lines) >= someLines*n && float32(kept) >= sameLines*float32(lines):
		v.light = true
	case colour < contrast/2:
		soft := fresh/float32(outline) < staticSoft*contrast/n
		v.light = soft && fresh/float32(outline) < hard
	}
	vote := float64((edgeNow - edgeThen) / max(edgeNow+edgeThen, 1))
	if ring > 0 {
		r := float32(ring)
		now := in.times(1 / n).distance(out.times(1 / r))
		then := inThen.times(1 / n).distance(outThen.times(1 / r))
		vote = (2*vote + float64((now-then)/(now+then+similar))) / 3
	}
	v.removed = vote < 0
	v.score = min(0.5+max(vote, -vote), 1)
	return v
}

// between says whether a cell shows nothing that lies not between its neighbours of
// before: the scene has been displaced by a cell at most.
func (s *statics) between(j int, noise float32) bool {
	w := s.w
	lo, hi := s.long[j].y, s.long[j].y
	for _, k := range [...]int{j - w - 1, j - w, j - w + 1, j - 1, j + 1, j + w - 1, j + w, j + w + 1} {
		lo, hi = min(lo, s.long[k].y), max(hi, s.long[k].y)
	}
	return s.rest[j].y > lo-2*noise && s.rest[j].y < hi+2*noise &&
		!s.rest[j].apart(cell{s.rest[j].y, s.long[j].b, s.long[j].r}, 9+2*noise)
}

// edges returns the strongest gradients within a cell of j, now and before, and the
// strongest difference of the two.
func (s *statics) edges(j int) (now, then, fresh float32) {
	w := s.w
	for _, k := range [...]int{j - w - 1, j - w, j - w + 1, j - 1, j, j + 1, j + w - 1, j + w, j + w + 1} {
		cx, cy := s.rest[k+1].y-s.rest[k-1].y, s.rest[k+w].y-s.rest[k-w].y
		bx, by := s.long[k+1].y-s.long[k-1].y, s.long[k+w].y-s.long[k-w].y
		now = max(now, abs32(cx)+abs32(cy))
		then = max(then, abs32(bx)+abs32(by))
		fresh = max(fresh, abs32(cx-bx)+abs32(cy-by))
	}
	return now, then, fresh
}

func (c cell) plus(o cell) cell        { return cell{c.y + o.y, c.b + o.b, c.r + o.r} }
func (c cell) times(f float32) cell    { return cell{c.y * f, c.b * f, c.r * f} }
func (c cell) distance(o cell) float32 { return abs32(c.y-o.y) + abs32(c.b-o.b) + abs32(c.r-o.r) }
