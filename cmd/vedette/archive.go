package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/storage/archive"
	"github.com/vedette-cctv/vedette/web"
)

// openFootage opens the archive of continuous footage for the service; footage grows old by
// age.
func openFootage(cfg *config.Config, index storage.Index, custody archive.Custodian, age *storage.AgeClock, log *slog.Logger) (*archive.Archive, error) {
	return archive.Open(dataFile(cfg, "archive"), archive.Options{
		Describe: pipeline.DescribeSegment, Default: footagePolicy(cfg.Record), Custody: custody, Now: age.Now, Log: log,
		Guard: func(ctx context.Context) ([]archive.Guarded, error) {
			return neededFootage(ctx, index, age.Now(), time.Now())
		},
	})
}

func footagePolicy(r config.Record) archive.Policy { return archive.Policy{Keep: r.Keep, Size: r.Size} }

// neededFootage is the continuous footage of incidents whose own is not complete yet or
// that are on hold; holds end by age.
func neededFootage(ctx context.Context, index storage.Index, age, now time.Time) ([]archive.Guarded, error) {
	held := true
	var needed []archive.Guarded
	for _, q := range []storage.Query{
		{Brief: true, Held: &held},
		{Brief: true, Footage: []models.FootageState{models.FootageRecording, models.FootagePending}},
	} {
		for in, err := range storage.Walk(ctx, index.List, q) {
			if err != nil {
				return nil, err
			}
			if in.Footage.State == models.FootageStored && !in.Hold.Active(age) {
				continue
			}
			span := models.Span{From: in.Footage.AskedFrom, To: in.Footage.AskedTo}
			if span.From.IsZero() || in.Start.Before(span.From) {
				span.From = in.Start
			}
			if span.To.IsZero() {
				span.To = now.Add(time.Hour) // it goes on; the next pass asks again
			}
			needed = append(needed, archive.Guarded{Camera: in.Camera, Span: span})
		}
	}
	return needed, nil
}

// recallAPI makes the archive fit what the web asks of continuous footage.
type recallAPI struct {
	*archive.Archive
	recall *pipeline.Recall
}

func newRecallAPI(a *archive.Archive, log *slog.Logger) recallAPI {
	return recallAPI{a, &pipeline.Recall{Archive: a, Software: "vedette " + version, Log: log}}
}

func (f recallAPI) Open(ctx context.Context, cam models.CameraID, span models.Span) (web.RecallReader, models.Recalled, error) {
	return f.recall.Open(ctx, cam, span)
}
