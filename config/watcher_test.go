package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// follower runs a Watcher and writes down what it reports.
type follower struct {
	t       *testing.T
	path    string
	watcher *Watcher
	reports chan string
}

func sample(name string) string {
	return "cameras: {gate: {url: rtsp://192.0.2.10/main, name: " + name + "}}\n"
}

func follow(t *testing.T, w *Watcher) *follower {
	t.Helper()
	f := &follower{t: t, path: w.Path, watcher: w, reports: make(chan string, 64)}
	w.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- w.Run(ctx, func(c *Config) {
			f.reports <- "accepted " + c.Cameras[0].Name
		}, func(err error) {
			ms, ok := errors.AsType[Mistakes](err)
			switch {
			case ok:
				f.reports <- "rejected " + ms[0].Message
			case errors.Is(err, fs.ErrNotExist):
				f.reports <- "rejected gone"
			default:
				f.reports <- "rejected " + err.Error()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		close(f.reports)
		for late := range f.reports {
			t.Errorf("reported once too often: %s", late)
		}
	})
	return f
}

// want waits for the next report.
func (f *follower) want(report string) {
	f.t.Helper()
	select {
	case got := <-f.reports:
		if got != report {
			f.t.Fatalf("got %q, want %q", got, report)
		}
	case <-time.After(20 * time.Second):
		f.t.Fatalf("nothing reported, want %q", report)
	}
}

func (f *follower) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// replace saves as editors do: a new file, renamed over the old one.
func (f *follower) replace(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path+"~", []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path+"~", f.path); err != nil {
		f.t.Fatal(err)
	}
}

func (f *follower) remove() {
	f.t.Helper()
	if err := os.Remove(f.path); err != nil {
		f.t.Fatal(err)
	}
}

// changes goes through the life of a file. pause lets the watcher see one state before the
// next, for what must not be reported.
func changes(f *follower, pause func()) {
	f.write(sample("A"))
	f.want("accepted A")
	f.write(sample("B"))
	f.want("accepted B")
	f.replace(sample("C"))
	f.want("accepted C")
	f.replace(sample("C")) // saved without a change
	pause()
	f.write("wokers: 1\n" + sample("D"))
	f.want(`rejected unknown key "wokers"`)
	f.write(sample("C")) // mended: the error is over, though nothing else is new
	f.want("accepted C")
	f.remove()
	f.want("rejected gone")
	f.replace(sample("C"))
	f.want("accepted C")
	f.remove()
	f.want("rejected gone")
	f.write(sample("E"))
	f.want("accepted E")
}

func TestWatcherFollowsTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vedette.yml")
	// A poll this rare never comes: what is seen here comes from the folder.
	f := follow(t, &Watcher{Path: path, Settle: 100 * time.Millisecond, Poll: time.Hour})
	f.want("rejected gone")
	changes(f, func() {})
}

// Without a folder watcher (out of inotify watches, network file systems) the poll alone
// must see everything.
func TestWatcherPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "vedette.yml")
		w := &Watcher{Path: path, notify: func() (*fsnotify.Watcher, error) { return nil, errors.New("no inotify") }}
		f := follow(t, w)
		f.want("rejected gone")
		stamp := time.Now()
		// Within the bubble files carry the real time, so two writes may look the same.
		touch := func() {
			stamp = stamp.Add(time.Minute)
			if err := os.Chtimes(path, stamp, stamp); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		for _, step := range []struct{ content, want string }{
			{sample("A"), "accepted A"},
			{sample("A"), ""}, // touched only
			{"x", "rejected want a mapping, got text"},
			{"x", ""},
			{"", "rejected the file is empty"},
			{sample("A"), "accepted A"},
			{sample("B"), "accepted B"},
		} {
			f.write(step.content)
			touch()
			if step.want != "" {
				f.want(step.want)
			} else {
				time.Sleep(time.Minute) // in the bubble: many polls, no waiting
			}
		}
		began := time.Now()
		f.write(sample("C"))
		touch()
		f.want("accepted C")
		if took := time.Since(began); took > 2200*time.Millisecond {
			t.Errorf("took %v, want at most one poll (2s) and the settling (200ms)", took)
		}
	})
}

func TestWatcherWaitsUntilTheFileSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "vedette.yml")
		w := &Watcher{Path: path, Settle: 3 * time.Second, Poll: time.Second,
			notify: func() (*fsnotify.Watcher, error) { return nil, errors.New("no inotify") }}
		f := follow(t, w)
		f.want("rejected gone")
		whole := sample("A")
		for n := range 10 { // a slow copy, longer at each poll
			f.write(whole[:len(whole)*(n+1)/10])
			time.Sleep(time.Second)
		}
		f.want("accepted A")
	})
}

func TestWatcherReload(t *testing.T) {
	dir := t.TempDir()
	path, secret := filepath.Join(dir, "vedette.yml"), filepath.Join(dir, "secrets", "url")
	if err := os.Mkdir(filepath.Dir(secret), 0o700); err != nil {
		t.Fatal(err)
	}
	save := func(file, content string) {
		if err := errors.Join(os.WriteFile(file+"~", []byte(content), 0o600), os.Rename(file+"~", file)); err != nil {
			t.Fatal(err)
		}
	}
	save(secret, "rtsp://192.0.2.1/\n")
	save(path, "cameras: {gate: {url: 'file:secrets/url', name: A}}\n")
	last, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	w := &Watcher{Path: path, Settle: time.Millisecond, Poll: time.Hour, Last: last}
	w.Reload() // before Run: nothing has changed, so nothing is reported
	f := follow(t, w)
	save(secret, "rtsp://192.0.2.2/\n")
	w.Reload()
	w.Reload()
	f.want("accepted A")
	w.Reload()
	save(secret, "\n")
	w.Reload()
	f.want(fmt.Sprintf("rejected secret file %q: is empty", "secrets/url"))
}

// Kubernetes mounts a configuration as a link through a folder that it swaps as a whole;
// Nix does the same with files that all have the same time.
func TestWatcherFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	version := func(n int, content string) {
		real := filepath.Join(dir, fmt.Sprintf("..%d", n))
		if err := errors.Join(os.Mkdir(real, 0o700),
			os.WriteFile(filepath.Join(real, "vedette.yml"), []byte(content), 0o600),
			os.Chtimes(filepath.Join(real, "vedette.yml"), time.Unix(1, 0), time.Unix(1, 0)),
			os.Symlink(real, filepath.Join(dir, "..next")),
			os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	version(1, sample("A"))
	path := filepath.Join(dir, "vedette.yml")
	if err := os.Symlink(filepath.Join("..data", "vedette.yml"), path); err != nil {
		t.Fatal(err)
	}
	f := follow(t, &Watcher{Path: path, Settle: 100 * time.Millisecond, Poll: time.Hour})
	f.want("accepted A")
	version(2, sample("B"))
	f.want("accepted B")
}

func TestWatcherSurvivesTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etc")
	path := filepath.Join(dir, "vedette.yml")
	f := follow(t, &Watcher{Path: path, Settle: 100 * time.Millisecond, Poll: 50 * time.Millisecond})
	f.want("rejected gone")
	for _, name := range []string{"A", "B"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f.write(sample(name))
		f.want("accepted " + name)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		f.want("rejected gone")
	}
}
