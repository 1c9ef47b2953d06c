package pipeline

import (
	"image"
	"log/slog"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage/archive"
)

func paint(size image.Point, r image.Rectangle) *image.Gray {
	mask := image.NewGray(image.Rectangle{Max: size})
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			mask.Pix[mask.PixOffset(x, y)] = 255
		}
	}
	return mask
}

func TestReduce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		size  image.Point
		paint image.Rectangle
		want  map[int]uint8 // cell to share
	}{
		{"nothing", image.Pt(320, 160), image.Rectangle{}, nil},
		{"one cell", image.Pt(320, 160), image.Rect(20, 10, 40, 20), map[int]uint8{17: 255}},
		{"half of two", image.Pt(320, 160), image.Rect(10, 0, 30, 10), map[int]uint8{0: 128, 1: 128}},
		{"one pixel is not nothing", image.Pt(320, 160), image.Rect(319, 159, 320, 160), map[int]uint8{255: 2}},
		{"a size that 16 does not divide", image.Pt(101, 57), image.Rect(0, 0, 101, 57), nil},
		{"smaller than the grid", image.Pt(8, 8), image.Rect(0, 0, 8, 8), map[int]uint8{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var cells [models.GridSize * models.GridSize]uint8
			reduce(&cells, paint(tt.size, tt.paint))
			for i, got := range cells {
				want := tt.want[i]
				if tt.want == nil && !tt.paint.Empty() {
					want = 255
				}
				if got != want {
					t.Errorf("cell %d: %d, want %d", i, got, want)
				}
			}
		})
	}
}

// TestGridsOfAStream gathers 25 s: three grids, of which each has the most of its frames.
func TestGridsOfAStream(t *testing.T) {
	a := openArchive(t, t.TempDir(), archive.Options{})
	g := &grids{log: slog.New(slog.DiscardHandler), keep: func(m models.MotionGrid) error { return a.AddGrid("gate", m) }}
	g.start()
	size := image.Pt(320, 160)
	for i := range 25 {
		at := epoch.Truncate(models.GridStep).Add(time.Duration(i) * time.Second)
		g.add(at, nil) // nothing is known
		g.add(at, paint(size, image.Rect(0, 0, i%10, 10)))
	}
	g.end()
	got, err := a.Grids("gate", models.Span{From: epoch.Add(-time.Hour), To: epoch.Add(time.Hour)})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d grids, %v", len(got), err)
	}
	for i, want := range []struct {
		analysed int
		share    uint8
	}{{10, 115}, {10, 115}, {5, 51}} {
		if got[i].Analysed != want.analysed || got[i].Cells[0] != want.share || got[i].To.Sub(got[i].From) != models.GridStep {
			t.Errorf("grid %d: %d frames, %d", i, got[i].Analysed, got[i].Cells[0])
		}
	}
}

func BenchmarkReduce(b *testing.B) {
	var cells [models.GridSize * models.GridSize]uint8
	mask := paint(image.Pt(320, 180), image.Rect(100, 50, 140, 130))
	b.ReportAllocs()
	for b.Loop() {
		reduce(&cells, mask)
	}
}
