package incident

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func tallied(list ...models.Incident) iter.Seq2[models.Tally, error] {
	return func(yield func(models.Tally, error) bool) {
		for _, in := range list {
			if !yield(models.TallyOf(in), nil) {
				return
			}
		}
	}
}

func summarised(t *testing.T, q SummaryQuery, made time.Time, clocks Clocks, list ...models.Incident) Summary {
	t.Helper()
	s, err := Summarise(q, made, clocks, tallied(list...))
	if err != nil {
		t.Fatal(err)
	}
	// However they are shared out, the figures are the same.
	for n := 1; n <= 3; n++ {
		a, b := len(list)/(n+1), len(list)*n/(n+1)
		parts, err := Summarise(q, made, clocks, tallied(list[:a]...), tallied(list[a:b]...), tallied(list[b:]...))
		if err != nil || !reflect.DeepEqual(parts, s) {
			t.Errorf("in parts [:%d:%d:]: %v, %+v; want %+v", a, b, err, parts, s)
		}
	}
	return s
}

func rowOf(s Summary, fits func(SummaryRow) bool) SummaryRow {
	if i := slices.IndexFunc(s.Rows, fits); i >= 0 {
		return s.Rows[i]
	}
	return SummaryRow{}
}

func TestSummary(t *testing.T) {
	day := time.Date(2026, 3, 6, 10, 0, 0, 0, time.UTC)
	made := day.Add(48 * time.Hour)
	in := func(n int, edit func(*models.Incident)) models.Incident {
		at := day.Add(time.Duration(n) * time.Minute)
		in := models.Incident{ID: models.IncidentID(fmt.Sprint(n)), Number: int64(n), Site: "north", Camera: "gate", Zone: "door", Kind: models.KindLoitering,
			Severity: models.SeverityHigh, State: models.StateClosed, Alarm: at, Opened: at,
			Course: models.Course{Acknowledged: at.Add(time.Duration(n) * time.Second), Responded: at.Add(time.Minute), Resolved: at.Add(time.Hour)}}
		edit(&in)
		return in
	}
	list := []models.Incident{
		in(1, func(in *models.Incident) {
			in.Judgement = &models.Judgement{Verdict: models.VerdictTrue}
			in.Assignment.Officer, in.Triage.Type = "eva", "theft"
			in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Met: day, Due: day}, {Promise: models.PromiseResolve, Met: day, Missed: true}}
			in.Investigation.Effort = []models.Effort{{Who: "eva", Spent: time.Hour}, {Who: "jan", Spent: time.Minute}, {Who: "eva", Spent: time.Hour}}
			in.Resolution = &models.Resolution{Loss: &models.Money{Amount: 1250, Currency: "EUR"}}
		}),
		in(2, func(in *models.Incident) {
			in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain}
			in.Camera, in.Severity, in.Course.Reopened = "yard", models.SeverityLow, 2
			in.Resolution = &models.Resolution{Loss: &models.Money{Amount: 50, Currency: "EUR"}}
		}),
		in(3, func(in *models.Incident) { // open, and its time was over an hour ago
			in.State, in.Course = models.StateNew, models.Course{}
			in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Due: made.Add(-time.Hour)}, {Promise: models.PromiseRespond, Due: made.Add(time.Hour)}}
		}),
		in(4, func(in *models.Incident) { // its clock stands
			in.State, in.Course = models.StateNew, models.Course{}
			in.Deadlines = []models.Deadline{{Promise: models.PromiseAcknowledge, Paused: "police"}}
		}),
		in(5, func(in *models.Incident) { in.Linked.Into = "1" }),
		in(6, func(in *models.Incident) { in.Alarm = day.Add(-24 * time.Hour) }),
	}
	q := SummaryQuery{From: day, To: day.Add(24 * time.Hour)}
	s := summarised(t, q, made, nil, list...)
	all := s.Rows[0]
	if all.By != ByAll || all.Incidents != 4 || all.Merged != 1 || all.True != 1 || all.Nuisance != 1 || all.Unjudged != 2 || all.Open != 2 || all.Overdue != 1 ||
		all.Reopened != 2 || all.Effort != 2*time.Hour+time.Minute || !slices.Equal(all.Losses, []models.Money{{Amount: 1300, Currency: "EUR"}}) {
		t.Errorf("all: %+v", all)
	}
	if h := all.Acknowledge; h.Count != 2 || h.Median != time.Second || h.Slow90 != 2*time.Second || h.Promised != 3 || h.InTime != 1 || h.Missed != 1 || h.Share == nil || *h.Share != 0.5 {
		t.Errorf("acknowledge: %+v", h)
	}
	if h := all.Resolve; h.Promised != 1 || h.Missed != 1 || h.Median.Round(time.Minute) != time.Hour {
		t.Errorf("resolve: %+v", h)
	}
	if h := all.Respond; h.Promised != 1 || h.Share != nil {
		t.Errorf("respond: %+v", h)
	}
	for name, c := range map[string]struct {
		fits func(SummaryRow) bool
		want int
	}{
		"yard":    {func(r SummaryRow) bool { return r.By == ByCamera && r.Camera == "yard" }, 1},
		"door":    {func(r SummaryRow) bool { return r.By == ByZone && r.Camera == "gate" && r.Zone == "door" }, 3},
		"theft":   {func(r SummaryRow) bool { return r.By == ByType && r.Type == "theft" }, 1},
		"low":     {func(r SummaryRow) bool { return r.By == BySeverity && r.Severity == models.SeverityLow }, 1},
		"nobody":  {func(r SummaryRow) bool { return r.By == ByOfficer && r.Officer == "" }, 3},
		"at 10 h": {func(r SummaryRow) bool { return r.By == ByHour && *r.Hour == 10 }, 4},
		"the day": {func(r SummaryRow) bool { return r.By == ByDay && r.Day == "2026-03-06" && r.Length == 24*time.Hour }, 4},
	} {
		if got := rowOf(s, c.fits); got.Incidents != c.want {
			t.Errorf("%s: %+v, want %d incidents", name, got, c.want)
		}
	}
	// Jan has no incident, but worked on one.
	if jan := rowOf(s, func(r SummaryRow) bool { return r.By == ByOfficer && r.Officer == "jan" }); jan.Incidents != 0 || jan.Effort != time.Minute {
		t.Errorf("jan: %+v", jan)
	}
	if eva := rowOf(s, func(r SummaryRow) bool { return r.By == ByOfficer && r.Officer == "eva" }); eva.Incidents != 1 || eva.Effort != 2*time.Hour {
		t.Errorf("eva: %+v", eva)
	}
	q.Cameras, q.By = []models.CameraID{"yard"}, []Grouping{BySeverity}
	if s := summarised(t, q, made, nil, list...); len(s.Rows) != 1 || s.Rows[0].Incidents != 1 {
		t.Errorf("of the yard, by severity: %+v", s.Rows)
	}
}

func TestSummaryEndsWithTheFirstError(t *testing.T) {
	gone := errors.New("the database went away")
	_, err := Summarise(SummaryQuery{}, time.Now(), nil, func(yield func(models.Tally, error) bool) { yield(models.Tally{}, gone) })
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

// TestDaysOfASite: a day belongs to the site; when the clocks change it has 23 or 25 hours.
func TestDaysOfASite(t *testing.T) {
	load := func(name string) *time.Location {
		place, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	for _, c := range []struct {
		day, place string
		from       string
		length     time.Duration
	}{
		{"2026-03-28", "Europe/Vienna", "2026-03-27T23:00:00Z", 24 * time.Hour},
		{"2026-03-29", "Europe/Vienna", "2026-03-28T23:00:00Z", 23 * time.Hour},
		{"2026-10-25", "Europe/Vienna", "2026-10-24T22:00:00Z", 25 * time.Hour},
		{"2024-09-08", "America/Santiago", "2024-09-08T04:00:00Z", 23 * time.Hour}, // begins at 01:00
		{"2024-11-03", "America/Havana", "2024-11-03T04:00:00Z", 25 * time.Hour},   // has two midnights
		{"2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z", 0},                  // never was
		{"2026-06-01", "Asia/Kathmandu", "2026-05-31T18:15:00Z", 24 * time.Hour},
	} {
		from, to, err := DayOf(c.day, load(c.place))
		if err != nil || from.UTC().Format(time.RFC3339) != c.from || to.Sub(from) != c.length {
			t.Errorf("%s in %s: from %s for %v, %v; want from %s for %v", c.day, c.place, from.UTC().Format(time.RFC3339), to.Sub(from), err, c.from, c.length)
		}
	}
	if _, _, err := DayOf("2026-02-30", time.UTC); err == nil {
		t.Error("the 30th of February is a day")
	}
	clocks := Clocks(func(site string) *time.Location { return load(site) })
	at := time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC)
	s := summarised(t, SummaryQuery{From: at, To: at.Add(time.Hour), By: []Grouping{ByDay, ByHour}}, at, clocks,
		models.Incident{Site: "Europe/Vienna", Alarm: at}, models.Incident{Site: "Europe/London", Alarm: at})
	if s.Rows[0].Day != "2026-03-29" || s.Rows[0].Length != 23*time.Hour || s.Rows[1].Day != "2026-03-30" || *s.Rows[2].Hour != 0 || *s.Rows[3].Hour != 23 {
		t.Errorf("rows: %+v", s.Rows)
	}
}

// TestQuantiles compares with the sorted list.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var d durations
		var list []time.Duration
		for range 1 + rng.IntN(500) {
			v := time.Duration(math.Exp(rng.Float64()*17)) * time.Second
			d.add(v)
			list = append(list, v)
		}
		slices.Sort(list)
		for _, share := range []float64{0.5, 0.9} {
			want := list[int(math.Ceil(share*float64(len(list))))-1]
			got := d.quantile(share)
			if off := math.Abs(float64(got - want)); want < exactSeconds*time.Second && off != 0 || off > 0.008*float64(want) {
				t.Errorf("%v quantile of %d: %v, want %v", share, len(list), got, want)
			}
		}
	}
	if got := (&durations{}).quantile(0.5); got != 0 {
		t.Errorf("median of nothing: %v", got)
	}
	for b := range 1500 {
		if got := bucketOf(int64(middle(b) / time.Second)); got != b {
			t.Fatalf("the middle of bucket %d is in %d", b, got)
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	const n = 100_000
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tallies := make([]models.Tally, n)
	for i := range tallies {
		at := day.Add(time.Duration(i) * 365 * 24 * time.Hour / n)
		tallies[i] = models.Tally{Site: "north", Camera: models.CameraID(fmt.Sprint("camera", i%40)), Zone: models.ZoneID(fmt.Sprint("zone", i%7)),
			Kind: models.KindLoitering, Officer: fmt.Sprint("officer", i%20), Severity: models.SeverityHigh, Alarm: at}
	}
	for b.Loop() {
		_, err := Summarise(SummaryQuery{From: day, To: day.AddDate(1, 0, 0)}, day, nil, func(yield func(models.Tally, error) bool) {
			for _, t := range tallies {
				if !yield(t, nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*10, "ms/1M-incidents")
}
