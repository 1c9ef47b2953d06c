package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

const (
	// lateness is how long after its due time the last access unit of a clip may come.
	lateness = 5 * time.Second
	// flushAfter is how long a camera may be silent before its last pictures are written.
	flushAfter = time.Second
	// fragment is how much of a clip is written at a time, and so about how much of it a
	// killed program leaves unwritten: half of the second that a power cut may cost, so that
	// a machine too busy to write at once stays below 1.5 s too.
	fragment = 500 * time.Millisecond
	// retryDisk is how long a cutter waits before it asks a full disk again.
	retryDisk = 5 * time.Second
)

// cutter copies access units from the ring to the spool until the incident and its
// post-roll are over. It goes on when the disk fails and when the stream changes in a way
// that one file cannot hold: then the clip has several parts, and what lies between them
// is named.
type cutter struct {
	cursor *clip.Cursor
	entry  *storage.Entry
	allow  func(int64) error // of the spool: may footage be written
	title  string
	log    *slog.Logger
	// onDisk is told when the disk refuses, and with nil when it takes footage again.
	onDisk func(error)

	mu     sync.Mutex
	until  *models.Instant
	seen   time.Duration // media time of the newest unit
	live   bool          // caught up with the live end of the ring
	cancel context.CancelFunc

	writer *clip.Writer
	name   string
	footage
	failed  *models.Gap // nothing is kept since then
	healed  *models.Gap // the gap that this part ended; it goes on when the part stays empty
	retryAt time.Time
}

// part is one file of the clip in the spool.
type part struct {
	name string // with .fmp4 while it grows
	info clip.Info
}

// footage is what a recording got.
type footage struct {
	parts        []part
	gaps         []models.Gap
	asked, until time.Time
	missed       int  // pictures that the gaps took
	counted      bool // missed is known
}

func (c *cutter) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.mu.Lock()
	c.cancel = cancel
	c.mu.Unlock()
	for {
		au, err := c.next(ctx)
		if err != nil || c.over(au) {
			break
		}
		c.write(au)
	}
	if !c.closePart() && c.healed != nil {
		c.failed, c.healed = c.healed, nil
	}
}

// next waits for a unit. Once the past is copied, and when the camera falls silent, what
// there is is written out: a crash must not take it.
func (c *cutter) next(ctx context.Context) (models.AccessUnit, error) {
	if !c.live { // no other goroutine sets it
		if au, ok := c.cursor.TryNext(); ok {
			return au, nil
		}
		c.mu.Lock()
		c.live = true
		c.mu.Unlock()
		c.flush()
	}
	soon, cancel := context.WithTimeout(ctx, flushAfter)
	au, err := c.cursor.Next(soon)
	cancel()
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return au, err
	}
	c.flush()
	return c.cursor.Next(ctx)
}

func (c *cutter) flush() {
	if c.writer == nil {
		return
	}
	if err := c.writer.Flush(); err != nil {
		c.log.Warn("flush clip", "err", err)
	}
}

// endAt says when the clip ends, which is the post-roll from now at the latest. The newest
// unit tells how much is still to come; when the camera is gone nothing comes, so a timer
// ends the wait. A camera that has been away for hours left nothing to wait for but the
// post-roll, once the ring is read.
func (c *cutter) endAt(until models.Instant, postRoll time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := max(0, until.Media-c.seen)
	if c.live {
		rest = min(rest, postRoll)
	}
	c.stop(until, rest)
}

// stopAt says when the clip ends before anything of it has been read: so far from now.
func (c *cutter) stopAt(until models.Instant, fromNow time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop(until, fromNow)
}

// stop ends the clip with its last unit, or when that has not come after rest and lateness.
// The caller holds the lock.
func (c *cutter) stop(until models.Instant, rest time.Duration) {
	c.until = &until
	rest += lateness
	time.AfterFunc(rest, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.cancel != nil {
			c.cancel()
		}
	})
}

func (c *cutter) over(au models.AccessUnit) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = max(c.seen, au.At.Media)
	return c.until != nil && au.At.Media > c.until.Media
}

func (c *cutter) write(au models.AccessUnit) {
	if c.writer == nil && !c.openPart(au) {
		return
	}
	if au.Key {
		if err := c.allow(0); err != nil {
			c.refuse(au, err)
			return
		}
	}
	err := c.writer.Write(au)
	if errors.Is(err, clip.ErrNewFile) {
		c.closePart()
		if c.openPart(au) {
			err = c.writer.Write(au)
		} else {
			return
		}
	}
	if err != nil {
		c.refuse(au, err)
	}
}

// refuse ends the part: for now the disk takes no more, or the stream cannot be stored.
func (c *cutter) refuse(au models.AccessUnit, err error) {
	c.log.Error("write clip", "err", err)
	cause := causeOf(err)
	kept := c.closePart()
	switch {
	case c.failed != nil:
	case c.healed != nil && !kept:
		c.failed = c.healed
	default:
		c.failed = &models.Gap{From: au.At.Wall, Cause: cause, Note: err.Error()}
	}
	c.healed = nil
	c.retryAt = au.Arrival.Add(retryDisk)
	if cause == models.CauseDisk {
		c.onDisk(err)
	}
}

// causeOf tells a disk that fails from a stream that cannot be stored.
func causeOf(err error) models.Cause {
	var path *fs.PathError
	var errno syscall.Errno
	if errors.Is(err, storage.ErrFull) || errors.As(err, &path) || errors.As(err, &errno) {
		return models.CauseDisk
	}
	return models.CauseStream
}

// openPart begins a file at a key unit.
func (c *cutter) openPart(au models.AccessUnit) bool {
	if !au.Key || (c.failed != nil && au.Arrival.Before(c.retryAt)) {
		return false
	}
	name := clipName(len(c.parts))
	w, err := (*clip.Writer)(nil), c.allow(0)
	if err == nil {
		w, err = clip.Create(c.entry.Path(name), clip.WriterOptions{Part: fragment, Meta: clip.Meta{Title: c.title}})
	}
	if err != nil {
		c.refuse(au, err)
		_ = os.Remove(c.entry.Path(name)) // an empty file is no part
		return false
	}
	c.onDisk(nil)
	if c.failed != nil {
		c.failed.To = au.At.Wall
		c.healed, c.failed = c.failed, nil
	}
	c.writer, c.name = w, name
	return true
}

// closePart ends the file, if one is open, and says whether it holds anything. An empty
// file is no part.
func (c *cutter) closePart() (kept bool) {
	if c.writer == nil {
		return false
	}
	info, err := c.writer.Finish()
	c.writer = nil
	if info.Frames == 0 {
		_ = os.Remove(c.entry.Path(c.name))
		return false
	}
	if err != nil {
		c.log.Error("finish part", "part", c.name, "err", err)
	}
	if c.healed != nil {
		c.gaps = append(c.gaps, *c.healed)
		c.healed = nil
	}
	c.parts = append(c.parts, part{c.name, info})
	c.gaps = append(c.gaps, info.Gaps...)
	return true
}

// clipName names the parts of a clip: clip.fmp4, clip-2.fmp4, …
func clipName(parts int) string {
	if parts == 0 {
		return storage.GrowingFile
	}
	return fmt.Sprintf("clip-%d.fmp4", parts+1)
}

// result is what the recording got, with what is missing at both ends named. Call it
// after run has returned.
func (c *cutter) result(asked time.Time, until models.Instant) footage {
	res := c.footage
	res.asked, res.until = asked, until.Wall
	if c.failed != nil {
		c.failed.To = until.Wall
		res.gaps = append(res.gaps, *c.failed)
	}
	res.nameEnds(c.cursor.Missed(), models.CauseCameraLost)
	return res
}

// tolerance is how much an end may fall short of what was asked before it is a gap: one
// picture of a slow camera.
const tolerance = 500 * time.Millisecond

// nameEnds names what is missing before the first and after the last part; late is why the
// footage ends too early.
func (f *footage) nameEnds(missed *models.Gap, late models.Cause) {
	if len(f.parts) == 0 {
		if len(f.gaps) == 0 {
			f.gaps = []models.Gap{{From: f.asked, To: f.until, Cause: late}}
		}
		return
	}
	from, to := f.parts[0].info.From, f.parts[len(f.parts)-1].info.To
	if from.Sub(f.asked) > tolerance {
		g := models.Gap{From: f.asked, To: from, Cause: models.CauseNotYet}
		if missed != nil {
			g.Cause, g.Lost = missed.Cause, missed.Lost
		}
		f.gaps = append([]models.Gap{g}, f.gaps...)
	}
	if last := f.lastGap(); f.until.Sub(to) > tolerance && !last.To.Equal(f.until) {
		f.gaps = append(f.gaps, models.Gap{From: to, To: f.until, Cause: late})
	}
}

func (f *footage) lastGap() models.Gap {
	if len(f.gaps) == 0 {
		return models.Gap{}
	}
	return f.gaps[len(f.gaps)-1]
}

// describe writes the footage into an incident's record.
func (f *footage) describe(out *models.Footage) {
	out.State, out.AskedTo, out.Gaps = models.FootagePending, f.until, f.gaps
	out.Frames = 0
	for i, p := range f.parts {
		if i == 0 {
			out.From, out.Clock, out.Codec = p.info.From, p.info.Clock, p.info.Codec
			out.Width, out.Height = p.info.Width, p.info.Height
		}
		out.To = p.info.To
		out.Frames += p.info.Frames
	}
	if out.Expected = 0; f.counted {
		out.Expected = out.Frames + f.missed
	}
}

// expect estimates how many pictures are missing, while the growing parts are there.
func (f *footage) expect(entry *storage.Entry, log *slog.Logger) {
	var paths []string
	for _, p := range f.parts {
		paths = append(paths, entry.Path(p.name))
	}
	var err error
	if f.missed, f.counted, err = missing(paths, f.gaps, f.asked, f.until); err != nil {
		log.Warn("count missing pictures", "err", err)
	}
}
