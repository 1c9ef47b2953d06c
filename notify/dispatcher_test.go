package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// tray is an outbox in memory, with the promises of Outbox.
type tray struct {
	mu   sync.Mutex
	all  []models.Dispatch
	away bool // it does not answer
}

var errAway = errors.New("the database is away")

func (b *tray) Put(_ context.Context, all ...models.Dispatch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	for _, d := range all {
		if !slices.ContainsFunc(b.all, func(o models.Dispatch) bool { return o.Notice.ID == d.Notice.ID && o.Channel == d.Channel }) {
			b.all = append(b.all, d)
		}
	}
	return nil
}

func (b *tray) Claim(_ context.Context, channel string, now time.Time, lease time.Duration, most int) (out []models.Dispatch, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return nil, errAway
	}
	for i := range b.all {
		if d := &b.all[i]; len(out) < most && d.Channel == channel && d.State == models.DispatchWaiting && !d.Next.After(now) {
			d.Attempts++
			d.Next = now.Add(lease)
			out = append(out, *d)
		}
	}
	return out, nil
}

func (b *tray) Settle(_ context.Context, all ...models.Dispatch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	for _, d := range all {
		for i, o := range b.all {
			if o.Notice.ID == d.Notice.ID && o.Channel == d.Channel && o.Attempts == d.Attempts && o.State == models.DispatchWaiting {
				b.all[i] = d
			}
		}
	}
	return nil
}

func (b *tray) Next(_ context.Context, channel string) (next time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return next, errAway
	}
	for _, d := range b.all {
		if d.Channel == channel && d.State == models.DispatchWaiting && (next.IsZero() || d.Next.Before(next)) {
			next = d.Next
		}
	}
	return next, nil
}

func (b *tray) Sent(_ context.Context, channel string, since time.Time) (single int, last time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.all {
		if d.Channel == channel && d.State == models.DispatchDelivered && !d.Done.Before(since) {
			if d.Message == d.Notice.ID {
				single++
			}
			if d.Done.After(last) {
				last = d.Done
			}
		}
	}
	return single, last, nil
}

func (b *tray) Waiting(context.Context) (map[string]int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for _, d := range b.all {
		if d.State == models.DispatchWaiting {
			out[d.Channel]++
		}
	}
	return out, nil
}

func (b *tray) Tend(_ context.Context, now, expired, _ time.Time) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, d := range b.all {
		if d.State == models.DispatchWaiting && d.Created.Before(expired) {
			b.all[i].State, b.all[i].Done = models.DispatchFailed, now
		}
	}
	return 0, nil
}

func (b *tray) states() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.all {
		out = append(out, fmt.Sprintf("%s %s %d", d.Notice.ID, d.State, d.Attempts))
	}
	return out
}

func (b *tray) leave(away bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.away = away
}

// mouth notes what is delivered, and answers as told.
type mouth struct {
	mu     sync.Mutex
	said   []Message
	at     []time.Time
	answer func(ctx context.Context, n int) error // n counts the deliveries from 1
}

func (m *mouth) Deliver(ctx context.Context, msg Message) error {
	m.mu.Lock()
	m.said, m.at = append(m.said, msg), append(m.at, time.Now())
	n := len(m.said)
	m.mu.Unlock()
	if m.answer == nil {
		return nil
	}
	return m.answer(ctx, n)
}

func (m *mouth) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.said)
}

// running starts a dispatcher and gives what stops it.
func running(t *testing.T, box *tray, channels ...Channel) (*Dispatcher, func()) {
	t.Helper()
	d := &Dispatcher{Outbox: box, Log: slog.New(slog.DiscardHandler)}
	d.Apply("https://desk.example.org", channels)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return d, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func alert(id string, severity models.Severity) models.Notice {
	n := notice(id, models.NoticeOpened, severity)
	n.At = time.Now()
	return n
}

func TestDeliveries(t *testing.T) {
	later := errors.New("not now")
	for _, tc := range []struct {
		name   string
		answer func(ctx context.Context, n int) error
		wait   time.Duration
		state  string
		said   int
	}{
		{"at once", nil, time.Second, "a delivered 1", 1},
		{"the third time, after about 5 and 10 s", func(_ context.Context, n int) error {
			if n < 3 {
				return later
			}
			return nil
		}, 30 * time.Second, "a delivered 3", 3},
		{"not yet", func(context.Context, int) error { return later }, 3 * time.Second, "a waiting 1", 1},
		{"refused for good", func(context.Context, int) error { return ErrPermanent }, time.Hour, "a failed 1", 1},
		{"not everybody", func(context.Context, int) error { return ErrPartly }, time.Hour, "a delivered 1", 1},
		{"as the receiver asks", func(_ context.Context, n int) error {
			if n == 1 {
				return busy{later, 10 * time.Minute}
			}
			return nil
		}, 9 * time.Minute, "a waiting 1", 1},
		{"a receiver that hangs is given up and tried again", func(ctx context.Context, n int) error {
			if n == 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, time.Minute, "a delivered 2", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, m := &tray{}, &mouth{answer: tc.answer}
				d, stop := running(t, box, Channel{Name: "c", Sender: m, Timeout: 10 * time.Second})
				for range 2 { // told twice, delivered once
					if err := d.Send(t.Context(), alert("a", models.SeverityLow)); err != nil {
						t.Fatal(err)
					}
				}
				sleep(t.Context(), tc.wait)
				synctest.Wait()
				if got := strings.Join(box.states(), ", "); got != tc.state || m.count() != tc.said {
					t.Errorf("%s after %d deliveries; want %s after %d", got, m.count(), tc.state, tc.said)
				}
				stop()
			})
		})
	}
}

// A receiver that is down for three days is given up, not asked for ever, and not hundreds
// of times.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, m := &tray{}, &mouth{answer: func(context.Context, int) error { return errors.New("down") }}
		d, stop := running(t, box, Channel{Name: "c", Sender: m, Timeout: time.Second})
		if err := d.Send(t.Context(), alert("a", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), 4*24*time.Hour)
		synctest.Wait()
		if got := strings.Join(box.states(), ""); !strings.HasPrefix(got, "a failed") || m.count() < 60 || m.count() > 130 {
			t.Errorf("%s after %d deliveries", got, m.count())
		}
		if failing := d.Failing(); !slices.Equal(failing, []string{"c"}) {
			t.Errorf("failing %v", failing)
		}
		st, _, err := d.Status(t.Context())
		if err != nil || st[0].LastError != "down" || st[0].Since.IsZero() || st[0].Errors != uint64(m.count()) {
			t.Errorf("status %+v (%v)", st, err)
		}
		stop()
	})
}

// A clock that is days ahead, because somebody has set it, gives nothing up.
func TestNotGivenUpByAClockThatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		box, m := &tray{}, &mouth{}
		m.answer = func(context.Context, int) error {
			if !up.Load() {
				return errors.New("down")
			}
			return nil
		}
		born := time.Now()
		d := &Dispatcher{Outbox: box, Log: slog.New(slog.DiscardHandler), Age: func() time.Time { return born.Add(time.Hour) }}
		d.Apply("", []Channel{{Name: "c", Sender: m, Timeout: time.Second}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		if err := d.Send(t.Context(), alert("a", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), 4*24*time.Hour)
		synctest.Wait()
		up.Store(true)
		sleep(t.Context(), 2*time.Hour)
		synctest.Wait()
		if got := strings.Join(box.states(), ""); !strings.HasPrefix(got, "a delivered") {
			t.Errorf("%s", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// One channel that hangs keeps no other waiting.
func TestChannelsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := &mouth{answer: func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }}
		box, m := &tray{}, &mouth{}
		d, stop := running(t, box, Channel{Name: "hangs", Sender: hanging, Timeout: time.Minute}, Channel{Name: "works", Sender: m, Timeout: time.Minute})
		began := time.Now()
		for i := range 5 {
			if err := d.Send(t.Context(), alert(fmt.Sprint(i), models.SeverityLow)); err != nil {
				t.Fatal(err)
			}
		}
		sleep(t.Context(), time.Second)
		if m.count() != 5 || time.Since(began) > 2*time.Second {
			t.Errorf("%d of 5 after %v", m.count(), time.Since(began))
		}
		stop()
	})
}

// A flood becomes summaries, the worst first, and holds no bad one back for long.
func TestFloodIsSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, m := &tray{}, &mouth{}
		d, stop := running(t, box, Channel{Name: "c", Sender: m, Timeout: time.Second, Rate: Rate{Most: 3, Within: 10 * time.Minute}})
		for i := range 40 {
			n := alert(fmt.Sprintf("%02d", i), models.SeverityLow)
			if i == 30 {
				n.Incident.Severity = models.SeverityCritical
			}
			if err := d.Send(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		sleep(t.Context(), 61*time.Second)
		synctest.Wait()
		if m.count() != 4 {
			t.Fatalf("%d messages in the first minute, want 3 and a summary", m.count())
		}
		sum := m.said[3]
		if len(sum.More) != 36 || sum.Notice.ID != "30" || !strings.Contains(sum.subject(), "37 more") || sum.ID == sum.Notice.ID {
			t.Errorf("summary %s of %d, first %s", sum.subject(), 1+len(sum.More), sum.Notice.ID)
		}
		if err := d.Send(t.Context(), alert("late", models.SeverityHigh)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), 61*time.Second)
		if m.count() != 5 || m.said[4].ID != "late" {
			t.Errorf("a minute later %d messages", m.count())
		}
		sleep(t.Context(), 10*time.Minute) // quiet again
		if err := d.Send(t.Context(), alert("quiet", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), time.Second)
		if m.count() != 6 {
			t.Errorf("when it is quiet again: %d messages", m.count())
		}
		if waiting, _ := box.Waiting(t.Context()); len(waiting) != 0 {
			t.Errorf("waiting %v", waiting)
		}
		stop()
	})
}

// Whatever instant the program ends at, the next start delivers what was not settled, and
// what was delivered and not settled comes again with the same ID.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &tray{}
		put := func(id string) {
			n := alert(id, models.SeverityLow)
			if err := box.Put(t.Context(), models.Dispatch{Channel: "c", Notice: n, State: models.DispatchWaiting, Created: n.At, Next: n.At}); err != nil {
				t.Fatal(err)
			}
		}
		put("before any delivery") // killed after it was written: nobody was kicked
		first := &mouth{answer: func(ctx context.Context, n int) error { <-ctx.Done(); return ctx.Err() }}
		_, stop := running(t, box, Channel{Name: "c", Sender: first, Timeout: time.Minute})
		sleep(t.Context(), time.Second)
		stop() // in the middle of a delivery
		if first.count() != 1 {
			t.Fatalf("%d deliveries", first.count())
		}
		second := &mouth{}
		_, stop = running(t, box, Channel{Name: "c", Sender: second, Timeout: time.Minute})
		sleep(t.Context(), time.Second)
		stop()
		if second.count() != 1 || second.said[0].ID != first.said[0].ID {
			t.Errorf("after a stop: %d deliveries", second.count())
		}

		put("killed after the delivery") // and before it was settled
		if _, err := box.Claim(t.Context(), "c", time.Now(), lease, 1); err != nil {
			t.Fatal(err)
		}
		third := &mouth{}
		_, stop = running(t, box, Channel{Name: "c", Sender: third, Timeout: time.Minute})
		sleep(t.Context(), lease-time.Second)
		if third.count() != 0 {
			t.Error("taken from another process before its lease was over")
		}
		sleep(t.Context(), 20*time.Second)
		stop()
		if third.count() != 1 {
			t.Errorf("after the lease: %d deliveries", third.count())
		}
	})
}

// A database that goes away while a message is on its way: the outcome is written when it
// is back, and nothing is told twice.
func TestOutboxGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &tray{}
		m := &mouth{answer: func(context.Context, int) error { box.leave(true); return nil }}
		d, stop := running(t, box, Channel{Name: "c", Sender: m, Timeout: time.Minute})
		if err := d.Send(t.Context(), alert("a", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), 20*time.Second)
		if err := d.Send(t.Context(), alert("b", models.SeverityLow)); !errors.Is(err, errAway) {
			t.Errorf("a notice that is not safe: %v", err)
		}
		box.leave(false)
		m.mu.Lock()
		m.answer = nil
		m.mu.Unlock()
		sleep(t.Context(), 2*time.Minute)
		if got := strings.Join(box.states(), ", "); got != "a delivered 1" || m.count() != 1 {
			t.Errorf("%s after %d deliveries", got, m.count())
		}
		if err := d.Send(t.Context(), alert("b", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), time.Minute)
		if m.count() != 2 {
			t.Errorf("%d deliveries when it is back", m.count())
		}
		stop()
	})
}

func TestRoutes(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	night := models.Schedule{From: 22 * time.Hour, To: 6 * time.Hour, Location: vienna}
	n := notice("x", models.NoticeMissed, models.SeverityMedium) // at 00:40 in Vienna
	autumn := n
	autumn.At = time.Date(2026, 10, 25, 5, 30, 0, 0, time.UTC) // 06:30 after an hour that came twice
	for _, tc := range []struct {
		name   string
		r      Route
		n      models.Notice
		groups []string
		want   bool
	}{
		{"everything", Route{}, n, nil, true},
		{"the kind", Route{Kinds: []models.NoticeKind{models.NoticeDue, models.NoticeMissed}}, n, nil, true},
		{"another kind", Route{Kinds: []models.NoticeKind{models.NoticeDue}}, n, nil, false},
		{"as severe", Route{MinSeverity: models.SeverityMedium}, n, nil, true},
		{"not severe enough", Route{MinSeverity: models.SeverityHigh}, n, nil, false},
		{"the group", Route{Groups: []string{"depot"}}, n, []string{"yard", "depot"}, true},
		{"another group", Route{Groups: []string{"depot"}}, n, []string{"yard"}, false},
		{"no group", Route{Groups: []string{"depot"}}, n, nil, false},
		{"at night", Route{Schedule: []models.Schedule{night}}, n, nil, true},
		{"in the morning of the day with 25 hours", Route{Schedule: []models.Schedule{night}}, autumn, nil, false},
		{"nobody concerned", Route{OnlyConcerned: true}, n, nil, false},
	} {
		if got := tc.r.takes(tc.n, tc.groups); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// Channels change while they run: one that is the same goes on, one that is gone stops.
func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := &mouth{}, &mouth{}, &mouth{}
		box := &tray{}
		d, stop := running(t, box, Channel{Name: "a", Mark: "1", Sender: a, Timeout: time.Second}, Channel{Name: "b", Mark: "1", Sender: b, Timeout: time.Second})
		d.Apply("", []Channel{{Name: "a", Mark: "1", Sender: &mouth{answer: func(context.Context, int) error { t.Error("the same channel was replaced"); return nil }}},
			{Name: "c", Mark: "1", Sender: c, Timeout: time.Second}})
		if err := d.Send(t.Context(), alert("x", models.SeverityLow)); err != nil {
			t.Fatal(err)
		}
		sleep(t.Context(), time.Second)
		if a.count() != 1 || b.count() != 0 || c.count() != 1 {
			t.Errorf("told a %d, b %d, c %d times", a.count(), b.count(), c.count())
		}
		if _, err := d.Test(t.Context(), "b", "anna"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("test of a channel that is gone: %v", err)
		}
		got, err := d.Test(t.Context(), "c", "anna")
		if err != nil || got.State != models.DispatchDelivered || c.said[1].Notice.Kind != models.NoticeTest {
			t.Errorf("test: %+v, %v", got, err)
		}
		c.answer = func(context.Context, int) error { return errors.New("535 no\r\nsuch user") }
		if got, err := d.Test(t.Context(), "c", "anna"); err != nil || got.State != models.DispatchFailed || got.Error != "535 no such user" {
			t.Errorf("test that fails: %+v, %v", got, err)
		}
		stop()
	})
}

// An alert waits a moment for its picture, and goes without it rather than not at all.
func TestStill(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after time.Duration // the picture is there
		err   error
		want  string
		most  time.Duration
	}{
		{"there", 0, nil, "jpeg", time.Second},
		{"drawn a second later", time.Second, nil, "jpeg", 2 * time.Second},
		{"never drawn", time.Hour, nil, "", 4 * time.Second},
		{"must not be given out", 0, errors.New("the custody log cannot be written"), "", time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mouth{}
				d, stop := running(t, &tray{}, Channel{Name: "c", Sender: m, Still: true, Timeout: time.Minute})
				began := time.Now()
				d.Still = func(context.Context, models.Notice, string) ([]byte, error) {
					if time.Since(began) < tc.after {
						return nil, fs.ErrNotExist
					}
					return []byte("jpeg"), tc.err
				}
				if err := d.Send(t.Context(), alert("a", models.SeverityLow)); err != nil {
					t.Fatal(err)
				}
				sleep(t.Context(), 10*time.Second)
				if m.count() != 1 || string(m.said[0].Still) != tc.want && tc.err == nil || tc.err != nil && m.said[0].Still != nil {
					t.Fatalf("%d messages, still %q", m.count(), m.said[0].Still)
				}
				if took := m.at[0].Sub(began); took > tc.most {
					t.Errorf("it took %v", took)
				}
				stop()
			})
		})
	}
}

func TestBackoff(t *testing.T) {
	middle := func() float64 { return .5 }
	for attempts, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second, 10: 2560 * time.Second, 11: time.Hour, 99: time.Hour} {
		if got := retryAfter(attempts, middle); got != want {
			t.Errorf("after %d attempts %v, want %v", attempts, got, want)
		}
	}
	if lo, hi := retryAfter(1, func() float64 { return 0 }), retryAfter(1, func() float64 { return 1 }); lo != 3750*time.Millisecond || hi != 6250*time.Millisecond {
		t.Errorf("jitter from %v to %v", lo, hi)
	}
	if pauseAfter(1, middle) != 0 || pauseAfter(2, middle) != 5*time.Second || pauseAfter(50, middle) != 5*time.Minute {
		t.Error("pauses of a channel")
	}
}
