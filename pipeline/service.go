package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
	"github.com/vedette-cctv/vedette/storage/archive"
)

// Service watches all cameras of a configuration and follows its changes.
type Service struct {
	Parts    Parts
	Recorder *Recorder
	Archive  *archive.Archive // of continuous footage; nil: none is kept
	SpillDir string           // folder for pre-roll that does not fit into memory
	Version  string
	Log      *slog.Logger
	OnHealth func(models.Health)

	pool   *Pool
	ctx    context.Context // of Run: streams that Apply starts end with it
	mu     sync.Mutex
	order  []models.CameraID
	live   map[models.CameraID]*running
	closed bool
}

// running is a stream and the way to stop it.
type running struct {
	stream *Stream
	cancel context.CancelFunc
	done   chan struct{}
}

// Run watches the cameras of cfg until ctx ends, then waits until every open incident is
// in the spool.
func (s *Service) Run(ctx context.Context, cfg *config.Config) error {
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	s.pool = NewPool(workers)
	s.pool.Log = s.Log
	poolCtx, stopPool := context.WithCancel(context.Background()) // streams flush through it
	poolDone := make(chan error, 1)
	go func() { poolDone <- s.pool.Run(poolCtx) }()
	defer func() { stopPool(); <-poolDone }()

	s.mu.Lock()
	s.ctx, s.live = ctx, map[models.CameraID]*running{}
	s.mu.Unlock()
	s.Apply(cfg)
	<-ctx.Done()

	s.mu.Lock()
	s.closed = true
	all := s.live
	s.mu.Unlock()
	for _, r := range all {
		r.cancel()
	}
	for _, r := range all {
		<-r.done
	}
	return nil
}

// Apply follows a new configuration: cameras that are gone stop, new ones start, a camera
// whose stream changed restarts alone, and zones, rules and detection change in place.
// A camera that cannot be opened is logged and left out; it never stops another. It
// returns the cameras that are gone.
func (s *Service) Apply(cfg *config.Config) (gone []models.CameraID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.live == nil {
		return nil
	}
	wanted := map[models.CameraID]config.Camera{}
	order := make([]models.CameraID, 0, len(cfg.Cameras))
	for _, cam := range cfg.Cameras {
		wanted[cam.ID] = cam
		order = append(order, cam.ID)
	}
	var leaving []*running
	for id, r := range s.live {
		if cam, keep := wanted[id]; !keep || !r.stream.Settings().SameStream(cam) {
			r.cancel()
			leaving = append(leaving, r)
			if !keep {
				gone = append(gone, id)
			}
			delete(s.live, id)
		}
	}
	for _, r := range leaving {
		<-r.done
	}
	for _, cam := range cfg.Cameras {
		if r := s.live[cam.ID]; r != nil {
			r.stream.Apply(cam, cfg.Hash)
			continue
		}
		if err := s.start(cam, cfg.Hash); err != nil {
			s.Log.Error("start camera", "camera", cam.ID, "err", err)
		}
	}
	s.order = order
	return gone
}

func (s *Service) start(cam config.Camera, hash string) error {
	st := &Stream{Camera: cam, Hash: hash, Parts: s.Parts, Pool: s.pool, Recorder: s.Recorder, Archive: s.Archive,
		SpillDir: s.SpillDir, Version: s.Version, Log: s.Log.With("camera", cam.ID), OnHealth: s.OnHealth}
	if err := st.Open(); err != nil {
		return fmt.Errorf("open camera %s: %w", cam.ID, err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	r := &running{stream: st, cancel: cancel, done: make(chan struct{})}
	s.live[cam.ID] = r
	go func() {
		defer close(r.done)
		if err := st.Run(ctx); err != nil {
			st.Log.Error("camera stopped", "err", err)
		}
	}()
	return nil
}

// Streams are the cameras that run, in the order of the configuration.
func (s *Service) Streams() []*Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	streams := make([]*Stream, 0, len(s.live))
	for _, r := range s.live {
		streams = append(streams, r.stream)
	}
	slices.SortFunc(streams, func(a, b *Stream) int {
		return cmp.Compare(slices.Index(s.order, a.Camera.ID), slices.Index(s.order, b.Camera.ID))
	})
	return streams
}

// Health is the health of every camera, in the order of the configuration.
func (s *Service) Health() []models.Health {
	streams := s.Streams()
	health := make([]models.Health, len(streams))
	for i, st := range streams {
		health[i] = st.Health()
	}
	return health
}

// Picture is the newest analysed picture of a camera as JPEG; false when there is none.
func (s *Service) Picture(id models.CameraID) ([]byte, time.Time, bool) {
	s.mu.Lock()
	r := s.live[id]
	s.mu.Unlock()
	if r == nil {
		return nil, time.Time{}, false
	}
	return r.stream.picture()
}

// Detach lets nothing more join an incident that a person has closed.
func (s *Service) Detach(camera models.CameraID, id models.IncidentID) {
	s.mu.Lock()
	r := s.live[camera]
	s.mu.Unlock()
	if r != nil {
		r.stream.Detach(id)
	}
}

// picture encodes the newest frame once, however many people look.
func (s *Stream) picture() ([]byte, time.Time, bool) {
	f := s.latest.Load()
	if f == nil {
		return nil, time.Time{}, false
	}
	s.jpegMu.Lock()
	defer s.jpegMu.Unlock()
	if s.jpegOf != f {
		data, err := snapshot.Picture(*f, 0)
		if err != nil {
			s.Log.Warn("encode picture", "err", err)
			return nil, time.Time{}, false
		}
		s.jpegOf, s.jpeg = f, data
	}
	return s.jpeg, f.At.Wall, true
}
