package web

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Status is what the whole program says about itself.
type Status struct {
	Version string        `json:"version" doc:"of vedette"`
	Started time.Time     `json:"started" doc:"when the program started"`
	Now     time.Time     `json:"now" doc:"the server's clock, to compare a browser's with"`
	Config  ConfigStatus  `json:"config"`
	Storage StorageStatus `json:"storage"`
	Cameras CameraCount   `json:"cameras"`
	// HostClock is filled in by the program.
	HostClock HostClock `json:"host_clock"`
	// FailingChannels is filled in by the program.
	FailingChannels []string `json:"failing_channels" doc:"ways to tell people outside the console whose last attempt went wrong"`
	// Notices is filled in by the program.
	Notices NoticeStatus `json:"notices"`
}

// NoticeStatus says what people outside the console are still to be told.
type NoticeStatus struct {
	Waiting int    `json:"waiting" doc:"notices that are still to be delivered, by all channels together"`
	Dropped uint64 `json:"dropped" doc:"notices that were dropped since the start because too many waited"`
	Error   string `json:"error,omitempty" doc:"why it is not known what waits; empty when it is"`
}

// HostClock says how far the clock of this machine can be believed.
type HostClock struct {
	Known        bool          `json:"known" doc:"the operating system says something about it"`
	Synchronised bool          `json:"synchronised" doc:"with a time server, by NTP or the like"`
	MaxError     time.Duration `json:"max_error_ns" doc:"what the operating system says it may be off at most"`
}

// ConfigStatus says which configuration is in force.
type ConfigStatus struct {
	Hash   string    `json:"hash" doc:"names the accepted configuration; incidents carry it"`
	Loaded time.Time `json:"loaded,omitzero" doc:"when it was accepted"`
	Errors []string  `json:"errors" doc:"why the file as it is now was rejected; empty when it is the one in force"`
}

// StorageStatus says how much evidence is not yet in the bucket.
type StorageStatus struct {
	Pending      int       `json:"pending" doc:"incidents whose evidence waits for the bucket"`
	PendingBytes int64     `json:"pending_bytes"`
	Oldest       time.Time `json:"oldest,omitzero" doc:"since when the oldest of them waits"`
	Error        string    `json:"error,omitempty" doc:"of the last attempt, without secrets; empty when it went well"`
	Errors       uint64    `json:"errors" doc:"attempts that went wrong since the start"`
	Open         int       `json:"open" doc:"incidents whose clip still grows"`
	OpenBytes    int64     `json:"open_bytes" doc:"of these clips, not yet in the bucket"`

	Keeper      KeeperStatus `json:"keeper"`
	Attachments FileStatus   `json:"attachments" doc:"files that people attached"`
	Exhibits    FileStatus   `json:"exhibits" doc:"copies of footage that people linked"`
}

// FileStatus says how far files have come that belong to an incident beside its footage.
type FileStatus struct {
	Pending int       `json:"pending" doc:"not yet in the bucket, also footage whose time is not over"`
	Failing int       `json:"failing" doc:"attempts in a row that went wrong; 0: it goes well"`
	Error   string    `json:"error,omitempty" doc:"of the last attempt that went wrong, without secrets"`
	ErrorAt time.Time `json:"error_at,omitzero"`
	Orphans int       `json:"orphans" doc:"files on the local disk whose incident the index does not know: vedette reindex finds it"`
}

// KeeperStatus says what retention has done since the start.
type KeeperStatus struct {
	Deleted   uint64    `json:"deleted" doc:"incidents whose evidence it let go"`
	Locked    int       `json:"locked" doc:"incidents that are due, but locked in the bucket"`
	LastRound time.Time `json:"last_round,omitzero" doc:"when it last looked through everything"`
	Error     string    `json:"error,omitempty" doc:"of the last round, without secrets; empty when it went well"`
}

// CameraCount says how many cameras there are and how many are connected.
type CameraCount struct {
	Connected int `json:"connected"`
	Total     int `json:"total"`
}

func wholeStatus(s Status) Status {
	if s.Config.Errors == nil {
		s.Config.Errors = []string{}
	}
	s.FailingChannels = orEmpty(s.FailingChannels)
	return s
}

// status completes what the program says with what the server knows itself.
func (s *Server) status() Status {
	var st Status
	if s.Status != nil {
		st = s.Status()
	}
	return wholeStatus(s.completed(st))
}

// completed is what the program says about itself with what the server knows: its clock and
// how many cameras are watched.
func (s *Server) completed(st Status) Status {
	st.Now = s.Now()
	st.Cameras = CameraCount{}
	for _, c := range s.Cameras.Cameras() {
		st.Cameras.Total++
		if c.Health.Connection == models.Connected {
			st.Cameras.Connected++
		}
	}
	return st
}

// features names the optional parts that the program has given to the server.
func (s *Server) features() []string {
	out := []string{}
	for _, f := range []struct {
		name string
		on   bool
	}{
		{"custody", s.Custody != nil}, {"hold", s.Keeper != nil}, {"recall", s.Recall != nil},
		{"playable", s.Playable != nil}, {"notify", s.Notify != nil}, {"export", s.Exporter != nil}, {"keys", s.Keys != nil},
	} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return out
}

// Check is one thing that readiness depends on.
type Check struct {
	Name string // such as "bucket"
	// Essential makes the program unready (503) when the check fails. Leave it false
	// for what vedette works without: evidence waits in the spool for its bucket.
	Essential bool
	// Run returns why the thing does not work, without secrets. It is called at most
	// once in five seconds and has three seconds.
	Run func(context.Context) error
}

const (
	checkEvery   = 5 * time.Second
	checkTimeout = 3 * time.Second
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Status string        `json:"status" enum:"ready,degraded,unready" doc:"unready comes with status 503, the others with 200"`
	Checks []CheckResult `json:"checks"`
}

// CheckResult is what one check found.
type CheckResult struct {
	Name   string   `json:"name"`
	Status string   `json:"status" enum:"ok,degraded,failed"`
	Errors []string `json:"errors,omitempty" doc:"why; only shown to callers on the same machine, with a session or with the monitoring token"`
}

// readiness runs the checks. What it found is kept for a few seconds, because anybody
// may ask and a bucket must not be hammered.
//
// A rejected configuration and cameras that are down are reasons, not failures: the
// last good configuration runs on, and a restart by an orchestrator would mend neither.
type readiness struct {
	mu     sync.Mutex
	at     time.Time
	newest []CheckResult
}

func (s *Server) ready(ctx context.Context) Readiness {
	out := Readiness{Checks: s.checked(ctx)}
	st := s.status()
	config := CheckResult{Name: "config", Status: "ok"}
	if len(st.Config.Errors) > 0 {
		config = CheckResult{Name: "config", Status: "degraded", Errors: st.Config.Errors}
	}
	out.Checks = append(out.Checks, config, s.cameraCheck(st))
	out.Status = "ready"
	for _, c := range out.Checks {
		switch {
		case c.Status == "failed":
			out.Status = "unready"
		case c.Status == "degraded" && out.Status == "ready":
			out.Status = "degraded"
		}
	}
	return out
}

func (s *Server) checked(ctx context.Context) []CheckResult {
	s.readiness.mu.Lock()
	defer s.readiness.mu.Unlock()
	now := s.Now()
	if s.readiness.newest != nil && now.Sub(s.readiness.at) < checkEvery {
		return slices.Clone(s.readiness.newest)
	}
	// The answer is for everybody who asks in the next seconds, so it must not end
	// with the request that happened to come first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	results := make([]CheckResult, len(s.Checks))
	var wg sync.WaitGroup
	for i, check := range s.Checks {
		wg.Go(func() {
			results[i] = CheckResult{Name: check.Name, Status: "ok"}
			if err := check.Run(ctx); err != nil {
				results[i].Status = "degraded"
				if check.Essential {
					results[i].Status = "failed"
				}
				results[i].Errors = []string{err.Error()}
			}
		})
	}
	wg.Wait()
	s.readiness.newest, s.readiness.at = results, now
	return slices.Clone(results)
}

func (s *Server) cameraCheck(st Status) CheckResult {
	c := CheckResult{Name: "cameras", Status: "ok"}
	if st.Cameras.Connected == st.Cameras.Total {
		return c
	}
	c.Status = "degraded"
	for _, cam := range s.Cameras.Cameras() {
		if cam.Health.Connection != models.Connected {
			reason := string(cam.ID) + ": " + string(cam.Health.Connection)
			if cam.Health.Error != "" {
				reason += ": " + cam.Health.Error
			}
			c.Errors = append(c.Errors, reason)
		}
	}
	return c
}

// withoutReasons leaves the outcome of each check and removes what would tell a
// stranger about the inside.
func (r Readiness) withoutReasons() Readiness {
	r.Checks = slices.Clone(r.Checks)
	for i := range r.Checks {
		r.Checks[i].Errors = nil
	}
	return r
}

func (r Readiness) code() int {
	if r.Status == "unready" {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}
