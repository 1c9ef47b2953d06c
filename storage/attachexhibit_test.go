package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// shelf is an archive of footage in memory.
type shelf struct {
	mu        sync.Mutex
	footage   map[models.CameraID][]byte
	gaps      []models.Gap
	broken    error // of the next opening
	protected map[string]models.Span
	opened    int
}

func (s *shelf) open(_ context.Context, cam models.CameraID, span models.Span) (io.ReadSeekCloser, models.Recalled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	rec := models.Recalled{Camera: cam, Asked: span, Gaps: s.gaps}
	if err := s.broken; err != nil {
		s.broken = nil
		return nil, rec, err
	}
	data, ok := s.footage[cam]
	if !ok {
		return nil, rec, fmt.Errorf("no footage: %w", fs.ErrNotExist)
	}
	return readSeekCloser{bytes.NewReader(data)}, rec, nil
}

type readSeekCloser struct{ *bytes.Reader }

func (readSeekCloser) Close() error { return nil }

func (s *shelf) protect(key string, _ models.CameraID, span models.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.protected[key] = span
}

func (s *shelf) unprotect(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.protected, key)
}

func (s *shelf) protects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.protected)
}

type exhibitSite struct {
	*Exhibits
	dir    string
	index  Index
	bucket Bucket
	shelf  *shelf
}

func newExhibitSite(t *testing.T) *exhibitSite {
	t.Helper()
	s := &exhibitSite{dir: t.TempDir(), index: mustSQLite(t), bucket: mustDisk(t),
		shelf: &shelf{footage: map[models.CameraID][]byte{"gate": randomBytes(50_000)}, protected: map[string]models.Span{}}}
	s.open(t, nil)
	return s
}

func (s *exhibitSite) open(t *testing.T, change func(*ExhibitOptions)) {
	t.Helper()
	o := ExhibitOptions{Bucket: s.bucket, Index: s.index, Footage: s.shelf.open, Protect: s.shelf.protect, Unprotect: s.shelf.unprotect,
		Backoff: Backoff{Min: time.Millisecond, Max: 5 * time.Millisecond}}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Exhibits, err = OpenExhibits(s.dir, o); err != nil {
		t.Fatal(err)
	}
}

// run copies until ok says so.
func (s *exhibitSite) run(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	eventually(t, ok)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// idle says that nothing is left to copy, and that the open incidents were looked through.
func (s *exhibitSite) idle() bool {
	n, _ := s.work.left()
	return n == 0
}

// link puts exhibits into the record of an incident and returns it.
func link(t *testing.T, x Index, id models.IncidentID, list ...models.Exhibit) models.Incident {
	t.Helper()
	in, err := x.Update(t.Context(), id, func(r *models.Incident) error {
		for _, e := range list {
			e.By, e.At = "ada", time.Now().UTC()
			r.Investigation.Exhibits = append(r.Investigation.Exhibits, e)
			r.Log = append(r.Log, models.Action{At: e.At, Who: e.By, What: "exhibit added", Note: e.ID})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (s *exhibitSite) exhibit(t *testing.T, in models.IncidentID, id string) models.Exhibit {
	t.Helper()
	rec, err := s.index.Get(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	i := findExhibit(rec, id)
	if i < 0 {
		t.Fatalf("no exhibit %s", id)
	}
	return rec.Investigation.Exhibits[i]
}

func past(id string, cam models.CameraID) models.Exhibit {
	to := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	return models.Exhibit{ID: id, Camera: cam, From: to.Add(-time.Minute), To: to}
}

func TestExhibitIsStored(t *testing.T) {
	s := newExhibitSite(t)
	create(t, s.index, incident(1))
	x := past("x1", "gate")
	s.shelf.gaps = []models.Gap{{From: x.From, To: x.From.Add(time.Second), Cause: models.CauseCameraLost}}
	clipOf := past("x2", "gate")
	clipOf.Incident = "another"
	s.Linked(link(t, s.index, incident(1).ID, x, past("x3", "nowhere"), clipOf))
	if n := s.shelf.protects(); n != 2 {
		t.Errorf("%d spans are protected", n)
	}
	s.run(t, s.idle)
	got := s.exhibit(t, incident(1).ID, "x1")
	if !bytes.Equal(readAll(t, s.bucket, got.Object.Key), s.shelf.footage["gate"]) || !slices.EqualFunc(got.Gaps, s.shelf.gaps, func(a, b models.Gap) bool { return a.From.Equal(b.From) && a.Cause == b.Cause }) {
		t.Errorf("%+v", got)
	}
	if o, _, err := s.bucket.Stat(t.Context(), got.Object.Key); err != nil || o.SHA256 != got.Object.SHA256 || o.Size != got.Object.Size || got.Object.Role != models.RoleExhibit {
		t.Errorf("%+v, %v; record %+v", o, err, got.Object)
	}
	if got := s.exhibit(t, incident(1).ID, "x3"); got.Object.Key != "" || !strings.Contains(got.Trouble, "no continuous footage") {
		t.Errorf("without footage: %+v", got)
	}
	if got := s.exhibit(t, incident(1).ID, "x2"); got.Object.Key != "" || got.Trouble != "" {
		t.Errorf("the clip of another incident: %+v", got)
	}
	if n := s.shelf.protects(); n != 0 || len(files(t, s.dir)) != 0 {
		t.Errorf("%d spans still protected, notes %v", n, files(t, s.dir))
	}
	rec, err := s.index.Get(t.Context(), incident(1).ID)
	if err != nil || len(rec.Log) != len(incident(1).Log)+3 {
		t.Errorf("log %+v, %v", rec.Log, err)
	}
	s.Linked(rec)
	if st := s.Status(); st.Pending != 0 {
		t.Errorf("what is done is asked for again: %+v", st)
	}
}

// Footage that is being recorded is copied when its time is over, and protected meanwhile.
func TestExhibitWaitsForItsEnd(t *testing.T) {
	s := newExhibitSite(t)
	create(t, s.index, incident(1))
	x := models.Exhibit{ID: "x1", Camera: "gate", From: time.Now().Add(-time.Minute).UTC(), To: time.Now().Add(time.Minute).UTC()}
	s.Linked(link(t, s.index, incident(1).ID, x))
	s.run(t, func() bool { n, _ := s.work.left(); return n == 1 })
	if s.shelf.opened != 0 || s.shelf.protects() != 1 || s.Status().Pending != 1 {
		t.Errorf("opened %d times, %d protected, %+v", s.shelf.opened, s.shelf.protects(), s.Status())
	}
}

// A restart goes on with what was linked, also with what nobody had noted, and protects it
// before the archive runs.
func TestExhibitsAfterARestart(t *testing.T) {
	s := newExhibitSite(t)
	create(t, s.index, incident(1), incident(2))
	s.Linked(link(t, s.index, incident(1).ID, past("noted", "gate")))
	if _, err := s.index.Update(t.Context(), incident(1).ID, func(in *models.Incident) error { in.State = models.StateClosed; return nil }); err != nil {
		t.Fatal(err)
	}
	link(t, s.index, incident(2).ID, past("killed", "gate"))
	s.shelf.protected = map[string]models.Span{}
	s.open(t, nil)
	if n := s.shelf.protects(); n != 1 {
		t.Errorf("%d spans are protected", n)
	}
	s.run(t, func() bool { return s.idle() })
	for in, id := range map[models.IncidentID]string{incident(1).ID: "noted", incident(2).ID: "killed"} {
		if got := s.exhibit(t, in, id); got.Object.Key == "" {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

func TestExhibitTriesAgain(t *testing.T) {
	s := newExhibitSite(t)
	create(t, s.index, incident(1))
	s.shelf.broken = errors.New("input/output error")
	s.Linked(link(t, s.index, incident(1).ID, past("x1", "gate")))
	s.run(t, s.idle)
	if got := s.exhibit(t, incident(1).ID, "x1"); got.Object.Key == "" || s.shelf.opened != 2 || !strings.Contains(s.Status().LastError, "input/output") {
		t.Errorf("%+v after %d openings, %+v", got, s.shelf.opened, s.Status())
	}
}

// Another recorder's cameras are left to it, and what retention has taken is not copied.
func TestExhibitsLeftAlone(t *testing.T) {
	s := newExhibitSite(t)
	create(t, s.index, incident(1), incident(2))
	s.open(t, func(o *ExhibitOptions) { o.Mine = func(c models.CameraID) bool { return c == "gate" } })
	s.Linked(link(t, s.index, incident(1).ID, past("x1", "yard")))
	gone := link(t, s.index, incident(2).ID, past("x1", "gate"))
	s.Linked(gone)
	if _, err := s.index.Update(t.Context(), gone.ID, func(in *models.Incident) error { in.Footage.State = models.FootageDeleted; return nil }); err != nil {
		t.Fatal(err)
	}
	s.run(t, s.idle)
	if s.shelf.opened != 0 || len(keys(t, s.bucket, "")) != 0 || len(files(t, s.dir)) != 0 {
		t.Errorf("opened %d times, in the bucket %v, notes %v", s.shelf.opened, keys(t, s.bucket, ""), files(t, s.dir))
	}
}

func TestExhibitsStrayFiles(t *testing.T) {
	s := newExhibitSite(t)
	for name, content := range map[string]string{"notes.txt": "mine", string(incident(1).ID) + "~x1": "{", string(incident(1).ID) + "~x2.part": ""} {
		overwrite(t, filepath.Join(s.dir, name), []byte(content))
	}
	s.open(t, nil)
	s.run(t, s.idle)
	if got := files(t, s.dir); len(got) != 2 {
		t.Errorf("left: %v", got)
	}
}

// FuzzExhibitNote opens a folder in which a note holds anything.
func FuzzExhibitNote(f *testing.F) {
	f.Add([]byte(`{"camera":"gate","from":"2026-03-04T05:06:07Z","to":"2026-03-04T05:07:07Z"}`))
	f.Add([]byte(`{"camera":7}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		overwrite(t, filepath.Join(dir, "20260304T050607.000Z-gate~x1"), data)
		e, err := OpenExhibits(dir, ExhibitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if st := e.Status(); st.Pending > 1 {
			t.Errorf("%+v", st)
		}
	})
}
