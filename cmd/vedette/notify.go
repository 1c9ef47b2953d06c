package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/notify"
	"github.com/vedette-cctv/vedette/people"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// notifier joins what tells people outside the console: the outbox beside the records, the
// workers that empty it, and the watcher of deadlines.
type notifier struct {
	outbox     *storage.Outbox
	dispatcher *notify.Dispatcher
	watcher    *notify.Watcher
	accounts   *people.Accounts
	log        *slog.Logger

	known map[string]known // owned by whoever applies configurations, one at a time
	marks int
}

// newNotifier is called before the index is used: from then on every change of a record
// is told of.
func newNotifier(s *service, index storage.Index, evidence storage.Evidence, accounts *people.Accounts) (*notifier, error) {
	n := &notifier{accounts: accounts, log: s.log, known: map[string]known{}}
	n.dispatcher = &notify.Dispatcher{Log: s.log, Place: time.Local,
		Groups: func(id models.CameraID) []string { return cameraGroups(s.current.Load(), id) },
		Still:  stills{index: index, evidence: evidence, custody: s.custody.Log.Record}.fetch}
	outbox, err := storage.NewOutbox(index, func(before *models.Incident, after models.Incident) []models.Dispatch {
		var all []models.Dispatch
		for _, notice := range incident.Occasions(before, after, time.Now()) {
			all = append(all, n.dispatcher.Route(notice)...)
		}
		return all
	})
	if err != nil {
		return nil, err
	}
	n.outbox, n.dispatcher.Outbox = outbox, outbox
	n.watcher = notify.NewWatcher(notify.Watcher{
		Records: index, Deadlines: outbox, Log: s.log,
		Longest: func() time.Duration { return s.desk().Longest() },
		Owed: func(in models.Incident, at time.Time) ([]models.Notice, bool, time.Time) {
			return s.desk().Owed(in, at)
		},
		Miss: incident.Overdue, Send: n.dispatcher.Send, Missed: s.publish,
	})
	outbox.Changed = func() {
		n.watcher.Kick()
		n.dispatcher.Kick()
	}
	return n, n.apply(s.cfg)
}

// apply puts the channels of a configuration in force. A channel whose certificate cannot
// be read any more leaves all as they are.
func (n *notifier) apply(cfg *config.Config) error {
	channels := make([]notify.Channel, len(cfg.Notify.Channels))
	for i, c := range cfg.Notify.Channels {
		var err error
		if channels[i], err = n.channel(c); err != nil {
			return fmt.Errorf("notify.channels.%s: %w", c.Name, err)
		}
	}
	n.dispatcher.Apply(cfg.Notify.ConsoleURL, channels)
	n.watcher.Kick() // warnings may come earlier now
	return nil
}

// channel makes a channel of its configuration.
func (n *notifier) channel(c config.Channel) (notify.Channel, error) {
	out := notify.Channel{Name: c.Name, Timeout: c.Timeout, Still: c.Still,
		Rate:  notify.Rate{Most: c.Rate.Most, Within: c.Rate.Within},
		Route: notify.Route{Kinds: c.Kinds, MinSeverity: c.MinSeverity, Groups: c.Groups, Schedule: c.Schedule},
		Mark:  n.mark(c)}
	if w := c.Webhook; w != nil {
		roots, err := authorities(w.CAFile)
		if err != nil {
			return out, err
		}
		out.Type, out.Target = "webhook", w.Host()
		out.Sender, err = notify.NewWebhook(notify.WebhookOptions{URL: w.URL.Reveal(), Secret: []byte(w.Secret.Reveal()), Roots: roots,
			HeaderName: w.Header.Name, HeaderValue: w.Header.Value.Reveal(), Agent: "vedette/" + version})
		return out, err
	}
	m := c.Mail
	roots, err := authorities(m.CAFile)
	if err != nil {
		return out, err
	}
	options := notify.MailOptions{Host: m.Host, Port: m.Port, Security: notify.Security(m.TLS), Roots: roots,
		User: m.User, Password: m.Password.Reveal(), From: m.From, To: m.To}
	if m.Officer {
		options.Officers = n.address
		out.Route.OnlyConcerned = len(m.To) == 0
	}
	out.Type, out.Target = "mail", reaches(m)
	out.Sender, err = notify.NewMail(options)
	return out, err
}

// known is a channel as it was configured last, and what it is called by the dispatcher:
// one that is configured as before goes on undisturbed.
type known struct {
	config.Channel
	mark string
}

func (n *notifier) mark(c config.Channel) string {
	if k, ok := n.known[c.Name]; ok && k.Same(c) {
		return k.mark
	}
	n.marks++
	n.known[c.Name] = known{c, strconv.Itoa(n.marks)}
	return n.known[c.Name].mark
}

// reaches says whom a mail channel tells.
func reaches(m *config.Mail) string {
	to := slices.Clone(m.To)
	if m.Officer {
		to = append(to, "the officer concerned")
	}
	if len(to) > 4 {
		to = append(to[:3:3], fmt.Sprintf("%d more", len(to)-3))
	}
	return strings.Join(to, ", ")
}

func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca_file holds no certificate")
	}
	return pool, nil
}

// address is where the mail of a user goes; empty when it is not known, or they may not
// log in any more.
func (n *notifier) address(user string) string {
	for _, o := range officers(n.accounts, n.log) {
		if o.User == user {
			return o.Email
		}
	}
	return ""
}

// check says which channels do not work, for /readyz.
func (n *notifier) check(context.Context) error {
	if failing := n.dispatcher.Failing(); len(failing) > 0 {
		return fmt.Errorf("channels that do not work: %s", strings.Join(failing, ", "))
	}
	return nil
}

// stills fetches the picture of an alarm for a notice, and notes in the custody log that it
// leaves the house. What cannot be logged is not sent.
type stills struct {
	index interface {
		Get(context.Context, models.IncidentID) (models.Incident, error)
	}
	evidence interface {
		Open(context.Context, models.Incident, models.ObjectRole) (storage.Reader, models.Object, error)
	}
	custody func(context.Context, models.Custody) error
}

// maxStill bounds a picture; ours are far smaller.
const maxStill = 4 << 20

func (s stills) fetch(ctx context.Context, n models.Notice, channel string) ([]byte, error) {
	in, err := s.index.Get(ctx, n.Incident.ID)
	if err != nil {
		return nil, err
	}
	r, object, err := s.evidence.Open(ctx, in, models.RoleStill)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxStill+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxStill {
		return nil, fmt.Errorf("still of %s: larger than %d bytes", in.ID, maxStill)
	}
	return data, s.custody(ctx, models.Custody{At: time.Now().UTC(), Who: incident.Program, Act: models.ActExported, Incident: in.ID,
		Camera: in.Camera, Objects: []models.Object{object}, Note: "still with a notice to channel " + channel})
}

// channels makes the notifier fit what the web asks of it.
type channels struct{ *notifier }

func (c channels) Channels(ctx context.Context) ([]web.Channel, uint64, error) {
	all, dropped, err := c.dispatcher.Status(ctx)
	out := make([]web.Channel, len(all))
	for i, s := range all {
		out[i] = web.Channel{Name: s.Name, Type: s.Type, Target: s.Target, Kinds: s.Kinds, MinSeverity: s.MinSeverity, Groups: s.Groups,
			Schedule: s.Schedule, Still: s.Still, RateMost: s.Rate.Most, RateWithin: s.Rate.Within, Waiting: s.Waiting, Delivered: s.Delivered,
			Failed: s.Failed, Errors: s.Errors, Failures: s.Failures, FailingSince: s.Since, LastError: s.LastError, LastSent: s.LastSent}
	}
	return out, dropped, err
}

func (c channels) Test(ctx context.Context, channel, who string) (models.Dispatch, error) {
	return c.dispatcher.Test(ctx, channel, who)
}

func (c channels) Deliveries(ctx context.Context, q storage.DeliveryQuery) (storage.DeliveryPage, error) {
	return c.outbox.Deliveries(ctx, q)
}
