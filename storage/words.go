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
			out = append(out, cut(strings.ToLower(w)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cut keeps a word within maxWord, in whole letters.
func cut(w string) string {
	for len(w) > maxWord {
		_, n := utf8.DecodeLastRuneInString(w)
		w = w[:len(w)-n]
	}
	return w
}

// notesOf are the words that people have written about an incident, and its tags.
func notesOf(in models.Incident) []string {
	texts := make([]string, 0, len(in.Log)+16)
	texts = append(texts, in.Description)
	for _, a := range in.Log {
		texts = append(texts, a.Note)
	}
	if in.Judgement != nil {
		texts = append(texts, in.Judgement.Note)
	}
	if in.Hold != nil {
		texts = append(texts, in.Hold.Why)
	}
	for _, s := range in.Investigation.Subjects {
		texts = append(texts, s.Text, s.Plate, s.Name)
	}
	for _, s := range in.Investigation.Statements {
		texts = append(texts, s.Witness, s.Text)
	}
	texts = append(texts, in.Triage.Tags...)
	words := wordsOf(texts...)
	for _, tag := range in.Triage.Tags {
		words = append(words, tagWord(tag))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// tagWord is the entry of a tag among the words. No word of a text has a colon.
func tagWord(tag string) string { return cut("tag:" + column(tag)) }

// namesOf are the words in the names of a place.
func (p place) names() []string { return wordsOf(p.camera, p.zone, p.kind, p.label) }
