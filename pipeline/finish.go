package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/incident"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// finishParts turns each part's fragments into an MP4 that plays from its first byte, and
// says which files the evidence consists of. Where that fails, for want of space say, the
// fragments themselves are the evidence: they play too, and nothing is lost. The step can
// be repeated.
func finishParts(entry *storage.Entry, parts []part, log *slog.Logger) []storage.File {
	var files []storage.File
	for _, p := range parts {
		name := strings.TrimSuffix(p.name, ".fmp4") + ".mp4"
		if _, err := clip.Faststart(entry.Path(p.name), entry.Path(name)); err != nil {
			log.Error("finish clip; its fragments are kept instead", "part", p.name, "err", err)
			name = p.name
		}
		files = append(files, storage.File{Name: name, Role: models.RoleClip, Type: "video/mp4"})
	}
	return files
}

func stillFiles(entry *storage.Entry) []storage.File {
	var files []storage.File
	for _, f := range []storage.File{
		{Name: storage.StillFile, Role: models.RoleStill, Type: "image/jpeg"},
		{Name: storage.PictureFile, Role: models.RolePicture, Type: "image/jpeg"},
		{Name: storage.WhyFile, Role: models.RoleWhy, Type: "image/jpeg"},
		{Name: storage.MaskFile, Role: models.RoleMask, Type: "image/png"},
	} {
		if _, err := os.Stat(entry.Path(f.Name)); err == nil {
			files = append(files, f)
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
	// clip.fmp4 comes before clip-2.fmp4, and that before clip-10.fmp4.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
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
	// Without an end nobody knows how long the incident went on: the gap reaches to now.
	interrupted := res.until.IsZero()
	switch {
	case len(res.parts) == 0:
		res.until = now
		res.gaps = append(res.gaps, models.Gap{From: res.asked, To: now, Cause: models.CauseRestart, Note: "vedette stopped before the first second of the clip was written"})
	case interrupted:
		res.until = stopped
		res.nameEnds(nil, models.CauseRestart)
		res.until = now
		res.gaps = append(res.gaps, models.Gap{From: stopped, To: now, Cause: models.CauseRestart,
			Note: "vedette was not running; how the incident went on was not recorded"})
	default:
		res.nameEnds(nil, models.CauseRestart)
	}
	files := finishParts(e, res.parts, w.log)
	if _, err := os.Stat(e.Path(storage.ClipFile)); err == nil && len(res.parts) == 0 {
		files = append(files, storage.File{Name: storage.ClipFile, Role: models.RoleClip, Type: "video/mp4"})
	}
	res.expect(e, w.log)
	w.save(func(in *models.Incident) {
		res.describe(&in.Footage)
		if in.End.IsZero() {
			in.End = stopped
		}
		if interrupted {
			incident.Note(in, incident.Program, "interrupted", "vedette stopped while the incident was open", now)
		}
	})
	return e.Ready(w.in, append(files, stillFiles(e)...))
}
