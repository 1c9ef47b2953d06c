package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/vedette-cctv/vedette/exhibit"
)

type verifyCmd struct {
	Package string `arg:"" help:"The zip file, or a folder that it was unpacked to."`
	Key     string `help:"The recorder's key as you know it from elsewhere: its fingerprint, or a file of public keys." placeholder:"FINGERPRINT|FILE"`
	JSON    bool   `help:"Print the findings as JSON."`
	Quiet   bool   `short:"q" help:"Say only the result."`
}

// Run needs no configuration, no data folder and no network: only the package.
func (c verifyCmd) Run(ctx context.Context, p *program) error {
	o := exhibit.VerifyOptions{}
	var err error
	if o.Pin, err = readPin(c.Key); err != nil {
		return err
	}
	reading := newReading(p.stderr, "verify", c.Quiet || c.JSON)
	o.Progress = reading.to
	findings, err := verifyPath(ctx, c.Package, o)
	reading.end(err == nil)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(struct {
			OK bool `json:"ok"`
			exhibit.Findings
		}{findings.OK(), findings})
	case c.Quiet:
		_, err = fmt.Fprintln(p.stdout, verdict(findings))
	default:
		err = printFindings(p.stdout, c.Package, findings)
	}
	if err == nil && !findings.OK() {
		err = errReported
	}
	return err
}

// readPin reads --key: a file where there is one with that name, else a fingerprint.
func readPin(key string) (exhibit.Pin, error) {
	if key == "" {
		return exhibit.Pin{}, nil
	}
	data, err := os.ReadFile(key)
	if errors.Is(err, fs.ErrNotExist) || err != nil && len(key) > 64 {
		data, err = []byte(key), nil
	}
	if err != nil {
		return exhibit.Pin{}, fmt.Errorf("--key: %w", err)
	}
	pin, err := exhibit.ParsePin(string(data))
	if err != nil {
		return exhibit.Pin{}, fmt.Errorf("--key %.80s: %w", key, err)
	}
	return pin, nil
}

func verifyPath(ctx context.Context, path string, o exhibit.VerifyOptions) (exhibit.Findings, error) {
	f, err := os.Open(path)
	if err != nil {
		return exhibit.Findings{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return exhibit.Findings{}, err
	}
	if st.IsDir() {
		return exhibit.VerifyFolder(path, o)
	}
	if !st.Mode().IsRegular() {
		return exhibit.Findings{}, fmt.Errorf("%s is neither a file nor a folder", path)
	}
	return exhibit.Verify(interruptible{ctx, f}, st.Size(), o)
}

// interruptible ends a long reading when the program is told to stop.
type interruptible struct {
	ctx context.Context
	r   io.ReaderAt
}

func (i interruptible) ReadAt(p []byte, off int64) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.ReadAt(p, off)
}

func verdict(f exhibit.Findings) string {
	pinned := len(f.Keys) > 0
	for _, k := range f.Keys {
		pinned = pinned && k.Pinned
	}
	switch {
	case !f.OK():
		return "NOT IN ORDER: this package is not what the recorder made. Do not rely on it."
	case pinned:
		return "GENUINE: nothing was changed, and the key that signed is the one that you named."
	}
	return "UNCHANGED: nothing was changed since it was signed. Whose key signed was not checked."
}

func printFindings(w io.Writer, name string, f exhibit.Findings) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", name)
	if !f.Exported.IsZero() {
		fmt.Fprintf(&b, "  made %s by %s, %s\n", f.Exported.UTC().Format("2006-01-02 15:04:05 MST"), f.By, f.Software)
		fmt.Fprintf(&b, "%s", wrapped("  for  ", f.Why))
		if f.Reference != "" {
			fmt.Fprintf(&b, "  reference %s\n", f.Reference)
		}
	}
	for _, id := range f.Incidents {
		fmt.Fprintf(&b, "  incident %s\n", id)
	}
	section(&b, "CHECKED AND IN ORDER", "  ok  ", f.Checked)
	section(&b, "WRONG", "  !!  ", f.Problems)
	section(&b, "TO BE KNOWN", "   -  ", f.Notes)
	if len(f.Keys) > 0 {
		b.WriteString("\nSIGNED WITH\n")
	}
	for _, k := range f.Keys {
		fmt.Fprintf(&b, "  key %s, fingerprint\n    %s\n", k.ID, grouped(k.Fingerprint))
	}
	fmt.Fprintf(&b, "\nRESULT\n%s", wrapped("  ", verdict(f)))
	_, err := io.WriteString(w, b.String())
	return err
}

func section(b *strings.Builder, title, mark string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, line := range lines {
		b.WriteString(wrapped(mark, line))
	}
}

// wrapped breaks text into lines of 96 columns, which begin under its first word.
func wrapped(mark, text string) string {
	const width = 96
	indent := strings.Repeat(" ", utf8.RuneCountInString(mark))
	var b strings.Builder
	line, empty := mark, true
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return b.String() + line + "\n"
}

func grouped(hex string) string {
	var groups []string
	for ; len(hex) > 4; hex = hex[4:] {
		groups = append(groups, hex[:4])
	}
	return strings.Join(append(groups, hex), " ")
}

// reading shows on a terminal how many bytes have been read; elsewhere it stays silent.
type reading struct {
	what     string
	progress *mpb.Progress
	bar      *mpb.Bar
	since    time.Time
}

// patience is how long something may take before it gets a bar.
const patience = 500 * time.Millisecond

func newReading(w io.Writer, what string, quiet bool) *reading {
	f, ok := w.(*os.File)
	if quiet || !ok || !isTerminal(f) {
		return &reading{}
	}
	return &reading{what: what, progress: mpb.New(mpb.WithOutput(f), mpb.WithWidth(60)), since: time.Now()}
}

func (r *reading) to(done, total int64) {
	if r.progress == nil {
		return
	}
	if r.bar == nil {
		if time.Since(r.since) < patience {
			return
		}
		r.bar = r.progress.AddBar(total, mpb.PrependDecorators(decor.Name(r.what+" "), decor.CountersKiloByte("% .1f / % .1f")),
			mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO)))
	}
	r.bar.SetCurrent(done)
}

func (r *reading) end(whole bool) {
	if r.progress == nil {
		return
	}
	if r.bar != nil && whole {
		r.bar.SetTotal(-1, true)
	} else if r.bar != nil {
		r.bar.Abort(false)
	}
	r.progress.Wait()
}
