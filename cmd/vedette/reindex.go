package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

type reindexCmd struct {
	Config   string `short:"c" default:"vedette.yml" help:"The configuration file. Stop vedette first."`
	DryRun   bool   `short:"n" help:"Say what would be done, and do nothing."`
	Fresh    bool   `help:"Set the present SQLite file aside first, such as one that is damaged."`
	Thorough bool   `help:"Read every object again and compare its SHA-256, not its size alone."`
	Unsigned bool   `help:"Do not check signatures, such as without the keys of a recorder that was lost."`
	JSON     bool   `help:"Print the counts as JSON."`
}

func (c reindexCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return err
	}
	// The spool's lock says that no vedette works here. What waits in it comes to the index
	// at the next start by itself.
	spool, err := storage.OpenSpool(dataFile(cfg, "spool"), storage.SpoolOptions{Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	r := &storage.Reindex{Spool: spool, DryRun: c.DryRun, Thorough: c.Thorough, Log: log}
	if r.Verify, err = c.verifier(cfg); err != nil {
		return err
	}
	if r.Bucket, err = openBucket(cfg.Storage.Bucket); err != nil {
		return err
	}
	if c.Fresh && !c.DryRun {
		if err := setIndexAside(cfg, p.stderr); err != nil {
			return err
		}
	}
	if r.Index, err = openIndex(ctx, cfg.Storage.Index); err != nil {
		return fmt.Errorf("%w\nTo set the file aside and begin a new one: vedette reindex --fresh", err)
	}
	defer func() { err = errors.Join(err, r.Index.Close()) }()
	bar := newCounting(p.stderr, c.JSON)
	r.Progress = bar.to
	r.Problem = func(id models.IncidentID, err error) { fmt.Fprintf(bar, "%s: %v\n", id, err) }
	sum, err := r.Run(ctx)
	bar.end(err == nil)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(sum)
	} else {
		err = printReindexed(p.stdout, sum, c.DryRun)
	}
	if err == nil && sum.Forged+sum.Damaged+sum.Unread > 0 {
		err = errReported
	}
	return err
}

// verifier checks signatures by the keys in the data folder.
func (c reindexCmd) verifier(cfg *config.Config) (func([]byte, models.Signature) error, error) {
	dir := dataFile(cfg, "keys")
	if _, err := os.Stat(dir); c.Unsigned || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	keys, err := custody.OpenKeys(dir)
	if err != nil {
		return nil, fmt.Errorf("%w\nTo go on without checking signatures: --unsigned", err)
	}
	public := keys.Public()
	return func(data []byte, sig models.Signature) error { return custody.Verify(public, data, sig) }, keys.Close()
}

// setIndexAside keeps the present SQLite file, with what belongs to it, under another name.
func setIndexAside(cfg *config.Config, w io.Writer) error {
	db := cfg.Storage.Index.SQLite
	if db == nil {
		return errors.New("--fresh is for SQLite: of PostgreSQL make an empty database and name it in the configuration")
	}
	aside := db.Path + time.Now().UTC().Format(".20060102T150405Z")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		switch err := os.Rename(db.Path+suffix, aside+suffix); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case suffix == "":
			fmt.Fprintln(w, "the present index is kept as", aside)
		}
	}
	return nil
}

func printReindexed(w io.Writer, s storage.Reindexed, dry bool) error {
	made := "records made"
	if dry {
		made = "records to be made"
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		n    int
		what string
		show bool
	}{
		{s.Found, "incidents in the bucket", true},
		{s.Made, made, true},
		{s.Poorer, "  of these from the manifest alone: what people did is lost", s.Poorer > 0},
		{s.Deleted, "  of these with evidence that retention had deleted", s.Deleted > 0},
		{s.Cut, "  of these whose recorder was lost while they went on", s.Cut > 0},
		{s.Mended, "records that now know that their evidence is stored", s.Mended > 0},
		{s.GoingOn, "left alone: they go on, or the next start finishes them", s.GoingOn > 0},
		{s.Unsigned, "without a signature", s.Unsigned > 0},
		{s.Damaged, "with evidence that is missing or altered", s.Damaged > 0},
		{s.Forged, "whose signature does not fit: no record was made", s.Forged > 0},
		{s.Unread, "that could not be read", s.Unread > 0},
	} {
		if row.show {
			fmt.Fprintf(t, "%d\t%s\n", row.n, row.what)
		}
	}
	return t.Flush()
}

// counting shows a number that grows, of nobody knows how many.
type counting struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newCounting(w io.Writer, quiet bool) *counting {
	if quiet {
		w = io.Discard
	}
	p := mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
	return &counting{p, p.New(0, mpb.SpinnerStyle(),
		mpb.PrependDecorators(decor.Name("reindex "), decor.CurrentNoUnit("%d incidents")),
		mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f/s")))}
}

func (c *counting) to(n int) { c.bar.SetCurrent(int64(n)) }

// Write puts a line above the bar.
func (c *counting) Write(p []byte) (int, error) { return c.progress.Write(p) }

func (c *counting) end(well bool) {
	if well {
		c.bar.SetTotal(-1, true)
	} else {
		c.bar.Abort(false)
	}
	c.progress.Wait()
}
