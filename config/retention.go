package config

import (
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Retention is how long the evidence of an incident is kept after its end; 0 is for ever.
// What has no entry of its own follows Default.
type Retention struct {
	Default    time.Duration
	Kinds      map[models.Kind]time.Duration
	Severities map[models.Severity]time.Duration
}

// ObjectLock is how evidence is kept from deletion in an S3 bucket.
type ObjectLock struct {
	Mode string // auto, off, governance or compliance
}

func retentionObject() object[Retention] {
	kinds := append(append(models.RuleKinds(), models.HealthKinds()...), models.KindStorage)
	severities := []models.Severity{models.SeverityLow, models.SeverityMedium, models.SeverityHigh, models.SeverityCritical}
	return object[Retention]{keys: []key[Retention]{
		field("default", "For how long after the end of an incident its evidence is kept; the record of it stays. An incident with a hold on it keeps its evidence whatever its age.",
			keep(), func(r *Retention) *time.Duration { return &r.Default }).or(forever),
		field("kinds", "Kinds of incident that are kept longer or shorter than that.",
			agesBy(kinds), func(r *Retention) *map[models.Kind]time.Duration { return &r.Kinds }),
		field("severities", "Severities that are. Where both the kind and the severity have an entry, the longer one counts.",
			agesBy(severities), func(r *Retention) *map[models.Severity]time.Duration { return &r.Severities }),
	}}
}

func objectLockObject() object[ObjectLock] {
	return object[ObjectLock]{keys: []key[ObjectLock]{
		field("mode", "auto: as governance when the bucket has Object Lock, else not at all. governance: until retention lets them go only accounts with a special right can delete objects. compliance: nobody can, not even you.",
			oneOf("auto", "off", "governance", "compliance"), func(l *ObjectLock) *string { return &l.Mode }).or("auto"),
	}}
}

// forever is the word for evidence that is never deleted.
const forever = "forever"

// keep is an age, or forever.
func keep() shape[time.Duration] {
	return inRange("age or forever", "an age such as 30d or 36h, or forever",
		`^([0-9]+(\.[0-9]+)?d)?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))*$|^0$|^forever$`, 0, 100*365*24*time.Hour,
		func(s string) (time.Duration, error) {
			if s == forever {
				return 0, nil
			}
			return parseAge(s)
		},
		func(d time.Duration) string {
			if d == 0 {
				return forever
			}
			return Age(d)
		})
}

// agesBy reads an age for some of the names.
func agesBy[K ~string](names []K) shape[map[K]time.Duration] {
	var o object[[]*time.Duration]
	for i, name := range names {
		o.keys = append(o.keys, field(string(name), "Incidents of "+string(name)+".", pointed(keep()),
			func(ages *[]*time.Duration) **time.Duration { return &(*ages)[i] }))
	}
	ages := o.shape()
	return shape[map[K]time.Duration]{schema: ages.schema, read: func(d *decoder, v value, path string, into *map[K]time.Duration) {
		held := make([]*time.Duration, len(names))
		ages.read(d, v, path, &held)
		for i, name := range names {
			if held[i] == nil {
				continue
			}
			if *into == nil {
				*into = map[K]time.Duration{}
			}
			(*into)[name] = *held[i]
		}
	}}
}
