package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vedette-cctv/vedette/models"
)

// scrape returns what Prometheus would read from the collectors.
func scrape(t *testing.T, collectors ...prometheus.Collector) string {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(collectors...)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	hub := NewHub(0)
	defer hub.Close()
	subscribe(t, hub, "")
	m := &Metrics{
		Health: func() []models.Health {
			return []models.Health{
				{Camera: "gate", Connection: models.Connected, Units: 1, Bytes: 2, Lost: 3, Broken: 4, Frames: 5, Analysed: 6, Shed: 7, Sessions: 8, Looks: 9, LooksOver: 12, LooksBad: 13,
					Buffered: 9500 * time.Millisecond, BufferSize: 10, Offset: -time.Second / 2, LastFrame: time.Unix(1700000000, 5e8), Troubles: []models.Kind{models.KindFrozen}},
				{Camera: `ya"rd`, Connection: models.Connecting},
			}
		},
		Storage: func() StorageStatus {
			return StorageStatus{Pending: 2, PendingBytes: 300, Errors: 4, Attachments: FileStatus{Pending: 5, Failing: 6, Orphans: 7}, Exhibits: FileStatus{Pending: 8}}
		},
		Open: func(context.Context) (int, error) { return 11, nil },
		Hub:  hub,
	}
	got := scrape(t, m)
	for _, want := range []string{
		`vedette_camera_up{camera="gate"} 1`, `vedette_camera_up{camera="ya\"rd"} 0`,
		`vedette_camera_access_units_total{camera="gate"} 1`, `vedette_camera_received_bytes_total{camera="gate"} 2`,
		`vedette_camera_packets_lost_total{camera="gate"} 3`, `vedette_camera_decode_errors_total{camera="gate"} 4`,
		`vedette_camera_frames_total{camera="gate"} 5`, `vedette_camera_frames_analysed_total{camera="gate"} 6`,
		`vedette_camera_object_looks_total{camera="gate"} 9`, `vedette_camera_object_looks_refused_total{camera="gate"} 12`, `vedette_camera_object_looks_failed_total{camera="gate"} 13`,
		`vedette_camera_frames_shed_total{camera="gate"} 7`, `vedette_camera_sessions_total{camera="gate"} 8`,
		`vedette_camera_buffered_seconds{camera="gate"} 9.5`, `vedette_camera_buffered_bytes{camera="gate"} 10`,
		`vedette_camera_clock_offset_seconds{camera="gate"} -0.5`, `vedette_camera_last_frame_timestamp_seconds{camera="gate"} 1.7000000005e+09`,
		`vedette_camera_last_frame_timestamp_seconds{camera="ya\"rd"} 0`,
		`vedette_camera_trouble{camera="gate",kind="frozen"} 1`, `vedette_camera_trouble{camera="gate",kind="camera_lost"} 0`,
		`vedette_incidents_open 11`, `vedette_upload_pending 2`, `vedette_upload_pending_bytes 300`, `vedette_upload_oldest_age_seconds 0`,
		`vedette_files_pending{kind="attachment"} 5`, `vedette_files_failing{kind="attachment"} 6`, `vedette_files_orphans{kind="attachment"} 7`,
		`vedette_files_pending{kind="exhibit"} 8`, `vedette_files_failing{kind="exhibit"} 0`,
		`vedette_upload_errors_total 4`, `vedette_events_clients 1`, `vedette_events_clients_dropped_total 0`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// An index that does not answer costs one metric, not the scrape.
func TestMetricsWithoutAnIndex(t *testing.T) {
	m := &Metrics{
		Storage: func() StorageStatus { return StorageStatus{Pending: 1, Oldest: time.Now().Add(-time.Minute)} },
		Open:    func(context.Context) (int, error) { return 0, errors.New("database is closed") },
	}
	got := scrape(t, m)
	if strings.Contains(got, "incidents_open") || !strings.Contains(got, "vedette_upload_pending 1\n") || !strings.Contains(got, "vedette_upload_oldest_age_seconds 60") {
		t.Errorf("got\n%s", got)
	}
}

func TestMetricsOverHTTP(t *testing.T) {
	s := newSite(t)
	s.create(sample(1), sample(2))
	b := s.logIn()
	b.do("GET", "/api/incidents/nothing", nil)
	b.do("BREW", "/api/incidents/nothing", nil)
	got := string(b.want(http.StatusOK, "GET", "/metrics", nil).body)
	for _, want := range []string{
		"vedette_incidents_open 2\n", `vedette_camera_up{camera="gate"} 1`, "go_goroutines", "process_cpu_seconds_total",
		`vedette_http_request_seconds_count{code="404",method="GET",route="/api/incidents/{id}"} 1`,
		`method="other"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "nothing") || strings.Contains(got, "BREW") {
		t.Error("a label holds what a client made up")
	}
}

func TestReadiness(t *testing.T) {
	down := errors.New("connection refused")
	for _, tc := range []struct {
		name   string
		checks []Check
		config []string
		code   int
		status string
	}{
		{"all well but a camera", nil, nil, 200, "degraded"},
		{"rejected configuration", nil, []string{"vedette.yml:3:1: bad"}, 200, "degraded"},
		{"bucket down", []Check{{Name: "bucket", Run: func(context.Context) error { return down }}}, nil, 200, "degraded"},
		{"index down", []Check{{Name: "index", Essential: true, Run: func(context.Context) error { return down }}}, nil, 503, "unready"},
		{"index hangs", []Check{{Name: "index", Essential: true, Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}, nil, 503, "unready"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, func(s *Server) {
				s.Checks = tc.checks
				s.Status = func() Status { return Status{Config: ConfigStatus{Errors: tc.config}} }
			})
			var got Readiness
			s.browser().want(tc.code, "GET", "/readyz", nil).decode(t, &got)
			if got.Status != tc.status {
				t.Errorf("got %+v", got)
			}
		})
	}
	s := newSite(t)
	s.fleet.cameras = s.fleet.cameras[:1]
	var got Readiness
	if s.browser().want(200, "GET", "/readyz", nil).decode(t, &got); got.Status != "ready" {
		t.Errorf("with everything well: %+v", got)
	}
}

// Anybody may ask, so asking must not become work for the bucket.
func TestReadinessIsRemembered(t *testing.T) {
	calls := 0
	s := newSite(t, func(s *Server) {
		s.Checks = []Check{{Name: "bucket", Run: func(context.Context) error { calls++; return nil }}}
		s.Now = func() time.Time { return day }
	})
	b := s.browser()
	for range 20 {
		b.want(http.StatusOK, "GET", "/readyz", nil)
	}
	if calls != 1 {
		t.Errorf("%d checks of the bucket", calls)
	}
}

func TestStatus(t *testing.T) {
	s := newSite(t, func(s *Server) { s.Now = func() time.Time { return day } })
	got := get[Status](s.logIn(), "/api/status")
	if got.Version != "test" || got.Config.Hash != "abc" || !got.Now.Equal(day) || got.Cameras != (CameraCount{Connected: 1, Total: 2}) {
		t.Errorf("status %+v", got)
	}
}
