package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

func mustSpool(tb testing.TB, dir string, o SpoolOptions) *Spool {
	tb.Helper()
	if o.Reserve == 0 {
		o.Reserve = -1
	}
	s, err := OpenSpool(dir, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// evidence are the files that most tests put into an entry.
var evidence = []File{
	{ClipFile, models.RoleClip, "video/mp4"},
	{StillFile, models.RoleStill, "image/jpeg"},
	{PictureFile, models.RolePicture, "image/jpeg"},
}

// record plays the pipeline's part: it begins an entry and writes its files.
func record(tb testing.TB, s *Spool, in models.Incident, clip []byte) *Entry {
	tb.Helper()
	e, err := s.Begin(in)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(e.Path(ClipFile), clip, 0o600); err != nil {
		tb.Fatal(err)
	}
	for name, data := range map[string]string{StillFile: "still of " + string(in.ID), PictureFile: "picture of " + string(in.ID)} {
		if err := e.Write(name, []byte(data)); err != nil {
			tb.Fatal(err)
		}
	}
	return e
}

// finish records an incident and makes it ready.
func finish(tb testing.TB, s *Spool, in models.Incident, clip []byte) *Entry {
	tb.Helper()
	e := record(tb, s, in, clip)
	if err := e.Ready(in, evidence); err != nil {
		tb.Fatal(err)
	}
	return e
}

func entryIDs(t *testing.T, s *Spool) []models.IncidentID {
	t.Helper()
	list, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var got []models.IncidentID
	for _, e := range list {
		got = append(got, e.ID())
	}
	return got
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	return names
}

func TestSpoolKeepsEntriesOverARestart(t *testing.T) {
	dir := t.TempDir() + "/data/spool"
	s := mustSpool(t, dir, SpoolOptions{})
	second, first, third := incident(2), incident(1), incident(3)
	record(t, s, second, []byte("half a clip"))
	finish(t, s, third, []byte("a clip"))
	e := record(t, s, first, []byte("half a clip"))
	first.Footage.Frames = 99
	if err := e.Save(first); err != nil {
		t.Fatal(err)
	}
	s.Close()

	s = mustSpool(t, dir, SpoolOptions{})
	if got := entryIDs(t, s); !slices.Equal(got, []models.IncidentID{first.ID, second.ID, third.ID}) {
		t.Fatalf("got %v, want the oldest alarm first", got)
	}
	list, _ := s.Entries()
	for i, want := range []EntryState{EntryRecording, EntryRecording, EntryReady} {
		if got := list[i].State(); got != want {
			t.Errorf("%s: got %s, want %s", list[i].ID(), got, want)
		}
	}
	if got := list[0].Incident(); !reflect.DeepEqual(got, first) {
		t.Errorf("got  %+v\nwant %+v", got, first)
	}
	if got := list[2].Incident().Footage.State; got != models.FootagePending {
		t.Errorf("footage of a ready entry: got %s", got)
	}
	if n := len(s.Corrupt()); n != 0 {
		t.Errorf("%d corrupt", n)
	}
}

func TestSpoolIsPrivate(t *testing.T) {
	dir := t.TempDir() + "/spool"
	s := mustSpool(t, dir, SpoolOptions{})
	e := finish(t, s, incident(1), []byte("clip"))
	for path, want := range map[string]fs.FileMode{dir: 0o700, e.Path(""): 0o700, e.Path(RecordFile): 0o600, e.Path(ManifestFile): 0o600, e.Path(StillFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %o, want %o", path, got, want)
		}
	}
}

func TestBeginRefuses(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{})
	in := incident(1)
	if _, err := s.Begin(in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(in); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the same incident: got %v", err)
	}
	for _, id := range []models.IncidentID{"", ".", "..", "../out", "a/b", ".hidden", "lock", "corrupt", "a\x00b", models.IncidentID(strings.Repeat("x", 200))} {
		in.ID = id
		if _, err := s.Begin(in); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%.20q: got %v", id, err)
		}
	}
}

func TestEntryRefuses(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{})
	e := record(t, s, incident(1), []byte("clip"))
	for _, name := range []string{"", ".", "..", "../x", "a/b", RecordFile, ManifestFile, readyFile, ".x", "x" + durable.PartSuffix, "a\x00"} {
		if err := e.Write(name, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Write %q: got %v", name, err)
		}
		if err := e.Ready(e.Incident(), []File{{Name: name}}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Ready %q: got %v", name, err)
		}
	}
	if err := e.Save(incident(2)); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Save of another incident: got %v", err)
	}
	if err := e.Ready(e.Incident(), []File{{"none.mp4", models.RoleClip, "video/mp4"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Ready with a missing file: got %v", err)
	}
	if err := e.Ready(e.Incident(), evidence); err != nil {
		t.Fatal(err)
	}
	if err := e.Ready(e.Incident(), nil); err != nil {
		t.Errorf("Ready twice: got %v", err)
	}
	if err := e.Save(e.Incident()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Save after Ready: got %v", err)
	}
	if err := e.Write("late.jpg", nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write after Ready: got %v", err)
	}
}

func TestManifestNamesEveryObject(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{})
	in := incident(1)
	clip := randomBytes(100_000)
	e := finish(t, s, in, clip)
	data, err := os.ReadFile(e.Path(ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(clip)
	want := models.Object{Role: models.RoleClip, Key: "incidents/2026/11/22/" + string(in.ID) + "/clip.mp4", Type: "video/mp4",
		Size: 100_000, SHA256: hex.EncodeToString(sum[:])}
	if len(m.Objects) != 3 || m.Objects[0] != want {
		t.Errorf("got %+v, want first %+v", m.Objects, want)
	}
	if m.Incident != in.ID || m.Camera != in.Camera || m.Config != in.Config || m.Version != in.Version || m.Schema != 2 ||
		!m.Alarm.Equal(in.Alarm) || len(m.Footage.Gaps) != 1 || m.Footage.Gaps[0].Cause != models.CausePacketLoss || m.Footage.Clock != models.ClockCamera {
		t.Errorf("got %+v", m)
	}
	if bytes.ContainsAny(data, "\n") {
		t.Error("not canonical")
	}
}

func TestQuotaRefusesFootageAndDeletesNothing(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{Quota: 50_000})
	e := record(t, s, incident(1), make([]byte, 30_000))
	if err := s.Allow(10_000); err != nil {
		t.Errorf("within the quota: %v", err)
	}
	err := s.Allow(20_000)
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "50.0 kB") || !strings.Contains(err.Error(), "20.0 kB") {
		t.Errorf("beyond: got %v", err)
	}
	free, err := s.Free()
	if err != nil || free+s.Usage() != 50_000 {
		t.Errorf("free %d, used %d, %v", free, s.Usage(), err)
	}
	if err := os.WriteFile(e.Path(GrowingFile), make([]byte, 30_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(incident(2)); !errors.Is(err, ErrFull) {
		t.Errorf("Begin: got %v", err)
	}
	// What has begun can be completed.
	if err := e.Ready(e.Incident(), evidence); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if got := entryIDs(t, s); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestReserveRefusesFootage(t *testing.T) {
	dir := t.TempDir()
	free, err := durable.FreeBytes(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := mustSpool(t, dir, SpoolOptions{Reserve: free * 2})
	if _, err := s.Begin(incident(1)); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	if left, err := s.Free(); left != 0 || err != nil {
		t.Errorf("free: got %d, %v", left, err)
	}
}

func TestUsageDoesNotWaitForAWriter(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{Quota: 1 << 30})
	e := record(t, s, incident(1), make([]byte, 1000))
	e.work.Lock() // as while a long clip is hashed
	defer e.work.Unlock()
	if err := s.Allow(1); err != nil || s.Usage() < 1000 {
		t.Errorf("used %d, %v", s.Usage(), err)
	}
}

// Each case damages one entry; the other one must not suffer, and the start must succeed.
func TestCorruptEntriesAreSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, e *Entry)
		want   string // in the reason
	}{
		"record cut short": {func(t *testing.T, e *Entry) { truncate(t, e.Path(RecordFile), 40) }, RecordFile},
		"record empty":     {func(t *testing.T, e *Entry) { truncate(t, e.Path(RecordFile), 0) }, RecordFile},
		"record is garbage": {func(t *testing.T, e *Entry) {
			overwrite(t, e.Path(RecordFile), randomBytes(5000))
		}, RecordFile},
		"record is a folder": {func(t *testing.T, e *Entry) {
			remove(t, e.Path(RecordFile))
			if err := os.Mkdir(e.Path(RecordFile), 0o700); err != nil {
				t.Fatal(err)
			}
		}, RecordFile},
		"record missing":     {func(t *testing.T, e *Entry) { remove(t, e.Path(RecordFile)) }, RecordFile},
		"record of another":  {func(t *testing.T, e *Entry) { overwriteJSON(t, e.Path(RecordFile), incident(9)) }, "is of incident"},
		"clip missing":       {func(t *testing.T, e *Entry) { remove(t, e.Path(ClipFile)) }, ClipFile + " is missing"},
		"clip cut short":     {func(t *testing.T, e *Entry) { truncate(t, e.Path(ClipFile), 10) }, "has 10 bytes"},
		"manifest missing":   {func(t *testing.T, e *Entry) { remove(t, e.Path(ManifestFile)) }, ManifestFile + " is missing"},
		"manifest cut short": {func(t *testing.T, e *Entry) { truncate(t, e.Path(ManifestFile), 40) }, ManifestFile + " is not what"},
		"manifest altered": {func(t *testing.T, e *Entry) {
			data, err := os.ReadFile(e.Path(ManifestFile))
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, e.Path(ManifestFile), bytes.Replace(data, []byte(`"gate"`), []byte(`"yard"`), 1))
		}, ManifestFile + " is not what"},
		"signature missing":        {func(t *testing.T, e *Entry) { remove(t, e.Path(SignatureFile)) }, SignatureFile + " is missing"},
		"signature altered":        {func(t *testing.T, e *Entry) { overwrite(t, e.Path(SignatureFile), []byte("{}")) }, SignatureFile + " is not what"},
		"marker empty":             {func(t *testing.T, e *Entry) { truncate(t, e.Path(readyFile), 0) }, "is not what " + readyFile},
		"no files":                 {func(t *testing.T, e *Entry) { removeAllIn(t, e.Path("")) }, RecordFile},
		"folder is no incident ID": {func(t *testing.T, e *Entry) { rename(t, e.Path(""), filepath.Dir(e.Path(""))+"/some thing") }, "no incident ID"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustSpool(t, dir, SpoolOptions{Signer: newSigner(t)})
			bad := finish(t, s, incident(1), randomBytes(5000))
			good := finish(t, s, incident(2), randomBytes(5000))
			s.Close()
			c.damage(t, bad)

			var log bytes.Buffer
			s = mustSpool(t, dir, SpoolOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
			if got := entryIDs(t, s); !slices.Equal(got, []models.IncidentID{good.ID()}) {
				t.Errorf("entries: %v", got)
			}
			corrupt := s.Corrupt()
			if len(corrupt) != 1 || !strings.Contains(corrupt[0].Reason, c.want) {
				t.Fatalf("corrupt: got %+v, want one with %q", corrupt, c.want)
			}
			if filepath.Dir(corrupt[0].Path) != filepath.Join(dir, corruptName) {
				t.Errorf("set aside in %s", corrupt[0].Path)
			}
			if _, err := os.Stat(corrupt[0].Path); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "set aside") || !strings.Contains(log.String(), c.want) {
				t.Errorf("log: %s", log.String())
			}
			s.Close()
			s = mustSpool(t, dir, SpoolOptions{})
			if got := s.Corrupt(); len(got) != 0 {
				t.Errorf("reported again: %+v", got)
			}
		})
	}
}

func TestSetAsideTwiceKeepsBoth(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		s := mustSpool(t, dir, SpoolOptions{})
		e := finish(t, s, incident(1), randomBytes(5000))
		s.Close()
		truncate(t, e.Path(RecordFile), 3)
		mustSpool(t, dir, SpoolOptions{}).Close()
	}
	if got := files(t, filepath.Join(dir, corruptName)); len(got) != 3 {
		t.Errorf("kept: %v", got)
	}
}

func TestStrayFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	mustSpool(t, dir, SpoolOptions{}).Close()
	overwrite(t, dir+"/notes.txt", []byte("mine"))
	s := mustSpool(t, dir, SpoolOptions{})
	if got := entryIDs(t, s); len(got) != 0 || len(s.Corrupt()) != 0 {
		t.Errorf("got %v, %v", got, s.Corrupt())
	}
	if got, err := os.ReadFile(dir + "/notes.txt"); string(got) != "mine" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSecondOpenInOneProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := mustSpool(t, dir, SpoolOptions{})
	_, err := OpenSpool(dir, SpoolOptions{})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v", err)
	}
	s.Close()
	mustSpool(t, dir, SpoolOptions{})
}

func TestManyEntriesAtOnce(t *testing.T) {
	s := mustSpool(t, t.TempDir(), SpoolOptions{Quota: 1 << 30})
	var wg sync.WaitGroup
	var refused atomic.Int32
	for n := range 10 {
		wg.Go(func() {
			if err := record(t, s, incident(n), []byte("x")).Ready(incident(n), evidence); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { s.Usage(); s.Free(); s.Entries() })
		// Four more want one and the same ID.
		for range 4 {
			wg.Go(func() {
				_, err := s.Begin(incident(100 + n))
				if errors.Is(err, fs.ErrExist) {
					refused.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if got := entryIDs(t, s); len(got) != 20 || refused.Load() != 30 {
		t.Errorf("%d refused, entries %v", refused.Load(), got)
	}
}

func truncate(t *testing.T, path string, n int64) {
	t.Helper()
	if err := os.Truncate(path, n); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func overwriteJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, path, data)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func removeAllIn(t *testing.T, dir string) {
	t.Helper()
	for _, name := range files(t, dir) {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzLoadEntry(f *testing.F) {
	dir := memoryDir(f)
	s, err := OpenSpool(dir, SpoolOptions{Reserve: -1})
	if err != nil {
		f.Fatal(err)
	}
	e := finish(f, s, incident(1), []byte("clip"))
	s.Close()
	record, _ := os.ReadFile(e.Path(RecordFile))
	manifest, _ := os.ReadFile(e.Path(ManifestFile))
	f.Add(record, manifest)
	f.Add([]byte(`{"id":"x"}`), []byte(`{"schema":1,"objects":[{"key":"../../etc/passwd"}]}`))
	f.Add([]byte(`{`), []byte(`{"schema":999}`))
	f.Add([]byte(``), []byte(`null`))
	f.Fuzz(func(t *testing.T, record, manifest []byte) {
		dir := memoryDir(t)
		id := incident(1).ID
		entry := filepath.Join(dir, string(id))
		if err := os.Mkdir(entry, 0o700); err != nil {
			t.Fatal(err)
		}
		overwrite(t, filepath.Join(entry, RecordFile), record)
		overwrite(t, filepath.Join(entry, ManifestFile), manifest)
		sum := sha256.Sum256(manifest)
		overwrite(t, filepath.Join(entry, readyFile), []byte(hex.EncodeToString(sum[:])))
		s, err := OpenSpool(dir, SpoolOptions{Reserve: -1})
		if err != nil {
			t.Fatal(err) // no content may stop the start
		}
		defer s.Close()
		for _, e := range s.entries {
			for _, o := range e.upload() {
				if filepath.Dir(e.fileOf(o)) != e.dir {
					t.Errorf("object %q is read from %s", o.Key, e.fileOf(o))
				}
			}
		}
		if len(s.entries)+len(s.corrupt) != 1 {
			t.Errorf("%d entries, %d corrupt", len(s.entries), len(s.corrupt))
		}
	})
}
