package main

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/pipeline/decode"
	"github.com/vedette-cctv/vedette/pipeline/rtsp"
	"github.com/vedette-cctv/vedette/storage"
	"github.com/vedette-cctv/vedette/web"
)

// source makes rtsp.Source fit what the pipeline asks of a source.
type source struct{ *rtsp.Source }

func newSource(log *slog.Logger) func(config.Camera, config.Secret, time.Time, func(pipeline.SourceState)) pipeline.Source {
	return func(cam config.Camera, url config.Secret, epoch time.Time, onState func(pipeline.SourceState)) pipeline.Source {
		return source{&rtsp.Source{
			Camera: cam.ID, URL: url.Reveal(), Transport: cam.Transport, CAFile: cam.CAFile, Timeout: cam.Timeout,
			Base: epoch, Log: log.With("camera", cam.ID),
			OnState: func(st rtsp.State) {
				onState(pipeline.SourceState{Connection: st.Connection, Err: st.Err, Codec: st.Codec,
					Width: st.Width, Height: st.Height, Session: st.Session})
			},
		}}
	}
}

func (s source) Stats() pipeline.SourceStats {
	st := s.Source.Stats()
	return pipeline.SourceStats{Sessions: st.Sessions, Units: st.Units, Bytes: st.Bytes, Lost: st.Lost,
		Discarded: st.Discarded, Clock: st.Clock, Offset: st.Offset, OffsetKnown: st.OffsetKnown, Drift: st.Drift}
}

func newDecoder(codec models.Codec, want func(models.Instant) bool) (pipeline.Decoder, error) {
	return decode.New(codec, decode.Options{Want: want})
}

// openBucket opens where evidence ends up; it does not yet reach for it.
func openBucket(b config.Bucket) (storage.Bucket, error) {
	if s := b.S3; s != nil {
		return storage.OpenS3(storage.S3Options{Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket, Prefix: s.Prefix,
			AccessKey: s.AccessKey.Reveal(), SecretKey: s.SecretKey.Reveal(), TLS: s.TLS, PathStyle: s.PathStyle, CAFile: s.CAFile,
			Lock: storage.LockMode(s.ObjectLock.Mode)})
	}
	return storage.OpenDisk(b.Disk.Path)
}

func openIndex(ctx context.Context, i config.Index) (storage.Index, error) {
	if i.Postgres != nil {
		return storage.OpenPostgres(ctx, i.Postgres.DSN.Reveal())
	}
	return storage.OpenSQLite(i.SQLite.Path)
}

// copyLinger is how long a copy is still made for a browser that asks again and again.
const copyLinger = 15 * time.Second

// newPlayable makes copies of what browsers do not play, from wherever the evidence is.
func newPlayable(cfg *config.Config, evidence storage.Evidence, log *slog.Logger) *pipeline.Playable {
	return &pipeline.Playable{Dir: dataFile(cfg, "playable"), Linger: copyLinger, Log: log,
		Open: func(ctx context.Context, in models.Incident) (io.ReadSeekCloser, models.Object, error) {
			return evidence.Open(ctx, in, models.RoleClip)
		}}
}

// cameras makes the pipeline fit what the web asks about cameras.
type cameras struct{ *pipeline.Service }

func (c cameras) Cameras() []web.Camera {
	streams := c.Streams()
	out := make([]web.Camera, len(streams))
	for i, st := range streams {
		cam := st.Settings()
		out[i] = web.Camera{ID: cam.ID, Name: cam.Name, Health: st.Health(), Zones: cam.Zones,
			FPS: cam.Detect.FPS, Objects: cam.Detect.Objects && c.Parts.Objects != nil}
	}
	return out
}

// cameraGroups are the groups of a configuration that a camera is in.
func cameraGroups(cfg *config.Config, id models.CameraID) []string {
	var groups []string
	for _, g := range cfg.Groups {
		if slices.Contains(g.Cameras, id) {
			groups = append(groups, g.Name)
		}
	}
	return groups
}

// dataFile is a file in the data folder.
func dataFile(cfg *config.Config, name string) string { return filepath.Join(cfg.Data, name) }

const private fs.FileMode = 0o700
