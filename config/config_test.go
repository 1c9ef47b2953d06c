package config_test

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

// env looks variables up in pairs of name and value.
func env(pairs ...string) func(string) (string, bool) {
	held := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		held[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) {
		value, ok := held[name]
		return value, ok
	}
}

// camera is a file with one camera "gate" that has the given lines below its URL.
func camera(lines ...string) string {
	s := "cameras:\n  gate:\n    url: rtsp://192.0.2.10/main\n"
	for _, line := range lines {
		s += "    " + line + "\n"
	}
	return s
}

// rule is a file whose one zone has the given rules.
func rule(rules ...string) string {
	lines := []string{"zones:", "  door:", "    polygon: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]", "    rules:"}
	for _, r := range rules {
		lines = append(lines, "      - "+r)
	}
	return camera(lines...)
}

func parse(t *testing.T, source string, pairs ...string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("/etc/vedette/vedette.yml", []byte(source), env(pairs...))
	if err != nil {
		t.Fatalf("Parse:\n%v\nin:\n%s", err, source)
	}
	return cfg
}

func mistakes(t *testing.T, source string, pairs ...string) config.Mistakes {
	t.Helper()
	cfg, err := config.Parse("vedette.yml", []byte(source), env(pairs...))
	ms, ok := errors.AsType[config.Mistakes](err)
	if !ok || len(ms) == 0 || cfg != nil {
		t.Fatalf("got %v and error %v, want mistakes in:\n%s", cfg, err, source)
	}
	return ms
}

func TestEverythingHasADefault(t *testing.T) {
	cfg := parse(t, camera())
	want := config.Config{
		Path:   "/etc/vedette/vedette.yml",
		Hash:   config.Hash([]byte(camera())),
		Source: config.Secret(camera()),
		Data:   "/etc/vedette/data",
		Web:    config.Web{Listen: "127.0.0.1:8080", Session: config.Session{Lifetime: 12 * time.Hour, Idle: 30 * time.Minute}},
		Storage: config.Storage{
			Bucket: config.Bucket{Disk: &config.Disk{Path: "/etc/vedette/data/evidence"}},
			Index:  config.Index{SQLite: &config.SQLite{Path: "/etc/vedette/data/vedette.db"}},
			Spool:  config.Spool{Quota: 20 << 30},
		},
		Models: config.Models{Path: []string{"/etc/vedette/data/models"}, Weights: "yolox_nano", Budget: 30},
		Record: config.Record{Keep: 7 * 24 * time.Hour},
		Cameras: []config.Camera{{
			Record: config.Record{Keep: 7 * 24 * time.Hour},
			ID:     "gate", Name: "gate", URL: "rtsp://192.0.2.10/main", Transport: config.TCP,
			Timeout: 10 * time.Second, PreRoll: 10 * time.Second, PostRoll: 5 * time.Second,
			Buffer: config.Buffer{Memory: 64 << 20, Disk: 512 << 20},
			Detect: config.Detect{FPS: 10, Objects: true},
			Health: config.Health{
				CameraLost: config.Trouble{Enabled: true, For: 15 * time.Second, Severity: "high"},
				Frozen:     config.Trouble{Enabled: true, For: 30 * time.Second, Severity: "medium"},
				Covered:    config.Trouble{Enabled: true, For: 5 * time.Second, Severity: "high"},
				Defocused:  config.Trouble{Enabled: true, For: 30 * time.Second, Severity: "medium"},
				Moved:      config.Trouble{Enabled: true, For: 10 * time.Second, Severity: "high"},
				Blank:      config.Trouble{Enabled: true, For: 5 * time.Second, Severity: "high"},
				Clock:      config.Trouble{Enabled: true, For: time.Minute, Severity: "medium", MaxOffset: 2 * time.Second},
			},
		}},
		Desk: cfg.Desk, // TestDeskHasADefault looks at it
	}
	same(t, *cfg, want)
}

func TestRuleDefaultsDependOnTheKind(t *testing.T) {
	cfg := parse(t, rule(
		"{kind: motion}",
		"{kind: intrusion}",
		"{kind: loitering, dwell: 10s}",
		"{kind: returning, visits: 3, window: 2h}",
		"{kind: line, line: [[0.1, 0.2], [0.5, 0.2]]}",
		"{kind: crowd, count: 5, for: 30s}",
		"{kind: left_object}",
		"{kind: removed_object}",
	))
	want := []models.Rule{
		{Kind: "motion", Severity: "low", Dwell: 500 * time.Millisecond, Grace: 2 * time.Second, Merge: 5 * time.Second},
		{Kind: "intrusion", Severity: "medium", Grace: 3 * time.Second, Merge: 5 * time.Second},
		{Kind: "loitering", Severity: "medium", Dwell: 10 * time.Second, Grace: 3 * time.Second},
		{Kind: "returning", Severity: "high", Visits: 3, Window: 2 * time.Hour, Grace: 5 * time.Second},
		{Kind: "line", Severity: "medium", Line: []models.Point{{X: 0.1, Y: 0.2}, {X: 0.5, Y: 0.2}}, Direction: "any"},
		{Kind: "crowd", Severity: "medium", Count: 5, For: 30 * time.Second, Grace: 2 * time.Second},
		{Kind: "left_object", Severity: "high", For: time.Minute},
		{Kind: "removed_object", Severity: "high", For: time.Minute},
	}
	same(t, cfg.Cameras[0].Zones[0].Rules, want)
}

func TestRuleSaysEverything(t *testing.T) {
	cfg := parse(t, rule(
		"{kind: motion, dwell: 0, grace: 1s, severity: critical, labels: [person, unknown], min_score: 0.3, min_size: 0.002, cool_down: 5m, merge: 1m}",
		"{kind: intrusion, dwell: 2s, grace: 0, merge: 0}",
		"{kind: loitering, dwell: 20s, grace: 20s, max_radius: 0.25, merge: 3s}",
		"{kind: returning, visits: 2, window: 10m, grace: 10m, severity: low}",
		"{kind: line, line: [[0, 0.2], [0.5, 0.2], [1, 0.3]], direction: to_left, merge: 4s}",
		"{kind: crowd, count: 1, for: 0, grace: 0}",
		"{kind: left_object, for: 10s}",
	))
	want := []models.Rule{
		{Kind: "motion", Severity: "critical", Grace: time.Second, Labels: []string{"person", "unknown"}, MinScore: 0.3, MinSize: 0.002,
			CoolDown: 5 * time.Minute, Merge: time.Minute},
		{Kind: "intrusion", Severity: "medium", Dwell: 2 * time.Second},
		{Kind: "loitering", Severity: "medium", Dwell: 20 * time.Second, Grace: 20 * time.Second, MaxRadius: 0.25, Merge: 3 * time.Second},
		{Kind: "returning", Severity: "low", Visits: 2, Window: 10 * time.Minute, Grace: 10 * time.Minute},
		{Kind: "line", Severity: "medium", Line: []models.Point{{X: 0, Y: 0.2}, {X: 0.5, Y: 0.2}, {X: 1, Y: 0.3}}, Direction: "to_left", Merge: 4 * time.Second},
		{Kind: "crowd", Severity: "medium", Count: 1},
		{Kind: "left_object", Severity: "high", For: 10 * time.Second},
	}
	same(t, cfg.Cameras[0].Zones[0].Rules, want)
}

// A grace that the file leaves open never contradicts the dwell that it gives.
func TestGraceFitsItsRule(t *testing.T) {
	cfg := parse(t, rule("{kind: loitering, dwell: 1s}", "{kind: crowd, count: 2, for: 500ms}", "{kind: intrusion, dwell: 1s}"))
	var got []time.Duration
	for _, r := range cfg.Cameras[0].Zones[0].Rules {
		got = append(got, r.Grace)
	}
	same(t, got, []time.Duration{time.Second, 500 * time.Millisecond, 3 * time.Second})
}

func TestZoneWithoutOutlineIsTheWholePicture(t *testing.T) {
	cfg := parse(t, camera("zones: {all: {rules: [{kind: motion}]}, bare: }"))
	everywhere := models.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	for _, z := range cfg.Cameras[0].Zones {
		same(t, z.Polygon, everywhere)
	}
	same(t, len(cfg.Cameras[0].Zones), 2)
}

func TestHealth(t *testing.T) {
	cfg := parse(t, `
defaults:
  health: {frozen: {enabled: false}, covered: {for: 2s}, blank: {severity: low}}
cameras:
  a: {url: rtsp://192.0.2.1/, health: {covered: {severity: critical}, moved: {enabled: false}, frozen: {enabled: true, for: 1m}}}
  b: {url: rtsp://192.0.2.2/}
`)
	same(t, cfg.Cameras[0].Watch("").Health, []models.Rule{
		{Kind: "camera_lost", Severity: "high", For: 15 * time.Second},
		{Kind: "frozen", Severity: "medium", For: time.Minute},
		{Kind: "covered", Severity: "critical", For: 2 * time.Second},
		{Kind: "defocused", Severity: "medium", For: 30 * time.Second},
		{Kind: "blank", Severity: "low", For: 5 * time.Second},
		{Kind: "clock", Severity: "medium", For: time.Minute, MaxOffset: 2 * time.Second},
	})
	same(t, cfg.Cameras[1].Watch("").Health, []models.Rule{
		{Kind: "camera_lost", Severity: "high", For: 15 * time.Second},
		{Kind: "covered", Severity: "high", For: 2 * time.Second},
		{Kind: "defocused", Severity: "medium", For: 30 * time.Second},
		{Kind: "moved", Severity: "high", For: 10 * time.Second},
		{Kind: "blank", Severity: "low", For: 5 * time.Second},
		{Kind: "clock", Severity: "medium", For: time.Minute, MaxOffset: 2 * time.Second},
	})
}

func TestDefaultsMergeValueByValue(t *testing.T) {
	mask := "[[0, 0], [0.5, 0], [0.5, 0.5]]"
	cfg := parse(t, `
cameras:
  a: {url: rtsp://192.0.2.1/, detect: {fps: 3}, buffer: {disk: 0}}
  b: {url: rtsp://192.0.2.2/, detect: {masks: []}, pre_roll: 1s}
  c: {url: rtsp://192.0.2.3/, transport: tcp}
defaults:
  transport: udp
  post_roll: 20s
  buffer: {memory: 8MiB}
  detect: {objects: false, masks: [`+mask+`]}
`)
	type settings struct {
		transport         string
		preRoll, postRoll time.Duration
		memory, disk      int64
		fps               float64
		objects           bool
		masks             int
	}
	var got []settings
	for _, c := range cfg.Cameras {
		got = append(got, settings{c.Transport, c.PreRoll, c.PostRoll, c.Buffer.Memory, c.Buffer.Disk,
			c.Detect.FPS, c.Detect.Objects, len(c.Detect.Masks)})
	}
	same(t, got, []settings{
		{"udp", 10 * time.Second, 20 * time.Second, 8 << 20, 0, 3, false, 1},
		{"udp", time.Second, 20 * time.Second, 8 << 20, 512 << 20, 10, false, 0},
		{"tcp", 10 * time.Second, 20 * time.Second, 8 << 20, 512 << 20, 10, false, 1},
	})
}

func TestCamerasKeepTheFilesOrder(t *testing.T) {
	cfg := parse(t, "cameras:\n  z: {url: rtsp://h/}\n  a: {url: rtsp://h/}\n  m: {url: rtsp://h/}\n")
	var got []models.CameraID
	for _, c := range cfg.Cameras {
		got = append(got, c.ID)
	}
	same(t, got, []models.CameraID{"z", "a", "m"})
}

func TestRelativePathsStartFromTheFile(t *testing.T) {
	cfg := parse(t, "data: ../state\nstorage: {bucket: {disk: {path: ./ev}}, index: {sqlite: {path: /db/v.db}}}\nmodels: {path: [w, /opt/w]}\n"+camera())
	same(t, []string{cfg.Data, cfg.Storage.Bucket.Disk.Path, cfg.Storage.Index.SQLite.Path, cfg.Models.Path[0], cfg.Models.Path[1]},
		[]string{"/etc/state", "/etc/vedette/ev", "/db/v.db", "/etc/vedette/w", "/opt/w"})
}

func TestVariablesStandForAnyScalar(t *testing.T) {
	cfg := parse(t, `
data: ${STATE}/vedette
workers: ${N}
web: {listen: "${HOST}:${PORT}"}
storage: {spool: {quota: "${QUOTA}"}}
defaults: {pre_roll: "${PRE}", detect: {objects: "${OBJECTS}", fps: "${FPS}"}}
cameras:
  gate: {url: rtsp://h/, name: "costs $${5} and $$"}
`, "STATE", "/srv", "N", "3", "HOST", "localhost", "PORT", "81", "QUOTA", "1.5GiB", "PRE", "3s", "OBJECTS", "false", "FPS", "2.5")
	c := cfg.Cameras[0]
	same(t, []any{cfg.Data, cfg.Workers, cfg.Web.Listen, cfg.Storage.Spool.Quota, c.PreRoll, c.Detect.Objects, c.Detect.FPS, c.Name},
		[]any{"/srv/vedette", 3, "localhost:81", int64(3 << 29), 3 * time.Second, false, 2.5, "costs ${5} and $$"})
}

// Every character may be in a password: each way of putting it into a URL must bring back
// exactly the password.
func TestPasswordsWithSpecialCharacters(t *testing.T) {
	passwords := []string{"plain", "p@ss", "a/b", "a#b", "a?b", "a:b", "100%", "%41", "sp ace", `back\slash`, "quote\"'", "[x]", "é✓", "${X}", "a&b=c+d", ";<>^`{|}"}
	for _, password := range passwords {
		dir := t.TempDir()
		file := filepath.Join(dir, "password")
		write(t, file, password+"\n")
		pair := filepath.Join(dir, "pair")
		write(t, pair, "viewer:"+password)
		for _, source := range []string{
			"rtsp://viewer:${PASSWORD}@192.0.2.10:554/main?x=1",
			"rtsp://${PAIR}@192.0.2.10:554/main?x=1",
			"rtsp://${NAME}:${PASSWORD}@${HOST}/main?x=1",
			"rtsp://viewer:${file:" + file + "}@192.0.2.10:554/main?x=1",
			"rtsp://${file:" + pair + "}@192.0.2.10:554/main?x=1",
			"${WHOLE}",
		} {
			whole := url.URL{Scheme: "rtsp", User: url.UserPassword("viewer", password), Host: "192.0.2.10:554", Path: "/main", RawQuery: "x=1"}
			cfg := parse(t, "cameras: {gate: {url: '"+source+"'}}", "PASSWORD", password, "PAIR", "viewer:"+password,
				"NAME", "viewer", "HOST", "192.0.2.10:554", "WHOLE", whole.String())
			u, err := url.Parse(cfg.Cameras[0].URL.Reveal())
			if err != nil {
				t.Errorf("%s with %q: %v", source, password, err)
				continue
			}
			got, _ := u.User.Password()
			same(t, []string{u.User.Username(), got, u.Host, u.Path, u.RawQuery},
				[]string{"viewer", password, "192.0.2.10:554", "/main", "x=1"})
		}
	}
}

func TestVariablesInOtherPartsOfAURL(t *testing.T) {
	cfg := parse(t, `cameras: {gate: {url: "rtsp://192.0.2.10/${PATH}/ch?user=a&password=${PASSWORD}"}}`,
		"PATH", "live/one two?#@", "PASSWORD", "a&b#c?d/@ é")
	u, err := url.Parse(cfg.Cameras[0].URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	same(t, []string{u.Host, u.Path, u.Query().Get("password"), u.Fragment},
		[]string{"192.0.2.10", "/live/one two?#@/ch", "a&b#c?d/@ é", ""})
}

func TestDatabaseAddresses(t *testing.T) {
	for _, c := range []struct{ dsn, want string }{
		{"postgres://v:${P}@db/vedette", `postgres://v:a%27b%5C%20c@db/vedette`},
		{"host=db password='${P}' user=v", `host=db password='a\'b\\ c' user=v`},
		{"host=db password=${Q} user=v", `host=db password=x\'y user=v`},
		{"${WHOLE}", "postgres://a:b@c/d"},
	} {
		cfg := parse(t, "storage: {index: {postgres: {dsn: \""+c.dsn+"\"}}}\n"+camera(), "P", `a'b\ c`, "Q", "x'y", "WHOLE", "postgres://a:b@c/d")
		same(t, cfg.Storage.Index.Postgres.DSN.Reveal(), c.want)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), "s3cret \r\n")
	write(t, filepath.Join(dir, "url"), "rtsp://u:p%40@192.0.2.9/x\n")
	source := "storage: {bucket: {s3: {endpoint: s3.example, bucket: evidence, access_key: AK, secret_key: \"file:${DIR}/key\"}}}\ncameras: {gate: {url: file:url}}\n"
	cfg, err := config.Parse(filepath.Join(dir, "vedette.yml"), []byte(source), env("DIR", dir))
	if err != nil {
		t.Fatal(err)
	}
	same(t, []string{cfg.Storage.Bucket.S3.SecretKey.Reveal(), cfg.Cameras[0].URL.Reveal()},
		[]string{"s3cret ", "rtsp://u:p%40@192.0.2.9/x"})
}

func TestAliasesAndMergeKeys(t *testing.T) {
	cfg := parse(t, `
cameras:
  a: &a
    url: rtsp://192.0.2.1/
    detect: &d {fps: 2, objects: false}
  b:
    <<: *a
    url: rtsp://192.0.2.2/
  c:
    url: rtsp://192.0.2.3/
    detect: {<<: *d, fps: 7}
`)
	var got []any
	for _, c := range cfg.Cameras {
		got = append(got, c.URL.Reveal(), c.Detect.FPS, c.Detect.Objects)
	}
	same(t, got, []any{"rtsp://192.0.2.1/", 2.0, false, "rtsp://192.0.2.2/", 2.0, false, "rtsp://192.0.2.3/", 7.0, false})
}

func TestByteOrderMarkAndWindowsLineEnds(t *testing.T) {
	cfg := parse(t, "\ufeff"+strings.ReplaceAll(camera("name: Gate"), "\n", "\r\n"))
	same(t, cfg.Cameras[0].Name, "Gate")
}

func TestSamples(t *testing.T) {
	for name, value := range map[string]string{"GATE_PASSWORD": "a", "CAMERA_PASSWORD": "b", "VAULT_PASSWORD": "c",
		"S3_ACCESS_KEY": "d", "S3_SECRET_KEY": "e", "POSTGRES_PASSWORD": "f",
		"MINIO_ROOT_USER": "g", "MINIO_ROOT_PASSWORD": "h"} {
		t.Setenv(name, value)
	}
	cameras := map[string]int{}
	files, err := filepath.Glob("../configs/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		cfg, err := config.Load(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		cameras[filepath.Base(file)] = len(cfg.Cameras)
	}
	same(t, cameras, map[string]int{"minimal.yml": 1, "s3.yml": 1, "many-cameras.yml": 4, "rules.yml": 3, "desk.yml": 2, "postgres.yml": 1, "compose.yml": 1})

	minimal, err := os.ReadFile("../configs/minimal.yml")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(minimal), "\n"); lines > 10 {
		t.Errorf("minimal.yml has %d lines, want at most 10", lines)
	}
}

func TestLoadSaysThatThereIsNoFile(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yml"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestRecord(t *testing.T) {
	cfg := parse(t, "defaults: {record: {continuous: true, keep: 14d}}\n"+camera("record: {size: 200GB}"))
	same(t, cfg.Cameras[0].Record, config.Record{Continuous: true, Keep: 14 * 24 * time.Hour, Size: 200e9})
	same(t, cfg.Record, config.Record{Continuous: true, Keep: 14 * 24 * time.Hour})
}

func TestSameStream(t *testing.T) {
	base := camera("zones: {door: {polygon: [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]], rules: [{kind: motion}]}}")
	old := parse(t, base).Cameras[0]
	for change, want := range map[string]bool{
		"":                                    true,
		"detect: {fps: 1}":                    true,
		"detect: {objects: false}":            true,
		"detect: {looks: 1}":                  true,
		"health: {covered: {enabled: false}}": true,
		"detect: {masks: [[[0, 0], [1, 0], [1, 1]]]}": true,
		"record: {keep: 1d, size: 1GB}":               true,
		"record: {continuous: true}":                  false,
		"name: Other":                                 false,
		"detect_url: rtsp://192.0.2.10/s":             false,
		"transport: udp":                              false,
		"timeout: 11s":                                false,
		"pre_roll: 11s":                               false,
		"post_roll: 11s":                              false,
		"buffer: {memory: 65MiB}":                     false,
		"buffer: {disk: 1MiB}":                        false,
	} {
		changed := parse(t, base+"    "+change+"\n").Cameras[0]
		if got := changed.SameStream(old); got != want {
			t.Errorf("SameStream after %q: got %v, want %v", change, got, want)
		}
	}
	zones := parse(t, strings.Replace(base, "kind: motion", "kind: loitering, dwell: 1m", 1)).Cameras[0]
	if !zones.SameStream(old) {
		t.Error("a changed rule must not restart the stream")
	}
	url := parse(t, strings.Replace(base, "/main", "/other", 1)).Cameras[0]
	if url.SameStream(old) {
		t.Error("a changed URL must restart the stream")
	}
}

func TestNeedsRestart(t *testing.T) {
	old := parse(t, camera())
	for change, want := range map[string][]string{
		"":                                  nil,
		"data: /srv\n":                      {"data", "storage", "models"},
		"web: {listen: localhost:1}\n":      {"web"},
		"storage: {spool: {quota: 1GiB}}\n": {"storage"},
		"workers: 1\n":                      {"workers"},
		"models: {weights: other}\n":        {"models"},
		"models: {budget: 5}\n":             {"models"},
		"defaults: {pre_roll: 1s}\n":        nil,
	} {
		got := parse(t, change+camera()).NeedsRestart(old)
		if !slices.Equal(got, want) {
			t.Errorf("NeedsRestart after %q: got %v, want %v", change, got, want)
		}
	}
}

func TestWatch(t *testing.T) {
	cfg := parse(t, rule("{kind: loitering, dwell: 90s}", "{kind: motion}"))
	c, ok := cfg.Camera("gate")
	if !ok {
		t.Fatal("no camera gate")
	}
	same(t, c.Watch(cfg.Hash), models.Watch{Camera: "gate", Zones: c.Zones, Health: c.Health.Rules(), FPS: 10, Objects: true, ConfigHash: cfg.Hash})
	if _, ok := cfg.Camera("none"); ok {
		t.Error("found a camera that is not there")
	}
}

// A clip begins at the arrival, which an alarm may come long after.
func TestLongestDwell(t *testing.T) {
	const calm = "    health: {frozen: {for: 1s}, defocused: {for: 1s}, camera_lost: {for: 1s}, covered: {for: 1s}, moved: {for: 1s}, blank: {for: 1s}}\n"
	for _, c := range []struct {
		name, source string
		want         time.Duration
	}{
		{"loitering", rule("{kind: loitering, dwell: 90s}", "{kind: motion}") + calm, 90 * time.Second},
		{"crowd", rule("{kind: crowd, count: 2, for: 20s}") + calm, 20 * time.Second},
		{"left object: the owner may stay for a while", rule("{kind: left_object, for: 10s}") + calm, 20 * time.Second},
		{"removed object", rule("{kind: removed_object, for: 10s}") + calm, 10 * time.Second},
		{"health", rule("{kind: motion}"), 30 * time.Second},
		{"health that is off", rule("{kind: motion, dwell: 2s}") + strings.ReplaceAll(calm, "for: 1s", "enabled: false"), 2 * time.Second},
	} {
		if got := parse(t, c.source).Cameras[0].LongestDwell(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAddressHidesCredentials(t *testing.T) {
	cfg := parse(t, `cameras: {gate: {url: "rtsp://viewer:hunter2@192.0.2.10:8554/user=a_password=hunter2?p=hunter2"}}`)
	same(t, cfg.Cameras[0].Address(), "rtsp://192.0.2.10:8554")
}

func TestLoopback(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "192.0.2.1:1": false, "example.net:1": false} {
		if got := (config.Web{Listen: listen}).Loopback(); got != want {
			t.Errorf("Loopback of %s: got %v, want %v", listen, got, want)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
