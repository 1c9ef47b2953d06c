package track

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

var everything = []models.Box{{X: 0, Y: 0, W: 1, H: 1}}

// people are boxes that the object detector has found, without any motion.
func people(score float64, boxes ...models.Box) []models.Detection {
	var out []models.Detection
	for _, b := range boxes {
		out = append(out, models.Detection{Box: b, Label: "person", Score: score, By: models.ByObject})
	}
	return out
}

// Somebody walks past a sign that looks like a person and leaves the picture there: the
// sign must neither take the track over nor become one.
func TestSignBesideAWalkIsNoPerson(t *testing.T) {
	sign := models.Box{X: 0.05, Y: 0.45, W: 0.05, H: 0.2}
	walker := mover{from: 3 * time.Second, to: 9 * time.Second, a: models.Point{X: 0.6, Y: 0.66}, b: models.Point{X: -0.06, Y: 0.66}, h: 0.2, look: clothes(1)}
	board := mover{from: 0, to: time.Hour, a: sign.Foot(), b: sign.Foot(), h: 0.2, look: clothes(4)}
	for _, c := range []struct {
		name  string
		every int // frames from look to look
	}{{"looks at every frame", 1}, {"looks at every third frame", 3}} {
		t.Run(c.name, func(t *testing.T) {
			tr := New(16.0 / 9)
			ids := map[models.TrackID]bool{}
			for i, at := 0, time.Duration(0); at < 30*time.Second; i, at = i+1, at+time.Second/fps {
				var moving []models.Box
				if b, ok := walker.box(at); ok {
					moving = append(moving, b.Clamp())
				}
				dets, looked := byMotion(moving), []models.Box(nil)
				if i%c.every == 0 {
					dets, looked = append(dets, people(0.6, append(moving, sign)...)...), everything
				}
				for _, k := range tr.Update(instant(at), dets, looked, stirring{looks{[]mover{walker, board}, at}, sign, false}) {
					if k.State != models.TrackConfirmed {
						continue
					}
					ids[k.ID] = true
					if at > walker.to+time.Second {
						t.Fatalf("at %v track %d stands at %.2f: that is the sign", at, k.ID, k.Box)
					}
				}
			}
			if len(ids) != 1 {
				t.Errorf("%d tracks, want one: the walker's", len(ids))
			}
		})
	}
}

// Somebody who sat there when the camera started is part of the scene until he stirs, and
// then has been there from the start; a parked car before which people pass is not.
func TestWhoStirsHasBeenThereFromTheStart(t *testing.T) {
	seat := models.Box{X: 0.4, Y: 0.4, W: 0.12, H: 0.3}
	sitter := mover{from: 0, to: time.Hour, a: seat.Foot(), b: seat.Foot(), h: seat.H, look: clothes(2)}
	arms := models.Box{X: 0.42, Y: 0.5, W: 0.08, H: 0.1}
	for _, c := range []struct {
		label string
		want  bool
	}{{"person", true}, {"car", false}} {
		t.Run(c.label, func(t *testing.T) {
			tr := New(16.0 / 9)
			found := false
			for at := time.Duration(0); at < 10*time.Second; at += time.Second / fps {
				dets := people(0.7, seat)
				dets[0].Label = c.label
				stirs := at >= 5*time.Second && at < 8*time.Second
				if stirs {
					dets = append(dets, byMotion([]models.Box{arms})...)
				}
				for _, k := range tr.Update(instant(at), dets, everything, stirring{looks{[]mover{sitter}, at}, seat, stirs}) {
					if k.State != models.TrackConfirmed {
						continue
					}
					if !found && at < 5*time.Second {
						t.Errorf("confirmed at %v, before anything moved", at)
					}
					if found = true; k.First.Media != 0 {
						t.Errorf("first seen at %v, want the start", k.First.Media)
					}
				}
			}
			if found != c.want {
				t.Errorf("found: %v, want %v", found, c.want)
			}
		})
	}
}

// stirring is a Look of a picture in which one place changes or not, and all others do.
type stirring struct {
	looks
	place   models.Box
	changed bool
}

func (s stirring) Changed(b models.Box) bool { return s.changed || b.IoU(s.place) < 0.5 }
