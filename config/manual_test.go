package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	manual      = "../docs/config.md"
	manualBegin = "<!-- Made from config/table.go: go test ./config -update -->\n"
	manualEnd   = "<!-- end of what is made from config/table.go -->\n"
)

// The key list in the manual is made from the table that the decoder reads by.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(manualBegin))
	_, after, closed := bytes.Cut(rest, []byte(manualEnd))
	if !ok || !closed {
		t.Fatalf("%s has no place for the key list", manual)
	}
	want := string(before) + manualBegin + keyList() + manualEnd + string(after)
	if updating() {
		if err := os.WriteFile(manual, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is not what the table says: run go test ./config -update", manual)
	}
}

// keyList is a table for each top-level key; cameras and what they can share with
// defaults stand together.
func keyList() string {
	var b strings.Builder
	root := wholeFile().schema
	shared := map[string]bool{}
	for _, p := range root.properties {
		if p.name == "defaults" {
			for _, q := range p.schema.properties {
				shared[q.name] = true
			}
		}
	}
	line := func(path string, p property, inherited change) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", path, p.schema.kind, preset(p), p.schema.doc, inherited)
	}
	var rows func(path string, s *schema, inherited change)
	rows = func(path string, s *schema, inherited change) {
		for s.entry != nil || s.items != nil {
			if s.entry != nil {
				s, path = s.entry, path+".NAME"
			} else {
				s, path = s.items, path+"[]"
			}
		}
		for _, p := range s.properties {
			in := inherited
			if p.schema.change != "" {
				in = p.schema.change
			}
			at := strings.TrimPrefix(path+"."+p.name, ".")
			line(at, p, in)
			if !strings.Contains(p.schema.kind, "[[x, y]") {
				rows(at, p.schema, in)
			}
		}
	}
	for _, p := range root.properties {
		fmt.Fprintf(&b, "\n### %s\n\n", p.name)
		if p.name == "defaults" {
			var names []string
			for _, q := range p.schema.properties {
				names = append(names, "`"+q.name+"`")
			}
			fmt.Fprintf(&b, "%s The keys are %s, as under `cameras.NAME` below.\n", p.schema.doc, strings.Join(names, ", "))
			continue
		}
		b.WriteString("| key | holds | default | meaning | a change |\n|---|---|---|---|---|\n")
		line(p.name, p, p.schema.change)
		rows(p.name, p.schema, p.schema.change)
	}
	b.WriteString("\n")
	return b.String()
}

// preset is the default in words.
func preset(p property) string {
	switch {
	case p.required:
		return "required"
	case p.schema.preset == "":
		return "empty"
	case p.schema.preset != nil:
		return fmt.Sprintf("`%v`", p.schema.preset)
	case p.schema.otherwise != "":
		return p.schema.otherwise
	}
	return "–"
}
