package health

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// kinds are the kinds of trouble that pictures can tell, in the order in which their
// events are reported.
var kinds = [...]models.Kind{models.KindFrozen, models.KindBlank, models.KindCovered, models.KindDefocused, models.KindMoved}

// Indices into kinds.
const (
	frozen = iota
	blank
	covered
	defocused
	moved
	count
)

// every is how often a look is taken, in media time.
const every = 500 * time.Millisecond

// maxViews is how many views are kept: by day, by night, and two more that the camera was
// moved between.
const maxViews = 4

// Detector watches the health of one camera. It is not safe for concurrent use.
type Detector struct {
	camera  models.CameraID
	config  string
	next    func() int64
	trouble [count]trouble
	pending []models.Event // ended by Apply, reported with the next frame

	now     look
	started bool
	last    models.Instant // of the newest look
	size    int            // of the fine copy, in pixels

	hash uint64
	same models.Instant // since when the picture has not changed at all

	views []*view        // the first is the one in use
	lost  models.Instant // since when the view is not what it was, in part at least
	gone  models.Instant // since when next to nothing of it is there
	// through is how far, of late, the view shone through what has no detail.
	through float64
	good    models.Instant // of the newest look that agreed with the view
	fresh   *view          // what has been there instead since met
	met     models.Instant
	facts   comparison // of the newest look
	aside   shifted
}

// shifted is where the view has gone, in shares of the picture.
type shifted struct{ x, y float64 }

// New returns a detector that looks for the kinds that have a rule. next numbers the
// camera's events. Rules of other kinds are left to others.
func New(rules []models.Rule, camera models.CameraID, config string, next func() int64) *Detector {
	d := &Detector{next: next, fresh: newView(false)}
	d.apply(rules, camera, config)
	for i := range d.trouble {
		d.trouble[i].curve = make([]models.Sample, 0, during)
	}
	return d
}

// Apply replaces the rules, between two frames. What is known of the camera's view stays.
// An event whose kind is no longer looked for ends with the next frame.
func (d *Detector) Apply(w models.Watch) {
	d.apply(w.Health, w.Camera, w.ConfigHash)
}

func (d *Detector) apply(rules []models.Rule, camera models.CameraID, config string) {
	d.camera, d.config = camera, config
	for i, k := range kinds {
		t := &d.trouble[i]
		at := slices.IndexFunc(rules, func(r models.Rule) bool { return r.Kind == k })
		if t.on = at >= 0; t.on {
			t.rule = rules[at]
		} else if t.event != nil {
			d.pending = append(d.pending, t.end(d.last, "no longer looked for"))
		}
	}
}

// Process takes the next frame and the share of the picture that moves, 0..1, and returns
// the events that begin or end with it.
func (d *Detector) Process(f models.Frame, busy float64) []models.Event {
	out := d.pending
	d.pending = nil
	dt := f.At.Since(d.last)
	if d.started && dt >= 0 && dt < every-every/50 {
		return out
	}
	if !d.looking() || !d.now.take(f.Picture, f.FullRange) {
		return out
	}
	if d.started && (dt < 0 || dt > outage) {
		for i := range d.trouble {
			d.trouble[i].forget()
		}
		d.lost, d.gone, d.same = models.Instant{}, models.Instant{}, models.Instant{}
	}
	if n := len(d.now.fine); n != d.size {
		if d.size > 0 {
			// Detail is another at another size, and the picture may be cut differently.
			out = append(out, d.flush("the picture's size changed")...)
		}
		d.size, d.views = n, nil
	}
	dt = min(max(dt, 0), 2*every)
	if !d.started {
		dt = every
	}
	d.started, d.last = true, f.At

	states := d.judge(f.At, dt, busy)
	for i := range d.trouble {
		out = d.follow(out, i, f.At, states[i])
	}
	return d.adopt(out, f.At)
}

// looking says whether any rule counts.
func (d *Detector) looking() bool {
	return slices.ContainsFunc(d.trouble[:], func(t trouble) bool { return t.on })
}

// follow takes one kind's state to its event.
func (d *Detector) follow(out []models.Event, kind int, at models.Instant, s state) []models.Event {
	t := &d.trouble[kind]
	if !t.on {
		return out
	}
	if v := d.observed(kind, at); !math.IsNaN(v) {
		t.note(at, v)
	}
	from := at
	switch kind {
	case frozen:
		from = d.same
	case covered:
		if !d.lost.IsZero() {
			from = d.lost
		}
	case moved:
		from = d.met
	}
	switch alarm, over := t.step(at, from, s); {
	case alarm:
		score, why := d.why(kind, at)
		out = append(out, t.raise(d, at, score, why))
	case over:
		out = append(out, t.end(t.last, recovered[kind]))
	}
	return out
}

var recovered = [count]string{
	frozen:    "the picture changes again",
	blank:     "there is a picture again",
	covered:   "the view is free again",
	defocused: "the view is sharp again",
	moved:     "the camera shows its old view again",
}

// adoptAfter is how long a new view must stand after its alarm before it is the view.
const adoptAfter = 10 * time.Minute

// adopt makes a view that stays the view: the camera was turned on purpose, or nobody has
// turned it back, and what it shows now has to be watched too.
func (d *Detector) adopt(out []models.Event, at models.Instant) []models.Event {
	if d.lost.IsZero() || at.Since(d.met) < adoptAfter || !d.steady() {
		return out
	}
	t := &d.trouble[moved]
	if t.event != nil {
		if at.Since(t.event.Alarm) < adoptAfter {
			return out
		}
		out = append(out, t.end(at, "the new view has stood for ten minutes and is the view from now on"))
	} else if d.trouble[covered].event != nil || d.trouble[defocused].event != nil || d.trouble[blank].event != nil {
		return out
	}
	d.renew(at)
	return out
}

// use makes a view the one in use.
func (d *Detector) use(v *view, at models.Instant) {
	if i := slices.Index(d.views, v); i >= 0 {
		d.views = slices.Delete(d.views, i, i+1)
	}
	d.views = slices.Insert(d.views, 0, v)
	if len(d.views) > maxViews {
		d.views = d.views[:maxViews]
	}
	d.good = at
}

// Flush ends all events, because the stream has ended or was lost. What is known of the
// camera's view stays: it may have been turned when it comes back.
func (d *Detector) Flush() []models.Event {
	out := append(d.pending, d.flush("the stream ended")...)
	d.pending = nil
	return out
}

func (d *Detector) flush(reason string) []models.Event {
	var out []models.Event
	for i := range d.trouble {
		if t := &d.trouble[i]; t.event != nil {
			out = append(out, t.end(d.last, reason))
		}
		d.trouble[i].forget()
	}
	d.lost, d.gone, d.same = models.Instant{}, models.Instant{}, models.Instant{}
	return out
}

// Troubles are the kinds of which there is an event now.
func (d *Detector) Troubles() []models.Kind {
	var out []models.Kind
	for i := range d.trouble {
		if d.trouble[i].event != nil {
			out = append(out, kinds[i])
		}
	}
	return out
}

// Disturbed says that the view may be covered, moved, blurred or gone, confirmed or not,
// and since when: what has changed in the picture since then is no change of the scene.
func (d *Detector) Disturbed() (since models.Instant, disturbed bool) {
	since, disturbed = d.gone, !d.gone.IsZero()
	for _, t := range d.trouble[blank:] {
		if t.on && t.suspected() && (!disturbed || t.since.Media < since.Media) {
			since, disturbed = t.since, true
		}
	}
	if !disturbed {
		return models.Instant{}, false
	}
	return since.Add(-every), true // it began between the look before and this one
}
