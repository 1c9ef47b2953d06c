package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

type recallCmd struct {
	Config string `short:"c" default:"vedette.yml" help:"The configuration file; its data folder is read, also while vedette runs."`
	Camera string `required:"" help:"The camera's name in the configuration."`
	From   string `required:"" help:"When to begin: 2026-11-22T14:00:00Z, \"2026-11-22 14:00\", 14:00 (the last time it was), or -10m (ago)."`
	To     string `default:"-0s" help:"When to end, written the same way, or +10m after the beginning. Default: now."`
	Out    string `short:"o" help:"The MP4 to write; beside it goes a .json that says what is in it, what is missing, and its SHA-256. Default: CAMERA-BEGINNING.mp4."`
	Quiet  bool   `short:"q" help:"Show no progress."`
}

// recallNote is the file beside a recalled clip.
type recallNote struct {
	File string `json:"file"`
	models.Recalled
	SHA256   string    `json:"sha256"`
	Made     time.Time `json:"made"`
	Software string    `json:"software"`
}

func (c recallCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return err
	}
	span, err := recallSpan(c.From, c.To, time.Now())
	if err != nil {
		return err
	}
	a, err := archive.Open(dataFile(cfg, "archive"), archive.Options{ReadOnly: true, Describe: pipeline.DescribeSegment, Log: log})
	if err != nil {
		return fmt.Errorf("%w (has vedette run with this configuration, and record: {continuous: true}?)", err)
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	r := &pipeline.Recall{Archive: a, Software: "vedette " + version, Log: log}
	cam := models.CameraID(c.Camera)
	spans, err := r.Spans(cam, span)
	if err != nil {
		return err
	}
	// What is taken out is in the custody log, or it is not taken out.
	logbook, err := openCustody(cfg, nil, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logbook.Close()) }()
	err = logbook.Log.Record(ctx, models.Custody{At: time.Now().UTC(), Who: whoever(""), Act: models.ActRecalled, Camera: cam,
		Note: span.From.UTC().Format(time.RFC3339) + " to " + span.To.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	out := c.Out
	if out == "" {
		out = fmt.Sprintf("%s-%s.mp4", cam, span.From.UTC().Format("20060102T150405Z"))
	}
	got := 0
	for _, part := range spans {
		name := out
		if got > 0 {
			ext := filepath.Ext(out)
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(out, ext), got+1, ext)
		}
		note, err := c.write(ctx, p, r, cam, part, name)
		if errors.Is(err, pipeline.ErrNoFootage) && (len(spans) > 1 || got > 0) {
			continue
		}
		if err != nil {
			return err
		}
		got++
		tellRecalled(p.stdout, note)
	}
	if got == 0 {
		return pipeline.ErrNoFootage
	}
	return nil
}

// attempts bounds how often a recall begins anew because its footage turned out damaged:
// each time one more second is known and left out.
const attempts = 100

// write recalls one stretch into a file.
func (c recallCmd) write(ctx context.Context, p *program, r *pipeline.Recall, cam models.CameraID, span models.Span, name string) (recallNote, error) {
	for range attempts {
		note, err := c.attempt(ctx, p, r, cam, span, name)
		if _, damaged := errors.AsType[*clip.DamagedError](err); !damaged {
			return note, err
		}
	}
	return recallNote{}, fmt.Errorf("recall of %s: the footage is damaged in more than %d places", cam, attempts)
}

// attempt writes the clip under another name, and gives it its own when it is whole.
func (c recallCmd) attempt(ctx context.Context, p *program, r *pipeline.Recall, cam models.CameraID, span models.Span, name string) (note recallNote, err error) {
	video, recalled, err := r.Open(ctx, cam, span)
	if err != nil {
		return note, err
	}
	defer func() { err = errors.Join(err, video.Close()) }()
	part, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return note, err
	}
	sum := sha256.New()
	bar := newRecallBar(p.stderr, recalled.Size, c.Quiet)
	_, err = io.Copy(io.MultiWriter(part, sum), bar.reader(stoppable{ctx, video}))
	bar.done(err == nil)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), name)
	}
	if err != nil {
		return note, errors.Join(err, ignoreMissing(os.Remove(part.Name())))
	}
	note = recallNote{File: filepath.Base(name), Recalled: recalled, SHA256: hex.EncodeToString(sum.Sum(nil)),
		Made: time.Now().UTC(), Software: "vedette " + version}
	data, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return note, err
	}
	return note, os.WriteFile(strings.TrimSuffix(name, filepath.Ext(name))+".json", append(data, '\n'), 0o600)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// stoppable ends a copy when its context does.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// newRecallBar shows progress on a terminal; elsewhere it stays silent.
func newRecallBar(w io.Writer, size int64, quiet bool) *download {
	f, ok := w.(*os.File)
	if quiet || !ok || !isTerminal(f) {
		return &download{}
	}
	progress := mpb.New(mpb.WithOutput(f), mpb.WithWidth(60))
	return &download{progress, progress.AddBar(size, mpb.PrependDecorators(decor.Name("recall "), decor.CountersKiloByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1000(0), "% .1f"), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)))}
}

// tellRecalled says what was written, and what is missing.
func tellRecalled(w io.Writer, n recallNote) {
	at := func(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000 MST") }
	fmt.Fprintf(w, "%s   %s to %s   %d pictures   %.1f MB   SHA-256 %s\n", n.File, at(n.Got.From), at(n.Got.To),
		n.Frames, float64(n.Size)/1e6, n.SHA256)
	if len(n.Gaps) == 0 {
		fmt.Fprintln(w, "  nothing is missing")
	}
	for _, g := range n.Gaps {
		note := ""
		if g.Note != "" {
			note = ": " + g.Note
		}
		fmt.Fprintf(w, "  missing   %s to %s   %s   %s%s\n", at(g.From), at(g.To), g.To.Sub(g.From).Round(time.Millisecond),
			strings.ReplaceAll(string(g.Cause), "_", " "), note)
	}
}

// recallSpan reads the bounds of a recall.
func recallSpan(from, to string, now time.Time) (models.Span, error) {
	begin, err := parseTime(from, now)
	if err != nil {
		return models.Span{}, fmt.Errorf("--from: %w", err)
	}
	var end time.Time
	if after, ok := strings.CutPrefix(to, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil || d <= 0 {
			return models.Span{}, fmt.Errorf("--to: %q is no length of time such as +10m", to)
		}
		end = begin.Add(d)
	} else if end, err = parseTime(to, now); err != nil {
		return models.Span{}, fmt.Errorf("--to: %w", err)
	}
	if !end.After(begin) {
		return models.Span{}, errors.New("--to is not after --from")
	}
	return models.Span{From: begin, To: end}, nil
}

// parseTime reads an instant as people write it, by this machine's wall clock unless it
// says otherwise.
func parseTime(s string, now time.Time) (time.Time, error) {
	if ago, ok := strings.CutPrefix(s, "-"); ok {
		if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
			return now.Add(-d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, form := range []string{time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, form := range []string{time.TimeOnly, "15:04"} {
		clock, err := time.Parse(form, s)
		if err != nil {
			continue
		}
		y, m, d := now.Date()
		t := time.Date(y, m, d, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), now.Location())
		if t.After(now) { // the last time it was
			t = time.Date(y, m, d-1, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), now.Location())
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-22T14:00:00Z, \"2026-11-22 14:00\", 14:00, or -10m", s)
}
