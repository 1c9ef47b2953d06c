package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// PersonFields are what administrators say of somebody.
type PersonFields struct {
	Name   string            `json:"name" maxLength:"120" example:"Mara Lindt"`
	Email  string            `json:"email,omitempty" maxLength:"254" example:"mara@example.org"`
	Grants []models.Grant    `json:"grants" maxItems:"16" doc:"roles, each over some camera groups or over all cameras"`
	Skills []string          `json:"skills,omitempty" maxItems:"32" doc:"a-z, 0-9 and underline, such as first_aid"`
	Shift  []models.Schedule `json:"shift,omitempty" maxItems:"32" doc:"when they are on duty; absent: always"`
	Site   string            `json:"site,omitempty" maxLength:"256" doc:"where they are posted"`
	// Position is where they stand.
	Position *models.Position `json:"position,omitempty" doc:"absent: at the site"`
}

type newPerson struct {
	Body struct {
		User string `json:"user" maxLength:"64" example:"mara" doc:"a-z, 0-9, dot, dash, underline and @; it stands in every record and is never changed"`
		PersonFields
	}
}

type personChange struct {
	OnePerson
	IfMatch string `header:"If-Match" maxLength:"64" doc:"the ETag of what the change was made for"`
	Body    PersonFields
}

// NewPassword is a one-time password. It is shown once and stored nowhere.
type NewPassword struct {
	Person   Person `json:"person"`
	Password string `json:"password" doc:"for the first login, at which it has to be changed; shown only this once"`
}

type newPasswordAnswer struct {
	ETag string `header:"ETag"`
	Body NewPassword
}

// ownRights makes an operation one that takes somebody who has logged in, on top of the
// right: a token could otherwise make people who may do more than it may itself.
func ownRights(op huma.Operation) huma.Operation {
	op.Metadata[inPersonKey] = true
	return op
}

func (s *Server) describePeopleChanges(api huma.API) {
	tags := []string{"people"}
	register := func(op huma.Operation) huma.Operation {
		op.Tags, op.MaxBodyBytes, op.BodyReadTimeout = tags, maxBody, requestTimeout
		return ownRights(needs(models.RightAdminister, op))
	}
	huma.Register(api, register(huma.Operation{
		OperationID: "create-person", Method: http.MethodPost, Path: "/api/people", DefaultStatus: http.StatusCreated,
		Summary: "Let somebody in",
		Description: "Answers a one-time password, once; a repeat is a 409. Nobody can give a role over more cameras than they " +
			"have that role's rights over themselves.",
		Errors: []int{401, 403, 409, 413, 422},
	}), func(ctx context.Context, in *newPerson) (*newPasswordAnswer, error) {
		o := models.Officer{User: in.Body.User}
		in.Body.apply(&o)
		p, password, err := s.Accounts.Add(o, by(ctx), s.overseen(ctx))
		if err != nil {
			return nil, s.unchanged(ctx, "person "+o.User, err)
		}
		return &newPasswordAnswer{editionTag(p.Edition), NewPassword{s.person(ctx, p), password}}, nil
	})
	huma.Register(api, register(huma.Operation{
		OperationID: "change-person", Method: http.MethodPut, Path: "/api/people/{user}",
		Summary: "Change somebody", Description: "What is left out is taken away. It holds at once, also in their open sessions. " +
			"The last administrator of all cameras stays one.",
		Errors: []int{401, 403, 404, 409, 412, 413, 422, 428},
	}), func(ctx context.Context, in *personChange) (*personAnswer, error) {
		edition, err := matched(in.IfMatch)
		if err != nil {
			return nil, err
		}
		return s.changePerson(ctx, in.User, edition, func(p *people.Person) { in.Body.apply(&p.Officer) })
	})
	for _, step := range []struct {
		name, summary, description string
		disabled                   bool
	}{
		{"suspend", "Keep somebody out", "Ends their sessions and refuses their tokens, at once. Their name stays in every record.", true},
		{"reinstate", "Let somebody in again", "With the password and the roles that they had.", false},
	} {
		huma.Register(api, register(huma.Operation{
			OperationID: step.name + "-person", Method: http.MethodPost, Path: "/api/people/{user}/" + step.name,
			Summary: step.summary, Description: step.description, Errors: []int{401, 403, 404, 409},
		}), func(ctx context.Context, in *OnePerson) (*personAnswer, error) {
			return s.changePerson(ctx, in.User, 0, func(p *people.Person) { p.Disabled = step.disabled })
		})
	}
	huma.Register(api, register(huma.Operation{
		OperationID: "unlock-person", Method: http.MethodPost, Path: "/api/people/{user}/unlock",
		Summary: "End a lock before its time", Description: "After too many wrong passwords, which were perhaps not theirs.",
		Errors: []int{401, 403, 404},
	}), func(ctx context.Context, in *OnePerson) (*personAnswer, error) {
		p, err := s.Accounts.Unlock(in.User, by(ctx), s.overseen(ctx))
		if err != nil {
			return nil, s.unchanged(ctx, "person "+in.User, err)
		}
		return &personAnswer{editionTag(p.Edition), s.person(ctx, p)}, nil
	})
	huma.Register(api, register(huma.Operation{
		OperationID: "reset-password", Method: http.MethodPost, Path: "/api/people/{user}/password",
		Summary: "Give somebody a one-time password", Description: "Ends their sessions and a lock. Their tokens are refused until they have chosen a password.",
		Errors: []int{401, 403, 404},
	}), func(ctx context.Context, in *OnePerson) (*newPasswordAnswer, error) {
		password, err := s.Accounts.ResetPassword(in.User, by(ctx), s.overseen(ctx))
		if err != nil {
			return nil, s.unchanged(ctx, "person "+in.User, err)
		}
		p, err := s.Accounts.Person(in.User)
		if err != nil {
			return nil, s.fail(ctx, "person "+in.User, err)
		}
		return &newPasswordAnswer{editionTag(p.Edition), NewPassword{s.person(ctx, p), password}}, nil
	})
}

func (f PersonFields) apply(o *models.Officer) {
	o.Name, o.Email, o.Grants, o.Skills = strings.TrimSpace(f.Name), strings.TrimSpace(f.Email), f.Grants, f.Skills
	o.Shift, o.Site, o.Position = f.Shift, strings.TrimSpace(f.Site), f.Position
}

// by is who changes people, with what they may give.
func by(ctx context.Context) people.By {
	who := requestOf(ctx).who
	return people.By{User: who.user, Grants: who.grants}
}

func (s *Server) changePerson(ctx context.Context, user string, edition int64, edit func(*people.Person)) (*personAnswer, error) {
	p, err := s.Accounts.Change(user, edition, by(ctx), func(p *people.Person) error {
		edit(p)
		return nil
	}, s.overseen(ctx))
	if err != nil {
		return nil, s.unchanged(ctx, "person "+user, err)
	}
	return &personAnswer{editionTag(p.Edition), s.person(ctx, p)}, nil
}

// unchanged says why people were not changed.
func (s *Server) unchanged(ctx context.Context, what string, err error) error {
	if answer := huma.StatusError(nil); errors.As(err, &answer) { // the custody log does not take it
		return err
	}
	return s.fail(ctx, what, err)
}

// matched reads If-Match: the edition that a change was made for.
func matched(header string) (int64, error) {
	if header == "" {
		return 0, huma.NewError(http.StatusPreconditionRequired, "send If-Match with the ETag of what the change was made for")
	}
	text := strings.TrimSuffix(strings.TrimPrefix(header, `"e`), `"`)
	edition, err := strconv.ParseInt(text, 10, 64)
	if err != nil || edition <= 0 || header != editionTag(edition) {
		return 0, huma.Error412PreconditionFailed("If-Match is not an ETag of this")
	}
	return edition, nil
}
