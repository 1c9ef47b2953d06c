package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // minimal images have no database of time zones

	"github.com/vedette-cctv/vedette/models"
)

// maxSchedules bounds the entries of one schedule.
const maxSchedules = 32

// week names the days, beginning with Monday (ISO 8601), and some of them together.
var week = []struct {
	name string
	days []time.Weekday
}{
	{"mon", []time.Weekday{time.Monday}},
	{"tue", []time.Weekday{time.Tuesday}},
	{"wed", []time.Weekday{time.Wednesday}},
	{"thu", []time.Weekday{time.Thursday}},
	{"fri", []time.Weekday{time.Friday}},
	{"sat", []time.Weekday{time.Saturday}},
	{"sun", []time.Weekday{time.Sunday}},
	{"weekdays", []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}},
	{"weekend", []time.Weekday{time.Saturday, time.Sunday}},
	{"daily", []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}},
}

// window is one entry of a schedule as it is read.
type window struct {
	days     []time.Weekday
	from, to time.Duration
	zone     timeZone
}

// timeZone is a place's wall clock and its name.
type timeZone struct {
	name     string
	location *time.Location
}

// schedules is when a rule applies: in any of the entries.
func schedules() shape[[]models.Schedule] {
	entry := object[window]{
		keys: []key[window]{
			field("days", "The days on which it begins: on fri from 22:00 to 06:00 ends on Saturday morning.",
				days(), func(w *window) *[]time.Weekday { return &w.days }).orElse("daily"),
			field("from", "When it begins, by the wall clock.",
				timeOfDay(23), func(w *window) *time.Duration { return &w.from }).or("00:00"),
			field("to", "When it ends, by the wall clock. A time before from lies on the next day; 24:00 is the end of the day.",
				timeOfDay(24), func(w *window) *time.Duration { return &w.to }).or("24:00"),
			field("time_zone", "Whose wall clock: a name of the IANA time zone database, such as Europe/Vienna.",
				zoneName(), func(w *window) *timeZone { return &w.zone }).orElse("that of the machine"),
		},
		check: checkWindow,
	}
	entries := list(entry.shape(), 1, maxSchedules)
	return shape[[]models.Schedule]{schema: entries.schema, read: func(d *decoder, v value, path string, into *[]models.Schedule) {
		if v.isEmpty() {
			d.mistake(v.owner, path, "leave schedule out for always", "never applies: it has no entry")
			return
		}
		var read []window
		entries.read(d, v, path, &read)
		held := make([]models.Schedule, len(read))
		for i, w := range read {
			held[i] = w.schedule()
			if j := slices.IndexFunc(held[:i], sameAs(held[i])); j >= 0 && !d.wrongIn(path) {
				d.mistake(v.items[i].place, path+indexed(i), "", "is the same as schedule[%d]", j)
			}
		}
		*into = held
	}}
}

func checkWindow(d *decoder, v value, path string, w *window) {
	if len(v.entries) == 0 {
		d.mistake(v.place, path, "leave schedule out for always", "says nothing")
		return
	}
	if w.from == w.to && !d.wrongIn(join(path, "from")) && !d.wrongIn(join(path, "to")) {
		at := v.get("to")
		if !v.has("to") {
			at = v.get("from")
		}
		d.mistake(at.place, path, `for the whole day leave both out, or write from: "00:00", to: "24:00"`,
			"never applies: it ends when it begins")
	}
	if w.zone.location == nil {
		w.zone = localZone()
	}
}

// schedule is the window as detectors use it, where both ends 0 are the whole day.
func (w window) schedule() models.Schedule {
	s := models.Schedule{Days: w.days, From: w.from, To: w.to, Location: w.zone.location, TimeZone: w.zone.name}
	if s.From == 0 && s.To == 24*time.Hour {
		s.To = 0
	}
	return s
}

func sameAs(s models.Schedule) func(models.Schedule) bool {
	return func(o models.Schedule) bool {
		return slices.Equal(s.Days, o.Days) && s.From == o.From && s.To == o.To && s.TimeZone == o.TimeZone
	}
}

// isEmpty says whether a value is a list without entries, or nothing.
func (v value) isEmpty() bool {
	return v.form == formNull || v.form == formList && len(v.items) == 0
}

// days is a list of days and groups of days; every day is none at all.
func days() shape[[]time.Weekday] {
	names := make([]string, len(week))
	for i, w := range week {
		names[i] = w.name
	}
	words := list(oneOf(names...), 1, len(week))
	return shape[[]time.Weekday]{schema: words.schema, read: func(d *decoder, v value, path string, into *[]time.Weekday) {
		if v.form == formText {
			d.want(v, path, "a list", "write ["+v.text+"]")
			return
		}
		if v.isEmpty() {
			d.mistake(v.owner, path, "leave days out for every day", "never applies: it has no day")
			return
		}
		var read []string
		words.read(d, v, path, &read)
		var held []time.Weekday
		for _, w := range week {
			if slices.Contains(read, w.name) {
				held = append(held, w.days...)
			}
		}
		slices.SortFunc(held, func(a, b time.Weekday) int { return int(a+6)%7 - int(b+6)%7 })
		if held = slices.Compact(held); len(held) == 7 {
			held = nil
		}
		*into = held
	}}
}

var clockPattern = regexp.MustCompile(`^([0-9]{1,2}):([0-5][0-9])$`)

// timeOfDay is a time of the wall clock, from midnight; last is the greatest hour, of which
// 24 stands for 24:00 alone.
func timeOfDay(last int) shape[time.Duration] {
	what := "a time of day such as 06:00 or 22:30"
	return scalar("time of day", what, map[string]any{"type": "string", "pattern": clockPattern.String()},
		func(d *decoder, v value, path string, into *time.Duration) {
			if v.form != formText {
				d.want(v, path, what, `put it in "quotes"`)
				return
			}
			m := clockPattern.FindStringSubmatch(v.text)
			if m == nil {
				d.mistake(v.place, path, "", "want %s, got %s", what, d.shown(v))
				return
			}
			hour, _ := strconv.Atoi(m[1])
			minute, _ := strconv.Atoi(m[2])
			if hour > last || hour == 24 && minute > 0 {
				hint := ""
				if hour == 24 && minute == 0 {
					hint = "write 00:00 for the beginning of a day"
				}
				d.mistake(v.place, path, hint, "want %s, got %s", what, d.shown(v))
				return
			}
			*into = time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
		})
}

var zonePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,3}$`)

// zoneName is the name of a time zone.
func zoneName() shape[timeZone] {
	const what = "the name of a time zone such as Europe/Vienna or UTC"
	return scalar("time zone", what, map[string]any{"type": "string", "pattern": zonePattern.String()},
		func(d *decoder, v value, path string, into *timeZone) {
			if v.form != formText {
				d.want(v, path, what, "")
				return
			}
			if zone, ok := findZone(v.text); ok {
				*into = zone
				return
			}
			d.mistake(v.place, path, "names are those of the IANA time zone database: Continent/City",
				"want %s, got %s", what, d.shown(v))
		})
}

// zonesFound holds each *time.Location once, by its name. Two that are loaded on either
// side of a change of summer time differ inside, and rules that differ end their visits.
var zonesFound sync.Map

func findZone(name string) (timeZone, bool) {
	// "Local" would name another place on another machine.
	if !zonePattern.MatchString(name) || name == "Local" {
		return timeZone{}, false
	}
	if held, ok := zonesFound.Load(name); ok {
		return held.(timeZone), true
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return timeZone{}, false
	}
	held, _ := zonesFound.LoadOrStore(name, timeZone{name, location})
	return held.(timeZone), true
}

// localZone is the machine's time zone, by its name where the machine tells it: "Local" in
// a record would say nothing to those who read it elsewhere.
func localZone() timeZone {
	name, set := os.LookupEnv("TZ")
	if !set {
		target, err := filepath.EvalSymlinks("/etc/localtime")
		if err != nil {
			return timeZone{time.Local.String(), time.Local}
		}
		_, name, _ = strings.Cut(target, "/zoneinfo/")
	}
	if zone, ok := findZone(strings.TrimPrefix(name, ":")); ok {
		return zone
	}
	return timeZone{time.Local.String(), time.Local}
}
