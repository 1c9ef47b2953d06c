package config

import (
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Health is which trouble with a camera itself is looked for.
type Health struct {
	CameraLost Trouble
	Frozen     Trouble
	Covered    Trouble
	Defocused  Trouble
	Moved      Trouble
	Blank      Trouble
	Clock      Trouble
}

// Trouble is one kind of trouble with a camera.
type Trouble struct {
	Enabled  bool
	For      time.Duration // how long it must last before it is an incident
	Severity models.Severity
	// MaxOffset is how far the camera's clock may be from ours (clock).
	MaxOffset time.Duration
}

// Rules are the troubles that are looked for, in the order of models.HealthKinds.
func (h Health) Rules() []models.Rule {
	var rules []models.Rule
	for _, kind := range models.HealthKinds() {
		if t := h.of(kind); t.Enabled {
			rules = append(rules, models.Rule{Kind: kind, Severity: t.Severity, For: t.For, MaxOffset: t.MaxOffset})
		}
	}
	return rules
}

// of is where a kind of trouble stands.
func (h *Health) of(kind models.Kind) *Trouble {
	switch kind {
	case models.KindCameraLost:
		return &h.CameraLost
	case models.KindFrozen:
		return &h.Frozen
	case models.KindCovered:
		return &h.Covered
	case models.KindDefocused:
		return &h.Defocused
	case models.KindMoved:
		return &h.Moved
	case models.KindBlank:
		return &h.Blank
	case models.KindClock:
		return &h.Clock
	}
	panic("config: no trouble is called " + string(kind))
}

func healthObject() object[Health] {
	trouble := func(kind models.Kind, doc, confirm string, matters models.Severity) key[Health] {
		return field(string(kind), doc, troubleObject(confirm, matters).shape(),
			func(h *Health) *Trouble { return h.of(kind) })
	}
	return object[Health]{keys: []key[Health]{
		// Longer than a camera takes to answer again after a short break of the network.
		trouble(models.KindCameraLost, "No pictures come.", "15s", models.SeverityHigh),
		// Longer than several key frame intervals: an encoder may repeat the picture of a
		// scene in which nothing moves from one key frame to the next.
		trouble(models.KindFrozen, "Pictures come, and are all the same one.", "30s", models.SeverityMedium),
		// Shorter than it takes to do what a covered camera is not to see, longer than a
		// lorry takes to pass close by.
		trouble(models.KindCovered, "Something hides most of the view.", "5s", models.SeverityHigh),
		// Longer than an autofocus that hunts.
		trouble(models.KindDefocused, "The view has lost its sharpness.", "30s", models.SeverityMedium),
		// Longer than a gust, or a hand that cleans the housing.
		trouble(models.KindMoved, "The camera looks elsewhere.", "10s", models.SeverityHigh),
		trouble(models.KindBlank, "The picture is of one shade: black, white, blue.", "5s", models.SeverityHigh),
		field(string(models.KindClock), "The camera's clock is far from ours.", clockObject().shape(),
			func(h *Health) *Trouble { return h.of(models.KindClock) }),
	}}
}

// clockObject is trouble with a clock: two seconds are what a court asks about, and a
// camera with a time server is far within them. A minute is longer than a camera needs to
// ask its server after a restart.
func clockObject() object[Trouble] {
	o := troubleObject("60s", models.SeverityMedium)
	o.keys = append(o.keys, field("max_offset", "How far the camera's clock may be from ours, by its RTCP sender reports.",
		duration(100*time.Millisecond, 24*time.Hour), func(t *Trouble) *time.Duration { return &t.MaxOffset }).or("2s"))
	return o
}

func troubleObject(confirm string, matters models.Severity) object[Trouble] {
	return object[Trouble]{keys: []key[Trouble]{
		field("enabled", "Look for it.",
			onOff(), func(t *Trouble) *bool { return &t.Enabled }).or(true),
		field("for", "How long it must last before it is an incident.",
			duration(time.Second, time.Hour), func(t *Trouble) *time.Duration { return &t.For }).or(confirm),
		field("severity", "How much the incident matters to those who watch.",
			severity(), func(t *Trouble) *models.Severity { return &t.Severity }).or(string(matters)),
	}}
}
