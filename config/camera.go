package config

import (
	"net/url"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// Transport values of a Camera.
const (
	TCP = "tcp"
	UDP = "udp"
)

// Camera is one camera with the defaults filled in.
type Camera struct {
	ID        models.CameraID
	Name      string // for people; the ID when the file gives none
	URL       Secret // rtsp:// or rtsps://, with percent-encoded credentials
	DetectURL Secret // analysed instead of URL; empty when URL is
	Transport string // TCP or UDP
	CAFile    string // PEM file, absolute, of the authority that signed an rtsps:// certificate
	Timeout   time.Duration
	PreRoll   time.Duration // footage kept from before the arrival
	PostRoll  time.Duration // footage kept from after the end
	Buffer    Buffer
	Record    Record
	Detect    Detect
	Health    Health
	Zones     []models.Zone // in the file's order
	Site      string        // of Config.Sites; may be empty
	Position  *models.Position
}

// Buffer bounds the footage of one camera that waits for an incident, in bytes.
type Buffer struct {
	Memory int64
	Disk   int64 // used beyond Memory; 0 keeps nothing on disk
}

// Record is the continuous footage of one camera, beside the clips of its incidents.
type Record struct {
	Continuous bool
	Keep       time.Duration // older footage is deleted; 0: age is no reason
	Size       int64         // bytes; beyond it the oldest is deleted; 0: size is no reason
}

// Detect is how one camera's pictures are analysed.
type Detect struct {
	FPS     float64 // frames analysed a second at most; 0 is every frame
	Objects bool    // use the object detector where weights are present
	Looks   float64 // what the object detector may cost, in looks at the whole picture a second; 0 is every analysed frame
	Masks   []models.Polygon
}

// Watch is what the vision lane looks for; hash names the configuration it came from.
// It shares zones and masks with c: neither side may change them.
func (c Camera) Watch(hash string) models.Watch {
	return models.Watch{
		Camera:     c.ID,
		Zones:      c.Zones,
		Masks:      c.Detect.Masks,
		Health:     c.Health.Rules(),
		FPS:        c.Detect.FPS,
		Objects:    c.Detect.Objects,
		Looks:      c.Detect.Looks,
		ConfigHash: hash,
	}
}

// SameStream says whether c can replace o by a new Watch alone. It is false when the
// camera must restart: when its name, its streams, how they are reached or how much of
// them is kept has changed.
func (c Camera) SameStream(o Camera) bool {
	return c.ID == o.ID &&
		c.Name == o.Name &&
		c.URL == o.URL &&
		c.DetectURL == o.DetectURL &&
		c.Transport == o.Transport &&
		c.CAFile == o.CAFile &&
		c.Timeout == o.Timeout &&
		c.PreRoll == o.PreRoll &&
		c.PostRoll == o.PostRoll &&
		c.Buffer == o.Buffer &&
		c.Record.Continuous == o.Record.Continuous
}

// Address is the scheme and host of URL: what may be shown to people and logged. Path and
// query are left out because many cameras take the password there.
func (c Camera) Address() string {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// LongestDwell is the longest that an alarm can come after the arrival with which its clip
// begins: with PreRoll, how far back footage must be at hand. Bounds on memory and disk
// come first; what they leave no room for, the incident names as a gap.
func (c Camera) LongestDwell() time.Duration {
	var longest time.Duration
	for _, rule := range c.Health.Rules() {
		if rule.Kind != models.KindClock { // its clip shows the alarm, not how it came about
			longest = max(longest, rule.For)
		}
	}
	for _, zone := range c.Zones {
		for _, rule := range zone.Rules {
			longest = max(longest, rule.Dwell, rule.For)
			if rule.Kind == models.KindLeftObject {
				// The time runs from when the owner has gone, and who put the thing down is
				// what the clip is for: let him have stayed as long again.
				longest = max(longest, 2*rule.For)
			}
		}
	}
	return longest
}
