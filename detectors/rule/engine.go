package rule

import (
	"slices"
	"time"

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
	pending []models.Event   // ended by Apply, reported with the next frame
	known   []models.TrackID // of the last frame, rising
}

// watcher is one rule in one zone, with the visits that are going on.
type watcher struct {
	zone   models.Zone
	rule   models.Rule
	visits []*visit // in order of arrival
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
			e.watches = append(e.watches, &watcher{zone: z, rule: r})
		}
	}
	for _, o := range old {
		if o != nil {
			e.pending = append(e.pending, o.flush(e)...)
		}
	}
}

func (w *watcher) same(z models.Zone, r models.Rule) bool {
	return w.zone.ID == z.ID && slices.Equal(w.zone.Polygon, z.Polygon) && w.rule.Equal(r)
}

// Process takes what the next frame shows, tracks and static changes of the scene, and
// returns the events that begin or end with it. Instants must not run backwards.
func (e *Engine) Process(at models.Instant, tracks []models.Track, statics []models.Static) []models.Event {
	out := e.pending
	e.pending = nil
	for _, w := range e.watches {
		out = append(out, w.process(e, at, tracks)...)
	}
	e.known = e.known[:0]
	for i := range tracks {
		e.known = append(e.known, tracks[i].ID)
	}
	slices.Sort(e.known)
	return out
}

// Flush ends all visits, because the stream has ended, and returns the events that end.
func (e *Engine) Flush() []models.Event {
	out := e.pending
	e.pending = nil
	for _, w := range e.watches {
		out = append(out, w.flush(e)...)
	}
	return out
}

func (w *watcher) process(e *Engine, at models.Instant, tracks []models.Track) []models.Event {
	var out []models.Event
	for i := range tracks {
		t := &tracks[i]
		if t.State == models.TrackFinished || !t.Seen {
			continue
		}
		in := w.zone.Polygon.Contains(t.Box.Foot())
		v := w.visitOf(t.ID)
		if v == nil && in {
			if v = w.handOver(e, at, t, tracks); v == nil {
				v = &visit{start: e.arrival(at, t)}
				w.visits = append(w.visits, v)
			}
			v.take(t.ID)
		}
		if v == nil {
			continue
		}
		v.see(at, t, in, e.Aspect)
		if ev, ok := w.judge(e, v, at, t, in); ok {
			out = append(out, ev)
		}
	}
	kept := w.visits[:0]
	for _, v := range w.visits {
		if ev, ok := w.pause(e, v, at); ok {
			out = append(out, ev)
		}
		if at.Since(v.inside) > w.patience(v, tracks) {
			out = append(out, w.close(e, v)...)
			continue
		}
		kept = append(kept, v)
	}
	clear(w.visits[len(kept):])
	w.visits = kept
	return out
}

// arrival is when a track that has just been found in a zone came there: now, unless the
// tracker reports it for the first time and knows that it has been there for longer (it
// stood there when the camera started).
func (e *Engine) arrival(at models.Instant, t *models.Track) models.Instant {
	if _, known := slices.BinarySearch(e.known, t.ID); !known && t.First.Media < at.Media {
		return t.First
	}
	return at
}

func (w *watcher) flush(e *Engine) []models.Event {
	var out []models.Event
	for _, v := range w.visits {
		out = append(out, w.close(e, v)...)
	}
	w.visits = nil
	return out
}

func (w *watcher) close(e *Engine, v *visit) []models.Event {
	if v.event == nil {
		return nil
	}
	return []models.Event{w.end(v, v.until(w.rule))}
}

func (w *watcher) visitOf(id models.TrackID) *visit {
	for _, v := range w.visits {
		if v.track() == id {
			return v
		}
	}
	return nil
}

// occlusion is how long a visit waits for a track that is out of sight, but not known to
// have left the zone: the tracker looks for it that long. A shorter grace is about people
// who step out, not about people who pass behind a post.
const occlusion = 2 * time.Second

// patience is how long after the last time in the zone a visit stays open.
func (w *watcher) patience(v *visit, tracks []models.Track) time.Duration {
	if !v.outside && w.rule.Grace < occlusion {
		for i := range tracks {
			if t := &tracks[i]; t.ID == v.track() && t.State == models.TrackLost && w.zone.Polygon.Contains(t.Box.Foot()) {
				return occlusion
			}
		}
	}
	return w.rule.Grace
}
