package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Outbox holds the dispatches until they are delivered, and then as a log of deliveries.
// Several processes may share it. A storage.Outbox is one.
type Outbox interface {
	// Put adds dispatches; one that is there already is left as it is.
	Put(ctx context.Context, all ...models.Dispatch) error
	// Claim takes the next waiting dispatches of a channel whose time has come, at most so
	// many, for this process alone until the lease is over. Each counts as an attempt.
	Claim(ctx context.Context, channel string, now time.Time, lease time.Duration, most int) ([]models.Dispatch, error)
	// Settle writes what came of claimed ones. One that another process has claimed since is left.
	Settle(ctx context.Context, all ...models.Dispatch) error
	// Next is when the next waiting dispatch of a channel has its time; zero: none waits.
	Next(ctx context.Context, channel string) (time.Time, error)
	// Sent says how many single messages a channel has delivered since, and when its last
	// message of any kind was, if it was since.
	Sent(ctx context.Context, channel string, since time.Time) (single int, last time.Time, err error)
	// Waiting counts the waiting dispatches of each channel.
	Waiting(ctx context.Context) (map[string]int, error)
	// Tend gives up what has waited since before expired, forgets what was done before old,
	// and says how many waiting ones were ever dropped for want of room.
	Tend(ctx context.Context, now, expired, old time.Time) (dropped uint64, err error)
}

// Dispatcher delivers what lies in the outbox, each channel by a worker of its own.
type Dispatcher struct {
	Outbox Outbox
	// Groups are the camera groups of a camera.
	Groups func(models.CameraID) []string
	// Still fetches the picture of a notice's alarm and notes that the channel is sent it;
	// the error is fs.ErrNotExist while there is none. nil: no pictures are sent.
	Still func(ctx context.Context, n models.Notice, channel string) ([]byte, error)
	// Place is whose wall clock messages go by.
	Place *time.Location
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
	// Age is the time by which notices are given up and deliveries forgotten: a clock that is
	// not years ahead because somebody has set it so. nil: Now.
	Age func() time.Time

	mu      sync.Mutex
	console string
	workers []*worker
	started bool
	ctx     context.Context // of Run; workers that are added later run in it too
	running sync.WaitGroup
	dropped uint64
	tended  string // the last error
}

// Times of the dispatcher.
const (
	tendEvery = time.Minute
	// Keep is how long deliveries stay in the log.
	Keep = 90 * 24 * time.Hour
	// lease is how long a claimed notice belongs to one process: longer than any delivery
	// may take, and than clocks of two nodes that are kept by NTP may differ.
	lease = 5 * time.Minute
	// MostTimeout bounds the time limit of a delivery.
	MostTimeout = 2 * time.Minute
	// pollEvery is how soon a notice of another process is seen.
	pollEvery = 15 * time.Second
	// maxSummary bounds the notices of one summary.
	maxSummary = 500
)

func (d *Dispatcher) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Dispatcher) age() time.Time {
	if d.Age != nil {
		return d.Age()
	}
	return d.now()
}

// Apply puts channels in force, also while Run runs. A channel that is the same goes on;
// of one that is gone the notices that wait are given up after Patience. console is the
// address of the console.
func (d *Dispatcher) Apply(console string, channels []Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.console = console
	var next []*worker
	for _, c := range channels {
		if i := slices.IndexFunc(d.workers, func(w *worker) bool { return w.Name == c.Name && w.Mark == c.Mark && c.Mark != "" }); i >= 0 {
			next = append(next, d.workers[i])
			continue
		}
		next = append(next, &worker{Channel: c, dispatcher: d, kick: make(chan struct{}, 1), quit: make(chan struct{})})
	}
	for _, w := range d.workers {
		if !slices.Contains(next, w) {
			close(w.quit)
		}
	}
	before := d.workers
	d.workers = next
	if d.started {
		for _, w := range next {
			if !slices.Contains(before, w) {
				d.running.Go(func() { w.run(d.ctx) })
			}
		}
	}
}

// Route says by which channels a notice goes out.
func (d *Dispatcher) Route(n models.Notice) []models.Dispatch {
	var groups []string
	if d.Groups != nil {
		groups = d.Groups(n.Incident.Camera)
	}
	var out []models.Dispatch
	for _, w := range d.all() {
		if w.Route.takes(n, groups) {
			out = append(out, models.Dispatch{Channel: w.Name, Notice: n, State: models.DispatchWaiting, Created: n.At, Next: n.At})
		}
	}
	return out
}

// Send puts notices into the outbox for the channels that want them.
func (d *Dispatcher) Send(ctx context.Context, notices ...models.Notice) error {
	var all []models.Dispatch
	for _, n := range notices {
		all = append(all, d.Route(n)...)
	}
	if len(all) == 0 {
		return nil
	}
	if err := d.Outbox.Put(ctx, all...); err != nil {
		return err
	}
	d.Kick()
	return nil
}

// Kick says that there may be something new in the outbox. It never blocks.
func (d *Dispatcher) Kick() {
	for _, w := range d.all() {
		w.wake()
	}
}

func (d *Dispatcher) all() []*worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.workers)
}

// Run delivers until ctx ends, and then waits for the deliveries under way, which end with it.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.mu.Lock()
	d.ctx, d.started = ctx, true
	for _, w := range d.workers {
		d.running.Go(func() { w.run(ctx) })
	}
	d.mu.Unlock()
	for {
		d.tend(ctx)
		if !sleep(ctx, tendEvery) {
			break
		}
	}
	d.mu.Lock()
	d.started = false
	d.mu.Unlock()
	d.running.Wait()
	return nil
}

// tend keeps the outbox in bounds.
func (d *Dispatcher) tend(ctx context.Context) {
	now, age := d.now(), d.age()
	dropped, err := d.Outbox.Tend(ctx, now, age.Add(-Patience), age.Add(-Keep))
	d.mu.Lock()
	defer d.mu.Unlock()
	said := ""
	if err != nil && ctx.Err() == nil {
		said = err.Error()
		if d.tended == "" {
			d.Log.Warn("notifications: the outbox does not answer", "err", err)
		}
	}
	d.tended = said
	if err != nil {
		return
	}
	if dropped > d.dropped {
		d.Log.Error("notifications: too many wait; the least severe were dropped", "dropped", dropped-d.dropped)
	}
	d.dropped = dropped
}

// Status is what a channel does. The figures count from the start of this process.
type Status struct {
	Name        string
	Type        string
	Target      string
	Kinds       []models.NoticeKind
	MinSeverity models.Severity
	Groups      []string
	Schedule    []models.Schedule
	Rate        Rate
	Still       bool
	Waiting     int
	Delivered   uint64    // messages
	Failed      uint64    // notices that were given up
	Errors      uint64    // attempts that went wrong
	Failures    int       // attempts in a row that went wrong; 0: it works
	Since       time.Time // when the first of them was
	LastError   string
	LastSent    time.Time
}

// Status says how the channels do, in the order of the configuration, and how many
// notices were dropped for want of room.
func (d *Dispatcher) Status(ctx context.Context) ([]Status, uint64, error) {
	waiting, err := d.Outbox.Waiting(ctx)
	workers := d.all()
	out := make([]Status, len(workers))
	for i, w := range workers {
		out[i] = w.status()
		out[i].Waiting = waiting[w.Name]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return out, d.dropped, err
}

// Failing names the channels whose last attempt went wrong.
func (d *Dispatcher) Failing() []string {
	var out []string
	for _, w := range d.all() {
		if w.status().Failures > 0 {
			out = append(out, w.Name)
		}
	}
	return out
}

// ErrChannel says that there is no channel of that name.
var ErrChannel = fmt.Errorf("channel: %w", fs.ErrNotExist)

// Test sends a test notice by one channel at once, past its filters and bounds, and notes
// it in the log of deliveries. The dispatch says how it went.
func (d *Dispatcher) Test(ctx context.Context, channel, who string) (models.Dispatch, error) {
	workers := d.all()
	i := slices.IndexFunc(workers, func(w *worker) bool { return w.Name == channel })
	if i < 0 {
		return models.Dispatch{}, ErrChannel
	}
	w, now := workers[i], d.now().UTC()
	n := models.Notice{ID: testID(channel, who, now), Kind: models.NoticeTest, At: now, To: []string{who}}
	out := models.Dispatch{Channel: channel, Notice: n, State: models.DispatchDelivered, Message: n.ID, Attempts: 1, Created: now}
	if err := w.deliver(ctx, w.message(n)); err != nil && !errors.Is(err, ErrPartly) {
		out.State, out.Error = models.DispatchFailed, plain(err.Error(), maxError)
	} else if err != nil {
		out.Error = plain(err.Error(), maxError)
	}
	out.Done = d.now().UTC()
	return out, d.Outbox.Put(ctx, out)
}

// sleep waits; false: ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
