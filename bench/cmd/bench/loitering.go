package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/vedette-cctv/vedette/bench/score"
	"github.com/vedette-cctv/vedette/models"
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

// found is what we need of an incident that vedette analyze prints.
type found struct {
	Kind   models.Kind
	Zone   string
	Events []struct {
		Start float64 `json:"start_s"`
		Alarm float64 `json:"alarm_s"`
		End   float64 `json:"end_s"`
	}
}

// loitering scores the alarms of vedette analyze on PETS 2009 S2L1, view 1.
func loitering(ctx context.Context, s *setting) error {
	video, ok := s.footage("pets/pets_s2l1.mp4")
	if !ok {
		return nil
	}
	path, _ := s.footage("pets/loitering.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var t truth
	if err := json.Unmarshal(data, &t); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Println("| detection | dwell | due | alarmed | missed | false | F1 | delay median, max | within ±1 s |\n|---|---|---|---|---|---|---|---|---|")
	for _, objects := range []bool{false, true} {
		for _, dwell := range []string{"5s", "10s", "20s"} {
			v, err := s.visits(ctx, video, t, dwell, objects)
			if err != nil {
				return err
			}
			name := "motion only"
			if objects {
				name = "with weights"
			}
			fmt.Printf("| %s | %s | %d | %d | %d | %d | %.2f | %+.2f s, %+.2f s | %.0f %% |\n", name, dwell, v.Due, v.Found, len(v.Missed), len(v.False),
				v.F1(), score.Quantile(v.Delays, 0.5), score.Quantile(v.Delays, 1), 100*v.OnTime(1))
		}
	}
	return nil
}

func (s *setting) visits(ctx context.Context, video string, t truth, dwell string, objects bool) (score.Visits, error) {
	zones := ""
	names := make([]string, 0, len(t.Zones))
	for name := range t.Zones {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		polygon, err := json.Marshal(t.Zones[name])
		if err != nil {
			return score.Visits{}, err
		}
		zones += fmt.Sprintf("      %s: {polygon: %s, rules: [{kind: loitering, dwell: %s, grace: 1s}]}\n", name, polygon, dwell)
	}
	cfg, err := s.write("loitering.yml", fmt.Sprintf("cameras:\n  pets:\n    url: rtsp://192.0.2.10/\n    detect: {objects: %v}\n    zones:\n%s", objects, zones))
	if err != nil {
		return score.Visits{}, err
	}
	cmd := exec.CommandContext(ctx, s.vedette, "--log-level", "warn", "analyze", "-c", cfg, "--camera", "pets", "--format", "jsonl", video)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return score.Visits{}, fmt.Errorf("analyze: %w", err)
	}
	alarms := map[string][]score.Alarm{}
	for _, line := range bytes.Split(bytes.TrimSpace(out), []byte("\n")) {
		var f found
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return score.Visits{}, err
		}
		for _, e := range f.Events {
			alarms[f.Zone] = append(alarms[f.Zone], score.Alarm{Start: e.Start, At: e.Alarm, End: e.End})
		}
	}
	var sum score.Visits
	for _, name := range names {
		var visits []score.Visit
		for _, list := range t.Loiterers[name][dwell] {
			for _, v := range list {
				visits = append(visits, score.Visit{Start: v.Start, Due: v.Due, End: v.End, Near: v.Near})
			}
		}
		slices.SortFunc(visits, func(a, b score.Visit) int { return int(1e3 * (a.Due - b.Due)) })
		sum = sum.Add(score.MatchVisits(visits, alarms[name]))
	}
	return sum, nil
}
