package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// What the console asks first, with ten thousand open incidents in the index.
func BenchmarkQueueOf10000(b *testing.B) {
	index, err := storage.OpenSQLite(filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer index.Close()
	for i := range 10_000 {
		in := sample(i)
		in.Events[0].Path = make([]models.PathPoint, 100)
		if _, err := index.Create(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	accounts, _, err := people.Open(filepath.Join(b.TempDir(), "accounts.json"), people.Options{Cost: cheap})
	if err != nil {
		b.Fatal(err)
	}
	accounts.ChangeOptional = true
	hub := NewHub(0)
	defer hub.Close()
	s := &Server{Incidents: index, Evidence: storage.Evidence{}, Cameras: &fleet{}, Accounts: accounts, Events: hub}
	h, err := s.Handler()
	if err != nil {
		b.Fatal(err)
	}
	cookie, ok := s.sessions.open(people.AdminUser)
	if !ok {
		b.Fatal("no session")
	}
	var took []time.Duration
	size := 0
	for b.Loop() {
		r := httptest.NewRequest("GET", "/api/incidents?order=queue&state=new&state=acknowledged", nil)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		start := time.Now()
		h.ServeHTTP(w, r)
		took = append(took, time.Since(start))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
		size = w.Body.Len()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(size)/1024, "KiB")
}

// From Publish to the last byte at the client, over loopback, with many consoles open.
func BenchmarkAlertOverTheWire(b *testing.B) {
	for _, clients := range []int{1, 50} {
		b.Run(fmt.Sprintf("%d-clients", clients), func(b *testing.B) {
			s := newSite(b)
			streams := make([]*sse, clients)
			for i := range streams {
				streams[i] = s.logIn().stream()
				streams[i].next()
			}
			in := sample(1)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if err := s.server.Events.Publish(KindIncident, in); err != nil {
					b.Fatal(err)
				}
				for _, st := range streams {
					if _, ok := st.next(); !ok {
						b.Fatal("stream ended")
					}
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
