package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// WebhookOptions say where a webhook is and how it is known.
type WebhookOptions struct {
	URL    string
	Secret []byte // signs each request; empty: requests are not signed
	// HeaderName and HeaderValue are sent along, for receivers that want a token.
	HeaderName, HeaderValue string
	Roots                   *x509.CertPool // nil: those of the system
	Agent                   string         // such as vedette/1.0
	Now                     func() time.Time
}

// Webhook posts notices as JSON. It follows no redirect: what is signed for one receiver
// is sent to no other. It speaks to private addresses, where receivers of a guarded site
// stand, but not to link-local ones, where clouds keep the secrets of their machines.
type Webhook struct {
	options WebhookOptions
	client  *http.Client
}

// What a receiver may answer, of which the beginning is kept for the delivery log.
const (
	maxAnswer = 4 << 10
	maxQuoted = 200
	maxBusy   = time.Hour
)

// NewWebhook makes a webhook.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("webhook: want an http:// or https:// address") // a URL may hold a secret
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: refuseLinkLocal}
	return &Webhook{options: o, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second,
		},
	}}, nil
}

var errLinkLocal = errors.New("a link-local address is no receiver")

// refuseLinkLocal looks at the address that the name has led to, so that no answer of a
// name server leads elsewhere.
func refuseLinkLocal(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return errLinkLocal
	}
	return nil
}

// Close lets go of idle connections.
func (w *Webhook) Close() { w.client.CloseIdleConnections() }

// payload is the body of a request. It holds what is needed to react, and nothing of what
// was found out about people: statements, descriptions of persons and notes stay inside.
type payload struct {
	ID      string            `json:"id"`
	Kind    models.NoticeKind `json:"kind"` // "summary" for several
	Channel string            `json:"channel"`
	At      time.Time         `json:"at"`
	Text    string            `json:"text"` // one line for people
	Promise models.Promise    `json:"promise,omitempty"`
	Due     *time.Time        `json:"due,omitempty"`
	To      []string          `json:"to,omitempty"`
	// Incident is absent in a test and in a summary.
	Incident *payloadIncident `json:"incident,omitempty"`
	Still    *payloadStill    `json:"still,omitempty"`
	// Notices are those of a summary, worst first.
	Notices []payload `json:"notices,omitempty"`
}

type payloadIncident struct {
	ID          models.IncidentID `json:"id"`
	Number      int64             `json:"number,omitempty"`
	URL         string            `json:"url,omitempty"`
	Origin      models.Origin     `json:"origin,omitempty"`
	Kind        models.Kind       `json:"kind"`
	Type        string            `json:"type,omitempty"`
	Severity    models.Severity   `json:"severity"`
	State       models.State      `json:"state"`
	Site        string            `json:"site,omitempty"`
	Camera      models.CameraID   `json:"camera,omitempty"`
	Zone        models.ZoneID     `json:"zone,omitempty"`
	Label       string            `json:"label,omitempty"`
	Description string            `json:"description,omitempty"`
	Alarm       time.Time         `json:"alarm"`
	Officer     string            `json:"officer,omitempty"`
}

type payloadStill struct {
	Type string `json:"type"`
	Data string `json:"data"` // base64
}

// kindSummary is the kind of a message that stands for several notices.
const kindSummary models.NoticeKind = "summary"

func (m Message) kind() models.NoticeKind {
	if len(m.More) > 0 {
		return kindSummary
	}
	return m.Notice.Kind
}

func (m Message) payload() payload {
	if len(m.More) > 0 {
		p := payload{ID: m.ID, Kind: kindSummary, Channel: m.Channel, At: m.Notice.At.UTC(), Text: m.subject()}
		for _, n := range append([]models.Notice{m.Notice}, m.More...) {
			p.Notices = append(p.Notices, m.one(n.ID, n))
			if n.At.After(p.At) {
				p.At = n.At.UTC()
			}
		}
		return p
	}
	p := m.one(m.ID, m.Notice)
	if m.Still != nil {
		p.Still = &payloadStill{Type: "image/jpeg", Data: base64.StdEncoding.EncodeToString(m.Still)}
	}
	return p
}

func (m Message) one(id string, n models.Notice) payload {
	in := n.Incident
	p := payload{ID: id, Kind: n.Kind, Channel: m.Channel, At: n.At.UTC(), Text: headline(n), Promise: n.Promise, To: n.To}
	if !n.Due.IsZero() {
		due := n.Due.UTC()
		p.Due = &due
	}
	if n.Kind != models.NoticeTest {
		p.Incident = &payloadIncident{ID: in.ID, Number: in.Number, URL: m.link(in), Origin: in.Origin, Kind: in.Kind,
			Type: in.Triage.Type, Severity: in.Severity, State: in.State, Site: in.Site, Camera: in.Camera, Zone: in.Zone,
			Label: in.Label, Description: plain(in.Description, maxDescription), Alarm: in.Alarm.UTC(), Officer: in.Assignment.Officer}
	}
	return p
}

// Deliver posts a message. 2xx is delivered; 410 says that the receiver wants nothing more
// of it; the rest is tried again, a redirect too, for somebody will mend the address.
func (w *Webhook) Deliver(ctx context.Context, m Message) error {
	body, err := json.Marshal(m.payload()) // escapes <, > and & too
	if err != nil {
		return fmt.Errorf("webhook: %w: %w", ErrPermanent, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.options.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", w.options.Agent)
	req.Header.Set(HeaderIdempotency, m.ID)
	req.Header.Set(HeaderNotice, string(m.kind()))
	if len(w.options.Secret) > 0 {
		req.Header.Set(HeaderSignature, Sign(w.options.Secret, body, w.options.Now()))
	}
	if w.options.HeaderName != "" {
		req.Header.Set(w.options.HeaderName, w.options.HeaderValue)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil // whatever else it goes on to say
	}
	// Not more is read of what is said at length, and the connection goes with the rest.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	err = fmt.Errorf("webhook: answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said := plain(string(answer), maxQuoted); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	if resp.StatusCode == http.StatusGone {
		return fmt.Errorf("%w: %w", err, ErrPermanent)
	}
	if s, no := strconv.Atoi(resp.Header.Get("Retry-After")); no == nil && s > 0 {
		return busy{err, min(time.Duration(min(s, 1<<20))*time.Second, maxBusy)}
	}
	return err
}

// withoutURL leaves the address out of an error: it may hold a token.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
