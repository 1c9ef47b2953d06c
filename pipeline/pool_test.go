package pipeline

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// runPool runs a pool for the length of a test and checks that Run comes back.
func runPool(t *testing.T, workers int) *Pool {
	t.Helper()
	p := NewPool(workers)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return p
}

func frame(index int) models.Frame { return models.Frame{Index: index} }

func TestTheNewestFrameWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runPool(t, 1)
		gate := make(chan struct{})
		var got []int
		l := p.Lane(func(f models.Frame) { got = append(got, f.Index); <-gate })
		l.Offer(frame(0))
		synctest.Wait() // 0 is being worked on
		for i := 1; i <= 5; i++ {
			l.Offer(frame(i))
		}
		if offered, shed, done := l.Stats(); offered != 6 || shed != 4 || done != 0 {
			t.Errorf("offered %d, shed %d, done %d; want 6, 4, 0", offered, shed, done)
		}
		close(gate)
		synctest.Wait()
		if len(got) != 2 || got[0] != 0 || got[1] != 5 {
			t.Errorf("worked on %v, want [0 5]", got)
		}
		if _, shed, done := l.Stats(); shed != 4 || done != 2 {
			t.Errorf("shed %d, done %d; want 4, 2", shed, done)
		}
		l.Close()
	})
}

// A slow lane takes one turn after the other like any lane; the others wait for one of
// its frames at most.
func TestASlowLaneDoesNotStarveTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runPool(t, 1)
		start := time.Now()
		work := func(d time.Duration) func(models.Frame) {
			return func(models.Frame) {
				timer := time.NewTimer(d)
				defer timer.Stop()
				<-timer.C
			}
		}
		slow := p.Lane(work(time.Second))
		var fast []*Lane
		for range 9 {
			fast = append(fast, p.Lane(work(time.Millisecond)))
		}
		stop := make(chan struct{})
		var feeders sync.WaitGroup
		for _, l := range append(fast, slow) {
			feeders.Go(func() { // each lane always has a frame to offer
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for i := 0; ; i++ {
					l.Offer(frame(i))
					select {
					case <-tick.C:
					case <-stop:
						return
					}
				}
			})
		}
		<-time.After(100 * time.Second)
		close(stop)
		feeders.Wait()
		rounds := time.Since(start).Seconds() / 1.009 // one frame of each lane
		for i, l := range append(fast, slow) {
			if _, _, done := l.Stats(); float64(done) < rounds-2 || float64(done) > rounds+2 {
				t.Errorf("lane %d: %d frames in %.0f rounds, want one a round", i, done, rounds)
			}
			l.Close()
		}
	})
}

func TestDoKeepsItsPlaceAmongTheFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runPool(t, 2)
		gate := make(chan struct{})
		var got []string
		l := p.Lane(func(f models.Frame) {
			got = append(got, string(rune('0'+f.Index)))
			if f.Index == 0 {
				<-gate
			}
		})
		l.Offer(frame(0))
		synctest.Wait()
		l.Offer(frame(1)) // shed: the next one replaces it
		l.Offer(frame(2))
		var callers sync.WaitGroup
		for _, name := range []string{"a", "b"} {
			callers.Go(func() {
				if !l.Do(func() { got = append(got, name) }) {
					t.Errorf("%s did not run", name)
				}
			})
			synctest.Wait()
		}
		if s := strings.Join(got, ""); s != "0" {
			t.Errorf("while frame 0 was worked on, %s ran", s)
		}
		close(gate)
		callers.Wait()
		if s := strings.Join(got, ""); s != "02ab" {
			t.Errorf("order %s, want 02ab", s)
		}
		l.Close()
	})
}

func TestAFrameThatReplacesOneGoesBehindDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runPool(t, 1)
		gate := make(chan struct{})
		var got []string
		l := p.Lane(func(f models.Frame) {
			got = append(got, string(rune('0'+f.Index)))
			if f.Index == 0 {
				<-gate
			}
		})
		l.Offer(frame(0))
		synctest.Wait()
		l.Offer(frame(1))
		var caller sync.WaitGroup
		caller.Go(func() { l.Do(func() { got = append(got, "settings") }) })
		synctest.Wait()
		l.Offer(frame(2)) // came after the settings, so it must see them
		close(gate)
		caller.Wait()
		synctest.Wait()
		if s := strings.Join(got, " "); s != "0 settings 2" {
			t.Errorf("order %s, want 0 settings 2", s)
		}
		l.Close()
	})
}

func TestCloseWaitsAndNothingRunsAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := runPool(t, 2)
		gate := make(chan struct{})
		var running atomic.Bool
		ran := 0
		l := p.Lane(func(models.Frame) {
			running.Store(true)
			ran++
			<-gate
			running.Store(false)
		})
		l.Offer(frame(0))
		synctest.Wait()
		l.Offer(frame(1))
		var waiter, closer sync.WaitGroup
		waiter.Go(func() {
			if !l.Do(func() { ran += 10 }) {
				t.Error("Do that came before Close did not run")
			}
		})
		synctest.Wait()
		closed := false
		closer.Go(func() {
			l.Close()
			closed = true
			if running.Load() {
				t.Error("Close came back while work was running")
			}
		})
		synctest.Wait()
		if closed {
			t.Error("Close did not wait")
		}
		close(gate)
		closer.Wait()
		waiter.Wait()
		l.Offer(frame(2))
		if l.Do(func() { ran += 100 }) {
			t.Error("Do on a closed lane says that it ran")
		}
		l.Close()
		synctest.Wait()
		if ran != 11 {
			t.Errorf("ran %d, want 11: frame 0 and the first Do", ran)
		}
		if offered, shed, done := l.Stats(); offered != 3 || shed != 2 || done != 1 {
			t.Errorf("offered %d, shed %d, done %d; want 3, 2, 1", offered, shed, done)
		}
	})
}

func TestAPanicStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := NewPool(1)
		p.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		var got []int
		bad := p.Lane(func(f models.Frame) {
			if f.Index == 0 {
				panic("bad frame")
			}
			got = append(got, f.Index)
		})
		other := p.Lane(func(f models.Frame) { got = append(got, f.Index) })
		for i, l := range []*Lane{bad, other, bad} {
			l.Offer(frame(i))
			synctest.Wait()
		}
		if !bad.Do(func() { panic("bad settings") }) {
			t.Error("Do reports that it did not run")
		}
		if len(got) != 2 || got[0] != 1 || got[1] != 2 {
			t.Errorf("worked on %v, want [1 2]", got)
		}
		if _, _, done := bad.Stats(); done != 2 || p.Panics() != 2 {
			t.Errorf("done %d, panics %d; want 2, 2", done, p.Panics())
		}
		cancel()
		<-done
		for _, want := range []string{"bad frame", "bad settings", "pool_test.go"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q: %s", want, log.String())
			}
		}
	})
}

func TestStopFinishesWhatDoWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		gate := make(chan struct{})
		frames, flushed := 0, false
		l := p.Lane(func(models.Frame) { frames++; <-gate })
		l.Offer(frame(0))
		synctest.Wait()
		l.Offer(frame(1)) // in front of the flush, and left undone
		var caller sync.WaitGroup
		caller.Go(func() { l.Do(func() { flushed = true }) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(gate)
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		caller.Wait()
		if !flushed || frames != 1 {
			t.Errorf("flushed %v, frames %d; want true, 1", flushed, frames)
		}
		if l.Do(func() {}) {
			t.Error("Do ran on a stopped pool")
		}
		l.Offer(frame(2))
		l.Close()
		if offered, shed, done := l.Stats(); offered != 3 || shed != 2 || done != 1 {
			t.Errorf("offered %d, shed %d, done %d; want 3, 2, 1", offered, shed, done)
		}
		if err := p.Run(context.Background()); err == nil {
			t.Error("the pool ran twice")
		}
	})
}

// Whatever happens at once: each lane works alone and in order, and no frame is lost
// uncounted. The bubble fails the test when a goroutine stays behind.
func TestPoolProperties(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) { testPoolProperties(t, seed) })
	}
}

func testPoolProperties(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	p := NewPool(1 + r.IntN(4))
	p.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()

	var wg sync.WaitGroup
	for range 1 + r.IntN(8) {
		var busy atomic.Int32
		alone := func() func() {
			if busy.Add(1) != 1 {
				t.Error("two workers in one lane")
			}
			return func() { busy.Add(-1) }
		}
		last, worked, tasks := -1, uint64(0), 0
		spin, crash := r.IntN(2000), r.IntN(5) == 0
		l := p.Lane(func(f models.Frame) {
			defer alone()()
			if f.Index <= last {
				t.Errorf("frame %d after %d", f.Index, last)
			}
			last = f.Index
			worked++
			for i := range spin {
				_ = i * i
			}
			if crash && f.Index%7 == 0 {
				panic("every seventh")
			}
		})
		offers, dos := 200+r.IntN(800), r.IntN(40)
		wg.Go(func() {
			var inner sync.WaitGroup
			inner.Go(func() {
				for range dos {
					if l.Do(func() { defer alone()(); tasks++ }) {
						runtime.Gosched()
					}
				}
			})
			for i := range offers {
				l.Offer(frame(i))
				if i%50 == 0 {
					runtime.Gosched()
				}
			}
			inner.Wait()
			l.Close()
			offered, shed, done := l.Stats()
			if int(offered) != offers || offered != shed+done || done != worked {
				t.Errorf("seed %d: offered %d of %d, shed %d, done %d, worked %d", seed, offered, offers, shed, done, worked)
			}
			if tasks != dos {
				t.Errorf("seed %d: %d of %d tasks", seed, tasks, dos)
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func BenchmarkPool(b *testing.B) {
	p := NewPool(2)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	l := p.Lane(func(models.Frame) {})
	b.ReportAllocs()
	for b.Loop() {
		l.Offer(models.Frame{})
	}
	l.Close()
	cancel()
	<-done
}
