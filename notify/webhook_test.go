package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func webhook(t *testing.T, o WebhookOptions) *Webhook {
	t.Helper()
	w, err := NewWebhook(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestWebhookSays(t *testing.T) {
	secret := []byte("a secret of the site")
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	hook := webhook(t, WebhookOptions{URL: server.URL + "/in?token=1", Secret: secret, HeaderName: "X-Api-Key", HeaderValue: "key",
		Agent: "vedette/1", Now: func() time.Time { return day }})
	n := notice("id1", models.NoticeMissed, models.SeverityHigh)
	n.Incident.Description = evil
	if err := hook.Deliver(t.Context(), Message{ID: "id1", Channel: "desk", Notice: n, Console: "https://desk.example.org", Still: []byte("\xff\xd8")}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", HeaderIdempotency: "id1", HeaderNotice: "missed", "X-Api-Key": "key", "User-Agent": "vedette/1"} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	if err := CheckSignature(secret, body, got.Header.Get(HeaderSignature), day, time.Minute); err != nil {
		t.Error(err)
	}
	if bytes.ContainsAny(body, "<>") {
		t.Errorf("a text is not escaped: %s", body)
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	in := p.Incident
	if p.ID != "id1" || p.Kind != models.NoticeMissed || p.Promise != models.PromiseAcknowledge || !p.Due.Equal(n.Due) || in == nil ||
		in.Number != 2411 || in.URL != "https://desk.example.org/incidents/20261122T234000.000Z-gate-door-loitering-1" || in.Officer != "ben" ||
		!strings.Contains(in.Description, "<script>") || strings.ContainsAny(in.Description, "\r\n") || p.Still.Data != "/9g=" {
		t.Errorf("payload %s", body)
	}

	more := notice("id2", models.NoticeOpened, models.SeverityLow)
	if err := hook.Deliver(t.Context(), Message{ID: "sum", Channel: "desk", Notice: n, More: []models.Notice{more}}); err != nil {
		t.Fatal(err)
	}
	var sum payload
	if err := json.Unmarshal(body, &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Kind != "summary" || got.Header.Get(HeaderNotice) != "summary" || sum.Incident != nil || len(sum.Notices) != 2 || sum.Notices[1].ID != "id2" {
		t.Errorf("summary %s", body)
	}
}

func TestWebhookOutcomes(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // part of the error; empty: delivered
		perm   bool
		after  time.Duration
	}{
		{name: "ok", answer: func(http.ResponseWriter, *http.Request) {}},
		{name: "no content", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
		{name: "delivered, and talks on without end", answer: func(w http.ResponseWriter, r *http.Request) { endless(w, r, 200) }},
		{name: "fails, and talks on without end", answer: func(w http.ResponseWriter, r *http.Request) { endless(w, r, 500) }, want: "answered 500"},
		{name: "gone", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, want: "answered 410", perm: true},
		{name: "not found: somebody will mend it", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, want: "answered 404"},
		{name: "a redirect", answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, want: "answered 307"},
		{name: "busy", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
		}, want: "answered 429", after: 2 * time.Minute},
		{name: "busy for years", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999999999")
			w.WriteHeader(503)
		}, want: "answered 503", after: time.Hour},
		{name: "says why, with what a log must not hold", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			io.WriteString(w, "no\r\nsuch\x1b[2J list")
		}, want: "answered 400 Bad Request: no such [2J list"},
		{name: "dies in the middle", answer: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, "HTTP/1.1 20")
			conn.Close()
		}, want: "HTTP"},
		{name: "never answers", answer: func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
			<-r.Context().Done()
		}, want: "deadline exceeded"},
		{name: "answers drop by drop", answer: func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(conn, "H"); err != nil {
					return
				}
			}
		}, want: "deadline exceeded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.answer)
			defer server.Close()
			hook := webhook(t, WebhookOptions{URL: server.URL + "/?token=secret"})
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err := hook.Deliver(ctx, Message{ID: "x", Notice: notice("x", models.NoticeOpened, models.SeverityLow)})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if errors.Is(err, ErrPermanent) != tc.perm {
				t.Errorf("for good: %v", !tc.perm)
			}
			var b busy
			if errors.As(err, &b); b.after != tc.after {
				t.Errorf("come again after %v, want %v", b.after, tc.after)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the address is told: %v", err)
			}
			hook.Close()
		})
	}
}

// endless answers for as long as somebody listens.
func endless(w http.ResponseWriter, r *http.Request, code int) {
	io.Copy(io.Discard, r.Body)
	w.WriteHeader(code)
	chunk := bytes.Repeat([]byte("x"), 4<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func TestWebhookTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	server.Config.ErrorLog = nil
	m := Message{ID: "x", Notice: notice("x", models.NoticeOpened, models.SeverityLow)}
	if err := webhook(t, WebhookOptions{URL: server.URL}).Deliver(t.Context(), m); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	if err := webhook(t, WebhookOptions{URL: server.URL, Roots: roots}).Deliver(t.Context(), m); err != nil {
		t.Error(err)
	}
}

// Where a machine in a cloud gets its secrets from is no receiver, whatever its name.
func TestWebhookKeepsOffLinkLocal(t *testing.T) {
	for _, url := range []string{"http://169.254.169.254/latest/meta-data", "http://[fe80::1%25lo]/", "http://0.0.0.0:1/", "http://[::ffff:169.254.169.254]/"} {
		err := webhook(t, WebhookOptions{URL: url}).Deliver(t.Context(), Message{Notice: notice("x", models.NoticeOpened, models.SeverityLow)})
		if !errors.Is(err, errLinkLocal) {
			t.Errorf("%s: %v", url, err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + ln.Addr().String()
	ln.Close()
	if err := webhook(t, WebhookOptions{URL: address}).Deliver(t.Context(), Message{}); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody there: %v", err)
	}
	for _, url := range []string{"", "ftp://example.org", "http://", "://secret"} {
		if _, err := NewWebhook(WebhookOptions{URL: url}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
