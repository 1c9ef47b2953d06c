package pipeline

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const (
	redactWords = "redacted copy – not the original"
	// redactSchema is the version of RedactReport.
	redactSchema = 1
	// mosaicShare gives the side of a cell of the mosaic as a share of the picture's height,
	// and mosaicLeast the least in pixels. A face that a court could recognise is 90 pixels
	// wide (EN 62676-4, identify); of one that fills a sixth of the picture's height two
	// cells by three are left.
	mosaicShare = 20
	mosaicLeast = 16
	// mosaicLevels is how many shades a cell can have. Few of them, with noise that nobody
	// can take off again, keep the cells of many pictures from being put together.
	mosaicLevels = 6
)

// RedactOptions say what of a clip is made unrecognisable. At least one of Boxes and
// Regions is set.
type RedactOptions struct {
	// Boxes are what is hidden in the picture that was taken at a time, such as the other
	// people; see People.
	Boxes func(at time.Time) []models.Box
	// Regions are hidden throughout.
	Regions []models.Polygon
	// Sign, when set, signs the report (models.PurposeRedaction).
	Sign func(purpose string, data []byte) (models.Signature, error)
	// Incident, Camera, Master, By, Why, At and Software stand in the report. Master is the
	// key or the file name of the master.
	Incident models.IncidentID
	Camera   models.CameraID
	Master   string
	By, Why  string
	At       time.Time
	Software string
	Kept     []models.TrackID
	// Progress, when set, is told how many pictures are done, of about how many.
	Progress func(done, total int)
}

// RedactReport says what was done to which clip, and joins the copy to its untouched master
// by their hashes. It lies beside the copy with .json added to its name, and the signature
// over that file's bytes beside it with .sig added to that.
type RedactReport struct {
	Schema   int               `json:"schema"`
	Master   models.Object     `json:"master"`
	Copy     models.Object     `json:"copy"`
	Incident models.IncidentID `json:"incident,omitempty"`
	Camera   models.CameraID   `json:"camera,omitempty"`
	By       string            `json:"by"`
	Why      string            `json:"why,omitempty"`
	At       time.Time         `json:"at"`
	Software string            `json:"software"`
	Method   string            `json:"method"`
	Kept     []models.TrackID  `json:"kept_tracks,omitempty"`
	Regions  []models.Polygon  `json:"regions,omitempty"`
	Frames   int               `json:"frames"`
	Hidden   int               `json:"frames_with_something_hidden"`
	Boxes    int               `json:"boxes_hidden"`
	// Withheld counts the damaged pictures of the master that the copy does not show.
	Withheld int `json:"frames_withheld"`
}

// Redact makes a marked working copy of the clip in a file, in which boxes and regions are
// a coarse mosaic. The master is only read. out must not exist yet.
func Redact(ctx context.Context, master, out string, o RedactOptions) (RedactReport, error) {
	r, err := redact(ctx, master, out, o)
	if err != nil {
		return RedactReport{}, fmt.Errorf("redact %s: %w", filepath.Base(master), err)
	}
	return r, nil
}

func redact(ctx context.Context, master, out string, o RedactOptions) (r RedactReport, err error) {
	if o.Boxes == nil && len(o.Regions) == 0 {
		return r, errors.New("nothing is to be hidden")
	}
	if _, err := os.Lstat(out); err == nil {
		return r, fmt.Errorf("%s exists already: remove it, or choose another name", out)
	}
	r = RedactReport{Schema: redactSchema, Incident: o.Incident, Camera: o.Camera, By: o.By, Why: o.Why, At: o.At.UTC(),
		Software: o.Software, Kept: o.Kept, Regions: o.Regions, Method: fmt.Sprintf(
			"mosaic of cells of a %dth of the picture's height, at least %d pixels, in %d shades of grey with noise; encoded anew in H.264",
			mosaicShare, mosaicLeast, mosaicLevels)}
	if r.Master, err = objectOf(ctx, master, models.RoleClip, o.Master); err != nil {
		return r, err
	}
	m, err := newMosaic(o.Regions)
	if err != nil {
		return r, err
	}
	w := workingCopy{master: master, sum: r.Master.SHA256, out: out, words: redactWords, title: "Redacted copy, not the original",
		progress: o.Progress, edit: func(f models.Frame) error {
			var boxes []models.Box
			if o.Boxes != nil {
				boxes = o.Boxes(f.At.Wall)
			}
			r.Boxes += len(boxes)
			if m.hide(f.Picture, boxes) {
				r.Hidden++
			}
			return nil
		}}
	made, err := w.make(ctx)
	if err != nil {
		return r, err
	}
	r.Frames, r.Withheld = made.info.Frames, made.withheld
	if r.Copy, err = objectOf(ctx, out, models.RoleCopy, filepath.Base(out)); err == nil {
		err = r.write(out, o.Sign)
	}
	if err != nil { // a copy that nothing joins to its master is worth nothing
		return r, errors.Join(err, os.Remove(out))
	}
	return r, nil
}

// objectOf describes a file.
func objectOf(ctx context.Context, path string, role models.ObjectRole, key string) (models.Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return models.Object{}, err
	}
	defer f.Close()
	sum, size, err := hashTo(ctx, io.Discard, f)
	return models.Object{Role: role, Key: key, Type: "video/mp4", Size: size, SHA256: sum}, err
}

// write puts the report and its signature beside the copy.
func (r RedactReport) write(out string, sign func(string, []byte) (models.Signature, error)) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if sign != nil {
		sig, err := sign(models.PurposeRedaction, data)
		if err != nil {
			return err
		}
		text, err := json.Marshal(sig)
		if err != nil {
			return err
		}
		if err := os.WriteFile(out+".json.sig", append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(out+".json", data, 0o600)
}

// mosaic hides parts of pictures. Its cells lie on a grid that never moves: cells that
// moved with a person would show a little more of the face with each picture.
type mosaic struct {
	regions []models.Polygon
	noise   *rand.Rand

	size  image.Point // of the pictures that fixed was made for
	cell  int         // pixels, even
	fixed []bool      // cells of the regions, row by row
	cells []bool      // cells to hide in this picture
}

func newMosaic(regions []models.Polygon) (*mosaic, error) {
	var seed [32]byte // from the system, so that nobody can make the noise again
	if _, err := cryptorand.Read(seed[:]); err != nil {
		return nil, err
	}
	return &mosaic{regions: regions, noise: rand.New(rand.NewChaCha8(seed))}, nil
}

// hide hides the boxes and the regions, to whole cells, and says whether there was any.
func (m *mosaic) hide(p *image.YCbCr, boxes []models.Box) bool {
	if size := p.Rect.Size(); size != m.size {
		m.layOut(size)
	}
	copy(m.cells, m.fixed)
	w, h := float64(m.size.X), float64(m.size.Y)
	columns := m.columns()
	for _, b := range boxes {
		b = b.Intersect(models.Box{W: 1, H: 1})
		if b.Empty() {
			continue
		}
		x0, y0 := int(b.X*w)/m.cell, int(b.Y*h)/m.cell
		x1, y1 := min(int((b.X+b.W)*w), m.size.X-1)/m.cell, min(int((b.Y+b.H)*h), m.size.Y-1)/m.cell
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				m.cells[y*columns+x] = true
			}
		}
	}
	any := false
	for i, hidden := range m.cells {
		if hidden {
			any = true
			x, y := i%columns*m.cell, i/columns*m.cell
			m.flatten(p, image.Rect(x, y, x+m.cell, y+m.cell).Intersect(p.Rect))
		}
	}
	return any
}

func (m *mosaic) columns() int { return (m.size.X + m.cell - 1) / m.cell }

// layOut makes the grid for pictures of a size. A cell belongs to a region when any of its
// pixels may: the regions are followed in steps that are finer than a cell.
func (m *mosaic) layOut(size image.Point) {
	m.size = size
	m.cell = (max(size.Y/mosaicShare, mosaicLeast) + 1) &^ 1
	columns, rows := m.columns(), (size.Y+m.cell-1)/m.cell
	m.fixed, m.cells = make([]bool, columns*rows), make([]bool, columns*rows)
	const fine = 8 // samples on each side of a cell
	for i := range m.fixed {
		x0, y0 := float64(i%columns*m.cell), float64(i/columns*m.cell)
		for s := 0; s <= fine && !m.fixed[i]; s++ {
			for q := 0; q <= fine; q++ {
				at := models.Point{X: (x0 + float64(q*m.cell)/fine) / float64(size.X), Y: (y0 + float64(s*m.cell)/fine) / float64(size.Y)}
				if m.inRegion(at) {
					m.fixed[i] = true
					break
				}
			}
		}
	}
}

func (m *mosaic) inRegion(at models.Point) bool {
	for _, r := range m.regions {
		if r.Contains(at) {
			return true
		}
	}
	return false
}

// flatten gives a cell one shade of grey near its mean.
func (m *mosaic) flatten(p *image.YCbCr, r image.Rectangle) {
	sum := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for _, v := range p.Y[y*p.YStride+r.Min.X : y*p.YStride+r.Max.X] {
			sum += int(v)
		}
	}
	const step = 256.0 / mosaicLevels
	mean := float64(sum)/float64(r.Dx()*r.Dy()) + (m.noise.Float64()-0.5)*step
	shade := uint8(min(max((float64(int(mean/step))+0.5)*step, 16), 235))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := p.Y[y*p.YStride+r.Min.X : y*p.YStride+r.Max.X]
		for x := range row {
			row[x] = shade
		}
	}
	for y := r.Min.Y / 2; y < (r.Max.Y+1)/2; y++ {
		for x := r.Min.X / 2; x < (r.Max.X+1)/2; x++ {
			p.Cb[y*p.CStride+x], p.Cr[y*p.CStride+x] = 128, 128
		}
	}
}
