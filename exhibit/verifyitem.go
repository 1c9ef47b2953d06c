package exhibit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/custody"
	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/pipeline/clip"
	"github.com/vedette-cctv/vedette/storage"
)

// checkIncident compares the files of one incident with what was written down when they were
// stored.
func (v *verifier) checkIncident(in ListItem) error {
	file, ok := v.find(in.Incident, RoleRecord, ".json")
	if !ok {
		v.wrong("Incident %s has no record in the package.", in.Incident)
		return nil
	}
	data, ok, err := v.small(file.Path)
	if err != nil || !ok {
		return err
	}
	var record models.Incident
	if err := json.Unmarshal(data, &record); err != nil || record.ID != in.Incident {
		v.wrong("%s is not the record of incident %s.", file.Path, in.Incident)
		return nil
	}
	switch record.Footage.State {
	case models.FootageStored:
		return v.checkManifest(in)
	case models.FootagePending:
		v.note("Incident %s: its footage had not yet been copied to its final store when the package was made. It is complete here.", in.Incident)
		return v.checkManifest(in)
	case models.FootageDeleted:
		return v.checkDeletion(in)
	}
	v.note("Incident %s has no footage: there was nothing to keep.", in.Incident)
	return nil
}

// checkManifest checks what was signed when the evidence was stored.
func (v *verifier) checkManifest(in ListItem) error {
	file, ok := v.find(in.Incident, Role(models.RoleManifest), "")
	if !ok {
		v.wrong("Incident %s has no manifest in the package.", in.Incident)
		return nil
	}
	data, ok, err := v.small(file.Path)
	if err != nil || !ok {
		return err
	}
	manifest, err := storage.ReadManifest(data)
	if err == nil && manifest.Incident != in.Incident {
		err = fmt.Errorf("it is that of incident %s", manifest.Incident)
	}
	if err != nil {
		v.wrong("Incident %s: its manifest is not sound: %v.", in.Incident, err)
		return nil
	}
	signed, err := v.checkSigned(in, data, models.RoleSignature, models.PurposeManifest, "manifest")
	if err != nil {
		return err
	}
	var names []string
	for _, o := range manifest.Objects {
		i := slices.IndexFunc(v.list.Files, func(f File) bool { return f.Incident == in.Incident && f.Key == o.Key })
		switch {
		case i < 0:
			v.wrong("Incident %s: %s was stored and is not in the package.", in.Incident, path.Base(o.Key))
		case v.list.Files[i].Size != o.Size || v.list.Files[i].SHA256 != o.SHA256:
			v.wrong("Incident %s: %s is not what was stored.", in.Incident, path.Base(v.list.Files[i].Path))
		default:
			names = append(names, path.Base(v.list.Files[i].Path))
		}
	}
	if len(names) == len(manifest.Objects) && len(names) > 0 {
		by := "named in the manifest that was written when they were stored"
		if signed != "" {
			by = fmt.Sprintf("named in the manifest that key %s signed when they were stored", signed)
		}
		v.right("Incident %s: %s: unchanged since they were %s.", in.Incident, strings.Join(names, ", "), by)
	}
	return v.checkClips(in, manifest)
}

// checkSigned checks a signature that lies beside a file. It returns the ID of the key.
func (v *verifier) checkSigned(in ListItem, data []byte, role models.ObjectRole, purpose, what string) (string, error) {
	file, ok := v.find(in.Incident, Role(role), "")
	if !ok {
		v.note("Incident %s: its %s is not signed, so only the package itself vouches for it.", in.Incident, what)
		return "", nil
	}
	raw, ok, err := v.small(file.Path)
	if err != nil || !ok {
		return "", err
	}
	key, err := v.checkSignature(data, raw, purpose)
	if err != nil {
		v.wrong("Incident %s: its %s is not the one that was signed: %v.", in.Incident, what, err)
	}
	return key, nil
}

// checkSignature returns the ID of the key that has signed data for a purpose.
func (v *verifier) checkSignature(data, raw []byte, purpose string) (string, error) {
	signature, err := parseSignature(raw, false)
	if err == nil && signature.Purpose != purpose {
		err = fmt.Errorf("it is a signature for something else (%.60q)", signature.Purpose)
	}
	if err == nil {
		err = custody.Verify(v.keys, data, signature)
	}
	if err != nil {
		return "", err
	}
	v.signed(signature.Key)
	return signature.Key, nil
}

// checkClips reads what each clip says of itself and compares it with the manifest.
func (v *verifier) checkClips(in ListItem, m storage.Manifest) error {
	frames, clips := 0, 0
	var from, to time.Time
	for _, f := range v.list.Files {
		if f.Incident != in.Incident || f.Role != Role(models.RoleClip) {
			continue
		}
		c, err := v.files.open(f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // said already
		}
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		info, err := clip.StatAt(c, c.size)
		if err = errors.Join(err, c.Close()); err != nil {
			v.note("Incident %s: %s is what was stored, but it cannot be read as a film (%v).", in.Incident, path.Base(f.Path), err)
			return nil
		}
		clips, frames = clips+1, frames+info.Frames
		if from.IsZero() || info.From.Before(from) {
			from = info.From
		}
		to = later(to, info.To)
	}
	if clips == 0 {
		return nil
	}
	if frames != m.Footage.Frames {
		v.wrong("Incident %s: the footage has %d pictures, the manifest says %d.", in.Incident, frames, m.Footage.Frames)
		return nil
	}
	gaps := "Nothing that was asked for is missing."
	if n := len(m.Footage.Gaps); n > 0 {
		gaps = fmt.Sprintf("The manifest names %s in it; the record lists them.", counted(n, "gap"))
	}
	v.right("Incident %s: the footage can be read: %d pictures from %s to %s (UTC). %s", in.Incident, frames,
		from.UTC().Format("2006-01-02 15:04:05"), to.UTC().Format("2006-01-02 15:04:05"), gaps)
	return nil
}

// checkDeletion checks the record that the evidence was deleted, and why.
func (v *verifier) checkDeletion(in ListItem) error {
	file, ok := v.find(in.Incident, Role(models.RoleDeletion), "")
	if !ok {
		v.note("Incident %s: its evidence was deleted, and the package holds no record of that.", in.Incident)
		return nil
	}
	data, ok, err := v.small(file.Path)
	if err != nil || !ok {
		return err
	}
	deleted, signed, signature, err := storage.ReadDeletion(data)
	if err == nil && deleted.Incident != in.Incident {
		err = fmt.Errorf("it is that of incident %s", deleted.Incident)
	}
	if err == nil && signature != nil {
		if signature.Purpose != models.PurposeDeletion {
			err = fmt.Errorf("it is signed for something else (%.60q)", signature.Purpose)
		} else {
			err = custody.Verify(v.keys, signed, *signature)
		}
	}
	if err != nil {
		v.wrong("Incident %s: the record of its deletion is not sound: %v.", in.Incident, err)
		return nil
	}
	by := "is not signed"
	if signature != nil {
		v.signed(signature.Key)
		by = "is signed with key " + signature.Key
	}
	v.note("Incident %s: its evidence was deleted on %s (%s). The record of that %s.", in.Incident,
		deleted.At.UTC().Format("2006-01-02 15:04:05 MST"), deleted.Policy, by)
	return nil
}

// checkCopies looks for the master of each working copy.
func (v *verifier) checkCopies() error {
	for _, f := range v.list.Files {
		if f.MadeFrom == "" || f.Role == RoleSidecar {
			continue
		}
		if !slices.ContainsFunc(v.list.Files, func(m File) bool { return m.Role == Role(models.RoleClip) && m.SHA256 == f.MadeFrom }) {
			v.wrong("%s is a copy of something that is not in the package.", f.Path)
			continue
		}
		if f.Role == RolePlayable {
			v.note("%s is a copy for ordinary players, coded anew by the recorder. The evidence is the original beside it.", f.Path)
			continue
		}
		if err := v.checkCopy(f); err != nil {
			return err
		}
	}
	return nil
}
