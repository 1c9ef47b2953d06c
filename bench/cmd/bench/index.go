package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// How long the first page of a list, one whole incident, and a report may take at p99.
const (
	firstPage    = 50 * time.Millisecond
	incidentPage = 30 * time.Millisecond
	yearReport   = 2 * time.Second
)

// measureIndex fills an index with two years of a busy site and times what a person waits
// for: an incident, and the first page of every kind of search, each time with other values.
func measureIndex(ctx context.Context, s *setting) error {
	fmt.Printf("%s incidents with %s log entries, first page of 50, %d searches of each kind with values as they occur in the data.\n\n",
		thousands(s.incidents), thousands(siteEntries*s.incidents), s.searches)
	fmt.Println("| index | search | p50 | p99 | CPU p99 | slowest | p99 ≤ goal |\n|---|---|---|---|---|---|---|")
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
		if !slices.ContainsFunc(newSite(0).searches(), func(k searchKind) bool { return s.wants(db.name + ", " + k.name) }) {
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
		if !s.wants(name + ", " + k.name) {
			continue
		}
		warm, rng := rand.New(rand.NewPCG(5, 6)), rand.New(rand.NewPCG(7, 11))
		if _, _, err := timeSearches(ctx, x, k, warm, min(20, cmp.Or(k.most, 20))); err != nil {
			return err
		}
		n := s.searches
		if k.most > 0 {
			n = min(n, k.most)
		}
		took, cpu, err := timeSearches(ctx, x, k, rng, n)
		if err != nil {
			return err
		}
		ofCPU := "–"
		if name == "SQLite" { // a server's is not ours to read
			ofCPU = ms(cpu[len(cpu)*99/100])
		}
		p99 := took[len(took)*99/100]
		goal := firstPage
		if k.goal > 0 {
			goal = k.goal
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s, %.0f ms |\n", name, k.name, ms(took[len(took)/2]), ms(p99), ofCPU, ms(took[len(took)-1]),
			map[bool]string{true: "yes", false: "no"}[p99 <= goal], float64(goal)/1e6)
	}
	return nil
}

// timeSearches makes n searches, one after the other, and returns how long each took and
// how much processor time this process used meanwhile, each with the shortest first.
func timeSearches(ctx context.Context, x storage.Index, k searchKind, rng *rand.Rand, n int) (took, cpu []time.Duration, err error) {
	took, cpu = make([]time.Duration, n), make([]time.Duration, n)
	for i := range took {
		do := k.do
		if do == nil {
			q := k.query(rng)
			q.Brief = true
			do = func(ctx context.Context, x storage.Index, _ *rand.Rand) error {
				_, err := x.List(ctx, q)
				return err
			}
		}
		used, began := cpuTime(), time.Now()
		if err := do(ctx, x, rng); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", k.name, err)
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
	siteOfficers   = []string{"ann", "ben", "cho", "dee", "eva", "fay"}
	siteTypes      = []string{"", "trespass", "theft", "vandalism", "safety", "assault"}
	siteTags       = []string{"after-hours", "fence", "repeat", "vehicle", "metal", "graffiti", "staff", "weather", "neighbour", "drone"}
	siteSites      = []string{"depot", "mall", "yard", "school"}
)

// siteEntries is how many entries each log has.
const siteEntries = 10

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
	}
	s.desk(rng, &in)
	in.ID = s.id(n)
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
		in.Log[siteEntries-1].Note = s.note(rng)
	}
	if rng.IntN(2000) == 0 {
		in.Hold = &models.Hold{By: "cho", Why: "police " + s.note(rng), At: alarm}
	}
	switch age := s.n - n; {
	case age < 5:
		in.End, in.State, in.Footage.State = time.Time{}, models.StateNew, models.FootageRecording
	case age < 300:
		in.State, in.Judgement = often(rng, []models.State{models.StateNew, models.StateAcknowledged, models.StateResolved}, 2, 1, 1), nil
	case age < 320:
		in.Footage.State = models.FootagePending
	case age > 130_000 && in.Hold == nil: // 90 days
		in.Footage.State = models.FootageDeleted
	}
	return in
}

// id is as long as a real one, and known without making the incident.
func (s *site) id(n int) models.IncidentID {
	return models.IncidentID(fmt.Sprintf("%s-camera-loitering-%d", s.from.Add(time.Duration(n)*time.Minute).Format("20060102T150405.000Z"), n))
}

// desk is what people did with an incident.
func (s *site) desk(rng *rand.Rand, in *models.Incident) {
	in.Site = siteSites[int(in.Camera[len(in.Camera)-1])%len(siteSites)]
	in.Origin = often(rng, []models.Origin{models.OriginDetection, models.OriginReport, models.OriginPatrol, models.OriginAccess}, 960, 20, 15, 5)
	in.Assignment.Officer = often(rng, siteOfficers, 30, 25, 20, 15, 9, 1)
	in.Triage.Type = often(rng, siteTypes, 60, 20, 10, 6, 3, 1)
	if rng.IntN(5) == 0 {
		in.Triage.Tags = []string{often(rng, siteTags, 300, 200, 100, 50, 25, 12, 6, 3, 2, 1)}
	}
	if rng.IntN(200) == 0 {
		in.Linked.Series = fmt.Sprintf("series-%d", rng.IntN(s.n/2000+1))
	}
	who, at := in.Assignment.Officer, in.Alarm
	for i, what := range [siteEntries]string{"opened", "acknowledged", "claimed", "classified", "responded", "note", "footage stored", "task done", "resolved", "closed"} {
		at = at.Add(time.Duration(rng.IntN(600_000)) * time.Millisecond)
		a := models.Action{At: at, Who: who, What: what}
		switch i {
		case 0, 6:
			a.Who = "vedette"
		case 1, 8, 9:
			a.Changed = []models.Changed{{Field: "state", From: "new", To: what}}
		}
		in.Log = append(in.Log, a)
	}
	for i, p := range models.Promises() {
		d := models.Deadline{Promise: p, Within: time.Duration(i+1) * 10 * time.Minute}
		d.Due = in.Alarm.Add(d.Within)
		if i < 2 || rng.IntN(3) == 0 {
			d.Met = d.Due.Add(-time.Minute)
		}
		in.Deadlines = append(in.Deadlines, d)
	}
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
	do    func(context.Context, storage.Index, *rand.Rand) error // instead of a query
	goal  time.Duration                                          // default firstPage
	most  int                                                    // how often it is made at most; 0: as all are
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
	open := []models.State{models.StateNew, models.StateAcknowledged, models.StateResolved}
	officer := func(rng *rand.Rand) []string { return []string{siteOfficers[rng.IntN(len(siteOfficers))]} }
	list := []searchKind{
		{name: "newest", query: func(*rand.Rand) query { return query{} }},
		{name: "the queue", query: func(*rand.Rand) query { return query{Order: storage.OrderQueue, States: open} }},
		{name: "the queue of everything", query: func(*rand.Rand) query { return query{Order: storage.OrderQueue} }},
		{name: "the queue of an officer", query: func(r *rand.Rand) query {
			return query{Order: storage.OrderQueue, States: open, Officers: officer(r)}
		}},
		{name: "the queue of a camera", query: func(r *rand.Rand) query { return query{Order: storage.OrderQueue, Cameras: camera(r)} }},
		{name: "what is due", query: func(*rand.Rand) query {
			return query{Order: storage.OrderQueue, DueBefore: s.from.Add(time.Duration(s.n) * time.Minute)}
		}},
		{name: "officer", query: func(r *rand.Rand) query { return query{Officers: officer(r)} }},
		{name: "type", query: func(r *rand.Rand) query { return query{Types: []string{siteTypes[r.IntN(len(siteTypes))]}} }},
		{name: "tag", query: func(r *rand.Rand) query { return query{Tags: []string{siteTags[r.IntN(len(siteTags))]}} }},
		{name: "two tags, site", query: func(r *rand.Rand) query {
			return query{Tags: []string{siteTags[r.IntN(len(siteTags))], siteTags[r.IntN(len(siteTags))]}, Sites: []string{siteSites[r.IntN(len(siteSites))]}}
		}},
		{name: "site, type, officer", query: func(r *rand.Rand) query {
			return query{Sites: []string{siteSites[r.IntN(len(siteSites))]}, Types: []string{siteTypes[r.IntN(len(siteTypes))]}, Officers: officer(r)}
		}},
		{name: "origin", query: func(r *rand.Rand) query {
			return query{Origins: []models.Origin{models.Origins()[r.IntN(len(models.Origins()))]}}
		}},
		{name: "series", query: func(r *rand.Rand) query { return query{Series: []string{fmt.Sprintf("series-%d", r.IntN(s.n/2000+1))}} }},
		{name: "number", query: func(r *rand.Rand) query { return query{Text: fmt.Sprintf("#%d", 1+r.IntN(s.n))} }},
		{name: "camera", query: func(r *rand.Rand) query { return query{Cameras: camera(r)} }},
		{name: "three cameras", query: func(r *rand.Rand) query { return query{Cameras: slices.Concat(camera(r), camera(r), camera(r))} }},
		{name: "zone", query: func(*rand.Rand) query { return query{Zones: []models.ZoneID{"fence"}} }},
		{name: "kind", query: func(r *rand.Rand) query { return query{Kinds: kind(r)} }},
		{name: "severity", query: func(r *rand.Rand) query { return query{Severities: []models.Severity{siteSeverities[r.IntN(4)]}} }},
		{name: "label", query: func(r *rand.Rand) query { return query{Labels: label(r)} }},
		{name: "verdict", query: func(r *rand.Rand) query {
			return query{Verdicts: []models.Verdict{often(r, []models.Verdict{"", models.VerdictTrue, models.VerdictNuisance}, 1, 1, 1)}}
		}},
		{name: "state closed", query: func(*rand.Rand) query { return query{States: []models.State{models.StateClosed}} }},
		{name: "footage", query: func(r *rand.Rand) query {
			return query{Footage: []models.FootageState{often(r, []models.FootageState{models.FootagePending, models.FootageStored, models.FootageDeleted}, 1, 1, 1)}}
		}},
		{name: "held", query: func(*rand.Rand) query { return query{Held: &yes} }},
		{name: "dwell", query: func(r *rand.Rand) query { return query{MinDwell: pickDwell(r)} }},
		{name: "a day", query: func(r *rand.Rand) query { from, to := day(r); return query{From: from, To: to} }},
		{name: "text: one word", query: func(r *rand.Rand) query { return query{Text: s.word(r)} }},
		{name: "text: two words", query: func(r *rand.Rand) query { return query{Text: s.word(r) + " " + s.word(r)} }},
		{name: "text: the two most frequent words", query: func(*rand.Rand) query { return query{Text: s.words[0] + " " + s.words[1]} }},
		{name: "text: a frequent and a rare word", query: func(*rand.Rand) query { return query{Text: s.words[0] + " " + rare} }},
		{name: "text: names", query: func(r *rand.Rand) query { return query{Text: label(r)[0] + " fence"} }},
		{name: "text: a name and a word", query: func(r *rand.Rand) query { return query{Text: "loitering " + s.word(r)} }},
		{name: "text: names that never go together", query: func(*rand.Rand) query { return query{Text: "dog loitering"} }},
		{name: "camera, kind", query: func(r *rand.Rand) query { return query{Cameras: camera(r), Kinds: kind(r)} }},
		{name: "camera, label", query: func(r *rand.Rand) query { return query{Cameras: camera(r), Labels: label(r)} }},
		{name: "kind, label", query: func(r *rand.Rand) query { return query{Kinds: kind(r), Labels: label(r)} }},
		{name: "camera, a day", query: func(r *rand.Rand) query { from, to := day(r); return query{Cameras: camera(r), From: from, To: to} }},
		{name: "camera, dwell", query: func(r *rand.Rand) query { return query{Cameras: camera(r), MinDwell: pickDwell(r)} }},
		{name: "label, dwell", query: func(r *rand.Rand) query { return query{Labels: label(r), MinDwell: pickDwell(r)} }},
		{name: "camera, held", query: func(r *rand.Rand) query { return query{Cameras: camera(r), Held: &yes} }},
		{name: "kind, verdict, severity", query: func(r *rand.Rand) query {
			return query{Kinds: kind(r), Verdicts: []models.Verdict{models.VerdictTrue}, Severities: []models.Severity{siteSeverities[r.IntN(4)]}}
		}},
		{name: "text, camera", query: func(r *rand.Rand) query { return query{Text: s.word(r), Cameras: camera(r)} }},
		{name: "text, dwell", query: func(r *rand.Rand) query { return query{Text: s.word(r), MinDwell: pickDwell(r)} }},
		{name: "text, a day", query: func(r *rand.Rand) query { from, to := day(r); return query{Text: s.word(r), From: from, To: to} }},
		{name: "text, dwell, camera, label", query: func(r *rand.Rand) query {
			return query{Text: s.word(r), MinDwell: pickDwell(r), Cameras: camera(r), Labels: label(r)}
		}},
		{name: "text, as a queue", query: func(r *rand.Rand) query { return query{Text: s.word(r), Order: storage.OrderQueue} }},
		{name: "camera, state closed, footage deleted", query: func(r *rand.Rand) query {
			return query{Cameras: camera(r), States: []models.State{models.StateClosed}, Footage: []models.FootageState{models.FootageDeleted}}
		}},
		{name: "everything at once", query: func(r *rand.Rand) query {
			from, to := day(r)
			return query{Text: s.word(r), MinDwell: time.Minute, Cameras: camera(r), Zones: []models.ZoneID{"door"}, Labels: []string{"person"},
				Kinds: kind(r), States: []models.State{models.StateClosed}, From: from, To: to.Add(30 * 24 * time.Hour)}
		}},
	}
	return append(list,
		searchKind{name: "one incident", goal: incidentPage, do: func(ctx context.Context, x storage.Index, rng *rand.Rand) error {
			_, err := x.Get(ctx, s.id(rng.IntN(s.n)))
			return err
		}},
		searchKind{name: "what is similar to one", goal: incidentPage, do: func(ctx context.Context, x storage.Index, rng *rand.Rand) error {
			in, err := x.Get(ctx, s.id(rng.IntN(s.n)))
			if err != nil {
				return err
			}
			utc := func(string) *time.Location { return time.UTC }
			_, err = web.SimilarTo(ctx, x.(storage.Outliner), in, utc, func(models.CameraID) bool { return true })
			return err
		}},
		searchKind{name: "the log book", do: func(ctx context.Context, x storage.Index, rng *rand.Rand) error {
			from, to := day(rng)
			_, err := x.Entries(ctx, storage.EntryQuery{From: from, To: to})
			return err
		}},
		searchKind{name: "the log book of an officer", do: func(ctx context.Context, x storage.Index, rng *rand.Rand) error {
			from, to := day(rng)
			_, err := x.Entries(ctx, storage.EntryQuery{From: from, To: to, Who: officer(rng)})
			return err
		}},
		searchKind{name: "the log book of three cameras", do: func(ctx context.Context, x storage.Index, rng *rand.Rand) error {
			from, to := day(rng)
			_, err := x.Entries(ctx, storage.EntryQuery{From: from, To: to, Cameras: slices.Concat(camera(rng), camera(rng), camera(rng))})
			return err
		}},
		searchKind{name: "report of a year", goal: yearReport, most: 100, do: func(ctx context.Context, x storage.Index, _ *rand.Rand) error {
			to := s.from.Add(time.Duration(s.n) * time.Minute)
			return report(ctx, x, to.AddDate(-1, 0, 0), to)
		}},
		searchKind{name: "report of all", goal: yearReport, most: 100, do: func(ctx context.Context, x storage.Index, _ *rand.Rand) error {
			return report(ctx, x, s.from, s.from.Add(time.Duration(s.n)*time.Minute))
		}})
}

// report counts a period in all ways, as the console's report does.
func report(ctx context.Context, x storage.Index, from, to time.Time) error {
	sum, err := incident.Summarise(incident.SummaryQuery{From: from, To: to}, to, func(string) *time.Location { return time.UTC },
		x.(storage.Tallier).Tallies(ctx, from, to, runtime.GOMAXPROCS(0))...)
	if err != nil {
		return err
	}
	if len(sum.Rows) == 0 || sum.Rows[0].Incidents == 0 {
		return fmt.Errorf("the report from %s to %s counts nothing", from, to)
	}
	return nil
}
