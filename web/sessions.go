package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/people"
)

// How long a session lives. A shift is at most twelve hours; the idle limit ends
// browsers that were closed or left. An open console counts as activity as long as its
// stream of events is connected: a control room's wall must not go dark.
const (
	sessionLifetime = 12 * time.Hour
	sessionIdle     = 30 * time.Minute
)

// maxSessions bounds the sessions of one user; the one used longest ago makes room.
const maxSessions = 64

// token is the hash of a session's cookie: what is in memory opens no door.
type token [sha256.Size]byte

type session struct {
	user    string
	stamp   people.Stamp
	created time.Time
	used    time.Time
	done    map[string]*deed
}

// deed is something that counts once within a session.
type deed struct {
	over chan struct{} // closed when it is done, or was not to be done
	err  error
}

// maxDeeds bounds what a session remembers; beyond, deeds are done again.
const maxDeeds = 10_000

// sessions keeps who is logged in, in memory only: a restart logs everybody out. The
// usual session library saves a session at the end of each request, so that a request
// under way brings back a session that was ended meanwhile; here ended means ended.
type sessions struct {
	accounts *people.Accounts
	now      func() time.Time
	secure   bool

	mu  sync.Mutex
	all map[token]*session
}

func (s *sessions) cookieName() string {
	if s.secure {
		return "__Host-vedette" // the prefix makes browsers insist on Secure, Path=/ and no Domain
	}
	return "vedette"
}

func (s *sessions) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteStrictMode}
}

// open begins a session and returns the cookie that proves it. The secret is always
// new: a cookie that was planted before the login never becomes a session.
func (s *sessions) open(user string) (*http.Cookie, bool) {
	st, _, ok := s.accounts.Standing(user)
	if !ok {
		return nil, false
	}
	secret := rand.Text() + rand.Text() // 260 bits
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now, user)
	s.all[sha256.Sum256([]byte(secret))] = &session{user: user, stamp: st, created: now, used: now}
	return s.cookie(secret, int(sessionLifetime.Seconds())), true
}

// sweep forgets sessions that are over and makes room for one more of the user.
func (s *sessions) sweep(now time.Time, user string) {
	count, oldest, at := 0, token{}, time.Time{}
	for t, se := range s.all {
		if se.over(now) {
			delete(s.all, t)
			continue
		}
		if se.user != user {
			continue
		}
		if count++; at.IsZero() || se.used.Before(at) {
			oldest, at = t, se.used
		}
	}
	if count >= maxSessions {
		delete(s.all, oldest)
	}
}

func (se *session) over(now time.Time) bool {
	return now.Sub(se.created) >= sessionLifetime || now.Sub(se.used) >= sessionIdle
}

// identity is who makes a request.
type identity struct {
	user       string
	token      token
	mustChange bool // a generated password is still in force
}

// identify finds the session that the request's cookie proves.
func (s *sessions) identify(r *http.Request) (identity, bool) {
	c, err := r.Cookie(s.cookieName())
	if err != nil || c.Value == "" {
		return identity{}, false
	}
	return s.use(sha256.Sum256([]byte(c.Value)))
}

// use says whether the session still stands, and notes that it was used.
func (s *sessions) use(t token) (identity, bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	se := s.all[t]
	if se == nil {
		return identity{}, false
	}
	st, mustChange, ok := s.accounts.Standing(se.user)
	if !ok || st != se.stamp || se.over(now) {
		delete(s.all, t)
		return identity{}, false
	}
	se.used = now
	return identity{user: se.user, token: t, mustChange: mustChange}, true
}

// end closes one session.
func (s *sessions) end(t token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, t)
}

// once does something the first time in a session, and lets those who ask meanwhile wait
// for it. What failed is done again when it is next asked for.
func (s *sessions) once(ctx context.Context, t token, what string, do func() error) error {
	s.mu.Lock()
	se := s.all[t]
	if se == nil { // ended while the request was under way
		s.mu.Unlock()
		return do()
	}
	if d := se.done[what]; d != nil {
		s.mu.Unlock()
		select {
		case <-d.over:
			return d.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if se.done == nil || len(se.done) >= maxDeeds {
		se.done = map[string]*deed{}
	}
	d := &deed{over: make(chan struct{})}
	se.done[what] = d
	s.mu.Unlock()
	d.err = errDeedPanicked
	defer func() {
		if d.err != nil {
			s.mu.Lock()
			if se.done[what] == d {
				delete(se.done, what)
			}
			s.mu.Unlock()
		}
		close(d.over)
	}()
	d.err = do()
	return d.err
}

// errDeedPanicked is what those who waited see when do never returned.
var errDeedPanicked = errors.New("not done")
