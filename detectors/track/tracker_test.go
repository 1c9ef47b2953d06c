package track

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const fps = 5

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func instant(media time.Duration) models.Instant {
	return models.Instant{Media: media, Wall: epoch.Add(media)}
}

// mover is one true thing: a box whose foot goes from a to b within a time.
type mover struct {
	from, to time.Duration
	a, b     models.Point
	h        float64
	look     models.Appearance
	hidden   func(time.Duration) bool
}

func (m mover) box(at time.Duration) (models.Box, bool) {
	if at < m.from || at > m.to || m.hidden != nil && m.hidden(at) {
		return models.Box{}, false
	}
	u := float64(at-m.from) / float64(max(m.to-m.from, 1))
	x, y := m.a.X+u*(m.b.X-m.a.X), m.a.Y+u*(m.b.Y-m.a.Y)
	w := 0.4 * m.h
	return models.Box{X: x - w/2, Y: y - m.h, W: w, H: m.h}, true
}

// looks is a Look that knows the true things.
type looks struct {
	movers []mover
	at     time.Duration
}

func (l looks) Appearance(b models.Box) models.Appearance {
	var best models.Appearance
	top := 0.3
	for _, m := range l.movers {
		if t, ok := m.box(l.at); ok && t.IoU(b) > top {
			best, top = m.look, t.IoU(b)
		}
	}
	return best
}

func (l looks) Changed(models.Box) bool { return true }

func (l looks) Grey() Grey { return Grey{} }

func clothes(bin int) models.Appearance {
	s := make(models.Appearance, 8)
	for i := range s {
		s[i] = 0.02
	}
	s[bin] = 0.86
	return s
}

// sight turns the true boxes of a frame into detections.
type sight func(boxes []models.Box) []models.Detection

func byObject(boxes []models.Box) []models.Detection {
	var out []models.Detection
	for _, b := range boxes {
		out = append(out,
			models.Detection{Box: b, Label: "person", Score: 0.8, By: models.ByObject},
			models.Detection{Box: b, Label: models.LabelUnknown, Score: 0.6, By: models.ByMotion})
	}
	return out
}

// byMotion joins boxes that touch, as background subtraction does.
func byMotion(boxes []models.Box) []models.Detection {
	joined := append([]models.Box(nil), boxes...)
	for i := 0; i < len(joined); i++ {
		for j := i + 1; j < len(joined); j++ {
			if !joined[i].Intersect(joined[j]).Empty() {
				joined[i] = joined[i].Union(joined[j])
				joined = append(joined[:j], joined[j+1:]...)
				i, j = 0, 0
			}
		}
	}
	var out []models.Detection
	for _, b := range joined {
		out = append(out, models.Detection{Box: b, Label: models.LabelUnknown, Score: 0.6, By: models.ByMotion})
	}
	return out
}

// follow runs a tracker over the movers and returns what it said in each frame.
func follow(movers []mover, see sight, length time.Duration) [][]models.Track {
	tr := New(16.0 / 9)
	var out [][]models.Track
	for at := time.Duration(0); at < length; at += time.Second / fps {
		var boxes []models.Box
		for _, m := range movers {
			if b, ok := m.box(at); ok {
				boxes = append(boxes, b)
			}
		}
		out = append(out, tr.Update(instant(at), see(boxes), nil, looks{movers, at}))
	}
	return out
}

// ids returns the number of the confirmed track nearest to each mover, frame by frame, in
// order of first appearance and without repetitions.
func ids(frames [][]models.Track, m mover) []models.TrackID {
	var out []models.TrackID
	for i, tracks := range frames {
		b, ok := m.box(time.Duration(i) * time.Second / fps)
		if !ok {
			continue
		}
		best, id := 0.3, models.TrackID(0)
		for _, t := range tracks {
			if iou := t.Box.IoU(b); t.State == models.TrackConfirmed && iou > best {
				best, id = iou, t.ID
			}
		}
		if id != 0 && (len(out) == 0 || out[len(out)-1] != id) {
			out = append(out, id)
		}
	}
	return out
}

func during(from, to time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return at >= from && at < to }
}

func TestOneIdentityThrough(t *testing.T) {
	left, right := models.Point{X: 0.2, Y: 0.7}, models.Point{X: 0.8, Y: 0.7}
	walker := mover{from: 0, to: 10 * time.Second, a: left, b: right, h: 0.25, look: clothes(1)}
	behind := walker
	behind.hidden = during(4*time.Second, 5800*time.Millisecond)
	gaps := walker
	gaps.hidden = func(at time.Duration) bool { return at/(time.Second/fps)%3 == 1 }
	lower := mover{from: 0, to: 10 * time.Second, a: models.Point{X: 0.8, Y: 0.72}, b: models.Point{X: 0.2, Y: 0.72}, h: 0.26, look: clothes(5)}
	stops := mover{from: 0, to: 4 * time.Second, a: left, b: models.Point{X: 0.5, Y: 0.7}, h: 0.25, look: clothes(1)}
	stays := mover{from: 4 * time.Second, to: 20 * time.Second, a: stops.b, b: stops.b, h: 0.25, look: clothes(1)}
	for _, c := range []struct {
		name   string
		movers []mover
		see    sight
		check  []int // movers that must have one and the same number throughout
	}{
		{"a walk", []mover{walker}, byMotion, []int{0}},
		{"an occlusion of 1.8 s", []mover{behind}, byMotion, []int{0}},
		{"an occlusion of 1.8 s, seen as a person", []mover{behind}, byObject, []int{0}},
		{"every third frame missed", []mover{gaps}, byMotion, []int{0}},
		{"two who cross, seen as persons", []mover{walker, lower}, byObject, []int{0, 1}},
		{"a walk that ends in standing", []mover{stops, stays}, byMotion, []int{0, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			frames := follow(c.movers, c.see, 12*time.Second)
			for _, i := range c.check {
				if got := ids(frames, c.movers[i]); len(got) != 1 {
					t.Errorf("mover %d had the numbers %v, want one", i, got)
				}
			}
		})
	}
}

func TestTwoWhoCrossKeepTheirNumbers(t *testing.T) {
	a := mover{from: 0, to: 10 * time.Second, a: models.Point{X: 0.2, Y: 0.7}, b: models.Point{X: 0.8, Y: 0.7}, h: 0.25, look: clothes(1)}
	b := mover{from: 0, to: 10 * time.Second, a: models.Point{X: 0.8, Y: 0.72}, b: models.Point{X: 0.2, Y: 0.72}, h: 0.26, look: clothes(5)}
	frames := follow([]mover{a, b}, byMotion, 10*time.Second)
	// While one hides the other, nobody can say which box is whose: compare before and after.
	after := func(m mover) mover {
		m.hidden = during(0, 7*time.Second)
		return m
	}
	before := func(m mover) mover {
		m.hidden = during(3*time.Second, time.Minute)
		return m
	}
	for i, m := range []mover{a, b} {
		was, is := ids(frames, before(m)), ids(frames, after(m))
		if len(was) != 1 || !reflect.DeepEqual(was, is) {
			t.Errorf("mover %d had the numbers %v before they crossed and %v after", i, was, is)
		}
	}
}

func TestFoundAgainByLooks(t *testing.T) {
	// Out of sight for four seconds, and back where no prediction looks for it.
	walk := mover{from: 0, to: 4 * time.Second, a: models.Point{X: 0.2, Y: 0.7}, b: models.Point{X: 0.5, Y: 0.7}, h: 0.25, look: clothes(1)}
	back := mover{from: 8 * time.Second, to: 12 * time.Second, a: models.Point{X: 0.45, Y: 0.75}, b: models.Point{X: 0.2, Y: 0.75}, h: 0.25, look: clothes(1)}
	other := back
	other.look = clothes(6)
	frames := follow([]mover{walk, back}, byMotion, 12*time.Second)
	if a, b := ids(frames, walk), ids(frames, back); !reflect.DeepEqual(a, b) {
		t.Errorf("numbers %v, then %v; want the same", a, b)
	}
	frames = follow([]mover{walk, other}, byMotion, 12*time.Second)
	if a, b := ids(frames, walk), ids(frames, other); reflect.DeepEqual(a, b) {
		t.Errorf("somebody else took over number %v", a)
	}
}

// A sign that looks like a person scores on every frame and never moves.
func TestSignIsNoPerson(t *testing.T) {
	sign := models.Box{X: 0.05, Y: 0.2, W: 0.03, H: 0.08}
	rng := rand.New(rand.NewPCG(1, 1))
	tr := New(16.0 / 9)
	for at := time.Duration(0); at < time.Minute; at += time.Second / fps {
		b := sign
		b.X += rng.NormFloat64() * 0.001
		b.Y += rng.NormFloat64() * 0.002
		for _, k := range tr.Update(instant(at), []models.Detection{{Box: b, Label: "person", Score: 0.7, By: models.ByObject}}, nil, nil) {
			if k.State == models.TrackConfirmed {
				t.Fatalf("confirmed after %v: moved %.3f", at, k.Moved)
			}
		}
	}
}

// Leaves: regions of a moment that hop about by half of their size.
func TestLeavesAreNoTrack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	tr := New(16.0 / 9)
	confirmed := 0
	for at := time.Duration(0); at < time.Minute; at += time.Second / 10 {
		var dets []models.Detection
		for range 2 {
			dets = append(dets, models.Detection{By: models.ByMotion, Label: models.LabelUnknown, Score: 0.5,
				Box: models.Box{X: 0.3 + 0.02*rng.Float64(), Y: 0.3 + 0.03*rng.Float64(), W: 0.03 + 0.02*rng.Float64(), H: 0.04 + 0.02*rng.Float64()}})
		}
		for _, k := range tr.Update(instant(at), dets, nil, nil) {
			if k.State == models.TrackConfirmed {
				confirmed++
			}
		}
	}
	if confirmed > 0 {
		t.Errorf("leaves were a confirmed track in %d frames", confirmed)
	}
}

func TestConfirmationDoesNotDependOnTheFrameRate(t *testing.T) {
	var at []time.Duration
	for _, rate := range []int{5, 10, 25} {
		m := mover{from: 0, to: 6 * time.Second, a: models.Point{X: 0.2, Y: 0.7}, b: models.Point{X: 0.8, Y: 0.7}, h: 0.25}
		tr := New(16.0 / 9)
		confirmed := time.Duration(-1)
		for now := time.Duration(0); now < 6*time.Second && confirmed < 0; now += time.Second / time.Duration(rate) {
			b, _ := m.box(now)
			for _, k := range tr.Update(instant(now), byMotion([]models.Box{b}), nil, nil) {
				if k.State == models.TrackConfirmed {
					confirmed = now
				}
			}
		}
		at = append(at, confirmed)
	}
	for _, d := range at {
		if d < 400*time.Millisecond || d > time.Second {
			t.Errorf("confirmed after %v at 5, 10 and 25 frames a second, want 0.4 to 1 s each", at)
		}
	}
}

func TestLabelIsVoted(t *testing.T) {
	m := mover{from: 0, to: 6 * time.Second, a: models.Point{X: 0.2, Y: 0.7}, b: models.Point{X: 0.8, Y: 0.7}, h: 0.25}
	tr := New(16.0 / 9)
	var last models.Track
	for i, now := 0, time.Duration(0); now < 6*time.Second; i, now = i+1, now+time.Second/fps {
		b, _ := m.box(now)
		d := models.Detection{Box: b, Label: "person", Score: 0.7, By: models.ByObject}
		if i%4 == 0 {
			d.Label = "bicycle"
		}
		last = tr.Update(instant(now), []models.Detection{d}, nil, nil)[0]
	}
	if last.Label != "person" || math.Abs(last.Score-0.7) > 1e-9 {
		t.Errorf("label %s with score %.2f, want person with 0.7", last.Label, last.Score)
	}
}

// An object that is too unsure to begin a track must not hide the motion that can: who comes
// in half seen is there since the motion, not since the detector is sure.
func TestUnsureObjectsHideNoMotion(t *testing.T) {
	tr := New(1)
	whole := []models.Box{{X: 0, Y: 0, W: 1, H: 1}}
	came, sure := 3*time.Second, 5*time.Second
	var first time.Duration
	for at := time.Duration(0); at < 7*time.Second; at += 100 * time.Millisecond {
		var dets []models.Detection
		if at >= came {
			b := models.Box{X: 0.1 + 0.1*(at-came).Seconds(), Y: 0.4, W: 0.1, H: 0.3}
			score := 0.4
			if at >= sure {
				score = 0.8
			}
			dets = []models.Detection{
				{Box: b, Label: "person", Score: score, By: models.ByObject},
				{Box: b, Label: models.LabelUnknown, Score: 0.7, By: models.ByMotion},
			}
		}
		for _, k := range tr.Update(instant(at), dets, whole, nil) {
			if k.State == models.TrackConfirmed && k.Label == "person" {
				first = k.First.Media
			}
		}
	}
	if first != came {
		t.Errorf("a person since %v, want %v", first, came)
	}
}

func TestFinishedOnceWithAReason(t *testing.T) {
	m := mover{from: 0, to: 4 * time.Second, a: models.Point{X: 0.2, Y: 0.7}, b: models.Point{X: 0.5, Y: 0.7}, h: 0.25}
	out := mover{from: 0, to: 4 * time.Second, a: models.Point{X: 0.5, Y: 0.9}, b: models.Point{X: 1.05, Y: 0.9}, h: 0.25}
	for _, c := range []struct {
		m      mover
		reason string
	}{{m, "not seen for 6s"}, {out, "left the picture"}} {
		finished := 0
		for _, tracks := range follow([]mover{c.m}, byMotion, 14*time.Second) {
			for _, k := range tracks {
				if k.State == models.TrackFinished {
					finished++
					if k.Reason != c.reason {
						t.Errorf("finished because %q, want %q", k.Reason, c.reason)
					}
				}
			}
		}
		if finished != 1 {
			t.Errorf("%s: reported finished %d times, want once", c.reason, finished)
		}
	}
}

func TestBadDetectionsAreDropped(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tr := New(16.0 / 9)
	for i, d := range []models.Detection{
		{Box: models.Box{X: nan, Y: 0, W: 1, H: 1}, Score: 0.9, By: models.ByObject},
		{Box: models.Box{X: 0, Y: 0, W: inf, H: 1}, Score: 0.9, By: models.ByObject},
		{Box: models.Box{X: 0, Y: 0, W: -1, H: 1}, Score: 0.9, By: models.ByMotion},
		{Box: models.Box{X: 0, Y: 0, W: 0, H: 0}, Score: 0.9, By: models.ByMotion},
		{Box: models.Box{X: 0.1, Y: 0.1, W: 0.1, H: 0.1}, Score: nan, By: models.ByObject},
		{Box: models.Box{X: 0.1, Y: 0.1, W: 0.1, H: 0.1}, Score: 0.9, By: "radar"},
	} {
		if got := tr.Update(instant(time.Duration(i)*time.Second/fps), []models.Detection{d}, nil, nil); len(got) > 0 {
			t.Errorf("%+v made a track: %+v", d, got)
		}
	}
}

// The order in which a detector lists what it sees must not matter.
func TestOrderOfDetectionsDoesNotMatter(t *testing.T) {
	run := func(seed uint64) [][]models.Track {
		rng := rand.New(rand.NewPCG(9, 9))
		shuffle := rand.New(rand.NewPCG(seed, 1))
		tr := New(16.0 / 9)
		var out [][]models.Track
		for at := time.Duration(0); at < 20*time.Second; at += time.Second / fps {
			var dets []models.Detection
			for k := range 8 {
				x := math.Mod(float64(k)*0.13+at.Seconds()*0.03*float64(k%3), 0.9)
				dets = append(dets, models.Detection{By: models.ByMotion, Label: models.LabelUnknown, Score: 0.3 + 0.5*rng.Float64(),
					Box: models.Box{X: x, Y: 0.4 + 0.05*float64(k%2), W: 0.05, H: 0.15}})
			}
			shuffle.Shuffle(len(dets), func(i, j int) { dets[i], dets[j] = dets[j], dets[i] })
			out = append(out, tr.Update(instant(at), dets, nil, nil))
		}
		return out
	}
	if a, b := run(1), run(2); !reflect.DeepEqual(a, b) {
		t.Error("another order of the same detections gave other tracks")
	}
}

// Whatever comes in, numbers stay unique and boxes finite.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{10, 20, 30, 40, 1, 200, 100, 50, 60, 0})
	f.Add([]byte{0, 0, 255, 255, 3, 0, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		tr := New(4.0 / 3)
		at := time.Duration(0)
		for len(b) >= 5 {
			n := int(b[0]) % 6
			b = b[1:]
			var dets []models.Detection
			for range n {
				if len(b) < 5 {
					break
				}
				d := models.Detection{By: models.ByMotion, Label: "x", Score: float64(b[4]) / 200,
					Box: models.Box{X: float64(b[0])/128 - 0.5, Y: float64(b[1])/128 - 0.5, W: float64(b[2]) / 255, H: float64(b[3]) / 255}}
				if b[4]&1 != 0 {
					d.By = models.ByObject
				}
				dets = append(dets, d)
				b = b[5:]
			}
			seen := map[models.TrackID]bool{}
			for _, k := range tr.Update(instant(at), dets, nil, nil) {
				if seen[k.ID] {
					t.Fatalf("number %d twice in a frame", k.ID)
				}
				seen[k.ID] = true
				if !usable(k.Box) || math.IsNaN(k.Moved) {
					t.Fatalf("track %+v", k)
				}
			}
			at += 100 * time.Millisecond
		}
	})
}
