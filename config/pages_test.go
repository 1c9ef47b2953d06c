package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

const (
	pagesBegin = "<!-- Made from config/rules.go: go test ./config -update -->\n"
	pagesEnd   = "<!-- end of what is made from config/rules.go -->\n"
)

// everyRule are the keys that each kind has.
var everyRule = []string{"kind", "severity", "labels", "min_score", "min_size", "schedule", "cool_down"}

// Each kind of rule has a page, whose key list is made from the table that the decoder
// reads by, and whose examples are right.
func TestRulePages(t *testing.T) {
	for _, kind := range models.RuleKinds() {
		page := filepath.Join("../docs/rules", string(kind)+".md")
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := bytes.Cut(text, []byte(pagesBegin))
		_, after, closed := bytes.Cut(rest, []byte(pagesEnd))
		if !ok || !closed {
			t.Fatalf("%s has no place for the key list", page)
		}
		want := string(before) + pagesBegin + ruleKeys(kind) + pagesEnd + string(after)
		if updating() {
			if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if string(text) != want {
			t.Errorf("%s is not what the table says: run go test ./config -update", page)
		}
		if rules := examples(t, page, want); !slices.ContainsFunc(rules, func(r models.Rule) bool { return r.Kind == kind }) {
			t.Errorf("%s shows no rule of its kind", page)
		}
	}
}

// examples are the rules of the YAML in a page, which must all be right.
func examples(t *testing.T, page, text string) (rules []models.Rule) {
	t.Helper()
	for i, block := range strings.Split(text, "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		source := "cameras:\n  gate:\n    url: rtsp://192.0.2.10/main\n    " + strings.ReplaceAll(strings.TrimSpace(block), "\n", "\n    ") + "\n"
		cfg, err := Parse(fmt.Sprintf("%s, example %d", page, i+1), []byte(source), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, z := range cfg.Cameras[0].Zones {
			rules = append(rules, z.Rules...)
		}
	}
	return rules
}

// ruleKeys is the table of the keys that a kind has, with its own defaults: what belongs to
// the kind first, then what every rule has.
func ruleKeys(kind models.Kind) string {
	known, _ := ruleKinds(kind)
	var own, shared strings.Builder
	for _, p := range ruleObject().shape().schema.properties {
		into := &shared
		switch {
		case slices.Contains(known.keys, p.name):
			into = &own
		case !slices.Contains(everyRule, p.name) || p.name == "kind":
			continue
		}
		doc := strings.TrimSuffix(p.schema.doc, " For "+enumerated(meaningFor(p.name))+".")
		fmt.Fprintf(into, "| `%s` | %s | %s | %s |\n", p.name, p.schema.kind, ruleDefault(known, p), doc)
	}
	return "\n| key | holds | default | meaning |\n|---|---|---|---|\n" + own.String() + shared.String() + "\n"
}

// ruleDefault is what a key of a rule holds when the file says nothing.
func ruleDefault(known ruleKind, p property) string {
	if slices.ContainsFunc(known.needs, func(n need) bool { return n.key == p.name }) {
		return "required"
	}
	r := known.preset
	switch p.name {
	case "dwell":
		return "`" + Span(r.Dwell) + "`"
	case "grace":
		if bound := boundsGrace(r.Kind); bound != "" {
			return "`" + Span(r.Grace) + "`, or `" + bound + "` where that is shorter"
		}
		return "`" + Span(r.Grace) + "`"
	case "for":
		return "`" + Span(r.For) + "`"
	case "merge":
		return "`" + Span(r.Merge) + "`"
	case "direction":
		return "`" + string(r.Direction) + "`"
	case "severity":
		return "`" + string(r.Severity) + "`"
	}
	return preset(p)
}

// Every key of a rule belongs to every kind or to some, and every kind that needs a key has it.
func TestEveryKeyOfARuleHasAKind(t *testing.T) {
	for _, p := range ruleObject().shape().schema.properties {
		if shared := slices.Contains(everyRule, p.name); shared == (len(meaningFor(p.name)) > 0) {
			t.Errorf("%s: shared %v, and for %v", p.name, shared, meaningFor(p.name))
		}
	}
	for _, kind := range models.RuleKinds() {
		known, ok := ruleKinds(kind)
		if !ok || known.preset.Kind != kind || known.preset.Severity.Rank() < 0 {
			t.Errorf("%s has no defaults", kind)
		}
		for _, n := range known.needs {
			if !slices.Contains(known.keys, n.key) {
				t.Errorf("%s needs %s and does not have it", kind, n.key)
			}
		}
	}
}
