// Rulepictures makes the pictures of docs/rules: for each kind of rule the why card of an
// incident, raised by the real program.
//
//	go run ./internal/rulepictures -vedette bin/vedette
//
// The footage is what may be passed on: two films of Intel's sample-videos (CC BY 4.0),
// found in the data folder, and scenes that are drawn here. It needs ffmpeg.
package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

const (
	width = 540   // of a picture, in pixels: half a card
	limit = 60000 // bytes of a picture, so that a page loads quickly
)

// maker makes pictures.
type maker struct {
	vedette string // the program
	data    string // folder of real footage and weights
	out     string // folder for the pictures
	work    string // folder for what is only needed meanwhile
}

func main() {
	m := maker{}
	flag.StringVar(&m.vedette, "vedette", "bin/vedette", "the program")
	flag.StringVar(&m.data, "data", cmp.Or(os.Getenv("VEDETTE_DATA"), "../shared/data"), "folder of real footage and weights")
	flag.StringVar(&m.out, "out", "docs/pictures/rules", "folder for the pictures")
	only := flag.String("only", "", "make the picture of this kind alone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := m.all(ctx, models.Kind(*only)); err != nil {
		fmt.Fprintln(os.Stderr, "rulepictures:", err)
		os.Exit(1)
	}
}

func (m maker) all(ctx context.Context, only models.Kind) error {
	if err := os.MkdirAll(m.out, 0o755); err != nil {
		return err
	}
	for _, kind := range models.RuleKinds() {
		if only != "" && kind != only {
			continue
		}
		s, ok := shots()[kind]
		if !ok {
			return fmt.Errorf("%s: no footage shows it", kind)
		}
		if err := m.one(ctx, kind, s); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// one makes the picture of one kind.
func (m maker) one(ctx context.Context, kind models.Kind, s shot) (err error) {
	if m.work, err = os.MkdirTemp("", "rulepictures"); err != nil {
		return err
	}
	defer os.RemoveAll(m.work)
	film := filepath.Join(m.work, "film.mp4")
	if s.scene != nil {
		err = encode(ctx, s.scene, film)
	} else {
		err = run(ctx, nil, "ffmpeg", "-v", "error", "-y", "-i", filepath.Join(m.data, s.film),
			"-t", fmt.Sprint(s.length.Seconds()), "-c", "copy", film)
	}
	if err != nil {
		return err
	}
	card, err := m.card(ctx, s, film)
	if err != nil {
		return err
	}
	out := filepath.Join(m.out, string(kind)+".jpg")
	for quality := 3; quality <= 20; quality++ {
		if err := run(ctx, nil, "ffmpeg", "-v", "error", "-y", "-i", card, "-vf", fmt.Sprintf("scale=%d:-2:flags=lanczos", width),
			"-q:v", fmt.Sprint(quality), "-map_metadata", "-1", "-bitexact", out); err != nil {
			return err
		}
		info, err := os.Stat(out)
		if err != nil {
			return err
		}
		if info.Size() <= limit {
			fmt.Printf("%s %d bytes\n", out, info.Size())
			return nil
		}
	}
	return fmt.Errorf("%s is larger than %d bytes at every quality", out, limit)
}

// card has vedette watch the film, and returns the file of the card of the incident that
// the picture is to show.
func (m maker) card(ctx context.Context, s shot, film string) (string, error) {
	config := filepath.Join(m.work, "vedette.yml")
	text := fmt.Sprintf("models: {path: [%q]}\ncameras:\n  film:\n    name: %q\n    url: rtsp://192.0.2.10/\n    detect: {objects: %t}\n    zones:\n%s",
		filepath.Join(m.data, "models"), s.name, s.objects, s.zones)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", err
	}
	cards := filepath.Join(m.work, "cards")
	if err := run(ctx, nil, m.vedette, "--log-level", "error", "analyze", "-q", "-c", config, "--camera", "film", "--cards", cards, film); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(cards, "*.jpg"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	if s.incident >= len(files) {
		return "", fmt.Errorf("%d incidents, want at least %d", len(files), s.incident+1)
	}
	return files[s.incident], nil
}

// encode makes a film of a scene.
func encode(ctx context.Context, s *scene.Scene, film string) error {
	r, w := io.Pipe()
	drawn := make(chan struct{})
	go func() {
		defer close(drawn)
		w.CloseWithError(draw(s, w))
	}()
	err := run(ctx, r, "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p",
		"-s", fmt.Sprintf("%dx%d", s.Width, s.Height), "-r", fmt.Sprint(s.FPS), "-i", "-",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "16", film)
	r.Close()
	<-drawn
	return err
}

// draw writes the planes of all frames.
func draw(s *scene.Scene, w io.Writer) error {
	for f := range s.Frames() {
		for _, plane := range [][]byte{f.Picture.Y, f.Picture.Cb, f.Picture.Cr} {
			if _, err := w.Write(plane); err != nil {
				return err
			}
		}
	}
	return nil
}

func run(ctx context.Context, stdin io.Reader, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, bytes.TrimSpace(out))
	}
	return nil
}
