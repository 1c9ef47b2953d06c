package custody

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// BenchmarkRecord adds entries to a log on the disk, alone and with many callers.
func BenchmarkRecord(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			keys, dir := testDirs(b)
			l := openTestLog(b, openTestKeys(b, keys), dir)
			var next atomic.Int64
			took := make([][]time.Duration, callers)
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range callers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						start := time.Now()
						if err := l.Record(b.Context(), act(int(n))); err != nil {
							b.Error(err)
							return
						}
						took[w] = append(took[w], time.Since(start))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Sorted(slices.Values(slices.Concat(took...)))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkLargeLog looks at a log of many entries: opening it, one incident's entries, a
// page, an extract.
func BenchmarkLargeLog(b *testing.B) {
	const total = 200_000
	room := memoryDir(b)
	k := openTestKeys(b, room+"/keys")
	l := openTestLog(b, k, room+"/custody")
	fill(b, l, total)
	id := func(n int) models.IncidentID { return models.IncidentID(fmt.Sprintf("i-%d", n%(total/4))) }
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			again, err := OpenLog(l.dir, LogOptions{Keys: k})
			if err != nil {
				b.Fatal(err)
			}
			again.Close()
		}
	})
	n := 0
	b.Run("of", func(b *testing.B) {
		for b.Loop() {
			if got, err := l.Of(b.Context(), id(n)); err != nil || len(got) != 4 {
				b.Fatal(len(got), err)
			}
			n += 7919
		}
	})
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			if got, err := l.Page(b.Context(), uint64(50+n%(total-50)), 50); err != nil || len(got) != 50 {
				b.Fatal(len(got), err)
			}
			n += 7919
		}
	})
	b.Run("extract", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Extract(b.Context(), []models.IncidentID{id(n)}); err != nil {
				b.Fatal(err)
			}
			n += 7919
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Verify(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
}

// fill records entries with as few fsyncs as there can be.
func fill(b *testing.B, l *Log, total int) {
	b.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 512 {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(total); n = next.Add(1) - 1 {
				c := act(int(n))
				c.Incident = models.IncidentID(fmt.Sprintf("i-%d", n%int64(total/4)))
				if err := l.Record(b.Context(), c); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
