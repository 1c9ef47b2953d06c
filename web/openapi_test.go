package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write golden files anew")

// operation is what the tests read of one operation in the description.
type operation struct {
	OperationID string                     `json:"operationId"`
	Summary     string                     `json:"summary"`
	Security    *[]map[string]any          `json:"security"`
	Responses   map[string]json.RawMessage `json:"responses"`
	RequestBody json.RawMessage            `json:"requestBody"`
}

type description struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

func TestOpenAPIGolden(t *testing.T) {
	s := newSite(t)
	body := s.logIn().want(http.StatusOK, "GET", "/api/openapi.json", nil).body
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Error("the API is not as web/openapi.json says; look at the difference and run the tests with -update")
	}
}

// Every reference leads somewhere, every operation has a name and a summary, and no two
// share a name.
func TestOpenAPIIsWhole(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	var d description
	a := b.want(http.StatusOK, "GET", "/api/openapi.json", nil)
	a.decode(t, &d)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("openapi %q", d.OpenAPI)
	}
	for _, part := range strings.Split(string(a.body), `"$ref":"`)[1:] {
		ref, _, _ := strings.Cut(part, `"`)
		if d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
			t.Errorf("reference %s leads nowhere", ref)
		}
	}
	seen := map[string]bool{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			if op.OperationID == "" || op.Summary == "" || seen[op.OperationID] {
				t.Errorf("%s %s: operation %q (summary %q) is nameless or not the only one", method, path, op.OperationID, op.Summary)
			}
			seen[op.OperationID] = true
		}
	}
	for _, want := range []string{
		"POST /api/session", "GET /api/session", "DELETE /api/session", "PUT /api/session/password",
		"GET /api/incidents", "GET /api/incidents/{id}", "POST /api/incidents/{id}/acknowledge", "POST /api/incidents/{id}/close",
		"POST /api/incidents/{id}/judgement", "GET /api/incidents/{id}/why", "GET /api/incidents/{id}/mask", "GET /api/reports/precision",
		"GET /api/incidents/{id}/clip", "GET /api/incidents/{id}/still", "GET /api/incidents/{id}/picture",
		"GET /api/incidents/{id}/manifest", "GET /api/incidents/{id}/signature", "GET /api/incidents/{id}/playable",
		"GET /api/incidents/{id}/custody", "GET /api/incidents/{id}/integrity", "GET /api/incidents/{id}/retention",
		"POST /api/incidents/{id}/hold", "DELETE /api/incidents/{id}/hold", "POST /api/exhibits", "GET /api/custody", "GET /api/keys",
		"GET /api/recall", "GET /api/recall/{camera}/coverage", "GET /api/recall/{camera}/moved", "GET /api/recall/{camera}/clip.mp4",
		"GET /api/cameras", "GET /api/cameras/{id}/picture", "GET /api/events", "GET /api/status", "GET /api/openapi.json",
		"GET /healthz", "GET /readyz", "GET /metrics",
	} {
		method, path, _ := strings.Cut(want, " ")
		if _, ok := d.Paths[path][strings.ToLower(method)]; !ok {
			t.Errorf("%s is not described", want)
		}
	}
}

// The description and the guard agree about what needs a session.
func TestEveryOperationNeedsASession(t *testing.T) {
	s := newSite(t, func(s *Server) { s.BehindProxy = true }) // so that this machine is nothing special
	in := sample(1)
	s.create(in)
	var d description
	s.logIn().want(http.StatusOK, "GET", "/api/openapi.json", nil).decode(t, &d)
	stranger := s.browser()
	checked := 0
	for path, operations := range d.Paths {
		path = strings.NewReplacer("{id}", string(in.ID)).Replace(path)
		for method, op := range operations {
			method = strings.ToUpper(method)
			if op.Security != nil && len(*op.Security) == 0 {
				if !slices.Contains([]string{"login", "get-health", "get-readiness", "inbound-event"}, op.OperationID) {
					t.Errorf("%s is open to everybody", op.OperationID)
				}
				continue
			}
			checked++
			var body any
			if op.RequestBody != nil {
				body = map[string]string{"old": "x", "new": "y"}
			}
			a := stranger.do(method, path, body)
			if a.StatusCode != http.StatusUnauthorized || a.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s without a session: got %d %s, want 401 as a problem", method, path, a.StatusCode, a.Header.Get("Content-Type"))
			}
		}
	}
	if checked < 15 {
		t.Errorf("checked %d operations only", checked)
	}
	if got, _ := s.index.Get(t.Context(), in.ID); got.Revision != in.Revision {
		t.Error("a stranger changed the incident")
	}
	for _, path := range []string{"/api", "/api/", "/api/nothing", "/api/incidents/../incidents", "//api/incidents", "/API/incidents", "/api//incidents"} {
		if a := stranger.do("GET", path, nil); a.StatusCode == http.StatusOK && !bytes.Contains(a.body, []byte("<!doctype html>")) {
			t.Errorf("GET %s without a session: got %d: %.80s", path, a.StatusCode, a.body)
		}
	}
}

// Every operation that answers with a list shows one, which is not empty and fits the
// description.
func TestListsHaveExamples(t *testing.T) {
	s := newSite(t)
	doc, schemas := compileDescription(t, bytes.NewReader(s.logIn().want(http.StatusOK, "GET", "/api/openapi.json", nil).body))
	w := &walk{maker: &maker{spec: readSpec(doc)}, schemas: schemas, checks: map[string]*jsonschema.Schema{}}
	lists := 0
	for _, c := range w.calls {
		if c.method != http.MethodGet {
			continue
		}
		answer, _ := c.op["responses"].(map[string]any)["200"].(map[string]any)
		content, _ := answer["content"].(map[string]any)["application/json"].(map[string]any)
		schema, _ := content["schema"].(map[string]any)
		if schema == nil {
			continue
		}
		list := w.listOf(schema)
		if list == nil {
			continue
		}
		lists++
		example := content["example"]
		if example == nil {
			t.Errorf("%s has no example", c.id)
			continue
		}
		body, err := json.Marshal(example)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.fits(c, answered{body: body}, "200", "application/json"); err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
		if len(list(example)) == 0 {
			t.Errorf("%s: the example has nothing in its list", c.id)
		}
	}
	if lists < 23 {
		t.Errorf("%d operations answer with a list", lists)
	}
}

// listOf says how to get at the list of an answer; nil: it has none.
func (s *spec) listOf(schema map[string]any) func(any) []any {
	isList := func(schema any) bool {
		m, _ := schema.(map[string]any)
		return strings.Contains(fmt.Sprint(m["type"]), "array")
	}
	if isList(schema) {
		return func(v any) []any { list, _ := v.([]any); return list }
	}
	properties, _ := s.follow(schema)["properties"].(map[string]any)
	for _, name := range []string{"items", "rows", "lines", "officers", "have"} {
		if isList(properties[name]) {
			return func(v any) []any {
				object, _ := v.(map[string]any)
				list, _ := object[name].([]any)
				return list
			}
		}
	}
	return nil
}
