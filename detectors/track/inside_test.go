package track

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Somebody steps behind another one, so that motion has no region of his own. Meanwhile one in
// the same coat comes by within his reach. That is a new one, and who stood behind comes out
// with the number that he had.
func TestWhoWasLostInARegionComesOutOfIt(t *testing.T) {
	const behind, out, end = 4 * time.Second, 5600 * time.Millisecond, 9 * time.Second
	at := func(x float64) models.Point { return models.Point{X: x, Y: 0.7} }
	stands := mover{from: 0, to: end, a: at(0.5), b: at(0.5), h: 0.25, look: clothes(1)}
	comes := mover{from: behind, to: end, a: at(0.62), b: at(0.9), h: 0.25, look: clothes(2)}
	tr := New(16.0 / 9)
	hid, came := map[models.TrackID]bool{}, map[models.TrackID]bool{}
	for now := time.Duration(0); now < end; now += time.Second / fps {
		stands.a.X = 0.5 + 0.08*max(0, 2*time.Second-now).Seconds()
		stands.b = stands.a
		x := 0.5 - 0.08*max(0, behind-now, now-out).Seconds()
		hides := mover{from: 0, to: end, a: at(x), b: at(x), h: 0.25, look: clothes(2),
			hidden: func(time.Duration) bool { return now > behind-300*time.Millisecond && now < out+300*time.Millisecond }}
		all := []mover{stands, hides, comes}
		var boxes []models.Box
		for _, m := range all {
			if b, ok := m.box(now); ok {
				boxes = append(boxes, b)
			}
		}
		apart := now < behind-time.Second || now > out+time.Second
		for _, k := range tr.Update(instant(now), byMotion(boxes), nil, looks{all, now}) {
			if k.State != models.TrackConfirmed || !k.Seen {
				continue
			}
			if b, ok := hides.box(now); ok && apart && k.Box.IoU(b) >= 0.5 {
				hid[k.ID] = true
			}
			if b, ok := comes.box(now); ok && k.Box.IoU(b) >= 0.5 {
				came[k.ID] = true
			}
		}
	}
	if len(hid) != 1 || len(came) != 1 {
		t.Errorf("numbers of who hid %v, of who came %v: want one each", hid, came)
	}
	for id := range came {
		if hid[id] {
			t.Errorf("who came by has the number %d of who hid", id)
		}
	}
}

// Three were one region, in which one was lost. When somebody comes out of it, his looks say
// whether he is the lost one or one of those who were known to be in there.
func TestWhoCameOutIsWhoHeLooksLike(t *testing.T) {
	mixed := func(share float32) models.Appearance { return blend(clothes(1), clothes(2), share) }
	for _, c := range []struct {
		name         string
		came, lost   models.Appearance
		member       models.Appearance
		apart        models.Appearance // what the member looks like when it was seen apart since
		number, left models.TrackID    // of who came, and of who was taken for the member
	}{
		{"the lost one", mixed(0), mixed(0.05), mixed(0.4), nil, 2, 1},
		{"a little more like the member", mixed(0.2), mixed(0.05), mixed(0.3), nil, 2, 1},
		{"the member", mixed(0.4), mixed(0.2), mixed(0.4), nil, 1, 2},
		{"like the member, who was seen apart and is himself", mixed(0.4), mixed(0.2), mixed(0.4), mixed(0.4), 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := c.came.Distance(c.lost); d >= sameLook {
				t.Fatalf("distance to the lost one %.2f: it is not recalled at all", d)
			}
			tr := New(16.0 / 9)
			at := func(id models.TrackID, x float64, when time.Duration, look models.Appearance) *life {
				l := &life{}
				b := models.Box{X: x, Y: 0.4, W: 0.06, H: 0.25}
				l.begin(&region{Detection: models.Detection{Box: b, By: models.ByMotion}, sigma: motionSigma, clean: true, sig: look}, instant(when), id, tr.Aspect)
				l.State = models.TrackConfirmed
				tr.live = append(tr.live, l)
				return l
			}
			member, lost, came := at(1, 0.5, 0, c.member), at(2, 0.52, 0, c.lost), at(3, 0.56, 3*time.Second, c.came)
			member.after = c.apart
			lost.State, lost.unseen = models.TrackLost, 3*time.Second
			tr.meets = []meet{{a: member, b: lost}}
			tr.recall(came)
			if came.ID != c.number || member.ID != c.left || lost.ID != 0 {
				t.Errorf("who came is %d, who stayed %d, and %d is left; want %d, %d and 0", came.ID, member.ID, lost.ID, c.number, c.left)
			}
		})
	}
}
