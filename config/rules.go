package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// ruleKind is what belongs to one kind of rule.
type ruleKind struct {
	// preset is what a rule of the kind holds when the file says nothing.
	preset models.Rule
	// keys are those that mean something for the kind, beside those that every rule has.
	keys []string
	// needs are those of keys that have no default, each with an example.
	needs []need
}

// need is a key that must be given.
type need struct{ key, example string }

// ruleKinds says which keys each kind has. A default is not there where the value is what
// the rule is about: only the operator knows how long is too long.
//
// A place that is busy makes one incident while it stays busy (merge of motion and
// intrusion); somebody who stays, or comes back, makes one for each visit.
func ruleKinds(kind models.Kind) (ruleKind, bool) {
	switch kind {
	case models.KindMotion:
		return ruleKind{
			// Half a second is longer than a flash, a compression artefact or an insect on
			// the lens; a person crosses no doorway in less.
			preset: models.Rule{Kind: kind, Severity: models.SeverityLow, Dwell: 500 * time.Millisecond,
				Grace: 2 * time.Second, Merge: 5 * time.Second},
			keys: []string{"dwell", "grace", "merge"},
		}, true
	case models.KindIntrusion:
		return ruleKind{
			preset: models.Rule{Kind: kind, Severity: models.SeverityMedium, Grace: 3 * time.Second, Merge: 5 * time.Second},
			keys:   []string{"dwell", "grace", "merge"},
		}, true
	case models.KindLoitering:
		return ruleKind{
			preset: models.Rule{Kind: kind, Severity: models.SeverityMedium, Grace: 3 * time.Second},
			keys:   []string{"dwell", "grace", "max_radius", "merge"},
			needs:  []need{{"dwell", "how long somebody must stay, such as dwell: 10s"}},
		}, true
	case models.KindReturning:
		return ruleKind{
			// Longer than for loitering: going round a parked car is not coming back.
			preset: models.Rule{Kind: kind, Severity: models.SeverityHigh, Grace: 5 * time.Second},
			keys:   []string{"visits", "window", "grace", "merge"},
			needs: []need{{"visits", "how many visits are too many, such as visits: 3"},
				{"window", "the time within which they lie, such as window: 2h"}},
		}, true
	case models.KindLine:
		return ruleKind{
			preset: models.Rule{Kind: kind, Severity: models.SeverityMedium, Direction: models.DirectionAny},
			keys:   []string{"line", "direction", "merge"},
			needs:  []need{{"line", "what must be crossed, such as line: [[0.2, 0.6], [0.8, 0.6]]"}},
		}, true
	case models.KindCrowd:
		return ruleKind{
			preset: models.Rule{Kind: kind, Severity: models.SeverityMedium, Grace: 2 * time.Second},
			keys:   []string{"count", "for", "grace"},
			needs: []need{{"count", "how many are still no crowd, such as count: 5"},
				{"for", "how long there must be more, such as for: 30s"}},
		}, true
	case models.KindLeftObject, models.KindRemovedObject:
		return ruleKind{
			// What the i-LIDS scenarios of the UK Home Office ask of abandoned baggage: an
			// alarm 60 s after the owner has gone.
			preset: models.Rule{Kind: kind, Severity: models.SeverityHigh, For: time.Minute},
			keys:   []string{"for"},
		}, true
	}
	return ruleKind{}, false
}

// meaningFor names the kinds that a key means something for.
func meaningFor(key string) []models.Kind {
	return slices.DeleteFunc(models.RuleKinds(), func(kind models.Kind) bool {
		known, _ := ruleKinds(kind)
		return !slices.Contains(known.keys, key)
	})
}

// of says in a key's description which kinds it belongs to.
func of(key, doc string) string { return doc + " For " + enumerated(meaningFor(key)) + "." }

// enumerated is "a, b and c".
func enumerated[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// byKind describes a default that differs between the kinds; value is empty for a kind that
// has none.
func byKind(value func(models.Rule) string) string {
	var values []string
	whose := map[string][]models.Kind{}
	for _, kind := range models.RuleKinds() {
		known, _ := ruleKinds(kind)
		held := value(known.preset)
		if held == "" {
			continue
		}
		if whose[held] == nil {
			values = append(values, held)
		}
		whose[held] = append(whose[held], kind)
	}
	for i, held := range values {
		values[i] = held + " for " + enumerated(whose[held])
	}
	return strings.Join(values, "; ")
}

// presetOf describes the default of a duration in those kinds that have the key.
func presetOf(key string, at func(models.Rule) time.Duration) string {
	return byKind(func(r models.Rule) string {
		known, _ := ruleKinds(r.Kind)
		switch {
		case !slices.Contains(known.keys, key):
			return ""
		case slices.ContainsFunc(known.needs, func(n need) bool { return n.key == key }):
			return "required"
		case key == "grace" && boundsGrace(r.Kind) != "":
			return Span(at(r)) + " (" + boundsGrace(r.Kind) + " where that is shorter)"
		}
		return Span(at(r))
	})
}

// boundsGrace is the key whose duration the grace of a kind must not exceed, or "".
//
// Whoever is away for longer than he must stay could alarm by two glimpses with nothing
// between them; and a crowd by two instants.
func boundsGrace(kind models.Kind) string {
	switch kind {
	case models.KindLoitering:
		return "dwell"
	case models.KindCrowd:
		return "for"
	}
	return ""
}

// ruleVariants says for each kind which keys it needs and which mean nothing for it.
func ruleVariants() []variant {
	var special []string // keys that belong to some kinds only
	for _, kind := range models.RuleKinds() {
		known, _ := ruleKinds(kind)
		for _, key := range known.keys {
			if !slices.Contains(special, key) {
				special = append(special, key)
			}
		}
	}
	var all []variant
	for _, kind := range models.RuleKinds() {
		known, _ := ruleKinds(kind)
		v := variant{property: "kind", value: string(kind)}
		for _, n := range known.needs {
			v.needed = append(v.needed, n.key)
		}
		for _, key := range special {
			if !slices.Contains(known.keys, key) {
				v.forbidden = append(v.forbidden, key)
			}
		}
		all = append(all, v)
	}
	return all
}

func ruleObject() object[models.Rule] {
	return object[models.Rule]{
		keys: []key[models.Rule]{
			field("kind", "What the rule watches for.",
				oneOf(models.RuleKinds()...), func(r *models.Rule) *models.Kind { return &r.Kind }).must(),
			field("dwell", of("dwell", "How long a track must stay in the zone (loitering, intrusion) or move there (motion)."),
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.Dwell }).
				orElse(presetOf("dwell", func(r models.Rule) time.Duration { return r.Dwell })),
			field("visits", of("visits", "How many visits of the same one, the newest included, make it a return."),
				count(2, 100), func(r *models.Rule) *int { return &r.Visits }).orElse("required for returning"),
			field("window", of("window", "The time within which those visits lie. It ends at a day: the next day people wear other clothes."),
				duration(time.Second, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.Window }).orElse("required for returning"),
			field("line", of("line", "What must be crossed: 2 to 16 points, joined in their order, inside the zone or through it."),
				line(), func(r *models.Rule) *[]models.Point { return &r.Line }).orElse("required for line"),
			field("direction", of("direction", "In which direction, for somebody who walks along the line from its first to its last point: to_left is from his right side to his left."),
				oneOf(models.DirectionAny, models.DirectionToLeft, models.DirectionToRight),
				func(r *models.Rule) *models.Direction { return &r.Direction }).orElse(string(models.DirectionAny)),
			field("count", of("count", "How many at once are still no crowd; one more is."),
				count(1, 100), func(r *models.Rule) *int { return &r.Count }).orElse("required for crowd"),
			field("for", of("for", "How long it must hold: more than count (crowd), a change of the scene whose owner has gone (left_object), something that is no longer there (removed_object)."),
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.For }).
				orElse(presetOf("for", func(r models.Rule) time.Duration { return r.For })),
			field("grace", of("grace", "How long a track may leave the zone, or be out of sight, within one visit; how long a crowd may be smaller."),
				duration(0, 10*time.Minute), func(r *models.Rule) *time.Duration { return &r.Grace }).
				orElse(presetOf("grace", func(r models.Rule) time.Duration { return r.Grace })),
			field("max_radius", of("max_radius", "Only those who stay within a circle of this radius, in fractions of the picture's height; 0 is the whole zone."),
				fraction("the picture's height"), func(r *models.Rule) *float64 { return &r.MaxRadius }).or(0),
			field("severity", "How much the incident matters to those who watch.",
				severity(), func(r *models.Rule) *models.Severity { return &r.Severity }).
				orElse(byKind(func(r models.Rule) string { return string(r.Severity) })),
			field("labels", "Only what has one of these labels, such as person; empty is anything.",
				list(label(), 0, maxLabels), func(r *models.Rule) *[]string { return &r.Labels }),
			field("min_score", "Least score of the label, so it needs labels; for left_object and removed_object without labels, of the change.",
				float(0, 1), func(r *models.Rule) *float64 { return &r.MinScore }).or(0),
			field("min_size", "Least area of the box, as a share of the picture: 0.002 is 0.2 %, a person of a tenth of the picture's height.",
				fraction("the picture"), func(r *models.Rule) *float64 { return &r.MinSize }).or(0),
			field("schedule", "When the rule may become true; without it always. One of the entries is enough.",
				schedules(), func(r *models.Rule) *[]models.Schedule { return &r.Schedule }),
			field("cool_down", "How long after an alarm the rule stays silent in its zone.",
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.CoolDown }).or("0s"),
			field("merge", of("merge", "Join an incident of the same zone and kind that ended no longer than this before; for loitering and returning 0 is one incident for each visit."),
				duration(0, 24*time.Hour), func(r *models.Rule) *time.Duration { return &r.Merge }).
				orElse(presetOf("merge", func(r models.Rule) time.Duration { return r.Merge })),
		},
		variants: ruleVariants(),
		begin: func(d *decoder, v value, r *models.Rule) {
			if kind, ok := d.expandQuietly(v.get("kind")); ok {
				if known, ok := ruleKinds(models.Kind(kind)); ok {
					*r = known.preset
				}
			}
		},
		check: checkRule,
	}
}

// severity is how much something matters.
func severity() shape[models.Severity] {
	return oneOf(models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical)
}

// checkRule looks at the keys of one rule together.
func checkRule(d *decoder, v value, path string, r *models.Rule) {
	known, ok := ruleKinds(r.Kind)
	if !ok {
		return // kind is missing or wrong, and that has been said
	}
	for _, e := range v.entries {
		whose := meaningFor(e.key)
		if len(whose) > 0 && !slices.Contains(whose, r.Kind) {
			d.mistake(e.place, path, "it belongs to "+enumerated(whose), "%s means nothing for %s", e.key, r.Kind)
		}
	}
	for _, n := range known.needs {
		if !v.has(n.key) {
			d.mistake(v.owner, path, n.example, "%s needs %s", r.Kind, n.key)
		}
	}
	checkDurations(d, v, path, r)
	if held := v.get("min_score"); r.MinScore > 0 && !scored(r) && !d.wrongIn(join(path, "labels")) {
		d.mistake(held.owner, join(path, "min_score"), "say which, such as labels: [person]",
			"only what has a label has a score, and the rule asks for no label")
	}
}

// scored says whether what the rule is about has a score: a change of the scene has one of
// its own, a track only with a label that motion alone does not give.
func scored(r *models.Rule) bool {
	return r.Kind == models.KindLeftObject || r.Kind == models.KindRemovedObject ||
		slices.ContainsFunc(r.Labels, func(l string) bool { return l != models.LabelUnknown })
}

// checkDurations refuses durations that contradict each other, and fits a grace that the
// file leaves open to the duration that bounds it.
func checkDurations(d *decoder, v value, path string, r *models.Rule) {
	right := func(key string) bool { return v.has(key) && !d.wrongIn(join(path, key)) }
	longer := func(key string, held time.Duration) {
		if right(key) && held == 0 {
			d.mistake(v.get(key).place, join(path, key), "", "%s needs a %s longer than 0", r.Kind, key)
		}
	}
	switch r.Kind {
	case models.KindLoitering:
		longer("dwell", r.Dwell)
	case models.KindLeftObject, models.KindRemovedObject:
		longer("for", r.For)
		if right("for") && r.For > longestChange {
			d.mistake(v.get("for").place, join(path, "for"), "", "must be %s at most for %s, because what has changed for longer becomes part of the scene, got %s",
				Span(longestChange), r.Kind, d.shown(v.get("for")))
		}
	case models.KindReturning:
		if least := time.Duration(r.Visits-1) * r.Grace; right("visits") && right("window") && !d.wrongIn(join(path, "grace")) && r.Window < least {
			d.mistake(v.get("window").place, join(path, "window"), "make window longer, or visits or grace smaller",
				"%d visits that lie more than grace: %s apart take longer than %s", r.Visits, Span(r.Grace), Span(r.Window))
		}
	}
	bound := boundsGrace(r.Kind)
	if bound == "" || !right(bound) {
		return
	}
	most := r.Dwell
	if bound == "for" {
		most = r.For
	}
	if !v.has("grace") {
		r.Grace = min(r.Grace, most)
	} else if right("grace") && r.Grace > most && most > 0 {
		d.mistake(v.get("grace").place, join(path, "grace"), fmt.Sprintf("make %s longer, or grace %s at most", bound, Span(most)),
			"is longer than %s: %s, so two glimpses with nothing between them would raise an alarm", bound, Span(most))
	}
}

// longestChange is how long a change of the scene can be asked to stay. The background takes
// it for its own after two hours, of which its owner may have spent one beside it.
const longestChange = time.Hour

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
