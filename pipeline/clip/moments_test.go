package clip

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// Moments gives back the times of every unit, from the growing clip and from the finished
// one.
func TestMoments(t *testing.T) {
	units := stream(t, "h264-bframes")
	growing, finished, _ := write(t, units, WriterOptions{})
	for name, path := range map[string]string{"growing": growing, "finished": finished} {
		t.Run(name, func(t *testing.T) {
			var got []Moment
			if err := Moments(path, func(m Moment) { got = append(got, m) }); err != nil {
				t.Fatal(err)
			}
			if len(got) != len(units) {
				t.Fatalf("%d moments of %d units", len(got), len(units))
			}
			for i, m := range got {
				au := units[i]
				if m.Media != au.At.Media || !m.Wall.Equal(au.At.Wall) || !m.Arrival.Equal(au.Arrival) ||
					m.Session != au.Session || m.Clock != models.ClockCamera {
					t.Fatalf("unit %d: %+v, want %+v", i, m, au.At)
				}
			}
		})
	}
}

// A file that is none of ours is an error, not a clip without pictures.
func TestMomentsOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(path, []byte("Dear Sir or Madam, no video here."), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Moments(path, func(Moment) { t.Error("a moment") }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
