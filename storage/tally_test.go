package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// TestReportsAndSeries is the acceptance suite of what reports, series and the log book
// stand on, over both databases.
func TestReportsAndSeries(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testReports(t, func(t *testing.T) Index { return mustSQLite(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		server, n := pgtest.Start(t), 0
		testReports(t, func(t *testing.T) Index {
			n++
			return mustPostgres(t, server.Database(fmt.Sprintf("reports%d", n)))
		})
	})
}

func testReports(t *testing.T, open func(*testing.T) Index) {
	t.Run("tallies are those of the records through a life of changes", func(t *testing.T) {
		x := open(t)
		all := crowd(150) // several chunks
		create(t, x, all...)
		number(all)
		rng := rand.New(rand.NewPCG(3, 4))
		for range 120 {
			in := &all[rng.IntN(len(all))]
			got, err := x.Update(t.Context(), in.ID, func(in *models.Incident) error { return handle(rng, in) })
			if err != nil {
				t.Fatal(err)
			}
			*in = got
		}
		want := make([]models.Tally, len(all))
		for i, in := range all {
			want[i] = models.TallyOf(in)
		}
		if got := tallies(t, x, time.Time{}, time.Time{}); !reflect.DeepEqual(got, want) {
			for i := range min(len(got), len(want)) {
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("tally of incident %d:\ngot  %+v\nwant %+v", want[i].Number, got[i], want[i])
				}
			}
			t.Fatalf("%d tallies, want %d", len(got), len(want))
		}
		for range 30 {
			from := all[rng.IntN(len(all))].Alarm.Truncate(time.Millisecond)
			to := from.Add(time.Duration(rng.IntN(100)) * time.Minute)
			some := slices.DeleteFunc(slices.Clone(want), func(t models.Tally) bool { return t.Alarm.Before(from) || !t.Alarm.Before(to) })
			if got := tallies(t, x, from, to); len(got) != len(some) || len(got) > 0 && !reflect.DeepEqual(got, some) {
				t.Errorf("from %v to %v: %d tallies, want %d", from, to, len(got), len(some))
			}
		}
		for _, part := range x.(Tallier).Tallies(t.Context(), time.Time{}, time.Time{}, 2) {
			for range part {
				break // whoever has seen enough leaves nothing open
			}
		}
	})

	t.Run("a change that is refused changes no tally", func(t *testing.T) {
		x := open(t)
		create(t, x, incident(1))
		before := tallies(t, x, time.Time{}, time.Time{})
		no := errors.New("no")
		if _, err := x.Update(t.Context(), incident(1).ID, func(in *models.Incident) error { in.State = models.StateClosed; return no }); err != no {
			t.Fatal(err)
		}
		if after := tallies(t, x, time.Time{}, time.Time{}); !reflect.DeepEqual(before, after) {
			t.Errorf("tallies %+v, before %+v", after, before)
		}
	})

	t.Run("incidents of one chunk that change at once are all counted", func(t *testing.T) {
		x := open(t)
		const n = 8
		for i := range n {
			create(t, x, incident(i))
		}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if _, err := x.Update(t.Context(), incident(i).ID, func(in *models.Incident) error { in.State = models.StateClosed; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, tally := range tallies(t, x, time.Time{}, time.Time{}) {
			if tally.State != models.StateClosed {
				t.Errorf("incident %d is %s in the tallies", tally.Number, tally.State)
			}
		}
	})

	t.Run("a series and its incident change together, or not at all", func(t *testing.T) {
		x := open(t)
		book := x.(SeriesBook)
		in := incident(1)
		create(t, x, in)
		for _, id := range []string{"a", "b", "a"} {
			s, err := book.CreateSeries(t.Context(), models.Series{ID: id, Name: "of " + id, State: models.SeriesOpen, Opened: noon, Log: []models.Action{{What: "begun"}}})
			if want := map[string]int64{"a": 1, "b": 2}[id]; err != nil || s.Number != want {
				t.Fatalf("series %s: number %d, %v", id, s.Number, err)
			}
		}
		add := func(s *models.Series, in *models.Incident) error {
			s.Incidents = append(s.Incidents, in.ID)
			s.Log = append(s.Log, models.Action{What: "added"})
			in.Linked.Series = s.ID
			in.Log = append(in.Log, models.Action{What: "added to a series"})
			return nil
		}
		s, got, err := book.LinkSeries(t.Context(), "a", in.ID, add)
		if err != nil || s.Edition != 2 || got.Linked.Series != "a" || got.Edition != 2 {
			t.Fatalf("linked: %+v, %+v, %v", s, got.Linked, err)
		}
		no := errors.New("no")
		if _, _, err := book.LinkSeries(t.Context(), "b", in.ID, func(s *models.Series, in *models.Incident) error { return errors.Join(add(s, in), no) }); !errors.Is(err, no) {
			t.Errorf("refused: %v", err)
		}
		// The incident is changed first, then the series is refused.
		if _, _, err := book.LinkSeries(t.Context(), "a", in.ID, func(s *models.Series, in *models.Incident) error { s.Log = nil; return add(s, in) }); !errors.Is(err, ErrLog) {
			t.Errorf("a log that was shortened: %v", err)
		}
		if after, err := x.Get(t.Context(), in.ID); err != nil || after.Linked.Series != "a" || after.Edition != 2 {
			t.Errorf("the incident after what was refused: %+v, %v", after.Linked, err)
		}
		if got := ids(t, x, Query{Series: []string{"a"}}); len(got) != 1 {
			t.Errorf("found by its series: %v", got)
		}
		for name, err := range map[string]error{
			"no series":   func() error { _, _, err := book.LinkSeries(t.Context(), "x", in.ID, add); return err }(),
			"no incident": func() error { _, _, err := book.LinkSeries(t.Context(), "a", "x", add); return err }(),
			"get":         func() error { _, err := book.GetSeries(t.Context(), "x"); return err }(),
			"update":      func() error { _, err := book.UpdateSeries(t.Context(), "x", nil); return err }(),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s, err := book.UpdateSeries(t.Context(), "a", func(s *models.Series) error { s.Name = "renamed"; return nil }); err != nil || s.Name != "renamed" {
			t.Errorf("renamed: %+v, %v", s, err)
		}
		page, err := book.ListSeries(t.Context(), PaperQuery{Limit: 1})
		if err != nil || len(page.Items) != 1 || page.Items[0].ID != "b" || page.Next == "" {
			t.Fatalf("first page: %+v, %v", page, err)
		}
		if page, err = book.ListSeries(t.Context(), PaperQuery{Limit: 1, After: page.Next}); err != nil || len(page.Items) != 1 || page.Items[0].Name != "renamed" || page.Next != "" {
			t.Errorf("second page: %+v, %v", page, err)
		}
		for _, cursor := range []string{"0", "x", "+1", "01", "-1"} {
			if _, err := book.ListSeries(t.Context(), PaperQuery{After: cursor}); !errors.Is(err, ErrCursor) {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	})

	t.Run("the journal counts without gaps, also when many write at once", func(t *testing.T) {
		x := open(t)
		j := x.(Journal)
		const n = 12
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				for range 2 { // the repeat changes nothing
					if _, err := j.AddEntry(t.Context(), models.JournalEntry{ID: strconv.Itoa(i), At: noon.Add(time.Duration(i) * time.Hour), Site: []string{"", "north"}[i%2], Text: "round"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		page, err := j.ListEntries(t.Context(), PaperQuery{})
		if err != nil || len(page.Items) != n {
			t.Fatalf("%d entries, %v", len(page.Items), err)
		}
		for i, e := range page.Items {
			if e.Number != int64(n-i) {
				t.Errorf("entry %d has number %d", i, e.Number)
			}
		}
		page, err = j.ListEntries(t.Context(), PaperQuery{Sites: []string{"north"}, From: noon.Add(time.Hour), To: noon.Add(5 * time.Hour)})
		if err != nil || len(page.Items) != 2 {
			t.Errorf("two hours of a site: %d entries, %v", len(page.Items), err)
		}
		for _, c := range []struct{ id, of int64 }{{100, 1}, {101, 1}, {102, 7}} {
			if _, err := j.AddEntry(t.Context(), models.JournalEntry{ID: strconv.FormatInt(c.id, 10), At: noon, Corrects: c.of}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := j.Corrections(t.Context(), []int64{1, 2, 7}); err != nil || !reflect.DeepEqual(got, map[int64]int64{1: n + 2, 7: n + 3}) {
			t.Errorf("corrections %v, %v", got, err)
		}
		if e, err := j.EntryOf(t.Context(), n+3); err != nil || e.ID != "102" {
			t.Errorf("by number: %+v, %v", e, err)
		}
		if _, err := j.EntryOf(t.Context(), 99); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of no number: %v", err)
		}
	})

	t.Run("a shift is taken once", func(t *testing.T) {
		x := open(t)
		j := x.(Journal)
		h, err := j.AddHandover(t.Context(), models.Handover{ID: "h", By: "eva", At: noon, Site: "north"})
		if err != nil || h.Number != 1 {
			t.Fatal(h, err)
		}
		taken := errors.New("taken")
		var wg sync.WaitGroup
		var refused [4]error
		for i := range refused {
			wg.Go(func() {
				_, refused[i] = j.UpdateHandover(t.Context(), "h", func(h *models.Handover) error {
					if h.TakenBy != "" {
						return taken
					}
					h.TakenBy = strconv.Itoa(i)
					return nil
				})
			})
		}
		wg.Wait()
		if n := len(slices.DeleteFunc(refused[:], func(err error) bool { return err == nil })); n != 3 {
			t.Errorf("%d of 4 were refused", n)
		}
		if h, err := j.GetHandover(t.Context(), "h"); err != nil || h.TakenBy == "" || h.Number != 1 {
			t.Errorf("%+v, %v", h, err)
		}
		if page, err := j.ListHandovers(t.Context(), PaperQuery{Sites: []string{"south"}}); err != nil || len(page.Items) != 0 {
			t.Errorf("of another site: %+v, %v", page, err)
		}
	})

	t.Run("outlines are of the same place, hour, type or tag", func(t *testing.T) {
		x := open(t)
		zone, camera, type1, tag, far, old := incident(1), incident(2), incident(3), incident(4), incident(5), incident(6)
		camera.Zone, camera.Judgement = "fence", &models.Judgement{Verdict: models.VerdictNuisance}
		type1.Camera, type1.Triage.Type = "yard", "theft"
		tag.Camera, tag.Triage.Tags = "yard", []string{"ladder"}
		far.Camera = "yard"
		old.Alarm = noon.Add(-400 * 24 * time.Hour)
		hour := incident(7)
		hour.Alarm = noon.Add(6 * time.Hour)
		create(t, x, zone, camera, type1, tag, far, old, hour)
		q := OutlineQuery{Camera: "gate", Zone: "door", Type: "theft", Tags: []string{"ladder", "ladder"}, Hours: []int{11, 12, 13}, From: noon.Add(-time.Hour), To: noon.Add(24 * time.Hour)}
		got, err := x.(Outliner).Outlines(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b models.Outline) int { return cmp.Compare(a.ID, b.ID) })
		var want []models.Outline
		for _, in := range []models.Incident{zone, camera, type1, tag, hour} {
			o := models.OutlineOf(in)
			o.Alarm = o.Alarm.Truncate(time.Microsecond)
			want = append(want, o)
		}
		slices.SortFunc(want, func(a, b models.Outline) int { return cmp.Compare(a.ID, b.ID) })
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		q.Zone = "" // without a zone the other hours of it are not looked for
		if got, err := x.(Outliner).Outlines(t.Context(), q); err != nil || len(got) != 4 {
			t.Errorf("without a zone: %d, %v", len(got), err)
		}
		if got, err := x.(Outliner).Outlines(t.Context(), OutlineQuery{}); err != nil || got != nil {
			t.Errorf("of nothing: %v, %v", got, err)
		}
	})
}

// handle changes what reports count of an incident.
func handle(rng *rand.Rand, in *models.Incident) error {
	if err := step(rng, in); err != nil {
		return err
	}
	at := in.Opened.Add(time.Duration(rng.IntN(100_000)) * time.Second)
	switch rng.IntN(7) {
	case 0:
		in.Course.Acknowledged = at
	case 1:
		in.Course.Responded, in.Course.Resolved = at, at.Add(time.Hour)
	case 2:
		in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Due: at}, {Promise: models.PromiseResolve, Met: at, Missed: rng.IntN(2) == 0}}
	case 3:
		in.Investigation.Effort = append(slices.Clone(in.Investigation.Effort), models.Effort{Who: pick(rng, officers), Spent: time.Duration(rng.IntN(9000)) * time.Second})
	case 4:
		in.Resolution = &models.Resolution{Loss: &models.Money{Amount: rng.Int64N(1 << 50), Currency: pick(rng, []string{"EUR", "USD"})}}
	case 5:
		in.Linked.Into, in.Course.Reopened = models.IncidentID(pick(rng, []string{"", "other"})), rng.IntN(3)
	case 6:
		in.Alarm = in.Alarm.Add(time.Duration(rng.IntN(1000)) * time.Millisecond)
	}
	return nil
}

func tallies(t testing.TB, x Index, from, to time.Time) []models.Tally {
	t.Helper()
	byNumber := func(a, b models.Tally) int { return cmp.Compare(a.Number, b.Number) }
	var first []models.Tally
	// However many read them, each is there once.
	for _, n := range []int{1, 2, 3, 100} {
		var out []models.Tally
		parts := x.(Tallier).Tallies(t.Context(), from, to, n)
		if len(parts) < 1 || len(parts) > n {
			t.Errorf("%d parts, asked for %d", len(parts), n)
		}
		for _, part := range parts {
			for tally, err := range part {
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, tally)
			}
		}
		slices.SortFunc(out, byNumber)
		if n == 1 {
			first = out
		} else if !reflect.DeepEqual(out, first) {
			t.Errorf("in %d parts: %d tallies, in one %d", len(parts), len(out), len(first))
		}
	}
	return first
}

// TestUpgradeCounts: the records of a released schema are counted when the index is
// brought up to date.
func TestUpgradeCounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "index.db")
	var list []models.Incident
	for n := range 70 {
		list = append(list, incident(n))
	}
	writeSchema(t, 3, "sqlite", path, dialect{json: "TEXT", clustered: "WITHOUT ROWID", bind: bindQuestion}, list...)
	x, err := OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	number(list)
	got := tallies(t, x, time.Time{}, time.Time{})
	for i, in := range list {
		if i >= len(got) || !reflect.DeepEqual(got[i], models.TallyOf(in)) {
			t.Fatalf("tally %d of %d is not that of the record", i+1, len(got))
		}
	}
}

// FuzzUnpackTallies: a damaged chunk is an error, and what can be read can be written.
func FuzzUnpackTallies(f *testing.F) {
	rng := rand.New(rand.NewPCG(5, 6))
	var list []models.Tally
	for n := range 20 {
		in := incident(n)
		in.Number = int64(32 + n)
		for range 3 {
			if err := handle(rng, &in); err != nil {
				f.Fatal(err)
			}
		}
		list = append(list, models.TallyOf(in))
	}
	f.Add(packTallies(1, list))
	f.Add(packTallies(1, list[:1]))
	f.Add([]byte{packFormat, 0, 0})
	f.Add([]byte{packFormat, 1, 0, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []models.Tally
		if err := unpackTallies(1, data, interned{}, func(t *models.Tally) bool { got = append(got, *t); return true }); err != nil {
			return
		}
		again := packTallies(1, got)
		var same []models.Tally
		if err := unpackTallies(1, again, interned{}, func(t *models.Tally) bool { same = append(same, *t); return true }); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if third := packTallies(1, same); !bytes.Equal(third, again) {
			t.Errorf("%x, again %x", again, third)
		}
	})
}

// BenchmarkYear times what a report of a year reads, and the outlines of one incident, over
// as many incidents as VEDETTE_BENCH_INCIDENTS says, at 50 000.
func BenchmarkYear(b *testing.B) {
	n := 50_000
	if s := os.Getenv("VEDETTE_BENCH_INCIDENTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for name, open := range map[string]func(*testing.B) Index{
		"sqlite": func(b *testing.B) Index { return mustSQLite(b) },
		"postgres": func(b *testing.B) Index {
			return mustPostgres(b, pgtest.Start(b).Database("year"))
		},
	} {
		b.Run(name, func(b *testing.B) {
			x := open(b)
			from := noon.AddDate(-1, 0, 0)
			if _, err := x.(Importer).Import(b.Context(), func(yield func(models.Incident, error) bool) {
				rng := rand.New(rand.NewPCG(9, 9))
				for i := range n {
					in := incident(0)
					in.Alarm = from.Add(noon.Sub(from) / time.Duration(n) * time.Duration(i))
					in.Start, in.End, in.Opened = in.Alarm.Add(-time.Minute), in.Alarm.Add(time.Minute), in.Alarm
					in.ID, in.Camera, in.Zone = models.IncidentID(fmt.Sprintf("%08d", i)), models.CameraID(fmt.Sprint("camera", rng.IntN(40))), models.ZoneID(fmt.Sprint("zone", rng.IntN(4)))
					in.Assignment.Officer = fmt.Sprint("officer", rng.IntN(20))
					in.Course = models.Course{Acknowledged: in.Alarm.Add(time.Duration(rng.IntN(600)) * time.Second), Resolved: in.Alarm.Add(time.Duration(rng.IntN(9000)) * time.Second)}
					if !yield(in, nil) {
						return
					}
				}
			}); err != nil {
				b.Fatal(err)
			}
			run := func(what string, fn func(context.Context) error) {
				b.Run(what, func(b *testing.B) {
					var took []time.Duration
					for b.Loop() {
						start := time.Now()
						if err := fn(b.Context()); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(start))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				})
			}
			run("tallies", func(ctx context.Context) error {
				var read atomic.Int64
				var readers sync.WaitGroup
				parts := x.(Tallier).Tallies(ctx, from, noon, runtime.GOMAXPROCS(0))
				errs := make([]error, len(parts))
				for i, part := range parts {
					readers.Go(func() {
						own := int64(0)
						for _, err := range part {
							errs[i] = errors.Join(errs[i], err)
							own++
						}
						read.Add(own)
					})
				}
				readers.Wait()
				if err := errors.Join(errs...); err != nil || read.Load() != int64(n) {
					return fmt.Errorf("%d tallies of %d: %w", read.Load(), n, err)
				}
				return nil
			})
			i := 0
			run("outlines", func(ctx context.Context) error {
				i++
				_, err := x.(Outliner).Outlines(ctx, OutlineQuery{Camera: models.CameraID(fmt.Sprint("camera", i%40)), Zone: models.ZoneID(fmt.Sprint("zone", i%4)),
					Hours: []int{0, 1, 2, 3, 20, 21, 22, 23}, From: from.AddDate(0, 0, 30), To: from.AddDate(0, 0, 330)})
				return err
			})
		})
	}
}

// TestTalliesAreSmall: a chunk is what a change writes.
func TestTalliesAreSmall(t *testing.T) {
	var list []models.Tally
	doc := 0
	for n := range chunkSize {
		in := incident(n)
		in.Number = int64(n)
		in.Course.Acknowledged = in.Opened.Add(time.Minute)
		list = append(list, models.TallyOf(in))
		one, err := json.Marshal(list[n])
		if err != nil {
			t.Fatal(err)
		}
		doc += len(one)
	}
	if n := len(packTallies(0, list)); n > 2048 || n > doc/4 {
		t.Errorf("%d incidents take %d bytes", chunkSize, n)
	}
}
