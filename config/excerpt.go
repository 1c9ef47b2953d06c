package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Excerpt shows the line that holds the mistake with a caret below the place, for a
// terminal. Passwords in the line are covered by asterisks, one for each character, so
// that the caret still stands right. It is empty when source has no such line.
func Excerpt(m Mistake, source []byte) string {
	lines := bytes.Split(bytes.TrimPrefix(source, bom), []byte("\n"))
	if m.Line < 1 || m.Line > len(lines) {
		return ""
	}
	line := covered(strings.TrimRight(strings.ToValidUTF8(string(lines[m.Line-1]), "\uFFFD"), "\r"))
	number := fmt.Sprint(m.Line)
	return fmt.Sprintf("%s | %s\n%s | %s^\n",
		number, line, strings.Repeat(" ", len(number)), margin(line, m.Column-1))
}

// margin is as wide as the first n characters of the line; tabs stay tabs because only
// the terminal knows how wide they are.
func margin(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		if r == '\t' {
			b.WriteRune('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// passwords finds what may be a secret in one line of YAML: the password of a URL, a
// password in a query or a key=value list, and the value of a key that holds a secret.
var passwords = []*regexp.Regexp{
	regexp.MustCompile(`://[^\s:/@]*:([^\s]*)@`),
	regexp.MustCompile(`(?i)\b(?:password|passwd|pwd|pass)=('[^']*'|[^\s&"']+)`),
	regexp.MustCompile(`\b(?:access_key|secret_key)["']?\s*:\s*("[^"]*"|'[^']*'|(?:\$\{[^}]*\}|[^\s,}])+)`),
}

// reference is what stands for a secret without being one.
var reference = regexp.MustCompile(`^["']?(\$\{[^}]*\}|file:.*)["']?$`)

func covered(line string) string {
	for _, re := range passwords {
		runes := []byte(line)
		var b strings.Builder
		last := 0
		for _, at := range re.FindAllSubmatchIndex(runes, -1) {
			text := line[at[2]:at[3]]
			if reference.MatchString(text) {
				continue
			}
			b.WriteString(line[last:at[2]])
			b.WriteString(strings.Repeat("*", len([]rune(text))))
			last = at[3]
		}
		b.WriteString(line[last:])
		line = b.String()
	}
	return line
}
