package track

import (
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// BenchmarkUpdate follows ten people who cross each other's ways, looked at in every third
// frame.
func BenchmarkUpdate(b *testing.B) {
	var movers []mover
	for i := range 10 {
		y := 0.5 + 0.04*float64(i)
		from, to := models.Point{X: 0.1, Y: y}, models.Point{X: 0.9, Y: y}
		if i%2 == 1 {
			from, to = to, from
		}
		movers = append(movers, mover{from: 0, to: 20 * time.Second, a: from, b: to, h: 0.2, look: clothes(i % 8)})
	}
	const frames = 200
	dets, seen := make([][]models.Detection, frames), make([]looks, frames)
	for i := range dets {
		at := time.Duration(i) * 100 * time.Millisecond
		var boxes []models.Box
		for _, m := range movers {
			box, _ := m.box(at)
			boxes = append(boxes, box)
		}
		dets[i], seen[i] = byMotion(boxes), looks{movers, at}
		if i%3 == 0 {
			dets[i] = append(dets[i], people(0.8, boxes...)...)
		}
	}
	tr := New(16.0 / 9)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		i := n % frames
		var looked []models.Box
		if i%3 == 0 {
			looked = everything
		}
		tr.Update(instant(time.Duration(n)*100*time.Millisecond), dets[i], looked, seen[i])
	}
}
