package rule_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

// everything is a watch with a rule of every kind and all conditions, over two zones.
func everything() models.Watch {
	line := []models.Point{{X: 0.3, Y: 0.5}, {X: 0.5, Y: 0.5}, {X: 0.5, Y: 0.2}}
	plain := []models.Rule{
		{Kind: models.KindMotion, Dwell: 300 * time.Millisecond, Grace: s},
		{Kind: models.KindIntrusion, Grace: s},
		{Kind: models.KindLoitering, Dwell: 2 * s, Grace: s},
		{Kind: models.KindLoitering, Dwell: 2 * s, Grace: s, MaxRadius: 0.1},
		{Kind: models.KindReturning, Visits: 2, Window: time.Minute},
		{Kind: models.KindLine, Line: line, Direction: models.DirectionAny},
		{Kind: models.KindCrowd, Count: 1, For: s, Grace: s},
		{Kind: models.KindLeftObject, For: 2 * s},
		{Kind: models.KindRemovedObject},
	}
	picky := make([]models.Rule, len(plain))
	for i, r := range plain {
		r.Labels, r.MinScore, r.MinSize, r.CoolDown = []string{"person"}, 0.3, 0.001, 2*s
		r.Schedule = []models.Schedule{{From: 12 * time.Hour, To: 12*time.Hour + 10*s}}
		picky[i] = r
	}
	return models.Watch{Camera: "gate", ConfigHash: "c1", Zones: []models.Zone{
		{ID: "door", Polygon: square, Rules: append(plain, picky...)},
		{ID: "empty", Polygon: square},
	}}
}

// FuzzEngine shows an engine frames whose tracks and static changes come from bytes: in any
// order, under any number, with boxes that are absurd or no numbers. Whatever comes, each
// event begins once and ends once, at times in their order.
func FuzzEngine(f *testing.F) {
	f.Add([]byte("\x10\x01\x80\x80\x20\x00\x10\x01\x81\x80\x20\x01\x10\x01\x82\x80\x20\x02"))
	f.Add([]byte("\x01\xff\x00\x00\x00\x03\x01\xff\xff\xff\xff\xff"))
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 { // people who stay about where they are, and things
		var data []byte
		for range 400 {
			n := byte(rng.IntN(6))
			data = append(data, byte(rng.IntN(256))&^64, n+6*byte(rng.IntN(7)), 115+4*n+byte(rng.IntN(5)), 100+byte(rng.IntN(16)), 30, byte(rng.IntN(200)))
			if rng.IntN(20) == 0 {
				data = append(data, 64|byte(rng.IntN(2)), n%2, 128, 126, 20, 100)
			}
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := rule.New(everything())
		open := map[int64]models.Event{}
		take := func(events []models.Event) {
			for _, ev := range events {
				if ev.Alarm.Media < ev.Start.Media || ev.Box.Empty() || math.IsNaN(ev.Score) {
					t.Fatalf("%s: start %v, alarm %v, box %v, score %g", ev.Rule.Kind, ev.Start.Media, ev.Alarm.Media, ev.Box, ev.Score)
				}
				for _, fact := range ev.Why {
					if math.IsNaN(fact.Observed) || math.IsInf(fact.Observed, 0) {
						t.Fatalf("%s: %s is %g", ev.Rule.Kind, fact.Name, fact.Observed)
					}
				}
				began, known := open[ev.ID]
				switch {
				case ev.Phase == models.PhaseBegan && known, ev.Phase == models.PhaseEnded && !known:
					t.Fatalf("%s %d %s; known: %v", ev.Rule.Kind, ev.ID, ev.Phase, known)
				case ev.Phase == models.PhaseBegan:
					open[ev.ID] = ev
				default:
					if ev.End.Media < ev.Alarm.Media || ev.Start.Media != began.Start.Media || ev.Alarm.Media != began.Alarm.Media {
						t.Fatalf("%s: start %v, alarm %v, end %v", ev.Rule.Kind, ev.Start.Media, ev.Alarm.Media, ev.End.Media)
					}
					delete(open, ev.ID)
				}
			}
		}
		now := 10 * s
		var tracks []models.Track
		var statics []models.Static
		for len(data) >= 6 {
			b := data[:6]
			data = data[6:]
			box := models.Box{X: float64(b[2])/128 - 0.5, Y: float64(b[3])/128 - 0.5, W: float64(b[4]) / 400, H: float64(b[4]) / 200}
			switch b[5] {
			case 255:
				box.X = math.NaN()
			case 254:
				box.H = math.Inf(1)
			case 253:
				box.H = -box.H
			}
			if b[0]&64 != 0 {
				statics = append(statics, models.Static{ID: int64(b[1] % 4), Box: box, Since: instant(now - time.Duration(b[5])*s/50),
					Removed: b[0]&1 != 0, Score: float64(b[5]) / 255})
			} else {
				states := []models.TrackState{models.TrackTentative, models.TrackConfirmed, models.TrackConfirmed, models.TrackLost, models.TrackFinished}
				tr := models.Track{ID: models.TrackID(b[1] % 6), State: states[int(b[0])%len(states)], Box: box, Label: models.LabelUnknown,
					First: instant(now - time.Duration(b[5]%32)*100*time.Millisecond), Last: instant(now)}
				tr.Seen = tr.State != models.TrackLost && tr.State != models.TrackFinished
				if b[0]&8 != 0 {
					tr.Label, tr.Score = "person", float64(b[5])/255
				}
				if b[5] == 252 {
					tr.Score = math.NaN()
				}
				if b[0]&16 != 0 {
					tr.Look = looksLike(int(b[1]%4), 0.6)
				}
				tracks = append(tracks, tr)
			}
			if b[0]&128 != 0 || len(data) < 6 {
				take(e.Process(instant(now), tracks, statics))
				tracks, statics = tracks[:0], statics[:0]
				now += time.Duration(b[1]) * 10 * time.Millisecond
				switch b[4] {
				case 201:
					take(e.Flush())
					now = 10 * s
				case 202:
					e.Apply(watch(loitering(s, s)))
				case 203:
					e.Apply(everything())
				}
			}
		}
		take(e.Flush())
		if len(open) > 0 {
			t.Fatalf("%d events never ended", len(open))
		}
	})
}
