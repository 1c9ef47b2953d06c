package rule

import (
	"math"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// things is for what was put down and what was taken away: changes of the scene that stay.
//
// left_object: a new thing stands in the zone (its centre or its foot), and nobody has
// attended to it for the time For: the clock runs from when its owner left it, as in
// i-LIDS, where a bag is abandoned a minute after that. The owner attends to it while he
// is within a box height. So does anyone else who stands where he can touch it for three
// seconds; who waits beside it or only passes does not start the clock anew, or no bag in a
// busy place would ever raise an alarm.
//
// removed_object: a thing that belonged to the scene is gone, and has been for the time
// For, whoever stands beside.
//
// Nothing comes or goes by itself. The owner, or taker, is the track that was nearest, within
// a box height, when the change came to rest; without one it is light, and raises nothing.
// So is a change that is too small or too large for who is said to have carried it, one of
// many that came at once, and one that might as well be the opposite. A track counts here from its first sight, believed or not.
//
// The event starts when the thing was put down or taken, and ends when the scene is again
// as it was, or has taken the change for its own. Its track and path are those of the
// owner or taker; one thing raises one alarm. Nothing names such a thing,
// so without labels its label is unknown and the score is how sure the change is. With
// labels the object detector must have named a thing of that place, such as a suitcase.
type things struct {
	removed bool
	present []*thing
	trails  []*trail // of those who have been in the picture lately
}

// thing is one change of the scene.
type thing struct {
	static   models.Static
	seen     models.Instant // last reported
	owner    *trail         // nil: nobody was there
	keeper   sight          // the owner when last seen, under whatever number
	stature  float64        // height of the owner's box then
	attended models.Instant // last, or since when it is there
	distance float64        // of the nearest person then and after, in box heights; Inf: none
	near     []attendant
	label    string
	score    float64
	curve    series[models.Sample]
	event    *models.Event
	done     bool
}

// sight is where a track was when it was last seen.
type sight struct {
	track models.TrackID
	at    models.Instant
	box   models.Box
}

// attendant is someone near a thing.
type attendant struct {
	track    models.TrackID
	from, to models.Instant
}

// trail is where a track has been.
type trail struct {
	track models.TrackID
	last  models.Instant
	path  series[models.PathPoint]
}

const (
	// besideReach is how near, in heights of a person's box, he attends to a thing: an arm's
	// reach and a step.
	besideReach = 1.0
	// touchReach is the same for a stranger: with an arm stretched out, which is 0.4 of a
	// body's height from its middle and a quarter from the edge of the box.
	touchReach = 0.25
	// passing is how long one may be near without attending: two steps to it, two from it.
	passing = 3 * time.Second
	// cameWith is how long before a thing came to rest its owner may have been seen last:
	// they are one region until he steps away.
	cameWith = 5 * time.Second
	// trailFor is how long a track that is out of sight is kept to find an owner: the
	// background takes seconds to tell a change that stays.
	trailFor = time.Minute
	// maxTrails bounds the tracks that are kept; the one longest out of sight goes.
	maxTrails = 64
	// leastSure is the least score of a change: 0.5 is a coin's throw between left and gone.
	leastSure = 0.6
	// leastCarried and mostCarried bound the size of a thing, as the square root of its
	// area, in heights of who carried it: a hand's length, and a couch.
	leastCarried, mostCarried = 0.1, 1.0
	// atOnce is how many changes may come within together: a person puts down a bag or two,
	// or moves a chair, whose old and new place may be two parts each. Light makes dozens.
	atOnce   = 4
	together = 2 * time.Second
	// sameThing is how much of a track's box and a thing's, by intersection over union,
	// is the same when the track is the thing.
	sameThing = 0.5
)

func newThings(w *watcher) *things {
	return &things{removed: w.rule.Kind == models.KindRemovedObject}
}

func (s *things) process(w *watcher, f *frame, out []models.Event) []models.Event {
	s.follow(f)
	for i := range f.statics {
		st := &f.statics[i]
		if st.Removed != s.removed || !sane(st.Box, st.Score) ||
			!w.zone.Polygon.Contains(st.Box.Foot()) && !w.zone.Polygon.Contains(st.Box.Center()) {
			continue
		}
		th := s.of(st.ID)
		if th == nil {
			th = s.found(f, st)
		}
		th.static, th.seen = *st, f.at
		th.attend(f)
		th.name(w, f)
		alone := th.alone(s.removed, f.at)
		th.curve.add(f.at.Media, models.Sample{At: f.at, Value: alone.Seconds()})
		if th.done || alone < w.rule.For || !th.carried(f) || !w.labelled(th.label, th.score) || st.Box.Area() < w.rule.MinSize || !w.ready(f.at) {
			continue
		}
		ev := th.alarm(w, f, alone, s.removed)
		th.event, th.done = &ev, true
		out = append(out, ev)
	}
	s.present = slices.DeleteFunc(s.present, func(th *thing) bool {
		// Whoever walks in front of a thing hides it for a moment. What was last seen in the
		// future is of the time before media time began anew.
		if gone := f.at.Since(th.seen); gone >= 0 && gone <= occlusion {
			return false
		}
		out = th.end(out)
		return true
	})
	return out
}

func (s *things) flush(_ *watcher, out []models.Event) []models.Event {
	for _, th := range s.present { // and they stay known: when the stream is back, so are they
		out = th.end(out)
	}
	return out
}

func (s *things) of(id int64) *thing {
	for _, th := range s.present {
		if th.static.ID == id {
			return th
		}
	}
	return nil
}

// follow keeps the trails of all who were seen.
func (s *things) follow(f *frame) {
	for i := range f.tracks {
		t := &f.tracks[i]
		if !t.Seen {
			continue
		}
		at := slices.IndexFunc(s.trails, func(tr *trail) bool { return tr.track == t.ID })
		if at < 0 {
			if len(s.trails) == maxTrails {
				oldest := 0
				for k, tr := range s.trails {
					if tr.last.Media < s.trails[oldest].last.Media {
						oldest = k
					}
				}
				s.trails = slices.Delete(s.trails, oldest, oldest+1)
			}
			at = len(s.trails)
			s.trails = append(s.trails, &trail{track: t.ID, path: series[models.PathPoint]{limit: maxPath}})
		}
		tr := s.trails[at]
		tr.last = f.at
		tr.path.add(f.at.Media, models.PathPoint{At: f.at, Foot: t.Box.Foot(), Box: t.Box, Seen: true, Score: t.LastScore})
	}
	s.trails = slices.DeleteFunc(s.trails, func(tr *trail) bool { return f.at.Since(tr.last) > trailFor })
}

// found makes the thing of a change that is reported for the first time, and looks for who
// brought it in the trails of those who have been near.
func (s *things) found(f *frame, st *models.Static) *thing {
	th := &thing{static: *st, attended: st.Since, distance: math.Inf(1), label: models.LabelUnknown,
		curve: series[models.Sample]{limit: maxCurve}}
	s.present = append(s.present, th)
	nearest := besideReach
	for _, tr := range s.trails {
		p, ok := tr.path.around(st.Since.Media)
		// What came into sight with the change is the thing, or a part of it.
		if !ok || tr.path.at[0] >= st.Since.Media || p.At.Since(st.Since).Abs() > cameWith || p.Box.IoU(st.Box) >= sameThing {
			continue
		}
		if d := f.apart(p.Box, st.Box); d <= nearest {
			th.owner, th.stature, nearest = tr, p.Box.H, d
		}
	}
	if th.owner == nil {
		return th
	}
	last := th.owner.path.kept[len(th.owner.path.kept)-1]
	th.keeper = sight{th.owner.track, th.owner.last, last.Box}
	for _, p := range th.owner.path.kept {
		if d := f.apart(p.Box, st.Box); d <= besideReach && p.At.Media >= th.attended.Media {
			th.attended = p.At
		}
	}
	return th
}

// around returns the value nearest in time.
func (s *series[T]) around(at time.Duration) (v T, ok bool) {
	if len(s.kept) == 0 {
		return v, false
	}
	i, _ := slices.BinarySearch(s.at, at)
	if i == len(s.at) || i > 0 && at-s.at[i-1] < s.at[i]-at {
		i--
	}
	return s.kept[i], true
}

// carried says whether somebody can have carried the thing there or away.
func (th *thing) carried(f *frame) bool {
	if th.owner == nil || th.static.Score < leastSure {
		return false
	}
	size := math.Sqrt(th.static.Box.W*f.aspect*th.static.Box.H) / th.stature
	if size < leastCarried || size > mostCarried {
		return false
	}
	with := 0
	for i := range f.statics {
		if f.statics[i].Since.Since(th.static.Since).Abs() <= together {
			with++
		}
	}
	return with <= atOnce
}

// attend takes note of who is near in this frame.
func (th *thing) attend(f *frame) {
	th.distance = math.Inf(1)
	for i := range f.tracks {
		t := &f.tracks[i]
		// Who was lost may still be there, but is not for as long as the tracker remembers.
		owner := th.kept(f, t)
		if t.State == models.TrackTentative && !owner || f.at.Since(t.Last) > occlusion || t.Box.IoU(th.static.Box) >= sameThing && t.Label != "person" {
			continue
		}
		d := f.apart(t.Box, th.static.Box)
		th.distance = min(th.distance, d)
		if owner {
			th.keeper = sight{t.ID, t.Last, t.Box}
		}
		if owner && d > besideReach || !owner && d > touchReach {
			continue
		}
		at := slices.IndexFunc(th.near, func(a attendant) bool { return a.track == t.ID })
		if at < 0 {
			at = len(th.near)
			th.near = append(th.near, attendant{track: t.ID, from: f.at})
		}
		a := &th.near[at]
		a.to = f.at
		if owner || a.to.Since(a.from) >= passing {
			th.attended = f.at
		}
	}
	th.near = slices.DeleteFunc(th.near, func(a attendant) bool { return f.at.Since(a.to) > occlusion })
}

// kept says whether a track is the owner, or goes on where the owner was lost: trackers
// give the same person a new number behind a post.
func (th *thing) kept(f *frame, t *models.Track) bool {
	if th.owner == nil {
		return false
	}
	if t.ID == th.keeper.track {
		return true
	}
	if f.apart(th.keeper.box, th.static.Box) > besideReach {
		return false // he had left it
	}
	gap := t.First.Since(th.keeper.at)
	return gap >= -time.Second && gap <= cameWith && f.at.Since(t.First) <= passing && f.apart(t.Box, th.keeper.box) <= besideReach
}

// alone is for how long nobody has attended to the thing.
func (th *thing) alone(removed bool, at models.Instant) time.Duration {
	if removed {
		return at.Since(th.static.Since)
	}
	return at.Since(th.attended)
}

// name looks for a track of the thing itself, which the rule's labels ask for.
func (th *thing) name(w *watcher, f *frame) {
	if len(w.rule.Labels) == 0 {
		th.score = th.static.Score
		return
	}
	for i := range f.tracks {
		t := &f.tracks[i]
		if w.labelled(t.Label, t.Score) && t.Box.IoU(th.static.Box) >= sameThing/2 {
			th.label, th.score = t.Label, t.Score
		}
	}
}

func (th *thing) alarm(w *watcher, f *frame, alone time.Duration, removed bool) models.Event {
	first := models.Fact{Name: "unattended", Observed: alone.Seconds(), Threshold: w.rule.For.Seconds(), Unit: "s"}
	if removed {
		first.Name = "gone"
	}
	why := []models.Fact{first,
		{Name: "size", Observed: math.Sqrt(th.static.Box.W*f.aspect*th.static.Box.H) / th.stature, Threshold: leastCarried, Unit: "box heights of who carried it"},
		{Name: "sure", Observed: th.static.Score, Threshold: leastSure, Note: "that the scene has changed so"}}
	if !removed {
		why = append(why, models.Fact{Name: "there", Observed: f.at.Since(th.static.Since).Seconds(), Unit: "s"})
		if !math.IsInf(th.distance, 1) {
			why = append(why, models.Fact{Name: "nearest person", Observed: th.distance, Threshold: besideReach, Unit: "box heights"})
		}
	}
	if w.rule.MinSize > 0 {
		why = append(why, models.Fact{Name: "area", Observed: th.static.Box.Area(), Threshold: w.rule.MinSize, Note: "share of the picture"})
	}
	ev := w.alarmOf(th.static.Since, f.at, th.label, th.score, th.static.Box, why)
	ev.Track, ev.Path, ev.Curve = th.owner.track, th.owner.path.copy(), th.curve.copy()
	return ev
}

// end ends the event of a thing, if there is one.
func (th *thing) end(out []models.Event) []models.Event {
	if th.event == nil {
		return out
	}
	ev := ended(*th.event, th.seen)
	ev.Curve = th.curve.copy()
	th.event = nil
	return append(out, ev)
}

// apart is how far a person is from a thing, in heights of his box: over the ground, from
// foot to foot, less the widths.
func (f *frame) apart(person, thing models.Box) float64 {
	gap := max(0, thing.X-(person.X+person.W), person.X-(thing.X+thing.W))
	return math.Hypot(gap*f.aspect, person.Foot().Y-thing.Foot().Y) / person.H
}
