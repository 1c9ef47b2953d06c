package pipeline

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage/archive"
)

const (
	// bufferMargin is what the ring keeps beyond the longest dwell and the pre-roll: the
	// time until a track is believed, a key frame interval, and a slow decoder.
	bufferMargin = 15 * time.Second
	// subWindow is the ring of a sub-stream, which is only decoded, never kept.
	subWindow = 5 * time.Second
	// maxBehind is how late the decoder may run before it skips to the newest key frame.
	// Alerts later than a few seconds are of no use to the person who watches.
	maxBehind = 2 * time.Second
	// lostAfter is how long a camera may be away before its open events end. It is longer
	// than a reconnection takes, so that a short outage does not break a visit in two.
	lostAfter = 10 * time.Second
)

// Stream watches one camera.
type Stream struct {
	Camera   config.Camera // as at the start; Apply replaces what may change live
	Hash     string        // of the configuration that Camera comes from
	Parts    Parts
	Pool     *Pool
	Recorder *Recorder
	Archive  *archive.Archive // nil: no continuous footage
	SpillDir string           // where this camera's pre-roll may spill to; its own folder
	Version  string
	Log      *slog.Logger
	// OnHealth is called when the connection's state changes, and each second.
	OnHealth func(models.Health)

	buffer   *clip.Buffer // the stream that is kept
	analysed *clip.Buffer // the stream that is looked at; often the same
	main     Source
	sub      Source // nil when there is one stream
	lane     *Lane

	continuous *Continuous // nil: not asked for
	grids      *grids      // set when continuous is; owned by the lane

	chain      *detectors.Chain    // owned by the lane
	correlator incident.Correlator // owned by the lane
	last       models.Instant      // of the newest frame; owned by the lane
	flushed    bool                // owned by the lane
	hash       string              // of the settings in force; owned by the lane
	lost       *models.Event       // camera_lost, while it goes on; owned by the lane
	wrongClock *models.Event       // clock, while it goes on; owned by the lane
	wrongSince time.Time           // of wrongClock, by our monotonic clock; owned by the lane
	started    models.Instant      // when Open was called

	absence  absence // owned by mind
	away     bool    // lost is set; owned by mind
	skew     skew    // owned by mind
	skewed   bool    // wrongClock is set; owned by mind
	troubles atomic.Pointer[[]models.Kind]

	settings atomic.Pointer[config.Camera]
	pace     detectors.Pace            // owned by vision
	decoded  atomic.Pointer[time.Time] // when the newest decoded picture was taken
	latest   atomic.Pointer[models.Frame]
	analysis atomic.Uint64 // frames that went through the chain
	skipped  atomic.Uint64 // access units that were never decoded
	frames   atomic.Uint64
	broken   atomic.Uint64
	failed   atomic.Uint64 // frames that the chain refused

	looks, looksOver, looksBad atomic.Uint64 // of the object detector

	mu    sync.Mutex
	state SourceState // of the kept stream
	since time.Time
	other SourceState // of the sub-stream

	jpegMu sync.Mutex
	jpegOf *models.Frame
	jpeg   []byte
}

// Open prepares the stream; Run must follow.
func (s *Stream) Open() error {
	chain, err := detectors.New(detectors.Options{Watch: unpaced(s.Camera.Watch(s.Hash)), Objects: s.Parts.Objects, Log: s.Log})
	if err != nil {
		return err
	}
	s.chain, s.hash = chain, s.Hash
	cam := s.Camera
	s.settings.Store(&cam)
	s.correlator.Version = s.Version
	s.correlator.Apply(cam.Watch(s.Hash))
	s.buffer = &clip.Buffer{Window: window(cam), Memory: cam.Buffer.Memory, Disk: cam.Buffer.Disk,
		SpillDir: filepath.Join(s.SpillDir, string(cam.ID)), Log: s.Log}
	s.analysed = s.buffer
	s.state, s.since = SourceState{Connection: models.Connecting}, time.Now()
	epoch := time.Now()
	s.started, s.absence.newest = models.Instant{Wall: epoch}, epoch
	s.main = s.Parts.Source(cam, cam.URL, epoch, s.onMain)
	if cam.DetectURL != "" {
		s.analysed = &clip.Buffer{Window: subWindow, Memory: cam.Buffer.Memory, Log: s.Log}
		s.sub = s.Parts.Source(cam, cam.DetectURL, epoch, s.onSub)
	}
	s.lane = s.Pool.Lane(s.look)
	s.openArchive(cam, epoch)
	return nil
}

// openArchive prepares continuous recording. epoch is where the media axis is zero, and
// names it.
func (s *Stream) openArchive(cam config.Camera, epoch time.Time) {
	if s.Archive == nil {
		return
	}
	s.Archive.SetPolicy(cam.ID, archive.Policy{Keep: cam.Record.Keep, Size: cam.Record.Size})
	if !cam.Record.Continuous {
		return
	}
	s.continuous = &Continuous{Camera: cam.ID, Name: cam.Name, Axis: strconv.FormatInt(epoch.UnixNano(), 36),
		Software: "vedette " + s.Version, Archive: s.Archive, Log: s.Log,
		OnDisk: func(err error) { s.Recorder.archiveDisk(cam.ID, err) }}
	s.grids = &grids{log: s.Log, keep: func(g models.MotionGrid) error { return s.Archive.AddGrid(cam.ID, g) }}
}

// unpaced is the watch of a chain that analyses every frame that it gets: here a frame that
// is too many is not even taken out of the decoder.
func unpaced(w models.Watch) models.Watch {
	w.FPS = 0
	return w
}

// window is how much of the past must be at hand when the slowest rule becomes true.
func window(cam config.Camera) time.Duration {
	return cam.PreRoll + cam.LongestDwell() + bufferMargin
}

// Run blocks until ctx ends and everything that was in flight is handed to the recorder.
func (s *Stream) Run(ctx context.Context) error {
	var recording sync.WaitGroup
	if s.continuous != nil {
		s.grids.start()
		cursor := s.buffer.Cursor(0)
		recording.Go(func() { s.continuous.Run(cursor) })
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.main.Run(gctx, func(au models.AccessUnit) error { s.buffer.Push(au); return nil })
	})
	if s.sub != nil {
		g.Go(func() error {
			return s.sub.Run(gctx, func(au models.AccessUnit) error { s.analysed.Push(au); return nil })
		})
	}
	g.Go(func() error { return s.vision(gctx) })
	g.Go(func() error { return s.mind(gctx) })
	err := g.Wait()

	s.lane.Do(s.stop)
	s.lane.Close()
	s.buffer.Close() // recordings read what is left, then end
	if s.sub != nil {
		s.analysed.Close()
	}
	recording.Wait()
	if s.grids != nil {
		s.grids.end()
	}
	s.Recorder.WaitCamera(s.Camera.ID)
	err = errors.Join(err, s.chain.Close())
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// vision decodes what the ring holds and offers it to the lane.
func (s *Stream) vision(ctx context.Context) error {
	cursor := s.analysed.Live()
	defer cursor.Close()
	d := decoding{stream: s}
	defer d.close()
	for {
		au, err := cursor.Next(ctx)
		if err != nil {
			return ctx.Err()
		}
		if cursor.Behind() > maxBehind && !au.Key {
			if n := cursor.SkipToNewestKey(); n > 0 {
				s.skipped.Add(uint64(n) + 1)
				d.restart()
				continue
			}
		}
		d.decode(au)
	}
}

// decoding is the decoder of the vision lane and what it waits for.
type decoding struct {
	stream  *Stream
	decoder Decoder
	codec   models.Codec
	session int
	needKey bool
	frames  uint64 // of decoder.Frames and
	broken  uint64 // decoder.Broken: already added to the stream's counts
}

func (d *decoding) decode(au models.AccessUnit) {
	s := d.stream
	if d.decoder == nil || au.Codec != d.codec {
		d.close()
		decoder, err := s.Parts.Decoder(au.Codec, s.want)
		if err != nil {
			s.Log.Error("open decoder", "codec", au.Codec, "err", err)
			s.broken.Add(1)
			return
		}
		d.decoder, d.codec, d.needKey = decoder, au.Codec, true
	}
	if au.Session != d.session {
		d.session = au.Session
		d.restart()
	}
	if d.needKey && !au.Key {
		s.skipped.Add(1)
		return
	}
	d.needKey = false
	if err := d.decoder.Decode(au, s.lane.Offer); err != nil {
		s.broken.Add(1)
		d.restart()
	}
	frames, broken := d.decoder.Frames(), d.decoder.Broken()
	s.frames.Add(frames - d.frames)
	s.broken.Add(broken - d.broken)
	d.frames, d.broken = frames, broken
}

func (d *decoding) restart() {
	if d.decoder != nil {
		d.decoder.Reset()
	}
	d.needKey = true
}

func (d *decoding) close() {
	if d.decoder != nil {
		d.decoder.Close()
		d.decoder, d.frames, d.broken = nil, 0, 0
	}
}

// want says whether a picture that has been decoded is to be analysed.
func (s *Stream) want(at models.Instant) bool {
	s.decoded.Store(&at.Wall)
	s.pace.FPS = s.settings.Load().Detect.FPS
	return s.pace.Take(at.Media)
}

// look is the lane's work: one frame through the chain.
func (s *Stream) look(f models.Frame) {
	res, err := s.chain.Process(f)
	if err != nil {
		if s.failed.Add(1) == 1 {
			s.Log.Warn("analyse frame", "err", err)
		}
		return
	}
	if s.grids != nil {
		s.grids.add(f.At.Wall, s.chain.Moving())
	}
	s.last, s.flushed = f.At, false
	s.latest.Store(&f)
	s.analysis.Add(1)
	switch res.Look {
	case detectors.LookDone:
		s.looks.Add(1)
	case detectors.LookRefused:
		s.looksOver.Add(1)
	case detectors.LookFailed:
		s.looksBad.Add(1)
	}
	for _, e := range res.Events {
		s.take(s.correlator.Handle(e), f)
	}
	s.take(s.correlator.Advance(f.At), f)
	s.tell()
}

// take hands changes to the recorder. It may wait for the recorder: an event is never
// lost, and while the disk is slow it is frames that are shed instead.
func (s *Stream) take(changes []incident.Change, f models.Frame) {
	for _, ch := range changes {
		cam := s.settings.Load()
		if ch.Step == incident.Opened {
			var foreground *image.Gray
			if f.Picture != nil {
				foreground = s.chain.Foreground()
			}
			rec := Recording{
				Frame: f, Foreground: foreground, PreRoll: cam.PreRoll, PostRoll: cam.PostRoll, Name: cam.Name,
				Cursor: s.buffer.Cursor(ch.Start.Media - cam.PreRoll), Clock: s.clock,
			}
			if ch.Incident.Kind == models.KindClock {
				// A wrong clock may last for months, and more pictures of it prove no more.
				rec.Until = ch.Start.Add(cam.PostRoll)
			}
			s.Recorder.Open(ch, rec)
			continue
		}
		s.Recorder.Change(ch)
	}
}

// flush ends what was seen, at the newest frame. That the camera is lost goes on.
func (s *Stream) flush() {
	if s.flushed || s.last.IsZero() {
		return
	}
	s.flushed = true
	for _, e := range s.chain.Flush(s.last) {
		s.take(s.correlator.Handle(e), models.Frame{})
	}
	s.take(s.correlator.Advance(s.last.Add(longAfter)), models.Frame{})
	s.tell()
}

// mind reports the camera's health each second, says when it is lost, and ends open events
// when it stays away.
func (s *Stream) mind(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s.report()
			s.present(now)
			s.compare(now)
			if s.disconnected() > lostAfter {
				s.lane.Do(s.flush)
			}
		}
	}
}

// disconnected is for how long the stream that is looked at has not been connected.
func (s *Stream) disconnected() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	if s.sub != nil {
		state = s.other
	}
	if state.Connection == models.Connected || s.since.IsZero() {
		return 0
	}
	return time.Since(s.since)
}

// Apply changes zones, rules and detection between two frames, without touching the
// stream. The caller has checked config.Camera.SameStream.
func (s *Stream) Apply(cam config.Camera, hash string) {
	s.settings.Store(&cam)
	if s.Archive != nil {
		s.Archive.SetPolicy(cam.ID, archive.Policy{Keep: cam.Record.Keep, Size: cam.Record.Size})
	}
	s.buffer.SetWindow(window(cam))
	s.lane.Do(func() {
		w := cam.Watch(hash)
		s.hash = hash
		s.chain.Apply(unpaced(w))
		s.correlator.Apply(w)
	})
}

// Detach lets nothing more join an incident that a person has closed.
func (s *Stream) Detach(id models.IncidentID) {
	s.lane.Do(func() { s.correlator.Detach(id) })
}

// Latest is the newest frame that was analysed, or nil.
func (s *Stream) Latest() *models.Frame { return s.latest.Load() }

// Settings are the camera's settings in force.
func (s *Stream) Settings() config.Camera { return *s.settings.Load() }

func (s *Stream) onMain(st SourceState) {
	s.mu.Lock()
	if st.Connection != s.state.Connection {
		s.since = time.Now()
	}
	s.state = st
	s.mu.Unlock()
	s.report()
}

func (s *Stream) onSub(st SourceState) {
	s.mu.Lock()
	s.other = st
	s.mu.Unlock()
	s.report()
}

func (s *Stream) report() {
	if s.OnHealth != nil {
		s.OnHealth(s.Health())
	}
}

// Health is what is known about the camera right now.
func (s *Stream) Health() models.Health {
	s.mu.Lock()
	state, other, since := s.state, s.other, s.since
	s.mu.Unlock()
	stats, ring := s.main.Stats(), s.buffer.Stats()
	h := models.Health{
		Camera: s.Camera.ID, Connection: state.Connection, Since: since,
		Codec: state.Codec, Width: state.Width, Height: state.Height,
		Clock: stats.Clock, Offset: stats.Offset, Drift: stats.Drift, Sessions: stats.Sessions,
		Bytes: stats.Bytes, Units: stats.Units, Lost: stats.Lost,
		Frames: s.frames.Load(), Analysed: s.analysis.Load(),
		Looks: s.looks.Load(), LooksOver: s.looksOver.Load(), LooksBad: s.looksBad.Load(),
		Broken:   s.broken.Load() + s.failed.Load() + stats.Discarded,
		Buffered: ring.Duration, BufferSize: ring.MemoryBytes + ring.DiskBytes,
	}
	if s.continuous != nil {
		h.Recording, h.Archived = s.continuous.Recording(), s.continuous.Since()
	}
	if troubles := s.troubles.Load(); troubles != nil {
		h.Troubles = *troubles
	}
	_, shed, _ := s.lane.Stats()
	h.Shed = shed + s.skipped.Load()
	if at := s.decoded.Load(); at != nil {
		h.LastFrame = *at
	}
	switch {
	case state.Connection != models.Connected && state.Err != nil:
		h.Error = state.Err.Error()
	case s.sub != nil && other.Connection != models.Connected:
		h.Error = "detect_url: not connected"
		if other.Err != nil {
			h.Error = "detect_url: " + other.Err.Error()
		}
	}
	return h
}
