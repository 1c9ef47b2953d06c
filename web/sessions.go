package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// How long a session lives, unless the configuration says otherwise. A shift is at most twelve hours; the idle limit ends
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
	lifetime time.Duration // 0: sessionLifetime
	idle     time.Duration // 0: sessionIdle

	mu  sync.Mutex
	all map[token]*session
	// bearers remember what was done with API tokens. They open no door: a token is
	// proved anew by each request.
	bearers map[token]*session
}

func (s *sessions) limits() (lifetime, idle time.Duration) {
	return cmp.Or(s.lifetime, sessionLifetime), cmp.Or(s.idle, sessionIdle)
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
	_, st, ok := s.accounts.Standing(user)
	if !ok {
		return nil, false
	}
	secret := rand.Text() + rand.Text() // 260 bits
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now, user)
	s.all[sha256.Sum256([]byte(secret))] = &session{user: user, stamp: st, created: now, used: now}
	lifetime, _ := s.limits()
	return s.cookie(secret, int(lifetime.Seconds())), true
}

// sweep forgets sessions that are over and makes room for one more of the user.
func (s *sessions) sweep(now time.Time, user string) {
	count, oldest, at := 0, token{}, time.Time{}
	for t, se := range s.all {
		if s.over(se, now) {
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

func (s *sessions) over(se *session, now time.Time) bool {
	lifetime, idle := s.limits()
	return now.Sub(se.created) >= lifetime || now.Sub(se.used) >= idle
}

// identity is who makes a request.
type identity struct {
	user       string
	token      token
	mustChange bool           // a generated password is still in force
	grants     []models.Grant // what they may do, now
	bearer     *people.Token  // the token that they came with, instead of a session
}

// may says whether they have a right over a camera that is in these groups; over any, for
// no camera.
func (i identity) may(right models.Right, camera models.CameraID, groups []string) bool {
	if i.bearer != nil && !i.bearer.Allows(right, camera, groups) {
		return false
	}
	return models.Allows(i.grants, right, camera, groups)
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
	p, st, ok := s.accounts.Standing(se.user)
	if !ok || st != se.stamp || s.over(se, now) {
		delete(s.all, t)
		return identity{}, false
	}
	se.used = now
	return identity{user: se.user, token: t, mustChange: p.MustChange, grants: p.Grants}, true
}

// maxBearers bounds the tokens of which is known what was done with them; beyond, it is
// forgotten, and done again.
const maxBearers = 1024

// bear finds the token that a secret proves, and its owner. first says that it was never
// used before.
func (s *sessions) bear(secret string) (who identity, first, ok bool) {
	t, owner, first, ok := s.accounts.Bearer(secret)
	if !ok {
		return identity{}, false, false
	}
	who = identity{user: owner.User, token: sha256.Sum256([]byte(secret)), grants: owner.Grants, bearer: &t}
	now := s.now()
	lifetime, _ := s.limits()
	s.mu.Lock()
	defer s.mu.Unlock()
	if se := s.bearers[who.token]; se == nil || now.Sub(se.created) >= lifetime {
		if s.bearers == nil || len(s.bearers) >= maxBearers {
			s.bearers = map[token]*session{}
		}
		s.bearers[who.token] = &session{user: owner.User, created: now}
	}
	return who, first, true
}

// still says whether who has come may still be here, and what they may do now.
func (s *sessions) still(who identity) (identity, bool) {
	if who.bearer == nil {
		return s.use(who.token)
	}
	t, owner, ok := s.accounts.Stands(who.bearer.ID)
	if !ok {
		return identity{}, false
	}
	who.grants, who.bearer = owner.Grants, &t
	return who, true
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
	if se == nil {
		se = s.bearers[t]
	}
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
