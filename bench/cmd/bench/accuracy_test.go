package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/bench/score"
)

// bitmap is a Windows bitmap of the given lines, bottom line first as usual.
func bitmap(bits int, palette []byte, w int, lines ...[]byte) []byte {
	le := binary.LittleEndian
	var b []byte
	b = append(b, "BM"...)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(54+len(palette)))
	b = le.AppendUint32(b, 40)
	b = le.AppendUint32(b, uint32(w))
	b = le.AppendUint32(b, uint32(len(lines)))
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, make([]byte, 24)...)
	b = append(b, palette...)
	for _, line := range slices.Backward(lines) {
		b = append(b, line...)
		b = append(b, make([]byte, (4-len(line)%4)%4)...)
	}
	return b
}

func TestParseBMP(t *testing.T) {
	colour := bitmap(24, nil, 2, []byte{255, 255, 255, 0, 0, 0}, []byte{0, 0, 255, 0, 255, 0})
	img, err := parseBMP(colour)
	if err != nil || !bytes.Equal(img.Pix, []byte{255, 0, 76, 150}) {
		t.Errorf("24 bits: got %v, %v", img, err)
	}
	mapped := bitmap(8, []byte{0, 0, 0, 0, 255, 255, 255, 0}, 3, []byte{0, 1, 1}, []byte{1, 0, 0})
	if img, err := parseBMP(mapped); err != nil || !bytes.Equal(img.Pix, []byte{0, 255, 255, 255, 0, 0}) {
		t.Errorf("8 bits: got %v, %v", img, err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte(strings.Repeat("not a bitmap ", 10)), "truncated": colour[:len(colour)-1],
		"a colour beyond the palette": bitmap(8, []byte{0, 0, 0, 0}, 1, []byte{1}),
		"1 bit":                       bitmap(1, nil, 1, []byte{1}),
	} {
		if _, err := parseBMP(data); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func FuzzParseBMP(f *testing.F) {
	f.Add(bitmap(24, nil, 2, []byte{255, 255, 255, 0, 0, 0}, []byte{0, 0, 255, 0, 255, 0}))
	f.Add(bitmap(8, []byte{0, 0, 0, 0, 255, 255, 255, 0}, 3, []byte{0, 1, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if img, err := parseBMP(data); err == nil && len(img.Pix) != img.Rect.Dx()*img.Rect.Dy() {
			t.Errorf("%v holds %d pixels", img.Rect, len(img.Pix))
		}
	})
}

func TestReadEvents(t *testing.T) {
	got, err := readEvents([]byte(`{"zone":"a","event_count":1,"events":[{"start_s":1,"alarm_s":6,"end_s":9,"why":[{"name":"dwell","observed":5,"threshold":5}]}]}` + "\n"))
	if err != nil || len(got) != 1 || got[0] != (alarmed{"a", 5, score.Alarm{Start: 1, At: 6, End: 9}}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := readEvents([]byte(`{"zone":"a","event_count":65,"events":[]}`)); err == nil {
		t.Error("events that are not shown were not missed")
	}
}

func TestReadMOT(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.txt")
	for text, good := range map[string]bool{
		"1,7,10,20,30,40,1,-1,-1,-1\n3,7,11,20,30,40,0.5,-1,-1,-1\n": true,
		"0,7,10,20,30,40\n": false, "1,7,10,20,30\n": false, "1,7,x,20,30,40\n": false, "9e9,7,1,20,30,40\n": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readMOT(path)
		if (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
		if good && (len(got) != 3 || len(got[1]) != 0 || got[2][0] != (score.Box{ID: 7, X: 11, Y: 20, W: 30, H: 40})) {
			t.Errorf("got %v", got)
		}
	}
}

// The truth, taken for what was found, scores as perfect.
func TestTruthScoresPerfect(t *testing.T) {
	s := &setting{data: envOr("VEDETTE_DATA", "../../../../shared/data")}
	data, err := os.ReadFile(filepath.Join(s.data, "pets/loitering.json"))
	if err != nil {
		t.Skipf("footage is not present: %v (set VEDETTE_DATA)", err)
	}
	boxes, err := readMOT(filepath.Join(s.data, "pets/gt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if m := score.Tracks(boxes, boxes); m.MOTA() != 1 || m.IDF1() != 1 || m.Truth != 4650 {
		t.Errorf("tracks: %+v", m)
	}
	var tr truth
	if err := json.Unmarshal(data, &tr); err != nil {
		t.Fatal(err)
	}
	for _, dwell := range dwells {
		var events []alarmed
		for zone := range tr.Zones {
			for _, list := range tr.Loiterers[zone][map[float64]string{5: "5s", 10: "10s", 20: "20s"}[dwell]] {
				for _, v := range list {
					if v.End >= v.Due {
						events = append(events, alarmed{zone, dwell, score.Alarm{Start: v.Start, At: v.Due, End: v.End}})
					}
				}
			}
		}
		if v := tr.loiterers(dwell, events); v.Due == 0 || v.F1() != 1 || v.OnTime(0) != 1 {
			t.Errorf("loitering %g s: %+v", dwell, v)
		}
	}
	for _, name := range []string{"Camouflage", "LightSwitch"} {
		base := "background/wallflower/" + name
		mask, err := readBMP(filepath.Join(s.data, base+".bmp"))
		if err != nil {
			t.Fatal(err)
		}
		if m, err := score.Plain(mask, mask); err != nil || m.Errors() != 0 || m.Both == 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for video, want := range map[string]int{"clips/one_by_one_person.mp4": 6, "clips/cars_from_above.mp4": 4} {
		things, nothing, err := s.footageEvents(video, func(l string) bool { return l == "person_present" || l == "car" })
		if err != nil || len(things) != want || len(nothing) == 0 {
			t.Fatalf("%s: %v, %v, %v", video, things, nothing, err)
		}
		var all []score.Alarm
		for _, span := range things {
			all = append(all, score.Alarm{Start: span.Start, At: span.Start, End: span.End})
		}
		if m := score.MatchSpans(things, all, tolerance); m.Found != want || m.Again+len(m.False) != 0 || len(score.Within(nothing, all)) != 0 {
			t.Errorf("%s: %+v", video, m)
		}
	}
}
