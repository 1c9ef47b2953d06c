package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/config"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/notify"
	"github.com/vedette-cctv/vedette/pipeline"
	"github.com/vedette-cctv/vedette/storage"
)

// files are what people add to incidents: files of their own, and footage that they link.
type files struct {
	attachments *storage.Attachments
	exhibits    *storage.Exhibits
}

// openFiles opens both, and protects linked footage in the archive before that may delete
// anything.
func (s *service) openFiles(index storage.Index, bucket storage.Bucket, recall *pipeline.Recall) (f files, err error) {
	changed := func(in models.Incident) {
		s.keeper.Touched(in.ID)
		s.publish(in)
	}
	if f.attachments, err = storage.OpenAttachments(dataFile(s.cfg, "attachments"), storage.AttachmentOptions{Bucket: bucket, Index: index,
		Expires: s.keeper.Expires, Custody: s.custody.Log, Log: s.log, Changed: changed,
		MaxSize: s.cfg.Desk.Attached.MaxSize, Most: s.cfg.Desk.Attached.PerIncident}); err != nil {
		return f, err
	}
	o := storage.ExhibitOptions{Bucket: bucket, Index: index, Expires: s.keeper.Expires, Custody: s.custody.Log, Log: s.log, Changed: changed,
		Protect: s.footage.Protect, Unprotect: s.footage.Unprotect,
		Footage: func(ctx context.Context, cam models.CameraID, span models.Span) (io.ReadSeekCloser, models.Recalled, error) {
			r, got, err := recall.Open(ctx, cam, span)
			if errors.Is(err, pipeline.ErrBadSpan) {
				err = neverError{err}
			}
			if err != nil {
				return nil, got, err
			}
			return r, got, nil
		}}
	if s.cfg.Storage.Index.Postgres != nil {
		o.Mine = s.hasFootage // other recorders share the index
	}
	f.exhibits, err = storage.OpenExhibits(dataFile(s.cfg, "exhibits"), o)
	return f, err
}

// neverError is an error that trying again does not help.
type neverError struct{ error }

func (neverError) Is(target error) bool { return target == fs.ErrInvalid }

func (e neverError) Unwrap() error { return e.error }

// hasFootage says whether this recorder has the footage of a camera, or will have it.
func (s *service) hasFootage(id models.CameraID) bool {
	_, configured := s.current.Load().Camera(id)
	return configured || slices.Contains(s.footage.Cameras(), id)
}

// inbound finds a source of events by its name, in the configuration in force.
func (s *service) inbound(name string) (config.Inbound, bool) {
	all := s.current.Load().Inbound
	i := slices.IndexFunc(all, func(in config.Inbound) bool { return in.Name == name })
	if i < 0 {
		return config.Inbound{}, false
	}
	return all[i], true
}

// signedLately is how old the signature of an event may be: a device that was offline signs
// anew when it sends.
const signedLately = 5 * time.Minute

func checkInbound(secret, body []byte, header string, now time.Time) error {
	return notify.CheckSignature(secret, body, header, now, signedLately)
}
