package config

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watcher follows a configuration file. It watches the folder, because editors replace a
// file rather than write into it, and looks at the file itself every Poll, because network
// file systems, container mounts and links into other folders tell nothing.
type Watcher struct {
	Path   string
	Log    *slog.Logger
	Settle time.Duration // the file must stay unchanged for so long before it is read; default 200ms
	Poll   time.Duration // default 2s
	// Last is what the caller has already applied; Run reports only what differs. With nil
	// the first valid file is reported too.
	Last *Config

	once   sync.Once
	reload chan struct{} // one waiting request is enough: the file is read after it was made

	// notify follows a folder; a test replaces it to do without.
	notify func() (*fsnotify.Watcher, error)
}

// Reload reads the file again soon, whether it seems to have changed or not: for SIGHUP,
// and for a secret that has changed in its own file. It may be called at any time from any
// goroutine.
func (w *Watcher) Reload() {
	w.init()
	select {
	case w.reload <- struct{}{}:
	default:
	}
}

func (w *Watcher) init() {
	w.once.Do(func() { w.reload = make(chan struct{}, 1) })
}

// Run follows the file until ctx ends, and then returns nil. It calls accepted with each
// valid file that differs from the one before, and after a rejected one also when the file
// is again what it was. It calls rejected once for each different error: Mistakes, or one
// that wraps fs.ErrNotExist while the file is gone. Both are called from this goroutine.
func (w *Watcher) Run(ctx context.Context, accepted func(*Config), rejected func(error)) error {
	w.init()
	path, err := filepath.Abs(w.Path)
	if err != nil {
		return fmt.Errorf("watch configuration: %w", err)
	}
	folder := w.follow(filepath.Dir(path))
	defer folder.close()

	settle := time.NewTimer(0) // reads the file once at the start
	defer settle.Stop()
	poll := time.NewTicker(orDefault(w.Poll, 2*time.Second))
	defer poll.Stop()
	quiet := orDefault(w.Settle, 200*time.Millisecond)

	seen := look(path)
	state := outcome{last: w.Last}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.reload:
			settle.Reset(0)
		case event := <-folder.events():
			// A change of the file itself may leave size and time as they were; one of
			// another file in the folder matters only when the file is a link through it.
			now := look(path)
			if filepath.Clean(event.Name) == path || !sameSight(now, seen) {
				seen = now
				settle.Reset(quiet)
			}
		case err := <-folder.errors():
			w.Log.Warn("watch configuration folder", "error", err)
			settle.Reset(quiet)
		case <-poll.C:
			folder.renew()
			if now := look(path); !sameSight(now, seen) {
				seen = now
				settle.Reset(quiet)
			}
		case <-settle.C:
			seen = look(path)
			cfg, err := Load(w.Path)
			state.report(cfg, err, accepted, rejected)
		}
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// outcome is what was reported last.
type outcome struct {
	last     *Config
	rejected string // the text of the last error; empty while last is what the file says
}

func (o *outcome) report(cfg *Config, err error, accepted func(*Config), rejected func(error)) {
	switch {
	case err != nil:
		if err.Error() != o.rejected {
			o.rejected = err.Error()
			rejected(err)
		}
	case o.rejected != "" || o.last == nil || !reflect.DeepEqual(o.last, cfg):
		o.last, o.rejected = cfg, ""
		accepted(cfg)
	}
}

// look is what tells one state of a file from another without reading it; nil when there
// is none.
func look(path string) os.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

// sameSight compares two looks. Size and time alone do not do: package managers and image
// builders give all files the same time.
func sameSight(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// folder is the folder that is watched; without a watcher it never reports anything and
// the poll does the work.
type folder struct {
	dir     string
	watcher *fsnotify.Watcher
	log     *slog.Logger
	lost    bool // the folder could not be watched when last tried
}

func (w *Watcher) follow(dir string) *folder {
	notify := w.notify
	if notify == nil {
		notify = fsnotify.NewWatcher
	}
	watcher, err := notify()
	if err != nil {
		w.Log.Warn("watch configuration folder: falling back to polling", "error", err)
		return &folder{dir: dir, log: w.Log}
	}
	f := &folder{dir: dir, watcher: watcher, log: w.Log}
	f.renew()
	return f
}

// renew watches the folder again after it was removed and made anew.
func (f *folder) renew() {
	if f.watcher == nil || slices.Contains(f.watcher.WatchList(), f.dir) {
		return
	}
	err := f.watcher.Add(f.dir)
	if err != nil && !f.lost {
		f.log.Warn("watch configuration folder", "error", err)
	}
	f.lost = err != nil
}

func (f *folder) events() <-chan fsnotify.Event {
	if f.watcher == nil {
		return nil
	}
	return f.watcher.Events
}

func (f *folder) errors() <-chan error {
	if f.watcher == nil {
		return nil
	}
	return f.watcher.Errors
}

func (f *folder) close() {
	if f.watcher != nil {
		_ = f.watcher.Close()
	}
}
