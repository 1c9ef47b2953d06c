package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// lockPatience bounds how long a start waits to learn whether the bucket locks objects.
const lockPatience = 10 * time.Second

// checkLock refuses to start when evidence is to be locked and the bucket cannot. A bucket
// that does not answer stops nobody: footage waits in the spool until it does, and until
// it is known whether it locks.
func checkLock(ctx context.Context, b storage.Bucket, log *slog.Logger) error {
	l, ok := b.(storage.Locker)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	on, err := l.Locks(ctx)
	switch {
	case errors.Is(err, storage.ErrNoLock):
		return err
	case err != nil:
		log.Warn("not known yet whether the bucket locks objects", "err", err)
	case on:
		log.Info("evidence is locked in the bucket until retention lets it go")
	}
	return nil
}

// newKeeper makes the keeper of a configuration.
func newKeeper(cfg *config.Config, index storage.Index, bucket storage.Bucket, log *slog.Logger) *storage.Keeper {
	return &storage.Keeper{Index: index, Bucket: bucket, Log: log,
		Policy: storage.Policy{Default: cfg.Retention.Default, Kinds: cfg.Retention.Kinds, Severities: cfg.Retention.Severities}}
}

// identify says which device a camera is, by the configuration that is in force.
func (s *service) identify(id models.CameraID) storage.CameraIdentity {
	cam, ok := s.current.Load().Camera(id)
	if !ok {
		return storage.CameraIdentity{}
	}
	return storage.CameraIdentity{Name: cam.Name, Source: bare(cam.URL.Reveal())}
}

// bare is an address without what may be a secret: user, password and query, and a path in
// which, as Xiongmai's cameras want it, they stand (/user=admin_password=…_channel=1.sdp).
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if strings.Contains(u.Path, "=") {
		u.Path = ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// touching tells the keeper of each record that people change, so that its copy in the
// bucket follows.
type touching struct {
	storage.Index
	keeper *storage.Keeper
	linked func(models.Incident) // is told what may link footage
}

func (t touching) Create(ctx context.Context, in models.Incident) (models.Incident, error) {
	in, err := t.Index.Create(ctx, in)
	if err == nil {
		t.keeper.Touched(in.ID)
		t.linked(in)
	}
	return in, err
}

func (t touching) Update(ctx context.Context, id models.IncidentID, change func(*models.Incident) error) (models.Incident, error) {
	in, err := t.Index.Update(ctx, id, change)
	if err == nil {
		t.keeper.Touched(id)
		t.linked(in)
	}
	return in, err
}

func (t touching) Together(ctx context.Context, do func(storage.Records) error) error {
	var seen touched
	err := t.Index.Together(ctx, func(r storage.Records) error {
		seen = touched{Records: r} // what an attempt did that broke is not stored
		return do(&seen)
	})
	if err == nil {
		for _, in := range seen.all {
			t.keeper.Touched(in.ID)
			t.linked(in)
		}
	}
	return err
}

// touched remembers what a transaction changes.
type touched struct {
	storage.Records
	all []models.Incident
}

func (t *touched) Create(in models.Incident) (models.Incident, error) {
	in, err := t.Records.Create(in)
	if err == nil {
		t.all = append(t.all, in)
	}
	return in, err
}

func (t *touched) Update(id models.IncidentID, change func(*models.Incident) error) (models.Incident, error) {
	in, err := t.Records.Update(id, change)
	if err == nil {
		t.all = append(t.all, in)
	}
	return in, err
}
