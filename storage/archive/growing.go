package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// Begin names a new segment whose first picture was taken at from, and makes its folder. The
// caller makes the file at Path, then calls Finish, or Discard when it stays empty. The
// error is ErrFull when the disk is too full.
func (a *Archive) Begin(cam models.CameraID, from time.Time) (models.Segment, error) {
	if err := checkID(cam); err != nil {
		return models.Segment{}, err
	}
	if err := a.Allow(); err != nil {
		return models.Segment{}, err
	}
	// A clock that was set back would give a name twice.
	for base, n := from.UTC().Format(stamp), 0; ; n++ {
		s := models.Segment{Camera: cam, Name: base, From: from, Open: true}
		if n > 0 {
			s.Name = fmt.Sprintf("%s-%d", base, n)
		}
		path := a.Path(s)
		if _, err := os.Lstat(path); err == nil {
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return models.Segment{}, fmt.Errorf("begin segment: %w", err)
		}
		if err := makeDir(filepath.Dir(path)); err != nil {
			return models.Segment{}, fmt.Errorf("begin segment: %w", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.growing[cam] == nil {
			a.growing[cam] = map[string]bool{}
		}
		a.growing[cam][s.Name] = true
		return s, nil
	}
}

// makeDir makes a day's folder, and a camera's, durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(parent), durable.SyncDir(filepath.Dir(parent)))
}

// Finish puts a segment on record. Its file is complete and synced.
func (a *Archive) Finish(seg models.Segment) error {
	line, err := indexLine(seg)
	if err != nil {
		return err
	}
	defer a.release(seg)
	if err := appendSynced(filepath.Join(filepath.Dir(a.Path(seg)), indexFile), line); err != nil {
		return fmt.Errorf("record segment: %w", err)
	}
	return nil
}

// appendSynced adds a line to a file. After a crash had cut the last one short, it begins
// a new line first.
func appendSynced(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && st.Size() > 0 {
		var last [1]byte
		if _, err = f.ReadAt(last[:], st.Size()-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	if err == nil {
		_, err = f.Write(line)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil && st.Size() == 0 {
		err = durable.SyncDir(filepath.Dir(path))
	}
	return err
}

// Discard removes a segment that holds no picture.
func (a *Archive) Discard(seg models.Segment) error {
	defer a.release(seg)
	if err := os.Remove(a.Path(seg)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard segment: %w", err)
	}
	return nil
}

// SetAside renames a segment's file that cannot be read, so that it is no longer taken for
// one. Nothing deletes it but the retention of its day.
func (a *Archive) SetAside(seg models.Segment) error {
	defer a.release(seg)
	path := a.Path(seg)
	if err := os.Rename(path, strings.TrimSuffix(path, extension)+corruptExtension); err != nil {
		return fmt.Errorf("set segment aside: %w", err)
	}
	return nil
}

func (a *Archive) release(seg models.Segment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.growing[seg.Camera], seg.Name)
}

// Unfinished are the segments of which nothing is on record and that nobody writes to: what
// a crash left. Only the two newest days of a camera are looked at; a crash leaves its file
// in the newest.
func (a *Archive) Unfinished(cam models.CameraID) ([]models.Segment, error) {
	days, err := a.dayNames(cam)
	if err != nil {
		return nil, err
	}
	var left []models.Segment
	for _, date := range days[max(0, len(days)-2):] {
		dir := filepath.Join(a.dir, string(cam), date)
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		var index dayIndex
		if err := index.follow(filepath.Join(dir, indexFile)); err != nil {
			return nil, err
		}
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), extension)
			if _, done := index.known[name]; !ok || done || dayOf(name) != date || a.isGrowing(cam, name) {
				continue
			}
			left = append(left, models.Segment{Camera: cam, Name: name})
		}
	}
	return left, nil
}

func (a *Archive) isGrowing(cam models.CameraID, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.growing[cam][name]
}

// Allow says whether continuous footage may be written now: nil, or ErrFull with figures.
// Below the reserve it asks Run to make room.
func (a *Archive) Allow() error {
	if a.o.Reserve < 0 {
		return nil
	}
	free, err := durable.FreeBytes(a.dir)
	if err != nil {
		return err
	}
	if free >= a.o.Reserve {
		return nil
	}
	select {
	case a.wake <- struct{}{}:
	default: // it knows
	}
	if free < a.o.Reserve/2 {
		return fmt.Errorf("%w: %d MiB are free, %d MiB are kept for evidence and records", ErrFull, free>>20, a.o.Reserve/2>>20)
	}
	return nil
}
