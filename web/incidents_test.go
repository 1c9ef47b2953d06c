package web

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
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
			in.Judgement = &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain}
		case 4:
			in.Severity = models.SeverityCritical
			in.Judgement = &models.Judgement{Verdict: models.VerdictTrue}
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
		{"?verdict=nuisance", []int{3}},
		{"?verdict=true&verdict=none", []int{4, 2, 1, 0}},
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
	if len(item.Events) != 1 || len(item.Events[0].Path) != 0 || len(item.Events[0].Curve) != 0 || len(item.Events[0].Why) != 1 {
		t.Errorf("in the list: %+v", item.Events)
	}
	if whole := get[models.Incident](b, "/api/incidents/"+string(in.ID)); len(whole.Events[0].Path) != 1 || len(whole.Events[0].Curve) != 1 {
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

	taken := []models.Changed{{Field: "officer", To: people.AdminUser}}
	want := []models.Action{{At: day, Who: people.AdminUser, What: "acknowledged", Note: "going there", Changed: taken}, {At: day, Who: people.AdminUser, What: "closed"}}
	if got.State != models.StateClosed || !reflect.DeepEqual(got.Log, want) || got.Revision != 3 {
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

func TestJudgement(t *testing.T) {
	type log = []models.Action
	by := func(what, note string) models.Action {
		return models.Action{At: day, Who: people.AdminUser, What: what, Note: note}
	}
	acknowledged := by("acknowledged", "")
	acknowledged.Changed = []models.Changed{{Field: "officer", To: people.AdminUser}}
	for _, tc := range []struct {
		name  string
		state models.State
		path  string
		body  any
		code  int
		want  *models.Judgement // nil: as before
		log   log
		says  string // in a refusal
	}{
		{name: "true", state: models.StateNew, path: "judgement", body: `{"verdict":"true"}`, code: 200,
			want: &models.Judgement{Verdict: models.VerdictTrue}, log: log{by("judged true", "")}},
		{name: "nuisance of a closed incident", state: models.StateClosed, path: "judgement",
			body: `{"verdict":"nuisance","reason":"animal","note":"a fox"}`, code: 200,
			want: &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceAnimal, Note: "a fox"},
			log:  log{by("judged nuisance: animal", "a fox")}},
		{name: "seen, and it is rain", state: models.StateNew, path: "acknowledge",
			body: `{"verdict":"nuisance","reason":"rain","note":"heavy"}`, code: 200,
			want: &models.Judgement{Verdict: models.VerdictNuisance, Reason: models.NuisanceRain, Note: "heavy"},
			log:  log{acknowledged, by("judged nuisance: rain", "heavy")}},
		{name: "seen without a word", state: models.StateNew, path: "acknowledge", body: `{}`, code: 200, log: log{acknowledged}},
		{name: "seen by somebody else before: not judged either", state: models.StateAcknowledged, path: "acknowledge",
			body: `{"verdict":"true"}`, code: 409, says: "acknowledged"},
		{name: "nuisance without a reason", state: models.StateNew, path: "judgement", body: `{"verdict":"nuisance"}`, code: 422, says: "needs a reason"},
		{name: "true with a reason", state: models.StateNew, path: "judgement", body: `{"verdict":"true","reason":"rain"}`, code: 422, says: "true alarm has no reason"},
		{name: "a contradiction leaves it unseen", state: models.StateNew, path: "acknowledge", body: `{"verdict":"nuisance"}`, code: 422, says: "needs a reason"},
		{name: "a reason alone", state: models.StateNew, path: "acknowledge", body: `{"reason":"rain"}`, code: 422, says: "verdict"},
		{name: "an unknown reason", state: models.StateNew, path: "judgement", body: `{"verdict":"nuisance","reason":"ghost"}`, code: 422, says: "rain"},
		{name: "no verdict", state: models.StateNew, path: "judgement", body: `{}`, code: 422, says: "verdict"},
		{name: "no body", state: models.StateNew, path: "judgement", body: nil, code: 400, says: "body"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, func(s *Server) { s.Now = func() time.Time { return day } })
			in := sample(1)
			in.State = tc.state
			s.create(in)
			sub, err := s.server.Events.Subscribe("")
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			a := s.logIn().in(t).want(tc.code, "POST", "/api/incidents/"+string(in.ID)+"/"+tc.path, tc.body)
			if !strings.Contains(string(a.body), tc.says) {
				t.Errorf("the answer does not say %q: %s", tc.says, a.body)
			}
			got, err := s.index.Get(t.Context(), in.ID)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Log, tc.log) {
				t.Errorf("log %v, want %v", got.Log, tc.log)
			}
			if tc.want != nil {
				tc.want.By, tc.want.At = people.AdminUser, day
			}
			if (got.Judgement == nil) != (tc.want == nil) || got.Judgement != nil && *got.Judgement != *tc.want {
				t.Errorf("judgement %+v, want %+v", got.Judgement, tc.want)
			}
			switch {
			case tc.code != 200 && (got.State != tc.state || got.Revision != 1):
				t.Errorf("a refused step changed the record: %s, revision %d", got.State, got.Revision)
			case tc.code == 200:
				if m := <-sub.Messages(); m.Kind != KindIncident || !strings.Contains(string(m.Data), `"revision":2`) {
					t.Errorf("published %s %s", m.Kind, m.Data)
				}
			}
		})
	}
	s := newSite(t)
	s.logIn().want(http.StatusNotFound, "POST", "/api/incidents/none/judgement", `{"verdict":"true"}`)
}
