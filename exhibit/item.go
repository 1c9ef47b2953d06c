package exhibit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// item is one incident on its way into the package.
type item struct {
	models.Incident
	folder string
	chain  []models.CustodyRecord // oldest first
	files  []File                 // of the incident, but for the PDF that lists them
	sheet  []byte                 // contact sheet, JPEG; nil when there is none
	device storage.CameraIdentity // which device the camera was; zero when unknown
}

// chainOf sorts the entries of an extract by incident.
func chainOf(e custody.Extract) (map[models.IncidentID][]models.CustodyRecord, error) {
	records, err := e.Records()
	if err != nil {
		return nil, err
	}
	out := map[models.IncidentID][]models.CustodyRecord{}
	for _, r := range records {
		out[r.Incident] = append(out[r.Incident], r)
	}
	return out, nil
}

// addItem adds everything about one incident: first what was stored, byte for byte, then
// what is made of it.
func (b *builder) addItem(ctx context.Context, it *item) error {
	first := len(b.files)
	names := map[string]bool{}
	for _, o := range it.Footage.Objects {
		if o.Role == models.RolePart {
			continue // the clip itself holds it
		}
		name := objectName(o)
		if names[name] {
			return fmt.Errorf("two of its objects are called %s", name)
		}
		names[name] = true
		if err := b.addObject(ctx, it, o, name); err != nil {
			return err
		}
	}
	if err := b.addAdded(ctx, it); err != nil {
		return err
	}
	if err := b.readManifest(ctx, it); err != nil {
		return err
	}
	if _, ok := it.find(models.RoleSignature); !ok && it.complete() {
		b.note("The manifest of incident %s is not signed: it was stored by a vedette without a key.", it.ID)
	}
	if err := b.addPlayable(ctx, it); err != nil {
		return err
	}
	if err := b.addSheet(ctx, it); err != nil {
		return err
	}
	if err := b.addMade(ctx, it.made("clock.txt", RoleClock, "text/plain; charset=utf-8"), []byte(clockNote(it.Incident, b.o.Place))); err != nil {
		return err
	}
	record, err := json.MarshalIndent(it.Incident, "", "  ")
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := b.addMade(ctx, it.made("record.json", RoleRecord, "application/json"), append(record, '\n')); err != nil {
		return err
	}
	for _, f := range b.files[first:] {
		it.files = append(it.files, f.File)
	}
	pdf, err := b.recordPDF(ctx, it)
	if err != nil {
		return fmt.Errorf("record as PDF: %w", err)
	}
	return b.addMade(ctx, it.made("record.pdf", RoleRecord, "application/pdf"), pdf)
}

// complete says whether there is footage that a manifest names.
func (it *item) complete() bool {
	return it.Footage.State == models.FootageStored || it.Footage.State == models.FootagePending
}

// objectName is the name of an object's file in the folder of its incident.
func objectName(o models.Object) string {
	if o.Role == models.RoleSignature {
		return "manifest.sig"
	}
	return safeName(path.Base(o.Key))
}

func (it *item) made(name string, role Role, typ string) File {
	return File{Path: it.folder + "/" + name, Role: role, Incident: it.ID, Type: typ}
}

func (b *builder) addObject(ctx context.Context, it *item, o models.Object, name string) error {
	open := func(ctx context.Context) (io.ReadCloser, error) { return b.o.Open(ctx, it.Incident, o) }
	f := File{Path: it.folder + "/" + name, Role: Role(o.Role), Incident: it.ID, Type: o.Type, Key: o.Key}
	err := b.add(ctx, f, open, &o)
	if errors.Is(err, storage.ErrContent) || errors.Is(err, fs.ErrNotExist) {
		err = &DamagedError{it.ID, o, err}
	}
	return err
}

// DamagedError says that an object of evidence is missing or is not what its record says.
type DamagedError struct {
	Incident models.IncidentID
	Object   models.Object
	Err      error // wraps fs.ErrNotExist or storage.ErrContent
}

func (e *DamagedError) Error() string { return e.Err.Error() }

func (e *DamagedError) Unwrap() error { return e.Err }

// find is the first object with a role that the record names.
func (it *item) find(role models.ObjectRole) (models.Object, bool) {
	i := slices.IndexFunc(it.Footage.Objects, func(o models.Object) bool { return o.Role == role })
	if i < 0 {
		return models.Object{}, false
	}
	return it.Footage.Objects[i], true
}

// read reads a small object into memory.
func (b *builder) read(ctx context.Context, it *item, o models.Object) (data []byte, err error) {
	r, err := b.o.Open(ctx, it.Incident, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if o.Size > maxSmall {
		return nil, fmt.Errorf("%s has %d bytes", o.Key, o.Size)
	}
	return io.ReadAll(io.LimitReader(r, maxSmall))
}

// readManifest takes from the manifest what the record does not know.
func (b *builder) readManifest(ctx context.Context, it *item) error {
	o, ok := it.find(models.RoleManifest)
	if !ok {
		if it.complete() {
			return errors.New("its record names no manifest")
		}
		return nil
	}
	data, err := b.read(ctx, it, o)
	if err != nil {
		return err
	}
	m, err := storage.ReadManifest(data)
	if err != nil {
		return err
	}
	it.device = m.Identity
	return nil
}

// camera names the camera for people.
func (it *item) camera() string {
	if name := it.device.Name; name != "" && name != string(it.Camera) {
		return fmt.Sprintf("%s (%s)", name, it.Camera)
	}
	return string(it.Camera)
}

// addPlayable adds a copy for browsers when the master needs one.
func (b *builder) addPlayable(ctx context.Context, it *item) error {
	master, ok := it.find(models.RoleClip)
	if b.o.Playable == nil || !ok {
		return nil
	}
	file, o, err := b.o.Playable(ctx, it.Incident)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		b.note("Incident %s: a copy for ordinary players could not be made (%v). The original plays in VLC.", it.ID, err)
		return nil
	case file == "":
		return nil
	}
	f := it.made("playable-copy.mp4", RolePlayable, "video/mp4")
	f.MadeFrom = master.SHA256
	return b.add(ctx, f, func(context.Context) (io.ReadCloser, error) { return os.Open(file) }, &o)
}

// clips are the master clips of an incident in order.
func (it *item) clips() []models.Object {
	var out []models.Object
	for _, o := range it.Footage.Objects {
		if o.Role == models.RoleClip {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b models.Object) int { return strings.Compare(a.Key, b.Key) })
	return out
}
