package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Bounds on what the desk is told.
const (
	maxSites    = 256
	maxGroups   = 256
	maxTypes    = 64
	maxSubs     = 64 // of one type
	maxSteps    = 64 // of one checklist
	maxPresets  = 128
	maxOutcomes = 64
	maxWaits    = 32
	maxWords    = 32 // skills, tags
)

// called is what people call something.
func called() shape[string] {
	return text(regexp.MustCompile(`^\S(.{0,98}\S)?$`), "1 to 100 characters on one line")
}

// nameOf is the name of something that the file names elsewhere.
func nameOf[T ~string](what string) shape[T] {
	s := text(identifier, "the name of a "+what)
	return shape[T]{schema: s.schema, read: func(d *decoder, v value, path string, into *T) {
		var read string
		s.read(d, v, path, &read)
		*into = T(read)
	}}
}

// word is a skill, as officers have it.
func word() shape[string] {
	return text(regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`), "a word of lower-case letters, digits, - and _")
}

// entryWord is a sub-type, an outcome or a tag: it may have blanks.
func entryWord() shape[string] {
	return text(regexp.MustCompile(`^[^\s,A-Z]([^\r\n\t,A-Z]{0,62}[^\s,A-Z])?$`), "1 to 64 characters on one line, in lower case and without commas")
}

// through turns what one shape reads into another thing.
func through[A, B any](s shape[A], turn func(A) B) shape[B] {
	return shape[B]{schema: s.schema, read: func(d *decoder, v value, path string, into *B) {
		var read A
		s.read(d, v, path, &read)
		*into = turn(read)
	}}
}

// position is a place on the earth, [latitude, longitude].
func position() shape[*models.Position] {
	pair := list(float(-180, 180), 2, 2)
	sc := *pair.schema
	sc.kind = "[latitude, longitude] in degrees"
	return shape[*models.Position]{schema: &sc, read: func(d *decoder, v value, path string, into **models.Position) {
		before := len(d.mistakes)
		var read []float64
		if pair.read(d, v, path, &read); len(d.mistakes) > before || len(read) != 2 {
			return
		}
		if read[0] < -90 || read[0] > 90 {
			d.mistake(v.items[0].place, path+indexed(0), "the latitude comes first", "want a latitude from -90 to 90, got %s", d.shown(v.items[0]))
			return
		}
		*into = &models.Position{Lat: read[0], Lon: read[1]}
	}}
}

// siteEntry is a site as it is read.
type siteEntry struct {
	models.Site
	zone timeZone
}

func sites() shape[[]models.Site] {
	entry := object[siteEntry]{keys: []key[siteEntry]{
		field("name", "What people call the site.", called(), func(s *siteEntry) *string { return &s.Name }).orElse("the site's key"),
		field("position", "Where it is; for cameras and officers that say nothing of their own.",
			position(), func(s *siteEntry) **models.Position { return &s.Position }),
		field("time_zone", "Whose wall clock its reports go by: a name of the IANA time zone database, such as Europe/Vienna.",
			zoneName(), func(s *siteEntry) *timeZone { return &s.zone }).orElse("that of the machine"),
	}}
	all := named(entry.shape(), maxSites, "site",
		func(*decoder) siteEntry { return siteEntry{} },
		func(s *siteEntry, name string) { s.ID, s.Name = name, name })
	return through(all, func(read []siteEntry) (sites []models.Site) {
		for _, s := range read {
			s.TimeZone = s.zone.name
			sites = append(sites, s.Site)
		}
		return sites
	})
}

func groups() shape[[]Group] {
	entry := list(nameOf[models.CameraID]("camera"), 0, maxCameras)
	held := shape[Group]{schema: entry.schema, read: func(d *decoder, v value, path string, into *Group) {
		entry.read(d, v, path, &into.Cameras)
	}}
	return named(held, maxGroups, "camera group", func(*decoder) Group { return Group{} }, func(g *Group, name string) { g.Name = name })
}

func deskObject() object[Desk] {
	return object[Desk]{keys: []key[Desk]{
		field("types", "Types of incident by name: they come beside those of the program, or change one of them value by value.",
			types(), func(k *Desk) *[]models.Type { return &k.Types }).orElse(idsOf(builtinTypes(), func(t models.Type) string { return t.ID })),
		field("matrix", "Severity by impact and likelihood: five rows, of the least impact first, each of five severities, of the least likelihood first.",
			matrix(), func(k *Desk) *models.Matrix { return &k.Matrix }).orElse("see docs/desk.md"),
		field("presets", "What new incidents get, by name; of those that fit the first counts.",
			presets(), func(k *Desk) *[]models.Preset { return &k.Presets }),
		field("levels", "Service levels: how soon things are promised for incidents of a severity.",
			levels(), func(k *Desk) *map[models.Severity]models.Level { return &k.Levels }),
		field("outcomes", "How incidents end. nuisance is always one.",
			list(entryWord(), 1, maxOutcomes), func(k *Desk) *[]string { return &k.Outcomes }).orElse(strings.Join(builtinOutcomes(), ", ")),
		field("waits", "What work may have to wait for, by name: they come beside those of the program, or change one of them value by value.",
			waits(), func(k *Desk) *[]models.Wait { return &k.Waits }).orElse(idsOf(builtinWaits(), func(w models.Wait) string { return w.ID })),
		field("attachments", "Files that people add to incidents.",
			attachedObject().shape(), func(k *Desk) *Attached { return &k.Attached }),
	}}
}

// deskKey fills in what the file leaves open.
func deskKey() key[file] {
	k := field("desk", "How people work on incidents: docs/desk.md tells more.", deskObject().shape(), func(f *file) *Desk { return &f.Desk })
	levels := k.fill
	k.fill = func(d *decoder, f *file) {
		levels(d, f)
		f.Desk.Types, f.Desk.Waits = builtinTypes(), builtinWaits()
		f.Desk.Matrix, f.Desk.Outcomes = builtinMatrix(), builtinOutcomes()
	}
	return k
}

func idsOf[T any](all []T, id func(T) string) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = id(one)
	}
	return strings.Join(names, ", ")
}

// builtin is the entry of the program that has this ID.
func builtin[T any](all []T, id func(T) string, name string) (one T, ok bool) {
	if i := slices.IndexFunc(all, func(t T) bool { return id(t) == name }); i >= 0 {
		return all[i], true
	}
	return one, false
}

func types() shape[[]models.Type] {
	step := object[models.Step]{keys: []key[models.Step]{
		field("stage", "Of the response procedure.",
			oneOf("assess", "alert", "secure", "document", "debrief"), func(s *models.Step) *string { return &s.Stage }).must(),
		field("text", "What to do.",
			text(regexp.MustCompile(`^\S(.{0,998}\S)?$`), "1 to 1000 characters on one line"), func(s *models.Step) *string { return &s.Text }).must(),
	}}
	entry := object[deskType]{keys: []key[deskType]{
		field("enabled", "Offer it; false takes one of the program's away.",
			onOff(), func(t *deskType) *bool { return &t.enabled }).orElse("true"),
		field("name", "What people call it.", called(), func(t *deskType) *string { return &t.Name }).orElse("the type's key"),
		field("subs", "Its sub-types.", list(entryWord(), 0, maxSubs), func(t *deskType) *[]string { return &t.Subs }),
		field("skills", "What an officer needs to be sent to it.", list(word(), 0, maxWords), func(t *deskType) *[]string { return &t.Skills }),
		field("checklist", "What to do, in order.", list(step.shape(), 0, maxSteps), func(t *deskType) *[]models.Step { return &t.Checklist }).
			orElse("the response procedure"),
		field("required", "What its file must have before it is closed.",
			list(oneOf(requiredFields()...), 0, len(requiredFields())), func(t *deskType) *[]string { return &t.Required }).
			orElse("type, outcome"),
	}}
	id := func(t deskType) string { return t.ID }
	own := make([]deskType, 0, maxTypes)
	for _, t := range builtinTypes() {
		own = append(own, deskType{t, true})
	}
	all := named(entry.shape(), maxTypes, "type",
		func(*decoder) deskType { return deskType{} },
		func(t *deskType, name string) {
			if known, ok := builtin(own, id, name); ok {
				*t = known
				return
			}
			*t = deskType{models.Type{ID: name, Name: name, Checklist: procedure(), Required: []string{"type", "outcome"}}, true}
		})
	return through(all, func(read []deskType) (types []models.Type) {
		for _, t := range over(own, read, id) {
			if t.enabled {
				types = append(types, t.Type)
			}
		}
		return types
	})
}

func waits() shape[[]models.Wait] {
	entry := object[deskWait]{keys: []key[deskWait]{
		field("enabled", "Offer it; false takes one of the program's away.",
			onOff(), func(w *deskWait) *bool { return &w.enabled }).orElse("true"),
		field("name", "What people call it.", called(), func(w *deskWait) *string { return &w.Name }).orElse("its key"),
		field("pauses", "The promises whose clocks stand meanwhile.",
			list(oneOf(models.Promises()...), 0, len(models.Promises())), func(w *deskWait) *[]models.Promise { return &w.Pauses }).orElse("resolve"),
	}}
	id := func(w deskWait) string { return w.ID }
	own := make([]deskWait, 0, maxWaits)
	for _, w := range builtinWaits() {
		own = append(own, deskWait{w, true})
	}
	all := named(entry.shape(), maxWaits, "reason to wait",
		func(*decoder) deskWait { return deskWait{} },
		func(w *deskWait, name string) {
			if known, ok := builtin(own, id, name); ok {
				*w = known
				return
			}
			*w = deskWait{models.Wait{ID: name, Name: name, Pauses: []models.Promise{models.PromiseResolve}}, true}
		})
	return through(all, func(read []deskWait) (waits []models.Wait) {
		for _, w := range over(own, read, id) {
			if w.enabled {
				waits = append(waits, w.Wait)
			}
		}
		return waits
	})
}

// matrix is five rows of five severities.
func matrix() shape[models.Matrix] {
	rows := list(list(severity(), 5, 5), 5, 5)
	sc := *rows.schema
	sc.kind = "five rows of five severities"
	return shape[models.Matrix]{schema: &sc, read: func(d *decoder, v value, path string, into *models.Matrix) {
		before := len(d.mistakes)
		var read [][]models.Severity
		if rows.read(d, v, path, &read); len(d.mistakes) > before {
			return
		}
		for i, row := range read {
			copy(into[i][:], row)
		}
		for i := range into {
			for j := range into[i] {
				if i > 0 && into[i][j].Rank() < into[i-1][j].Rank() || j > 0 && into[i][j].Rank() < into[i][j-1].Rank() {
					d.mistake(v.items[i].items[j].place, path+indexed(i)+indexed(j), "", "is less severe than with less impact or likelihood")
				}
			}
		}
	}}
}

func presets() shape[[]models.Preset] {
	kinds := append(append(models.RuleKinds(), models.HealthKinds()...), models.KindStorage, models.KindReported)
	entry := object[models.Preset]{keys: []key[models.Preset]{
		field("kinds", "It fits these kinds of incident; without it, all.",
			list(oneOf(kinds...), 0, len(kinds)), func(p *models.Preset) *[]models.Kind { return &p.Kinds }),
		field("cameras", "It fits these cameras.",
			list(nameOf[models.CameraID]("camera"), 0, maxCameras), func(p *models.Preset) *[]models.CameraID { return &p.Cameras }),
		field("zones", "It fits zones of these names.",
			list(nameOf[models.ZoneID]("zone"), 0, maxZones), func(p *models.Preset) *[]models.ZoneID { return &p.Zones }),
		field("labels", "It fits what has one of these labels, such as person.",
			list(label(), 0, maxLabels), func(p *models.Preset) *[]string { return &p.Labels }),
		field("schedule", "It fits alarms at these times; without it, always.",
			schedules(), func(p *models.Preset) *[]models.Schedule { return &p.Schedule }),
		field("severity", "How severe the incident is.",
			severity(), func(p *models.Preset) *models.Severity { return &p.Severity }).orElse("that of the rule"),
		field("type", "What it is: one of desk.types.",
			nameOf[string]("type"), func(p *models.Preset) *string { return &p.Type }),
		field("tags", "Words to find it by.",
			list(entryWord(), 0, maxWords), func(p *models.Preset) *[]string { return &p.Tags }),
	}}
	return named(entry.shape(), maxPresets, "preset",
		func(*decoder) models.Preset { return models.Preset{} },
		func(p *models.Preset, name string) { p.Name = name })
}

// longestPromise is what a service level may promise at most.
const longestPromise = 90 * 24 * time.Hour

func levels() shape[map[models.Severity]models.Level] {
	severities := []models.Severity{models.SeverityCritical, models.SeverityHigh, models.SeverityMedium, models.SeverityLow}
	var o object[[]models.Level]
	for i, s := range severities {
		o.keys = append(o.keys, field(string(s), "Incidents of severity "+string(s)+".", levelObject(builtinLevels()[s]).shape(),
			func(all *[]models.Level) *models.Level { return &(*all)[i] }))
	}
	all := o.shape()
	by := func(held []models.Level) map[models.Severity]models.Level {
		levels := make(map[models.Severity]models.Level, len(severities))
		for i, s := range severities {
			levels[s] = held[i]
		}
		return levels
	}
	return shape[map[models.Severity]models.Level]{
		schema: all.schema,
		fill: func(d *decoder, into *map[models.Severity]models.Level) {
			held := make([]models.Level, len(severities))
			all.fill(d, &held)
			*into = by(held)
		},
		read: func(d *decoder, v value, path string, into *map[models.Severity]models.Level) {
			held := make([]models.Level, len(severities))
			all.fill(d, &held)
			all.read(d, v, path, &held)
			*into = by(held)
		},
	}
}

func levelObject(own models.Level) object[models.Level] {
	return object[models.Level]{
		keys: []key[models.Level]{
			field("acknowledge", "Somebody has seen it and takes it; 0 promises nothing.",
				duration(0, longestPromise), func(l *models.Level) *time.Duration { return &l.Acknowledge }).or(Span(own.Acknowledge)),
			field("respond", "Somebody is there, or deals with it from the desk; 0 promises nothing.",
				duration(0, longestPromise), func(l *models.Level) *time.Duration { return &l.Respond }).or(Span(own.Respond)),
			field("resolve", "It is over; 0 promises nothing.",
				duration(0, longestPromise), func(l *models.Level) *time.Duration { return &l.Resolve }).or(Span(own.Resolve)),
			field("warn", "How long before a promise is missed people are warned.",
				duration(0, longestPromise), func(l *models.Level) *time.Duration { return &l.Warn }).or(Span(own.Warn)),
			field("schedule", "When the clocks run; without it always.",
				schedules(), func(l *models.Level) *[]models.Schedule { return &l.Hours }),
		},
		check: checkLevel,
	}
}

// checkLevel refuses promises that would be kept in another order than they are made.
func checkLevel(d *decoder, v value, path string, l *models.Level) {
	last, of := time.Duration(0), ""
	for _, p := range []struct {
		key    string
		within time.Duration
	}{{"acknowledge", l.Acknowledge}, {"respond", l.Respond}, {"resolve", l.Resolve}} {
		if p.within == 0 || d.wrongIn(join(path, p.key)) {
			continue
		}
		if p.within < last {
			key := p.key
			if !v.has(key) {
				key = of // the other one is the default
			}
			d.mistake(v.get(key).place, join(path, key), "", "%s: %s is sooner than %s: %s, which comes before it", p.key, Span(p.within), of, Span(last))
		}
		last, of = p.within, p.key
	}
}
