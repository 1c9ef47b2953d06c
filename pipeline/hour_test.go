package pipeline

import (
	"runtime"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// TestIncidentOfAnHour: a clip lasts as long as its incident, is one file, complete, and
// takes hardly more memory after an hour than after six minutes, to its last step.
func TestIncidentOfAnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("writes an hour of footage")
	}
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{})
	ring := &clip.Buffer{Window: 30 * time.Second}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	const hour = 3600.0
	var early, late uint64
	fill(t, ring, media, 0, 20)
	in := b.record(t, ring, 10, 20, 10+hour, func() {
		// Faster than real time, but not faster than the disk: what the recording has yet to
		// read stays in the ring.
		for s := 20.0; s < hour+15; s++ {
			fill(t, ring, media, s, s+1)
			for wait := 0; ring.Stats().Duration > 2*time.Minute && wait < 50; wait++ {
				select {
				case <-time.After(time.Millisecond):
				case <-t.Context().Done():
					return
				}
			}
			if at := int(s); at <= 360 && at%60 == 0 {
				early = max(early, heap())
			} else if at%300 == 0 {
				late = max(late, heap())
			}
		}
	})
	late = max(late, heap())
	f := in.Footage
	if f.To.Sub(f.From) < time.Hour || len(f.Gaps) != 0 || f.Complete() != 1 || f.Frames < 36000 || f.Expected != f.Frames {
		t.Errorf("%s of footage, %d frames of %d, gaps %v", f.To.Sub(f.From), f.Frames, f.Expected, f.Gaps)
	}
	clips := 0
	for _, o := range f.Objects {
		if o.Type == "video/mp4" {
			clips++
		}
	}
	if clips != 1 {
		t.Errorf("%d clips, want one", clips)
	}
	t.Logf("heap in use: %d MiB in the first six minutes, %d MiB in the rest", early>>20, late>>20)
	// The hour is 94 MB. The ring may hold two minutes of it, 3 MB; the tables of a finished
	// clip take some tens of bytes a picture.
	if late > early+24<<20 {
		t.Errorf("%d MiB in use in the first six minutes, %d MiB later", early>>20, late>>20)
	}
}
