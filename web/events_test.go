package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// sse reads a stream of events over a real connection.
type sse struct {
	t    testing.TB
	res  *http.Response
	scan *bufio.Scanner
}

func (b *browser) stream(headers ...string) *sse {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), "GET", b.base+"/api/events", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("stream: %d %s", res.StatusCode, res.Header.Get("Content-Type"))
	}
	scan := bufio.NewScanner(res.Body)
	scan.Buffer(nil, 1<<20)
	return &sse{b.t, res, scan}
}

// next returns the fields of the next block; ok is false at the end of the stream.
func (s *sse) next() (fields map[string]string, ok bool) {
	fields = map[string]string{}
	for s.scan.Scan() {
		line := s.scan.Text()
		if line == "" {
			return fields, true
		}
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimPrefix(value, " ")
	}
	return nil, false
}

func TestEventsOverTheWire(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	publish(t, s.server.Events, KindCamera, models.Health{Camera: "gate", Frames: 3})
	live := b.stream()
	first, _ := live.next()
	if first["retry"] != "2000" || first["id"] == "" || first["event"] != "" {
		t.Errorf("the stream begins with %v", first)
	}
	if m, _ := live.next(); m["event"] != "camera" || !strings.Contains(m["data"], `"frames":3`) || m["id"] != "" {
		t.Errorf("then %v", m)
	}
	in := sample(1)
	publish(t, s.server.Events, KindIncident, in)
	m, _ := live.next()
	if m["event"] != "incident" || !strings.Contains(m["data"], string(in.ID)) || !strings.Contains(m["data"], `"path":[{`) || m["id"] == "" {
		t.Errorf("then %v", m)
	}
	live.res.Body.Close()

	publish(t, s.server.Events, KindIncident, sample(2))
	again := b.stream("Last-Event-ID", m["id"])
	if m, _ := again.next(); m["retry"] == "" || m["event"] != "" {
		t.Errorf("resumed stream begins with %v", m)
	}
	if m, _ := again.next(); !strings.Contains(m["data"], string(sample(2).ID)) {
		t.Errorf("missed event: %v", m)
	}
	lost := b.stream("Last-Event-ID", "of-an-earlier-run")
	if m, _ := lost.next(); m["event"] != "reset" || m["id"] == "" || m["data"] == "" {
		t.Errorf("a stream that cannot resume begins with %v", m)
	}
	b.want(http.StatusOK, "HEAD", "/api/events", nil)
	// Who has gone is forgotten when its handler ends, which may be after its answer.
	deadline := time.Now().Add(time.Minute)
	for s.server.Events.Stats().Clients != 2 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if got := s.server.Events.Stats().Clients; got != 2 {
		t.Errorf("%d clients, want the 2 that are connected", got)
	}
}

// The console of somebody who logged out, or whose password was reset, goes dark at the
// next heartbeat.
func TestEventsEndWithTheSession(t *testing.T) {
	s := newSite(t)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now := time.Now()
		clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now.Add(time.Since(now)) }
		server := &Server{sessions: sessions{accounts: s.server.Accounts, now: clock, all: map[token]*session{}}}
		if _, ok := server.sessions.open(people.AdminUser); !ok {
			t.Fatal("no session")
		}
		var tok token
		for tok = range server.sessions.all {
		}
		hub := NewHub(0)
		sub := subscribe(t, hub, "")
		w := &page{}
		ctx := context.WithValue(t.Context(), requestKey{}, &request{who: identity{token: tok}})
		done := make(chan error, 1)
		go func() { done <- server.stream(ctx, w, sub) }()

		// Two hours without a click: the stream keeps the session alive.
		time.Sleep(2*time.Hour + time.Second)
		synctest.Wait()
		if got := strings.Count(w.String(), ": alive\n\n"); got != 2*60*4 {
			t.Errorf("%d heartbeats in two hours", got)
		}
		if _, ok := server.sessions.use(tok); !ok {
			t.Fatal("the session died under an open console")
		}
		server.sessions.end(tok)
		time.Sleep(heartbeat)
		synctest.Wait()
		select {
		case err := <-done:
			if err != errStreamOver {
				t.Errorf("ended with %v", err)
			}
		default:
			t.Error("the stream goes on without a session")
		}
		hub.Close()
		<-time.After(time.Second)
	})
}

// What comes after a quiet time is written at once, a burst in few pieces, and all of it in
// order.
func TestEventsOfABurstGoTogether(t *testing.T) {
	s := newSite(t)
	synctest.Test(t, func(t *testing.T) {
		server := &Server{sessions: sessions{accounts: s.server.Accounts, now: time.Now, all: map[token]*session{}}}
		if _, ok := server.sessions.open(people.AdminUser); !ok {
			t.Fatal("no session")
		}
		var who identity
		for tok := range server.sessions.all {
			who, _ = server.sessions.use(tok)
		}
		hub := NewHub(0)
		sub := subscribe(t, hub, "")
		w := &page{}
		done := make(chan error, 1)
		go func() {
			done <- server.stream(context.WithValue(t.Context(), requestKey{}, &request{who: who}), w, sub)
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		begun := w.pieces()
		publish(t, hub, KindIncident, named1("first"))
		synctest.Wait()
		if got := w.pieces() - begun; got != 1 || !strings.Contains(w.String(), `"id":"first"`) {
			t.Errorf("after a quiet time %d pieces were written at once, want the alarm", got)
		}
		const burst, every = 200, time.Millisecond
		for n := range burst {
			publish(t, hub, KindIncident, named1(itoa(n)))
			time.Sleep(every)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got, most := w.pieces()-begun-1, int(burst*every/rest)+1; got > most {
			t.Errorf("a burst of %d came in %d pieces, want at most %d", burst, got, most)
		}
		at := 0
		for n := range burst {
			next := strings.Index(w.String()[at:], `"id":"`+itoa(n)+`"`)
			if next < 0 {
				t.Fatalf("alarm %d is not there after the one before", n)
			}
			at += next
		}
		hub.Close()
		if err := <-done; err != errStreamOver {
			t.Errorf("ended with %v", err)
		}
	})
}

// A shift's end is the end: an open console does not stretch the twelve hours.
func TestEventsEndWithTheShift(t *testing.T) {
	s := newSite(t)
	synctest.Test(t, func(t *testing.T) {
		server := &Server{sessions: sessions{accounts: s.server.Accounts, now: time.Now, all: map[token]*session{}}}
		if _, ok := server.sessions.open(people.AdminUser); !ok {
			t.Fatal("no session")
		}
		var tok token
		for tok = range server.sessions.all {
		}
		hub := NewHub(0)
		sub := subscribe(t, hub, "")
		start := time.Now()
		ctx := context.WithValue(t.Context(), requestKey{}, &request{who: identity{token: tok}})
		if err := server.stream(ctx, &page{}, sub); err != errStreamOver {
			t.Errorf("ended with %v", err)
		}
		if got := time.Since(start); got != sessionLifetime {
			t.Errorf("after %v, want %v", got, sessionLifetime)
		}
	})
}

// page collects what a handler writes.
type page struct {
	mu     sync.Mutex
	buf    strings.Builder
	writes int
}

func (p *page) Header() http.Header { return http.Header{} }
func (p *page) WriteHeader(int)     {}
func (p *page) Flush()              {}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes++
	return p.buf.Write(b)
}

// pieces is how often something was written.
func (p *page) pieces() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// A status that is pushed says what a status that is asked for says, cameras and clock too:
// a console puts one in the place of the other.
func TestStatusIsPushedWhole(t *testing.T) {
	s := newSite(t, func(s *Server) {
		s.Now = func() time.Time { return day }
		s.Status = func() Status {
			return Status{Version: "1.4.0", HostClock: HostClock{Known: true, Synchronised: true, MaxError: time.Millisecond}}
		}
		s.Cameras = &fleet{cameras: []Camera{{ID: "gate", Health: models.Health{Connection: models.Connected}}, {ID: "yard"}}}
	})
	b := s.logIn()
	asked := get[Status](b, "/api/status")
	publish(t, s.server.Events, KindStatus, s.server.Status())
	stream := b.stream()
	for {
		fields, ok := stream.next()
		if !ok {
			t.Fatal("the stream ended")
		}
		if fields["event"] != KindStatus {
			continue
		}
		var pushed Status
		if err := json.Unmarshal([]byte(fields["data"]), &pushed); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(pushed, asked) || pushed.Cameras != (CameraCount{Connected: 1, Total: 2}) {
			t.Errorf("pushed %+v, asked %+v", pushed, asked)
		}
		return
	}
}
