package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/people"
)

// Session says who is logged in.
type Session struct {
	User       string `json:"user"`
	MustChange bool   `json:"must_change" doc:"the one-time password has to be changed before anything else"`
	// Suggested is set where a generated password may stay, as in a demonstration.
	Suggested bool `json:"change_suggested,omitempty" doc:"the password was generated and should be changed"`
	// Features are what the session may use beyond what is always there.
	Features []string `json:"features" enum:"custody,hold,recall,playable,export,keys" doc:"optional parts of the program that run"`
}

type credentials struct {
	Body struct {
		User     string `json:"user" maxLength:"64"`
		Password string `json:"password" maxLength:"1024"`
	}
}

type sessionAnswer struct {
	SetCookie []*http.Cookie `header:"Set-Cookie"`
	Body      Session
}

type passwordChange struct {
	Body struct {
		Old string `json:"old" maxLength:"1024"`
		New string `json:"new" maxLength:"1024" doc:"12 to 256 bytes, different from the old one"`
	}
}

func (s *Server) describeSession(api huma.API) {
	tags := []string{"session"}
	huma.Register(api, huma.Operation{
		OperationID: "login", Method: http.MethodPost, Path: "/api/session", Tags: tags, Security: open,
		Summary:     "Log in",
		Description: "Sets the session cookie. Attempts are limited per address and per account; the answer is then 429 with Retry-After.",
		Errors:      []int{401, 403, 413, 429}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}, s.login)
	huma.Register(api, huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/api/session", Tags: tags,
		Summary: "Who is logged in", Errors: []int{401},
	}, func(ctx context.Context, _ *struct{}) (*sessionAnswer, error) {
		who := requestOf(ctx).who
		return &sessionAnswer{Body: s.sessionOf(who.user, who.mustChange)}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "logout", Method: http.MethodDelete, Path: "/api/session", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Log out", Errors: []int{401, 403},
	}, func(ctx context.Context, _ *struct{}) (*struct {
		SetCookie []*http.Cookie `header:"Set-Cookie"`
	}, error) {
		who := requestOf(ctx).who
		s.sessions.end(who.token)
		s.Log.Info("logged out", "user", who.user)
		return &struct {
			SetCookie []*http.Cookie `header:"Set-Cookie"`
		}{[]*http.Cookie{s.sessions.cookie("", -1)}}, nil
	})
	huma.Register(api, huma.Operation{
		OperationID: "change-password", Method: http.MethodPut, Path: "/api/session/password", Tags: tags,
		Summary:     "Change one's own password",
		Description: "Ends all other sessions of the user and renews this one.",
		Errors:      []int{401, 403, 413, 422, 429}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}, s.changePassword)
}

func (s *Server) sessionOf(user string, mustChange bool) Session {
	return Session{User: user, MustChange: mustChange && !s.Accounts.ChangeOptional, Suggested: mustChange && s.Accounts.ChangeOptional,
		Features: s.features()}
}

func (s *Server) login(ctx context.Context, in *credentials) (*sessionAnswer, error) {
	q := requestOf(ctx)
	err := s.attempt(ctx, in.Body.User, in.Body.Password, s.Accounts.Verify)
	if errors.Is(err, people.ErrCredentials) {
		return nil, huma.Error401Unauthorized(people.ErrCredentials.Error())
	}
	if err != nil {
		return nil, err
	}
	if q.who.user != "" {
		s.sessions.end(q.who.token)
	}
	answer, err := s.begin(in.Body.User)
	if err != nil {
		return nil, err
	}
	s.Log.Info("logged in", "user", in.Body.User, "addr", q.addr.String())
	return answer, nil
}

func (s *Server) changePassword(ctx context.Context, in *passwordChange) (*sessionAnswer, error) {
	who := requestOf(ctx).who
	err := s.attempt(ctx, who.user, in.Body.Old, func(ctx context.Context, user, old string) error {
		return s.Accounts.SetPassword(ctx, user, old, in.Body.New)
	})
	if errors.Is(err, people.ErrCredentials) {
		return nil, huma.Error403Forbidden("the old password is wrong") // not 401: the session stands
	}
	if err != nil {
		return nil, err
	}
	s.sessions.end(who.token)
	s.Log.Info("password changed", "user", who.user, "addr", requestOf(ctx).addr.String())
	return s.begin(who.user)
}

// attempt checks a password within the limits on guessing. It returns people.ErrCredentials for
// a wrong one, else what to answer.
func (s *Server) attempt(ctx context.Context, user, password string, check func(ctx context.Context, user, password string) error) error {
	now, addr := s.Now(), requestOf(ctx).addr
	wait, ok := s.byAddress.take(addrKey(addr), now)
	if ok {
		wait, ok = s.byAccount.take(user, now)
	}
	if !ok {
		s.Log.Warn("password not checked: too many attempts", "user", user, "addr", addr.String(), "wait", wait)
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts; wait before the next"),
			http.Header{"Retry-After": {retryAfter(wait)}})
	}
	err := check(ctx, user, password)
	switch {
	case errors.Is(err, people.ErrCredentials):
		s.Log.Warn("password refused", "user", user, "addr", addr.String())
		return err
	case err != nil && !errors.Is(err, people.ErrWeakPassword):
		return s.fail(ctx, "login", err)
	}
	s.byAddress.reset(addrKey(addr))
	s.byAccount.reset(user)
	if err != nil {
		return s.fail(ctx, "password", err)
	}
	return nil
}

func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// begin opens a session for somebody who has proved who they are.
func (s *Server) begin(user string) (*sessionAnswer, error) {
	cookie, ok := s.sessions.open(user)
	if !ok { // the account went away between the two steps
		return nil, huma.Error401Unauthorized(people.ErrCredentials.Error())
	}
	_, mustChange, _ := s.Accounts.Standing(user)
	return &sessionAnswer{SetCookie: []*http.Cookie{cookie}, Body: s.sessionOf(user, mustChange)}, nil
}
