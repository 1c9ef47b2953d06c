package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// Profile is what colleagues know of somebody.
type Profile struct {
	User     string           `json:"user"`
	Name     string           `json:"name" doc:"as people call them; may be empty"`
	Roles    []string         `json:"roles" enum:"monitor,officer,investigator,operator,supervisor,administrator,auditor"`
	Skills   []string         `json:"skills" doc:"such as first_aid"`
	OnDuty   bool             `json:"on_duty" doc:"their shift runs now"`
	Site     string           `json:"site,omitempty" doc:"where they are posted"`
	Position *models.Position `json:"position,omitempty" doc:"absent: at the site"`
	Away     string           `json:"away,omitempty" doc:"why they cannot be sent now, such as a break; absent: they can"`
	Since    time.Time        `json:"since,omitzero" doc:"of away, site and position"`
}

// Account is what administrators know of somebody beyond that.
type Account struct {
	Email      string            `json:"email,omitempty"`
	Grants     []models.Grant    `json:"grants" doc:"what they may do, over which camera groups"`
	Shift      []models.Schedule `json:"shift" doc:"when they are on duty; empty: always"`
	Suspended  bool              `json:"suspended" doc:"cannot log in; their name stays in every record"`
	MustChange bool              `json:"must_change" doc:"a one-time password is in force"`
	Created    time.Time         `json:"created,omitzero"`
	Changed    time.Time         `json:"password_changed"`
	Locked     time.Time         `json:"locked_until,omitzero" doc:"too many wrong passwords: nobody can log in as them until then"`
	Edition    int64             `json:"edition" doc:"as in ETag"`
}

// Person is somebody who may log in.
type Person struct {
	Profile
	Account *Account `json:"account,omitempty" doc:"only for administrators"`
}

// PeoplePage is a part of the list of people.
type PeoplePage struct {
	Items []Person `json:"items" doc:"by user name"`
	Next  string   `json:"next" doc:"cursor of the next page; empty on the last"`
}

type peopleQuery struct {
	Role  string `query:"role" enum:"monitor,officer,investigator,operator,supervisor,administrator,auditor"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"64" doc:"the cursor next of the page before"`
}

// OnePerson names somebody by their user name.
type OnePerson struct {
	User string `path:"user" maxLength:"64" example:"mara"`
}

type personAnswer struct {
	ETag string `header:"ETag"`
	Body Person
}

type availability struct {
	Body struct {
		Away     string           `json:"away,omitempty" maxLength:"200" example:"break" doc:"why they cannot be sent now; absent: they can"`
		Site     string           `json:"site,omitempty" maxLength:"256" example:"north" doc:"where they are posted"`
		Position *models.Position `json:"position,omitempty" doc:"absent: at the site"`
	}
}

func profile(p people.Person) Profile {
	out := Profile{User: p.User, Name: p.Name, Roles: []string{}, Skills: orEmpty(p.Skills), Site: p.Site, Position: p.Position, Away: p.Away, Since: p.Since}
	for _, g := range p.Grants {
		if !slices.Contains(out.Roles, string(g.Role)) {
			out.Roles = append(out.Roles, string(g.Role))
		}
	}
	return out
}

// person is somebody as whoever asks may know them.
func (s *Server) person(ctx context.Context, p people.Person) Person {
	out := Person{Profile: s.profile(p)}
	if requestOf(ctx).who.may(models.RightAdminister, "", nil) {
		out.Account = &Account{Email: p.Email, Grants: orEmpty(p.Grants), Shift: orEmpty(p.Shift), Suspended: p.Disabled, MustChange: p.MustChange,
			Created: p.Created, Changed: p.Changed, Locked: p.Locked, Edition: p.Edition}
	}
	return out
}

func (s *Server) profile(p people.Person) Profile {
	out := profile(p)
	out.OnDuty = p.OnDuty(s.Now())
	return out
}

func editionTag(edition int64) string { return `"e` + strconv.FormatInt(edition, 10) + `"` }

func (s *Server) describePeople(api huma.API) {
	tags := []string{"people"}
	huma.Register(api, needs(models.RightAssign, huma.Operation{
		OperationID: "list-people", Method: http.MethodGet, Path: "/api/people", Tags: tags,
		Summary:     "List people",
		Description: "Who there is, what they are employed for, where they are and whether they can be sent. Administrators also see the accounts.",
		Errors:      []int{401, 403, 422}, RejectUnknownQueryParameters: true,
	}), s.listPeople)
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/api/people/me", Tags: tags,
		Summary: "One's own profile", Errors: []int{401, 403},
	}), func(ctx context.Context, _ *struct{}) (*struct{ Body Profile }, error) {
		p, err := s.Accounts.Person(requestOf(ctx).who.user)
		if err != nil {
			return nil, s.fail(ctx, "people", err)
		}
		return &struct{ Body Profile }{s.profile(p)}, nil
	})
	huma.Register(api, forPeople(huma.Operation{
		OperationID: "set-availability", Method: http.MethodPut, Path: "/api/people/me", Tags: tags,
		Summary:     "Say where one is, and whether one can be sent",
		Description: "Takes the place of what was said before; what is left out is said no more.",
		Errors:      []int{401, 403, 413, 422}, MaxBodyBytes: maxBody, BodyReadTimeout: requestTimeout,
	}), func(ctx context.Context, in *availability) (*struct{ Body Profile }, error) {
		p, err := s.Accounts.SetAvailability(requestOf(ctx).who.user, strings.TrimSpace(in.Body.Away), strings.TrimSpace(in.Body.Site), in.Body.Position)
		if err != nil {
			return nil, s.fail(ctx, "people", err)
		}
		return &struct{ Body Profile }{s.profile(p)}, nil
	})
	huma.Register(api, needs(models.RightAdminister, huma.Operation{
		OperationID: "get-person", Method: http.MethodGet, Path: "/api/people/{user}", Tags: tags,
		Summary: "Get one person", Errors: []int{401, 403, 404},
	}), func(ctx context.Context, in *OnePerson) (*personAnswer, error) {
		p, err := s.Accounts.Person(in.User)
		if err != nil {
			return nil, s.fail(ctx, "person "+in.User, err)
		}
		return &personAnswer{editionTag(p.Edition), s.person(ctx, p)}, nil
	})
	s.describePeopleChanges(api)
}

func (s *Server) listPeople(ctx context.Context, q *peopleQuery) (*struct{ Body PeoplePage }, error) {
	all, err := s.Accounts.People()
	if err != nil {
		return nil, s.fail(ctx, "people", err)
	}
	page := PeoplePage{Items: []Person{}}
	for _, p := range all {
		if p.User <= q.After || q.Role != "" && !slices.ContainsFunc(p.Grants, func(g models.Grant) bool { return string(g.Role) == q.Role }) {
			continue
		}
		// Who was suspended is no colleague any more; administrators see them to let them in again.
		if p.Disabled && !requestOf(ctx).who.may(models.RightAdminister, "", nil) {
			continue
		}
		if len(page.Items) == q.Limit {
			page.Next = page.Items[q.Limit-1].User
			break
		}
		page.Items = append(page.Items, s.person(ctx, p))
	}
	return &struct{ Body PeoplePage }{page}, nil
}
