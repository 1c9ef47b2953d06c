package storage

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// keptObjects are those that retention and holds decide on together: the footage of an
// incident, what people attached to it, and the stored copies of what they linked. An
// attachment that is still on its way counts with the key that it will have, so that the
// list stays the same when it arrives.
func keptObjects(in models.Incident) []models.Object {
	objects := slices.Clone(in.Footage.Objects)
	if in.Footage.State == models.FootageDeleted {
		return objects
	}
	for _, t := range in.Investigation.Attachments {
		objects = append(objects, attachmentObject(in, t))
	}
	for _, x := range in.Investigation.Exhibits {
		if x.Object.Key != "" {
			objects = append(objects, x.Object)
		}
	}
	return objects
}

// letGo takes the keys out of a record whose objects retention deletes. What they were,
// with their hashes, stays.
func letGo(in *models.Incident) {
	for i := range in.Investigation.Attachments {
		in.Investigation.Attachments[i].Key = ""
	}
	for i := range in.Investigation.Exhibits {
		in.Investigation.Exhibits[i].Object.Key = ""
	}
}

// stow puts an object of an incident into the bucket, locked for as long as retention keeps
// it where the bucket locks, and looks whether it is there.
func stow(ctx context.Context, b Bucket, expires func(models.Incident) (time.Time, bool), in models.Incident, body io.ReadSeeker, o models.Object) error {
	u := Uploader{Bucket: b, Expires: expires}
	if err := u.put(ctx, in, body, o); err != nil {
		return err
	}
	there, err := u.has(ctx, o)
	if err == nil && !there {
		return fmt.Errorf("verify %s: the bucket does not hold what was put there", o.Key)
	}
	return err
}

// holdOne brings the legal hold of one object in line with its incident's, as the record
// said when it first named the object: a hold that comes later finds it by itself.
func holdOne(ctx context.Context, b Bucket, in models.Incident, key string) error {
	if in.Hold == nil {
		return nil
	}
	l, err := locker(ctx, b)
	if l == nil || err != nil {
		return err
	}
	return l.SetHold(ctx, key, true)
}
