package custody

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/durable"
)

// The files of a log.
const (
	logName        = "log"        // entries and seals; all else can be made from it, or checks it
	checkpointName = "checkpoint" // the newest signed head
	treeName       = "tree"       // hashes, in the order of tlog; made from the log
	indexName      = "index"      // where each entry is, and the one before it of its incident; made from the log
	stampsName     = "stamps"     // a folder: what an authority has stamped
	lockName       = "lock"
)

// LogOptions say how a log is kept.
type LogOptions struct {
	Keys *Keys // signs; required
	// Origin is the name of the recorder or the site, for the name of a log that is made;
	// default: the host's name. A log keeps the name that it was made with.
	Origin string
	Log    *slog.Logger     // default: nothing is logged
	Now    func() time.Time // default: time.Now
	// Every is how often Run makes the newest head durable by itself and publishes it;
	// default 1 min.
	Every time.Duration
	// Publish keeps a copy of a checkpoint somewhere else under a name that is never used
	// again; nil: no copy. What it refuses is offered again, the newest one only.
	Publish func(ctx context.Context, name string, data []byte) error
	// Authority stamps one checkpoint a day; nil: none does.
	Authority *Authority

	step func(string) // tests end the process between two steps
}

// Log is the custody log in one folder. Several processes may work in the same one at the
// same time, so that a verb can record what it does while the service runs. A Log is safe
// for concurrent use.
type Log struct {
	dir    string
	o      LogOptions
	origin string
	file   *os.File
	tree   *os.File
	index  *os.File
	head   *os.File // checkpointName
	lock   *os.File
	checks atomic.Pointer[verifiers] // see checker

	queue sync.Mutex
	next  *batch // takes entries until its first caller gets to write it

	commit    sync.Mutex // held by who changes files; then also the lock of the folder
	altered   error      // why the last mend failed, guarded by commit
	alteredAt time.Time

	mu    sync.RWMutex // guards state
	state state
}

// state is what the files hold up to the last whole batch.
type state struct {
	edge  tree
	end   int64      // of the last seal in the log file
	last  checkpoint // the last seal; zero while there is none
	heads *chains    // of the entries of each incident
	// behind says that the files that are made from the log have not got all of it.
	behind bool
	closed bool
}

// lockWait is how long a process waits for another that is writing to the log. That one
// needs no longer than an fsync takes.
const lockWait = 10 * time.Second

// OpenLog opens the log in dir, or makes it when there has never been one. It wraps
// ErrAltered when the log is not what was once signed; nothing is repaired then.
func OpenLog(dir string, o LogOptions) (*Log, error) {
	l, err := openLog(dir, o)
	if errors.Is(err, ErrAltered) || errors.Is(err, ErrUnknownKey) {
		err = fmt.Errorf("%w\nvedette log verify says more. Put the folder back from a backup, or keep it as it is and begin "+
			"another log that names it: vedette log set-aside", err)
	}
	if err != nil {
		return nil, fmt.Errorf("custody log %s: %w", dir, durable.Hint(err))
	}
	return l, nil
}

func openLog(dir string, o LogOptions) (_ *Log, err error) {
	if o.Keys == nil {
		return nil, errors.New("no keys")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every <= 0 {
		o.Every = time.Minute
	}
	if o.step == nil {
		o.step = func(string) {}
	}
	l := &Log{dir: dir, o: o}
	if err := durable.MkdirSync(filepath.Join(dir, stampsName)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.closeFiles())
		}
	}()
	if l.lock, err = os.OpenFile(l.path(lockName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	return l, l.locked(context.Background(), func() error {
		if err := l.openFiles(); err != nil {
			return err
		}
		return l.load()
	})
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// Origin is the name of the log, as its checkpoints give it.
func (l *Log) Origin() string { return l.origin }

// locked runs work while no other goroutine or process changes the log.
func (l *Log) locked(ctx context.Context, work func() error) error {
	l.commit.Lock()
	defer l.commit.Unlock()
	if l.state.closed {
		return fs.ErrClosed
	}
	if err := lockFile(ctx, l.lock, lockExclusive, lockWait); err != nil {
		return err
	}
	defer unlockFile(l.lock)
	return work()
}

func (l *Log) openFiles() error {
	if err := l.create(); err != nil {
		return err
	}
	for _, f := range []struct {
		into **os.File
		name string
	}{{&l.file, logName}, {&l.tree, treeName}, {&l.index, indexName}, {&l.head, checkpointName}} {
		var err error
		if *f.into, err = os.OpenFile(l.path(f.name), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return err
		}
	}
	// Held for as long as the log is open, so that nobody sets it aside meanwhile.
	if err := lockFile(context.Background(), l.file, lockShared, 0); err != nil {
		return err
	}
	line, err := newLineReader(l.file, 0).next()
	if err != nil {
		return fmt.Errorf("%w: its first line: %w", ErrAltered, err)
	}
	if l.origin, err = parseHeader(line); err != nil {
		return err
	}
	switch bound, err := l.o.Keys.boundLog(); {
	case err != nil:
		return err
	case bound == "":
		if err := l.o.Keys.bindLog(l.origin); err != nil {
			return err
		}
	case bound != l.origin:
		return fmt.Errorf("%w: it is log %s, but these keys have signed for %s", ErrAltered, l.origin, bound)
	}
	_, err = l.checker()
	return err
}

// checker checks checkpoints with the keys as they are now: they may be rotated while the
// log is open.
func (l *Log) checker() (*verifiers, error) {
	if vs := l.checks.Load(); vs != nil && vs.newest == l.o.Keys.current() {
		return vs, nil
	}
	vs, err := newVerifiers(l.origin, l.o.Keys.Public())
	if err == nil {
		l.checks.Store(vs)
	}
	return vs, err
}

// create makes the log when there has never been one. The keys remember that there was.
func (l *Log) create() error {
	_, err := os.Stat(l.path(logName))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bound, err := l.o.Keys.boundLog()
	if err != nil {
		return err
	}
	if _, err := os.Stat(l.path(checkpointName)); bound != "" || err == nil {
		return fmt.Errorf("%w: the file %s is missing, and there was one", ErrAltered, l.path(logName))
	}
	origin, err := newOrigin(l.o.Origin)
	if err != nil {
		return err
	}
	if err := durable.ReplaceFile(l.path(logName), []byte(header+origin+"\n")); err != nil {
		return err
	}
	l.o.step("log made")
	return durable.SyncDir(l.dir)
}

// newOrigin names a log so that no other has the same name.
func newOrigin(site string) (string, error) {
	if site == "" {
		host, err := os.Hostname()
		if err != nil {
			return "", err
		}
		site = host
	}
	site = strings.Map(func(r rune) rune {
		if siteRune(r) {
			return r
		}
		return '-'
	}, site)
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		return "", err
	}
	origin := originPrefix + site[:min(len(site), 100)] + "/" + hex.EncodeToString(id)
	return origin, checkOrigin(origin)
}

// load takes up the state from the files: as far as those that are made from the log
// agree with a seal in it, and from there on from the log itself.
func (l *Log) load() error {
	l.mu.Lock()
	l.state = state{heads: &chains{}, end: int64(len(header) + len(l.origin) + 1)}
	l.mu.Unlock()
	if err := l.loadIndex(); err != nil {
		return err
	}
	if err := l.catchUp(); err != nil {
		return err
	}
	if err := l.checkHead(); err != nil {
		return err
	}
	n := l.state.edge.n
	return errors.Join(
		shorten(l.index, int64(n)*placeSize),
		shorten(l.tree, tlog.StoredHashCount(int64(n))*tlog.HashSize))
}

// shorten cuts off what lies behind the end of what a file should hold.
func shorten(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() <= size {
		return err
	}
	return f.Truncate(size)
}

// Close makes the newest head durable and closes the log. Run must have returned.
func (l *Log) Close() error {
	err := l.locked(context.Background(), l.syncHead)
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.closed = true
	return errors.Join(err, l.closeFiles())
}

func (l *Log) closeFiles() error {
	var errs []error
	for _, f := range []*os.File{l.file, l.tree, l.index, l.head, l.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// syncHead makes the newest head, and what is made from the log, durable by themselves.
// The log itself already is.
func (l *Log) syncHead() error {
	for _, f := range []*os.File{l.tree, l.index, l.head} {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", f.Name(), err)
		}
	}
	return durable.SyncDir(l.dir)
}

// hashes reads the hashes of the tree.
func (l *Log) hashes() tlog.HashReader { return hashFile{l.tree} }
