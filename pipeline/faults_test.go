package pipeline_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// kept ends what goes on by taking the zones out of the configuration, waits until all
// incidents of a kind are stored, and returns them, oldest first.
func (s *site) kept(t *testing.T, cfg *config.Config, kind models.Kind) []models.Incident {
	t.Helper()
	next := &config.Config{Hash: cfg.Hash + "-over", Cameras: slices.Clone(cfg.Cameras)}
	next.Cameras[0].Zones = nil
	s.service.Apply(next)
	var all []models.Incident
	until(t, "all incidents are stored", func() bool {
		page, err := s.index.List(t.Context(), storage.Query{Kinds: []models.Kind{kind}})
		if err != nil || len(page.Items) == 0 {
			return false
		}
		all = slices.Clone(page.Items)
		return !slices.ContainsFunc(all, func(in models.Incident) bool { return in.Footage.State != models.FootageStored })
	})
	slices.Reverse(all)
	return all
}

// sound checks what holds for every clip whatever the camera does: its pictures and its
// gaps cover the asked time, the gaps have these causes, and the count of what is missing
// fits the length of the clip at its frame rate.
func sound(t *testing.T, in models.Incident, fps float64, causes ...models.Cause) {
	t.Helper()
	f := in.Footage
	if f.Frames == 0 || f.From.After(f.AskedFrom.Add(600*time.Millisecond)) && len(f.Gaps) == 0 {
		t.Errorf("%s: %d frames from %s, asked from %s, gaps %v", in.ID, f.Frames, f.From, f.AskedFrom, f.Gaps)
	}
	for _, g := range f.Gaps {
		if !slices.Contains(causes, g.Cause) {
			t.Errorf("%s: a gap for %s, %s long: %q", in.ID, g.Cause, g.To.Sub(g.From), g.Note)
		}
	}
	from, to := f.From, f.To
	if f.AskedFrom.Before(from) {
		from = f.AskedFrom
	}
	if f.AskedTo.After(to) {
		to = f.AskedTo
	}
	if want := to.Sub(from).Seconds() * fps; math.Abs(float64(f.Expected)-want) > 2+0.02*want {
		t.Errorf("%s: %d frames are there and %d were to be expected; %s at %g a second make %.0f", in.ID, f.Frames, f.Expected, to.Sub(from), fps, want)
	}
}

// TestCameraClockIsSet: somebody sets the camera's clock an hour ahead or back. Nothing of
// the footage is lost, its times stay ours, and an incident says that the clock is wrong,
// with a clip that does not last as long as it. It ends when the clock is right again.
func TestCameraClockIsSet(t *testing.T) {
	for name, jump := range map[string]time.Duration{"an hour ahead": time.Hour, "an hour back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong atomic.Bool
			cam := camera(t, camtest.Clip{}.Load(t), func(c *camtest.Camera) {
				c.NTPJump = func(int) time.Duration {
					if wrong.Load() {
						return jump
					}
					return 0
				}
			})
			set := settings("gate", cam.URL(), "")
			set.Health.Clock = config.Trouble{Enabled: true, For: 2 * time.Second, Severity: models.SeverityMedium, MaxOffset: 2 * time.Second}
			cfg := &config.Config{Hash: "1", Cameras: []config.Camera{set}}
			s := watch(t, cfg)
			began := time.Now()
			health := func() models.Health {
				if h := s.service.Health(); len(h) == 1 {
					return h[0]
				}
				return models.Health{}
			}
			until(t, "the camera's clock is used", func() bool {
				return health().Clock == models.ClockCamera && health().Offset.Abs() < time.Second
			})
			wrong.Store(true)
			var in models.Incident
			clock := func() bool {
				page, err := s.index.List(t.Context(), storage.Query{Kinds: []models.Kind{models.KindClock}})
				if err == nil && len(page.Items) > 0 {
					in = page.Items[0]
				}
				return err == nil && len(page.Items) == 1
			}
			until(t, "an incident", clock)
			if !slices.Contains(health().Troubles, models.KindClock) || (health().Offset-jump).Abs() > time.Second {
				t.Errorf("health tells of %v and an offset of %s", health().Troubles, health().Offset)
			}
			if why := in.Events[0].Why[0]; math.Abs(why.Observed-3600) > 1 || why.Threshold != 2 || strings.Contains(why.Note, "ahead") != (jump > 0) {
				t.Errorf("got %+v", why)
			}
			if d := (in.Footage.ClockOffset - jump).Abs(); d > time.Second || !in.End.IsZero() || in.Footage.AskedTo.Sub(in.Alarm) != time.Second {
				t.Errorf("offset %s, end %s, asked to %s after the alarm", in.Footage.ClockOffset, in.End, in.Footage.AskedTo.Sub(in.Alarm))
			}
			wrong.Store(false)
			until(t, "it is over and stored", func() bool { return clock() && !in.End.IsZero() && in.Footage.State == models.FootageStored })
			if f := in.Footage; f.To.Sub(in.Alarm) > 3*time.Second || in.End.Sub(in.Alarm) < 10*time.Second || (f.ClockOffset-jump).Abs() > time.Second {
				t.Errorf("alarm %s, end %s, footage %+v", in.Alarm, in.End, f)
			}
			for _, in := range s.kept(t, cfg, models.KindMotion) {
				sound(t, in, 10, models.CauseNotYet)
				if in.Start.Before(began.Add(-5*time.Second)) || in.End.After(time.Now().Add(5*time.Second)) {
					t.Errorf("%s is dated by the wrong clock: %s to %s", in.ID, in.Start, in.End)
				}
			}
		})
	}
}

// TestTimestampsJump: the camera's RTP timestamps jump by an hour. All pictures are kept,
// and the break is named.
func TestTimestampsJump(t *testing.T) {
	for name, jump := range map[string]int64{"ahead": 3600 * camtest.ClockRate, "back": -3600 * camtest.ClockRate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cam := camera(t, camtest.Clip{}.Load(t), func(c *camtest.Camera) {
				c.FirstTimestamp = 1 << 30
				c.Alter = func(i int, u camtest.Unit) camtest.Unit {
					if i > 60 {
						u.PTS, u.DTS = u.PTS+jump, u.DTS+jump
					}
					return u
				}
				c.SenderReports = false // by the altered time there would be none for an hour
			})
			cfg := &config.Config{Hash: "1", Cameras: []config.Camera{settings("gate", cam.URL(), "")}}
			s := watch(t, cfg)
			until(t, "pictures from after the jump", func() bool {
				h := s.service.Health()
				return len(h) == 1 && h[0].Units > 100
			})
			found := 0
			for _, in := range s.kept(t, cfg, models.KindMotion) {
				sound(t, in, 10, models.CauseNotYet, models.CauseStream)
				for _, g := range in.Footage.Gaps {
					if g.Cause == models.CauseStream && strings.Contains(g.Note, "jumped") && g.To.Sub(g.From) < time.Second {
						found++
					}
				}
			}
			if found == 0 { // the clips of two incidents may both show it
				t.Error("the jump is not named")
			}
			if h := s.service.Health(); h[0].Sessions != 1 || h[0].Broken != 0 {
				t.Errorf("%d sessions, %d broken", h[0].Sessions, h[0].Broken)
			}
		})
	}
}

// TestCameraThatRestarts: a camera that restarts every five seconds. What it sends is kept,
// and each absence is named.
func TestCameraThatRestarts(t *testing.T) {
	t.Parallel()
	media := camtest.Clip{}.Load(t)
	cam := camera(t, media, nil)
	addr := strings.TrimSuffix(strings.TrimPrefix(cam.URL(), "rtsp://"), "/cam")
	set := settings("gate", cam.URL(), "")
	// An absence is longer than the pauses that a visit may have.
	set.Zones[0].Rules[0].Merge = 20 * time.Second
	cfg := &config.Config{Hash: "1", Cameras: []config.Camera{set}}
	s := watch(t, cfg)
	units := func() uint64 {
		if h := s.service.Health(); len(h) == 1 {
			return h[0].Units
		}
		return 0
	}
	until(t, "something moves", func() bool {
		page, err := s.index.List(t.Context(), storage.Query{Kinds: []models.Kind{models.KindMotion}})
		return err == nil && len(page.Items) > 0
	})
	const restarts = 3
	seen := units()
	for range restarts {
		until(t, "five seconds of pictures", func() bool { return units() >= seen+50 })
		cam.Stop()
		seen = units()
		cam = camera(t, media, func(c *camtest.Camera) { c.Addr, c.FirstTimestamp = addr, rand.Uint32() })
	}
	until(t, "pictures again", func() bool { return units() >= seen+20 })
	absences, frames := 0, 0
	all := s.kept(t, cfg, models.KindMotion)
	for _, in := range all {
		sound(t, in, 10, models.CauseNotYet, models.CauseCameraLost)
		frames += in.Footage.Frames
		for _, g := range in.Footage.Gaps {
			if g.Cause == models.CauseCameraLost {
				absences++
			}
		}
	}
	if absences != restarts {
		t.Errorf("%d absences are named, want %d, in %d incidents", absences, restarts, len(all))
	}
	if frames < 50*restarts {
		t.Errorf("%d frames are kept of %d", frames, units())
	}
}

// TestResolutionChanges: a camera is set to another resolution while somebody moves before
// it. The footage goes on, without a gap.
func TestResolutionChanges(t *testing.T) {
	t.Parallel()
	small, large := camtest.Clip{}.Load(t), camtest.Clip{Width: 640, Height: 480}.Load(t)
	cam := camera(t, small, func(c *camtest.Camera) {
		c.NoParams = true
		c.Alter = func(i int, u camtest.Unit) camtest.Unit {
			from, params := small.Units[(i-1)%len(small.Units)], small.Params
			if i > 60 {
				from, params = large.Units[(i-1)%len(large.Units)], large.Params
			}
			u.NALUs, u.Key = from.NALUs, from.Key
			if u.Key {
				u.NALUs = append(slices.Clone(params), u.NALUs...)
			}
			return u
		}
	})
	cfg := &config.Config{Hash: "1", Cameras: []config.Camera{settings("gate", cam.URL(), "")}}
	s := watch(t, cfg)
	until(t, "pictures of the new size", func() bool {
		h := s.service.Health()
		return len(h) == 1 && h[0].Width == 640 && h[0].Frames > 100
	})
	frames := 0
	for _, in := range s.kept(t, cfg, models.KindMotion) {
		sound(t, in, 10, models.CauseNotYet)
		frames += in.Footage.Frames
	}
	if frames < 80 {
		t.Errorf("%d frames are kept of 100", frames)
	}
}

// TestPacketLoss: one packet in twenty is lost. Each loss is a gap with its cause, and what
// is kept and what is missing are as much as was sent.
func TestPacketLoss(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	cam := camera(t, camtest.Clip{FPS: 15, Width: 640, Height: 480}.Load(t), func(c *camtest.Camera) {
		c.Drop = func(seq int) bool { return seq > 40 && rng.IntN(20) == 0 }
	})
	cfg := &config.Config{Hash: "1", Cameras: []config.Camera{settings("gate", cam.URL(), "")}}
	s := watch(t, cfg)
	until(t, "twenty seconds of footage", func() bool {
		h := s.service.Health()
		return len(h) == 1 && h[0].Units+h[0].Broken > 300
	})
	for _, in := range s.kept(t, cfg, models.KindMotion) {
		sound(t, in, 15, models.CauseNotYet, models.CausePacketLoss)
		if missing := in.Footage.Expected - in.Footage.Frames; missing == 0 || len(in.Footage.Gaps) == 0 {
			t.Errorf("%s: nothing is said to be missing: %+v", in.ID, in.Footage)
		}
		if c := in.Footage.Complete(); c >= 1 {
			t.Errorf("%s is said to be complete", in.ID)
		}
		lost := uint64(0)
		for _, g := range in.Footage.Gaps {
			lost += uint64(g.Lost)
		}
		if h := s.service.Health(); lost == 0 || lost > h[0].Lost {
			t.Errorf("gaps tell of %d lost packets, the camera's health of %d", lost, h[0].Lost)
		}
	}
}
