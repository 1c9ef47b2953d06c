package rule_test

import (
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/models"
)

// What a frame costs: twenty people walk about under ten rules, or nobody is there.
func BenchmarkProcess(b *testing.B) {
	zones := models.Watch{Zones: []models.Zone{{ID: "all", Polygon: models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}},
		Rules: append(everything().Zones[0].Rules[:9:9], models.Rule{Kind: models.KindIntrusion, Dwell: time.Hour, Grace: s})}}}
	for _, c := range []struct {
		name   string
		people int
	}{{"nobody", 0}, {"twenty people", 20}} {
		b.Run(c.name, func(b *testing.B) {
			e := rule.New(zones)
			tracks := make([]models.Track, c.people)
			look := make(models.Appearance, 48)
			for i := range look {
				look[i] = 1.0 / 48
			}
			now := time.Duration(0)
			b.ReportAllocs()
			for b.Loop() {
				for i := range tracks {
					sin, cos := math.Sincos(now.Seconds()/4 + float64(i))
					tracks[i] = models.Track{ID: models.TrackID(i + 1), State: models.TrackConfirmed, Seen: true, First: instant(0), Look: look,
						Label: "person", Score: 0.9, Box: models.Box{X: 0.5 + 0.4*cos, Y: 0.4 + 0.3*sin, W: 0.04, H: 0.1}}
				}
				e.Process(instant(now), tracks, nil)
				now += step
			}
		})
	}
}
