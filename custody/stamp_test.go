package custody

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/vedette-cctv/vedette/models"
)

// authority is a time-stamping authority in a box, with the certificate above its own.
type authority struct {
	*httptest.Server
	roots *x509.CertPool
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	at    time.Time
	asked atomic.Int64
	spoil atomic.Pointer[func(w http.ResponseWriter, ts *timestamp.Timestamp) bool] // true: it has answered
}

func startAuthority(t testing.TB, use x509.ExtKeyUsage) *authority {
	t.Helper()
	a := &authority{roots: x509.NewCertPool(), at: time.Now().UTC().Truncate(time.Second)}
	issue := func(tmpl, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		tmpl.NotBefore, tmpl.NotAfter = a.at.Add(-time.Hour), a.at.Add(48*time.Hour)
		if parent == nil {
			parent, signer = tmpl, key
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	root, rootKey := issue(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test root"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil, nil)
	a.roots.AddCert(root)
	a.cert, a.key = issue(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test clock"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use}}, root, rootKey)
	a.Server = httptest.NewServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "not a query", http.StatusBadRequest)
		return
	}
	req, err := timestamp.ParseRequest(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ts := &timestamp.Timestamp{HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Time: a.at,
		Nonce: req.Nonce, Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, AddTSACertificate: true}
	if spoil := a.spoil.Load(); spoil != nil && (*spoil)(w, ts) {
		return
	}
	answer, err := ts.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(answer)
}

// stampedLog is a log that an authority has stamped on two days.
func stampedLog(t *testing.T) (*Log, *Keys, *authority) {
	t.Helper()
	keys, dir := testDirs(t)
	k := openTestKeys(t, keys)
	a := startAuthority(t, x509.ExtKeyUsageTimeStamping)
	now := a.at
	l, err := OpenLog(dir, LogOptions{Keys: k, Now: func() time.Time { return now }, Authority: &Authority{URL: a.URL, Roots: a.roots, Client: a.Client()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := runner{Log: l}
	r.stamp(t.Context())
	if n := a.asked.Load(); n != 0 {
		t.Errorf("an empty log is stamped %d times", n)
	}
	recordAll(t, l, 0, 5)
	for range 3 {
		r.stamp(t.Context())
	}
	recordAll(t, l, 5, 8)
	a.at, now = a.at.Add(24*time.Hour), now.Add(24*time.Hour)
	for range 3 {
		r.stamp(t.Context())
	}
	recordAll(t, l, 8, 10)
	if n := a.asked.Load(); n != 2 {
		t.Errorf("asked %d times on two days", n)
	}
	return l, k, a
}

func TestOneStampADay(t *testing.T) {
	l, k, a := stampedLog(t)
	page, err := l.Page(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	page = slices.DeleteFunc(page, func(r models.CustodyRecord) bool { return r.Act != models.ActTimestamped })
	if len(page) != 2 || page[1].Index != 5 || !strings.Contains(page[1].Note, "5 entries") || !strings.Contains(page[1].Note, "Test clock") {
		t.Errorf("%+v", page)
	}
	f, err := VerifyDir(t.Context(), l.dir, k.Public(), VerifyOptions{Authorities: a.roots})
	if err != nil || len(f.Stamps) != 2 || f.Stamps[0].Size != 5 || f.Stamps[1].Size != 9 || !f.Stamps[0].Trusted || unvouched(f) {
		t.Errorf("%+v, %v", f, err)
	}
	// Without the authority's root the stamp still binds, and the reader is told.
	f, err = l.Verify(t.Context())
	if err != nil || len(f.Stamps) != 2 || f.Stamps[0].Trusted || !unvouched(f) {
		t.Errorf("%+v, %v", f, err)
	}
}

func unvouched(f Findings) bool {
	return slices.ContainsFunc(f.Notes, func(s string) bool { return strings.Contains(s, "who vouches for CN=Test clock") })
}

func TestExtractCarriesTheStampsThatFollowItsEntries(t *testing.T) {
	l, k, a := stampedLog(t)
	for _, tc := range []struct {
		entry int
		sizes []uint64
	}{
		{0, []uint64{5, 9}}, // entries 0, 3, 7, 11
		{1, []uint64{5, 9}},
	} {
		x, err := l.Extract(t.Context(), []models.IncidentID{act(tc.entry).Incident})
		if err != nil {
			t.Fatal(err)
		}
		f, err := x.VerifyStamps(k.Public(), a.roots)
		if err != nil {
			t.Fatalf("%+v, %v", f, err)
		}
		var sizes []uint64
		for _, s := range f.Stamps {
			sizes = append(sizes, s.Size)
			if !s.Trusted || s.Authority != "CN=Test clock" {
				t.Errorf("%+v", s)
			}
		}
		if !slices.Equal(sizes, tc.sizes) {
			t.Errorf("entry %d: stamps over %v entries, want %v", tc.entry, sizes, tc.sizes)
		}
		// A stamp of one day is none of another, and a changed one is none at all.
		for name, change := range map[string]func(*Extract){
			"tokens swapped": func(x *Extract) { x.Stamps[0].Token, x.Stamps[1].Token = x.Stamps[1].Token, x.Stamps[0].Token },
			"paths swapped":  func(x *Extract) { x.Stamps[0].Path, x.Stamps[1].Path = x.Stamps[1].Path, x.Stamps[0].Path },
			"a bit":          func(x *Extract) { x.Stamps[0].Token[len(x.Stamps[0].Token)-3] ^= 1 },
			"the time":       func(x *Extract) { flipTime(t, x.Stamps[0].Token) },
			"cut short":      func(x *Extract) { x.Stamps[0].Token = x.Stamps[0].Token[:100] },
		} {
			data, _ := json.Marshal(x)
			y, err := ParseExtract(data)
			if err != nil {
				t.Fatal(err)
			}
			change(&y)
			if f, err := y.VerifyStamps(k.Public(), a.roots); !errors.Is(err, ErrAltered) {
				t.Errorf("%s: %+v, %v", name, f, err)
			}
		}
	}
}

// flipTime changes the time in a token by a digit.
func flipTime(t *testing.T, token []byte) {
	t.Helper()
	at := bytes.Index(token, []byte("20"+time.Now().UTC().Format("06")))
	if at < 0 {
		t.Fatal("no time in the token")
	}
	token[at+13] ^= 1
}

func TestAnAuthorityThatIsNotToBeTrusted(t *testing.T) {
	good := startAuthority(t, x509.ExtKeyUsageTimeStamping)
	data := []byte("a checkpoint")
	ask := func(a *authority, roots *x509.CertPool) error {
		_, _, err := (&Authority{URL: a.URL, Roots: roots, Client: a.Client()}).stamp(t.Context(), data)
		return err
	}
	if err := ask(good, good.roots); err != nil {
		t.Fatal(err)
	}
	if err := ask(good, nil); err != nil {
		t.Errorf("any authority is to be taken: %v", err)
	}
	for name, spoil := range map[string]func(http.ResponseWriter, *timestamp.Timestamp) bool{
		"another request": func(_ http.ResponseWriter, ts *timestamp.Timestamp) bool { ts.Nonce = big.NewInt(7); return false },
		"something else": func(_ http.ResponseWriter, ts *timestamp.Timestamp) bool {
			sum := sha256.Sum256([]byte("another"))
			ts.HashedMessage = sum[:]
			return false
		},
		"no certificate": func(_ http.ResponseWriter, ts *timestamp.Timestamp) bool { ts.AddTSACertificate = false; return false },
		"a refusal": func(w http.ResponseWriter, _ *timestamp.Timestamp) bool {
			no, _ := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
			w.Write(no)
			return true
		},
		"an error": func(w http.ResponseWriter, _ *timestamp.Timestamp) bool {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return true
		},
		"a page": func(w http.ResponseWriter, _ *timestamp.Timestamp) bool { w.Write([]byte("<html>")); return true },
		"without end": func(w http.ResponseWriter, _ *timestamp.Timestamp) bool {
			w.Write(make([]byte, 2*maxToken))
			return true
		},
		"nothing": func(w http.ResponseWriter, _ *timestamp.Timestamp) bool { return true },
	} {
		good.spoil.Store(&spoil)
		if err := ask(good, good.roots); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	stranger := startAuthority(t, x509.ExtKeyUsageTimeStamping)
	if err := ask(stranger, good.roots); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("a stranger's stamp: %v", err)
	}
	shop := startAuthority(t, x509.ExtKeyUsageServerAuth)
	if err := ask(shop, shop.roots); err == nil {
		t.Error("the certificate of a web server stamps")
	}
}

func TestStampIsTriedAgainAndLessOften(t *testing.T) {
	keys, dir := testDirs(t)
	a := startAuthority(t, x509.ExtKeyUsageTimeStamping)
	down := func(w http.ResponseWriter, _ *timestamp.Timestamp) bool {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return true
	}
	a.spoil.Store(&down)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	l, err := OpenLog(dir, LogOptions{Keys: openTestKeys(t, keys), Now: func() time.Time { return now }, Authority: &Authority{URL: a.URL, Client: a.Client()}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	recordAll(t, l, 0, 1)
	r := runner{Log: l}
	for ; now.Day() == 22; now = now.Add(time.Minute) {
		r.stamp(t.Context())
	}
	// After 1, 2, 4 … 32 minutes, then each hour.
	if n := a.asked.Load(); n < 25 || n > 31 {
		t.Errorf("asked %d times in a day", n)
	}
	a.spoil.Store(nil)
	now = now.Add(stampRetryMost)
	r.stamp(t.Context())
	if stamps, err := readStamps(dir); err != nil || len(stamps) != 1 {
		t.Errorf("%d stamps, %v", len(stamps), err)
	}
}

// TestOpenSSLStampsAndChecks has OpenSSL sign a time-stamp for us, and check one.
func TestOpenSSLStampsAndChecks(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not present: apt-get install openssl")
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %v: %v: %s", args, err, out)
		}
		return out
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("serial", "01\n")
	write("tsa.cnf", `
[tsa]
default_tsa = tsa1
[tsa1]
serial = ./serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
`)
	write("ext.cnf", "extendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\nbasicConstraints = CA:FALSE\n")
	run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test root", "-days", "2")
	run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=OpenSSL clock")
	run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "2", "-extfile", "ext.cnf")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "query"), body, 0o600)
		}
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply")
		http.ServeFile(w, r, filepath.Join(dir, "reply"))
	}))
	defer server.Close()
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	data := []byte("a checkpoint\n")
	token, stamped, err := (&Authority{URL: server.URL, Roots: roots}).stamp(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if stamped.Authority != "CN=OpenSSL clock" || !stamped.Trusted || time.Since(stamped.At).Abs() > time.Minute {
		t.Errorf("%+v", stamped)
	}
	// As docs/custody.md says.
	write("checkpoint", string(data))
	write("token.der", string(token))
	if out := run("ts", "-verify", "-token_in", "-in", "token.der", "-data", "checkpoint", "-CAfile", "ca.pem"); !bytes.Contains(out, []byte("OK")) {
		t.Errorf("openssl ts -verify: %s", out)
	}
}

func FuzzCheckToken(f *testing.F) {
	a := startAuthority(f, x509.ExtKeyUsageTimeStamping)
	data := []byte("a checkpoint")
	token, _, err := (&Authority{URL: a.URL, Client: a.Client()}).stamp(context.Background(), data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Fuzz(func(t *testing.T, token []byte) {
		if s, err := checkToken(token, data, a.roots); err == nil && s.At.IsZero() {
			t.Fatal("a time-stamp without a time")
		}
	})
}
