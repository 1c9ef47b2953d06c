package rule_test

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestIntrusion(t *testing.T) {
	// Walks from 0.2 to 0.8 in 6 s: in the square from 2 s to 4 s.
	through := ways(models.Point{X: 0.2, Y: 0.5}, models.Point{X: 0.8, Y: 0.5})
	grace := models.Rule{Grace: 2 * s}
	stay := models.Rule{Grace: 2 * s, Dwell: 3 * s}
	night := models.Rule{Grace: 2 * s, Schedule: []models.Schedule{{From: 12*time.Hour + 10*s, To: 13 * time.Hour}}}
	cool := models.Rule{Grace: 2 * s, CoolDown: 20 * s}
	person := models.Rule{Grace: 2 * s, Labels: []string{"person"}, MinScore: 0.5}
	large := models.Rule{Grace: 2 * s, MinSize: 0.002}
	runAll(t, models.KindIntrusion, []scenario{
		{"walks through", grace, 12 * s, []act{{id: 1, to: 6 * s, path: through}}, nil,
			[]string{"2s→2s", "2s→2s…4s"}},
		{"passes outside", grace, 12 * s, []act{{id: 1, to: 6 * s, path: ways(models.Point{X: 0.2, Y: 0.65}, models.Point{X: 0.8, Y: 0.65})}}, nil, nil},
		{"believed later: the arrival is the first sight", grace, 12 * s, []act{{id: 1, to: 6 * s, believed: 3 * s, path: through}}, nil,
			[]string{"2s→3s", "2s→3s…4s"}},
		{"never believed", grace, 12 * s, []act{{id: 1, to: 6 * s, believed: 7 * s, path: through}}, nil, nil},
		{"believed only after it left", grace, 12 * s, []act{{id: 1, to: 6 * s, believed: 5 * s, path: through}}, nil, nil},
		{"stays less than the dwell", stay, 12 * s, []act{{id: 1, to: 6 * s, path: through}}, nil, nil},
		{"stays for the dwell", stay, 12 * s, []act{{id: 1, from: 1 * s, to: 6 * s, path: ways(inside)}}, nil,
			[]string{"1s→4s", "1s→4s…6s"}},
		{"one alarm a visit, over a step outside", grace, 20 * s, []act{{id: 1, to: 12 * s,
			path: ways(inside, inside, models.Point{X: 0.65, Y: 0.5}, inside, inside, inside, inside)}}, nil,
			[]string{"0s→0s", "0s→0s…12s"}},
		{"comes again after the grace", grace, 20 * s, []act{{id: 1, to: 2 * s, path: ways(inside)}, {id: 2, from: 8 * s, to: 10 * s, path: ways(inside)}}, nil,
			[]string{"0s→0s", "0s→0s…2s", "8s→8s", "8s→8s…10s"}},
		{"two at once are two", grace, 5 * s, []act{{id: 1, to: 5 * s, path: ways(inside)}, {id: 2, from: 1 * s, to: 5 * s, path: ways(models.Point{X: 0.42, Y: 0.42})}}, nil,
			[]string{"0s→0s", "1s→1s"}},
		{"takes the number of someone lost when it is believed", grace, 20 * s, []act{
			{id: 1, to: 10 * s, hidden: [2]time.Duration{2 * s, 11 * s}, path: ways(away)},
			{id: 2, from: 8 * s, to: 9800 * time.Millisecond, believed: 20 * s, path: ways(inside)},
			{id: 1, from: 10200 * time.Millisecond, to: 14 * s, path: ways(inside)}}, nil,
			[]string{"8s→10.2s", "8s→10.2s…14s"}},
		{"there when the schedule begins", night, 20 * s, []act{{id: 1, from: 2 * s, to: 15 * s, path: ways(inside)}}, nil,
			[]string{"2s→10s", "2s→10s…15s"}},
		{"gone when the schedule begins", night, 20 * s, []act{{id: 1, from: 2 * s, to: 7 * s, path: ways(inside)}}, nil, nil},
		{"within the cool-down", cool, 24 * s, []act{{id: 1, to: 2 * s, path: ways(inside)}, {id: 2, from: 8 * s, to: 15 * s, path: ways(inside)}}, nil,
			[]string{"0s→0s", "0s→0s…2s"}},
		{"still there when the cool-down ends", cool, 24 * s, []act{{id: 1, to: 2 * s, path: ways(inside)}, {id: 2, from: 8 * s, to: 24 * s, path: ways(inside)}}, nil,
			[]string{"0s→0s", "0s→0s…2s", "8s→20s"}},
		{"a car where persons are asked for", person, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside), label: "car", score: 0.9}}, nil, nil},
		{"a doubtful person", person, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside), label: "person", score: 0.4}}, nil, nil},
		{"named later", person, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside), label: "person", labelled: 2 * s, score: 0.8}}, nil,
			[]string{"0s→2s", "0s→2s…5s"}},
		{"too small", large, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside), height: 0.05}}, nil, nil},
		{"large enough", large, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside)}}, nil,
			[]string{"0s→0s", "0s→0s…5s"}},
		{"a small thing with one large box", large, 8 * s, []act{{id: 1, to: 5 * s, path: ways(inside), height: 0.05},
			{id: 1, from: 5200 * time.Millisecond, to: 5200 * time.Millisecond, path: ways(inside), height: 0.5}}, nil, nil},
	})
}
