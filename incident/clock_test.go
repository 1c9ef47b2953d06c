package incident

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/vedette-cctv/vedette/models"
)

func vienna(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func local(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05 -0700", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Summer time begins on 29 March 2026 at 02:00, when it becomes 03:00, and ends on 25
// October at 03:00, when it becomes 02:00.
func TestServiceHours(t *testing.T) {
	loc := vienna(t)
	const hour = time.Hour
	office := hours{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 8 * hour, To: 17 * hour, Location: loc}}
	night := hours{{From: 22 * hour, To: 6 * hour, Location: loc}}
	small := hours{{From: 2*hour + 15*time.Minute, To: 2*hour + 45*time.Minute, Location: loc}}
	for _, tc := range []struct {
		name   string
		h      hours
		from   string
		d      time.Duration
		want   string
		noBack bool // the way back leads elsewhere, because the clocks stood at from
	}{
		{name: "always", from: "2026-03-29 01:30:00 +0100", d: hour, want: "2026-03-29 03:30:00 +0200"},
		{name: "within a day", h: office, from: "2026-11-20 10:00:00 +0100", d: 2 * hour, want: "2026-11-20 12:00:00 +0100"},
		{name: "over the weekend", h: office, from: "2026-11-20 16:00:00 +0100", d: 2 * hour, want: "2026-11-23 09:00:00 +0100"},
		{name: "opened while they stand", h: office, from: "2026-11-21 12:00:00 +0100", d: hour, want: "2026-11-23 09:00:00 +0100", noBack: true},
		{name: "over midnight", h: night, from: "2026-11-20 23:00:00 +0100", d: 3 * hour, want: "2026-11-21 02:00:00 +0100"},
		{name: "two nights", h: night, from: "2026-11-20 23:00:00 +0100", d: 8 * hour, want: "2026-11-21 23:00:00 +0100"},
		{name: "a night of 7 hours", h: night, from: "2026-03-28 22:00:00 +0100", d: 7*hour + time.Minute, want: "2026-03-29 22:01:00 +0200"},
		{name: "in it", h: night, from: "2026-03-29 01:00:00 +0100", d: 2 * hour, want: "2026-03-29 04:00:00 +0200"},
		{name: "a night of 9 hours", h: night, from: "2026-10-24 22:00:00 +0200", d: 8*hour + time.Minute, want: "2026-10-25 05:01:00 +0100"},
		{name: "what does not exist on that day", h: small, from: "2026-03-29 01:00:00 +0100", d: 10 * time.Minute, want: "2026-03-30 02:25:00 +0200", noBack: true},
		{name: "what comes twice on that day", h: small, from: "2026-10-25 02:15:00 +0200", d: 40 * time.Minute, want: "2026-10-25 02:25:00 +0100"},
		{name: "a weekend of 47 hours", h: office, from: "2026-03-27 16:59:00 +0100", d: 2 * time.Minute, want: "2026-03-30 08:01:00 +0200"},
	} {
		from, want := local(t, tc.from), local(t, tc.want)
		if got := tc.h.after(from, tc.d); !got.Equal(want) {
			t.Errorf("%s: %v after %s is %s, want %s", tc.name, tc.d, tc.from, got.In(loc), want.In(loc))
		}
		if got := tc.h.between(from, want); got != tc.d {
			t.Errorf("%s: between: got %v, want %v", tc.name, got, tc.d)
		}
		if got := tc.h.before(want, tc.d); !got.Equal(from) && !tc.noBack {
			t.Errorf("%s: before: got %s, want %s", tc.name, got.In(loc), from.In(loc))
		}
	}
}

// Walking agrees with asking at every minute, whatever the hours and wherever the day has
// 23 or 25 hours.
func TestServiceHoursAgreeWithTheWallClock(t *testing.T) {
	loc := vienna(t)
	r := rand.New(rand.NewPCG(1, 2))
	minute := func() time.Duration { return time.Duration(r.IntN(24*12)) * 5 * time.Minute }
	for range 300 {
		var h hours
		for range 1 + r.IntN(3) {
			s := models.Schedule{From: minute(), To: minute(), Location: loc}
			if r.IntN(2) == 0 {
				s.Days = []time.Weekday{time.Weekday(r.IntN(7)), time.Sunday}
			}
			if r.IntN(5) == 0 {
				s.Location = time.UTC
			}
			h = append(h, s)
		}
		day := []time.Time{time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC),
			time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}[r.IntN(3)]
		from := day.Add(time.Duration(r.IntN(48*12)) * 5 * time.Minute)
		to := from.Add(time.Duration(r.IntN(24*12)) * 5 * time.Minute)
		var want time.Duration
		for at := from; at.Before(to); at = at.Add(5 * time.Minute) {
			if h.active(at) {
				want += 5 * time.Minute
			}
		}
		if got := h.between(from, to); got != want {
			t.Fatalf("%+v from %s to %s: got %v, want %v", h, from, to, got, want)
		}
		if want == 0 {
			continue
		}
		if due := h.after(from, want); due.After(to) || h.between(from, due) != want {
			t.Fatalf("%+v: %v after %s gives %s, which is after %s", h, want, from, due, to)
		}
		if since := h.before(to, want); since.Before(from) || h.between(since, to) != want {
			t.Fatalf("%+v: %v before %s gives %s, which is before %s", h, want, to, since, from)
		}
	}
}

func TestHoursThatNeverRun(t *testing.T) {
	never := hours{{Days: []time.Weekday{}, From: 2 * time.Hour, To: 2*time.Hour + 1, Location: time.UTC}}
	if got := never.after(day, time.Hour); got != day.Add(longestWalk) {
		t.Errorf("got %s", got)
	}
	if got := never.before(day, time.Hour); got != day.Add(-longestWalk) {
		t.Errorf("got %s", got)
	}
}
