package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
)

// A file that says nothing of the desk has one all the same.
func TestDeskHasADefault(t *testing.T) {
	p := parse(t, camera()).Policy()
	if len(p.Types) != 14 || len(p.Outcomes) == 0 || len(p.Waits) != 3 || p.Matrix.Severity(5, 5) != models.SeverityCritical || p.Matrix.Severity(1, 1) != models.SeverityLow {
		t.Errorf("got %+v", p)
	}
	same(t, p.Levels, map[models.Severity]models.Level{
		"critical": {Acknowledge: time.Minute, Respond: 5 * time.Minute, Resolve: 4 * time.Hour, Warn: 20 * time.Second},
		"high":     {Acknowledge: 2 * time.Minute, Respond: 10 * time.Minute, Resolve: 8 * time.Hour, Warn: time.Minute},
		"medium":   {Acknowledge: 10 * time.Minute, Respond: 30 * time.Minute, Resolve: 24 * time.Hour, Warn: 5 * time.Minute},
		"low":      {Acknowledge: time.Hour, Resolve: 72 * time.Hour, Warn: 15 * time.Minute},
	})
	for _, kind := range p.Types {
		var stages []string
		for _, s := range kind.Checklist {
			stages = append(stages, s.Stage)
		}
		if got := slices.Compact(stages); !slices.Equal(got, []string{"assess", "alert", "secure", "document", "debrief"}) {
			t.Errorf("%s: its procedure goes %v", kind.ID, got)
		}
	}
	same(t, p.Places["gate"], models.Place{})
}

func TestDesk(t *testing.T) {
	cfg := parse(t, `
sites:
  shop: {name: The shop, position: [48.2, 16.37], time_zone: Europe/Vienna}
  yard:
cameras:
  gate: {url: rtsp://192.0.2.10/main, site: yard, position: [-1, 180], zones: {door: }}
  till: {url: rtsp://192.0.2.11/main}
defaults: {site: shop}
groups:
  inside: [till]
  nothing:
desk:
  matrix: [[low, low, low, low, low], [low, low, low, low, low], [low, low, low, low, low], [low, low, low, low, low], [low, low, low, low, critical]]
  presets:
    night: {kinds: [loitering, reported], cameras: [gate], zones: [door], labels: [person], severity: high, type: own, tags: [a b], schedule: [{from: "22:00", to: "06:00", time_zone: UTC}]}
  levels:
    high: {respond: 0, resolve: 9h, schedule: [{days: [weekdays], time_zone: UTC}]}
    low:
  types:
    theft: {name: Stealing, skills: [k9]}
    own:
    loss: {enabled: false}
  outcomes: [done]
  waits:
    police: {pauses: []}
    parts: {enabled: false}
    lift: {name: The lift}
`)
	p := cfg.Policy()
	same(t, p.Sites, []models.Site{{ID: "shop", Name: "The shop", Position: &models.Position{Lat: 48.2, Lon: 16.37}, TimeZone: "Europe/Vienna"},
		{ID: "yard", Name: "yard"}})
	same(t, p.Places, map[models.CameraID]models.Place{"gate": {Site: "yard", Position: &models.Position{Lat: -1, Lon: 180}}, "till": {Site: "shop"}})
	same(t, p.Groups, map[string][]models.CameraID{"inside": {"till"}, "nothing": {}})
	same(t, p.Presets, []models.Preset{{Name: "night", Kinds: []models.Kind{"loitering", "reported"}, Cameras: []models.CameraID{"gate"}, Zones: []models.ZoneID{"door"},
		Labels: []string{"person"}, Severity: "high", Type: "own", Tags: []string{"a b"},
		Schedule: []models.Schedule{{From: 22 * time.Hour, To: 6 * time.Hour, TimeZone: "UTC", Location: time.UTC}}}})
	if l := p.Levels["high"]; l.Acknowledge != 2*time.Minute || l.Respond != 0 || l.Resolve != 9*time.Hour || len(l.Hours) != 1 || p.Levels["low"].Resolve != 72*time.Hour {
		t.Errorf("levels: %+v", p.Levels)
	}
	ids := make([]string, len(p.Types))
	for i, kind := range p.Types {
		ids[i] = kind.ID
	}
	if len(ids) != 14 || ids[0] != "theft" || ids[13] != "own" || slices.Contains(ids, "loss") {
		t.Errorf("types %v", ids)
	}
	if theft := p.Types[0]; theft.Name != "Stealing" || !slices.Equal(theft.Skills, []string{"k9"}) || len(theft.Subs) == 0 || len(theft.Checklist) < 6 {
		t.Errorf("theft changes value by value: %+v", theft)
	}
	if own := p.Types[13]; own.Name != "own" || len(own.Checklist) != 5 || !slices.Equal(own.Required, []string{"type", "outcome"}) {
		t.Errorf("own: %+v", own)
	}
	same(t, p.Outcomes, []string{"done"})
	same(t, p.Waits, []models.Wait{{ID: "police", Name: "Police"}, {ID: "owner", Name: "Owner or tenant", Pauses: []models.Promise{"resolve"}},
		{ID: "lift", Name: "The lift", Pauses: []models.Promise{"resolve"}}})
	// What the desk is told takes effect at once, and moves no camera.
	if keys := cfg.NeedsRestart(parse(t, camera())); keys != nil {
		t.Errorf("needs a restart: %v", keys)
	}
	if !parse(t, camera("position: [1, 2]")).Cameras[0].SameStream(parse(t, camera()).Cameras[0]) {
		t.Error("a camera restarts because somebody said where it is")
	}
}

func TestDeskMistakes(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []string
	}{
		{"no such site", "sites: {shop: }\n" + camera("site: shoop"), []string{`5:11: cameras.gate.site: there is no site "shoop" (did you mean "shop"?)`}},
		{"no such site in defaults", "defaults: {site: moon}\n" + camera(), []string{`1:18: defaults.site: there is no site "moon" (name it under sites)`}},
		{"no such camera in a group", camera() + "groups: {a: [gate, gat]}\n", []string{`4:20: groups.a[1]: there is no camera "gat" (did you mean "gate"?)`}},
		{"camera twice in a group", camera() + "groups: {a: [gate, gate]}\n", []string{`4:20: groups.a[1]: "gate" is named twice`}},
		{"site without a name for it", "sites: {a: {time_zone: Vienna}}\n" + camera(),
			[]string{`1:24: sites.a.time_zone: want the name of a time zone such as Europe/Vienna or UTC, got "Vienna" (names are those of the IANA time zone database: Continent/City)`}},
		{"position in another order", camera("position: [148.2, 16]"),
			[]string{`4:16: cameras.gate.position[0]: want a latitude from -90 to 90, got 148.2 (the latitude comes first)`}},
		{"half a position", camera("position: [48.2]"), []string{`4:15: cameras.gate.position: want exactly 2 entries, got 1`}},
		{"position in defaults", "defaults: {position: [1, 2]}\n" + camera(),
			[]string{`1:12: defaults: unknown key "position" (it belongs to each camera, not to defaults)`}},
		{"unknown type in a preset", camera() + "desk: {presets: {a: {type: thef}}}\n",
			[]string{`4:28: desk.presets.a.type: there is no type "thef" (did you mean "theft"?)`}},
		{"a type that was taken away", camera() + "desk: {types: {loss: {enabled: false}}, presets: {a: {type: loss}}}\n",
			[]string{`4:61: desk.presets.a.type: there is no type "loss" (name it under desk.types)`}},
		{"unknown zone in a preset", camera() + "desk: {presets: {a: {zones: [door], severity: low}}}\n",
			[]string{`4:30: desk.presets.a.zones[0]: there is no zone "door"`}},
		{"unknown camera in a preset", camera() + "desk: {presets: {a: {cameras: [yard], severity: low}}}\n",
			[]string{`4:32: desk.presets.a.cameras[0]: there is no camera "yard"`}},
		{"unknown label in a preset", camera() + "desk: {presets: {a: {labels: [persn], severity: low}}}\n",
			[]string{`4:31: desk.presets.a.labels[0]: the weights know no class "persn" (did you mean "person"?)`}},
		{"preset that sets nothing", camera() + "desk:\n  presets:\n    a: {kinds: [motion]}\n",
			[]string{`6:5: desk.presets.a: sets nothing (give severity, type or tags)`}},
		{"four rows", camera() + "desk: {matrix: [[low, low, low, low, low]]}\n", []string{`4:16: desk.matrix: want exactly 5 entries, got 1`}},
		{"word that is no severity", camera() + "desk: {matrix: [[low, low, low, low, lo], [low, low, low, low, low], [low, low, low, low, low], [low, low, low, low, low], [low, low, low, low, low]]}\n",
			[]string{`4:38: desk.matrix[0][4]: want one of low, medium, high, critical, got "lo" (did you mean "low"?)`}},
		{"matrix that falls", camera() + "desk: {matrix: [[low, low, low, low, high], [low, low, low, low, medium], [low, low, low, low, high], [low, low, low, low, high], [low, low, low, low, high]]}\n",
			[]string{`4:66: desk.matrix[1][4]: is less severe than with less impact or likelihood`}},
		{"promises in another order", camera() + "desk: {levels: {high: {acknowledge: 1h, respond: 5m}}}\n",
			[]string{`4:50: desk.levels.high.respond: respond: 5m is sooner than acknowledge: 1h, which comes before it`}},
		{"promise against a default", camera() + "desk: {levels: {high: {acknowledge: 1h}}}\n",
			[]string{`4:37: desk.levels.high.acknowledge: respond: 10m is sooner than acknowledge: 1h, which comes before it`}},
		{"unknown severity", camera() + "desk: {levels: {urgent: {}}}\n", []string{`4:17: desk.levels: unknown key "urgent"`}},
		{"unknown stage", camera() + "desk: {types: {a: {checklist: [{stage: think, text: x}]}}}\n",
			[]string{`4:40: desk.types.a.checklist[0].stage: want one of assess, alert, secure, document, debrief, got "think"`}},
		{"unknown field", camera() + "desk: {types: {a: {required: [money]}}}\n",
			[]string{`4:31: desk.types.a.required[0]: want one of description, type, judgement, outcome, assessment, recovery, loss, police, subject, statement, effort, tasks, got "money"`}},
		{"skill with a capital", camera() + "desk: {types: {a: {skills: [K9]}}}\n",
			[]string{`4:29: desk.types.a.skills[0]: want a word of lower-case letters, digits, - and _, got "K9"`}},
		{"unknown promise", camera() + "desk: {waits: {a: {pauses: [answer]}}}\n",
			[]string{`4:29: desk.waits.a.pauses[0]: want one of acknowledge, respond, resolve, got "answer"`}},
		{"no outcome", camera() + "desk: {outcomes: []}\n", []string{`4:18: desk.outcomes: want 1 to 64 entries, got 0`}},
	} {
		got := lines(mistakes(t, c.source))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}

func TestDeskSample(t *testing.T) {
	t.Setenv("CAMERA_PASSWORD", "a")
	cfg, err := config.Load("../configs/desk.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Policy()
	if len(p.Sites) != 2 || len(p.Presets) != 2 || p.Places["window"].Site != "arcade" || len(p.Groups["depot"]) != 1 || len(p.Types) != 14 {
		t.Errorf("got %+v", p)
	}
}
