package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// fileSite is a site to whose incidents files can be attached.
type fileSite struct {
	*site
	*browser
	store  *storage.Attachments
	folder string
	bucket storage.Bucket
	in     models.Incident
}

func newFileSite(t *testing.T, o storage.AttachmentOptions) *fileSite {
	t.Helper()
	f := &fileSite{folder: t.TempDir()}
	var err error
	if f.bucket, err = storage.OpenDisk(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	f.site = newSite(t, func(s *Server) {
		o.Bucket, o.Index, o.Reserve = f.bucket, s.Incidents.(storage.Index), -1
		if f.store, err = storage.OpenAttachments(f.folder, o); err != nil {
			t.Fatal(err)
		}
		s.Attachments = f.store
		s.Custody = &ledger{}
	})
	f.in = sample(1)
	f.create(f.in)
	f.browser = f.logIn()
	return f
}

func (f *fileSite) path() string { return "/api/incidents/" + string(f.in.ID) + "/attachments" }

// attach sends a file and returns it as the record names it.
func (f *fileSite) attach(t *testing.T, name string, body []byte) models.Attachment {
	t.Helper()
	var in models.Incident
	f.browser.in(t).want(http.StatusCreated, "POST", f.path()+"?name="+name, string(body), "Content-Type", "application/pdf").decode(t, &in)
	return in.Investigation.Attachments[len(in.Investigation.Attachments)-1]
}

func TestAttach(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{})
	body := bytes.Repeat([]byte("<script>alert(1)</script>"), 9000)
	sum := sha256.Sum256(body)
	a := f.attach(t, "C%3A%5Ctemp%5C%E2%80%AEfdp.exe", body)
	if a.Name != "fdp.exe" || a.Type != "application/pdf" || a.Size != int64(len(body)) || a.SHA256 != hex.EncodeToString(sum[:]) || a.By != "admin" || a.At.IsZero() {
		t.Fatalf("%+v", a)
	}
	for name, c := range map[string]struct {
		headers []string
		code    int
		want    []byte
	}{
		"whole":         {nil, http.StatusOK, body},
		"a range":       {[]string{"Range", "bytes=10-19"}, http.StatusPartialContent, body[10:20]},
		"the end":       {[]string{"Range", "bytes=-5"}, http.StatusPartialContent, body[len(body)-5:]},
		"from 0":        {[]string{"Range", "bytes=0-"}, http.StatusPartialContent, body},
		"known already": {[]string{"If-None-Match", `"` + a.SHA256 + `"`}, http.StatusNotModified, nil},
		"no such range": {[]string{"Range", "bytes=9999999-"}, http.StatusRequestedRangeNotSatisfiable, nil},
	} {
		got := f.browser.in(t).want(c.code, "GET", f.path()+"/"+a.ID, nil, c.headers...)
		if c.want != nil && !bytes.Equal(got.body, c.want) {
			t.Errorf("%s: got %d bytes, want %d", name, len(got.body), len(c.want))
		}
		if c.code != http.StatusOK {
			continue
		}
		for header, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "default-src 'none'; sandbox",
			"Content-Disposition":     `attachment; filename="fdp.exe"; filename*=UTF-8''fdp.exe`, "ETag": `"` + a.SHA256 + `"`,
		} {
			if got.Header.Get(header) != want {
				t.Errorf("%s: got %q, want %q", header, got.Header.Get(header), want)
			}
		}
		if !strings.HasPrefix(got.Header.Get("Repr-Digest"), "sha-256=:") {
			t.Errorf("Repr-Digest %q", got.Header.Get("Repr-Digest"))
		}
	}
	in := get[models.Incident](f.browser, "/api/incidents/"+string(f.in.ID))
	if n := len(in.Log); n != 1 || in.Log[0].What != "file attached" || in.Log[0].Who != "admin" {
		t.Errorf("log %+v", in.Log)
	}
	viewed := 0
	for _, c := range f.server.Custody.(*ledger).entries {
		if c.Act == models.ActViewed && c.Note == "attachment "+a.ID && c.Who == "admin" && c.Objects[0].SHA256 == a.SHA256 {
			viewed++
		}
	}
	if viewed != 4 { // whole, from 0, known already, and the ranges that begin later together
		t.Errorf("the custody log has %d readings", viewed)
	}
}

// A request that is repeated because its answer was lost attaches nothing twice.
func TestAttachTwice(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{})
	var answers [2]models.Incident
	for i := range answers {
		f.want(http.StatusCreated, "POST", f.path()+"?name=a.txt", "the same", "Idempotency-Key", "7", "Content-Type", "text/plain").decode(t, &answers[i])
	}
	if answers[0].Revision != answers[1].Revision {
		t.Errorf("the repeat made revision %d of %d", answers[1].Revision, answers[0].Revision)
	}
	f.want(http.StatusCreated, "POST", f.path()+"?name=a.txt", "another", "Idempotency-Key", "8", "Content-Type", "text/plain")
	in := get[models.Incident](f.browser, "/api/incidents/"+string(f.in.ID))
	if len(in.Investigation.Attachments) != 2 || len(in.Log) != 2 {
		t.Errorf("%+v, log %+v", in.Investigation.Attachments, in.Log)
	}
}

func TestAttachRefuses(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{MaxSize: 1000, Most: 2})
	deleted, closed := sample(2), sample(3)
	deleted.Footage.State, closed.State = models.FootageDeleted, models.StateClosed
	f.create(deleted, closed)
	a := f.attach(t, "first", []byte("1"))
	to := func(in models.Incident) string { return "/api/incidents/" + string(in.ID) + "/attachments?name=x" }
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		code               int
	}{
		"too large":          {"POST", to(f.in), strings.Repeat("x", 1001), nil, http.StatusRequestEntityTooLarge},
		"no name":            {"POST", f.path(), "x", nil, http.StatusUnprocessableEntity},
		"a form":             {"POST", to(f.in), "x", []string{"Content-Type", "multipart/form-data; boundary=x"}, http.StatusUnsupportedMediaType},
		"no such incident":   {"POST", "/api/incidents/none/attachments?name=x", "x", nil, http.StatusNotFound},
		"evidence deleted":   {"POST", to(deleted), "x", nil, http.StatusConflict},
		"closed":             {"POST", to(closed), "x", nil, http.StatusConflict},
		"another site":       {"POST", to(f.in), "x", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"no such attachment": {"GET", f.path() + "/none", "", nil, http.StatusNotFound},
		"folder in the ID":   {"GET", f.path() + "/..%2f..%2fetc", "", nil, http.StatusUnprocessableEntity},
		"of another":         {"GET", "/api/incidents/" + string(closed.ID) + "/attachments/" + a.ID, "", nil, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			var body any
			if c.method == "POST" {
				body = c.body
			}
			f.browser.in(t).want(c.code, c.method, c.path, body, c.headers...)
		})
	}
	f.attach(t, "second", []byte("2"))
	f.want(http.StatusConflict, "POST", to(f.in), "3")
	f.site.browser().want(http.StatusUnauthorized, "POST", to(f.in), "4")
	if got := len(get[models.Incident](f.browser, "/api/incidents/"+string(f.in.ID)).Log); got != 2 {
		t.Errorf("%d entries in the log", got)
	}
	if err := filepath.WalkDir(f.folder, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".part") {
			t.Errorf("left: %s", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// A file larger than any memory is taken piece by piece, and refused as soon as it is
// known to be too large: at once when its length is told, on the way when not.
func TestAttachLarge(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{MaxSize: 32 << 20})
	for name, length := range map[string]int64{"told": 5 << 30, "not told": -1} {
		zeros := &zeroReader{left: 5 << 30}
		req, err := http.NewRequestWithContext(t.Context(), "POST", f.base+f.path()+"?name=disk.img", zeros)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		res, err := f.browser.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: got %d", name, res.StatusCode)
			}
		} else if !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("%s: %v", name, err) // the server has hung up on what it does not want
		}
		if sent := zeros.given(); sent > 64<<20 {
			t.Errorf("%s: %d bytes were sent", name, sent)
		}
	}
	if got, _ := os.ReadDir(f.folder); len(got) != 1 { // the folder for what is damaged
		t.Errorf("left: %v", got)
	}
}

type zeroReader struct {
	mu   sync.Mutex
	left int64
	sent int64
}

func (z *zeroReader) Read(p []byte) (int, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left, z.sent = z.left-n, z.sent+n
	return int(n), nil
}

func (z *zeroReader) given() int64 {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.sent
}

// A client that hangs up in the middle leaves nothing behind, and its place is free again.
func TestAttachHangsUp(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{})
	for range maxUploads + 1 {
		r, w := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), "POST", f.base+f.path()+"?name=half", r)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			w.Write(make([]byte, 100_000))
			w.CloseWithError(errors.New("the cable was pulled"))
		}()
		if res, err := f.browser.Do(req); err == nil {
			res.Body.Close()
			t.Fatalf("got %d", res.StatusCode)
		}
	}
	eventually(t, func() bool { got, _ := os.ReadDir(f.folder); return len(got) == 1 && len(f.server.uploads) == 0 })
	f.attach(t, "whole", []byte("whole"))
}

// What the bucket holds is not what was attached: the download breaks off before its end.
func TestAttachmentAltered(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{})
	a := f.attach(t, "a.bin", make([]byte, 300_000))
	name := filepath.Join(f.folder, string(f.in.ID)+"~"+a.ID)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] = 1
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := f.browser.Get(f.base + f.path() + "/" + a.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err == nil || n >= a.Size {
		t.Errorf("%d bytes, %v", n, err)
	}
	if !strings.Contains(f.logged(), "not what its record says") {
		t.Error("the log says nothing")
	}
}

// All places are taken: who comes then is told to come again.
func TestAttachManyAtOnce(t *testing.T) {
	f := newFileSite(t, storage.AttachmentOptions{})
	for range maxUploads {
		f.server.uploads <- struct{}{}
	}
	a := f.want(http.StatusServiceUnavailable, "POST", f.path()+"?name=x", "x")
	if a.Header.Get("Retry-After") == "" {
		t.Error("not told when to come again")
	}
	for range maxUploads {
		<-f.server.uploads
	}
	var wg sync.WaitGroup
	for n := range maxUploads {
		wg.Go(func() { f.browser.do("POST", fmt.Sprintf("%s?name=%d", f.path(), n), strings.Repeat("x", 50_000)) })
	}
	wg.Wait()
	if got := get[models.Incident](f.browser, "/api/incidents/"+string(f.in.ID)); len(got.Investigation.Attachments) != maxUploads {
		t.Errorf("%d attachments", len(got.Investigation.Attachments))
	}
}

// eventually waits for what another goroutine does; there is no event to wait for.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(30 * time.Second); !ok(); {
		select {
		case <-over:
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
}

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"statement.pdf": "statement.pdf", "../../etc/passwd": "passwd", `C:\Users\ada\plan.docx`: "plan.docx", "": "file", "..": "file", "/": "file",
		"exe\u202Etxt.gpj": "exetxt.gpj", "a\x00b\r\nc.txt": "abc.txt", "zero\u200bwidth": "zerowidth", " . spaced . ": "spaced", "Überwachung №5.mp4": "Überwachung №5.mp4",
		"tab\tbed": "tabbed", "\xff\xfebad": "bad", "nbsp\u00a0here": "nbsp here", strings.Repeat("ü", 300) + ".pdf": strings.Repeat("ü", 98) + ".pdf",
	} {
		if got := cleanName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// FuzzCleanName wants names that are safe everywhere, stay as they are when they are
// cleaned again, and come back from a header as they went in.
func FuzzCleanName(f *testing.F) {
	for _, name := range []string{"statement.pdf", `..\..\x`, "\u202Egpj.exe", "a\"b; filename=c", strings.Repeat("ü.", 200), "\xc3\x28", "'%41.txt"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := cleanName(name)
		if got == "" || len(got) > maxName || strings.ContainsAny(got, `/\`) || strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q: %q", name, got)
		}
		if again := cleanName(got); again != got {
			t.Errorf("%q: %q, then %q", name, got, again)
		}
		kind, params, err := mime.ParseMediaType(asAttachment(got))
		if err != nil || kind != "attachment" || params["filename"] != got {
			t.Errorf("%q: %s, %v, %v", got, kind, params, err)
		}
	})
}

// receiveOverPipe has handle read a body that send writes, over HTTP on a connection in
// memory, in fake time.
func receiveOverPipe(t *testing.T, send func(io.Writer), handle func(ctx context.Context, body io.Reader) error) error {
	t.Helper()
	client, conn := net.Pipe()
	got := make(chan error, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handle(r.Context(), newPaced(w, r.Body))
		extend(w)
		got <- err
	})}
	listener := &oneConn{conn: conn, closed: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
	r, w := io.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		send(w)
		w.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://pipe/", r)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := transport.RoundTrip(req); err == nil {
		res.Body.Close()
	}
	err = <-got
	r.Close()
	transport.CloseIdleConnections()
	server.Close()
	<-done
	<-sent
	return err
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   net.Conn
	taken  bool
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if !l.taken {
		l.taken = true
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error { close(l.closed); return nil }

func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// A body may take its time as long as it goes on, and what our own disk takes is not held
// against it: neither while the file comes nor when it is synced at its end.
func TestPaced(t *testing.T) {
	const most = 24 * time.Hour
	whole := func(_ context.Context, body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	for name, c := range map[string]struct {
		send   func(io.Writer)
		handle func(context.Context, io.Reader) error
		want   error
	}{
		"stops": {func(w io.Writer) { w.Write(make([]byte, pace)); time.Sleep(most) }, whole, os.ErrDeadlineExceeded},
		"drips": {func(w io.Writer) {
			for range 100 {
				w.Write(make([]byte, 100))
				time.Sleep(time.Second)
			}
		}, whole, os.ErrDeadlineExceeded},
		"slowly": {func(w io.Writer) {
			for range 20 {
				w.Write(make([]byte, pace))
				time.Sleep(paceTime - time.Second)
			}
		}, whole, nil},
		"to a slow disk": {func(w io.Writer) { w.Write(make([]byte, 4*pace)) }, func(_ context.Context, body io.Reader) error {
			for range 8 {
				if _, err := io.CopyN(io.Discard, body, pace/2); err != nil {
					return err
				}
				time.Sleep(2 * paceTime)
			}
			return nil
		}, nil},
		"to a disk that is long in syncing": {func(w io.Writer) { w.Write(make([]byte, pace)) }, func(ctx context.Context, body io.Reader) error {
			_, err := io.Copy(io.Discard, body)
			time.Sleep(2 * paceTime)
			return errors.Join(err, ctx.Err())
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := receiveOverPipe(t, c.send, c.handle); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		})
	}
}
