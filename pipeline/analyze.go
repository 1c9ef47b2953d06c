package pipeline

import (
	"context"
	"errors"
	"image"
	"io"
	"log/slog"

	"github.com/vedette-cctv/vedette/detectors"
	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
)

// Frames is a film: it returns io.EOF after the last frame.
type Frames interface {
	Next(ctx context.Context) (models.Frame, error)
}

// Analysis runs the chain of one camera over a film, on media time and as fast as the
// machine goes. The same film and Watch give the same incidents every time.
type Analysis struct {
	Watch   models.Watch
	Objects detectors.ObjectDetector
	Version string
	Log     *slog.Logger
	// OnFrame, when set, sees each frame with what was found in it. Foreground is nil
	// unless WantForeground, and where the frame rate limit passed the frame over.
	OnFrame        func(f models.Frame, tracks []models.Track, foreground *image.Gray) error
	WantForeground bool
	// OnAlarm, when set, gets each incident as it opens, with the frame of its alarm and
	// what moved in it.
	OnAlarm func(in models.Incident, f models.Frame, foreground *image.Gray) error
	// OnIncident gets each incident when it has ended, in the order of their ends.
	OnIncident func(Found) error
}

// Found is an incident with its times on the media axis.
type Found struct {
	Incident   models.Incident
	Start, End models.Instant
}

// Run blocks until the film is over. When the film breaks off it reports what it found
// up to there and returns the film's error.
func (a *Analysis) Run(ctx context.Context, film Frames) error {
	chain, err := detectors.New(detectors.Options{Watch: a.Watch, Objects: a.Objects, Log: a.Log})
	if err != nil {
		return err
	}
	correlator := incident.Correlator{Version: a.Version}
	correlator.Apply(a.Watch)
	var last models.Instant
	err = a.watch(ctx, film, chain, &correlator, &last)
	if err == nil || !errors.Is(err, ctx.Err()) {
		for _, e := range chain.Flush(last) {
			err = errors.Join(err, a.report(correlator.Handle(e)))
		}
		err = errors.Join(err, a.report(correlator.Flush(last)))
	}
	return errors.Join(err, chain.Close())
}

func (a *Analysis) watch(ctx context.Context, film Frames, chain *detectors.Chain, correlator *incident.Correlator, last *models.Instant) error {
	for {
		f, err := film.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		res, err := chain.Process(f)
		if err != nil {
			return err
		}
		*last = f.At
		for _, e := range res.Events {
			changes := correlator.Handle(e)
			if err := a.alarm(changes, f, chain); err != nil {
				return err
			}
			if err := a.report(changes); err != nil {
				return err
			}
		}
		if err := a.report(correlator.Advance(f.At)); err != nil {
			return err
		}
		if a.OnFrame != nil {
			var foreground *image.Gray
			if a.WantForeground && !res.Skipped {
				foreground = chain.Foreground()
			}
			if err := a.OnFrame(f, res.Tracks, foreground); err != nil {
				return err
			}
		}
	}
}

func (a *Analysis) alarm(changes []incident.Change, f models.Frame, chain *detectors.Chain) error {
	for _, ch := range changes {
		if ch.Step != incident.Opened || a.OnAlarm == nil {
			continue
		}
		if err := a.OnAlarm(ch.Incident, f, chain.Foreground()); err != nil {
			return err
		}
	}
	return nil
}

func (a *Analysis) report(changes []incident.Change) error {
	for _, ch := range changes {
		if ch.Step != incident.Ended || a.OnIncident == nil {
			continue
		}
		if err := a.OnIncident(Found{ch.Incident, ch.Start, ch.End}); err != nil {
			return err
		}
	}
	return nil
}
