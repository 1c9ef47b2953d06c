package track

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Somebody was there at the start: motion sees his head and his body apart while the
// background behind him is learnt, and one region afterwards. What is left is one track, also
// though the head goes on looking like a head.
func TestPiecesOfOneThing(t *testing.T) {
	const rate, aspect = 10, 16.0 / 9
	tr := New(aspect)
	var tracks []models.Track
	pieces := 0
	for now := time.Duration(0); now < 12*time.Second; now += time.Second / rate {
		whole := models.Box{X: 0.4 + 0.02*now.Seconds(), Y: 0.4, W: 0.07, H: 0.3}
		head, body := whole, whole
		head.X, head.W, head.H = whole.X+0.02, 0.03, 0.05
		body.Y, body.H = whole.Y+0.05, 0.25
		dets := byMotion([]models.Box{head, body})
		if now > 3*time.Second {
			dets = byMotion([]models.Box{whole})
		}
		c := newCanvas(640, 360, uint64(now))
		c.draw(body, 3)
		c.draw(head, 4)
		tracks = tr.Update(instant(now), dets, nil, scenery{looks{nil, now}, c})
		if now == 3*time.Second {
			pieces = believed(tracks)
		}
	}
	if pieces != 2 {
		t.Fatalf("%d tracks of the pieces: this does not test what becomes of them", pieces)
	}
	if got := believed(tracks); got != 1 {
		t.Errorf("%d tracks of one thing", got)
	}
}

// believed counts the tracks that were seen in a frame.
func believed(tracks []models.Track) (n int) {
	for _, k := range tracks {
		if k.State == models.TrackConfirmed && k.Seen {
			n++
		}
	}
	return n
}

// Somebody walks up to another one, stops there, and goes back. Nothing was seen to come out
// of the region of the two, so he has not walked on, whatever his speed was.
func TestWhoStopsInAGroupStaysInIt(t *testing.T) {
	const rate, aspect = 10, 16.0 / 9
	const meet, part, length = 4 * time.Second, 7 * time.Second, 10 * time.Second
	tr := New(aspect)
	box := func(x float64) models.Box { return models.Box{X: x, Y: 0.4, W: 0.06, H: 0.25} }
	for now := time.Duration(0); now < length; now += time.Second / rate {
		stands := box(0.61 + 0.01*float64(now/(time.Second/rate)%2))
		if now < meet {
			stands.X += 0.05 * (meet - now).Seconds()
		}
		walks := box(0.565 - 0.12*max(0, (meet-now).Seconds(), (now-part).Seconds()))
		dets := byMotion([]models.Box{stands, walks})
		if stands.X < walks.X+walks.W {
			dets = byMotion([]models.Box{stands.Union(walks)})
		}
		for _, k := range tr.Update(instant(now), dets, nil, nil) {
			if now > meet && k.State != models.TrackConfirmed || k.ID > 2 {
				t.Errorf("%v: track %d is %s", now, k.ID, k.State)
			}
		}
	}
}
