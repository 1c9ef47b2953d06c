package exhibit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/vedette-cctv/vedette/models"
)

// copyNote is what the package needs to know of the note beside a working copy.
type copyNote struct {
	Master struct {
		SHA256 string `json:"sha256"`
	} `json:"master"`
	Copy struct {
		SHA256 string `json:"sha256"`
	} `json:"copy"`
}

func parseCopyNote(note []byte) (copyNote, error) {
	var n copyNote
	if err := json.Unmarshal(note, &n); err != nil {
		return n, err
	}
	if !isSHA256(n.Master.SHA256) || !isSHA256(n.Copy.SHA256) {
		return n, errors.New("it does not name the SHA-256 of the master and of the copy")
	}
	return n, nil
}

// masterOf is the SHA-256 of the master that a note names.
func masterOf(note []byte) (string, error) {
	n, err := parseCopyNote(note)
	return n.Master.SHA256, err
}

// checkCopy compares a working copy with its note, and the note with its signature.
func (v *verifier) checkCopy(f File) error {
	note, ok, err := v.small(f.Path + ".json")
	if err != nil || !ok {
		return err
	}
	n, err := parseCopyNote(note)
	if err != nil {
		v.wrong("%s.json is not the note of a working copy: %v.", f.Path, err)
		return nil
	}
	if n.Master.SHA256 != f.MadeFrom || n.Copy.SHA256 != f.SHA256 {
		v.wrong("%s is not the copy that its note describes.", f.Path)
		return nil
	}
	by := "Nobody has signed its note."
	if slices.ContainsFunc(v.list.Files, func(s File) bool { return s.Path == f.Path+".json.sig" }) {
		raw, ok, err := v.small(f.Path + ".json.sig")
		if err != nil || !ok {
			return err
		}
		key, err := v.checkSignature(note, raw, models.PurposeRedaction)
		if err != nil {
			v.wrong("%s: its note is not the one that was signed: %v.", f.Path, err)
			return nil
		}
		by = fmt.Sprintf("Key %s signed its note.", key)
	}
	v.note("%s is a working copy in which something was changed on purpose. The original that it was made from is in the package "+
		"(SHA-256 %.16s…). %s", f.Path, f.MadeFrom, by)
	return nil
}
