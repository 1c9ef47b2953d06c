package rule_test

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

func TestLeftObject(t *testing.T) {
	r := models.Rule{For: 10 * s}
	// Comes in 3 s, puts the bag down at 3 s, waits, and goes away within 2 s.
	owner := func(leaves time.Duration) []act {
		return []act{{id: 7, to: 3 * s, path: ways(away, inside)}, {id: 7, from: 3200 * time.Millisecond, to: leaves, path: ways(inside)},
			{id: 7, from: leaves + step, to: leaves + 2*s, path: ways(inside, away)}}
	}
	bag := still{id: 1, from: 3 * s, to: 40 * s, foot: models.Point{X: 0.52, Y: 0.5}}
	passer := func(id models.TrackID, from time.Duration) act {
		return act{id: id, from: from, to: from + 3*s, path: ways(models.Point{X: 0.2, Y: 0.5}, models.Point{X: 0.8, Y: 0.5})}
	}
	friend := act{id: 8, from: 12 * s, to: 25 * s, path: ways(models.Point{X: 0.47, Y: 0.5})}
	stranger := act{id: 8, from: 12 * s, to: 38 * s, path: ways(models.Point{X: 0.45, Y: 0.5})}
	renumbered := owner(20 * s)
	renumbered[1].to = 8 * s
	renumbered = append(renumbered[:2:2], act{id: 17, from: 9 * s, to: 20 * s, path: ways(inside)},
		act{id: 17, from: 20*s + step, to: 22 * s, path: ways(inside, away)})
	suitcase := r
	suitcase.Labels = []string{"suitcase"}
	named := act{id: 9, from: 4 * s, to: 30 * s, believed: time.Hour, path: ways(bag.foot), height: 0.04, width: 0.04, label: "suitcase", score: 0.7}
	self := act{id: 9, from: 4 * s, to: 30 * s, path: ways(bag.foot), height: 0.04, width: 0.04}
	large := r
	large.MinSize = 0.01
	small := r
	small.MinSize = 0.001
	unbelieved := owner(5 * s)
	for i := range unbelieved {
		unbelieved[i].believed = time.Hour
	}
	light := []still{bag}
	for i := range 4 {
		light = append(light, still{id: int64(2 + i), from: time.Duration(2500+300*i) * time.Millisecond, to: 40 * s, foot: models.Point{X: 0.1 + 0.2*float64(i), Y: 0.2}})
	}
	tiny, huge, doubtful := bag, bag, bag
	tiny.size, huge.size, doubtful.score = 0.005, 0.2, 0.55
	elsewhere := bag
	elsewhere.foot = models.Point{X: 0.7, Y: 0.7}
	gone := bag
	gone.removed = true
	night := r
	night.Schedule = []models.Schedule{{From: 12*time.Hour + 30*s, To: 13 * time.Hour}}
	flickers := bag
	flickers.hidden = [2]time.Duration{8 * s, 9 * s}
	runAll(t, models.KindLeftObject, []scenario{
		{"nobody was there to put it down", r, 45 * s, nil, []still{bag}, nil},
		{"somebody was, but too far away", r, 45 * s, []act{{id: 7, to: 20 * s, path: ways(models.Point{X: 0.62, Y: 0.5})}}, []still{bag}, nil},
		{"who put it down was never believed in", r, 45 * s, unbelieved, []still{bag}, []string{"3s→15.4s", "3s→15.4s…40s"}},
		{"light that makes many changes at once", r, 45 * s, owner(5 * s), light, nil},
		{"a person and a chair that he moves", r, 45 * s, owner(5 * s), light[:2], []string{"3s→15.4s", "3s→15.4s…40s"}},
		{"too small for who is said to have carried it", r, 45 * s, owner(5 * s), []still{tiny}, nil},
		{"too large", r, 45 * s, owner(5 * s), []still{huge}, nil},
		{"left or gone, a coin's throw", r, 45 * s, owner(5 * s), []still{doubtful}, nil},
		// From 5.2 s he walks 0.71 picture heights in 1.8 s, over the reach of 0.1 after 0.6.
		{"the owner leaves at once", r, 45 * s, owner(5 * s), []still{bag},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
		{"the owner waits beside it", r, 25 * s, owner(20 * s), []still{bag}, nil},
		{"the owner waits, and then leaves", r, 45 * s, owner(20 * s), []still{bag},
			[]string{"3s→30.4s", "3s→30.4s…40s"}},
		{"the owner takes it along again", r, 45 * s, owner(20 * s), []still{{id: 1, from: 3 * s, to: 21 * s, foot: bag.foot}}, nil},
		{"passers-by do not start the clock anew", r, 45 * s, append(owner(5*s), passer(11, 7*s), passer(12, 10*s), passer(13, 12*s)), []still{bag},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
		{"somebody else stays with it", r, 45 * s, append(owner(5*s), friend), []still{bag},
			[]string{"3s→35s", "3s→35s…40s"}},
		{"a stranger waits a step away from it", r, 45 * s, append(owner(5*s), stranger), []still{bag},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
		{"the owner waits beside it under another number", r, 45 * s, renumbered, []still{bag},
			[]string{"3s→30.4s", "3s→30.4s…40s"}},
		{"it is a track itself", r, 45 * s, append(owner(5*s), self), []still{bag},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
		{"outside the zone", r, 45 * s, owner(5 * s), []still{elsewhere}, nil},
		{"something is gone, not left", r, 45 * s, owner(5 * s), []still{gone}, nil},
		{"smaller than asked for", large, 45 * s, owner(5 * s), []still{bag}, nil},
		{"large enough", small, 45 * s, owner(5 * s), []still{bag}, []string{"3s→15.4s", "3s→15.4s…40s"}},
		{"nothing has named it", suitcase, 45 * s, owner(5 * s), []still{bag}, nil},
		{"named a suitcase", suitcase, 45 * s, append(owner(5*s), named), []still{bag},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
		{"the schedule begins later", night, 45 * s, owner(5 * s), []still{bag},
			[]string{"3s→30s", "3s→30s…40s"}},
		{"hidden for a moment", r, 45 * s, owner(5 * s), []still{flickers},
			[]string{"3s→15.4s", "3s→15.4s…40s"}},
	})
}

func TestLeftObjectNamesItsOwner(t *testing.T) {
	e := rule.New(watch(models.Rule{Kind: models.KindLeftObject, For: 10 * s}))
	events := perform(t, e, 30*s, []act{
		{id: 5, to: 30 * s, path: ways(models.Point{X: 0.1, Y: 0.3})},
		{id: 7, to: 6 * s, path: ways(away, inside, away)}},
		still{id: 1, from: 3 * s, to: 30 * s, foot: inside})
	if len(events) != 1 {
		t.Fatalf("got %q, want one event", story(events))
	}
	ev := events[0]
	if ev.Track != 7 || len(ev.Path) == 0 || ev.Path[0].Foot != away || ev.Score != 0.8 || ev.Label != models.LabelUnknown {
		t.Errorf("track %d, %d points, label %s %g; want the path of 7, unknown 0.8", ev.Track, len(ev.Path), ev.Label, ev.Score)
	}
	if last := ev.Path[len(ev.Path)-1]; last.At.Media != 6*s {
		t.Errorf("the owner's path ends at %v, want 6s, when he was last seen", last.At.Media)
	}
}

func TestRemovedObject(t *testing.T) {
	r := models.Rule{For: 5 * s}
	vase := still{id: 1, from: 3 * s, to: 20 * s, foot: inside, removed: true}
	taker := []act{{id: 1, to: 6 * s, path: ways(away, inside, away)}}
	left := vase
	left.removed = false
	brief := vase
	brief.to = 7 * s
	runAll(t, models.KindRemovedObject, []scenario{
		{"carried off", r, 25 * s, taker, []still{vase}, []string{"3s→8s", "3s→8s…20s"}},
		{"carried off by who stands beside", r, 25 * s, []act{{id: 1, to: 25 * s, path: ways(inside)}}, []still{vase}, []string{"3s→8s", "3s→8s…20s"}},
		{"nobody was there", r, 25 * s, nil, []still{vase}, nil},
		{"put back in time", r, 25 * s, taker, []still{brief}, nil},
		{"something was put down", r, 25 * s, taker, []still{left}, nil},
	})
}

// The stream is lost and comes back: what was reported once is not reported again.
func TestOneAlarmOfAThingOverALostStream(t *testing.T) {
	e := rule.New(watch(models.Rule{Kind: models.KindLeftObject, For: 5 * s}))
	bag := still{id: 1, from: s, to: time.Hour, foot: inside}
	perform(t, e, 10*s, []act{{id: 1, to: s, path: ways(inside)}}, bag)
	if got := story(e.Flush()); len(got) != 1 || got[0] != "1s→6s…10s" {
		t.Errorf("flushed %q", got)
	}
	for now := 60 * s; now < 90*s; now += step {
		st, _ := bag.static(now)
		if got := e.Process(instant(now), nil, []models.Static{st}); len(got) > 0 {
			t.Fatalf("again: %q", story(got))
		}
	}
}
