package clip

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"
)

func openFile(t testing.TB, path string) *Samples {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSamples(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A unit that is read back is the one that was written, bits and times, whatever the order.
func TestSamplesAreTheUnits(t *testing.T) {
	for _, name := range []string{"h264", "h264-bframes", "h265-bframes", "h264-refresh"} {
		t.Run(name, func(t *testing.T) {
			units := stream(t, name)
			_, finished, info := write(t, units, WriterOptions{Meta: Meta{Camera: "gate"}})
			s := openFile(t, finished)
			if s.Len() != len(units) || s.Info().Frames != info.Frames {
				t.Fatalf("%d units, %d frames; want %d", s.Len(), s.Info().Frames, len(units))
			}
			key := 0
			for i, want := range units {
				if want.Key {
					key = i
				}
				if got := s.Key(i); got != key {
					t.Errorf("unit %d: key unit %d, want %d", i, got, key)
				}
			}
			for i := len(units) - 1; i >= 0; i -= 7 {
				got, err := s.Unit(i)
				if err != nil {
					t.Fatal(err)
				}
				want := units[i]
				want.Camera, want.Loss = "gate", nil
				if !got.At.Wall.Equal(want.At.Wall) || !got.Arrival.Equal(want.Arrival) {
					t.Errorf("unit %d at %v (arrived %v), want %v (%v)", i, got.At.Wall, got.Arrival, want.At.Wall, want.Arrival)
				}
				got.At.Wall, got.Arrival = want.At.Wall, want.Arrival // another location
				if !reflect.DeepEqual(got, want) {
					t.Errorf("unit %d differs", i)
				}
			}
			if _, err := s.Unit(len(units)); err == nil {
				t.Error("a unit after the last one was read")
			}
		})
	}
}

// A gap in the stream is a gap on the timeline on which units are found.
func TestSamplesAreFoundByTime(t *testing.T) {
	units := stream(t, "h264")
	for i := range units[45:] {
		units[45+i].At = units[45+i].At.Add(time.Minute)
	}
	_, finished, _ := write(t, units, WriterOptions{})
	s := openFile(t, finished)
	for _, tc := range []struct {
		at   time.Duration
		want int
	}{
		{-time.Second, 0}, {0, 0}, {time.Second + time.Millisecond, 15}, {30 * time.Second, 44},
		{63*time.Second + 10*time.Millisecond, 45}, {time.Hour, len(units) - 1},
	} {
		if got := s.Find(tc.at); got != tc.want {
			t.Errorf("at %v: unit %d, want %d", tc.at, got, tc.want)
		}
	}
}

func TestSamplesRefuse(t *testing.T) {
	growing, finished, _ := write(t, stream(t, "h264-tiny"), WriterOptions{})
	b, err := os.ReadFile(growing)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSamples(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a clip that grows: %v", err)
	}
	if b, err = os.ReadFile(finished); err != nil {
		t.Fatal(err)
	}
	if info, err := StatAt(bytes.NewReader(b), int64(len(b))); err != nil || info.Frames != 90 {
		t.Errorf("whole: %d frames, %v", info.Frames, err)
	}
	for _, n := range []int{0, 7, 40, 900, len(b) - 1} {
		if _, err := OpenSamples(bytes.NewReader(b[:n]), int64(n)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
}

// FuzzSamples: whatever the bytes are, reading units neither panics nor takes more memory
// than the file has bytes.
func FuzzSamples(f *testing.F) {
	for _, seed := range [][]byte{nil, []byte("\x00\x00\x00\x08ftyp")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range [][]byte{data, reseal(data)} {
			s, err := OpenSamples(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				continue
			}
			for i := range min(s.Len(), 20) {
				au, err := s.Unit(s.Key(i))
				if err == nil && au.Size() > len(b) {
					t.Fatalf("unit %d has %d bytes, the file %d", i, au.Size(), len(b))
				}
				_ = s.Find(time.Duration(i) * time.Second)
			}
		}
	})
}
