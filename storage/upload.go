package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/vedette-cctv/vedette/models"
)

var (
	errSetAside  = errors.New("entry set aside")
	errUnchanged = errors.New("unchanged")
)

// sendersPerEntry is how many objects of one incident travel at a time: most are small, and
// what they cost is the way there and back.
const sendersPerEntry = 4

// upload takes one entry all the way. The order is the promise: objects, manifest,
// record, and only then does the entry go.
func (u *Uploader) upload(ctx context.Context, e *Entry) error {
	objects, seals := e.parts()
	// What this process has begun and not yet tried to upload is not in the bucket.
	look := !e.live.fresh || e.tried
	e.tried = true
	err := u.sendAll(ctx, e, objects, look)
	for _, o := range seals {
		if err == nil {
			err = u.send(ctx, e, o, look)
			u.Spool.step("uploaded " + string(o.Role))
		}
	}
	if errors.Is(err, ErrContent) {
		// What the spool holds is not what was hashed when the entry was completed.
		if err := e.damaged(err.Error()); err != nil {
			return fmt.Errorf("spool: set %s aside: %w", e.id, err)
		}
		return errSetAside
	}
	if err != nil {
		return err
	}
	objects = slices.Concat(objects, seals)
	in, err := u.name(ctx, e.Incident(), objects)
	if err != nil {
		return err
	}
	u.Spool.step("record names the objects")
	u.mu.Lock()
	u.status.Stored++
	u.mu.Unlock()
	if u.Stored != nil {
		u.Stored(in)
	}
	uploaded := custodyOf(in, models.ActUploaded)
	uploaded.Objects = objects
	tell(ctx, u.Custody, u.log(), uploaded)
	u.Spool.step("custody told of the upload")
	if err := putRecord(ctx, u.Bucket, in); err != nil {
		return err
	}
	u.Spool.step("record copied")
	u.log().Info("evidence stored", "incident", in.ID, "camera", in.Camera, "objects", len(objects))
	u.clearLive(ctx, e)
	if err := e.remove(); err != nil {
		return fmt.Errorf("spool: remove %s: %w", e.id, err)
	}
	return nil
}

// sendAll sends objects a few at a time, in no promised order.
func (u *Uploader) sendAll(ctx context.Context, e *Entry, objects []models.Object, look bool) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(sendersPerEntry)
	if look {
		work.SetLimit(1) // a bucket that has just failed is probed, not stormed
	}
	for _, o := range objects {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := u.send(ctx, e, o, look)
			u.Spool.step("uploaded " + string(o.Role))
			return err
		})
	}
	return work.Wait()
}

// send brings one object to the bucket, unless look finds it there already, and then looks
// at what is there.
func (u *Uploader) send(ctx context.Context, e *Entry, o models.Object, look bool) error {
	if look {
		if there, err := u.has(ctx, o); there || err != nil {
			return err
		}
	}
	f, err := os.Open(e.fileOf(o))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrContent, err)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := u.put(ctx, e.Incident(), f, o); err != nil {
		return err
	}
	there, err := u.has(ctx, o)
	if err == nil && !there {
		return fmt.Errorf("verify %s: the bucket does not hold what was put there", o.Key)
	}
	return err
}

// lockHorizon is how long evidence is locked that is kept for ever: a lock needs a date,
// and in mode compliance nobody can take a far one back.
const lockHorizon = 10 * 365 * 24 * time.Hour

// put stores an object, locked for as long as retention keeps it where the bucket locks.
func (u *Uploader) put(ctx context.Context, in models.Incident, body io.ReadSeeker, o models.Object) error {
	l, err := locker(ctx, u.Bucket)
	if err != nil {
		return err
	}
	if l == nil || u.Expires == nil {
		return u.Bucket.Put(ctx, o.Key, body, o)
	}
	in.Hold = nil // has a lock of its own, which can be taken away
	until, ends := u.Expires(in)
	if !ends {
		until = time.Now().Add(lockHorizon)
	}
	return l.PutLocked(ctx, o.Key, body, o, until)
}

func (u *Uploader) has(ctx context.Context, o models.Object) (bool, error) {
	got, _, err := u.Bucket.Stat(ctx, o.Key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && got.Size == o.Size && got.SHA256 == o.SHA256, err
}

// name lets the record name the objects, and makes the record if the index has lost it
// or never got it. Of the record only the footage, and an end that is still missing,
// come from the spool: people may have worked on the rest meanwhile.
func (u *Uploader) name(ctx context.Context, in models.Incident, objects []models.Object) (models.Incident, error) {
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	state := models.FootageStored
	if in.Footage.State == models.FootageNone {
		state = models.FootageNone
	}
	got, err := u.update(ctx, in, func(r *models.Incident) error {
		if r.Footage.State == state && slices.Equal(r.Footage.Objects, objects) {
			return errUnchanged
		}
		r.Footage = in.Footage
		r.Footage.State, r.Footage.Objects, r.Footage.UploadNote = state, objects, ""
		r.Footage.OffSite = time.Time{} // it is there whole
		if r.End.IsZero() {
			r.End = in.End
		}
		r.Log = append(r.Log, models.Action{At: time.Now().UTC(), Who: by, What: "footage stored"})
		return nil
	})
	if errors.Is(err, errUnchanged) { // a crash came between here and the removal
		return u.Index.Get(ctx, in.ID)
	}
	return got, err
}

// update changes a record, which is made from in first if it is missing.
func (u *Uploader) update(ctx context.Context, in models.Incident, change func(*models.Incident) error) (models.Incident, error) {
	got, err := u.Index.Update(ctx, in.ID, change)
	if !errors.Is(err, fs.ErrNotExist) {
		return got, err
	}
	if _, err := u.Index.Create(ctx, in); err != nil {
		return models.Incident{}, err
	}
	u.Spool.step("record made")
	return u.Index.Update(ctx, in.ID, change)
}

// noteDamage says in the records what happened to entries that were set aside, and
// returns how long Run may wait before it must ask again.
func (u *Uploader) noteDamage(ctx context.Context, noted map[string]bool) time.Duration {
	for _, c := range u.Spool.Corrupt() {
		if noted[c.Path] {
			continue
		}
		if err := u.note(ctx, c); err != nil {
			if ctx.Err() == nil {
				u.log().Warn("record of a damaged entry not updated, will be tried again", "incident", c.ID, "error", err)
				u.failed(err)
			}
			return u.Backoff.delay(bucketDown)
		}
		noted[c.Path] = true
	}
	return time.Hour // nothing to ask for: entries, kicks and outcomes wake Run
}

func (u *Uploader) note(ctx context.Context, c Corrupt) error {
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	in, bad := loadIncident(c.Path, c.ID)
	damaged := models.Custody{Act: models.ActDamaged, Incident: c.ID, Camera: in.Camera, Config: in.Config, Note: c.Reason}
	change := func(r *models.Incident) error {
		if r.Footage.State == models.FootageStored || r.Footage.UploadNote != "" {
			return errUnchanged
		}
		r.Footage.State = models.FootageNone
		r.Footage.UploadNote = "evidence damaged in the spool: " + c.Reason + "; what is left is in " + c.Path
		from, to := r.Footage.AskedFrom, r.Footage.AskedTo
		if to.IsZero() {
			to = r.End
		}
		if to.After(from) {
			r.Footage.Gaps = append(r.Footage.Gaps, models.Gap{From: from, To: to, Cause: models.CauseDisk, Note: c.Reason})
		}
		r.Log = append(r.Log, models.Action{At: time.Now().UTC(), Who: by, What: "footage damaged", Note: c.Reason})
		return nil
	}
	var err error
	if bad == nil {
		_, err = u.update(ctx, in, change)
	} else {
		_, err = u.Index.Update(ctx, c.ID, change)
	}
	if errors.Is(err, errUnchanged) || (bad != nil && errors.Is(err, fs.ErrNotExist)) {
		err = nil
	}
	if err == nil {
		tell(ctx, u.Custody, u.log(), damaged)
	}
	return err
}
