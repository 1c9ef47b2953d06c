package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// shape is what a value in the file may be: it reads one and it describes itself.
type shape[T any] struct {
	schema *schema
	read   func(d *decoder, v value, path string, into *T)
	// fill sets the defaults inside a T; nil when there are none.
	fill func(d *decoder, into *T)
}

// change says what a running program does when a value changes.
type change string

const (
	atOnce          change = "takes effect at once"
	restartsCamera  change = "restarts the camera"
	restartsProgram change = "needs a restart of vedette"
)

// key is one key of a mapping that is read into a T.
type key[T any] struct {
	name     string
	required bool
	schema   *schema
	read     func(d *decoder, v value, path string, into *T)
	fill     func(d *decoder, into *T)
}

// field joins a key of the file to a field of T.
func field[T, V any](name, doc string, s shape[V], at func(*T) *V) key[T] {
	described := *s.schema
	described.doc = doc
	k := key[T]{
		name:   name,
		schema: &described,
		read: func(d *decoder, v value, path string, into *T) {
			if v.form != formBroken {
				s.read(d, v, path, at(into))
			}
		},
	}
	if s.fill != nil {
		k.fill = func(d *decoder, into *T) { s.fill(d, at(into)) }
	}
	return k
}

// or gives the key a default, written as it would be in the file.
func (k key[T]) or(written any) key[T] {
	k.schema.preset = written
	k.fill = func(d *decoder, into *T) { k.read(d, literal(written), k.name, into) }
	return k
}

// orElse describes a default that depends on other values.
func (k key[T]) orElse(described string) key[T] {
	k.schema.otherwise = described
	return k
}

// must makes the key required.
func (k key[T]) must() key[T] {
	k.required = true
	return k
}

// on says what a change of the key does.
func (k key[T]) on(c change) key[T] {
	k.schema.change = c
	return k
}

// literal makes a value of a default.
func literal(written any) value {
	switch w := written.(type) {
	case string:
		return value{form: formText, text: w}
	case int:
		return value{form: formInteger, number: float64(w)}
	case float64:
		return value{form: formFloat, number: w}
	case bool:
		return value{form: formBool, yes: w}
	}
	return value{form: formNull}
}

// object is a mapping with a fixed set of keys, read into a T in the order of its keys.
type object[T any] struct {
	keys []key[T]
	// single allows at most one of the keys.
	single bool
	// variants tell editors which keys go together; check sees to it.
	variants []variant
	// begin sets defaults that depend on what the mapping says.
	begin func(d *decoder, v value, into *T)
	// check looks at the values together, after all were read.
	check func(d *decoder, v value, path string, into *T)
	// elsewhere says where a key belongs that is often written here.
	elsewhere map[string]string
}

func (o object[T]) shape() shape[T] {
	sc := &schema{kind: "mapping", single: o.single, variants: o.variants}
	for _, k := range o.keys {
		sc.properties = append(sc.properties, property{name: k.name, required: k.required, schema: k.schema})
	}
	fill := func(d *decoder, into *T) {
		for _, k := range o.keys {
			if k.fill != nil {
				k.fill(d, into)
			}
		}
	}
	return shape[T]{schema: sc, fill: fill, read: func(d *decoder, v value, path string, into *T) {
		o.read(d, v, path, into, sc)
	}}
}

func (o object[T]) read(d *decoder, v value, path string, into *T, sc *schema) {
	if v.form != formMapping && v.form != formNull {
		d.want(v, path, "a mapping", "")
		return
	}
	if o.begin != nil {
		o.begin(d, v, into)
	}
	var chosen []string
	for _, k := range o.keys {
		switch held := v.get(k.name); {
		case held.form != formAbsent:
			chosen = append(chosen, k.name)
			k.read(d, held, join(path, k.name), into)
		case k.required:
			d.mistake(v.owner, path, "", "%s is missing", k.name)
		}
	}
	for _, e := range v.entries {
		if !slices.ContainsFunc(o.keys, func(k key[T]) bool { return k.name == e.key }) {
			d.mistake(e.place, path, o.hint(e.key, sc), "unknown key %s", quoted(e.key))
		}
	}
	if o.single && len(chosen) > 1 {
		d.mistake(v.owner, path, "", "only one of %s may be given", strings.Join(chosen, " and "))
	}
	if o.check != nil {
		o.check(d, v, path, into)
	}
}

// hint says what an unknown key should have been.
func (o object[T]) hint(unknown string, sc *schema) string {
	if where, ok := o.elsewhere[unknown]; ok {
		return where
	}
	names := make([]string, len(o.keys))
	for i, k := range o.keys {
		names[i] = k.name
	}
	if name := nearest(unknown, names); name != "" {
		return `did you mean "` + name + `"?`
	}
	if path := sc.find(unknown); path != "" {
		return "it is written as " + path
	}
	return ""
}

// list is a sequence of lo to hi items.
func list[T any](item shape[T], lo, hi int) shape[[]T] {
	sc := &schema{kind: "list", items: item.schema, keywords: map[string]any{"maxItems": hi}}
	if lo > 0 {
		sc.keywords["minItems"] = lo
	}
	return shape[[]T]{schema: sc, read: func(d *decoder, v value, path string, into *[]T) {
		if v.form != formList && v.form != formNull {
			d.want(v, path, "a list", "")
			return
		}
		if n := len(v.items); n < lo || n > hi {
			d.mistake(v.place, path, "", "want %s, got %d", between(lo, hi, "entries"), n)
			if n > hi {
				return
			}
		}
		// An item that is wrong keeps its place, so that checks can count.
		read := make([]T, len(v.items))
		for i, held := range v.items {
			if item.fill != nil {
				item.fill(d, &read[i])
			}
			if held.form != formBroken {
				item.read(d, held, path+indexed(i), &read[i])
			}
		}
		*into = read
	}}
}

// identifier is what cameras and zones may be called: a name that is safe as a file name,
// an object key and a part of a URL.
var identifier = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

const identifierWords = "1 to 64 letters, digits, - and _, beginning with a letter or digit"

// named is a mapping from names to Ts, kept in the file's order. An entry begins as what
// start returns.
func named[T any](entry shape[T], hi int, what string, start func(d *decoder) T, name func(*T, string)) shape[[]T] {
	sc := &schema{kind: "mapping", entry: entry.schema, keywords: map[string]any{"maxProperties": hi}}
	return shape[[]T]{schema: sc, read: func(d *decoder, v value, path string, into *[]T) {
		if v.form != formMapping && v.form != formNull {
			d.want(v, path, "a mapping from names to "+what+"s", "")
			return
		}
		if n := len(v.entries); n > hi {
			d.mistake(v.owner, path, "", "want at most %d entries, got %d", hi, n)
			return
		}
		folded := make(map[string]string, len(v.entries))
		read := make([]T, 0, len(v.entries))
		for _, e := range v.entries {
			lower := strings.ToLower(e.key)
			if !identifier.MatchString(e.key) {
				d.mistake(e.place, join(path, e.key), "", "%s is not a name for a %s: want %s",
					quoted(e.key), what, identifierWords)
			} else if other, twice := folded[lower]; twice {
				d.mistake(e.place, join(path, e.key), "", "differs from %q only in upper and lower case", other)
			}
			folded[lower] = e.key
			one := start(d)
			name(&one, e.key)
			if e.value.form != formBroken {
				entry.read(d, e.value, join(path, e.key), &one)
			}
			read = append(read, one)
		}
		*into = read
	}}
}

// pointed reads a T that is there only when the file has it.
func pointed[T any](s shape[T]) shape[*T] {
	return shape[*T]{schema: s.schema, read: func(d *decoder, v value, path string, into **T) {
		held := new(T)
		if s.fill != nil {
			s.fill(d, held)
		}
		s.read(d, v, path, held)
		*into = held
	}}
}

// scalar reads one value after ${…} in it was replaced.
func scalar[T any](kind, what string, keywords map[string]any, read func(d *decoder, v value, path string, into *T)) shape[T] {
	return shape[T]{
		schema: &schema{kind: kind, keywords: keywords, scalar: true},
		read: func(d *decoder, v value, path string, into *T) {
			if v.form == formNull || v.form == formList || v.form == formMapping {
				d.want(v, path, what, "")
				return
			}
			if v, ok := d.expand(v, path); ok {
				read(d, v, path, into)
			}
		},
	}
}

// inRange reads a scalar that the file writes as text with a unit. A bare 0 needs no unit.
func inRange[T int64 | time.Duration](kind, what, pattern string, lo, hi T,
	parse func(string) (T, error), show func(T) string) shape[T] {
	keywords := map[string]any{"type": "string", "pattern": pattern}
	if lo <= 0 {
		keywords = map[string]any{"anyOf": []any{keywords, map[string]any{"const": 0}}}
	}
	written := regexp.MustCompile(pattern)
	return scalar(kind+", "+show(lo)+" to "+show(hi), what, keywords, func(d *decoder, v value, path string, into *T) {
		if v.form == formInteger && v.number == 0 {
			v.form, v.text = formText, "0"
		}
		if v.form != formText {
			hint := ""
			if v.form == formInteger || v.form == formFloat {
				hint = "a number needs its unit"
			}
			d.want(v, path, what, hint)
			return
		}
		parsed, err := parse(v.text)
		switch {
		case err == nil && (parsed < lo || parsed > hi):
			d.mistake(v.place, path, "", "must be %s to %s, got %s", show(lo), show(hi), d.shown(v))
		case err != nil || !written.MatchString(v.text):
			d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
		default:
			*into = parsed
		}
	})
}
