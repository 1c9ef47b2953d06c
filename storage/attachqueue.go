package storage

import (
	"context"
	"sync"
	"time"
)

// chores are pieces of work with names that are tried until they are done. What fails lets
// the others pass; when everything fails, one piece at a time is tried, another one each
// time. It holds what lies on a disk or in a record, so it is as long as that, and nothing
// is lost with it.
type chores struct {
	backoff Backoff

	mu      sync.Mutex
	all     map[string]*chore
	failing int       // in a row
	resume  time.Time // while everything fails nothing is tried before
	busy    int
	kick    chan struct{} // capacity 1: "look again" needs no counting
	idle    chan struct{} // closed when nothing is left; nil when nobody waits
}

type chore struct {
	failures int
	next     time.Time
	busy     bool
	again    bool // asked for while it was busy
}

// laterError is what a piece of work returns that must wait, not what has failed.
type laterError struct{ at time.Time }

func (e laterError) Error() string { return "not before " + e.at.UTC().Format(time.RFC3339) }

func newChores(b Backoff) *chores {
	return &chores{backoff: b, all: map[string]*chore{}, kick: make(chan struct{}, 1)}
}

// add asks for a piece of work; one that waits after a failure is due at once.
func (c *chores) add(name string) {
	c.mu.Lock()
	if have, ok := c.all[name]; ok {
		have.next, have.again = time.Time{}, have.busy
	} else {
		c.all[name] = &chore{}
	}
	c.mu.Unlock()
	wake(c.kick)
}

// left is how many are not done yet, and how many of the last attempts failed in a row.
func (c *chores) left() (n, failing int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all), c.failing
}

// run does the work with a number of workers until ctx ends, and waits for them. failed is
// told of each attempt that will be repeated.
func (c *chores) run(ctx context.Context, workers int, do func(context.Context, string) error, failed func(name string, err error, next time.Duration)) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				name, wait, ok := c.take()
				if !ok {
					timer := time.NewTimer(wait)
					select {
					case <-ctx.Done():
					case <-timer.C:
					case <-c.kick:
					}
					timer.Stop()
					if ctx.Err() != nil {
						return
					}
					continue
				}
				err := do(ctx, name)
				if ctx.Err() != nil {
					c.free(name)
					return
				}
				if next := c.done(name, err); next > 0 && failed != nil {
					failed(name, err, next)
				}
			}
		})
	}
	wg.Wait()
}

// take gives the piece of work whose wait ends first, or says how long there is none.
func (c *chores) take() (name string, wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const long = time.Hour // add wakes
	now := time.Now()
	if c.failing >= bucketDown {
		if c.busy > 0 {
			return "", long, false
		}
		if d := c.resume.Sub(now); d > 0 {
			return "", d, false
		}
	}
	var best *chore
	due := 0
	for n, x := range c.all {
		if x.busy {
			continue
		}
		if !x.next.After(now) {
			due++
		}
		if best == nil || x.next.Before(best.next) {
			name, best = n, x
		}
	}
	if best == nil {
		return "", long, false
	}
	if d := best.next.Sub(now); d > 0 {
		return "", d, false
	}
	best.busy = true
	c.busy++
	if due > 1 {
		wake(c.kick) // for another worker
	}
	return name, 0, true
}

// free gives a piece of work back as it was.
func (c *chores) free(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[name].busy = false
	c.busy--
}

// done ends an attempt and says how long until the next one; 0: there is none.
func (c *chores) done(name string, err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer wake(c.kick) // whoever waits for the bucket to answer may look again
	x := c.all[name]
	x.busy = false
	c.busy--
	if later, ok := err.(laterError); ok {
		x.next = later.at
		if x.again {
			x.again, x.next = false, time.Time{}
		}
		return 0
	}
	if err == nil {
		if c.failing >= bucketDown {
			for _, other := range c.all { // what waited because of the bucket need not wait longer
				if other.failures > 0 {
					other.next = time.Time{}
				}
			}
		}
		c.failing, c.resume = 0, time.Time{}
		if x.again {
			*x = chore{}
			return 0
		}
		delete(c.all, name)
		if len(c.all) == 0 && c.idle != nil {
			close(c.idle)
			c.idle = nil
		}
		return 0
	}
	c.failing++
	x.failures++
	x.again = false
	wait := c.backoff.delay(x.failures)
	x.next = time.Now().Add(wait)
	if c.failing >= bucketDown {
		c.resume = time.Now().Add(c.backoff.delay(c.failing))
	}
	return wait
}

// drained waits until nothing is left, or ctx ends.
func (c *chores) drained(ctx context.Context) error {
	c.mu.Lock()
	if len(c.all) == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	c.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
