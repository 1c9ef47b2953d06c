package snapshot

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

var arrival = models.Instant{Media: 40 * time.Second, Wall: time.Date(2026, 3, 1, 22, 40, 36, 0, time.UTC)}

// after is an instant so many seconds after the arrival.
func after(s float64) models.Instant { return arrival.Add(time.Duration(s * float64(time.Second))) }

// loiterer is an incident with everything that a card can show.
func loiterer() Reasons {
	m := testMarks(models.SeverityHigh)
	e := models.Event{Camera: "gate", Zone: "door", Label: "person", Score: .87, Start: arrival, Alarm: after(30), Box: m.Box, Config: "c0ffee",
		Rule: models.Rule{Kind: models.KindLoitering, Severity: models.SeverityHigh, Labels: []string{"person"}, MinScore: .5,
			Dwell: 30 * time.Second, Grace: 3 * time.Second},
		Why: []models.Fact{
			{Name: "dwell", Observed: 30.2, Threshold: 30, Unit: "s", Note: "away for 2.1 s of it, within the grace"},
			{Name: "score", Observed: .87, Threshold: .5},
		}}
	for i, p := range m.Path[:31] {
		p.At = after(float64(i))
		if i%2 == 0 {
			p.Score = .6 + .3*math.Sin(float64(i)/4)
		}
		e.Path = append(e.Path, p)
		e.Curve = append(e.Curve, models.Sample{At: p.At, Value: float64(i)})
	}
	moving := image.NewGray(image.Rect(0, 0, 320, 180))
	for y := 60; y < 100; y++ {
		for x := 170; x < 196; x++ {
			moving.Pix[y*moving.Stride+x] = 255
		}
	}
	return Reasons{Name: "North gate", Moving: moving, Place: time.FixedZone("CET", 3600), Incident: models.Incident{
		ID: "20260301T224106.000Z-gate-door-loitering-1", Camera: "gate", Zone: "door", Kind: models.KindLoitering, Severity: models.SeverityHigh,
		Label: "person", Score: .87, Start: arrival.Wall, Alarm: after(30).Wall, Box: m.Box, Polygon: m.Zone,
		Events: []models.Event{e}, EventCount: 1, Config: "c0ffee0123456789abcdef", Version: "1.2.3"}}
}

// card draws a card; only Card itself codes it, which takes as long again.
func card(t testing.TB, f models.Frame, r Reasons) *image.RGBA {
	t.Helper()
	m, err := compose(f, r)
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds().Dx() != cardWidth {
		t.Errorf("%d pixels wide, want %d", m.Bounds().Dx(), cardWidth)
	}
	return m
}

// show keeps a card where a person can look at it.
func show(t testing.TB, name string, m *image.RGBA) {
	if os.Getenv("VEDETTE_STILLS") == "" {
		return // coding takes its time
	}
	data, err := encode(m, cardQuality)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name, data)
}

// differs counts pixels of an area that differ between two cards.
func differs(a, b *image.RGBA, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if distance(a.RGBAAt(x, y), b.RGBAAt(x, y)) > 20 {
				n++
			}
		}
	}
	return n
}

// Each part of the reasons changes the card where it belongs, and nowhere else in the
// picture.
func TestCardShowsEachReason(t *testing.T) {
	frame := flat(640, 360, 90, 128, 128, false)
	const height = 608 // 640x360 at the card's width
	full := card(t, frame, loiterer())
	data, err := Card(frame, loiterer())
	if coded := decoded(t, data, err); coded.Bounds() != full.Bounds() {
		t.Errorf("coded as %v, drawn as %v", coded.Bounds(), full.Bounds())
	}
	keep(t, "card.jpg", data)
	if len(data) > 150_000 { // real footage adds 50 to 100 kB
		t.Errorf("%d bytes", len(data))
	}
	if got := at(full, .002, float64(height+4)/float64(full.Bounds().Dy())); distance(got, severityColour(models.SeverityHigh)) > 40 {
		t.Errorf("the stripe under the picture is %v", got)
	}
	area := func(x0, y0, x1, y1 float64) image.Rectangle {
		return image.Rect(int(x0*cardWidth), int(y0*height), int(x1*cardWidth), int(y1*height))
	}
	for _, tc := range []struct {
		name    string
		without func(*Reasons)
		where   image.Rectangle
		least   int
	}{
		{"what moves", func(r *Reasons) { r.Moving = nil }, area(.55, .38, .60, .50), 1000},
		{"the zone", func(r *Reasons) { r.Incident.Polygon = nil }, area(.60, .32, .75, .37), 300},
		{"the path", func(r *Reasons) { r.Incident.Events[0].Path = nil }, area(.1, .5, .35, .8), 500},
		{"the box", func(r *Reasons) { r.Incident.Events[0].Box = models.Box{} }, area(.51, .26, .63, .30), 300},
		{"the label", func(r *Reasons) { r.Incident.Events[0].Label = "" }, area(.51, .20, .66, .275), 500},
	} {
		r := loiterer()
		tc.without(&r)
		if n := differs(full, card(t, frame, r), tc.where); n < tc.least {
			t.Errorf("%s: %d pixels of %v differ with and without, want at least %d", tc.name, n, tc.where, tc.least)
		}
	}
	corner := area(0, 0, .2, .2)
	r := loiterer()
	r.Incident.Events[0].Path, r.Moving = nil, nil
	if n := differs(full, card(t, frame, r), corner); n != 0 {
		t.Errorf("%d pixels differ where nothing is marked", n)
	}
}

// Every part of the panel has its place: without it the card is shorter.
func TestCardGrowsWithItsReasons(t *testing.T) {
	height := func(change func(*Reasons)) int {
		r := loiterer()
		change(&r)
		return card(t, models.Frame{}, r).Bounds().Dy()
	}
	full := height(func(*Reasons) {})
	for name, change := range map[string]func(*Reasons){
		"facts":    func(r *Reasons) { r.Incident.Events[0].Why = nil },
		"one fact": func(r *Reasons) { r.Incident.Events[0].Why = r.Incident.Events[0].Why[:1] },
		"a note":   func(r *Reasons) { r.Incident.Events[0].Why[0].Note = "" },
		"curve":    func(r *Reasons) { r.Incident.Events[0].Curve = nil },
		"scores": func(r *Reasons) {
			for i := range r.Incident.Events[0].Path {
				r.Incident.Events[0].Path[i].Score = 0
			}
		},
		"conditions": func(r *Reasons) { r.Incident.Events[0].Rule.Grace, r.Incident.Events[0].Rule.MinScore = 0, 0 },
	} {
		if got := height(change); got >= full {
			t.Errorf("without %s the card is %d high, with it %d", name, got, full)
		}
	}
	if got := card(t, flat(64, 36, 90, 128, 128, false), loiterer()).Bounds().Dy(); got != full+608 {
		t.Errorf("with the picture %d high, want %d", got, full+608)
	}
	many := height(func(r *Reasons) { r.Incident.Events[0].Why = make([]models.Fact, 1000) })
	few := height(func(r *Reasons) { r.Incident.Events[0].Why = make([]models.Fact, maxFacts) })
	if many < few || many > few+60 {
		t.Errorf("1000 facts make a card %d high, %d facts %d", many, maxFacts, few)
	}
}

func TestCardOfEveryKind(t *testing.T) {
	frame := flat(320, 180, 120, 110, 140, false)
	for _, kind := range append(append(models.RuleKinds(), models.HealthKinds()...), models.KindStorage) {
		t.Run(string(kind), func(t *testing.T) {
			r := loiterer()
			r.Incident.Kind = kind
			e := &r.Incident.Events[0]
			e.Rule = models.Rule{Kind: kind, Severity: models.SeverityMedium, Dwell: 5 * time.Second, Visits: 3, Window: 30 * time.Minute, Count: 4, For: time.Minute}
			switch kind {
			case models.KindLine:
				e.Rule.Line, e.Rule.Direction = []models.Point{{X: .2, Y: .9}, {X: .5, Y: .5}, {X: .8, Y: .6}}, models.DirectionToLeft
			case models.KindCrowd:
				e.Path, e.Why = nil, []models.Fact{{Name: "persons", Observed: 6, Threshold: 4}}
			case models.KindStorage:
				r.Incident.Events, r.Incident.Zone, r.Incident.Polygon = nil, "", nil
			}
			for _, h := range models.HealthKinds() {
				if kind == h {
					r.Incident.Zone, r.Incident.Polygon, r.Moving = "", nil, nil
					e.Path, e.Box, e.Label = nil, models.Box{}, ""
					e.Why = []models.Fact{{Name: "edges_left", Observed: .03, Threshold: .4, Note: "of what the view shows on other days"}}
				}
			}
			show(t, fmt.Sprintf("card-%s.jpg", kind), card(t, frame, r))
		})
	}
}

// A line's arrow points to the side that the direction names, for somebody who walks from
// the line's first point to its last.
func TestArrowsPointWhereCrossingCounts(t *testing.T) {
	frame := flat(640, 360, 90, 128, 128, false)
	draw := func(d models.Direction) *image.RGBA {
		r := loiterer()
		r.Moving, r.Incident.Polygon = nil, nil
		e := &r.Incident.Events[0]
		// Walking away from the viewer, up the picture.
		e.Rule = models.Rule{Kind: models.KindLine, Line: []models.Point{{X: .5, Y: .9}, {X: .5, Y: .1}}, Direction: d}
		e.Path, e.Box, e.Label = nil, models.Box{}, ""
		return card(t, frame, r)
	}
	left, right := image.Rect(480, 280, 530, 330), image.Rect(550, 280, 600, 330)
	for d, want := range map[models.Direction][2]bool{
		models.DirectionToLeft: {true, false}, models.DirectionToRight: {false, true}, models.DirectionAny: {true, true},
	} {
		m := draw(d)
		if got := [2]bool{ink(m, left) > 200, ink(m, right) > 200}; got != want {
			t.Errorf("%s: arrows left and right %v, want %v", d, got, want)
		}
	}
}

func TestTimeMarks(t *testing.T) {
	walk := func(seconds ...float64) models.Event {
		e := models.Event{Start: arrival}
		for _, s := range seconds {
			e.Path = append(e.Path, models.PathPoint{At: after(s), Foot: models.Point{X: s / 100, Y: .5}})
		}
		return e
	}
	for _, tc := range []struct {
		name string
		e    models.Event
		want string
	}{
		{"between points, by their share", walk(0, 4, 10), "+2 s@.02 +4 s@.04 +6 s@.06 +8 s@.08 +10 s@.10"},
		{"a short walk", walk(0, 3.5), "+1 s@.01 +2 s@.02 +3 s@.03"},
		{"a long one", walk(0, 90), "+15 s@.15 +30 s@.30 +45 s@.45 +1 min@.60 +1 min 15 s@.75 +1 min 30 s@.90"},
		{"the path begins late", walk(6, 10), "+6 s@.06 +8 s@.08 +10 s@.10"},
		{"less than a second", walk(0, .9), ""},
		{"one point", walk(5), ""},
		{"time runs backwards", walk(9, 3, 10), "+4 s@.04 +6 s@.06 +8 s@.08 +10 s@.10"},
	} {
		var got []string
		for _, m := range timeMarks(tc.e) {
			got = append(got, fmt.Sprintf("+%s@%s", span(m.after), strings.TrimPrefix(fmt.Sprintf("%.2f", m.foot.X), "0")))
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, s, tc.want)
		}
	}
	if step := stepFor(1000*time.Hour, 8); step <= 0 || 1000*time.Hour/step > 8 {
		t.Errorf("a stretch of weeks: step %s", step)
	}
}

func TestRuleInWords(t *testing.T) {
	for want, r := range map[string]models.Rule{
		"something moves":                         {Kind: models.KindMotion},
		"person or car moves for 2 s":             {Kind: models.KindMotion, Labels: []string{"person", "car"}, Dwell: 2 * time.Second},
		"person comes in":                         {Kind: models.KindIntrusion, Labels: []string{"person"}},
		"something comes in and stays for 1.5 s":  {Kind: models.KindIntrusion, Dwell: 1500 * time.Millisecond},
		"person, car or dog stays for 1 min 30 s": {Kind: models.KindLoitering, Labels: []string{"person", "car", "dog"}, Dwell: 90 * time.Second},
		"something stays for 20 s within 15 % of the picture's height around a spot": {Kind: models.KindLoitering, Dwell: 20 * time.Second, MaxRadius: .15},
		"person comes for the 3rd time within 2 h":                                   {Kind: models.KindReturning, Labels: []string{"person"}, Visits: 3, Window: 2 * time.Hour},
		"something crosses the line":                                                 {Kind: models.KindLine, Direction: models.DirectionAny},
		"car crosses the line from its right side to its left":                       {Kind: models.KindLine, Labels: []string{"car"}, Direction: models.DirectionToLeft},
		"more than 5 at once for 10 s":                                               {Kind: models.KindCrowd, Count: 5, For: 10 * time.Second},
		"a thing that was put down stays for 1 min":                                  {Kind: models.KindLeftObject, For: time.Minute},
		"something hides the view for 5 s":                                           {Kind: models.KindCovered, For: 5 * time.Second},
		"Storage":                                                                    {Kind: models.KindStorage},
	} {
		if got := ruleInWords(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, k := range append(models.RuleKinds(), models.HealthKinds()...) {
		if ruleInWords(models.Rule{Kind: k}) == kindWord(k) {
			t.Errorf("%s has no words", k)
		}
	}
	got := conditions(models.Rule{Grace: time.Second, MinScore: .5, MinSize: .002, CoolDown: 10 * time.Minute, Schedule: []models.Schedule{{}}})
	if want := "grace 1 s|score at least 0.5|at least 0.2 % of the picture|on schedule|cool-down 10 min"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestThresholdInWords(t *testing.T) {
	for want, f := range map[string]models.Fact{
		"threshold 30 s": {Threshold: 30, Unit: "s"},
		"threshold 0.2":  {Threshold: .2, Unit: "box heights"},
		"threshold 4":    {Threshold: 4},
	} {
		if got := thresholdInWords(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for _, tc := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, "", "0"}, {.87, "", "0.87"}, {.5, "", "0.5"}, {12.345, "s", "12.3 s"}, {99.96, "", "100"}, {1234, "px", "1234 px"},
		{.00213, "", "0.0021"}, {1e-9, "", "1e-09"}, {5e7, "", "5e+07"}, {90, "s", "1 min 30 s"}, {3725, "s", "1 h 2 min"},
		{-2, "s", "-2 s"}, {-90, "s", "−1 min 30 s"}, {math.NaN(), "s", "– s"}, {math.Inf(1), "", "–"}, {-.001, "", "-0.001"}, {3, "persons", "3 persons"},
	} {
		if got := quantity(tc.v, tc.unit); got != tc.want {
			t.Errorf("%g %s: got %q, want %q", tc.v, tc.unit, got, tc.want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0 s", 59*time.Second + 996*time.Millisecond: "60 s", 61 * time.Second: "1 min 1 s", 2 * time.Hour: "2 h", math.MinInt64: "−2562047 h 47 min",
		59*time.Minute + 59*time.Second + 700*time.Millisecond: "60 min",
	} {
		if got := span(d); got != want {
			t.Errorf("%d: got %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"} {
		if got := ordinal(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCardOfAnySizeAndNonsense(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, size := range []image.Point{{1, 1}, {3000, 2}, {2, 3000}, {360, 640}} {
		m := card(t, flat(size.X, size.Y, 90, 128, 128, true), loiterer())
		if h := m.Bounds().Dy(); h < 500 || h > 3000 {
			t.Errorf("a frame of %v makes a card %d high", size, h)
		}
	}
	spoil := map[string]func(*Reasons){
		"nothing": func(r *Reasons) { *r = Reasons{} },
		"not numbers": func(r *Reasons) {
			e := &r.Incident.Events[0]
			e.Box = models.Box{X: nan, Y: inf, W: 1, H: 1}
			e.Score = nan
			e.Why = []models.Fact{{Observed: nan, Threshold: inf}, {Observed: inf, Threshold: -inf}, {Observed: 1e308, Threshold: -1e308}, {}}
			e.Path[3].Foot, e.Path[4].Score, e.Curve[5].Value, e.Curve[6].Value = models.Point{X: nan, Y: inf}, nan, nan, inf
			e.Rule.Line = []models.Point{{X: nan}, {Y: inf}, {}}
			r.Incident.Polygon[1].X = nan
		},
		"far away": func(r *Reasons) {
			e := &r.Incident.Events[0]
			e.Box = models.Box{X: -1e12, Y: -1e12, W: 2e12, H: 2e12}
			e.Path[3].Foot = models.Point{X: 1e12, Y: -1e12}
			e.Rule.Line = []models.Point{{X: -1e12}, {X: 1e12, Y: 1}}
		},
		"time stands still": func(r *Reasons) {
			e := &r.Incident.Events[0]
			e.Start, e.Alarm = models.Instant{}, models.Instant{}
			for i := range e.Path {
				e.Path[i].At, e.Curve[i].At = models.Instant{}, models.Instant{}
			}
		},
		"time runs wild": func(r *Reasons) {
			e := &r.Incident.Events[0]
			e.Alarm.Media, e.Path[2].At.Media, e.Curve[3].At.Media = math.MaxInt64, math.MinInt64, math.MinInt64
		},
		"endless words": func(r *Reasons) {
			long := strings.Repeat("Ж· ", 5000)
			r.Name, r.Incident.Config, r.Incident.ID = long, long, models.IncidentID(long)
			e := &r.Incident.Events[0]
			e.Label, e.Why[0].Name, e.Why[0].Note, e.Why[0].Unit, e.Rule.Labels = long, long, long, long, []string{long, long}
			r.Incident.Severity = models.Severity(long)
		},
		"a line of one place": func(r *Reasons) { r.Incident.Events[0].Rule.Line = make([]models.Point, 2) },
		"an empty mask":       func(r *Reasons) { r.Moving = &image.Gray{} },
		"a mask of one pixel": func(r *Reasons) { r.Moving = &image.Gray{Pix: []byte{255}, Stride: 1, Rect: image.Rect(0, 0, 1, 1)} },
	}
	for name, change := range spoil {
		t.Run(name, func(t *testing.T) {
			r := loiterer()
			change(&r)
			card(t, flat(160, 120, 90, 128, 128, true), r)
			card(t, models.Frame{}, r)
		})
	}
	odd := flat(64, 48, 1, 1, 1, false)
	odd.Picture.SubsampleRatio = image.YCbCrSubsampleRatio444
	if _, err := Card(odd, loiterer()); err == nil {
		t.Error("a picture that is not 4:2:0 was taken")
	}
}

func TestCardsAreAlikeAndLeaveTheirFrameAlone(t *testing.T) {
	f, r := flat(320, 240, 90, 110, 140, false), loiterer()
	before, mask := bytes.Clone(f.Picture.Y), bytes.Clone(r.Moving.Pix)
	first, err := Card(f, r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Card(f, loiterer())
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same card came out otherwise (%v)", err)
	}
	if !bytes.Equal(before, f.Picture.Y) || !bytes.Equal(mask, r.Moving.Pix) {
		t.Error("the frame or the mask was changed")
	}
}

func FuzzCard(f *testing.F) {
	f.Add("loitering", "dwell", "s", "a note", 30.2, 30., .5, int64(5e9), int64(30e9), uint8(64), uint8(48))
	f.Add("line", "", "", "", math.NaN(), math.Inf(1), -1e300, int64(math.MinInt64), int64(math.MaxInt64), uint8(1), uint8(255))
	f.Add("covered", "\xff\x00", "%", "Ж", 0., 0., 0., int64(0), int64(0), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, kind, name, unit, note string, observed, threshold, place float64, first, second int64, w, h uint8) {
		r := loiterer()
		e := &r.Incident.Events[0]
		e.Rule.Kind, e.Rule.For, e.Rule.Dwell = models.Kind(kind), time.Duration(first), time.Duration(second)
		e.Why = []models.Fact{{Name: name, Unit: unit, Note: note, Observed: observed, Threshold: threshold}}
		e.Path[0].At.Media, e.Path[1].At.Media, e.Path[2].Foot.X, e.Path[3].Score = time.Duration(first), time.Duration(second), place, place
		e.Curve[0].At.Media, e.Curve[1].Value = time.Duration(second), observed
		e.Rule.Line = []models.Point{{X: place, Y: .2}, {X: .4, Y: place}}
		e.Box = models.Box{X: place, Y: observed, W: threshold, H: .2}
		frame := models.Frame{}
		if w > 0 && h > 0 {
			frame = flat(int(w), int(h), 90, 128, 128, false)
		}
		if data, err := Card(frame, r); err != nil || len(data) == 0 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
	})
}

func BenchmarkCard(b *testing.B) {
	f, r := flat(640, 360, 90, 128, 128, false), loiterer()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Card(f, r); err != nil {
			b.Fatal(err)
		}
	}
}
