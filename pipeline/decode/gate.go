package decode

import "time"

// holdLimit bounds, in media time, how long undamaged pictures are withheld because they
// build on damaged ones.
const holdLimit = 2 * time.Second

// flaws of a decoded picture, as the C side reports them.
type flaws int

const (
	damaged     flaws = 1 << iota // in its own slices or references
	unrecovered                   // the codec knows that something before it is missing
)

// gate decides which decoded pictures are fit to be analysed.
type gate struct {
	begun   bool          // a sound picture has been seen since the last reset
	tainted bool          // pictures build on damage, until the next key frame
	from    int64         // first access unit of this taint, in decoding order
	to      int64         // last access unit with new damage
	since   time.Duration // media time of from
	gap     bool          // the codec itself said in the picture before that it lacks one
}

// taint says that the access unit seq, at the given media time, is damaged or follows
// something lost.
func (g *gate) taint(seq int64, at time.Duration) {
	if !g.tainted {
		g.tainted, g.from, g.since = true, seq, at
	}
	g.to = max(g.to, seq)
}

// pass says whether the next picture in presentation order may be emitted. seq is its
// place in decoding order: with B-frames, pictures from before a loss leave the decoder
// after it was noticed.
func (g *gate) pass(seq int64, key bool, f flaws, at time.Duration) bool {
	recovered := g.gap && f == 0
	g.gap = f&unrecovered != 0
	switch {
	case f&damaged != 0 || f != 0 && !g.tainted:
		g.taint(seq, at)
	case f == 0 && (recovered || key) && seq > g.to:
		g.tainted = false
	}
	g.begun = g.begun || f == 0
	if !g.begun || f&damaged != 0 || g.tainted && seq == g.to {
		return false
	}
	return !g.tainted || seq < g.from || at-g.since >= holdLimit
}
