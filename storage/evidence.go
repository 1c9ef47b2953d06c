package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/vedette-cctv/vedette/models"
)

// Evidence reads the footage of an incident from wherever it is now.
type Evidence struct {
	Spool  *Spool
	Bucket Bucket
}

// entryFiles are the files that can serve a role while the evidence is in the spool, the
// best first.
var entryFiles = map[models.ObjectRole][]models.Object{
	models.RoleClip: {
		{Key: ClipFile, Type: "video/mp4"},
		{Key: GrowingFile, Type: "video/mp4"}, // plays while it grows
	},
	models.RoleStill:     {{Key: StillFile, Type: "image/jpeg"}},
	models.RolePicture:   {{Key: PictureFile, Type: "image/jpeg"}},
	models.RoleWhy:       {{Key: WhyFile, Type: "image/jpeg"}},
	models.RoleMask:      {{Key: MaskFile, Type: "image/png"}},
	models.RoleManifest:  {{Key: ManifestFile, Type: "application/json"}},
	models.RoleSignature: {{Key: SignatureFile, Type: "application/json"}},
}

// Open opens the object with this role: from the bucket when the record names it, else
// from the spool. A clip that still grows is as long as it was when it was opened; its
// Object then has no SHA256. The error is fs.ErrNotExist when there is no such object.
func (v Evidence) Open(ctx context.Context, in models.Incident, role models.ObjectRole) (Reader, models.Object, error) {
	for _, o := range in.Footage.Objects {
		if o.Role == role {
			r, err := v.Bucket.Open(ctx, o.Key)
			return r, o, err
		}
	}
	r, o, err := v.inSpool(in.ID, role)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, o, err
	}
	// The record that the caller read may be older than the upload. An object appears
	// under its key whole, so it can be shown even before the record names it.
	for _, f := range entryFiles[role] {
		key := objectKey(in, f.Key)
		if r, err := v.Bucket.Open(ctx, key); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return nil, models.Object{}, err
			}
			return r, models.Object{Role: role, Key: key, Type: f.Type, Size: r.Size()}, nil
		}
	}
	return nil, models.Object{}, fmt.Errorf("%s of incident %s: %w", role, in.ID, fs.ErrNotExist)
}

func (v Evidence) inSpool(id models.IncidentID, role models.ObjectRole) (Reader, models.Object, error) {
	e, ok := v.Spool.Entry(id)
	if !ok {
		return nil, models.Object{}, fs.ErrNotExist
	}
	if e.State() == EntryReady {
		for _, o := range e.upload() {
			if o.Role == role {
				f, err := openFile(e.fileOf(o))
				if err != nil {
					return nil, models.Object{}, err
				}
				return f, o, nil
			}
		}
	}
	for _, o := range entryFiles[role] {
		f, err := openFile(e.Path(o.Key))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, models.Object{}, err
		}
		o.Role, o.Key, o.Size = role, "", f.Size() // nothing has this key in the bucket yet
		return f, o, nil
	}
	return nil, models.Object{}, fs.ErrNotExist
}
