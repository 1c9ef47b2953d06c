package exhibit

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // stills
	"strings"
	"sync"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

// A4 with room for punched holes, in mm.
const (
	pageWidth   = 210.0
	pageHeight  = 297.0
	marginLeft  = 20.0
	marginRight = 15.0
	marginTop   = 16.0
	marginFoot  = 20.0
	textWidth   = pageWidth - marginLeft - marginRight
)

type ink struct{ r, g, b int }

var (
	inkText = ink{0x16, 0x1b, 0x22}
	inkSoft = ink{0x57, 0x60, 0x6c}
	inkRule = ink{0xc4, 0xca, 0xd2}
	inkWell = ink{0xf0, 0xf2, 0xf5}
	inkGood = ink{0x1f, 0x6b, 0x45}
	inkBad  = ink{0xb0, 0x3a, 0x1a}
)

// paper lays text, tables and pictures one below the other on pages.
type paper struct {
	*fpdf.Fpdf
	foot string
}

// newPaper begins a document. Nothing in it depends on when or where it is made but for
// what is passed in, so that the same incident gives the same bytes.
func newPaper(title, foot string, at time.Time) *paper {
	f := fpdf.New("P", "mm", "A4", "")
	p := &paper{Fpdf: f, foot: foot}
	f.SetCatalogSort(true)
	f.SetCreationDate(at.UTC())
	f.SetModificationDate(at.UTC())
	f.SetTitle(title, true)
	f.SetProducer("vedette", true)
	f.AddUTF8FontFromBytes("go", "", goregular.TTF)
	f.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	f.AddUTF8FontFromBytes("mono", "", gomono.TTF)
	f.SetMargins(marginLeft, marginTop, marginRight)
	f.SetAutoPageBreak(false, marginFoot)
	f.SetCellMargin(0)
	f.AliasNbPages("{nb}")
	f.SetFooterFunc(func() {
		f.SetY(-14)
		p.colour(inkRule)
		f.Line(marginLeft, pageHeight-15.5, pageWidth-marginRight, pageHeight-15.5)
		p.font("", 7.5, inkSoft)
		f.CellFormat(textWidth-30, 5, p.fit(foot, textWidth-32), "", 0, "L", false, 0, "")
		f.CellFormat(30, 5, fmt.Sprintf("page %d of {nb}", f.PageNo()), "", 0, "R", false, 0, "")
	})
	f.AddPage()
	return p
}

func (p *paper) font(style string, size float64, c ink) {
	p.SetFont("go", style, size)
	p.SetTextColor(c.r, c.g, c.b)
}

func (p *paper) mono(size float64, c ink) {
	p.SetFont("mono", "", size)
	p.SetTextColor(c.r, c.g, c.b)
}

func (p *paper) colour(c ink) { p.SetDrawColor(c.r, c.g, c.b); p.SetLineWidth(.25) }
func (p *paper) fill(c ink)   { p.SetFillColor(c.r, c.g, c.b) }

// room begins a new page unless so much is left on this one.
func (p *paper) room(height float64) {
	if p.GetY()+height > pageHeight-marginFoot && p.GetY() > marginTop+1 {
		p.AddPage()
	}
}

func (p *paper) gap(height float64) { p.SetY(p.GetY() + height) }

// heading begins a section; at least so much of it stays with its heading.
func (p *paper) heading(text string, with float64) {
	p.gap(5)
	p.room(9 + with)
	p.font("B", 11.5, inkText)
	p.CellFormat(textWidth, 6, printable(text), "", 1, "L", false, 0, "")
	p.colour(inkText)
	p.Line(marginLeft, p.GetY()+.4, pageWidth-marginRight, p.GetY()+.4)
	p.gap(2.6)
}

// paragraph sets text in lines of the whole width.
func (p *paper) paragraph(text string, size float64, c ink) {
	p.font("", size, c)
	height := size * .48
	for _, line := range p.lines(text, textWidth) {
		p.room(height)
		p.font("", size, c)
		p.CellFormat(textWidth, height, line, "", 1, "L", false, 0, "")
	}
}

// lines breaks text by the font that is set.
func (p *paper) lines(text string, width float64) []string {
	if text = printable(text); text == "" {
		return []string{""}
	}
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		for {
			with := word
			if line != "" {
				with = line + " " + word
			}
			if p.GetStringWidth(with) <= width {
				line = with
				break
			}
			if line != "" {
				out, line = append(out, line), ""
				continue
			}
			// One word that is wider than the column, such as a hash.
			head := p.head(word, width)
			out, word = append(out, head), word[len(head):]
			if word == "" {
				break
			}
		}
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}

// head is as much of a word as fits, at least one letter.
func (p *paper) head(word string, width float64) string {
	n := 0
	for i, r := range word {
		if i > 0 && p.GetStringWidth(word[:i+len(string(r))]) > width {
			return word[:i]
		}
		n = i + len(string(r))
	}
	return word[:n]
}

// fit makes one line of text that is no wider than width.
func (p *paper) fit(text string, width float64) string {
	text = printable(text)
	if p.GetStringWidth(text) <= width {
		return text
	}
	return p.head(text, width-p.GetStringWidth("…")) + "…"
}

// column of a table.
type column struct {
	title string
	width float64 // mm
	mono  bool
	right bool
}

// inner is the width of the text in a cell. What ends at the right keeps away from what
// begins there.
func (c column) inner() float64 {
	if c.right {
		return c.width - 4
	}
	return c.width - 2
}

const (
	tableText = 8.2
	tableLine = 4.0
	tablePad  = 1.1
)

// table sets rows under a head that is repeated on each page. A row is not cut in two
// unless it is longer than a page.
func (p *paper) table(columns []column, rows [][]string) {
	for r, row := range rows {
		cells := make([][]string, len(columns))
		most := 1
		for i, c := range columns {
			p.cellFont(c)
			cells[i] = p.lines(row[i], c.inner())
			most = max(most, len(cells[i]))
		}
		if r == 0 { // a head never stands alone at the foot of a page
			p.room(min(14+float64(most)*tableLine, (pageHeight-marginFoot)/2))
			p.tableHead(columns)
		}
		for from := 0; from < most; {
			fits := int((pageHeight - marginFoot - p.GetY() - 2*tablePad) / tableLine)
			n := min(most-from, fits)
			if fits < 1 || n < most-from && from == 0 && p.GetY() > marginTop+20 {
				p.AddPage()
				p.tableHead(columns)
				continue
			}
			p.tableRow(columns, cells, from, n)
			from += n
		}
	}
	p.gap(1)
}

func (p *paper) cellFont(c column) {
	if c.mono {
		p.mono(tableText-1, inkText)
		return
	}
	p.font("", tableText, inkText)
}

func (p *paper) tableHead(columns []column) {
	p.fill(inkWell)
	p.Rect(marginLeft, p.GetY(), textWidth, 5.4, "F")
	x := marginLeft
	for _, c := range columns {
		p.font("B", 7.6, inkSoft)
		p.SetX(x + 1)
		p.CellFormat(c.inner(), 5.4, c.title, "", 0, align(c), false, 0, "")
		x += c.width
	}
	p.SetXY(marginLeft, p.GetY()+5.4)
}

// tableRow draws n lines of a row, from line first on.
func (p *paper) tableRow(columns []column, cells [][]string, first, n int) {
	top, x := p.GetY(), marginLeft
	for i, c := range columns {
		p.cellFont(c)
		for j := first; j < min(first+n, len(cells[i])); j++ {
			p.SetXY(x+1, top+tablePad+float64(j-first)*tableLine)
			p.CellFormat(c.inner(), tableLine, cells[i][j], "", 0, align(c), false, 0, "")
		}
		x += c.width
	}
	bottom := top + 2*tablePad + float64(n)*tableLine
	p.colour(inkRule)
	p.Line(marginLeft, bottom, pageWidth-marginRight, bottom)
	p.SetXY(marginLeft, bottom)
}

func align(c column) string {
	if c.right {
		return "R"
	}
	return "L"
}

// facts sets pairs of name and value in two columns of pairs. Pairs without a value are
// left out.
func (p *paper) facts(pairs [][2]string) {
	const half, name = textWidth / 2, 27.0
	var shown [][2]string
	for _, f := range pairs {
		if f[1] != "" {
			shown = append(shown, f)
		}
	}
	for i := 0; i < len(shown); i += 2 {
		row := shown[i:min(i+2, len(shown))]
		var values [][]string
		most := 1
		for _, f := range row {
			p.font("", 9, inkText)
			v := p.lines(f[1], half-name-4)
			values, most = append(values, v), max(most, len(v))
		}
		height := float64(most)*4.4 + 1.4
		p.room(height)
		top := p.GetY()
		for j, f := range row {
			x := marginLeft + float64(j)*half
			p.font("", 8, inkSoft)
			p.SetXY(x, top)
			p.CellFormat(name, 4.4, f[0], "", 0, "L", false, 0, "")
			p.font("", 9, inkText)
			for k, line := range values[j] {
				p.SetXY(x+name, top+float64(k)*4.4)
				p.CellFormat(half-name-2, 4.4, line, "", 0, "L", false, 0, "")
			}
		}
		p.SetXY(marginLeft, top+height)
	}
}

// picture sets a JPEG, no larger than width x height, in the middle. What is no JPEG that a
// PDF can hold is left out.
func (p *paper) picture(name string, data []byte, width, height float64, caption string) {
	w, h := fitted(data, width, height)
	if h == 0 {
		return
	}
	o := fpdf.ImageOptions{ImageType: "JPG"}
	p.RegisterImageOptionsReader(name, o, bytes.NewReader(data))
	p.room(h + 7)
	x, y := marginLeft+(textWidth-w)/2, p.GetY()
	p.ImageOptions(name, x, y, w, h, false, o, 0, "")
	p.colour(inkRule)
	p.Rect(x, y, w, h, "D")
	p.SetXY(marginLeft, y+h+1)
	p.font("", 7.6, inkSoft)
	p.CellFormat(textWidth, 4, p.fit(caption, textWidth), "", 1, "C", false, 0, "")
	p.gap(1.5)
}

// fitted is the size of a JPEG that is no larger than width x height; 0 when it is none.
func fitted(data []byte, width, height float64) (w, h float64) {
	cfg, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || kind != "jpeg" || cfg.Width <= 0 || cfg.Height <= 0 {
		return 0, 0
	}
	w, h = width, width*float64(cfg.Height)/float64(cfg.Width)
	if h > height {
		w, h = height*float64(cfg.Width)/float64(cfg.Height), height
	}
	return w, h
}

// bytes ends the document.
func (p *paper) bytes() ([]byte, error) {
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// maxText bounds what one cell or paragraph holds, in letters: notes come from people.
const maxText = 4000

var knownLetters = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(goregular.TTF) })

// printable makes text that the Go fonts can show: Latin, Greek and Cyrillic. Other letters
// become boxes; the JSON of the record has them as they are.
func printable(s string) string {
	font, err := knownLetters()
	if err != nil {
		return s
	}
	var buf sfnt.Buffer
	n := 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if n++; n > maxText {
			return -1
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		if r < 0x7f && r >= ' ' {
			return r
		}
		if g, err := font.GlyphIndex(&buf, r); r > 0xffff || !unicode.IsPrint(r) || err != nil || g == 0 {
			return '□'
		}
		return r
	}, s))
}
