package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
)

// logCmd is about the custody log.
type logCmd struct {
	Show     logShowCmd     `cmd:"" default:"withargs" help:"Show who did what to which evidence."`
	Verify   logVerifyCmd   `cmd:"" help:"Check the whole log. Exit code 0 when nothing is wrong, 1 when something is."`
	SetAside logSetAsideCmd `cmd:"" help:"Keep a log that is altered as it is, and begin another that names it. Vedette must not be running."`
}

type logShowCmd struct {
	Config   string `short:"c" default:"vedette.yml" help:"The configuration file."`
	Incident string `help:"Only what concerns this incident."`
	Lines    int    `short:"n" default:"20" help:"How many of the newest entries; 0 is all."`
	Follow   bool   `short:"f" help:"Go on with what is recorded from now on."`
	JSON     bool   `help:"Print each entry as JSON on one line."`
}

// followEvery is how often new entries are looked for.
const followEvery = time.Second

func (c logShowCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	held, err := c.open(p, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	next, err := c.newest(ctx, p, held.Log)
	if err != nil || !c.Follow {
		return err
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if next, err = c.from(ctx, p, held.Log, next); err != nil {
			return err
		}
	}
}

// open makes no log where there is none.
func (c logShowCmd) open(p *program, log *slog.Logger) (*custodian, error) {
	cfg, err := p.load(c.Config, false)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dataFile(cfg, "custody")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (the first start of vedette run makes the log)", err)
	}
	return openCustody(cfg, nil, log)
}

// newest prints the newest entries, and returns where what comes later begins.
func (c logShowCmd) newest(ctx context.Context, p *program, l *custody.Log) (uint64, error) {
	size, err := l.Size(ctx)
	if err != nil {
		return 0, err
	}
	if c.Incident != "" {
		list, err := l.Of(ctx, models.IncidentID(c.Incident))
		if c.Lines > 0 && len(list) > c.Lines {
			list = list[len(list)-c.Lines:]
		}
		return size, errors.Join(err, c.print(p, list))
	}
	first := uint64(0)
	if n := uint64(max(c.Lines, 0)); n > 0 && n < size {
		first = size - n
	}
	return c.from(ctx, p, l, first)
}

// from prints the entries from a place in the log on, oldest first.
func (c logShowCmd) from(ctx context.Context, p *program, l *custody.Log, first uint64) (uint64, error) {
	size, err := l.Size(ctx)
	for err == nil && first < size {
		to := min(first+custody.MaxPage, size)
		var list []models.CustodyRecord
		if list, err = l.Page(ctx, to, int(to-first)); err != nil {
			break
		}
		slices.Reverse(list)
		if c.Incident != "" {
			list = slices.DeleteFunc(list, func(r models.CustodyRecord) bool { return string(r.Incident) != c.Incident })
		}
		err, first = c.print(p, list), to
	}
	return first, err
}

func (c logShowCmd) print(p *program, list []models.CustodyRecord) error {
	for _, r := range list {
		if c.JSON {
			if err := p.printJSON(r); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(p.stdout, entryLine(r)); err != nil {
			return err
		}
	}
	return nil
}

// entryLine is an entry on one line, without what is not said.
func entryLine(r models.CustodyRecord) string {
	parts := []string{fmt.Sprintf("%8d", r.Index), r.At.Local().Format("2006-01-02 15:04:05"), fmt.Sprintf("%-14s", r.Act), r.Who}
	for _, said := range []struct{ what, value string }{
		{"", string(r.Incident)}, {"camera ", string(r.Camera)}, {"from ", r.Remote}, {"config ", r.Config[:min(len(r.Config), 12)]},
	} {
		if said.value != "" {
			parts = append(parts, said.what+said.value)
		}
	}
	if len(r.Objects) > 0 {
		parts = append(parts, counted(len(r.Objects), "object"))
	}
	if r.Note != "" {
		parts = append(parts, fmt.Sprintf("%q", r.Note))
	}
	return strings.Join(parts, "  ")
}

type logVerifyCmd struct {
	Config     string   `short:"c" default:"vedette.yml" help:"The configuration file; its data folder is checked, also while vedette runs."`
	Folder     string   `help:"Check this copy of a log instead." placeholder:"DIR"`
	Keys       string   `help:"Public keys from elsewhere, as vedette keys export --json prints them. Default: those beside the log." placeholder:"FILE"`
	Checkpoint []string `help:"A checkpoint of the log that was kept elsewhere, such as in the bucket: the log must continue it." placeholder:"FILE"`
	CA         string   `name:"ca" help:"PEM file of who is trusted for time-stamps. Default: custody.timestamp.ca_file, else the system's." placeholder:"FILE"`
	JSON       bool     `help:"Print the findings as JSON."`
}

func (c logVerifyCmd) Run(ctx context.Context, p *program) error {
	folder, keys, o, err := c.what(p)
	if err != nil {
		return err
	}
	found, err := custody.VerifyDir(ctx, folder, keys, o)
	switch {
	case found.OK() && err != nil:
		return err
	case c.JSON:
		if err := p.printJSON(found); err != nil {
			return err
		}
	default:
		if err := printLogFindings(p, found); err != nil {
			return err
		}
	}
	if !found.OK() {
		return errReported
	}
	return nil
}

// what collects what is to be checked, and by what.
func (c logVerifyCmd) what(p *program) (folder string, keys []custody.PublicKey, o custody.VerifyOptions, err error) {
	folder, ca := c.Folder, c.CA
	if c.Folder == "" || c.Keys == "" {
		var cfg *config.Config
		if cfg, err = p.load(c.Config, false); err != nil {
			return "", nil, o, err
		}
		folder = cmp.Or(folder, dataFile(cfg, "custody"))
		if c.Keys == "" {
			keys, err = custody.ReadPublicKeys(dataFile(cfg, "keys"))
		}
		if t := cfg.Custody.Timestamp; t != nil {
			ca = cmp.Or(ca, t.CAFile)
		}
	}
	if c.Keys != "" {
		var data []byte
		if data, err = os.ReadFile(c.Keys); err == nil {
			keys, err = custody.ParsePublicKeys(data)
		}
	}
	if err != nil {
		return "", nil, o, err
	}
	if o.Authorities, err = readRoots(ca); err != nil {
		return "", nil, o, fmt.Errorf("--ca: %w", err)
	}
	o.Checkpoints = map[string][]byte{}
	for _, path := range c.Checkpoint {
		if o.Checkpoints["the checkpoint "+filepath.Base(path)], err = os.ReadFile(path); err != nil {
			return "", nil, o, err
		}
	}
	return folder, keys, o, nil
}

func printLogFindings(p *program, f custody.Findings) error {
	var b strings.Builder
	fmt.Fprintf(&b, "custody log %s\n\n", f.Origin)
	for _, mark := range []struct {
		sign string
		list []string
	}{{"ok   ", f.Checked}, {"note ", f.Notes}, {"BAD  ", f.Problems}} {
		for _, s := range mark.list {
			fmt.Fprintf(&b, "  %s %s\n", mark.sign, s)
		}
	}
	result := "Nothing is wrong: the log is complete and unchanged."
	if !f.OK() {
		result = "THE LOG IS NOT WHAT WAS RECORDED. Keep it as it is, and compare it with a backup."
	}
	fmt.Fprintf(&b, "\n%s\n", result)
	_, err := fmt.Fprint(p.stdout, b.String())
	return err
}

type logSetAsideCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file."`
	Why    string `required:"" help:"Why. It is kept in the first entry of the new log."`
	Who    string `help:"Who does it. Default: the user of this machine."`
}

func (c logSetAsideCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	cfg, err := p.load(c.Config, false)
	if err != nil {
		return err
	}
	keys, err := custody.OpenKeys(dataFile(cfg, "keys"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	o, err := custodyOptions(cfg, keys, nil, log)
	if err != nil {
		return err
	}
	kept, err := custody.SetAside(ctx, dataFile(cfg, "custody"), o, whoever(c.Who), c.Why, time.Now())
	if err != nil {
		return err
	}
	if kept == "" {
		_, err = fmt.Fprintln(p.stdout, "There was nothing left to keep. Another log is begun, and its first entry says so.")
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "The old log is kept in %s. Another is begun, and its first entry names it.\n", kept)
	return err
}
