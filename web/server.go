package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
)

// Incidents is where the records are. A storage.Index is one.
type Incidents interface {
	List(context.Context, storage.Query) (storage.Page, error)
	Get(context.Context, models.IncidentID) (models.Incident, error)
	Count(context.Context, storage.Query) (int, error)
	Create(context.Context, models.Incident) (models.Incident, error)
	Update(context.Context, models.IncidentID, func(*models.Incident) error) (models.Incident, error)
	Together(context.Context, func(storage.Records) error) error
}

// Evidence opens the footage of an incident, wherever it is now. A storage.Evidence is
// one. The object has a SHA-256 once the footage is final. What is not there is an
// fs.ErrNotExist.
type Evidence interface {
	Open(context.Context, models.Incident, models.ObjectRole) (storage.Reader, models.Object, error)
}

// Cameras is what runs now.
type Cameras interface {
	// Cameras lists them in the order of the configuration.
	Cameras() []Camera
	// Picture returns the newest picture of one as a JPEG and when it was taken;
	// ok is false when there is none yet.
	Picture(models.CameraID) (jpeg []byte, at time.Time, ok bool)
}

// Camera is one camera and what it watches.
type Camera struct {
	ID      models.CameraID `json:"id"`
	Name    string          `json:"name" doc:"to show to people"`
	Health  models.Health   `json:"health"`
	Zones   []models.Zone   `json:"zones"`
	FPS     float64         `json:"fps" doc:"bound on analysed frames a second; 0: every frame"`
	Objects bool            `json:"objects" doc:"whether the object detector runs"`
}

// Server is the API and the console. Fill it in, then call Handler or Serve once.
type Server struct {
	Incidents Incidents
	Evidence  Evidence
	Cameras   Cameras
	Accounts  *people.Accounts
	Events    *Hub
	// Status tells about version, configuration and storage. Now and Cameras are
	// filled in by the server.
	Status func() Status
	Checks []Check // what /readyz looks at, beside the configuration and the cameras
	// The parts below are optional. What is not there is answered with 501 and what to
	// configure; without a custody log nothing is logged.
	Custody  Custody
	Keeper   Keeper
	Recall   Recall
	Playable Playable
	Notify   Notify
	Exporter Exporter
	// Attachments keeps files that people add, and Linked the copies of footage that they
	// link to an incident.
	Attachments Attachments
	Linked      Linked
	// Inbound finds a device or a system that may open incidents by its name, by the
	// configuration in force; nil: there are none. CheckInbound says why the signature of a
	// body is none by a secret, or one of long ago.
	Inbound      func(name string) (config.Inbound, bool)
	CheckInbound func(secret, body []byte, header string, now time.Time) error
	// Keys are the public keys that signatures are checked with, the current one first.
	Keys func() []PublicKey
	// CheckSignature says why a signature does not fit the data, by those keys.
	CheckSignature func(data []byte, sig models.Signature) error
	// Groups are the camera groups that a camera is in; nil: there are none. Rights may be
	// given over a group only.
	Groups func(models.CameraID) []string
	// Ledger keeps series, the log book and what reports count; nil: Incidents does, if it
	// can.
	Ledger Ledger
	// Policy is how incidents are handled now; nil: without sites, types or service levels.
	Policy func() models.Policy
	// Officers are those whom incidents can be given to; nil: anybody.
	Officers func() []models.Officer
	// Closed, when set, is told each incident that a person closed, so that nothing
	// more joins it.
	Closed func(models.Incident)
	// Registry is what /metrics serves; nil means a new one with the Go runtime's and
	// the process's own metrics.
	Registry *prometheus.Registry
	Log      *slog.Logger     // nil: slog.Default()
	Now      func() time.Time // nil: time.Now

	// Secure says that browsers reach the server over TLS, its own or a proxy's:
	// cookies are then marked Secure and browsers told to stay with TLS.
	Secure bool
	// BehindProxy takes the client's address from the last entry of X-Forwarded-For.
	// Set it only when a proxy that writes that header is the only way in.
	BehindProxy bool
	// SessionLifetime is how long a session lives at most, and SessionIdle how long without
	// a request; 0: 12 h and 30 min.
	SessionLifetime, SessionIdle time.Duration
	// MetricsToken lets monitoring read /metrics, and the reasons of /readyz, with
	// "Authorization: Bearer <token>". Empty: only with a session or from this machine.
	MetricsToken string

	sessions  sessions
	byAddress *limiter
	byAccount *limiter
	uploads   chan struct{} // a place for each file that is received now
	devices   devices
	readiness readiness
	linking   sync.Mutex // serialises merges and splits, which change two records
	requests  *prometheus.HistogramVec
}

// Handler checks that the server is complete and returns its handler.
func (s *Server) Handler() (http.Handler, error) {
	if s.Incidents == nil || s.Evidence == nil || s.Cameras == nil || s.Accounts == nil || s.Events == nil {
		return nil, errors.New("web: incidents, evidence, cameras, accounts and events are required")
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if l, ok := s.Incidents.(Ledger); ok && s.Ledger == nil {
		s.Ledger = l
	}
	s.sessions = sessions{accounts: s.Accounts, now: s.Now, secure: s.Secure,
		lifetime: s.SessionLifetime, idle: s.SessionIdle, all: map[token]*session{}}
	s.byAddress = newLimiter(addressEvery, addressBurst)
	s.byAccount = newLimiter(accountEvery, accountBurst)
	s.uploads = make(chan struct{}, maxUploads)
	s.Events.completeWith(s.completed)
	if err := s.register(); err != nil {
		return nil, err
	}
	console, err := newConsole(consoleFiles())
	if err != nil {
		return nil, err
	}

	mux := http.NewServeMux()
	api := humago.New(mux, apiConfig())
	api.UseMiddleware(s.authorize)
	s.describe(api)
	if err := undeclared(api.OpenAPI()); err != nil {
		return nil, err
	}
	spec, err := document(api.OpenAPI())
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(spec)
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) { nothingHere(w, r, mux) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	}))
	mux.Handle("/", console)
	return s.guard(mux), nil
}

// nothingHere answers what no route under /api/ takes: 405 when another method would be
// taken, 404 otherwise.
func nothingHere(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if _, pattern := mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "/api/" {
			allow = append(allow, m)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		problem(w, http.StatusMethodNotAllowed, "", "not with this method")
		return
	}
	problem(w, http.StatusNotFound, "", "there is nothing here; see /api/openapi.json")
}

// register joins the server's figures to the registry.
func (s *Server) register() error {
	if s.Registry == nil {
		s.Registry = prometheus.NewRegistry()
		s.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	s.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "vedette_http_request_seconds", Help: "Time to answer HTTP requests; streams count until they end.",
		Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "method", "code"})
	m := &Metrics{
		Hub:     s.Events,
		Storage: func() StorageStatus { return s.status().Storage },
		Health: func() []models.Health {
			cameras := s.Cameras.Cameras()
			health := make([]models.Health, len(cameras))
			for i, c := range cameras {
				health[i] = c.Health
				health[i].Camera = c.ID
			}
			return health
		},
		Open: func(ctx context.Context) (int, error) { return s.Incidents.Count(ctx, openQuery) },
	}
	if s.Notify != nil {
		if err := s.Registry.Register(notifyMetrics{s.Notify}); err != nil {
			return err
		}
	}
	return errors.Join(s.Registry.Register(s.requests), s.Registry.Register(m))
}
