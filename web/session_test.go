package web

import (
	"errors"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestFirstLoginDemandsANewPassword(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	login := map[string]string{"user": AdminUser, "password": s.oneTime}
	a := b.want(http.StatusOK, "POST", "/api/session", login)
	var got Session
	if a.decode(t, &got); !reflect.DeepEqual(got, Session{User: AdminUser, MustChange: true, Features: []string{}}) {
		t.Errorf("session %+v", got)
	}
	b.want(http.StatusForbidden, "GET", "/api/incidents", nil)
	b.want(http.StatusForbidden, "GET", "/api/events", nil)
	b.want(http.StatusOK, "GET", "/api/session", nil)
	for _, weak := range []string{"short", "aaaaaaaaaaaaaaaa", s.oneTime, strings.Repeat("long enough ", 50)} {
		b.want(http.StatusUnprocessableEntity, "PUT", "/api/session/password", map[string]string{"old": s.oneTime, "new": weak})
	}
	b.want(http.StatusForbidden, "PUT", "/api/session/password", map[string]string{"old": "wrong", "new": "correct horse battery"})
	b.want(http.StatusOK, "PUT", "/api/session/password", map[string]string{"old": s.oneTime, "new": "correct horse battery"})
	b.want(http.StatusOK, "GET", "/api/incidents", nil)
	if got := get[Session](b, "/api/session"); got.MustChange {
		t.Error("still has to change the password")
	}
	s.browser().want(http.StatusUnauthorized, "POST", "/api/session", login)
}

func TestDemoOnlySuggestsANewPassword(t *testing.T) {
	s := newSite(t, func(s *Server) { s.Accounts.ChangeOptional = true })
	b := s.browser()
	a := b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": AdminUser, "password": s.oneTime})
	var got Session
	if a.decode(t, &got); !reflect.DeepEqual(got, Session{User: AdminUser, Suggested: true, Features: []string{}}) {
		t.Errorf("session %+v", got)
	}
	b.want(http.StatusOK, "GET", "/api/incidents", nil)
}

func TestCookie(t *testing.T) {
	for _, tc := range []struct {
		secure bool
		name   string
	}{{false, "vedette"}, {true, "__Host-vedette"}} {
		s := newSite(t, func(s *Server) { s.Secure = tc.secure })
		a := s.browser().want(http.StatusOK, "POST", "/api/session", map[string]string{"user": AdminUser, "password": s.oneTime})
		cookies := a.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("cookies %v", cookies)
		}
		c := cookies[0]
		if c.Name != tc.name || !c.HttpOnly || c.Secure != tc.secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 40 {
			t.Errorf("secure %v: cookie %v", tc.secure, c)
		}
		if hsts := a.Header.Get("Strict-Transport-Security"); (hsts != "") != tc.secure {
			t.Errorf("secure %v: HSTS %q", tc.secure, hsts)
		}
	}
}

func TestLogoutEndsOnlyThatSession(t *testing.T) {
	s := newSite(t)
	one, two := s.logIn(), s.logIn()
	stolen := one.Jar.Cookies(mustURL(t, s.http.URL))[0]
	one.want(http.StatusNoContent, "DELETE", "/api/session", nil)
	one.want(http.StatusUnauthorized, "GET", "/api/session", nil)
	s.browser().want(http.StatusUnauthorized, "GET", "/api/session", nil, "Cookie", stolen.String())
	two.want(http.StatusOK, "GET", "/api/session", nil)
}

func TestLoginRenewsTheSession(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	before := b.Jar.Cookies(mustURL(t, s.http.URL))[0]
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": AdminUser, "password": s.password})
	after := b.Jar.Cookies(mustURL(t, s.http.URL))[0]
	if before.Value == after.Value {
		t.Error("the cookie is the old one")
	}
	s.browser().want(http.StatusUnauthorized, "GET", "/api/session", nil, "Cookie", before.String())
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	s := newSite(t)
	one, two := s.logIn(), s.logIn()
	one.want(http.StatusOK, "PUT", "/api/session/password", map[string]string{"old": s.password, "new": "another good one"})
	one.want(http.StatusOK, "GET", "/api/session", nil)
	two.want(http.StatusUnauthorized, "GET", "/api/session", nil)
}

// vedette's command line resets a password while the server runs.
func TestResetByAnotherProcessHoldsAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	other, oneTime, err := openAccounts(s.accounts, cheap)
	if err != nil || oneTime != "" {
		t.Fatalf("second opening: one-time password %q, error %v", oneTime, err)
	}
	oneTime, err = other.ResetPassword(AdminUser)
	if err != nil {
		t.Fatal(err)
	}
	b.want(http.StatusUnauthorized, "GET", "/api/session", nil)
	b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": AdminUser, "password": s.password})
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": AdminUser, "password": oneTime})
	b.want(http.StatusForbidden, "GET", "/api/incidents", nil)
}

func TestSessionLifetime(t *testing.T) {
	var offset atomic.Int64
	s := newSite(t, func(s *Server) { s.Now = func() time.Time { return day.Add(time.Duration(offset.Load())) } })
	b := s.logIn()
	start := offset.Load()
	for offset.Load() < start+int64(sessionLifetime)-int64(20*time.Minute) { // somebody works all shift
		b.want(http.StatusOK, "GET", "/api/session", nil)
		offset.Add(int64(20 * time.Minute))
	}
	b.want(http.StatusOK, "GET", "/api/session", nil)
	offset.Add(int64(20 * time.Minute))
	b.want(http.StatusUnauthorized, "GET", "/api/session", nil)

	b = s.logIn()
	offset.Add(int64(sessionIdle) - 1)
	b.want(http.StatusOK, "GET", "/api/session", nil)
	offset.Add(int64(sessionIdle))
	b.want(http.StatusUnauthorized, "GET", "/api/session", nil)
}

func TestSessionsAreBounded(t *testing.T) {
	s := newSite(t)
	now := day
	all := &sessions{accounts: s.server.Accounts, now: func() time.Time { return now }, all: map[token]*session{}}
	var first *http.Cookie
	for i := range maxSessions + 5 {
		now = now.Add(time.Second)
		c, ok := all.open(AdminUser)
		if !ok {
			t.Fatal("no session")
		}
		if i == 0 {
			first = c
		}
	}
	if len(all.all) != maxSessions {
		t.Errorf("%d sessions, want %d", len(all.all), maxSessions)
	}
	r, _ := http.NewRequest("GET", "/", nil)
	r.AddCookie(first)
	if _, ok := all.identify(r); ok {
		t.Error("the session used longest ago is still there")
	}
	if _, ok := all.open("nobody"); ok {
		t.Error("a session for a user that does not exist")
	}
}

func TestGuessingIsLimited(t *testing.T) {
	var offset atomic.Int64
	s := newSite(t, func(s *Server) {
		s.BehindProxy = true
		s.Now = func() time.Time { return day.Add(time.Duration(offset.Load())) }
	})
	s.logIn()
	b := s.browser()
	from := func(addr, user, password string, want int) answer {
		t.Helper()
		return b.want(want, "POST", "/api/session", map[string]string{"user": user, "password": password}, "X-Forwarded-For", "203.0.113.99, "+addr)
	}
	for range addressBurst {
		from("192.0.2.1", AdminUser, "wrong", http.StatusUnauthorized)
	}
	a := from("192.0.2.1", AdminUser, s.password, http.StatusTooManyRequests) // not even the right one
	if got := a.Header.Get("Retry-After"); got != "6" {
		t.Errorf("Retry-After %q, want 6", got)
	}
	from("192.0.2.2", AdminUser, s.password, http.StatusOK) // an officer elsewhere is not locked out
	offset.Add(int64(addressEvery))
	from("192.0.2.1", AdminUser, s.password, http.StatusOK) // and the limit lets go

	// One account from many addresses, and the same for an account that does not exist.
	for _, user := range []string{AdminUser, "nobody"} {
		for i := range accountBurst {
			from("198.51.100."+itoa(i), user, "wrong", http.StatusUnauthorized)
		}
		from("198.51.100.200", user, "wrong", http.StatusTooManyRequests)
	}
}

func TestGuessingOnesOwnOldPasswordIsLimitedToo(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	codes := map[int]int{}
	for range addressBurst + 2 {
		codes[b.do("PUT", "/api/session/password", map[string]string{"old": "wrong", "new": "correct horse staple"}).StatusCode]++
	}
	if codes[http.StatusForbidden] != addressBurst || codes[http.StatusTooManyRequests] != 2 {
		t.Errorf("answers %v", codes)
	}
}

func TestLoginAnswersTellNothing(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	wrong := b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": AdminUser, "password": "wrong password"})
	unknown := b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": "nobody", "password": "wrong password"})
	if string(wrong.body) != string(unknown.body) {
		t.Errorf("wrong password: %s\nunknown user: %s", wrong.body, unknown.body)
	}
	if len(wrong.Cookies()) != 0 {
		t.Error("a cookie for a login that was refused")
	}
	for _, secret := range []string{s.oneTime, "wrong password"} {
		if strings.Contains(s.logged(), secret) {
			t.Errorf("the log holds a password: %s", s.logged())
		}
	}
}

func TestAnswersDoNotEchoPasswords(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	for _, body := range []string{`{"password":"hunter2hunter2"}`, `{"user":1,"password":"hunter2hunter2"}`, `{"user":"a","password":"hunter2hunter2","x":1}`} {
		if a := b.want(http.StatusUnprocessableEntity, "POST", "/api/session", body); strings.Contains(string(a.body), "hunter2") {
			t.Errorf("%s is answered with %s", body, a.body)
		}
	}
	if strings.Contains(s.logged(), "hunter2") {
		t.Error("the log holds it")
	}
}

func TestAccountsFile(t *testing.T) {
	s := newSite(t)
	info, err := os.Stat(s.accounts)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	data, err := os.ReadFile(s.accounts)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), s.oneTime) {
		t.Error("the file holds the password itself")
	}
	if groups := strings.Split(s.oneTime, "-"); len(groups) != 7 || len(s.oneTime) != 7*4+6 {
		t.Errorf("one-time password %q", s.oneTime)
	}
	for _, tc := range []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"others may read it", string(data), 0o644, "chmod 600"},
		{"cut off", string(data[:len(data)/2]), 0o600, "decode"},
		{"empty", "", 0o600, "decode"},
		{"unknown key", `{"schema":1,"users":[],"root":true}`, 0o600, "unknown field"},
		{"of a later version", `{"schema":2,"users":[]}`, 0o600, "schema 2"},
		{"plain password", `{"schema":1,"users":[{"name":"admin","hash":"secret","changed":"2026-01-02T03:04:05Z"}]}`, 0o600, "not an argon2id hash"},
		{"a name twice", strings.Replace(string(data), `"users": [`, `"users": [`+between(string(data), "[", "]")+",", 1), 0o600, "there twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := t.TempDir() + "/accounts.json"
			if err := os.WriteFile(path, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			_, oneTime, err := OpenAccounts(path)
			if err == nil || !strings.Contains(err.Error(), tc.want) || oneTime != "" {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
			if after, _ := os.ReadFile(path); string(after) != tc.content {
				t.Error("the file was changed")
			}
		})
	}
}

func TestResetOfAnUnknownUser(t *testing.T) {
	s := newSite(t)
	if _, err := s.server.Accounts.ResetPassword("nobody"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v", err)
	}
}

// An administrator who was removed from the file is made anew.
func TestResetBringsAdminBack(t *testing.T) {
	path := t.TempDir() + "/accounts.json"
	if err := os.WriteFile(path, []byte(`{"schema":1,"users":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, err := OpenAccounts(path)
	if err != nil {
		t.Fatal(err)
	}
	oneTime, err := a.ResetPassword(AdminUser)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.verify(t.Context(), AdminUser, oneTime); err != nil {
		t.Error(err)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(hashPassword("x", cheap).String())
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2i$v=19$m=1,t=1,p=0$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.memory > maxHashMemory || h.time > maxHashTime || len(h.key) < 16 || len(h.salt) < 8 {
			t.Errorf("%q was accepted as %+v", s, h)
		}
		if h.String() != s {
			t.Errorf("%q reads as %q", s, h.String())
		}
	})
}

func FuzzParseAccounts(f *testing.F) {
	f.Add([]byte(`{"schema":1,"users":[]}`))
	f.Add([]byte(`{"schema":1,"users":[{"name":"admin","hash":"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5","must_change":true,"changed":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"schema":1,"users":[{"name":"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		users, err := parseAccounts(data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, u := range users {
			if u.Name == "" || seen[u.Name] || len(u.parsed.key) == 0 {
				t.Errorf("accepted user %+v", u)
			}
			seen[u.Name] = true
		}
	})
}

// The file of a real start holds hashes of the full cost.
func TestHashesAreDear(t *testing.T) {
	a, oneTime, err := OpenAccounts(t.TempDir() + "/accounts.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.users[0].parsed.cost; got != owasp {
		t.Errorf("cost %+v", got)
	}
	if err := a.verify(t.Context(), AdminUser, oneTime); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", oneTime[1:], oneTime + "x", strings.Repeat("x", 2000)} {
		if err := a.verify(t.Context(), AdminUser, wrong); !errors.Is(err, ErrCredentials) {
			t.Errorf("%.10q: %v", wrong, err)
		}
	}
}

// A verification must be dear to an attacker and bearable on the smallest machine.
func BenchmarkVerify(b *testing.B) {
	h := hashPassword("correct horse battery", owasp)
	for b.Loop() {
		if !h.matches("correct horse battery") {
			b.Fatal("no match")
		}
	}
}
