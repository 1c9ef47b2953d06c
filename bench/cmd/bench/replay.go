package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// mark is how well one film was understood in one take.
type mark struct {
	f1     float64
	alarms int // false ones
}

// replayed is one row: a film, what is looked for in it, and how it is scored.
type replayed struct {
	what string
	run  func(ctx context.Context, s *setting, t take) (mark, bool, error)
}

// replays shows every film again with synthetic rain, noise, flicker and shake, and says
// what is lost by it.
func replay(ctx context.Context, s *setting) error {
	if _, err := exec.LookPath("ffmpeg"); errors.Is(err, exec.ErrNotFound) {
		fmt.Println("skipped: ffmpeg is not installed")
		return nil
	}
	names := []string{}
	for _, t := range takes() {
		names = append(names, t.name)
	}
	fmt.Printf("| what: F1, false alarms | as filmed | %s | goal | reached |\n|---|---|%s---|---|\n",
		strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for _, row := range replayedRows() {
		if !s.wants(row.what) {
			continue
		}
		first, ok, err := row.run(ctx, s, take{})
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		line, reached := fmt.Sprintf("| %s | %s", row.what, first), true
		for _, t := range takes() {
			m, ok, err := row.run(ctx, s, t)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("%s: the %s take has no film", row.what, t.name)
			}
			line += " | " + m.String()
			reached = reached && m.f1 >= first.f1-0.05 && m.alarms == 0
		}
		fmt.Printf("%s | loses ≤ 0.05, 0 false | %s |\n", line, map[bool]string{true: "yes", false: "no"}[reached])
	}
	return nil
}

func (m mark) String() string { return fmt.Sprintf("%.2f, %d", m.f1, m.alarms) }

func replayedRows() []replayed {
	rows := []replayed{}
	for _, weights := range []bool{true, false} {
		name := map[bool]string{true: "with weights", false: "motion only"}[weights]
		rows = append(rows, replayed{"PETS loitering 5, 10 and 20 s, " + name, func(ctx context.Context, s *setting, t take) (mark, bool, error) {
			return s.petsMark(ctx, t, weights)
		}})
	}
	spans := func(j job, is func(string) bool) func(context.Context, *setting, take) (mark, bool, error) {
		return func(ctx context.Context, s *setting, t take) (mark, bool, error) {
			m, ok, err := s.spans(ctx, t, j, is)
			return mark{m.F1(), len(m.False)}, ok, err
		}
	}
	return append(rows,
		replayed{"one_by_one_person, with weights, intrusion of a person", spans(job{video: oneByOneFilm, weights: true, zones: personComes}, isPerson)},
		replayed{"one_by_one_person, motion only, intrusion", spans(job{video: oneByOneFilm, zones: anyIntrusion}, isPerson)},
		replayed{"cars_from_above, motion only", spans(job{video: carsFilm, zones: anyMotion}, isCar)},
		replayed{"CDnet highway, pixels", func(ctx context.Context, s *setting, t take) (mark, bool, error) {
			m, ok, err := s.highwayMasks(ctx, t)
			return mark{f1: m.F()}, ok, err
		}},
		replayed{"Wallflower, pixels of six masks, alarms while nobody is there", func(ctx context.Context, s *setting, t take) (mark, bool, error) {
			f, ok, err := s.wallflowerFilms(ctx, t, wallflowerAll)
			return mark{f.sum().F(), len(f.quiet)}, ok, err
		}})
}

// petsMark scores the loiterers of PETS, all dwells together.
func (s *setting) petsMark(ctx context.Context, t take, weights bool) (mark, bool, error) {
	truth, ok, err := s.petsTruth()
	if err != nil || !ok {
		return mark{}, false, err
	}
	d, ok, err := s.analyzeTake(ctx, t, job{video: petsFilm, weights: weights, zones: truth.zones()})
	if err != nil || !ok {
		return mark{}, false, err
	}
	all := truth.loiterers(dwells[0], d.events)
	for _, dwell := range dwells[1:] {
		all = all.Add(truth.loiterers(dwell, d.events))
	}
	return mark{all.F1(), len(all.False)}, true, nil
}
