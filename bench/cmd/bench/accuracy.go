package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vedette-cctv/vedette/bench/score"
)

// accuracy prints what vedette finds on footage whose truth is known, beside what is to
// be beaten and what is aimed at.
func accuracy(ctx context.Context, s *setting) error {
	fmt.Println("| what | measured | to beat | goal | reached |\n|---|---|---|---|---|")
	for _, part := range []func(context.Context, *setting) error{petsAccuracy, corridor, oneByOne, cars, highway, wallflower} {
		if err := part(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// wants says whether a row is asked for.
func (s *setting) wants(row string) bool { return s.rows == nil || s.rows.MatchString(row) }

func result(what, measured, beat, goal string, reached bool) {
	verdict := map[bool]string{true: "yes", false: "no"}[reached]
	if goal == "" {
		verdict = "–"
	}
	fmt.Printf("| %s | %s | %s | %s | %s |\n", what, measured, beat, goal, verdict)
}

// job is one run of vedette analyze.
type job struct {
	video string // below the data folder
	looks string // detect.looks, when not the default
	file  string // its altered copy, when one is analysed instead
	// weights says whether to use them; they are looked for in the data folder.
	weights bool
	zones   string // YAML, indented by six
	tracks  bool
	masks   bool
}

// done is what a run left.
type done struct {
	tracks string // path
	masks  string // folder
	events []alarmed
}

// alarmed is one event that vedette analyze prints.
type alarmed struct {
	zone  string
	dwell float64 // the rule's, in seconds
	score.Alarm
}

const (
	everywhere   = "[[0, 0], [1, 0], [1, 1], [0, 1]]"
	anyMotion    = "      all: {polygon: " + everywhere + ", rules: [{kind: motion}]}\n"
	anyIntrusion = "      all: {polygon: " + everywhere + ", rules: [{kind: intrusion}]}\n"
	personComes  = "      all: {polygon: " + everywhere + ", rules: [{kind: intrusion, labels: [person]}]}\n"
)

// analyze runs a job; ok is false, said out loud, when the footage or the weights are not
// there.
func (s *setting) analyze(ctx context.Context, j job) (d done, ok bool, err error) {
	video, ok := s.footage(j.video)
	if !ok {
		return done{}, false, nil
	}
	if j.file != "" {
		video = j.file
	}
	folder, err := filepath.Abs(filepath.Join(s.data, "models"))
	if err != nil {
		return done{}, false, err
	}
	if j.weights {
		if _, ok := s.footage("models/yolox_nano.onnx"); !ok {
			return done{}, false, nil
		}
	}
	place, err := os.MkdirTemp(s.work, "accuracy-")
	if err != nil {
		return done{}, false, err
	}
	cfg := filepath.Join(place, "vedette.yml")
	looks := ""
	if j.looks != "" {
		looks = ", looks: " + j.looks
	}
	text := fmt.Sprintf("models: {path: [%q], weights: yolox_nano}\ncameras:\n  film:\n    url: rtsp://192.0.2.10/\n    detect: {objects: %v%s}\n    zones:\n%s",
		folder, j.weights, looks, j.zones)
	if err := os.WriteFile(cfg, []byte(text), 0o600); err != nil {
		return done{}, false, err
	}
	args := []string{"--log-level", "warn", "analyze", "-q", "-c", cfg, "--camera", "film", "--format", "jsonl"}
	if j.tracks {
		d.tracks = filepath.Join(place, "tracks.txt")
		args = append(args, "--tracks", d.tracks)
	}
	if j.masks {
		d.masks = filepath.Join(place, "masks")
		args = append(args, "--foreground", d.masks)
	}
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, s.vedette, append(args, video)...)
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		return done{}, false, fmt.Errorf("analyze %s: %w: %s", j.video, err, &log)
	}
	if j.weights && strings.Contains(log.String(), "motion alone") {
		return done{}, false, fmt.Errorf("analyze %s: the weights were not used: %s", j.video, &log)
	}
	d.events, err = readEvents(out)
	return d, true, err
}

func readEvents(jsonl []byte) ([]alarmed, error) {
	var all []alarmed
	for line := range bytes.Lines(jsonl) {
		var in struct {
			Zone   string
			Count  int `json:"event_count"`
			Events []struct {
				Start float64 `json:"start_s"`
				Alarm float64 `json:"alarm_s"`
				End   float64 `json:"end_s"`
				Why   []struct {
					Name      string
					Threshold float64
				}
			}
		}
		if err := json.Unmarshal(line, &in); err != nil {
			return nil, err
		}
		if len(in.Events) < in.Count {
			return nil, fmt.Errorf("an incident shows %d of its %d events: the score would not be true", len(in.Events), in.Count)
		}
		for _, e := range in.Events {
			a := alarmed{zone: in.Zone, Alarm: score.Alarm{Start: e.Start, At: e.Alarm, End: e.End}}
			for _, f := range e.Why {
				if f.Name == "dwell" {
					a.dwell = f.Threshold
				}
			}
			all = append(all, a)
		}
	}
	return all, nil
}

func alarms(events []alarmed, keep func(alarmed) bool) []score.Alarm {
	var out []score.Alarm
	for _, e := range events {
		if keep(e) {
			out = append(out, e.Alarm)
		}
	}
	return out
}

// everyOne keeps all events.
func everyOne(alarmed) bool { return true }

const petsFilm = "pets/pets_s2l1.mp4"

// petsAccuracy scores tracks and loiterers of PETS 2009 S2L1, view 1.
func petsAccuracy(ctx context.Context, s *setting) error {
	t, ok, err := s.petsTruth()
	if err != nil || !ok {
		return err
	}
	boxes, err := readMOT(filepath.Join(s.data, "pets/gt.txt"))
	if err != nil {
		return err
	}
	for _, with := range []struct {
		weights              bool
		looks                string
		name, beat, goal, f1 string
		mota, idf1, loiterF1 float64
	}{
		{true, "", "with weights", "MOTA 82.6, IDF1 76.9", "MOTA 85, IDF1 80", "0.95, 95 % within ±1 s", 85, 80, .95},
		{true, "1.5", "with weights, at most 1.5 looks a second", "MOTA 82.6, IDF1 76.9", "MOTA 85, IDF1 80", "0.95, 95 % within ±1 s", 85, 80, .95},
		{false, "", "motion only", "MOTA 32.2, IDF1 31.7", "MOTA 50, IDF1 45", "0.80", 50, 45, .80},
	} {
		if !s.wants("PETS, " + with.name) {
			continue
		}
		d, ok, err := s.analyze(ctx, job{video: petsFilm, weights: with.weights, looks: with.looks, zones: t.zones(), tracks: true})
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		tracks, err := readMOT(d.tracks)
		if err != nil {
			return err
		}
		m := score.Tracks(boxes, tracks)
		result("PETS S2L1 tracking, "+with.name, tracking(m), with.beat, with.goal, 100*m.MOTA() >= with.mota && 100*m.IDF1() >= with.idf1)
		for i, dwell := range dwells {
			v := t.loiterers(dwell, d.events)
			reached := v.F1() >= with.loiterF1 && (!with.weights || v.OnTime(1) >= .95)
			beat := ""
			if with.weights {
				beat = []string{"0.87", "0.80", "0.73"}[i]
			}
			result(fmt.Sprintf("PETS loitering %g s, %s", dwell, with.name),
				fmt.Sprintf("F1 %.2f (%d of %d, %d false), %.0f %% within ±1 s", v.F1(), v.Found, v.Due, len(v.False), 100*v.OnTime(1)),
				beat, with.f1, reached)
		}
	}
	return nil
}

func tracking(m score.MOT) string {
	return fmt.Sprintf("MOTA %.1f, IDF1 %.1f (missed %d, false %d, switches %d of %d)", 100*m.MOTA(), 100*m.IDF1(), m.Missed, m.False, m.Switches, m.Truth)
}

// corridor scores the tracks of a film that has no goal: a second opinion on PETS.
func corridor(ctx context.Context, s *setting) error {
	for _, weights := range []bool{true, false} {
		what := "CAVIAR corridor tracking (no goal), " + map[bool]string{true: "with weights", false: "motion only"}[weights]
		if !s.wants(what) {
			continue
		}
		d, ok, err := s.analyze(ctx, job{video: "clips/mall_corridor.mp4", weights: weights, zones: anyMotion, tracks: true})
		if err != nil || !ok {
			return err
		}
		truth, err := readMOT(filepath.Join(s.data, "clips/mall_corridor_gt.txt"))
		if err != nil {
			return err
		}
		found, err := readMOT(d.tracks)
		if err != nil {
			return err
		}
		m := score.Tracks(truth, found)
		result(what, tracking(m), "", "", true)
	}
	return nil
}

// dwells are those for which pets/loitering.json has the truth, in seconds.
var dwells = []float64{5, 10, 20}

// loiterers scores the alarms of one dwell, both zones together.
func (t truth) loiterers(dwell float64, events []alarmed) score.Visits {
	var sum score.Visits
	for name := range t.Zones {
		var visits []score.Visit
		for _, list := range t.Loiterers[name][fmt.Sprintf("%gs", dwell)] {
			for _, v := range list {
				visits = append(visits, score.Visit{Start: v.Start, Due: v.Due, End: v.End, Near: v.Near})
			}
		}
		slices.SortFunc(visits, func(a, b score.Visit) int { return int(1e3 * (a.Due - b.Due)) })
		sum = sum.Add(score.MatchVisits(visits, alarms(events, func(e alarmed) bool { return e.zone == name && e.dwell == dwell })))
	}
	return sum
}

// readMOT reads MOTChallenge lines: frame from 1, identity, left, top, width, height.
func readMOT(path string) (frames [][]score.Box, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var v [6]float64
		fields := strings.Split(lines.Text(), ",")
		if len(fields) < len(v) {
			return nil, fmt.Errorf("%s:%d: %d fields", path, n, len(fields))
		}
		for i := range v {
			if v[i], err = strconv.ParseFloat(strings.TrimSpace(fields[i]), 64); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n, err)
			}
		}
		at := int(v[0]) - 1
		if at < 0 || at > 1<<20 {
			return nil, fmt.Errorf("%s:%d: frame %g", path, n, v[0])
		}
		for len(frames) <= at {
			frames = append(frames, nil)
		}
		frames[at] = append(frames[at], score.Box{ID: int(v[1]), X: v[2], Y: v[3], W: v[4], H: v[5]})
	}
	return frames, lines.Err()
}

// footageEvents are the times in events.json: of things, and of nothing.
func (s *setting) footageEvents(video string, is func(label string) bool) (things, nothing []score.Span, err error) {
	data, err := os.ReadFile(filepath.Join(s.data, "events.json"))
	if err != nil {
		return nil, nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, nil, err
	}
	var t struct {
		Events []struct {
			Label string
			Start float64 `json:"start_s"`
			End   float64 `json:"end_s"`
		}
	}
	if err := json.Unmarshal(all[video], &t); err != nil {
		return nil, nil, fmt.Errorf("events.json: %s: %w", video, err)
	}
	for _, e := range t.Events {
		switch {
		case strings.Contains(e.Label, "nothing"):
			nothing = append(nothing, score.Span{Start: e.Start, End: e.End})
		case is(e.Label):
			things = append(things, score.Span{Start: e.Start, End: e.End})
		}
	}
	return things, nothing, nil
}

// tolerance is how far the times that were noted by hand may be off, in seconds.
const tolerance = 0.4

const (
	oneByOneFilm = "clips/one_by_one_person.mp4"
	carsFilm     = "clips/cars_from_above.mp4"
)

func isPerson(label string) bool { return label == "person_present" }
func isCar(label string) bool    { return label == "car" }

func oneByOne(ctx context.Context, s *setting) error {
	for _, with := range []struct {
		weights     bool
		name, zones string
	}{{true, "with weights, intrusion, labels: [person]", personComes}, {false, "motion only, intrusion", anyIntrusion}} {
		if err := s.presence(ctx, job{video: oneByOneFilm, weights: with.weights, zones: with.zones},
			"one_by_one_person, "+with.name, "6 of 6, 0 false, start within 0.6 s", isPerson, 0.6); err != nil {
			return err
		}
	}
	return nil
}

func cars(ctx context.Context, s *setting) error {
	for _, weights := range []bool{true, false} {
		name := "motion only"
		if weights {
			name = "with weights"
		}
		if err := s.presence(ctx, job{video: carsFilm, weights: weights, zones: anyMotion},
			"cars_from_above, "+name, "4 of 4, 0 false", isCar, math.Inf(1)); err != nil {
			return err
		}
	}
	return nil
}

// presence scores the events of one film against the times at which something was there.
func (s *setting) presence(ctx context.Context, j job, what, goal string, is func(string) bool, start float64) error {
	if !s.wants(what) {
		return nil
	}
	m, ok, err := s.spans(ctx, take{}, j, is)
	if err != nil || !ok {
		return err
	}
	worst := 0.0
	for _, delay := range m.Delays {
		worst = max(worst, math.Abs(delay))
	}
	result(what, fmt.Sprintf("%d of %d, %d false, %d again, start within %.1f s", m.Found, m.Due, len(m.False), m.Again, worst), "", goal,
		m.Found == m.Due && len(m.False) == 0 && worst <= start)
	return nil
}

// spans runs a job and scores its events against the times at which something was there.
func (s *setting) spans(ctx context.Context, t take, j job, is func(string) bool) (score.Spans, bool, error) {
	d, ok, err := s.analyzeTake(ctx, t, j)
	if err != nil || !ok {
		return score.Spans{}, false, err
	}
	things, _, err := s.footageEvents(j.video, is)
	return score.MatchSpans(things, alarms(d.events, everyOne), tolerance), true, err
}
