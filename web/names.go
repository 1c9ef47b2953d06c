package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Named is what people call the owner of a user name.
type Named struct {
	User string `json:"user" example:"mara"`
	Name string `json:"name" doc:"as people call them; empty when nothing was said" example:"Mara Novak"`
}

// NameList is the names of those who were asked for.
type NameList struct {
	Items []Named `json:"items" doc:"by user name"`
}

type namesQuery struct {
	Users []string `query:"user,explode" required:"true" minItems:"1" maxItems:"200" example:"[\"mara\"]" doc:"user names, as they stand in a record; repeat for several"`
}

// describeNames registers what turns the user names of a record into names. It takes no
// right: whoever reads a record may know who wrote it. It tells nothing else of anybody, and
// there is no list to look through.
func (s *Server) describeNames(api huma.API) {
	huma.Register(api, forAnyone(huma.Operation{
		OperationID: "list-names", Method: http.MethodGet, Path: "/api/names", Tags: []string{"people"},
		Summary: "What people are called",
		Description: "The names of those who are asked for by user name, also of those who were suspended, as records go on naming them. " +
			"Who does not exist is left out.",
		Errors: []int{401, 403, 422}, RejectUnknownQueryParameters: true,
	}), func(ctx context.Context, in *namesQuery) (*struct{ Body NameList }, error) {
		all, err := s.Accounts.People()
		if err != nil {
			return nil, s.fail(ctx, "people", err)
		}
		list := NameList{Items: []Named{}}
		for _, p := range all {
			if slices.Contains(in.Users, p.User) {
				list.Items = append(list.Items, Named{User: p.User, Name: p.Name})
			}
		}
		return &struct{ Body NameList }{list}, nil
	})
}
