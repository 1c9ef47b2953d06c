package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
)

// What the outbox promises, over both databases.
func TestOutbox(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		testOutbox(t, func(t *testing.T) Index { return mustSQLite(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		server := pgtest.Start(t)
		n := 0
		testOutbox(t, func(t *testing.T) Index {
			n++
			return mustPostgres(t, server.Database(fmt.Sprintf("outbox%d", n)))
		})
	})
}

var midday = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// post is a waiting dispatch of a notice, created so many seconds after midday.
func post(id, channel string, severity models.Severity, seconds int) models.Dispatch {
	at := midday.Add(time.Duration(seconds) * time.Second)
	return models.Dispatch{Channel: channel, State: models.DispatchWaiting, Created: at, Next: at,
		Notice: models.Notice{ID: id, Kind: models.NoticeOpened, At: at, Incident: models.Incident{ID: models.IncidentID("in-" + id), Severity: severity}}}
}

func names(all []models.Dispatch) (out []string) {
	for _, d := range all {
		out = append(out, d.Notice.ID)
	}
	return out
}

func testOutbox(t *testing.T, open func(*testing.T) Index) {
	ctx := t.Context()
	quiet := func(*models.Incident, models.Incident) []models.Dispatch { return nil }
	box := func(t *testing.T) *Outbox {
		b, err := NewOutbox(open(t), quiet)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ok := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	claim := func(t *testing.T, b *Outbox, at time.Time, most int) []models.Dispatch {
		t.Helper()
		got, err := b.Claim(ctx, "hook", at, time.Minute, most)
		ok(t, err)
		return got
	}

	t.Run("one after the other, each once", func(t *testing.T) {
		b := box(t)
		ok(t, b.Put(ctx, post("b", "hook", models.SeverityLow, 2), post("a", "hook", models.SeverityHigh, 1), post("c", "mail", models.SeverityLow, 0), post("d", "hook", models.SeverityLow, 60)))
		if got := names(claim(t, b, midday.Add(10*time.Second), 1)); !slices.Equal(got, []string{"a"}) {
			t.Errorf("first %v", got)
		}
		second := claim(t, b, midday.Add(10*time.Second), 5)
		if !slices.Equal(names(second), []string{"b"}) || second[0].Attempts != 1 || second[0].Notice.Incident.ID != "in-b" {
			t.Errorf("second %+v", second)
		}
		if got := claim(t, b, midday.Add(10*time.Second), 5); len(got) != 0 {
			t.Errorf("a third time %v", names(got))
		}
		next, err := b.Next(ctx, "hook")
		ok(t, err)
		if want := midday.Add(60 * time.Second); !next.Equal(want) {
			t.Errorf("next at %v, want %v", next, want)
		}
		if next, err := b.Next(ctx, "nobody"); err != nil || !next.IsZero() {
			t.Errorf("next of nobody: %v, %v", next, err)
		}
	})

	t.Run("a lease that runs out gives it to another", func(t *testing.T) {
		b := box(t)
		ok(t, b.Put(ctx, post("a", "hook", models.SeverityLow, 0)))
		first := claim(t, b, midday, 1)
		second := claim(t, b, midday.Add(time.Minute), 1)
		if len(first) != 1 || len(second) != 1 || second[0].Attempts != 2 {
			t.Fatalf("first %v, second %v", first, second)
		}
		// The first comes back late: what it says no longer counts.
		first[0].State, first[0].Done, first[0].Error = models.DispatchFailed, midday, "late"
		ok(t, b.Settle(ctx, first...))
		second[0].State, second[0].Done, second[0].Message = models.DispatchDelivered, midday.Add(61*time.Second), "a"
		ok(t, b.Settle(ctx, second...))
		page, err := b.Deliveries(ctx, DeliveryQuery{})
		ok(t, err)
		if len(page.Items) != 1 || page.Items[0].State != models.DispatchDelivered || page.Items[0].Error != "" || !page.Items[0].Done.Equal(midday.Add(61*time.Second)) {
			t.Errorf("stands as %+v", page.Items)
		}
	})

	t.Run("a clock that was years ahead holds up nothing", func(t *testing.T) {
		b := box(t)
		now := time.Now()
		late, soon := post("late", "hook", models.SeverityLow, 0), post("soon", "hook", models.SeverityLow, 0)
		late.Next, soon.Next = now.Add(20*365*24*time.Hour), now.Add(time.Hour) // the longest wait that is asked for
		ok(t, b.Put(ctx, late))
		if at, err := b.Next(ctx, "hook"); err != nil || at.After(time.Now()) {
			t.Errorf("next at %s, %v; want now", at, err)
		}
		ok(t, b.Put(ctx, soon))
		if got := names(claim(t, b, now, 9)); !slices.Equal(got, []string{"late"}) {
			t.Errorf("claimed %q", got)
		}
		if at, err := b.Next(ctx, "hook"); err != nil || !at.After(now) {
			t.Errorf("next at %s, %v; it is claimed", at, err)
		}
	})

	t.Run("the same notice once for each channel, whatever became of it", func(t *testing.T) {
		b := box(t)
		for range 2 {
			ok(t, b.Put(ctx, post("a", "hook", models.SeverityLow, 0), post("a", "mail", models.SeverityLow, 0)))
		}
		d := claim(t, b, midday, 5)
		d[0].State, d[0].Done, d[0].Message = models.DispatchDelivered, midday, "a"
		ok(t, b.Settle(ctx, d...))
		ok(t, b.Put(ctx, post("a", "hook", models.SeverityLow, 0)))
		waiting, err := b.Waiting(ctx)
		ok(t, err)
		if want := map[string]int{"mail": 1}; !reflect.DeepEqual(waiting, want) {
			t.Errorf("waiting %v, want %v", waiting, want)
		}
	})

	t.Run("how many messages a channel has sent", func(t *testing.T) {
		b := box(t)
		for i := range 6 {
			ok(t, b.Put(ctx, post(fmt.Sprint(i), "hook", models.SeverityLow, 0)))
		}
		all := claim(t, b, midday, 6)
		for i := range all {
			all[i].State, all[i].Done, all[i].Message = models.DispatchDelivered, midday.Add(time.Duration(i)*time.Minute), all[i].Notice.ID
			if i >= 4 {
				all[i].Message = "sum"
			}
		}
		ok(t, b.Settle(ctx, all...))
		single, last, err := b.Sent(ctx, "hook", midday.Add(90*time.Second))
		ok(t, err)
		if single != 2 || !last.Equal(midday.Add(5*time.Minute)) {
			t.Errorf("%d single, last at %v", single, last)
		}
		if single, last, err = b.Sent(ctx, "hook", midday.Add(time.Hour)); err != nil || single != 0 || !last.IsZero() {
			t.Errorf("an hour later %d, %v, %v", single, last, err)
		}
	})

	t.Run("bounds: the oldest of the least severe goes first", func(t *testing.T) {
		b := box(t)
		b.most, b.logged = 6, 3
		severities := []models.Severity{models.SeverityCritical, models.SeverityLow, models.SeverityLow, models.SeverityHigh, models.SeverityLow, models.SeverityMedium, models.SeverityLow, models.SeverityLow}
		for i, s := range severities {
			ok(t, b.Put(ctx, post(fmt.Sprint(i), "hook", s, i)))
		}
		dropped, err := b.Tend(ctx, midday.Add(time.Hour), midday.Add(-time.Hour), midday.Add(-time.Hour))
		ok(t, err)
		if dropped != 5 {
			t.Errorf("dropped %d", dropped)
		}
		if got := names(claim(t, b, midday.Add(time.Hour), 10)); !slices.Equal(got, []string{"0", "3", "5"}) {
			t.Errorf("left %v", got)
		}
		page, err := b.Deliveries(ctx, DeliveryQuery{States: []models.DispatchState{models.DispatchDropped}})
		ok(t, err)
		if got := names(page.Items); !slices.Equal(got, []string{"7", "6", "4"}) {
			t.Errorf("the log holds %v: the oldest goes beyond three", got)
		}
		if again, err := b.Tend(ctx, midday.Add(time.Hour), midday.Add(-time.Hour), midday.Add(-time.Hour)); err != nil || again != 0 {
			t.Errorf("dropped again: %d, %v", again, err)
		}
	})

	t.Run("given up after its time, forgotten after a longer one", func(t *testing.T) {
		b := box(t)
		ok(t, b.Put(ctx, post("old", "gone", models.SeverityLow, 0), post("new", "hook", models.SeverityLow, 100)))
		_, err := b.Tend(ctx, midday.Add(time.Hour), midday.Add(50*time.Second), midday.Add(-time.Hour))
		ok(t, err)
		page, err := b.Deliveries(ctx, DeliveryQuery{States: []models.DispatchState{models.DispatchFailed}})
		ok(t, err)
		if len(page.Items) != 1 || page.Items[0].Notice.ID != "old" || page.Items[0].Error == "" || !page.Items[0].Done.Equal(midday.Add(time.Hour)) {
			t.Errorf("given up %+v", page.Items)
		}
		_, err = b.Tend(ctx, midday.Add(time.Hour), midday, midday.Add(time.Hour))
		ok(t, err)
		if page, err = b.Deliveries(ctx, DeliveryQuery{}); err != nil || !slices.Equal(names(page.Items), []string{"new"}) {
			t.Errorf("left %v, %v: what waits is not forgotten", names(page.Items), err)
		}
	})

	t.Run("the log, by pages", func(t *testing.T) {
		b := box(t)
		for i := range 25 {
			ok(t, b.Put(ctx, post(fmt.Sprintf("%02d", i), []string{"hook", "mail"}[i%2], models.SeverityLow, i/5)))
		}
		var got []string
		q := DeliveryQuery{Channels: []string{"hook"}, Limit: 5}
		for range 10 {
			page, err := b.Deliveries(ctx, q)
			ok(t, err)
			got = append(got, names(page.Items)...)
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		if len(got) != 13 || !slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("pages gave %v", got)
		}
		page, err := b.Deliveries(ctx, DeliveryQuery{Incident: "in-07", Kinds: []models.NoticeKind{models.NoticeOpened}})
		ok(t, err)
		if !slices.Equal(names(page.Items), []string{"07"}) {
			t.Errorf("of one incident %v", names(page.Items))
		}
		for _, after := range []string{"x", "!", cursor{OrderNewest, 0, 0, 0, "a"}.String()} {
			if _, err := b.Deliveries(ctx, DeliveryQuery{After: after}); !errors.Is(err, ErrCursor) {
				t.Errorf("cursor %q: %v", after, err)
			}
		}
	})

	t.Run("many claim at once", func(t *testing.T) {
		b := box(t)
		for i := range 60 {
			ok(t, b.Put(ctx, post(fmt.Sprint(i), "hook", models.SeverityLow, 0)))
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for {
					got, err := b.Claim(ctx, "hook", midday, time.Hour, 3)
					if err != nil {
						t.Error(err)
						return
					}
					if len(got) == 0 {
						return
					}
					mu.Lock()
					for _, id := range names(got) {
						seen[id]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}
		// Whom another one's lock has kept from the last ones has gone home.
		for _, d := range claim(t, b, midday, 100) {
			seen[d.Notice.ID]++
		}
		if len(seen) != 60 {
			t.Errorf("%d of 60 were claimed", len(seen))
		}
	})

	t.Run("in the transaction of the change, or not at all", func(t *testing.T) {
		x := open(t)
		var calls [][2]models.Severity
		b, err := NewOutbox(x, func(before *models.Incident, after models.Incident) []models.Dispatch {
			was := models.Severity("")
			if before != nil {
				was = before.Severity
			}
			calls = append(calls, [2]models.Severity{was, after.Severity})
			return []models.Dispatch{post(fmt.Sprint(after.Revision), "hook", after.Severity, 0)}
		})
		ok(t, err)
		changes := 0
		b.Changed = func() { changes++ }
		in := models.Incident{ID: "one", Camera: "gate", Severity: models.SeverityLow, State: models.StateNew, Alarm: midday, Start: midday}
		stored, err := x.Create(ctx, in)
		ok(t, err)
		_, err = x.Create(ctx, in) // a start after a crash repeats it
		ok(t, err)
		refused := errors.New("refused")
		if _, err := x.Update(ctx, "one", func(in *models.Incident) error { in.Severity = models.SeverityCritical; return refused }); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		_, err = x.Update(ctx, "one", func(in *models.Incident) error { in.Severity = models.SeverityHigh; return nil })
		ok(t, err)
		page, err := b.Deliveries(ctx, DeliveryQuery{})
		ok(t, err)
		got := names(page.Items)
		slices.Sort(got)
		if !slices.Equal(got, []string{"1", "2"}) {
			t.Errorf("in the outbox: %v", got)
		}
		want := [][2]models.Severity{{"", models.SeverityLow}, {"", models.SeverityLow}, {models.SeverityLow, models.SeverityHigh}}
		if !reflect.DeepEqual(calls, want) || stored.Number != 1 {
			t.Errorf("asked of %v, want %v", calls, want)
		}
		if changes != 3 {
			t.Errorf("%d changes were told, want 3", changes)
		}
	})

	t.Run("deadlines", func(t *testing.T) {
		x := open(t)
		b, err := NewOutbox(x, quiet)
		ok(t, err)
		make := func(id string, minutes ...int) {
			in := models.Incident{ID: models.IncidentID(id), State: models.StateNew, Alarm: midday, Start: midday}
			for i, m := range minutes {
				in.Deadlines = append(in.Deadlines, models.Deadline{Promise: models.Promises()[i], Due: midday.Add(time.Duration(m) * time.Minute)})
			}
			_, err := x.Create(ctx, in)
			ok(t, err)
		}
		make("late", 9, 30)
		make("soon", 2, 5)
		make("none")
		look := func(before int) string {
			t.Helper()
			var got []string
			next, err := b.Due(ctx, midday.Add(time.Duration(before)*time.Minute), func(id models.IncidentID, due time.Time) error {
				got = append(got, fmt.Sprintf("%s %.0f", id, due.Sub(midday).Minutes()))
				return nil
			})
			ok(t, err)
			if !next.IsZero() {
				got = append(got, fmt.Sprintf("next %.0f", next.Sub(midday).Minutes()))
			}
			data, _ := json.Marshal(got)
			return string(data)
		}
		change := func(id models.IncidentID, f func(d []models.Deadline)) {
			t.Helper()
			_, err := x.Update(ctx, id, func(in *models.Incident) error { f(in.Deadlines); return nil })
			ok(t, err)
		}
		for _, step := range []struct {
			name   string
			do     func()
			before int
			want   string
		}{
			{"at first", func() {}, 5, `["soon 2","next 9"]`},
			{"a promise is kept", func() { change("soon", func(d []models.Deadline) { d[0].Met = midday }) }, 20, `["soon 5","late 9"]`},
			{"a clock stands", func() {
				change("soon", func(d []models.Deadline) { d[1].Due, d[1].Paused = time.Time{}, "police" })
			}, 20, `["late 9"]`},
			{"it runs on", func() {
				change("soon", func(d []models.Deadline) { d[1].Due, d[1].Paused = midday.Add(15*time.Minute), "" })
			}, 12, `["late 9","next 15"]`},
			{"noted as missed", func() { change("late", func(d []models.Deadline) { d[0].Missed = true }) }, 60, `["soon 15","late 30"]`},
			{"all is kept", func() {
				change("soon", func(d []models.Deadline) { d[1].Met = midday })
				change("late", func(d []models.Deadline) { d[0].Met, d[1].Met = midday, midday })
			}, 60, `null`},
		} {
			step.do()
			if got := look(step.before); got != step.want {
				t.Errorf("%s: %s, want %s", step.name, got, step.want)
			}
		}
	})
}

func FuzzDeliveryCursor(f *testing.F) {
	f.Add(deliveryCursor(post("a", "hook", models.SeverityLow, 0)))
	f.Add("")
	f.Add("ZGVsaXZlcmllc3w")
	f.Fuzz(func(t *testing.T, s string) {
		at, notice, channel, err := parseDeliveryCursor(s)
		if err != nil {
			return
		}
		d := models.Dispatch{Channel: channel, Created: time.UnixMicro(at), Notice: models.Notice{ID: notice}}
		if again := deliveryCursor(d); again != s {
			if a2, n2, c2, err := parseDeliveryCursor(again); err != nil || a2 != at || n2 != notice || c2 != channel {
				t.Errorf("%q gives %q", s, again)
			}
		}
	})
}
