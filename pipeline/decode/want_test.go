package decode

import (
	"bytes"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// What is wanted comes as it would have come with the rest.
func TestOnlyWantedPicturesAreEmitted(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			all := decodeAll(t, mustNew(t, codec, Options{}), rampUnits(t, codec))
			var asked []time.Duration
			d := mustNew(t, codec, Options{Want: func(at models.Instant) bool {
				asked = append(asked, at.Media)
				return len(asked)%3 == 1
			}})
			got := decodeAll(t, d, rampUnits(t, codec))
			if len(asked) != rampFrames || !slices.IsSorted(asked) || len(slices.Compact(asked)) != rampFrames {
				t.Errorf("asked for %v, want each picture once in presentation order", asked)
			}
			if len(got) != rampFrames/3 || d.Frames() != rampFrames || d.Broken() != 0 {
				t.Fatalf("%d frames emitted of %d, %d broken", len(got), d.Frames(), d.Broken())
			}
			for i, f := range got {
				want := all[3*i]
				if f.Index != want.Index || f.At != want.At || !bytes.Equal(f.Picture.Y, want.Picture.Y) || !bytes.Equal(f.Picture.Cb, want.Picture.Cb) {
					t.Errorf("frame %d is not picture %d of all", f.Index, want.Index)
				}
			}
		})
	}
}

// Damage is seen in pictures that nobody wants, too: what builds on it is withheld.
func TestDamageInAPictureThatIsNotWanted(t *testing.T) {
	for _, harm := range []func([]models.AccessUnit) []models.AccessUnit{cutSlice, garble} {
		withheld := func(want func(models.Instant) bool) (broken uint64, media []time.Duration) {
			d := mustNew(t, models.H264, Options{LoopFilter: true, Want: want})
			emit := func(f models.Frame) { media = append(media, f.At.Media) }
			for _, au := range harm(rampUnits(t, models.H264)) {
				_ = d.Decode(au, emit) // whether damage is an error is the codec's affair
			}
			if err := d.Drain(emit); err != nil {
				t.Fatal(err)
			}
			return d.Broken(), media
		}
		odd := func(at models.Instant) bool { return int64(at.Media*rampFPS/time.Second)%2 == 1 }
		broken, all := withheld(nil)
		some, got := withheld(odd)
		if broken == 0 || some != broken {
			t.Errorf("%d broken, want %d as without the question", some, broken)
		}
		want := slices.DeleteFunc(all, func(at time.Duration) bool { return !odd(models.Instant{Media: at}) })
		if !slices.Equal(got, want) {
			t.Errorf("got the pictures at %v, want %v", got, want)
		}
	}
}

// A size that changes in a picture that nobody wants is that of the next one.
func TestTheSizeMayChangeUnwanted(t *testing.T) {
	small := units(t, models.H264, testdata(t, "yuvj420p.h264"), nil, rampFPS)
	large := units(t, models.H264, testdata(t, "large.h264"), nil, rampFPS)
	us := append(small[:6:6], large...)
	n := 0
	d := mustNew(t, models.H264, Options{TargetSide: 64, Want: func(models.Instant) bool { n++; return n != 7 }})
	frames := decodeAll(t, d, us)
	if len(frames) != len(us)-1 || d.Frames() != uint64(len(us)) {
		t.Fatalf("%d frames of %d units, %d counted", len(frames), len(us), d.Frames())
	}
	if len(large) > 1 {
		if got := frames[6].Source; got != image.Pt(322, 242) {
			t.Errorf("source %v after the change", got)
		}
	}
}
