package object

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
)

// film decodes every n-th frame of a film with FFmpeg.
func film(t testing.TB, path string, w, h, every int) []models.Frame {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not present: make setup installs it")
	}
	cmd := exec.Command(ffmpeg, "-v", "error", "-i", path, "-vf", fmt.Sprintf("select=not(mod(n\\,%d))", every),
		"-vsync", "0", "-threads", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, errs.String())
	}
	var frames []models.Frame
	for size := w * h * 3 / 2; len(raw) >= size; raw = raw[size:] {
		frames = append(frames, models.Frame{Source: image.Pt(w, h), Index: len(frames) * every, Picture: &image.YCbCr{
			Y: raw[:w*h], Cb: raw[w*h : w*h*5/4], Cr: raw[w*h*5/4 : size], YStride: w, CStride: w / 2,
			SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h)}})
	}
	return frames
}

// truth reads MOTChallenge boxes by frame, counted from 0.
func truth(t testing.TB, path string, w, h float64) map[int][]models.Box {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	boxes := map[int][]models.Box{}
	for _, row := range rows {
		var n [6]float64
		for i := range n {
			if n[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		boxes[int(n[0])-1] = append(boxes[int(n[0])-1], models.Box{X: n[2] / w, Y: n[3] / h, W: n[4] / w, H: n[5] / h}.Clamp())
	}
	return boxes
}

// tally matches detections to truth, best first, IoU 0.5.
func tally(dets []models.Detection, boxes []models.Box) (hits, extra, missed int) {
	taken := make([]bool, len(boxes))
	for _, d := range dets {
		best, at := 0.5, -1
		for i, b := range boxes {
			if o := d.Box.IoU(b); !taken[i] && o >= best {
				best, at = o, i
			}
		}
		if at < 0 {
			extra++
			continue
		}
		taken[at] = true
		hits++
	}
	return hits, extra, len(boxes) - hits
}

func TestPersonsOnRealFootage(t *testing.T) {
	path := footage.Path(t, "pets/pets_s2l1.mp4")
	d := open(t, Options{Weights: footage.Path(t, "models/yolox_nano.onnx"), Rate: -1, MinScore: 0.3,
		SHA256: "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14"})
	boxes := truth(t, footage.Path(t, "pets/gt.txt"), 768, 576)
	hits, extra, missed := 0, 0, 0
	for _, f := range film(t, path, 768, 576, 40) {
		saw, err := d.Detect(f, everywhere)
		if err != nil {
			t.Fatal(err)
		}
		var persons []models.Detection
		for _, p := range saw.Found {
			// The sign on the left scores as a person in every frame: it is the tracker
			// that knows that it never moves.
			sign := models.Box{X: 30. / 768, Y: 108. / 576, W: 18. / 768, H: 34. / 576}
			if p.Label == "person" && p.Box.IoU(sign) < 0.3 {
				persons = append(persons, p)
			}
		}
		h, e, m := tally(persons, boxes[f.Index])
		hits, extra, missed = hits+h, extra+e, missed+m
	}
	f1 := 2 * float64(hits) / float64(2*hits+extra+missed)
	t.Logf("%d hits, %d extra, %d missed: F1 %.3f", hits, extra, missed, f1)
	if f1 < 0.88 {
		t.Errorf("F1 is %.3f; the network gives .91 over the whole film", f1)
	}
}

// What moves in a small part of the picture is shown larger, and found with a better score.
func TestAPartShowsMore(t *testing.T) {
	d := open(t, Options{Weights: footage.Path(t, "models/yolox_nano.onnx"), Rate: -1})
	boxes := truth(t, footage.Path(t, "pets/gt.txt"), 768, 576)
	whole, part, n := 0.0, 0.0, 0
	best := func(f models.Frame, regions []models.Box, b models.Box) float64 {
		saw, err := d.Detect(f, regions)
		if err != nil {
			t.Fatal(err)
		}
		score := 0.0
		for _, det := range saw.Found {
			if det.Label == "person" && det.Box.IoU(b) >= 0.5 {
				score = max(score, det.Score)
			}
		}
		return score
	}
	for _, f := range film(t, footage.Path(t, "pets/pets_s2l1.mp4"), 768, 576, 150) {
		for _, b := range boxes[f.Index] {
			whole += best(f, everywhere, b)
			part += best(f, []models.Box{b}, b)
			n++
		}
	}
	t.Logf("%d persons: mean score %.3f in the whole picture, %.3f in a part", n, whole/float64(n), part/float64(n))
	if st := d.Stats(); st.Parts == 0 || part < whole {
		t.Errorf("a part shows less than the whole: %.3f, %.3f, %+v", part/float64(n), whole/float64(n), st)
	}
}

func BenchmarkDetect(b *testing.B) {
	weights := footage.Path(b, "models/yolox_nano.onnx")
	f := film(b, footage.Path(b, "pets/pets_s2l1.mp4"), 768, 576, 400)[1]
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			d := open(b, Options{Weights: weights, Threads: threads, Rate: -1})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Detect(f, everywhere); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("paint", func(b *testing.B) {
		var p painter
		in := image.Pt(416, 416)
		dst := make([]float32, 3*416*416)
		for b.Loop() {
			p.paint(dst, in, f, choose(f.Picture.Rect.Size(), in, everywhere, false)...)
		}
	})
	b.Run("read", func(b *testing.B) {
		d := open(b, Options{Weights: weights, Rate: -1})
		if _, err := d.Detect(f, everywhere); err != nil {
			b.Fatal(err)
		}
		s := <-d.slots
		defer func() { d.slots <- s }()
		size := f.Picture.Rect.Size()
		v := choose(size, d.layout.input, everywhere, d.open)[0]
		form, err := s.form(d.session, d.layout.sized(v.input))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			s.reader.read(form.out.GetData(), form.layout, d.info.Classes, d.wanted, 0.1, []view{v}, size)
		}
	})
}
