package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"

	"github.com/vedette-cctv/vedette/config"
)

var update = flag.Bool("update", false, "write the files that are made from the table")

// golden compares a file of the repository with what it is made from.
func golden(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says: run go test ./config -update", file)
	}
}

func TestSchemaFile(t *testing.T) {
	golden(t, "../configs/vedette.schema.json", config.Schema())
}

// node is a JSON Schema as far as ours uses it.
type node struct {
	Schema               string `json:"$schema"`
	Title                string
	Description          string
	Default              any
	Type                 any
	Enum                 []any
	Const                any
	AnyOf                []*node
	Pattern              string
	MinLength            *int
	Minimum, Maximum     *float64
	Items                *node
	MinItems, MaxItems   *int
	Properties           map[string]*node
	PropertyNames        *node
	AdditionalProperties additional
	Required             []string
	MaxProperties        *int
	AllOf                []*node
	If, Then             *node

	never bool // nothing fits: the schema false
}

func (n *node) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		n.never = true
		return nil
	}
	type plain node
	return strict(data, (*plain)(n))
}

// additional is either false or a schema.
type additional struct {
	closed bool
	entry  *node
}

func (a *additional) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		a.closed = true
		return nil
	}
	return strict(data, &a.entry)
}

// strict refuses keywords that the validator below would not look at.
func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func schema(t testing.TB) *node {
	t.Helper()
	var root node
	if err := strict(config.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return &root
}

// validate is a validator of JSON Schema 2020-12 for the keywords of node. It returns ""
// or what is wrong.
func (n *node) validate(v any, path string) string {
	wrong := func(format string, args ...any) string { return path + ": " + fmt.Sprintf(format, args...) }
	if n.never {
		return wrong("nothing may stand here")
	}
	for _, one := range n.AllOf {
		if bad := one.validate(v, path); bad != "" {
			return bad
		}
	}
	if n.If != nil && n.If.validate(v, path) == "" {
		if bad := n.Then.validate(v, path); bad != "" {
			return bad
		}
	}
	if n.Type != nil && !hasType(v, n.Type) {
		return wrong("%v is not of type %v", v, n.Type)
	}
	if n.Enum != nil && !slices.Contains(n.Enum, v) {
		return wrong("%v is not one of %v", v, n.Enum)
	}
	if n.Const != nil && v != n.Const {
		return wrong("%v is not %v", v, n.Const)
	}
	if n.AnyOf != nil && !slices.ContainsFunc(n.AnyOf, func(one *node) bool { return one.validate(v, path) == "" }) {
		return wrong("%v fits none of the alternatives", v)
	}
	switch v := v.(type) {
	case string:
		if n.Pattern != "" && !regexp.MustCompile(n.Pattern).MatchString(v) {
			return wrong("%q does not match %s", v, n.Pattern)
		}
		if n.MinLength != nil && utf8.RuneCountInString(v) < *n.MinLength {
			return wrong("%q is too short", v)
		}
	case float64:
		if n.Minimum != nil && v < *n.Minimum || n.Maximum != nil && v > *n.Maximum {
			return wrong("%v is out of range", v)
		}
	case []any:
		if n.MinItems != nil && len(v) < *n.MinItems || n.MaxItems != nil && len(v) > *n.MaxItems {
			return wrong("%d items", len(v))
		}
		for i, item := range v {
			if n.Items != nil {
				if bad := n.Items.validate(item, fmt.Sprintf("%s[%d]", path, i)); bad != "" {
					return bad
				}
			}
		}
	case map[string]any:
		return n.validateObject(v, path)
	}
	return ""
}

func (n *node) validateObject(v map[string]any, path string) string {
	if n.MaxProperties != nil && len(v) > *n.MaxProperties {
		return fmt.Sprintf("%s: %d properties", path, len(v))
	}
	for _, name := range n.Required {
		if _, ok := v[name]; !ok {
			return path + ": no " + name
		}
	}
	for name, held := range v {
		below := n.Properties[name]
		if below == nil {
			below = n.AdditionalProperties.entry
			if n.AdditionalProperties.closed {
				return path + ": unknown " + name
			}
		}
		if n.PropertyNames != nil {
			if bad := n.PropertyNames.validate(name, path); bad != "" {
				return bad
			}
		}
		if below != nil {
			if bad := below.validate(held, path+"."+name); bad != "" {
				return bad
			}
		}
	}
	return ""
}

func hasType(v, want any) bool {
	if several, ok := want.([]any); ok {
		return slices.ContainsFunc(several, func(one any) bool { return hasType(v, one) })
	}
	switch v := v.(type) {
	case nil:
		return want == "null"
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case float64:
		return want == "number" || want == "integer" && v == math.Trunc(v)
	case []any:
		return want == "array"
	case map[string]any:
		return want == "object"
	}
	return false
}

// asJSON reads YAML as an editor does, without us.
func asJSON(source []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(bytes.TrimPrefix(source, []byte("\ufeff")), &v); err != nil {
		return nil, err
	}
	return plain(v), nil
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, held := range v {
			v[name] = plain(held)
		}
	case []any:
		for i, held := range v {
			v[i] = plain(held)
		}
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	case int:
		return float64(v)
	}
	return v
}

func TestSchemaAcceptsTheSamples(t *testing.T) {
	root := schema(t)
	for _, name := range []string{"minimal", "s3", "many-cameras", "postgres", "compose", "rules", "desk"} {
		source, err := os.ReadFile("../configs/" + name + ".yml")
		if err != nil {
			t.Fatal(err)
		}
		v, err := asJSON(source)
		if err != nil {
			t.Fatal(err)
		}
		if bad := root.validate(v, name); bad != "" {
			t.Error(bad)
		}
	}
}

// What is wrong in one value the schema must refuse as Parse does, and what is right both
// must take.
func TestSchemaAgreesWithParse(t *testing.T) {
	root := schema(t)
	for _, source := range []string{
		camera(), camera("zones:"), camera("zones: {a: {polygon: [[0, 0], [1, 0], [1, 1]], rules: }}"), "cameras: {}", "cameras:\n", "",
		"workers: 1\n", "wokers: 1\n" + camera(), camera("fps: 1"), camera("name: 7"), camera("name: ''"), camera("name: ' a'"),
		camera("detect: {fps: 0}"), camera("detect: {fps: 121}"), camera("detect: {fps: '5'}"), camera("detect: {objects: yes}"),
		camera("detect: {masks: []}"), camera("detect: {masks: }"), camera("detect: [1]"), camera("detect: "),
		camera("pre_roll: 10"), camera("pre_roll: 0"), camera("pre_roll: 10s"), camera("pre_roll: 1m30s"), camera("pre_roll: -1s"),
		camera("pre_roll: 1d"), camera("pre_roll: .5s"), camera("pre_roll: +5s"), camera("pre_roll: 1.5s"), camera("pre_roll: 5µs"), camera("pre_roll: "),
		camera("timeout: 0"), camera("transport: udp"), camera("transport: UDP"), camera("transport: tpc"),
		camera("buffer: {memory: 64MiB}"), camera("buffer: {memory: 64}"), camera("buffer: {memory: 64 MiB}"), camera("buffer: {memory: 64mb}"),
		camera("buffer: {disk: 0}"), camera("buffer: {disk: '0'}"), camera("buffer: {disk: 1.5GiB}"), camera("buffer: {memory: 0}"),
		"cameras: {a b: {url: rtsp://h}}", "cameras: {a: {url: http://h}}", "cameras: {a: {url: 7}}", "cameras: {a: {}}", "cameras: {a: }",
		camera("zones: {a: {polygon: [[0, 0], [1, 1]]}}"), camera("zones: {a: {polygon: [[0, 0], [1, 0], [2, 1]]}}"),
		camera("zones: {a: {polygon: [[0, 0], [1, 0], [1, 1, 1]]}}"), camera("zones: {a: {rules: []}}"), camera("zones: {a: }"),
		rule("{kind: motion}"), rule("{kind: motoin}"), rule("{dwell: 1s}"), rule("{kind: motion, min_score: 2}"), rule("{kind: motion, labels: person}"),
		rule("{kind: motion, labels: [person]}"), rule("{kind: motion, severity: 3}"),
		rule("{kind: loitering, dwell: 5s, max_radius: 0.2}"), rule("{kind: loitering, dwell: 5s, max_radius: 2}"), rule("{kind: motion, min_size: -1}"),
		rule("{kind: returning, visits: 2, window: 1h}"), rule("{kind: returning, visits: 1, window: 1h}"),
		rule("{kind: line, line: [[0.1, 0.2], [0.5, 0.2]]}"), rule("{kind: line, line: [[0.1, 0.2]]}"), rule("{kind: line, line: }"),
		rule("{kind: line, line: [[0.1, 0.2], [0.5, 0.2]], direction: up}"), rule("{kind: crowd, count: 5, for: 10s}"), rule("{kind: crowd, count: 0, for: 10s}"),
		rule("{kind: left_object, for: 1m}"), rule("{kind: removed_object, for: 60}"), rule("{kind: motion, cool_down: 5m}"), rule("{kind: motion, cool_down: 5}"),
		rule("{kind: motion, schedule: [{days: [mon, weekend], from: 22:00, to: '24:00', time_zone: UTC}]}"), rule("{kind: motion, schedule: []}"), rule("{kind: motion, schedule: }"),
		rule("{kind: motion, schedule: [{days: mon}]}"), rule("{kind: motion, schedule: [{days: [monday]}]}"), rule("{kind: motion, schedule: [{days: []}]}"), rule("{kind: motion, schedule: [{from: 7}]}"),
		rule("{kind: motion, schedule: [{from: 7pm}]}"), rule("{kind: motion, schedule: [{days: [mon], time_zone: 'a b'}]}"), rule("{kind: motion, schedule: {days: [mon]}}"),
		camera("health: "), camera("health: {covered: }"), camera("health: {covered: {enabled: false}}"), camera("health: {covered: {for: 0}}"), camera("health: {covered: false}"), camera("health: {rain: {}}"),
		camera("detect: {looks: 0}"), camera("detect: {looks: -1}"), "models: {budget: 0.5}\n" + camera(), "models: {budget: -1}\n" + camera(),
		rule("{kind: loitering}"), rule("{kind: returning, visits: 2}"), rule("{kind: line}"), rule("{kind: crowd, count: 2}"), rule("{kind: left_object}"),
		rule("{kind: motion, count: 2}"), rule("{kind: line, line: [[0.1, 0.2], [0.5, 0.2]], grace: 1s}"), rule("{kind: crowd, count: 2, for: 3s, merge: 1s}"),
		rule("{kind: intrusion, max_radius: 0.1}"), rule("{kind: removed_object, dwell: 1s}"), rule("{kind: motion, grace: 1s, dwell: 0, merge: 0}"),
		camera("position: [48.2, 16]"), camera("position: [48.2]"), camera("position: [48.2, 181]"), camera("position: 48"), camera("site: 'a b'"),
		"sites: {a: {time_zone: UTC}}\n" + camera("site: a"), "sites: \n" + camera(), "sites: {a: {name: ''}}\n" + camera(), "sites: [a]\n" + camera(),
		"groups: {a: [gate]}\n" + camera(), "groups: {a: gate}\n" + camera(), "groups: {a: }\n" + camera(), "desk: \n" + camera(), "desk: []\n" + camera(),
		"desk: {types: {a: }}\n" + camera(), "desk: {types: {a: {enabled: maybe}}}\n" + camera(), "desk: {types: {a: {checklist: [{stage: assess}]}}}\n" + camera(),
		"desk: {types: {a: {subs: [A]}}}\n" + camera(), "desk: {outcomes: []}\n" + camera(), "desk: {outcomes: [left by themselves]}\n" + camera(),
		"desk: {levels: {high: {warn: 5m}}}\n" + camera(), "desk: {levels: {high: {warn: 5}}}\n" + camera(), "desk: {matrix: [[low]]}\n" + camera(),
		"desk: {waits: {a: {pauses: [resolve]}}}\n" + camera(), "desk: {presets: {a: {severity: low, kinds: [rain]}}}\n" + camera(),
		"desk: {presets: {a: {severity: low, kinds: [reported]}}}\n" + camera(),
		"web: {listen: localhost}\n" + camera(), "web: {listen: 'localhost:1'}\n" + camera(), "web: {listen: 80}\n" + camera(),
		"storage: {bucket: {disk: {}, s3: {endpoint: h, bucket: abc, access_key: a, secret_key: b}}}\n" + camera(),
		"storage: {bucket: {s3: {endpoint: h, bucket: abc, access_key: a, secret_key: b}}}\n" + camera(),
		"storage: {bucket: {s3: {endpoint: h, bucket: abc}}}\n" + camera(), "storage: {bucket: {s3: }}\n" + camera(), "storage: {bucket: {disk: }}\n" + camera(),
		"storage: {index: {postgres: {dsn: 'host=h'}}}\n" + camera(), "storage: {index: {postgres: {}}}\n" + camera(), "storage: {spool: {quota: 1}}\n" + camera(),
		"models: {path: []}\n" + camera(), "models: {path: [a, b]}\n" + camera(), "models: {weights: ../x}\n" + camera(), "data: ''\n" + camera(), "workers: -1\n" + camera(),
		"workers: 1.5\n" + camera(), "workers: 2.0\n" + camera(), "workers: '2'\n" + camera(), "defaults: {zones: {}}\n" + camera(), "defaults: {fps: 1}\n" + camera(),
	} {
		_, err := config.Parse("vedette.yml", []byte(source), nil)
		v, yamlErr := asJSON([]byte(source))
		if yamlErr != nil {
			t.Fatal(yamlErr)
		}
		if bad := root.validate(v, "file"); (err == nil) != (bad == "") {
			t.Errorf("Parse says %v, the schema says %q about:\n%s", err, bad, source)
		}
	}
}

// The defaults that the schema tells editors must be the ones that Parse fills in, and
// every key must be explained.
func TestSchemaExplainsEveryKey(t *testing.T) {
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		for name, below := range n.Properties {
			if below.Description == "" {
				t.Errorf("%s.%s has no description", path, name)
			}
			if below.Default != nil {
				if bad := below.validate(below.Default, path+"."+name); bad != "" {
					t.Errorf("default: %s", bad)
				}
			}
			walk(below, path+"."+name)
		}
		if n.AdditionalProperties.entry != nil {
			walk(n.AdditionalProperties.entry, path+".NAME")
		}
		if n.Items != nil {
			walk(n.Items, path+"[]")
		}
	}
	walk(schema(t), "")
}

func TestValidatorIsNotBlind(t *testing.T) {
	root := schema(t)
	for _, c := range []struct{ source, want string }{
		{"{}", "no cameras"}, {"cameras: {}\nx: 1", "unknown x"}, {"cameras: []", "not of type"},
		{"cameras: {a: {url: rtsp://h, transport: x}}", "none of the alternatives"}, {"cameras: {'a b': {url: rtsp://h}}", "does not match"},
	} {
		v, err := asJSON([]byte(c.source))
		if err != nil {
			t.Fatal(err)
		}
		if bad := root.validate(v, "file"); !strings.Contains(bad, c.want) {
			t.Errorf("%s: got %q, want %q", c.source, bad, c.want)
		}
	}
}

// FuzzSchema holds the schema to its word: it accepts every file that Parse accepts.
func FuzzSchema(f *testing.F) {
	for _, source := range []string{camera(), rule("{kind: motion, dwell: 0, labels: []}"), camera("pre_roll: 1h0m0.5s"), camera("pre_roll: 00s"),
		camera("buffer: {memory: 1e3MiB}"), camera("detect: {fps: 0x10}"), camera("name: |-", "  x"), camera("zones: ~"), "cameras: ~\nworkers: 1_0\n",
		rule("{kind: motion, schedule: [{days: [fri], from: 9:00, to: 24:00}]}"), rule("{kind: line, line: [[0, 0.2], [1, 0.2]], direction: any}"),
		rule("{kind: crowd, count: 0x2, for: 0, grace: 0}", "{kind: returning, visits: 1e1, window: 1h}"), camera("health: {moved: {for: 1h, severity: low}}"),
		"cameras: {1: {url: rtsp://h}}", "cameras: {gate: {url: '${X}'}}", "workers: ${N}\ncameras: {}"} {
		f.Add([]byte(source))
	}
	root := schema(f)
	lookup := env("X", "rtsp://h", "N", "3", "D", "5s", "S", "1GiB")
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, err := config.Parse("fuzz.yml", source, lookup); err != nil {
			return
		}
		v, err := asJSON(source)
		if err != nil {
			return // the library's own decoder has limits that its parser has not
		}
		if bad := root.validate(v, "file"); bad != "" {
			t.Errorf("Parse accepts what the schema refuses: %s\n%s", bad, source)
		}
	})
}
