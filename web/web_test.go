package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// cheap keeps the tests fast; only the tests of hashing itself pay in full.
var cheap = people.Cost{Memory: 8, Time: 1, Threads: 1}

var day = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// sample is an incident that alarmed n minutes into the day.
func sample(n int) models.Incident {
	at := day.Add(time.Duration(n) * time.Minute)
	return models.Incident{
		ID:     models.IncidentID(fmt.Sprintf("%s-gate-door-loitering-%d", at.Format("20060102T150405.000Z"), n)),
		Camera: "gate", Zone: "door", Kind: models.KindLoitering, Severity: models.SeverityHigh, State: models.StateNew,
		Label: "person", Score: .9, Start: at.Add(-10 * time.Second), Alarm: at, Opened: at, Revision: 1,
		Events: []models.Event{{ID: 1, Phase: models.PhaseBegan, Camera: "gate", Zone: "door",
			Path:  []models.PathPoint{{Foot: models.Point{X: .5, Y: .5}, Seen: true}},
			Curve: []models.Sample{{Value: 10}},
			Why:   []models.Fact{{Name: "dwell", Observed: 10, Threshold: 10, Unit: "s"}}}},
		EventCount: 1,
	}
}

// fleet is a fixed set of cameras.
type fleet struct {
	cameras  []Camera
	pictures map[models.CameraID][]byte
}

func (f *fleet) Cameras() []Camera { return f.cameras }

func (f *fleet) Picture(id models.CameraID) ([]byte, time.Time, bool) {
	p, ok := f.pictures[id]
	return p, day, ok
}

// site is a server with a real index and real evidence.
type site struct {
	t        testing.TB
	server   *Server
	http     *httptest.Server
	index    storage.Index
	shelf    shelf
	fleet    *fleet
	oneTime  string
	password string // of admin, once logIn has changed it
	accounts string // path
	log      *journal
}

func newSite(t testing.TB, change ...func(*Server)) *site {
	t.Helper()
	dir := t.TempDir()
	index, err := storage.OpenSQLite(filepath.Join(dir, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	s := &site{t: t, index: index, shelf: newShelf(t), accounts: filepath.Join(dir, "accounts.json"), log: new(journal),
		fleet: &fleet{pictures: map[models.CameraID][]byte{"gate": []byte("\xff\xd8picture")}, cameras: []Camera{
			{ID: "gate", Name: "Gate", Health: models.Health{Camera: "gate", Connection: models.Connected, Frames: 7},
				Zones: []models.Zone{{ID: "door"}}},
			{ID: "yard", Name: "Yard", Health: models.Health{Camera: "yard", Connection: models.Disconnected, Error: "connection refused"}},
		}}}
	accounts, oneTime, err := people.Open(s.accounts, people.Options{Cost: cheap, Now: func() time.Time {
		if s.server != nil && s.server.Now != nil {
			return s.server.Now()
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.oneTime = oneTime
	hub := NewHub(16)
	t.Cleanup(hub.Close)
	s.server = &Server{
		Incidents: index, Evidence: s.shelf, Cameras: s.fleet, Accounts: accounts, Events: hub,
		Status: func() Status { return Status{Version: "test", Config: ConfigStatus{Hash: "abc"}} },
		Log:    slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, fn := range change {
		fn(s.server)
	}
	h, err := s.server.Handler()
	if err != nil {
		t.Fatal(err)
	}
	s.http = httptest.NewServer(h)
	t.Cleanup(s.http.Close)
	t.Cleanup(hub.Close) // first of all: streams would keep the server from closing
	return s
}

// restarted is the same site after a restart: what was in memory is gone.
func (s *site) restarted() *site {
	s.t.Helper()
	was, next := s.server, *s
	hub := NewHub(16)
	next.server = &Server{Incidents: was.Incidents, Evidence: was.Evidence, Cameras: was.Cameras, Accounts: was.Accounts, Events: hub, Status: was.Status,
		Log: was.Log, Now: was.Now, Groups: was.Groups, Policy: was.Policy, Officers: was.Officers}
	h, err := next.server.Handler()
	if err != nil {
		s.t.Fatal(err)
	}
	next.http = httptest.NewServer(h)
	s.t.Cleanup(next.http.Close)
	s.t.Cleanup(hub.Close)
	return &next
}

// create puts incidents into the index.
func (s *site) create(list ...models.Incident) {
	s.t.Helper()
	for _, in := range list {
		if _, err := s.index.Create(s.t.Context(), in); err != nil {
			s.t.Fatal(err)
		}
	}
}

// browser is a client with a cookie jar.
type browser struct {
	t    testing.TB
	base string
	*http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	tr := &http.Transport{}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &browser{s.t, s.http.URL, &http.Client{Jar: jar, Transport: tr}}
}

// logIn returns a browser with a session in which everything is allowed.
func (s *site) logIn() *browser {
	s.t.Helper()
	b := s.browser()
	if s.password == "" {
		s.password = "correct horse battery"
		b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.oneTime})
		b.want(http.StatusOK, "PUT", "/api/session/password", map[string]string{"old": s.oneTime, "new": s.password})
		return b
	}
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.password})
	return b
}

// in reports to another test.
func (b *browser) in(t testing.TB) *browser { return &browser{t, b.base, b.Client} }

// answer is a response that has been read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func (b *browser) do(method, path string, body any, headers ...string) answer {
	b.t.Helper()
	var r io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(v)
	default:
		data, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, r)
	if err != nil {
		b.t.Fatal(err)
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			req.Host = pair[1]
		}
		req.Header.Set(pair[0], pair[1])
	}
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, data}
}

// want fails the test when the answer has another status.
func (b *browser) want(code int, method, path string, body any, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.StatusCode != code {
		b.t.Fatalf("%s %s: got %d, want %d: %s", method, path, a.StatusCode, code, a.body)
	}
	return a
}

// get decodes an answer of 200.
func get[T any](b *browser, path string) T {
	b.t.Helper()
	var v T
	b.want(http.StatusOK, "GET", path, nil).decode(b.t, &v)
	return v
}

// logged returns what the server has logged so far.
func (s *site) logged() string { return s.log.String() }
