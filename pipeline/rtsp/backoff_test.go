package rtsp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestBackoffGrowsWithinItsBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		slow bool
		full []time.Duration // waits before jitter
	}{
		{"passing trouble", false, []time.Duration{1, 2, 4, 8, 16, 30, 30, 30}},
		{"waiting for a person", true, []time.Duration{30, 60, 120, 240, 300, 300}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				var b backoff
				for i, full := range tt.full {
					full *= time.Second
					if got := b.next(tt.slow); got < full/2 || got > full {
						t.Fatalf("wait %d: %v, want %v to %v", i, got, full/2, full)
					}
				}
				b.reset()
				if got := b.next(false); got > time.Second {
					t.Fatalf("after a settled session: %v", got)
				}
			}
		})
	}
}

func TestBackoffIsJittered(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 50 {
		seen[new(backoff).next(false)] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d different waits in 50", len(seen))
	}
}

// reconnects runs a Source whose sessions last as said and all fail, and returns the
// waits between them.
func reconnects(t *testing.T, lasts func(i int) time.Duration, err error, n int) []time.Duration {
	t.Helper()
	var waits []time.Duration
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var ended time.Time
		src := &Source{URL: "rtsp://cam/"}
		src.connect = func(ctx context.Context, _ func(models.AccessUnit) error) error {
			if !ended.IsZero() {
				waits = append(waits, time.Since(ended))
			}
			if len(waits) == n {
				cancel()
				return ctx.Err()
			}
			_ = sleep(ctx, lasts(len(waits)))
			ended = time.Now()
			return err
		}
		if got := src.Run(ctx, nil); !errors.Is(got, context.Canceled) {
			t.Errorf("Run returned %v", got)
		}
	})
	return waits
}

func TestRunReconnectsForEver(t *testing.T) {
	waits := reconnects(t, func(int) time.Duration { return 0 }, errors.New("connection refused"), 500)
	for i, w := range waits {
		if w > backoffMax || i > 5 && w < backoffMax/2 {
			t.Fatalf("wait %d: %v", i, w)
		}
	}
}

func TestRunReconnectsAtOnceAfterASettledSession(t *testing.T) {
	for _, w := range reconnects(t, func(int) time.Duration { return settled }, errors.New("reset"), 10) {
		if w > backoffMin {
			t.Errorf("waited %v", w)
		}
	}
}

func TestRunDoesNotHammerACameraThatFailsSoon(t *testing.T) {
	waits := reconnects(t, func(int) time.Duration { return 2 * time.Second }, errors.New("reset"), 10)
	if last := waits[len(waits)-1]; last < backoffMax/2 {
		t.Errorf("the tenth wait was %v", last)
	}
}

func TestRunLeavesALockedAccountAlone(t *testing.T) {
	waits := reconnects(t, func(int) time.Duration { return 0 }, &fault{err: errors.New("401"), slow: true}, 8)
	var sum time.Duration
	for _, w := range waits {
		sum += w
	}
	if sum < 10*time.Minute {
		t.Errorf("eight attempts within %v lock an account", sum)
	}
}

func TestRunStopsWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		src := &Source{URL: "rtsp://cam/"}
		src.connect = func(context.Context, func(models.AccessUnit) error) error {
			time.AfterFunc(time.Second, cancel)
			return &fault{err: errors.New("404"), slow: true}
		}
		begin := time.Now()
		if err := src.Run(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if d := time.Since(begin); d > time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}
