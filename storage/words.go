package storage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// maxWord bounds a word of the text index, in bytes. A longer one is cut, in records and
// in queries alike.
const maxWord = 64

// wordsOf splits a text into its distinct words, in the order of the alphabet: runs of
// letters, digits and marks, in lower case.
func wordsOf(texts ...string) []string {
	var out []string
	for _, t := range texts {
		for _, w := range strings.FieldsFunc(t, func(r rune) bool {
			return r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
		}) {
			w = strings.ToLower(w)
			for len(w) > maxWord {
				_, n := utf8.DecodeLastRuneInString(w)
				w = w[:len(w)-n]
			}
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// notesOf are the words that people have written about an incident.
func notesOf(in models.Incident) []string {
	texts := make([]string, 0, len(in.Log)+2)
	for _, a := range in.Log {
		texts = append(texts, a.Note)
	}
	if in.Judgement != nil {
		texts = append(texts, in.Judgement.Note)
	}
	if in.Hold != nil {
		texts = append(texts, in.Hold.Why)
	}
	return wordsOf(texts...)
}

// namesOf are the words in the names of a place.
func (p place) names() []string { return wordsOf(p.camera, p.zone, p.kind, p.label) }
