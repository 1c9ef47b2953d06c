package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/models"
)

// Options are the settings of an archive.
type Options struct {
	// ReadOnly opens an archive that another process writes to.
	ReadOnly bool
	// Describe says what a segment's file holds, from the file alone. It is asked about
	// files of which nothing is on record: the one that is being written, and those whose
	// record is lost.
	Describe func(path string) (models.Segment, error)
	// Default bounds the footage of cameras for which SetPolicy was not called.
	Default Policy
	// Reserve is how many bytes must stay free on the disk; default 1 GiB, negative: none.
	// When less is free the oldest footage of all cameras goes, and when less than half of it
	// is free nothing new is taken.
	Reserve int64
	// Guard says which footage must not be deleted, beside what Protect covers: that of
	// incidents that go on or are on hold. It is asked before each pass, and an error
	// deletes nothing. nil: none.
	Guard func(ctx context.Context) ([]Guarded, error)
	// Now tells the time by which footage grows old; default: time.Now.
	Now func() time.Time
	// Custody is told of each deletion; nil: nobody is.
	Custody Custodian
	Log     *slog.Logger // default: none
}

// defaultReserve is several times what the spool keeps for records, so that continuous
// footage stops long before evidence is refused.
const defaultReserve = 1 << 30

// Archive is the continuous footage of all cameras. It is safe for concurrent use.
type Archive struct {
	dir  string
	o    Options
	log  *slog.Logger
	lock *os.File // nil when read-only
	wake chan struct{}

	mu       sync.Mutex
	policies map[models.CameraID]Policy
	guarded  map[string]Guarded                  // by key, from Protect
	asked    []Guarded                           // from Options.Guard
	growing  map[models.CameraID]map[string]bool // names of the segments being written here
	days     map[string]*day                     // by path
	grids    map[models.CameraID]*gridFile
}

var (
	// ErrFull is returned when the disk is too full for more continuous footage.
	ErrFull = errors.New("too little space is left on the disk for continuous footage")
	// ErrBusy is returned by Open when another process writes to the archive.
	ErrBusy = errors.New("another process writes to this archive")
)

// Open opens the archive in a folder, which is made unless the archive is read-only.
func Open(dir string, o Options) (*Archive, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Reserve == 0 {
		o.Reserve = defaultReserve
	}
	a := &Archive{dir: dir, o: o, log: o.Log, wake: make(chan struct{}, 1),
		policies: map[models.CameraID]Policy{}, guarded: map[string]Guarded{},
		growing: map[models.CameraID]map[string]bool{}, days: map[string]*day{}, grids: map[models.CameraID]*gridFile{}}
	if o.ReadOnly {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("open archive: %w", err)
		}
		return a, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, fmt.Errorf("open archive %s: %w", dir, err)
	}
	a.lock = lock
	return a, nil
}

// Close lets go of the archive. The recorders must have ended.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, g := range a.grids {
		errs = append(errs, g.file.Close())
	}
	clear(a.grids)
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
		a.lock = nil
	}
	return errors.Join(errs...)
}

// Cameras are those with a folder, by name.
func (a *Archive) Cameras() []models.CameraID {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		a.log.Warn("read archive", "err", err)
		return nil
	}
	var all []models.CameraID
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			all = append(all, models.CameraID(e.Name()))
		}
	}
	return all
}

// Path is where a segment's file lies.
func (a *Archive) Path(seg models.Segment) string {
	return filepath.Join(a.dir, string(seg.Camera), dayOf(seg.Name), seg.Name+extension)
}

// Segments are those of a camera that overlap the span, oldest first, the open one included.
func (a *Archive) Segments(cam models.CameraID, span models.Span) ([]models.Segment, error) {
	days, err := a.daysIn(cam, span)
	if err != nil {
		return nil, err
	}
	var found []models.Segment
	for _, name := range days {
		all, err := a.readDay(cam, name)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if s.To.After(span.From) && s.From.Before(span.To) {
				found = append(found, s)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b models.Segment) int { return a.From.Compare(b.From) })
	return found, nil
}

// Newest is the segment of a camera that ends last; false when there is none.
func (a *Archive) Newest(cam models.CameraID) (models.Segment, bool, error) {
	days, err := a.dayNames(cam)
	if err != nil {
		return models.Segment{}, false, err
	}
	for _, name := range slices.Backward(days) {
		all, err := a.readDay(cam, name)
		if err != nil {
			return models.Segment{}, false, err
		}
		if len(all) > 0 {
			return slices.MaxFunc(all, func(a, b models.Segment) int { return a.To.Compare(b.To) }), true, nil
		}
	}
	return models.Segment{}, false, nil
}

// Oldest is when the oldest footage of a camera begins; zero when there is none.
func (a *Archive) Oldest(cam models.CameraID) (time.Time, error) {
	days, err := a.dayNames(cam)
	if err != nil {
		return time.Time{}, err
	}
	for _, name := range days {
		all, err := a.readDay(cam, name)
		if err != nil {
			return time.Time{}, err
		}
		if len(all) > 0 {
			return all[0].From, nil
		}
	}
	return time.Time{}, nil
}

// dayNames are the days of a camera for which there is a folder, in order.
func (a *Archive) dayNames(cam models.CameraID) ([]string, error) {
	if err := checkID(cam); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(a.dir, string(cam)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	var days []string
	for _, e := range entries {
		if _, err := time.Parse(time.DateOnly, e.Name()); err == nil && e.IsDir() {
			days = append(days, e.Name())
		}
	}
	return days, nil // ReadDir sorts
}

// longest is how long a segment can be: one day, for a camera that sends no key frame.
const longest = 24 * time.Hour

// daysIn are the days whose folders may hold something of the span.
func (a *Archive) daysIn(cam models.CameraID, span models.Span) ([]string, error) {
	days, err := a.dayNames(cam)
	if err != nil {
		return nil, err
	}
	first := span.From.Add(-longest).UTC().Format(time.DateOnly)
	last := span.To.UTC().Format(time.DateOnly)
	return slices.DeleteFunc(days, func(d string) bool { return d < first || d > last }), nil
}

// checkID keeps a name that came from outside within the archive's folder.
func checkID(cam models.CameraID) error {
	if s := string(cam); s == "" || strings.HasPrefix(s, ".") || strings.ContainsAny(s, "/\\\x00") {
		return fmt.Errorf("camera %q: %w", s, fs.ErrNotExist)
	}
	return nil
}
