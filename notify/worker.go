package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// maxError bounds what is kept of an error, in characters.
const maxError = 500

// worker delivers what waits for one channel, one message at a time.
type worker struct {
	Channel
	dispatcher *Dispatcher
	kick       chan struct{} // holds one: it is enough to know that there is something
	quit       chan struct{} // closed when the channel is no longer configured

	mu sync.Mutex
	st Status
}

func (w *worker) wake() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends or the channel is no longer configured.
func (w *worker) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-w.quit:
			cancel()
		case <-stop:
		}
	})
	defer watching.Wait()
	defer close(stop)
	if c, ok := w.Sender.(interface{ Close() }); ok {
		defer c.Close()
	}
	troubles := 0 // of the outbox, in a row
	for ctx.Err() == nil {
		wait, rest, err := w.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if troubles++; troubles == 1 {
				w.dispatcher.Log.Warn("notifications: the outbox does not answer", "channel", w.Name, "err", err)
			}
			wait, rest = pauseAfter(troubles+1, random), true
		default:
			troubles = 0
		}
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		kick := w.kick
		if rest {
			kick = nil // what is new does not shorten a rest
		}
		select {
		case <-ctx.Done():
		case <-kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round delivers one message, and says how long nothing is to be done; rest: whatever may
// come meanwhile.
func (w *worker) round(ctx context.Context) (wait time.Duration, rest bool, err error) {
	box, now := w.dispatcher.Outbox, w.dispatcher.now()
	// Asked first: records change often, notices seldom, and to claim is to write.
	next, err := box.Next(ctx, w.Name)
	switch {
	case err != nil || next.IsZero():
		return pollEvery, false, err
	case next.After(now):
		return min(next.Sub(now), pollEvery), false, nil
	}
	most := 1
	if w.Rate.Most > 0 {
		single, last, err := box.Sent(ctx, w.Name, now.Add(-w.Rate.Within))
		if err != nil {
			return 0, false, err
		}
		if single >= w.Rate.Most {
			// A last message in the future is of a clock that has been set back since.
			if next := last.Add(w.Rate.gap()); next.After(now) && !last.After(now) {
				return next.Sub(now), true, nil
			}
			most = maxSummary
		}
	}
	claimed, err := box.Claim(ctx, w.Name, now, lease, most)
	if err != nil {
		return 0, false, err
	}
	if len(claimed) == 0 { // another process was faster
		return 10 * time.Millisecond, false, nil
	}
	failed := w.deliver(ctx, w.sum(claimed))
	if failed != nil && ctx.Err() != nil {
		// Nobody knows whether it went out. The lease brings it back, to this process or
		// to another one; a shorter one would tell twice what was only slow.
		return 0, false, w.release(claimed)
	}
	w.note(failed)
	settled := w.settle(claimed, failed)
	if err := w.retrySettle(ctx, settled); err != nil {
		return 0, false, err
	}
	return w.pause(), true, nil
}

// release lets go of what a stop has interrupted: the next start goes on with it at once.
// The stop does not wait for a database that does not answer: then the lease runs out.
func (w *worker) release(claimed []models.Dispatch) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for i := range claimed {
		claimed[i].Next = w.dispatcher.now().UTC()
	}
	return w.dispatcher.Outbox.Settle(ctx, claimed...)
}

// retrySettle writes the outcome also when the outbox fails for a moment: a notice that
// was delivered would else be told again when the lease is over.
func (w *worker) retrySettle(ctx context.Context, settled []models.Dispatch) error {
	for attempt := 1; ; attempt++ {
		// Begun deliveries are noted also during a stop.
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err := w.dispatcher.Outbox.Settle(writing, settled...)
		cancel()
		if err == nil || attempt == 8 || ctx.Err() != nil {
			return err
		}
		sleep(ctx, min(time.Second<<(attempt-1), time.Minute))
	}
}

// sum makes one message of what was claimed.
func (w *worker) sum(claimed []models.Dispatch) Message {
	if len(claimed) == 1 {
		return w.message(claimed[0].Notice)
	}
	all := make([]models.Notice, len(claimed))
	for i, c := range claimed {
		all[i] = c.Notice
	}
	worstFirst(all)
	h := sha256.New()
	for _, n := range all {
		h.Write([]byte(n.ID + "\n"))
	}
	m := w.message(all[0])
	m.ID, m.More = hex.EncodeToString(h.Sum(nil)[:16]), all[1:]
	return m
}

func (w *worker) message(n models.Notice) Message {
	d := w.dispatcher
	d.mu.Lock()
	defer d.mu.Unlock()
	return Message{ID: n.ID, Channel: w.Name, Notice: n, Console: d.console, Place: d.Place}
}

// deliver sends a message within the channel's time limit.
func (w *worker) deliver(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, min(w.Timeout, MostTimeout))
	defer cancel()
	m.Still = w.still(ctx, m)
	return w.Sender.Deliver(ctx, m)
}

// stillPatience is how long an alert waits for its picture, which is drawn after the
// record is safe.
const stillPatience = 3 * time.Second

// still is the picture of a message, where one is wanted. A notice goes out without it
// rather than not at all.
func (w *worker) still(ctx context.Context, m Message) []byte {
	d := w.dispatcher
	if !w.Channel.Still || d.Still == nil || len(m.More) > 0 || m.Notice.Incident.ID == "" {
		return nil
	}
	for {
		data, err := d.Still(ctx, m.Notice, w.Name)
		if err == nil {
			return data
		}
		age := d.now().Sub(m.Notice.At)
		if !errors.Is(err, fs.ErrNotExist) || age >= stillPatience || age < 0 || !sleep(ctx, 250*time.Millisecond) {
			return nil
		}
	}
}

// settle is what became of claimed dispatches.
func (w *worker) settle(claimed []models.Dispatch, failed error) []models.Dispatch {
	now := w.dispatcher.now().UTC()
	message := w.sum(claimed).ID
	out := make([]models.Dispatch, len(claimed))
	for i, c := range claimed {
		c.Message, c.Error = message, ""
		if failed != nil {
			c.Error = plain(failed.Error(), maxError)
		}
		wait := w.retry(c.Attempts, failed)
		switch {
		case failed == nil || errors.Is(failed, ErrPartly):
			c.State, c.Done, c.Next = models.DispatchDelivered, now, time.Time{}
		case errors.Is(failed, ErrPermanent), w.dispatcher.age().Add(wait).Sub(c.Created) > Patience:
			c.State, c.Done, c.Next = models.DispatchFailed, now, time.Time{}
		default:
			c.Message, c.Next = "", now.Add(wait)
		}
		out[i] = c
	}
	return out
}

func (w *worker) retry(attempts int, failed error) time.Duration {
	wait := retryAfter(attempts, random)
	var b busy
	if errors.As(failed, &b) {
		wait = max(wait, b.after)
	}
	return wait
}

// note counts a delivery.
func (w *worker) note(failed error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if failed == nil || errors.Is(failed, ErrPartly) {
		if w.st.Failures > 0 {
			w.dispatcher.Log.Info("notifications: the channel works again", "channel", w.Name)
		}
		w.st.Delivered++
		w.st.LastSent, w.st.Failures, w.st.Since, w.st.LastError = w.dispatcher.now().UTC(), 0, time.Time{}, ""
		if failed != nil {
			w.st.LastError = plain(failed.Error(), maxError)
		}
		return
	}
	if w.st.Failures++; w.st.Failures == 1 {
		w.st.Since = w.dispatcher.now().UTC()
		w.dispatcher.Log.Warn("notifications: a delivery went wrong; it is tried again unless it was refused for good", "channel", w.Name, "err", failed)
	}
	w.st.Errors++
	w.st.LastError = plain(failed.Error(), maxError)
	if errors.Is(failed, ErrPermanent) {
		w.st.Failed++
	}
}

// pause is how long the channel rests after the last delivery.
func (w *worker) pause() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pauseAfter(w.st.Failures, random)
}

func (w *worker) status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.st
	s.Name, s.Type, s.Target, s.Still = w.Name, w.Type, w.Target, w.Channel.Still
	s.Kinds, s.MinSeverity, s.Groups, s.Schedule, s.Rate = w.Route.Kinds, w.Route.MinSeverity, w.Route.Groups, w.Route.Schedule, w.Rate
	return s
}

func testID(channel, who string, at time.Time) string {
	sum := sha256.Sum256([]byte("test\x00" + channel + "\x00" + who + "\x00" + at.Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:16])
}
