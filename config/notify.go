package config

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Notify is how people outside the console are told.
type Notify struct {
	// ConsoleURL is the address of the console as those people reach it, without a slash at
	// the end; empty: messages hold no links.
	ConsoleURL string
	Channels   []Channel // in the file's order
}

// Channel is a way to tell people, and what they are told by it. Exactly one of Webhook and
// Mail is set.
type Channel struct {
	Name        string
	Webhook     *Webhook
	Mail        *Mail
	Kinds       []models.NoticeKind // empty: all
	MinSeverity models.Severity
	Groups      []string // empty: all cameras
	Schedule    []models.Schedule
	Rate        NotifyRate
	Timeout     time.Duration // of one delivery
	Still       bool          // the picture of the alarm goes along
}

// NotifyRate bounds the single messages of a channel; the rest is summed up.
type NotifyRate struct {
	Most   int // 0: no bound
	Within time.Duration
}

// Webhook is a receiver of JSON over HTTP.
type Webhook struct {
	URL    Secret // may hold a token
	Secret Secret // signs; empty: requests are not signed
	CAFile string // PEM file of the authority that signed the receiver's certificate, or empty
	Header Header
}

// Header is a header that a receiver asks for.
type Header struct {
	Name  string
	Value Secret
}

// Host is the receiver without path, query and credentials.
func (w Webhook) Host() string {
	u, err := url.Parse(w.URL.Reveal())
	if err != nil {
		return ""
	}
	return u.Host
}

// Mail is a mail server and whom it brings mail.
type Mail struct {
	Host     string
	Port     int
	TLS      string // StartTLS, ImplicitTLS or NoTLS
	CAFile   string // PEM file of the authority that signed the server's certificate, or empty
	User     string
	Password Secret
	From     string
	To       []string
	Officer  bool // the officer whom a notice concerns is told too
}

// The ways to a mail server.
const (
	StartTLS    = "starttls"
	ImplicitTLS = "implicit"
	NoTLS       = "none"
)

// Format prints the receiver without its secrets.
func (w Webhook) Format(f fmt.State, _ rune) {
	type plain Webhook
	_, _ = fmt.Fprintf(f, "%+v", plain(w))
}

// Format prints the header without its secret.
func (h Header) Format(f fmt.State, _ rune) {
	type plain Header
	_, _ = fmt.Fprintf(f, "%+v", plain(h))
}

// Format prints the mail server without its secrets.
func (m Mail) Format(f fmt.State, _ rune) {
	type plain Mail
	_, _ = fmt.Fprintf(f, "%+v", plain(m))
}

// Same says whether two channels are configured alike.
func (c Channel) Same(o Channel) bool { return reflect.DeepEqual(c, o) }

// maxChannels and maxAddresses bound what one file can ask for.
const (
	maxChannels  = 32
	maxAddresses = 50
)

func notifyObject() object[Notify] {
	return object[Notify]{keys: []key[Notify]{
		field("console_url", "Address of the console as the people who are told reach it, for the links in messages. Without it there are none.",
			text(regexp.MustCompile(`^https?://[^\s/@?#]+(/[^\s?#]*)?$`), "an address such as https://desk.example.org"),
			func(n *Notify) *string { return &n.ConsoleURL }),
		field("channels", "The ways to tell people, by name.",
			named(channelObject().shape(), maxChannels, "channel",
				func(d *decoder) Channel {
					var c Channel
					channelObject().shape().fill(d, &c)
					return c
				},
				func(c *Channel, name string) { c.Name = name }),
			func(n *Notify) *[]Channel { return &n.Channels }),
	}, check: func(_ *decoder, _ value, _ string, n *Notify) { n.ConsoleURL = strings.TrimRight(n.ConsoleURL, "/") }}
}

func channelObject() object[Channel] {
	kinds := list(oneOf(models.NoticeOpened, models.NoticeDue, models.NoticeMissed, models.NoticeAssigned, models.NoticeEscalated), 1, 5)
	return object[Channel]{
		keys: []key[Channel]{
			field("webhook", "A receiver of JSON over HTTP. A channel has one of webhook and mail.",
				pointed(webhookObject().shape()), func(c *Channel) **Webhook { return &c.Webhook }),
			field("mail", "A mail server, and whom it brings mail.",
				pointed(mailObject().shape()), func(c *Channel) **Mail { return &c.Mail }),
			field("kinds", "What the channel is told: opened (an incident), due (a deadline is about to be missed), missed (it was), assigned, escalated.",
				kinds, func(c *Channel) *[]models.NoticeKind { return &c.Kinds }).orElse("all of them"),
			field("min_severity", "Incidents that are less severe are not told.",
				oneOf(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical),
				func(c *Channel) *models.Severity { return &c.MinSeverity }).or("low"),
			field("groups", "Camera groups whose incidents are told.",
				list(nameOf[string]("camera group"), 1, maxGroups), func(c *Channel) *[]string { return &c.Groups }).orElse("all cameras"),
			field("schedule", "When the channel is told. What happens outside of it is not told later: it stays in the console.",
				schedules(), func(c *Channel) *[]models.Schedule { return &c.Schedule }).orElse("always"),
			field("rate", "How many single messages go out; what comes beyond them is summed up in one message each tenth of within.",
				object[NotifyRate]{keys: []key[NotifyRate]{
					field("most", "Single messages within that time, at most; 0 is no bound.",
						count(0, 10_000), func(r *NotifyRate) *int { return &r.Most }).or(20),
					field("within", "That time.",
						duration(10*time.Second, 24*time.Hour), func(r *NotifyRate) *time.Duration { return &r.Within }).or("10m"),
				}}.shape(), func(c *Channel) *NotifyRate { return &c.Rate }),
			field("timeout", "How long one delivery may take before it counts as gone wrong and is tried again.",
				duration(time.Second, 2*time.Minute), func(c *Channel) *time.Duration { return &c.Timeout }).or("20s"),
			field("still", "Send the picture of the alarm along. It shows people: whoever gets it has footage in hand.",
				onOff(), func(c *Channel) *bool { return &c.Still }).or(false),
		},
		check: func(d *decoder, v value, path string, c *Channel) {
			switch {
			case v.form != formMapping:
			case c.Webhook == nil && c.Mail == nil && !v.has("webhook") && !v.has("mail"):
				d.mistake(v.owner, path, "", "needs one of webhook and mail")
			case v.has("webhook") && v.has("mail"):
				d.mistake(v.get("mail").owner, path, "make two channels of it", "only one of webhook and mail may be given")
			}
		},
	}
}

func webhookObject() object[Webhook] {
	return object[Webhook]{
		keys: []key[Webhook]{
			field("url", "Where notices are posted. Redirects are not followed.",
				confidential("http:// or https:// URL", `^https?://|\$\{`, joinURL, checkHookURL), func(w *Webhook) *Secret { return &w.URL }).must(),
			field("secret", "Signs each request (HMAC-SHA-256), so that the receiver knows who sent it. At least 16 characters.",
				confidential("secret", "", nil, checkHookSecret), func(w *Webhook) *Secret { return &w.Secret }).orElse("requests are not signed"),
			field("ca_file", "PEM file of the authority that signed the receiver's certificate, where the system does not know it.",
				certificates(), func(w *Webhook) *string { return &w.CAFile }),
			field("header", "A header that the receiver asks for.",
				object[Header]{keys: []key[Header]{
					field("name", "Its name.", text(regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`), "the name of a header, such as X-Api-Key"),
						func(h *Header) *string { return &h.Name }).must(),
					field("value", "Its value.", confidential("secret", "", nil, checkHeaderValue), func(h *Header) *Secret { return &h.Value }).must(),
				}, check: checkHeader}.shape(), func(w *Webhook) *Header { return &w.Header }),
		},
		check: func(d *decoder, v value, path string, w *Webhook) {
			if held := v.get("ca_file"); held.form != formAbsent && strings.HasPrefix(w.URL.Reveal(), "http:") && !d.wrongIn(join(path, "ca_file")) {
				d.mistake(held.owner, join(path, "ca_file"), "", "means nothing without an https:// URL")
			}
		},
	}
}

func checkHookURL(s string) (message, hint string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsAny(s, " \t\r\n"):
		return "not a URL", encodeHint
	case u.Scheme != "http" && u.Scheme != "https":
		return "want a URL that begins with https:// or http://", ""
	case u.Hostname() == "":
		return "the URL names no host", ""
	case strings.Contains(s, "#"):
		return "the URL of a receiver has no part after #", encodeHint
	}
	return "", ""
}

func checkHookSecret(s string) (message, hint string) {
	if len(s) < 16 {
		return "is shorter than 16 characters, which somebody can guess", "openssl rand -hex 32 makes a good one"
	}
	return "", ""
}

func checkHeaderValue(s string) (message, hint string) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "holds a line end or another control character, which a header cannot", ""
	}
	return "", ""
}

// ownHeaders are set by vedette itself, or by HTTP.
var ownHeaders = []string{"content-type", "content-length", "host", "user-agent", "transfer-encoding", "connection",
	"idempotency-key", "vedette-signature", "vedette-notice"}

func checkHeader(d *decoder, v value, path string, h *Header) {
	if slices.Contains(ownHeaders, strings.ToLower(h.Name)) {
		d.mistake(v.get("name").place, join(path, "name"), "", "%s is set by vedette itself", quoted(h.Name))
	}
}

func mailObject() object[Mail] {
	return object[Mail]{
		keys: []key[Mail]{
			field("host", "Name or address of the mail server.",
				text(regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$|^[0-9A-Fa-f:]{2,39}$`), "the name of a mail server, without a port"),
				func(m *Mail) *string { return &m.Host }).must(),
			field("port", "Its port.", count(1, 65535), func(m *Mail) *int { return &m.Port }).orElse("587; 465 with tls: implicit; 25 with tls: none"),
			field("tls", "starttls: the server must offer it, or nothing is sent. implicit: TLS from the first byte. none: for a relay on this machine or in a closed network.",
				oneOf(StartTLS, ImplicitTLS, NoTLS), func(m *Mail) *string { return &m.TLS }).or(StartTLS),
			field("ca_file", "PEM file of the authority that signed the server's certificate, where the system does not know it.",
				certificates(), func(m *Mail) *string { return &m.CAFile }),
			field("user", "User name to log in with.", text(regexp.MustCompile(`^\S(.{0,253}\S)?$`), "a user name"), func(m *Mail) *string { return &m.User }).
				orElse("nobody logs in"),
			field("password", "Password of that user.", secret(), func(m *Mail) *Secret { return &m.Password }),
			field("from", "Sender, such as vedette <vedette@example.org>.", mailAddress(), func(m *Mail) *string { return &m.From }).must(),
			field("to", "Addresses that are always told.", list(mailAddress(), 1, maxAddresses), func(m *Mail) *[]string { return &m.To }).orElse("nobody"),
			field("officer", "Tell the officer whom a notice concerns, by the address of the account.",
				onOff(), func(m *Mail) *bool { return &m.Officer }).or(false),
		},
		check: checkMail,
	}
}

// mailAddress is an address as mail has it, with or without a name (RFC 5322).
func mailAddress() shape[string] {
	const what = "a mail address such as desk@example.org"
	return scalar("mail address", what, map[string]any{"type": "string", "pattern": `^[^\r\n]+@[^\r\n]+$`},
		func(d *decoder, v value, path string, into *string) {
			if v.form != formText {
				d.want(v, path, what, `put it in "quotes"`)
				return
			}
			if a, err := mail.ParseAddress(v.text); err != nil || len(v.text) > 320 || strings.ContainsAny(a.Name+a.Address, "\r\n") {
				d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
				return
			}
			*into = v.text
		})
}

func checkMail(d *decoder, v value, path string, m *Mail) {
	if m.Port == 0 {
		m.Port = map[string]int{StartTLS: 587, ImplicitTLS: 465, NoTLS: 25}[m.TLS]
	}
	if len(m.To) == 0 && !m.Officer && !v.has("to") && !v.has("officer") && len(v.entries) > 0 {
		d.mistake(v.owner, path, "give to, or officer: true", "tells nobody")
	}
	user, password := v.get("user"), v.get("password")
	switch {
	case user.form != formAbsent && password.form == formAbsent:
		d.mistake(user.owner, join(path, "user"), "", "user needs password")
	case password.form != formAbsent && user.form == formAbsent:
		d.mistake(password.owner, join(path, "password"), "", "password needs user")
	case password.form != formAbsent && m.TLS == NoTLS:
		d.mistake(password.owner, join(path, "password"), "use starttls or implicit", "would cross the network in the clear with tls: none")
	}
	if held := v.get("ca_file"); held.form != formAbsent && m.TLS == NoTLS {
		d.mistake(held.owner, join(path, "ca_file"), "", "contradicts tls: none")
	}
	if a := v.get("host"); net.ParseIP(m.Host) == nil && strings.Contains(m.Host, ":") {
		d.mistake(a.place, join(path, "host"), "write the port as port: "+afterColon(m.Host), "want the name of a mail server, without a port")
	}
}

func afterColon(s string) string {
	_, port, _ := strings.Cut(s, ":")
	if _, err := strconv.Atoi(port); err != nil {
		return "587"
	}
	return port
}

// checkNotify looks for camera groups that there are not.
func checkNotify(d *decoder, v value, f *file) {
	names := make([]string, len(f.Groups))
	for i, g := range f.Groups {
		names[i] = g.Name
	}
	for _, c := range f.Notify.Channels {
		path := join(join("notify", "channels"), c.Name)
		checkNames(d, v.get("notify").get("channels").get(c.Name).get("groups"), join(path, "groups"), "camera group", c.Groups, names)
	}
}
