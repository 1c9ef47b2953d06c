package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// This file and limits.go are the only ones that know the YAML library.

var bom = []byte("\xef\xbb\xbf")

// place is where something stands in the file, both from 1; columns count characters.
type place struct{ line, column int }

// form is what a value looks like in the file.
type form int

const (
	formAbsent form = iota
	formBroken      // a mistake about it has been noted; nothing more is to be said
	formNull
	formText
	formInteger
	formFloat
	formBool
	formList
	formMapping
)

func (f form) String() string {
	switch f {
	case formText:
		return "text"
	case formInteger, formFloat:
		return "a number"
	case formBool:
		return "true or false"
	case formList:
		return "a list"
	case formMapping:
		return "a mapping"
	}
	return "nothing"
}

// value is one value of the file with aliases followed and merge keys resolved.
type value struct {
	place
	owner  place // of the key that holds the value; the value's own place in a list
	form   form
	text   string  // a scalar, with the quotes and folding of YAML undone
	number float64 // for a number
	yes    bool    // for a boolean
	// written is the text before ${…} in it was replaced; empty when there was none. Only
	// text that came from a variable may stand for a number or a boolean.
	written string
	items   []value
	entries []entry
}

// entry is one key of a mapping with its value.
type entry struct {
	place
	key   string
	value value
}

// get returns the value of a key; its form is absent when the mapping has no such key.
func (v value) get(key string) value {
	for _, e := range v.entries {
		if e.key == key {
			return e.value
		}
	}
	return value{place: v.place, owner: v.owner}
}

func (v value) has(key string) bool { return v.get(key).form != formAbsent }

// parseYAML reads the one document of a file.
func parseYAML(file string, data []byte) (value, Mistakes) {
	fail := func(at place, hint, format string, args ...any) (value, Mistakes) {
		return value{}, Mistakes{{File: file, Line: at.line, Column: at.column,
			Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	if len(data) > maxBytes {
		return fail(place{1, 1}, "", "the file is larger than %d KiB", maxBytes>>10)
	}
	data = bytes.TrimPrefix(data, bom)
	if at, bad := unreadable(data); bad {
		return fail(at, "", "the file is not UTF-8 text")
	}
	tokens, err := guarded(func() (token.Tokens, error) { return lexer.Tokenize(string(data)), nil })
	if err != nil {
		return fail(place{1, 1}, "", "%s", err)
	}
	if at, message := overLimit(tokens); message != "" {
		return fail(at, "", "%s", message)
	}
	parsed, err := guarded(func() (*ast.File, error) {
		return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	})
	if err != nil {
		at, message := place{1, 1}, err.Error()
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			message = "YAML: " + syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
				at = placeOf(tk)
			}
		}
		return fail(at, flowHint(data, at), "%s", message)
	}
	var body ast.Node
	for _, doc := range parsed.Docs {
		switch {
		case doc.Body == nil:
		case body == nil:
			body = doc.Body
		default:
			return fail(nodePlace(doc.Body), "", "the file holds more than one YAML document")
		}
	}
	if body == nil {
		return fail(place{1, 1}, "", "the file is empty")
	}
	r := reader{file: file, anchors: map[string]ast.Node{}, targets: map[*ast.AliasNode]ast.Node{}}
	r.bind(body)
	v := r.value(body, "")
	v.owner = place{1, 1}
	return v, r.mistakes
}

// guarded turns a panic of the YAML library into an error: a file that is saved while the
// program runs must never stop it.
func guarded[T any](read func() (T, error)) (held T, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("YAML: the file is so broken that no place can be named")
		}
	}()
	return read()
}

// flowHint explains the commonest surprise of YAML's { } and [ ]: braces inside them end
// an unquoted text.
func flowHint(data []byte, at place) string {
	lines := bytes.Split(data, []byte("\n"))
	if at.line < 1 || at.line > len(lines) || !bytes.Contains(lines[at.line-1], []byte("${")) {
		return ""
	}
	return `inside { } and [ ] put text that holds ${…} in "quotes"`
}

// unreadable finds the first byte that is not text.
func unreadable(data []byte) (place, bool) {
	at := place{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 || r == 0 {
			return at, true
		}
		at.column++
		if r == '\n' {
			at = place{at.line + 1, 1}
		}
		data = data[size:]
	}
	return place{}, false
}

func placeOf(tk *token.Token) place {
	return place{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}

// nodePlace is where a node begins. The library gives a mapping without braces the place
// of its first colon.
func nodePlace(n ast.Node) place {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key.GetToken())
	}
	return placeOf(n.GetToken())
}

// reader turns the library's nodes into values.
type reader struct {
	file     string
	anchors  map[string]ast.Node // the anchors seen so far
	targets  map[*ast.AliasNode]ast.Node
	values   int // read so far
	mistakes Mistakes
}

func (r *reader) mistake(at place, path, hint, format string, args ...any) {
	if len(r.mistakes) >= maxMistakes {
		return
	}
	r.mistakes = append(r.mistakes, Mistake{File: r.file, Line: at.line, Column: at.column,
		Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// bind finds what each alias stands for: the anchor of that name that last ended before
// it. An alias inside its own anchor therefore finds nothing, so there are no cycles.
func (r *reader) bind(n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			r.bind(pair)
		}
	case *ast.MappingValueNode:
		r.bind(n.Key)
		r.bind(n.Value)
	case *ast.SequenceNode:
		for _, item := range n.Values {
			r.bind(item)
		}
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		delete(r.anchors, name)
		r.bind(n.Value)
		r.anchors[name] = n.Value
	case *ast.AliasNode:
		r.targets[n] = r.anchors[n.Value.GetToken().Value]
	}
}

// value reads one node. When aliases have made the file larger than maxValues it says so
// once and reads nothing more.
func (r *reader) value(n ast.Node, path string) value {
	if n == nil {
		return value{form: formNull}
	}
	at := nodePlace(n)
	if r.values++; r.values > maxValues {
		if r.values == maxValues+1 {
			r.mistake(at, path, "", "the file holds more than %d values once its aliases are followed", maxValues)
		}
		return value{place: at, owner: at, form: formBroken}
	}
	v := value{place: at, owner: at, text: n.GetToken().Value}
	switch n := n.(type) {
	case *ast.NullNode:
		v.form = formNull
	case *ast.StringNode:
		v.form, v.text = formText, n.Value
	case *ast.LiteralNode:
		v.form, v.text = formText, n.Value.Value
	case *ast.IntegerNode:
		v.form = formInteger
		switch whole := n.Value.(type) {
		case int64:
			v.number = float64(whole)
		case uint64:
			v.number = float64(whole)
		}
	case *ast.FloatNode:
		v.form, v.number = formFloat, n.Value
	case *ast.InfinityNode:
		v.form, v.number = formFloat, n.Value
	case *ast.NanNode:
		v.form, v.number = formFloat, math.NaN()
	case *ast.BoolNode:
		v.form, v.yes = formBool, n.Value
	case *ast.SequenceNode:
		v.form = formList
		for i, item := range n.Values {
			v.items = append(v.items, r.value(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case *ast.MappingNode:
		v.form = formMapping
		v.entries = r.entries(n.Values, path)
	case *ast.MappingValueNode:
		v.form = formMapping
		v.entries = r.entries([]*ast.MappingValueNode{n}, path)
	case *ast.AnchorNode:
		return r.value(n.Value, path)
	case *ast.AliasNode:
		target := r.targets[n]
		if target == nil {
			r.mistake(at, path, "", "there is no anchor &%s before this alias", n.Value.GetToken().Value)
			v.form = formBroken
			return v
		}
		return r.value(target, path)
	default:
		r.mistake(at, path, "", "YAML: this cannot stand here")
		v.form = formBroken
	}
	return v
}

// entries reads the keys of one mapping. Keys that a merge (<<) brings in give way to
// the mapping's own.
func (r *reader) entries(pairs []*ast.MappingValueNode, path string) []entry {
	var own, merged []entry
	seen := make(map[string]place, len(pairs))
	for _, pair := range pairs {
		at := placeOf(pair.Key.GetToken())
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.merge(pair.Value, at, path)...)
			continue
		}
		key, ok := keyText(pair.Key)
		if !ok {
			r.mistake(at, path, "", "a key must be a plain word")
			continue
		}
		if first, twice := seen[key]; twice {
			r.mistake(at, join(path, key), "", "%s is set twice, first in line %d", quoted(key), first.line)
			continue
		}
		seen[key] = at
		v := r.value(pair.Value, join(path, key))
		v.owner = at
		if v.form == formNull {
			v.place = at
		}
		own = append(own, entry{place: at, key: key, value: v})
	}
	for _, e := range merged {
		if _, covered := seen[e.key]; !covered {
			seen[e.key] = e.place
			own = append(own, e)
		}
	}
	return own
}

// merge reads the value of a merge key: a mapping or a list of them, earlier ones first.
func (r *reader) merge(n ast.Node, at place, path string) []entry {
	v := r.value(n, path)
	switch v.form {
	case formMapping:
		return v.entries
	case formList:
		var all []entry
		for _, item := range v.items {
			if item.form != formMapping {
				r.mistake(item.place, path, "", "<< merges mappings, got %s", item.form)
				continue
			}
			all = append(all, item.entries...)
		}
		return all
	}
	if v.form != formBroken {
		r.mistake(at, path, "", "<< merges a mapping, got %s", v.form)
	}
	return nil
}

func keyText(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.InfinityNode, *ast.NanNode:
		return k.GetToken().Value, true
	}
	return "", false
}

// join makes the path of a key: plain keys with dots, others in brackets.
func join(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]: \t\n\"") || len(key) > longestQuote {
		return path + "[" + quoted(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

const longestQuote = 64

// quoted shows text from the file in a message: printable, bounded, in quotes.
func quoted(s string) string {
	if runes := []rune(s); len(runes) > longestQuote {
		s = string(runes[:longestQuote]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
