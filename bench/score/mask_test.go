package score

import (
	"image"
	"math"
	"testing"
)

func grey(pix ...uint8) *image.Gray {
	return &image.Gray{Pix: pix, Stride: len(pix) / 2, Rect: image.Rect(0, 0, len(pix)/2, 2)}
}

func TestMasks(t *testing.T) {
	// Background, shadow, foreground, outside, unknown, foreground; twice.
	truth := grey(0, 50, 255, 85, 170, 255, 0, 50, 255, 85, 170, 255)
	all := grey(255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)
	none := grey(make([]uint8, 12)...)
	half := grey(255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0)
	for _, tc := range []struct {
		name      string
		mask, roi *image.Gray
		want      Mask
		f         float64
	}{
		{"truth against itself", truth, nil, Mask{Both: 4}, 1},
		{"everything", all, nil, Mask{Both: 4, False: 4}, 2. / 3},
		{"nothing", none, nil, Mask{Missed: 4}, 0},
		{"half", half, nil, Mask{Both: 2, False: 2, Missed: 2}, .5},
		{"half, and only there scored", half, half, Mask{Both: 2, False: 2}, 2. / 3},
	} {
		got, err := CDnet(truth, tc.mask, tc.roi)
		if err != nil || got != tc.want || math.Abs(got.F()-tc.f) > 1e-9 {
			t.Errorf("%s: got %+v, F %.3f, %v; want %+v, %.3f", tc.name, got, got.F(), err, tc.want, tc.f)
		}
	}
	black := grey(0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255)
	if got, err := Plain(black, half); err != nil || got != (Mask{Both: 2, False: 4, Missed: 2}) || got.Errors() != 6 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, _ := Plain(black, black); got.Errors() != 0 || got.F() != 1 {
		t.Errorf("truth against itself: %+v", got)
	}
	if got := (Mask{1, 2, 3}).Add(Mask{10, 20, 30}); got != (Mask{11, 22, 33}) {
		t.Errorf("got %+v", got)
	}
	if _, err := Plain(black, image.NewGray(image.Rect(0, 0, 3, 3))); err == nil {
		t.Error("masks of different sizes were compared")
	}
}

func TestMatchSpans(t *testing.T) {
	truth := []Span{{10, 20}, {30, 40}, {35, 45}}
	self := []Alarm{{10, 10, 20}, {30, 30, 40}, {35, 35, 45}}
	for _, tc := range []struct {
		name              string
		alarms            []Alarm
		found, again, bad int
	}{
		{"truth against itself", self, 3, 0, 0},
		{"nothing", nil, 0, 0, 0},
		{"one alarm is one of two that overlap", []Alarm{{32, 33, 44}}, 1, 0, 0},
		{"one visit in two pieces", []Alarm{{10, 10, 14}, {15, 15, 20}}, 1, 1, 0},
		{"while nothing was there", []Alarm{{24, 24, 25}}, 0, 0, 1},
		{"within the tolerance", []Alarm{{20.3, 20.4, 22}}, 1, 0, 0},
	} {
		got := MatchSpans(truth, tc.alarms, 0.4)
		if got.Due != 3 || got.Found != tc.found || got.Again != tc.again || len(got.False) != tc.bad || len(got.Missed) != 3-tc.found {
			t.Errorf("%s: got %+v", tc.name, got)
		}
	}
	if got := MatchSpans(truth, []Alarm{{34, 34, 50}, {29, 29, 50}}, 0); len(got.Delays) != 2 || got.Delays[0] != -1 || got.Delays[1] != -1 {
		t.Errorf("got delays %v: the nearest starts belong together", got.Delays)
	}
	if got := Within(truth, []Alarm{{5, 9, 20}, {5, 10, 12}, {41, 46, 50}}); len(got) != 1 || got[0].At != 10 {
		t.Errorf("got %v", got)
	}
}
