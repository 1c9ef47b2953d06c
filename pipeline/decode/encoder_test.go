package decode

import (
	"errors"
	"image"
	"math"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// encoder skips the test where the machine cannot encode.
func encoder(t testing.TB, o EncoderOptions) *Encoder {
	t.Helper()
	e, err := NewEncoder(o)
	if errors.Is(err, ErrNoEncoder) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// drawnFrame is a picture that differs from one index to the next.
func drawnFrame(i int, size image.Point, at time.Duration) models.Frame {
	p := picture(make([]byte, room(size.X, size.Y)), size.X, size.Y)
	for y := range size.Y {
		for x := range size.X {
			p.Y[y*p.YStride+x] = uint8(40 + (x+3*i)%160)
		}
	}
	for j := range p.Cb {
		p.Cb[j], p.Cr[j] = 110, uint8(100+i%40)
	}
	return models.Frame{Camera: "gate", Session: 7, At: models.Instant{Media: at, Wall: time.Unix(1000, 0).Add(at)},
		Clock: models.ClockCamera, Arrival: time.Unix(2000, 0).Add(at), Source: size, Picture: p}
}

// What is encoded comes back from the decoder: the same pictures, each at its own time,
// over an uneven rhythm, a gap and a change of size.
func TestEncoderKeepsPicturesAndTimes(t *testing.T) {
	e := encoder(t, EncoderOptions{})
	var frames []models.Frame
	at := 1234567 * time.Microsecond
	for i := range 120 {
		size := image.Pt(320, 240)
		if i >= 60 {
			size = image.Pt(161, 121) // odd: the last column and row are left out
		}
		frames = append(frames, drawnFrame(i, size, at))
		at += []time.Duration{40, 66, 100}[i%3] * time.Millisecond
		if i == 30 {
			at += 17 * time.Second
		}
	}
	var units []models.AccessUnit
	keep := func(au models.AccessUnit) { units = append(units, au) }
	for _, f := range frames {
		if err := e.Encode(f, keep); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Drain(keep); err != nil {
		t.Fatal(err)
	}
	if len(units) != len(frames) {
		t.Fatalf("%d units of %d frames", len(units), len(frames))
	}
	d, err := New(models.H264, Options{TargetSide: -1, LoopFilter: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	lastKey, n := units[0].At.Media, 0
	check := func(got models.Frame) {
		want := frames[n]
		n++
		if got.At != want.At || got.Clock != want.Clock || !got.Arrival.Equal(want.Arrival) || got.Camera != "gate" || got.Session != 7 {
			t.Errorf("frame %d came back at %v, want %v", n-1, got.At, want.At)
		}
		if w, h := want.Source.X&^1, want.Source.Y&^1; got.Source != image.Pt(w, h) {
			t.Errorf("frame %d is %v, want %dx%d", n-1, got.Source, w, h)
		}
		if p := psnr(got.Picture, want.Picture); p < 35 {
			t.Errorf("frame %d: PSNR %.1f dB, want 35", n-1, p)
		}
	}
	for i, au := range units {
		if au.Key {
			lastKey = au.At.Media
		} else if late := au.At.Media - lastKey; late >= 2*time.Second {
			t.Errorf("unit %d comes %v after its key unit", i, late)
		}
		if i == 0 && !au.Key {
			t.Error("the first unit is no key unit")
		}
		if err := d.Decode(au, check); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Drain(check); err != nil {
		t.Fatal(err)
	}
	if n != len(frames) {
		t.Errorf("%d frames came back of %d", n, len(frames))
	}
}

// Times that stand still or go back are no reason to lose a picture.
func TestEncoderTakesBadTimes(t *testing.T) {
	e := encoder(t, EncoderOptions{})
	n := 0
	count := func(models.AccessUnit) { n++ }
	for i, at := range []time.Duration{5, 5, 4, 0, 6} {
		if err := e.Encode(drawnFrame(i, image.Pt(64, 48), at*time.Second), count); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Drain(count); err != nil {
		t.Fatal(err)
	}
	if n != 5 {
		t.Errorf("%d units of 5 frames", n)
	}
}

func TestEncoderRefusesAFrameWithoutPicture(t *testing.T) {
	e := encoder(t, EncoderOptions{})
	if err := e.Encode(models.Frame{}, func(models.AccessUnit) {}); err == nil {
		t.Error("a frame without a picture was encoded")
	}
}

// psnr compares the luma of the part that both pictures have, in dB.
func psnr(a, b *image.YCbCr) float64 {
	r := a.Rect.Intersect(b.Rect)
	sum := 0.0
	for y := range r.Dy() {
		for x := range r.Dx() {
			d := float64(a.Y[y*a.YStride+x]) - float64(b.Y[y*b.YStride+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(r.Dx()*r.Dy())/max(sum, 1))
}

func FuzzSplitAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 3, 0, 0, 0, 1})
	f.Add([]byte{0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		size := 0
		for _, n := range splitAnnexB(b) {
			if len(n) == 0 || n[len(n)-1] == 0 {
				t.Errorf("unit %x", n)
			}
			size += len(n) + 3
		}
		if size > len(b) {
			t.Errorf("%d bytes of %d", size, len(b))
		}
	})
}
