package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/internal/camtest"
)

type demoCmd struct {
	Video  string `required:"" type:"existingfile" help:"The film to play. What is not H.264 or H.265 in MP4 is transcoded once by ffmpeg."`
	Data   string `help:"Where the demo keeps its data." placeholder:"FOLDER"`
	Listen string `default:"127.0.0.1:8080" help:"Where the console listens."`
	Once   bool   `help:"Play the film once instead of again and again."`
}

// footageName is the film that the demo's own zones were drawn on; on any other film the
// whole picture is one zone.
const footageName = "vtest.mp4"

//go:embed demo-vtest.yml
var vtestZones string

//go:embed demo-any.yml
var anyZones string

func (c demoCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	if c.Data == "" {
		c.Data = filepath.Join(cache, "vedette", "demo", "data")
	}
	if err := os.MkdirAll(c.Data, private); err != nil {
		return err
	}
	media, err := loadFilm(ctx, p, c.Video, c.Data)
	if err != nil {
		return err
	}
	box := &camtest.Camera{Media: media, Path: "/main", User: "viewer", Pass: rand.Text(), Loop: !c.Once, SenderReports: true}
	if err := box.Start(); err != nil {
		return err
	}
	defer box.Stop()
	path, err := c.writeConfig(box.URLWithCredentials())
	if err != nil {
		return err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\n  film      %s plays on %s\n  config    %s   (edit it: saving applies it)\n", c.Video, box.URL(), path)
	return (&service{program: p, log: log, cfg: cfg, optional: true}).run(ctx)
}

// writeConfig writes the demo's configuration; zones that somebody has edited are kept
// as long as the film is the same.
func (c demoCmd) writeConfig(url string) (string, error) {
	zones := anyZones
	if filepath.Base(c.Video) == footageName {
		zones = vtestZones
	}
	text := strings.NewReplacer("{{url}}", url, "{{data}}", c.Data, "{{listen}}", c.Listen).Replace(zones)
	path := filepath.Join(c.Data, "vedette.yml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// loadFilm reads the film, by way of ffmpeg when it is not what cameras send.
func loadFilm(ctx context.Context, p *program, video, data string) (*camtest.Media, error) {
	media, err := camtest.LoadMP4(video)
	if err == nil {
		return media, nil
	}
	if _, missing := exec.LookPath("ffmpeg"); missing != nil {
		return nil, errors.Join(err, fmt.Errorf("transcode %s: ffmpeg is not installed; make setup installs it", video))
	}
	fmt.Fprintf(p.stdout, "  transcoding %s to H.264\n", video)
	out := filepath.Join(data, "film.mp4")
	abs, err := filepath.Abs(video) // so that a name that begins with a dash is no option
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-protocol_whitelist", "file", "-i", "file:"+abs, "-an", "-map", "0:v:0",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "30", "-y", out)
	cmd.Stderr = p.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("transcode %s: %w", video, err)
	}
	return camtest.LoadMP4(out)
}
