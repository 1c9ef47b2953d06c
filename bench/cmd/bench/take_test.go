package main

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
)

// A mask of the truth must be moved exactly as the film was.
func TestTruthShakesWithTheFilm(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	const w, h, frames = 96, 64, 12
	picture := image.NewGray(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			if x%4 == 0 && y%4 == 0 {
				v := uint8(32 + rng.IntN(192))
				for i := range 16 {
					picture.Pix[(y+i/4)*w+x+i%4] = v
				}
			}
		}
	}
	folder := t.TempDir()
	film, shaken := filepath.Join(folder, "film.mp4"), filepath.Join(folder, "shaken.mp4")
	encode := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "96x64", "-r", "10", "-i", "-",
		"-c:v", "libx264", "-crf", "4", "-bf", "0", film)
	grey := bytes.Repeat([]byte{128}, w*h/2) // both chroma planes
	encode.Stdin = bytes.NewReader(bytes.Repeat(append(picture.Pix[:w*h:w*h], grey...), frames))
	if out, err := encode.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var shake take
	for _, candidate := range takes() {
		if candidate.name == "shake" {
			shake = candidate
		}
	}
	if err := shake.make(t.Context(), film, shaken); err != nil {
		t.Fatal(err)
	}
	raw, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", shaken, "-vf", "extractplanes=y", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	const cw, ch = w - 2*shakePixels, h - 2*shakePixels
	if len(raw) != frames*cw*ch {
		t.Fatalf("got %d bytes, want %d frames of %dx%d", len(raw), frames, cw, ch)
	}
	for n := range frames {
		got := raw[n*cw*ch:][:cw*ch]
		if d := difference(got, shake.seen(picture, n).Pix); d > 4 {
			t.Errorf("frame %d differs from the shaken truth by %.1f grey levels", n, d)
		}
		if d := difference(got, shake.seen(picture, n+1).Pix); d < 8 {
			t.Errorf("frame %d is like the next one, by %.1f grey levels: nothing shakes", n, d)
		}
	}
}

func difference(a, b []byte) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}

func TestEveryTakeMakesAFilm(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	folder := t.TempDir()
	film := filepath.Join(folder, "film.mp4")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=12.5:d=1",
		"-pix_fmt", "yuv420p", "-c:v", "libx264", film).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	frames := func(film string) []byte {
		raw, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", film, "-vf", "scale=160:120,format=gray", "-f", "rawvideo", "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	before := frames(film)
	for _, take := range takes() {
		to := filepath.Join(folder, take.name, "film.mp4")
		if err := take.make(t.Context(), film, to); err != nil {
			t.Errorf("%s: %v", take.name, err)
			continue
		}
		switch after := frames(to); {
		case len(after) != len(before):
			t.Errorf("%s: %d bytes of pictures became %d", take.name, len(before), len(after))
		case difference(before, after) < 1:
			t.Errorf("%s: the film is as it was", take.name)
		}
	}
}
