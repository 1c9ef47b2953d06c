package clip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// WriterOptions are the settings of a Writer.
type WriterOptions struct {
	// Sync is how much footage may pass between two syncs to disk; default 1 s. A power
	// cut loses at most Part + Sync of footage, a killed process at most Part, and where
	// pictures are reordered the few frames of reordering.
	Sync time.Duration
	// Part is the length of a fragment; default 1 s.
	Part time.Duration
	Meta Meta
	// Uniform keeps to one sample entry: a key unit with other parameter sets than the first
	// gives ErrNewFile too.
	Uniform bool
	// Table ends the file with a table of all its fragments, so that one read at its end
	// tells what a walk over all of it would.
	Table bool
	// Tee gets every byte that the file holds, in order: a hash, say. It never fails. What
	// Finish cuts off after a failed write has not reached it.
	Tee io.Writer
}

const (
	defaultPart = time.Second
	defaultSync = time.Second

	// A fragment ends early at these, whatever its timestamps say, so that a camera that
	// sends nonsense cannot make one grow without bound.
	maxFragmentUnits = 1024
	maxFragmentBytes = 16 << 20

	// silence is how long a camera may send nothing, without a loss on record, before
	// that counts as a gap. Cameras with a dynamic frame rate send one picture a second.
	silence = 5 * time.Second

	// defaultFrame is the length of a picture while nothing is known of the rhythm.
	defaultFrame = timescale / 25
)

// Writer writes one clip as fragmented MP4 while it happens. Its methods are for one
// goroutine. Write may block on the disk for as long as the disk takes.
type Writer struct {
	path  string
	file  *os.File
	part  int64 // ticks
	sync  int64 // ticks
	meta  Meta
	tally tally
	tee   io.Writer
	table *fileTable // nil: none is asked for

	uniform bool

	track    track
	origin   int64 // ticks: the media time at which the clip's timeline is zero
	timeline timeline
	queue    []growing // units not written yet, in decoding order; the first timed have a decoding time
	timed    int
	bytes    int   // in queue
	frame    int64 // ticks that the last picture without a gap after it lasted
	latest   latest
	sequence uint32
	buf      []byte
	size     int64 // of the whole fragments in the file
	synced   int64 // decoding time up to which the file is synced, ticks
	named    bool  // the folder is synced, so the file's name survives a power cut
	err      error
	finished bool
}

// latest is what the gap detection knows about the unit before.
type latest struct {
	set     bool
	session int
	pts     int64     // ticks, the greatest so far
	wall    time.Time // at pts
}

// Create makes a new file for a clip, which only the owner may read. It fails when the
// file exists. Nothing is written before the first unit.
func Create(path string, o WriterOptions) (*Writer, error) {
	if o.Part <= 0 {
		o.Part = defaultPart
	}
	if o.Sync <= 0 {
		o.Sync = defaultSync
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create clip: %w", err)
	}
	w := &Writer{path: path, file: f, part: ticks(o.Part), sync: ticks(o.Sync), meta: o.Meta, frame: defaultFrame,
		uniform: o.Uniform, tee: o.Tee}
	if o.Table {
		w.table = &fileTable{}
	}
	return w, nil
}

// Write adds a unit. The first must be a key unit with its parameter sets, else the error
// is ErrNotKey. ErrNewFile leaves the clip as it is: Finish it and write the unit to a new
// one. Any other error is final, and what was written before stays.
func (w *Writer) Write(au models.AccessUnit) error {
	switch {
	case w.finished:
		return os.ErrClosed
	case w.err != nil:
		return w.err
	case w.track.entry == nil && !au.Key:
		return ErrNotKey
	case w.track.entry != nil && au.Codec != w.track.codec:
		return ErrNewFile
	}
	if sampleSize(au.NALUs) == 0 {
		return nil // no bits, no picture
	}
	if w.uniform && au.Key && w.track.entry != nil {
		if t, err := newTrack(au); err != nil || !bytes.Equal(t.entry, w.track.entry) {
			return ErrNewFile
		}
	}
	if w.track.entry == nil {
		if err := w.begin(au); err != nil {
			return w.fail(err)
		}
	}
	pts := ticks(au.At.Media) - w.origin
	gap := w.gapBefore(au, pts)
	w.queue = append(w.queue, growing{au: au, pts: pts, gap: gap})
	w.bytes += au.Size()
	w.timeline.push(pts)
	if w.partOver(au, pts) {
		return w.flush(false)
	}
	return nil
}

// Flush writes what waits to the file and syncs it. Call it when no unit comes, so that a
// crash during the silence loses nothing.
func (w *Writer) Flush() error {
	if w.err != nil || w.finished || len(w.queue) == 0 {
		return w.err
	}
	if err := w.flush(true); err != nil {
		return err
	}
	return w.syncFile()
}

// Finish writes the last fragment, syncs and closes the file, and describes the clip.
// After a failed Write it cuts the file back to its last whole fragment; the Info then
// describes what is there and names the rest as a gap.
func (w *Writer) Finish() (Info, error) {
	if w.finished {
		return w.info(), os.ErrClosed
	}
	if w.err == nil && len(w.queue) > 0 {
		_ = w.flush(true) // keeps its error in w.err
	}
	if w.err != nil && w.track.entry != nil {
		// Nothing to add when this fails too: Recover does the same.
		_ = w.file.Truncate(w.size)
		w.nameUnwritten()
	}
	if w.err == nil && w.table != nil && w.tally.info.Frames > 0 {
		w.err = w.writeTable()
	}
	w.finished = true
	w.err = errors.Join(w.err, w.syncFile(), w.file.Close())
	return w.info(), w.err
}

func (w *Writer) info() Info {
	info := w.tally.info
	info.Bytes = w.size
	return info
}

func (w *Writer) begin(au models.AccessUnit) error {
	t, err := newTrack(au)
	if err != nil {
		return err
	}
	w.origin = ticks(au.At.Media)
	if w.meta.Camera == "" {
		w.meta.Camera = au.Camera
	}
	w.tally.info = Info{Codec: t.codec, Width: t.width, Height: t.height, Meta: w.meta}
	first := w.tally.info
	first.From, first.FirstMedia, first.Clock = plain(au.At.Wall), au.At.Media, au.Clock

	var b boxes
	b.fileType()
	b.moov(movie{codec: t.codec, width: t.width, height: t.height, entry: t.entry, info: first}, 0)
	if err := b.header(header{Version: version, Info: first}); err != nil {
		return err
	}
	if err := w.append(b.b); err != nil {
		return err
	}
	w.track = t
	return nil
}

func (w *boxes) fileType() {
	w.begin("ftyp")
	w.text("iso6")
	w.u32(0)
	w.text("iso6isommp42")
	w.end()
}

// header ends the head of a file with its sealed description.
func (w *boxes) header(h header) error {
	at := len(w.b)
	if err := w.beginSealed(uuidHeader, h); err != nil {
		return err
	}
	w.end()
	seal(w.b, at+sealOffset)
	return nil
}

// gapBefore says what is missing between the units before and this one: what the source
// says was lost, else the time between two connections, else an unexplained silence.
func (w *Writer) gapBefore(au models.AccessUnit, pts int64) *models.Gap {
	last := w.latest
	defer func() {
		w.latest.set, w.latest.session = true, au.Session
		if !last.set || pts >= last.pts {
			w.latest.pts, w.latest.wall = pts, au.At.Wall
		}
	}()
	frame := time.Duration(w.frame) * time.Second / timescale
	switch {
	case au.Loss != nil:
		g := *au.Loss
		g.From, g.To = plain(g.From), plain(g.To)
		return &g
	case !last.set:
		return nil
	case au.Session != last.session:
		return &models.Gap{From: plain(last.wall.Add(frame)), To: plain(au.At.Wall), Cause: models.CauseCameraLost}
	case pts-last.pts >= ticks(silence):
		return &models.Gap{From: plain(last.wall.Add(frame)), To: plain(au.At.Wall), Cause: models.CauseStream,
			Note: "the camera sent no pictures"}
	}
	return nil
}

// partOver says whether a fragment must end before the unit that was just queued.
func (w *Writer) partOver(au models.AccessUnit, pts int64) bool {
	length := pts - w.queue[0].pts
	return length >= w.part ||
		au.Key && 2*length >= w.part || // fragments that begin on a key frame are easy to seek
		len(w.queue) > maxFragmentUnits ||
		w.bytes >= maxFragmentBytes
}

// flush writes one fragment of all units whose decoding time and duration are known; with
// all set, of all units there are.
func (w *Writer) flush(all bool) error {
	ahead := w.timeline.depth
	if all {
		ahead = 0
	}
	for w.timed < len(w.queue)-ahead {
		dts := w.timeline.pop(w.queue[w.timed].pts)
		w.queue[w.timed].dts = dts
		if w.timed > 0 {
			w.learnFrame(dts-w.queue[w.timed-1].dts, w.queue[w.timed].gap != nil)
		}
		w.timed++
	}
	n, end := w.timed-1, int64(0)
	if all {
		n = w.timed
		end = w.queue[n-1].dts + w.frame
	} else if n > 0 {
		end = w.queue[n].dts
	}
	if n <= 0 {
		return nil
	}
	return w.writeFragment(n, end)
}

// learnFrame follows the rhythm of the stream: gaps and the ticks between units with the
// same timestamp are not part of it.
func (w *Writer) learnFrame(delta int64, gap bool) {
	if !gap && delta > 1 && delta < ticks(silence) {
		w.frame = delta
	}
}

func (w *Writer) writeFragment(n int, end int64) error {
	w.sequence++
	frame := time.Duration(w.frame) * time.Second / timescale
	var err error
	w.buf, err = appendFragment(w.buf[:0], w.sequence, w.queue[:n], end, frame)
	if err == nil {
		err = w.append(w.buf)
	}
	if err != nil {
		return w.fail(err)
	}
	if w.table != nil {
		w.table.addGrowing(w.queue[:n], end, frame, w.size-int64(len(w.buf)), w.size)
	}
	var gaps []models.Gap
	times := make([]frameTime, n)
	for i, u := range w.queue[:n] {
		times[i] = timeOf(u.au)
		w.bytes -= u.au.Size()
		if u.gap != nil {
			gaps = append(gaps, *u.gap)
		}
	}
	w.tally.add(times, frame, gaps)
	last := w.queue[n-1].dts
	kept := copy(w.queue, w.queue[n:])
	clear(w.queue[kept:]) // lets the units go
	w.queue = w.queue[:kept]
	w.timed -= n
	if cap(w.buf) > maxFragmentBytes {
		w.buf = nil
	}
	if last-w.synced >= w.sync || !w.named {
		w.synced = last
		if err := w.syncFile(); err != nil {
			return w.fail(err)
		}
	}
	return nil
}

func (w *Writer) append(b []byte) error {
	if _, err := w.file.Write(b); err != nil {
		return fmt.Errorf("write clip: %w", err)
	}
	w.size += int64(len(b))
	if w.tee != nil {
		_, _ = w.tee.Write(b)
	}
	return nil
}

func (w *Writer) syncFile() error {
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync clip: %w", err)
	}
	if !w.named && w.size > 0 {
		if err := durable.SyncDir(filepath.Dir(w.path)); err != nil {
			return err
		}
		w.named = true
	}
	return nil
}

// nameUnwritten turns the units that never reached the file into a gap.
func (w *Writer) nameUnwritten() {
	if len(w.queue) == 0 {
		return
	}
	first, last := w.queue[0].au.At.Wall, w.queue[0].au.At.Wall
	for _, u := range w.queue {
		if u.au.At.Wall.Before(first) {
			first = u.au.At.Wall
		}
		if u.au.At.Wall.After(last) {
			last = u.au.At.Wall
		}
		if u.gap != nil {
			w.tally.info.Gaps = append(w.tally.info.Gaps, *u.gap)
		}
	}
	frame := time.Duration(w.frame) * time.Second / timescale
	w.tally.info.Gaps = append(w.tally.info.Gaps, models.Gap{From: plain(first), To: plain(last.Add(frame)),
		Cause: models.CauseDisk, Lost: len(w.queue), Note: w.err.Error()})
}

func (w *Writer) fail(err error) error {
	w.err = err
	return err
}
