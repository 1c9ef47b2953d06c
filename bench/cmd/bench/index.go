package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// firstPage is how long the first page of a list may take at p99.
const firstPage = 50 * time.Millisecond

// measureIndex fills an index with two years of a busy site and times the first page of
// every kind of search, each time with other values.
func measureIndex(ctx context.Context, s *setting) error {
	fmt.Printf("%s incidents, first page of 50, %d searches of each kind with values as they occur in the data.\n\n", thousands(s.incidents), s.searches)
	fmt.Println("| index | search | p50 | p99 | CPU p99 | slowest | goal p99 ≤ 50 ms |\n|---|---|---|---|---|---|---|")
	sqlite := func(ctx context.Context) (storage.Index, func(), error) {
		path := s.index
		if path == "" {
			path = filepath.Join(s.work, "million.db")
		}
		x, err := storage.OpenSQLite(path)
		return x, func() {}, err
	}
	for _, db := range []struct {
		name string
		open func(context.Context) (storage.Index, func(), error)
	}{{"SQLite", sqlite}, {"PostgreSQL", s.openPostgres}} {
		if !s.wants(db.name) {
			continue
		}
		if err := s.searchIndex(ctx, db.name, db.open); err != nil {
			return fmt.Errorf("%s: %w", db.name, err)
		}
	}
	return nil
}

func (s *setting) searchIndex(ctx context.Context, name string, open func(context.Context) (storage.Index, func(), error)) error {
	x, stop, err := open(ctx)
	if err != nil {
		return err
	}
	defer stop()
	defer x.Close()
	past := newSite(s.incidents)
	there, err := x.Count(ctx, storage.Query{})
	if err != nil {
		return err
	}
	if there != s.incidents {
		began := time.Now()
		if _, err := x.(storage.Importer).Import(ctx, past.incidents()); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%s: %d incidents in %.0f s\n", name, s.incidents, time.Since(began).Seconds())
	}
	for _, k := range past.searches() {
		warm, rng := rand.New(rand.NewPCG(5, 6)), rand.New(rand.NewPCG(7, 11))
		if _, _, err := timeSearches(ctx, x, k, warm, 20); err != nil {
			return err
		}
		took, cpu, err := timeSearches(ctx, x, k, rng, s.searches)
		if err != nil {
			return err
		}
		ofCPU := "–"
		if name == "SQLite" { // a server's is not ours to read
			ofCPU = ms(cpu[len(cpu)*99/100])
		}
		p99 := took[len(took)*99/100]
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", name, k.name, ms(took[len(took)/2]), ms(p99), ofCPU, ms(took[len(took)-1]),
			map[bool]string{true: "yes", false: "no"}[p99 <= firstPage])
	}
	return nil
}

// timeSearches makes n searches, one after the other, and returns how long each took and
// how much processor time this process used meanwhile, each with the shortest first.
func timeSearches(ctx context.Context, x storage.Index, k searchKind, rng *rand.Rand, n int) (took, cpu []time.Duration, err error) {
	took, cpu = make([]time.Duration, n), make([]time.Duration, n)
	for i := range took {
		q := k.query(rng)
		q.Brief = true
		used, began := cpuTime(), time.Now()
		if _, err := x.List(ctx, q); err != nil {
			return nil, nil, fmt.Errorf("%s: %+v: %w", k.name, q, err)
		}
		took[i], cpu[i] = time.Since(began), cpuTime()-used
	}
	slices.Sort(took)
	slices.Sort(cpu)
	return took, cpu, nil
}

// cpuTime is what this process has used so far.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

// thousands groups the digits of a number.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s %03d", thousands(n/1000), n%1000)
}

// openPostgres opens the database that is given, or one of a server of its own.
func (s *setting) openPostgres(ctx context.Context) (x storage.Index, stop func(), err error) {
	if s.postgres != "" {
		x, err := storage.OpenPostgres(ctx, s.postgres)
		return x, func() {}, err
	}
	r := &rig{}
	defer func() {
		if p := recover(); p != nil {
			r.stop()
			err = fmt.Errorf("%v", p)
		}
	}()
	x, err = storage.OpenPostgres(ctx, pgtest.Start(r).Database("million"))
	return x, r.stop, err
}

// rig stands in for a test where a server that tests use is started by this program.
type rig struct {
	testing.TB
	cleanups []func()
}

func (r *rig) Helper()                           {}
func (r *rig) Cleanup(fn func())                 { r.cleanups = append(r.cleanups, fn) }
func (r *rig) Error(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (r *rig) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (r *rig) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (r *rig) Skipf(format string, args ...any)  { panic(fmt.Sprintf(format, args...)) }

func (r *rig) stop() {
	for _, fn := range slices.Backward(r.cleanups) {
		fn()
	}
	r.cleanups = nil
}

// site is the past of a busy site: an incident a minute, what is common is common, what
// goes together goes together. Its events have no paths and curves: these have columns of
// their own, which no list reads.
type site struct {
	n     int
	from  time.Time
	words []string
}

const (
	siteCameras = 50
	siteWords   = 5000
)

func newSite(n int) *site {
	s := &site{n: n, from: time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC)}
	rng := rand.New(rand.NewPCG(3, 9))
	for range siteWords {
		word := make([]byte, 3+rng.IntN(7))
		for i := range word {
			word[i] = byte('a' + rng.IntN(26))
		}
		s.words = append(s.words, string(word))
	}
	return s
}

// often picks one of a list by its weights.
func often[T any](rng *rand.Rand, list []T, weights ...int) T {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := rng.IntN(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return list[i]
		}
	}
	return list[len(list)-1]
}

// word picks a word of a note: a few are in every second one, most are rare (Zipf).
func (s *site) word(rng *rand.Rand) string {
	return s.words[int(math.Exp(rng.Float64()*math.Log(siteWords)))-1]
}

func (s *site) note(rng *rand.Rand) string {
	note := ""
	for range 3 + rng.IntN(6) {
		note += s.word(rng) + " "
	}
	return note
}

var (
	siteKinds      = []models.Kind{models.KindMotion, models.KindLoitering, models.KindIntrusion, models.KindLine, models.KindCrowd, models.KindLeftObject, models.KindCovered, models.KindCameraLost}
	siteLabels     = []string{"person", "car", models.LabelUnknown, "truck", "bicycle", "dog"}
	siteSeverities = []models.Severity{models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical}
)

func (s *site) camera(rng *rand.Rand) models.CameraID {
	return models.CameraID(fmt.Sprintf("camera-%02d", rng.IntN(siteCameras)))
}

// dwell is half a minute in the middle, an hour for one in a thousand.
func (s *site) dwell(rng *rand.Rand) time.Duration {
	return time.Duration(min(30*math.Exp(rng.NormFloat64()*1.6), 86400) * float64(time.Second))
}

func (s *site) incident(rng *rand.Rand, n int) models.Incident {
	alarm := s.from.Add(time.Duration(n)*time.Minute + time.Duration(rng.IntN(60_000))*time.Millisecond)
	start := alarm.Add(-time.Duration(rng.IntN(20_000)) * time.Millisecond)
	at := models.Instant{Wall: alarm}
	in := models.Incident{
		Camera: s.camera(rng), Kind: often(rng, siteKinds, 40, 30, 12, 10, 3, 2, 1, 2), Severity: often(rng, siteSeverities, 50, 30, 18, 2),
		State: models.StateClosed, Score: .8, Start: start, Alarm: alarm, End: start.Add(s.dwell(rng)), Opened: alarm, Revision: 1,
		Footage: models.Footage{State: models.FootageStored, AskedFrom: start, AskedTo: alarm},
		Config:  "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730", Version: "1.0.0", EventCount: 1,
		Log: []models.Action{{At: alarm, Who: "ann", What: "acknowledged"}},
	}
	in.ID = models.IncidentID(fmt.Sprintf("%s-%s-%s-%d", alarm.Format("20060102T150405.000Z"), in.Camera, in.Kind, n))
	if in.Kind != models.KindCovered && in.Kind != models.KindCameraLost {
		in.Zone = often(rng, []models.ZoneID{"door", "fence"}, 70, 30)
		in.Label = often(rng, siteLabels, 60, 20, 15, 4, 1, 0)
		if in.Kind == models.KindLoitering {
			in.Label = "person"
		} else if in.Camera == "camera-07" && rng.IntN(500) == 0 {
			in.Label = "dog" // seen by one camera only
		}
	}
	event := models.Event{ID: int64(n), Phase: models.PhaseEnded, Camera: in.Camera, Zone: in.Zone, Label: in.Label, Start: at, Alarm: at, End: at,
		Rule: models.Rule{Kind: in.Kind}, Why: []models.Fact{{Name: "dwell", Observed: 11, Threshold: 10, Unit: "s"}}}
	in.Events = []models.Event{event}
	switch v := rng.IntN(10); {
	case v < 3:
		in.Judgement = &models.Judgement{Verdict: models.VerdictTrue, By: "ann", At: alarm, Note: s.note(rng)}
	case v < 5:
		in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain, By: "ben", At: alarm}
	}
	if rng.IntN(4) == 0 {
		in.Log = append(in.Log, models.Action{At: alarm, Who: "ann", What: "closed", Note: s.note(rng)})
	}
	if rng.IntN(2000) == 0 {
		in.Hold = &models.Hold{By: "cho", Why: "police " + s.note(rng), At: alarm}
	}
	switch age := s.n - n; {
	case age < 5:
		in.End, in.State, in.Footage.State, in.Log = time.Time{}, models.StateNew, models.FootageRecording, nil
	case age < 300:
		in.State, in.Judgement = often(rng, []models.State{models.StateNew, models.StateAcknowledged}, 2, 1), nil
	case age < 320:
		in.Footage.State = models.FootagePending
	case age > 130_000 && in.Hold == nil: // 90 days
		in.Footage.State = models.FootageDeleted
	}
	return in
}

func (s *site) incidents() func(yield func(models.Incident, error) bool) {
	return func(yield func(models.Incident, error) bool) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range s.n {
			if !yield(s.incident(rng, n), nil) {
				return
			}
		}
	}
}

// searchKind makes searches of one kind.
type searchKind struct {
	name  string
	query func(*rand.Rand) storage.Query
}

func (s *site) searches() []searchKind {
	type query = storage.Query
	yes := true
	rare := s.words[siteWords-1]
	day := func(rng *rand.Rand) (time.Time, time.Time) {
		from := s.from.Add(time.Duration(rng.IntN(max(1, s.n-1440))) * time.Minute)
		return from, from.Add(24 * time.Hour)
	}
	dwells := []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 5 * time.Hour}
	pickDwell := func(rng *rand.Rand) time.Duration { return dwells[rng.IntN(len(dwells))] }
	camera := func(rng *rand.Rand) []models.CameraID { return []models.CameraID{s.camera(rng)} }
	kind := func(rng *rand.Rand) []models.Kind { return []models.Kind{siteKinds[rng.IntN(len(siteKinds))]} }
	label := func(rng *rand.Rand) []string { return []string{siteLabels[rng.IntN(len(siteLabels))]} }
	open := []models.State{models.StateNew, models.StateAcknowledged}
	return []searchKind{
		{"newest", func(*rand.Rand) query { return query{} }},
		{"the queue", func(*rand.Rand) query { return query{Order: storage.OrderQueue, States: open} }},
		{"the queue of everything", func(*rand.Rand) query { return query{Order: storage.OrderQueue} }},
		{"camera", func(r *rand.Rand) query { return query{Cameras: camera(r)} }},
		{"three cameras", func(r *rand.Rand) query { return query{Cameras: slices.Concat(camera(r), camera(r), camera(r))} }},
		{"zone", func(*rand.Rand) query { return query{Zones: []models.ZoneID{"fence"}} }},
		{"kind", func(r *rand.Rand) query { return query{Kinds: kind(r)} }},
		{"severity", func(r *rand.Rand) query { return query{Severities: []models.Severity{siteSeverities[r.IntN(4)]}} }},
		{"label", func(r *rand.Rand) query { return query{Labels: label(r)} }},
		{"verdict", func(r *rand.Rand) query {
			return query{Verdicts: []models.Verdict{often(r, []models.Verdict{"", models.VerdictTrue, models.VerdictNuisance}, 1, 1, 1)}}
		}},
		{"state closed", func(*rand.Rand) query { return query{States: []models.State{models.StateClosed}} }},
		{"footage", func(r *rand.Rand) query {
			return query{Footage: []models.FootageState{often(r, []models.FootageState{models.FootagePending, models.FootageStored, models.FootageDeleted}, 1, 1, 1)}}
		}},
		{"held", func(*rand.Rand) query { return query{Held: &yes} }},
		{"dwell", func(r *rand.Rand) query { return query{MinDwell: pickDwell(r)} }},
		{"a day", func(r *rand.Rand) query { from, to := day(r); return query{From: from, To: to} }},
		{"text: one word", func(r *rand.Rand) query { return query{Text: s.word(r)} }},
		{"text: two words", func(r *rand.Rand) query { return query{Text: s.word(r) + " " + s.word(r)} }},
		{"text: the two most frequent words", func(*rand.Rand) query { return query{Text: s.words[0] + " " + s.words[1]} }},
		{"text: a frequent and a rare word", func(*rand.Rand) query { return query{Text: s.words[0] + " " + rare} }},
		{"text: names", func(r *rand.Rand) query { return query{Text: label(r)[0] + " fence"} }},
		{"text: a name and a word", func(r *rand.Rand) query { return query{Text: "loitering " + s.word(r)} }},
		{"text: names that never go together", func(*rand.Rand) query { return query{Text: "dog loitering"} }},
		{"camera, kind", func(r *rand.Rand) query { return query{Cameras: camera(r), Kinds: kind(r)} }},
		{"camera, label", func(r *rand.Rand) query { return query{Cameras: camera(r), Labels: label(r)} }},
		{"kind, label", func(r *rand.Rand) query { return query{Kinds: kind(r), Labels: label(r)} }},
		{"camera, a day", func(r *rand.Rand) query { from, to := day(r); return query{Cameras: camera(r), From: from, To: to} }},
		{"camera, dwell", func(r *rand.Rand) query { return query{Cameras: camera(r), MinDwell: pickDwell(r)} }},
		{"label, dwell", func(r *rand.Rand) query { return query{Labels: label(r), MinDwell: pickDwell(r)} }},
		{"camera, held", func(r *rand.Rand) query { return query{Cameras: camera(r), Held: &yes} }},
		{"kind, verdict, severity", func(r *rand.Rand) query {
			return query{Kinds: kind(r), Verdicts: []models.Verdict{models.VerdictTrue}, Severities: []models.Severity{siteSeverities[r.IntN(4)]}}
		}},
		{"text, camera", func(r *rand.Rand) query { return query{Text: s.word(r), Cameras: camera(r)} }},
		{"text, dwell", func(r *rand.Rand) query { return query{Text: s.word(r), MinDwell: pickDwell(r)} }},
		{"text, a day", func(r *rand.Rand) query { from, to := day(r); return query{Text: s.word(r), From: from, To: to} }},
		{"text, dwell, camera, label", func(r *rand.Rand) query {
			return query{Text: s.word(r), MinDwell: pickDwell(r), Cameras: camera(r), Labels: label(r)}
		}},
		{"text, as a queue", func(r *rand.Rand) query { return query{Text: s.word(r), Order: storage.OrderQueue} }},
		{"camera, state closed, footage deleted", func(r *rand.Rand) query {
			return query{Cameras: camera(r), States: []models.State{models.StateClosed}, Footage: []models.FootageState{models.FootageDeleted}}
		}},
		{"everything at once", func(r *rand.Rand) query {
			from, to := day(r)
			return query{Text: s.word(r), MinDwell: time.Minute, Cameras: camera(r), Zones: []models.ZoneID{"door"}, Labels: []string{"person"},
				Kinds: kind(r), States: []models.State{models.StateClosed}, From: from, To: to.Add(30 * 24 * time.Hour)}
		}},
	}
}
