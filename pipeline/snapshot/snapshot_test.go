package snapshot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// flat is a frame of one colour.
func flat(w, h int, y, cb, cr byte, full bool) models.Frame {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	fill := func(plane []byte, v byte) {
		for i := range plane {
			plane[i] = v
		}
	}
	fill(p.Y, y)
	fill(p.Cb, cb)
	fill(p.Cr, cr)
	return models.Frame{Source: image.Pt(w, h), Picture: p, FullRange: full}
}

func decoded(t testing.TB, data []byte, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// keep writes a picture where a person can look at it, when VEDETTE_STILLS names a folder.
func keep(t testing.TB, name string, data []byte) {
	if dir := os.Getenv("VEDETTE_STILLS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Error(err)
		}
	}
}

func at(m image.Image, fx, fy float64) color.RGBA {
	b := m.Bounds()
	return color.RGBAModel.Convert(m.At(int(fx*float64(b.Dx())), int(fy*float64(b.Dy())))).(color.RGBA)
}

func distance(a, b color.RGBA) float64 {
	return math.Sqrt(math.Pow(float64(a.R)-float64(b.R), 2) + math.Pow(float64(a.G)-float64(b.G), 2) + math.Pow(float64(a.B)-float64(b.B), 2))
}

// code is what a camera sends for a colour: the definition of ITU-R BT.601 and BT.709.
func code(r, g, b, kr, kb float64, full bool) (y, cb, cr byte) {
	luma := kr*r + (1-kr-kb)*g + kb*b
	u, v := (b-luma)/(2*(1-kb)), (r-luma)/(2*(1-kr))
	if full {
		return byte(math.Round(255 * luma)), clamp(128 + 255*u), clamp(128 + 255*v)
	}
	return byte(math.Round(16 + 219*luma)), clamp(128 + 224*u), clamp(128 + 224*v)
}

func clamp(v float64) byte { return byte(max(0, min(255, math.Round(v)))) }

func TestPictureHasTheColoursThatTheCameraMeant(t *testing.T) {
	colours := [][3]float64{{0, 0, 0}, {1, 1, 1}, {.5, .5, .5}, {.8, .1, .1}, {.1, .7, .2}, {.2, .3, .9}, {.9, .8, .1}}
	for _, size := range []struct {
		name   string
		w, h   int
		source image.Point
		kr, kb float64
	}{
		{"sd", 64, 48, image.Pt(640, 480), .299, .114},
		{"hd", 64, 36, image.Pt(1920, 1080), .2126, .0722},
	} {
		for _, full := range []bool{false, true} {
			for _, c := range colours {
				y, cb, cr := code(c[0], c[1], c[2], size.kr, size.kb, full)
				f := flat(size.w, size.h, y, cb, cr, full)
				f.Source = size.source
				data, err := Picture(f, 0)
				m := decoded(t, data, err)
				want := color.RGBA{clamp(255 * c[0]), clamp(255 * c[1]), clamp(255 * c[2]), 255}
				if got := at(m, .5, .5); distance(got, want) > 7 {
					t.Errorf("%s full %v: %v became %v, want %v", size.name, full, c, got, want)
				}
				if m.Bounds().Size() != image.Pt(size.w, size.h) {
					t.Errorf("size %v", m.Bounds())
				}
			}
		}
	}
}

func TestPictureIsNoWiderThanAsked(t *testing.T) {
	for _, tt := range []struct{ max, w, h int }{{0, 101, 75}, {200, 101, 75}, {101, 101, 75}, {50, 50, 37}, {1, 1, 1}} {
		data, err := Picture(flat(101, 75, 120, 128, 128, false), tt.max)
		if got := decoded(t, data, err).Bounds().Size(); got != image.Pt(tt.w, tt.h) {
			t.Errorf("at most %d wide: %v, want %dx%d", tt.max, got, tt.w, tt.h)
		}
	}
}

func testMarks(s models.Severity) Marks {
	start := time.Date(2026, 3, 1, 23, 40, 36, 0, time.UTC)
	var path []models.PathPoint
	for i := range 40 {
		a := float64(i) / 39
		path = append(path, models.PathPoint{
			At:   models.Instant{Media: time.Duration(i) * time.Second, Wall: start.Add(time.Duration(i) * time.Second)},
			Foot: models.Point{X: .12 + .45*a, Y: .62 + .14*math.Sin(6*a)},
			Seen: i < 18 || i > 23,
		})
	}
	return Marks{
		Zone:     models.Polygon{{X: .36, Y: .34}, {X: .80, Y: .36}, {X: .84, Y: .88}, {X: .33, Y: .84}},
		Path:     path,
		Box:      models.Box{X: .52, Y: .28, W: .10, H: .30},
		Title:    "Gate · door · loitering",
		Subtitle: "2026-03-01 23:41:07.125 CET · 31.4 s since arrival",
		Severity: s,
	}
}

func TestStillShowsItsMarksOnDarkAndLight(t *testing.T) {
	for _, tt := range []struct {
		luma     byte
		severity models.Severity
	}{
		{16, models.SeverityLow}, {16, models.SeverityCritical},
		{90, models.SeverityHigh},
		{235, models.SeverityMedium}, {235, models.SeverityCritical},
	} {
		m := testMarks(tt.severity)
		data, err := Still(flat(640, 360, tt.luma, 128, 128, false), m)
		still := decoded(t, data, err)
		if got := still.Bounds().Size(); got != image.Pt(960, 540+68) {
			t.Fatalf("size %v, want 960x608", got)
		}
		picture := 540. / 608
		mark := func(name string, p models.Point, want color.RGBA) {
			t.Helper()
			// JPEG halves the resolution of colour: the nearest of nine pixels decides.
			best := 1e9
			for _, d := range []float64{-1.5, 0, 1.5} {
				for _, e := range []float64{-1.5, 0, 1.5} {
					best = min(best, distance(at(still, p.X+d/960, (p.Y+e/540)*picture), want))
				}
			}
			if best > 75 {
				t.Errorf("luma %d %s: %s has nothing near %v (distance %.0f)", tt.luma, tt.severity, name, want, best)
			}
		}
		c := severityColour(tt.severity)
		mark("the zone's edge", models.Point{X: .58, Y: .35}, white)
		mark("the box's corner", models.Point{X: m.Box.X, Y: m.Box.Y}, c)
		mark("the arrival's ring", m.Path[0].Foot, color.RGBA{A: 255})
		mark("the newest place", m.Path[39].Foot, c)
		mark("the path", m.Path[38].Foot, c)
		mark("the bar's stripe", models.Point{X: .002, Y: .97 / picture}, c)
		ground := clamp((float64(tt.luma) - 16) * 255 / 219)
		if far := at(still, .05, .1*picture); distance(far, color.RGBA{ground, ground, ground, 255}) > 3 {
			t.Errorf("luma %d: the picture is %v where nothing is marked, want %d", tt.luma, far, ground)
		}
		keep(t, fmt.Sprintf("marks-%d-%s.jpg", tt.luma, tt.severity), data)
	}
}

// A mark must differ from what lies beside it whatever the footage: that is the halo's job.
func TestEveryMarkHasContrast(t *testing.T) {
	for _, luma := range []byte{16, 60, 120, 180, 235} {
		data, err := Still(flat(960, 540, luma, 128, 128, false), testMarks(models.SeverityHigh))
		still := decoded(t, data, err)
		lo, hi := 255., 0.
		for y := 180; y < 200; y++ { // across the zone's upper edge
			c := color.GrayModel.Convert(still.At(556, y)).(color.Gray)
			lo, hi = min(lo, float64(c.Y)), max(hi, float64(c.Y))
		}
		if hi-lo < 60 {
			t.Errorf("luma %d: grey runs from %.0f to %.0f across the edge of the zone", luma, lo, hi)
		}
	}
}

func TestAPathFadesAndPredictionIsDashed(t *testing.T) {
	l := newLayer(image.Rect(0, 0, 400, 100))
	l.dashed(point{0, 50}, point{400, 50}, 20, 3, 1)
	on := 0
	for x := range 400 {
		if l.mask.AlphaAt(x, 50).A > 128 {
			on++
		}
	}
	if on < 180 || on > 260 {
		t.Errorf("%d of 400 pixels of a dashed line are drawn", on)
	}
	path := []models.PathPoint{}
	for i := range 11 {
		path = append(path, models.PathPoint{Foot: models.Point{X: float64(i) / 10, Y: .5}, Seen: true})
	}
	data, err := Still(flat(960, 540, 16, 128, 128, false), Marks{Path: path, Severity: models.SeverityMedium})
	still := decoded(t, data, err)
	old := color.GrayModel.Convert(still.At(144, 270)).(color.Gray).Y
	new := color.GrayModel.Convert(still.At(816, 270)).(color.Gray).Y
	if int(new)-int(old) < 60 || old < 30 {
		t.Errorf("the path is %d bright where it is old and %d where it is new", old, new)
	}
}

func TestAnyMarksAreDrawnWithoutHarm(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	f := flat(160, 120, 90, 128, 128, true)
	tests := map[string]Marks{
		"nothing":         {},
		"two points":      {Zone: models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 1}}},
		"one place":       {Path: []models.PathPoint{{Foot: models.Point{X: .5, Y: .5}}}},
		"outside":         {Zone: models.Polygon{{X: -9, Y: -9}, {X: 9, Y: -9}, {X: 9, Y: 9}}, Box: models.Box{X: -5, Y: -5, W: 1, H: 1}},
		"huge":            {Box: models.Box{X: -1e12, Y: -1e12, W: 2e12, H: 2e12}, Path: []models.PathPoint{{}, {Foot: models.Point{X: 1e12, Y: 1e12}}}},
		"not numbers":     {Zone: models.Polygon{{X: nan, Y: nan}, {X: inf, Y: 0}, {X: 0, Y: -inf}}, Box: models.Box{X: nan, W: 1, H: 1}, Path: []models.PathPoint{{Foot: models.Point{X: nan}}, {Foot: models.Point{X: inf}}, {}}},
		"thin":            {Box: models.Box{X: .5, Y: .5, W: 1e-9, H: 1e-9}},
		"an endless text": {Title: strings.Repeat("Ж·", 5000), Subtitle: "a\nb\x00\x1b[31m\xff", Severity: "unheard of"},
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Still(f, m)
			if got := decoded(t, data, err).Bounds().Size(); got != image.Pt(960, 720+68) {
				t.Errorf("size %v", got)
			}
		})
	}
}

func TestFramesThatAreRefused(t *testing.T) {
	odd := flat(64, 48, 1, 1, 1, false)
	odd.Picture.SubsampleRatio = image.YCbCrSubsampleRatio444
	moved := flat(64, 48, 1, 1, 1, false)
	moved.Picture = moved.Picture.SubImage(image.Rect(2, 2, 20, 20)).(*image.YCbCr)
	for name, f := range map[string]models.Frame{"without picture": {}, "4:4:4": odd, "part of a picture": moved} {
		if _, err := Still(f, Marks{}); err == nil {
			t.Errorf("Still took a frame %s", name)
		}
		if _, err := Picture(f, 0); err == nil {
			t.Errorf("Picture took a frame %s", name)
		}
		if _, err := ContactSheet([]models.Frame{f}, 1, nil); err == nil {
			t.Errorf("ContactSheet took a frame %s", name)
		}
	}
}

func TestContactSheet(t *testing.T) {
	frames := []models.Frame{
		flat(640, 360, 235, 128, 128, false), flat(320, 240, 16, 128, 128, false), flat(360, 640, 235, 128, 128, false),
		flat(640, 360, 235, 128, 128, false), flat(640, 360, 235, 128, 128, false),
	}
	data, err := ContactSheet(frames, 3, []string{"23:40:36.000 Gate", "", "23:41:07.125 Yard · a caption that is far too long for its cell"})
	m := decoded(t, data, err)
	height := 569 // of the upright picture
	if got, want := m.Bounds().Size(), image.Pt(3*332+12, 2*(height+26+12)+12); got != want {
		t.Fatalf("size %v, want %v", got, want)
	}
	for _, p := range []struct {
		what string
		x, y int
		want byte
	}{
		{"the first picture", 12 + 160, 12 + height/2, 255},
		{"beside it", 12 + 160, 12 + 10, barColour.G},
		{"the third picture", 12 + 2*332 + 160, 12 + 10, 255},
		{"the sixth, which is absent", 12 + 2*332 + 160, m.Bounds().Dy() - 200, barColour.G},
	} {
		if got := color.GrayModel.Convert(m.At(p.x, p.y)).(color.Gray).Y; math.Abs(float64(got)-float64(p.want)) > 4 {
			t.Errorf("%s: grey %d, want %d", p.what, got, p.want)
		}
	}
	if ink(m, image.Rect(12, 12+height, 332, 12+height+26)) < 50 || ink(m, image.Rect(344, 12+height, 664, 12+height+26)) != 0 {
		t.Error("captions do not stand where they belong")
	}
	keep(t, "sheet.jpg", data)

	if _, err := ContactSheet(nil, 3, nil); err == nil {
		t.Error("a sheet of nothing")
	}
	if _, err := ContactSheet(make([]models.Frame, maxCells+1), 3, nil); err == nil {
		t.Error("a sheet of too many")
	}
	tall := make([]models.Frame, 120)
	for i := range tall {
		tall[i] = flat(16, 64, 9, 9, 9, false)
	}
	if _, err := ContactSheet(tall, 1, nil); err == nil || !strings.Contains(err.Error(), "columns") {
		t.Errorf("a sheet taller than a JPEG: %v", err)
	}
	data, err = ContactSheet(tall[:7], 0, nil)
	if got := decoded(t, data, err).Bounds().Dx(); got != 3*332+12 {
		t.Errorf("seven frames without a wish make a sheet %d wide, want three columns", got)
	}
}

// ink counts the bright pixels.
func ink(m image.Image, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y > 120 {
				n++
			}
		}
	}
	return n
}

func TestTextIsSetAndFits(t *testing.T) {
	all, err := fonts()
	if err != nil {
		t.Fatal(err)
	}
	f := newFace(all.bold, 20)
	if w := f.width("Gate · door"); w < 90 || w > 130 {
		t.Errorf("11 letters of 20 pixels are %d wide", w)
	}
	if got := f.fit("Gate · door · loitering", 140); !strings.HasSuffix(got, "…") || f.width(got) > 140 || !strings.HasPrefix(got, "Gate · door") {
		t.Errorf("cut to %q", got)
	}
	if got := f.fit("anything", 3); got != "" {
		t.Errorf("three pixels hold %q", got)
	}
	draw := func(s string) *layer {
		l := newLayer(image.Rect(0, 0, 60, 40))
		l.text(f, 10, 30, 50, s)
		return l
	}
	// An O has a hole: contours of opposite winding subtract.
	o := draw("O").mask
	if o.AlphaAt(18, 23).A != 0 || ink(o, o.Rect) == 0 {
		t.Error("an O is not round")
	}
	// Letters of the alphabets that the font promises differ from its box for the unknown.
	unknown := draw("\u4e2d").mask.Pix
	for _, s := range []string{"é", "Ж", "Ω", "ß", "·", "…"} {
		if bytes.Equal(draw(s).mask.Pix, unknown) {
			t.Errorf("the font has no %q", s)
		}
	}
}

func TestFramesAreNotChangedAndCallsMayOverlap(t *testing.T) {
	f := flat(320, 240, 90, 110, 140, false)
	before := append([]byte(nil), f.Picture.Y...)
	first, err := Still(f, testMarks(models.SeverityLow))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			again, err := Still(f, testMarks(models.SeverityLow))
			if err != nil || !bytes.Equal(first, again) {
				t.Errorf("the same still came out otherwise (%v)", err)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(before, f.Picture.Y) {
		t.Error("the frame was changed")
	}
}

func BenchmarkStill(b *testing.B) {
	f := flat(640, 360, 90, 128, 128, false)
	m := testMarks(models.SeverityHigh)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Still(f, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	f := flat(640, 360, 90, 128, 128, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Picture(f, 0); err != nil {
			b.Fatal(err)
		}
	}
}
