package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

func TestFinalClip(t *testing.T) {
	s := newSite(t)
	clip := bytes.Repeat([]byte("0123456789"), 20_000)
	in := sample(1)
	s.shelf.put(t, &in, models.RoleClip, "clip.mp4", clip)
	s.shelf.put(t, &in, models.RoleStill, "still.jpg", []byte("\xff\xd8still"))
	s.shelf.put(t, &in, models.RoleWhy, "why.jpg", []byte("\xff\xd8why"))
	s.shelf.put(t, &in, models.RoleMask, "mask.png", []byte("\x89PNG"))
	s.create(in)
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID) + "/clip"
	etag := `"` + in.Footage.Objects[0].SHA256 + `"`

	a := b.want(http.StatusOK, "GET", path, nil)
	if !bytes.Equal(a.body, clip) {
		t.Errorf("%d bytes, want %d", len(a.body), len(clip))
	}
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "ETag": etag, "Accept-Ranges": "bytes", "Content-Length": "200000", "Cache-Control": "private, no-cache",
		"Content-Disposition": `inline; filename="` + string(in.ID) + `.mp4"`,
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, tc := range []struct {
		header, value string
		code          int
		want          string
	}{
		{"Range", "bytes=0-9", 206, "0123456789"},
		{"Range", "bytes=199995-", 206, "56789"},
		{"Range", "bytes=-3", 206, "789"},
		{"Range", "bytes=200000-", 416, ""},
		{"If-None-Match", etag, 304, ""},
		{"If-None-Match", `"other"`, 200, string(clip)},
	} {
		a := b.want(tc.code, "GET", path, nil, tc.header, tc.value)
		if tc.want != "" && string(a.body) != tc.want {
			t.Errorf("%s %s: got %.20q", tc.header, tc.value, a.body)
		}
	}
	// A part of another version must never be joined to this one.
	if a := b.want(http.StatusOK, "GET", path, nil, "Range", "bytes=0-9", "If-Range", `"other"`); len(a.body) != len(clip) {
		t.Errorf("If-Range of another version: %d bytes", len(a.body))
	}
	b.want(http.StatusOK, "GET", path+"?v=2", nil) // the console tells versions apart
	if a := b.want(http.StatusOK, "HEAD", path, nil); len(a.body) != 0 || a.ContentLength != int64(len(clip)) || a.Header.Get("ETag") != etag {
		t.Errorf("HEAD: %d bytes, length %d", len(a.body), a.ContentLength)
	}
	for _, tc := range []struct{ role, body, kind, name string }{
		{"still", "\xff\xd8still", "image/jpeg", ".jpg"},
		{"why", "\xff\xd8why", "image/jpeg", "-why.jpg"},
		{"mask", "\x89PNG", "image/png", "-mask.png"},
	} {
		a := b.want(http.StatusOK, "GET", "/api/incidents/"+string(in.ID)+"/"+tc.role, nil)
		if string(a.body) != tc.body || a.Header.Get("Content-Type") != tc.kind || !strings.HasSuffix(a.Header.Get("Content-Disposition"), string(in.ID)+tc.name+`"`) {
			t.Errorf("%s: got %q with %v", tc.role, a.body, a.Header)
		}
	}
	b.want(http.StatusNotFound, "GET", "/api/incidents/"+string(in.ID)+"/picture", nil)
}

// An object that the record names and the bucket has lost is a 404, not a broken clip.
func TestClipThatIsGone(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.shelf.put(t, &in, models.RoleClip, "clip.mp4", []byte("clip"))
	s.create(in)
	if err := s.shelf.Bucket.Delete(t.Context(), in.Footage.Objects[0].Key); err != nil {
		t.Fatal(err)
	}
	s.logIn().want(http.StatusNotFound, "GET", "/api/incidents/"+string(in.ID)+"/clip", nil)
}

func TestFileName(t *testing.T) {
	if got := fileName("2026 \"x\"/..\r\nSet-Cookie: a=b\\é"); got != "2026__x__..__Set-Cookie__a_b__" {
		t.Error(got)
	}
}

// A clip that is still being written is sent as far as it goes, and never kept by a
// browser as if it were all.
func TestGrowingClip(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	entry, err := s.shelf.Spool.Begin(in)
	if err != nil {
		t.Fatal(err)
	}
	s.create(in)
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID) + "/clip"
	b.want(http.StatusNotFound, "GET", path, nil)
	for _, content := range []string{"first fragment", "first fragment and a second"} {
		if err := os.WriteFile(entry.Path(storage.GrowingFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		a := b.want(http.StatusOK, "GET", path, nil)
		if string(a.body) != content || a.Header.Get("ETag") != "" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Last-Modified") != "" {
			t.Errorf("got %q with %v", a.body, a.Header)
		}
	}
	if a := b.want(http.StatusPartialContent, "GET", path, nil, "Range", "bytes=6-13"); string(a.body) != "fragment" {
		t.Errorf("range: %q", a.body)
	}
}

// downBucket is a bucket whose service cannot be reached.
type downBucket struct{ storage.Bucket }

func (downBucket) Open(context.Context, string) (storage.Reader, error) {
	return nil, errors.New("dial tcp 192.0.2.9:9000: connection refused")
}

func TestClipWhileTheBucketIsDown(t *testing.T) {
	s := newSite(t, func(s *Server) {
		e := s.Evidence.(shelf)
		e.Bucket = downBucket{e.Bucket}
		s.Evidence = e
	})
	in := sample(1)
	s.shelf.put(t, &in, models.RoleClip, "clip.mp4", []byte("clip"))
	s.create(in)
	a := s.logIn().want(http.StatusServiceUnavailable, "GET", "/api/incidents/"+string(in.ID)+"/clip", nil)
	if bytes.Contains(a.body, []byte("192.0.2.9")) || a.Header.Get("Retry-After") == "" {
		t.Errorf("answer %s with %v", a.body, a.Header)
	}
	if !strings.Contains(s.logged(), "connection refused") {
		t.Error("the cause is not in the log")
	}
}
