package config

import (
	"fmt"

	"github.com/goccy/go-yaml/token"
)

// What one file may hold. The YAML library recurses without a bound and looks through a
// mapping's keys in quadratic time, so depth and keys are bounded before it parses.
const (
	maxBytes   = 1 << 20
	maxDepth   = 32
	maxKeys    = 2048 // in one mapping, and lines in one list
	maxAnchors = 256
	maxAliases = 4096
	maxValues  = 200_000 // after aliases are followed
)

// level is one mapping or list that is still open.
type level struct {
	column int // of its entries; 0 for one in braces or brackets, whose layout is free
	kind   token.Type
	keys   int
}

// overLimit looks for what the file may not hold and says where it is; message is empty
// when all is well.
func overLimit(tokens token.Tokens) (at place, message string) {
	var open []level
	flow := 0 // open braces and brackets
	anchors, aliases := 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, level{kind: tk.Type})
			flow++
		case token.MappingEndType, token.SequenceEndType:
			if flow > 0 {
				open = open[:len(open)-1]
				flow--
			}
		case token.CollectEntryType:
			if flow > 0 && open[len(open)-1].kind == token.MappingStartType {
				open[len(open)-1].keys++
			}
		case token.SequenceEntryType, token.MappingValueType:
			if flow == 0 {
				open = blockEntry(open, tk)
			}
		case token.AnchorType:
			anchors++
		case token.AliasType:
			aliases++
		case token.MappingKeyType:
			return placeOf(tk), `YAML: keys that begin with "?" are not supported`
		case token.TagType:
			return placeOf(tk), "YAML: tags (!) are not supported"
		case token.DirectiveType:
			return placeOf(tk), "YAML: directives (%) are not supported"
		}
		switch {
		case len(open) > maxDepth:
			return placeOf(tk), fmt.Sprintf("nested more than %d deep", maxDepth)
		case len(open) > 0 && open[len(open)-1].keys > maxKeys:
			return placeOf(tk), fmt.Sprintf("more than %d entries in one mapping or list", maxKeys)
		case anchors > maxAnchors:
			return placeOf(tk), fmt.Sprintf("more than %d anchors (&)", maxAnchors)
		case aliases > maxAliases:
			return placeOf(tk), fmt.Sprintf("more than %d aliases (*)", maxAliases)
		}
	}
	return place{}, ""
}

// blockEntry counts one "- item" or "key: value" written without braces: it ends what is
// indented deeper, and begins a level or continues the one at its column.
func blockEntry(open []level, tk *token.Token) []level {
	column := tk.Position.Column
	if tk.Type == token.MappingValueType && tk.Prev != nil && tk.Prev.Position.Line == tk.Position.Line {
		column = tk.Prev.Position.Column
	}
	for len(open) > 0 {
		top := open[len(open)-1]
		// A list may stand at the column of the key that holds it; the next key ends it.
		listDone := top.column == column && top.kind == token.SequenceEntryType && tk.Type == token.MappingValueType
		if top.column <= column && !listDone {
			break
		}
		open = open[:len(open)-1]
	}
	if len(open) > 0 && open[len(open)-1].column == column && open[len(open)-1].kind == tk.Type {
		open[len(open)-1].keys++
		return open
	}
	return append(open, level{column: column, kind: tk.Type, keys: 1})
}
