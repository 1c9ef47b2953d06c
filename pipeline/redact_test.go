package pipeline

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/decode"
)

// A hidden box is one shade of grey in each cell of the grid, whatever was there; the rest
// of the picture is as it was. The same picture comes out otherwise the next time.
func TestMosaic(t *testing.T) {
	size := image.Pt(322, 241)
	m, err := newMosaic([]models.Polygon{{{X: 0.8, Y: 0.8}, {X: 1, Y: 0.8}, {X: 1, Y: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	draw := func() *image.YCbCr {
		p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range p.Y {
			p.Y[i] = uint8(i * 37)
		}
		for i := range p.Cb {
			p.Cb[i], p.Cr[i] = uint8(i), uint8(i*3)
		}
		return p
	}
	box := models.Box{X: 0.25, Y: 0.25, W: 0.25, H: 0.5}
	p, was := draw(), draw()
	if !m.hide(p, []models.Box{box, {X: 2, Y: 2, W: 1, H: 1}}) {
		t.Error("nothing was hidden")
	}
	for y := range size.Y {
		for x := range size.X {
			at := models.Point{X: (float64(x) + 0.5) / float64(size.X), Y: (float64(y) + 0.5) / float64(size.Y)}
			inBox := at.X >= box.X && at.X < box.X+box.W && at.Y >= box.Y && at.Y < box.Y+box.H
			if hidden := m.cells[y/m.cell*m.columns()+x/m.cell]; (inBox || m.inRegion(at)) && !hidden {
				t.Fatalf("%d,%d is to be hidden", x, y)
			} else if hidden {
				corner := p.Y[y/m.cell*m.cell*p.YStride+x/m.cell*m.cell]
				if p.Y[y*p.YStride+x] != corner || p.Cb[y/2*p.CStride+x/2] != 128 || p.Cr[y/2*p.CStride+x/2] != 128 {
					t.Fatalf("%d,%d still shows something", x, y)
				}
			} else if p.Y[y*p.YStride+x] != was.Y[y*was.YStride+x] {
				t.Fatalf("%d,%d was changed", x, y)
			}
		}
	}
	again := draw()
	m.hide(again, []models.Box{box})
	if bytes.Equal(again.Y, p.Y) {
		t.Error("no noise: pictures could be put together")
	}
	free, err := newMosaic(nil)
	if err != nil {
		t.Fatal(err)
	}
	if q := draw(); free.hide(q, nil) || !bytes.Equal(q.Y, was.Y) {
		t.Error("something was hidden without a reason")
	}
}

// The redacted copy shows nothing of the region, says what it is, names the hash of the
// untouched master in a signed note, and is not made over another file.
func TestRedact(t *testing.T) {
	path, in := masterClip(t, camtest.Clip{}.Load(t), 2)
	if _, err := decode.NewEncoder(decode.EncoderOptions{}); errors.Is(err, decode.ErrNoEncoder) {
		t.Skip(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "redacted.mp4")
	o := RedactOptions{Incident: in.ID, Camera: "gate", Master: "incidents/1/clip.mp4", By: "anna", Why: "case 7", At: epoch, Software: "vedette test",
		Regions: []models.Polygon{{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}},
		Boxes: func(at time.Time) []models.Box {
			if at.Before(instant(2).Wall) {
				return nil
			}
			return []models.Box{{X: 0.5, Y: 0, W: 0.5, H: 0.5}}
		},
		Sign: func(purpose string, data []byte) (models.Signature, error) {
			return models.Signature{Algorithm: "ed25519", Purpose: purpose, Value: ed25519.Sign(private, append([]byte(purpose+"\n"), data...))}, nil
		}}
	report, err := Redact(t.Context(), path, out, o)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the master was changed: %v", err)
	}
	sum := sha256.Sum256(before)
	if report.Master.SHA256 != hex.EncodeToString(sum[:]) || report.Frames != in.Footage.Frames || report.Hidden != report.Frames || report.Boxes != report.Frames-20 {
		t.Errorf("got %+v", report)
	}
	data, err := os.ReadFile(out + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var read RedactReport
	if err := json.Unmarshal(data, &read); err != nil || read.Copy != report.Copy || read.Master != report.Master || read.By != "anna" {
		t.Errorf("the note says %s (%v)", data, err)
	}
	var sig models.Signature
	text, err := os.ReadFile(out + ".json.sig")
	if err != nil || json.Unmarshal(text, &sig) != nil {
		t.Fatal(err)
	}
	if sig.Purpose != models.PurposeRedaction || !ed25519.Verify(public, append([]byte(sig.Purpose+"\n"), data...), sig.Value) {
		t.Error("the signature is not over the note")
	}
	info, err := clip.Stat(out)
	if err != nil || info.Meta.Title != "Redacted copy, not the original, master SHA-256 "+report.Master.SHA256+": North gate" {
		t.Errorf("the copy says %q (%v)", info.Meta.Title, err)
	}
	checkMarked(t, out)
	film, err := decode.OpenFile(out, decode.Options{TargetSide: -1, LoopFilter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer film.Close()
	for n := 0; ; n++ {
		f, err := film.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if v := unrest(f.Picture, image.Rect(0, 0, 160, 240)); v > 3 {
			t.Fatalf("picture %d: the region shows detail of %.1f grey levels", n, v)
		}
		box := image.Rect(176, 0, 320, 112)
		if v := unrest(f.Picture, box); n >= 20 && v > 3 {
			t.Fatalf("picture %d: the box shows detail of %.1f grey levels", n, v)
		}
		if grey := grey(f.Picture, box); grey != (n >= 20) {
			t.Fatalf("picture %d: the box is hidden: %v", n, grey)
		}
	}
	if _, err := Redact(t.Context(), path, out, o); err == nil {
		t.Error("a file that was there was replaced")
	}
	if _, err := Redact(t.Context(), path, out+"2", RedactOptions{}); err == nil {
		t.Error("a redaction that hides nothing was made")
	}
	o.Sign = func(string, []byte) (models.Signature, error) { return models.Signature{}, errors.New("no key") }
	if _, err := Redact(t.Context(), path, out+"3", o); err == nil {
		t.Error("a note that cannot be signed is no error")
	} else if _, err := os.Stat(out + "3"); err == nil {
		t.Error("a copy without its note was left")
	}
}

// grey says whether a part of a picture has no colour to speak of.
func grey(p *image.YCbCr, r image.Rectangle) bool {
	coloured := 0
	for y := r.Min.Y / 2; y < r.Max.Y/2; y++ {
		for x := r.Min.X / 2; x < r.Max.X/2; x++ {
			if d := int(p.Cb[y*p.CStride+x]) - 128; d > 20 || d < -20 {
				coloured++
			}
		}
	}
	return coloured*100 < r.Dx()*r.Dy()/4
}

// unrest is how much neighbours within cells of 16 pixels differ, in grey levels: nine in
// ten differ by less.
func unrest(p *image.YCbCr, r image.Rectangle) float64 {
	var all []int
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X-1; x++ {
			if x%16 != 15 {
				d := int(p.Y[y*p.YStride+x]) - int(p.Y[y*p.YStride+x+1])
				all = append(all, max(d, -d))
			}
		}
	}
	slices.Sort(all)
	return float64(all[len(all)*9/10])
}
