package soak

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// House is a vedette with a data folder, which lives again and again.
type House struct {
	Program string // the vedette to run
	Dir     string // scratch folder; the data folder is in it
	// Also is more of the configuration, at the top level, such as where the bucket is.
	Also string
	Env  []string // more of the program's environment

	cameras string // YAML of the cameras
	// check says what else is lost of what people were told of; nil: there is nothing else.
	check   func(context.Context, *vedettetest.Client, map[models.IncidentID]models.Incident) (lost []string, err error)
	closers []func() error

	mu   sync.Mutex
	told map[models.IncidentID]models.Incident // the newest that people were told of each
	// cut is when the program was killed while the incident was open.
	cut map[models.IncidentID]time.Time
}

// Data is the data folder.
func (h *House) Data() string { return filepath.Join(h.Dir, "data") }

// keep lets something live as long as the house: the autopsy needs it, too.
func (h *House) keep(end func() error) { h.closers = append(h.closers, end) }

// close ends what the house kept, the newest first.
func (h *House) close() error {
	var all error
	for i := len(h.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, h.closers[i]())
	}
	return all
}

// zones alarm on motion. Four quarters and short merges make many incidents from little
// footage.
const zones = `
    zones:
      nw: {polygon: [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      ne: {polygon: [[0.5, 0], [1, 0], [1, 0.5], [0.5, 0.5]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      sw: {polygon: [[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
      se: {polygon: [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]], rules: [{kind: motion, dwell: 300ms, grace: 500ms, merge: 0s}]}
`

// Watch adds a camera to what the next life watches.
func (h *House) Watch(url string) {
	h.cameras += fmt.Sprintf("\n  cam%d:\n    url: %s\n    pre_roll: 2s\n    post_roll: 1s\n    detect: {fps: 0}%s",
		strings.Count(h.cameras, "url:"), url, zones)
}

// Start begins a life and listens to what people are told, until the process has ended.
func (h *House) Start(ctx context.Context) (*Life, error) {
	p, client, err := h.start(ctx, h.cameras)
	if err != nil {
		return nil, err
	}
	l := &Life{Process: p, Client: client, house: h}
	listening, stop := context.WithCancel(ctx)
	l.stop = stop
	l.listen.Go(func() {
		for listening.Err() == nil { // a slow listener is cut off and comes back
			_ = client.Listen(listening, func(a vedettetest.Alert) bool {
				if a.Kind == "incident" {
					if in, err := a.Incident(); err == nil {
						h.tell(in)
					}
				}
				return true
			})
			_ = wait(listening, 100*time.Millisecond)
		}
	})
	return l, nil
}

func (h *House) tell(in models.Incident) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told == nil {
		h.told, h.cut = map[models.IncidentID]models.Incident{}, map[models.IncidentID]time.Time{}
	}
	h.told[in.ID] = in
}

// Told counts the incidents that people were told of so far.
func (h *House) Told() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.told)
}

func (h *House) everything() map[models.IncidentID]models.Incident {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.told)
}

func (h *House) config(cameras string) (string, error) {
	path := filepath.Join(h.Dir, "vedette.yml")
	text := fmt.Sprintf("data: %s\nweb: {listen: \"127.0.0.1:0\"}\ndefaults: {detect: {objects: false}}\n%s\ncameras:%s", h.Data(), h.Also, cameras)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func (h *House) start(ctx context.Context, cameras string) (*vedettetest.Process, *vedettetest.Client, error) {
	cfg, err := h.config(cameras)
	if err != nil {
		return nil, nil, err
	}
	p, err := vedettetest.Start(h.Env, h.Program, "--log-level", "warn", "run", "-c", cfg)
	if err != nil {
		return nil, nil, err
	}
	password := p.Password
	if password == "" {
		password = vedettetest.Password
	}
	client, err := vedettetest.Login(ctx, p.URL, password)
	if err != nil {
		p.Kill()
		return nil, nil, err
	}
	return p, client, nil
}

// Life is one run of the program.
type Life struct {
	Process *vedettetest.Process
	Client  *vedettetest.Client

	house  *House
	stop   context.CancelFunc
	listen sync.WaitGroup
}

// Kill ends the life as a power cut would, and notes which incidents were open.
func (l *Life) Kill() {
	at := time.Now()
	l.Process.Kill()
	l.stop()
	l.listen.Wait()
	h := l.house
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, in := range h.told {
		if _, before := h.cut[id]; in.Footage.State == models.FootageRecording && !before {
			h.cut[id] = at
		}
	}
}

// Stop ends the life in good order.
func (l *Life) Stop(ctx context.Context) error {
	err := l.Process.Stop(ctx)
	l.stop()
	l.listen.Wait()
	return err
}

// wait waits, or returns why it did not.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
