package decode

import (
	"image"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

var codecs = []models.Codec{models.H264, models.H265}

func TestFramesComeInPresentationOrderWithTheirOwnInstant(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			us := rampUnits(t, codec)
			arrival := map[time.Duration]time.Time{}
			for _, au := range us {
				arrival[au.At.Media] = au.Arrival
			}
			frames := decodeAll(t, mustNew(t, codec, Options{LoopFilter: true}), us)
			if len(frames) != rampFrames {
				t.Fatalf("got %d frames, want %d", len(frames), rampFrames)
			}
			for i, f := range frames {
				media := time.Duration(i) * time.Second / rampFPS
				if got, want := meanLuma(f.Picture), rampLuma(i); !near(got, want, 2) {
					t.Errorf("frame %d: luma %d, want %d: not the picture of this place", i, got, want)
				}
				if f.Index != i || f.At.Media != media || !f.At.Wall.Equal(epoch.Add(media)) {
					t.Errorf("frame %d: index %d at %v, want %v", i, f.Index, f.At, media)
				}
				if !f.Arrival.Equal(arrival[media]) {
					t.Errorf("frame %d: arrival %v, want that of its own unit, %v", i, f.Arrival, arrival[media])
				}
				if f.Camera != "gate" || f.Session != 1 || f.Clock != models.ClockCamera || f.FullRange {
					t.Errorf("frame %d: %+v", i, f)
				}
				if f.Source != image.Pt(64, 48) || f.Picture.Rect != image.Rect(0, 0, 64, 48) {
					t.Errorf("frame %d: source %v, picture %v", i, f.Source, f.Picture.Rect)
				}
			}
		})
	}
}

func TestPixelFormats(t *testing.T) {
	tests := []struct {
		file  string
		codec models.Codec
		full  bool
	}{
		{"yuv422p.h264", models.H264, false},
		{"yuv444p.h264", models.H264, false},
		{"yuv420p10le.h264", models.H264, false},
		{"yuvj420p.h264", models.H264, true},
		{"gray.h264", models.H264, true},
		{"yuv420p10le.h265", models.H265, false},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			us := units(t, tt.codec, testdata(t, tt.file), nil, rampFPS)
			frames := decodeAll(t, mustNew(t, tt.codec, Options{}), us)
			if len(frames) != 6 {
				t.Fatalf("got %d frames, want 6", len(frames))
			}
			for i, f := range frames {
				want := rampLuma(i)
				if tt.full { // the encoder was fed limited range and stretched it
					want = (want - 16) * 255 / 219
				}
				if got := meanLuma(f.Picture); !near(got, want, 3) {
					t.Errorf("frame %d: luma %d, want %d", i, got, want)
				}
				if f.FullRange != tt.full {
					t.Errorf("frame %d: full range %v, want %v", i, f.FullRange, tt.full)
				}
				for _, c := range append(f.Picture.Cb[:len(f.Picture.Cb):len(f.Picture.Cb)], f.Picture.Cr...) {
					if !near(int(c), 128, 1) {
						t.Fatalf("frame %d: chroma %d in a grey picture", i, c)
					}
				}
			}
		})
	}
}

func TestDecodingBeginsAtAKeyUnit(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			d := mustNew(t, codec, Options{})
			frames := decodeAll(t, d, rampUnits(t, codec)[3:])
			if len(frames) != 12 || meanLuma(frames[0].Picture) < rampLuma(12)-3 {
				t.Fatalf("got %d frames, want the 12 of the second GOP", len(frames))
			}
			if got := d.Skipped(); got != 9 {
				t.Errorf("skipped %d units, want 9", got)
			}
			if got := d.Broken(); got != 0 {
				t.Errorf("broken %d, want 0: skipping is not damage", got)
			}
		})
	}
}

func TestNothingThatBuildsOnALossIsEmitted(t *testing.T) {
	told := func(us []models.AccessUnit) []models.AccessUnit {
		us = append(us[:1:1], us[2:]...)
		us[1].Loss = &models.Gap{Cause: models.CausePacketLoss, Lost: 1}
		return us
	}
	tests := []struct {
		name  string
		codec models.Codec
		harm  func([]models.AccessUnit) []models.AccessUnit
	}{
		{"h264 told", models.H264, told},
		{"h265 told", models.H265, told},
		{"h265 untold", models.H265, func(us []models.AccessUnit) []models.AccessUnit {
			return append(us[:1:1], us[2:]...)
		}},
		{"h264 slice cut", models.H264, cutSlice},
		{"h264 slice garbled", models.H264, garble},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustNew(t, tt.codec, Options{LoopFilter: true})
			var got []models.Frame
			for _, au := range tt.harm(rampUnits(t, tt.codec)) {
				// Whether a unit with a missing reference is an error is the codec's affair.
				_ = d.Decode(au, func(f models.Frame) { got = append(got, f) })
			}
			if err := d.Drain(func(f models.Frame) { got = append(got, f) }); err != nil {
				t.Fatal(err)
			}
			second := 0
			for _, f := range got {
				n := int(f.At.Media * rampFPS / time.Second)
				if !near(meanLuma(f.Picture), rampLuma(n), 2) {
					t.Errorf("picture %d was emitted with luma %d, want %d: it is damaged", n, meanLuma(f.Picture), rampLuma(n))
				}
				if n >= 12 {
					second++
				}
			}
			if second != 12 {
				t.Errorf("%d frames of the GOP after the loss, want 12", second)
			}
			if d.Broken() == 0 {
				t.Error("withheld pictures were not counted")
			}
		})
	}
}

// cutSlice leaves half of the slice that the first pyramid refers to.
func cutSlice(us []models.AccessUnit) []models.AccessUnit {
	slice := us[1].NALUs[len(us[1].NALUs)-1]
	us[1].NALUs = [][]byte{slice[:len(slice)/2]}
	return us
}

func garble(us []models.AccessUnit) []models.AccessUnit {
	slice := append([]byte(nil), us[1].NALUs[len(us[1].NALUs)-1]...)
	for i := len(slice) / 2; i < len(slice); i++ {
		slice[i] ^= 0x5a
	}
	us[1].NALUs = [][]byte{slice}
	return us
}

func TestLongDamageDoesNotBlind(t *testing.T) {
	us := rampUnits(t, models.H264)[:12]
	for i := range us { // one picture a second: the GOP is longer than the limit
		us[i].At.Media *= 10
	}
	us[1].Loss = &models.Gap{Cause: models.CausePacketLoss, Lost: 1} // and yet nothing is missing
	d := mustNew(t, models.H264, Options{})
	frames := decodeAll(t, d, us)
	if len(frames) == 0 {
		t.Fatal("no frame was emitted")
	}
	for _, f := range frames {
		// The loss is reported with the picture of second 4. Only the key unit was before it.
		if m := f.At.Media; m > 0 && m < 4*time.Second+holdLimit {
			t.Errorf("a frame of %v was emitted within %v of the loss", m, holdLimit)
		}
	}
	if got, want := int(d.Broken())+len(frames), 12; got != want {
		t.Errorf("%d withheld and emitted, want %d", got, want)
	}
}

func TestResetBeginsAnewAndKeepsTheIndex(t *testing.T) {
	us := rampUnits(t, models.H264)
	d := mustNew(t, models.H264, Options{})
	before, after := 0, []models.Frame(nil)
	for _, au := range us[:6] {
		if err := d.Decode(au, func(models.Frame) { before++ }); err != nil {
			t.Fatal(err)
		}
	}
	d.Reset()
	after = decodeAll(t, d, us[6:])
	if len(after) != 12 {
		t.Fatalf("%d frames after the reset, want the 12 from the next key unit", len(after))
	}
	if after[0].Index != before {
		t.Errorf("index %d after %d frames: it must go on within a session", after[0].Index, before)
	}
	if d.Skipped() != 6 {
		t.Errorf("skipped %d, want 6", d.Skipped())
	}
}

func TestANewSessionEmitsTheOldOnesFramesFirst(t *testing.T) {
	us := append(rampUnits(t, models.H264)[:12:12], rampUnits(t, models.H264)[:12]...)
	for i := range us[12:] {
		us[12+i].Session = 2
	}
	frames := decodeAll(t, mustNew(t, models.H264, Options{}), us)
	if len(frames) != 24 {
		t.Fatalf("got %d frames, want 24", len(frames))
	}
	for i, f := range frames {
		if f.Session != 1+i/12 || f.Index != i%12 {
			t.Errorf("frame %d: session %d index %d, want %d and %d", i, f.Session, f.Index, 1+i/12, i%12)
		}
	}
}

func TestTheSizeMayChangeInMidStream(t *testing.T) {
	small := units(t, models.H264, testdata(t, "yuvj420p.h264"), nil, rampFPS)
	large := units(t, models.H264, testdata(t, "large.h264"), nil, rampFPS)
	us := append(append(small[:6:6], large...), small...)
	for i := range us {
		us[i].At.Media = time.Duration(i) * time.Second / rampFPS
	}
	var got []image.Point
	for _, f := range decodeAll(t, mustNew(t, models.H264, Options{TargetSide: 64}), us) {
		if n := len(got); n == 0 || got[n-1] != f.Source {
			got = append(got, f.Source)
		}
		if want := f.Source.Div(Factor(f.Source.X, f.Source.Y, 64)); f.Picture.Rect.Size() != want {
			t.Errorf("picture of %v for a source of %v, want %v", f.Picture.Rect.Size(), f.Source, want)
		}
	}
	want := []image.Point{{64, 48}, {322, 242}, {64, 48}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("sizes %v, want %v", got, want)
	}
}

func TestGarbageIsAnErrorAndTheNextKeyUnitDecodes(t *testing.T) {
	for _, codec := range codecs {
		t.Run(string(codec), func(t *testing.T) {
			us := rampUnits(t, codec)
			bad := us[0]
			slice := append([]byte(nil), us[0].NALUs[len(us[0].NALUs)-1]...)
			for i := 2; i < len(slice); i++ {
				slice[i] = byte(i * 37)
			}
			bad.NALUs = [][]byte{slice}
			d := mustNew(t, codec, Options{})
			err := d.Decode(bad, func(models.Frame) { t.Error("garbage gave a frame") })
			if err == nil || !strings.Contains(err.Error(), "decode "+string(codec)) {
				t.Fatalf("error %v, want one that names the step", err)
			}
			if d.Broken() != 1 {
				t.Errorf("broken %d, want 1", d.Broken())
			}
			if got := len(decodeAll(t, d, us)); got != rampFrames {
				t.Errorf("%d frames after garbage, want %d", got, rampFrames)
			}
		})
	}
}

func TestParameterSetsMayComeInAUnitOfTheirOwn(t *testing.T) {
	var us []models.AccessUnit
	for _, au := range rampUnits(t, models.H264) {
		sets, rest := au, au
		sets.NALUs, rest.NALUs = au.NALUs[:len(au.NALUs)-1], au.NALUs[len(au.NALUs)-1:]
		us = append(us, sets, rest)
	}
	d := mustNew(t, models.H264, Options{})
	if got := len(decodeAll(t, d, us)); got != rampFrames || d.Broken() != 0 {
		t.Errorf("%d frames and %d broken, want %d and 0", got, d.Broken(), rampFrames)
	}
}

func TestUnitsThatAreRefused(t *testing.T) {
	key := rampUnits(t, models.H264)[0]
	tests := []struct {
		name string
		make func() models.AccessUnit
		want string
	}{
		{"another codec", func() models.AccessUnit { au := key; au.Codec = models.H265; return au }, `"h265"`},
		{"too large", func() models.AccessUnit {
			au := key
			au.NALUs = [][]byte{make([]byte, maxUnit)}
			return au
		}, "at most 33554432"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := mustNew(t, models.H264, Options{})
			err := d.Decode(tt.make(), func(models.Frame) { t.Error("a frame came") })
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		d := mustNew(t, models.H264, Options{})
		d.Close()
		d.Reset()
		if err := d.Decode(key, nil); err == nil {
			t.Error("a closed decoder took a unit")
		}
		if err := d.Drain(nil); err == nil {
			t.Error("a closed decoder drained")
		}
	})
	if _, err := New("mjpeg", Options{}); err == nil || !strings.Contains(err.Error(), `"mjpeg"`) {
		t.Errorf("New with an unknown codec: %v", err)
	}
}

func TestAFrameIsNotTouchedAfterItWasEmitted(t *testing.T) {
	frames := decodeAll(t, mustNew(t, models.H264, Options{}), rampUnits(t, models.H264))
	seen := map[*byte]bool{}
	for i, f := range frames {
		if seen[&f.Picture.Y[0]] {
			t.Fatalf("frame %d shares its memory with an earlier one", i)
		}
		seen[&f.Picture.Y[0]] = true
		if cap(f.Picture.Y) != len(f.Picture.Y) || &f.Picture.Y[:cap(f.Picture.Y)][0] == &f.Picture.Cb[0] {
			t.Fatal("an append to one plane would write into the next")
		}
	}
}
