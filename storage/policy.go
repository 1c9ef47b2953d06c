package storage

import (
	"fmt"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Policy says how long evidence is kept after the end of its incident. In each place 0 is
// for ever, and so is the zero Policy.
type Policy struct {
	Default    time.Duration
	Kinds      map[models.Kind]time.Duration
	Severities map[models.Severity]time.Duration
}

// Keep is how long the evidence of an incident is kept, and which part of the policy says
// so. Where both its kind and its severity have a time of their own, the longer one
// counts: what is deleted too late can still be deleted.
func (p Policy) Keep(in models.Incident) (time.Duration, string) {
	kind, byKind := p.Kinds[in.Kind]
	severity, bySeverity := p.Severities[in.Severity]
	switch {
	case byKind && (!bySeverity || kind == 0 || (severity != 0 && kind >= severity)):
		return kind, "kind " + string(in.Kind)
	case bySeverity:
		return severity, "severity " + string(in.Severity)
	}
	return p.Default, "default"
}

// shortest is the least time after which anything may go; 0 when everything stays.
func (p Policy) shortest() time.Duration {
	least := p.Default
	add := func(d time.Duration) {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	for _, d := range p.Kinds {
		add(d)
	}
	for _, d := range p.Severities {
		add(d)
	}
	return least
}

// reason puts the policy into the words of a deletion record.
func (p Policy) reason(in models.Incident) string {
	d, which := p.Keep(in)
	return fmt.Sprintf("%s: kept for %s after the end", which, days(d))
}

// days writes a duration as people write a retention.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	return d.String()
}
