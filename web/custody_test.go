package web

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// ledger is a custody log in memory that can be out of order.
type ledger struct {
	mu      sync.Mutex
	entries []models.CustodyRecord
	broken  error
	people  bool // keeps what concerns people too, and changes; else only what concerns evidence
}

func (l *ledger) Record(_ context.Context, c models.Custody) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if personal := []models.Act{models.ActLoggedIn, models.ActLoggedOut, models.ActPasswordChanged, models.ActChanged}; !l.people && slices.Contains(personal, c.Act) {
		return nil
	}
	l.entries = append(l.entries, models.CustodyRecord{Index: uint64(len(l.entries)), Leaf: "00", Custody: c})
	return nil
}

func (l *ledger) Of(_ context.Context, id models.IncidentID) ([]models.CustodyRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.entries), func(r models.CustodyRecord) bool { return r.Incident != id }), nil
}

func (l *ledger) Page(_ context.Context, before uint64, limit int) ([]models.CustodyRecord, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var page []models.CustodyRecord
	for _, r := range slices.Backward(l.entries) {
		if (before == 0 || r.Index < before) && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, nil
}

func (l *ledger) breaks(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

// acts are the entries as "act incident".
func (l *ledger) acts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, r := range l.entries {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Act, r.Incident, r.Note)))
	}
	return out
}

func TestUseOfEvidenceIsLogged(t *testing.T) {
	log := new(ledger)
	s := newSite(t, func(s *Server) { s.Custody, s.BehindProxy = log, true })
	in, other := sample(1), sample(2)
	for _, i := range []*models.Incident{&in, &other} {
		s.shelf.put(t, i, models.RoleClip, "clip.mp4", bytes.Repeat([]byte("0123456789"), 1000))
		s.shelf.put(t, i, models.RoleStill, "still.jpg", []byte("\xff\xd8still"))
		s.create(*i)
	}
	ann, path := s.logIn(), "/api/incidents/"+string(in.ID)
	// A list is no look at evidence.
	ann.want(http.StatusOK, "GET", "/api/incidents", nil)
	if got := log.acts(); len(got) != 0 {
		t.Errorf("a list was logged: %v", got)
	}
	var wg sync.WaitGroup
	for n := range 8 { // a player's ranges, some of them at once
		wg.Go(func() {
			ann.want(http.StatusPartialContent, "GET", path+"/clip", nil, "Range", fmt.Sprintf("bytes=%d-", n*100), "X-Forwarded-For", "203.0.113.9, 198.51.100.7")
		})
	}
	wg.Wait()
	ann.want(http.StatusOK, "GET", path+"/still", nil)
	ann.want(http.StatusOK, "GET", path, nil)
	ann.want(http.StatusOK, "GET", path+"/still", nil)
	played, viewed := "played "+string(in.ID), "viewed "+string(in.ID)
	if got := log.acts(); !slices.Equal(got, []string{played, viewed}) {
		t.Errorf("got %v, want one play and one view", got)
	}
	if r := log.entries[0]; r.Who != people.AdminUser || r.Remote != "198.51.100.7" || r.Camera != in.Camera || len(r.Objects) != 1 || r.Objects[0].SHA256 != in.Footage.Objects[0].SHA256 {
		t.Errorf("entry %+v", r)
	}
	// Another session is another use, another incident too.
	s.logIn().want(http.StatusOK, "GET", path+"/clip", nil)
	ann.want(http.StatusOK, "GET", "/api/incidents/"+string(other.ID), nil)
	if got := log.acts(); !slices.Equal(got, []string{played, viewed, played, "viewed " + string(other.ID)}) {
		t.Errorf("got %v", got)
	}

	if got := get[CustodyPage](ann, path+"/custody"); len(got.Items) != 3 || got.Items[0].Act != models.ActPlayed || got.Items[0].Index != 0 {
		t.Errorf("custody of the incident: %+v", got)
	}
	first := get[CustodyPage](ann, "/api/custody?limit=3")
	if len(first.Items) != 3 || first.Items[0].Index != 3 || first.Next != "1" {
		t.Errorf("custody log: %+v", first)
	}
	if rest := get[CustodyPage](ann, "/api/custody?limit=3&before="+first.Next); len(rest.Items) != 1 || rest.Items[0].Index != 0 || rest.Next != "" {
		t.Errorf("the rest of it: %+v", rest)
	}
}

// What cannot be logged is not given out; alarms are still read.
func TestEvidenceWithoutALogIsRefused(t *testing.T) {
	log := new(ledger)
	s := newSite(t, func(s *Server) { s.Custody = log })
	in := sample(1)
	s.shelf.put(t, &in, models.RoleClip, "clip.mp4", []byte("clip"))
	s.shelf.put(t, &in, models.RoleStill, "still.jpg", []byte("\xff\xd8still"))
	s.create(in)
	b, path := s.logIn(), "/api/incidents/"+string(in.ID)
	log.breaks(errors.New("write data/custody: no space left on device"))
	for _, part := range []string{"/clip", "/still"} {
		a := b.want(http.StatusServiceUnavailable, "GET", path+part, nil)
		if bytes.Contains(a.body, []byte("data/custody")) || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s with %v", part, a.body, a.Header)
		}
	}
	b.want(http.StatusOK, "GET", path, nil)
	if !strings.Contains(s.logged(), "no space left on device") {
		t.Error("the cause is not in the program's log")
	}
	log.breaks(nil)
	b.want(http.StatusOK, "GET", path+"/clip", nil)
	if got := log.acts(); !slices.Equal(got, []string{"played " + string(in.ID)}) {
		t.Errorf("got %v", got)
	}
}

func TestWhatDoesNotRunHereSaysSo(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.create(in)
	b, path := s.logIn(), "/api/incidents/"+string(in.ID)
	span := "?from=2026-03-04T05:00:00Z&to=2026-03-04T06:00:00Z"
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"GET", path + "/custody", nil}, {"GET", "/api/custody", nil}, {"GET", path + "/retention", nil},
		{"POST", path + "/hold", map[string]any{"why": "case 4711"}}, {"DELETE", path + "/hold", map[string]any{"why": "case 4711"}},
		{"GET", path + "/playable", nil}, {"GET", "/api/keys", nil}, {"GET", "/api/recall", nil},
		{"POST", "/api/exhibits", map[string]any{"incidents": []string{string(in.ID)}, "why": "case 4711"}},
		{"GET", "/api/recall/gate/coverage" + span, nil}, {"GET", "/api/recall/gate/moved" + span, nil}, {"GET", "/api/recall/gate/clip.mp4" + span, nil},
	} {
		if a := b.want(http.StatusNotImplemented, r.method, r.path, r.body); a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", r.path, a.Header.Get("Content-Type"))
		}
	}
}

// keeper holds incidents in the index, as storage.Keeper does.
type keeper struct{ index storage.Index }

func (k keeper) Hold(ctx context.Context, id models.IncidentID, h models.Hold) (models.Incident, error) {
	return k.index.Update(ctx, id, func(in *models.Incident) error { in.Hold = &h; return nil })
}

func (k keeper) Release(ctx context.Context, id models.IncidentID, who, why string, at time.Time) (models.Incident, error) {
	return k.index.Update(ctx, id, func(in *models.Incident) error {
		in.Hold = nil
		in.Log = append(in.Log, models.Action{At: at, Who: who, What: "released", Note: why})
		return nil
	})
}

func (k keeper) Expires(in models.Incident) (time.Time, bool) {
	return in.Alarm.AddDate(0, 0, 90), in.Hold == nil
}

func TestHold(t *testing.T) {
	s := newSite(t)
	s.server.Keeper = keeper{s.index}
	in := sample(1)
	s.create(in, sample(2))
	b, path := s.logIn(), "/api/incidents/"+string(in.ID)
	if r := get[Retention](b, path+"/retention"); r.Held || !r.Expires.Equal(in.Alarm.AddDate(0, 0, 90)) {
		t.Errorf("before: %+v", r)
	}
	for name, body := range map[string]map[string]any{
		"no reason":    {},
		"a blank one":  {"why": "   "},
		"over already": {"why": "case 4711", "until": time.Now().Add(-time.Hour)},
	} {
		if a := b.do("POST", path+"/hold", body); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	var held models.Incident
	b.want(http.StatusOK, "POST", path+"/hold", map[string]any{"why": " case 4711 "}).decode(t, &held)
	if held.Hold == nil || held.Hold.Why != "case 4711" || held.Hold.By != people.AdminUser || held.Hold.At.IsZero() {
		t.Errorf("hold %+v", held.Hold)
	}
	if r := get[Retention](b, path+"/retention"); !r.Held || !r.Expires.IsZero() || r.Hold == nil {
		t.Errorf("held: %+v", r)
	}
	for query, want := range map[string]int{"held=true": 1, "held=false": 1, "text=4711": 1, "min_dwell=5": 2, "min_dwell=20": 0, "label=person": 2, "footage=stored": 0} {
		if page := get[IncidentPage](b, "/api/incidents?"+query); len(page.Items) != want {
			t.Errorf("%s: %d, want %d", query, len(page.Items), want)
		}
	}
	b.want(http.StatusUnprocessableEntity, "DELETE", path+"/hold", map[string]any{"why": ""})
	b.want(http.StatusOK, "DELETE", path+"/hold", map[string]any{"why": "case is closed"}).decode(t, &held)
	if n := len(held.Log); n == 0 || held.Log[n-1].Who != people.AdminUser || held.Log[n-1].Note != "case is closed" {
		t.Errorf("log %+v", held.Log)
	}
	b.want(http.StatusNotFound, "POST", "/api/incidents/nothing/hold", map[string]any{"why": "case 4711"})

	s.server.Keeper = &storage.Keeper{Index: s.index}
	if a := b.want(http.StatusConflict, "DELETE", path+"/hold", map[string]any{"why": "a second time"}); !strings.Contains(string(a.body), "there is none") {
		t.Errorf("a release of nothing: %s", a.body)
	}

	// The custody log says from where; what the keeper does by itself comes from nowhere.
	log := new(ledger)
	k := &storage.Keeper{Index: s.index, Bucket: s.shelf.Bucket, Custody: OnBehalf{log}}
	s.server.Keeper = k
	b.want(http.StatusOK, "POST", path+"/hold", map[string]any{"why": "case 4712"})
	b.want(http.StatusOK, "DELETE", path+"/hold", map[string]any{"why": "case 4712 is closed"})
	if _, err := k.Hold(t.Context(), in.ID, models.Hold{By: people.AdminUser, Why: "on the command line", At: day}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range log.entries {
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Who, r.Act, r.Note, r.Remote))
	}
	if want := []string{"admin held case 4712 127.0.0.1", "admin released case 4712 is closed 127.0.0.1", "admin held on the command line "}; !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
}

// copier makes a copy once it is let go.
type copier struct {
	path  string
	ready chan struct{}
}

func (copier) Needed(models.Incident) bool { return true }

func (c copier) Copy(ctx context.Context, _ models.Incident) (string, models.Object, error) {
	select {
	case <-c.ready:
		return c.path, models.Object{Role: models.RoleCopy, SHA256: "c0ffee"}, nil
	case <-ctx.Done():
		return "", models.Object{}, ctx.Err()
	}
}

func (copier) Progress(models.Incident) (done, total int) { return 30, 120 }

func TestPlayable(t *testing.T) {
	log := new(ledger)
	c := copier{path: filepath.Join(t.TempDir(), "copy.mp4"), ready: make(chan struct{})}
	if err := os.WriteFile(c.path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(s *Server) { s.Custody, s.Playable = log, c })
	in, growing := sample(1), sample(2)
	in.Footage.State, growing.Footage.State = models.FootageStored, models.FootageRecording
	s.create(in, growing)
	b, path := s.logIn(), "/api/incidents/"+string(in.ID)+"/playable"
	a := b.want(http.StatusAccepted, "GET", path, nil, "Range", "bytes=0-0")
	var p CopyProgress
	if a.decode(t, &p); p.Done != 30 || p.Total != 120 || a.Header.Get("Retry-After") != "1" || a.Header.Get("ETag") != "" {
		t.Errorf("on its way: %+v with %v", p, a.Header)
	}
	close(c.ready)
	a = b.want(http.StatusPartialContent, "GET", path, nil, "Range", "bytes=2-4")
	if string(a.body) != "234" || a.Header.Get("ETag") != `"c0ffee"` || a.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("%q with %v", a.body, a.Header)
	}
	if got := log.acts(); !slices.Equal(got, []string{"played " + string(in.ID) + " working copy in H.264"}) {
		t.Errorf("logged %q", got)
	}
	b.want(http.StatusConflict, "GET", "/api/incidents/"+string(growing.ID)+"/playable", nil)
}

// exporter writes a small zip, or fails before or after its first byte.
type exporter struct{ early, late error }

func (e exporter) Export(_ context.Context, w io.Writer, ids []models.IncidentID, who, why string) error {
	if e.early != nil {
		return e.early
	}
	z := zip.NewWriter(w)
	for _, id := range ids {
		f, err := z.Create(string(id) + ".txt")
		if err != nil {
			return err
		}
		fmt.Fprintf(f, "%s: %s\n%s", who, why, bytes.Repeat([]byte("evidence"), 100_000))
	}
	if e.late != nil {
		z.Flush()
		return e.late
	}
	return z.Close()
}

// unready is an error of evidence that will be there later.
type unready struct{}

func (unready) Error() string  { return "its footage is not stored yet" }
func (unready) Conflict() bool { return true }

func TestExhibit(t *testing.T) {
	log := new(ledger)
	s := newSite(t, func(s *Server) { s.Custody, s.Exporter = log, exporter{} })
	in := sample(1)
	in.Footage.Objects = []models.Object{{Role: models.RoleClip, Key: "clip", SHA256: "c1"}}
	in.Investigation.Attachments = []models.Attachment{{ID: "a", Key: "attached", SHA256: "a1"}, {ID: "b", SHA256: "b1"}} // the second is on its way to the bucket
	in.Investigation.Exhibits = []models.Exhibit{{ID: "x", Object: models.Object{Role: models.RoleExhibit, Key: "linked", SHA256: "e1"}}, {ID: "y"}}
	s.create(in, sample(2))
	b := s.logIn()
	order := func(ids ...models.IncidentID) map[string]any {
		return map[string]any{"incidents": ids, "why": "police, case 4711"}
	}
	a := b.want(http.StatusOK, "POST", "/api/exhibits", order(in.ID, in.ID))
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil || len(z.File) != 1 || a.Header.Get("Content-Type") != "application/zip" ||
		a.Header.Get("Content-Disposition") != `attachment; filename="exhibit-`+string(in.ID)+`.zip"` {
		t.Errorf("%v, %v", err, a.Header)
	}
	if got := log.acts(); !slices.Equal(got, []string{"exported " + string(in.ID) + " police, case 4711"}) {
		t.Errorf("logged %v", got)
	}
	var named []string
	for _, o := range log.entries[0].Objects {
		named = append(named, fmt.Sprintf("%s %s %s", o.Role, o.Key, o.SHA256))
	}
	if want := []string{"clip clip c1", "attachment attached a1", "attachment  b1", "exhibit linked e1"}; !slices.Equal(named, want) {
		t.Errorf("of the objects of the package the log names %q, want %q", named, want)
	}
	b.want(http.StatusNotFound, "POST", "/api/exhibits", order("nothing"))
	b.want(http.StatusUnprocessableEntity, "POST", "/api/exhibits", map[string]any{"incidents": []string{string(in.ID)}, "why": "  \t "})

	s.server.Exporter = exporter{early: fmt.Errorf("clip of %s: %w", in.ID, fs.ErrNotExist)}
	a = b.want(http.StatusNotFound, "POST", "/api/exhibits", order(in.ID))
	if a.Header.Get("Content-Type") != "application/problem+json" || a.Header.Get("Content-Disposition") != "" {
		t.Errorf("a refusal came as %v", a.Header)
	}
	s.server.Exporter = exporter{early: unready{}}
	if a = b.want(http.StatusConflict, "POST", "/api/exhibits", order(in.ID)); !strings.Contains(string(a.body), "not stored yet") {
		t.Errorf("evidence that is not ready: %s", a.body)
	}
	s.server.Exporter = exporter{}
	n := len(log.acts())
	log.breaks(errors.New("disk full"))
	b.want(http.StatusServiceUnavailable, "POST", "/api/exhibits", order(in.ID))
	if len(log.acts()) != n {
		t.Error("logged although the log was broken")
	}
	log.breaks(nil)
	// Half a package must not look like a whole one. Last, because the handler is still at
	// work when the connection breaks.
	s.server.Exporter = exporter{late: errors.New("clip altered")}
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.http.URL+"/api/exhibits", strings.NewReader(`{"incidents":["`+string(in.ID)+`"],"why":"case"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := b.Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	if err == nil {
		t.Error("a package that was not finished came whole")
	}
}

// archive is footage of one camera of an hour.
type archive struct{ data []byte }

type recalled struct{ *bytes.Reader }

func (recalled) Close() error { return nil }

func (a archive) Cameras() []models.CameraID { return []models.CameraID{"gate", "gone"} }

func (a archive) Coverage(cam models.CameraID, span models.Span) ([]models.Span, []models.Gap, error) {
	if cam != "gate" {
		return nil, nil, fs.ErrNotExist
	}
	half := span.From.Add(span.To.Sub(span.From) / 2)
	return []models.Span{{From: span.From, To: half}}, []models.Gap{{From: half, To: span.To, Cause: models.CauseDisk}}, nil
}

func (a archive) Moved(_ context.Context, _ models.CameraID, region models.Polygon, span models.Span, least float64) ([]models.Moved, error) {
	if !region.Contains(models.Point{X: .5, Y: .5}) {
		return nil, nil
	}
	return []models.Moved{{Span: models.Span{From: span.From, To: span.From.Add(models.GridStep)}, Strength: least}}, nil
}

func (a archive) Open(_ context.Context, cam models.CameraID, span models.Span) (RecallReader, models.Recalled, error) {
	if cam != "gate" {
		return nil, models.Recalled{}, fs.ErrNotExist
	}
	return recalled{bytes.NewReader(a.data)}, models.Recalled{Camera: cam, Asked: span, Got: span, Frames: 7, Size: int64(len(a.data))}, nil
}

func TestRecall(t *testing.T) {
	log := new(ledger)
	clip := bytes.Repeat([]byte("0123456789"), 10_000)
	s := newSite(t, func(s *Server) { s.Custody, s.Recall = log, archive{clip} })
	b := s.logIn()
	const hour = "?from=2026-03-04T05:00:00Z&to=2026-03-04T06:00:00Z"
	if got := get[RecallCameras](b, "/api/recall"); !slices.Equal(got.Items, []models.CameraID{"gate", "gone"}) {
		t.Errorf("cameras %v", got)
	}
	if c := get[Coverage](b, "/api/recall/gate/coverage"+hour); len(c.Have) != 1 || len(c.Gaps) != 1 || c.Gaps[0].Cause != models.CauseDisk {
		t.Errorf("coverage %+v", c)
	}
	if c := get[Coverage](b, "/api/recall/yard/coverage"+hour); c.Have == nil || len(c.Have) != 0 {
		t.Errorf("a camera without footage: %+v", c)
	}
	if m := get[MovedList](b, "/api/recall/gate/moved"+hour+"&x0=0.4&y0=0.4&x1=0.6&y1=0.6&least=0.25"); len(m.Items) != 1 || m.Items[0].Strength != .25 {
		t.Errorf("moved %+v", m)
	}
	if m := get[MovedList](b, "/api/recall/gate/moved"+hour+"&x1=0.3&y1=0.3"); len(m.Items) != 0 || m.Items == nil {
		t.Errorf("moved elsewhere %+v", m)
	}
	a := b.want(http.StatusPartialContent, "GET", "/api/recall/gate/clip.mp4"+hour, nil, "Range", "bytes=10-14")
	if string(a.body) != "01234" || a.Header.Get("ETag") == "" || a.Header.Get("Content-Type") != "video/mp4" ||
		a.Header.Get("Footage-From") != "2026-03-04T05:00:00Z" || a.Header.Get("Footage-To") != "2026-03-04T06:00:00Z" {
		t.Errorf("%q with %v", a.body, a.Header)
	}
	b.want(http.StatusPartialContent, "GET", "/api/recall/gate/clip.mp4"+hour, nil, "Range", "bytes=20-", "If-Range", a.Header.Get("ETag"))
	if got := log.acts(); !slices.Equal(got, []string{"recalled  2026-03-04T05:00:00Z to 2026-03-04T06:00:00Z"}) || log.entries[0].Camera != "gate" {
		t.Errorf("logged %q", got)
	}
	for path, code := range map[string]int{
		"/api/recall/nobody/coverage" + hour:                                          404,
		"/api/recall/gone/clip.mp4" + hour:                                            404,
		"/api/recall/gate/clip.mp4?from=2026-03-04T05:00:00Z&to=2026-03-04T04:00:00Z": 422,
		"/api/recall/gate/clip.mp4?from=2026-03-04T05:00:00Z&to=2026-03-06T05:00:00Z": 422,
		"/api/recall/gate/coverage?from=2026-03-04T05:00:00Z&to=2027-03-06T05:00:00Z": 422,
		"/api/recall/gate/moved" + hour + "&x0=0.5&x1=0.5":                            422,
		"/api/recall/gate/moved" + hour + "&x0=2":                                     422,
		"/api/recall/gate/coverage?from=now&to=then":                                  422,
	} {
		if a := b.do("GET", path, nil); a.StatusCode != code {
			t.Errorf("%s: got %d, want %d: %s", path, a.StatusCode, code, a.body)
		}
	}
	log.breaks(errors.New("disk full"))
	b.want(http.StatusServiceUnavailable, "GET", "/api/recall/gate/clip.mp4?from=2026-03-04T05:30:00Z&to=2026-03-04T06:00:00Z", nil)
}

func TestIntegrity(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(data []byte) []byte { return append([]byte(models.PurposeManifest+"\n"), data...) }
	log := new(ledger)
	s := newSite(t, func(s *Server) {
		s.Custody = log
		s.Keys = func() []PublicKey { return []PublicKey{{ID: "k1", Key: public, Since: day}} }
		s.CheckSignature = func(data []byte, sig models.Signature) error {
			if sig.Key != "k1" || !ed25519.Verify(public, signed(data), sig.Value) {
				return errors.New("no such signature")
			}
			return nil
		}
	})
	b := s.logIn()
	keys := get[KeyList](b, "/api/keys")
	sum := sha256.Sum256(public)
	if len(keys.Items) != 1 || !keys.Items[0].Current || keys.Items[0].Fingerprint != hex.EncodeToString(sum[:]) || !strings.HasPrefix(keys.Items[0].PEM, "-----BEGIN PUBLIC KEY-----") {
		t.Errorf("keys %+v", keys)
	}
	// store makes an incident with a clip, its manifest and a signature.
	store := func(n int, change func(in *models.Incident, manifest, signature *[]byte)) models.Incident {
		in := sample(n)
		in.Footage.State = models.FootageStored
		s.shelf.put(t, &in, models.RoleClip, "clip.mp4", []byte("clip"))
		manifest, err := json.Marshal(map[string]any{"incident": in.ID, "objects": in.Footage.Objects})
		if err != nil {
			t.Fatal(err)
		}
		signature, err := json.Marshal(models.Signature{Algorithm: "ed25519", Key: "k1", Purpose: models.PurposeManifest, Value: ed25519.Sign(private, signed(manifest))})
		if err != nil {
			t.Fatal(err)
		}
		change(&in, &manifest, &signature)
		if manifest != nil {
			s.shelf.put(t, &in, models.RoleManifest, "manifest.json", manifest)
		}
		if signature != nil {
			s.shelf.put(t, &in, models.RoleSignature, "manifest.sig", signature)
		}
		s.create(in)
		return in
	}
	lost := func(in *models.Incident, _, _ *[]byte) {
		if err := s.shelf.Bucket.Delete(t.Context(), in.Footage.Objects[0].Key); err != nil {
			t.Fatal(err)
		}
	}
	for n, tc := range []struct {
		name      string
		change    func(in *models.Incident, manifest, signature *[]byte)
		signature string
		sound     bool
		clip      string // its state after reading it
	}{
		{"as it was made", func(*models.Incident, *[]byte, *[]byte) {}, "valid", true, "intact"},
		{"never signed", func(_ *models.Incident, _, sig *[]byte) { *sig = nil }, "absent", true, "intact"},
		{"manifest altered", func(_ *models.Incident, m, _ *[]byte) { *m = append(*m, ' ') }, "invalid", false, "intact"},
		{"signature of nothing", func(_ *models.Incident, _, sig *[]byte) { *sig = []byte("{") }, "invalid", false, "intact"},
		{"another key", func(_ *models.Incident, _, sig *[]byte) { *sig = bytes.Replace(*sig, []byte("k1"), []byte("k2"), 1) }, "unknown_key", false, "intact"},
		{"signed for something else", func(_ *models.Incident, _, sig *[]byte) {
			*sig = bytes.Replace(*sig, []byte(models.PurposeManifest), []byte(models.PurposeExhibit), 1)
		}, "invalid", false, "intact"},
		{"clip gone", lost, "valid", false, "missing"},
		{"manifest gone", func(_ *models.Incident, m, sig *[]byte) { *m, *sig = nil, nil }, "absent", false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := store(n, tc.change)
			b := b.in(t)
			before := len(log.acts())
			found := get[Integrity](b, "/api/incidents/"+string(in.ID)+"/integrity?files=true")
			if found.Signature != tc.signature || found.Sound != tc.sound || found.Sound != (len(found.Problems) == 0) {
				t.Errorf("got %+v", found)
			}
			if tc.clip != "" && (len(found.Objects) != 1 || found.Objects[0].State != tc.clip) {
				t.Errorf("clip: %+v", found.Objects)
			}
			if damaged := len(log.acts()) - before; damaged != map[bool]int{true: 1}[tc.clip == "missing"] {
				t.Errorf("%d entries of damage: %v", damaged, log.acts())
			}
		})
	}
	in := store(20, func(*models.Incident, *[]byte, *[]byte) {})
	for _, part := range []string{"manifest", "signature"} {
		if a := b.want(http.StatusOK, "GET", "/api/incidents/"+string(in.ID)+"/"+part, nil); a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", part, a.Header)
		}
	}
}
