package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io/fs"
	"math"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

const (
	// maxInboundBody is what one request of a device may have, in bytes: a camera's
	// notification has two thousand.
	maxInboundBody = 64 << 10
	// believedAhead and believedLate are how far the clock of a device may be before ours,
	// and how long a device without a network may keep an event back. What is beyond
	// happened when it arrived.
	believedAhead = time.Minute
	believedLate  = 24 * time.Hour
	// maxAlarms bounds the devices that are remembered as alarmed; beyond, the one that
	// was so longest ago is forgotten, and what it repeats opens an incident more.
	maxAlarms = 4096
	// inboundExhibit is the ID of the footage that is linked when a device opens an incident.
	inboundExhibit = "inbound"
)

type inboundInput struct {
	Source        string `path:"source" maxLength:"64" doc:"the source's name in the configuration" example:"front_door"`
	Signature     string `header:"Vedette-Signature" maxLength:"1024" doc:"with auth: signature: t=UNIX-SECONDS,v1=HEX, the HMAC-SHA-256 of \"t.body\" by the source's secret, at most 5 minutes old"`
	Authorization string `header:"Authorization" maxLength:"1024" doc:"with auth: bearer: Bearer and the source's secret"`
	Secret        string `query:"secret" maxLength:"1024" doc:"with auth: url: the source's secret"`
	Type          string `header:"Content-Type"`
	RawBody       []byte
}

// InboundResult is what became of one event.
type InboundResult struct {
	Result   string `json:"result" enum:"opened,repeated,ended,ignored" doc:"opened: a new incident; repeated: it has one; ended: its incident is over; ignored: it opens none"`
	Incident string `json:"incident,omitempty" doc:"ID"`
	Number   int64  `json:"number,omitempty"`
}

// InboundResults are those of all events of a request, in their order.
type InboundResults struct {
	Items []InboundResult `json:"items"`
}

func (s *Server) describeInbound(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas
	event := schemas.Schema(reflect.TypeFor[InboundEvent](), true, "")
	huma.Register(api, huma.Operation{
		OperationID: "inbound-event", Method: http.MethodPost, Path: "/api/inbound/{source}", Tags: []string{"inbound"},
		Summary: "Open an incident by a device",
		Description: "For access control, alarm panels, cameras that push ONVIF events (WS-BaseNotification) and other systems: each is a source " +
			"of the configuration, under `inbound:`, and proves who it is as that says, without a session. One event, a list of at most 32, or " +
			"a Notify. An event that is sent again, by its id, or by topic and time, opens nothing more, so a device may repeat what was not " +
			"answered. Footage of the source's camera around the time is linked.",
		Security: open,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{event, {Type: huma.TypeArray, Items: event, MaxItems: ptr(maxInboundEvents)}}},
				Example: InboundEvent{ID: "evt-20931", Topic: "door.forced", At: ptr(time.Date(2026, 11, 22, 23, 40, 12, 0, time.UTC)), Text: "Rear door forced open"}},
			"application/soap+xml": {Schema: &huma.Schema{Type: huma.TypeString, Description: "a SOAP envelope with a wsnt:Notify, as ONVIF cameras push it"}},
		}},
		Errors: []int{400, 401, 413, 415, 422, 429, 503}, MaxBodyBytes: maxInboundBody, BodyReadTimeout: requestTimeout, SkipValidateBody: true,
	}, s.inbound)
}

func ptr[T any](v T) *T { return &v }

func (s *Server) inbound(ctx context.Context, in *inboundInput) (*struct{ Body InboundResults }, error) {
	src, err := s.source(ctx, in)
	if err != nil {
		return nil, err
	}
	requestOf(ctx).who.user = inboundUser(src.Name)
	events, err := parseInbound(in.Type, in.RawBody)
	switch {
	case errors.Is(err, errInboundType):
		return nil, huma.NewError(http.StatusUnsupportedMediaType, err.Error())
	case err != nil:
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	if wait := s.devices.take(src, len(events), s.Now()); wait > 0 {
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("more events than the source may send: inbound."+src.Name+".rate"),
			http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}})
	}
	out := InboundResults{Items: []InboundResult{}}
	for _, e := range events {
		result, err := s.happened(ctx, src, e)
		if err != nil {
			return nil, s.fail(ctx, "event of "+src.Name, err)
		}
		out.Items = append(out.Items, result)
	}
	return &struct{ Body InboundResults }{out}, nil
}

// inboundUser is what a source is called where people are: no user has a slash in the name.
func inboundUser(name string) string { return "inbound/" + name }

// source finds out who sends. One that there is not is answered as one that cannot prove
// who it is.
func (s *Server) source(ctx context.Context, in *inboundInput) (config.Inbound, error) {
	var src config.Inbound
	known := false
	if s.Inbound != nil {
		src, known = s.Inbound(in.Source)
	}
	secret := []byte(src.Secret.Reveal())
	proved := false
	switch src.Auth {
	case config.AuthBearer:
		sent, ok := strings.CutPrefix(in.Authorization, "Bearer ")
		proved = ok && subtle.ConstantTimeCompare([]byte(sent), secret) == 1
	case config.AuthURL:
		proved = subtle.ConstantTimeCompare([]byte(in.Secret), secret) == 1
	case config.AuthSignature:
		proved = s.CheckInbound != nil && s.CheckInbound(secret, in.RawBody, in.Signature, s.Now()) == nil
	}
	if known && proved && len(secret) > 0 {
		return src, nil
	}
	// Only what fails is counted: a door that works must not suffer from a stranger.
	q := requestOf(ctx)
	if wait, ok := s.byAddress.take("inbound "+addrKey(q.addr), s.Now()); !ok {
		return src, huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts"),
			http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}})
	}
	name := "unknown"
	if known {
		name = inboundUser(src.Name)
	}
	s.audit(ctx, models.Custody{Act: models.ActLoginFailed, Note: name})
	return src, huma.ErrorWithHeaders(huma.Error401Unauthorized("the source is not known, or does not prove who it is as the configuration says"),
		http.Header{"WWW-Authenticate": {"Bearer"}})
}

// happened opens the incident of an event, or finds the one that it belongs to.
func (s *Server) happened(ctx context.Context, src config.Inbound, e InboundEvent) (InboundResult, error) {
	now := s.Now().UTC()
	at, believed := occurred(e.At, now)
	key := src.Name + "\x00" + e.Topic + "\x00" + e.part
	if !wanted(src.Topics, e.Topic) {
		return InboundResult{Result: "ignored"}, nil
	}
	if e.Active != nil && !*e.Active {
		return s.over(ctx, src, e, key, max(at.UnixNano(), 0))
	}
	if alarm, ok := s.devices.alarmed(key, src.Quiet, now); ok && e.ID == "" {
		return InboundResult{Result: "repeated", Incident: string(alarm)}, nil
	}
	id := inboundID(src.Name, e, at)
	switch found, err := s.Incidents.Get(ctx, id); {
	case err == nil:
		s.devices.alarm(key, id, now)
		return InboundResult{Result: "repeated", Incident: string(id), Number: found.Number}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return InboundResult{}, err
	}
	r := incident.Report{ID: id, Origin: models.OriginDevice, Site: src.Site, Camera: src.Camera, Zone: src.Zone, Occurred: at,
		Type: src.Type, Severity: src.Severity, Description: described(e, believed)}
	if src.Kind == config.InboundAccess {
		r.Origin = models.OriginAccess
	}
	if src.Camera != "" && src.Before+src.After > 0 && s.Recall != nil {
		r.Exhibit = &models.Exhibit{ID: inboundExhibit, Camera: src.Camera, From: at.Add(-src.Before), To: at.Add(src.After), Note: cut(e.Topic, 200)}
	}
	made, err := s.desk().Open(r, inboundUser(src.Name), now)
	if err != nil {
		return InboundResult{}, err
	}
	status := s.status()
	made.Version, made.Config = status.Version, status.Config.Hash
	stored, err := s.create(ctx, made)
	if err != nil {
		return InboundResult{}, err
	}
	s.devices.alarm(key, id, now)
	return InboundResult{Result: "opened", Incident: string(id), Number: stored.Body.Number}, nil
}

// inboundID names the incident of an event, so that the same event names the same one.
func inboundID(source string, e InboundEvent, at time.Time) models.IncidentID {
	what := "id\x00" + e.ID
	if e.ID == "" {
		what = "at\x00" + e.Topic + "\x00" + e.part + "\x00" + strconv.FormatInt(at.Unix(), 10)
	}
	sum := sha256.Sum256([]byte(source + "\x00" + what))
	return models.IncidentID("inbound-" + fileName(source) + "-" + hex.EncodeToString(sum[:10]))
}

// occurred is when an event happened: by the device's clock as long as that can be.
func occurred(at *time.Time, now time.Time) (_ time.Time, believed bool) {
	if at == nil || at.IsZero() {
		return now, true
	}
	if at.After(now.Add(believedAhead)) || at.Before(now.Add(-believedLate)) {
		return now, false
	}
	return at.UTC(), true
}

// described is the description of an incident that a device opens.
func described(e InboundEvent, believed bool) string {
	var lines []string
	if e.Text != "" {
		lines = append(lines, e.Text)
	}
	if e.Topic != "" {
		lines = append(lines, "Topic: "+e.Topic)
	}
	if e.part != "" {
		lines = append(lines, "Source: "+e.part)
	}
	if !believed {
		lines = append(lines, "The device's clock said "+e.At.UTC().Format(time.RFC3339)+", which cannot be: the time is that of its arrival.")
	}
	return strings.Join(lines, "\n")
}

// wanted says whether a topic is one of those listed, or below one of them.
func wanted(topics []string, topic string) bool {
	if len(topics) == 0 {
		return true
	}
	for _, t := range topics {
		if rest, ok := strings.CutPrefix(topic, t); ok && (rest == "" || rest[0] == '/' || rest[0] == '.') {
			return true
		}
	}
	return false
}

// over ends what a device says is over, if it is known to have begun.
func (s *Server) over(ctx context.Context, src config.Inbound, e InboundEvent, key string, at int64) (InboundResult, error) {
	id, ok := s.devices.over(key)
	if !ok {
		return InboundResult{Result: "ignored"}, nil
	}
	end := time.Unix(0, at).UTC()
	changed, err := s.Incidents.Update(ctx, id, func(in *models.Incident) error {
		if in.State == models.StateClosed {
			return incident.ErrState
		}
		if end.After(in.End) {
			in.End = end
		}
		in.Log = append(in.Log, models.Action{At: s.Now().UTC(), Who: inboundUser(src.Name), What: "over", Note: cut(e.Topic, 200)})
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, incident.ErrState):
		return InboundResult{Result: "ignored"}, nil
	case err != nil:
		return InboundResult{}, err
	}
	s.changed(ctx, changed)
	return InboundResult{Result: "ended", Incident: string(id), Number: changed.Number}, nil
}

// devices remembers what sources do: how fast they send, and what is alarmed now. It is in
// memory only: after a restart what is still alarmed opens an incident more.
type devices struct {
	mu     sync.Mutex
	limits map[string]*rate.Limiter // by source: as many as the configurations so far named
	alarms map[string]alarmed
}

type alarmed struct {
	incident models.IncidentID
	last     time.Time
}

// take uses what a source may send, or says how long it has to wait.
func (d *devices) take(src config.Inbound, n int, now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits == nil {
		d.limits = map[string]*rate.Limiter{}
	}
	every, burst := rate.Limit(float64(src.Rate)/60), max(src.Rate/6, maxInboundEvents)
	l := d.limits[src.Name]
	if l == nil || l.Limit() != every {
		l = rate.NewLimiter(every, burst)
		d.limits[src.Name] = l
	}
	r := l.ReserveN(now, n)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait
	}
	return 0
}

// alarmed says which incident a device has that has not said that it is over, nor been
// quiet for longer than it may.
func (d *devices) alarmed(key string, quiet time.Duration, now time.Time) (models.IncidentID, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.alarms[key]
	if !ok || now.Sub(a.last) > quiet {
		return "", false
	}
	d.alarms[key] = alarmed{a.incident, now}
	return a.incident, true
}

func (d *devices) alarm(key string, id models.IncidentID, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.alarms == nil {
		d.alarms = map[string]alarmed{}
	}
	if _, have := d.alarms[key]; !have && len(d.alarms) >= maxAlarms {
		oldest := ""
		for k, a := range d.alarms {
			if oldest == "" || a.last.Before(d.alarms[oldest].last) {
				oldest = k
			}
		}
		delete(d.alarms, oldest)
	}
	d.alarms[key] = alarmed{id, now}
}

func (d *devices) over(key string) (models.IncidentID, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.alarms[key]
	delete(d.alarms, key)
	return a.incident, ok
}

// mediaTypeOf is the bare media type of a header.
func mediaTypeOf(header string) string {
	kind, _, err := mime.ParseMediaType(cmp.Or(header, "application/json"))
	if err != nil {
		return ""
	}
	return kind
}
