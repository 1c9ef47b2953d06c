package pipeline_test

import (
	"context"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/internal/footage"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
	"github.com/vedette-cctv/vedette/storage"
)

// source joins a real rtsp.Source as cmd does.
type source struct{ *rtsp.Source }

func (s source) Stats() pipeline.SourceStats {
	st := s.Source.Stats()
	return pipeline.SourceStats{Sessions: st.Sessions, Units: st.Units, Bytes: st.Bytes, Lost: st.Lost, Discarded: st.Discarded, Clock: st.Clock, Offset: st.Offset, OffsetKnown: st.OffsetKnown, Drift: st.Drift}
}

// site is a running Service with real cameras and real storage.
type site struct {
	service *pipeline.Service
	index   storage.Index
	upload  *storage.Uploader
	bucket  storage.Bucket
}

// watch runs a service on cfg until the test ends; join changes what it is joined with.
func watch(t *testing.T, cfg *config.Config, join ...func(*pipeline.Parts)) *site {
	t.Helper()
	dir := t.TempDir()
	spool, err := storage.OpenSpool(filepath.Join(dir, "spool"), storage.SpoolOptions{Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	index, err := storage.OpenSQLite(filepath.Join(dir, "vedette.db"))
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := storage.OpenDisk(filepath.Join(dir, "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s := &site{index: index, bucket: bucket, upload: &storage.Uploader{Spool: spool, Bucket: bucket, Index: index}}
	s.service = &pipeline.Service{
		Parts: pipeline.Parts{
			Source: func(cam config.Camera, url config.Secret, base time.Time, onState func(pipeline.SourceState)) pipeline.Source {
				return source{&rtsp.Source{Camera: cam.ID, URL: url.Reveal(), Timeout: 5 * time.Second, Base: base, OnState: func(st rtsp.State) {
					onState(pipeline.SourceState{Connection: st.Connection, Err: st.Err, Codec: st.Codec, Width: st.Width, Height: st.Height, Session: st.Session})
				}}}
			},
			Decoder: func(codec models.Codec, want func(models.Instant) bool) (pipeline.Decoder, error) {
				return decode.New(codec, decode.Options{Want: want})
			},
		},
		Recorder: &pipeline.Recorder{Spool: spool, Index: index, Kick: s.upload.Kick, Publish: func(models.Incident) {}, Log: log},
		SpillDir: filepath.Join(dir, "preroll"), Version: "test", Log: log,
	}
	for _, f := range join {
		f(&s.service.Parts)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- s.service.Run(ctx, cfg) }()
	go func() { done <- s.upload.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := index.Close(); err != nil {
			t.Error(err)
		}
		if err := spool.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// patience ends what hangs: far more than a busy machine needs for anything here.
const patience = 5 * time.Minute

// until asks until the answer is yes.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

func camera(t *testing.T, media *camtest.Media, change func(*camtest.Camera)) *camtest.Camera {
	t.Helper()
	c := &camtest.Camera{Media: media, Loop: true, SenderReports: true}
	if change != nil {
		change(c)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// settings is a camera whose whole picture alarms on motion.
func settings(id models.CameraID, url, detect string) config.Camera {
	return config.Camera{ID: id, Name: string(id), URL: config.Secret(url), DetectURL: config.Secret(detect), Transport: config.TCP,
		PreRoll: 2 * time.Second, PostRoll: time.Second, Buffer: config.Buffer{Memory: 64 << 20}, Detect: config.Detect{FPS: 10},
		Zones: []models.Zone{{ID: "all", Polygon: models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}},
			Rules: []models.Rule{{Kind: models.KindMotion, Severity: models.SeverityLow, Dwell: 500 * time.Millisecond, Grace: time.Second, Merge: time.Second}}}}}
}

func TestChangedCameraRestartsAlone(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	one, two, three := camera(t, media, nil), camera(t, media, nil), camera(t, media, nil)
	cfg := &config.Config{Hash: "1", Workers: 2, Cameras: []config.Camera{settings("gate", one.URL(), ""), settings("yard", two.URL(), "")}}
	s := watch(t, cfg)
	connected := func(want ...models.CameraID) bool {
		health := s.service.Health()
		if len(health) != len(want) {
			return false
		}
		for i, h := range health {
			if h.Camera != want[i] || h.Connection != models.Connected || h.Frames == 0 {
				return false
			}
		}
		return true
	}
	until(t, "both cameras are connected", func() bool { return connected("gate", "yard") })
	gate := s.service.Streams()[0]

	changed := *cfg
	changed.Cameras = []config.Camera{cfg.Cameras[0], settings("yard", three.URL(), ""), settings("roof", two.URL(), "")}
	if gone := s.service.Apply(&changed); len(gone) != 0 {
		t.Errorf("got %v gone, want none", gone)
	}
	until(t, "three cameras are connected", func() bool { return connected("gate", "yard", "roof") })
	if s.service.Streams()[0] != gate || gate.Health().Sessions != 1 {
		t.Error("a camera that did not change was restarted")
	}
	changed.Cameras = changed.Cameras[:1]
	if gone := s.service.Apply(&changed); len(gone) != 2 {
		t.Errorf("got %v gone, want yard and roof", gone)
	}
	if h := s.service.Health(); len(h) != 1 || h[0].Camera != "gate" {
		t.Errorf("got %v, want gate alone", h)
	}
}

// TestSubStreamIsAnalysedMainIsKept: the clip is cut from the main stream by what was
// seen on the sub-stream.
func TestSubStreamIsAnalysedMainIsKept(t *testing.T) {
	path := footage.Path(t, "pets/pets_s2l1.mp4")
	small := filepath.Join(t.TempDir(), "sub.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-t", "30", "-i", path, "-vf", "scale=384:288", "-bf", "0", "-g", "14", small).CombinedOutput(); err != nil {
		t.Skipf("ffmpeg is not present or cannot make a sub-stream: %v %s", err, out)
	}
	load := func(path string) *camtest.Media {
		m, err := camtest.LoadMP4(path)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	main, sub := camera(t, load(path), nil), camera(t, load(small), nil)
	s := watch(t, &config.Config{Hash: "1", Cameras: []config.Camera{settings("gate", main.URL(), sub.URL())}})
	until(t, "frames of the sub-stream", func() bool {
		h := s.service.Health()
		return len(h) == 1 && h[0].Analysed > 20 && h[0].Width == 768
	})
	if f := s.service.Streams()[0].Latest(); f == nil || f.Source.X != 384 {
		t.Errorf("got a frame of %v, want the sub-stream's 384x288", f)
	}
	// Motion goes on all the time: without its zone the incident ends.
	until(t, "an incident", func() bool {
		n, err := s.index.Count(t.Context(), storage.Query{})
		return err == nil && n > 0
	})
	quiet := settings("gate", main.URL(), sub.URL())
	quiet.Zones = nil
	s.service.Apply(&config.Config{Hash: "2", Cameras: []config.Camera{quiet}})
	var in models.Incident
	until(t, "its evidence is stored", func() bool {
		page, err := s.index.List(t.Context(), storage.Query{})
		if err != nil || len(page.Items) == 0 {
			return false
		}
		in = page.Items[len(page.Items)-1]
		return in.Footage.State == models.FootageStored
	})
	if in.Footage.Width != 768 || in.Footage.Frames == 0 || in.Config != "1" {
		t.Errorf("got a clip %d wide with %d frames, config %q; want the main stream's", in.Footage.Width, in.Footage.Frames, in.Config)
	}
	if late := in.Footage.From.Sub(in.Start); late > 0 {
		t.Errorf("the clip begins %s after the arrival", late)
	}
}

// TestCameraThatComesBack: a reset in the middle of an incident leaves one named gap, and
// the camera is watched again.
func TestCameraThatComesBack(t *testing.T) {
	media, err := camtest.LoadMP4(footage.Path(t, "pets/pets_s2l1.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	cam := camera(t, media, func(c *camtest.Camera) { c.ResetAfter = 60 })
	s := watch(t, &config.Config{Hash: "1", Cameras: []config.Camera{settings("gate", cam.URL(), "")}})
	until(t, "a second session with frames", func() bool {
		h := s.service.Health()
		return len(h) == 1 && h[0].Sessions == 2 && h[0].Connection == models.Connected && h[0].Analysed > 80
	})
	quiet := settings("gate", cam.URL(), "")
	quiet.Zones = nil
	s.service.Apply(&config.Config{Hash: "2", Cameras: []config.Camera{quiet}})
	var gaps []models.Gap
	until(t, "stored evidence", func() bool {
		page, err := s.index.List(t.Context(), storage.Query{})
		if err != nil || len(page.Items) == 0 {
			return false
		}
		gaps = nil
		for _, in := range page.Items {
			if in.Footage.State != models.FootageStored {
				return false
			}
			gaps = append(gaps, in.Footage.Gaps...)
		}
		return true
	})
	lost := 0
	for _, g := range gaps {
		if g.Cause == models.CauseCameraLost && g.To.Sub(g.From) > 200*time.Millisecond {
			lost++
		}
	}
	if lost == 0 {
		t.Errorf("got gaps %v, want the time without the camera named", gaps)
	}
}

func TestUnreachableCameraLeavesOthersAlone(t *testing.T) {
	cam := camera(t, camtest.Clip{}.Load(t), nil)
	s := watch(t, &config.Config{Hash: "1", Cameras: []config.Camera{settings("none", "rtsp://viewer:secret@127.0.0.1:1/", ""), settings("gate", cam.URL(), "")}})
	until(t, "the good camera runs and the bad one says why not", func() bool {
		h := s.service.Health()
		return len(h) == 2 && h[0].Error != "" && h[0].Connection != models.Connected && h[1].Analysed > 5
	})
	if h := s.service.Health()[0]; strings.Contains(h.Error, "secret") {
		t.Errorf("the error shows the password: %s", h.Error)
	}
}
