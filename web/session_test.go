package web

import (
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

func TestFirstLoginDemandsANewPassword(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	login := map[string]string{"user": people.AdminUser, "password": s.oneTime}
	a := b.want(http.StatusOK, "POST", "/api/session", login)
	var got Session
	want := Session{User: people.AdminUser, MustChange: true, Features: []string{}, Roles: []string{"administrator"}, Rights: list(models.Rights()...),
		Groups: []string{}, Profile: Profile{User: people.AdminUser, Roles: []string{"administrator"}, Skills: []string{}}}
	if a.decode(t, &got); !reflect.DeepEqual(got, want) {
		t.Errorf("session %+v, want %+v", got, want)
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
	a := b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.oneTime})
	var got Session
	if a.decode(t, &got); !got.Suggested || got.MustChange {
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
		a := s.browser().want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.oneTime})
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
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.password})
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
	other, oneTime, err := people.Open(s.accounts, people.Options{Cost: cheap})
	if err != nil || oneTime != "" {
		t.Fatalf("second opening: one-time password %q, error %v", oneTime, err)
	}
	oneTime, err = other.ResetPassword(people.AdminUser, people.Operator, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.want(http.StatusUnauthorized, "GET", "/api/session", nil)
	b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.password})
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": oneTime})
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
		c, ok := all.open(people.AdminUser)
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
		from("192.0.2.1", people.AdminUser, "wrong", http.StatusUnauthorized)
	}
	a := from("192.0.2.1", people.AdminUser, s.password, http.StatusTooManyRequests) // not even the right one
	if got := a.Header.Get("Retry-After"); got != "6" {
		t.Errorf("Retry-After %q, want 6", got)
	}
	// By then the account is locked, for every address: from which tells nothing of who.
	a = from("192.0.2.2", people.AdminUser, s.password, http.StatusTooManyRequests)
	if got := a.Header.Get("Retry-After"); got != "900" {
		t.Errorf("Retry-After %q, want 900", got)
	}
	offset.Add(int64(15 * time.Minute))
	from("192.0.2.1", people.AdminUser, s.password, http.StatusOK) // and both limits let go

	// One account from many addresses, and the same for an account that does not exist.
	for _, user := range []string{people.AdminUser, "nobody"} {
		for i := range 10 {
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
	wrong := b.want(http.StatusUnauthorized, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": "wrong password"})
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
