package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vedette-cctv/vedette/bench/score"
)

// truth is the layout of pets/loitering.json.
type truth struct {
	Zones     map[string][][2]float64
	Loiterers map[string]map[string]map[string][]struct {
		Start float64 `json:"start_s"`
		Due   float64 `json:"alarm_due_s"`
		End   float64 `json:"end_s"`
		Near  bool
	}
}

// loitering says of each visit of PETS 2009 S2L1, view 1, whether and when it was alarmed.
func loitering(ctx context.Context, s *setting) error {
	t, ok, err := s.petsTruth()
	if err != nil || !ok {
		return err
	}
	fmt.Println("| detection | dwell | due | alarmed | false | delay of each alarm, s | missed (due at) | false (from, at) |\n|---|---|---|---|---|---|---|---|")
	for _, weights := range []bool{false, true} {
		name := map[bool]string{false: "motion only", true: "with weights"}[weights]
		if !s.wants("PETS, " + name) {
			continue
		}
		d, ok, err := s.analyze(ctx, job{video: petsFilm, weights: weights, zones: t.zones()})
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		for _, dwell := range dwells {
			v := t.loiterers(dwell, d.events)
			slices.SortFunc(v.Hits, func(a, b score.Hit) int { return cmp.Compare(a.Visit.Due, b.Visit.Due) })
			var delays, missed, wrong []string
			for _, h := range v.Hits {
				delays = append(delays, fmt.Sprintf("%+.1f", h.Alarm.At-h.Visit.Due))
			}
			for _, m := range v.Missed {
				missed = append(missed, fmt.Sprintf("%.1f", m.Due))
			}
			for _, a := range v.False {
				wrong = append(wrong, fmt.Sprintf("%.1f %.1f", a.Start, a.At))
			}
			fmt.Printf("| %s | %g s | %d | %d | %d | %s | %s | %s |\n", name, dwell, v.Due, v.Found, len(v.False),
				strings.Join(delays, " "), cmp.Or(strings.Join(missed, " "), "–"), cmp.Or(strings.Join(wrong, ", "), "–"))
		}
	}
	return nil
}

// petsTruth reads who loiters; ok is false, said out loud, when the footage is not there.
func (s *setting) petsTruth() (t truth, ok bool, err error) {
	path, ok := s.footage("pets/loitering.json")
	if !ok {
		return truth{}, false, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return truth{}, false, err
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return truth{}, false, fmt.Errorf("%s: %w", path, err)
	}
	return t, true, nil
}

// zones is the truth's zones with a rule for each dwell, as YAML.
func (t truth) zones() string {
	names := make([]string, 0, len(t.Zones))
	for name := range t.Zones {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		polygon, _ := json.Marshal(t.Zones[name]) // numbers
		var rules []string
		for _, dwell := range dwells {
			rules = append(rules, fmt.Sprintf("{kind: loitering, dwell: %gs, grace: 1s}", dwell))
		}
		fmt.Fprintf(&text, "      %s: {polygon: %s, rules: [%s]}\n", name, polygon, strings.Join(rules, ", "))
	}
	return text.String()
}
