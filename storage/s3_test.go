package storage

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
)

const secret = "s3cr3t-never-to-be-shown"

// Each case breaks one thing; the error must say what to do and never show the secret.
func TestS3CheckSaysWhatToDo(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	good := mustS3(t, server, S3Options{}).(*s3)
	fakeTLS := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	fakeTLS.StartTLS()
	defer fakeTLS.Close()
	ca := t.TempDir() + "/ca.pem"
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fakeTLS.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	skewed := answer(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large.")
	defer skewed.Close()
	denied := answer(http.StatusForbidden, "AccessDenied", "Access Denied.")
	defer denied.Close()
	full := answer(http.StatusInsufficientStorage, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold.")
	defer full.Close()
	mute := silence(t)

	working := S3Options{Endpoint: server.Endpoint, Region: "us-east-1", Bucket: good.bucket, AccessKey: server.AccessKey,
		SecretKey: server.SecretKey, PathStyle: true}
	if b, err := OpenS3(working); err != nil || b.Check(t.Context()) != nil {
		t.Fatalf("unbroken: %v, %v", err, b.Check(t.Context()))
	}
	for name, c := range map[string]struct {
		broken func(*S3Options)
		want   string
	}{
		"nothing listens":       {func(o *S3Options) { o.Endpoint = refusing(t) }, "nothing listens there"},
		"accepts and is silent": {func(o *S3Options) { o.Endpoint, o.Stall = mute, 500*time.Millisecond }, "does not answer in time"},
		"no such host":          {func(o *S3Options) { o.Endpoint = "no-such-host.invalid" }, "cannot be resolved"},
		"wrong secret":          {func(o *S3Options) { o.SecretKey = secret }, "the secret key does not belong to the access key"},
		"wrong access key":      {func(o *S3Options) { o.AccessKey = "nobody" }, "does not know the access key"},
		"no such bucket":        {func(o *S3Options) { o.Bucket = "not-there" }, `bucket "not-there" does not exist`},
		"access denied":         {func(o *S3Options) { o.Endpoint = host(denied) }, "it needs s3:PutObject"},
		"clock skew":            {func(o *S3Options) { o.Endpoint = host(skewed) }, "set up NTP"},
		"service full":          {func(o *S3Options) { o.Endpoint = host(full) }, "no space left"},
		"unknown authority":     {func(o *S3Options) { o.Endpoint = host(fakeTLS); o.TLS = true }, "give its CA file"},
		"certificate for another name": {func(o *S3Options) {
			o.Endpoint = strings.Replace(host(fakeTLS), "127.0.0.1", "localhost", 1)
			o.TLS, o.CAFile = true, ca
		}, "for another name"},
		"TLS where there is none":  {func(o *S3Options) { o.TLS = true }, "turn TLS off"},
		"no TLS where there is":    {func(o *S3Options) { o.Endpoint = host(fakeTLS) }, "TLS on"},
		"speaks something else":    {func(o *S3Options) { o.Endpoint = babble(t) }, "put check/"},
		"closes at once":           {func(o *S3Options) { o.Endpoint = hangUp(t) }, "is it an S3 service"},
		"answers that are no XML":  {func(o *S3Options) { o.Endpoint = host(notXML(t)) }, "put check/"},
		"bucket name is no name":   {func(o *S3Options) { o.Bucket = "Not A Bucket!" }, "bucket"},
		"region is another region": {func(o *S3Options) { o.Endpoint = host(otherRegion(t)) }, "correct the region"},
	} {
		t.Run(name, func(t *testing.T) {
			o := working
			c.broken(&o)
			b, err := OpenS3(o)
			if err == nil {
				defer b.(*s3).transport.CloseIdleConnections()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				err = b.Check(ctx)
				if ctx.Err() != nil {
					t.Errorf("not over after %v", patience)
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
			if strings.Contains(err.Error(), o.SecretKey) {
				t.Errorf("the error shows the secret: %v", err)
			}
			if errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v looks like a missing object", err)
			}
		})
	}
}

func TestOpenS3Refuses(t *testing.T) {
	for name, o := range map[string]S3Options{
		"no endpoint":      {Bucket: "b"},
		"no bucket":        {Endpoint: "host"},
		"a path":           {Endpoint: "host/path", Bucket: "b"},
		"keys in endpoint": {Endpoint: "https://key:" + secret + "@host", Bucket: "b"},
		"http and TLS":     {Endpoint: "http://host", TLS: true, Bucket: "b"},
		"bad prefix":       {Endpoint: "host", Bucket: "b", Prefix: "../up"},
		"no CA file":       {Endpoint: "host", Bucket: "b", TLS: true, CAFile: "/no/such/file"},
		"empty CA file":    {Endpoint: "host", Bucket: "b", TLS: true, CAFile: os.DevNull},
	} {
		if _, err := OpenS3(o); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for endpoint, secure := range map[string]bool{"https://host:9000/": true, "http://host": false, "host:9000": false} {
		b, err := OpenS3(S3Options{Endpoint: endpoint, Bucket: "b"})
		if err != nil || b.(*s3).tls != secure {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// A TLS server with its own authority, as many sites run it, works with the CA file.
func TestS3TrustsTheCAFile(t *testing.T) {
	var asked string
	server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path
		w.WriteHeader(http.StatusNotFound)
	})))
	server.StartTLS()
	defer server.Close()
	ca := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenS3(S3Options{Endpoint: host(server), Bucket: "evidence", Region: "r", TLS: true, CAFile: ca, PathStyle: true, Prefix: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(*s3).transport.CloseIdleConnections()
	if _, err := b.Open(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) || asked != "HEAD /evidence/a/x" {
		t.Errorf("got %v, server was asked %q", err, asked)
	}
}

// The server must refuse what was altered on the way: a proxy flips one bit.
func TestS3ServerChecksWhatArrives(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	direct := mustS3(t, server, S3Options{}).(*s3)
	for _, size := range []int{100_000, partSize + 100_000} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			data := randomBytes(size)
			victim := data[50_000:50_020]
			proxy := tamper(t, server.Endpoint, victim)
			b, err := OpenS3(S3Options{Endpoint: proxy, Region: "us-east-1", Bucket: direct.bucket, AccessKey: server.AccessKey, SecretKey: server.SecretKey, PathStyle: true})
			if err != nil {
				t.Fatal(err)
			}
			// MinIO checks the host that was signed, so the proxy must be asked by the same name.
			defer b.(*s3).transport.CloseIdleConnections()
			if err := b.Put(t.Context(), "ok.mp4", strings.NewReader("x"), object([]byte("x"))); err != nil {
				t.Fatalf("through the proxy, unaltered: %v", err)
			}
			err = b.Put(t.Context(), "clip.mp4", bytes.NewReader(data), object(data))
			if err == nil {
				t.Error("altered content was taken")
			}
			if errors.Is(err, ErrContent) {
				t.Errorf("%v blames the source", err)
			}
			if _, _, err := direct.Stat(t.Context(), "clip.mp4"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat: %v", err)
			}
		})
	}
}

func TestS3ReaderNoticesACutAnswer(t *testing.T) {
	data := randomBytes(100_000)
	server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", "100000")
		if r.Method == http.MethodGet {
			w.Write(data[:40_000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})))
	server.Start()
	defer server.Close()
	b, err := OpenS3(S3Options{Endpoint: host(server), Bucket: "evidence", Region: "r", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(*s3).transport.CloseIdleConnections()
	r, err := b.Open(t.Context(), "clip.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	if err == nil || n > 40_000 {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// A long upload on a thin line is no stall: something moves all the time.
func TestStallIsNotDuration(t *testing.T) {
	t.Parallel()
	const stall = 2 * time.Second // more than a busy machine lets anybody wait
	server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 256<<10)
		tick := time.NewTicker(stall / 10)
		defer tick.Stop()
		for {
			if _, err := io.ReadFull(r.Body, buf); err != nil {
				return
			}
			<-tick.C
		}
	})))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew { // a large buffer on this side would swallow everything at once
			c.(*net.TCPConn).SetReadBuffer(128 << 10)
		}
	}
	server.Start()
	defer server.Close()
	b, err := OpenS3(S3Options{Endpoint: host(server), Bucket: "evidence", Region: "r", PathStyle: true, Stall: stall})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(*s3).transport.CloseIdleConnections()
	data := randomBytes(10 << 20)
	began := time.Now()
	if err := b.Put(t.Context(), "clip.mp4", bytes.NewReader(data), object(data)); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 2*stall {
		t.Errorf("took only %v, proves nothing", took)
	}
}

func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

func host(s *httptest.Server) string { return s.Listener.Addr().String() }

// answer is a service that answers everything with one S3 error; a real MinIO can be
// brought to none of these on demand.
func answer(status int, code, message string) *httptest.Server {
	return quiet(httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
	})))
}

func otherRegion(t *testing.T) *httptest.Server {
	s := answer(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region is wrong.")
	t.Cleanup(s.Close)
	return s
}

func notXML(t *testing.T) *httptest.Server {
	s := quiet(httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "<html>captive portal", http.StatusBadGateway)
	})))
	t.Cleanup(s.Close)
	return s
}

func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listen hands each connection to serve until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		defer func() {
			for _, c := range open {
				c.Close()
			}
		}()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
			serve(c)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func silence(t *testing.T) string { return listen(t, func(net.Conn) {}) }
func hangUp(t *testing.T) string  { return listen(t, func(c net.Conn) { c.Close() }) }
func babble(t *testing.T) string {
	return listen(t, func(c net.Conn) { c.Read(make([]byte, 1)); c.Write([]byte("220 smtp.example ESMTP\r\n")); c.Close() })
}

// tamper forwards connections to a server and flips a bit of victim on the way there.
func tamper(t *testing.T, to string, victim []byte) string {
	t.Helper()
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if i := bytes.Index(body, victim); i >= 0 {
			body[i] ^= 1
		}
		out := r.Clone(r.Context())
		out.RequestURI = ""
		out.URL.Scheme, out.URL.Host = "http", to
		out.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := http.DefaultTransport.RoundTrip(out) // keeps the Host that was signed
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	quiet(front).Start()
	t.Cleanup(front.Close)
	return host(front)
}

// A service that hangs up may do so before the first byte is sent, which the transport
// puts in words of its own.
func TestS3HintOfAConnectionThatIsClosed(t *testing.T) {
	err := &url.Error{Op: "Put", URL: "http://127.0.0.1:1/b", Err: &net.OpError{Op: "set", Net: "tcp", Err: net.ErrClosed}}
	if got := (&s3{}).explain("put", "k", err).Error(); !strings.Contains(got, "is it an S3 service") {
		t.Errorf("got %s", got)
	}
}
