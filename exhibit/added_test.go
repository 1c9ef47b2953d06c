package exhibit

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// put stores bytes in the bucket.
func (s *site) put(key, content string) models.Object {
	s.t.Helper()
	name := filepath.Join(s.files, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	return models.Object{Key: key, Type: "video/mp4", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// What people added to an incident is in its package, and what is not is told.
func TestAddedFilesAreInThePackage(t *testing.T) {
	s := newSite(t)
	in := s.happen(0, small)
	file := s.put("attachments/one/plan.pdf", "%PDF- plan of the door")
	linked := s.put("attachments/one/linked.mp4", "footage of the yard")
	in.Investigation = models.Investigation{
		Attachments: []models.Attachment{
			{ID: "a1", Name: "../plan <b>.pdf", Key: file.Key, Size: file.Size, SHA256: file.SHA256, By: "mara"},
			{ID: "a2", Name: "late.txt", Size: 4, SHA256: file.SHA256, By: "mara"},
		},
		Exhibits: []models.Exhibit{
			{ID: "e1", Camera: "yard", From: in.Start, To: in.Start.Add(time.Minute), Object: linked, By: "mara"},
			{ID: "e2", Camera: "lobby", From: in.Start, To: in.Start.Add(time.Minute), Trouble: "nothing was recorded", By: "mara"},
		},
	}
	o := s.options(in)
	var out bytes.Buffer
	report, err := Write(t.Context(), &out, o)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(report.Notes, "\n"); !strings.Contains(notes, `"late.txt"`) || !strings.Contains(notes, "nothing was recorded") {
		t.Errorf("what is missing is not told: %s", notes)
	}
	if f := verified(t, out.Bytes(), VerifyOptions{}); !f.OK() {
		t.Errorf("the package is said to be altered: %+v", f)
	}
	got := map[string]string{}
	r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		data, err := fs.ReadFile(r, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		got[path.Base(f.Name)] = string(data)
	}
	for name, content := range map[string]string{
		"attachment-a1-.._plan__b_.pdf": "%PDF- plan of the door",
		fmt.Sprintf("linked-e1-yard-%s.mp4", in.Start.UTC().Format("20060102T150405Z")): "footage of the yard",
	} {
		if got[name] != content {
			t.Errorf("%s holds %q, want %q", name, got[name], content)
		}
	}

	s.put("attachments/one/plan.pdf", "%PDF- plan of a door.")
	var damaged *DamagedError
	if _, err := Write(t.Context(), io.Discard, o); !errors.As(err, &damaged) || !errors.Is(err, storage.ErrContent) || damaged.Object.Key != file.Key {
		t.Errorf("an altered attachment gave %v", err)
	}
}
