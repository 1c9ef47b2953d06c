package snapshot

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"math"

	"github.com/vedette-cctv/vedette/models"
)

const (
	cellWidth  = 320 // of a picture in a contact sheet, in pixels
	cellGap    = 12
	cellText   = 26 // height of a caption
	maxCells   = 400
	maxLines   = 65535 // of a JPEG (ITU-T T.81)
	maxColumns = 20
)

// ContactSheet returns the frames side by side as JPEG, in rows of so many columns; 0 is
// near a square. captions[i] stands under frame i; there may be fewer. At most 400 frames
// fit one sheet.
func ContactSheet(frames []models.Frame, columns int, captions []string) ([]byte, error) {
	switch {
	case len(frames) == 0:
		return nil, errors.New("contact sheet: there are no frames")
	case len(frames) > maxCells:
		return nil, fmt.Errorf("contact sheet: %d frames; at most %d fit", len(frames), maxCells)
	}
	if columns <= 0 {
		columns = int(math.Ceil(math.Sqrt(float64(len(frames)))))
	}
	columns = min(columns, len(frames), maxColumns)
	fonts, err := fonts()
	if err != nil {
		return nil, fmt.Errorf("contact sheet: %w", err)
	}
	pictures := make([]*image.YCbCr, len(frames))
	height := 0 // of the tallest picture: frames of different cameras may differ
	for i, f := range frames {
		p, err := jpegColours(f)
		if err != nil {
			return nil, fmt.Errorf("contact sheet: frame %d: %w", i, err)
		}
		pictures[i] = p
		height = max(height, scaledHeight(p))
	}
	height = min(height, 2*cellWidth)
	below := 0
	if len(captions) > 0 {
		below = cellText
	}
	rows := (len(frames) + columns - 1) / columns
	if rows*(height+below+cellGap)+cellGap > maxLines {
		return nil, fmt.Errorf("contact sheet: %d rows are too tall for a JPEG; use more than %d columns", rows, columns)
	}
	sheet := image.NewRGBA(image.Rect(0, 0,
		columns*(cellWidth+cellGap)+cellGap, rows*(height+below+cellGap)+cellGap))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(barColour), image.Point{}, draw.Src)

	face := newFace(fonts.regular, 14)
	l := newLayer(sheet.Rect)
	for i, p := range pictures {
		x := cellGap + i%columns*(cellWidth+cellGap)
		y := cellGap + i/columns*(height+below+cellGap)
		paste(sheet, within(p, image.Rect(x, y, x+cellWidth, y+height)), p)
		if i < len(captions) {
			l.text(face, x+2, y+height+18, cellWidth-4, captions[i])
		}
	}
	l.over(sheet, textColour)
	return encode(sheet, quality)
}

// scaledHeight is the height of a picture that is made as wide as a cell.
func scaledHeight(p *image.YCbCr) int {
	return max(1, int(math.Round(float64(p.Rect.Dy())*cellWidth/float64(p.Rect.Dx()))))
}

// within is the largest area of the picture's proportions in the middle of a cell.
func within(p *image.YCbCr, cell image.Rectangle) image.Rectangle {
	w, h := cell.Dx(), scaledHeight(p)
	if h > cell.Dy() {
		w, h = max(1, w*cell.Dy()/h), cell.Dy()
	}
	at := cell.Min.Add(image.Pt((cell.Dx()-w)/2, (cell.Dy()-h)/2))
	return image.Rectangle{at, at.Add(image.Pt(w, h))}
}
