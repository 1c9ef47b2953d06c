package archive

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// grid has one moving cell.
func grid(from float64, x, y int, strength uint8) models.MotionGrid {
	g := models.MotionGrid{Span: span(from, from+10), Analysed: 100}
	g.Cells[y*models.GridSize+x] = strength
	return g
}

// region is a square in cells.
func region(x0, y0, x1, y1 float64) models.Polygon {
	const n = models.GridSize
	return models.Polygon{{X: x0 / n, Y: y0 / n}, {X: x1 / n, Y: y0 / n}, {X: x1 / n, Y: y1 / n}, {X: x0 / n, Y: y1 / n}}
}

func TestMoved(t *testing.T) {
	a := open(t, t.TempDir(), Options{})
	for _, g := range []models.MotionGrid{
		grid(0, 3, 3, 200), grid(10, 4, 3, 100), grid(20, 9, 9, 255), grid(30, 3, 3, 50),
		grid(86400, 3, 3, 255),
	} {
		if err := a.AddGrid("gate", g); err != nil {
			t.Fatal(err)
		}
	}
	type found struct {
		from, to float64
		strength uint8
	}
	for _, tt := range []struct {
		name   string
		region models.Polygon
		span   models.Span
		least  float64
		want   []found
	}{
		{"two grids in a row are one stretch", region(3, 3, 5, 4), span(0, 100), 0.1, []found{{0, 20, 200}, {30, 40, 50}}},
		{"stronger than", region(3, 3, 5, 4), span(0, 100), 0.5, []found{{0, 10, 200}}},
		{"elsewhere", region(0, 0, 2, 2), span(0, 100), 0, nil},
		{"a corner of a cell", region(4.9, 3.9, 6, 6), span(0, 100), 0.1, []found{{10, 20, 100}}},
		{"beside the cell", region(5, 4, 6, 6), span(0, 100), 0, nil},
		{"inside one cell", region(9.3, 9.3, 9.6, 9.6), span(0, 100), 0, []found{{20, 30, 255}}},
		{"a thin line across", models.Polygon{{X: 0, Y: 3.5 / 16}, {X: 1, Y: 3.5 / 16}, {X: 1, Y: 3.51 / 16}, {X: 0, Y: 3.51 / 16}}, span(0, 15), 0, []found{{0, 20, 200}}},
		{"the next day", region(0, 0, 16, 16), span(80000, 90000), 0, []found{{86400, 86410, 255}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Moved(t.Context(), "gate", tt.region, tt.span, tt.least)
			if err != nil {
				t.Fatal(err)
			}
			var have []found
			for _, m := range got {
				have = append(have, found{m.From.Sub(noon).Seconds(), m.To.Sub(noon).Seconds(), uint8(m.Strength*255 + 0.5)})
			}
			if !slices.Equal(have, tt.want) {
				t.Errorf("got %v, want %v", have, tt.want)
			}
		})
	}
}

// TestGridsAfterACrash tears the last row and flips a bit of the first: the rest is found,
// and what is added later is whole.
func TestGridsAfterACrash(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, Options{})
	for i := range 3 {
		if err := a.AddGrid("gate", grid(float64(10*i), 3, 3, 255)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gate", "2026-03-29", gridsFile)
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 3*gridRow {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	b[100] ^= 1
	if err := os.WriteFile(path, b[:len(b)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	a = open(t, dir, Options{})
	if err := a.AddGrid("gate", grid(30, 4, 4, 255)); err != nil {
		t.Fatal(err)
	}
	got, err := a.Grids("gate", span(0, 100))
	if err != nil || len(got) != 2 || !got[0].From.Equal(at(10)) || !got[1].From.Equal(at(30)) || got[1] != grid(30, 4, 4, 255) {
		t.Errorf("%d grids, %v", len(got), err)
	}
}

func FuzzGrids(f *testing.F) {
	f.Add(appendGrid(appendGrid(nil, grid(0, 3, 3, 255)), grid(10, 0, 0, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		parseGrids(b, func(g models.MotionGrid) {
			n++
			if g.To.Before(g.From) {
				t.Errorf("%v to %v", g.From, g.To)
			}
		})
		if n > len(b)/gridRow {
			t.Errorf("%d grids in %d bytes", n, len(b))
		}
	})
}

// BenchmarkMoved searches a week.
func BenchmarkMoved(b *testing.B) {
	a := open(b, b.TempDir(), Options{})
	const week = 7 * 8640
	for i := range week {
		if err := a.AddGrid("gate", grid(float64(10*i), i%16, i/16%16, uint8(i))); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := a.Moved(b.Context(), "gate", region(3, 3, 9, 9), models.Span{From: noon, To: noon.Add(7 * 24 * time.Hour)}, 0.1); err != nil {
			b.Fatal(err)
		}
	}
}
