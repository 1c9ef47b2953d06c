package snapshot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"strings"

	"github.com/disintegration/imaging"

	"github.com/vedette-cctv/vedette/models"
)

const (
	stillWidth   = 960 // least width of a still, in pixels: below it text would cover the picture's worth
	quality      = 85  // of JPEG, plain
	stillQuality = 90  // thin coloured lines suffer first
)

// Marks are what a still shows beside the picture. Each may be left out.
type Marks struct {
	Zone     models.Polygon
	Path     []models.PathPoint // oldest first
	Box      models.Box
	Title    string // such as camera · zone · kind
	Subtitle string // such as the local time with its zone, and the dwell
	Severity models.Severity
}

var (
	barColour  = color.RGBA{0x11, 0x15, 0x1c, 255}
	textColour = color.RGBA{0xf3, 0xf5, 0xf8, 255}
	softColour = color.RGBA{0xa9, 0xb5, 0xc4, 255}
	halo       = color.RGBA{0, 0, 0, 150}
	white      = color.RGBA{255, 255, 255, 255}
)

// severityColour is the console's: Okabe and Ito's vermilion, orange, yellow and sky
// blue, as they are used over footage.
func severityColour(s models.Severity) color.RGBA {
	switch s {
	case models.SeverityCritical:
		return color.RGBA{0xff, 0x6a, 0x45, 255}
	case models.SeverityHigh:
		return color.RGBA{0xf5, 0xa1, 0x1d, 255}
	case models.SeverityMedium:
		return color.RGBA{0xef, 0xe0, 0x4a, 255}
	case models.SeverityLow:
		return color.RGBA{0x56, 0xb4, 0xe9, 255}
	}
	return white
}

// Still returns a frame with its marks as JPEG. Small pictures are enlarged, so that the
// marks stay fine.
func Still(f models.Frame, m Marks) ([]byte, error) {
	plain, err := jpegColours(f)
	if err != nil {
		return nil, fmt.Errorf("still: %w", err)
	}
	w, h := plain.Rect.Dx(), plain.Rect.Dy()
	if w < stillWidth {
		w, h = stillWidth, max(1, int(math.Round(float64(h)*stillWidth/float64(w))))
	}
	unit := float64(w) / stillWidth
	bar := int(math.Round(68 * unit))
	canvas := image.NewRGBA(image.Rect(0, 0, w, h+bar))
	paste(canvas, image.Rect(0, 0, w, h), plain)

	picture := canvas.SubImage(image.Rect(0, 0, w, h)).(*image.RGBA)
	markUp(picture, m, unit)
	if err := caption(canvas, h, m, unit); err != nil {
		return nil, fmt.Errorf("still: %w", err)
	}
	return encode(canvas, stillQuality)
}

// Picture returns a frame as it is, as JPEG, no wider than maxWidth pixels; 0 is no limit.
func Picture(f models.Frame, maxWidth int) ([]byte, error) {
	plain, err := jpegColours(f)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	if maxWidth <= 0 || plain.Rect.Dx() <= maxWidth {
		return encode(plain, quality)
	}
	return encode(imaging.Resize(plain, maxWidth, 0, imaging.Lanczos), quality)
}

// paste fills r of dst with src, resampled if it has another size.
func paste(dst *image.RGBA, r image.Rectangle, src image.Image) {
	if src.Bounds().Size() != r.Size() {
		src = imaging.Resize(src, r.Dx(), r.Dy(), imaging.CatmullRom)
	}
	draw.Draw(dst, r, src, src.Bounds().Min, draw.Src)
}

func encode(m image.Image, quality int) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}
	return out.Bytes(), nil
}

// markUp draws zone, path and box on the picture. unit is one pixel of a still of the
// usual width.
func markUp(picture *image.RGBA, m Marks, unit float64) {
	w, h := float64(picture.Rect.Dx()), float64(picture.Rect.Dy())
	at := func(p models.Point) point { return point{p.X * w, p.Y * h} }
	l := newLayer(picture.Rect)
	c := severityColour(m.Severity)

	markArea(picture, l, m.Zone, at, unit)
	if len(m.Path) > 0 {
		drawPath(picture, l, m.Path, at, c, unit)
	}
	if !m.Box.Empty() {
		a, b := at(models.Point{X: m.Box.X, Y: m.Box.Y}), at(models.Point{X: m.Box.X + m.Box.W, Y: m.Box.Y + m.Box.H})
		drawBox(picture, l, a, b, c, unit)
	}
}

// markArea draws the outline of a zone, and lightens what lies in it.
func markArea(picture *image.RGBA, l *layer, area models.Polygon, at func(models.Point) point, unit float64) {
	if len(area) < 3 {
		return
	}
	corners := make([]point, len(area))
	for i, p := range area {
		corners[i] = at(p)
	}
	l.fill(1, corners)
	l.over(picture, color.RGBA{255, 255, 255, 20})
	l.outline(corners, 4.5*unit)
	l.over(picture, halo)
	l.outline(corners, 2*unit)
	l.over(picture, color.RGBA{255, 255, 255, 235})
}

// drawPath draws where the track's foot point has been. The older half of the path fades
// to a quarter; a ring marks the arrival, a dot the newest place.
func drawPath(picture *image.RGBA, l *layer, path []models.PathPoint, at func(models.Point) point, c color.RGBA, unit float64) {
	draw := func(width float64) {
		for i := 1; i < len(path); i++ {
			age := 1 - float64(i)/float64(len(path)-1)
			strength := 1 - .75*age
			a, b := at(path[i-1].Foot), at(path[i].Foot)
			if path[i].Seen {
				l.line(a, b, width, strength)
			} else {
				l.dashed(a, b, 5*unit, width, strength)
			}
		}
	}
	first, last := at(path[0].Foot), at(path[len(path)-1].Foot)
	draw(6 * unit)
	l.fill(1, disc(first, 7.5*unit))
	l.fill(1, disc(last, 7.5*unit))
	l.over(picture, halo)
	draw(3 * unit)
	l.fill(1, disc(first, 5.5*unit))
	l.fill(1, disc(last, 5.5*unit))
	l.over(picture, c)
	l.fill(1, disc(first, 3*unit)) // the ring of the arrival
	l.over(picture, color.RGBA{0, 0, 0, 230})
}

// drawBox draws a thin frame with strong corners, which leaves the person visible.
func drawBox(picture *image.RGBA, l *layer, a, b point, c color.RGBA, unit float64) {
	corners := []point{a, {b.x, a.y}, b, {a.x, b.y}}
	arm := math.Min(18*unit, math.Min(b.x-a.x, b.y-a.y)/3)
	strong := func(width float64) {
		for i, p := range corners {
			for _, q := range []point{corners[(i+1)%4], corners[(i+3)%4]} {
				length := math.Hypot(q.x-p.x, q.y-p.y)
				l.line(p, point{p.x + (q.x-p.x)*arm/length, p.y + (q.y-p.y)*arm/length}, width, 1)
			}
		}
	}
	l.outline(corners, 3*unit)
	strong(6 * unit)
	l.over(picture, halo)
	l.outline(corners, 1.25*unit)
	strong(3.25 * unit)
	l.over(picture, c)
}

// caption draws the bar under the picture, which begins at line top.
func caption(canvas *image.RGBA, top int, m Marks, unit float64) error {
	fonts, err := fonts()
	if err != nil {
		return err
	}
	px := func(v float64) int { return int(math.Round(v * unit)) }
	w, h := canvas.Rect.Dx(), canvas.Rect.Dy()
	draw.Draw(canvas, image.Rect(0, top, w, h), image.NewUniform(barColour), image.Point{}, draw.Src)
	l := newLayer(canvas.Rect)
	c := severityColour(m.Severity)

	left, right := px(20), w-px(20)
	if m.Severity.Rank() >= 0 {
		draw.Draw(canvas, image.Rect(0, top, px(5), h), image.NewUniform(c), image.Point{}, draw.Src)
		face := newFace(fonts.bold, 15*unit)
		word := strings.ToUpper(string(m.Severity))
		width := face.width(word)
		middle := float64(top+h) / 2
		l.text(face, right-width, int(middle+5.5*unit), w, word)
		l.fill(1, badge(m.Severity, point{float64(right-width) - 19*unit, middle}, 9*unit))
		l.over(canvas, c)
		right -= width + px(48)
	}
	l.text(newFace(fonts.bold, 20*unit), left, top+px(30), right-left, m.Title)
	l.over(canvas, textColour)
	l.text(newFace(fonts.regular, 16*unit), left, top+px(53), right-left, m.Subtitle)
	l.over(canvas, softColour)
	return nil
}

// badge is the shape that says the severity to those who do not see its colour.
func badge(s models.Severity, c point, radius float64) []point {
	switch s {
	case models.SeverityCritical:
		return regular(c, radius, 8, math.Pi/8)
	case models.SeverityHigh:
		return regular(point{c.x, c.y + radius/5}, radius*1.1, 3, -math.Pi/2)
	case models.SeverityMedium:
		return regular(c, radius, 4, 0)
	}
	return disc(c, radius*.85)
}
