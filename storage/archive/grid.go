package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// A motion grid is a row of fixed size: begin (Unix nanoseconds, 64 bits), length
// (milliseconds, 32), frames analysed (32), the cells, CRC-32C of all that (32), big-endian.
// A day takes 2.4 MB, next to 32 GB of footage; a search reads a day in about a millisecond.
const (
	cells   = models.GridSize * models.GridSize
	gridRow = 8 + 4 + 4 + cells + 4
)

// gridFile is the file that a camera's grids go to.
type gridFile struct {
	date string
	file *os.File
}

// AddGrid keeps a motion grid. It is not synced: what a power cut takes are the last
// grids, and a row that is not whole is passed over.
func (a *Archive) AddGrid(cam models.CameraID, g models.MotionGrid) error {
	if err := checkID(cam); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	date := g.From.UTC().Format(time.DateOnly)
	open := a.grids[cam]
	if open == nil || open.date != date {
		next, err := openGrids(filepath.Join(a.dir, string(cam), date))
		if err != nil {
			return fmt.Errorf("keep motion grid: %w", err)
		}
		if open != nil {
			_ = open.file.Close() // nothing is buffered
		}
		open = &gridFile{date: date, file: next}
		a.grids[cam] = open
	}
	if _, err := open.file.Write(appendGrid(nil, g)); err != nil {
		_ = open.file.Close()
		delete(a.grids, cam) // the next grid cuts off what was written of this one
		return fmt.Errorf("keep motion grid: %w", err)
	}
	return nil
}

// openGrids opens a day's file for appending, cut back to whole rows.
func openGrids(dir string) (*os.File, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, gridsFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.Size()%gridRow != 0 {
		err = f.Truncate(st.Size() - st.Size()%gridRow)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func appendGrid(b []byte, g models.MotionGrid) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint64(b, uint64(g.From.UnixNano()))
	b = binary.BigEndian.AppendUint32(b, uint32(g.To.Sub(g.From).Milliseconds()))
	b = binary.BigEndian.AppendUint32(b, uint32(g.Analysed))
	b = append(b, g.Cells[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

// parseGrids calls visit for each sound row.
func parseGrids(data []byte, visit func(models.MotionGrid)) {
	for ; len(data) >= gridRow; data = data[gridRow:] {
		row := data[:gridRow]
		if crc32.Checksum(row[:gridRow-4], castagnoli) != binary.BigEndian.Uint32(row[gridRow-4:]) {
			continue
		}
		g := models.MotionGrid{Analysed: int(binary.BigEndian.Uint32(row[12:]))}
		g.From = time.Unix(0, int64(binary.BigEndian.Uint64(row))).UTC()
		g.To = g.From.Add(time.Duration(binary.BigEndian.Uint32(row[8:])) * time.Millisecond)
		copy(g.Cells[:], row[16:])
		visit(g)
	}
}

// Grids are the motion grids of a camera that overlap the span, oldest first.
func (a *Archive) Grids(cam models.CameraID, span models.Span) ([]models.MotionGrid, error) {
	days, err := a.daysIn(cam, span)
	if err != nil {
		return nil, err
	}
	var all []models.MotionGrid
	for _, date := range days {
		data, err := os.ReadFile(filepath.Join(a.dir, string(cam), date, gridsFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read motion grids: %w", err)
		}
		parseGrids(data, func(g models.MotionGrid) {
			if g.To.After(span.From) && g.From.Before(span.To) {
				all = append(all, g)
			}
		})
	}
	slices.SortStableFunc(all, func(a, b models.MotionGrid) int { return a.From.Compare(b.From) })
	return all, nil
}
