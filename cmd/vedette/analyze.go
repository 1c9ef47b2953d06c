package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
)

type analyzeCmd struct {
	Config     string `short:"c" required:"" help:"The configuration file."`
	Camera     string `required:"" help:"Whose zones, rules and detection to use."`
	Format     string `default:"table" enum:"table,jsonl" help:"table or jsonl: one object per incident on standard output."`
	Tracks     string `help:"Write tracks to this file, in MOTChallenge format and source pixels. Every frame is analysed, whatever detect.fps says."`
	Foreground string `help:"Write one PNG mask per frame to this folder, at source size, 255 = foreground. Every frame is analysed."`
	Cards      string `help:"Write a picture of why each incident was opened to this folder, as JPEG named by its ID."`
	Quiet      bool   `short:"q" help:"No progress bar."`
	Video      string `arg:"" help:"The video file: any container and codec that libavformat reads."`
}

// line is one incident in jsonl. Times are seconds from the first frame.
type line struct {
	Kind     models.Kind     `json:"kind"`
	Camera   models.CameraID `json:"camera"`
	Zone     models.ZoneID   `json:"zone"`
	Label    string          `json:"label"`
	Score    float64         `json:"score"`
	Severity models.Severity `json:"severity"`
	Start    float64         `json:"start_s"` // arrival
	Alarm    float64         `json:"alarm_s"` // the rule became true
	End      float64         `json:"end_s"`
	Box      [4]float64      `json:"box"` // at the alarm: left, top, width, height, fractions of the picture
	Events   []lineEvent     `json:"events"`
	Count    int             `json:"event_count"`
	Config   string          `json:"config"`
}

// lineEvent is one event of an incident.
type lineEvent struct {
	Track    models.TrackID `json:"track"`
	Label    string         `json:"label"`
	Score    float64        `json:"score"`
	Start    float64        `json:"start_s"`
	Alarm    float64        `json:"alarm_s"`
	End      float64        `json:"end_s"`
	Box      [4]float64     `json:"box"`
	Why      []models.Fact  `json:"why"`
	Curve    [][2]float64   `json:"curve,omitempty"`    // seconds, and what was observed of the first fact then
	Scores   [][2]float64   `json:"scores,omitempty"`   // seconds, and what the object detector gave then
	Identity string         `json:"identity,omitempty"` // the track was joined from several
}

func (c analyzeCmd) Run(ctx context.Context, p *program, log *slog.Logger) (err error) {
	cam, cfg, err := c.camera(p)
	if err != nil {
		return err
	}
	film, err := decode.OpenFile(c.Video, decode.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, film.Close()) }()
	watch := cam.Watch(cfg.Hash)
	if c.Tracks != "" || c.Foreground != "" {
		watch.FPS = 0
	}
	objects, closeObjects := objectDetector(cfg, log)
	defer closeObjects()

	outs := &outputs{size: image.Pt(film.Info().Width, film.Info().Height)}
	if err := outs.open(c.Tracks, c.Foreground, c.Cards); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outs.close()) }()
	stdout := bufio.NewWriter(p.stdout)
	defer func() { err = errors.Join(err, stdout.Flush()) }()
	report, finish := c.reporter(stdout)
	bar := newBar(p.stderr, film.Info().Frames, c.Quiet)
	a := pipeline.Analysis{Watch: watch, Objects: objects, Version: version, Log: log,
		WantForeground: c.Foreground != "", OnIncident: report,
		OnFrame: func(f models.Frame, tracks []models.Track, fg *image.Gray) error {
			bar.step()
			return outs.frame(f, tracks, fg)
		}}
	if c.Cards != "" {
		a.OnAlarm = func(in models.Incident, f models.Frame, moving *image.Gray) error {
			return writeCard(c.Cards, f, snapshot.Reasons{Incident: in, Name: cam.Name, Moving: moving})
		}
	}
	err = a.Run(ctx, film)
	bar.done(err == nil)
	return errors.Join(err, finish())
}

func (c analyzeCmd) camera(p *program) (config.Camera, *config.Config, error) {
	// A file is analysed without any camera's password.
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return config.Camera{}, nil, err
	}
	if cam, ok := cfg.Camera(models.CameraID(c.Camera)); ok {
		return cam, cfg, nil
	}
	var names []models.CameraID
	for _, cam := range cfg.Cameras {
		names = append(names, cam.ID)
	}
	return config.Camera{}, nil, fmt.Errorf("%s has no camera %q; it has %q", c.Config, c.Camera, names)
}

// reporter prints incidents as they end; finish ends the table.
func (c analyzeCmd) reporter(w io.Writer) (report func(pipeline.Found) error, finish func() error) {
	if c.Format == "jsonl" {
		enc := json.NewEncoder(w)
		return func(f pipeline.Found) error { return enc.Encode(toLine(f)) }, func() error { return nil }
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	n := 0
	return func(f pipeline.Found) error {
			if n++; n == 1 {
				fmt.Fprintln(tw, "KIND\tZONE\tLABEL\tARRIVED\tALARM\tENDED\tEVENTS")
			}
			l := toLine(f)
			_, err := fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", l.Kind, l.Zone, l.Label, clock(l.Start), clock(l.Alarm), clock(l.End), l.Count)
			return err
		}, func() error {
			if n == 0 {
				fmt.Fprintln(tw, "no incidents")
			}
			return tw.Flush()
		}
}

func toLine(f pipeline.Found) line {
	in := f.Incident
	l := line{Kind: in.Kind, Camera: in.Camera, Zone: in.Zone, Label: in.Label, Score: round(in.Score), Severity: in.Severity,
		Start: seconds(f.Start.Media), Alarm: seconds(in.Events[0].Alarm.Media), End: seconds(f.End.Media),
		Box: corners(in.Box), Count: in.EventCount, Config: in.Config}
	for _, e := range in.Events {
		le := lineEvent{Track: e.Track, Label: e.Label, Score: round(e.Score), Start: seconds(e.Start.Media),
			Alarm: seconds(e.Alarm.Media), End: seconds(e.End.Media), Box: corners(e.Box), Why: e.Why, Identity: e.Identity}
		for _, p := range e.Curve {
			le.Curve = append(le.Curve, [2]float64{seconds(p.At.Media), round(p.Value)})
		}
		for _, p := range e.Path {
			if p.Score > 0 {
				le.Scores = append(le.Scores, [2]float64{seconds(p.At.Media), round(p.Score)})
			}
		}
		l.Events = append(l.Events, le)
	}
	return l
}

func writeCard(folder string, f models.Frame, r snapshot.Reasons) error {
	card, err := snapshot.Card(f, r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, string(r.Incident.ID)+".jpg"), card, 0o644)
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}

func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

func corners(b models.Box) [4]float64 {
	return [4]float64{round(b.X), round(b.Y), round(b.W), round(b.H)}
}

// clock writes seconds of media time as m:ss.s.
func clock(s float64) string {
	m := int(s) / 60
	return fmt.Sprintf("%d:%04.1f", m, s-float64(60*m))
}

// outputs are the optional per-frame files of an analysis.
type outputs struct {
	size   image.Point
	file   *os.File
	tracks *bufio.Writer
	masks  string // folder
}

func (o *outputs) open(tracks, masks, cards string) error {
	o.masks = masks
	for _, folder := range []string{masks, cards} {
		if folder == "" {
			continue
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if tracks == "" {
		return nil
	}
	f, err := os.Create(tracks)
	if err != nil {
		return err
	}
	o.file, o.tracks = f, bufio.NewWriter(f)
	return nil
}

func (o *outputs) close() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.tracks.Flush(), o.file.Close())
}

func (o *outputs) frame(f models.Frame, tracks []models.Track, fg *image.Gray) error {
	if o.tracks != nil {
		w, h := float64(f.Source.X), float64(f.Source.Y)
		for _, t := range tracks {
			if t.State != models.TrackConfirmed || !t.Seen {
				continue
			}
			if _, err := fmt.Fprintf(o.tracks, "%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n",
				f.Index+1, t.ID, t.Box.X*w, t.Box.Y*h, t.Box.W*w, t.Box.H*h, t.Score); err != nil {
				return fmt.Errorf("write tracks: %w", err)
			}
		}
	}
	if o.masks == "" {
		return nil
	}
	return writeMask(filepath.Join(o.masks, fmt.Sprintf("%06d.png", f.Index+1)), fg, f.Source)
}

// writeMask scales the mask to the source's size, nearest neighbour, and writes it.
func writeMask(path string, mask *image.Gray, size image.Point) error {
	full := image.NewGray(image.Rectangle{Max: size})
	if mask != nil {
		b := mask.Bounds()
		for y := range size.Y {
			src := mask.Pix[(y*b.Dy()/size.Y)*mask.Stride:]
			dst := full.Pix[y*full.Stride : y*full.Stride+size.X]
			for x := range dst {
				dst[x] = src[x*b.Dx()/size.X]
			}
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	return errors.Join(enc.Encode(f, full), f.Close())
}

// bar shows progress on a terminal; elsewhere it stays silent.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newBar(w io.Writer, frames int, quiet bool) *bar {
	return newNamedBar(w, "analyze", frames, quiet)
}

func newNamedBar(w io.Writer, what string, frames int, quiet bool) *bar {
	f, ok := w.(*os.File)
	if quiet || !ok || !isTerminal(f) {
		return &bar{}
	}
	p := mpb.New(mpb.WithOutput(f), mpb.WithWidth(60))
	return &bar{p, p.AddBar(int64(frames), mpb.PrependDecorators(decor.Name(what+" "), decor.CountersNoUnit("%d/%d frames")),
		mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f fps "), decor.AverageETA(decor.ET_STYLE_GO)))}
}

func (b *bar) step() {
	if b.bar != nil {
		b.bar.Increment()
	}
}

// done leaves the bar full when the film was read to its end: the number of frames that
// a container states is an estimate.
func (b *bar) done(whole bool) {
	if b.bar == nil {
		return
	}
	if whole {
		b.bar.SetTotal(-1, true)
	} else {
		b.bar.Abort(false)
	}
	b.progress.Wait()
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
