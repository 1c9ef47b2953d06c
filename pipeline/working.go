package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
)

const (
	// politeness is the nice value of threads that make working copies: cameras come first.
	politeness = 10
	// encoderThreads is how many threads one working copy may take beside the one that
	// decodes. More would not let it finish before the next camera needs them.
	encoderThreads = 2
	// momentSlack is how far the time of a decoded picture may lie from the one in the
	// clip's table: a tick of the container, rounded twice.
	momentSlack = time.Millisecond
)

// workingCopy makes an H.264 copy of a clip, marked as one. The pictures keep their times
// to the tick, gaps included. The clip itself is only read.
type workingCopy struct {
	master string // a file on this machine
	sum    string // of the master, hex SHA-256: the copy names it
	out    string
	words  string // burnt into every picture
	title  string // what the copy says of itself, before the title of the master
	// side bounds the longer side of the pictures, in pixels; 0 keeps their size.
	side int
	// edit, when set, changes a picture before it is encoded.
	edit func(models.Frame) error
	// progress, when set, is told how many pictures are done, of about how many.
	progress func(done, total int)
}

// copied says what became of a working copy.
type copied struct {
	info     clip.Info
	withheld int // damaged pictures of the master that are not in the copy
}

// make makes the copy. It appears whole, or not at all.
func (w workingCopy) make(ctx context.Context) (copied, error) {
	type result struct {
		copied
		err error
	}
	done := make(chan result, 1)
	go func() {
		// The thread keeps its priority, so it is never given back: it ends with this
		// goroutine. Threads that the encoder starts inherit it.
		runtime.LockOSThread()
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), politeness) // best effort
		c, err := w.encode(ctx)
		done <- result{c, err}
	}()
	r := <-done
	return r.copied, r.err
}

func (w workingCopy) encode(ctx context.Context) (out copied, err error) {
	film, err := decode.OpenFile(w.master, decode.Options{TargetSide: sideOf(w.side), LoopFilter: true})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, film.Close()) }()
	master, moments, err := readMoments(w.master)
	if err != nil {
		return out, err
	}
	film.Camera = master.Meta.Camera
	enc, err := decode.NewEncoder(decode.EncoderOptions{FPS: film.Info().FPS, Threads: min(encoderThreads, runtime.NumCPU())})
	if err != nil {
		return out, err
	}
	defer enc.Close()
	growing := w.out + ".fmp4"
	_ = os.Remove(growing) // left by one that was killed
	title := w.title + ", master SHA-256 " + w.sum
	if master.Meta.Title != "" {
		title += ": " + master.Meta.Title
	}
	writer, err := clip.Create(growing, clip.WriterOptions{Sync: time.Hour, Meta: clip.Meta{Title: title, Camera: film.Camera,
		Software: "vedette (libx264)"}})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, os.Remove(growing)) }()
	err = w.pictures(ctx, film, enc, writer, &gapList{gaps: master.Gaps}, moments)
	info, finishErr := writer.Finish()
	if err = errors.Join(err, finishErr); err != nil {
		return out, err
	}
	if info.Frames == 0 {
		return out, errors.New("no picture of the clip can be decoded")
	}
	out.withheld = film.Broken()
	out.info, err = clip.Faststart(growing, w.out)
	return out, err
}

// sideOf is the decoder's word for "as large as they are".
func sideOf(side int) int {
	if side == 0 {
		return -1
	}
	return side
}

// pictures decodes, edits, marks and encodes every picture.
func (w workingCopy) pictures(ctx context.Context, film *decode.File, enc *decode.Encoder, writer *clip.Writer, gaps *gapList, moments momentList) error {
	var (
		writeErr error
		losses   = map[time.Duration]*models.Gap{} // by media time, of frames inside the encoder
	)
	keep := func(au models.AccessUnit) {
		au.Loss = losses[au.At.Media]
		delete(losses, au.At.Media)
		if writeErr == nil {
			writeErr = writer.Write(au)
		}
	}
	mark := snapshot.Mark{Words: w.words}
	total := film.Info().Frames
	for n := 0; ; n++ {
		f, err := film.Next(ctx)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, decode.ErrTruncated) && n > 0:
			return errors.Join(enc.Drain(keep), writeErr)
		case err != nil:
			return err
		}
		moments.date(&f)
		if g := gaps.before(f.At.Wall); g != nil {
			losses[f.At.Media] = g
		}
		if w.edit != nil {
			if err := w.edit(f); err != nil {
				return err
			}
		}
		if err := mark.Burn(f.Picture, f.FullRange); err != nil {
			return err
		}
		if err := errors.Join(enc.Encode(f, keep), writeErr); err != nil {
			return err
		}
		if w.progress != nil {
			w.progress(n+1, max(total, n+1))
		}
	}
}

// gapList hands out the gaps of a clip, in order.
type gapList struct{ gaps []models.Gap }

// before is the gap that ends no later than the picture that was taken at a time and has
// not been handed out; of several the longest.
func (l *gapList) before(at time.Time) *models.Gap {
	var longest *models.Gap
	for len(l.gaps) > 0 && !l.gaps[0].To.After(at.Add(momentSlack)) {
		if g := l.gaps[0]; longest == nil || g.To.Sub(g.From) > longest.To.Sub(longest.From) {
			longest = &g
		}
		l.gaps = l.gaps[1:]
	}
	return longest
}

// momentList is when the pictures of a clip were taken, in presentation order. It is empty
// for a film that is no clip of ours: then a picture's time is that of the film.
type momentList []clip.Moment

// readMoments describes a film: what it says of itself, when it is a clip of ours.
func readMoments(path string) (clip.Info, momentList, error) {
	info, err := clip.Stat(path)
	if errors.Is(err, clip.ErrCorrupt) {
		return clip.Info{}, nil, nil // somebody else's film, which has no such times
	}
	if err != nil {
		return clip.Info{}, nil, err
	}
	var l momentList
	if err := clip.Moments(path, func(m clip.Moment) { l = append(l, m) }); err != nil {
		return clip.Info{}, nil, err
	}
	slices.SortFunc(l, func(a, b clip.Moment) int { return cmp.Compare(a.Media, b.Media) })
	return info, l, nil
}

// date gives a frame of the film the time at which the camera took it. The frame's media
// time counts from the first picture of the film.
func (l momentList) date(f *models.Frame) {
	if len(l) == 0 {
		return
	}
	media := l[0].Media + f.At.Media
	i, _ := slices.BinarySearchFunc(l, media-momentSlack, func(m clip.Moment, at time.Duration) int {
		return cmp.Compare(m.Media, at)
	})
	if i == len(l) || l[i].Media > media+momentSlack {
		// A time that the decoder made up: what it is since the picture before says when.
		i = max(i-1, 0)
		f.At = models.Instant{Media: media, Wall: l[i].Wall.Add(media - l[i].Media)}
	} else {
		f.At = models.Instant{Media: l[i].Media, Wall: l[i].Wall}
	}
	f.Clock, f.Arrival = l[i].Clock, l[i].Arrival
}

// hashTo copies r to w and returns the SHA-256 of what passed, in hex, and its length.
func hashTo(ctx context.Context, w io.Writer, r io.Reader) (sum string, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(w, h), &cancelReader{ctx, r})
	if err != nil {
		return "", size, fmt.Errorf("read the master: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// cancelReader ends a long read when nobody waits for it any more.
type cancelReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
