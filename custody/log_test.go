package custody

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/vedette-cctv/vedette/models"
)

// testDirs are the folders of keys and of a log.
func testDirs(t testing.TB) (keys, log string) {
	dir := t.TempDir()
	return filepath.Join(dir, "keys"), filepath.Join(dir, "custody")
}

// memoryDir is a folder that needs no disk where there is one: a test that writes a file
// thousands of times, or ends processes rather than the machine, need not wait for disks.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vedette-custody-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func openTestLog(t testing.TB, k *Keys, dir string) *Log {
	t.Helper()
	l, err := OpenLog(dir, LogOptions{Keys: k, Origin: "North gate"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func act(n int) models.Custody {
	return models.Custody{
		At: time.Date(2026, 11, 22, 14, 0, n, 0, time.UTC), Who: "anna", Act: models.ActViewed,
		Incident: models.IncidentID(fmt.Sprintf("20261122-%d", n%3)), Camera: "gate",
		Objects: []models.Object{{Key: "incidents/2026/11/22/x/clip.mp4", SHA256: strings.Repeat("ab", 32), Size: 1 << 20}},
		Remote:  "192.0.2.7", Note: "<why & how>",
	}
}

func recordAll(t testing.TB, l *Log, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := l.Record(t.Context(), act(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTreeIsThatOfRFC6962(t *testing.T) {
	var edge tree
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for n := int64(0); n < 300; n++ {
		data := fmt.Appendf(nil, "entry %d", n)
		want, err := tlog.StoredHashes(n, data, reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := edge.add(tlog.RecordHash(data)); !slices.Equal(got, want) {
			t.Fatalf("entry %d: hashes %v, want %v", n, got, want)
		}
		stored = append(stored, want...)
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || edge.root() != root {
			t.Fatalf("root of %d: %v, want %v, %v", n+1, edge.root(), root, err)
		}
		again, err := readTree(uint64(n+1), reader)
		if err != nil || again.root() != root || !slices.Equal(again.peaks, edge.peaks) {
			t.Fatalf("read again at %d: %+v, %v", n+1, again, err)
		}
	}
}

func TestWhatIsRecordedIsThere(t *testing.T) {
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	l := openTestLog(t, k, dir)
	if page, err := l.Page(t.Context(), 0, 10); err != nil || len(page) != 0 {
		t.Errorf("an empty log: %v, %v", page, err)
	}
	const total = 40
	recordAll(t, l, 0, total)
	if err := l.Record(t.Context(), models.Custody{Who: "vedette", Act: models.ActStarted}); err != nil {
		t.Fatal(err)
	}
	check := func(l *Log) {
		t.Helper()
		for n := range 3 {
			got, err := l.Of(t.Context(), act(n).Incident)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				want := act(n + 3*i)
				line, _ := encodeEntry(want)
				leaf := tlog.RecordHash(line)
				if r.Index != uint64(n+3*i) || !r.At.Equal(want.At) || r.Note != want.Note || r.Objects[0] != want.Objects[0] || r.Leaf != fmt.Sprintf("%x", leaf[:]) {
					t.Fatalf("got %+v, want %+v", r, want)
				}
			}
			if len(got) != (total-n+2)/3 {
				t.Errorf("incident %d has %d entries", n, len(got))
			}
		}
		if got, err := l.Of(t.Context(), "nobody"); err != nil || len(got) != 0 {
			t.Errorf("of an incident without entries: %v, %v", got, err)
		}
		if _, err := l.Of(t.Context(), ""); err == nil {
			t.Error("of no incident: no error")
		}
		page, err := l.Page(t.Context(), 0, 3)
		if err != nil || len(page) != 3 || page[0].Act != models.ActStarted || page[0].At.IsZero() || page[2].Index != total-2 {
			t.Errorf("newest page: %+v, %v", page, err)
		}
		page, err = l.Page(t.Context(), 2, 100)
		if err != nil || len(page) != 2 || page[1].Index != 0 {
			t.Errorf("oldest page: %+v, %v", page, err)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(t.Context(), act(0)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("recorded after Close: %v", err)
	}
	again := openTestLog(t, k, dir)
	check(again)
	if !strings.HasPrefix(again.Origin(), "vedette/custody/North-gate/") || again.Origin() != l.Origin() {
		t.Errorf("origin %q, then %q", l.Origin(), again.Origin())
	}
	f, err := again.Verify(t.Context())
	if err != nil || !f.OK() || f.Size != total+1 || f.Entries != total+1 || len(f.Checked) < 3 || len(f.Notes) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
	// What is made from the log is made anew.
	again.Close()
	for _, name := range []string{treeName, indexName} {
		for _, size := range []int64{0, 7, 100, 700} {
			if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
				t.Fatal(err)
			}
			l := openTestLog(t, k, dir)
			check(l)
			if f, err := l.Verify(t.Context()); err != nil || len(f.Notes) > 0 {
				t.Errorf("%s cut to %d: %+v, %v", name, size, f, err)
			}
			l.Close()
		}
	}
}

func TestEntriesThatSayTooLittleOrTooMuch(t *testing.T) {
	keys, dir := testDirs(t)
	l := openTestLog(t, openTestKeys(t, keys), dir)
	long := act(1)
	long.Note = strings.Repeat("x", maxEntry)
	for name, c := range map[string]models.Custody{
		"nobody":   {Act: models.ActViewed},
		"no act":   {Who: "anna"},
		"too long": long,
	} {
		if err := l.Record(t.Context(), c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	long.Note = long.Note[:maxEntry-1000]
	if err := l.Record(t.Context(), long); err != nil {
		t.Error(err)
	}
	if got, err := l.Of(t.Context(), long.Incident); err != nil || len(got) != 1 || got[0].Note != long.Note {
		t.Errorf("%d entries, %v", len(got), err)
	}
	if f, err := l.Verify(t.Context()); err != nil || f.Entries != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

// Two logs on one folder stand for two processes: a verb records while the service runs.
func TestSeveralRecordAtOnce(t *testing.T) {
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	logs := []*Log{openTestLog(t, k, dir), openTestLog(t, k, dir)}
	const workers, each = 6, 12
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				c := act(w*each + i)
				if err := logs[w%2].Record(t.Context(), c); err != nil {
					t.Error(err)
				}
				if got, err := logs[(w+1)%2].Of(t.Context(), c.Incident); err != nil || !slices.ContainsFunc(got, func(r models.CustodyRecord) bool { return r.At.Equal(c.At) }) {
					t.Errorf("the other does not see entry %d: %v", w*each+i, err)
				}
			}
		})
	}
	wg.Wait()
	for _, l := range logs {
		n, err := l.Size(t.Context())
		if err != nil || n != workers*each {
			t.Errorf("%d entries, %v", n, err)
		}
		if f, err := l.Verify(t.Context()); err != nil || f.Entries != workers*each {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

func TestACallerThatGoesAwayLeavesTheOthersAlone(t *testing.T) {
	keys, dir := testDirs(t)
	l := openTestLog(t, openTestKeys(t, keys), dir)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Record(gone, act(0)); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := l.Record(t.Context(), act(1)); err != nil {
		t.Error(err)
	}
}

func TestALogThatCannotBeWritten(t *testing.T) {
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	l := openTestLog(t, k, dir)
	recordAll(t, l, 0, 3)
	// A key that is gone stops what would not be signed, and nothing else.
	path := filepath.Join(keys, privateName)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(t.Context(), act(3)); !errors.Is(err, ErrKey) {
		t.Errorf("without a key: %v", err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	recordAll(t, l, 4, 6)
	if f, err := l.Verify(t.Context()); err != nil || f.Entries != 5 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestRotationOfKeysGoesOn(t *testing.T) {
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	l := openTestLog(t, k, dir)
	for i := range 3 {
		recordAll(t, l, 2*i, 2*i+2)
		if _, err := k.Rotate(later(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	recordAll(t, l, 6, 7)
	f, err := l.Verify(t.Context())
	if err != nil || len(f.Keys) != 4 || f.Keys[0] != k.Public()[0].ID {
		t.Errorf("%+v, %v", f, err)
	}
	x, err := l.Extract(t.Context(), []models.IncidentID{act(0).Incident})
	if err != nil {
		t.Fatal(err)
	}
	if f, err := x.Verify(k.Public()); err != nil || f.Entries != 3 {
		t.Errorf("%+v, %v", f, err)
	}
	l.Close()
	openTestLog(t, k, dir)
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// smallLog is a closed log of a few entries, and its keys.
func smallLog(t testing.TB) (dir string, k *Keys, files map[string][]byte) {
	t.Helper()
	room := memoryDir(t)
	dir = filepath.Join(room, "custody")
	k = openTestKeys(t, filepath.Join(room, "keys"))
	l := openTestLog(t, k, dir)
	recordAll(t, l, 0, 5)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, name := range []string{logName, checkpointName, treeName, indexName} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return dir, k, files
}

func TestEveryByteThatIsChangedIsFound(t *testing.T) {
	dir, k, files := smallLog(t)
	if f, err := VerifyDir(t.Context(), dir, k.Public(), VerifyOptions{}); err != nil {
		t.Fatalf("%+v, %v", f, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for name, data := range files {
		for i := 0; i < len(data); i += stride {
			spoilt := slices.Clone(data)
			spoilt[i] ^= byte(1 + rng.IntN(255))
			if err := os.WriteFile(filepath.Join(dir, name), spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := VerifyDir(t.Context(), dir, k.Public(), VerifyOptions{})
			if err == nil || f.OK() {
				t.Errorf("%s: byte %d: %q to %q is not found", name, i, data[i], spoilt[i])
			} else if !errors.Is(err, ErrAltered) && !errors.Is(err, ErrUnknownKey) {
				t.Errorf("%s: byte %d: %v", name, i, err)
			}
			changed++
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d bytes changed, one at a time: %d found", changed, changed)
}

func TestEveryCutIsFound(t *testing.T) {
	dir, k, files := smallLog(t)
	data := files[logName]
	for size := 0; size < len(data); size += stride {
		if err := os.WriteFile(filepath.Join(dir, logName), data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := VerifyDir(t.Context(), dir, k.Public(), VerifyOptions{}); !errors.Is(err, ErrAltered) {
			t.Fatalf("cut to %d bytes: %+v, %v", size, f, err)
		}
		l, err := OpenLog(dir, LogOptions{Keys: k})
		if !errors.Is(err, ErrAltered) || !strings.Contains(err.Error(), "set-aside") {
			t.Fatalf("cut to %d bytes: opened: %v", size, err)
		}
		if err == nil {
			l.Close()
		}
		if got, err := os.ReadFile(filepath.Join(dir, logName)); err != nil || len(got) != size {
			t.Fatalf("cut to %d bytes: it is now %d: silently repaired", size, len(got))
		}
	}
}

// rewrite changes the lines of a log file.
func rewrite(t testing.TB, dir string, change func(lines []string) []string) {
	t.Helper()
	path := filepath.Join(dir, logName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"))
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatATampererWouldTry(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tamper func(t *testing.T, dir string)
	}{
		{"take out an entry", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { return slices.Delete(l, 3, 4) })
		}},
		{"take out an entry with its seal", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { return slices.Delete(l, 3, 5) })
		}},
		{"put in an entry", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { return slices.Insert(l, 3, l[1]) })
		}},
		{"swap two entries", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { l[1], l[3] = l[3], l[1]; return l })
		}},
		{"another name", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { l[1] = strings.Replace(l[1], "anna", "bert", 1); return l })
		}},
		{"a seal without entries", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { return append(l, l[len(l)-1]) })
		}},
		{"take away the end, and make the checkpoint fit", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { return l[:len(l)-2] })
			os.Remove(filepath.Join(dir, checkpointName))
		}},
		{"zeros, as a power cut leaves them, over what was signed", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string { l[1] = strings.Repeat("\x00", len(l[1])); return l })
		}},
		{"zeros over the last batch", func(t *testing.T, dir string) {
			rewrite(t, dir, func(l []string) []string {
				l[len(l)-2] = strings.Repeat("\x00", len(l[len(l)-2]))
				return l
			})
		}},
	} {
		dir, k, _ := smallLog(t)
		kept, err := os.ReadFile(filepath.Join(dir, checkpointName)) // off site
		if err != nil {
			t.Fatal(err)
		}
		tc.tamper(t, dir)
		f, err := VerifyDir(t.Context(), dir, k.Public(), VerifyOptions{Checkpoints: map[string][]byte{"the copy off site": kept}})
		if !errors.Is(err, ErrAltered) || f.OK() {
			t.Errorf("%s: %+v, %v", tc.name, f, err)
		}
	}
}

// An alarm about an old entry must not be what stops the recording of new ones.
func TestAnAlteredEntryIsSaidAndTheLogGoesOn(t *testing.T) {
	dir, k, _ := smallLog(t)
	rewrite(t, dir, func(l []string) []string { l[1] = strings.Replace(l[1], "anna", "bert", 1); return l })
	l := openTestLog(t, k, dir)
	for range 2 {
		if got, err := l.Of(t.Context(), act(0).Incident); !errors.Is(err, ErrAltered) {
			t.Errorf("an altered entry is shown: %+v, %v", got, err)
		}
	}
	if _, err := l.Extract(t.Context(), []models.IncidentID{act(0).Incident}); !errors.Is(err, ErrAltered) {
		t.Errorf("an altered entry is extracted: %v", err)
	}
	recordAll(t, l, 5, 8)
	if got, err := l.Of(t.Context(), act(1).Incident); err != nil || len(got) != 3 {
		t.Errorf("of another incident: %d, %v", len(got), err)
	}
	if _, err := l.Verify(t.Context()); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
}

func TestDamagedHashesAreMadeAnew(t *testing.T) {
	for _, name := range []string{treeName, indexName} {
		dir, k, files := smallLog(t)
		l := openTestLog(t, k, dir)
		for i := 0; i < len(files[name]); i += 3 {
			spoilt := slices.Clone(files[name])
			clear(spoilt[i:min(i+50, len(spoilt))])
			if err := os.WriteFile(filepath.Join(dir, name), spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			x, err := l.Extract(t.Context(), []models.IncidentID{act(0).Incident, act(1).Incident})
			if err != nil {
				t.Fatalf("%s damaged at %d: %v", name, i, err)
			}
			if f, err := x.Verify(k.Public()); err != nil || name == treeName && f.Entries != 4 {
				t.Fatalf("%s damaged at %d: %+v, %v", name, i, f, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
			t.Errorf("left over: %v", left)
		}
	}
}

func TestALogThatIsTakenAwayIsMissed(t *testing.T) {
	dir, k, _ := smallLog(t)
	away := dir + ".away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLog(dir, LogOptions{Keys: k}); !errors.Is(err, ErrAltered) {
		t.Errorf("a new log in place of one that is gone: %v", err)
	}
	// Another recorder's log is not ours.
	otherKeys, other := testDirs(t)
	openTestLog(t, openTestKeys(t, otherKeys), other).Close()
	os.RemoveAll(dir)
	copyDir(t, other, dir)
	if _, err := OpenLog(dir, LogOptions{Keys: k}); !errors.Is(err, ErrAltered) {
		t.Errorf("another's log: %v", err)
	}
	os.RemoveAll(dir)
	copyDir(t, away, dir)
	openTestLog(t, k, dir).Close()
	// Nor can another's keys go on with it.
	if _, err := OpenLog(dir, LogOptions{Keys: openTestKeys(t, t.TempDir())}); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("with other keys: %v", err)
	}
}

func TestSetAside(t *testing.T) {
	dir, k, files := smallLog(t)
	o := LogOptions{Keys: k, Origin: "North gate"}
	l := openTestLog(t, k, dir)
	if _, err := SetAside(t.Context(), dir, o, "anna", "disk fault", time.Now()); !errors.Is(err, ErrInUse) {
		t.Fatalf("set aside under the feet of another: %v", err)
	}
	l.Close()
	if _, err := SetAside(t.Context(), dir, o, "anna", "", time.Now()); err == nil {
		t.Error("set aside without a reason")
	}
	rewrite(t, dir, func(l []string) []string { return l[:4] })
	kept, err := SetAside(t.Context(), dir, o, "anna", "disk fault", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(kept, logName)); err != nil || !strings.HasPrefix(string(files[logName]), string(got)) {
		t.Errorf("what was set aside is not kept: %v", err)
	}
	again := openTestLog(t, k, dir)
	page, err := again.Page(t.Context(), 0, 10)
	if err != nil || len(page) != 1 || page[0].Act != models.ActDamaged || page[0].Who != "anna" ||
		!strings.Contains(page[0].Note, l.Origin()) || !strings.Contains(page[0].Note, "disk fault") {
		t.Errorf("%+v, %v", page, err)
	}
	if again.Origin() == l.Origin() {
		t.Error("the new log has the old one's name")
	}
	again.Close()
	// Also a log that is gone for good.
	os.RemoveAll(dir)
	if _, err := SetAside(t.Context(), dir, o, "anna", "stolen", time.Now()); err != nil {
		t.Error(err)
	}
}

func testExtract(t testing.TB) (Extract, *Keys) {
	t.Helper()
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	l := openTestLog(t, k, dir)
	recordAll(t, l, 0, 23)
	x, err := l.Extract(t.Context(), []models.IncidentID{act(2).Incident, act(0).Incident, act(0).Incident})
	if err != nil {
		t.Fatal(err)
	}
	return x, k
}

func TestExtractProvesItself(t *testing.T) {
	x, k := testExtract(t)
	data, err := json.MarshalIndent(x, "", "  ") // as somebody may who writes it into a file
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseExtract(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := got.Verify(k.Public())
	if err != nil || f.Size != 23 || f.Entries != 15 || len(f.Checked) != 2 || !slices.Equal(f.Keys, []string{k.Public()[0].ID}) {
		t.Errorf("%+v, %v", f, err)
	}
	records, err := got.Records()
	if err != nil || len(records) != 15 || records[0].Incident != act(0).Incident || records[0].Note != act(0).Note {
		t.Errorf("%+v, %v", records, err)
	}
	if _, err := got.Verify(openTestKeys(t, t.TempDir()).Public()); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("with a stranger's keys: %v", err)
	}
}

func TestEveryChangeOfAnExtractIsFound(t *testing.T) {
	x, k := testExtract(t)
	data, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i := 0; i < len(data); i += stride {
		spoilt := slices.Clone(data)
		spoilt[i] ^= 1
		got, err := ParseExtract(spoilt)
		if err == nil {
			_, err = got.Verify(k.Public())
		}
		if err == nil {
			// Nothing but the spelling of the file may have changed.
			if again, _ := json.Marshal(got); string(again) != string(data) {
				t.Errorf("byte %d: %q to %q is not found", i, data[i], spoilt[i])
			}
			same++
		}
	}
	t.Logf("%d bytes, one in %d changed, %d changes of the spelling alone", len(data), stride, same)
	for name, change := range map[string]func(*Extract){
		"two entries swapped":     func(x *Extract) { x.Entries[0], x.Entries[1] = x.Entries[1], x.Entries[0] },
		"an entry twice":          func(x *Extract) { x.Entries = slices.Insert(x.Entries, 1, x.Entries[0]) },
		"another's place":         func(x *Extract) { x.Entries[0].Index++ },
		"a place far away":        func(x *Extract) { x.Entries[len(x.Entries)-1].Index = 1 << 63 },
		"no path":                 func(x *Extract) { x.Entries[0].Path = nil },
		"a short hash":            func(x *Extract) { x.Entries[0].Path[0] = x.Entries[0].Path[0][:31] },
		"an empty entry":          func(x *Extract) { x.Entries[0].Entry = "" },
		"no checkpoint":           func(x *Extract) { x.Checkpoint = "" },
		"two checkpoints":         func(x *Extract) { x.Checkpoint += x.Checkpoint },
		"an unsigned one":         func(x *Extract) { x.Checkpoint, _, _ = strings.Cut(x.Checkpoint, notePrefix) },
		"of another log":          func(x *Extract) { x.Checkpoint = strings.ReplaceAll(x.Checkpoint, "North", "South") },
		"a stamp out of thin air": func(x *Extract) { x.Stamps = []Stamp{{Checkpoint: x.Checkpoint, Token: []byte("now")}} },
	} {
		var y Extract
		if err := json.Unmarshal(data, &y); err != nil {
			t.Fatal(err)
		}
		change(&y)
		if f, err := y.Verify(k.Public()); err == nil || f.OK() || !(errors.Is(err, ErrAltered) || errors.Is(err, ErrUnknownKey)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCopyOffSiteShowsALogThatWasWrittenAnew(t *testing.T) {
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	l := openTestLog(t, k, dir)
	copies := map[string][]byte{}
	recordAll(t, l, 0, 4)
	before := filepath.Join(t.TempDir(), "before")
	copyDir(t, dir, before)
	recordAll(t, l, 4, 8)
	last, err := l.newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copies["the copy of 14:08"] = []byte(last.String())
	recordAll(t, l, 8, 10)
	f, err := VerifyDir(t.Context(), dir, k.Public(), VerifyOptions{Checkpoints: copies})
	if err != nil || !slices.ContainsFunc(f.Checked, func(s string) bool { return strings.Contains(s, "14:08") }) {
		t.Errorf("%+v, %v", f, err)
	}
	// Who has the key writes another history over it. By itself it is without fault.
	forged := openTestLog(t, k, before)
	recordAll(t, forged, 20, 30)
	if f, err := forged.Verify(t.Context()); err != nil {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err := VerifyDir(t.Context(), before, k.Public(), VerifyOptions{Checkpoints: copies}); !errors.Is(err, ErrAltered) || !strings.Contains(f.Problems[0], "14:08") {
		t.Errorf("%+v, %v", f, err)
	}
}
