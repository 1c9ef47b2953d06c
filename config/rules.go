package config

import (
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ruleDefaults is what a rule of each kind holds when the file says nothing. Loitering has
// no default dwell: it is what the rule is about.
func ruleDefaults(kind models.Kind) (models.Rule, bool) {
	switch kind {
	case models.KindLoitering:
		return models.Rule{Kind: kind, Severity: models.SeverityMedium, Grace: 3 * time.Second}, true
	case models.KindMotion:
		return models.Rule{Kind: kind, Severity: models.SeverityLow, Dwell: 500 * time.Millisecond,
			Grace: 2 * time.Second, Merge: 5 * time.Second}, true
	}
	return models.Rule{}, false
}

func kinds() []models.Kind { return []models.Kind{models.KindMotion, models.KindLoitering} }

// byKind describes a default that differs between kinds.
func byKind(of func(models.Rule) string) string {
	var parts []string
	for _, kind := range kinds() {
		rule, _ := ruleDefaults(kind)
		parts = append(parts, of(rule)+" for "+string(kind))
	}
	return strings.Join(parts, ", ")
}

func zones() shape[[]models.Zone] {
	zone := object[models.Zone]{keys: []key[models.Zone]{
		field("polygon", "The outline, in fractions of the picture from its top left corner. A track is in the zone when its foot point (bottom centre of its box) is.",
			polygon(), func(z *models.Zone) *models.Polygon { return &z.Polygon }).must(),
		field("rules", "What to watch for here; without any the zone is only drawn.",
			list(ruleObject().shape(), 0, maxRules), func(z *models.Zone) *[]models.Rule { return &z.Rules }),
	}, check: checkZone}
	return named(zone.shape(), maxZones, "zone",
		func(*decoder) models.Zone { return models.Zone{} },
		func(z *models.Zone, name string) { z.ID = models.ZoneID(name) })
}

func ruleObject() object[models.Rule] {
	motion, _ := ruleDefaults(models.KindMotion)
	return object[models.Rule]{
		keys: []key[models.Rule]{
			field("kind", "What the rule watches for.",
				oneOf(kinds()...), func(r *models.Rule) *models.Kind { return &r.Kind }).must(),
			field("dwell", "How long a track must stay in the zone (loitering) or move there (motion).",
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.Dwell }).
				orElse(span(motion.Dwell) + " for motion, required for loitering"),
			field("grace", "How long a track may leave the zone, or be out of sight, within one visit.",
				duration(0, 10*time.Minute), func(r *models.Rule) *time.Duration { return &r.Grace }).
				orElse(byKind(func(r models.Rule) string { return span(r.Grace) })),
			field("severity", "How much the incident matters to those who watch.",
				oneOf(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical),
				func(r *models.Rule) *models.Severity { return &r.Severity }).
				orElse(byKind(func(r models.Rule) string { return string(r.Severity) })),
			field("labels", "Only tracks with one of these labels, such as person; empty is anything that moves.",
				list(label(), 0, maxLabels), func(r *models.Rule) *[]string { return &r.Labels }),
			field("min_score", "Least score of the track's label.",
				float(0, 1), func(r *models.Rule) *float64 { return &r.MinScore }).or(0),
			field("merge", "Join an incident of the same zone and kind that ended no longer than this before; for loitering 0 is one incident for each visit.",
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.Merge }).
				orElse(byKind(func(r models.Rule) string { return span(r.Merge) })),
		},
		begin: func(d *decoder, v value, r *models.Rule) {
			if kind, ok := d.expandQuietly(v.get("kind")); ok {
				if preset, ok := ruleDefaults(models.Kind(kind)); ok {
					*r = preset
				}
			}
		},
		check: func(d *decoder, v value, path string, r *models.Rule) {
			if r.Kind != models.KindLoitering {
				return
			}
			dwell := v.get("dwell")
			switch {
			case dwell.form == formAbsent:
				d.mistake(v.owner, path, "how long somebody must stay, such as dwell: 10s", "loitering needs a dwell")
			case r.Dwell == 0 && !d.wrongIn(join(path, "dwell")):
				d.mistake(dwell.place, join(path, "dwell"), "", "loitering needs a dwell longer than 0")
			}
		},
	}
}

// expandQuietly is the text of a value without noting what is wrong with it: the key's own
// shape does that.
func (d *decoder) expandQuietly(v value) (string, bool) {
	quiet := decoder{dir: d.dir, env: d.env}
	v, ok := quiet.expand(v, "")
	return v.text, ok && v.form == formText
}

// wrongIn says whether a mistake has been noted at a path or below it.
func (d *decoder) wrongIn(path string) bool {
	return slices.ContainsFunc(d.mistakes, func(m Mistake) bool {
		below, ok := strings.CutPrefix(m.Path, path)
		return ok && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

// checkZone refuses a rule that is there twice.
func checkZone(d *decoder, v value, path string, z *models.Zone) {
	for i, r := range z.Rules {
		if d.wrongIn(join(path, "rules") + indexed(i)) {
			continue
		}
		for j, earlier := range z.Rules[:i] {
			if r.Equal(earlier) {
				d.mistake(v.get("rules").items[i].place, join(path, "rules")+indexed(i), "", "is the same as rules[%d]", j)
				break
			}
		}
	}
}
