package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/internal/vedettetest"
	"github.com/vedette-cctv/vedette/models"
)

// claimed is longer than a notice that was claimed by a process that died waits for another.
const claimed = 6 * time.Minute

// retried is how long a notice may take that was tried in vain five times, by lives that were
// killed or on a machine too busy to answer in time: it waits 5, 10, 20, 40 and 80 s.
const retried = 4 * time.Minute

// desk is a webhook that takes its time, so that a kill meets a notice at each point of its
// way: in the outbox, claimed, sent, answered, noted.
type desk struct {
	http.Server
	serving sync.WaitGroup
	url     string

	mu      sync.Mutex
	notices map[models.IncidentID]map[string]int // by incident and ID, how often each came
	wrong   []string
}

// notice is what a webhook is sent, as far as it matters here.
type notice struct {
	ID       string
	Kind     models.NoticeKind
	Incident struct{ ID models.IncidentID }
}

func newDesk() (*desk, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &desk{url: "http://" + l.Addr().String(), notices: map[models.IncidentID]map[string]int{}}
	d.Handler = http.HandlerFunc(d.take)
	d.serving.Go(func() { _ = d.Serve(l) }) // until end
	return d, nil
}

func (d *desk) end() error {
	err := d.Close()
	d.serving.Wait()
	return err
}

func (d *desk) take(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var n notice
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil {
		return // cut off in the middle, by a kill
	}
	_ = wait(r.Context(), rand.N(200*time.Millisecond))
	d.note(n, r.Header.Get("Idempotency-Key"))
	_ = wait(r.Context(), rand.N(200*time.Millisecond))
}

func (d *desk) note(n notice, key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.ID == "" || key != n.ID {
		d.wrong = append(d.wrong, fmt.Sprintf("%s: notice %q came with the key %q", n.Incident.ID, n.ID, key))
	}
	if d.notices[n.Incident.ID] == nil {
		d.notices[n.Incident.ID] = map[string]int{}
	}
	d.notices[n.Incident.ID][n.ID]++
}

// missing waits for the notice of each incident that people were told of, and says which
// never came, and which came under two names.
func (d *desk) missing(ctx context.Context, _ *vedettetest.Client, told map[models.IncidentID]models.Incident) ([]string, error) {
	return settled(ctx, retried, func() ([]string, error) { return d.look(told), nil })
}

// settled looks until nothing is wrong any more or the time is over.
func settled(ctx context.Context, within time.Duration, look func() (wrong []string, err error)) ([]string, error) {
	for end := time.Now().Add(within); ; {
		wrong, err := look()
		if err != nil || len(wrong) == 0 || time.Now().After(end) {
			return wrong, err
		}
		if err := wait(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (d *desk) look(told map[models.IncidentID]models.Incident) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	wrong := append([]string(nil), d.wrong...)
	for id := range told {
		switch n := len(d.notices[id]); {
		case n == 0:
			wrong = append(wrong, fmt.Sprintf("%s: no notice of it ever came", id))
		case n > 1:
			wrong = append(wrong, fmt.Sprintf("%s: a repeated notice cannot be told from another: %v", id, d.notices[id]))
		}
	}
	return wrong
}

// toldAndKilled kills the program while it tells people by a webhook.
func toldAndKilled(ctx context.Context, s Scene, n int) error {
	clock, err := s.ownClock(ctx)
	if err != nil {
		return err
	}
	d, err := newDesk()
	if err != nil {
		return err
	}
	s.keep(d.end)
	s.Also = fmt.Sprintf("notify: {channels: {desk: {webhook: {url: %q}, kinds: [opened], rate: {most: 1000, within: 1m}}}}", d.url)
	s.check = d.missing
	if err := kill(ctx, s, n); err != nil {
		return err
	}
	return clock.set(claimed) // the next life need not wait for claims of the dead
}
