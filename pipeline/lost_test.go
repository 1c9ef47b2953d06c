package pipeline_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// missed is a camera that is looked for and in which nothing else is.
func missed(id models.CameraID, url string) config.Camera {
	cam := settings(id, url, "")
	cam.Zones = nil
	cam.Health.CameraLost = config.Trouble{Enabled: true, For: 3 * time.Second, Severity: models.SeverityHigh}
	return cam
}

// only returns the one incident there is, false while there is none.
func (s *site) only(t *testing.T) (models.Incident, bool) {
	t.Helper()
	page, err := s.index.List(t.Context(), storage.Query{})
	if err != nil || len(page.Items) == 0 {
		return models.Incident{}, false
	}
	if len(page.Items) > 1 {
		t.Fatalf("got %d incidents, want one: %v and %v", len(page.Items), page.Items[0].ID, page.Items[1].ID)
	}
	return page.Items[0], true
}

func lost(h []models.Health) bool {
	return len(h) == 1 && slices.Contains(h[0].Troubles, models.KindCameraLost)
}

// TestLostCamera: a camera that goes away, comes for a moment, goes again and comes back
// is one incident. It begins with the last picture, is over with the return, and its clip
// shows what was before and after, with the absence named between.
func TestLostCamera(t *testing.T) {
	t.Parallel()
	media := camtest.Clip{}.Load(t)
	cam := camera(t, media, nil)
	s := watch(t, &config.Config{Hash: "1", Cameras: []config.Camera{missed("gate", cam.URL())}})
	pictures := func() uint64 {
		h := s.service.Health()
		if len(h) != 1 {
			return 0
		}
		return h[0].Frames
	}
	until(t, "pictures", func() bool { return pictures() > 40 })
	if _, ok := s.only(t); ok || lost(s.service.Health()) {
		t.Fatal("a camera that is there is lost")
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(cam.URL(), "rtsp://"), "/cam")
	cam.Stop()
	went := time.Now()
	var in models.Incident
	open := func() (ok bool) { in, ok = s.only(t); return ok }
	until(t, "an incident", open)
	if in.Kind != models.KindCameraLost || in.Severity != models.SeverityHigh || in.Zone != "" || in.Config != "1" {
		t.Errorf("got %+v", in)
	}
	if d := in.Alarm.Sub(in.Start); d < 3*time.Second || d > 6*time.Second {
		t.Errorf("the alarm came %s after the start, want three seconds and up to two looks at the clock", d)
	}
	if d := in.Start.Sub(went); d.Abs() > 2*time.Second {
		t.Errorf("it began %s after the camera went", d)
	}
	if !lost(s.service.Health()) {
		t.Error("the camera's health does not tell of it")
	}

	seen := pictures()
	again := camera(t, media, func(c *camtest.Camera) { c.Addr = addr })
	until(t, "pictures for a moment", func() bool { return pictures() > seen+5 })
	again.Stop()
	seen = pictures()
	if open(); !in.End.IsZero() {
		t.Error("it is over though the camera was back for a moment only")
	}
	camera(t, media, func(c *camtest.Camera) { c.Addr = addr })
	until(t, "the camera is back", func() bool { return pictures() > seen+20 && !lost(s.service.Health()) })
	until(t, "its evidence is stored", func() bool { return open() && in.Footage.State == models.FootageStored })
	f := in.Footage
	if !f.From.Before(in.Start) || !f.To.After(in.End) || f.Frames == 0 {
		t.Errorf("the clip runs from %s to %s, the incident from %s to %s", f.From, f.To, in.Start, in.End)
	}
	if in.End.Before(went.Add(3*time.Second)) || in.EventCount != 1 || in.Events[0].Phase != models.PhaseEnded {
		t.Errorf("got an end at %s and %d events: %+v", in.End, in.EventCount, in.Events)
	}
	var away time.Duration
	for _, g := range f.Gaps {
		if g.Cause != models.CauseCameraLost {
			t.Errorf("got a gap for %s: %+v", g.Cause, g)
		}
		away += g.To.Sub(g.From)
	}
	if want := in.End.Sub(in.Start); away < want-5*time.Second || away > want+time.Second {
		t.Errorf("gaps of %s are named, the incident took %s: %v", away, want, f.Gaps)
	}
}

// TestCameraThatNeverCame: a camera that cannot be reached from the start is an incident
// too, from the start, without footage and with the reason. It ends when it is no longer
// asked for, or when the camera is taken out of the configuration, and holds up nobody.
func TestCameraThatNeverCame(t *testing.T) {
	for _, c := range []struct {
		name, note string
		change     func(cfg *config.Config)
	}{
		{"switched off", "no longer looked for", func(cfg *config.Config) { cfg.Cameras[0].Health.CameraLost.Enabled = false }},
		{"removed", "vedette stopped watching", func(cfg *config.Config) { cfg.Cameras = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := &config.Config{Hash: "1", Cameras: []config.Camera{missed("none", "rtsp://viewer:secret@127.0.0.1:1/")}}
			began := time.Now()
			s := watch(t, cfg)
			var in models.Incident
			until(t, "an incident", func() (ok bool) { in, ok = s.only(t); return ok })
			if in.Kind != models.KindCameraLost || in.Start.Before(began.Add(-time.Second)) || in.Opened.Sub(in.Start) < 3*time.Second {
				t.Errorf("got %s that began %s after vedette and was opened %s later", in.Kind, in.Start.Sub(began), in.Opened.Sub(in.Start))
			}
			if why := in.Events[0].Why[0]; why.Observed < 3 || why.Threshold != 3 || !strings.Contains(why.Note, "not connected") || strings.Contains(why.Note, "secret") {
				t.Errorf("got %+v", why)
			}
			next := &config.Config{Hash: "2", Cameras: slices.Clone(cfg.Cameras)}
			c.change(next)
			s.service.Apply(next)
			until(t, "it is over and recorded", func() bool {
				in, _ = s.only(t)
				return !in.End.IsZero() && in.Footage.State == models.FootageStored
			})
			why := in.Events[0].Why
			if note := why[len(why)-1].Note; !strings.Contains(note, c.note) {
				t.Errorf("got the reason %q, want %q", note, c.note)
			}
			if in.End.Before(in.Alarm) || len(in.Footage.Gaps) != 1 || in.Footage.Gaps[0].Cause != models.CauseCameraLost || in.Footage.Frames != 0 {
				t.Errorf("got end %s, footage %+v", in.End, in.Footage)
			}
		})
	}
}
