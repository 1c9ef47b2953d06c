package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
)

type redactCmd struct {
	Target      string   `arg:"" help:"An incident, by ID, or the file of a clip."`
	Output      string   `short:"o" help:"The copy, such as redacted.mp4. A file that is there is not replaced. Its note and the signature of that lie beside it." placeholder:"FILE"`
	Config      string   `short:"c" default:"vedette.yml" help:"The configuration file; its index and bucket are read, also while vedette runs."`
	Keep        []int64  `help:"A track that stays visible. Repeat for several. Default: those whom the incident is about." placeholder:"TRACK"`
	Region      []string `help:"Hide this polygon throughout: x,y,x,y,x,y in fractions of the picture. Repeat for several." placeholder:"X,Y,…" sep:"none"`
	RegionsOnly bool     `help:"Hide the regions and nobody."`
	Tracks      bool     `help:"Only list the tracks that there are, for --keep."`
	Why         string   `help:"What the copy is for. It stands in the note and in the custody log."`
	Who         string   `help:"Who makes it. Default: the user of this machine."`
	Quiet       bool     `short:"q" help:"Say nothing when it went well."`
}

func (c redactCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	regions, err := c.regions()
	if err != nil {
		return err
	}
	switch {
	case c.Output == "" && !c.Tracks:
		return errors.New("--output: name the copy")
	case c.RegionsOnly && len(regions) == 0:
		return errors.New("--regions-only: name a --region")
	}
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return err
	}
	m, err := c.open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	o := pipeline.RedactOptions{Regions: regions, Incident: m.in.ID, Camera: m.in.Camera, Master: m.name, By: whoever(c.Who), Why: c.Why,
		At: time.Now().UTC().Truncate(time.Second), Software: "vedette " + version, Kept: tracksOf(c.Keep)}
	if m.store != nil {
		o.Sign = m.store.custody.Keys.Sign
	}
	if !c.RegionsOnly {
		people, err := c.find(ctx, p, cfg, m, log)
		if err != nil {
			return err
		}
		if c.Tracks {
			return listTracks(p.stdout, people, people.Subjects(m.in))
		}
		if len(o.Kept) == 0 {
			o.Kept = people.Subjects(m.in)
		}
		o.Boxes = people.Others(o.Kept)
	}
	bar := newFrames(p.stderr, "redact", c.Quiet)
	o.Progress = bar.to
	report, err := pipeline.Redact(ctx, m.path, c.Output, o)
	bar.end(err == nil)
	if err != nil {
		return err
	}
	if m.store != nil {
		if err := m.store.custody.Log.Record(context.WithoutCancel(ctx), models.Custody{At: time.Now().UTC(), Who: o.By, Act: models.ActRedacted,
			Incident: m.in.ID, Camera: m.in.Camera, Objects: []models.Object{report.Master, report.Copy}, Note: c.Why}); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(p.stderr, "note: the copy's note is not signed: this configuration has no keys yet")
	}
	if !c.Quiet {
		fmt.Fprintf(p.stdout, "%s  %s, something is hidden in %d; kept tracks: %v\nmaster SHA-256 %s\ncopy   SHA-256 %s\nLook at all of it before you hand it on.\n",
			c.Output, counted(report.Frames, "picture"), report.Hidden, report.Kept, report.Master.SHA256, report.Copy.SHA256)
	}
	return nil
}

func (c redactCmd) regions() ([]models.Polygon, error) {
	var out []models.Polygon
	for _, text := range c.Region {
		parts := strings.Split(text, ",")
		var polygon models.Polygon
		for i := 0; i+1 < len(parts); i += 2 {
			x, errX := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
			y, errY := strconv.ParseFloat(strings.TrimSpace(parts[i+1]), 64)
			if errX != nil || errY != nil || !(x >= 0 && x <= 1 && y >= 0 && y <= 1) {
				return nil, fmt.Errorf("--region %s: each corner is two numbers from 0 to 1", text)
			}
			polygon = append(polygon, models.Point{X: x, Y: y})
		}
		if len(polygon) < 3 || len(parts)%2 != 0 {
			return nil, fmt.Errorf("--region %s: a polygon has three corners or more, each of two numbers", text)
		}
		out = append(out, polygon)
	}
	return out, nil
}

// tracksOf gives the numbers of the command line their type.
func tracksOf(numbers []int64) []models.TrackID {
	var out []models.TrackID
	for _, n := range numbers {
		out = append(out, models.TrackID(n))
	}
	return out
}

// master is the clip that is redacted, in a file on this machine.
type master struct {
	path, name string
	in         models.Incident // empty for a clip that is only a file
	store      *exporter       // nil when there are no keys to sign with
	close      func() error
}

// open finds the clip. That of an incident is brought to a folder of its own first.
func (c redactCmd) open(ctx context.Context, cfg *config.Config, log *slog.Logger) (m master, err error) {
	m.close = func() error { return nil }
	_, keysErr := os.Stat(dataFile(cfg, "keys"))
	_, fileErr := os.Stat(c.Target)
	if fileErr != nil || keysErr == nil {
		if m.store, m.close, err = openExporter(ctx, cfg, log); err != nil {
			return m, err
		}
	}
	if fileErr == nil {
		m.path, m.name = c.Target, filepath.Base(c.Target)
		return m, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	m.in, err = m.store.index.Get(ctx, models.IncidentID(c.Target))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s is neither a file nor an incident: %w", c.Target, err)
	}
	if err != nil {
		return m, err
	}
	dir, err := os.MkdirTemp("", "vedette-redact-*")
	if err != nil {
		return m, err
	}
	closeStore := m.close
	m.close = func() error { return errors.Join(closeStore(), os.RemoveAll(dir)) }
	r, o, err := m.store.clip(ctx, m.in)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	m.path, m.name = filepath.Join(dir, "master.mp4"), o.Key
	f, err := os.OpenFile(m.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, err
	}
	_, err = io.Copy(f, r)
	return m, errors.Join(err, f.Close())
}

// find looks for everybody in the clip, at every picture and however long that takes.
func (c redactCmd) find(ctx context.Context, p *program, cfg *config.Config, m master, log *slog.Logger) (*pipeline.People, error) {
	thorough := *cfg
	thorough.Models.Budget = 0
	cam, _ := cfg.Camera(m.in.Camera)
	cam.Detect.Objects = true
	thorough.Cameras = []config.Camera{cam}
	objects, closeObjects := objectDetector(&thorough, log)
	defer closeObjects()
	bar := newFrames(p.stderr, "look for people", c.Quiet)
	people, err := pipeline.FindPeople(ctx, m.path, pipeline.PeopleOptions{Camera: m.in.Camera, Objects: objects, Log: log, Progress: bar.to})
	bar.end(err == nil)
	return people, err
}

func listTracks(w io.Writer, people *pipeline.People, subjects []models.TrackID) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TRACK\tLABEL\tFROM\tTO\tINCIDENT IS ABOUT IT")
	for _, t := range people.Tracks() {
		about := ""
		if slices.Contains(subjects, t.ID) {
			about = "yes"
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\n", t.ID, t.Label, t.From.UTC().Format("15:04:05.0"), t.To.UTC().Format("15:04:05.0"), about)
	}
	return tw.Flush()
}

// frames is a bar that is told how many pictures are done.
type frames struct {
	bar  *bar
	make func(total int) *bar
	done int
}

func newFrames(w io.Writer, what string, quiet bool) *frames {
	return &frames{make: func(total int) *bar { return newNamedBar(w, what, total, quiet) }}
}

func (f *frames) to(done, total int) {
	if f.bar == nil {
		f.bar = f.make(total)
	}
	for ; f.done < done; f.done++ {
		f.bar.step()
	}
}

func (f *frames) end(whole bool) {
	if f.bar != nil {
		f.bar.done(whole)
	}
}
