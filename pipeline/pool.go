package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/vedette-cctv/vedette/models"
)

// Pool is a bounded number of workers that all cameras share. Each camera has a Lane.
//
// A lane that has something to do stands in one queue; a worker takes the lane at its
// head, does one thing for it, and puts it back at the end if there is more. So a camera
// whose frames take long delays the others by one frame at most, and never starves them.
type Pool struct {
	// Log hears of panics in the work of a lane; slog.Default when nil.
	Log *slog.Logger

	workers int
	panics  atomic.Uint64

	mu      sync.Mutex // guards what follows, and the state of every lane
	more    sync.Cond  // ready has grown, or stopped is set
	ready   []*Lane    // each at most once, so no longer than there are lanes
	started bool
	stopped bool
}

// NewPool makes a pool of so many workers, at least one. They begin with Run.
func NewPool(workers int) *Pool {
	p := &Pool{workers: max(1, workers)}
	p.more.L = &p.mu
	return p
}

// Run works until ctx ends, finishes what is being worked on and what Do waits for, and
// returns nil. Frames that still wait then stay undone. A pool runs once.
func (p *Pool) Run(ctx context.Context) error {
	p.mu.Lock()
	again := p.started
	p.started = true
	p.mu.Unlock()
	if again {
		return errors.New("run pool: it has run before")
	}
	var workers sync.WaitGroup
	for range p.workers {
		workers.Go(p.work)
	}
	<-ctx.Done()
	p.mu.Lock()
	p.stopped = true
	p.more.Broadcast()
	p.mu.Unlock()
	workers.Wait()
	return nil
}

// Panics counts how often the work of a lane has panicked.
func (p *Pool) Panics() uint64 { return p.panics.Load() }

// work does one thing after the other until the pool has stopped and no Do waits.
func (p *Pool) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.ready) == 0 {
			if p.stopped {
				return
			}
			p.more.Wait()
		}
		l := p.ready[0]
		p.ready[0] = nil // or the array would keep the lane alive
		p.ready = p.ready[1:]
		l.queued = false
		p.step(l)
	}
}

// step does the next thing of a lane. p.mu is held, except while the thing is done.
func (p *Pool) step(l *Lane) {
	var t *task
	var f models.Frame
	switch {
	case len(l.tasks) > 0 && (l.before > 0 || !l.pending || p.stopped):
		t = l.tasks[0]
		l.tasks[0] = nil
		l.tasks = l.tasks[1:]
		l.before = max(0, l.before-1)
	case l.pending && !p.stopped:
		f = l.frame
		l.pending, l.frame = false, models.Frame{}
	default:
		return
	}
	l.running = true
	p.mu.Unlock()
	if t != nil {
		p.guard(t.f)
		close(t.done)
	} else {
		p.guard(func() { l.work(f) })
	}
	p.mu.Lock()
	l.running = false
	if t == nil {
		l.done++
	}
	p.enqueue(l)
	l.rest.Broadcast()
}

// guard runs f and survives its panic: one bad frame must not stop another camera.
func (p *Pool) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			p.panics.Add(1)
			log := p.Log
			if log == nil {
				log = slog.Default()
			}
			log.Error("panic in a camera's work", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// enqueue makes a lane stand in the queue if it has something to do. p.mu is held.
func (p *Pool) enqueue(l *Lane) {
	if l.queued || l.running || !l.pending && len(l.tasks) == 0 {
		return
	}
	l.queued = true
	p.ready = append(p.ready, l)
	p.more.Signal()
}

// Lane is one camera's place in a Pool. What is done for a lane is done in order, one
// thing at a time, never on two workers at once.
//
// At most one frame waits. When a newer one comes, the waiting one is shed and counted:
// under overload a camera loses frames, never order, and what is analysed is always the
// newest. Its methods may be called from any goroutine.
type Lane struct {
	pool *Pool
	work func(models.Frame)

	// Guarded by pool.mu.
	frame               models.Frame
	pending             bool    // frame waits
	tasks               []*task // of Do, in order; never shed
	before              int     // so many of tasks come before the waiting frame
	queued              bool    // in pool.ready
	running             bool    // on a worker
	closed              bool
	rest                sync.Cond // something was done
	offered, shed, done uint64
}

type task struct {
	f    func()
	done chan struct{}
}

// Lane makes a lane whose frames are handed to work. work must not call Do or Close of
// its own lane: it would wait for itself.
func (p *Pool) Lane(work func(models.Frame)) *Lane {
	l := &Lane{pool: p, work: work}
	l.rest.L = &p.mu
	return l
}

// Offer hands over a frame and never blocks. The frame replaces one that still waits. On
// a closed lane it is shed at once.
func (l *Lane) Offer(f models.Frame) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	l.offered++
	if l.closed {
		l.shed++
		return
	}
	if l.pending {
		l.shed++
	}
	l.frame, l.pending, l.before = f, true, len(l.tasks)
	p.enqueue(l)
}

// Do runs f in the lane's order, after what was offered before it and before what is
// offered later, and waits for it. It is never shed. It reports false, without having
// run f, when the lane is closed or the pool has stopped. Before Run it waits for Run.
func (l *Lane) Do(f func()) bool {
	p := l.pool
	p.mu.Lock()
	if l.closed || p.stopped {
		p.mu.Unlock()
		return false
	}
	t := &task{f, make(chan struct{})}
	l.tasks = append(l.tasks, t)
	p.enqueue(l)
	p.mu.Unlock()
	<-t.done
	return true
}

// Stats counts the frames that were offered, shed for a newer one or a closed lane, and
// done. What is in none of the last two waits or is being worked on.
func (l *Lane) Stats() (offered, shed, done uint64) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	return l.offered, l.shed, l.done
}

// Close ends the lane: a frame that waits is shed, what Do waits for is still done, and
// when Close returns nothing runs any more. It may be called twice.
func (l *Lane) Close() {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	l.closed = true
	if l.pending {
		l.pending, l.frame = false, models.Frame{}
		l.shed++
	}
	for l.running || len(l.tasks) > 0 {
		l.rest.Wait()
	}
}
