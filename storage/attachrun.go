package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vedette-cctv/vedette/durable"
	"github.com/vedette-cctv/vedette/models"
)

// attachWorkers is how many files travel at a time: a large one must not keep a small one
// waiting.
const attachWorkers = 2

// Run brings files to the bucket until ctx ends, and waits for what it has begun. It tries
// for ever.
func (a *Attachments) Run(ctx context.Context) error {
	a.work.run(ctx, attachWorkers, a.settle, func(name string, err error, next time.Duration) {
		a.o.Log.Warn("attachment not in the bucket, will be tried again", "file", name, "error", err, "next", next.Round(time.Millisecond))
		a.mu.Lock()
		defer a.mu.Unlock()
		a.status.LastError, a.status.ErrorAt = err.Error(), time.Now()
	})
	return nil
}

// Drain waits until every file is in the bucket, or ctx ends. Run must be running.
func (a *Attachments) Drain(ctx context.Context) error {
	if err := a.work.drained(ctx); err != nil {
		n, _ := a.work.left()
		return fmt.Errorf("%d attachments wait for upload: %w", n, err)
	}
	return nil
}

// settle takes one local file all the way. The record says what is to be done with it.
func (a *Attachments) settle(ctx context.Context, name string) error {
	incident, id, _ := attachmentOf(name)
	path := filepath.Join(a.dir, name)
	look, cancel := context.WithTimeout(ctx, indexPatience)
	in, err := a.o.Index.Get(look, incident)
	cancel()
	if errors.Is(err, fs.ErrNotExist) {
		a.orphan(name)
		return nil
	}
	if err != nil {
		return err
	}
	i := findAttachment(in, id)
	switch {
	case i < 0:
		a.o.Log.Info("attachment removed: its record does not name it", "incident", incident, "attachment", id)
		return durable.RemoveIfThere(path)
	case in.Footage.State == models.FootageDeleted:
		return a.forget(ctx, path, attachmentKey(in, id))
	case in.Investigation.Attachments[i].Key != "": // a crash came between here and the removal
		if err := holdOne(ctx, a.o.Bucket, in, in.Investigation.Attachments[i].Key); err != nil {
			return err
		}
		return durable.RemoveIfThere(path)
	}
	return a.upload(ctx, in, in.Investigation.Attachments[i], path)
}

// orphan leaves a file where it is: the index may have been lost, and the file is nowhere
// else. The next start looks at it again.
func (a *Attachments) orphan(name string) {
	a.o.Log.Error("attachment kept on the local disk: the index does not know its incident", "file", filepath.Join(a.dir, name),
		"hint", "vedette reindex makes lost records anew; then start again")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Orphans++
}

// forget removes what retention has let go, wherever it has got to.
func (a *Attachments) forget(ctx context.Context, path, key string) error {
	if err := a.o.Bucket.Delete(ctx, key); err != nil {
		return err
	}
	return durable.RemoveIfThere(path)
}

func (a *Attachments) upload(ctx context.Context, in models.Incident, t models.Attachment, path string) error {
	o := attachmentObject(in, t)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	// The bucket takes what is put there twice for one thing, so a crash needs no care here.
	err = stow(ctx, a.o.Bucket, a.o.Expires, in, f, o)
	if errors.Is(err, ErrContent) {
		return a.damaged(ctx, in, t, path, err)
	}
	if err != nil {
		return err
	}
	a.o.step("attachment uploaded")
	named, err := a.name(ctx, in.ID, t.ID, o.Key)
	if errors.Is(err, errGone) {
		return a.forget(ctx, path, o.Key)
	}
	if err != nil {
		return err
	}
	a.o.step("record says where the attachment is")
	if err := holdOne(ctx, a.o.Bucket, named, o.Key); err != nil {
		return err
	}
	uploaded := custodyOf(in, models.ActUploaded)
	uploaded.Objects, uploaded.Note = []models.Object{o}, "attachment "+t.ID
	tell(ctx, a.o.Custody, a.o.Log, uploaded)
	if err := durable.RemoveIfThere(path); err != nil {
		return err
	}
	a.o.step("attachment removed from the local disk")
	a.o.Log.Info("attachment stored", "incident", in.ID, "attachment", t.ID, "bytes", t.Size)
	if a.o.Changed != nil {
		a.o.Changed(named)
	}
	return nil
}

// errGone says that retention has deleted the evidence of the incident meanwhile.
var errGone = errors.New("evidence deleted meanwhile")

// name lets the record say where the attachment is. That is no change by a person, so the
// log does not tell of it; the custody log does.
func (a *Attachments) name(ctx context.Context, incident models.IncidentID, id, key string) (models.Incident, error) {
	ctx, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	return a.o.Index.Update(ctx, incident, func(r *models.Incident) error {
		i := findAttachment(*r, id)
		if i < 0 || r.Footage.State == models.FootageDeleted {
			return errGone
		}
		r.Investigation.Attachments[i].Key = key
		return nil
	})
}

// damaged sets a file aside that is not what was received: the disk has altered it.
func (a *Attachments) damaged(ctx context.Context, in models.Incident, t models.Attachment, path string, why error) error {
	aside := filepath.Join(a.dir, corruptName, filepath.Base(path))
	note := fmt.Sprintf("%s: %v; what is left is in %s", t.Name, why, aside)
	bounded, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	changed, err := a.o.Index.Update(bounded, in.ID, func(r *models.Incident) error {
		for _, entry := range r.Log {
			if entry.What == attachDamaged && entry.Note == note {
				return errUnchanged
			}
		}
		r.Log = append(r.Log, models.Action{At: time.Now().UTC(), Who: by, What: attachDamaged, Note: note})
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	damaged := custodyOf(in, models.ActDamaged)
	damaged.Objects, damaged.Note = []models.Object{attachmentObject(in, t)}, "attachment "+t.ID+" altered on the local disk"
	tell(ctx, a.o.Custody, a.o.Log, damaged)
	if err := os.Rename(path, aside); err != nil {
		return err
	}
	a.o.Log.Error("attachment set aside, it is kept for a person to look at", "incident", in.ID, "attachment", t.ID, "file", aside, "reason", why)
	if err == nil && a.o.Changed != nil {
		a.o.Changed(changed)
	}
	return nil
}

const attachDamaged = "attachment damaged"

// attachmentObject describes an attachment as an object of the bucket. Its type is what it
// can do to a browser: nothing.
func attachmentObject(in models.Incident, t models.Attachment) models.Object {
	return models.Object{Role: models.RoleAttachment, Key: attachmentKey(in, t.ID), Type: "application/octet-stream", Size: t.Size, SHA256: t.SHA256}
}
