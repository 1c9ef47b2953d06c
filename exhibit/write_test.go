package exhibit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/camtest"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/storage"
)

// master is the file of an incident's clip in the bucket.
func (s *site) master(in models.Incident) string {
	i := slices.IndexFunc(in.Footage.Objects, func(o models.Object) bool { return o.Role == models.RoleClip })
	return filepath.Join(s.files, filepath.FromSlash(in.Footage.Objects[i].Key))
}

// Evidence that is not what its record says becomes no package, and not a byte of one.
func TestAlteredEvidenceIsNoPackage(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  error
	}{
		{"a byte of the clip altered", func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, storage.ErrContent},
		{"the clip cut off", func(t *testing.T, path string) {
			if err := os.Truncate(path, 1000); err != nil {
				t.Fatal(err)
			}
		}, storage.ErrContent},
		{"the clip gone", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, fs.ErrNotExist},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t)
			in := s.happen(0, small)
			o := s.options(in)
			tc.spoil(t, s.master(in))
			var out bytes.Buffer
			_, err := Write(t.Context(), &out, o)
			if !errors.Is(err, tc.want) || !strings.Contains(fmt.Sprint(err), string(in.ID)) || out.Len() > 0 {
				t.Errorf("got %v and %d bytes, want %v", err, out.Len(), tc.want)
			}
			if left, _ := os.ReadDir(o.Temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What changes between the two readings of it leaves a file without a directory, which
// nobody takes for a package.
func TestEvidenceThatChangesMeanwhile(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	p, err := Prepare(t.Context(), s.options(in))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	data, err := os.ReadFile(s.master(in))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(s.master(in), data, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := p.Write(t.Context(), &out); !errors.Is(err, errChanged) {
		t.Errorf("got %v", err)
	}
	if !found(t, out.Bytes()) {
		t.Error("what was written passes for a package")
	}
}

func TestRefused(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	o := s.options(in)
	for name, change := range map[string]func(*Options){
		"no incident":        func(o *Options) { o.Incidents = nil },
		"the same one twice": func(o *Options) { o.Incidents = append(o.Incidents, in) },
		"no key":             func(o *Options) { o.Signer = nil },
		"still recording":    func(o *Options) { o.Incidents[0].Footage.State = models.FootageRecording },
		"a working copy of another master": func(o *Options) {
			path := filepath.Join(t.TempDir(), "copy.mp4")
			if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.WriteFile(path+".json", copyNoteFor("x", "another master"), 0o600)); err != nil {
				t.Fatal(err)
			}
			o.Copies = []WorkingCopy{{Path: path, Note: path + ".json"}}
		},
	} {
		o := o
		o.Incidents = slices.Clone(o.Incidents)
		change(&o)
		if p, err := Prepare(t.Context(), o); err == nil {
			p.Close()
			t.Errorf("%s: a package was made", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, io.Discard, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The same evidence, exported at the same time for the same reason, is the same package.
func TestPackagesAreAlike(t *testing.T) {
	s := newSite(t)
	o := s.options(s.happen(0, small), s.happen(1, small))
	if a, b := s.pack(o), s.pack(o); !bytes.Equal(a, b) {
		t.Error("two packages of the same differ")
	}
}

// H.265 is handed out as it is, with a copy that ordinary players take.
func TestPlayableCopy(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, camtest.Clip{Codec: models.H265, Width: 160, Height: 120, FPS: 10, Seconds: 4, GOP: 10})
	o := s.options(in)
	copies := &pipeline.Playable{Dir: t.TempDir(), Open: func(ctx context.Context, in models.Incident) (io.ReadSeekCloser, models.Object, error) {
		return storage.Evidence{Spool: s.spool, Bucket: s.bucket}.Open(ctx, in, models.RoleClip)
	}}
	o.Playable = func(ctx context.Context, in models.Incident) (string, models.Object, error) {
		if !copies.Needed(in) {
			return "", models.Object{}, nil
		}
		return copies.Copy(ctx, in)
	}
	f := verified(t, s.pack(o), VerifyOptions{})
	if !f.OK() || !strings.Contains(strings.Join(f.Notes, "\n"), "playable-copy.mp4 is a copy") {
		t.Errorf("problems %q, notes %q", f.Problems, f.Notes)
	}
}

// A bucket that does not answer keeps no evidence back: what waits for it is handed out.
func TestWaitingEvidence(t *testing.T) {
	s := newSite(t)
	in, err := s.index.Get(t.Context(), s.record(0, small))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), io.Discard, s.options(in)); !errors.Is(err, ErrNotStored) {
		t.Errorf("by its record alone: %v", err)
	}
	waiting, ok := storage.Evidence{Spool: s.spool, Bucket: s.bucket}.Waiting(in.ID)
	if !ok {
		t.Fatal("nothing waits")
	}
	in.Footage = waiting
	p, err := Prepare(t.Context(), s.options(in))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s.upload() // it comes back just then
	var out bytes.Buffer
	if _, err := p.Write(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	f := verified(t, out.Bytes(), VerifyOptions{})
	if !f.OK() || !strings.Contains(strings.Join(f.Checked, "\n"), "unchanged since") || !strings.Contains(strings.Join(f.Notes, "\n"), "not yet been copied") {
		t.Errorf("%+v", f)
	}
}

// copyNoteFor is the note of a working copy with this content, of a master with that.
func copyNoteFor(content, master string) []byte {
	return fmt.Appendf(nil, `{"master":{"sha256":"%x"},"copy":{"sha256":"%x"}}`, sha256.Sum256([]byte(master)), sha256.Sum256([]byte(content)))
}

// A working copy goes with its master; its signed note is checked.
func TestWorkingCopy(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	master, err := os.ReadFile(s.master(in))
	if err != nil {
		t.Fatal(err)
	}
	c := WorkingCopy{Path: filepath.Join(t.TempDir(), "redacted.mp4")}
	c.Note, c.Signature = c.Path+".json", c.Path+".json.sig"
	note := copyNoteFor("blurred", string(master))
	signed, err := s.keys.Sign(models.PurposeRedaction, note)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := encodeSignature(signed)
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(c.Path, []byte("blurred"))
	write(c.Note, note)
	write(c.Signature, signature)
	o := s.options(in)
	o.Copies = []WorkingCopy{c}
	for _, tc := range []struct {
		name  string
		spoil func()
		want  string // a problem; empty: none
	}{
		{"as it is", func() {}, ""},
		{"another note than the signed one", func() { write(c.Note, append(note, ' ')) }, "not the one that was signed"},
		{"another copy", func() { write(c.Note, note); write(c.Path, []byte("sharp")) }, "not the copy that its note describes"},
	} {
		tc.spoil()
		f := verified(t, s.pack(o), VerifyOptions{})
		notes, problems := strings.Join(f.Notes, "\n"), strings.Join(f.Problems, "\n")
		if tc.want == "" && (problems != "" || !strings.Contains(notes, "signed its note")) || !strings.Contains(problems, tc.want) {
			t.Errorf("%s: problems %q, notes %q", tc.name, problems, notes)
		}
	}
}

// Evidence that retention has deleted leaves a package that says so.
func TestDeletedEvidence(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k := &storage.Keeper{Index: s.index, Bucket: s.bucket, Signer: s.keys, Custody: s.log, Policy: storage.Policy{Default: time.Hour},
		Changed: func(models.Incident) { cancel() }}
	if err := k.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	in, err := s.index.Get(t.Context(), in.ID)
	if err != nil || in.Footage.State != models.FootageDeleted {
		t.Fatalf("%s, %v", in.Footage.State, err)
	}
	f := verified(t, s.pack(s.options(in)), VerifyOptions{})
	if !f.OK() || !strings.Contains(strings.Join(f.Notes, "\n"), "its evidence was deleted on ") ||
		!strings.Contains(strings.Join(f.Notes, "\n"), "is signed with key") {
		t.Errorf("problems %q, notes %q", f.Problems, f.Notes)
	}
}

// noise is a long master: random, but the same each time it is read.
type noise struct {
	size, at int64
	source   *rand.ChaCha8
}

func (n *noise) Read(p []byte) (int, error) {
	if n.at >= n.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), n.size-n.at)]
	n.at += int64(len(p))
	return n.source.Read(p)
}

// Seek goes to places that a reader of a film looks at first; there is no film.
func (n *noise) Seek(off int64, whence int) (int64, error) {
	if whence != io.SeekStart || off != 0 && off != n.at {
		return 0, errors.New("it is noise")
	}
	n.at, n.source = off, rand.NewChaCha8([32]byte{})
	return off, nil
}

func (n *noise) Close() error       { return nil }
func (n *noise) Size() int64        { return n.size }
func (n *noise) ModTime() time.Time { return night }

func newNoise(size int64) *noise { return &noise{size: size, source: rand.NewChaCha8([32]byte{})} }

// heap remembers the most memory that was in use while bytes passed by.
type heap struct{ most, passed uint64 }

func (h *heap) Write(p []byte) (int, error) {
	if h.passed += uint64(len(p)); h.passed%(8<<20) < uint64(len(p)) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapInuse)
	}
	return len(p), nil
}

// A clip of an hour passes through; it is never in memory.
func TestMemoryIsFlat(t *testing.T) {
	const size = 192 << 20
	s := newSite(t)
	in := s.happen(0, small)
	h := sha256.New()
	if _, err := io.Copy(h, newNoise(size)); err != nil {
		t.Fatal(err)
	}
	long := models.Object{Role: models.RoleClip, Key: "incidents/long/clip.mp4", Type: "video/mp4", Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}
	in.Footage.Objects = append([]models.Object{long}, slices.DeleteFunc(in.Footage.Objects, func(o models.Object) bool { return o.Role == models.RoleClip })...)
	o := s.options(in)
	o.Open = func(ctx context.Context, in models.Incident, o models.Object) (storage.Reader, error) {
		if o.Key == long.Key {
			return newNoise(size), nil
		}
		return s.bucket.Open(ctx, o.Key)
	}
	var last, total int64
	o.Progress = func(done, of int64) { last, total = done, of }
	var out heap
	report, err := Write(t.Context(), &out, o)
	if err != nil {
		t.Fatal(err)
	}
	if last != total || total < size {
		t.Errorf("progress ends at %d of %d", last, total)
	}
	if len(report.Notes) == 0 || !strings.Contains(report.Notes[0], "contact sheet") {
		t.Errorf("nothing says why there is no contact sheet: %q", report.Notes)
	}
	if report.Size < size || out.most > 96<<20 {
		t.Errorf("%d bytes written, %d MiB of memory in use", report.Size, out.most>>20)
	}
	t.Logf("%d MiB written, at most %d MiB of memory in use", report.Size>>20, out.most>>20)
}
