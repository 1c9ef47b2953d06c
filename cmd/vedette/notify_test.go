package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/internal/pgtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/notify"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// receiver is a webhook that keeps what it was sent, by kind and incident, and how often.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got map[string]int
}

const hookSecret = "a secret of the site"

func newReceiver(t *testing.T) *receiver {
	r := &receiver{got: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || notify.CheckSignature([]byte(hookSecret), body, req.Header.Get(notify.HeaderSignature), time.Now(), time.Minute) != nil {
			t.Errorf("%s is not signed (%v)", body, err)
		}
		var p struct {
			Kind     string
			Incident struct{ ID string }
		}
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got[p.Kind+" "+p.Incident.ID]++
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) told() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for what, n := range r.got {
		if n == 1 {
			all = append(all, what)
		} else {
			all = append(all, what+" twice")
		}
	}
	slices.Sort(all)
	return all
}

// wait until what was told is what is wanted.
func (r *receiver) wait(t *testing.T, want ...string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(hung)
	defer limit.Stop()
	for {
		if got := r.told(); slices.Equal(got, want) {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("told %q, want %q", r.told(), want)
		}
	}
}

// telling runs the notifier of a configuration over an index, until stop.
func telling(t *testing.T, index storage.Index, hook string) (stop func()) {
	t.Helper()
	dir := t.TempDir()
	cfg, err := config.Parse(filepath.Join(dir, "vedette.yml"), []byte(`
notify:
  channels:
    pager: {webhook: {url: `+hook+`, secret: `+hookSecret+`}}
cameras: {gate: {url: rtsp://127.0.0.1/}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	accounts, _, err := people.Open(filepath.Join(dir, "accounts.json"), people.Options{Cost: people.Cost{Memory: 8, Time: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{log: slog.New(slog.DiscardHandler), cfg: cfg, custody: &custodian{Log: &custody.Log{}}}
	s.current.Store(cfg)
	n, err := newNotifier(s, index, storage.Evidence{}, accounts)
	if err != nil {
		t.Fatal(err)
	}
	n.watcher.Missed = nil // there is no console here
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{n.watcher.Run, n.dispatcher.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// untilDue is a deadline whose warning even a busy machine gives before it is over.
const untilDue = 15 * time.Second

// promised is an incident whose first deadline is over after so long.
func promised(id string, within time.Duration) models.Incident {
	now := time.Now().UTC()
	return models.Incident{ID: models.IncidentID(id), Camera: "gate", Kind: models.KindLoitering, Severity: models.SeverityHigh, State: models.StateNew,
		Start: now, Alarm: now, Opened: now, Deadlines: []models.Deadline{{Promise: models.PromiseAcknowledge, Within: within, Due: now.Add(within)}}}
}

// A deadline that passes while nothing runs is told at the next start, and nothing is told
// twice, whatever is started again.
func TestDeadlinePassesDuringARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "index.db")
	open := func() storage.Index {
		index, err := storage.OpenSQLite(path)
		if err != nil {
			t.Fatal(err)
		}
		return index
	}
	hook := newReceiver(t)
	index := open()
	stop := telling(t, index, hook.URL)
	for _, in := range []models.Incident{promised("a", untilDue), promised("b", time.Hour), promised("c", time.Hour)} {
		if _, err := index.Create(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	hook.wait(t, "due a", "missed a", "opened a", "opened b", "opened c")
	stop()
	// b is over while nothing runs.
	if _, err := index.Update(t.Context(), "b", func(in *models.Incident) error {
		in.Deadlines[0].Due = time.Now().Add(-time.Second)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := index.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		index = open()
		stop = telling(t, index, hook.URL)
		hook.wait(t, "due a", "missed a", "missed b", "opened a", "opened b", "opened c")
		if _, err := index.Create(t.Context(), promised("a", time.Hour)); err != nil { // as a start after a crash repeats it
			t.Fatal(err)
		}
		stop()
		got, err := index.Get(t.Context(), "b")
		if err != nil || !got.Deadlines[0].Missed || len(got.Log) != 1 || got.Log[0].Who != incident.Program || !strings.Contains(got.Log[0].What, "missed: acknowledge") {
			t.Errorf("the record says %+v, %+v (%v)", got.Deadlines, got.Log, err)
		}
		if err := index.Close(); err != nil {
			t.Fatal(err)
		}
	}
	hook.wait(t, "due a", "missed a", "missed b", "opened a", "opened b", "opened c")
}

// A database that goes away and returns, and two nodes on it: each notice once.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	dsn := server.Database("notify")
	var nodes []storage.Index
	hook := newReceiver(t)
	for range 2 {
		index, err := storage.OpenPostgres(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer index.Close()
		nodes = append(nodes, index)
		defer telling(t, index, hook.URL)()
	}
	in := promised("a", untilDue)
	if _, err := nodes[0].Create(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	hook.wait(t, "due a", "opened a")
	server.Stop()
	timer := time.NewTimer(time.Until(in.Deadlines[0].Due) + time.Second) // the deadline passes meanwhile
	<-timer.C
	server.Restart()
	hook.wait(t, "due a", "missed a", "opened a")
	if _, err := nodes[1].Update(t.Context(), "a", func(in *models.Incident) error {
		in.Assignment = models.Assignment{Officer: "ben", By: "anna", At: time.Now().UTC()}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	hook.wait(t, "assigned a", "due a", "missed a", "opened a")
}
