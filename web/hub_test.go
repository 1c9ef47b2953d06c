package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func publish(t *testing.T, h *Hub, kind string, v any) {
	t.Helper()
	if err := h.Publish(kind, v); err != nil {
		t.Fatal(err)
	}
}

func subscribe(t *testing.T, h *Hub, lastID string) *Subscription {
	t.Helper()
	c, err := h.Subscribe(lastID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// waiting takes what is in the client's queue now.
func waiting(c *Subscription) []Message {
	var out []Message
	for {
		select {
		case m, ok := <-c.Messages():
			if !ok {
				return out
			}
			out = append(out, m)
		default:
			return out
		}
	}
}

func ids(t *testing.T, messages []Message) string {
	t.Helper()
	var out []string
	for _, m := range messages {
		var v struct {
			ID     string
			Camera string
			Frames int
		}
		if err := json.Unmarshal(m.Data, &v); err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
		switch m.Kind {
		case KindIncident:
			out = append(out, v.ID)
		case KindCamera:
			out = append(out, fmt.Sprintf("%s=%d", v.Camera, v.Frames))
		default:
			out = append(out, m.Kind)
		}
	}
	return strings.Join(out, " ")
}

func named1(id string) models.Incident {
	return models.Incident{ID: models.IncidentID(id), State: models.StateNew, Kind: models.KindMotion, Severity: models.SeverityLow, Alarm: time.Now()}
}

func TestHubResume(t *testing.T) {
	h := NewHub(3)
	defer h.Close()
	first := subscribe(t, h, "")
	start := first.Resume
	for _, id := range []string{"a", "b", "c"} {
		publish(t, h, KindIncident, named1(id))
	}
	seen := waiting(first)
	if got := ids(t, seen); got != "a b c" {
		t.Fatalf("live: %s", got)
	}
	publish(t, h, KindStatus, Status{})
	publish(t, h, KindCamera, models.Health{Camera: "gate", Frames: 1})
	for _, tc := range []struct {
		name, last, backlog string
		reset               bool
	}{
		{"a new client", "", "gate=1 status", false},
		{"from the beginning", start, "a b c gate=1 status", false},
		{"after the first", seen[0].ID, "b c gate=1 status", false},
		{"nothing missed", seen[2].ID, "gate=1 status", false},
		{"of another run", "ABCDEFGH-1", "gate=1 status", true},
		{"of the future", strings.Split(start, "-")[0] + "-99", "gate=1 status", true},
		{"garbage", "\x00", "gate=1 status", true},
		{"garbage number", strings.Split(start, "-")[0] + "-x", "gate=1 status", true},
	} {
		c := subscribe(t, h, tc.last)
		if got := ids(t, c.Backlog); got != tc.backlog || c.Reset != tc.reset || c.Resume != seen[2].ID {
			t.Errorf("%s: backlog %q, reset %v, resume %s; want %q, %v, %s", tc.name, got, c.Reset, c.Resume, tc.backlog, tc.reset, seen[2].ID)
		}
	}
	publish(t, h, KindIncident, named1("d"))
	if c := subscribe(t, h, start); !c.Reset {
		t.Error("resumed over a hole: the ring no longer holds the first message")
	}
	if c := subscribe(t, h, seen[0].ID); c.Reset || ids(t, c.Backlog) != "b c d gate=1 status" {
		t.Errorf("after the ring turned: %s", ids(t, c.Backlog))
	}
}

// A reset reaches who listens, and nobody who comes later: they fetch everything anyway.
func TestHubReset(t *testing.T) {
	h := NewHub(3)
	c := subscribe(t, h, "")
	publish(t, h, KindIncident, named1("a"))
	h.Reset()
	publish(t, h, KindIncident, named1("b"))
	got := waiting(c)
	if ids(t, got) != "a reset b" || string(got[1].event) != "event: reset\ndata: {}\n\n" {
		t.Errorf("heard %s: %q", ids(t, got), got[1].event)
	}
	if c := subscribe(t, h, got[0].ID); c.Reset || ids(t, c.Backlog) != "b" {
		t.Errorf("who comes back hears %s, reset %v", ids(t, c.Backlog), c.Reset)
	}
	h.Close()
	h.Reset() // nobody is there
}

func TestHubRingIsBoundedByBytes(t *testing.T) {
	h := NewHub(1000)
	defer h.Close()
	big := named1("big")
	big.Version = strings.Repeat("x", 4<<20)
	for range 20 {
		publish(t, h, KindIncident, big)
	}
	if got := h.Stats().Ring; got != 7 {
		t.Errorf("%d messages of 4 MiB kept, want 7 within 32 MiB", got)
	}
}

func TestHubCutsOffWhoDoesNotKeepUp(t *testing.T) {
	h := NewHub(2 * clientQueue)
	defer h.Close()
	slow, quick := subscribe(t, h, ""), subscribe(t, h, "")
	var got []Message
	for i := range clientQueue + 10 {
		publish(t, h, KindIncident, named1(itoa(i)))
		got = append(got, waiting(quick)...)
	}
	if len(got) != clientQueue+10 {
		t.Errorf("the quick client got %d messages", len(got))
	}
	if st := h.Stats(); st.Clients != 1 || st.Dropped != 1 {
		t.Errorf("figures %+v", st)
	}
	late := waiting(slow)
	if _, open := <-slow.Messages(); open || len(late) != clientQueue {
		t.Errorf("the slow client got %d messages, stream open %v", len(late), open)
	}
	// It comes back and misses nothing.
	back := subscribe(t, h, late[len(late)-1].ID)
	if back.Reset || len(back.Backlog) != 10 {
		t.Errorf("back with %d messages, reset %v", len(back.Backlog), back.Reset)
	}
}

func TestHubSendsCamerasOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(0)
		defer h.Close()
		c := subscribe(t, h, "")
		var log []string
		start := time.Now()
		note := func() {
			synctest.Wait()
			for _, m := range waiting(c) {
				log = append(log, fmt.Sprintf("%v %s", time.Since(start).Round(time.Millisecond), ids(t, []Message{m})))
			}
		}
		for i := range 10 {
			publish(t, h, KindCamera, models.Health{Camera: "gate", Frames: uint64(i)})
			if i == 4 {
				publish(t, h, KindCamera, models.Health{Camera: "yard", Frames: 100})
			}
			note()
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		note()
		publish(t, h, KindCamera, models.Health{Camera: "gate", Frames: 99})
		note()
		// Sent at 1 s and 2 s, read with the next publication; the last of the burst is
		// sent at 3 s and read at 8 s.
		want := "0s gate=0, 1.2s gate=3, 1.2s yard=100, 2.1s gate=6, 8s gate=9, 8s gate=99"
		got := strings.Join(log, ", ")
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// A camera that left the configuration is no ghost on consoles that open later.
func TestHubForgetsACamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(0)
		defer h.Close()
		c := subscribe(t, h, "")
		for _, id := range []models.CameraID{"gate", "yard", "gate"} { // the last waits for its second
			publish(t, h, KindCamera, models.Health{Camera: id})
		}
		h.Forget("gate")
		h.Forget("attic")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := ids(t, waiting(c)); got != "gate=0 yard=0" {
			t.Errorf("sent %s", got)
		}
		if got := ids(t, subscribe(t, h, "").Backlog); got != "yard=0" {
			t.Errorf("a new client hears of %s", got)
		}
	})
}

func TestHubCountsWhatOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(0)
		defer h.Close()
		in := named1("a")
		in.Kind, in.Severity = models.KindLoitering, models.SeverityHigh
		time.Sleep(300 * time.Millisecond)
		publish(t, h, KindIncident, in)
		publish(t, h, KindIncident, in) // an event joined
		in.Revision, in.State = 2, models.StateAcknowledged
		publish(t, h, KindIncident, in)
		old := named1("found in the spool")
		old.Revision = 5
		publish(t, h, KindIncident, old)
		got := scrape(t, h.count, h.alert)
		for _, want := range []string{
			`vedette_incidents_opened_total{kind="loitering",severity="high"} 1`,
			`vedette_event_to_alert_seconds_bucket{le="0.2"} 0`,
			`vedette_event_to_alert_seconds_bucket{le="0.3"} 1`,
			`vedette_event_to_alert_seconds_count 1`,
		} {
			if !strings.Contains(got, want+"\n") {
				t.Errorf("no %s in\n%s", want, got)
			}
		}
		if strings.Count(got, "vedette_incidents_opened_total{") != 1 {
			t.Errorf("more was counted:\n%s", got)
		}
	})
}

func TestHubRefusesWhatIsNotOfItsKind(t *testing.T) {
	h := NewHub(0)
	defer h.Close()
	c := subscribe(t, h, "")
	bad := named1("nan")
	bad.Score = math.NaN()
	for _, tc := range []struct {
		kind string
		v    any
	}{{"weather", 1}, {KindIncident, models.Health{}}, {KindCamera, Status{}}, {KindIncident, bad}, {KindIncident, nil}} {
		if err := h.Publish(tc.kind, tc.v); err == nil {
			t.Errorf("%s with a %T was taken", tc.kind, tc.v)
		}
	}
	if got := waiting(c); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

func TestHubClose(t *testing.T) {
	h := NewHub(0)
	c := subscribe(t, h, "")
	publish(t, h, KindCamera, models.Health{Camera: "gate"})
	publish(t, h, KindCamera, models.Health{Camera: "gate"}) // leaves a timer
	h.Close()
	h.Close()
	c.Close()
	waiting(c)
	if _, open := <-c.Messages(); open {
		t.Error("the stream is still open")
	}
	if _, err := h.Subscribe(""); !errors.Is(err, ErrHubClosed) {
		t.Errorf("subscribe: %v", err)
	}
	publish(t, h, KindStatus, Status{})
}

func TestHubBoundsItsClients(t *testing.T) {
	h := NewHub(0)
	defer h.Close()
	for range maxClients {
		subscribe(t, h, "")
	}
	if _, err := h.Subscribe(""); !errors.Is(err, ErrHubClients) {
		t.Errorf("client %d: %v", maxClients+1, err)
	}
}

// Publishers and clients that come and go at once: for the race detector, and every
// client sees a gapless tail.
func TestHubManyAtOnce(t *testing.T) {
	h := NewHub(4096)
	var publishers, clients sync.WaitGroup
	for p := range 4 {
		publishers.Go(func() {
			for i := range 200 {
				publish(t, h, KindIncident, named1(fmt.Sprintf("%d-%d", p, i)))
				publish(t, h, KindCamera, models.Health{Camera: models.CameraID(itoa(p))})
			}
		})
	}
	for range 8 {
		clients.Go(func() {
			last, seen := "", uint64(0)
			for {
				c, err := h.Subscribe(last)
				if errors.Is(err, ErrHubClosed) {
					return
				}
				if err != nil || c.Reset {
					t.Errorf("subscribe after %q: %v, reset %v", last, err, c != nil && c.Reset)
					return
				}
				check := func(m Message) {
					if m.ID == "" {
						return
					}
					var n uint64
					fmt.Sscanf(m.ID[strings.Index(m.ID, "-")+1:], "%d", &n)
					if last != "" && n != seen+1 {
						t.Errorf("message %d follows %d", n, seen)
					}
					last, seen = m.ID, n
				}
				for _, m := range c.Backlog {
					check(m)
				}
				for range 50 {
					m, ok := <-c.Messages()
					if !ok {
						break
					}
					check(m)
				}
				c.Close()
			}
		})
	}
	publishers.Wait()
	h.Close()
	clients.Wait()
}

func FuzzResume(f *testing.F) {
	h := NewHub(4)
	for i := range 9 {
		if err := h.Publish(KindIncident, named1(itoa(i))); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(h.id(9))
	f.Add(h.id(5))
	f.Add(h.id(0))
	f.Add("-")
	f.Add(h.epoch + "-18446744073709551615")
	f.Add(h.epoch + "-+7")
	f.Fuzz(func(t *testing.T, last string) {
		c, err := h.Subscribe(last)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if len(c.Backlog) > 4 || (c.Reset && len(c.Backlog) > 0) {
			t.Errorf("%q: backlog of %d, reset %v", last, len(c.Backlog), c.Reset)
		}
	})
}
