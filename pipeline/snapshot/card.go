package snapshot

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Sizes of a why card in pixels. On a phone the card is shown at about 0.36 of its size,
// where the smallest letters are those of small print.
const (
	cardWidth   = 1080
	cardPicture = 1080 // greatest height of the picture
	cardMargin  = 40
	cardQuality = 75
	maxFacts    = 8 // on one card; the record has them all
)

var (
	cardColour = color.RGBA{0x0b, 0x0e, 0x13, 255} // the console's surface
	wellColour = color.RGBA{0x18, 0x1d, 0x26, 255}
	ruleColour = color.RGBA{0x22, 0x29, 0x34, 255} // lines between the parts
	railColour = color.RGBA{0x34, 0x3d, 0x4b, 255}
	dimColour  = color.RGBA{0x78, 0x86, 0x9a, 255}
)

// Reasons are what a why card shows.
type Reasons struct {
	// Incident whose first event is explained. Without an event the card says what the
	// record does.
	Incident models.Incident
	Name     string         // of the camera, for people; default: its ID
	Moving   *image.Gray    // what moved at the alarm, 255 = moving, of any size; may be nil
	Place    *time.Location // whose wall clock is shown; default: the machine's
}

// Card returns the picture of why an incident was opened: the frame of the alarm with the
// zone or line, what moved, the path with times and the box, and below it the rule, what
// it compared with what, how that came about over time, and under which configuration.
// A frame without a picture, as when a camera is lost, leaves the words.
func Card(f models.Frame, r Reasons) ([]byte, error) {
	canvas, err := compose(f, r)
	if err != nil {
		return nil, fmt.Errorf("why card: %w", err)
	}
	return encode(canvas, cardQuality)
}

func compose(f models.Frame, r Reasons) (*image.RGBA, error) {
	fonts, err := fonts()
	if err != nil {
		return nil, err
	}
	var plain *image.YCbCr
	top := image.Rectangle{}
	if f.Picture != nil {
		if plain, err = jpegColours(f); err != nil {
			return nil, err
		}
		height := math.Round(float64(plain.Rect.Dy()) * cardWidth / float64(plain.Rect.Dx()))
		top = image.Rect(0, 0, cardWidth, int(max(1, min(cardPicture, height))))
	}
	event := firstEvent(r.Incident)
	panel := &panel{colour: severityColour(r.Incident.Severity),
		title: newFace(fonts.bold, 44), strong: newFace(fonts.bold, 32), plain: newFace(fonts.regular, 32), small: newFace(fonts.regular, 27)}
	panel.head(r, event, f.Clock)
	panel.rule(event)
	panel.facts(event.Why)
	panel.curves(event)
	panel.foot(r.Incident)

	height := top.Dy() + 12
	for _, b := range panel.blocks {
		height += b.height
	}
	canvas := image.NewRGBA(image.Rect(0, 0, cardWidth, height))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(cardColour), image.Point{}, draw.Src)
	panel.canvas, panel.layer = canvas, newLayer(canvas.Rect)
	if plain != nil {
		at := fitted(plain.Rect.Size(), top)
		draw.Draw(canvas, top, image.NewUniform(color.Black), image.Point{}, draw.Src)
		paste(canvas, at, plain)
		explain(canvas.SubImage(at).(*image.RGBA), panel, event, r)
	}
	draw.Draw(canvas, image.Rect(0, top.Dy(), cardWidth, top.Dy()+8), image.NewUniform(panel.colour), image.Point{}, draw.Src)
	y := top.Dy() + 8
	for _, b := range panel.blocks {
		b.draw(y)
		y += b.height
	}
	return canvas, nil
}

// fitted is the largest area of the picture's proportions in the middle of r.
func fitted(size image.Point, r image.Rectangle) image.Rectangle {
	w := min(r.Dx(), max(1, int(math.Round(float64(size.X)*float64(r.Dy())/float64(size.Y)))))
	x := r.Min.X + (r.Dx()-w)/2
	return image.Rect(x, r.Min.Y, x+w, r.Max.Y)
}

// firstEvent is the event that opened the incident, or what the record says in its place.
func firstEvent(in models.Incident) models.Event {
	if len(in.Events) > 0 {
		return in.Events[0]
	}
	return models.Event{Rule: models.Rule{Kind: in.Kind}, Label: in.Label, Score: in.Score, Box: in.Box,
		Start: models.Instant{Wall: in.Start}, Alarm: models.Instant{Wall: in.Alarm, Media: in.Alarm.Sub(in.Start)}}
}

// panel is the lower part of a card: blocks that are measured first and drawn then.
type panel struct {
	canvas                      *image.RGBA
	layer                       *layer
	colour                      color.RGBA // of the severity
	title, strong, plain, small *face
	blocks                      []block
}

type block struct {
	height int
	draw   func(y int)
}

const textWidth = cardWidth - 2*cardMargin

func (s *panel) add(height int, draw func(y int)) { s.blocks = append(s.blocks, block{height, draw}) }

// write puts one line with its baseline at y, from x, cut at limit pixels.
func (s *panel) write(f *face, c color.RGBA, x, y, limit int, text string) {
	s.layer.text(f, x, y, limit, text)
	s.layer.over(s.canvas, c)
}

// writeRight puts a line that ends at x and returns its width.
func (s *panel) writeRight(f *face, c color.RGBA, x, y, limit int, text string) int {
	text = f.fit(text, limit)
	w := f.width(text)
	s.write(f, c, x-w, y, limit, text)
	return w
}

// paragraph adds text broken into lines, at most so many.
func (s *panel) paragraph(f *face, c color.RGBA, text string, lines, leading int) {
	for _, line := range f.wrap(text, textWidth, lines) {
		s.add(leading, func(y int) { s.write(f, c, cardMargin, y+leading-leading/4, textWidth, line) })
	}
}

func (s *panel) gap(height int) { s.add(height, func(int) {}) }

// divide adds a thin line between two parts.
func (s *panel) divide() {
	s.add(49, func(y int) {
		draw.Draw(s.canvas, image.Rect(cardMargin, y+24, cardWidth-cardMargin, y+26), image.NewUniform(ruleColour), image.Point{}, draw.Src)
	})
}

// head names place, kind and severity, and when it was.
func (s *panel) head(r Reasons, e models.Event, clock models.Clock) {
	in := r.Incident
	where := r.Name
	if where == "" {
		where = string(in.Camera)
	}
	if in.Zone != "" {
		where += " · " + string(in.Zone)
	}
	s.gap(16)
	s.add(56, func(y int) {
		right := cardWidth - cardMargin
		if in.Severity.Rank() >= 0 {
			right -= s.writeRight(s.strong, s.colour, right, y+42, textWidth/3, strings.ToUpper(string(in.Severity))) + 36
			s.layer.fill(1, badge(in.Severity, point{float64(right) + 12, float64(y) + 31}, 15))
			s.layer.over(s.canvas, s.colour)
			right -= 36
		}
		s.write(s.title, textColour, cardMargin, y+44, right-cardMargin, where)
	})
	place := r.Place
	if place == nil {
		place = time.Local
	}
	when := in.Alarm.In(place).Format("Mon 2006-01-02 15:04:05.000 MST")
	if clock == models.ClockFile { // a film knows no time of day
		when = span(elapsed(models.Event{}, e.Alarm)) + " into the film"
	}
	if since := in.Alarm.Sub(in.Start); since >= 100*time.Millisecond {
		when += " · " + span(since) + " after it began"
	}
	s.paragraph(s.small, softColour, when, 2, 38)
}

// rule says what was watched for.
func (s *panel) rule(e models.Event) {
	s.divide()
	words := kindWord(e.Rule.Kind)
	if w := ruleInWords(e.Rule); !strings.EqualFold(w, words) {
		words += ": " + w
	}
	s.paragraph(s.strong, textColour, words, 3, 42)
	if c := conditions(e.Rule); len(c) > 0 {
		s.gap(4)
		s.paragraph(s.small, softColour, sentence(strings.Join(c, " · ")), 2, 36)
	}
}

// facts shows what was observed beside what it was compared with, each with a bar.
func (s *panel) facts(facts []models.Fact) {
	if len(facts) == 0 {
		return
	}
	s.divide()
	for i, f := range facts[:min(len(facts), maxFacts)] {
		if i > 0 {
			s.gap(14)
		}
		s.add(44, func(y int) {
			const limit = textWidth / 3
			x := cardWidth - cardMargin
			if f.Threshold != 0 {
				x -= s.writeRight(s.plain, softColour, x, y+34, limit, thresholdInWords(f)) + 28
			}
			x -= s.writeRight(s.strong, textColour, x, y+34, limit, quantity(f.Observed, f.Unit)) + 20
			s.write(s.plain, softColour, cardMargin, y+34, x-cardMargin, sentence(strings.ReplaceAll(f.Name, "_", " ")))
		})
		s.add(28, func(y int) { s.bar(y+14, f) })
		if f.Note != "" {
			s.paragraph(s.small, dimColour, f.Note, 2, 34)
		}
	}
	if more := len(facts) - maxFacts; more > 0 {
		s.paragraph(s.small, dimColour, fmt.Sprintf("and %d more in the record", more), 1, 40)
	}
}

// thresholdInWords leaves out a long unit, which stands beside the observed value.
func thresholdInWords(f models.Fact) string {
	if len(f.Unit) > 2 {
		return "threshold " + number(f.Threshold)
	}
	return "threshold " + quantity(f.Threshold, f.Unit)
}

// bar draws the observed value as a bar and the threshold, if there is one, as a mark on
// the rail.
func (s *panel) bar(y int, f models.Fact) {
	lo, hi := min(0, f.Observed, f.Threshold), max(0, f.Observed, f.Threshold)
	left, right := float64(cardMargin)+7, float64(cardWidth-cardMargin)-7
	middle := float64(y)
	s.layer.line(point{left, middle}, point{right, middle}, 14, 1)
	s.layer.over(s.canvas, railColour)
	if math.IsNaN(lo+hi) || math.IsInf(hi-lo, 0) || hi == lo {
		return
	}
	hi += (hi - lo) * .15 // so that neither end is the end of the rail
	at := func(v float64) float64 { return left + (right-left)*(v-lo)/(hi-lo) }
	s.layer.line(point{at(0), middle}, point{at(f.Observed), middle}, 14, 1)
	s.layer.over(s.canvas, color.RGBA{0xd5, 0xdc, 0xe5, 255})
	if f.Threshold == 0 {
		return
	}
	mark := at(f.Threshold)
	s.layer.line(point{mark, middle - 13}, point{mark, middle + 13}, 9, 1)
	s.layer.over(s.canvas, cardColour)
	s.layer.line(point{mark, middle - 13}, point{mark, middle + 13}, 4, 1)
	s.layer.over(s.canvas, s.colour)
}

// foot says under which configuration and by which program.
func (s *panel) foot(in models.Incident) {
	s.divide()
	config := in.Config
	if len(config) > 16 {
		config = config[:16]
	}
	var parts []string
	for _, p := range []struct{ name, value string }{{"configuration ", config}, {"vedette ", in.Version}, {"camera ", string(in.Camera)}} {
		if p.value != "" {
			parts = append(parts, p.name+p.value)
		}
	}
	s.paragraph(s.small, dimColour, sentence(strings.Join(parts, " · ")), 2, 36)
	s.paragraph(s.small, dimColour, string(in.ID), 2, 36)
	s.gap(24)
}
