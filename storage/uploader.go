package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Backoff says how long to wait after failures: Min, doubled each time up to Max, and
// then between half and all of that by chance, so that nodes do not come in step.
type Backoff struct {
	Min time.Duration // default 1 s
	Max time.Duration // default 1 min
}

func (b Backoff) delay(failures int) time.Duration {
	lo, hi := b.Min, b.Max
	if lo <= 0 {
		lo = time.Second
	}
	if hi <= 0 {
		hi = time.Minute
	}
	d := lo
	for i := 1; i < failures && d < hi; i++ {
		d *= 2
	}
	d = min(d, hi)
	return d/2 + rand.N(d/2+1)
}

// Uploader brings ready entries of the spool to the bucket and lets their records name
// them. It tries for ever. When everything fails it probes with one entry at a time,
// another one each time; when only one entry fails, the others pass it by.
type Uploader struct {
	Spool  *Spool
	Bucket Bucket
	Index  Index
	Log    *slog.Logger // default: nothing is logged
	// Custody is told of what is uploaded and of what is found damaged; nil: nobody is.
	Custody Custodian
	// Expires says when retention may delete evidence, so that it is locked until then in a
	// bucket that locks; false is never. nil: nothing is locked.
	Expires func(models.Incident) (time.Time, bool)
	// Stored is called after a record names its objects, perhaps again after a crash.
	// It runs on an upload's goroutine and must return soon.
	Stored func(models.Incident)
	// Progress is called when a record says that more of its footage is off site, while
	// the incident still goes on; nil: nobody is told.
	Progress func(models.Incident)
	Backoff  Backoff
	Workers  int // uploads at a time; default 2
	// LiveEvery is how often growing clips are brought to the bucket; default 2 s, negative:
	// not before they are finished.
	LiveEvery time.Duration

	mu      sync.Mutex
	status  UploadStatus
	kick    chan struct{} // capacity 1, as in Spool; nil until first used
	changed chan struct{} // closed when Run has looked at the spool; nil when nobody waits
}

// UploadStatus is how far the evidence has come. Counters run from the start of Run.
type UploadStatus struct {
	Pending   int       `json:"pending"`              // entries not yet in the bucket
	Bytes     int64     `json:"bytes"`                // of these entries
	Oldest    time.Time `json:"oldest,omitzero"`      // alarm of the oldest of them
	Stored    uint64    `json:"stored"`               // entries brought to the bucket
	Retries   uint64    `json:"retries"`              // attempts that failed
	Failing   int       `json:"failing"`              // attempts in a row that failed, over all entries
	LastError string    `json:"last_error,omitempty"` // of the newest failure; it holds no secret
	ErrorAt   time.Time `json:"last_error_at,omitzero"`
	Corrupt   int       `json:"corrupt"` // entries set aside since the start

	Open        int    `json:"open"`         // entries whose clip still grows
	OpenBytes   int64  `json:"open_bytes"`   // of these, not yet in the bucket
	LiveParts   uint64 `json:"live_parts"`   // parts of growing clips brought to the bucket
	LiveFailed  uint64 `json:"live_failed"`  // attempts at that which failed
	LiveSkipped uint64 `json:"live_skipped"` // rounds in which an open incident was left out, as the bucket was down
}

const (
	// bucketDown is how many failures in a row mean that the bucket, not an entry, is
	// the trouble.
	bucketDown = 3
	// indexPatience bounds each call of the index: a database that hangs must not hold
	// an upload for ever.
	indexPatience = time.Minute
	by            = "vedette"
)

// attempt is what Run remembers of an entry that failed.
type attempt struct {
	failures int
	next     time.Time
}

type outcome struct {
	e   *Entry
	err error
}

// Run uploads until ctx ends, waits for what it has started, and returns nil. Nothing is
// left half done: an object appears whole or not at all, and the next start goes on.
func (u *Uploader) Run(ctx context.Context) error {
	log := u.log()
	workers := u.Workers
	if workers <= 0 {
		workers = 4
	}
	var (
		tried    = map[models.IncidentID]attempt{}
		busy     = map[models.IncidentID]bool{}
		noted    = map[string]bool{}  // by path
		outcomes = make(chan outcome) // Run reads until no worker is left
		failing  int                  // in a row
		resume   time.Time            // nothing starts before
		wg       sync.WaitGroup
	)
	defer wg.Wait()
	wg.Go(func() { u.liveLane(ctx) })
	for {
		wait := u.noteDamage(ctx, noted)
		limit := workers
		if failing >= bucketDown {
			limit = 1
		}
		ready := u.pending()
		for len(busy) < limit && ctx.Err() == nil {
			e, at := nextDue(ready, tried, busy)
			if e == nil {
				break
			}
			if resume.After(at) {
				at = resume
			}
			if d := time.Until(at); d > 0 {
				wait = min(wait, d)
				break
			}
			busy[e.id] = true
			wg.Go(func() { outcomes <- outcome{e, u.upload(ctx, e)} })
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			for range busy {
				<-outcomes
			}
			return nil
		case <-timer.C:
		case <-u.Spool.ready:
		case <-u.kicked():
		case o := <-outcomes:
			delete(busy, o.e.id)
			if errors.Is(o.err, errSetAside) {
				break // says nothing about the bucket
			}
			if o.err == nil {
				if failing >= bucketDown {
					log.Info("upload works again", "failures", failing)
					for id, a := range tried { // what waited because of the bucket need not wait longer
						tried[id] = attempt{failures: a.failures}
					}
				}
				failing, resume = 0, time.Time{}
				delete(tried, o.e.id)
				break
			}
			if ctx.Err() != nil {
				break
			}
			failing++
			a := tried[o.e.id]
			a.failures++
			a.next = time.Now().Add(u.Backoff.delay(a.failures))
			tried[o.e.id] = a
			if failing >= bucketDown {
				resume = time.Now().Add(u.Backoff.delay(failing))
			}
			log.Warn("upload failed, will be tried again", "incident", o.e.id, "error", o.err,
				"attempt", a.failures, "next", time.Until(a.next).Round(time.Millisecond))
			u.failed(o.err)
		}
		timer.Stop()
		u.setFailing(failing)
	}
}

func (u *Uploader) log() *slog.Logger {
	if u.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return u.Log
}

// nextDue picks the entry whose wait ends first. One that was never tried waits for
// nothing, so a failing entry lets the others pass, and probes of a bucket that is down
// take turns. Of equals the oldest alarm wins.
func nextDue(ready []*Entry, tried map[models.IncidentID]attempt, busy map[models.IncidentID]bool) (*Entry, time.Time) {
	var best *Entry
	var at time.Time
	for _, e := range ready { // oldest alarm first
		if next := tried[e.id].next; !busy[e.id] && (best == nil || next.Before(at)) {
			best, at = e, next
		}
	}
	return best, at
}

// pending lists the ready entries, the oldest alarm first, and keeps the status.
func (u *Uploader) pending() []*Entry {
	list, _ := u.Spool.Entries()
	open, openBytes := 0, int64(0)
	for _, e := range list {
		if e.State() == EntryRecording {
			open++
			openBytes += e.notOffSite()
		}
	}
	ready := slices.DeleteFunc(list, func(e *Entry) bool { return e.State() != EntryReady })
	bytes := int64(0)
	for _, e := range ready {
		bytes += e.Size()
	}
	corrupt := len(u.Spool.Corrupt())
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.changed != nil {
		close(u.changed)
		u.changed = nil
	}
	u.status.Pending, u.status.Bytes, u.status.Corrupt = len(ready), bytes, corrupt
	u.status.Open, u.status.OpenBytes = open, openBytes
	u.status.Oldest = time.Time{}
	if len(ready) > 0 {
		u.status.Oldest = ready[0].alarm
	}
	return ready
}

// Status says how far the evidence has come.
func (u *Uploader) Status() UploadStatus {
	u.pending()
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

// Kick makes Run look at the spool now. Entry.Ready does so by itself.
func (u *Uploader) Kick() {
	select {
	case u.kicked() <- struct{}{}:
	default:
	}
}

// Drain waits until no ready entry is left in the spool, or ctx ends. Run must be running.
func (u *Uploader) Drain(ctx context.Context) error {
	for {
		u.mu.Lock()
		if u.changed == nil {
			u.changed = make(chan struct{})
		}
		changed := u.changed
		u.mu.Unlock()
		left := 0
		for _, e := range u.Spool.all() {
			if e.State() == EntryReady {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d incidents wait for upload: %w", left, ctx.Err())
		}
	}
}

func (u *Uploader) kicked() chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kick == nil {
		u.kick = make(chan struct{}, 1)
	}
	return u.kick
}

func (u *Uploader) setFailing(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Failing = n
}

func (u *Uploader) failed(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status.Retries++
	u.status.LastError, u.status.ErrorAt = err.Error(), time.Now()
}
