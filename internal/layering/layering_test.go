// Package layering holds the walls of the house: it fails the build when a room imports
// upwards or sideways, or reaches a third-party library through the wrong door.
package layering

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/vedette-cctv/vedette/"

// rooms says what each room may import; a room may always import its own children,
// models, durable, and the standard library. The longest matching name counts.
var rooms = map[string][]string{
	"models":            {},
	"durable":           {},
	"config":            {},
	"incident":          {},
	"notify":            {},
	"storage":           {},
	"storage/archive":   {},
	"people":            {},
	"custody":           {},
	"detectors":         {},
	"detectors/health":  {},
	"detectors/motion":  {},
	"detectors/object":  {},
	"detectors/track":   {},
	"detectors/rule":    {},
	"pipeline":          {"detectors", "incident", "storage", "config"},
	"pipeline/rtsp":     {},
	"pipeline/decode":   {},
	"pipeline/clip":     {},
	"pipeline/snapshot": {},
	"exhibit":           {"custody", "storage", "incident", "pipeline/clip", "pipeline/decode", "pipeline/snapshot"},
	"web":               {"detectors", "incident", "storage", "config", "people"},
	"web/console":       {},
	"cmd":               {"pipeline", "web", "exhibit", "custody", "detectors", "incident", "storage", "people", "notify", "config", "internal/camtest"},
	"bench":             {"pipeline", "web", "exhibit", "custody", "detectors", "incident", "storage", "people", "config", "internal"},
	"internal":          {"internal"},
}

// doors says which rooms may import a third-party library. "test" servers under
// internal may speak a protocol's other side.
var doors = map[string][]string{
	"github.com/bluenviron/gortsplib":     {"pipeline/rtsp", "internal/camtest"},
	"github.com/pion/rtp":                 {"pipeline/rtsp", "internal/camtest"},
	"github.com/pion/rtcp":                {"pipeline/rtsp", "internal/camtest"},
	"github.com/bluenviron/mediacommon":   {"pipeline/clip", "internal/camtest"},
	"github.com/disintegration/imaging":   {"pipeline/snapshot"},
	"gocv.io/x/gocv":                      {"detectors/motion"},
	"github.com/yalue/onnxruntime_go":     {"detectors/object"},
	"github.com/minio/minio-go":           {"storage", "internal/miniotest"},
	"modernc.org/sqlite":                  {"storage"},
	"github.com/jackc/pgx":                {"storage", "internal/pgtest"},
	"github.com/pressly/goose":            {"storage"},
	"github.com/wneessen/go-mail":         {"notify"},
	"github.com/danielgtaylor/huma":       {"web"},
	"github.com/prometheus/client_golang": {"web"},
	"github.com/goccy/go-yaml":            {"config"},
	"github.com/fsnotify/fsnotify":        {"config"},
	"github.com/alecthomas/kong":          {"cmd"},
	"github.com/vbauerster/mpb":           {"cmd", "bench"},
	"golang.org/x/image":                  {"pipeline/snapshot", "exhibit"}, // fonts
	"golang.org/x/sync":                   nil,                              // anywhere
	"golang.org/x/sys":                    nil,
	"golang.org/x/time":                   {"web"},
	"golang.org/x/crypto":                 {"people"},
	"golang.org/x/mod":                    {"custody"}, // signed notes
	"github.com/digitorus":                {"custody"},
	"codeberg.org/go-pdf/fpdf":            {"exhibit"},
}

// exceptions are single packages behind somebody else's door, each with its reason.
var exceptions = map[string][]string{
	// Parameter sets have to be read where the stream is negotiated; gortsplib itself
	// hands out mediacommon types.
	"pipeline/rtsp": {"github.com/bluenviron/mediacommon/v2/pkg/codecs/"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Error      *struct{ Err string }
}

func TestLayers(t *testing.T) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Error", module+"...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, imp := range p.Imports {
			if why := check(strings.TrimPrefix(p.ImportPath, module), imp); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
		}
	}
	if seen < 5 {
		t.Errorf("go list saw %d packages: the test looked at the wrong place", seen)
	}
}

// check returns why the import is not allowed, or nothing.
func check(from, imp string) string {
	room := longest(from, rooms)
	if room == "" {
		return "a room that the layering test does not know: add it to the table on purpose"
	}
	if to, own := strings.CutPrefix(imp, module); own {
		if to == "models" || to == "durable" && from != "models" || within(to, from) || (room != from && within(to, room)) {
			return ""
		}
		for _, ok := range rooms[room] {
			if within(to, ok) {
				return ""
			}
		}
		return "imports go one way: " + room + " may import models and " + strings.Join(rooms[room], ", ")
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // standard library, "C"
	}
	if from == "models" {
		return "models imports only the standard library"
	}
	for _, ok := range exceptions[from] {
		if strings.HasPrefix(imp, ok) {
			return ""
		}
	}
	door := longest(imp, doors)
	if door == "" {
		return "a library that the layering test does not know: give it a door on purpose"
	}
	if doors[door] == nil || slices.ContainsFunc(doors[door], func(d string) bool { return within(from, d) }) {
		return ""
	}
	return "the door to it is " + strings.Join(doors[door], ", ")
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func longest[V any](path string, table map[string]V) string {
	best := ""
	for k := range table {
		if within(path, k) && len(k) > len(best) {
			best = k
		}
	}
	return best
}

func TestCheckFindsWhatItShould(t *testing.T) {
	for _, tc := range []struct {
		from, imp string
		ok        bool
	}{
		{"models", "time", true},
		{"models", "golang.org/x/sys/unix", false},
		{"models", module + "durable", false},
		{"custody", module + "durable", true},
		{"durable", module + "storage", false},
		{"pipeline/rtsp", module + "pipeline/decode", false},
		{"pipeline/rtsp", module + "models", true},
		{"pipeline/rtsp", "github.com/bluenviron/gortsplib/v4/pkg/format", true},
		{"pipeline/rtsp", "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264", true},
		{"pipeline/rtsp", "github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4", false},
		{"pipeline", module + "pipeline/rtsp", true},
		{"pipeline", module + "web", false},
		{"web", module + "pipeline", false},
		{"web", module + "storage", true},
		{"detectors", module + "detectors/motion", true},
		{"detectors/rule", module + "detectors/track", false},
		{"config", module + "storage", false},
		{"cmd/vedette", module + "pipeline/rtsp", true},
		{"detectors/track", "gocv.io/x/gocv", false},
		{"storage/s3", "github.com/minio/minio-go/v7", true},
		{"web", "github.com/unknown/library", false},
	} {
		if got := check(tc.from, tc.imp) == ""; got != tc.ok {
			t.Errorf("%s importing %s: allowed %v, want %v", tc.from, tc.imp, got, tc.ok)
		}
	}
}
