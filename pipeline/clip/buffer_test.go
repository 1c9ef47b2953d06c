package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// made returns units of made-up bits, at ten a second with a key unit every gop units.
// The bits of each unit are its number, so that no two are alike.
func made(n, gop, size int) []models.AccessUnit {
	units := make([]models.AccessUnit, n)
	for i := range units {
		since := time.Duration(i) * 100 * time.Millisecond
		bits := make([]byte, size)
		copy(bits, fmt.Sprintf("\x65%06d", i))
		units[i] = models.AccessUnit{
			Camera: "gate", Codec: models.H264, Session: 1, Clock: models.ClockArrival,
			At:      models.Instant{Media: since, Wall: epoch.Add(since)},
			Arrival: epoch.Add(since),
			Key:     i%gop == 0,
			NALUs:   [][]byte{bits[:size/2], bits[size/2:]},
		}
	}
	return units
}

func pushAll(b *Buffer, units []models.AccessUnit) {
	for _, au := range units {
		b.Push(au)
	}
}

// drain reads until the cursor has caught up or is at its end.
func drain(c *Cursor) (units []models.AccessUnit) {
	for {
		au, ok := c.TryNext()
		if !ok {
			return units
		}
		units = append(units, au)
	}
}

func same(t *testing.T, got, want []models.AccessUnit) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d units, want %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("unit %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

func TestCursorBeginsAtKeyFrame(t *testing.T) {
	units := made(200, 10, 100)
	b := &Buffer{Window: 10 * time.Second}
	defer b.Close()
	pushAll(b, units) // 20 s, of which the last 10 to 11 stay
	cases := []struct {
		from   time.Duration
		first  int // index of the first unit
		missed *models.Gap
	}{
		{15 * time.Second, 150, nil},
		{15*time.Second + 950*time.Millisecond, 150, nil},
		{16 * time.Second, 160, nil},
		{9 * time.Second, 90, nil},
		{5 * time.Second, 90, &models.Gap{From: epoch.Add(5 * time.Second), To: epoch.Add(9 * time.Second), Cause: models.CauseNotYet}},
		{-time.Second, 90, &models.Gap{From: epoch.Add(-time.Second), To: epoch.Add(9 * time.Second), Cause: models.CauseNotYet}},
		{time.Hour, 190, nil},
	}
	for _, c := range cases {
		cur := b.Cursor(c.from)
		if got := cur.Missed(); !reflect.DeepEqual(got, c.missed) {
			t.Errorf("from %v: missed %+v, want %+v", c.from, got, c.missed)
		}
		same(t, drain(cur), units[c.first:])
		if got := cur.Missed(); !reflect.DeepEqual(got, c.missed) {
			t.Errorf("from %v, when read: missed %+v, want %+v", c.from, got, c.missed)
		}
		cur.Close()
		if got := cur.Missed(); !reflect.DeepEqual(got, c.missed) {
			t.Errorf("from %v, when closed: missed %+v, want %+v", c.from, got, c.missed)
		}
	}
}

func TestCursorFollowsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		units := made(300, 10, 100)
		b := &Buffer{Window: 2 * time.Second}
		// Asked for before the camera has sent anything.
		cur := b.Cursor(0)
		defer cur.Close()
		live := b.Live()
		defer live.Close()
		if got := cur.Missed(); got != nil {
			t.Errorf("missed %+v before the stream began", got)
		}
		go func() {
			for _, au := range units {
				time.Sleep(100 * time.Millisecond)
				b.Push(au)
			}
			b.Close()
		}()
		for _, c := range []*Cursor{cur, live} {
			var got []models.AccessUnit
			for {
				au, err := c.Next(t.Context())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, au)
				if c == cur && c.Behind() != 0 {
					t.Fatalf("behind by %v", c.Behind())
				}
			}
			if c == cur {
				same(t, got, units)
			} else {
				// Not read for half a minute, it goes on at the newest key frame.
				same(t, got, units[290:])
			}
		}
	})
}

func TestNextEnds(t *testing.T) {
	b := &Buffer{}
	pushAll(b, made(1, 1, 10))
	cur := b.Live()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := cur.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := cur.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	b.Close()
	b.Close()
	if _, err := cur.Next(t.Context()); err != io.EOF {
		t.Errorf("closed buffer: %v", err)
	}
	b.Push(made(1, 1, 10)[0])
	if got := b.Stats().Units; got != 1 {
		t.Errorf("%d units after Close, want 1", got)
	}
	cur.Close()
	cur.Close()
	if _, err := cur.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed cursor: %v", err)
	}
}

// Footage that a recorder has yet to read does not age out.
func TestCursorHoldsFootage(t *testing.T) {
	units := made(400, 10, 100)
	b := &Buffer{Window: 5 * time.Second}
	defer b.Close()
	pushAll(b, units[:100])
	cur := b.Cursor(5 * time.Second)
	pushAll(b, units[100:])
	same(t, drain(cur), units[50:])
	if got, want := b.Stats().Units, 350; got != want {
		t.Errorf("%d units held while the cursor was behind, want %d", got, want)
	}
	b.Push(made(401, 10, 100)[400])
	if got := b.Stats(); got.Duration >= 7*time.Second || got.Duration < 5*time.Second {
		t.Errorf("%v held after the cursor caught up, want the window", got.Duration)
	}
	cur.Close()
}

func TestMemoryIsBounded(t *testing.T) {
	units := made(2000, 10, 10_000)
	b := &Buffer{Window: time.Hour, Memory: 1 << 20}
	defer b.Close()
	idle := b.Cursor(0) // never reads until the end
	defer idle.Close()
	for _, au := range units {
		b.Push(au)
		if got := b.Stats().MemoryBytes; got > 1<<20 {
			t.Fatalf("%d bytes in memory", got)
		}
	}
	s := b.Stats()
	if s.Evicted+uint64(s.Units) != 2000 || s.Units < 80 {
		t.Errorf("%d units evicted and %d held of 2000", s.Evicted, s.Units)
	}
	oldest := units[2000-s.Units]
	if !oldest.Key {
		t.Errorf("the oldest unit held is not key: GOPs are dropped whole")
	}
	// Asked for what should have been there.
	late := b.Cursor(50 * time.Second)
	defer late.Close()
	want := &models.Gap{From: epoch.Add(50 * time.Second), To: oldest.At.Wall, Cause: models.CauseOverrun}
	if got := late.Missed(); !reflect.DeepEqual(got, want) {
		t.Errorf("missed %+v, want %+v", got, want)
	}
	same(t, drain(late), units[2000-s.Units:])
	// The one that was there all along, but had read nothing.
	if got := drain(idle); len(got) != s.Units {
		t.Errorf("%d units, want %d", len(got), s.Units)
	}
	if got, want := idle.Missed(), (&models.Gap{From: epoch, To: oldest.At.Wall, Cause: models.CauseOverrun}); !reflect.DeepEqual(got, want) {
		t.Errorf("missed %+v, want %+v", got, want)
	}
}

// A recorder that is overtaken in mid-clip is told what it missed.
func TestOverrunIsNamed(t *testing.T) {
	units := made(1000, 10, 10_000)
	b := &Buffer{Window: time.Hour, Memory: 1 << 20}
	defer b.Close()
	pushAll(b, units[:20])
	cur := b.Cursor(0)
	defer cur.Close()
	first := drain(cur)
	same(t, first, units[:20])
	pushAll(b, units[20:])
	rest := drain(cur)
	begin := 1000 - len(rest)
	want := &models.Gap{From: units[19].At.Wall, To: units[begin].At.Wall, Cause: models.CauseOverrun,
		Lost: begin - 20, Note: "dropped from the pre-roll buffer"}
	if got := rest[0].Loss; !reflect.DeepEqual(got, want) {
		t.Errorf("gap %+v, want %+v", got, want)
	}
	same(t, rest[1:], units[begin+1:])
	if units[begin].Loss != nil {
		t.Error("the unit that was pushed has been changed")
	}
}

func TestGOPThatNeverEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		buffer *Buffer
		units  []models.AccessUnit
	}{
		{"bounded by bytes", &Buffer{Window: time.Minute, Memory: 1 << 20}, made(2000, 1<<30, 10_000)},
		{"bounded by time", &Buffer{Window: 10 * time.Second}, made(2000, 1<<30, 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.buffer
			defer b.Close()
			pushAll(b, c.units)
			s := b.Stats()
			if s.MemoryBytes > 1<<20 || s.Duration > 2*b.Window+longGOP+maxChunkMedia {
				t.Errorf("%v in %d bytes", s.Duration, s.MemoryBytes)
			}
			if s.Units < 80 {
				t.Errorf("only %d units held", s.Units)
			}
			for name, cur := range map[string]*Cursor{"evidence": b.Cursor(0), "live": b.Live()} {
				got := drain(cur)
				cur.Close()
				if len(got) != s.Units+1 {
					t.Fatalf("%s: %d units, want the key unit and %d", name, len(got), s.Units)
				}
				same(t, got[:1], c.units[:1])
				tail := c.units[2000-s.Units:]
				if got[1].Loss == nil || got[1].Loss.Cause != models.CauseOverrun || got[1].Loss.Lost != 2000-s.Units-1 {
					t.Errorf("%s: gap after the key unit: %+v", name, got[1].Loss)
				}
				same(t, got[2:], tail[1:])
			}
		})
	}
}

// A GOP that is longer than the window, but ends, stays whole.
func TestLongGOPStaysWhole(t *testing.T) {
	units := made(1000, 500, 100) // 50 s
	b := &Buffer{Window: 10 * time.Second}
	defer b.Close()
	pushAll(b, units[:999])
	cur := b.Cursor(95 * time.Second)
	defer cur.Close()
	same(t, drain(cur), units[500:999])
}

func TestStreamWithoutBeginning(t *testing.T) {
	units := made(20, 10, 10)
	b := &Buffer{}
	defer b.Close()
	pushAll(b, units[3:])
	cur := b.Cursor(0)
	defer cur.Close()
	same(t, drain(cur), units[10:])
	if got := b.Stats().Headless; got != 7 {
		t.Errorf("%d units without a key unit before them, want 7", got)
	}
}

func TestSkipToNewestKey(t *testing.T) {
	units := made(55, 10, 10)
	b := &Buffer{}
	defer b.Close()
	pushAll(b, units[:15])
	live := b.Live()
	defer live.Close()
	if got := live.SkipToNewestKey(); got != 0 {
		t.Errorf("skipped %d at the newest key frame", got)
	}
	same(t, drain(live), units[10:15])
	pushAll(b, units[15:])
	if got, want := live.Behind(), 4*time.Second; got != want {
		t.Errorf("behind %v, want %v", got, want)
	}
	if got := live.SkipToNewestKey(); got != 35 {
		t.Errorf("skipped %d, want 35", got)
	}
	if got := live.SkipToNewestKey(); got != 0 {
		t.Errorf("skipped %d more", got)
	}
	same(t, drain(live), units[50:])
	if got := live.SkipToNewestKey(); got != 0 {
		t.Errorf("skipped %d within the newest GOP", got)
	}
}

func TestSetWindow(t *testing.T) {
	units := made(600, 10, 10)
	b := &Buffer{Window: 10 * time.Second}
	defer b.Close()
	pushAll(b, units[:200])
	b.SetWindow(20 * time.Second)
	pushAll(b, units[200:400])
	if got := b.Stats().Duration; got < 20*time.Second || got > 22*time.Second {
		t.Errorf("%v held, want 20 s", got)
	}
	b.SetWindow(5 * time.Second)
	pushAll(b, units[400:])
	if got := b.Stats().Duration; got < 5*time.Second || got > 7*time.Second {
		t.Errorf("%v held, want 5 s", got)
	}
}

// settleDisk waits until the buffer's memory has come under the mark at which it spills.
func settleDisk(t *testing.T, b *Buffer) {
	t.Helper()
	waitFor(t, b, func() bool {
		return !b.memoryShort() && !slices.ContainsFunc(b.chunks, func(c *chunk) bool { return c.state == spilling })
	})
}

func spilledFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestSpill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gate")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"preroll-000001.spill", "preroll-000123.spill", "keep.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left by a crash"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	units := made(3000, 10, 10_000)
	units[70].Loss = &models.Gap{From: epoch, To: epoch.Add(time.Second), Cause: models.CausePacketLoss, Lost: 3, Note: "burst"}
	units[71].Key, units[71].NALUs = true, [][]byte{{1}, {}, {2, 3}}
	b := &Buffer{Window: 2 * time.Minute, Memory: 1 << 20, Disk: 64 << 20, SpillDir: dir}
	cur := b.Cursor(0)
	for i, au := range units[:1100] {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
	}
	s := b.Stats()
	if s.MemoryBytes > 1<<20 || s.DiskBytes < 9<<20 || s.Evicted != 0 || s.SpillErrors != 0 {
		t.Errorf("%+v", s)
	}
	same(t, drain(cur), units[:1100])
	late := b.Cursor(30 * time.Second)
	if got := late.Missed(); got != nil {
		t.Errorf("missed %+v of what is on disk", got)
	}
	if got, want := late.Behind(), 79*time.Second+900*time.Millisecond; got != want {
		t.Errorf("behind %v, want %v", got, want)
	}
	for i, au := range units[1100:] {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
	}
	same(t, drain(late), units[300:])
	late.Close()
	cur.Close()
	b.Push(made(3001, 10, 10)[3000])
	settleDisk(t, b)
	if got := b.Stats(); got.Duration < 2*time.Minute || got.Duration > 2*time.Minute+2*time.Second {
		t.Errorf("%v held, want the window", got.Duration)
	}
	// 2 minutes in files of 10 s, and what is being written.
	waitFor(t, b, func() bool { return len(spilledFiles(t, dir)) < 20 })
	b.Close()
	if files := spilledFiles(t, dir); len(files) != 1 || filepath.Base(files[0]) != "keep.txt" {
		t.Errorf("left behind: %v", files)
	}
}

// What is on disk can be read after Close; the files go with the last cursor.
func TestSpillReadAfterClose(t *testing.T) {
	dir := t.TempDir()
	units := made(500, 10, 10_000)
	b := &Buffer{Window: time.Minute, Memory: 1 << 20, Disk: 64 << 20, SpillDir: dir}
	for i, au := range units {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
	}
	cur := b.Cursor(0)
	b.Close()
	same(t, drain(cur), units)
	if len(spilledFiles(t, dir)) == 0 {
		t.Error("the files went before the last cursor")
	}
	cur.Close()
	if files := spilledFiles(t, dir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

func TestDiskIsBounded(t *testing.T) {
	units := made(2000, 10, 10_000)
	b := &Buffer{Window: time.Hour, Memory: 1 << 20, Disk: 4 << 20, SpillDir: t.TempDir()}
	defer b.Close()
	for i, au := range units {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
		if s := b.Stats(); s.DiskBytes > 4<<20 || s.MemoryBytes > 1<<20 {
			t.Fatalf("unit %d: %+v", i, s)
		}
	}
	settleDisk(t, b)
	s := b.Stats()
	if s.Evicted+uint64(s.Units) != 2000 || s.Units < 400 {
		t.Errorf("%d units evicted and %d held of 2000", s.Evicted, s.Units)
	}
	cur := b.Cursor(100 * time.Second)
	defer cur.Close()
	if m := cur.Missed(); m == nil || m.Cause != models.CauseOverrun || !m.To.Equal(units[2000-s.Units].At.Wall) {
		t.Errorf("missed %+v", m)
	}
	same(t, drain(cur), units[2000-s.Units:])
}

// A disk that fails costs what memory cannot hold, and nothing else.
func TestDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder should be
		t.Fatal(err)
	}
	units := made(1000, 10, 10_000)
	b := &Buffer{Window: time.Hour, Memory: 1 << 20, Disk: 64 << 20, SpillDir: dir}
	defer b.Close()
	pushAll(b, units[:20])
	cur := b.Cursor(0)
	defer cur.Close()
	same(t, drain(cur), units[:20])
	for _, au := range units[20:] {
		b.Push(au)
		waitFor(t, b, func() bool { return !b.memoryShort() || b.counts.SpillErrors > 0 })
	}
	s := b.Stats()
	if s.SpillErrors == 0 || s.DiskBytes != 0 || s.MemoryBytes > 1<<20 || s.Units < 60 {
		t.Errorf("%+v", s)
	}
	// A GOP that was about to be written may have outlived the next one.
	at := 20
	for _, au := range drain(cur) {
		if n := int(au.At.Media / (100 * time.Millisecond)); n != at {
			want := &models.Gap{From: units[at-1].At.Wall, To: au.At.Wall, Cause: models.CauseDisk,
				Lost: n - at, Note: "dropped from the pre-roll buffer"}
			if !reflect.DeepEqual(au.Loss, want) {
				t.Errorf("gap %+v, want %+v", au.Loss, want)
			}
			at = n
		}
		at++
	}
	if at != 1000 {
		t.Errorf("read up to unit %d of 1000", at)
	}
	// The disk comes back.
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for i, au := range made(1300, 10, 10_000)[1000:] {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
	}
	if got := b.Stats(); got.DiskBytes < 2<<20 {
		t.Errorf("after the repair: %+v", got)
	}
}

// waitFor waits until cond, which is called with the buffer locked.
func waitFor(t *testing.T, b *Buffer, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		b.mu.Lock()
		ok := cond()
		b.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// Bytes that the disk has changed become a gap, not a picture.
func TestDiskLies(t *testing.T) {
	dir := t.TempDir()
	units := made(500, 10, 10_000)
	b := &Buffer{Window: time.Minute, Memory: 1 << 20, Disk: 64 << 20, SpillDir: dir}
	defer b.Close()
	for i, au := range units {
		b.Push(au)
		if i%20 == 0 {
			settleDisk(t, b)
		}
	}
	b.mu.Lock()
	var hurt *chunk
	for _, c := range b.chunks[5:] {
		if c.state == onDisk {
			hurt = c
			break
		}
	}
	b.mu.Unlock()
	if _, err := hurt.place.file.file.WriteAt([]byte("lie"), hurt.place.off+hurt.place.size/2); err != nil {
		t.Fatal(err)
	}
	cur := b.Cursor(0)
	defer cur.Close()
	got := drain(cur)
	n := int(hurt.seq)
	same(t, got[:n], units[:n])
	want := &models.Gap{From: units[n-1].At.Wall, To: units[n+10].At.Wall, Cause: models.CauseDisk, Lost: 10,
		Note: "dropped from the pre-roll buffer"}
	if loss := got[n].Loss; !reflect.DeepEqual(loss, want) {
		t.Errorf("gap %+v, want %+v", loss, want)
	}
	same(t, got[n+1:], units[n+11:])
	if s := b.Stats(); s.SpillErrors != 1 || s.Evicted != 10 {
		t.Errorf("%+v", s)
	}
}

// Many readers at once, some of them slow, see a stream in order and without holes that
// nobody names.
func TestConcurrentReaders(t *testing.T) {
	units := made(4000, 10, 2000)
	b := &Buffer{Window: 20 * time.Second, Memory: 256 << 10, Disk: 2 << 20, SpillDir: t.TempDir()}
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			cur := b.Live()
			if i%2 == 0 {
				cur.Close()
				cur = b.Cursor(0)
			}
			defer cur.Close()
			for last := -1; ; {
				au, err := cur.Next(t.Context())
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				n := int(au.At.Media / (100 * time.Millisecond))
				if n <= last || last >= 0 && n != last+1 && au.Loss == nil {
					t.Errorf("unit %d after %d, loss %v", n, last, au.Loss)
					return
				}
				last = n
				if i%3 == 0 && n%500 == 0 && cur.SkipToNewestKey() > 0 {
					last = -1
				}
			}
		})
	}
	for i, au := range units {
		b.Push(au)
		if i%50 == 0 {
			settleDisk(t, b) // gives the others a turn
		}
	}
	b.Close()
	readers.Wait()
	if files := spilledFiles(t, b.SpillDir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}
