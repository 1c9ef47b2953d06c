package pipeline

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
)

// drawnClip writes a growing clip whose pictures come at these seconds.
func drawnClip(t *testing.T, seconds []float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.fmp4")
	w, err := clip.Create(path, clip.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sps := []byte{0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x47, 0xfe, 0xc8}
	for i, s := range seconds {
		au := models.AccessUnit{Camera: "gate", Codec: models.H264, Session: 1, At: instant(s), Clock: models.ClockCamera, Arrival: instant(s).Wall,
			Key: i == 0, NALUs: [][]byte{{0x41, 1, 2}}}
		if au.Key {
			au.NALUs = [][]byte{sps, {0x68, 0xce, 0x38, 0x80}, {0x65, 1, 2}}
		}
		if err := w.Write(au); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return path
}

// at are pictures at a rate from one second to before another, but for those from lost on
// to before found.
func at(fps, from, to, lost, found float64) []float64 {
	var out []float64
	for i := 0; ; i++ {
		s := from + float64(i)/fps
		if s >= to-1e-9 {
			return out
		}
		if s < lost-1e-9 || s >= found-1e-9 {
			out = append(out, s)
		}
	}
}

func TestMissingPictures(t *testing.T) {
	gap := func(from, to float64) models.Gap { return models.Gap{From: instant(from).Wall, To: instant(to).Wall} }
	for _, c := range []struct {
		name         string
		pictures     []float64
		gaps         []models.Gap
		asked, until float64
		want         int
	}{
		{"nothing is missing; the clip begins on a key frame before the asked time", at(15, 0, 60, 0, 0), nil, 1, 59, 0},
		// Packets lost: the gap runs from the picture before to the picture after.
		{"packets lost", at(15, 0, 60, 20, 22), []models.Gap{gap(20-1.0/15, 22)}, 0, 60, 30},
		{"one picture lost", at(10, 0, 60, 20, 20.1), []models.Gap{gap(19.9, 20.1)}, 0, 60, 1},
		// The camera was away: the gap begins with the end of the last picture.
		{"camera away", at(25, 0, 60, 30, 40), []models.Gap{gap(30, 40)}, 0, 60, 250},
		{"two gaps that overlap are counted once", at(10, 0, 60, 20, 24), []models.Gap{gap(20, 24), gap(21, 23)}, 0, 60, 40},
		{"the buffer began too late", at(10, 5, 60, 0, 0), []models.Gap{gap(0, 5)}, 0, 60, 50},
		{"the camera went away before the end", at(10, 0, 55, 0, 0), []models.Gap{gap(55, 60)}, 0, 60, 50},
		{"a gap in what the clip holds beyond the asked time", at(10, 0, 60, 2, 5), []models.Gap{gap(2, 5)}, 10, 60, 30},
		{"a gap before the clip, from before the asked time", at(10, 5, 60, 0, 0), []models.Gap{gap(0, 5)}, 3, 60, 20},
		// Dynamic frame rate: one a second while nothing moves, 15 afterwards.
		{"a camera that slows down loses nothing", append(at(15, 0, 20, 0, 0), at(1, 20, 60, 0, 0)...), nil, 0, 60, 0},
		{"the rate around the gap counts", append(at(15, 0, 20, 10, 12), at(1, 20, 90, 0, 0)...), []models.Gap{gap(10-1.0/15, 12)}, 0, 90, 30},
		{"a gap while it was slow", append(at(15, 0, 20, 0, 0), at(1, 20, 120, 70, 80)...), []models.Gap{gap(69, 80)}, 0, 120, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, known, err := missing([]string{drawnClip(t, c.pictures)}, c.gaps, instant(c.asked).Wall, instant(c.until).Wall)
			if err != nil || !known || got != c.want {
				t.Errorf("got %d (known %v, %v), want %d", got, known, err, c.want)
			}
		})
	}
}

// What lies in two parts is one clip.
func TestMissingBetweenParts(t *testing.T) {
	parts := []string{drawnClip(t, at(10, 0, 20, 0, 0)), drawnClip(t, at(10, 23, 40, 0, 0))}
	gaps := []models.Gap{{From: instant(20).Wall, To: instant(23).Wall, Cause: models.CauseDisk}}
	if got, known, err := missing(parts, gaps, instant(0).Wall, instant(40).Wall); err != nil || !known || got != 30 {
		t.Errorf("got %d (known %v, %v), want 30", got, known, err)
	}
}

func TestMissingIsUnknownWithoutPictures(t *testing.T) {
	gaps := []models.Gap{{From: epoch, To: epoch.Add(time.Minute)}}
	for _, parts := range [][]string{nil, {drawnClip(t, []float64{3})}} {
		if got, known, err := missing(parts, gaps, epoch, epoch.Add(time.Minute)); err != nil || known || got != 0 {
			t.Errorf("got %d, known %v, %v", got, known, err)
		}
	}
}
