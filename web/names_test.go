package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// An officer, who may not read the list of people, learns what the people of a record are
// called, and nothing more.
func TestNames(t *testing.T) {
	c := newCastle(t)
	for _, o := range []models.Officer{
		{User: "mara", Name: "Mara Novak", Email: "mara@example.org", Skills: []string{"first_aid"}},
		{User: "gone", Name: "Bob Gone"},
	} {
		o.Grants = []models.Grant{{Role: models.RoleMonitor, Groups: []string{"south"}}}
		if _, _, err := c.server.Accounts.Add(o, people.Operator, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.server.Accounts.Change("gone", 0, people.Operator, func(p *people.Person) error { p.Disabled = true; return nil }, nil); err != nil {
		t.Fatal(err)
	}
	ask := func(users ...string) (int, string) {
		w := c.do("GET", "/api/names?"+url.Values{"user": users}.Encode(), "", c.as("officer"))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, tc := range []struct {
		name  string
		users []string
		want  string
	}{
		{"in the order of their user names", []string{"mara", "gone"}, `{"items":[{"user":"gone","name":"Bob Gone"},{"user":"mara","name":"Mara Novak"}]}`},
		{"nobody of that name", []string{"nobody"}, `{"items":[]}`},
		{"one of them is not there", []string{"nobody", "mara", "mara"}, `{"items":[{"user":"mara","name":"Mara Novak"}]}`},
		{"without a name", []string{"monitor"}, `{"items":[{"user":"monitor","name":""}]}`},
	} {
		if code, got := ask(tc.users...); code != http.StatusOK || got != tc.want {
			t.Errorf("%s: %d %s, want %s", tc.name, code, got, tc.want)
		}
	}
	if code, got := ask(); code != http.StatusUnprocessableEntity {
		t.Errorf("everybody at once: %d %s", code, got)
	}
	if code, got := ask(slices.Repeat([]string{"mara"}, 201)...); code != http.StatusUnprocessableEntity {
		t.Errorf("more than 200: %d %s", code, got)
	}
}
