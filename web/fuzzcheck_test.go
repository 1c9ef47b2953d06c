package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// general are the answers that the way in gives before any operation is asked.
var general = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}

// check says what is wrong with an answer.
func (w *walk) check(r sentRequest, a answered) error {
	log := w.logged()
	if i := strings.Index(log[min(w.mark, len(log)):], "panic in a request"); i >= 0 {
		return errors.New("the server panicked")
	}
	if a.cut && a.code == 0 {
		if r.call.id == "stream-events" || len(r.body) > maxBody || r.slant == deep {
			return nil // hung up on what it did not want to read
		}
		return errors.New("the server hung up")
	}
	if a.code >= 500 && a.code != http.StatusNotImplemented && a.code != http.StatusServiceUnavailable {
		return errors.New("a failure of the server")
	}
	if a.code == http.StatusRequestHeaderFieldsTooLarge && len(r.target) > http.DefaultMaxHeaderBytes/4 {
		return nil // of net/http, before any handler
	}
	responses := r.call.op["responses"].(map[string]any)
	described, ok := responses[strconv.Itoa(a.code)].(map[string]any)
	if !ok {
		if a.code >= 400 && slices.Contains(general, a.code) {
			return w.problem(a)
		}
		return fmt.Errorf("the description has no answer %d, only %v", a.code, slices.Sorted(maps.Keys(responses)))
	}
	if a.code >= 400 {
		if err := w.problem(a); err != nil {
			return err
		}
	}
	content, _ := described["content"].(map[string]any)
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case len(content) == 0 && len(bytes.TrimSpace(a.body)) == 0, a.code == http.StatusNotModified, r.method == http.MethodHead:
		return nil
	case len(content) == 0 && a.code == http.StatusRequestedRangeNotSatisfiable:
		return nil // net/http says in plain words which ranges there are
	case len(content) == 0 && a.code >= 400:
		return nil // a problem, as everywhere
	case err != nil:
		return fmt.Errorf("content type %q: %w", a.header.Get("Content-Type"), err)
	case content[kind] == nil && kind == "multipart/byteranges" && a.code == http.StatusPartialContent:
		return nil
	case content[kind] == nil:
		return fmt.Errorf("content type %s, the description has %v", kind, slices.Sorted(maps.Keys(content)))
	}
	if !strings.HasSuffix(kind, "json") || kind == "application/openapi+json" || a.code == http.StatusPartialContent {
		return nil
	}
	return w.fits(r.call, a, strconv.Itoa(a.code), kind)
}

// problem says whether an error is told as RFC 9457 has it.
func (w *walk) problem(a answered) error {
	var p struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		if a.code == http.StatusRequestedRangeNotSatisfiable {
			return nil
		}
		return fmt.Errorf("an error comes as %q", kind)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		return fmt.Errorf("an error is no JSON: %w", err)
	}
	if p.Status != a.code || p.Title == "" {
		return fmt.Errorf("the error says %d %q", p.Status, p.Title)
	}
	return nil
}

// fits compares an answer with its schema.
func (w *walk) fits(c call, a answered, code, kind string) error {
	where := "api.json#/paths/" + pointer(c.path) + "/" + strings.ToLower(c.method) + "/responses/" + code + "/content/" + pointer(kind) + "/schema"
	schema := w.checks[where]
	if schema == nil {
		var err error
		if schema, err = w.schemas.Compile(where); err != nil {
			return fmt.Errorf("the description itself: %w", err)
		}
		w.checks[where] = schema
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		return fmt.Errorf("the answer is no JSON: %w", err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("the answer is not as it is described: %w", err)
	}
	return nil
}

// pointer escapes a name for a JSON pointer in a URL (RFC 6901).
func pointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(s)
}
