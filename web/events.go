package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vedette-cctv/vedette/models"
)

// heartbeat is how often a quiet stream says that it lives: sooner than the minute
// after which common proxies close what is silent.
const heartbeat = 15 * time.Second

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"the id of the last event seen; sent by browsers when they reconnect"`
}

func (s *Server) describeEvents(api huma.API) {
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/api/events", Tags: []string{"events"},
		Summary: "What happens, as server-sent events",
		Description: "Events: `incident` (the full incident, whenever it changes), `camera` (the health of one camera, at most once a " +
			"second each), `status` (as GET /api/status), `reset` (what was missed is no longer known: fetch everything anew). " +
			"Only incidents have an id; a client that comes back with Last-Event-ID gets those it missed. Every connection begins with " +
			"the newest health of each camera and the newest status. An incident may come twice: the higher revision counts. " +
			"A comment comes every 15 s. Clients that do not keep up are disconnected and resume.",
		Responses: map[string]*huma.Response{"200": {Description: "the stream",
			Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
		Errors: []int{401, 403, 503},
	}), s.events)
}

func (s *Server) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	sub, err := s.Events.Subscribe(in.LastEventID)
	if err != nil {
		return nil, s.fail(ctx, "events", err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer sub.Close()
		r, w := humago.Unwrap(hc)
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no") // nginx otherwise holds the stream back
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		// The stream ends by itself: with the client, the session, the hub or a slow
		// connection. None of them is an error of ours.
		_ = s.stream(ctx, w, sub)
	}}, nil
}

// errStreamOver ends a stream whose session is over or whose hub let it go.
var errStreamOver = errors.New("stream is over")

// rest is how long a stream gathers what comes before it writes again: what comes after a
// quiet time goes out at once, a burst in few pieces. A write and the reader's waking cost
// more than the bytes, so that without it 200 clients and 100 alarms a second take two
// cores; nobody sees a fiftieth of a second.
const rest = 20 * time.Millisecond

// batchBytes is about how much is written at once. A message is never split over two.
const batchBytes = 64 << 10

func (s *Server) stream(ctx context.Context, w http.ResponseWriter, sub *Subscription) error {
	out := &batch{w: w, rc: http.NewResponseController(w)}
	out.text("retry: 2000\n")
	if sub.Reset {
		out.text("event: reset\ndata: {}\n")
	}
	// An id without data is remembered by the browser and not dispatched: whoever
	// connects while nothing happens can resume all the same.
	if len(sub.Backlog) == 0 || sub.Backlog[0].ID == "" {
		out.text("id: " + sub.Resume + "\n")
	}
	out.text("\n")
	view := &eyes{server: s, who: requestOf(ctx).who, looked: s.sessions.now()}
	for _, m := range sub.Backlog {
		if err := view.write(out, m); err != nil {
			return err
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	rested := time.NewTimer(rest)
	defer rested.Stop()
	for {
		select {
		case m, ok := <-sub.Messages():
			if err := view.writeAll(out, m, ok, sub.Messages()); err != nil {
				return err
			}
		case <-beat.C:
			if !view.open() {
				return errStreamOver
			}
			out.text(": alive\n\n")
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := out.flush(); err != nil {
			return err
		}
		rested.Reset(rest)
		select {
		case <-rested.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// batch is what goes out to one client next.
type batch struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf []byte
}

func (b *batch) text(s string) { b.buf = append(b.buf, s...) }

// add takes an event, and writes first when there is enough.
func (b *batch) add(event []byte) error {
	if len(b.buf)+len(event) > batchBytes {
		if err := b.write(); err != nil {
			return err
		}
	}
	b.buf = append(b.buf, event...)
	return nil
}

func (b *batch) write() error {
	if len(b.buf) == 0 {
		return nil
	}
	extend(b.w)
	_, err := b.w.Write(b.buf)
	if b.buf = b.buf[:0]; cap(b.buf) > 2*batchBytes {
		b.buf = nil // one large event must not stay in memory for each client
	}
	return err
}

func (b *batch) flush() error {
	if err := b.write(); err != nil {
		return err
	}
	return b.rc.Flush()
}

// eyes are what one client of the stream may see.
type eyes struct {
	server *Server
	who    identity
	looked time.Time
	seen   map[models.CameraID]bool // what the look said of each camera
}

// eyesEvery is how old what is known of a client's rights may be.
const eyesEvery = time.Second

// open looks whether the client may still be here, and what it may see now.
func (e *eyes) open() bool {
	var ok bool
	e.looked = e.server.sessions.now()
	clear(e.seen)
	e.who, ok = e.server.sessions.still(e.who)
	return ok
}

// writeAll writes a message and those that wait behind it.
func (e *eyes) writeAll(out *batch, m Message, ok bool, more <-chan Message) error {
	for {
		if !ok {
			return errStreamOver
		}
		if err := e.write(out, m); err != nil {
			return err
		}
		select {
		case m, ok = <-more:
		default:
			return nil
		}
	}
}

// write writes a message to a client who may see what it is about. Of an incident that the
// client may not see it gets the ID of the message alone, so that it resumes after it.
func (e *eyes) write(out *batch, m Message) error {
	if e.server.sessions.now().Sub(e.looked) >= eyesEvery && !e.open() {
		return errStreamOver
	}
	if e.may(m.Camera) {
		return out.add(m.event)
	}
	if m.ID == "" {
		return nil
	}
	return out.add([]byte("id: " + m.ID + "\n\n"))
}

// may says whether the client sees a camera.
func (e *eyes) may(id models.CameraID) bool {
	may, known := e.seen[id]
	if !known {
		may = e.who.may(models.RightView, id, e.server.groups(id))
		if e.seen == nil {
			e.seen = map[models.CameraID]bool{}
		}
		e.seen[id] = may
	}
	return may
}
