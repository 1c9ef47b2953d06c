package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// The console as the build of web/console left it. Without a build the folder holds
// only .keep, which lets the program compile.
//
//go:embed all:console/dist
var dist embed.FS

func consoleFiles() fs.FS {
	files, err := fs.Sub(dist, "console/dist")
	if err != nil {
		panic(err) // the path is a constant that embed has checked
	}
	return files
}

// notBuilt stands in for a console that was not built.
const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vedette</title>
<h1>The console is not in this program</h1>
<p>vedette runs and its API answers under <code>/api/</code>, but it was built without its console. Build it, then the program:</p>
<pre>cd web/console
npm ci
npm run build
cd ../..
go build ./cmd/vedette</pre>
</html>
`

// console serves the embedded files. Every path that is not a file is a page of the
// console, which finds its own way.
type console struct {
	files map[string]consoleFile // by path without the leading slash
	index consoleFile
}

type consoleFile struct {
	name  string
	kind  string
	etag  string
	plain []byte
	gzip  []byte // nil when it saves nothing
	// lasting is true for files whose name carries their hash: they never change.
	lasting bool
}

func newConsole(files fs.FS) (*console, error) {
	c := &console{files: map[string]consoleFile{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name)[0] == '.' {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		c.files[name], err = newConsoleFile(name, data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	index, ok := c.files["index.html"]
	if !ok {
		if len(c.files) > 0 {
			return nil, errors.New("console: files but no index.html: the build of web/console is broken")
		}
		if index, err = newConsoleFile("index.html", []byte(notBuilt)); err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
	}
	c.index = index
	return c, nil
}

func newConsoleFile(name string, data []byte) (consoleFile, error) {
	sum := sha256.Sum256(data)
	f := consoleFile{name: path.Base(name), kind: contentType(name), etag: hex.EncodeToString(sum[:8]), plain: data,
		lasting: strings.HasPrefix(name, "assets/")}
	if len(data) < 1024 || !compressible(f.kind) {
		return f, nil
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	if _, err := z.Write(data); err != nil {
		return f, err
	}
	if err := z.Close(); err != nil {
		return f, err
	}
	if b.Len() < len(data) {
		f.gzip = b.Bytes()
	}
	return f, nil
}

// contentType does not ask the machine's MIME tables, which differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	case ".ico":
		return "image/x-icon"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

func compressible(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json") ||
		strings.HasPrefix(kind, "application/manifest") || strings.HasPrefix(kind, "image/svg")
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, "", "not with this method")
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	f, ok := c.files[name]
	switch {
	case ok:
	case strings.HasPrefix(name, "assets/"):
		// A page of an earlier build asks for its script: a page in its place would
		// be run as one.
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		w.Write([]byte("no such file; reload the page\n"))
		return
	default:
		f = c.index
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.lasting {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.plain, f.etag
	if f.gzip != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body, etag = f.gzip, etag+"-gz"
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding as browsers write it; what it does not understand
// gets the file as it is.
func acceptsGzip(r *http.Request) bool {
	if r.Header.Get("Range") != "" {
		return false
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
