package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vedette-cctv/vedette/models"
)

// The kinds of message that a Hub carries.
const (
	KindIncident = "incident" // models.Incident: opened, changed, acknowledged, stored, closed
	KindCamera   = "camera"   // models.Health: the newest of each camera, at most one a second
	KindStatus   = "status"   // Status: the newest
)

// Bounds of a hub.
const (
	maxClients = 1024
	// clientQueue is how many messages may wait for one client. Ten alarms a second
	// arrive in it for 25 s before a stalled client is cut off.
	clientQueue = 256
	// ringBytes bounds the ring beside its number of messages: an incident with many
	// long paths weighs up to two megabytes.
	ringBytes = 32 << 20
	// cameraEvery is the least time between two messages about one camera.
	cameraEvery = time.Second
)

// Errors of a subscription.
var (
	ErrHubClosed  = errors.New("the stream of events is closed")
	ErrHubClients = errors.New("too many clients on the stream of events")
)

// Message is one server-sent event.
type Message struct {
	ID   string // empty for a message that a later one of its kind replaces
	Kind string
	Data []byte // JSON, one line; shared between clients, so never to be changed
	// Camera is what it is about; empty when it concerns none.
	Camera models.CameraID
	// event is the message as it goes over the wire, made once for all clients. Data lies
	// in it.
	event []byte
}

// seal makes the event.
func (m *Message) seal() {
	event := make([]byte, 0, len(m.ID)+len(m.Kind)+len(m.Data)+32)
	if m.ID != "" {
		event = append(append(append(event, "id: "...), m.ID...), '\n')
	}
	event = append(append(append(event, "event: "...), m.Kind...), "\ndata: "...)
	begin := len(event)
	event = append(append(event, m.Data...), "\n\n"...)
	m.event, m.Data = event, event[begin:len(event)-2:len(event)-2]
}

// Hub hands what happens to everyone who listens. It is safe for concurrent use.
//
// Incidents are numbered and kept in a ring, so that a client that was away resumes
// where it left off. Camera health and status are states: only the newest counts, and a
// new client gets it first.
//
// Publish never waits. A client whose queue is full is cut off and counted; it comes
// back with the last ID it saw.
type Hub struct {
	epoch string // makes IDs of an earlier run of the program recognisable
	ring  int
	alert prometheus.Histogram
	count *prometheus.CounterVec

	mu        sync.Mutex
	complete  func(Status) Status // adds what only the server knows; nil: nothing is added
	closed    bool
	seq       uint64 // of the newest incident message
	past      []Message
	pastBytes int
	cameras   map[models.CameraID]*lane
	order     []models.CameraID // of cameras, as first seen
	status    *Message
	clients   map[*Subscription]bool
	opened    map[models.IncidentID]bool // already counted as opened
	recent    []models.IncidentID        // of opened, oldest first, bounded
	dropped   uint64
}

// lane holds the newest health of one camera and when it was last sent.
type lane struct {
	newest  Message
	sent    time.Time
	pending *time.Timer // sends newest when the second is over
}

// HubStats are the figures of a hub.
type HubStats struct {
	Clients int
	Dropped uint64 // clients cut off because they did not keep up
	Ring    int    // messages kept for those who resume
}

// NewHub returns a hub that keeps the last ring incident messages for clients that
// resume; 0 means 1024.
func NewHub(ring int) *Hub {
	if ring <= 0 {
		ring = 1024
	}
	return &Hub{
		epoch: rand.Text()[:8], ring: ring,
		cameras: map[models.CameraID]*lane{}, clients: map[*Subscription]bool{}, opened: map[models.IncidentID]bool{},
		alert: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "vedette_event_to_alert_seconds",
			Help:    "From the capture time of the alarm's frame to the message on the stream of events, by the clock that stamped the frame.",
			Buckets: []float64{.05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 30},
		}),
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vedette_incidents_opened_total", Help: "Incidents opened since the start of the program.",
		}, []string{"kind", "severity"}),
	}
}

// Publish sends v to everyone who listens. The kinds are KindIncident with a
// models.Incident, KindCamera with a models.Health and KindStatus with a Status. The
// error is that of a value which is not of its kind or has no JSON form; nothing is
// sent then. After Close it does nothing.
func (h *Hub) Publish(kind string, v any) error {
	in, isIncident := v.(models.Incident)
	health, isHealth := v.(models.Health)
	status, isStatus := v.(Status)
	switch {
	case kind == KindIncident && isIncident:
		v = whole(in)
	case kind == KindCamera && isHealth:
	case kind == KindStatus && isStatus:
		h.mu.Lock()
		complete := h.complete
		h.mu.Unlock()
		if complete != nil {
			status = complete(status)
		}
		v = wholeStatus(status)
	default:
		return fmt.Errorf("publish %s: a %T is not of that kind", kind, v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("publish %s: %w", kind, err)
	}
	m := Message{Kind: kind, Data: data, Camera: in.Camera}
	if isHealth {
		m.Camera = health.Camera
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	switch {
	case isIncident:
		h.observe(in)
		h.keep(&m)
		h.send(m)
	case isHealth:
		m.seal()
		h.camera(health.Camera, m)
	case isStatus:
		m.seal()
		h.status = &m
		h.send(m)
	}
	return nil
}

// completeWith has every status that is published say what only a server knows.
func (h *Hub) completeWith(complete func(Status) Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.complete = complete
}

// Reset has everyone who listens fetch everything anew, the server's clock too.
func (h *Hub) Reset() {
	m := Message{Kind: "reset", Data: []byte("{}")}
	m.seal()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send(m)
}

// observe counts an incident that opens and measures how old its alarm is. A record that
// was published before, or that start-up found in the spool, is not news.
func (h *Hub) observe(in models.Incident) {
	const remember = 4096
	if in.State != models.StateNew || in.Revision > 1 || h.opened[in.ID] {
		return
	}
	h.opened[in.ID] = true
	if h.recent = append(h.recent, in.ID); len(h.recent) > remember {
		delete(h.opened, h.recent[0])
		h.recent = h.recent[1:]
	}
	h.count.WithLabelValues(string(in.Kind), string(in.Severity)).Inc()
	h.alert.Observe(max(0, time.Since(in.Alarm).Seconds()))
}

func (h *Hub) keep(m *Message) {
	h.seq++
	m.ID = h.id(h.seq)
	m.seal()
	h.past = append(h.past, *m)
	h.pastBytes += len(m.Data)
	for len(h.past) > h.ring || (h.pastBytes > ringBytes && len(h.past) > 1) {
		h.pastBytes -= len(h.past[0].Data)
		h.past[0] = Message{}
		h.past = h.past[1:]
	}
}

func (h *Hub) id(seq uint64) string { return h.epoch + "-" + strconv.FormatUint(seq, 10) }

// camera sends a camera's health, at most once a second; what comes sooner waits, and
// the newest is sent when the second is over.
func (h *Hub) camera(id models.CameraID, m Message) {
	l := h.cameras[id]
	if l == nil {
		l = &lane{}
		h.cameras[id] = l
		h.order = append(h.order, id)
	}
	l.newest = m
	if l.pending != nil {
		return
	}
	if wait := cameraEvery - time.Since(l.sent); !l.sent.IsZero() && wait > 0 {
		l.pending = time.AfterFunc(wait, func() { h.flush(id, l) })
		return
	}
	l.sent = time.Now()
	h.send(m)
}

func (h *Hub) flush(id models.CameraID, l *lane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.pending = nil
	if h.closed || h.cameras[id] != l { // closed or forgotten while the timer fired
		return
	}
	l.sent = time.Now()
	h.send(l.newest)
}

// Forget removes a camera that the configuration no longer has, so that new clients do
// not hear of it.
func (h *Hub) Forget(id models.CameraID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.cameras[id]; l != nil && l.pending != nil {
		l.pending.Stop()
	}
	delete(h.cameras, id)
	h.order = slices.DeleteFunc(h.order, func(o models.CameraID) bool { return o == id })
}

func (h *Hub) send(m Message) {
	for c := range h.clients {
		select {
		case c.queue <- m:
		default:
			h.dropped++
			h.remove(c)
		}
	}
}

func (h *Hub) remove(c *Subscription) {
	if h.clients[c] {
		delete(h.clients, c)
		close(c.queue)
	}
}

// Subscription is one client of a hub.
type Subscription struct {
	// Resume is the ID to store when nothing else follows.
	Resume string
	// Reset is true when lastID could not be resumed: what the client knows may be stale.
	Reset bool
	// Backlog is what comes before the first message from Messages: incidents since
	// lastID, then the newest health of each camera and the newest status.
	Backlog []Message

	hub   *Hub
	queue chan Message
}

// Messages yields what is published from the moment of subscribing. It is closed when
// the client did not keep up, and when the hub closes.
func (c *Subscription) Messages() <-chan Message { return c.queue }

// Close ends the subscription. It may be called more than once.
func (c *Subscription) Close() {
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	c.hub.remove(c)
}

// Subscribe adds a client. lastID is the ID of the last message that the client saw, or
// empty for one that is new.
func (h *Hub) Subscribe(lastID string) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrHubClosed
	}
	if len(h.clients) >= maxClients {
		return nil, ErrHubClients
	}
	c := &Subscription{hub: h, queue: make(chan Message, clientQueue), Resume: h.id(h.seq)}
	if lastID != "" {
		if missed, ok := h.since(lastID); ok {
			c.Backlog = append(c.Backlog, missed...)
		} else {
			c.Reset = true
		}
	}
	for _, id := range h.order {
		c.Backlog = append(c.Backlog, h.cameras[id].newest)
	}
	if h.status != nil {
		c.Backlog = append(c.Backlog, *h.status)
	}
	h.clients[c] = true
	return c, nil
}

// since returns the incident messages after lastID, or false when the ring no longer
// reaches back to it or it was never ours.
func (h *Hub) since(lastID string) ([]Message, bool) {
	epoch, number, ok := strings.Cut(lastID, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || epoch != h.epoch || seq > h.seq {
		return nil, false
	}
	missed := h.seq - seq
	if missed > uint64(len(h.past)) {
		return nil, false
	}
	return h.past[uint64(len(h.past))-missed:], true
}

// Stats returns the hub's figures.
func (h *Hub) Stats() HubStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HubStats{Clients: len(h.clients), Dropped: h.dropped, Ring: len(h.past)}
}

// Close ends every subscription. It may be called more than once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.clients {
		h.remove(c)
	}
	for _, l := range h.cameras {
		if l.pending != nil {
			l.pending.Stop()
		}
	}
}
