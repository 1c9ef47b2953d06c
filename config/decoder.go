package config

import "fmt"

// decoder gathers mistakes while shapes read values.
type decoder struct {
	file     string
	dir      string // that relative paths start from
	env      func(string) (string, bool)
	base     Camera         // what a camera begins as: what defaults says
	labels   []string       // the classes that the weights know; nil when that is not known
	secrets  map[place]bool // where secrets stand in the file, noted by reading; nil: nobody asks
	mistakes Mistakes
	more     int // mistakes beyond maxMistakes
}

// mistake notes what is wrong at a place. The message may quote what the file says, but
// never a secret and never what a variable holds.
func (d *decoder) mistake(at place, path, hint, format string, args ...any) {
	if len(d.mistakes) >= maxMistakes {
		d.more++
		return
	}
	d.mistakes = append(d.mistakes, Mistake{File: d.file, Line: at.line, Column: at.column,
		Path: path, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// want notes that a value has the wrong form.
func (d *decoder) want(v value, path, what, hint string) {
	if v.form == formNull {
		d.mistake(v.owner, path, hint, "want %s, got nothing", what)
		return
	}
	d.mistake(v.place, path, hint, "want %s, got %s", what, v.form)
}

// all returns every mistake in the file's order, or nil.
func (d *decoder) all() Mistakes {
	ms := d.mistakes.sorted()
	if d.more > 0 {
		last := ms[len(ms)-1]
		last.Path, last.Hint = "", ""
		last.Message = fmt.Sprintf("and %d more mistakes", d.more)
		ms = append(ms, last)
	}
	return ms
}
