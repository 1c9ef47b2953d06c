package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// The acceptance suite: what Index promises, over both databases.
func TestIndex(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testIndex(t, func(t *testing.T) Index { return mustSQLite(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server := pgtest.Start(t)
		n := 0
		testIndex(t, func(t *testing.T) Index {
			n++
			return mustPostgres(t, server.Database(fmt.Sprintf("index%d", n)))
		})
	})
}

func mustSQLite(tb testing.TB) Index {
	tb.Helper()
	x, err := OpenSQLite(filepath.Join(tb.TempDir(), "index.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := x.Close(); err != nil {
			tb.Error(err)
		}
	})
	return x
}

func mustPostgres(tb testing.TB, dsn string) Index {
	tb.Helper()
	x, err := OpenPostgres(tb.Context(), dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := x.Close(); err != nil {
			tb.Error(err)
		}
	})
	return x
}

// noon is the alarm of incident number 0; the others follow a minute apart.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// incident makes the n-th incident of a test: it lasts from 10 s before its alarm to 20 s
// after.
func incident(n int) models.Incident {
	alarm := noon.Add(time.Duration(n) * time.Minute)
	at := models.Instant{Media: time.Duration(n) * time.Minute, Wall: alarm}
	return models.Incident{
		ID: models.IncidentID(fmt.Sprintf("%s-%04d", alarm.Format("20060102T150405"), n)), Camera: "gate", Zone: "door",
		Kind: models.KindLoitering, Severity: models.SeverityHigh, State: models.StateNew, Label: "person", Score: 0.87,
		Start: alarm.Add(-10 * time.Second), Alarm: alarm, End: alarm.Add(20 * time.Second), Opened: alarm.Add(time.Second),
		Box:     models.Box{X: 0.1, Y: 0.2, W: 0.3, H: 0.4},
		Polygon: models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}},
		Events: []models.Event{{ID: 7, Phase: models.PhaseEnded, Camera: "gate", Zone: "door", Start: at, Alarm: at, End: at,
			Why:   []models.Fact{{Name: "dwell", Observed: 10.2, Threshold: 10, Unit: "s"}},
			Path:  []models.PathPoint{{At: at, Foot: models.Point{X: 0.25, Y: 0.6}, Seen: true, Score: 0.9}},
			Curve: []models.Sample{{At: at, Value: 10.2}}}},
		EventCount: 3, Config: "c0ffee", Version: "1.2.3",
		Footage: models.Footage{State: models.FootageRecording, AskedFrom: alarm.Add(-20 * time.Second), AskedTo: alarm.Add(25 * time.Second),
			Clock: models.ClockCamera, Codec: models.H264, Width: 1920, Height: 1080, Frames: 675,
			Gaps: []models.Gap{{From: alarm, To: alarm.Add(time.Second), Cause: models.CausePacketLoss, Lost: 3}}},
		Log:      []models.Action{{At: alarm, Who: "vedette", What: "opened"}},
		Edition:  1,
		Revision: 1,
	}
}

func create(tb testing.TB, x Index, list ...models.Incident) {
	tb.Helper()
	for _, in := range list {
		if _, err := x.Create(tb.Context(), in); err != nil {
			tb.Fatal(err)
		}
	}
}

// ids lists a whole query, page by page.
func ids(t *testing.T, x Index, q Query) []models.IncidentID {
	t.Helper()
	var got []models.IncidentID
	for {
		page, err := x.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range page.Items {
			got = append(got, in.ID)
		}
		if page.Next == "" {
			return got
		}
		if len(page.Items) == 0 {
			t.Fatal("an empty page that is not the last")
		}
		q.After = page.Next
	}
}

func testIndex(t *testing.T, open func(*testing.T) Index) {
	t.Run("what is created comes back", func(t *testing.T) {
		x := open(t)
		want := incident(1)
		want.Number = 1
		want.Label = "Wächter \u2028 \"<&>\" \\u0000 \x00 門"
		create(t, x, want)
		got, err := x.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		page, err := x.List(t.Context(), Query{})
		if err != nil || len(page.Items) != 1 || !reflect.DeepEqual(page.Items[0], want) {
			t.Errorf("list: got %+v, %v", page, err)
		}
		page, err = x.List(t.Context(), Query{Brief: true})
		want.Events = slices.Clone(want.Events)
		want.Events[0].Path, want.Events[0].Curve, want.Log = nil, nil, nil
		if err != nil || len(page.Items) != 1 || !reflect.DeepEqual(page.Items[0], want) {
			t.Errorf("brief list: got %+v, %v", page, err)
		}
	})

	t.Run("create twice changes nothing", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		create(t, x, in)
		if _, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { in.State = models.StateClosed; return nil }); err != nil {
			t.Fatal(err)
		}
		create(t, x, in)
		got, err := x.Get(t.Context(), in.ID)
		if err != nil || got.State != models.StateClosed || got.Revision != 2 {
			t.Errorf("got %s, revision %d, %v", got.State, got.Revision, err)
		}
	})

	t.Run("several steps are stored together or not at all", func(t *testing.T) { testTogether(t, open(t)) })

	t.Run("revision counts from 1", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		in.Revision = 0
		create(t, x, in)
		for want := int64(2); want < 5; want++ {
			got, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { in.Revision = 99; in.ID = "other"; return nil })
			if err != nil || got.Revision != want || got.ID != in.ID {
				t.Errorf("got %s revision %d, %v; want %d", got.ID, got.Revision, err, want)
			}
		}
	})

	t.Run("what is absent is fs.ErrNotExist", func(t *testing.T) {
		x := open(t)
		if _, err := x.Get(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get: %v", err)
		}
		_, err := x.Update(t.Context(), "none", func(*models.Incident) error { t.Error("change called"); return nil })
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Update: %v", err)
		}
	})

	t.Run("an incident without an ID or with NaN is refused", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		in.ID = ""
		if _, err := x.Create(t.Context(), in); err == nil {
			t.Error("no ID: no error")
		}
		in = incident(1)
		zero := 0.0
		in.Score = zero / zero
		if _, err := x.Create(t.Context(), in); err == nil {
			t.Error("NaN: no error")
		}
		if n, err := x.Count(t.Context(), Query{}); n != 0 || err != nil {
			t.Errorf("count: %d, %v", n, err)
		}
	})

	t.Run("an import is many creations", func(t *testing.T) {
		x := open(t)
		all := crowd(importBatch + 20)
		create(t, x, all[3])
		if _, err := x.Update(t.Context(), all[3].ID, func(in *models.Incident) error { in.Score = 0.5; return nil }); err != nil {
			t.Fatal(err)
		}
		n, err := x.(Importer).Import(t.Context(), func(yield func(models.Incident, error) bool) {
			for _, in := range all {
				if !yield(in, nil) {
					return
				}
			}
		})
		if err != nil || n != len(all) {
			t.Fatalf("imported %d of %d: %v", n, len(all), err)
		}
		if got := ids(t, x, Query{}); !slices.Equal(got, expect(all, Query{})) {
			t.Errorf("%d incidents in another order", len(got))
		}
		if got, err := x.Get(t.Context(), all[3].ID); err != nil || got.Revision != 2 {
			t.Errorf("one that was there was overwritten: revision %d, %v", got.Revision, err)
		}
		broken := errors.New("bucket is gone")
		if _, err := x.(Importer).Import(t.Context(), func(yield func(models.Incident, error) bool) { yield(models.Incident{}, broken) }); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("the error of change aborts and comes back as it is", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		create(t, x, in)
		stop := errors.New("not in this state")
		if _, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { in.State = models.StateClosed; return stop }); err != stop {
			t.Errorf("got %v", err)
		}
		if got, _ := x.Get(t.Context(), in.ID); got.State != models.StateNew || got.Revision != 1 {
			t.Errorf("got %s, revision %d", got.State, got.Revision)
		}
	})

	t.Run("numbers count from 1 in the order of logging", func(t *testing.T) {
		x := open(t)
		for want, n := range []int{5, 3, 9} {
			in := incident(n)
			got, err := x.Create(t.Context(), in)
			if err != nil || got.Number != int64(want)+1 || got.Edition != 1 || got.ID != in.ID {
				t.Errorf("%d: got number %d, edition %d, %v; want number %d", n, got.Number, got.Edition, err, want+1)
			}
		}
		again := incident(3)
		again.Camera = "another"
		if got, err := x.Create(t.Context(), again); err != nil || got.Number != 2 || got.Camera != "gate" {
			t.Errorf("created again: got number %d of camera %s, %v; want the one that is there", got.Number, got.Camera, err)
		}
		if got, err := x.Update(t.Context(), incident(3).ID, func(in *models.Incident) error { in.Number = 77; in.Edition = 5; return nil }); err != nil || got.Number != 2 || got.Edition != 1 {
			t.Errorf("updated: got number %d, edition %d, %v", got.Number, got.Edition, err)
		}
		refused := incident(11)
		zero := 0.0
		refused.Score = zero / zero
		if _, err := x.Create(t.Context(), refused); err == nil {
			t.Error("NaN: no error")
		}
		// One that was logged before keeps its number, unless another has it.
		for _, c := range []struct {
			n         int
			has, want int64
		}{{20, 40, 40}, {21, 2, 41}, {22, 0, 42}, {23, 4, 4}, {24, 0, 43}} {
			in := incident(c.n)
			in.Number = c.has
			if got, err := x.Create(t.Context(), in); err != nil || got.Number != c.want {
				t.Errorf("with number %d: got %d, %v; want %d", c.has, got.Number, err, c.want)
			}
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 5 {
					create(t, x, incident(100+i), incident(200+10*w+i))
				}
			})
		}
		wg.Wait()
		seen := map[int64]bool{}
		for in, err := range Walk(t.Context(), x.List, Query{Brief: true}) {
			if err != nil {
				t.Fatal(err)
			}
			seen[in.Number] = true
		}
		for n := int64(40); n <= 43+25; n++ {
			if !seen[n] {
				t.Errorf("number %d is missing", n)
			}
		}
	})

	t.Run("the log only grows", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		in.Log = append(in.Log, models.Action{At: noon, Who: "ann", What: "acknowledged", Note: "on my way\x00",
			Changed: []models.Changed{{Field: "state", From: "new", To: "acknowledged"}}})
		create(t, x, in)
		for name, change := range map[string]func(*models.Incident){
			"cut short":  func(in *models.Incident) { in.Log = in.Log[:1] },
			"emptied":    func(in *models.Incident) { in.Log = nil },
			"a word":     func(in *models.Incident) { in.Log[1].Note = "somewhere else" },
			"a time":     func(in *models.Incident) { in.Log[0].At = noon.Add(time.Hour) },
			"in a field": func(in *models.Incident) { in.Log[1].Changed[0].From = "closed" },
			"another order": func(in *models.Incident) {
				in.Log[0], in.Log[1] = in.Log[1], in.Log[0]
			},
			"put before": func(in *models.Incident) {
				in.Log = slices.Insert(in.Log, 0, models.Action{At: noon, Who: "eve", What: "note"})
			},
		} {
			if _, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { change(in); return nil }); !errors.Is(err, ErrLog) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		more := models.Action{At: noon.Add(time.Minute), Who: "Zoë", What: "note", Note: "door \xff open"}
		got, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { in.Log = append(in.Log, more); return nil })
		if err != nil || got.Edition != 3 || len(got.Log) != 3 {
			t.Fatalf("got edition %d, %d entries, %v", got.Edition, len(got.Log), err)
		}
		stored, err := x.Get(t.Context(), in.ID)
		if err != nil || stored.Edition != 3 || !reflect.DeepEqual(stored.Log[:2], in.Log) || stored.Log[2].Who != "Zoë" {
			t.Errorf("got %+v, %v", stored.Log, err)
		}
	})

	t.Run("the log book has every entry once, newest first", func(t *testing.T) {
		x := open(t)
		rng := rand.New(rand.NewPCG(11, 12))
		var want []LogEntry
		people := []string{"ann", "bob", "vedette", "o'neil"}
		for n := range 12 {
			in := incident(n)
			in.Camera, in.Log = pick(rng, cameras), nil
			for range rng.IntN(9) {
				in.Log = append(in.Log, models.Action{At: noon.Add(time.Duration(rng.IntN(30)) * time.Minute), Who: pick(rng, people), What: "note", Note: pick(rng, notes)})
			}
			create(t, x, in)
			for i, a := range in.Log {
				want = append(want, LogEntry{in.ID, int64(n) + 1, in.Camera, int64(i) + 1, a})
			}
		}
		slices.SortFunc(want, func(a, b LogEntry) int {
			return -cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number), cmp.Compare(a.N, b.N))
		})
		for range 150 {
			q := EntryQuery{Who: some(rng, people), Cameras: some(rng, cameras), Limit: 1 + rng.IntN(30)}
			if rng.IntN(2) == 0 {
				q.From = noon.Add(time.Duration(rng.IntN(30)) * time.Minute)
			}
			if rng.IntN(2) == 0 {
				q.To = noon.Add(time.Duration(rng.IntN(30)) * time.Minute)
			}
			if rng.IntN(3) == 0 {
				q.Incidents = []models.IncidentID{incident(rng.IntN(14)).ID, incident(3).ID}
			}
			var fit []LogEntry
			for _, e := range want {
				if (q.Who == nil || slices.Contains(q.Who, e.Who)) && (q.Cameras == nil || slices.Contains(q.Cameras, e.Camera)) &&
					(q.Incidents == nil || slices.Contains(q.Incidents, e.Incident)) &&
					(q.From.IsZero() || !e.At.Before(q.From)) && (q.To.IsZero() || !e.At.After(q.To)) {
					fit = append(fit, e)
				}
			}
			if got := entries(t, x, q); !reflect.DeepEqual(got, fit) {
				t.Fatalf("%+v:\ngot  %v\nwant %v", q, got, fit)
			}
		}
		page, err := x.Entries(t.Context(), EntryQuery{Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []string{"x", page.Next + "A", cursor{order: OrderNewest, id: "a"}.String(), strings.Repeat("A", 10_000)} {
			if _, err := x.Entries(t.Context(), EntryQuery{After: after}); !errors.Is(err, ErrCursor) {
				t.Errorf("%.20q: got %v", after, err)
			}
		}
	})

	t.Run("no update is lost", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		create(t, x, in)
		var wg sync.WaitGroup
		const writers, each = 8, 10
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					_, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error {
						in.Log = append(in.Log, models.Action{What: fmt.Sprintf("%d/%d", w, i)})
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got, err := x.Get(t.Context(), in.ID)
		if err != nil || len(got.Log) != 1+writers*each || got.Revision != 1+writers*each {
			t.Errorf("%d actions, revision %d, %v", len(got.Log), got.Revision, err)
		}
	})

	t.Run("a panic in change leaves the index usable", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		create(t, x, in)
		func() {
			defer func() { recover() }()
			x.Update(t.Context(), in.ID, func(*models.Incident) error { panic("bug") })
		}()
		if _, err := x.Update(t.Context(), in.ID, func(*models.Incident) error { return nil }); err != nil {
			t.Error(err)
		}
	})

	t.Run("filters, orders and pages agree with a plain reading of the rules", func(t *testing.T) {
		x := open(t)
		all := crowd(120)
		create(t, x, all...)
		number(all)
		rng := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			q := randomQuery(rng)
			want := expect(all, q)
			if got := ids(t, x, q); !slices.Equal(got, want) {
				t.Fatalf("%+v:\ngot  %v\nwant %v", q, got, want)
			}
			if n, err := x.Count(t.Context(), q); err != nil || n != len(want) {
				t.Errorf("%+v: count %d, %v; want %d", q, n, err, len(want))
			}
		}
	})

	t.Run("what is found stays right through a life of changes", func(t *testing.T) {
		x := open(t)
		all := crowd(40)
		create(t, x, all...)
		number(all)
		rng := rand.New(rand.NewPCG(7, 8))
		for range 150 {
			in := &all[rng.IntN(len(all))]
			got, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { return step(rng, in) })
			if err != nil {
				t.Fatal(err)
			}
			*in = got
		}
		for range 200 {
			q := randomQuery(rng)
			if got, want := ids(t, x, q), expect(all, q); !slices.Equal(got, want) {
				t.Fatalf("%+v:\ngot  %v\nwant %v", q, got, want)
			}
		}
		// An index that is made from the same records holds the same words and facets.
		anew := open(t)
		if _, err := anew.(Importer).Import(t.Context(), func(yield func(models.Incident, error) bool) {
			for _, in := range all {
				if !yield(in, nil) {
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"words", "facets", "entries"} {
			if got, want := dump(t, x, table), dump(t, anew, table); !slices.Equal(got, want) {
				t.Errorf("%s: %d rows, %d in an index that is made anew, or they differ", table, len(got), len(want))
			}
		}
	})

	t.Run("filters follow a change of the record", func(t *testing.T) {
		x := open(t)
		in := incident(1)
		in.End = time.Time{}
		in.Description = "ladder"
		create(t, x, in)
		later := Query{From: in.Alarm.Add(24 * time.Hour)}
		if got := ids(t, x, later); len(got) != 1 {
			t.Errorf("one that goes on overlaps all that follows: got %v", got)
		}
		if _, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error {
			in.End, in.State, in.Severity = in.Alarm.Add(time.Hour), models.StateClosed, models.SeverityLow
			in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain, Note: "Rain, and a fox"}
			in.Label, in.Footage.State, in.Hold = "dog", models.FootageStored, &models.Hold{By: "ann", Why: "case no. 4711", At: noon}
			in.Description, in.Triage = "", models.Triage{Type: "theft", Tags: []string{"after-hours", "metal"}}
			in.Site, in.Origin, in.Assignment.Officer, in.Linked.Series = "depot", models.OriginPatrol, "bob", "series-1"
			in.Investigation.Subjects = []models.Subject{{Text: "limps", Plate: "B-XY 12"}}
			in.Investigation.Statements = []models.Statement{{Witness: "Mrs Gray", Text: "heard glass"}}
			in.Log = append(in.Log, models.Action{At: noon, Who: "bob", What: "note", Note: "crowbar"})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		yes, no := true, false
		for name, c := range map[string]struct {
			q    Query
			want int
		}{
			"after its end":      {later, 0},
			"its last moment":    {Query{From: in.Alarm.Add(time.Hour)}, 1},
			"its first moment":   {Query{To: in.Start}, 1},
			"before it began":    {Query{To: in.Start.Add(-time.Second)}, 0},
			"the state it had":   {Query{States: []models.State{models.StateNew}}, 0},
			"the state it has":   {Query{States: []models.State{models.StateClosed}}, 1},
			"the verdict":        {Query{Verdicts: []models.Verdict{models.VerdictNuisance}}, 1},
			"not judged":         {Query{Verdicts: []models.Verdict{""}}, 0},
			"the severity":       {Query{Severities: []models.Severity{models.SeverityLow}}, 1},
			"an unknown camera":  {Query{Cameras: []models.CameraID{"other"}}, 0},
			"held":               {Query{Held: &yes}, 1},
			"not held":           {Query{Held: &no}, 0},
			"the label it had":   {Query{Labels: []string{"person"}}, 0},
			"the label it has":   {Query{Labels: []string{"dog"}}, 1},
			"a label in words":   {Query{Text: "DOG"}, 1},
			"the footage it has": {Query{Footage: []models.FootageState{models.FootageStored}}, 1},
			"its dwell":          {Query{MinDwell: time.Hour + 10*time.Second}, 1},
			"a longer one":       {Query{MinDwell: time.Hour + 10*time.Second + 1}, 0},
			"words it had":       {Query{Text: "ladder"}, 0},
			"a note of the log":  {Query{Text: "crowbar"}, 1},
			"a subject":          {Query{Text: "limps xy"}, 1},
			"a statement":        {Query{Text: "gray glass"}, 1},
			"a tag in words":     {Query{Text: "metal"}, 1},
			"a tag":              {Query{Tags: []string{"metal"}}, 1},
			"one of two tags":    {Query{Tags: []string{"after-hours", "metal", "wood"}}, 1},
			"another tag":        {Query{Tags: []string{"after"}}, 0},
			"its number":         {Query{Text: "#1"}, 1},
			"and a word":         {Query{Text: "1 crowbar"}, 1},
			"another number":     {Query{Text: "#2"}, 0},
			"by number":          {Query{Numbers: []int64{2, 1}}, 1},
			"by another number":  {Query{Numbers: []int64{2}}, 0},
			"its officer":        {Query{Officers: []string{"bob"}}, 1},
			"nobody's":           {Query{Officers: []string{""}}, 0},
			"its type":           {Query{Types: []string{"theft"}}, 1},
			"not classified":     {Query{Types: []string{""}}, 0},
			"its site":           {Query{Sites: []string{"depot"}}, 1},
			"its origin":         {Query{Origins: []models.Origin{models.OriginPatrol}}, 1},
			"the origin it had":  {Query{Origins: []models.Origin{models.OriginDetection}}, 0},
			"its series":         {Query{Series: []string{"series-1"}}, 1},
			"without a series":   {Query{Series: []string{""}}, 0},
			"a note it has":      {Query{Text: "fox rain"}, 1},
			"why it is held":     {Query{Text: "case 4711"}, 1},
			"a part of a word":   {Query{Text: "471"}, 0},
			"an hour in its run": {Query{From: in.Alarm.Add(time.Minute), To: in.Alarm.Add(2 * time.Minute)}, 1},
		} {
			if got := ids(t, x, c.q); len(got) != c.want {
				t.Errorf("%s: got %v", name, got)
			}
		}
	})

	t.Run("a page does not shift when new incidents arrive", func(t *testing.T) {
		x := open(t)
		for n := range 6 {
			create(t, x, incident(n))
		}
		first, err := x.List(t.Context(), Query{Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		create(t, x, incident(6), incident(7))
		second, err := x.List(t.Context(), Query{Limit: 3, After: first.Next})
		if err != nil || len(second.Items) != 3 || second.Items[0].ID != incident(2).ID || second.Next != "" {
			t.Errorf("got %+v, %v", second, err)
		}
	})

	t.Run("a walk passes every incident once, and stops when told to", func(t *testing.T) {
		x := open(t)
		all := crowd(2*MaxLimit + 7)
		create(t, x, all...)
		var got []models.IncidentID
		for in, err := range Walk(t.Context(), x.List, Query{Brief: true}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, in.ID)
		}
		if want := expect(all, Query{}); !slices.Equal(got, want) {
			t.Errorf("got %d incidents, want %d in order", len(got), len(want))
		}
		for range Walk(t.Context(), x.List, Query{}) {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range Walk(ctx, x.List, Query{}) {
			cancel()
			if n++; err != nil {
				break
			}
		}
		if n != MaxLimit+1 {
			t.Errorf("an ended context was noticed after %d, want at the second page", n)
		}
	})

	t.Run("page sizes", func(t *testing.T) {
		x := open(t)
		create(t, x, crowd(MaxLimit+10)...)
		for limit, want := range map[int]int{0: DefaultLimit, -1: DefaultLimit, 1: 1, MaxLimit: MaxLimit, MaxLimit + 1: MaxLimit} {
			page, err := x.List(t.Context(), Query{Limit: limit})
			if err != nil || len(page.Items) != want || page.Next == "" {
				t.Errorf("limit %d: %d items, %v", limit, len(page.Items), err)
			}
		}
	})

	t.Run("a wrong cursor is ErrCursor", func(t *testing.T) {
		x := open(t)
		create(t, x, crowd(10)...)
		page, err := x.List(t.Context(), Query{Limit: 2, Order: OrderQueue})
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []string{"x", "!!", page.Next + "A", page.Next, strings.Repeat("A", 10_000)} {
			if _, err := x.List(t.Context(), Query{After: after}); !errors.Is(err, ErrCursor) {
				t.Errorf("%.20q: got %v", after, err)
			}
		}
		if _, err := x.List(t.Context(), Query{Order: "sideways"}); err == nil {
			t.Error("unknown order: no error")
		}
		if _, err := x.List(t.Context(), Query{Cameras: make([]models.CameraID, maxValues+1)}); err != nil {
			t.Errorf("the same camera many times is one camera: %v", err)
		}
	})

	t.Run("an ended context is an error", func(t *testing.T) {
		x := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := x.Create(ctx, incident(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("Create: %v", err)
		}
		if _, err := x.List(ctx, Query{}); !errors.Is(err, context.Canceled) {
			t.Errorf("List: %v", err)
		}
	})
}

var (
	cameras    = []models.CameraID{"gate", "yard", "dock", "roof"}
	zones      = []models.ZoneID{"door", "fence", "bay"}
	kinds      = []models.Kind{models.KindMotion, models.KindLoitering}
	severities = []models.Severity{models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical}
	states     = []models.State{models.StateNew, models.StateAcknowledged, models.StateResolved, models.StateClosed}
	officers   = []string{"", "ann", "bob"}
	types      = []string{"", "theft", "trespass"}
	tags       = []string{"after-hours", "fence", "metal"}
	sites      = []string{"depot", "mall"}
	origins    = []models.Origin{"", models.OriginDetection, models.OriginPatrol, models.OriginReport}
	series     = []string{"", "", "", "series-1", "series-2"}
	verdicts   = []models.Verdict{"", models.VerdictTrue, models.VerdictNuisance}
	labels     = []string{"person", "car", models.LabelUnknown}
	footages   = []models.FootageState{models.FootageRecording, models.FootagePending, models.FootageStored, models.FootageDeleted}
	// Some of these words are names of places too, some come only together.
	notes = []string{"", "Man with a ladder at the GATE.", "person known: post office", "seen at 17, as in 25", "door left open, door closed", "Tür offen; 門", "ladder"}
	texts = []string{"ladder", "gate", "person ladder", "door", "door open", "car person", "TÜR", "門 offen", "nobody", "loitering person gate ladder door open", "…", "with a a with", "#17", "25", "17 25", "ladder 3"}
)

// crowd makes incidents of all sorts, some at the same instant, some that go on.
func crowd(n int) []models.Incident {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	list := make([]models.Incident, n)
	for i := range list {
		in := incident(i)
		in.Alarm = noon.Add(time.Duration(i/3) * time.Minute)
		in.Start = in.Alarm.Add(-time.Duration(rng.IntN(300)) * time.Second)
		in.End = in.Alarm.Add(time.Duration(rng.IntN(900)) * time.Second)
		if rng.IntN(40) == 0 {
			in.End = time.Time{}
		}
		in.Camera, in.Zone = pick(rng, cameras), pick(rng, zones)
		in.Kind, in.Severity, in.State = pick(rng, kinds), pick(rng, severities), pick(rng, states)
		in.Label, in.Footage.State = pick(rng, labels), pick(rng, footages)
		if v := pick(rng, verdicts); v != "" {
			in.Judgement = &models.Judgement{Verdict: v, Note: pick(rng, notes)}
		}
		if rng.IntN(4) == 0 {
			in.Hold = &models.Hold{By: "ann", Why: pick(rng, notes), At: noon}
		}
		if rng.IntN(2) == 0 {
			in.Log = append(in.Log, models.Action{At: in.Alarm, Who: "ladder", What: "gate", Note: pick(rng, notes)})
		}
		desk(rng, &in)
		list[i] = in
	}
	return list
}

// desk is what people do with an incident.
func desk(rng *rand.Rand, in *models.Incident) {
	in.Assignment.Officer, in.Site, in.Origin, in.Linked.Series = pick(rng, officers), pick(rng, sites), pick(rng, origins), pick(rng, series)
	in.Triage = models.Triage{Type: pick(rng, types), Tags: slices.Compact(slices.Sorted(slices.Values(some(rng, tags))))}
	in.Description = pick(rng, notes)
	in.Deadlines = nil
	for _, p := range models.Promises()[:rng.IntN(3)] {
		// Few instants, so that some are equal.
		d := models.Deadline{Promise: p, Within: time.Minute, Due: noon.Add(time.Duration(rng.IntN(8)) * 5 * time.Minute)}
		switch rng.IntN(4) {
		case 0:
			d.Met = d.Due
		case 1:
			d.Due, d.Left, d.Paused = time.Time{}, time.Second, "police"
		}
		in.Deadlines = append(in.Deadlines, d)
	}
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

func some[T any](rng *rand.Rand, from []T) []T {
	if rng.IntN(2) == 0 {
		return nil
	}
	var out []T
	for range 1 + rng.IntN(len(from)) {
		out = append(out, pick(rng, from)) // repeats are allowed
	}
	return out
}

func randomQuery(rng *rand.Rand) Query {
	q := Query{Cameras: some(rng, cameras), Zones: some(rng, zones), Kinds: some(rng, kinds),
		Severities: some(rng, severities), States: some(rng, states), Verdicts: some(rng, verdicts), Limit: 7 + rng.IntN(60), Brief: rng.IntN(2) == 0}
	if rng.IntN(2) == 0 {
		q.Order = OrderQueue
	}
	if rng.IntN(2) == 0 {
		q.From = noon.Add(time.Duration(rng.IntN(45)) * time.Minute)
	}
	if rng.IntN(2) == 0 {
		q.To = noon.Add(time.Duration(rng.IntN(45)) * time.Minute)
	}
	// Not all at once, or nothing would ever fit.
	switch rng.IntN(16) {
	case 0:
		q.Labels = some(rng, labels)
	case 1:
		q.Footage = some(rng, footages)
	case 2:
		held := rng.IntN(2) == 0
		q.Held = &held
	case 3:
		q.MinDwell = time.Duration(rng.Int64N(int64(20 * time.Minute)))
	case 4, 5:
		q.Text = pick(rng, texts)
	case 6:
		q.Text, q.MinDwell, q.Labels = pick(rng, texts), time.Duration(rng.IntN(500))*time.Second, some(rng, labels)
	case 7:
		q.Officers = some(rng, officers)
	case 8:
		q.Types, q.Sites = some(rng, types), some(rng, sites)
	case 9:
		q = Query{Tags: some(rng, tags), Order: q.Order, Limit: q.Limit, States: q.States}
	case 10:
		q = Query{Tags: some(rng, tags), Text: pick(rng, texts), Order: q.Order, Limit: q.Limit}
	case 11:
		q = Query{Origins: some(rng, origins[1:]), Series: some(rng, series), Order: q.Order, Limit: q.Limit}
	case 12:
		q = Query{DueBefore: noon.Add(time.Duration(rng.IntN(45)) * time.Minute), Order: q.Order, Limit: q.Limit, Cameras: q.Cameras, Severities: q.Severities}
	case 13:
		q = Query{Numbers: []int64{int64(rng.IntN(130)), 5, 5, int64(rng.IntN(130)), 7}, Order: q.Order, Limit: q.Limit, States: q.States, Text: pick(rng, append(texts, "", "", ""))}
	case 14: // the queue as people work it
		q = Query{Order: OrderQueue, Limit: q.Limit, Officers: some(rng, officers), States: states[:3]}
	case 15:
		q = Query{Order: OrderQueue, Limit: q.Limit, Cameras: q.Cameras, Kinds: q.Kinds, DueBefore: q.DueBefore, Types: some(rng, types)}
	}
	return q
}

// expect reads the rules of Query the slow way.
func expect(all []models.Incident, q Query) []models.IncidentID {
	var fit []models.Incident
	for _, in := range all {
		if (q.Cameras == nil || slices.Contains(q.Cameras, in.Camera)) && (q.Zones == nil || slices.Contains(q.Zones, in.Zone)) &&
			(q.Kinds == nil || slices.Contains(q.Kinds, in.Kind)) && (q.Severities == nil || slices.Contains(q.Severities, in.Severity)) &&
			(q.States == nil || slices.Contains(q.States, in.State)) && (q.Verdicts == nil || slices.Contains(q.Verdicts, verdict(in))) &&
			(q.Labels == nil || slices.Contains(q.Labels, in.Label)) && (q.Footage == nil || slices.Contains(q.Footage, in.Footage.State)) &&
			(q.Held == nil || *q.Held == (in.Hold != nil)) && lasted(in) >= q.MinDwell && says(in, q.Text) &&
			(q.Officers == nil || slices.Contains(q.Officers, in.Assignment.Officer)) && (q.Types == nil || slices.Contains(q.Types, in.Triage.Type)) &&
			(q.Sites == nil || slices.Contains(q.Sites, in.Site)) && (q.Series == nil || slices.Contains(q.Series, in.Linked.Series)) &&
			(q.Origins == nil || slices.Contains(q.Origins, in.Origin) || in.Origin == "" && slices.Contains(q.Origins, models.OriginDetection)) &&
			(q.Tags == nil || slices.ContainsFunc(q.Tags, func(tag string) bool { return slices.Contains(in.Triage.Tags, tag) })) &&
			(q.Numbers == nil || slices.Contains(q.Numbers, in.Number)) && (q.DueBefore.IsZero() || next(in).Before(q.DueBefore)) &&
			(q.To.IsZero() || !in.Start.After(q.To)) && (q.From.IsZero() || in.End.IsZero() || !in.End.Before(q.From)) {
			fit = append(fit, in)
		}
	}
	sort.Slice(fit, func(i, j int) bool {
		a, b := fit[i], fit[j]
		if q.Order == OrderQueue {
			if a.Severity != b.Severity {
				return a.Severity.Rank() > b.Severity.Rank()
			}
			if x, y := next(a), next(b); !x.Equal(y) {
				return x.Before(y)
			}
			if !a.Alarm.Equal(b.Alarm) {
				return a.Alarm.Before(b.Alarm)
			}
			return a.ID < b.ID
		}
		if !a.Alarm.Equal(b.Alarm) {
			return a.Alarm.After(b.Alarm)
		}
		return a.ID > b.ID
	})
	var out []models.IncidentID
	for _, in := range fit {
		out = append(out, in.ID)
	}
	return out
}

// next is when the next deadline of an incident comes, in a far future when none does.
func next(in models.Incident) time.Time {
	first := noon.AddDate(1000, 0, 0)
	for _, d := range in.Deadlines {
		if in.State != models.StateClosed && d.Met.IsZero() && d.Paused == "" && d.Due.Before(first) {
			first = d.Due
		}
	}
	return first
}

func lasted(in models.Incident) time.Duration {
	if in.End.IsZero() {
		return in.Alarm.Sub(in.Start)
	}
	return in.End.Sub(in.Start)
}

// says looks for each word of a text the slow way.
func says(in models.Incident, text string) bool {
	record := []string{string(in.Camera), string(in.Zone), string(in.Kind), in.Label, in.Description, fmt.Sprint(in.Number), strings.Join(in.Triage.Tags, " ")}
	for _, a := range in.Log {
		record = append(record, a.Note)
	}
	if in.Judgement != nil {
		record = append(record, in.Judgement.Note)
	}
	if in.Hold != nil {
		record = append(record, in.Hold.Why)
	}
	split := regexp.MustCompile(`[^\pL\pN\pM]+`).Split
	have := split(strings.ToLower(strings.Join(record, " ")), -1)
	for _, word := range split(strings.ToLower(text), -1) {
		if word != "" && !slices.Contains(have, word) {
			return false
		}
	}
	return true
}

// entries lists all entries that fit, page by page.
func entries(t *testing.T, x Index, q EntryQuery) []LogEntry {
	t.Helper()
	var got []LogEntry
	for {
		page, err := x.Entries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Items...)
		if page.Next == "" {
			return got
		}
		q.After = page.Next
	}
}

func FuzzEntryCursor(f *testing.F) {
	f.Add(entryCursor{noon.UnixMicro(), 2411, 3}.String())
	f.Add(entryCursor{-1, 0, -7}.String())
	f.Add("ZW50cmllc3wwfDF8")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseEntryCursor(s)
		if err != nil && !errors.Is(err, ErrCursor) || err == nil && s != "" && c.String() != s {
			t.Errorf("%q became %+v, %v", s, c, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor{OrderNewest, 0, 0, noon.UnixMicro(), "20261122T120000-0001"}.String())
	f.Add(cursor{OrderQueue, 3, noDue, -1, "a|b"}.String())
	f.Add("")
	f.Add("bmV3ZXN0fDB8MXw")
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []Order{OrderNewest, OrderQueue} {
			c, err := parseCursor(s, order)
			if err != nil {
				if !errors.Is(err, ErrCursor) {
					t.Errorf("got %v", err)
				}
				continue
			}
			if c.String() != s || c.order != order || c.id == "" {
				t.Errorf("%q became %+v", s, c)
			}
		}
	})
}

// The first page of the lists that people look at must not depend on how much there is.
func BenchmarkIndex(b *testing.B) {
	const rows = 100_000
	open := map[string]func(*testing.B) Index{
		"sqlite":   func(b *testing.B) Index { return mustSQLite(b) },
		"postgres": func(b *testing.B) Index { return mustPostgres(b, pgtest.Start(b).Database("bench")) },
	}
	now := noon.Add(rows * time.Minute)
	queries := []struct {
		name string
		q    Query
	}{
		{"newest", Query{Brief: true}},
		{"newest whole", Query{}},
		{"open queue", Query{Brief: true, Order: OrderQueue, States: []models.State{models.StateNew, models.StateAcknowledged}}},
		{"one camera", Query{Brief: true, Cameras: []models.CameraID{"camera-17"}}},
		{"three cameras", Query{Brief: true, Cameras: []models.CameraID{"camera-1", "camera-2", "camera-3"}}},
		{"a camera nobody has", Query{Brief: true, Cameras: []models.CameraID{"nobody", "nothing"}}},
		{"an hour long ago", Query{Brief: true, From: noon.Add(24 * time.Hour), To: noon.Add(25 * time.Hour)}},
		{"a day of one camera and kind", Query{Brief: true, Cameras: []models.CameraID{"camera-9"}, Kinds: []models.Kind{models.KindLoitering},
			From: now.Add(-48 * time.Hour), To: now.Add(-24 * time.Hour)}},
	}
	for name, open := range open {
		b.Run(name, func(b *testing.B) {
			x := open(b)
			fill(b, x.(*sqlIndex), rows)
			for _, c := range queries {
				b.Run(c.name, func(b *testing.B) {
					var took []time.Duration
					for b.Loop() {
						began := time.Now()
						if _, err := x.List(b.Context(), c.q); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(began))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
				})
			}
			b.Run("create", func(b *testing.B) {
				for n := rows; b.Loop(); n++ {
					if _, err := x.Create(b.Context(), incident(n)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("update", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					if _, err := x.Update(b.Context(), incident(n%1000).ID, func(in *models.Incident) error { in.State = models.StateClosed; return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// number sets what an index makes of a crowd that it gets in this order.
func number(all []models.Incident) {
	for i := range all {
		all[i].Number, all[i].Edition = int64(i)+1, int64(len(all[i].Log))
	}
}

// step changes something about an incident, as its life goes.
func step(rng *rand.Rand, in *models.Incident) error {
	switch rng.IntN(6) {
	case 0:
		in.State = pick(rng, states)
	case 1:
		in.Severity, in.Label, in.Footage.State = pick(rng, severities), pick(rng, labels), pick(rng, footages)
	case 2:
		in.End = in.Alarm.Add(time.Duration(rng.IntN(900)) * time.Second)
	case 3:
		in.Hold = &models.Hold{By: "ann", Why: pick(rng, notes), At: noon}
	case 4:
		in.Judgement = &models.Judgement{Verdict: models.VerdictTrue, Note: pick(rng, notes)}
	}
	if rng.IntN(2) == 0 {
		desk(rng, in)
	}
	in.Log = append(in.Log, models.Action{At: noon.Add(time.Duration(rng.IntN(1000)) * time.Second), Who: pick(rng, officers), What: "changed", Note: pick(rng, notes)})
	return nil
}

// testTogether checks that several steps are stored as one: all of them, or none.
func testTogether(t *testing.T, x Index) {
	create(t, x, incident(1), incident(2))
	a, b, c := incident(1).ID, incident(2).ID, incident(3).ID
	note := func(what string) func(*models.Incident) error {
		return func(in *models.Incident) error {
			in.Log = append(in.Log, models.Action{At: noon, Who: "ann", What: what})
			return nil
		}
	}
	refusal := errors.New("no")
	for _, tc := range []struct {
		name  string
		do    func(cancel func(), r Records) error
		wants error
	}{
		{"the second step is refused", func(_ func(), r Records) error {
			_, err := r.Update(a, note("merged"))
			return errors.Join(err, refusal)
		}, refusal},
		{"the second change is refused", func(_ func(), r Records) error {
			if _, err := r.Update(a, note("merged")); err != nil {
				return err
			}
			_, err := r.Update(b, func(*models.Incident) error { return refusal })
			return err
		}, refusal},
		{"one is not there", func(_ func(), r Records) error {
			if _, err := r.Update(a, note("merged")); err != nil {
				return err
			}
			_, err := r.Update("nowhere", note("merged into"))
			return err
		}, fs.ErrNotExist},
		{"a log is shortened, and nobody minds", func(_ func(), r Records) error {
			if _, err := r.Update(a, note("merged")); err != nil {
				return err
			}
			_, _ = r.Update(b, func(in *models.Incident) error { in.Log = nil; return nil })
			return nil
		}, ErrLog},
		{"whoever asked goes away between the two", func(cancel func(), r Records) error {
			if _, err := r.Update(a, note("merged")); err != nil {
				return err
			}
			if _, err := r.Create(incident(3)); err != nil {
				return err
			}
			cancel()
			_, err := r.Update(b, note("merged into"))
			return err
		}, context.Canceled},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		if err := x.Together(ctx, func(r Records) error { return tc.do(cancel, r) }); !errors.Is(err, tc.wants) {
			t.Errorf("%s: %v", tc.name, err)
		}
		cancel()
		for _, id := range []models.IncidentID{a, b} {
			if in, err := x.Get(t.Context(), id); err != nil || in.Revision != 1 || len(in.Log) != 1 {
				t.Errorf("%s: %s has revision %d and %d entries, %v", tc.name, id, in.Revision, len(in.Log), err)
			}
		}
		if _, err := x.Get(t.Context(), c); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %s is there, %v", tc.name, c, err)
		}
	}
	if err := x.Together(t.Context(), func(r Records) error {
		for _, id := range []models.IncidentID{a, b, a} {
			if _, err := r.Update(id, note("merged")); err != nil {
				return err
			}
		}
		if in, err := r.Get(a); err != nil || len(in.Log) != 3 {
			t.Errorf("within: %d entries, %v", len(in.Log), err)
		}
		in, err := r.Create(incident(3))
		if err == nil && in.Number != 3 {
			t.Errorf("created with number %d", in.Number)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[models.IncidentID]int{a: 3, b: 2, c: 1} {
		if in, err := x.Get(t.Context(), id); err != nil || len(in.Log) != want {
			t.Errorf("%s has %d entries, want %d, %v", id, len(in.Log), want, err)
		}
	}
	if n := len(ids(t, x, Query{})); n != 3 {
		t.Errorf("%d are found, want 3", n)
	}
}

// dump lists the rows of a table, but for the numbers of places, which depend on the order
// in which they came.
func dump(t *testing.T, x Index, table string) []string {
	t.Helper()
	rows, err := x.(*sqlIndex).read.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, dst := make([]any, len(names)), make([]any, len(names))
		for i := range dst {
			dst[i] = &values[i]
		}
		if err := rows.Scan(dst...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for i, name := range names {
			if text, ok := values[i].([]byte); ok {
				values[i] = string(text)
			}
			if name != "place" {
				line += fmt.Sprintf("%s=%s ", name, fmt.Sprint(values[i]))
			}
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
