package notify

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vedette-cctv/vedette/models"
)

// alarm is an incident with everything that a message may show.
func alarm(severity models.Severity) models.Incident {
	return models.Incident{ID: "20261122T234000.000Z-gate-door-loitering-1", Number: 2411, Site: "north", Camera: "gate", Zone: "door",
		Kind: models.KindLoitering, Severity: severity, State: models.StateNew, Label: "person", Alarm: day,
		Description: "a man circles the window", Assignment: models.Assignment{Officer: "ben"}}
}

func notice(id string, kind models.NoticeKind, severity models.Severity) models.Notice {
	n := models.Notice{ID: id, Kind: kind, At: day, Incident: alarm(severity)}
	if kind == models.NoticeDue || kind == models.NoticeMissed {
		n.Promise, n.Due = models.PromiseAcknowledge, day.Add(2*time.Minute)
	}
	return n
}

func TestSubject(t *testing.T) {
	returning := notice("x", models.NoticeOpened, models.SeverityHigh)
	returning.Incident.Kind, returning.Incident.Number, returning.Incident.Zone = models.KindLeftObject, 0, ""
	sum := Message{Notice: notice("a", models.NoticeOpened, models.SeverityCritical)}
	for i := range 36 {
		n := notice("b", models.NoticeOpened, models.SeverityLow)
		n.At = day.Add(-time.Duration(i) * 17 * time.Second)
		sum.More = append(sum.More, n)
	}
	for _, tc := range []struct {
		m    Message
		want string
	}{
		{Message{Notice: notice("x", models.NoticeOpened, models.SeverityHigh)}, "[vedette] Alarm · #2411 loitering, high, north / gate / door"},
		{Message{Notice: notice("x", models.NoticeMissed, models.SeverityHigh)}, "[vedette] Missed: acknowledge · #2411 loitering, high, north / gate / door"},
		{Message{Notice: notice("x", models.NoticeAssigned, models.SeverityLow)}, "[vedette] Assigned to ben · #2411 loitering, low, north / gate / door"},
		{Message{Notice: returning}, "[vedette] Alarm · 20261122T234000.000Z-gate-door-loitering-1 left object, high, north / gate"},
		{Message{Notice: models.Notice{Kind: models.NoticeTest}}, "[vedette] Test of this channel"},
		{sum, "[vedette] 37 more in the last 10 minutes, worst: critical"},
	} {
		if got := tc.m.subject(); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"gate":                      "gate",
		"a\r\nBcc: all@example.org": "a Bcc: all@example.org",
		"  a \t b  ":                "a b",
		"a\u2028b\u2029c":           "a b c",
		"abc\u202etxt.exe":          "abctxt.exe", // would be read from the right
		"\x00\x1b[31mred":           "[31mred",
		strings.Repeat("é", 32):     strings.Repeat("é", 30) + "…",
		"broken \xff":               "broken",
	} {
		if got := plain(in, 30); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\r\nSubject: b", 20)
	f.Add("\u202e\u200b\xff\x00", 3)
	f.Fuzz(func(t *testing.T, s string, most int) {
		most = min(max(most, 0), 1000)
		got := plain(s, most)
		if strings.ContainsAny(got, "\r\n\x00\u2028\u2029\u0085") || !utf8.ValidString(got) || utf8.RuneCountInString(got) > most+2 {
			t.Errorf("%q", got)
		}
	})
}

const evil = "<script>alert(1)</script>\"'&\r\nBcc: victim@example.org"

// Whatever stands in a text field arrives as text.
func TestLettersEscape(t *testing.T) {
	n := notice("x", models.NoticeAssigned, models.SeverityHigh)
	in := &n.Incident
	in.Site, in.Camera, in.Zone, in.Label, in.Description = evil, evil, evil, evil, evil
	in.Assignment.Officer, in.Triage.Type, in.Kind, in.Severity, in.State = evil, evil, evil, evil, evil
	for _, m := range []Message{
		{Notice: n, Channel: evil, Console: "https://desk.example.org", Still: []byte{1}},
		{Notice: n, More: []models.Notice{n, n}, Console: "https://desk.example.org"},
		{Notice: models.Notice{Kind: models.NoticeTest, At: day}, Channel: evil},
	} {
		text, page, err := m.pages()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "\r\nBcc") || strings.Contains(page, `"'&`) {
			t.Errorf("page:\n%s", page)
		}
		if strings.Contains(text, "\nBcc:") || strings.ContainsAny(m.subject(), "\r\n") {
			t.Errorf("text:\n%s", text)
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
			t.Errorf("the text itself is lost:\n%s", page)
		}
	}
}

func TestTimesAreThoseOnTheWall(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	m := Message{Notice: notice("x", models.NoticeDue, models.SeverityHigh), Place: vienna}
	for _, tc := range []struct{ due, want string }{
		// The hour from 2 to 3 comes twice on 25 October 2026.
		{"2026-10-25T00:30:00Z", "acknowledge by 2026-10-25 02:30:00 CEST"},
		{"2026-10-25T01:30:00Z", "acknowledge by 2026-10-25 02:30:00 CET"},
		{"2026-03-29T01:00:00Z", "acknowledge by 2026-03-29 03:00:00 CEST"},
	} {
		m.Notice.Due, _ = time.Parse(time.RFC3339, tc.due)
		if got := m.facts()[0]; got != (line{"Deadline", tc.want}) {
			t.Errorf("%s: %v", tc.due, got)
		}
	}
}
