package config

import (
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Inbound is a device or another system that opens incidents by itself.
type Inbound struct {
	Name   string // of the source: the last element of its address
	Kind   string // InboundAccess, InboundDevice or InboundWebhook
	Auth   string // how it proves who it is: AuthSignature, AuthBearer or AuthURL
	Secret Secret
	// Camera, Zone and Site are where it is; Camera may be empty when Site is not.
	Camera   models.CameraID
	Zone     models.ZoneID
	Site     string
	Type     string          // of the desk's types; empty: a preset or a person says
	Severity models.Severity // empty: a preset says, or it is medium
	// Topics are those that open incidents, each with what is below it; empty: all.
	Topics []string
	// Before and After bound the footage of the camera that is linked; both 0: none is.
	Before, After time.Duration
	// Quiet is how long a device that says nothing more counts as still alarmed: what it
	// repeats meanwhile belongs to the incident that is there.
	Quiet time.Duration
	Rate  int // most events a minute
}

// Kinds of sources.
const (
	InboundAccess  = "access"  // access control: doors, readers, intercoms
	InboundDevice  = "device"  // cameras that push ONVIF events, alarm panels
	InboundWebhook = "webhook" // another system
)

// How a source proves who it is.
const (
	AuthSignature = "signature"
	AuthBearer    = "bearer"
	AuthURL       = "url"
)

const (
	maxInbound = 256
	maxTopics  = 64
	// leastSecret keeps out secrets that can be guessed: nothing else limits an attacker
	// who has many addresses.
	leastSecret = 16
)

func inbound() shape[[]Inbound] {
	entry := object[Inbound]{keys: []key[Inbound]{
		field("kind", "What it is: access (access control), device (a camera's own analysis over ONVIF, an alarm panel) or webhook (another system).",
			oneOf(InboundAccess, InboundDevice, InboundWebhook), func(i *Inbound) *string { return &i.Kind }).must(),
		field("auth", "How it proves who it is: signature (HMAC-SHA-256 in Vedette-Signature), bearer (the secret in Authorization), or url (the secret in the address, for cameras that can do nothing else; proxies may log it).",
			oneOf(AuthSignature, AuthBearer, AuthURL), func(i *Inbound) *string { return &i.Auth }).or(AuthSignature),
		field("secret", "What it proves that with: at least 16 characters.",
			confidential("secret", "", nil, longEnough), func(i *Inbound) *Secret { return &i.Secret }).must(),
		field("camera", "The camera that sees the place. Its footage around the time is linked to the incident.",
			nameOf[models.CameraID]("camera"), func(i *Inbound) *models.CameraID { return &i.Camera }),
		field("zone", "Where in its picture.", nameOf[models.ZoneID]("zone"), func(i *Inbound) *models.ZoneID { return &i.Zone }),
		field("site", "Where it is: one of sites.", nameOf[string]("site"), func(i *Inbound) *string { return &i.Site }).orElse("that of the camera"),
		field("type", "The type of its incidents: one of the desk's.", nameOf[string]("type"), func(i *Inbound) *string { return &i.Type }),
		field("severity", "How much its incidents matter.", severity(), func(i *Inbound) *models.Severity { return &i.Severity }).
			orElse("that of a preset, else medium"),
		field("topics", "Topics that open incidents, each with what is below it, such as tns1:RuleEngine/CellMotionDetector; others are answered and passed over.",
			list(text(nil, "a topic"), 0, maxTopics), func(i *Inbound) *[]string { return &i.Topics }).orElse("all"),
		field("before", "Footage from before the event.",
			duration(0, 10*time.Minute), func(i *Inbound) *time.Duration { return &i.Before }).or("10s"),
		field("after", "Footage from after it.",
			duration(0, 10*time.Minute), func(i *Inbound) *time.Duration { return &i.After }).or("30s"),
		field("quiet", "How long it counts as still alarmed when it does not say that it is over: what it repeats meanwhile opens nothing more.",
			duration(0, 24*time.Hour), func(i *Inbound) *time.Duration { return &i.Quiet }).or("1m"),
		field("rate", "Most events a minute; more are refused with 429.",
			count(1, 6000), func(i *Inbound) *int { return &i.Rate }).or(60),
	}}
	held := entry.shape()
	return named(held, maxInbound, "source",
		func(d *decoder) (in Inbound) { held.fill(d, &in); return in },
		func(in *Inbound, name string) { in.Name = name })
}

// longEnough refuses secrets that can be guessed.
func longEnough(s string) (message, hint string) {
	if len(s) < leastSecret {
		return "has fewer than 16 characters", "openssl rand -hex 32 makes a good one"
	}
	return "", ""
}

// checkInbound refuses what names a camera, a zone, a site or a type that the file does
// not have.
func checkInbound(d *decoder, v value, f *file) {
	for _, in := range f.Inbound {
		at, path := v.get("inbound").get(in.Name), join("inbound", in.Name)
		if in.Camera == "" && in.Site == "" && !d.wrongIn(path) {
			d.mistake(at.owner, path, "give camera or site", "is nowhere")
		}
		if in.Camera == "" && in.Zone != "" {
			d.mistake(at.get("zone").place, join(path, "zone"), "", "belongs to a camera, and there is none")
		}
		for _, name := range []struct {
			key, value, what string
			known            []string
		}{
			{"camera", string(in.Camera), "camera", plainNames(cameraIDs(f.Cameras))},
			{"zone", string(in.Zone), "zone", zonesOf(f.Cameras, in.Camera)},
			{"site", in.Site, "site", sitesOf(f.Sites)},
			{"type", in.Type, "type", typesOf(f.Desk.Types)},
		} {
			if name.value == "" || slices.Contains(name.known, name.value) || d.wrongIn(join(path, name.key)) || name.key == "zone" && in.Camera == "" {
				continue
			}
			d.mistake(at.get(name.key).place, join(path, name.key), meant(name.value, name.known, ""), "there is no %s %s", name.what, quoted(name.value))
		}
		for i, topic := range in.Topics {
			if strings.TrimSpace(topic) == "" {
				d.mistake(at.get("topics").items[i].place, join(path, "topics")+indexed(i), "", "is blank")
			}
		}
	}
}

func plainNames[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

func zonesOf(cameras []Camera, id models.CameraID) (names []string) {
	for _, c := range cameras {
		if c.ID == id {
			for _, z := range c.Zones {
				names = append(names, string(z.ID))
			}
		}
	}
	return names
}

func sitesOf(all []models.Site) (names []string) {
	for _, s := range all {
		names = append(names, s.ID)
	}
	return names
}

func typesOf(all []models.Type) (names []string) {
	for _, t := range all {
		names = append(names, t.ID)
	}
	return names
}

// Attached bounds the files that people add to incidents.
type Attached struct {
	MaxSize     int64 // bytes of one
	PerIncident int
}

func attachedObject() object[Attached] {
	return object[Attached]{keys: []key[Attached]{
		field("max_size", "Most that one attached file may have.",
			byteSize(1<<10, 1<<40), func(a *Attached) *int64 { return &a.MaxSize }).or("1GiB").on(restartsProgram),
		field("per_incident", "Most files that one incident may have.",
			count(1, 500), func(a *Attached) *int { return &a.PerIncident }).or(200).on(restartsProgram),
	}}
}
