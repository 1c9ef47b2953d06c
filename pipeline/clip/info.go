package clip

import (
	"errors"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

var (
	// ErrNewFile is returned by Write when the unit cannot be part of this file, because
	// the camera changed its codec, or in a uniform file its parameter sets. Finish the
	// clip and begin a second part with the unit.
	ErrNewFile = errors.New("codec changed: the clip goes on in a new file")
	// ErrNotKey is returned by Write when the first unit of a clip is not a key unit.
	ErrNotKey = errors.New("a clip begins with a key unit")
	// ErrNothing is returned when a file holds no whole fragment, so no picture at all.
	ErrNothing = errors.New("no whole fragment")
	// ErrCorrupt is returned when a file is not a clip of ours or its header is damaged.
	ErrCorrupt = errors.New("not a readable clip")
)

// Meta is what a clip says of itself in words. Players show it.
type Meta struct {
	Title    string          `json:"title,omitempty"`
	Camera   models.CameraID `json:"camera,omitempty"` // default: that of the first unit
	Software string          `json:"software,omitempty"`
	// Run names the media axis that the clip lies on: the media times of two clips compare
	// only when it is the same. Empty: unknown.
	Run string `json:"run,omitempty"`
}

// Info describes a clip.
type Info struct {
	From time.Time `json:"from"` // wall time of the first picture
	To   time.Time `json:"to"`   // wall time of the end of the last picture
	// FirstMedia and LastMedia are the media times of the first and the last picture.
	FirstMedia time.Duration `json:"first_media_ns"`
	LastMedia  time.Duration `json:"last_media_ns"`
	Codec      models.Codec  `json:"codec"`
	Width      int           `json:"width"`  // pixels, of the first picture; 0 when unknown
	Height     int           `json:"height"` // pixels, of the first picture; 0 when unknown
	Frames     int           `json:"frames"`
	Bytes      int64         `json:"-"` // size of the file
	Gaps       []models.Gap  `json:"gaps,omitempty"`
	// Clock is camera only when every wall time in the clip came from the camera's clock.
	Clock models.Clock `json:"clock"`
	Meta  Meta         `json:"meta"`
}

// tally collects an Info from the fragments of a clip, in order. The writer and the
// reader share it, so that a clip says the same before and after a crash.
type tally struct {
	info      Info
	lastFrame time.Duration // how long the last picture is shown
	lastWall  time.Time
}

func (t *tally) add(frames []frameTime, frame time.Duration, gaps []models.Gap) {
	for _, f := range frames {
		wall := fromUnixNano(f.wall)
		if t.info.Frames == 0 || f.media < t.info.FirstMedia {
			t.info.FirstMedia, t.info.From = f.media, wall
		}
		if t.info.Frames == 0 || f.media >= t.info.LastMedia {
			t.info.LastMedia, t.lastWall = f.media, wall
		}
		t.info.Clock = weaker(t.info.Clock, f.clock, t.info.Frames == 0)
		t.info.Frames++
	}
	t.lastFrame = frame
	t.info.To = t.lastWall
	if !t.lastWall.IsZero() {
		t.info.To = t.lastWall.Add(frame)
	}
	t.info.Gaps = append(t.info.Gaps, gaps...)
}

func weaker(a, b models.Clock, first bool) models.Clock {
	if first || a == models.ClockCamera {
		return b
	}
	return a
}
