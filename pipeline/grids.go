package pipeline

import (
	"encoding/binary"
	"image"
	"log/slog"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// gridQueue is how many finished motion grids may wait for the disk: half a minute of
// them. When it is full the newest is dropped and counted: a grid helps to find footage,
// it is no evidence, and the vision lane must not wait.
const gridQueue = 4

// grids gathers where something moved, and keeps it beside the footage. add and end belong
// to the vision lane.
type grids struct {
	keep func(models.MotionGrid) error
	log  *slog.Logger

	grid    models.MotionGrid
	queue   chan models.MotionGrid
	writing sync.WaitGroup
	dropped atomic.Uint64
}

func (g *grids) start() {
	g.queue = make(chan models.MotionGrid, gridQueue)
	g.writing.Go(func() {
		for grid := range g.queue {
			if err := g.keep(grid); err != nil {
				g.log.Warn("keep motion grid", "err", err)
			}
		}
	})
}

// add takes what moved in one frame: a mask of the whole picture, nil when that is unknown.
func (g *grids) add(at time.Time, moving *image.Gray) {
	if moving == nil {
		return
	}
	from := at.Truncate(models.GridStep)
	if !from.Equal(g.grid.From) {
		g.hand()
		g.grid = models.MotionGrid{Span: models.Span{From: from, To: from.Add(models.GridStep)}}
	}
	g.grid.Analysed++
	reduce(&g.grid.Cells, moving)
}

// hand gives the grid to the writer.
func (g *grids) hand() {
	if g.grid.Analysed == 0 {
		return
	}
	select {
	case g.queue <- g.grid:
	default:
		g.dropped.Add(1)
	}
	g.grid = models.MotionGrid{}
}

// end hands over what there is and waits until it is written.
func (g *grids) end() {
	g.hand()
	close(g.queue)
	g.writing.Wait()
	if n := g.dropped.Load(); n > 0 {
		g.log.Warn("motion grids dropped: the disk was too slow", "grids", n)
	}
}

// reduce raises each cell to the share of it that moves in a mask, 0..255. A cell in which
// anything moves is not 0.
func reduce(cells *[models.GridSize * models.GridSize]uint8, mask *image.Gray) {
	const n = models.GridSize
	size := mask.Rect.Size()
	if size.X < n || size.Y < n {
		return
	}
	for row := range n {
		top, bottom := row*size.Y/n, (row+1)*size.Y/n
		var counts [n]int
		for y := top; y < bottom; y++ {
			line := mask.Pix[y*mask.Stride : y*mask.Stride+size.X]
			if set(line) == 0 {
				continue // most of a mask
			}
			for col := range n {
				counts[col] += set(line[col*size.X/n : (col+1)*size.X/n])
			}
		}
		for col, count := range counts {
			if count == 0 {
				continue
			}
			area := ((col+1)*size.X/n - col*size.X/n) * (bottom - top)
			share := uint8((count*255 + area - 1) / area)
			if c := &cells[row*n+col]; share > *c {
				*c = share
			}
		}
	}
}

// set counts the pixels of 128 and more, eight at a time.
func set(line []uint8) int {
	count := 0
	for ; len(line) >= 8; line = line[8:] {
		if w := binary.LittleEndian.Uint64(line); w != 0 {
			count += bits.OnesCount64(w & 0x8080808080808080)
		}
	}
	for _, p := range line {
		count += int(p >> 7)
	}
	return count
}
