package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

const inboundFile = `cameras:
  gate:
    url: rtsp://192.0.2.10/main
    zones:
      door: {polygon: [[0, 0], [1, 0], [1, 1]], rules: [{kind: motion}]}
sites:
  arcade: {name: The arcade}
`

func TestInbound(t *testing.T) {
	cfg, err := Parse("vedette.yml", []byte(inboundFile+`inbound:
  front_door: {kind: access, secret: "${DOOR}", camera: gate, zone: door, type: intrusion, severity: high, topics: [door.forced], before: 20s, after: 0s, quiet: 0s, rate: 6}
  panel: {kind: webhook, auth: bearer, secret: 0123456789abcdef, site: arcade}
desk:
  attachments: {max_size: 2GiB}
`), func(string) (string, bool) { return "sixteen characters or more", true })
	if err != nil {
		t.Fatal(err)
	}
	want := []Inbound{
		{Name: "front_door", Kind: InboundAccess, Auth: AuthSignature, Secret: "sixteen characters or more", Camera: "gate", Zone: "door", Type: "intrusion",
			Severity: models.SeverityHigh, Topics: []string{"door.forced"}, Before: 20 * time.Second, Rate: 6},
		{Name: "panel", Kind: InboundWebhook, Auth: AuthBearer, Secret: "0123456789abcdef", Site: "arcade", Before: 10 * time.Second, After: 30 * time.Second,
			Quiet: time.Minute, Rate: 60},
	}
	if !slices.EqualFunc(cfg.Inbound, want, func(a, b Inbound) bool {
		same := slices.Equal(a.Topics, b.Topics)
		a.Topics, b.Topics = nil, nil
		return same && a.Name == b.Name && a.Kind == b.Kind && a.Auth == b.Auth && a.Secret == b.Secret && a.Camera == b.Camera && a.Zone == b.Zone &&
			a.Site == b.Site && a.Type == b.Type && a.Severity == b.Severity && a.Before == b.Before && a.After == b.After && a.Quiet == b.Quiet && a.Rate == b.Rate
	}) {
		t.Errorf("got %+v", cfg.Inbound)
	}
	if cfg.Desk.Attached != (Attached{MaxSize: 2 << 30, PerIncident: 200}) {
		t.Errorf("attachments %+v", cfg.Desk.Attached)
	}
}

func TestInboundMistakes(t *testing.T) {
	for name, c := range map[string]struct{ entry, want string }{
		"no secret":          {"{kind: access, camera: gate}", "secret is missing"},
		"short secret":       {"{kind: access, camera: gate, secret: hunter2}", "has fewer than 16 characters"},
		"no kind":            {"{camera: gate, secret: 0123456789abcdef}", "kind is missing"},
		"nowhere":            {"{kind: access, secret: 0123456789abcdef}", "is nowhere"},
		"misspelt camera":    {"{kind: access, secret: 0123456789abcdef, camera: gaet}", `there is no camera "gaet" (did you mean "gate"?)`},
		"no such zone":       {"{kind: access, secret: 0123456789abcdef, camera: gate, zone: roof}", `there is no zone "roof"`},
		"zone of nothing":    {"{kind: access, secret: 0123456789abcdef, site: arcade, zone: door}", "belongs to a camera"},
		"no such site":       {"{kind: access, secret: 0123456789abcdef, site: arcad}", `there is no site "arcad"`},
		"no such type":       {"{kind: access, secret: 0123456789abcdef, camera: gate, type: thefft}", `there is no type "thefft" (did you mean "theft"?)`},
		"unknown auth":       {"{kind: access, secret: 0123456789abcdef, camera: gate, auth: none}", "signature, bearer, url"},
		"blank topic":        {"{kind: access, secret: 0123456789abcdef, camera: gate, topics: [' ']}", "is blank"},
		"rate of nothing":    {"{kind: access, secret: 0123456789abcdef, camera: gate, rate: 0}", "from 1 to 6000"},
		"bad name of a door": {"{kind: access, secret: 0123456789abcdef, camera: gate}\n  a b: {}", "a b"},
	} {
		_, err := Parse("vedette.yml", []byte(inboundFile+"inbound:\n  door: "+c.entry+"\n"), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
