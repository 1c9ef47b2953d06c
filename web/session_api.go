package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// Session says who is logged in.
type Session struct {
	User       string `json:"user"`
	MustChange bool   `json:"must_change" doc:"the one-time password has to be changed before anything else"`
	// Suggested is set where a generated password may stay, as in a demonstration.
	Suggested bool `json:"change_suggested,omitempty" doc:"the password was generated and should be changed"`
	// Features are what the session may use beyond what is always there.
	Features []string `json:"features" enum:"custody,hold,recall,playable,notify,export,keys" doc:"optional parts of the program that run"`
	Roles    []string `json:"roles" enum:"monitor,officer,investigator,operator,supervisor,administrator,auditor"`
	Rights   []string `json:"rights" enum:"view,live,footage,work,investigate,assign,close,review,export,hold,delete,report,tune,audit,administer" doc:"what may be done, over some camera at least"`
	Groups   []string `json:"groups" doc:"the camera groups that the roles are given over; empty: all cameras"`
	Profile  Profile  `json:"profile" doc:"as others see them"`
	Token    string   `json:"token,omitempty" doc:"name of the token that was sent instead of a session, which bounds the rights"`
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
		Summary: "Log in",
		Description: "Sets the session cookie. Attempts are limited per address and per account, and too many wrong passwords in a row lock the " +
			"account for a while; the answer is then 429 with Retry-After, also to the right password.",
		Errors: []int{401, 403, 413, 429}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}, s.login)
	huma.Register(api, forAnyone(huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/api/session", Tags: tags,
		Summary: "Who is logged in", Errors: []int{401},
	}), func(ctx context.Context, _ *struct{}) (*sessionAnswer, error) {
		who := requestOf(ctx).who
		p, _, ok := s.Accounts.Standing(who.user)
		if !ok { // gone since the request came in
			return nil, huma.Error401Unauthorized("log in first")
		}
		answer := s.sessionOf(p)
		answer.Rights = list(rightsOf(who)...)
		if who.bearer != nil {
			answer.Token = who.bearer.Name
		}
		return &sessionAnswer{Body: answer}, nil
	})
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "logout", Method: http.MethodDelete, Path: "/api/session", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Log out", Errors: []int{401, 403},
	}), func(ctx context.Context, _ *struct{}) (*struct {
		SetCookie []*http.Cookie `header:"Set-Cookie"`
	}, error) {
		who := requestOf(ctx).who
		s.sessions.end(who.token)
		s.Log.Info("logged out", "user", who.user)
		s.audit(ctx, models.Custody{Act: models.ActLoggedOut})
		return &struct {
			SetCookie []*http.Cookie `header:"Set-Cookie"`
		}{[]*http.Cookie{s.sessions.cookie("", -1)}}, nil
	})
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "change-password", Method: http.MethodPut, Path: "/api/session/password", Tags: tags,
		Summary:     "Change one's own password",
		Description: "Ends all other sessions of the user and renews this one.",
		Errors:      []int{401, 403, 413, 422, 429}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), s.changePassword)
}

func (s *Server) sessionOf(p people.Person) Session {
	out := Session{User: p.User, MustChange: p.MustChange && !s.Accounts.ChangeOptional, Suggested: p.MustChange && s.Accounts.ChangeOptional,
		Features: s.features(), Roles: []string{}, Groups: []string{}, Rights: list(rightsOf(identity{grants: p.Grants})...), Profile: profile(p)}
	everywhere := len(p.Grants) == 0
	for _, g := range p.Grants {
		if !slices.Contains(out.Roles, string(g.Role)) {
			out.Roles = append(out.Roles, string(g.Role))
		}
		out.Groups = append(out.Groups, g.Groups...)
		everywhere = everywhere || len(g.Groups) == 0
	}
	slices.Sort(out.Groups)
	if out.Groups = slices.Compact(out.Groups); everywhere {
		out.Groups = []string{}
	}
	return out
}

// rightsOf are what somebody may do, over some camera at least.
func rightsOf(who identity) []models.Right {
	return slices.DeleteFunc(models.Rights(), func(r models.Right) bool { return !who.may(r, "", nil) })
}

func (s *Server) login(ctx context.Context, in *credentials) (*sessionAnswer, error) {
	q := requestOf(ctx)
	if q.who.bearer != nil {
		return nil, huma.Error403Forbidden("a token does not log in")
	}
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
	s.audit(ctx, models.Custody{Act: models.ActLoggedIn, Who: in.Body.User})
	return answer, nil
}

func (s *Server) changePassword(ctx context.Context, in *passwordChange) (*sessionAnswer, error) {
	who := requestOf(ctx).who
	err := s.attempt(ctx, who.user, in.Body.Old, func(ctx context.Context, user, old string) error {
		return s.Accounts.SetPassword(ctx, user, old, in.Body.New, s.overseen(ctx))
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
		s.Log.Warn("password not checked: too many attempts", "addr", addr.String(), "wait", wait)
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts; wait before the next"),
			http.Header{"Retry-After": {retryAfter(wait)}})
	}
	err := check(ctx, user, password)
	var refused *people.Refused
	var answer huma.StatusError
	switch {
	case errors.As(err, &refused):
		return s.refused(ctx, user, refused)
	case errors.As(err, &answer): // the custody log does not take it
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

// refused notes a password that was not accepted, and says what to answer. The log names
// only users that there are: a password that was typed into the wrong field must not stay
// in it for ever.
func (s *Server) refused(ctx context.Context, user string, r *people.Refused) error {
	who, addr := "unknown", requestOf(ctx).addr.String()
	if r.Known {
		who = user
	}
	s.Log.Warn("password refused", "user", who, "addr", addr, "locked_until", r.Until)
	if errors.Is(r, people.ErrLocked) {
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(people.ErrLocked.Error()),
			http.Header{"Retry-After": {retryAfter(r.Until.Sub(s.Now()))}})
	}
	s.audit(ctx, models.Custody{Act: models.ActLoginFailed, Who: who})
	if r.Began && r.Known {
		s.audit(ctx, models.Custody{Act: models.ActLockedOut, Who: who, Note: "until " + r.Until.UTC().Format(time.RFC3339)})
	}
	return people.ErrCredentials
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
	p, _, ok := s.Accounts.Standing(user)
	if !ok {
		return nil, huma.Error401Unauthorized(people.ErrCredentials.Error())
	}
	return &sessionAnswer{SetCookie: []*http.Cookie{cookie}, Body: s.sessionOf(p)}, nil
}
