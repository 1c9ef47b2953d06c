package rtsp

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// The transports that a Source can ask a camera for.
const (
	TCP = "tcp" // interleaved in the RTSP connection
	UDP = "udp" // faster to recover, but loses packets even on a quiet network
)

// defaultTimeout is long enough for a camera that waits for its next second to answer.
const defaultTimeout = 10 * time.Second

// Source reads one stream of one camera. Use it for one Run only.
type Source struct {
	Camera    models.CameraID
	URL       string // rtsp:// or rtsps://, with credentials
	Transport string // TCP (default) or UDP
	CAFile    string // PEM file with the authorities that sign rtsps certificates; default the system's
	// Timeout is the longest that connecting, an answer, or the next whole access unit may
	// take. Default 10 s.
	Timeout time.Duration
	Log     *slog.Logger // default: none
	// OnState is called on each change, by one goroutine at a time, before the first unit
	// to which it applies. It returns at once.
	OnState func(State)
	// Base is the instant of our own clock at which media time is zero; by default the
	// arrival of the first unit. The main and the sub stream of a camera share a Base, so
	// that their media times agree but for the difference of their delays.
	Base time.Time

	stats counters

	stateMu sync.Mutex
	state   State

	// These belong to the session that reads, and to Run between two sessions.
	line       timeline
	wall       wall
	lost       loss
	reported   time.Time // when a gap was last logged
	unreported int       // gaps since then

	secrets secrets
	sleep   func(context.Context, time.Duration) error // wait, but in tests of Run
	connect func(context.Context, func(models.AccessUnit) error) error
}

// State is what is known about the connection.
type State struct {
	Connection models.Connection
	Err        error // why there is no connection, or why nothing comes of it; no credentials in it
	Codec      models.Codec
	Width      int // of the picture, in pixels; 0 if unknown
	Height     int
	Session    int // counts the connections from 1; 0 before the first
}

// Stats returns the counters so far. It is safe for concurrent use.
func (s *Source) Stats() Stats { return s.stats.snapshot() }

// Run reads the stream until ctx ends or emit fails, and returns that error. It connects
// again for ever. emit is called with each access unit in decoding order, never
// concurrently, and must return at once: while it works, nothing is read.
func (s *Source) Run(ctx context.Context, emit func(models.AccessUnit) error) error {
	s.defaults()
	var (
		wait   backoff
		logged string
	)
	for {
		s.set(func(st *State) { st.Connection, st.Err = models.Connecting, nil })
		begin := time.Now()
		err := s.connect(ctx, emit)
		var failed *emitError
		switch {
		case ctx.Err() != nil:
			s.set(func(st *State) { st.Connection, st.Err = models.Disconnected, nil })
			return ctx.Err()
		case errors.As(err, &failed):
			s.set(func(st *State) { st.Connection, st.Err = models.Disconnected, nil })
			return failed.err
		}
		if time.Since(begin) >= settled {
			wait.reset()
		}
		pause := wait.next(slow(err))
		text := s.secrets.redact(err.Error())
		s.lost.away = true
		s.lost.note(text)
		s.set(func(st *State) { st.Connection, st.Err = models.Disconnected, errors.New(text) })
		// A camera that is gone for the night is worth one line, not a thousand.
		level := slog.LevelDebug
		if text != logged || time.Since(begin) >= settled {
			level, logged = slog.LevelWarn, text
		}
		s.Log.Log(ctx, level, "camera not connected", "error", text, "retry_in", pause.Round(time.Millisecond))
		if err := s.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func (s *Source) defaults() {
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.sleep == nil {
		s.sleep = sleep
	}
	if s.connect == nil {
		s.connect = s.play
	}
	s.line.base = s.Base
	s.stats.begin = time.Now()
	s.secrets = secretsOf(s.URL)
}

// set changes the state and reports it if that made a difference.
func (s *Source) set(change func(*State)) {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	before := s.state
	change(&s.state)
	if s.state == before || s.OnState == nil {
		return
	}
	s.OnState(s.state)
}

// emitError carries the error of emit to Run.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
