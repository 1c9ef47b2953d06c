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
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/exhibit"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

type exportCmd struct {
	Incident  []string `arg:"" help:"The incidents, by ID."`
	Output    string   `short:"o" required:"" help:"The package, such as case.zip. A file that is there is not replaced."`
	Config    string   `short:"c" default:"vedette.yml" help:"The configuration file; its index and bucket are read, also while vedette runs."`
	Why       string   `default:"exported on the command line" help:"Who asked for it and what for. It stands in the package and in the custody log."`
	Reference string   `help:"The recipient's reference, such as a case number."`
	Contact   string   `help:"Whom the recipient can ask."`
	Redacted  []string `help:"A working copy that vedette redact made; its note lies beside it. Repeat for several." placeholder:"FILE"`
	TimeZone  string   `help:"Whose wall clock stands on paper, such as Europe/Vienna. Default: this machine's."`
	Who       string   `help:"Who exports. Default: the user of this machine."`
	Quiet     bool     `short:"q" help:"Say nothing when it went well."`
}

func (c exportCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	place := time.Local
	if c.TimeZone != "" {
		if place, err = time.LoadLocation(c.TimeZone); err != nil {
			return fmt.Errorf("--time-zone: %w", err)
		}
	}
	if _, err := os.Lstat(c.Output); err == nil {
		return fmt.Errorf("%s is there already: name another file", c.Output)
	}
	// No camera is touched, so none of their passwords is needed.
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return err
	}
	x, done, err := openExporter(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	var ids []models.IncidentID
	for _, id := range c.Incident {
		ids = append(ids, models.IncidentID(id))
	}
	x.place = place
	o, err := x.options(ctx, ids, whoever(c.Who), c.Why, true)
	if err != nil {
		return err
	}
	o.Reference, o.Contact = c.Reference, c.Contact
	for _, path := range c.Redacted {
		c := exhibit.WorkingCopy{Path: path, Note: path + ".json"}
		if _, err := os.Stat(c.Note + ".sig"); err == nil {
			c.Signature = c.Note + ".sig"
		}
		o.Copies = append(o.Copies, c)
	}
	reading := newReading(p.stderr, "export", c.Quiet)
	o.Progress = reading.to
	report, err := x.write(ctx, c.Output, o)
	reading.end(err == nil)
	if err != nil {
		return err
	}
	for _, note := range report.Notes {
		fmt.Fprint(p.stderr, wrapped("note: ", note))
	}
	if !c.Quiet {
		fmt.Fprintf(p.stdout, "%s  %s, %d bytes\nSHA-256 %s\n", c.Output, counted(report.Files, "file"), report.Size, report.SHA256)
	}
	return nil
}

// exporter makes exhibit packages of what the configuration names.
type exporter struct {
	index    storage.Index
	evidence storage.Evidence // without a spool beside a vedette that has it
	custody  *custodian
	history  *config.History
	playable web.Playable // nil: no copies are made
	place    *time.Location
}

// openExporter opens what an export reads, beside a vedette that may be running. It makes
// neither a key nor a log nor an index: a package from nowhere would prove nothing.
func openExporter(ctx context.Context, cfg *config.Config, log *slog.Logger) (_ *exporter, done func() error, err error) {
	x := &exporter{history: &config.History{Dir: dataFile(cfg, "config")}}
	var close []func() error
	done = func() error {
		var errs []error
		for i := len(close) - 1; i >= 0; i-- {
			errs = append(errs, close[i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, done())
		}
	}()
	for _, name := range []string{"keys", "custody"} {
		if _, err := os.Stat(dataFile(cfg, name)); err != nil {
			return nil, done, fmt.Errorf("%w (has vedette run with this configuration?)", err)
		}
	}
	if db := cfg.Storage.Index.SQLite; db != nil {
		if _, err := os.Stat(db.Path); err != nil {
			return nil, done, fmt.Errorf("index: %w (has vedette run with this configuration?)", err)
		}
	}
	if x.evidence.Bucket, err = openBucket(cfg.Storage.Bucket); err != nil {
		return nil, done, err
	}
	if x.custody, err = openCustody(cfg, x.evidence.Bucket, log); err != nil {
		return nil, done, err
	}
	close = append(close, x.custody.Close)
	if x.index, err = openIndex(ctx, cfg.Storage.Index); err != nil {
		return nil, done, err
	}
	close = append(close, x.index.Close)
	// Not the folder of the service, which keeps its copies and clears away what it does
	// not know.
	copies, err := os.MkdirTemp("", "vedette-export-*")
	if err != nil {
		return nil, done, err
	}
	close = append(close, func() error { return os.RemoveAll(copies) })
	x.playable = &pipeline.Playable{Dir: copies, Open: x.clip, Log: log}
	return x, done, nil
}

// clip is what working copies are made from: the master.
func (x *exporter) clip(ctx context.Context, in models.Incident) (io.ReadSeekCloser, models.Object, error) {
	for _, o := range in.Footage.Objects {
		if o.Role == models.RoleClip {
			r, err := x.evidence.OpenObject(ctx, in.ID, o)
			return r, o, err
		}
	}
	return nil, models.Object{}, fmt.Errorf("clip of incident %s: %w", in.ID, fs.ErrNotExist)
}

// options gathers what goes into a package. record logs the export first, so that the
// package's own custody log tells of it.
func (x *exporter) options(ctx context.Context, ids []models.IncidentID, who, why string, record bool) (exhibit.Options, error) {
	o := exhibit.Options{
		Keys: x.custody.Keys.Public(), Signer: x.custody.Keys, By: who, Why: why, Software: "vedette " + version,
		At: time.Now().UTC().Truncate(time.Second), Place: x.place, Config: x.config, Open: x.open,
	}
	if x.playable != nil {
		o.Playable = x.copy
	}
	for _, id := range ids {
		in, err := x.index.Get(ctx, id)
		if err != nil {
			return o, err
		}
		if f, ok := x.evidence.Waiting(id); ok && in.Footage.State != models.FootageStored {
			in.Footage = f // a bucket that does not answer must not keep evidence back
		}
		o.Incidents = append(o.Incidents, in)
	}
	if record {
		for _, in := range o.Incidents {
			if err := x.custody.Log.Record(ctx, models.Custody{At: time.Now().UTC(), Who: who, Act: models.ActExported, Incident: in.ID,
				Camera: in.Camera, Objects: in.Footage.Objects, Note: why}); err != nil {
				return o, err
			}
		}
	}
	var err error
	o.Custody, err = x.custody.Log.Extract(ctx, ids)
	return o, err
}

func (x *exporter) open(ctx context.Context, in models.Incident, o models.Object) (storage.Reader, error) {
	return x.evidence.OpenObject(ctx, in.ID, o)
}

// damaged logs evidence that was found missing or altered, and passes the error on.
func (x *exporter) damaged(ctx context.Context, err error) error {
	var d *exhibit.DamagedError
	if !errors.As(err, &d) {
		return err
	}
	what := "altered"
	if errors.Is(err, fs.ErrNotExist) {
		what = "missing"
	}
	return errors.Join(err, x.custody.Log.Record(context.WithoutCancel(ctx), models.Custody{At: time.Now().UTC(), Who: "vedette", Act: models.ActDamaged,
		Incident: d.Incident, Objects: []models.Object{d.Object}, Note: "found " + what + " when it was to be exported"}))
}

func (x *exporter) config(hash string) ([]byte, error) {
	raw, _, err := x.history.Get(hash)
	if err != nil {
		return nil, err
	}
	shown, err := config.Redacted(raw)
	if err != nil {
		return nil, err
	}
	return append([]byte("# The configuration with SHA-256 "+hash+",\n# without its secrets and comments.\n"), shown...), nil
}

func (x *exporter) copy(ctx context.Context, in models.Incident) (string, models.Object, error) {
	if !x.playable.Needed(in) {
		return "", models.Object{}, nil
	}
	return x.playable.Copy(ctx, in)
}

// write makes the package under another name and renames it when it is whole and durable.
func (x *exporter) write(ctx context.Context, path string, o exhibit.Options) (_ exhibit.Report, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".vedette-export-*")
	if err != nil {
		return exhibit.Report{}, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // half a package is none
		}
	}()
	report, err := exhibit.Write(ctx, f, o)
	err = x.damaged(ctx, err)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return report, err
	}
	if _, err := os.Lstat(path); err == nil {
		return report, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return report, os.Rename(f.Name(), path)
}

// Export is what the console's button does. The console has logged it already.
func (x *exporter) Export(ctx context.Context, w io.Writer, ids []models.IncidentID, who, why string) error {
	o, err := x.options(ctx, ids, who, why, false)
	if err != nil {
		return err
	}
	_, err = exhibit.Write(ctx, w, o)
	if errors.Is(err, exhibit.ErrNotStored) {
		return notReady{err}
	}
	return x.damaged(ctx, err)
}

// notReady is an error that the console answers with the state in which the evidence is.
type notReady struct{ error }

func (notReady) Conflict() bool  { return true }
func (e notReady) Unwrap() error { return e.error }
