package clip

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Piece is a growing clip, or a stretch of one, that goes into a joined clip.
type Piece struct {
	Path string
	// From and To bound the stretch in wall time. It begins with the last key frame at or
	// before From, or else the first one, and ends with the last picture before To.
	From, To time.Time
}

// Damage is where the bytes of a fragment are not those that were written.
type Damage struct {
	Path   string
	Offset int64 // of the fragment
}

// DamagedError is what reading a joined clip gives at a damaged fragment. Join with it in
// Skip leaves the fragment out and names the gap.
type DamagedError struct{ Damage }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s: damaged at byte %d", e.Path, e.Offset)
}

// JoinOptions are the settings of Join.
type JoinOptions struct {
	Meta Meta
	// Gaps are known to be missing; what Skip leaves out is added to them.
	Gaps []models.Gap
	// Skip are fragments known to be damaged.
	Skip []Damage
}

// Joined is a finished clip that lies nowhere: its index is made when it is opened, its
// pictures are copied from the pieces while they are read, each fragment verified. It is
// for one goroutine.
type Joined struct {
	info    Info
	head    []byte
	tail    []byte
	extents []extent // in the order of the file, none of them empty
	at      int64

	file   *os.File // of the extent read last
	loaded int      // extent whose fragment is in buf; -1: none
	buf    []byte
}

// extent is a stretch of picture data.
type extent struct {
	at   int64 // in the joined clip
	size int64
	skip int64 // bytes of the fragment, its head included, that come before
	path string
	frag fragment // off and size alone
}

// ErrMixed is returned by Join when the pieces are of different codecs.
var ErrMixed = errors.New("pieces of different codecs do not fit into one clip")

// Join makes one ordinary MP4 of pieces of growing clips of one camera, index first, without
// copying or re-encoding anything: what Faststart makes of one clip, this makes of
// sections of many, and it makes it while it is read. Where the parameter sets differ the
// clip has several sample entries. Pieces that lie on one media axis (Meta.Run) keep their
// exact distance, others the distance of their arrival times by our own clock; a hole stays
// a hole, as long as it was. A piece without a picture in its section is left out; with
// none left the error is ErrNothing.
func Join(pieces []Piece, o JoinOptions) (*Joined, error) {
	var sections []section
	gaps := slices.Clone(o.Gaps)
	for _, p := range pieces {
		s, lost, err := readSection(p, o.Skip)
		if err != nil {
			return nil, fmt.Errorf("join %s: %w", p.Path, err)
		}
		gaps = append(gaps, lost...)
		if len(s.frags) == 0 {
			continue
		}
		if len(sections) > 0 && s.info.Codec != sections[0].info.Codec {
			return nil, fmt.Errorf("join %s: %w", p.Path, ErrMixed)
		}
		sections = append(sections, s)
	}
	if len(sections) == 0 {
		return nil, ErrNothing
	}
	sections = inOrder(sections)
	j := &Joined{loaded: -1}
	var t tables
	var entries [][]byte
	for i := range sections {
		s := &sections[i]
		if i > 0 {
			s.follow(sections[i-1], t.last.dts)
		}
		entry := slices.IndexFunc(entries, func(e []byte) bool { return string(e) == string(s.entry) })
		if entry < 0 {
			entry = len(entries)
			entries = append(entries, s.entry)
		}
		j.add(s, &t, uint32(entry+1))
	}
	t.close()
	j.info = describeAll(sections)
	j.info.Meta = o.Meta
	slices.SortStableFunc(gaps, func(a, b models.Gap) int { return a.From.Compare(b.From) })
	j.info.Gaps = gaps
	return j, j.writeHead(sections[0], entries, &t)
}

// section is what a piece gives: its pictures in the stretch that is wanted.
type section struct {
	path  string
	entry []byte
	info  Info       // of the whole piece
	frags []fragment // those that have a picture in the stretch, cut to it
	skips []int64    // for each, the bytes of picture data left out before it
	pts   int64      // ticks, added to the presentation times
	dts   int64      // ticks, added to the decoding times
}

// readSection finds what of a piece is wanted. lost is what Skip makes missing.
func readSection(p Piece, skip []Damage) (s section, lost []models.Gap, err error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return s, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return s, nil, err
	}
	t, err := tableOf(f, st.Size(), false)
	if errors.Is(err, ErrNothing) {
		return s, nil, nil
	}
	if err != nil {
		return s, nil, err
	}
	s = section{path: p.Path, entry: t.entry, info: t.info}
	t.frags, lost = leaveOut(t.frags, p, skip)
	s.cut(t.frags, p.From, p.To)
	return s, lost, nil
}

// leaveOut takes the damaged fragments of a piece out, and names those of the stretch.
func leaveOut(frags []fragment, p Piece, skip []Damage) (kept []fragment, lost []models.Gap) {
	kept = frags[:0]
	for _, f := range frags {
		if !slices.Contains(skip, Damage{p.Path, f.off}) {
			kept = append(kept, f)
			continue
		}
		g := models.Gap{From: fromUnixNano(f.times[0].wall), Cause: models.CauseDisk, Lost: f.Frames,
			Note: fmt.Sprintf("%d bytes of the footage are damaged", f.size)}
		g.To = fromUnixNano(f.times[len(f.times)-1].wall).Add(f.Frame)
		if g.To.After(p.From) && g.From.Before(p.To) {
			lost = append(lost, g)
		}
	}
	return kept, lost
}

// cut keeps the pictures from the last key frame at or before from up to to.
func (s *section) cut(frags []fragment, from, to time.Time) {
	lo, hi := unixNano(from), unixNano(to)
	begin, end, n := -1, -1, 0 // in decoding order
	met := false               // a picture of the stretch: what comes later is no beginning
	for _, f := range frags {
		for i, ft := range f.times {
			if f.samples[i].key && !met && (begin < 0 || ft.wall <= lo) {
				begin = n
			}
			met = met || begin >= 0 && ft.wall >= lo
			if ft.wall < hi {
				end = n + 1
			}
			n++
		}
	}
	if begin < 0 || end <= begin {
		return
	}
	n = 0
	for _, f := range frags {
		a, b := max(begin-n, 0), min(end-n, len(f.samples))
		n += len(f.samples)
		if a >= b {
			continue
		}
		var skipped int64
		for _, sm := range f.samples[:a] {
			f.dts += int64(sm.duration)
			skipped += int64(sm.size)
		}
		f.samples, f.times, f.dataSize = f.samples[a:b], f.times[a:b], 0
		for _, sm := range f.samples {
			f.dataSize += int64(sm.size)
		}
		f.Frames = b - a
		s.frags, s.skips = append(s.frags, f), append(s.skips, skipped)
	}
	if len(s.frags) > 0 && !s.reaches(lo) {
		s.frags, s.skips = nil, nil
	}
}

// reaches says whether a picture is still shown at or after a wall time: a piece that ended
// before gives nothing.
func (s *section) reaches(lo int64) bool {
	for _, f := range s.frags {
		for _, ft := range f.times {
			if ft.wall+int64(f.Frame) > lo {
				return true
			}
		}
	}
	return false
}

// inOrder puts the sections of one media axis side by side, in the order of that axis,
// because a clock may have been set back meanwhile; the axes by the wall time at which
// they begin.
func inOrder(all []section) []section {
	begins := map[string]int64{}
	axis := func(s section) string {
		if s.info.Meta.Run == "" {
			return s.path // comparable with nothing
		}
		return s.info.Meta.Run
	}
	for _, s := range all {
		at := s.frags[0].times[0].wall
		if b, known := begins[axis(s)]; !known || at < b {
			begins[axis(s)] = at
		}
	}
	slices.SortStableFunc(all, func(a, b section) int {
		return cmp.Or(cmp.Compare(begins[axis(a)], begins[axis(b)]), cmp.Compare(axis(a), axis(b)),
			cmp.Compare(a.frags[0].times[0].media, b.frags[0].times[0].media))
	})
	return all
}

// agree is how far the media axis and our own clock may tell a distance differently before
// one of them has jumped.
const agree = 5 * time.Second

// follow places a section after the one before it. lastDTS is the decoding time of the last
// sample before it.
func (s *section) follow(before section, lastDTS int64) {
	last, lastPTS, frame := before.latest()
	first, firstPTS := s.first()
	step := time.Duration(-1)
	if s.info.Meta.Run != "" && s.info.Meta.Run == before.info.Meta.Run {
		step = first.media - last.media
	}
	if first.arrival != noTime && last.arrival != noTime {
		passed := time.Duration(first.arrival - last.arrival)
		// A clock that was set, and timestamps that jumped, make a distance longer than it
		// was, or negative. The shorter one is then true.
		if step <= 0 || passed > 0 && (passed-step).Abs() > agree && passed < step {
			step = passed
		}
	}
	if step <= 0 {
		step = frame
	}
	s.pts = lastPTS + ticks(step) - firstPTS
	s.dts = max(s.pts, lastDTS+1-s.frags[0].dts)
}

// latest is the picture that is shown last, its presentation time, and how long one lasts.
func (s *section) latest() (ft frameTime, pts int64, frame time.Duration) {
	pts = math.MinInt64
	for _, f := range s.frags {
		dts := f.dts + s.pts
		for i, sm := range f.samples {
			if at := dts + int64(sm.offset); at >= pts {
				ft, pts = f.times[i], at
			}
			dts += int64(sm.duration)
		}
		frame = f.Frame
	}
	return ft, pts, frame
}

// first is the key frame that a section begins with.
func (s *section) first() (frameTime, int64) {
	f := s.frags[0]
	return f.times[0], f.dts + int64(f.samples[0].offset)
}

// add enters a section into the tables and notes where its pictures come from.
func (j *Joined) add(s *section, t *tables, entry uint32) {
	for i, f := range s.frags {
		if move := s.pts - s.dts; move != 0 {
			f.samples = slices.Clone(f.samples)
			for k := range f.samples {
				f.samples[k].offset = int32(min(max(int64(f.samples[k].offset)+move, math.MinInt32), math.MaxInt32))
			}
		}
		f.dts += s.dts
		j.extents = append(j.extents, extent{at: t.data, size: f.dataSize, skip: f.data - f.off + s.skips[i], path: s.path,
			frag: fragment{off: f.off, size: f.size}})
		t.add(f)
		t.chunks[len(t.chunks)-1].entry = entry
		for _, ft := range f.times {
			j.tail = ft.append(j.tail)
		}
	}
}

// describeAll is the Info of sections, but for the gaps.
func describeAll(all []section) Info {
	info := Info{Codec: all[0].info.Codec, Width: all[0].info.Width, Height: all[0].info.Height}
	for i, s := range all {
		var t tally
		for _, f := range s.frags {
			t.add(f.times, f.Frame, nil)
		}
		if i == 0 {
			info.From, info.FirstMedia = t.info.From, t.info.FirstMedia
		}
		info.To, info.LastMedia = t.info.To, t.info.LastMedia
		info.Clock = weaker(info.Clock, t.info.Clock, i == 0)
		info.Frames += t.info.Frames
	}
	return info
}

// writeHead makes what comes before and after the pictures.
func (j *Joined) writeHead(first section, entries [][]byte, t *tables) error {
	times := 24 + int64(len(j.tail))
	if times > math.MaxUint32 {
		return fmt.Errorf("%d pictures are too many for one clip", j.info.Frames)
	}
	m := movie{codec: j.info.Codec, width: j.info.Width, height: j.info.Height, entry: entries[0], more: entries[1:], info: j.info, tables: t}
	head, err := finishedHead(m, t)
	if err != nil {
		return err
	}
	j.head = head
	for i := range j.extents {
		j.extents[i].at += int64(len(head))
	}
	w := boxes{b: make([]byte, 0, times)}
	w.u32(uint32(times))
	w.text("uuid" + uuidTimes)
	w.raw(j.tail)
	j.tail = w.b
	j.info.Bytes = j.Size()
	return nil
}

// Info describes the clip.
func (j *Joined) Info() Info { return j.info }

// Size is the clip's length in bytes.
func (j *Joined) Size() int64 { return j.dataEnd() + int64(len(j.tail)) }

func (j *Joined) dataEnd() int64 {
	if len(j.extents) == 0 {
		return int64(len(j.head))
	}
	last := j.extents[len(j.extents)-1]
	return last.at + last.size
}

// Read copies from where the last Read or Seek ended. At a fragment that is damaged the
// error is a *DamagedError.
func (j *Joined) Read(p []byte) (int, error) {
	switch end := j.dataEnd(); {
	case len(p) == 0:
		return 0, nil
	case j.at >= j.Size():
		return 0, io.EOF
	case j.at < int64(len(j.head)):
		n := copy(p, j.head[j.at:])
		j.at += int64(n)
		return n, nil
	case j.at >= end:
		n := copy(p, j.tail[j.at-end:])
		j.at += int64(n)
		return n, nil
	}
	i, found := slices.BinarySearchFunc(j.extents, j.at, func(e extent, at int64) int { return cmp.Compare(e.at, at) })
	if !found {
		i--
	}
	if err := j.load(i); err != nil {
		return 0, err
	}
	e := j.extents[i]
	n := copy(p, j.buf[e.skip+j.at-e.at:e.skip+e.size])
	j.at += int64(n)
	return n, nil
}

// load reads and verifies the fragment of an extent.
func (j *Joined) load(i int) error {
	if j.loaded == i {
		return nil
	}
	e := j.extents[i]
	if j.file == nil || j.file.Name() != e.path {
		if err := j.Close(); err != nil {
			return err
		}
		f, err := os.Open(e.path)
		if err != nil {
			return fmt.Errorf("read clip: %w", err)
		}
		j.file = f
	}
	j.loaded = -1
	j.buf = slices.Grow(j.buf[:0], int(e.frag.size))[:e.frag.size]
	if _, err := j.file.ReadAt(j.buf, e.frag.off); err != nil {
		return fmt.Errorf("read clip: %w", err)
	}
	if !e.frag.whole(j.buf) {
		return &DamagedError{Damage{e.path, e.frag.off}}
	}
	j.loaded = i
	return nil
}

// Seek sets where the next Read begins.
func (j *Joined) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += j.at
	case io.SeekEnd:
		offset += j.Size()
	default:
		return 0, fmt.Errorf("seek: %w", fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek: %w", fs.ErrInvalid)
	}
	j.at = offset
	return offset, nil
}

// Close lets go of the piece that is open. Reading after it opens it again.
func (j *Joined) Close() error {
	if j.file == nil {
		return nil
	}
	f := j.file
	j.file, j.loaded = nil, -1
	return f.Close()
}
