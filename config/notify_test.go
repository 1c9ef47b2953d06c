package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

const hook = "notify: {channels: {pager: {webhook: {url: https://hooks.example.org/in?token=geheim}}}}\n"

func TestNotify(t *testing.T) {
	cfg := parse(t, `groups: {depot: [gate]}
notify:
  console_url: https://desk.example.org/
  channels:
    pager:
      webhook: {url: https://hooks.example.org/in?token=geheim, secret: 0123456789abcdef, header: {name: X-Api-Key, value: geheim}}
      kinds: [missed, escalated]
      min_severity: high
      groups: [depot]
      schedule: [{from: "22:00", to: "06:00", time_zone: Europe/Vienna}]
      rate: {most: 5, within: 1m}
      timeout: 5s
      still: true
    chief:
      mail: {host: mail.example.org, from: vedette <vedette@example.org>, to: [chief@example.org], user: desk, password: geheim}
    relay:
      mail: {host: 127.0.0.1, tls: none, from: vedette@example.org, officer: true}
    secure:
      mail: {host: mail.example.org, tls: implicit, from: vedette@example.org, officer: true}
`+camera())
	n := cfg.Notify
	if n.ConsoleURL != "https://desk.example.org" || len(n.Channels) != 4 {
		t.Fatalf("notify %+v", n)
	}
	pager, chief, relay := n.Channels[0], n.Channels[1], n.Channels[2]
	if pager.Webhook == nil || pager.Webhook.Host() != "hooks.example.org" || pager.Webhook.Header.Value.Reveal() != "geheim" ||
		pager.MinSeverity != models.SeverityHigh || pager.Timeout != 5*time.Second || !pager.Still || len(pager.Schedule) != 1 {
		t.Errorf("pager %+v", pager)
	}
	same(t, pager.Kinds, []models.NoticeKind{models.NoticeMissed, models.NoticeEscalated})
	same(t, pager.Rate, config.NotifyRate{Most: 5, Within: time.Minute})
	if chief.Mail.Port != 587 || relay.Mail.Port != 25 || n.Channels[3].Mail.Port != 465 || chief.Mail.Password.Reveal() != "geheim" {
		t.Errorf("chief %+v, relay %+v", chief.Mail, relay.Mail)
	}
	same(t, chief.Rate, config.NotifyRate{Most: 20, Within: 10 * time.Minute})
	if chief.Timeout != 20*time.Second || chief.MinSeverity != models.SeverityLow || chief.Still {
		t.Errorf("defaults %+v", chief)
	}
	for _, shown := range []string{fmt.Sprintf("%+v", *pager.Webhook), fmt.Sprintf("%v", pager.Webhook.Header), fmt.Sprintf("%+v", *chief.Mail), fmt.Sprint(cfg)} {
		if strings.Contains(shown, "geheim") {
			t.Errorf("a secret is shown: %s", shown)
		}
	}
	redacted, err := config.Redacted([]byte(hook + camera()))
	if err != nil || strings.Contains(string(redacted), "geheim") {
		t.Errorf("redacted:\n%s (%v)", redacted, err)
	}
	if keys := cfg.NeedsRestart(parse(t, camera())); len(keys) != 0 {
		t.Errorf("needs a restart: %v", keys)
	}
	if !pager.Same(pager) || pager.Same(chief) {
		t.Error("channels are not told apart")
	}
}

func TestNotifyMistakes(t *testing.T) {
	channel := func(inside string) string { return "notify: {channels: {a: {" + inside + "}}}" }
	mail := func(inside string) string {
		return channel("mail: {host: mail.example.org, from: a@example.org, " + inside + "}")
	}
	for source, want := range map[string]string{
		"notify: {console_url: desk.example.org}":               "notify.console_url",
		"notify: {console_url: https://me:pw@desk.example.org}": "notify.console_url",
		"notify: {channels: {a: {}}}":                           "needs one of webhook and mail",
		channel("kinds: [opened]"):                              "needs one of webhook and mail",
		channel("webhook: {url: https://a.example.org}, mail: {host: m, from: a@example.org, officer: true}"): "only one of webhook and mail",
		channel("webhook: {}"):                                                                        "url is missing",
		channel("webhook: {url: ftp://a.example.org}"):                                                "https:// or http://",
		channel("webhook: {url: https:///path}"):                                                      "names no host",
		channel("webhook: {url: https://a.example.org, secret: short}"):                               "shorter than 16",
		channel("webhook: {url: http://a.example.org, ca_file: none.pem}"):                            "ca_file",
		channel("webhook: {url: https://a.example.org, header: {name: Host, value: x}}"):              "set by vedette itself",
		channel("webhook: {url: https://a.example.org, header: {name: \"a b\", value: x}}"):           "the name of a header",
		channel("webhook: {url: https://a.example.org, header: {name: X-A, value: \"a\\r\\nB: c\"}}"): "control character",
		channel("webhook: {url: https://a.example.org}, kinds: [open]"):                               `did you mean "opened"`,
		channel("webhook: {url: https://a.example.org}, kinds: [test]"):                               "kinds[0]",
		channel("webhook: {url: https://a.example.org}, groups: [depot]"):                             "there is no camera group",
		channel("webhook: {url: https://a.example.org}, rate: {most: -1}"):                            "rate.most",
		channel("webhook: {url: https://a.example.org}, timeout: 10m"):                                "timeout",
		mail("to: [nobody]"): "to[0]",
		mail("to: [\"a@example.org\\r\\nBcc: b@example.org\"]"): "to[0]",
		mail("port: 25"):                                             "tells nobody",
		mail("officer: true, user: me"):                              "user needs password",
		mail("officer: true, password: geheim"):                      "password needs user",
		mail("officer: true, user: me, password: geheim, tls: none"): "in the clear",
		mail("officer: true, tls: ssl"):                              "starttls, implicit, none",
		channel("mail: {host: \"mail.example.org:587\", from: a@example.org, officer: true}"): "without a port",
	} {
		ms := mistakes(t, source+"\n"+camera())
		if len(ms) != 1 || !strings.Contains(ms[0].Error(), want) || ms[0].Line == 0 {
			t.Errorf("%s:\n%v, want one about %s", source, ms, want)
		}
		if strings.Contains(fmt.Sprint(ms), "geheim") {
			t.Errorf("%s: a secret is shown: %v", source, ms)
		}
	}
}
