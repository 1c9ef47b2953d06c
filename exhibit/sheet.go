package exhibit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
)

const (
	sheetPictures = 20 // on a contact sheet
	sheetColumns  = 4
	// sheetUnits bounds the access units that one picture may cost. Cameras send a key
	// frame every 1 to 10 s; where they are rarer a picture is a little too early.
	sheetUnits = 150
)

// addSheet adds a contact sheet: pictures at even times from the first to the last of the
// clip. A clip that cannot be decoded is handed out all the same.
func (b *builder) addSheet(ctx context.Context, it *item) error {
	clips := it.clips()
	if len(clips) == 0 {
		return nil
	}
	var frames []models.Frame
	for _, o := range clips {
		part, err := b.sample(ctx, it, o, max(1, sheetPictures/len(clips)))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.note("Incident %s: the contact sheet lacks pictures of %s, which cannot be decoded here (%v).", it.ID, objectName(o), err)
		}
		frames = append(frames, part...)
	}
	if len(frames) == 0 {
		return nil
	}
	captions := make([]string, len(frames))
	for i, f := range frames {
		captions[i] = f.At.Wall.In(b.o.Place).Format("2006-01-02 15:04:05.0 MST")
	}
	sheet, err := snapshot.ContactSheet(frames, min(sheetColumns, len(frames)), captions)
	if err != nil {
		return err
	}
	it.sheet = sheet
	return b.addMade(ctx, it.made("contact-sheet.jpg", RoleSheet, "image/jpeg"), sheet)
}

// sample decodes n pictures of a clip at even times.
func (b *builder) sample(ctx context.Context, it *item, o models.Object, n int) (frames []models.Frame, err error) {
	r, err := b.o.Open(ctx, it.Incident, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	samples, err := clip.OpenSamples(&seekingReaderAt{r: r}, r.Size())
	if err != nil {
		return nil, err
	}
	info := samples.Info()
	decoder, err := decode.New(info.Codec, decode.Options{})
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	length, before := info.LastMedia-info.FirstMedia, -1
	for i := range n {
		if err := ctx.Err(); err != nil {
			return frames, err
		}
		at := time.Duration(0)
		if n > 1 {
			at = length * time.Duration(i) / time.Duration(n-1)
		}
		unit := samples.Find(at)
		unit = min(unit, samples.Key(unit)+sheetUnits)
		if unit == before {
			continue // the clip is short, or there is a gap
		}
		before = unit
		frame, derr := decodeAt(decoder, samples, unit)
		if derr != nil {
			err = fmt.Errorf("at %v: %w", at, derr)
			continue
		}
		frames = append(frames, frame)
	}
	return frames, err
}

// decodeAt decodes from the key unit before a unit up to it.
func decodeAt(d *decode.Decoder, s *clip.Samples, unit int) (last models.Frame, err error) {
	d.Reset()
	emit := func(f models.Frame) { last = f }
	for i := s.Key(unit); i <= unit; i++ {
		au, err := s.Unit(i)
		if err != nil {
			return last, err
		}
		au.Session = 0 // one film, however often the camera connected
		if derr := d.Decode(au, emit); derr != nil && i == unit {
			err = derr
		}
	}
	if derr := d.Drain(emit); derr != nil {
		err = errors.Join(err, derr)
	}
	if last.Picture == nil {
		return last, errors.Join(errors.New("no picture"), err)
	}
	return last, nil
}

// seekingReaderAt reads at any place of what can only seek, such as an object in S3.
type seekingReaderAt struct {
	mu sync.Mutex
	r  io.ReadSeeker
	at int64
}

func (s *seekingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at != off {
		if _, err := s.r.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
	}
	n, err := io.ReadFull(s.r, p)
	s.at = off + int64(n)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
