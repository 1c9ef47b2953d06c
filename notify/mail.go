package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/vedette-cctv/vedette/models"
)

// Security is how the way to the mail server is kept from others.
type Security string

// The ways, from the one that is wanted to the one that is not.
const (
	StartTLS    Security = "starttls" // the server must offer it, or nothing is sent
	ImplicitTLS Security = "implicit" // TLS from the first byte (port 465)
	Plaintext   Security = "none"     // for a relay on this machine or in a closed network
)

// MailOptions say how mail leaves.
type MailOptions struct {
	Host string
	Port int
	// Security is StartTLS when empty.
	Security Security
	Roots    *x509.CertPool // nil: those of the system
	// User and Password log in; without a user nobody does. They are never sent without TLS.
	User, Password string
	From           string   // such as vedette <vedette@example.org>
	To             []string // fixed addresses
	// Officers, when set, gives the address of a user whom a notice concerns; empty when it
	// is not known.
	Officers func(user string) string
	// Hello is what this machine calls itself; empty: its host name.
	Hello string
	Now   func() time.Time
}

// Mail sends notices by e-mail, one mail to each address, so that one that is refused
// keeps nobody else from being told.
type Mail struct {
	options MailOptions
	from    *netmail.Address

	// sent remembers who has already got a message that has to be tried again for others.
	mu   sync.Mutex
	sent map[string]bool // by message and address
}

// maxSent bounds that memory. When it is full it is begun anew, and somebody may get a
// mail twice, with the same Message-ID.
const maxSent = 4096

// NewMail checks the addresses.
func NewMail(o MailOptions) (*Mail, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	for _, to := range o.To {
		if _, err := netmail.ParseAddress(to); err != nil {
			return nil, fmt.Errorf("mail: to: %w", err)
		}
	}
	if o.Security == "" {
		o.Security = StartTLS
	}
	if o.Security == Plaintext && o.User != "" {
		return nil, errors.New("mail: a password is not sent without TLS")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Mail{options: o, from: from, sent: map[string]bool{}}, nil
}

// Deliver sends a message to everybody whom it concerns.
func (c *Mail) Deliver(ctx context.Context, m Message) error {
	to := c.receivers(m)
	if len(to) == 0 {
		return fmt.Errorf("mail: nobody to tell: no fixed address, and none is known of %s: %w",
			plain(strings.Join(m.Notice.To, ", "), maxName), ErrPermanent)
	}
	waiting := slices.DeleteFunc(slices.Clone(to), func(address string) bool { return c.knows(m.ID, address) })
	var mails []*mail.Msg
	for _, address := range waiting {
		letter, err := c.letter(m, address)
		if err != nil {
			return fmt.Errorf("mail: %w: %w", ErrPermanent, err)
		}
		mails = append(mails, letter)
	}
	err := c.send(ctx, mails)
	var again, never []error
	for i, letter := range mails {
		switch {
		case letter.IsDelivered(): // also when the farewell went wrong
			c.remember(m.ID, waiting[i])
		case refused(letter):
			never = append(never, letter.SendError())
		default:
			again = append(again, errors.Join(letter.SendError(), err))
		}
	}
	switch {
	case len(again) > 0:
		return fmt.Errorf("mail: %w", again[0])
	case len(never) == len(to):
		return fmt.Errorf("mail: %w: %w", never[0], ErrPermanent)
	case len(never) > 0:
		return fmt.Errorf("mail: %w: %w", never[0], ErrPartly)
	}
	return nil
}

// receivers are the addresses of a message, each once.
func (c *Mail) receivers(m Message) []string {
	to := slices.Clone(c.options.To)
	if c.options.Officers != nil {
		users := slices.Clone(m.Notice.To)
		for _, n := range m.More {
			users = append(users, n.To...)
		}
		for _, u := range users {
			// An address of the accounts is not checked when it is written there.
			if parsed, err := netmail.ParseAddress(c.options.Officers(u)); err == nil {
				to = append(to, parsed.Address)
			}
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(to, func(address string) bool {
		twice := seen[strings.ToLower(address)]
		seen[strings.ToLower(address)] = true
		return twice
	})
}

func (c *Mail) knows(message, address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[message+" "+address]
}

func (c *Mail) remember(message, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sent) >= maxSent {
		clear(c.sent)
	}
	c.sent[message+" "+address] = true
}

// refused says that the server has refused a mail for good. What it says of this client,
// such as of its password, is not about the mail.
func refused(letter *mail.Msg) bool {
	var e *mail.SendError
	return errors.As(letter.SendError(), &e) && !e.IsTemp() && e.ErrorCode()/100 == 5
}

// send speaks to the server. Whatever stage it hangs at, the end of ctx closes the
// connection; the library's own limit is one for each answer.
func (c *Mail) send(ctx context.Context, mails []*mail.Msg) error {
	if len(mails) == 0 {
		return nil
	}
	o := c.options
	secure := &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12, RootCAs: o.Roots}
	var conn net.Conn
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		raw, err := (&net.Dialer{Timeout: 10 * time.Second, Control: refuseLinkLocal}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { raw.Close() })
		if conn = raw; o.Security == ImplicitTLS {
			return tls.Client(raw, secure), nil
		}
		return raw, nil
	}
	limit := time.Minute
	if at, ok := ctx.Deadline(); ok {
		limit = max(time.Until(at), 0) + time.Second // ctx comes first, and says so
	}
	options := []mail.Option{mail.WithPort(o.Port), mail.WithTLSConfig(secure), mail.WithTimeout(limit),
		mail.WithoutNoop(), mail.WithDialContextFunc(dial)}
	if o.Hello != "" {
		options = append(options, mail.WithHELO(o.Hello))
	}
	switch o.Security {
	case ImplicitTLS:
		options = append(options, mail.WithSSL())
	case Plaintext:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if o.User != "" {
		options = append(options, mail.WithUsername(o.User), mail.WithPassword(o.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	client, err := mail.NewClient(o.Host, options...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, mails...)
	if conn != nil {
		conn.Close() // the library leaves it open when the greeting goes wrong
	}
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("the server did not answer in time: %w", ctx.Err())
	}
	return err
}

// letter writes the mail to one address.
func (c *Mail) letter(m Message, to string) (*mail.Msg, error) {
	letter := mail.NewMsg(mail.WithEncoding(mail.EncodingQP))
	letter.FromMailAddress(c.from)
	if err := letter.EnvelopeFrom(c.from.Address); err != nil {
		return nil, err
	}
	if err := letter.To(to); err != nil {
		return nil, err
	}
	letter.Subject(m.subject())
	letter.SetDateWithValue(c.options.Now())
	// The same for a repeat, so that mailboxes can tell.
	_, domain, _ := strings.Cut(c.from.Address, "@")
	letter.SetMessageIDWithValue(m.ID + "@" + domain)
	letter.SetGenHeader("X-Vedette-Notice", string(m.kind()))
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday is answered
	if id := m.Notice.Incident.ID; id != "" && len(m.More) == 0 {
		// All mails of an incident in one thread.
		letter.SetGenHeader("References", "<"+thread(id)+"@"+domain+">")
	}
	if s := m.Notice.Incident.Severity; s == models.SeverityCritical || m.Notice.Kind == models.NoticeMissed {
		letter.SetImportance(mail.ImportanceHigh)
	}
	text, page, err := m.pages()
	if err != nil {
		return nil, err
	}
	letter.SetBodyString(mail.TypeTextPlain, text)
	letter.AddAlternativeString(mail.TypeTextHTML, page)
	if m.Still != nil {
		letter.EmbedReadSeeker(stillName, newReader(m.Still), mail.WithFileContentID(stillName), mail.WithFileContentType("image/jpeg"))
	}
	return letter, nil
}
