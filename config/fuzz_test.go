package config

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

func FuzzParse(f *testing.F) {
	samples, err := filepath.Glob("../configs/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range samples {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	for _, source := range []string{"", "a: &a [*a]", "<<: {cameras: {}}", "cameras: {a: &x {url: rtsp://h}, b: *x}", "- - - -", "cameras:\n  a:\n    url: rtsp://u:${P}@h/\n",
		"cameras: {a: {url: 'file:x'}}",
		"cameras: {a: {url: rtsp://h, zones: {z: {rules: [{kind: line, line: [[0, 0.5], [1, 0.5], [1, 0.2]]}, {kind: loitering, dwell: 2s, grace: 1s, max_radius: 0.1}]}}}}",
		"cameras: {a: {url: rtsp://h, zones: {z: {rules: [{kind: motion, schedule: [{days: [mon, weekend], from: 22:00, to: 06:00, time_zone: Asia/Tokyo}]}]}}}}",
		"cameras: {a: {url: rtsp://h, health: {frozen: {for: 1m}}, zones: {z: {rules: [{kind: returning, visits: 3, window: 10s, grace: 5s}, {kind: crowd, count: 2, for: 1s}]}}}}", "? a\n: b", "a: |\n  x\n", "cameras: {a: {url: \"rtsp://${P}@${P}/${P}?${P}\"}}", "\ufeffcameras: {}"} {
		f.Add([]byte(source))
	}
	const password = "p@ss/w#rd:%"
	env := func(name string) (string, bool) { return password, !strings.HasPrefix(name, "X") }
	f.Fuzz(func(t *testing.T, source []byte) {
		cfg, err := Parse("fuzz.yml", source, env)
		if err != nil {
			ms, ok := errors.AsType[Mistakes](err)
			if !ok || len(ms) == 0 {
				t.Fatalf("an error that is not mistakes: %v", err)
			}
			for _, m := range ms {
				if m.Line < 1 || m.Column < 1 || m.File != "fuzz.yml" || m.Message == "" {
					t.Errorf("mistake without a place: %+v", m)
				}
				Excerpt(m, source)
			}
			if strings.Contains(err.Error(), password) && !strings.Contains(string(source), password) {
				t.Errorf("a mistake shows what a variable holds: %v", err)
			}
			return
		}
		for _, c := range cfg.Cameras {
			checkAccepted(t, c)
		}
	})
}

// checkAccepted says what every camera of a Config can be relied on for.
func checkAccepted(t *testing.T, c Camera) {
	if !identifier.MatchString(string(c.ID)) || c.Name == "" {
		t.Errorf("accepted camera %q called %q", c.ID, c.Name)
	}
	if message, _ := checkStreamURL(c.URL.Reveal()); message != "" {
		t.Errorf("accepted a URL: %s", message)
	}
	if c.Address() == "" {
		t.Error("a URL without an address")
	}
	if c.Timeout <= 0 || c.PreRoll < 0 || c.PostRoll < 0 || c.Buffer.Memory <= 0 || c.Buffer.Disk < 0 || !(c.Detect.FPS >= 0) {
		t.Errorf("accepted numbers out of range: %+v", c)
	}
	for _, z := range c.Zones {
		if message, _ := outline(z.Polygon); len(z.Polygon) < 3 || message != "" {
			t.Errorf("accepted polygon %v: %s", z.Polygon, message)
		}
		if b := z.Polygon.Bounds(); b.W < leastSide || b.H < leastSide {
			t.Errorf("accepted a zone in which nothing can stand: %v", z.Polygon)
		}
		for _, r := range z.Rules {
			checkAcceptedRule(t, r)
		}
	}
	if rules := c.Health.Rules(); len(rules) > len(models.HealthKinds()) || slices.ContainsFunc(rules, func(r models.Rule) bool { return r.For <= 0 || r.Severity.Rank() < 0 }) {
		t.Errorf("accepted health %+v", rules)
	}
}

// checkAcceptedRule says what every rule can be relied on for.
func checkAcceptedRule(t *testing.T, r models.Rule) {
	if _, known := ruleKinds(r.Kind); !known || r.Severity.Rank() < 0 || r.Dwell < 0 || r.Grace < 0 || r.Merge < 0 || r.For < 0 || r.CoolDown < 0 {
		t.Errorf("accepted rule %+v", r)
	}
	if !(r.MinScore >= 0 && r.MinScore <= 1 && r.MinSize >= 0 && r.MinSize <= 1 && r.MaxRadius >= 0 && r.MaxRadius <= 1) {
		t.Errorf("accepted numbers out of range: %+v", r)
	}
	for _, s := range r.Schedule {
		if s.Location == nil || s.TimeZone == "" || s.From == s.To && s.From != 0 || s.From < 0 || s.To > 24*time.Hour {
			t.Errorf("accepted schedule %+v", s)
		}
	}
	var bad bool
	switch r.Kind {
	case models.KindLoitering:
		bad = r.Dwell == 0 || r.Grace > r.Dwell
	case models.KindReturning:
		bad = r.Visits < 2 || r.Window < time.Duration(r.Visits-1)*r.Grace
	case models.KindLine:
		message, _ := uncrossable(r.Line)
		bad = len(r.Line) < 2 || r.Direction == "" || message != ""
	case models.KindCrowd:
		bad = r.Count < 1 || r.For > 0 && r.Grace > r.For
	case models.KindLeftObject, models.KindRemovedObject:
		bad = r.For == 0 || r.For > longestChange
	}
	if bad {
		t.Errorf("accepted contradiction %+v", r)
	}
}

func TestPanicOfTheLibraryIsAMistake(t *testing.T) {
	held, err := guarded(func() (int, error) {
		var tokens []string
		return len(tokens[1]), nil
	})
	if held != 0 || err == nil {
		t.Errorf("got %d and %v, want an error", held, err)
	}
	held, err = guarded(func() (int, error) { return 1, nil })
	if held != 1 || err != nil {
		t.Errorf("got %d and %v, want 1", held, err)
	}
}

// Whatever a password is, the URL that it is put into must give it back.
func FuzzPasswordInURL(f *testing.F) {
	for _, password := range []string{"plain", "p@ss/w#rd?", "100%", "%41", "a:b", "${X}", "é✓", " ", "[::1]", "//", "\t"} {
		f.Add(password)
	}
	f.Fuzz(func(t *testing.T, password string) {
		if password == "" || !utf8.ValidString(password) {
			return
		}
		source := "cameras: {gate: {url: 'rtsp://viewer:${P}@192.0.2.10/main?pw=${P}'}}"
		cfg, err := Parse("fuzz.yml", []byte(source), func(string) (string, bool) { return password, true })
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(cfg.Cameras[0].URL.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := u.User.Password(); got != password {
			t.Errorf("got %q, want %q", got, password)
		}
		if got := u.Query().Get("pw"); got != password || u.Host != "192.0.2.10" || u.Path != "/main" {
			t.Errorf("%q moved the borders of the URL: %q, %q, %q", password, u.Host, u.Path, got)
		}
	})
}
