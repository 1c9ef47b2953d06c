package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

const (
	// segmentLength is how long a segment is before the next key frame ends it. A minute of
	// 3 Mbit/s takes 22 MB: short enough to be deleted in small steps, long enough that a day
	// is a folder of 1 440 files.
	segmentLength = time.Minute
	// longestSegment bounds a segment of a camera that sends no key frame: the archive looks
	// one day back for what reaches into a span.
	longestSegment = 23 * time.Hour
	// clocksAgree is how far two clocks may tell the distance of two units differently before
	// one of them has jumped. Then a new segment begins at the next key frame, so that a
	// segment's times are in order, and a recall can tell which clock to believe.
	clocksAgree = 5 * time.Second
)

// Continuous records all footage of one camera into the archive, in segments that begin on
// a key frame. It reads its own cursor, so that nobody waits for its disk: what the ring
// had to give up meanwhile is a gap, as is everything else that is missing.
type Continuous struct {
	Camera   models.CameraID
	Name     string // for people
	Axis     string // names the media axis: one for each connection's life of the stream
	Software string
	Archive  *archive.Archive
	Log      *slog.Logger
	// OnDisk is told when the disk refuses, and with nil when it takes footage again.
	OnDisk func(err error)

	writer   *clip.Writer
	segment  models.Segment
	sum      hash.Hash
	begin    models.Instant     // of the segment's first unit
	cut      bool               // at the next key frame, because a clock has jumped
	jumps    int                // of the media axis
	last     *models.AccessUnit // newest unit, without its bits
	frame    time.Duration      // by which last ends
	hole     *models.Gap        // nothing was kept since then
	retryAt  time.Time          // when to ask a disk that refused again
	left     []models.Segment   // files that could not be put on record yet
	recorded atomic.Bool        // the newest unit was written
	oldest   atomic.Pointer[time.Time]
}

// Recording says whether footage is being written.
func (c *Continuous) Recording() bool { return c.recorded.Load() }

// Since is when the oldest footage of the camera begins; zero when there is none yet.
func (c *Continuous) Since() time.Time {
	if t := c.oldest.Load(); t != nil {
		return *t
	}
	return time.Time{}
}

// lookBack finds out since when there is footage: at the start, and with each segment.
func (c *Continuous) lookBack() {
	oldest, err := c.Archive.Oldest(c.Camera)
	if err != nil {
		c.Log.Warn("look for the oldest footage", "err", err)
		return
	}
	c.oldest.Store(&oldest)
}

// Run records what the cursor gives until the stream is over, and closes the cursor.
func (c *Continuous) Run(cursor *clip.Cursor) {
	defer cursor.Close()
	c.Record(func(yield func(models.AccessUnit) bool) {
		for {
			au, err := c.next(cursor)
			if err != nil || !yield(au) {
				return
			}
		}
	})
}

// Record records units, in the order of the stream, and finishes the last segment.
func (c *Continuous) Record(units iter.Seq[models.AccessUnit]) {
	c.resume()
	for au := range units {
		c.write(au)
	}
	c.closeSegment()
	c.recordLeft()
}

// resume puts what a crash left on record, and finds out since when footage is missing.
func (c *Continuous) resume() {
	left, err := c.Archive.Unfinished(c.Camera)
	if err != nil {
		c.Log.Error("look for unfinished footage", "err", err)
	}
	c.left = append(c.left, left...)
	c.recordLeft()
	newest, ok, err := c.Archive.Newest(c.Camera)
	if err != nil {
		c.Log.Error("look for the newest footage", "err", err)
	}
	c.lookBack()
	if ok {
		c.hole = &models.Gap{From: newest.To, Cause: models.CauseRestart, Note: "continuous recording was not running"}
	}
}

// recordLeft finishes files that are complete but not on record. What fails is tried again
// with the next segment, and at the next start.
func (c *Continuous) recordLeft() {
	var again []models.Segment
	for _, seg := range c.left {
		err := c.recordFile(seg)
		switch {
		case err == nil, errors.Is(err, fs.ErrNotExist):
		case errors.Is(err, clip.ErrNothing):
			err = c.Archive.Discard(seg)
		case errors.Is(err, clip.ErrCorrupt):
			c.Log.Error("a segment cannot be read; it is set aside", "segment", seg.Name, "err", err)
			err = c.Archive.SetAside(seg)
		default:
			again = append(again, seg)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.Log.Error("finish segment", "segment", seg.Name, "err", err)
		}
	}
	c.left = again
}

// recordFile seals a file that nobody writes to any more and puts it on record.
func (c *Continuous) recordFile(seg models.Segment) error {
	path := c.Archive.Path(seg)
	info, err := clip.Seal(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("hash segment: %w", err)
	}
	return c.Archive.Finish(describeSegment(seg, info, h))
}

// describeSegment is the record of a segment with the given content; h has seen all of it.
func describeSegment(seg models.Segment, info clip.Info, h hash.Hash) models.Segment {
	seg.From, seg.To, seg.Size, seg.Frames = info.From, info.To, info.Bytes, info.Frames
	seg.Codec, seg.Width, seg.Height = info.Codec, info.Width, info.Height
	seg.Clock, seg.Gaps, seg.Open = info.Clock, info.Gaps, false
	if length := info.LastMedia - info.FirstMedia; (info.To.Sub(info.From) - length).Abs() > clocksAgree {
		seg.To = seg.From.Add(length) // a clock was set on the way
	}
	if h != nil {
		seg.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return seg
}

// DescribeSegment reads what a segment's file says of itself; the archive asks it about
// files that are not on record.
func DescribeSegment(path string) (models.Segment, error) {
	info, err := clip.Stat(path)
	if err != nil {
		return models.Segment{}, err
	}
	return describeSegment(models.Segment{}, info, nil), nil
}

// next waits for a unit. When the camera falls silent, what there is is written out: a crash
// must not take it.
func (c *Continuous) next(cursor *clip.Cursor) (models.AccessUnit, error) {
	if au, ok := cursor.TryNext(); ok {
		return au, nil
	}
	soon, cancel := context.WithTimeout(context.Background(), flushAfter)
	au, err := cursor.Next(soon)
	cancel()
	if !errors.Is(err, context.DeadlineExceeded) {
		return au, err
	}
	c.recorded.Store(false)
	if c.writer != nil {
		if err := c.writer.Flush(); err != nil {
			c.Log.Warn("flush continuous footage", "err", err)
		}
	}
	return cursor.Next(context.Background())
}

func (c *Continuous) write(au models.AccessUnit) {
	c.compare(au)
	if c.writer != nil && c.cutBefore(au) {
		c.closeSegment()
	}
	c.put(au)
	c.follow(au)
}

// cutBefore says whether the unit begins a new segment.
func (c *Continuous) cutBefore(au models.AccessUnit) bool {
	length := au.At.Since(c.begin)
	return au.Key && (c.cut || length >= segmentLength) || length >= longestSegment
}

// compare finds out whether a clock has jumped since the unit before: the media axis, which
// is then another one, or the wall clock, because somebody has set it.
func (c *Continuous) compare(au models.AccessUnit) {
	if c.last == nil {
		return
	}
	media := au.At.Since(c.last.At)
	if !au.Arrival.IsZero() && !c.last.Arrival.IsZero() && (media-au.Arrival.Sub(c.last.Arrival)).Abs() > clocksAgree {
		c.cut = true
		c.jumps++
	}
	if (media - au.At.Wall.Round(0).Sub(c.last.At.Wall.Round(0))).Abs() > clocksAgree {
		c.cut = true
	}
}

// axis names the media axis since it last jumped.
func (c *Continuous) axis() string {
	if c.jumps == 0 {
		return c.Axis
	}
	return fmt.Sprintf("%s+%d", c.Axis, c.jumps)
}

// put writes the unit to the segment, or to a new one.
func (c *Continuous) put(au models.AccessUnit) {
	if c.writer == nil && !c.openSegment(&au) {
		return
	}
	if au.Key {
		if err := c.Archive.Allow(); err != nil {
			c.refuse(au, err)
			return
		}
	}
	err := c.writer.Write(au)
	if errors.Is(err, clip.ErrNewFile) {
		c.closeSegment()
		if !c.openSegment(&au) {
			return
		}
		err = c.writer.Write(au)
	}
	if err != nil {
		c.refuse(au, err)
		return
	}
	c.recorded.Store(true)
}

// follow remembers the unit for the next one.
func (c *Continuous) follow(au models.AccessUnit) {
	if c.last != nil && au.Session == c.last.Session {
		if d := au.At.Since(c.last.At); d > 0 && d < flushAfter {
			c.frame = d
		}
	}
	au.NALUs, au.Loss = nil, nil
	c.last = &au
}

// openSegment begins a segment with a key unit. What is missing before it becomes the
// unit's loss, so that the segment itself tells of it.
func (c *Continuous) openSegment(au *models.AccessUnit) bool {
	if !au.Key {
		c.missing(*au, models.CauseStream, "no key frame to begin with")
		return false
	}
	if au.Arrival.Before(c.retryAt) {
		c.hole.Lost++
		return false
	}
	seg, err := c.Archive.Begin(c.Camera, au.At.Wall)
	if err != nil {
		c.refuse(*au, err)
		return false
	}
	h := sha256.New()
	w, err := clip.Create(c.Archive.Path(seg), clip.WriterOptions{Uniform: true, Table: true, Tee: h,
		Meta: clip.Meta{Title: c.Name, Camera: c.Camera, Software: c.Software, Run: c.axis()}})
	if err != nil {
		_ = c.Archive.Discard(seg) // an empty file is no segment
		c.refuse(*au, err)
		return false
	}
	c.OnDisk(nil)
	if c.Since().IsZero() {
		c.oldest.Store(&au.At.Wall)
	}
	c.lose(au)
	c.writer, c.segment, c.sum, c.begin, c.cut = w, seg, h, au.At, false
	return true
}

// lose puts what is missing before the unit into its Loss.
func (c *Continuous) lose(au *models.AccessUnit) {
	hole := c.hole
	c.hole = nil
	if hole == nil && c.last != nil && au.Session != c.last.Session && au.Loss == nil {
		hole = &models.Gap{From: c.ended(), Cause: models.CauseCameraLost}
	}
	if hole == nil || !au.At.Wall.After(hole.From) {
		return // nothing is missing, or a clock was set back meanwhile
	}
	hole.To = au.At.Wall
	if au.Loss != nil {
		hole.Lost += au.Loss.Lost
	}
	au.Loss = hole
}

// ended is when the newest unit's picture ended.
func (c *Continuous) ended() time.Time { return c.last.At.Wall.Add(c.frame) }

// missing notes that a unit was not kept.
func (c *Continuous) missing(au models.AccessUnit, cause models.Cause, note string) {
	c.recorded.Store(false)
	if c.hole == nil {
		c.hole = &models.Gap{From: au.At.Wall, Cause: cause, Note: note}
	}
	c.hole.Lost++
}

// refuse ends the segment: for now the disk takes no more, or the stream cannot be stored.
func (c *Continuous) refuse(au models.AccessUnit, err error) {
	c.Log.Error("write continuous footage", "err", err)
	c.closeSegment()
	cause := causeOf(err)
	if errors.Is(err, archive.ErrFull) {
		cause = models.CauseDisk
	}
	c.missing(au, cause, err.Error())
	c.retryAt = au.Arrival.Add(retryDisk)
	if cause == models.CauseDisk {
		c.OnDisk(err)
	}
}

// closeSegment finishes the segment and puts it on record.
func (c *Continuous) closeSegment() {
	if c.writer == nil {
		return
	}
	info, err := c.writer.Finish()
	c.writer = nil
	c.recorded.Store(false)
	switch {
	case info.Frames == 0:
		if err := c.Archive.Discard(c.segment); err != nil {
			c.Log.Error("finish segment", "segment", c.segment.Name, "err", err)
		}
		return
	case err == nil:
		err = c.Archive.Finish(describeSegment(c.segment, info, c.sum))
	}
	if err != nil {
		c.Log.Error("finish segment; it will be tried again", "segment", c.segment.Name, "err", err)
		c.left = append(c.left, c.segment)
		return
	}
	c.recordLeft()
	c.lookBack()
}
