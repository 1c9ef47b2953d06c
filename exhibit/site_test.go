package exhibit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/snapshot"
	"github.com/vedette-cctv/vedette/storage"
)

// night is the alarm of the first incident of every test.
var night = time.Date(2026, 3, 1, 22, 41, 6, 0, time.UTC)

// site is a recorder without cameras: everything that evidence goes through is real.
type site struct {
	t      testing.TB
	keys   *custody.Keys
	log    *custody.Log
	spool  *storage.Spool
	bucket storage.Bucket
	index  storage.Index
	files  string // the folder of the bucket
}

func newSite(t testing.TB) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, files: filepath.Join(dir, "bucket")}
	var err error
	if s.keys, err = custody.OpenKeys(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	if s.log, err = custody.OpenLog(filepath.Join(dir, "custody"), custody.LogOptions{Keys: s.keys, Origin: "test site"}); err != nil {
		t.Fatal(err)
	}
	if s.spool, err = storage.OpenSpool(filepath.Join(dir, "spool"), storage.SpoolOptions{Reserve: -1, Signer: s.keys, Custody: s.log}); err != nil {
		t.Fatal(err)
	}
	if s.bucket, err = storage.OpenDisk(s.files); err != nil {
		t.Fatal(err)
	}
	if s.index, err = storage.OpenSQLite(filepath.Join(dir, "index.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.index.Close(), s.spool.Close(), s.log.Close(), s.keys.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// film makes a clip of drawn footage. Its pictures begin 5 s before the alarm.
func film(t testing.TB, path string, c camtest.Clip, alarm time.Time) clip.Info {
	t.Helper()
	media := c.Load(t)
	w, err := clip.Create(path+".fmp4", clip.WriterOptions{Meta: clip.Meta{Title: "Loitering at the gate", Camera: "gate"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range media.Units {
		at := time.Duration(u.PTS) * time.Second / camtest.ClockRate
		nalus := u.NALUs
		if u.Key {
			nalus = append(append([][]byte{}, media.Params...), nalus...)
		}
		wall := alarm.Add(at - 5*time.Second)
		if err := w.Write(models.AccessUnit{Camera: "gate", Codec: media.Codec, Session: 1, Key: u.Key, NALUs: nalus,
			At: models.Instant{Media: at, Wall: wall}, Arrival: wall.Add(80 * time.Millisecond), Clock: models.ClockCamera}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	info, err := clip.Faststart(path+".fmp4", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".fmp4"); err != nil {
		t.Fatal(err)
	}
	return info
}

// happen lets an incident take place and stores its evidence. n tells incidents apart.
func (s *site) happen(n int, c camtest.Clip) models.Incident {
	s.t.Helper()
	id := s.record(n, c)
	s.upload()
	in, err := s.index.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	if in.Footage.State != models.FootageStored {
		s.t.Fatalf("footage is %s", in.Footage.State)
	}
	return in
}

// record lets an incident take place, up to where its evidence waits for the bucket.
func (s *site) record(n int, c camtest.Clip) models.IncidentID {
	s.t.Helper()
	alarm := night.Add(time.Duration(n) * time.Hour)
	in := models.Incident{
		ID:     models.IncidentID(alarm.Format("20060102T150405.000Z") + "-gate-door-loitering-1"),
		Camera: "gate", Zone: "door", Kind: models.KindLoitering, Severity: models.SeverityHigh, State: models.StateNew,
		Label: "person", Score: .87, Start: alarm.Add(-30 * time.Second), Alarm: alarm, End: alarm.Add(20 * time.Second),
		Opened: alarm.Add(200 * time.Millisecond), Box: models.Box{X: .4, Y: .3, W: .1, H: .4},
		Polygon: models.Polygon{{X: .1, Y: .2}, {X: .9, Y: .2}, {X: .9, Y: .95}, {X: .1, Y: .95}},
		Config:  fmt.Sprintf("%x", sha256.Sum256([]byte("configuration"))), Version: "1.2.3",
		Footage: models.Footage{State: models.FootageRecording, AskedFrom: alarm.Add(-5 * time.Second), AskedTo: alarm.Add(-time.Second)},
		Log:     []models.Action{{At: alarm.Add(200 * time.Millisecond), Who: "vedette", What: "opened"}},
	}
	in.Events = []models.Event{{ID: 1, Phase: models.PhaseEnded, Camera: "gate", Zone: "door", Label: "person", Score: .87,
		Rule:  models.Rule{Kind: models.KindLoitering, Severity: models.SeverityHigh, Labels: []string{"person"}, Dwell: 30 * time.Second, Grace: 3 * time.Second},
		Start: models.Instant{Media: time.Second, Wall: in.Start}, Alarm: models.Instant{Media: 31 * time.Second, Wall: alarm}, Box: in.Box,
		Why: []models.Fact{{Name: "dwell", Observed: 30.2, Threshold: 30, Unit: "s", Note: "away for 2.1 s of it, within the grace"},
			{Name: "score", Observed: .87, Threshold: .5}}}}
	in.EventCount = 1
	e, err := s.spool.Begin(in)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.index.Create(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
	info := film(s.t, e.Path(storage.ClipFile), c, alarm)
	f := &in.Footage
	f.From, f.To, f.Frames, f.Codec, f.Width, f.Height, f.Clock = info.From, info.To, info.Frames, info.Codec, info.Width, info.Height, info.Clock
	f.Expected, f.ClockOffset, f.ClockDrift = info.Frames, 1800*time.Millisecond, 12.5
	for name, data := range drawn(s.t, c, e.Path(storage.ClipFile), in) {
		if err := e.Write(name, data); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := e.Ready(in, []storage.File{{Name: storage.ClipFile, Role: models.RoleClip, Type: "video/mp4"},
		{Name: storage.StillFile, Role: models.RoleStill, Type: "image/jpeg"}, {Name: storage.PictureFile, Role: models.RolePicture, Type: "image/jpeg"},
		{Name: storage.WhyFile, Role: models.RoleWhy, Type: "image/jpeg"}}); err != nil {
		s.t.Fatal(err)
	}
	return in.ID
}

// drawings are the pictures that were drawn already: under the race detector that takes
// seconds, and what is on them does not matter.
var drawings = map[camtest.Clip]map[string][]byte{}

func drawn(t testing.TB, c camtest.Clip, path string, in models.Incident) map[string][]byte {
	t.Helper()
	if drawings[c] == nil {
		drawings[c] = stills(t, path, in)
	}
	return drawings[c]
}

// stills draws the pictures of an incident as the recorder does.
func stills(t testing.TB, path string, in models.Incident) map[string][]byte {
	t.Helper()
	f, err := decode.OpenFile(path, decode.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	frame, err := f.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	still, err1 := snapshot.Still(frame, snapshot.Marks{Zone: in.Polygon, Box: in.Box, Title: "Gate · door · loitering", Severity: in.Severity})
	picture, err2 := snapshot.Picture(frame, 640)
	why, err3 := snapshot.Card(frame, snapshot.Reasons{Incident: in, Name: "North gate", Place: time.UTC})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{storage.StillFile: still, storage.PictureFile: picture, storage.WhyFile: why}
}

// upload brings everything that waits to the bucket.
func (s *site) upload() {
	s.t.Helper()
	u := &storage.Uploader{Spool: s.spool, Bucket: s.bucket, Index: s.index, Custody: s.log}
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	wait, stop := context.WithTimeout(ctx, time.Minute)
	err := u.Drain(wait)
	stop()
	cancel()
	if err := errors.Join(err, <-done); err != nil {
		s.t.Fatal(err)
	}
}

// options are those of a package as `vedette export` makes it.
func (s *site) options(incidents ...models.Incident) Options {
	s.t.Helper()
	var ids []models.IncidentID
	for _, in := range incidents {
		ids = append(ids, in.ID)
		if err := s.log.Record(s.t.Context(), models.Custody{At: in.Alarm.Add(time.Minute), Who: "mara", Act: models.ActExported,
			Incident: in.ID, Objects: in.Footage.Objects, Note: "asked for by the police"}); err != nil {
			s.t.Fatal(err)
		}
	}
	extract, err := s.log.Extract(s.t.Context(), ids)
	if err != nil {
		s.t.Fatal(err)
	}
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		s.t.Fatal(err)
	}
	return Options{
		Incidents: incidents, Custody: extract, Keys: s.keys.Public(), Signer: s.keys,
		Open: func(ctx context.Context, in models.Incident, o models.Object) (storage.Reader, error) {
			return storage.Evidence{Spool: s.spool, Bucket: s.bucket}.OpenObject(ctx, in.ID, o)
		},
		Config: func(string) ([]byte, error) { return []byte("cameras: {}\n"), nil },
		By:     "mara", Why: "asked for by the police, case 4711", Reference: "4711", Contact: "Security office, +43 1 555 01 00",
		Software: "vedette 1.2.3", At: night.Add(9 * time.Hour), Place: vienna, Temp: s.t.TempDir(),
	}
}

// pack makes a package in memory.
func (s *site) pack(o Options) []byte {
	s.t.Helper()
	var out bytes.Buffer
	report, err := Write(s.t.Context(), &out, o)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	if report.Size != int64(out.Len()) || report.SHA256 != hex.EncodeToString(sum[:]) {
		s.t.Errorf("said to have %d bytes with SHA-256 %s; it has %d with %x", report.Size, report.SHA256, out.Len(), sum)
	}
	if left, _ := os.ReadDir(o.Temp); len(left) > 0 {
		s.t.Errorf("left in the temporary folder: %v", left)
	}
	return out.Bytes()
}

func verified(t testing.TB, data []byte, o VerifyOptions) Findings {
	t.Helper()
	f, err := Verify(bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var small = camtest.Clip{Width: 160, Height: 120, FPS: 10, Seconds: 4, GOP: 10}
