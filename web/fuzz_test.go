package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// The API is walked by its own description: for each operation requests are made that are
// as it wants them, and such that are not, by people of every role, by tokens and by
// nobody, in any order. No answer may be a failure of the server, nor one that the
// description does not have. A seed gives the same requests again, but for the names that
// the site itself makes.
//
// VEDETTE_API_REQUESTS and VEDETTE_API_SEED make it longer and another one.
const (
	walkRequests = 4_000
	walkOverHTTP = 500
	walkSite     = 800 // requests to one site, before a new one is made
)

func TestAPIWalk(t *testing.T) {
	requests, seed := fromEnvironment(t, "VEDETTE_API_REQUESTS", walkRequests), uint64(fromEnvironment(t, "VEDETTE_API_SEED", 1))
	if testing.Short() {
		requests /= 10
	}
	total := map[int]int{}
	reached := map[string]bool{}
	start := time.Now()
	var w *walk
	for done := 0; done < requests && !t.Failed(); done += walkSite {
		w = newWalk(t, seed+uint64(done/walkSite))
		w.walk(min(walkSite, requests-done), w.inProcess)
		for code, n := range w.codes {
			total[code] += n
		}
		maps.Copy(reached, w.reached)
	}
	t.Logf("%d requests in %s: %s", requests, time.Since(start).Round(time.Second), counted(total))
	if t.Failed() {
		return
	}
	// Each operation can be used as the description says, or the walk means little. An
	// operation that is new and not let through here belongs into the story.
	w.reached = reached
	if never := w.insist(300); len(never) > 0 {
		t.Errorf("%d of %d operations were never answered with success: %s", len(never), len(w.calls), strings.Join(never, " "))
	}
}

// The same over a network, where a server may stumble over what no handler sees.
func TestAPIWalkOverHTTP(t *testing.T) {
	w := newWalk(t, uint64(fromEnvironment(t, "VEDETTE_API_SEED", 1))+1<<32)
	requests := walkOverHTTP
	if testing.Short() {
		requests /= 10
	}
	w.walk(requests, w.overHTTP)
	t.Log(counted(w.codes))
}

func fromEnvironment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func counted(codes map[int]int) string {
	var out []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		out = append(out, fmt.Sprintf("%d×%d", code, codes[code]))
	}
	return strings.Join(out, " ")
}

// walk is one site and what was sent to it.
type walk struct {
	*castle
	*maker
	schemas *jsonschema.Compiler
	checks  map[string]*jsonschema.Schema // of answers, by where they are described
	cookies map[string]http.Header
	etags   map[string]string // of incidents, as last answered
	codes   map[int]int
	reached map[string]bool
	trace   []string
	mark    int // how much of the log was looked at
}

func newWalk(t *testing.T, seed uint64) *walk {
	t.Helper()
	w := &walk{castle: newCastle(t), checks: map[string]*jsonschema.Schema{}, cookies: map[string]http.Header{}, etags: map[string]string{},
		codes: map[int]int{}, reached: map[string]bool{}}
	policy, err := config.Parse("vedette.yml", []byte("cameras: {gate: {url: rtsp://192.0.2.1/, site: arcade}, yard: {url: rtsp://192.0.2.2/}}\nsites: {arcade: {}}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := storage.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := storage.OpenAttachments(t.TempDir(), storage.AttachmentOptions{Bucket: bucket, Index: w.index, Reserve: -1, MaxSize: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	s := w.server
	now := day.Add(time.Hour)
	s.Now = func() time.Time { return now }
	s.Policy, s.Keeper, s.Recall, s.Attachments = policy.Policy, &storage.Keeper{Index: w.index, Bucket: bucket}, archive{bytes.Repeat([]byte("x"), 5000)}, files
	s.Officers = func() (list []models.Officer) {
		all, err := s.Accounts.People()
		if err != nil {
			t.Error(err)
		}
		for _, p := range all {
			list = append(list, p.Officer)
		}
		return list
	}
	s.Inbound = func(name string) (config.Inbound, bool) {
		return config.Inbound{Name: name, Kind: config.InboundDevice, Auth: config.AuthURL, Secret: doorSecret, Camera: "gate", Before: time.Second, Rate: 6000}, name == "door"
	}
	w.hire("walker", models.Grant{Role: models.RoleAdministrator})
	for n := range 6 {
		in := sample(n + 3)
		in.Camera = []models.CameraID{"gate", "yard"}[n%2]
		w.create(in)
	}
	// What the other tests leave out, and a detection never does.
	for in, err := range storage.Walk(t.Context(), w.index.List, storage.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.index.Update(t.Context(), in.ID, func(in *models.Incident) error {
			in.Events[0].Rule = models.Rule{Kind: in.Kind, Severity: in.Severity}
			in.Footage.State = models.FootageStored
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	var doc map[string]any
	doc, w.schemas = compileDescription(t, w.do("GET", "/api/openapi.json", "", w.as(people.AdminUser)).Body)
	w.maker = &maker{spec: readSpec(doc), things: &things{by: map[string][]string{}}, rng: rand.New(rand.NewPCG(seed, 7)), now: now}
	for kind, names := range map[string][]string{"camera": {"gate", "yard"}, "source": {"door"}, "secret": {doorSecret}, "user": {"monitor", "supervisor", "administrator"},
		"site": {"arcade"}, "zone": {"door"}, "groups": {"north", "south"}, "incident": {string(w.north.ID), string(w.south.ID)}} {
		for _, name := range names {
			w.add(kind, name)
		}
	}
	w.furnish()
	w.story()
	return w
}

// compileDescription reads a description and makes its schemas ready to check with.
func compileDescription(t *testing.T, body io.Reader) (map[string]any, *jsonschema.Compiler) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(body)
	if err != nil {
		t.Fatal(err)
	}
	schemas := jsonschema.NewCompiler()
	schemas.DefaultDraft(jsonschema.Draft2020)
	schemas.AssertFormat()
	if err := schemas.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any), schemas
}

// walkers are who asks, the one who may do everything most often.
func (w *walk) walker() (string, http.Header) {
	who := people.AdminUser
	switch n := w.rng.IntN(100); {
	case n < 4:
		return "nobody", nil
	case n < 8:
		return "a stranger", http.Header{"Authorization": {"Bearer " + people.TokenPrefix + strings.Repeat("x", 40)}}
	case n < 35:
		who = string(pick(w.maker, models.Roles()))
	case n < 42:
		return "a token", w.bearer()
	}
	if h, ok := w.cookies[who]; ok {
		return who, h
	}
	cookie, ok := w.server.sessions.open(who)
	if !ok {
		return "nobody", nil // suspended by an earlier request
	}
	w.cookies[who] = http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
	return who, w.cookies[who]
}

func (w *walk) bearer() http.Header {
	if h, ok := w.cookies["token"]; ok {
		return h
	}
	t := people.Token{Name: fmt.Sprintf("walker %d", len(w.trace)), Owner: "walker", Rights: models.Rights(), Expires: time.Now().Add(time.Hour)}
	_, secret, err := w.server.Accounts.AddToken(t, nil)
	if err != nil {
		return nil // an earlier request has suspended its owner
	}
	w.cookies["token"] = http.Header{"Authorization": {"Bearer " + secret}}
	return w.cookies["token"]
}

// walk sends requests and looks at each answer.
func (w *walk) walk(requests int, send func(sentRequest, http.Header) answered) {
	for n := range requests {
		s := straight
		if w.chance(60) {
			s = slant(w.rng.IntN(int(slants)))
		}
		// Each operation has its turn, and those that change something have more.
		c := w.calls[n%len(w.calls)]
		if w.chance(40) {
			c = pick(w.maker, w.calls)
		}
		r := w.maker.request(c, s, w.etags)
		who, header := w.walker()
		r.who = who
		a := send(r, header)
		w.codes[a.code]++
		w.trace = append(w.trace, fmt.Sprintf("%s %s %d", r.method, cutText(r.target, 200), a.code))
		if err := w.check(r, a); err != nil {
			w.t.Errorf("request %d: %v\n%s\n--- answer: %d %s\n%s\n--- before it:\n%s\n--- log:\n%s", n, err, r, a.code, a.header,
				cutText(string(a.body), 4000), strings.Join(w.trace[max(0, len(w.trace)-12):], "\n"), w.newLog())
			return
		}
		w.remember(c, a)
		if a.code == http.StatusUnauthorized && who != "nobody" && who != "a stranger" {
			delete(w.cookies, who) // logged out, or suspended
			if who == "a token" {
				delete(w.cookies, "token")
			}
		}
	}
}

// remember keeps what later requests can name.
func (w *walk) remember(c call, a answered) {
	if a.code/100 != 2 {
		return
	}
	w.reached[c.id] = true
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return
	}
	w.learn(v, collection(c.path))
	if m, ok := v.(map[string]any); ok && a.header.Get("ETag") != "" {
		if id, ok := m["id"].(string); ok {
			w.etags[id] = a.header.Get("ETag")
		}
	}
}

// answered is what came back.
type answered struct {
	code   int
	header http.Header
	body   []byte
	cut    bool // the server hung up
}

// patience bounds a request: streams have no end.
func patience(c call) time.Duration {
	if c.id == "stream-events" {
		return 30 * time.Millisecond
	}
	return 30 * time.Second
}

// inProcess asks without a network.
func (w *walk) inProcess(r sentRequest, header http.Header) (a answered) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience(r.call))
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, r.method, "/", bytes.NewReader(r.body))
	target, err := url.Parse(r.target)
	if err != nil {
		w.t.Fatalf("%s: %v", r.target, err)
	}
	req.URL, req.RequestURI = target, r.target
	req.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:4711", w.rng.IntN(256), w.rng.IntN(256), w.rng.IntN(256)) // attempts are limited by address
	req.Header.Set("X-Forwarded-For", strings.TrimSuffix(req.RemoteAddr, ":4711"))
	give(req, r, header)
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			a = answered{code: rec.Code, header: rec.Header(), body: rec.Body.Bytes(), cut: true}
		}
	}()
	w.handler.ServeHTTP(rec, req)
	return answered{code: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
}

func give(req *http.Request, r sentRequest, header http.Header) {
	for name, values := range header {
		req.Header[name] = values
	}
	for _, h := range r.headers {
		if h[0] == "Authorization" && header.Get("Authorization") != "" {
			continue
		}
		req.Header.Set(h[0], h[1])
	}
}

// overHTTP asks over a connection.
func (w *walk) overHTTP(r sentRequest, header http.Header) answered {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience(r.call))
	defer cancel()
	target, err := url.Parse(w.http.URL + r.target)
	if err != nil {
		w.t.Fatalf("%s: %v", r.target, err)
	}
	req := (&http.Request{Method: r.method, URL: target, Header: http.Header{}}).WithContext(ctx)
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", w.rng.IntN(256), w.rng.IntN(256), w.rng.IntN(256)))
	if len(r.body) > 0 {
		req.Body, req.ContentLength = http.NoBody, 0
		req.Body, req.ContentLength = readCloser{bytes.NewReader(r.body)}, int64(len(r.body))
	}
	give(req, r, header)
	res, err := w.http.Client().Do(req)
	if err != nil {
		return answered{cut: true}
	}
	defer res.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(res.Body)
	return answered{res.StatusCode, res.Header, body.Bytes(), err != nil}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// newLog is what the server has logged since the last look.
func (w *walk) newLog() string {
	log := w.logged()
	defer func() { w.mark = len(log) }()
	return cutText(log[min(w.mark, len(log)):], 20_000)
}
