package notify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

func (p *postOffice) client(t *testing.T, change ...func(*MailOptions)) *Mail {
	t.Helper()
	o := MailOptions{Host: "127.0.0.1", Port: p.port(), Roots: p.roots, From: "vedette <vedette@example.org>", To: []string{"chief@example.org"},
		Hello: "desk.example.org", Now: func() time.Time { return day }}
	for _, f := range change {
		f(&o)
	}
	m, err := NewMail(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func message(kind models.NoticeKind) Message {
	return Message{ID: "id1", Channel: "chief", Notice: notice("id1", kind, models.SeverityHigh), Console: "https://desk.example.org"}
}

func TestMailSays(t *testing.T) {
	for _, tc := range []struct {
		name  string
		serve func(*postOffice)
		with  func(*MailOptions)
	}{
		{"starttls", func(*postOffice) {}, func(*MailOptions) {}},
		{"implicit", func(p *postOffice) { p.implicit = true }, func(o *MailOptions) { o.Security = ImplicitTLS }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPostOffice(t, tc.serve)
			c := p.client(t, tc.with, func(o *MailOptions) {
				o.User, o.Password = "desk", "pass word"
				o.Officers = func(user string) string { return map[string]string{"ben": "Ben <ben@example.org>"}[user] }
			})
			m := message(models.NoticeMissed)
			m.Notice.To = []string{"ben", "nobody", "ben"}
			m.Notice.Incident.Description = evil
			m.Notice.Incident.Zone = "door\r\nBcc: victim@example.org"
			m.Still = bytes.Repeat([]byte("\xff\xd8jpeg"), 100)
			if err := c.Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.to, []string{"chief@example.org", "ben@example.org"}) || p.clear || !slices.Equal(p.auth, []string{" desk pass word"}) {
				t.Errorf("to %v, auth %q, in the clear %v", p.to, p.auth, p.clear)
			}
			letter, err := netmail.ReadMessage(strings.NewReader(p.mails[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
			if err != nil || subject != "[vedette] Missed: acknowledge · #2411 loitering, high, north / gate / door Bcc: victim@example.org" {
				t.Errorf("subject %q (%v)", subject, err)
			}
			for name, want := range map[string]string{"Message-ID": "<id1@example.org>", "To": "<chief@example.org>", "From": `"vedette" <vedette@example.org>`,
				"Auto-Submitted": "auto-generated", "Bcc": "", "X-Vedette-Notice": "missed"} {
				if got := letter.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			parts := map[string]string{}
			read(t, letter.Header.Get("Content-Type"), letter.Body, parts)
			if text := parts["text/plain"]; !strings.Contains(text, "Deadline     acknowledge by 2026-11-22 23:42:00 UTC") || !strings.Contains(text, "https://desk.example.org/incidents/2026") || strings.Contains(text, "\nBcc") {
				t.Errorf("text:\n%s", text)
			}
			if page := parts["text/html"]; strings.Contains(page, "<script") || !strings.Contains(page, `src="cid:still.jpg"`) {
				t.Errorf("page:\n%s", page)
			}
			if parts["image/jpeg"] == "" {
				t.Error("no still")
			}
		})
	}
}

// read takes a mail apart, down to its leaves.
func read(t *testing.T, kind string, body io.Reader, into map[string]string) {
	t.Helper()
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(media, "multipart/") {
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		into[media] = strings.ReplaceAll(string(data), "\r\n", "\n")
		return
	}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		var content io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			content = quotedprintable.NewReader(part)
		}
		read(t, part.Header.Get("Content-Type"), content, into)
	}
}

func TestMailOutcomes(t *testing.T) {
	two := func(o *MailOptions) { o.To = []string{"chief@example.org", "deputy@example.org"} }
	for _, tc := range []struct {
		name  string
		serve func(*postOffice)
		with  func(*MailOptions)
		want  error  // ErrPermanent, ErrPartly, nil with says: tried again; nil without: delivered
		says  string // part of the error
		taken int
	}{
		{name: "hangs at the greeting", serve: func(p *postOffice) { p.hang = "greet" }, says: "in time"},
		{name: "hangs at EHLO", serve: func(p *postOffice) { p.hang = "EHLO" }, says: "in time"},
		{name: "hangs at STARTTLS", serve: func(p *postOffice) { p.hang = "STARTTLS" }, says: "in time"},
		{name: "hangs at MAIL", serve: func(p *postOffice) { p.hang = "MAIL" }, says: "in time"},
		{name: "hangs at RCPT", serve: func(p *postOffice) { p.hang = "RCPT" }, says: "in time"},
		{name: "hangs at DATA", serve: func(p *postOffice) { p.hang = "DATA" }, says: "in time"},
		{name: "hangs at the end of the mail", serve: func(p *postOffice) { p.hang = "." }, says: "in time"},
		{name: "hangs at the farewell, with the mail in its bag", serve: func(p *postOffice) { p.hang = "QUIT" }, taken: 1},
		{name: "hangs up at the greeting", serve: func(p *postOffice) { p.hangUp = "greet" }, says: "EOF"},
		{name: "hangs up at DATA", serve: func(p *postOffice) { p.hangUp = "DATA" }, says: "DATA"},
		{name: "hangs up at the end of the mail", serve: func(p *postOffice) { p.hangUp = "." }, says: "DATA"},
		{name: "not now", serve: func(p *postOffice) { p.answers["RCPT"] = "450 4.2.1 grey-listed" }, says: "grey-listed"},
		{name: "not now, at all", serve: func(p *postOffice) { p.answers["greet"] = "421 4.3.2 closing" }, says: "421"},
		{name: "no such mailbox", serve: func(p *postOffice) { p.answers["RCPT"] = "550 5.1.1 nobody of that name" }, want: ErrPermanent, says: "nobody of that name"},
		{name: "refused after DATA", serve: func(p *postOffice) { p.answers["."] = "554 5.7.1 spam" }, want: ErrPermanent, says: "spam"},
		{name: "one of two", serve: func(p *postOffice) { p.answers["RCPT deputy@example.org"] = "550 5.1.1 gone" }, with: two, want: ErrPartly, says: "gone", taken: 1},
		{name: "the first of two", serve: func(p *postOffice) { p.answers["RCPT chief@example.org"] = "550 5.1.1 gone" }, with: two, want: ErrPartly, says: "gone", taken: 1},
		{name: "a wrong password can be mended", serve: func(p *postOffice) { p.answers["AUTH"] = "535 5.7.8 no" },
			with: func(o *MailOptions) { o.User, o.Password = "desk", "geheim" }, says: "535"},
		{name: "offers no TLS", serve: func(p *postOffice) { p.noTLS = true }, with: func(o *MailOptions) { o.User, o.Password = "desk", "geheim" }, says: "STARTTLS"},
		{name: "an unknown authority", serve: func(*postOffice) {}, with: func(o *MailOptions) { o.Roots = nil }, says: "certificate"},
		{name: "nobody to tell", serve: func(*postOffice) {}, with: func(o *MailOptions) { o.To = nil }, want: ErrPermanent, says: "nobody to tell"},
		{name: "a relay without TLS", serve: func(p *postOffice) { p.noTLS = true }, with: func(o *MailOptions) { o.Security = Plaintext }, taken: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPostOffice(t, tc.serve)
			with := tc.with
			if with == nil {
				with = func(*MailOptions) {}
			}
			patience := 10 * time.Second
			if strings.HasPrefix(tc.name, "hangs at") {
				patience = 400 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			err := p.client(t, with).Deliver(ctx, message(models.NoticeOpened))
			if took := time.Since(began); took > patience+2*time.Second {
				t.Errorf("it took %v", took)
			}
			switch {
			case tc.says == "" && err != nil:
				t.Error(err)
			case tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("got %v, want %q", err, tc.says)
			}
			if errors.Is(err, ErrPermanent) != (tc.want == ErrPermanent) || errors.Is(err, ErrPartly) != (tc.want == ErrPartly) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.mails) != tc.taken || p.clear || err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("%d mails, in the clear %v, %v", len(p.mails), p.clear, err)
			}
		})
	}
}

// Who has got a mail does not get it again because another one's box was full.
func TestMailAgainOnlyToTheOthers(t *testing.T) {
	p := newPostOffice(t, func(p *postOffice) { p.answers["RCPT deputy@example.org"] = "452 4.2.2 full" })
	c := p.client(t, func(o *MailOptions) { o.To = []string{"chief@example.org", "deputy@example.org"} })
	if err := c.Deliver(t.Context(), message(models.NoticeOpened)); err == nil || errors.Is(err, ErrPermanent) {
		t.Fatalf("first: %v", err)
	}
	p.mu.Lock()
	delete(p.answers, "RCPT deputy@example.org")
	p.mu.Unlock()
	if err := c.Deliver(t.Context(), message(models.NoticeOpened)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.to, []string{"chief@example.org", "deputy@example.org"}) {
		t.Errorf("told %v", p.to)
	}
}

func TestMailOptions(t *testing.T) {
	good := MailOptions{Host: "m", From: "a@example.org", To: []string{"b@example.org"}}
	for name, change := range map[string]func(*MailOptions){
		"no sender":               func(o *MailOptions) { o.From = "" },
		"a sender and more":       func(o *MailOptions) { o.From = "a@example.org\r\nBcc: c@example.org" },
		"no address":              func(o *MailOptions) { o.To = []string{"nobody"} },
		"a password in the clear": func(o *MailOptions) { o.Security, o.User = Plaintext, "me" },
	} {
		o := good
		change(&o)
		if _, err := NewMail(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
