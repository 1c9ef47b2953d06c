package web

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	".keep":                     {},
	"index.html":                {Data: []byte(`<!doctype html><script type="module" src="/assets/index-abc123.js"></script>`)},
	"assets/index-abc123.js":    {Data: []byte("let a = 1\n" + strings.Repeat("// some text that can be made smaller\n", 100))},
	"assets/inter-abc123.woff2": {Data: bytes.Repeat([]byte{1, 2, 3}, 1000)},
	"favicon.svg":               {Data: []byte("<svg/>")},
}

func TestConsoleFiles(t *testing.T) {
	c, err := newConsole(built)
	if err != nil {
		t.Fatal(err)
	}
	const forever, ask = "public, max-age=31536000, immutable", "no-cache"
	for _, tc := range []struct {
		path, accept string
		code         int
		kind, cache  string
		encoding     string
	}{
		{"/", "", 200, "text/html; charset=utf-8", ask, ""},
		{"/index.html", "", 200, "text/html; charset=utf-8", ask, ""},
		{"/incidents/2411", "", 200, "text/html; charset=utf-8", ask, ""},
		{"/cameras", "gzip", 200, "text/html; charset=utf-8", ask, ""},
		{"/assets/index-abc123.js", "", 200, "text/javascript; charset=utf-8", forever, ""},
		{"/assets/index-abc123.js", "gzip, deflate, br", 200, "text/javascript; charset=utf-8", forever, "gzip"},
		{"/assets/index-abc123.js", "gzip;q=0", 200, "text/javascript; charset=utf-8", forever, ""},
		{"/assets/inter-abc123.woff2", "gzip", 200, "font/woff2", forever, ""},
		{"/favicon.svg", "", 200, "image/svg+xml", ask, ""},
		{"/assets/index-old.js", "", 404, "text/plain; charset=utf-8", "", ""},
		{"/.keep", "", 200, "text/html; charset=utf-8", ask, ""}, // not a file of the console
		{"/../console.go", "", 200, "text/html; charset=utf-8", ask, ""},
	} {
		r := httptest.NewRequest("GET", "http://x/", nil)
		r.URL.Path = tc.path
		r.Header.Set("Accept-Encoding", tc.accept)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tc.code || h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.cache || h.Get("Content-Encoding") != tc.encoding {
			t.Errorf("%s (%s): got %d, %v", tc.path, tc.accept, w.Code, h)
		}
		if tc.code != 200 {
			continue
		}
		r.Header.Set("If-None-Match", h.Get("ETag"))
		w = httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != http.StatusNotModified {
			t.Errorf("%s: asked again with its ETag: %d", tc.path, w.Code)
		}
	}
}

func TestConsoleThatIsNotBuilt(t *testing.T) {
	c, err := newConsole(fstest.MapFS{".keep": {}})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("GET", "/incidents", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "npm run build") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if _, err := newConsole(fstest.MapFS{"assets/a.js": {}}); err == nil || !strings.Contains(err.Error(), "no index.html") {
		t.Errorf("half a build: %v", err)
	}
}

// The policy forbids inline script and style, so a page that has any would be broken.
func TestEmbeddedPageObeysThePolicy(t *testing.T) {
	page, err := fs.ReadFile(consoleFiles(), "index.html")
	if err != nil {
		page = []byte(notBuilt)
	}
	for what, re := range map[string]*regexp.Regexp{
		"inline script":       regexp.MustCompile(`(?i)<script(?:\s+(?:type|crossorigin|defer|async|nonce)(?:="[^"]*")?)*\s*>`),
		"inline style":        regexp.MustCompile(`(?i)<style|\sstyle\s*=`),
		"an event handler":    regexp.MustCompile(`(?i)<[^>]*\son[a-z]+\s*=`),
		"something from away": regexp.MustCompile(`(?i)(?:src|href)\s*=\s*"(?:https?:)?//`),
		"a script URL":        regexp.MustCompile(`(?i)"javascript:`),
	} {
		if m := re.Find(page); m != nil {
			t.Errorf("the page has %s: %s", what, m)
		}
	}
}
