package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// Moved finds when something moved in a region of the picture: stretches of at least one
// grid in which a cell that the region touches moved by the least share, 0..1, oldest
// first. Stretches that touch each other are one.
func (a *Archive) Moved(ctx context.Context, cam models.CameraID, region models.Polygon, span models.Span, least float64) ([]models.Moved, error) {
	touched := cellsOf(region)
	floor := uint8(min(max(math.Ceil(least*255), 1), 255))
	days, err := a.daysIn(cam, span)
	if err != nil {
		return nil, err
	}
	var found []models.Moved
	for _, date := range days {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(a.dir, string(cam), date, gridsFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read motion grids: %w", err)
		}
		parseGrids(data, func(g models.MotionGrid) {
			if !g.To.After(span.From) || !g.From.Before(span.To) {
				return
			}
			var most uint8
			for _, c := range touched {
				most = max(most, g.Cells[c])
			}
			if most >= floor {
				found = append(found, models.Moved{Span: g.Span, Strength: float64(most) / 255})
			}
		})
	}
	slices.SortStableFunc(found, func(a, b models.Moved) int { return a.From.Compare(b.From) })
	return joinMoved(found), nil
}

// joinMoved makes stretches of grids that touch each other one.
func joinMoved(all []models.Moved) []models.Moved {
	out := all[:0]
	for _, m := range all {
		if n := len(out); n > 0 && m.From.Sub(out[n-1].To) <= tolerance {
			if m.To.After(out[n-1].To) {
				out[n-1].To = m.To
			}
			out[n-1].Strength = max(out[n-1].Strength, m.Strength)
			continue
		}
		out = append(out, m)
	}
	return out
}

// cellsOf are the cells of a motion grid that a region touches.
func cellsOf(region models.Polygon) []int {
	const step = 1.0 / models.GridSize
	var touched []int
	for i := range cells {
		x, y := float64(i%models.GridSize)*step, float64(i/models.GridSize)*step
		if touches(region, models.Box{X: x, Y: y, W: step, H: step}) {
			touched = append(touched, i)
		}
	}
	return touched
}

// touches says whether a region and a cell share a point: the cell lies inside the region,
// or an edge of the region passes through it.
func touches(region models.Polygon, cell models.Box) bool {
	if len(region) == 0 {
		return false
	}
	if region.Contains(cell.Center()) {
		return true
	}
	for i, b := range region {
		a := region[(i+len(region)-1)%len(region)]
		if crosses(a, b, cell) {
			return true
		}
	}
	return false
}

// crosses says whether the line from a to b has a point in the cell (Liang and Barsky, "A
// new concept and method for line clipping", 1984). A line along its border is outside.
func crosses(a, b models.Point, cell models.Box) bool {
	lo, hi := 0.0, 1.0
	for _, s := range [4]struct{ p, q float64 }{
		{a.X - b.X, a.X - cell.X}, {b.X - a.X, cell.X + cell.W - a.X},
		{a.Y - b.Y, a.Y - cell.Y}, {b.Y - a.Y, cell.Y + cell.H - a.Y},
	} {
		switch {
		case s.p == 0 && s.q <= 0:
			return false
		case s.p < 0:
			lo = max(lo, s.q/s.p)
		case s.p > 0:
			hi = min(hi, s.q/s.p)
		}
	}
	return lo < hi
}
