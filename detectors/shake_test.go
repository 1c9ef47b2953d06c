package detectors_test

import (
	"image"
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/internal/scene"
	"github.com/vedette-cctv/vedette/models"
)

// swaying is a frame as a camera on a loose mount shows it: without a border of four
// pixels, displaced by up to three.
func swaying(f models.Frame) (models.Frame, image.Point) {
	const border = 4
	n := float64(f.Index)
	shift := image.Pt(int(math.Round(3*math.Sin(1.9*n))), int(math.Round(3*math.Sin(2.7*n))))
	part := f.Picture.SubImage(f.Picture.Rect.Inset(border).Add(shift)).(*image.YCbCr)
	part.Rect = part.Rect.Sub(part.Rect.Min)
	f.Picture, f.Source = part, part.Rect.Size()
	return f, image.Pt(border, border).Add(shift)
}

// seer names the one thing that a swaying picture shows, and notes where it was asked to look.
type seer struct {
	shown models.Box // in the picture
	asked []models.Box
}

func (s *seer) Detect(_ models.Frame, regions []models.Box) (models.Sight, error) {
	s.asked = regions
	sight := models.Sight{Parts: []models.Box{{W: 1, H: 1}}, Cost: 1}
	if !s.shown.Empty() {
		sight.Found = []models.Detection{{Box: s.shown, Label: "person", Score: 0.9, By: models.ByObject}}
	}
	return sight, nil
}

// Who stands still does so before a camera that shakes, too: boxes are where things are in
// the scene, and the object detector is asked where the picture shows them.
func TestShakingCameraHasAScene(t *testing.T) {
	for _, objects := range []bool{false, true} {
		t.Run(map[bool]string{false: "motion only", true: "with objects"}[objects], func(t *testing.T) {
			s := scene.Scene{Seed: 5, Noise: 1, Length: 20 * time.Second, Actors: []scene.Actor{visitor(6*time.Second, 19*time.Second)}}
			eye := &seer{}
			w := inMiddle(loitering(8 * time.Second))
			w.Objects = objects
			c, err := detectors.New(detectors.Options{Watch: w, Objects: eye})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var lo, hi models.Point
			frames, alarms := 0, 0
			for f, truth := range s.Frames() {
				whole := f.Picture.Rect.Size()
				f, shift := swaying(f)
				size := f.Picture.Rect.Size()
				eye.shown, eye.asked = models.Box{}, nil
				if len(truth) == 1 {
					b := truth[0].Box
					eye.shown = models.Box{
						X: (b.X*float64(whole.X) - float64(shift.X)) / float64(size.X),
						Y: (b.Y*float64(whole.Y) - float64(shift.Y)) / float64(size.Y),
						W: b.W * float64(whole.X) / float64(size.X), H: b.H * float64(whole.Y) / float64(size.Y),
					}.Clamp()
				}
				r, err := c.Process(f)
				if err != nil {
					t.Fatal(err)
				}
				alarms += len(began(r.Events))
				if f.At.Media < 9*time.Second || f.At.Media > 18*time.Second {
					continue
				}
				for _, tr := range r.Tracks {
					if tr.State != models.TrackConfirmed {
						continue
					}
					foot := tr.Box.Foot()
					at := models.Point{X: foot.X * float64(size.X), Y: foot.Y * float64(size.Y)}
					if frames++; frames == 1 {
						lo, hi = at, at
					}
					lo = models.Point{X: min(lo.X, at.X), Y: min(lo.Y, at.Y)}
					hi = models.Point{X: max(hi.X, at.X), Y: max(hi.Y, at.Y)}
					for _, asked := range eye.asked {
						if asked.Area() < 1 && asked.IoU(eye.shown) < 0.5 {
							t.Errorf("at %v: asked to look at %v, the picture shows it at %v", f.At.Media, asked, eye.shown)
						}
					}
				}
			}
			if alarms != 1 {
				t.Errorf("%d alarms, want 1", alarms)
			}
			// The picture moves by six pixels to and fro.
			if got := max(hi.X-lo.X, hi.Y-lo.Y); frames == 0 || got > 3 {
				t.Errorf("in %d frames the feet of who stands moved by %.1f pixels, want at most 3", frames, got)
			}
		})
	}
}
