package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// published weights are pinned by the hash of the whole file: what is pulled is what was
// measured, wherever it comes from.
type publishedWeights struct {
	name, what, licence string
	url, sha256         string
	size                int64 // bytes
}

var catalogue = []publishedWeights{{
	name:    "yolox_nano",
	what:    "YOLOX-nano, 416x416, 80 classes of COCO",
	licence: "Apache-2.0, Copyright Megvii Inc.",
	url:     "https://raw.githubusercontent.com/Kazuhito00/YOLOX-ONNX-TFLite-Sample/3d4f1119d0694200671c08069ecb847aa0d8495a/model/yolox_nano.onnx",
	sha256:  "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
	size:    3660092,
}}

// published returns the pinned SHA-256 of the weights, or nothing for weights that are
// somebody's own.
func published(name string) string {
	for _, w := range catalogue {
		if w.name == name {
			return w.sha256
		}
	}
	return ""
}

func inCatalogue(name string) (publishedWeights, error) {
	names := make([]string, 0, len(catalogue))
	for _, w := range catalogue {
		if w.name == name {
			return w, nil
		}
		names = append(names, w.name)
	}
	return publishedWeights{}, fmt.Errorf("no published weights are called %q; there are: %s", name, strings.Join(names, ", "))
}

type modelsCmd struct {
	List   modelsListCmd   `cmd:"" help:"Say which weights there are, their licence, and where they are found."`
	Pull   modelsPullCmd   `cmd:"" help:"Fetch weights from where they are published and check their hash."`
	Verify modelsVerifyCmd `cmd:"" help:"Check the hashes of the weights that are found. Exit code 0 or 1."`
}

// modelsConfig is the configuration whose models.path is searched first.
type modelsConfig struct {
	Config string `short:"c" help:"Search the folders of this configuration file first."`
}

func (c modelsConfig) folders(p *program) ([]string, error) {
	if c.Config == "" {
		return weightFolders(nil), nil
	}
	cfg, err := p.load(c.Config, true)
	if err != nil {
		return nil, err
	}
	return weightFolders(cfg), nil
}

type modelsListCmd struct{ modelsConfig }

func (c modelsListCmd) Run(p *program) error {
	dirs, err := c.folders(p)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tWHAT\tLICENCE\tSIZE\tFOUND")
	for _, w := range catalogue {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.1f MB\t%s\n", w.name, w.what, w.licence, float64(w.size)/1e6, placeOf(w.name, dirs))
	}
	for _, name := range own(dirs) {
		fmt.Fprintf(tw, "%s\tyour own\t\t\t%s\n", name, placeOf(name, dirs))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, w := range catalogue {
		if _, err := fmt.Fprintf(p.stdout, "\n%s is published at %s\nand has the SHA-256 %s\n", w.name, w.url, w.sha256); err != nil {
			return err
		}
	}
	return nil
}

func placeOf(name string, dirs []string) string {
	path, err := findWeights(name, dirs)
	if err != nil {
		return "no"
	}
	return path
}

// own are the names of weights in the folders that nobody has published here.
func own(dirs []string) []string {
	var names []string
	held := map[string]bool{}
	for _, dir := range dirs {
		paths, _ := filepath.Glob(filepath.Join(dir, "*.onnx")) // the pattern is good unless the folder's name is odd
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".onnx")
			if published(name) == "" && !held[name] {
				held[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

type modelsVerifyCmd struct {
	modelsConfig
	Names []string `arg:"" optional:"" help:"Which weights; default: all that are published."`
}

func (c modelsVerifyCmd) Run(p *program) error {
	dirs, err := c.folders(p)
	if err != nil {
		return err
	}
	all := catalogue
	if len(c.Names) > 0 {
		all = nil
		for _, name := range c.Names {
			w, err := inCatalogue(name)
			if err != nil {
				return err
			}
			all = append(all, w)
		}
	}
	bad := false
	for _, w := range all {
		path, err := findWeights(w.name, dirs)
		if err == nil {
			err = verify(path, w)
		}
		if err != nil {
			bad = true
			fmt.Fprintf(p.stdout, "%s: %v\n", w.name, err)
			continue
		}
		fmt.Fprintf(p.stdout, "%s: good: %s\n", w.name, path)
	}
	if bad {
		return errReported
	}
	return nil
}

// verify says whether the file is the one that was published.
func verify(path string, w publishedWeights) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return w.same(path, hex.EncodeToString(h.Sum(nil)))
}

func (w publishedWeights) same(where, sum string) error {
	if sum != w.sha256 {
		return fmt.Errorf("%s is not the published %s: SHA-256 is %s, want %s", where, w.name, sum, w.sha256)
	}
	return nil
}

type modelsPullCmd struct {
	Name string `arg:"" default:"yolox_nano" help:"Which weights."`
	From string `help:"Take them from this file instead of the network." placeholder:"FILE"`
	URL  string `help:"Take them from this address, such as a mirror of your own; the hash must fit all the same." placeholder:"URL"`
	To   string `help:"Folder to put them in; default: vedette/models in the user's cache folder, which is always searched." placeholder:"DIR"`
}

func (c modelsPullCmd) Run(ctx context.Context, p *program, log *slog.Logger) error {
	w, err := inCatalogue(c.Name)
	if err != nil {
		return err
	}
	if c.From != "" && c.URL != "" {
		return errors.New("--from and --url contradict each other")
	}
	if c.To == "" {
		if c.To, err = userWeights(); err != nil {
			return err
		}
	}
	if c.URL == "" {
		c.URL = w.url
	}
	path := filepath.Join(c.To, w.name+".onnx")
	fmt.Fprintf(p.stdout, "%s: %s\nlicence: %s\n", w.name, w.what, w.licence)
	if verify(path, w) == nil {
		_, err = fmt.Fprintf(p.stdout, "already there: %s\n", path)
		return err
	}
	if err := os.MkdirAll(c.To, 0o755); err != nil {
		return err
	}
	var from io.ReadCloser
	where := c.From
	if c.From != "" {
		from, err = os.Open(c.From)
	} else {
		where = c.URL
		log.Debug("fetch weights", "url", where)
		from, err = fetch(ctx, where)
	}
	if err != nil {
		return err
	}
	progress := newDownload(p.stderr, w.size)
	err = errors.Join(w.put(path, where, progress.reader(from)), from.Close())
	progress.done(err == nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "verified: %s\n", path)
	return err
}

// fetch begins a download that gives up when the server is silent.
func fetch(ctx context.Context, url string) (io.ReadCloser, error) {
	const silence = 30 * time.Second
	ctx, cancel := context.WithCancelCause(ctx)
	stalled := time.AfterFunc(silence, func() { cancel(fmt.Errorf("nothing came for %s", silence)) })
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		stalled.Stop()
		cancel(nil)
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true,
		DialContext: (&net.Dialer{Timeout: silence}).DialContext}}
	b := &body{ctx: ctx, cancel: cancel, stalled: stalled, silence: silence}
	res, err := client.Do(req)
	if err != nil {
		return nil, errors.Join(b.why(err), b.Close())
	}
	if b.ReadCloser = res.Body; res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("get %s: %s", url, res.Status), b.Close())
	}
	return b, nil
}

// body is a download; each piece that comes puts off the moment at which it has stalled.
type body struct {
	io.ReadCloser
	ctx     context.Context //nolint:containedctx // of this one request, for its cause
	cancel  context.CancelCauseFunc
	stalled *time.Timer
	silence time.Duration
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.stalled.Reset(b.silence)
	return n, b.why(err)
}

// why prefers the reason for which the request was cancelled.
func (b *body) why(err error) error {
	if cause := context.Cause(b.ctx); err != nil && !errors.Is(err, io.EOF) && cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

func (b *body) Close() error {
	b.stalled.Stop()
	b.cancel(nil)
	if b.ReadCloser == nil {
		return nil
	}
	return b.ReadCloser.Close()
}

// put writes the weights next to path and gives them their name when the hash is right:
// nobody ever sees half a file, or a wrong one.
func (w publishedWeights) put(path, where string, from io.Reader) (err error) {
	part, err := os.CreateTemp(filepath.Dir(path), "."+w.name+"-*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(part.Close()), os.Remove(part.Name()))
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(part, h), io.LimitReader(from, w.size+1))
	switch {
	case err != nil:
		return fmt.Errorf("fetch %s: %w", where, err)
	case n < w.size:
		return fmt.Errorf("%s breaks off after %d of %d bytes", where, n, w.size)
	case n > w.size:
		return fmt.Errorf("%s is longer than the published %s of %d bytes", where, w.name, w.size)
	}
	if err := w.same(where, hex.EncodeToString(h.Sum(nil))); err != nil {
		return err
	}
	if err := errors.Join(part.Chmod(0o644), part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

func ignoreClosed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// download shows progress on a terminal; elsewhere it stays silent.
type download struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

func newDownload(w io.Writer, size int64) *download {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(f) {
		return &download{}
	}
	p := mpb.New(mpb.WithOutput(f), mpb.WithWidth(60))
	return &download{p, p.AddBar(size, mpb.PrependDecorators(decor.CountersKiloByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1000(0), "% .1f")))}
}

func (d *download) reader(r io.Reader) io.Reader {
	if d.bar == nil {
		return r
	}
	return d.bar.ProxyReader(r)
}

func (d *download) done(whole bool) {
	if d.bar == nil {
		return
	}
	if whole {
		d.bar.SetTotal(-1, true)
	} else {
		d.bar.Abort(false)
	}
	d.progress.Wait()
}
