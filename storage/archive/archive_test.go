package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

func at(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

func span(from, to float64) models.Span { return models.Span{From: at(from), To: at(to)} }

func open(t testing.TB, dir string, o Options) *Archive {
	t.Helper()
	if o.Reserve == 0 {
		o.Reserve = -1
	}
	a, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// put makes a segment of a hundred bytes for each second.
func put(t testing.TB, a *Archive, cam models.CameraID, from, to float64, gaps ...models.Gap) models.Segment {
	t.Helper()
	s, err := a.Begin(cam, at(from))
	if err != nil {
		t.Fatal(err)
	}
	s.To, s.Size, s.SHA256, s.Frames, s.Gaps, s.Codec = at(to), int64(100*(to-from)), strings.Repeat("ab", 32), int(to-from), gaps, models.H264
	if err := os.WriteFile(a.Path(s), make([]byte, s.Size), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Finish(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func names(all []models.Segment) (names []string) {
	for _, s := range all {
		names = append(names, fmt.Sprintf("%.0f", s.From.Sub(noon).Seconds()))
	}
	return names
}

func TestSegments(t *testing.T) {
	a := open(t, t.TempDir(), Options{})
	for i := range 5 {
		put(t, a, "gate", float64(60*i), float64(60*i+60))
	}
	put(t, a, "yard", 60, 120)
	const day = 86400
	put(t, a, "gate", day-30, day+30) // noon to noon: over midnight lies elsewhere
	put(t, a, "gate", day/2-30, day/2+30)
	for _, tt := range []struct {
		name string
		span models.Span
		want []string
	}{
		{"inside one", span(70, 80), []string{"60"}},
		{"over two", span(119, 121), []string{"60", "120"}},
		{"the end does not belong to it", span(120, 180), []string{"120"}},
		{"nothing there", span(400, 500), nil},
		{"all", span(-100, 3*day), []string{"0", "60", "120", "180", "240", fmt.Sprint(day/2 - 30), fmt.Sprint(day - 30)}},
		{"begun the day before", span(day/2+10, day/2+20), []string{fmt.Sprint(day/2 - 30)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Segments("gate", tt.span)
			if err != nil || !slices.Equal(names(got), tt.want) {
				t.Errorf("got %v, want %v (%v)", names(got), tt.want, err)
			}
		})
	}
	if got := a.Cameras(); !slices.Equal(got, []models.CameraID{"gate", "yard"}) {
		t.Errorf("cameras %v", got)
	}
	if newest, ok, err := a.Newest("gate"); err != nil || !ok || !newest.To.Equal(at(day+30)) {
		t.Errorf("newest %+v, %v, %v", newest, ok, err)
	}
	if oldest, err := a.Oldest("gate"); err != nil || !oldest.Equal(noon) {
		t.Errorf("oldest %v, %v", oldest, err)
	}
}

// TestNamesFromOutside must not lead out of the folder.
func TestNamesFromOutside(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "archive"), Options{})
	for _, id := range []models.CameraID{"", "..", ".", "../archive", "a/b", "a\x00"} {
		if _, err := a.Segments(id, span(0, 1)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("segments of %q: %v", id, err)
		}
		if _, err := a.Begin(id, noon); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("begin for %q: %v", id, err)
		}
	}
}

// TestClockSetBack gives the same name twice: nothing is overwritten.
func TestClockSetBack(t *testing.T) {
	a := open(t, t.TempDir(), Options{})
	one, two := put(t, a, "gate", 0, 60), put(t, a, "gate", 0, 60)
	if one.Name == two.Name {
		t.Fatalf("both are %s", one.Name)
	}
	if got, err := a.Segments("gate", span(0, 60)); err != nil || len(got) != 2 {
		t.Errorf("%d segments, %v", len(got), err)
	}
}

// TestIndexLost tears and loses the records: the files are the truth.
func TestIndexLost(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(index []byte) []byte
		open int // segments that had to be asked
	}{
		{"whole", func(b []byte) []byte { return b }, 0},
		{"lost", func([]byte) []byte { return nil }, 3},
		{"last line cut", func(b []byte) []byte { return b[:len(b)-5] }, 1},
		{"a bit flipped", func(b []byte) []byte { b[40] ^= 1; return b }, 1},
		{"zeros after a power cut", func(b []byte) []byte { return append(b, make([]byte, 100)...) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			o := Options{Describe: func(path string) (models.Segment, error) {
				from, err := time.Parse(stamp, strings.TrimSuffix(filepath.Base(path), extension))
				return models.Segment{From: from, To: from.Add(time.Minute)}, err
			}}
			a := open(t, dir, o)
			for i := range 3 {
				put(t, a, "gate", float64(60*i), float64(60*i+60))
			}
			path := filepath.Join(dir, "gate", "2026-03-29", indexFile)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.harm(b), 0o600); err != nil {
				t.Fatal(err)
			}
			_ = a.Close()
			a = open(t, dir, o)
			got, err := a.Segments("gate", span(0, 180))
			if err != nil || len(got) != 3 {
				t.Fatalf("%d segments, %v", len(got), err)
			}
			asked := 0
			for _, s := range got {
				if s.Open {
					asked++
				}
			}
			left, err := a.Unfinished("gate")
			if err != nil || asked != tt.open || len(left) != tt.open {
				t.Errorf("%d asked, %d unfinished, want %d (%v)", asked, len(left), tt.open, err)
			}
			for _, s := range left { // what a start does
				s.From, s.To = got[0].From, got[0].To
				if err := a.Finish(s); err != nil {
					t.Fatal(err)
				}
			}
			if left, err := a.Unfinished("gate"); err != nil || len(left) != 0 {
				t.Errorf("still unfinished: %v, %v", left, err)
			}
		})
	}
}

// TestSameTick begins a segment so soon after a look at its folder that the time of the folder
// stays the same.
func TestSameTick(t *testing.T) {
	a := open(t, t.TempDir(), Options{Describe: func(string) (models.Segment, error) {
		return models.Segment{From: at(60), To: at(62)}, nil
	}})
	first := put(t, a, "gate", 0, 60)
	folder := filepath.Dir(a.Path(first))
	look := func(want ...string) {
		t.Helper()
		got, err := a.Segments("gate", span(0, 100))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(names(got), want) {
			t.Errorf("segments %v, want %v", names(got), want)
		}
	}
	look("0")
	st, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	next, err := a.Begin("gate", at(60))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.Path(next), make([]byte, 200), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(folder, time.Time{}, st.ModTime()); err != nil {
		t.Fatal(err)
	}
	look("0", "60")
}

func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, Options{})
	put(t, a, "gate", 0, 60)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrBusy) {
		t.Errorf("second writer: %v", err)
	}
	reader := open(t, dir, Options{ReadOnly: true})
	if got, err := reader.Segments("gate", span(0, 60)); err != nil || len(got) != 1 {
		t.Errorf("reader: %d segments, %v", len(got), err)
	}
	if _, err := Open(filepath.Join(dir, "nothing"), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reader of nothing: %v", err)
	}
}

func TestDiscardAndSetAside(t *testing.T) {
	a := open(t, t.TempDir(), Options{})
	for _, end := range []func(models.Segment) error{a.Discard, a.SetAside} {
		s, err := a.Begin("gate", noon)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(a.Path(s), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := end(s); err != nil {
			t.Fatal(err)
		}
		if left, err := a.Unfinished("gate"); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func TestCoverage(t *testing.T) {
	a := open(t, t.TempDir(), Options{})
	gap := func(from, to float64, c models.Cause) models.Gap {
		return models.Gap{From: at(from), To: at(to), Cause: c}
	}
	put(t, a, "gate", 0, 60, gap(20, 25, models.CausePacketLoss))
	put(t, a, "gate", 60.3, 120) // jitter of the arrival clock is no hole
	put(t, a, "gate", 200, 260, gap(120, 200, models.CauseRestart))
	put(t, a, "gate", 400, 460)
	text := func(have []models.Span, gaps []models.Gap) (out []string) {
		for _, h := range have {
			out = append(out, fmt.Sprintf("%.0f-%.0f", h.From.Sub(noon).Seconds(), h.To.Sub(noon).Seconds()))
		}
		for _, g := range gaps {
			out = append(out, fmt.Sprintf("%s %.0f-%.0f", g.Cause, g.From.Sub(noon).Seconds(), g.To.Sub(noon).Seconds()))
		}
		return out
	}
	for _, tt := range []struct {
		name string
		span models.Span
		want []string
	}{
		{"whole", span(60, 120), []string{"60-120"}},
		{"loss inside", span(10, 70), []string{"10-20", "25-70", "packet_loss 20-25"}},
		{"a restart on the way", span(100, 210), []string{"100-120", "200-210", "restart 120-200"}},
		{"the end is told by what comes next", span(100, 150), []string{"100-120", "restart 120-150"}},
		{"nobody recorded", span(250, 410), []string{"250-260", "400-410", "not_recorded 260-400"}},
		{"before and after", span(-50, 1), []string{"0-1", "not_recorded -50-0"}},
		{"nothing", span(1000, 1010), []string{"not_recorded 1000-1010"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have, gaps, err := a.Coverage("gate", tt.span)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(have, gaps); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	a.SetPolicy("gate", Policy{Keep: time.Second})
	if err := a.Retain(t.Context(), at(130)); err != nil {
		t.Fatal(err)
	}
	have, gaps, err := a.Coverage("gate", span(0, 210))
	if want := []string{"200-210", "deleted 0-120", "restart 120-200"}; err != nil || !slices.Equal(text(have, gaps), want) {
		t.Errorf("after retention: %q, want %q (%v)", text(have, gaps), want, err)
	}
}

// log is a custody log in memory that can refuse.
type log struct {
	entries []models.Custody
	err     error
}

func (l *log) Record(_ context.Context, c models.Custody) error {
	if l.err != nil {
		return l.err
	}
	l.entries = append(l.entries, c)
	return nil
}

func TestRetention(t *testing.T) {
	for _, tt := range []struct {
		name    string
		policy  Policy
		protect []models.Span
		want    []string
	}{
		{"no bound", Policy{}, nil, []string{"0", "60", "120", "180", "240"}},
		{"by age", Policy{Keep: 100 * time.Second}, nil, []string{"180", "240"}},
		{"by size: the oldest goes", Policy{Size: 18000}, nil, []string{"120", "180", "240"}},
		{"by both", Policy{Keep: 200 * time.Second, Size: 12000}, nil, []string{"180", "240"}},
		{"protected", Policy{Keep: 100 * time.Second}, []models.Span{span(70, 80)}, []string{"60", "180", "240"}},
		{"what is protected does not count", Policy{Size: 12000}, []models.Span{span(0, 10)}, []string{"0", "180", "240"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			custody := &log{}
			a := open(t, t.TempDir(), Options{Default: tt.policy, Custody: custody})
			for i := range 5 {
				put(t, a, "gate", float64(60*i), float64(60*i+60))
			}
			for i, s := range tt.protect {
				a.Protect(fmt.Sprint(i), "gate", s)
			}
			for range 2 { // the second pass finds nothing to do
				if err := a.Retain(t.Context(), at(310)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := a.Segments("gate", span(0, 300))
			if err != nil || !slices.Equal(names(got), tt.want) {
				t.Errorf("left %v, want %v (%v)", names(got), tt.want, err)
			}
			told := 0
			for _, c := range custody.entries {
				if c.Act != models.ActDeleted || c.Camera != "gate" || c.Note == "" {
					t.Errorf("custody: %+v", c)
				}
				told += len(c.Objects)
			}
			if told != 5-len(tt.want) {
				t.Errorf("custody was told of %d objects, %d went", told, 5-len(tt.want))
			}
		})
	}
}

// TestRetentionAsksForIncidents keeps what an incident needs, and everything when nobody
// can say what that is.
func TestRetentionAsksForIncidents(t *testing.T) {
	var held []Guarded
	var failing error
	a := open(t, t.TempDir(), Options{Default: Policy{Keep: time.Second},
		Guard: func(context.Context) ([]Guarded, error) { return held, failing }})
	for i := range 3 {
		put(t, a, "gate", float64(60*i), float64(60*i+60))
	}
	for _, tt := range []struct {
		held []Guarded
		err  error
		want []string
	}{
		{nil, errors.New("index locked"), []string{"0", "60", "120"}},
		{[]Guarded{{"gate", span(70, 80)}, {"yard", span(0, 60)}}, nil, []string{"60"}},
		{nil, nil, nil},
	} {
		held, failing = tt.held, tt.err
		if err := a.Retain(t.Context(), at(1000)); !errors.Is(err, tt.err) {
			t.Errorf("error %v, want %v", err, tt.err)
		}
		if got, err := a.Segments("gate", span(0, 300)); err != nil || !slices.Equal(names(got), tt.want) {
			t.Errorf("left %v, want %v (%v)", names(got), tt.want, err)
		}
	}
}

func TestRetentionNeedsCustody(t *testing.T) {
	custody := &log{err: errors.New("no")}
	a := open(t, t.TempDir(), Options{Default: Policy{Keep: time.Second}, Custody: custody})
	put(t, a, "gate", 0, 60)
	if err := a.Retain(t.Context(), at(1000)); !errors.Is(err, custody.err) {
		t.Errorf("error %v", err)
	}
	if got, err := a.Segments("gate", span(0, 60)); err != nil || len(got) != 1 {
		t.Errorf("footage went without a trace: %v", err)
	}
}

// TestDayGoes removes all of a day with its last segment, and the grids with it.
func TestDayGoes(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, Options{})
	put(t, a, "gate", 0, 60)
	if err := a.AddGrid("gate", models.MotionGrid{Span: span(0, 10)}); err != nil {
		t.Fatal(err)
	}
	a.SetPolicy("gate", Policy{Keep: time.Minute})
	if err := a.Retain(t.Context(), at(1000)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gate", "2026-03-29")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the day is still there: %v", err)
	}
	if err := a.AddGrid("gate", models.MotionGrid{Span: span(10, 20)}); err != nil {
		t.Errorf("grids go on: %v", err)
	}
	// A day of which nothing but grids was kept goes by its age.
	for _, now := range []float64{3600, 3 * 86400} {
		gone := now > 86400
		if err := a.Retain(t.Context(), at(now)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "gate", "2026-03-29")); errors.Is(err, fs.ErrNotExist) != gone {
			t.Errorf("after %.0f s: %v", now, err)
		}
	}
}

// TestRoom asks for more free space than there is: all but what is protected goes, the
// oldest of both cameras first, and new footage is refused.
func TestRoom(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, Options{})
	put(t, a, "gate", 0, 60)
	put(t, a, "yard", 60, 120)
	put(t, a, "gate", 120, 180)
	a.Protect("x", "gate", span(0, 10))
	a.o.Reserve = 1 << 62
	if err := a.Allow(); !errors.Is(err, ErrFull) {
		t.Errorf("allow: %v", err)
	}
	if _, err := a.Begin("gate", at(500)); !errors.Is(err, ErrFull) {
		t.Errorf("begin: %v", err)
	}
	if len(a.wake) != 1 {
		t.Error("nobody was asked to make room")
	}
	if err := a.MakeRoom(t.Context()); err != nil {
		t.Fatal(err)
	}
	gate, err := a.Segments("gate", span(0, 300))
	if err != nil || !slices.Equal(names(gate), []string{"0"}) {
		t.Errorf("left of gate: %v, %v", names(gate), err)
	}
	if yard, err := a.Segments("yard", span(0, 300)); err != nil || len(yard) > 0 {
		t.Errorf("left of yard: %v, %v", names(yard), err)
	}
	free, err := durable.FreeBytes(dir)
	if err != nil {
		t.Fatal(err)
	}
	put2 := func(reserve int64) error { a.o.Reserve = reserve; return a.Allow() }
	if err := put2(free / 2); err != nil {
		t.Errorf("twice the reserve is free: %v", err)
	}
	if err := put2(free + free/2); err != nil {
		t.Errorf("more than half of the reserve is free: %v", err)
	}
}

func TestRunEnds(t *testing.T) {
	a := open(t, t.TempDir(), Options{Default: Policy{Keep: time.Hour}})
	put(t, a, "gate", 0, 60)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func FuzzIndex(f *testing.F) {
	line, err := indexLine(models.Segment{Camera: "gate", Name: "20260329T120000.000Z", From: noon, To: at(60)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add(append(line[:len(line)-3], line...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, s := range parseIndex(b) {
			if name == "" || s.Name != name {
				t.Errorf("%q: %+v", name, s)
			}
		}
	})
}

// BenchmarkMonths asks for ten minutes among three months of one-minute segments.
func BenchmarkMonths(b *testing.B) {
	dir := b.TempDir()
	const days, minutes = 90, 1440
	for d := range days {
		begin := noon.Truncate(24*time.Hour).AddDate(0, 0, d)
		folder := filepath.Join(dir, "gate", begin.Format(time.DateOnly))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			b.Fatal(err)
		}
		var index []byte
		for m := range minutes {
			from := begin.Add(time.Duration(m) * time.Minute)
			s := models.Segment{Camera: "gate", Name: from.Format(stamp), From: from, To: from.Add(time.Minute), Size: 22 << 20,
				SHA256: strings.Repeat("ab", 32), Frames: 900, Codec: models.H264, Width: 1920, Height: 1080, Clock: models.ClockCamera}
			line, err := indexLine(s)
			if err != nil {
				b.Fatal(err)
			}
			index = append(index, line...)
			if err := os.WriteFile(filepath.Join(folder, s.Name+extension), nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, indexFile), index, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, cached := range []bool{true, false} {
		b.Run(fmt.Sprintf("cached=%v", cached), func(b *testing.B) {
			a := open(b, dir, Options{ReadOnly: true})
			for i := 0; b.Loop(); i++ {
				if !cached {
					clear(a.days)
				}
				from := noon.AddDate(0, 0, 1+i%7)
				got, err := a.Segments("gate", models.Span{From: from, To: from.Add(10 * time.Minute)})
				if err != nil || len(got) != 10 {
					b.Fatalf("%d segments, %v", len(got), err)
				}
			}
		})
	}
}
