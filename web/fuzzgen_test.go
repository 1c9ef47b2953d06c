package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"
)

// spec is the description of the API, read without types.
type spec struct {
	doc   map[string]any
	calls []call
}

// call is one operation of it.
type call struct {
	id, method, path string
	op               map[string]any
}

func readSpec(doc map[string]any) *spec {
	s := &spec{doc: doc}
	paths := doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(item)) {
			if op, ok := item[method].(map[string]any); ok && op["operationId"] != nil {
				s.calls = append(s.calls, call{op["operationId"].(string), strings.ToUpper(method), path, op})
			}
		}
	}
	return s
}

// follow returns what a reference means.
func (s *spec) follow(schema map[string]any) map[string]any {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	var at any = s.doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[part]
	}
	return s.follow(at.(map[string]any))
}

// slant is in which way a request is not as it should be.
type slant int

const (
	straight slant = iota // as the description wants it
	edges                 // values at and just beyond their bounds
	wrong                 // other types
	missing               // members left out
	extra                 // members that nobody knows
	huge                  // texts and lists far beyond any bound
	strange               // characters that break things
	deep                  // nesting
	lost                  // names of things that there are not
	garbage               // no JSON at all
	slants
)

func (s slant) String() string {
	return []string{"straight", "edges", "wrong", "missing", "extra", "huge", "strange", "deep", "lost", "garbage"}[s]
}

// awkward are texts that have broken something somewhere.
var awkward = []string{"", " ", "\x00", "a\x00b", "\u202egpj.exe", "\ufeff", "\u2028", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`,
	"'; DROP TABLE incidents; --", "%", "_%", "../../../etc/passwd", `..\..\x`, "%2e%2e%2f", "${jndi:ldap://x}", "{{7*7}}", "\r\nSet-Cookie: a=b", "null", "true", "NaN",
	"-1", "1e309", "0x10", "٣", "é", "e\u0301", "𝕏𝕏", "👩‍👩‍👧‍👦", "ﷺ", "İ", "ß", strings.Repeat("\u0300", 40), "a/b", "a?b#c", ".", "..", "-", "_", "*", `"e1"`, "e1"}

// things are the names that the site has told of so far, so that what is asked for is
// often there: by the name of the member that it stood in.
type things struct {
	by map[string][]string
}

// maxThings bounds how many names of a kind are remembered.
const maxThings = 60

func (t *things) add(kind, name string) {
	if name == "" || len(name) > 200 || slices.Contains(t.by[kind], name) {
		return
	}
	if list := t.by[kind]; len(list) >= maxThings {
		t.by[kind] = append(list[:5:5], list[6:]...) // the first few stay: the rest may be gone
	}
	t.by[kind] = append(t.by[kind], name)
}

// learn remembers names from an answer; of is the list or the collection that it is in.
func (t *things) learn(v any, of string) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch member := v[key].(type) {
			case string:
				switch key {
				case "id":
					t.add(of, member)
				case "camera", "zone", "user", "officer", "site", "type", "sub", "outcome", "next", "stage", "name":
					t.add(key, member)
				case "incident":
					t.add("incident", member)
				}
			default:
				switch key {
				case "example": // of the description: the names are of nothing that there is
				case "items": // which says nothing of what they are
					t.learn(member, of)
				default:
					t.learn(member, key)
				}
			}
		}
		if id, ok := v["id"].(string); ok && v["footage"] != nil && v["events"] != nil {
			t.add("incident", id)
		}
	case []any:
		for _, one := range v {
			t.learn(one, of)
		}
	}
}

// collection is the first name in a path below /api.
func collection(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	return name
}

// kindOf is the kind of thing that a parameter or a member names.
func kindOf(name, path string) string {
	switch name {
	case "id":
		if strings.HasPrefix(path, "/api/incidents") {
			return "incident"
		}
		if strings.HasPrefix(path, "/api/cameras") {
			return "camera"
		}
		return collection(path)
	case "incidents", "into", "from_incident", "with", "others":
		return "incident"
	case "owner", "to", "officer", "officers", "user", "who":
		return "user"
	case "cameras":
		return "camera"
	case "task", "change", "attachment", "exhibit":
		return name + "s"
	case "after", "before":
		return "next"
	case "types":
		return "type"
	}
	return name
}

// maker makes requests.
type maker struct {
	*spec
	*things
	rng   *rand.Rand
	now   time.Time
	large int // texts of the present request that are huge
}

func (m *maker) chance(percent int) bool { return m.rng.IntN(100) < percent }

func pick[T any](m *maker, list []T) T { return list[m.rng.IntN(len(list))] }

// typesOf are the types that a schema allows.
func typesOf(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, one := range t {
			out = append(out, one.(string))
		}
		return out
	}
	if schema["properties"] != nil {
		return []string{"object"}
	}
	return nil
}

func number(schema map[string]any, key string, otherwise float64) float64 {
	if n, ok := schema[key].(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return otherwise
}

// value makes what a schema describes, with a slant in some places.
func (m *maker) value(schema map[string]any, name, path string, s slant, depth int) any {
	schema = m.follow(schema)
	if depth > 12 {
		return nil
	}
	bent := s != straight && m.chance(35)
	if bent {
		switch s {
		case wrong:
			return pick(m, []any{nil, true, 7, -1.5, "text", []any{}, []any{1, "a"}, map[string]any{"a": 1}, map[string]any{}})
		case deep:
			return nested(m.rng.IntN(3), 200+m.rng.IntN(12_000))
		}
	}
	if one, ok := schema["oneOf"].([]any); ok {
		return m.value(pick(m, one).(map[string]any), name, path, s, depth+1)
	}
	if list, ok := schema["enum"].([]any); ok && !(bent && (s == strange || s == lost)) {
		return pick(m, list)
	}
	types := typesOf(schema)
	if len(types) == 0 {
		return pick(m, []any{nil, 1, "x"})
	}
	switch t := types[0]; t {
	case "object":
		return m.object(schema, path, s, depth)
	case "array":
		return m.array(schema, name, path, s, depth, bent)
	case "integer", "number":
		return m.number(schema, t == "integer", bent && s == edges)
	case "boolean":
		return m.chance(50)
	}
	return m.text(schema, name, path, s, bent)
}

func nested(kind, depth int) any {
	open, shut := "[", "]"
	if kind == 1 {
		open, shut = `{"a":`, "}"
	}
	return json.RawMessage(strings.Repeat(open, depth) + "1" + strings.Repeat(shut, depth))
}

func (m *maker) object(schema map[string]any, path string, s slant, depth int) any {
	out := map[string]any{}
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		needed := slices.Contains(required, any(name))
		if needed && s == missing && m.chance(30) || !needed && m.chance(45) || name == "$schema" {
			continue
		}
		out[name] = m.value(properties[name].(map[string]any), name, path, s, depth+1)
	}
	if s == extra {
		out[cmp.Or(pick(m, awkward), "x")] = "y"
		if m.chance(30) {
			out["__proto__"] = map[string]any{"admin": true}
		}
	}
	return out
}

func (m *maker) array(schema map[string]any, name, path string, s slant, depth int, bent bool) any {
	lo, hi := int(number(schema, "minItems", 0)), int(number(schema, "maxItems", 4))
	n := lo + m.rng.IntN(max(1, min(hi, lo+3)-lo+1))
	switch {
	case bent && s == edges:
		n = pick(m, []int{max(0, lo-1), lo, min(hi, 300), min(hi+1, 301)})
	case bent && s == huge:
		n, s = 2000, straight
	}
	items, ok := schema["items"].(map[string]any)
	if !ok {
		return []any{}
	}
	out := make([]any, 0, n)
	for range n {
		out = append(out, m.value(items, name, path, s, depth+1))
	}
	return out
}

func (m *maker) number(schema map[string]any, whole, edge bool) any {
	lo, hi := number(schema, "minimum", -3), number(schema, "maximum", 1000)
	if edge {
		return pick(m, []any{lo, hi, lo - 1, hi + 1, 0, -0.5, json.Number("1e400"), int64(1) << 62, json.Number("9223372036854775808"), json.Number("-9223372036854775809")})
	}
	f := lo + m.rng.Float64()*(min(hi, lo+1e6)-lo)
	if whole {
		return int64(f)
	}
	return f
}

// text makes a string. Most often it names something that is there.
func (m *maker) text(schema map[string]any, name, path string, s slant, bent bool) any {
	lo, hi := int(number(schema, "minLength", 0)), int(number(schema, "maxLength", 40))
	format, _ := schema["format"].(string)
	switch {
	case bent && s == edges && format == "date-time":
		return pick(m, []string{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-03-29T02:30:00+01:00",
			"2026-03-04T05:06:07+14:00", "2026-03-04T05:06:60Z", "2262-04-12T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-03-04"})
	case format == "date-time":
		return m.now.Add(-time.Duration(m.rng.IntN(100_000)) * time.Second).Format(time.RFC3339)
	case format == "date":
		return m.now.AddDate(0, 0, -m.rng.IntN(40)).Format(time.DateOnly)
	case bent && s == edges:
		return strings.Repeat("x", pick(m, []int{max(0, lo-1), lo, min(hi, 30_000), min(hi+1, 30_001)}))
	case bent && s == huge && m.large < 1: // one is enough: they add up
		m.large++
		return strings.Repeat(pick(m, []string{"x", "ü", "\u202e", "<"}), pick(m, []int{5000, 100_000, 300_000}))
	case bent && s == strange:
		return pick(m, awkward)
	case bent && s == lost:
		return pick(m, []string{"none", "0", "20260304T050607.000Z-gate-door-loitering-999", "zzzz", "ADMIN", "%00"})
	}
	if list := m.by[kindOf(name, path)]; len(list) > 0 && m.chance(85) {
		return pick(m, list)
	}
	n := lo + m.rng.IntN(max(1, min(hi, lo+20)-lo+1))
	words := "the man at the window looked twice and went away again with a red bag "
	return strings.Repeat(words, 1+n/len(words))[:n]
}

// sentRequest is what is sent.
type sentRequest struct {
	call    call
	slant   slant
	method  string
	target  string
	headers [][2]string
	body    []byte
	who     string
}

func (r sentRequest) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s, %s) by %s:\n%s %s\n", r.call.id, r.slant, r.call.path, r.who, r.method, cutText(r.target, 1500))
	for _, h := range r.headers {
		fmt.Fprintf(&b, "%s: %s\n", h[0], cutText(h[1], 300))
	}
	fmt.Fprintf(&b, "\n%s", cutText(string(r.body), 3000))
	return b.String()
}

func cutText(s string, most int) string {
	if len(s) > most {
		return fmt.Sprintf("%q… (%d bytes)", s[:most], len(s))
	}
	return s
}

// request makes one for an operation.
func (m *maker) request(c call, s slant, etags map[string]string) sentRequest {
	r := sentRequest{call: c, slant: s, method: c.method, target: c.path}
	query := url.Values{}
	incident := ""
	m.large = 0
	params, _ := c.op["parameters"].([]any)
	for _, p := range params {
		p := p.(map[string]any)
		name, in := p["name"].(string), p["in"].(string)
		schema, _ := p["schema"].(map[string]any)
		needed := p["required"] == true
		if in != "path" && !needed && m.chance(60) || needed && in != "path" && s == missing && m.chance(30) {
			continue
		}
		switch in {
		case "path":
			v := plainText(m.value(schema, name, c.path, s, 0))
			if name == "id" {
				incident = v
			}
			if v == "" || v == "." || v == ".." {
				v = "none" // the router would clean them away, and ask another operation
			}
			r.target = strings.ReplaceAll(r.target, "{"+name+"}", url.PathEscape(v))
		case "query":
			v := m.value(schema, name, c.path, s, 0)
			if list, ok := v.([]any); ok {
				for _, one := range list {
					query.Add(name, plainText(one))
				}
			} else {
				query.Set(name, plainText(v))
			}
		case "header":
			v := plainText(m.value(schema, name, c.path, s, 0))
			if name == "If-Match" && m.chance(70) {
				v = cmp.Or(etags[incident], `"e1"`)
			}
			r.headers = append(r.headers, [2]string{name, headerText(v)})
		}
	}
	if s == extra && m.chance(40) {
		query.Set("unknown", "1")
	}
	if len(query) > 0 {
		r.target += "?" + query.Encode()
	}
	m.giveBody(&r, s)
	return r
}

func (m *maker) giveBody(r *sentRequest, s slant) {
	described, ok := r.call.op["requestBody"].(map[string]any)
	if !ok {
		if s == extra {
			r.body = []byte(`{"unexpected":true}`)
		}
		return
	}
	content := described["content"].(map[string]any)
	kind := pick(m, slices.Sorted(maps.Keys(content)))
	media := content[kind].(map[string]any)
	if kind != "application/json" {
		r.headers = append(r.headers, [2]string{"Content-Type", kind})
		r.body = []byte(plainText(m.text(map[string]any{}, "", "", s, true)))
		if example := fmt.Sprintf(motionNotify, m.now.Format(time.RFC3339), "Changed", "true"); strings.Contains(kind, "xml") && m.chance(60) {
			r.body = []byte(example)
		}
		return
	}
	if s == missing && m.chance(20) {
		return
	}
	body := m.value(media["schema"].(map[string]any), "", r.call.path, s, 0)
	data, err := json.Marshal(body)
	if err != nil { // a number that JSON does not have
		data = []byte("1")
	}
	contentType := "application/json"
	if s == garbage {
		switch m.rng.IntN(7) {
		case 0:
			data = data[:m.rng.IntN(len(data)+1)]
		case 1:
			data = append(data, data...)
		case 2:
			data = []byte("\xff\xfe\x00")
		case 3:
			contentType = pick(m, []string{"text/plain", "application/xml", "application/json; charset=utf-16", "", "garbage", "application/cbor"})
		case 4:
			for range 3 {
				data[m.rng.IntN(len(data))] ^= byte(1 << m.rng.IntN(8))
			}
		case 5:
			data = []byte(`{"a":1,"a":2}`)
		default:
			data = []byte(pick(m, []string{"", "null", "[]", `""`, "0", "{", "\"\\ud800\"", "1e999", "[null]", "{}"}))
		}
	}
	r.headers = append(r.headers, [2]string{"Content-Type", contentType})
	r.body = data
}

// plainText is a value as it stands in an address or a header.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.RawMessage:
		return string(v[:min(len(v), 2000)])
	case float64, int64, int, bool, json.Number:
		return fmt.Sprint(v)
	}
	data, _ := json.Marshal(v)
	return string(data)
}

// headerText keeps what a header can hold: the rest never gets to a handler.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 8000)]
}
