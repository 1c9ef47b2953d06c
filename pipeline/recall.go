package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

// MaxRecall is the longest span of one recall. A picture in an MP4 can be shown for at
// most 13 hours, and a hole is the picture before it, shown for long.
const MaxRecall = 12 * time.Hour

var (
	// ErrNoFootage is returned when there is none in the whole span.
	ErrNoFootage = fmt.Errorf("no continuous footage of that time: %w", fs.ErrNotExist)
	// ErrBadSpan is returned for a span that ends before it begins, or is too long.
	ErrBadSpan = errors.New("bad time span")
)

// Recall gives continuous footage of any span of time as one MP4, also across segments and
// while they are still being written. Nothing is decoded, re-encoded or copied beforehand.
// It is safe for concurrent use, in a process that only reads too.
type Recall struct {
	Archive  *archive.Archive
	Software string
	Log      *slog.Logger // default: none

	mu      sync.Mutex
	damaged []clip.Damage // found while reading; later recalls leave them out
	serial  int
}

// RecallReader is a clip that is made while it is read.
type RecallReader interface {
	io.ReadSeekCloser
	Size() int64
}

// Plan says what Open would give: it reads the tables of the segments, not their pictures.
// The error wraps fs.ErrNotExist when there is nothing.
func (r *Recall) Plan(ctx context.Context, cam models.CameraID, span models.Span) (models.Recalled, error) {
	j, rec, err := r.join(ctx, cam, span)
	if err != nil {
		return rec, err
	}
	return rec, j.Close()
}

// Open begins a recall: one playable MP4 of the span, from the last key frame at or before
// its beginning. What is missing is listed and stays missing, as long as it was. When the
// camera changed its codec within the span the clip ends there, and the gap says so: Spans
// tells where to go on. While it is open retention leaves the footage alone.
//
// Reading returns a *clip.DamagedError where the disk has altered the footage; opening it
// again leaves that second out and names it.
func (r *Recall) Open(ctx context.Context, cam models.CameraID, span models.Span) (RecallReader, models.Recalled, error) {
	r.mu.Lock()
	r.serial++
	key := fmt.Sprintf("recall %d", r.serial)
	r.mu.Unlock()
	r.Archive.Protect(key, cam, span)
	j, rec, err := r.join(ctx, cam, span)
	if err != nil {
		r.Archive.Unprotect(key)
		return nil, rec, err
	}
	return &recalled{Joined: j, recall: r, key: key}, rec, nil
}

// Spans are the stretches of a span that fit into one clip each: of one codec, and no longer
// than MaxRecall. A span without footage is one stretch.
func (r *Recall) Spans(cam models.CameraID, span models.Span) ([]models.Span, error) {
	segments, err := r.Archive.Segments(cam, span)
	if err != nil {
		return nil, err
	}
	var out []models.Span
	from := span.From
	for i, s := range segments {
		switch {
		case i > 0 && s.Codec != segments[i-1].Codec:
			out, from = append(out, models.Span{From: from, To: s.From}), s.From
		case s.To.Sub(from) > MaxRecall && s.From.After(from):
			out, from = append(out, models.Span{From: from, To: s.From}), s.From
		}
	}
	return append(out, models.Span{From: from, To: span.To}), nil
}

func (r *Recall) join(ctx context.Context, cam models.CameraID, span models.Span) (*clip.Joined, models.Recalled, error) {
	rec := models.Recalled{Camera: cam, Asked: span}
	switch {
	case !span.To.After(span.From):
		return nil, rec, fmt.Errorf("%w: it ends before it begins", ErrBadSpan)
	case span.To.Sub(span.From) > MaxRecall:
		return nil, rec, fmt.Errorf("%w: %s is more than %s; ask for it in parts", ErrBadSpan, span.To.Sub(span.From), MaxRecall)
	}
	segments, err := r.Archive.Segments(cam, span)
	if err != nil {
		return nil, rec, err
	}
	_, gaps, err := r.Archive.Coverage(cam, span)
	if err != nil {
		return nil, rec, err
	}
	var pieces []clip.Piece
	for i, s := range segments {
		if err := ctx.Err(); err != nil {
			return nil, rec, err
		}
		if s.Codec != segments[0].Codec {
			gaps = append(gaps, models.Gap{From: s.From, To: span.To, Cause: models.CauseStream,
				Note: fmt.Sprintf("the camera changed from %s to %s, which cannot be in one file: a recall from here on gives it", segments[i-1].Codec, s.Codec)})
			break
		}
		pieces = append(pieces, clip.Piece{Path: r.Archive.Path(s), From: span.From, To: span.To})
	}
	name := string(cam) + " " + span.From.UTC().Format(time.RFC3339)
	j, err := clip.Join(pieces, clip.JoinOptions{Gaps: gaps, Skip: r.known(),
		Meta: clip.Meta{Title: name, Camera: cam, Software: r.Software}})
	if errors.Is(err, clip.ErrNothing) {
		rec.Gaps = gaps
		return nil, rec, ErrNoFootage
	}
	if err != nil {
		return nil, rec, err
	}
	info := j.Info()
	rec.Got, rec.Codec, rec.Width, rec.Height = models.Span{From: info.From, To: info.To}, info.Codec, info.Width, info.Height
	rec.Frames, rec.Gaps, rec.Size = info.Frames, info.Gaps, j.Size()
	if rec.Gaps == nil {
		rec.Gaps = []models.Gap{}
	}
	return j, rec, nil
}

func (r *Recall) known() []clip.Damage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.damaged)
}

// found remembers damage.
func (r *Recall) found(d clip.Damage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.damaged, d) {
		r.damaged = append(r.damaged, d)
		if r.Log != nil {
			r.Log.Error("continuous footage is damaged on disk", "file", d.Path, "offset", d.Offset)
		}
	}
}

// recalled is an open recall.
type recalled struct {
	*clip.Joined
	recall *Recall
	key    string
}

// Read remembers where footage turns out damaged.
func (r *recalled) Read(p []byte) (int, error) {
	n, err := r.Joined.Read(p)
	if damaged, ok := errors.AsType[*clip.DamagedError](err); ok {
		r.recall.found(damaged.Damage)
	}
	return n, err
}

// Close lets retention have the footage again.
func (r *recalled) Close() error {
	r.recall.Archive.Unprotect(r.key)
	return r.Joined.Close()
}
