package web

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// pager is one channel over a real outbox.
type pager struct {
	*storage.Outbox
	failing int
}

func (p *pager) Channels(ctx context.Context) ([]Channel, uint64, error) {
	waiting, err := p.Waiting(ctx)
	return []Channel{{Name: "pager", Type: "webhook", Target: "hooks.example.org", MinSeverity: models.SeverityLow,
		Waiting: waiting["pager"], Delivered: 7, Failures: p.failing, LastError: "<b>down</b>"}}, 3, err
}

func (p *pager) Test(ctx context.Context, channel, who string) (models.Dispatch, error) {
	if channel != "pager" {
		return models.Dispatch{}, fs.ErrNotExist
	}
	d := models.Dispatch{Channel: channel, State: models.DispatchFailed, Error: "connection refused", Attempts: 1, Created: day, Done: day,
		Notice: models.Notice{ID: "test", Kind: models.NoticeTest, At: day, To: []string{who}}}
	return d, p.Put(ctx, d)
}

func TestNotify(t *testing.T) {
	p := &pager{failing: 2}
	s := newSite(t, func(server *Server) {
		box, err := storage.NewOutbox(server.Incidents.(storage.Index), func(*models.Incident, models.Incident) []models.Dispatch { return nil })
		if err != nil {
			t.Fatal(err)
		}
		p.Outbox, server.Notify = box, p
		server.Status = func() Status { return Status{FailingChannels: []string{"pager"}} }
	})
	for i := range 3 {
		at := day.Add(time.Duration(i) * time.Minute)
		if err := p.Put(t.Context(), models.Dispatch{Channel: "pager", State: models.DispatchWaiting, Created: at, Next: at,
			Notice: models.Notice{ID: fmt.Sprint(i), Kind: models.NoticeMissed, Promise: models.PromiseRespond, At: at, Incident: sample(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	b := s.logIn()
	ask := func(method, path string, want int) string {
		t.Helper()
		req, err := http.NewRequest(method, s.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s %s: %d %s (%v), want %d", method, path, resp.StatusCode, body, err, want)
		}
		return string(body)
	}
	for _, part := range []string{`"name":"pager"`, `"waiting":3`, `"failures":2`, `"kinds":[]`, `"dropped":3`, `"last_error":"<b>down</b>"`} {
		if got := ask("GET", "/api/notify", 200); !strings.Contains(got, part) {
			t.Errorf("channels: %s, want %s", got, part)
		}
	}
	if got := ask("POST", "/api/notify/pager/test", 200); !strings.Contains(got, `"state":"failed"`) || !strings.Contains(got, "connection refused") {
		t.Errorf("test: %s", got)
	}
	ask("POST", "/api/notify/nobody/test", 404)
	if got := ask("GET", "/api/notify/deliveries?state=waiting&limit=2", 200); strings.Count(got, `"kind":"missed"`) != 2 || !strings.Contains(got, `"promise":"respond"`) || strings.Contains(got, `"next":""`) {
		t.Errorf("deliveries: %s", got)
	}
	if got := ask("GET", "/api/notify/deliveries?kind=test", 200); strings.Count(got, `"id":`) != 1 {
		t.Errorf("tests: %s", got)
	}
	ask("GET", "/api/notify/deliveries?after=x", 400)
	ask("GET", "/api/notify/deliveries?chanel=pager", 422)
	if got := ask("GET", "/metrics", 200); !strings.Contains(got, `vedette_notify_waiting{channel="pager"} 3`) || !strings.Contains(got, `vedette_notify_failing{channel="pager"} 2`) || !strings.Contains(got, "vedette_notify_dropped_total 3") {
		t.Errorf("metrics:\n%s", got)
	}
	if got := ask("GET", "/api/status", 200); !strings.Contains(got, `"failing_channels":["pager"]`) {
		t.Errorf("status: %s", got)
	}
}

func TestNotifyIsOptional(t *testing.T) {
	s := newSite(t)
	resp, err := s.logIn().Get(s.http.URL + "/api/notify")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotImplemented {
		t.Errorf("status %d", resp.StatusCode)
	}
}
