package rule_test

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

// stand makes one who stands in the square from a time to a time, each id elsewhere.
func stand(id models.TrackID, from, to time.Duration) act {
	return act{id: id, from: from, to: to, path: ways(models.Point{X: 0.4 + 0.03*float64(id), Y: 0.5})}
}

func TestCrowd(t *testing.T) {
	r := models.Rule{Count: 2, For: 5 * s, Grace: 2 * s}
	hidden := stand(3, 2*s, 20*s)
	hidden.hidden = [2]time.Duration{4 * s, 5600 * time.Millisecond}
	strict := r
	strict.Grace = 0
	person := r
	person.Labels = []string{"person"}
	cool := r
	cool.CoolDown = 20 * s
	tentative := stand(3, 2*s, 20*s)
	tentative.believed = time.Minute
	runAll(t, models.KindCrowd, []scenario{
		{"as many as are no crowd", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, 0, 20*s)}, nil, nil},
		{"one more", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), stand(3, 2*s, 15*s)}, nil,
			[]string{"2s→7s", "2s→7s…15s"}},
		{"not for long enough", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), stand(3, 2*s, 6*s)}, nil, nil},
		{"a dip shorter than the grace", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), stand(3, 2*s, 5*s), stand(4, 6*s, 12*s)}, nil,
			[]string{"2s→7s", "2s→7s…12s"}},
		{"a dip longer than the grace", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), stand(3, 2*s, 5*s), stand(4, 8*s, 12*s)}, nil, nil},
		{"people change, the crowd goes on", r, 30 * s, []act{stand(1, 0, 10*s), stand(2, 0, 25*s), stand(3, 0, 25*s), stand(4, 9*s, 25*s)}, nil,
			[]string{"0s→5s", "0s→5s…25s"}},
		{"hidden for a moment still counts", strict, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), hidden}, nil,
			[]string{"2s→7s", "2s→7s…20s"}},
		{"who is not believed does not count", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), tentative}, nil, nil},
		{"who stands outside does not count", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, s, 20*s), {id: 3, to: 20 * s, path: ways(away)}}, nil, nil},
		{"other labels do not count", person, 25 * s, []act{stand(1, 0, 20*s), stand(2, 0, 20*s), stand(3, 0, 20*s)}, nil, nil},
		{"the same crowd under a new number", r, 25 * s, []act{stand(1, 0, 20*s), stand(2, 0, 20*s), stand(3, 0, 3*s),
			{id: 9, from: 3200 * time.Millisecond, to: 20 * s, path: stand(3, 0, 0).path}}, nil,
			[]string{"0s→5s", "0s→5s…20s"}},
		{"within the cool-down, until it ends", cool, 40 * s, []act{stand(1, 0, 6*s), stand(2, 0, 35*s), stand(3, 0, 35*s), stand(4, 15*s, 35*s)}, nil,
			[]string{"0s→5s", "0s→5s…6s", "15s→25s", "15s→25s…35s"}},
	})
}

func TestCrowdShowsTheCount(t *testing.T) {
	e := rule.New(watch(models.Rule{Kind: models.KindCrowd, Count: 1, For: 2 * s, Grace: s}))
	events := perform(t, e, 10*s, []act{stand(1, 0, 10*s), stand(2, 2*s, 6*s), stand(4, 3*s, 4600*time.Millisecond)})
	if len(events) != 2 {
		t.Fatalf("got %q", story(events))
	}
	ev := events[0]
	if ev.Why[0].Observed != 3 || ev.Why[0].Threshold != 1 || ev.Track != 4 || len(ev.Path) == 0 {
		t.Errorf("count %g of %g, track %d; want 3 of 1, and who came last", ev.Why[0].Observed, ev.Why[0].Threshold, ev.Track)
	}
	for _, id := range []models.TrackID{1, 2, 4} {
		if foot := stand(id, 0, 0).path[0]; ev.Box.X > foot.X || ev.Box.X+ev.Box.W < foot.X {
			t.Errorf("the box %v does not hold track %d", ev.Box, id)
		}
	}
	highest := 0.0
	for _, p := range events[1].Curve {
		highest = max(highest, p.Value)
	}
	if highest != 3 {
		t.Errorf("the curve reaches %g, want 3", highest)
	}
}
