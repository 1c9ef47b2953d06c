package track

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// filmed runs a tracker over movers that motion always sees and the object detector only
// in every so many frames, and returns what it said in each frame.
func filmed(movers []mover, every int, length time.Duration) [][]models.Track {
	tr := New(16.0 / 9)
	var out [][]models.Track
	for i, at := 0, time.Duration(0); at < length; i, at = i+1, at+time.Second/fps {
		var boxes []models.Box
		for _, m := range movers {
			if b, ok := m.box(at); ok {
				boxes = append(boxes, b)
			}
		}
		dets, looked := byMotion(boxes), []models.Box(nil)
		if i%every == 0 {
			dets, looked = append(dets, people(0.8, boxes...)...), everything
		}
		out = append(out, tr.Update(instant(at), dets, looked, looks{movers, at}))
	}
	return out
}

// The object detector looks three times in two seconds; between its looks motion carries
// each track on, with the size that was measured, although its regions have shadows.
func TestCarriedOnBetweenLooks(t *testing.T) {
	left, right := models.Point{X: 0.1, Y: 0.7}, models.Point{X: 0.9, Y: 0.7}
	walker := mover{from: 0, to: 10 * time.Second, a: left, b: right, h: 0.25, look: clothes(1)}
	pauses := mover{from: 0, to: 4 * time.Second, a: left, b: models.Point{X: 0.4, Y: 0.7}, h: 0.25, look: clothes(1)}
	stands := mover{from: 4 * time.Second, to: 34 * time.Second, a: pauses.b, b: pauses.b, h: 0.25, look: clothes(1)}
	goesOn := mover{from: 34 * time.Second, to: 40 * time.Second, a: pauses.b, b: right, h: 0.25, look: clothes(1)}
	const every = 3 // 600 ms
	for _, c := range []struct {
		name   string
		movers []mover
	}{
		{"a walk", []mover{walker}},
		{"a pause of 30 s", []mover{pauses, stands, goesOn}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := New(16.0 / 9)
			var number models.TrackID
			end := c.movers[len(c.movers)-1].to
			for i, at := 0, time.Duration(0); at <= end; i, at = i+1, at+time.Second/fps {
				var truth models.Box
				for _, m := range c.movers {
					if b, ok := m.box(at); ok {
						truth = b
					}
				}
				shadow := truth
				shadow.W *= 1.8
				dets, looked := byMotion([]models.Box{shadow}), []models.Box(nil)
				if i%every == 0 {
					dets, looked = append(dets, people(0.8, truth)...), everything
				}
				for _, k := range tr.Update(instant(at), dets, looked, looks{c.movers, at}) {
					if k.State != models.TrackConfirmed {
						continue
					}
					if number == 0 {
						number = k.ID
					}
					if k.ID != number {
						t.Fatalf("at %v it has the number %d, want %d", at, k.ID, number)
					}
					if iou := k.Box.IoU(truth); at > 2*time.Second && iou < 0.75 {
						t.Errorf("at %v the box overlaps the truth by %.2f", at, iou)
					}
					if !k.Seen {
						t.Errorf("at %v it is not seen, although motion shows it", at)
					}
					if want := i%every == 0; (k.LastScore > 0) != want {
						t.Errorf("at %v the last score is %.2f; looked: %v", at, k.LastScore, want)
					}
				}
			}
			if number == 0 {
				t.Error("never confirmed")
			}
		})
	}
}

// Nothing moves and nothing changes where somebody stands, and no one looks for two
// seconds: he is still there.
func TestStillThereWhileNothingChanges(t *testing.T) {
	walk := mover{from: 0, to: 4 * time.Second, a: models.Point{X: 0.1, Y: 0.7}, b: models.Point{X: 0.4, Y: 0.7}, h: 0.25, look: clothes(1)}
	stand := mover{from: 4 * time.Second, to: time.Hour, a: walk.b, b: walk.b, h: 0.25, look: clothes(1)}
	tr := New(16.0 / 9)
	var last []models.Track
	for i, at := 0, time.Duration(0); at < 14*time.Second; i, at = i+1, at+time.Second/fps {
		walks := at < walk.to
		b, ok := walk.box(at)
		if !walks {
			b, ok = stand.box(at)
		}
		if !ok {
			continue
		}
		var dets []models.Detection
		var looked []models.Box
		if walks {
			dets = byMotion([]models.Box{b})
		}
		if i%10 == 0 || walks && i%3 == 0 {
			dets, looked = append(dets, people(0.8, b)...), everything
		}
		last = tr.Update(instant(at), dets, looked, stirring{looks{[]mover{walk, stand}, at}, b, walks})
		if at > 5*time.Second && (len(last) != 1 || !last[0].Seen || last[0].State != models.TrackConfirmed || last[0].ID != 1) {
			t.Fatalf("at %v: %+v, want track 1, confirmed and seen", at, last)
		}
	}
	if last[0].Speed > 0.01 {
		t.Errorf("speed %.3f of somebody who stands", last[0].Speed)
	}
}

// Two people walk towards each other, turn back to back where one hides the other, and go
// back where they came from: what they wear says who is who, although they go on as if they
// had crossed.
func TestWhoIsWhoAfterTheyTurned(t *testing.T) {
	for _, every := range []int{1, 3} {
		mid := models.Point{X: 0.5, Y: 0.7}
		l, r := models.Point{X: 0.2, Y: 0.7}, models.Point{X: 0.8, Y: 0.7}
		hidden := during(4800*time.Millisecond, 5400*time.Millisecond)
		in := []mover{
			{from: 0, to: 5 * time.Second, a: l, b: mid, h: 0.25, look: clothes(1)},
			{from: 0, to: 5 * time.Second, a: r, b: mid, h: 0.25, look: clothes(5), hidden: hidden},
		}
		out := []mover{
			{from: 5200 * time.Millisecond, to: 11 * time.Second, a: mid, b: l, h: 0.25, look: clothes(1)},
			{from: 5200 * time.Millisecond, to: 11 * time.Second, a: mid, b: r, h: 0.25, look: clothes(5), hidden: hidden},
		}
		frames := filmed(append(slices.Clone(in), out...), every, 11*time.Second)
		for i := range in {
			before, after := in[i], out[i]
			before.hidden, after.hidden = during(3*time.Second, time.Hour), during(0, 8*time.Second)
			was, is := ids(frames, before), ids(frames, after)
			if len(was) != 1 || !slices.Equal(was, is) {
				t.Errorf("looks at every %d frames: mover %d had the numbers %v before and %v after", every, i, was, is)
			}
		}
	}
}

// Two tracks that were taken for each other while one hid the other exchange their numbers
// as soon as both are seen apart, and keep them when their looks say so.
func TestExchangedAfterAMistake(t *testing.T) {
	for _, mistaken := range []bool{false, true} {
		red, blue := clothes(1), clothes(5)
		tr := New(16.0 / 9)
		var last []models.Track
		for i, at := 0, time.Duration(0); at < 8*time.Second; i, at = i+1, at+time.Second/fps {
			// They walk side by side, come close until 3 s, and part after 4 s.
			gap := min(0.2, 0.03+0.1*max(0, math.Abs(at.Seconds()-3.5)-0.5))
			x := 0.2 + 0.06*at.Seconds()
			a := mover{from: 0, to: time.Hour, a: models.Point{X: x, Y: 0.7}, b: models.Point{X: x, Y: 0.7}, h: 0.25, look: red}
			b := mover{from: 0, to: time.Hour, a: models.Point{X: x + gap, Y: 0.7}, b: models.Point{X: x + gap, Y: 0.7}, h: 0.25, look: blue}
			switch {
			case gap < 0.08:
				a.look, b.look = nil, nil // a tree hides all but their heads
			case mistaken && at >= 4*time.Second:
				a.look, b.look = blue, red // they have changed places behind it
			}
			boxA, _ := a.box(at)
			boxB, _ := b.box(at)
			last = tr.Update(instant(at), people(0.8, boxA, boxB), everything, looks{[]mover{a, b}, at})
		}
		left, right := last[0], last[1]
		if left.Box.X > right.Box.X {
			left, right = right, left
		}
		first, second := models.TrackID(1), models.TrackID(2)
		if left.ID == first == mistaken || right.ID == second == mistaken {
			t.Errorf("changed places: %v; left is %d, right is %d", mistaken, left.ID, right.ID)
		}
	}
}

// Somebody who walks out of the picture is not looked for at its edge for long.
func TestWhoLeavesThePictureEnds(t *testing.T) {
	m := mover{from: 0, to: 12 * time.Second, a: models.Point{X: 0.4, Y: 0.7}, b: models.Point{X: 0.06, Y: 0.7}, h: 0.25, look: clothes(1)}
	for i, tracks := range filmed([]mover{m}, 3, 15*time.Second) {
		for _, k := range tracks {
			at := time.Duration(i) * time.Second / fps
			if at > m.to+1500*time.Millisecond {
				t.Fatalf("at %v there is still track %d: %s at %.2f", at, k.ID, k.State, k.Box)
			}
			if k.State == models.TrackFinished && k.Reason != "left the picture" {
				t.Errorf("finished because %q", k.Reason)
			}
		}
	}
}

// Somebody goes by behind two who stand, and the object detector shows one of these twice: his
// track stays with them. Who comes out on the other side and looks like him is he, unless his
// track was surely seen until then, or shows somebody of its own.
func TestWhoCameOutIsNotWhoIsShownTwice(t *testing.T) {
	const out = 10 * time.Second // when he comes out
	person := func(id models.TrackID, x float64, first, sure time.Duration) *life {
		l := &life{sure: instant(sure)}
		l.ID, l.First, l.Last, l.Seen, l.State = id, instant(first), instant(out+time.Second), true, models.TrackConfirmed
		l.Box = models.Box{X: x, Y: 0.45, W: 0.1, H: 0.25}
		l.state = newState(l.Box, 16.0/9, objectSigma)
		l.origin = models.Point{X: l.state.x.x, Y: l.state.y.x}
		l.seenAt, l.Look = l.origin, clothes(1)
		return l
	}
	for _, c := range []struct {
		name  string
		x     float64 // of the track that stayed
		sure  time.Duration
		again bool
	}{
		{"shown twice", 0.5, out - 3*time.Second, true},
		{"surely seen a moment ago", 0.5, out - 300*time.Millisecond, false},
		{"beside them", 0.38, out - 3*time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := New(16.0 / 9)
			stayed, came := person(1, c.x, 0, c.sure), person(4, 0.64, out, out+time.Second)
			tr.live = []*life{stayed, person(2, 0.46, 0, out+time.Second), person(3, 0.54, 0, out+time.Second), came}
			for _, l := range tr.live[1:3] {
				l.Look = clothes(5)
			}
			tr.recall(came)
			if got := came.ID == 1; got != c.again {
				t.Errorf("who came out has the number %d; it is the first one: want %v", came.ID, c.again)
			}
		})
	}
}

// Who wears the same goes on, more likely than not, as he came; the less so, the longer he
// could not be told from the other one. Looks that differ have the last word.
func TestHeadingsTellWhoIsWho(t *testing.T) {
	right, left := models.Point{X: 0.2}, models.Point{X: -0.2}
	for _, c := range []struct {
		name       string
		came, goes [2]models.Point
		clothes    [2]int
		mixed      time.Duration
		want       bool
	}{
		{"each goes on as the other one came", [2]models.Point{right, left}, [2]models.Point{left, right}, [2]int{1, 1}, time.Second, true},
		{"each goes on as it came", [2]models.Point{right, left}, [2]models.Point{right, left}, [2]int{1, 1}, time.Second, false},
		{"after half a minute", [2]models.Point{right, left}, [2]models.Point{left, right}, [2]int{1, 1}, 30 * time.Second, false},
		{"both turned, and wear other clothes", [2]models.Point{right, left}, [2]models.Point{left, right}, [2]int{1, 5}, time.Second, false},
		{"both stood", [2]models.Point{}, [2]models.Point{left, right}, [2]int{1, 1}, time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var pair [2]*life
			for i := range pair {
				l := &life{state: newState(models.Box{X: 0.4, Y: 0.4, W: 0.05, H: 0.25}, 16.0/9, objectSigma)}
				l.state.x.pvv = 0.03 * 0.25 * 0.25 // of somebody who has been followed for a second
				l.came, l.heading, l.parted = c.came[i], c.goes[i], partedFor
				l.Look = clothes(c.clothes[i])
				l.after = l.Look
				pair[i] = l
			}
			m := meet{a: pair[0], b: pair[1], lasts: c.mixed + partedFor}
			if got := m.exchanged() > 1; got != c.want {
				t.Errorf("exchanged: %v (%.2f), want %v", got, m.exchanged(), c.want)
			}
		})
	}
}

// In a group one mistake makes others look mistaken: a and b have changed places, and b looks a
// little like c. And of three who changed places in a ring, it takes all to tell.
func TestWhoIsWhoInAGroup(t *testing.T) {
	type looks [3]models.Appearance
	group := func(before, after looks) *Tracker {
		tr := New(16.0 / 9)
		for i, look := range before {
			l := &life{meeting: true, parted: partedFor, after: after[i]}
			l.ID, l.State, l.Seen, l.Look = models.TrackID(i+1), models.TrackConfirmed, true, look
			l.Box = models.Box{X: 0.2 + 0.2*float64(i), Y: 0.4, W: 0.1, H: 0.25}
			l.state = newState(l.Box, 16.0/9, objectSigma)
			tr.live = append(tr.live, l)
		}
		l := tr.live
		tr.meets = []meet{{a: l[2], b: l[0]}, {a: l[1], b: l[0]}, {a: l[2], b: l[1]}}
		return tr
	}
	// numbers are those of the three, from left to right.
	numbers := func(tr *Tracker) (out []models.TrackID) {
		lives := slices.Clone(tr.live)
		slices.SortFunc(lives, func(a, b *life) int { return cmp.Compare(a.Box.X, b.Box.X) })
		for _, l := range lives {
			out = append(out, l.ID)
		}
		return out
	}
	t.Run("the greatest mistake first", func(t *testing.T) {
		a, b, c := models.Appearance{0.9, 0.1, 0}, models.Appearance{0.1, 0.7, 0.2}, models.Appearance{0, 0.6, 0.4}
		tr := group(looks{a, b, c}, looks{b, a, {0.4, 0.4, 0.2}})
		if g := tr.meets[0].exchanged(); g < 1 {
			t.Fatalf("the first pair looks exchanged by %.2f only: no test", g)
		}
		tr.settle(0)
		if got, want := numbers(tr), []models.TrackID{2, 1, 3}; !slices.Equal(got, want) {
			t.Errorf("they are %v, want %v", got, want)
		}
	})
	t.Run("a ring", func(t *testing.T) {
		a, b, c := models.Appearance{0.96, 0.04}, models.Appearance{0.29, 0.71}, models.Appearance{0.55, 0.45} // c is between them
		tr := group(looks{a, b, c}, looks{c, a, b})
		tr.live[1].parted = 0 // still beside somebody else
		tr.settle(0)
		tr.live[1].parted = partedFor
		tr.settle(0)
		if got, want := numbers(tr), []models.TrackID{3, 1, 2}; !slices.Equal(got, want) {
			t.Errorf("they are %v, want %v", got, want)
		}
		if len(tr.meets) > 0 {
			t.Errorf("%d meets are still open", len(tr.meets))
		}
	})
}

// A region that holds somebody believed gives no belief to what was followed to it.
func TestSharingARegionIsNoProof(t *testing.T) {
	stands := mover{from: 0, to: time.Hour, a: models.Point{X: 0.5, Y: 0.7}, b: models.Point{X: 0.5, Y: 0.7}, h: 0.25, look: clothes(1)}
	walks := mover{from: 0, to: 2 * time.Second, a: models.Point{X: 0.3, Y: 0.7}, b: stands.a, h: 0.25, look: clothes(1)}
	tr := New(16.0 / 9)
	for at := time.Duration(0); at < 5*time.Second; at += time.Second / fps {
		b, _ := stands.box(at)
		shadow := models.Box{X: b.X + b.W + 0.02, Y: b.Y, W: 0.3, H: b.H}
		var dets []models.Detection
		var looked []models.Box
		switch {
		case at < 2*time.Second:
			b, _ = walks.box(at)
			dets, looked = append(byMotion([]models.Box{b}), people(0.8, b)...), everything
		case at < 2400*time.Millisecond: // a cloud's shadow beside him
			dets = byMotion([]models.Box{b, shadow})
		default: // and over him
			dets = byMotion([]models.Box{b.Union(shadow)})
		}
		for _, k := range tr.Update(instant(at), dets, looked, looks{[]mover{stands}, at}) {
			if k.State == models.TrackConfirmed && k.ID != 1 {
				t.Fatalf("at %v track %d is believed: %.2f", at, k.ID, k.Box)
			}
		}
	}
}
