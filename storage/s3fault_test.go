package storage

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/internal/miniotest"
)

// between puts a proxy between us and the service. do answers a request itself and returns
// true, or lets it pass.
func between(t *testing.T, server *miniotest.Server, do func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server.Endpoint})
	pass.ErrorLog = log.New(io.Discard, "", 0)
	proxy := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !do(w, r) {
			pass.ServeHTTP(w, r) // the host stays as it was signed
		}
	})))
	proxy.Start()
	t.Cleanup(proxy.Close)
	return host(proxy)
}

// swallow takes what is sent and says that all is well.
func swallow(w http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
	w.WriteHeader(http.StatusOK)
	return true
}

// A service that misbehaves once in each way must in the end have all the evidence.
func TestEvidenceSurvivesABadService(t *testing.T) {
	t.Parallel()
	server := miniotest.Start(t)
	direct := mustS3(t, server, S3Options{}).(*s3)
	isClip := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/"+ClipFile)
	}
	part := func(r *http.Request, n string) bool { return isClip(r) && r.URL.Query().Get("partNumber") == n }
	for name, c := range map[string]struct {
		size    int
		fault   func(w http.ResponseWriter, r *http.Request) bool // the first time that hit is true
		hit     func(r *http.Request) bool
		retries bool // the Uploader itself has to try again
	}{
		"an object is acknowledged and lost": {1000, swallow, isClip, true},
		"a part is acknowledged and lost":    {2*partSize + 10, swallow, func(r *http.Request) bool { return part(r, "2") }, true},
		"the connection dies in mid-part": {2*partSize + 10, func(_ http.ResponseWriter, r *http.Request) bool {
			_, _ = io.CopyN(io.Discard, r.Body, partSize/2)
			panic(http.ErrAbortHandler)
		}, func(r *http.Request) bool { return part(r, "2") }, false},
		"the completion is refused": {2*partSize + 10, func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}, func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") }, false},
		"the answer to a put is lost, not the object": {1000, func(_ http.ResponseWriter, r *http.Request) bool {
			req, err := http.NewRequest(r.Method, "http://"+server.Endpoint+r.URL.RequestURI(), r.Body)
			if err != nil {
				panic(err)
			}
			req.Host, req.Header, req.ContentLength = r.Host, r.Header, r.ContentLength
			if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
				res.Body.Close()
			}
			panic(http.ErrAbortHandler)
		}, isClip, false},
		"slow": {1000, func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-time.After(500 * time.Millisecond):
			case <-r.Context().Done():
			}
			return false
		}, isClip, false},
	} {
		t.Run(name, func(t *testing.T) {
			var faults atomic.Int64
			proxy := between(t, server, func(w http.ResponseWriter, r *http.Request) bool {
				return c.hit(r) && faults.Add(1) == 1 && c.fault(w, r)
			})
			b, err := OpenS3(S3Options{Endpoint: proxy, Region: "us-east-1", Bucket: direct.bucket, Prefix: strings.NewReplacer(" ", "-", ",", "").Replace(name),
				AccessKey: server.AccessKey, SecretKey: server.SecretKey, PathStyle: true})
			if err != nil {
				t.Fatal(err)
			}
			defer b.(*s3).transport.CloseIdleConnections()
			clip := randomBytes(c.size)
			s, index := mustSpool(t, t.TempDir(), SpoolOptions{}), mustSQLite(t)
			u := &Uploader{Spool: s, Bucket: b, Index: index, Backoff: Backoff{Min: 10 * time.Millisecond, Max: 100 * time.Millisecond}}
			start(t, u)
			finish(t, s, incident(1), clip)
			drain(t, u)
			if faults.Load() == 0 {
				t.Fatal("the fault never came")
			}
			if st := u.Status(); c.retries && st.Retries == 0 {
				t.Errorf("the loss was not noticed: %+v", st)
			}
			wantStored(t, index, b, incident(1).ID, clip)
		})
	}
}
