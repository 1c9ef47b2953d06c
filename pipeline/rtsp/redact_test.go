package rtsp

import (
	"net/url"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing to hide", "rtsp://192.0.2.10:554/main?channel=1", "rtsp://192.0.2.10:554/main?channel=1"},
		{"user and password", "rtsp://viewer:secret@192.0.2.10/main", "rtsp://xxxxx@192.0.2.10/main"},
		{"user only", "rtsps://viewer@cam/main", "rtsps://xxxxx@cam/main"},
		{"upper case scheme", "RTSP://viewer:secret@cam/", "RTSP://xxxxx@cam/"},
		{"password with @", "rtsp://viewer:sec@ret@cam/main", "rtsp://xxxxx@cam/main"},
		{"password with slash", "rtsp://viewer:sec/ret@cam/main", "rtsp://xxxxx@cam/main"},
		{"password with question mark and hash", "rtsp://viewer:s?e#c@cam/main", "rtsp://xxxxx@cam/main"},
		{"password with space", "rtsp://viewer:my secret@cam/main", "rtsp://xxxxx@cam/main"},
		{"password with quote", `rtsp://viewer:se"cret@cam/main`, "rtsp://xxxxx@cam/main"},
		{"escaped password", "rtsp://viewer:s%40cret@cam/main", "rtsp://xxxxx@cam/main"},
		{"in a sentence", `parse "rtsp://viewer:secret@cam/a": invalid port`, `parse "rtsp://xxxxx@cam/a": invalid port`},
		{"two of them", "from rtsp://a:b@c/ to http://d:e@f/", "from rtsp://xxxxx@c/ to http://xxxxx@f/"},
		{"URL in a URL", "http://proxy/?src=rtsp%3A%2F%2Fviewer%3Asecret%40cam", "http://proxy/?src=rtsp%3A%2F%2Fxxxxx%40cam"},
		{"in the query", "rtsp://cam/live?user=admin&password=secret&channel=1", "rtsp://cam/live?user=xxxxx&password=xxxxx&channel=1"},
		{"in the path (Xiongmai)", "rtsp://cam/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp", "rtsp://cam/user=xxxxx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Redact(tt.in); got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestSecretsHideEveryFormOfThePassword(t *testing.T) {
	for _, pass := range []string{"secret", "p@ss/w:rd", "mit Leerzeichen", "100%", "ä+ö", "a?b#c&d=e"} {
		plain := "rtsp://viewer:" + pass + "@cam/main"
		escaped := (&url.URL{Scheme: "rtsp", User: url.UserPassword("viewer", pass), Host: "cam", Path: "/main"}).String()
		for _, raw := range []string{plain, escaped} {
			sec := secretsOf(raw)
			for _, text := range []string{
				"dial " + raw, "answer: " + pass, "query " + url.QueryEscape(pass), "path " + url.PathEscape(pass),
				"again " + url.QueryEscape(raw), "userinfo " + url.UserPassword("viewer", pass).String(),
			} {
				got := sec.redact(text)
				for _, form := range []string{pass, url.QueryEscape(pass), url.PathEscape(pass)} {
					if strings.Contains(got, form) {
						t.Errorf("%q of %q shows in %q", form, raw, got)
					}
				}
			}
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("viewer", "secret", "connect: refused")
	f.Add("admin", "p@ss/w:rd?x#y", "a://b@c")
	f.Add("", "%zz \"'", "user=x&password=y")
	f.Fuzz(func(t *testing.T, user, pass, rest string) {
		once := Redact(rest)
		if twice := Redact(once); twice != once {
			t.Fatalf("not idempotent: %q, then %q", once, twice)
		}
		escaped := (&url.URL{Scheme: "rtsp", User: url.UserPassword(user, pass), Host: "cam", Path: "/main"}).String()
		if got, want := Redact(escaped), "rtsp://xxxxx@cam/main"; got != want {
			t.Fatalf("Redact(%q) = %q, want %q", escaped, got, want)
		}
		// What nobody escaped, on one line as in a configuration file.
		if strings.ContainsAny(user+pass, "\r\n") {
			return
		}
		if got := Redact("rtsp://" + user + ":" + pass + "@cam/main"); got != "rtsp://xxxxx@cam/main" {
			t.Fatalf("Redact of %q:%q = %q", user, pass, got)
		}
	})
}
