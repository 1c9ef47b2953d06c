package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/people"
)

// Limits on one request.
const (
	maxBody        = 64 << 10 // bytes; the largest body is a note, but for those of the desk
	requestTimeout = 20 * time.Second
	writeTimeout   = 30 * time.Second // for an answer, and for each piece of a stream or clip
)

// policy is the content security policy of every answer. Nothing inline, nothing from
// elsewhere; pictures and clips may also be made by the console's own script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// request is what is learnt about a request on its way in, for the handlers and the log.
type request struct {
	who       identity // zero without a session
	addr      netip.Addr
	trusted   bool             // may see figures and reasons
	pattern   string           // of the route that took it
	operation string           // its name
	found     *models.Incident // what it is about, once it is known that whoever asks may see it
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	if q, ok := ctx.Value(requestKey{}).(*request); ok {
		return q
	}
	return &request{}
}

// guard is the way in: every request passes it before any handler.
func (s *Server) guard(mux *http.ServeMux) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusForbidden, "", "cross-origin request refused")
	}))
	admitted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.admit(w, r) {
			return
		}
		if !isUpload(r) {
			r.Body = http.MaxBytesReader(w, r.Body, largestBody)
		}
		mux.ServeHTTP(w, r)
		requestOf(r.Context()).pattern = r.Pattern
	})
	sameOrigin := origin.Handler(admitted)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := bearer(r); ok { // which no browser sends by itself, as it does a cookie
			admitted.ServeHTTP(w, r)
			return
		}
		sameOrigin.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		q := &request{addr: clientAddr(r, s.BehindProxy)}
		ctx := context.WithValue(r.Context(), requestKey{}, q)
		if !isStream(r.URL.Path) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, requestTimeout)
			defer cancel()
		}
		rec := &recorder{ResponseWriter: w}
		s.headers(rec.Header())
		extend(rec)
		if r.ContentLength != 0 { // a body must not take for ever, wanted or not
			_ = http.NewResponseController(rec).SetReadDeadline(time.Now().Add(requestTimeout))
		}
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { // how a handler asks to cut the connection
					s.finish(r, q, rec, start)
					panic(p)
				}
				s.Log.Error("panic in a request", "method", r.Method, "path", logPath(r), "panic", p, "stack", string(debug.Stack()))
				if rec.code == 0 {
					problem(rec, http.StatusInternalServerError, "", "something went wrong here; the log has the details")
				}
			}
			s.finish(r, q, rec, start)
		}()
		inner.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// admit says whether the request may go on, and answers it when it may not.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	q := requestOf(r.Context())
	who, ok := s.identify(r)
	q.who = who
	q.trusted = ok && (!who.mustChange || s.Accounts.ChangeOptional) && who.may(models.RightView, "", nil) || s.trusted(r)
	path := r.URL.Path
	switch {
	case path == "/metrics":
		if q.trusted {
			return true
		}
		problem(w, http.StatusUnauthorized, "", "log in, use the monitoring token, or ask from this machine")
		return false
	case !strings.HasPrefix(path, "/api/") && path != "/api":
		return true // health and the console's files
	case path == "/api/session" && r.Method == http.MethodPost:
		return true // logging in
	case strings.HasPrefix(path, "/api/inbound/") && r.Method == http.MethodPost:
		return true // a device, which proves who it is to the operation
	case !ok:
		detail := "log in first"
		if _, sent := bearer(r); sent {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750, 3.1
			detail = "the token is none, or good no more"
		}
		problem(w, http.StatusUnauthorized, "", detail)
		return false
	case who.mustChange && !s.Accounts.ChangeOptional && path != "/api/session" && path != "/api/session/password":
		problem(w, http.StatusForbidden, problemPassword, "change the one-time password first")
		return false
	}
	return true
}

// identify finds out who makes a request: by its token, or by its cookie when it has no
// token. A token that is good no more is not made up for by a cookie.
func (s *Server) identify(r *http.Request) (identity, bool) {
	secret, ok := bearer(r)
	if !ok {
		return s.sessions.identify(r)
	}
	who, first, ok := s.sessions.bear(secret)
	if ok && first {
		requestOf(r.Context()).who = who
		s.audit(r.Context(), models.Custody{Act: models.ActTokenUsed, Note: who.bearer.Name + " of " + who.user})
	}
	return who, ok
}

// bearer is the API token that a request brings. Monitoring has one of another kind.
func bearer(r *http.Request) (secret string, ok bool) {
	secret, ok = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return secret, ok && strings.HasPrefix(secret, people.TokenPrefix)
}

// trusted says whether a request without a session may see figures and reasons: it
// bears the monitoring token, or comes from this machine and not through a proxy or by
// a browser that was led to a name which resolves here (DNS rebinding).
func (s *Server) trusted(r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.MetricsToken != "" {
		return subtle.ConstantTimeCompare([]byte(bearer), []byte(s.MetricsToken)) == 1
	}
	if s.BehindProxy || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	return requestOf(r.Context()).addr.IsLoopback() && isLoopbackHost(r.Host)
}

func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// headers are those of every answer; handlers may set others.
func (s *Server) headers(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), fullscreen=(self)")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if s.Secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// isStream says of which answers the length is not ours to bound.
func isStream(path string) bool {
	if path == "/api/events" || path == "/api/exhibits" {
		return true
	}
	switch of, last := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]; {
	case strings.HasPrefix(of, "/api/incidents/"):
		return last == "clip" || last == "clip.mp4" || last == "playable" || last == "integrity" || last == "attachments" || strings.HasSuffix(of, "/attachments/")
	case strings.HasPrefix(of, "/api/recall/"):
		return last == "clip.mp4"
	}
	return false
}

// isUpload says of which bodies the handler bounds the length.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/api/incidents/") && strings.HasSuffix(r.URL.Path, "/attachments")
}

// finish logs a request that is over and counts it. Pictures and the console's files
// are many and say little: they are logged at debug level.
func (s *Server) finish(r *http.Request, q *request, rec *recorder, start time.Time) {
	took := s.Now().Sub(start)
	code := rec.code
	if code == 0 {
		code = http.StatusOK
	}
	route := q.pattern
	if _, path, ok := strings.Cut(route, " "); ok {
		route = path
	}
	if route == "" {
		route = "refused"
	}
	s.requests.WithLabelValues(route, methodLabel(r.Method), strconv.Itoa(code)).Observe(took.Seconds())
	level := slog.LevelInfo
	switch {
	case code >= 500:
		level = slog.LevelWarn
	case code < 400 && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		level = slog.LevelDebug
	}
	s.Log.Log(context.WithoutCancel(r.Context()), level, "request", "method", methodLabel(r.Method), "path", logPath(r), "code", code,
		"bytes", rec.bytes, "took", took, "addr", q.addr.String(), "user", q.who.user)
}

// logPath is the path without its query, which may hold what must not be logged.
func logPath(r *http.Request) string {
	const most = 256
	if len(r.URL.Path) > most {
		return r.URL.Path[:most] + "…"
	}
	return r.URL.Path
}

// methodLabel keeps made-up methods out of logs and labels.
func methodLabel(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return m
	}
	return "other"
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code  int
	bytes int64
}

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 && code >= 200 { // 1xx are not yet the answer
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// extend gives the connection another while to take what is written. A writer without
// deadlines (a test's) is left alone.
func extend(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// problemPassword is the type of the problem (RFC 9457) that a one-time password is
// still in force.
const problemPassword = "urn:vedette:problem:change-password"

// problem answers with a problem document (RFC 9457).
func problem(w http.ResponseWriter, code int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]any{"type": orBlank(kind), "title": http.StatusText(code), "status": code, "detail": detail})
}

func orBlank(kind string) string {
	if kind == "" {
		return "about:blank"
	}
	return kind
}
