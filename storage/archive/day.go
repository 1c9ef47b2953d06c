package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	extension = ".fmp4"
	// corruptExtension is what a file that holds no footage we can read is set aside with.
	corruptExtension = ".corrupt"
	indexFile        = "segments"
	gridsFile        = "motion"

	// stamp is the form of a segment's name: it sorts by time.
	stamp = "20060102T150405.000Z"

	// cachedDays is how many days are kept in memory as read: a search over a week of a
	// camera, and the newest day of some others. A day takes some 400 kB.
	cachedDays = 32

	// racy is how long a folder must have been as it is for its time to say so: a file that
	// comes within one tick of the file system's clock after another leaves no trace in it.
	// Ticks are milliseconds, on some network file systems and FAT up to two seconds.
	racy = 2 * time.Second
)

// day is what was read of a day's folder, and what it looked like then.
type day struct {
	changed  time.Time // of the folder: files came or went
	segments []models.Segment
	whole    bool // nothing had to be asked of a file, and changed tells if something changes
	index    *dayIndex
	size     int64 // of the index when segments were made
	used     time.Time
}

// dayIndex is what the file segments says. It only grows, so only what is new is read.
type dayIndex struct {
	mu    sync.Mutex
	known map[string]models.Segment
	read  int64 // bytes, up to a line's end
}

// dayOf is the folder of a segment: the first eight digits of its name.
func dayOf(name string) string {
	if len(name) < 8 {
		return ""
	}
	return name[:4] + "-" + name[4:6] + "-" + name[6:8]
}

// readDay is all segments of a day, by name. Do not change what it returns.
func (a *Archive) readDay(cam models.CameraID, date string) ([]models.Segment, error) {
	dir := filepath.Join(a.dir, string(cam), date)
	st, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // retention was faster
	}
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	var size int64
	if ix, err := os.Stat(filepath.Join(dir, indexFile)); err == nil {
		size = ix.Size()
	}
	a.mu.Lock()
	d := a.days[dir]
	if d == nil {
		if len(a.days) >= cachedDays {
			a.forgetOldest()
		}
		d = &day{index: &dayIndex{}}
		a.days[dir] = d
	}
	d.used = time.Now()
	if d.whole && d.changed.Equal(st.ModTime()) && d.size == size {
		a.mu.Unlock()
		return d.segments, nil
	}
	index := d.index
	a.mu.Unlock()
	settled := time.Since(st.ModTime()) > racy
	segments, whole, err := a.loadDay(cam, dir, index)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d.changed, d.size, d.segments, d.whole = st.ModTime(), size, segments, whole && settled
	return segments, nil
}

func (a *Archive) forgetOldest() {
	oldest := ""
	for dir, d := range a.days {
		if oldest == "" || d.used.Before(a.days[oldest].used) {
			oldest = dir
		}
	}
	delete(a.days, oldest)
}

// loadDay reads a day's folder. whole is false when a file had to be asked, because nothing
// is on record about it.
func (a *Archive) loadDay(cam models.CameraID, dir string, index *dayIndex) (all []models.Segment, whole bool, err error) {
	// The folder is read before the records: a segment that is finished in between is on
	// record, and one that is begun is not seen yet.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, false, fmt.Errorf("read archive: %w", err)
	}
	index.mu.Lock()
	defer index.mu.Unlock()
	if err := index.follow(filepath.Join(dir, indexFile)); err != nil {
		return nil, false, err
	}
	whole = true
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok {
			continue
		}
		s, ok := index.known[name]
		if !ok {
			whole = false
			if s, ok = a.describe(filepath.Join(dir, e.Name())); !ok {
				continue
			}
		}
		s.Camera, s.Name = cam, name
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b models.Segment) int { return strings.Compare(a.Name, b.Name) })
	return all, whole, nil
}

// describe asks a file what it is. A file that cannot say is no segment yet: it was made a
// moment ago, or it is damaged, and the recorder's start sees to it.
func (a *Archive) describe(path string) (models.Segment, bool) {
	if a.o.Describe == nil {
		return models.Segment{}, false
	}
	s, err := a.o.Describe(path)
	if err != nil {
		a.log.Debug("describe segment", "path", path, "err", err)
		return models.Segment{}, false
	}
	s.SHA256, s.Open = "", true
	return s, true
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// indexLine is the record of a segment: a checksum, a space, JSON, a line end. A line that
// a crash cut short does not pass, and the next one begins on a line of its own.
func indexLine(s models.Segment) ([]byte, error) {
	s.Open = false
	p, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode segment: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(p, castagnoli), p), nil
}

// follow reads what was added to the records of a day. What does not pass its checksum is
// left out: the files are the truth.
func (x *dayIndex) follow(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		x.known, x.read = nil, 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	if st.Size() < x.read { // it was made anew
		x.known, x.read = nil, 0
	}
	data, err := io.ReadAll(io.NewSectionReader(f, x.read, st.Size()-x.read))
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1] // the last line may still be written
	x.read += int64(len(data))
	if x.known == nil {
		x.known = map[string]models.Segment{}
	}
	maps.Copy(x.known, parseIndex(data))
	return nil
}

func parseIndex(data []byte) map[string]models.Segment {
	known := make(map[string]models.Segment, bytes.Count(data, []byte{'\n'}))
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if len(line) < 10 || line[8] != ' ' {
			continue
		}
		sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
		if err != nil || uint32(sum) != crc32.Checksum(line[9:], castagnoli) {
			continue
		}
		var s models.Segment
		if json.Unmarshal(line[9:], &s) == nil && s.Name != "" {
			known[s.Name] = s
		}
	}
	return known
}
