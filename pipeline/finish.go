package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// finishParts turns each part's fragments into an MP4 that plays from its first byte, and
// says which files the evidence consists of. A part that already has its MP4 is left as
// it is, so the step can be repeated.
func finishParts(entry *storage.Entry, parts []part) ([]storage.File, error) {
	var files []storage.File
	var errs []error
	for _, p := range parts {
		src := entry.Path(p.name)
		name := strings.TrimSuffix(p.name, ".fmp4") + ".mp4"
		if _, err := clip.Faststart(src, entry.Path(name)); err != nil {
			errs = append(errs, fmt.Errorf("finish %s: %w", p.name, err))
			continue
		}
		files = append(files, storage.File{Name: name, Role: models.RoleClip, Type: "video/mp4"})
	}
	return files, errors.Join(errs...)
}

// dropFragments removes the growing files once their finished twins are on record.
func dropFragments(entry *storage.Entry, parts []part) {
	for _, p := range parts {
		_ = os.Remove(entry.Path(p.name)) // what stays behind goes with the entry
	}
}

func stillFiles(entry *storage.Entry) []storage.File {
	var files []storage.File
	for name, role := range map[string]models.ObjectRole{storage.StillFile: models.RoleStill, storage.PictureFile: models.RolePicture} {
		if _, err := os.Stat(entry.Path(name)); err == nil {
			files = append(files, storage.File{Name: name, Role: role, Type: "image/jpeg"})
		}
	}
	return files
}

// Resume finishes what a crash or a stop left in the spool: clips are cut back to their
// last whole fragment and made to play, what is missing is named, and records that never
// reached the index are brought there. Call it before any stream runs.
func (r *Recorder) Resume(ctx context.Context) error {
	entries, err := r.Spool.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e.State() != storage.EntryRecording {
			continue // the uploader takes those that are ready
		}
		if err := r.resume(e); err != nil {
			return fmt.Errorf("resume incident %s: %w", e.ID(), err)
		}
	}
	r.Kick()
	return nil
}

func (r *Recorder) resume(e *storage.Entry) error {
	w := &recording{recorder: r, in: e.Incident(), entry: e, log: r.Log.With("incident", e.ID())}
	now := time.Now()
	res := footage{asked: w.in.Footage.AskedFrom, until: w.in.Footage.AskedTo}
	names, err := filepath.Glob(e.Path("clip*.fmp4"))
	if err != nil {
		return err
	}
	for _, path := range names {
		name := filepath.Base(path)
		info, err := clip.Recover(path)
		switch {
		case errors.Is(err, clip.ErrNothing), errors.Is(err, fs.ErrNotExist):
			_ = os.Remove(path) // holds no picture
		case err != nil:
			w.log.Error("recover clip", "part", name, "err", err)
			res.gaps = append(res.gaps, models.Gap{From: res.asked, To: now, Cause: models.CauseRestart, Note: err.Error()})
		default:
			res.parts = append(res.parts, part{name, info})
			res.gaps = append(res.gaps, info.Gaps...)
		}
	}
	stopped := w.in.Alarm
	if n := len(res.parts); n > 0 {
		stopped = res.parts[n-1].info.To
	}
	if res.until.IsZero() || res.until.Before(stopped) {
		res.until = stopped
	}
	interrupted := w.in.Footage.AskedTo.IsZero()
	res.nameEnds(nil)
	if interrupted {
		// Nobody knows how long the incident went on, so the gap reaches to this start.
		res.until = now
		res.gaps = append(res.gaps, models.Gap{From: stopped, To: now, Cause: models.CauseRestart,
			Note: "vedette was not running; how the incident went on was not recorded"})
	}
	files, err := finishParts(e, res.parts)
	if err != nil {
		w.log.Error("finish clip", "err", err)
	}
	w.save(func(in *models.Incident) {
		res.describe(&in.Footage)
		if in.End.IsZero() {
			in.End = stopped
		}
		if interrupted {
			incident.Note(in, incident.Program, "interrupted", "vedette stopped while the incident was open", now)
		}
	})
	if err := e.Ready(w.in, append(files, stillFiles(e)...)); err != nil {
		return err
	}
	dropFragments(e, res.parts)
	return nil
}
