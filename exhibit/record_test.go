package exhibit

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

func recordOf(t testing.TB, it *item) []byte {
	t.Helper()
	b := &builder{o: Options{By: "mara", Why: "case 4711", At: night, Place: time.UTC, Keys: []custody.PublicKey{{ID: "k", Key: make([]byte, 32)}}}}
	data, err := b.recordPDF(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		t.Fatalf("not a PDF: %.20q", data)
	}
	return data
}

// pages counts the pages of a PDF.
func pages(data []byte) int { return bytes.Count(data, []byte("/Type /Page\n")) }

// A record with everything that people and cameras come up with is printed whole.
func TestRecordOfAnything(t *testing.T) {
	odd := "Zoë Ωmega Жук 東京 \x00\x07 🎥 " + strings.Repeat("unbroken", 60) + "\nnext line\ttab"
	in := models.Incident{ID: "x", Camera: models.CameraID(odd), Zone: models.ZoneID(odd), Kind: "new_kind", Severity: "odd", Label: odd, Start: night, Alarm: night,
		Footage: models.Footage{State: models.FootageStored, Frames: 10, Expected: 20, Codec: "h264", AskedFrom: night, AskedTo: night.Add(time.Minute),
			From: night.Add(5 * time.Second), To: night.Add(70 * time.Second), Clock: models.ClockCamera, ClockOffset: -3 * time.Second},
		Hold: &models.Hold{By: odd, Why: odd, At: night}, Judgement: &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceKnown, By: odd},
		Events: []models.Event{{Why: []models.Fact{{Name: odd, Observed: 1e300, Threshold: -1, Unit: odd, Note: odd}}}}, EventCount: 70}
	it := &item{Incident: in, folder: "incident", device: storage.CameraIdentity{Name: odd, Source: odd}}
	small := pages(recordOf(t, &item{Incident: models.Incident{ID: "empty", Footage: models.Footage{State: models.FootageNone}}}))
	if small != 1 && small != 2 {
		t.Errorf("an empty record has %d pages", small)
	}
	for i := range 120 {
		at := night.Add(time.Duration(i) * time.Second)
		it.Footage.Gaps = append(it.Footage.Gaps, models.Gap{From: at, To: at.Add(time.Second), Cause: models.Cause("cause"), Lost: i, Note: odd})
		it.Log = append(it.Log, models.Action{At: at, Who: odd, What: odd, Note: strings.Repeat(odd, 8)})
		it.chain = append(it.chain, models.CustodyRecord{Index: uint64(i), Leaf: strings.Repeat("ab", 32),
			Custody: models.Custody{At: at, Who: odd, Act: models.ActPlayed, Remote: "192.0.2.7", Note: odd, Objects: make([]models.Object, 20)}})
		it.files = append(it.files, File{Path: fmt.Sprintf("incident/%d", i), Role: "clip", Size: int64(i) << 30, SHA256: strings.Repeat("cd", 32)})
	}
	it.sheet = []byte("no JPEG")
	data := recordOf(t, it)
	if path := os.Getenv("VEDETTE_RECORD"); path != "" { // where a person can look at it
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n := pages(data); n < 40 {
		t.Errorf("%d pages for all that", n)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		" Zoë · Ωmega · Жук ":    "Zoë · Ωmega · Жук",
		"東京 🎥":                   "□□ □",
		"two\nlines\tand\x00nul": "two lines and□nul",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// The note tells which way to correct.
func TestClockNote(t *testing.T) {
	in := models.Incident{ID: "x", Start: night, Alarm: night, Opened: night, Footage: models.Footage{Frames: 1, From: night, To: night.Add(time.Second)}}
	for _, tc := range []struct {
		clock models.Clock
		off   time.Duration
		drift float64
		want  []string
	}{
		{models.ClockCamera, 90 * time.Second, 0, []string{"the camera's own", "1 min 30 s ahead of the recorder's", "subtract 1 min 30 s from", "recorder's clock 22:39:36.000"}},
		{models.ClockCamera, -2 * time.Second, -20, []string{"2.0 s behind the recorder's", "add 2.0 s to", "1.7 s a day", "recorder's clock 22:41:08.000"}},
		{models.ClockCamera, 200 * time.Millisecond, 0, []string{"agreed within half a"}},
		{models.ClockCamera, 0, 0, []string{"not measured"}},
		{models.ClockArrival, 0, 0, []string{"Which clock: the recorder's", "arrived"}},
		{models.ClockFile, 0, 0, []string{"Which clock: none"}},
	} {
		in.Footage.Clock, in.Footage.ClockOffset, in.Footage.ClockDrift = tc.clock, tc.off, tc.drift
		got := clockNote(in, time.UTC)
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s %v: it does not say %q:\n%s", tc.clock, tc.off, want, got)
			}
		}
	}
}

func TestPercentNeverRoundsUp(t *testing.T) {
	for share, want := range map[float64]string{1: "100.0 %", .99999: "99.9 %", .5: "50.0 %", 0: "0.0 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v is shown as %s, want %s", share, got, want)
		}
	}
}
