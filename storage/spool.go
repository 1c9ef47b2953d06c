package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

var (
	// ErrFull says that footage was refused because the spool has no room for it. Nothing
	// is ever deleted to make room: what waits here is nowhere else yet.
	ErrFull = errors.New("spool full")
	// ErrInUse says that another process works in the same spool.
	ErrInUse = errors.New("spool in use")
)

// SpoolOptions bound what a spool takes.
type SpoolOptions struct {
	Quota   int64        // most bytes the spool may hold; 0 means no bound but the disk
	Reserve int64        // bytes of the file system that footage leaves free; 0 means 256 MiB, negative none
	Log     *slog.Logger // default: nothing is logged

	Signer  Signer    // signs the manifests; nil: they are not signed
	Custody Custodian // is told of incidents that begin; nil: nobody is
	// Identify says which device a camera is; nil: manifests know its name alone.
	Identify func(models.CameraID) CameraIdentity

	step func(string) // tests end the process between two steps
}

const defaultReserve = 256 << 20

// Spool is the folder in which evidence lives until it is in the bucket. Each incident
// has an [Entry], a folder named by its ID. One process owns a spool, held by a lock on
// its file "lock". A Spool is safe for concurrent use.
type Spool struct {
	dir   string
	quota int64
	keep  int64
	log   *slog.Logger
	step  func(string)

	signer   Signer
	custody  Custodian
	identify func(models.CameraID) CameraIdentity

	lock  *os.File
	ready chan struct{} // capacity 1: "look again" needs no counting

	mu      sync.Mutex
	entries map[models.IncidentID]*Entry
	corrupt []Corrupt
}

// Corrupt is an entry that was set aside because it cannot be used as it is. Its files
// stay below "corrupt" in the spool for a person to look at.
type Corrupt struct {
	ID     models.IncidentID // the name of its folder; perhaps of no incident
	Path   string            // where it is now
	Reason string
}

const (
	lockName    = "lock"
	corruptName = "corrupt"
	newPrefix   = ".new-"  // an entry whose Begin has not finished
	donePrefix  = ".done-" // an entry that is stored and on its way out
)

// OpenSpool opens the spool in dir, makes the folder if it is missing, and looks through
// what a crash left: see Entries and Corrupt. It returns ErrInUse, with the process's
// number, when another process has the spool open.
func OpenSpool(dir string, o SpoolOptions) (*Spool, error) {
	s, err := openSpool(dir, o)
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", dir, durable.Hint(err))
	}
	return s, nil
}

func openSpool(dir string, o SpoolOptions) (*Spool, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir:    abs,
		quota:  o.Quota,
		keep:   max(o.Reserve, 0),
		log:    o.Log,
		step:   o.step,
		signer: o.Signer, custody: o.Custody, identify: o.Identify,
		ready:   make(chan struct{}, 1),
		entries: map[models.IncidentID]*Entry{},
	}
	if o.Reserve == 0 {
		s.keep = defaultReserve
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.step == nil {
		s.step = func(string) {}
	}
	if err := durable.MkdirSync(filepath.Join(abs, corruptName)); err != nil {
		return nil, err
	}
	if err := s.acquire(); err != nil {
		return nil, err
	}
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// acquire takes the lock. The kernel lets go of it however the process ends.
func (s *Spool) acquire() error {
	f, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid := make([]byte, 20)
		n, _ := f.ReadAt(pid, 0)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("%w by process %s: stop it, or give this one a data folder of its own",
				ErrInUse, strings.TrimSpace(string(pid[:n])))
		}
		return fmt.Errorf("lock: %w", err)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	// A full disk must not keep the program from starting: the number is a courtesy.
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	s.lock = f
	return nil
}

// scan takes stock at start-up. No content of the folder stops it, only a folder that
// cannot be read or written.
func (s *Spool) scan() error {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, item := range list {
		name := item.Name()
		path := filepath.Join(s.dir, name)
		switch {
		case name == lockName || name == corruptName:
		case strings.HasPrefix(name, donePrefix):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		case strings.HasPrefix(name, newPrefix):
			if err := s.adopt(strings.TrimPrefix(name, newPrefix), path); err != nil {
				return err
			}
		case !item.IsDir():
			s.log.Warn("spool: foreign file left alone", "file", path)
		default:
			if err := s.take(models.IncidentID(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt finishes a Begin that was interrupted, if its record was already written.
func (s *Spool) adopt(id, path string) error {
	final := filepath.Join(s.dir, id)
	_, err := os.Lstat(final)
	in, bad := loadIncident(path, models.IncidentID(id))
	if bad != nil || err == nil {
		// Begin never returned, so nobody has relied on it.
		return os.RemoveAll(path)
	}
	created := custodyOf(in, models.ActCreated)
	created.Note = "found in the spool at the start" // the crash may have come before or after the first entry
	tell(context.Background(), s.custody, s.log, created)
	if err := os.Rename(path, final); err != nil {
		return err
	}
	if err := durable.SyncDir(s.dir); err != nil {
		return err
	}
	return s.take(models.IncidentID(id))
}

func (s *Spool) take(id models.IncidentID) error {
	if _, ok := s.entries[id]; ok {
		return nil // just adopted
	}
	e, err := loadEntry(s, id)
	var damage damageError
	if errors.As(err, &damage) {
		return s.setAside(id, damage.Error())
	}
	if err != nil {
		return err
	}
	s.entries[id] = e
	return nil
}

// damageError is an entry that is not as it must be, apart from errors of reading it.
type damageError struct{ reason string }

func (d damageError) Error() string { return d.reason }

func damagef(format string, args ...any) error { return damageError{fmt.Sprintf(format, args...)} }

// setAside moves an entry out of the way. It never deletes.
func (s *Spool) setAside(id models.IncidentID, reason string) error {
	from := filepath.Join(s.dir, string(id))
	folder := filepath.Join(s.dir, corruptName)
	to := filepath.Join(folder, string(id))
	for n := 2; ; n++ {
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			break
		}
		to = filepath.Join(folder, fmt.Sprintf("%s.%d", id, n))
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := errors.Join(durable.SyncDir(folder), durable.SyncDir(s.dir)); err != nil {
		return err
	}
	s.log.Error("spool: entry set aside, its files are kept for a person to look at",
		"incident", id, "reason", reason, "folder", to)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, id)
	s.corrupt = append(s.corrupt, Corrupt{id, to, reason})
	return nil
}

// Close lets go of the spool. Entries must not be used any more.
func (s *Spool) Close() error { return s.lock.Close() }

// idShape is what an incident ID must look like to be the name of a folder and a part
// of an object's key.
var idShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

func checkID(id models.IncidentID) error {
	if !idShape.MatchString(string(id)) || id == lockName || id == corruptName {
		return fmt.Errorf("incident ID %.80q: %w", id, fs.ErrInvalid)
	}
	return nil
}

// Begin makes the entry of an incident. When it returns, the entry and in are durable.
// The error is ErrFull when footage has no room, and fs.ErrExist when the incident
// already has an entry.
func (s *Spool) Begin(in models.Incident) (*Entry, error) {
	e, err := s.begin(in)
	if errors.Is(err, ErrFull) {
		created := custodyOf(in, models.ActCreated)
		created.Note = "without footage: " + err.Error()
		tell(context.Background(), s.custody, s.log, created)
	}
	if err != nil {
		return nil, fmt.Errorf("spool: begin %s: %w", in.ID, durable.Hint(err))
	}
	return e, nil
}

func (s *Spool) begin(in models.Incident) (*Entry, error) {
	if err := checkID(in.ID); err != nil {
		return nil, err
	}
	if err := s.Allow(0); err != nil {
		return nil, err
	}
	final := filepath.Join(s.dir, string(in.ID))
	e := &Entry{spool: s, id: in.ID, dir: final, alarm: in.Alarm, in: in, state: EntryRecording}
	e.live.fresh = true
	s.mu.Lock()
	_, taken := s.entries[in.ID]
	if !taken {
		s.entries[in.ID] = e // so that two calls do not meet in the folder
	}
	s.mu.Unlock()
	if taken {
		return nil, fs.ErrExist
	}
	e.work.Lock()
	defer e.work.Unlock()
	tmp := filepath.Join(s.dir, newPrefix+string(in.ID))
	err := s.make(tmp, final, in)
	if err != nil {
		s.forget(in.ID)
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	return e, nil
}

// make writes the record into a new folder and gives the folder its name last, so there
// is never an entry without a record.
func (s *Spool) make(tmp, final string, in models.Incident) error {
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	s.step("begin: folder made")
	if err := saveIncident(tmp, in, s.step); err != nil {
		return err
	}
	s.step("begin: record written")
	// Told before the folder has its name: what is in the spool is in the log.
	tell(context.Background(), s.custody, s.log, custodyOf(in, models.ActCreated))
	s.step("begin: custody told")
	if err := os.Rename(tmp, final); err != nil {
		return err
	}
	s.step("begin: folder named")
	return durable.SyncDir(s.dir)
}

func (s *Spool) forget(id models.IncidentID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, id)
}

// Entry returns the entry of an incident, or false when there is none.
func (s *Spool) Entry(id models.IncidentID) (*Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	return e, ok
}

// Entries returns what is in the spool, the oldest alarm first. After OpenSpool that is
// what a crash left: an entry in state recording wants its clip finished and Ready, one
// in state ready is the Uploader's.
func (s *Spool) Entries() ([]*Entry, error) {
	list := s.all()
	slices.SortFunc(list, func(a, b *Entry) int {
		if c := a.alarm.Compare(b.alarm); c != 0 {
			return c
		}
		return strings.Compare(string(a.id), string(b.id))
	})
	return list, nil
}

func (s *Spool) all() []*Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Entry, 0, len(s.entries))
	for _, e := range s.entries {
		list = append(list, e)
	}
	return list
}

// Corrupt returns the entries that were set aside since the spool was opened.
func (s *Spool) Corrupt() []Corrupt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.corrupt)
}

// Usage is how many bytes the entries hold now, without what was set aside.
func (s *Spool) Usage() int64 {
	total := int64(0)
	for _, e := range s.all() {
		total += e.Size()
	}
	return total
}

// Free is how many bytes footage may still take: what is left of the quota, or of the
// file system above the reserve, whichever is less.
func (s *Spool) Free() (int64, error) {
	free, err := durable.FreeBytes(s.dir)
	if err != nil {
		return 0, fmt.Errorf("spool: %w", err)
	}
	left := free - s.keep
	if s.quota > 0 {
		left = min(left, s.quota-s.Usage())
	}
	return max(0, left), nil
}

// Allow returns ErrFull when n more bytes of footage would cross the quota or the
// reserve. Who writes a growing clip asks before each part. Records, stills and manifests
// do not ask: the reserve is there for them, so that what has begun can be completed.
func (s *Spool) Allow(n int64) error {
	if s.quota > 0 {
		if used := s.Usage(); used+n > s.quota {
			return fmt.Errorf("%w: %s used of its quota of %s, %s more wanted; bring the bucket back so that it drains, or raise the quota",
				ErrFull, humanBytes(used), humanBytes(s.quota), humanBytes(n))
		}
	}
	free, err := durable.FreeBytes(s.dir)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if free-n < s.keep {
		return fmt.Errorf("%w: %s free on its disk, of which %s are kept for records, %s more wanted; free space on the disk, or bring the bucket back so that the spool drains",
			ErrFull, humanBytes(free), humanBytes(s.keep), humanBytes(n))
	}
	return nil
}

// humanBytes writes bytes for people, in decimal units as disks are sold.
func humanBytes(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for f >= 1000 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// wake tells the Uploader that an entry became ready.
func (s *Spool) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
