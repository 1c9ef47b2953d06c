package exhibit

import (
	"context"
	"fmt"

	"github.com/vedette-cctv/vedette/models"
)

// added are the files that people added to an incident and the footage that they linked,
// as objects with the names that they get in the package. The names are made of IDs, so
// that no two are alike. What is not in the bucket is told by notes.
func (b *builder) added(in models.Incident) (objects []models.Object, names []string) {
	for _, t := range in.Investigation.Attachments {
		if t.Key == "" {
			b.note("The file %q that %s added to incident %s is not in the package: it is not in the store of evidence, or not any more.", t.Name, t.By, in.ID)
			continue
		}
		objects = append(objects, models.Object{Role: models.RoleAttachment, Key: t.Key, Type: "application/octet-stream", Size: t.Size, SHA256: t.SHA256})
		names = append(names, safeName("attachment-"+t.ID+"-"+t.Name))
	}
	for _, x := range in.Investigation.Exhibits {
		if x.Object.Key == "" {
			b.note("The footage of camera %s from %s to %s that %s linked to incident %s is not in the package: %s.", x.Camera,
				b.clock(x.From), b.clock(x.To), x.By, in.ID, whyNot(x))
			continue
		}
		o := x.Object
		o.Role, o.Type = models.RoleExhibit, "video/mp4"
		objects = append(objects, o)
		names = append(names, safeName(fmt.Sprintf("linked-%s-%s-%s.mp4", x.ID, x.Camera, x.From.UTC().Format("20060102T150405Z"))))
	}
	return objects, names
}

// whyNot says why linked footage has no stored copy.
func whyNot(x models.Exhibit) string {
	switch {
	case x.Incident != "":
		return "it is the clip of incident " + string(x.Incident)
	case x.Trouble != "":
		return x.Trouble
	}
	return "no copy of it is stored yet, or not any more"
}

// addAdded adds them.
func (b *builder) addAdded(ctx context.Context, it *item) error {
	objects, names := b.added(it.Incident)
	for i, o := range objects {
		if err := b.addObject(ctx, it, o, names[i]); err != nil {
			return err
		}
	}
	return nil
}
