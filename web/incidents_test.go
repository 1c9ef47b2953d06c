package web

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func TestListFiltersOrdersAndPages(t *testing.T) {
	s := newSite(t)
	var all []models.Incident
	for i := range 5 {
		in := sample(i)
		switch i {
		case 1:
			in.Camera, in.Zone = "yard", "fence"
		case 2:
			in.Kind, in.Severity = models.KindMotion, models.SeverityLow
		case 3:
			in.State = models.StateClosed
		case 4:
			in.Severity = models.SeverityCritical
		}
		in.End = in.Alarm.Add(time.Second)
		all = append(all, in)
	}
	s.create(all...)
	b := s.logIn()
	for _, tc := range []struct {
		query string
		want  []int
	}{
		{"", []int{4, 3, 2, 1, 0}},
		{"?order=queue", []int{4, 0, 1, 3, 2}},
		{"?order=queue&state=new&state=acknowledged", []int{4, 0, 1, 2}},
		{"?state=closed", []int{3}},
		{"?camera=yard", []int{1}},
		{"?camera=yard&camera=gate", []int{4, 3, 2, 1, 0}},
		{"?zone=fence", []int{1}},
		{"?kind=motion", []int{2}},
		{"?severity=low&severity=critical", []int{4, 2}},
		{"?camera=nowhere", nil},
		{"?from=2026-03-04T05:07:50Z&to=2026-03-04T05:08:30Z", []int{2}},
		{"?from=2026-03-04T06:07:50%2B01:00&to=2026-03-04T06:08:30%2B01:00", []int{2}},
	} {
		page := get[IncidentPage](b, "/api/incidents"+tc.query)
		var got []int
		for _, in := range page.Items {
			got = append(got, slices.IndexFunc(all, func(a models.Incident) bool { return a.ID == in.ID }))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.query, got, tc.want)
		}
		if page.Open != 4 || page.Next != "" {
			t.Errorf("%s: open %d, want 4; next %q", tc.query, page.Open, page.Next)
		}
	}

	var walked []models.IncidentID
	after := ""
	for range 5 {
		page := get[IncidentPage](b, "/api/incidents?limit=2&after="+after)
		for _, in := range page.Items {
			walked = append(walked, in.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(walked) != 5 || walked[0] != all[4].ID || walked[4] != all[0].ID {
		t.Errorf("pages gave %v", walked)
	}
	b.want(http.StatusBadRequest, "GET", "/api/incidents?order=queue&after="+get[IncidentPage](b, "/api/incidents?limit=1").Next, nil)
}

// A client written in a strict language can rely on lists being lists.
func TestListsAreNeverNull(t *testing.T) {
	s := newSite(t)
	bare := models.Incident{ID: "20260304T050607.000Z-gate-door-motion-1", Camera: "gate", State: models.StateNew,
		Severity: models.SeverityLow, Alarm: day, Start: day, Revision: 1, Events: []models.Event{{}}}
	s.create(bare)
	s.fleet.cameras = append(s.fleet.cameras, Camera{ID: "bare"})
	b := s.logIn()
	if err := s.server.Events.Publish(KindIncident, bare); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/incidents", "/api/incidents?camera=none", "/api/incidents/" + string(bare.ID), "/api/cameras", "/api/status"} {
		if a := b.want(http.StatusOK, "GET", path, nil); strings.Contains(string(a.body), "null") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestListLeavesOutPaths(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	item := get[IncidentPage](b, "/api/incidents").Items[0]
	if len(item.Events) != 1 || len(item.Events[0].Path) != 0 || len(item.Events[0].Why) != 1 {
		t.Errorf("in the list: %+v", item.Events)
	}
	if whole := get[models.Incident](b, "/api/incidents/"+string(in.ID)); len(whole.Events[0].Path) != 1 {
		t.Errorf("by itself: %+v", whole.Events)
	}
}

func TestLifeOfAnIncident(t *testing.T) {
	var closed []models.IncidentID
	s := newSite(t, func(s *Server) {
		s.Now = func() time.Time { return day }
		s.Closed = func(in models.Incident) { closed = append(closed, in.ID) }
	})
	in := sample(1)
	s.create(in)
	sub, err := s.server.Events.Subscribe("")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	b := s.logIn()
	path := "/api/incidents/" + string(in.ID)

	b.want(http.StatusConflict, "POST", path+"/close", nil)
	b.want(http.StatusOK, "POST", path+"/acknowledge", map[string]string{"note": "going there"})
	b.want(http.StatusConflict, "POST", path+"/acknowledge", nil)
	if got := get[IncidentPage](b, "/api/incidents").Open; got != 1 {
		t.Errorf("open %d, want 1", got)
	}
	var got models.Incident
	b.want(http.StatusOK, "POST", path+"/close", nil).decode(t, &got)
	b.want(http.StatusConflict, "POST", path+"/close", nil)

	want := []models.Action{{At: day, Who: AdminUser, What: "acknowledged", Note: "going there"}, {At: day, Who: AdminUser, What: "closed"}}
	if got.State != models.StateClosed || !slices.Equal(got.Log, want) || got.Revision != 3 {
		t.Errorf("got %s, revision %d, log %v", got.State, got.Revision, got.Log)
	}
	if get[IncidentPage](b, "/api/incidents").Open != 0 {
		t.Error("still counted as open")
	}
	if !slices.Equal(closed, []models.IncidentID{in.ID}) {
		t.Errorf("told as closed: %v", closed)
	}
	for _, state := range []string{"acknowledged", "closed"} {
		if m := <-sub.Messages(); m.Kind != KindIncident || !strings.Contains(string(m.Data), `"state":"`+state+`"`) {
			t.Errorf("published %s %s", m.Kind, m.Data)
		}
	}
}

// Two people press the key at once: one takes the incident, the other is told.
func TestOnlyOneTakesAnIncident(t *testing.T) {
	s := newSite(t)
	in := sample(1)
	s.create(in)
	b := s.logIn()
	var mu sync.Mutex
	codes := map[int]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			a := b.do("POST", "/api/incidents/"+string(in.ID)+"/acknowledge", nil)
			mu.Lock()
			defer mu.Unlock()
			codes[a.StatusCode]++
		})
	}
	wg.Wait()
	if codes[http.StatusOK] != 1 || codes[http.StatusConflict] != 7 {
		t.Errorf("answers %v", codes)
	}
}

func TestCameras(t *testing.T) {
	s := newSite(t)
	b := s.logIn()
	list := get[CameraList](b, "/api/cameras").Items
	if len(list) != 2 || list[0].ID != "gate" || list[0].Health.Frames != 7 || list[0].Zones[0].ID != "door" || list[1].Health.Error != "connection refused" {
		t.Errorf("cameras %+v", list)
	}
	a := b.want(http.StatusOK, "GET", "/api/cameras/gate/picture", nil)
	if string(a.body) != "\xff\xd8picture" || a.Header.Get("Content-Type") != "image/jpeg" ||
		a.Header.Get("Last-Modified") != day.Format(http.TimeFormat) || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("picture %q with %v", a.body, a.Header)
	}
	b.want(http.StatusOK, "GET", "/api/cameras/gate/picture?t=1", nil)
	if a := b.want(http.StatusServiceUnavailable, "GET", "/api/cameras/yard/picture", nil); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b.want(http.StatusNotFound, "GET", "/api/cameras/attic/picture", nil)
}
