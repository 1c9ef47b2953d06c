package web

import (
	"bufio"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/people"
)

// TestAlarmsReach200Clients connects as many consoles as a large control room has, and has
// each of them lose its connection several times: every one must get every alarm, once and
// in order. It prints how long that took; go test ./web -run 200Clients -v shows it.
func TestAlarmsReach200Clients(t *testing.T) {
	for _, tc := range []struct {
		name   string
		every  time.Duration // between two alarms
		alarms int
	}{
		{"ten alarms a second", 100 * time.Millisecond, 30}, // more than any room can look at
		{"a hundred alarms a second", 10 * time.Millisecond, 100},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clients, alarms := 200, tc.alarms
			if testing.Short() {
				clients, alarms = 40, 20
			}
			alarmsReach(t, clients, alarms, tc.every)
		})
	}
}

func alarmsReach(t *testing.T, clients, alarms int, every time.Duration) {
	hub := NewHub(4096)
	t.Cleanup(hub.Close)
	s := newSite(t, func(s *Server) { s.Events, s.Accounts.ChangeOptional = hub, true })
	t.Cleanup(hub.Close) // before the listener, which waits for the streams
	cookie, ok := s.server.sessions.open(people.AdminUser)
	if !ok {
		t.Fatal("no session")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()

	sent := make([]time.Time, alarms) // written before the alarm is published
	var mu sync.Mutex
	var took []time.Duration
	connections := 0
	var connected, all sync.WaitGroup
	connected.Add(clients)
	for n := range clients {
		all.Go(func() {
			c := &consumer{base: s.http.URL, cookie: cookie, client: &http.Client{Transport: tr}}
			first := sync.OnceFunc(connected.Done)
			defer first()
			for next := 0; next < alarms; {
				// Each at another alarm, so that somebody is always away.
				until := min(alarms, next+1+(n*7+next)%40)
				err := c.listen(ctx, first, func(number int, at time.Time) bool {
					if number != next {
						t.Errorf("client %d got alarm %d, wanted %d", n, number, next)
						return false
					}
					mu.Lock()
					took = append(took, at.Sub(sent[number]))
					mu.Unlock()
					next++
					return next < until
				})
				if err != nil || t.Failed() {
					t.Errorf("client %d at alarm %d: %v", n, next, err)
					return
				}
				mu.Lock()
				connections++
				mu.Unlock()
			}
		})
	}
	connected.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := range alarms {
		<-tick.C
		in := sample(n)
		in.Number = int64(n)
		mu.Lock()
		sent[n] = time.Now()
		mu.Unlock()
		if err := hub.Publish(KindIncident, in); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if len(took) != clients*alarms && !t.Failed() {
		t.Errorf("%d alarms arrived, want %d", len(took), clients*alarms)
	}
	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("%d clients, %d alarms, %d connections: p50 %s, p99 %s, slowest %s", clients, alarms, connections,
			took[len(took)/2].Round(time.Microsecond), took[len(took)*99/100].Round(time.Microsecond), took[len(took)-1].Round(time.Microsecond))
	}
}

// consumer reads the stream of events as a browser does.
type consumer struct {
	base   string
	cookie *http.Cookie
	client *http.Client
	last   string // ID of the last event
}

// listen connects and hands over incidents until take returns false.
func (c *consumer) listen(ctx context.Context, connected func(), take func(number int, at time.Time) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+"/api/events", nil)
	if err != nil {
		return err
	}
	req.AddCookie(c.cookie)
	if c.last != "" {
		req.Header.Set("Last-Event-ID", c.last)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	kind := ""
	// Two hundred readers share the machine with the server: they read no more than they must.
	for lines.Scan() {
		line := lines.Text()
		connected()
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			c.last = id
		}
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			kind = name
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || kind != KindIncident {
			continue
		}
		_, number, _ := strings.Cut(data, `"number":`)
		number, _, _ = strings.Cut(number, ",")
		n, err := strconv.Atoi(cmp.Or(number, "0")) // 0 is left out
		if err != nil {
			return err
		}
		if !take(n, time.Now()) {
			return nil
		}
	}
	return lines.Err()
}
