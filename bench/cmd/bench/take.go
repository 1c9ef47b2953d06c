package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// take is one way in which a film is shown: as it was filmed (the zero take), or altered
// by ffmpeg as weather, light or a loose mount would alter it.
type take struct {
	name string
	// filter makes ffmpeg's filter graph from [0:v] to [out] for a film of that size and rate.
	filter func(size image.Point, rate string) string
	// crop is the border in pixels that is cut off so that the rest can shake.
	crop  int
	shift func(frame int) image.Point // of the rest, -crop..crop; nil for none
}

// The shake of a loose mount: two sines without a common period, in whole pixels.
const (
	shakePixels = 3
	shakeX      = 1.9 // radians a frame
	shakeY      = 2.7
)

// takes are the alterations. They are synthetic: made here, the same on every run.
func takes() []take {
	return []take{
		// Streaks as long as 1/18 of the picture is high, as a wide-angle camera sees heavy
		// rain; some 130 of them in a picture.
		{name: "rain", filter: func(size image.Point, rate string) string {
			w, h := even(size.X/2), even(size.Y/2)
			some := 1 - 130/float64(w*h)
			return fmt.Sprintf("nullsrc=s=%dx%d:r=%s,geq=lum='if(gt(random(1),%.6f),255,0)':cb=128:cr=128,"+
				"scale=%d:%d:flags=neighbor,dblur=angle=75:radius=%d,lutyuv=y='min(val*6\\,110)':u=128:v=128,format=yuv420p[rain];"+
				"[0:v]format=yuv420p[film];[film][rain]blend=c0_mode=screen:c1_mode=normal:c2_mode=normal:shortest=1[out]",
				w, h, rate, some, size.X, size.Y, max(2, size.Y/36))
		}},
		// A small sensor at night, at full gain, after the camera's own encoder.
		{name: "noise", filter: func(image.Point, string) string {
			return "[0:v]noise=c0s=20:c0f=t:c1s=8:c1f=t:c2s=8:c2f=t[out]"
		}},
		// A lamp on its way out: ±25 % of the light, several times a second.
		{name: "flicker", filter: func(image.Point, string) string {
			return "[0:v]eq=eval=frame:contrast='1+0.25*sin(n*0.9)':brightness='0.125*sin(n*0.9)':saturation='1+0.25*sin(n*0.9)'[out]"
		}},
		{name: "shake", crop: shakePixels,
			shift: func(frame int) image.Point {
				n := float64(frame)
				return image.Pt(int(math.Round(shakePixels*math.Sin(n*shakeX))), int(math.Round(shakePixels*math.Sin(n*shakeY))))
			},
			filter: func(image.Point, string) string {
				return fmt.Sprintf("[0:v]format=yuv444p,crop=w=iw-%[1]d:h=ih-%[1]d:x='%[2]d+round(%[2]d*sin(n*%[3]g))':y='%[2]d+round(%[2]d*sin(n*%[4]g))':exact=1,format=yuv420p[out]",
					2*shakePixels, shakePixels, shakeX, shakeY)
			}},
	}
}

func even(n int) int { return max(2, n&^1) }

// seen is the part of a picture of the truth that the take shows in a frame, counted from 0.
func (t take) seen(truth *image.Gray, frame int) *image.Gray {
	if t.crop == 0 {
		return truth
	}
	at := truth.Rect.Inset(t.crop).Add(t.shift(frame))
	part := image.NewGray(image.Rectangle{Max: at.Size()})
	for y := range at.Dy() {
		copy(part.Pix[y*part.Stride:], truth.Pix[truth.PixOffset(at.Min.X, at.Min.Y+y):][:at.Dx()])
	}
	return part
}

// analyzeTake runs a job on the film as the take shows it.
func (s *setting) analyzeTake(ctx context.Context, t take, j job) (done, bool, error) {
	if t.filter == nil {
		return s.analyze(ctx, j)
	}
	film, ok := s.footage(j.video)
	if !ok {
		return done{}, false, nil
	}
	j.file = filepath.Join(s.work, "takes", t.name, filepath.Base(j.video))
	if _, err := os.Stat(j.file); err != nil {
		if err := t.make(ctx, film, j.file); err != nil {
			return done{}, false, err
		}
	}
	return s.analyze(ctx, j)
}

// make writes the altered film, at a quality at which the encoder adds nothing of its own.
func (t take) make(ctx context.Context, film, to string) error {
	size, rate, err := probe(ctx, film)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	part := strings.TrimSuffix(to, ".mp4") + ".part.mp4"
	// One filter thread: the random numbers of the rain then come in the same order.
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y", "-filter_complex_threads", "1", "-i", film,
		"-filter_complex", t.filter(size, rate), "-map", "[out]", "-an",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-bf", "0", "-fps_mode", "passthrough", part)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s of %s with ffmpeg: %w: %s", t.name, film, err, out)
	}
	return os.Rename(part, to)
}

// probe is the size and the frame rate of a film.
func probe(ctx context.Context, film string) (size image.Point, rate string, err error) {
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "stream=width,height,r_frame_rate", "-of", "csv=p=0", film).Output()
	if err != nil {
		return size, "", fmt.Errorf("ffprobe %s: %w", film, err)
	}
	fields := strings.Split(strings.TrimSpace(string(out)), ",")
	if len(fields) < 3 {
		return size, "", fmt.Errorf("ffprobe %s: %q", film, out)
	}
	if size.X, err = strconv.Atoi(fields[0]); err == nil {
		size.Y, err = strconv.Atoi(fields[1])
	}
	return size, fields[2], err
}
