package rule

import (
	"cmp"
	"math"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Engine watches the zones of one camera. It is not safe for concurrent use.
type Engine struct {
	// Aspect is the width of the picture over its height, to measure distances alike in
	// both directions. Set before the first Process; default 16:9.
	Aspect float64
	// NextID numbers the events of the camera; default counts from 1.
	NextID func() int64

	watch   models.Watch
	watches []*watcher
	pending []models.Event // ended by Apply, reported with the next frame
	frame   frame
	known   []known // of the last frame, by rising ID
}

// known is a track of the last frame: in sight, or where it was expected.
type known struct {
	id      models.TrackID
	insight bool
	foot    models.Point
}

// frame is what the rules look at together.
type frame struct {
	at      models.Instant
	aspect  float64
	tracks  []models.Track // sane ones
	statics []models.Static
	fresh   []bool // by index of tracks: was not in sight in the last frame, nor expected where it is
	first   []bool // by index of tracks: was not reported in the last frame
}

// New returns an engine for the zones and rules of w.
func New(w models.Watch) *Engine {
	n := int64(0)
	e := &Engine{Aspect: 16.0 / 9, NextID: func() int64 { n++; return n }}
	e.Apply(w)
	return e
}

// Apply replaces zones and rules. Visits of a rule that stays as it is, in a zone that
// stays as it is, go on. Events of the others end; they are reported with the next frame.
func (e *Engine) Apply(w models.Watch) {
	old := e.watches
	e.watch, e.watches = w, nil
	for _, z := range w.Zones {
		for _, r := range z.Rules {
			at := slices.IndexFunc(old, func(o *watcher) bool { return o != nil && o.same(z, r) })
			if at >= 0 {
				e.watches = append(e.watches, old[at])
				old[at] = nil
				continue
			}
			e.watches = append(e.watches, newWatcher(e, z, r))
		}
	}
	for _, o := range old {
		if o != nil {
			e.pending = o.kind.flush(o, e.pending)
		}
	}
}

// Process takes what the next frame shows, tracks and static changes of the scene, and
// returns the events that begin or end with it. Instants must not run backwards, unless
// Flush was called in between.
func (e *Engine) Process(at models.Instant, tracks []models.Track, statics []models.Static) []models.Event {
	out := e.pending
	e.pending = nil
	f := e.look(at, tracks, statics)
	for _, w := range e.watches {
		out = w.kind.process(w, f, out)
	}
	e.remember(tracks)
	return out
}

// look gathers what the rules need to know of a frame.
func (e *Engine) look(at models.Instant, tracks []models.Track, statics []models.Static) *frame {
	f := &e.frame
	f.at, f.aspect, f.statics = at, e.Aspect, statics
	f.tracks, f.fresh, f.first = f.tracks[:0], f.fresh[:0], f.first[:0]
	for i := range tracks {
		t := &tracks[i]
		if t.State == models.TrackFinished || !sane(t.Box, t.Score, t.LastScore) {
			continue
		}
		k, found := slices.BinarySearchFunc(e.known, t.ID, func(k known, id models.TrackID) int { return cmp.Compare(k.id, id) })
		same := found && (e.known[k].insight || f.distance(e.known[k].foot, t.Box.Foot()) <= handOverReach*t.Box.H)
		f.tracks, f.fresh, f.first = append(f.tracks, *t), append(f.fresh, !same), append(f.first, !found)
	}
	return f
}

func (e *Engine) remember(tracks []models.Track) {
	e.known = e.known[:0]
	for i := range tracks {
		e.known = append(e.known, known{tracks[i].ID, tracks[i].Seen, tracks[i].Box.Foot()})
	}
	slices.SortFunc(e.known, func(a, b known) int { return cmp.Compare(a.id, b.id) })
}

// Flush ends all that is going on, because the stream has ended, and returns the events
// that end.
func (e *Engine) Flush() []models.Event {
	out := e.pending
	e.pending = nil
	for _, w := range e.watches {
		out = w.kind.flush(w, out)
	}
	e.known = e.known[:0]
	return out
}

// track returns the frame's track of that number, nil if there is none.
func (f *frame) track(id models.TrackID) *models.Track {
	for i := range f.tracks {
		if f.tracks[i].ID == id {
			return &f.tracks[i]
		}
	}
	return nil
}

// sane says whether a box and scores can be reckoned with: a box that exists and lies not
// farther outside the picture than the picture is large.
func sane(b models.Box, scores ...float64) bool {
	for _, s := range scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return false
		}
	}
	return !b.Empty() && b.X > -1 && b.Y > -1 && b.X+b.W < 2 && b.Y+b.H < 2
}

// distance is how far two points are apart, in picture heights.
func (f *frame) distance(a, b models.Point) float64 {
	return math.Hypot((a.X-b.X)*f.aspect, a.Y-b.Y)
}
