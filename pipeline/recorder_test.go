package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// bench is a recorder with real storage on a temporary disk.
type bench struct {
	dir      string
	spool    *storage.Spool
	index    storage.Index
	recorder *Recorder
	uploader *storage.Uploader
	bucket   storage.Bucket
	stop     func()

	mu   sync.Mutex
	told []models.Incident
}

func newBench(t *testing.T, dir string, o storage.SpoolOptions) *bench {
	t.Helper()
	b := &bench{dir: dir}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if o.Reserve == 0 {
		o.Reserve = -1
	}
	b.spool, err = storage.OpenSpool(filepath.Join(dir, "spool"), o)
	must(err)
	b.index, err = storage.OpenSQLite(filepath.Join(dir, "vedette.db"))
	must(err)
	b.bucket, err = storage.OpenDisk(filepath.Join(dir, "evidence"))
	must(err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b.uploader = &storage.Uploader{Spool: b.spool, Bucket: b.bucket, Index: b.index}
	b.recorder = &Recorder{Spool: b.spool, Index: b.index, Kick: b.uploader.Kick, Log: log, Publish: func(in models.Incident) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.told = append(b.told, in)
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.uploader.Run(ctx) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			<-done
			b.recorder.trouble.wg.Wait()
			must(b.index.Close())
			must(b.spool.Close())
		})
	}
	t.Cleanup(b.stop)
	return b
}

// stored waits until the incident's evidence is in the bucket.
func (b *bench) stored(t *testing.T, id models.IncidentID) models.Incident {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := b.uploader.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	in, err := b.index.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func instant(s float64) models.Instant {
	d := time.Duration(s * float64(time.Second))
	return models.Instant{Media: d, Wall: epoch.Add(d)}
}

// fill pushes footage from second from to second to into the ring, looping the clip.
func fill(t *testing.T, ring *clip.Buffer, media *camtest.Media, from, to float64) {
	t.Helper()
	for loop := int64(0); ; loop++ {
		for _, u := range media.Units {
			s := float64(u.PTS+loop*media.Ticks) / camtest.ClockRate
			if s >= to {
				return
			}
			if s >= from {
				at, nalus := instant(s), u.NALUs
				if u.Key { // as a Source delivers it
					nalus = append(slices.Clone(media.Params), nalus...)
				}
				ring.Push(models.AccessUnit{Camera: "gate", Codec: media.Codec, Session: 1, At: at, Clock: models.ClockCamera, Arrival: at.Wall, Key: u.Key, NALUs: nalus})
			}
		}
	}
}

func changes(start, alarm, end float64) (opened, ended incident.Change) {
	in := models.Incident{ID: "20260102T030415.000Z-gate-door-loitering-1", Camera: "gate", Zone: "door", Kind: models.KindLoitering,
		Severity: models.SeverityMedium, State: models.StateNew, Start: instant(start).Wall, Alarm: instant(alarm).Wall}
	opened = incident.Change{Step: incident.Opened, Incident: in, Start: instant(start)}
	in.End = instant(end).Wall
	ended = incident.Change{Step: incident.Ended, Incident: in, Start: instant(start), End: instant(end)}
	return opened, ended
}

// record runs one incident through the recorder, with footage before and after the alarm.
func (b *bench) record(t *testing.T, ring *clip.Buffer, start, alarm, end float64, rest func()) models.Incident {
	t.Helper()
	opened, ended := changes(start, alarm, end)
	const roll = 3 * time.Second
	b.recorder.Open(opened, Recording{PreRoll: roll, PostRoll: roll, Cursor: ring.Cursor(opened.Start.Media - roll)})
	rest()
	b.recorder.Change(ended)
	b.recorder.WaitCamera("gate")
	return b.stored(t, opened.Incident.ID)
}

func TestClipBeginsBeforeTheArrival(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{})
	ring := &clip.Buffer{Window: time.Minute}
	fill(t, ring, media, 0, 20)
	in := b.record(t, ring, 10, 20, 30, func() { fill(t, ring, media, 20, 36) })
	f := in.Footage
	if f.State != models.FootageStored || len(f.Objects) < 2 || len(f.Gaps) != 0 || f.Complete() != 1 {
		t.Errorf("got %s, %d objects, gaps %v, complete %g", f.State, len(f.Objects), f.Gaps, f.Complete())
	}
	if f.From.After(instant(7).Wall) || f.To.Before(instant(33).Wall) {
		t.Errorf("clip %s to %s, want 3 s before the arrival at 10 to 3 s after the end at 30", f.From.Sub(epoch), f.To.Sub(epoch))
	}
	if len(b.told) == 0 || b.told[0].End.IsZero() == false {
		t.Error("people were not told of the incident when it opened")
	}
}

// The pictures of an alarm are evidence like its clip: in the bucket, in the record, in the
// manifest. One that cannot be made is left out, and the rest is there.
func TestPicturesOfTheAlarmAreEvidence(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	grey := func() models.Frame {
		p := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
		for i := range p.Cb {
			p.Cb[i], p.Cr[i] = 128, 128
		}
		return models.Frame{Source: image.Pt(320, 180), Picture: p}
	}
	odd := grey()
	odd.Picture.SubsampleRatio = image.YCbCrSubsampleRatio444 // a frame that cannot be drawn
	foreground := image.NewGray(image.Rect(0, 0, 320, 180))
	foreground.SetGray(100, 50, color.Gray{Y: 255})
	for _, tc := range []struct {
		name       string
		frame      models.Frame
		foreground *image.Gray
		want       []models.ObjectRole
	}{
		{"a frame and what moved in it", grey(), foreground,
			[]models.ObjectRole{models.RoleClip, models.RoleStill, models.RolePicture, models.RoleWhy, models.RoleMask, models.RoleManifest}},
		{"without a frame, as when a camera is lost", models.Frame{}, nil,
			[]models.ObjectRole{models.RoleClip, models.RoleWhy, models.RoleManifest}},
		{"a frame that cannot be drawn", odd, foreground,
			[]models.ObjectRole{models.RoleClip, models.RoleMask, models.RoleManifest}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, t.TempDir(), storage.SpoolOptions{})
			ring := &clip.Buffer{Window: time.Minute}
			fill(t, ring, media, 0, 20)
			opened, ended := changes(10, 20, 24)
			opened.Incident.Events = []models.Event{{Rule: models.Rule{Kind: models.KindLoitering}, Start: instant(10), Alarm: instant(20),
				Why: []models.Fact{{Name: "dwell", Observed: 10, Threshold: 10, Unit: "s"}}}}
			b.recorder.Open(opened, Recording{Frame: tc.frame, Foreground: tc.foreground, Name: "Gate", Cursor: ring.Cursor(10 * time.Second)})
			fill(t, ring, media, 20, 30)
			b.recorder.Change(ended)
			b.recorder.WaitCamera("gate")
			in := b.stored(t, opened.Incident.ID)

			var got []models.ObjectRole
			for _, o := range in.Footage.Objects {
				got = append(got, o.Role)
			}
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Fatalf("the record names %v, want %v", got, tc.want)
			}
			read := func(role models.ObjectRole) []byte {
				r, _, err := storage.Evidence{Spool: b.spool, Bucket: b.bucket}.Open(t.Context(), in, role)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				data, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			var manifest storage.Manifest
			if err := json.Unmarshal(read(models.RoleManifest), &manifest); err != nil {
				t.Fatal(err)
			}
			named := []models.ObjectRole{models.RoleManifest} // it does not name itself
			for _, o := range manifest.Objects {
				named = append(named, o.Role)
			}
			slices.Sort(named)
			if !slices.Equal(named, tc.want) {
				t.Errorf("the manifest names %v, want %v", named, tc.want)
			}
			if slices.Contains(tc.want, models.RoleWhy) {
				if m, err := jpeg.Decode(bytes.NewReader(read(models.RoleWhy))); err != nil || m.Bounds().Dx() < 1000 {
					t.Errorf("why.jpg: %v", err)
				}
			}
			if slices.Contains(tc.want, models.RoleMask) {
				m, err := png.Decode(bytes.NewReader(read(models.RoleMask)))
				if err != nil {
					t.Fatal(err)
				}
				if mask, ok := m.(*image.Gray); !ok || !bytes.Equal(mask.Pix, foreground.Pix) {
					t.Errorf("mask.png is a %T, or not what moved", m)
				}
			}
		})
	}
}

func TestTitleOfAStill(t *testing.T) {
	for want, w := range map[string]recording{
		"North gate · door · loitering": {Recording: Recording{Name: "North gate"}, in: models.Incident{Camera: "gate", Zone: "door", Kind: models.KindLoitering}},
		"gate · camera lost":            {in: models.Incident{Camera: "gate", Kind: models.KindCameraLost}},
	} {
		if got := w.title(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMissingFootageIsNamed(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	for _, tc := range []struct {
		name                      string
		before, after             [2]float64 // footage that there is
		start, alarm, end         float64
		cause                     models.Cause
		from, to                  float64
		closeRing                 bool
		wantComplete, wantAtLeast float64
	}{
		{"the ring began too late", [2]float64{8, 20}, [2]float64{20, 36}, 10, 20, 30, models.CauseNotYet, 7, 8, false, 0.97, 0.9},
		{"the camera went away", [2]float64{0, 20}, [2]float64{20, 22}, 10, 20, 22, models.CauseCameraLost, 22, 25, true, 0.9, 0.7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, t.TempDir(), storage.SpoolOptions{})
			ring := &clip.Buffer{Window: time.Minute}
			fill(t, ring, media, tc.before[0], tc.before[1])
			in := b.record(t, ring, tc.start, tc.alarm, tc.end, func() {
				fill(t, ring, media, tc.after[0], tc.after[1])
				if tc.closeRing {
					ring.Close()
				}
			})
			if len(in.Footage.Gaps) != 1 {
				t.Fatalf("got gaps %v, want one", in.Footage.Gaps)
			}
			g := in.Footage.Gaps[0]
			near := func(at time.Time, s float64) bool { return at.Sub(instant(s).Wall).Abs() <= 1100*time.Millisecond }
			if g.Cause != tc.cause || !near(g.From, tc.from) || !near(g.To, tc.to) {
				t.Errorf("got %s from %s to %s, want %s from %g to %g", g.Cause, g.From.Sub(epoch), g.To.Sub(epoch), tc.cause, tc.from, tc.to)
			}
			if c := in.Footage.Complete(); c >= 1 || c < tc.wantAtLeast {
				t.Errorf("complete %g, want below 1 and at least %g", c, tc.wantAtLeast)
			}
		})
	}
}

// TestSameNameTwice: a clock that was set back brings the names of incidents again. Both
// must be there afterwards, each with its own footage.
func TestSameNameTwice(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{})
	ring := &clip.Buffer{Window: time.Minute}
	fill(t, ring, media, 0, 20)
	first := b.record(t, ring, 10, 20, 24, func() { fill(t, ring, media, 20, 30) })
	b.record(t, ring, 12, 20, 25, func() {})
	second, err := b.index.Get(t.Context(), first.ID+"-2")
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.index.Get(t.Context(), first.ID)
	if err != nil || !again.Start.Equal(first.Start) || again.Revision != first.Revision {
		t.Errorf("the first record was changed: %v", err)
	}
	if second.Footage.State != models.FootageStored || second.Start.Equal(first.Start) || second.Footage.Frames == 0 {
		t.Errorf("the second has %d frames, state %s, start %s", second.Footage.Frames, second.Footage.State, second.Start)
	}
}

// TestFullSpool: footage is refused, the record is opened all the same, and an incident
// of its own says why.
func TestFullSpool(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{Quota: 1})
	ring := &clip.Buffer{Window: time.Minute}
	fill(t, ring, media, 0, 20)
	in := b.record(t, ring, 10, 20, 24, func() { fill(t, ring, media, 20, 30) })
	if len(in.Footage.Gaps) != 1 || in.Footage.Gaps[0].Cause != models.CauseDisk || in.Footage.Frames != 0 {
		t.Errorf("got %d frames, gaps %v; want none and a gap by the disk", in.Footage.Frames, in.Footage.Gaps)
	}
	b.recorder.trouble.wg.Wait()
	page, err := b.index.List(t.Context(), storage.Query{Kinds: []models.Kind{models.KindStorage}})
	if err != nil || len(page.Items) != 1 || len(page.Items[0].Log) == 0 {
		t.Errorf("got %d storage incidents, %v; want one that says why", len(page.Items), err)
	}
}

// TestResumeAfterCrash leaves an entry as a crash would and starts anew.
func TestResumeAfterCrash(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	dir := t.TempDir()
	opened, _ := changes(10, 20, 0)
	func() {
		b := newBench(t, dir, storage.SpoolOptions{})
		defer b.stop()
		opened.Incident.Footage = models.Footage{State: models.FootageRecording, AskedFrom: instant(7).Wall}
		entry, err := b.spool.Begin(opened.Incident) // and never Index.Create
		if err != nil {
			t.Fatal(err)
		}
		ring := &clip.Buffer{Window: time.Minute}
		fill(t, ring, media, 0, 25)
		ring.Close()
		c := ring.Cursor(7 * time.Second)
		w, err := clip.Create(entry.Path(storage.GrowingFile), clip.WriterOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			au, err := c.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(au); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		// The last fragment was being written.
		st, err := os.Stat(entry.Path(storage.GrowingFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(entry.Path(storage.GrowingFile), st.Size()-10); err != nil {
			t.Fatal(err)
		}
	}()
	b := newBench(t, dir, storage.SpoolOptions{})
	if err := b.recorder.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := b.stored(t, opened.Incident.ID)
	f := in.Footage
	if f.State != models.FootageStored || f.Frames == 0 || f.To.Before(instant(22).Wall) {
		t.Errorf("got %s, %d frames to %s; want nearly 25 s kept", f.State, f.Frames, f.To.Sub(epoch))
	}
	if len(f.Gaps) == 0 || f.Gaps[len(f.Gaps)-1].Cause != models.CauseRestart || in.End.IsZero() {
		t.Errorf("got gaps %v, end %s; want a gap by the restart and an end", f.Gaps, in.End)
	}
	if err := b.recorder.Resume(t.Context()); err != nil {
		t.Errorf("a second Resume: %v", err)
	}
}

// TestResumeOfAnIncidentThatHadEnded: only its post-roll was still to come, so the gap
// does not reach to the next start.
func TestResumeOfAnIncidentThatHadEnded(t *testing.T) {
	media := camtest.Clip{}.Load(t)
	b := newBench(t, t.TempDir(), storage.SpoolOptions{})
	_, ended := changes(10, 20, 24)
	in := ended.Incident
	in.Footage = models.Footage{State: models.FootageRecording, AskedFrom: instant(7).Wall, AskedTo: instant(27).Wall}
	entry, err := b.spool.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	ring := &clip.Buffer{Window: time.Minute}
	fill(t, ring, media, 0, 25)
	ring.Close()
	c := &cutter{cursor: ring.Cursor(7 * time.Second), entry: entry, allow: b.spool.Allow, onDisk: func(error) {}, log: b.recorder.Log}
	c.run()
	if err := b.recorder.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := b.stored(t, in.ID).Footage
	if len(f.Gaps) != 1 || f.Gaps[0].Cause != models.CauseRestart || !f.Gaps[0].To.Equal(instant(27).Wall) {
		t.Errorf("got gaps %v, want one by the restart up to the end of the post-roll", f.Gaps)
	}
	if c := f.Complete(); c < 0.85 || c >= 1 {
		t.Errorf("complete %g, want 18 of 20 s", c)
	}
}
