package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// TokenList is every token of one person, or of all.
type TokenList struct {
	Items []people.Token `json:"items" doc:"the oldest first; those that are over too"`
}

type tokenQuery struct {
	All bool `query:"all" doc:"those of everybody; only for administrators"`
}

type newToken struct {
	Body struct {
		Name    string         `json:"name" minLength:"1" maxLength:"80" example:"alarm panel"`
		Rights  []models.Right `json:"rights" minItems:"1" maxItems:"32" enum:"view,live,footage,work,investigate,assign,close,review,export,hold,delete,report,tune,audit,administer"`
		Groups  []string       `json:"groups,omitempty" maxItems:"256" doc:"camera groups; absent: all that its owner may"`
		Expires time.Time      `json:"expires,omitzero" doc:"at most 366 days from now; default: 90 days"`
	}
}

// tokenLife is how long a token lasts when nobody says.
const tokenLife = 90 * 24 * time.Hour

// NewToken is a token with its secret.
type NewToken struct {
	people.Token
	Secret string `json:"secret" doc:"for the header Authorization: Bearer; shown only this once"`
}

type oneToken struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) describeTokens(api huma.API) {
	tags := []string{"people"}
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/api/tokens", Tags: tags,
		Summary: "List one's own tokens", Description: "Tokens let other programs in, in the name of whoever made them.",
		Errors: []int{401, 403, 422}, RejectUnknownQueryParameters: true,
	}), func(ctx context.Context, q *tokenQuery) (*struct{ Body TokenList }, error) {
		who := requestOf(ctx).who
		owner := who.user
		if q.All {
			if owner = ""; !who.may(models.RightAdminister, "", nil) {
				return nil, s.lacking(ctx, models.RightAdminister)
			}
		}
		tokens, err := s.Accounts.Tokens(owner)
		if err != nil {
			return nil, s.fail(ctx, "tokens", err)
		}
		return &struct{ Body TokenList }{TokenList{tokens}}, nil
	})
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/api/tokens", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a token",
		Description: "With a part of one's own rights. What its owner may no more, it may no more either. A repeat with the same name " +
			"is a 409: the secret is shown only once.",
		Errors: []int{401, 403, 409, 413, 422}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), func(ctx context.Context, in *newToken) (*struct{ Body NewToken }, error) {
		t := people.Token{Name: strings.TrimSpace(in.Body.Name), Owner: requestOf(ctx).who.user, Rights: in.Body.Rights, Groups: in.Body.Groups, Expires: in.Body.Expires}
		if t.Expires.IsZero() {
			t.Expires = s.Now().Add(tokenLife)
		}
		t, secret, err := s.Accounts.AddToken(t, s.overseen(ctx))
		if err != nil {
			return nil, s.unchanged(ctx, "token", err)
		}
		return &struct{ Body NewToken }{NewToken{t, secret}}, nil
	})
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/api/tokens/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Revoke a token", Description: "One's own; administrators also those of people within their reach.", Errors: []int{401, 403, 404},
	}), func(ctx context.Context, in *oneToken) (*struct{}, error) {
		who := requestOf(ctx).who
		may := func(t people.Token, owner people.Person) bool {
			return t.Owner == who.user || who.may(models.RightAdminister, "", nil) && by(ctx).Reaches(owner.Grants)
		}
		if err := s.Accounts.Revoke(in.ID, may, s.overseen(ctx)); err != nil {
			return nil, s.unchanged(ctx, "token", err)
		}
		return nil, nil
	})
}
