package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func itoa(i int) string { return strconv.Itoa(i) }

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCrossOriginIsRefused(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	for _, headers := range [][]string{
		{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		a := b.want(http.StatusForbidden, "POST", "/api/incidents/"+string(in.ID)+"/acknowledge", nil, headers...)
		if a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %s", headers, a.body)
		}
		b.want(http.StatusForbidden, "POST", "/api/incidents/"+string(in.ID)+"/judgement", `{"verdict":"true"}`, headers...)
		b.want(http.StatusForbidden, "POST", "/api/session", map[string]string{"user": "x", "password": "y"}, headers...)
		b.want(http.StatusForbidden, "DELETE", "/api/session", nil, headers...)
	}
	b.want(http.StatusOK, "POST", "/api/incidents/"+string(in.ID)+"/acknowledge", nil, "Origin", s.http.URL, "Sec-Fetch-Site", "same-origin")
}

func TestHeadersOnEveryAnswer(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	for _, path := range []string{"/", "/api/incidents", "/api/nothing", "/healthz", "/api/cameras/gate/picture", "/assets/none.js"} {
		h := b.do("GET", path, nil).Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if h.Get("Permissions-Policy") == "" {
			t.Errorf("%s: no permissions policy", path)
		}
		if strings.HasPrefix(path, "/api/") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, h.Get("Cache-Control"))
		}
	}
}

func TestBadInput(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	id := "/api/incidents/" + string(in.ID)
	for _, tc := range []struct {
		name, method, path string
		body               any
		want               int
	}{
		{"body beyond the limit", "POST", id + "/acknowledge", map[string]string{"note": strings.Repeat("x", maxBody+1)}, 413},
		{"note too long", "POST", id + "/acknowledge", map[string]string{"note": strings.Repeat("x", 4001)}, 422},
		{"not JSON", "POST", id + "/acknowledge", "{", 400},
		{"wrong type", "POST", id + "/acknowledge", `{"note":5}`, 422},
		{"unknown key", "POST", id + "/acknowledge", `{"notes":"x"}`, 422},
		{"judgement with a note too long", "POST", id + "/judgement", map[string]string{"verdict": "true", "note": strings.Repeat("x", 4001)}, 422},
		{"judgement of a wrong type", "POST", id + "/judgement", `{"verdict":true}`, 422},
		{"judgement with an unknown key", "POST", id + "/judgement", `{"verdict":"true","by":"somebody else"}`, 422},
		{"JSON of great depth", "POST", id + "/acknowledge", strings.Repeat("[", 20000), 400},
		{"bad cursor", "GET", "/api/incidents?after=garbage", nil, 400},
		{"cursor beyond the limit", "GET", "/api/incidents?after=" + strings.Repeat("a", 2000), nil, 422},
		{"bad time", "GET", "/api/incidents?from=yesterday", nil, 422},
		{"time range turned round", "GET", "/api/incidents?from=2026-03-05T00:00:00Z&to=2026-03-04T00:00:00Z", nil, 422},
		{"unknown state", "GET", "/api/incidents?state=lost", nil, 422},
		{"unknown severity", "GET", "/api/incidents?severity=awful", nil, 422},
		{"unknown order", "GET", "/api/incidents?order=random", nil, 422},
		{"unknown parameter", "GET", "/api/incidents?camra=gate", nil, 422},
		{"limit too high", "GET", "/api/incidents?limit=201", nil, 422},
		{"limit too low", "GET", "/api/incidents?limit=0", nil, 422},
		{"limit not a number", "GET", "/api/incidents?limit=many", nil, 422},
		{"no such incident", "GET", "/api/incidents/nothing", nil, 404},
		{"no clip of no incident", "GET", "/api/incidents/nothing/clip", nil, 404},
		{"no step of no incident", "POST", "/api/incidents/nothing/close", nil, 404},
		{"ID that climbs", "GET", "/api/incidents/..%2f..%2f..%2fetc%2fpasswd/clip", nil, 422},
		{"ID of dots", "GET", "/api/incidents/%2e%2e", nil, 422},
		{"ID with a NUL", "GET", "/api/incidents/a%00b", nil, 422},
		{"ID with a backslash", "GET", "/api/incidents/a%5c..%5cb/still", nil, 422},
		{"ID too long", "GET", "/api/incidents/" + strings.Repeat("a", 300), nil, 422},
		{"camera that climbs", "GET", "/api/cameras/..%2fgate/picture", nil, 404},
		{"no such route", "GET", "/api/nothing", nil, 404},
		{"wrong method", "PUT", "/api/incidents", "{}", 405},
		{"page with POST", "POST", "/", "{}", 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := b.in(t).want(tc.want, tc.method, tc.path, tc.body)
			if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("answered as %q: %s", got, a.body)
			}
			var p struct {
				Status        int
				Title, Detail string
			}
			if a.decode(t, &p); p.Status != tc.want || p.Title == "" || p.Detail == "" {
				t.Errorf("problem %+v", p)
			}
		})
	}
	if got, _ := s.index.Get(t.Context(), in.ID); got.Revision != in.Revision {
		t.Error("a bad request changed the incident")
	}
	s.logIn().want(http.StatusOK, "GET", id, nil)
}

// What goes wrong inside is logged, and the client learns nothing of it.
func TestInnerErrorsStayInside(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	s.index.Close()
	a := b.want(http.StatusInternalServerError, "GET", "/api/incidents", nil)
	if bytes.Contains(a.body, []byte("sql")) || bytes.Contains(a.body, []byte("closed")) {
		t.Errorf("the answer tells: %s", a.body)
	}
	if !strings.Contains(s.logged(), "request failed") {
		t.Errorf("the log does not: %s", s.logged())
	}
}

func TestPanicIsContained(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	s.fleet.cameras = nil
	s.server.Status = func() Status { panic("a bug") }
	a := b.want(http.StatusInternalServerError, "GET", "/api/status", nil)
	if bytes.Contains(a.body, []byte("a bug")) {
		t.Errorf("the answer tells: %s", a.body)
	}
	if !strings.Contains(s.logged(), "a bug") || !strings.Contains(s.logged(), "guard_test.go") {
		t.Error("the log has neither cause nor place")
	}
	b.want(http.StatusOK, "GET", "/healthz", nil)
}

func TestLogHoldsNoQuery(t *testing.T) {
	s := newSite(t)
	s.logIn().do("GET", "/api/incidents?after=hush-hush", nil)
	s.browser().do("GET", "/?token=hush-hush", nil)
	if strings.Contains(s.logged(), "hush") {
		t.Errorf("the log holds a query: %s", s.logged())
	}
}

func TestWhoMaySeeFigures(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*Server)
		session bool
		headers []string
		want    bool
	}{
		{name: "this machine", want: true},
		{name: "this machine by name", headers: []string{"Host", "localhost:8080"}, want: true},
		{name: "a name that was made to resolve here", headers: []string{"Host", "evil.example"}},
		{name: "through a proxy on this machine", headers: []string{"X-Forwarded-For", "192.0.2.1"}},
		{name: "through a proxy that says where from by RFC 7239", headers: []string{"Forwarded", "for=192.0.2.1"}},
		{name: "claims to be this machine through a proxy", change: func(s *Server) { s.BehindProxy = true }, headers: []string{"X-Forwarded-For", "127.0.0.1"}},
		{name: "session through a proxy", change: func(s *Server) { s.BehindProxy = true }, session: true, want: true},
		{name: "token through a proxy", change: func(s *Server) { s.BehindProxy, s.MetricsToken = true, "s3cret" }, headers: []string{"Authorization", "Bearer s3cret"}, want: true},
		{name: "wrong token", change: func(s *Server) { s.MetricsToken = "s3cret" }, headers: []string{"Authorization", "Bearer s3cre"}},
		{name: "empty token where none is set", change: func(s *Server) { s.BehindProxy = true }, headers: []string{"Authorization", "Bearer "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, func(srv *Server) {
				srv.Status = func() Status { return Status{Config: ConfigStatus{Errors: []string{"vedette.yml:3:1: bad"}}} }
				if tc.change != nil {
					tc.change(srv)
				}
			})
			b := s.browser()
			if tc.session {
				b = s.logIn()
			}
			want := http.StatusUnauthorized
			if tc.want {
				want = http.StatusOK
			}
			b.want(want, "GET", "/metrics", nil, tc.headers...)
			ready := b.want(http.StatusOK, "GET", "/readyz", nil, tc.headers...)
			if got := bytes.Contains(ready.body, []byte("vedette.yml")); got != tc.want {
				t.Errorf("reasons shown: %v, want %v: %s", got, tc.want, ready.body)
			}
			b.want(http.StatusOK, "GET", "/healthz", nil, tc.headers...)
		})
	}
}

func TestClientAddr(t *testing.T) {
	for _, tc := range []struct {
		remote string
		xff    []string
		proxy  bool
		want   string
	}{
		{"192.0.2.1:99", nil, false, "192.0.2.1"},
		{"192.0.2.1:99", []string{"203.0.113.7"}, false, "192.0.2.1"},
		{"127.0.0.1:99", []string{"203.0.113.7"}, true, "203.0.113.7"},
		{"127.0.0.1:99", []string{"10.0.0.1, 203.0.113.7"}, true, "203.0.113.7"},
		{"127.0.0.1:99", []string{"10.0.0.1", "203.0.113.7"}, true, "203.0.113.7"},
		{"127.0.0.1:99", []string{"203.0.113.7, garbage"}, true, "127.0.0.1"},
		{"127.0.0.1:99", nil, true, "127.0.0.1"},
		{"[2001:db8::1]:99", nil, false, "2001:db8::1"},
		{"[::ffff:192.0.2.1]:99", nil, false, "192.0.2.1"},
		{"@", nil, false, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.remote
		r.Header["X-Forwarded-For"] = tc.xff
		if got := clientAddr(r, tc.proxy).String(); got != tc.want {
			t.Errorf("%s %v proxy %v: got %s, want %s", tc.remote, tc.xff, tc.proxy, got, tc.want)
		}
	}
	for addr, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64"} {
		if got := addrKey(netip.MustParseAddr(addr)); got != want {
			t.Errorf("key of %s: got %s, want %s", addr, got, want)
		}
	}
}

func FuzzClientAddr(f *testing.F) {
	f.Add("127.0.0.1:1", "1.2.3.4, ::1")
	f.Add("", ",")
	f.Add("[::1%eth0]:80", "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, remote, xff string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {xff}}}
		if a := clientAddr(r, true); a.Zone() != "" || a.Is4In6() {
			t.Errorf("%q %q: %v is not in its plain form", remote, xff, a)
		}
	})
}
