package detectors

import (
	"fmt"
	"image"
	"log/slog"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/detectors/health"
	"github.com/vedette-cctv/vedette/detectors/motion"
	"github.com/vedette-cctv/vedette/detectors/rule"
	"github.com/vedette-cctv/vedette/detectors/track"
	"github.com/vedette-cctv/vedette/models"
)

// ObjectDetector finds things that it can name. regions are where motion and tracks ask
// it to look; it may look elsewhere too. It is safe for concurrent use.
type ObjectDetector interface {
	// Detect returns what it saw; that is no part of the picture when it did not look, because
	// its budget was used up.
	Detect(f models.Frame, regions []models.Box) (models.Sight, error)
}

// Options make a chain.
type Options struct {
	Watch   models.Watch
	Objects ObjectDetector // nil: motion alone
	Log     *slog.Logger   // default: none
}

// Result is what one frame brought.
type Result struct {
	// Detections, tracks and events are where things are in the scene: a picture that shakes
	// shows them displaced by a few pixels.
	Detections []models.Detection
	// Tracks are all tracks, those that have just finished included, by rising ID.
	Tracks []models.Track
	Events []models.Event
	// Statics are the changes of the scene that stay.
	Statics []models.Static
	Motion  float64 // share of the unmasked picture that moves, 0..1
	Skipped bool    // not analysed: the watch's frame rate is used up
	Look    Look    // what the object detector did
}

// Look is what became of the object detector's look at a frame.
type Look int

// What can become of a look. Without one that is done, motion alone feeds the tracks.
const (
	NoLook      Look = iota // there was no need
	LookDone                // it looked
	LookRefused             // the budget that the cameras share was used up
	LookFailed              // it failed
)

// Chain analyses the frames of one camera. It is not safe for concurrent use.
type Chain struct {
	opt    Options
	log    *slog.Logger
	watch  models.Watch
	motion *motion.Detector
	health *health.Detector
	tracks *track.Tracker
	rules  *rule.Engine
	looks  looks
	events int64 // number of the newest event
	// upset is when there was trouble with the camera's view last.
	upset struct{ from, to models.Instant }

	size    image.Point
	started bool
	last    models.Instant // of the newest analysed frame
	pace    Pace
	failing bool        // the object detector failed on the last frame
	moving  *image.Gray // motion mask of the newest analysed frame; motion's own memory
}

// New makes a chain. Close frees it.
func New(o Options) (*Chain, error) {
	for _, z := range o.Watch.Zones {
		for _, r := range z.Rules {
			if !slices.Contains(models.RuleKinds(), r.Kind) {
				return nil, fmt.Errorf("zone %s: no rule of kind %q", z.ID, r.Kind)
			}
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Chain{
		opt: o, log: o.Log, watch: o.Watch,
		motion: motion.New(motion.Options{Masks: o.Watch.Masks, Hold: hold(o.Watch), Log: o.Log}),
		tracks: track.New(16.0 / 9),
		rules:  rule.New(o.Watch),
		looks:  looks{rate: o.Watch.Looks},
		pace:   Pace{FPS: o.Watch.FPS},
	}
	c.rules.NextID = c.NextID
	c.health = health.New(o.Watch.Health, o.Watch.Camera, o.Watch.ConfigHash, c.NextID)
	return c, nil
}

// NextID numbers the next event of the camera. What raises events beside the chain takes
// its numbers here too.
func (c *Chain) NextID() int64 { c.events++; return c.events }

// Close frees the memory of the background model.
func (c *Chain) Close() error { return c.motion.Close() }

// hold is how long the background leaves a tracked thing alone: until the slowest rule
// has had its say twice over, and at least two minutes. A chair that was carried in is
// background after that.
func hold(w models.Watch) time.Duration {
	longest := time.Minute
	for _, z := range w.Zones {
		for _, r := range z.Rules {
			longest = max(longest, r.Dwell+r.Grace)
			if r.Kind == models.KindCrowd {
				longest = max(longest, r.For+r.Grace)
			}
		}
	}
	return min(2*longest, 30*time.Minute)
}

// Apply replaces what the chain looks for, between two frames. The background, the tracks
// and the running visits of unchanged rules in unchanged zones stay. The events of a rule
// that is gone end with the next frame.
func (c *Chain) Apply(w models.Watch) {
	c.watch = w
	c.motion.Set(w.Masks, hold(w))
	c.rules.Apply(w)
	c.health.Apply(w)
	c.looks.rate, c.pace.FPS = w.Looks, w.FPS
}

// Process analyses the next frame of the camera.
func (c *Chain) Process(f models.Frame) (Result, error) {
	var r Result
	if f.Picture != nil && c.started && f.At.Media < c.last.Media {
		r.Events = c.restart(f.At)
	}
	if !c.pace.Take(f.At.Media) {
		r.Skipped = true
		return r, nil
	}
	c.moving = nil // the detector may let go of its memory
	seen, err := c.motion.Detect(f, motion.Guide{Protect: c.tracks.Protect(), Real: c.tracks.Real()})
	if err != nil {
		return r, fmt.Errorf("frame %d: %w", f.Index, err)
	}
	c.begin(f)
	r.Motion = seen.Share
	r.Detections = seen.Regions
	r.Events = append(r.Events, c.health.Process(f, seen.Share)...)
	r.Statics = c.changes(f.At, seen.Statics)
	c.moving = seen.Foreground
	shake := shaken(f.Picture.Rect.Size(), seen.Shift)
	looked := c.look(f, shake, &r)
	r.Tracks = c.tracks.Update(f.At, r.Detections, looked, view{shake, track.Colours{
		Picture: f.Picture, Foreground: seen.Foreground, Changes: c.motion.Changed,
	}})
	c.looks.note(r.Tracks)
	r.Events = append(r.Events, c.rules.Process(f.At, r.Tracks, r.Statics)...)
	c.last = f.At
	return r, nil
}

// Foreground is a copy of the motion mask of the newest analysed frame, at analysis size,
// 255 = foreground; nil before the first one.
func (c *Chain) Foreground() *image.Gray {
	if c.moving == nil {
		return nil
	}
	return &image.Gray{Pix: slices.Clone(c.moving.Pix), Stride: c.moving.Stride, Rect: c.moving.Rect}
}

// Moving is what Foreground copies, in the chain's own memory: valid until the next frame,
// and nobody may change it.
func (c *Chain) Moving() *image.Gray { return c.moving }

// look asks the object detector, where and when there is need, and returns the parts of the
// scene that it looked at.
func (c *Chain) look(f models.Frame, s shake, r *Result) []models.Box {
	if c.opt.Objects == nil || !c.watch.Objects {
		return nil
	}
	regions := c.looks.ask(f.At.Media, r.Detections)
	if len(regions) == 0 {
		return nil
	}
	seen, err := s.detect(c.opt.Objects, f, regions)
	c.report(err)
	switch {
	case err != nil:
		c.looks.failed()
		r.Look = LookFailed
	case len(seen.Parts) == 0:
		r.Look = LookRefused
	default:
		c.looks.looked(f.At.Media, seen)
		r.Look = LookDone
	}
	r.Detections = append(r.Detections, seen.Found...)
	return seen.Parts
}

// report logs when the object detector begins to fail and when it recovers.
func (c *Chain) report(err error) {
	switch {
	case err != nil && !c.failing:
		c.log.Warn("object detector fails: motion alone", "error", err)
	case err == nil && c.failing:
		c.log.Info("object detector works again")
	}
	c.failing = err != nil
}

// begin adapts to the first frame and to a picture of another size.
func (c *Chain) begin(f models.Frame) {
	if size := f.Picture.Rect.Size(); size != c.size {
		if c.started {
			c.log.Info("picture size changed", "from", c.size, "to", size)
		}
		c.size = size
		aspect := float64(size.X) / float64(size.Y)
		c.tracks.Aspect, c.rules.Aspect = aspect, aspect
	}
	c.started = true
}

// restart follows a step back in time: what was going on has ended.
func (c *Chain) restart(at models.Instant) []models.Event {
	c.log.Info("media time ran backwards", "from", c.last.Media, "to", at.Media)
	events := c.Flush(c.last)
	c.started = false
	c.upset.to = models.Instant{}
	return events
}

// Flush ends all tracks and events, because the stream has ended or was lost.
func (c *Chain) Flush(models.Instant) []models.Event {
	c.tracks.Flush("stream ended")
	c.looks = looks{rate: c.watch.Looks}
	return append(c.rules.Flush(), c.health.Flush()...)
}

// Troubles are the kinds of trouble with the camera's picture that go on now.
func (c *Chain) Troubles() []models.Kind { return c.health.Troubles() }

// settling is how long after trouble with the camera the background needs to be itself again.
const settling = 2 * time.Second

// changes leaves out what came with trouble of the camera, also when the trouble is over: a
// hand before the lens and the view of a camera that was turned are no things left behind.
func (c *Chain) changes(at models.Instant, statics []models.Static) []models.Static {
	if since, disturbed := c.health.Disturbed(); disturbed {
		if c.upset.to.IsZero() || since.Media > c.upset.to.Media {
			c.upset.from = since
		}
		c.upset.to = at.Add(settling)
	}
	if c.upset.to.IsZero() {
		return statics
	}
	return slices.DeleteFunc(statics, func(s models.Static) bool {
		return s.Since.Media >= c.upset.from.Media && s.Since.Media <= c.upset.to.Media
	})
}
