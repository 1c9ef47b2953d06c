package config

import (
	"bytes"
	"encoding/json"
	"strings"
)

// schema describes one value of the file.
type schema struct {
	kind     string         // in words, for people
	doc      string         // what the value is for
	keywords map[string]any // of JSON Schema
	scalar   bool           // ${…} may stand in it

	preset    any    // the default as written; nil when there is none
	otherwise string // a default that depends on other values, in words
	change    change // what a change of the value does; empty: as for what holds it

	properties []property // of a mapping with fixed keys
	single     bool       // at most one of properties
	variants   []variant  // of properties, by the value of one of them
	entry      *schema    // of a mapping from names
	items      *schema    // of a list
}

// property is one key of a mapping.
type property struct {
	name     string
	required bool
	schema   *schema
}

// variant says which properties of a mapping are needed, and which mean nothing, when one
// of them, a word, has a certain value.
type variant struct {
	property, value   string
	needed, forbidden []string
}

// find returns the path to a key of that name further down, or "".
func (s *schema) find(name string) string {
	for _, p := range s.properties {
		below, prefix := p.schema, p.name
		for below.entry != nil || below.items != nil {
			if below.entry != nil {
				below, prefix = below.entry, prefix+".NAME"
			} else {
				below, prefix = below.items, prefix+"[]"
			}
		}
		for _, q := range below.properties {
			if q.name == name {
				return prefix + "." + name
			}
		}
		if path := below.find(name); path != "" {
			return prefix + "." + path
		}
	}
	return ""
}

// Schema is the JSON Schema (2020-12) of the file, for editors to complete and explain.
// It is made from the decoder's own table. It accepts every file that Parse accepts; what
// holds between values (a polygon that crosses itself, a key without its certificate) only
// Parse can see.
func Schema() []byte {
	root := wholeFile().schema.node()
	root = append(members{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "vedette configuration"},
	}, root...)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic(err) // the table holds nothing that JSON cannot say
	}
	return b.Bytes()
}

// members is a JSON object in the order in which it is read best.
type members []member

type member struct {
	name  string
	value any
}

// MarshalJSON keeps the order.
func (ms members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		var held bytes.Buffer
		encoder := json.NewEncoder(&held)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(bytes.TrimSpace(held.Bytes()))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// node is the JSON Schema of one value.
func (s *schema) node() members {
	var ms members
	if doc := s.description(); doc != "" {
		ms = append(ms, member{"description", doc})
	}
	if s.preset != nil {
		ms = append(ms, member{"default", s.preset})
	}
	switch {
	case s.scalar:
		ms = append(ms, s.scalarKeywords()...)
	case s.items != nil:
		// A key with nothing after it is an empty list, as long as a list may be empty.
		ms = append(ms, member{"type", orNull("array", s.keywords["minItems"] == nil)}, member{"items", s.items.node()})
	case s.entry != nil:
		ms = append(ms,
			member{"type", orNull("object", true)},
			member{"propertyNames", members{{"pattern", identifier.String()}}},
			member{"additionalProperties", s.entry.node()})
	default:
		ms = append(ms, s.objectKeywords()...)
	}
	if !s.scalar {
		ms = append(ms, sortedKeywords(s.keywords)...)
	}
	return ms
}

func (s *schema) scalarKeywords() members {
	own := sortedKeywords(s.keywords)
	if len(own) == 1 && own[0].name == "type" && own[0].value == "string" {
		return own
	}
	return members{{"anyOf", []any{own, members{{"type", "string"}, {"pattern", `\$\{`}}}}}
}

func (s *schema) objectKeywords() members {
	var required []string
	held := members{}
	for _, p := range s.properties {
		held = append(held, member{p.name, p.schema.node()})
		if p.required {
			required = append(required, p.name)
		}
	}
	ms := members{
		{"type", orNull("object", len(required) == 0)},
		{"properties", held},
		{"additionalProperties", false},
	}
	if len(required) > 0 {
		ms = append(ms, member{"required", required})
	}
	if s.single {
		ms = append(ms, member{"maxProperties", 1})
	}
	if len(s.variants) > 0 {
		var all []any
		for _, v := range s.variants {
			all = append(all, v.node())
		}
		ms = append(ms, member{"allOf", all})
	}
	return ms
}

// node is the JSON Schema of what holds in one variant.
func (v variant) node() members {
	then := members{}
	if len(v.needed) > 0 {
		then = append(then, member{"required", v.needed})
	}
	if len(v.forbidden) > 0 {
		none := members{}
		for _, name := range v.forbidden {
			none = append(none, member{name, false})
		}
		then = append(then, member{"properties", none})
	}
	return members{
		{"if", members{
			{"properties", members{{v.property, members{{"const", v.value}}}}},
			{"required", []string{v.property}},
		}},
		{"then", then},
	}
}

// description is what an editor shows.
func (s *schema) description() string {
	var parts []string
	if s.doc != "" {
		parts = append(parts, s.doc)
	}
	if s.otherwise != "" {
		parts = append(parts, "Default: "+s.otherwise+".")
	}
	if s.change != "" {
		parts = append(parts, "A change "+string(s.change)+".")
	}
	return strings.Join(parts, " ")
}

func orNull(kind string, empty bool) any {
	if empty {
		return []string{kind, "null"}
	}
	return kind
}

// sortedKeywords puts the keywords in a fixed order: the type first.
func sortedKeywords(keywords map[string]any) members {
	var ms members
	for _, name := range []string{"type", "enum", "const", "anyOf", "pattern", "minLength",
		"minimum", "maximum", "minItems", "maxItems", "maxProperties"} {
		if held, ok := keywords[name]; ok {
			ms = append(ms, member{name, held})
		}
	}
	return ms
}
