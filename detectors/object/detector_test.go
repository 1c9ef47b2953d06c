package object

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestPlainLayout(t *testing.T) {
	for version, want := range map[string]bool{"1.24.3": true, "1.25.0": true, "1.26.0": false, "1.30.0": false, "2.0.0": false, "": false} {
		if got := plainLayout(version); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}

func TestDetectReadsTheBoxes(t *testing.T) {
	n := tiny()
	// Cell (3, 2) of the grid of stride 8: centre at 28, 20, 16 wide and 24 high.
	n.plant(2*8+3, 0.5, 0.5, float32(math.Log(2)), float32(math.Log(3)), 0.9, 0.8, 0.1)
	n.plant(2*8+4, -0.5, 0.5, float32(math.Log(2)), float32(math.Log(3)), 0.9, 0.7, 0.1) // the same again
	n.plant(64, 0.5, 0.5, 0, 0, 0.5, 0.1, 1)                                             // stride 16, first cell: a car at 8, 8
	n.plant(80, float32(math.NaN()), 0, 0, 0, 1, 1, 0)
	n.plant(81, 0, 0, float32(math.Inf(1)), 0, 1, 1, 0)
	n.plant(82, 0, 0, 0, 0, 1, 0, float32(math.NaN()))
	n.plant(83, 0, 0, 0, 0, 0.09, 1, 0) // too weak
	d := open(t, Options{Weights: n.save(t)})

	saw, err := d.Detect(grey(128, 64), everywhere) // shown at half size
	if err != nil {
		t.Fatal(err)
	}
	got := saw.Found
	want := []models.Detection{
		{Box: models.Box{X: 40. / 128, Y: 16. / 64, W: 32. / 128, H: 48. / 64}, Label: "person", Score: 0.72, By: models.ByObject},
		{Box: models.Box{X: 0, Y: 0, W: 32. / 128, H: 32. / 64}, Label: "car", Score: 0.5, By: models.ByObject},
	}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i, g := range got {
		if w := want[i]; !near(g.Box, w.Box) || math.Abs(g.Score-w.Score) > 1e-6 || g.Label != w.Label || g.By != w.By {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
	if st := d.Stats(); st != (Stats{Inferences: 1, Invalid: 3}) {
		t.Errorf("got %+v", st)
	}
	if in := d.Info(); in.Name != "planted" || in.Input.X != 64 || len(in.Classes) != 2 || len(in.SHA256) != 64 || in.Version == "" {
		t.Errorf("got %+v", in)
	}
}

func near(a, b models.Box) bool {
	const eps = 1e-6
	return math.Abs(a.X-b.X) < eps && math.Abs(a.Y-b.Y) < eps && math.Abs(a.W-b.W) < eps && math.Abs(a.H-b.H) < eps
}

func TestNothingToLookAtCostsNothing(t *testing.T) {
	d := open(t, Options{Weights: tiny().save(t)})
	got, err := d.Detect(grey(64, 64), nil)
	if len(got.Found)+len(got.Parts) > 0 || err != nil || d.Stats() != (Stats{}) {
		t.Errorf("got %v, %v, %+v", got, err, d.Stats())
	}
}

// A tracker must know whether a thing was not seen or not looked for.
func TestNothingSeenIsNotNil(t *testing.T) {
	d := open(t, Options{Weights: tiny().save(t), Rate: 1})
	if got, err := d.Detect(grey(64, 64), everywhere); !slices.Equal(got.Parts, []models.Box{{W: 1, H: 1}}) || len(got.Found) != 0 || err != nil {
		t.Errorf("looked, nothing there: got %#v, %v", got, err)
	}
	if got, err := d.Detect(grey(64, 64), everywhere); got.Found != nil || got.Parts != nil || err != nil || d.Stats().OverBudget != 1 {
		t.Errorf("did not look: got %#v, %v, %+v", got, err, d.Stats())
	}
}

func TestPicturesOfAnySize(t *testing.T) {
	n := tiny()
	n.plant(83, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t), Rate: -1})
	// One camera's pictures may change their size in mid-stream, and the inputs with them.
	for _, d := range []*Detector{d, openAveraging(t)} {
		for _, size := range [][2]int{{1, 1}, {1, 300}, {17, 3}, {64, 64}, {8192, 4320}, {101, 99}} {
			for _, regions := range [][]models.Box{everywhere, {{X: 0.9, Y: 0.9, W: 0.2, H: 0.3}}, {{X: -3, Y: 0, W: 1, H: 1}},
				{{X: math.NaN(), Y: 0, W: 1, H: 1}}, {{X: math.Inf(-1), W: math.Inf(1), H: 1}}, {{}}} {
				got, err := d.Detect(grey(size[0], size[1]), regions)
				if err != nil || len(got.Parts) != 1 || got.Parts[0].Empty() || got.Parts[0] != got.Parts[0].Clamp() {
					t.Errorf("%v: looked at %v, %v", size, got.Parts, err)
				}
				for _, g := range got.Found {
					if g.Box != g.Box.Clamp() {
						t.Errorf("%v: the box %v leaves the picture", size, g.Box)
					}
				}
			}
		}
	}
	broken := grey(4, 4)
	broken.Picture = nil
	if _, err := d.Detect(broken, everywhere); err == nil {
		t.Error("a frame without a picture was taken")
	}
}

func TestWeightsThatDoNotFit(t *testing.T) {
	library(t)
	change := func(edit func(*network)) []byte {
		n := tiny()
		edit(&n)
		return n.encode()
	}
	whole := tiny().encode()
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"text", []byte("404: Not Found"), "not an ONNX network"},
		{"truncated", whole[:len(whole)/2], "not an ONNX network"},
		{"other input", change(func(n *network) { n.in = []int64{1, 1, 64, 64} }), "want 1x3xHxW"},
		{"open input", change(func(n *network) { n.in = []int64{1, 3, -1, -1} }), "fixed multiples of 32"},
		{"odd input", change(func(n *network) { n.in = []int64{1, 3, 60, 64} }), "fixed multiples of 32"},
		{"huge input", change(func(n *network) { n.in = []int64{1, 3, 1 << 40, 64} }), "fixed multiples of 32"},
		{"batch of two", change(func(n *network) { n.in[0] = 2 }), "want 1x3xHxW"},
		{"other output", change(func(n *network) { n.out = []int64{1, 7, 84} }), "output of"},
		{"flat output", change(func(n *network) { n.out = []int64{84, 7} }), "output of"},
		{"no classes", change(func(n *network) { n.out, n.answer = []int64{1, 84, 5}, n.answer[:84*5] }), "output of"},
		{"three classes, two names", change(func(n *network) { n.out, n.answer = []int64{1, 84, 8}, make([]float32, 84*8) }), "2 names for 3 classes"},
		{"integers", change(func(n *network) { n.kind = 6 }), "not a tensor of 32-bit floats"},
		{"two inputs", change(func(n *network) { n.inputs = 2 }), "2 inputs"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "w.onnx")
			save(t, path, tc.data)
			save(t, filepath.Join(filepath.Dir(path), "w.txt"), []byte("person\ncar\n"))
			d, err := Open(Options{Weights: path})
			if err == nil {
				d.Close()
			}
			if !errors.Is(err, ErrWeights) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Open(Options{Weights: filepath.Join(t.TempDir(), "none.onnx")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing weights: got %v", err)
	}
	path := tiny().save(t)
	if _, err := Open(Options{Weights: path, SHA256: strings.Repeat("0", 64)}); !errors.Is(err, ErrWeights) || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("another hash: got %v", err)
	}
}

func TestAnOpenBatchIsOne(t *testing.T) {
	n := tiny()
	n.in[0], n.out[0], n.out[1] = -1, -1, -1
	n.plant(0, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t)})
	if got, err := d.Detect(grey(64, 64), everywhere); err != nil || len(got.Found) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestLibrary runs in processes of their own: only one library fits into one process.
func TestLibrary(t *testing.T) {
	if path, ok := os.LookupEnv("VEDETTE_TEST_LIBRARY"); ok {
		_, err := Open(Options{Weights: tiny().save(t), Library: path})
		if !errors.Is(err, ErrNoLibrary) {
			t.Fatalf("got %v", err)
		}
		t.Log(err)
		return
	}
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("gcc is not present")
	}
	dir := t.TempDir()
	build := func(name, source string) string {
		path := filepath.Join(dir, name)
		save(t, path+".c", []byte(source))
		if out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", path, path+".c").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return path
	}
	text := filepath.Join(dir, "text.so")
	save(t, text, []byte("not a library"))
	for _, tc := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "missing.so"), "no such file"},
		{"not a library", text, "text.so"},
		{"another library", build("other.so", "int other(void) { return 1; }"), "not an ONNX Runtime library"},
		// An old runtime answers that it does not speak the version that it is asked for.
		{"too old", build("old.so", `
			static const void *api(unsigned v) { return 0; }
			static const char *version(void) { return "1.10.0"; }
			static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = { api, version };
			void *OrtGetApiBase(void) { return &base; }`), "older than " + oldest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestLibrary$", "-test.v")
			cmd.Env = append(os.Environ(), "VEDETTE_TEST_LIBRARY="+tc.path)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// A car from above scores as a cell phone, and less as a car: it is a car, unless
// somebody asks for phones.
func TestOnlyWhatComesAndGoes(t *testing.T) {
	const car, phone = 2, 67
	n := network{in: []int64{1, 3, 64, 64}, out: []int64{1, 84, 85}, answer: make([]float32, 84*85)}
	row := make([]float32, 85)
	row[4], row[5+car], row[5+phone] = 1, 0.4, 0.9
	n.plant(0, row...)
	path := filepath.Join(t.TempDir(), "planted.onnx")
	save(t, path, n.encode())
	for want, also := range map[string][]string{"car": nil, "cell phone": {"cell phone"}} {
		d := open(t, Options{Weights: path, Also: also})
		if got, err := d.Detect(grey(64, 64), everywhere); err != nil || len(got.Found) != 1 || got.Found[0].Label != want {
			t.Errorf("with %v: got %v, %v; want a %s", also, got, err, want)
		}
	}
}

func TestManyCamerasAtOnce(t *testing.T) {
	n := tiny()
	n.plant(0, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t), Rate: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f := grey(80, 60)
			for range 50 {
				if got, err := d.Detect(f, everywhere); err != nil || len(got.Found) != 1 {
					t.Errorf("got %v, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := d.Stats().Inferences; got != 400 {
		t.Errorf("got %d inferences, want 400", got)
	}
}

func TestCloseWhileInUse(t *testing.T) {
	library(t)
	d, err := Open(Options{Weights: tiny().save(t), Rate: -1})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := d.Detect(grey(64, 64), everywhere); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestOverBudgetIsCounted(t *testing.T) {
	n := tiny()
	n.plant(0, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t), Rate: 5})
	f := grey(64, 64)
	start, seen := f.Arrival, 0
	for i := range 100 { // ten seconds at ten frames a second
		f.Arrival = start.Add(time.Duration(i) * 100 * time.Millisecond)
		saw, err := d.Detect(f, everywhere)
		if err != nil {
			t.Fatal(err)
		}
		got := saw.Found
		seen += len(got)
	}
	st := d.Stats()
	if st.Inferences != uint64(seen) || st.Inferences+st.OverBudget != 100 || seen < 48 || seen > 54 {
		t.Errorf("got %+v, %d seen; want about 50", st, seen)
	}
}

func TestSteadyStateAllocatesOnlyTheAnswer(t *testing.T) {
	n := tiny()
	n.plant(0, 0.5, 0.5, 0, 0, 1, 1, 0)
	d := open(t, Options{Weights: n.save(t), Rate: -1})
	f := grey(200, 100)
	if got := testing.AllocsPerRun(50, func() {
		if _, err := d.Detect(f, everywhere); err != nil {
			t.Fatal(err)
		}
	}); got > 3 {
		t.Errorf("%g allocations a frame", got)
	}
}
