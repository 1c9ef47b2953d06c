package web

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/people"
)

// serve runs the site's server on a loopback port of its own and returns its address,
// a function that stops it, and what Serve returns.
func (s *site) serve(certFile, keyFile string) (addr string, stop context.CancelFunc, done <-chan error) {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := &Server{Incidents: s.index, Evidence: s.shelf, Cameras: s.fleet, Accounts: s.server.Accounts, Events: s.server.Events,
		Checks: s.server.Checks, Log: s.server.Log}
	ctx, stop := context.WithCancel(s.t.Context())
	result := make(chan error, 1)
	go func() { result <- server.Serve(ctx, ln, certFile, keyFile) }()
	s.t.Cleanup(stop)
	return ln.Addr().String(), stop, result
}

func within(t *testing.T, d time.Duration, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		t.Fatalf("not over after %v", d)
		return nil
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	s := newSite(t)
	addr, stop, done := s.serve("", "")
	b := s.browser()
	b.base = "http://" + addr
	b.want(http.StatusOK, "POST", "/api/session", map[string]string{"user": people.AdminUser, "password": s.oneTime})
	b.want(http.StatusOK, "PUT", "/api/session/password", map[string]string{"old": s.oneTime, "new": "correct horse battery"})
	stream := b.stream()
	stream.next()
	publish(t, s.server.Events, KindIncident, sample(1))
	if m, ok := stream.next(); !ok || m["event"] != "incident" {
		t.Fatalf("stream: %v", m)
	}
	stop()
	if _, ok := stream.next(); ok {
		t.Error("the stream goes on")
	}
	if err := within(t, 20*time.Second, done); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		t.Error("the port is still open")
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s := newSite(t)
	s.server.Checks = []Check{{Name: "slow", Run: func(context.Context) error { close(started); <-release; return nil }}}
	addr, stop, done := s.serve("", "")
	code := make(chan int, 1)
	go func() {
		res, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			code <- 0
			return
		}
		res.Body.Close()
		code <- res.StatusCode
	}()
	<-started
	stop()
	close(release)
	if got := <-code; got != http.StatusOK {
		t.Errorf("the request under way got %d", got)
	}
	if err := within(t, 20*time.Second, done); err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeOverTLS(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := writePair(t, certFile, keyFile, 1)
	addr, stop, done := s.serve(certFile, keyFile)
	client := func(pool *x509.CertPool) *http.Client {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr}
	}
	res, err := client(pool).Post("https://"+addr+"/api/session", "application/json",
		strings.NewReader(`{"user":"admin","password":"`+s.oneTime+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %d by %s with %v", res.StatusCode, res.Proto, res.Header)
	}
	if c := res.Cookies(); len(c) != 1 || c[0].Name != "__Host-vedette" || !c[0].Secure {
		t.Errorf("cookies %v", c)
	}
	old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", addr, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
	stop()
	if err := within(t, 20*time.Second, done); err != nil {
		t.Error(err)
	}
}

func TestServeRefusesABadCertificate(t *testing.T) {
	s := newSite(t)
	for _, pair := range [][2]string{{"/nothing/cert.pem", "/nothing/key.pem"}, {"cert-only.pem", ""}} {
		_, _, done := s.serve(pair[0], pair[1])
		if err := within(t, 20*time.Second, done); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%v: %v", pair, err)
		}
	}
}

func TestCertificateIsTakenUpWhenRenewed(t *testing.T) {
	dir := t.TempDir()
	c := &certificate{certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem")}
	serial := func() int64 {
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	look := func() { c.looked = time.Time{} } // as if a minute had passed
	writePair(t, c.certFile, c.keyFile, 1)
	if got := serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	writePair(t, c.certFile, c.keyFile, 2)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(c.certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 1 {
		t.Errorf("within the minute: serial %d", got)
	}
	if look(); serial() != 2 {
		t.Error("the renewed certificate was not taken up")
	}
	if err := os.WriteFile(c.certFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if look(); serial() != 2 {
		t.Error("a half-written file took the old certificate away")
	}
}

// A client that opens a connection and says nothing does not hold it.
func TestSilentClientIsCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("waits five seconds")
	}
	s := newSite(t)
	addr, stop, done := s.serve("", "")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	start := time.Now()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(conn); err != nil {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	stop()
	within(t, 20*time.Second, done)
}

// A clip that the client stops reading is given up, although the clip as a whole may
// take as long as it likes.
func TestStalledDownloadIsGivenUp(t *testing.T) {
	w := &deadlines{}
	r, _ := http.NewRequest("GET", "/", nil)
	http.ServeContent(steady{w}, r, "", time.Time{}, bytes.NewReader(make([]byte, 200<<10)))
	if len(w.set) < 6 {
		t.Errorf("the deadline moved %d times over 200 KiB", len(w.set))
	}
	for _, d := range w.set {
		if left := time.Until(d); left <= 0 || left > writeTimeout {
			t.Errorf("deadline in %v", left)
		}
	}
}

// deadlines is a connection that notes the deadlines it is given.
type deadlines struct {
	page
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

func TestHandlerNeedsItsParts(t *testing.T) {
	if _, err := (&Server{}).Handler(); err == nil {
		t.Error("a server without an index was taken")
	}
}

func writePair(t *testing.T, certFile, keyFile string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, data := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return pool
}
