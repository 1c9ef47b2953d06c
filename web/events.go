package web

import (
	"context"
	"errors"
	"fmt"
	"io"
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

func (s *Server) stream(ctx context.Context, w http.ResponseWriter, sub *Subscription) error {
	rc := http.NewResponseController(w)
	flush := func() error { extend(w); return rc.Flush() }
	begin := "retry: 2000\n"
	if sub.Reset {
		begin += "event: reset\ndata: {}\n"
	}
	// An id without data is remembered by the browser and not dispatched: whoever
	// connects while nothing happens can resume all the same.
	if len(sub.Backlog) == 0 || sub.Backlog[0].ID == "" {
		begin += "id: " + sub.Resume + "\n"
	}
	extend(w)
	if _, err := io.WriteString(w, begin+"\n"); err != nil {
		return err
	}
	view := &eyes{server: s, who: requestOf(ctx).who, looked: s.sessions.now()}
	for _, m := range sub.Backlog {
		if err := view.write(w, m); err != nil {
			return err
		}
	}
	if err := flush(); err != nil {
		return err
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case m, ok := <-sub.Messages():
			if !ok {
				return errStreamOver
			}
			extend(w)
			if err := view.write(w, m); err != nil {
				return err
			}
		case <-beat.C:
			if !view.open() {
				return errStreamOver
			}
			extend(w)
			if _, err := io.WriteString(w, ": alive\n\n"); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

// eyes are what one client of the stream may see.
type eyes struct {
	server *Server
	who    identity
	looked time.Time
}

// eyesEvery is how old what is known of a client's rights may be.
const eyesEvery = time.Second

// open looks whether the client may still be here, and what it may see now.
func (e *eyes) open() bool {
	var ok bool
	e.looked = e.server.sessions.now()
	e.who, ok = e.server.sessions.still(e.who)
	return ok
}

// write sends a message to a client who may see what it is about. Of an incident that the
// client may not see it gets the ID of the message alone, so that it resumes after it.
func (e *eyes) write(w io.Writer, m Message) error {
	if e.server.sessions.now().Sub(e.looked) >= eyesEvery && !e.open() {
		return errStreamOver
	}
	if e.who.may(models.RightView, m.Camera, e.server.groups(m.Camera)) {
		return writeEvent(w, m)
	}
	if m.ID == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "id: %s\n\n", m.ID)
	return err
}

func writeEvent(w io.Writer, m Message) error {
	id := ""
	if m.ID != "" {
		id = "id: " + m.ID + "\n"
	}
	_, err := fmt.Fprintf(w, "%sevent: %s\ndata: %s\n\n", id, m.Kind, m.Data)
	return err
}
