package exhibit

import (
	"encoding/json"
	"errors"
	"fmt"
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

// checkCopy compares a working copy with its note.
func (v *verifier) checkCopy(f File, note []byte) {
	n, err := parseCopyNote(note)
	switch {
	case err != nil:
		v.wrong("%s.json is not the note of a working copy: %v.", f.Path, err)
	case n.Master.SHA256 != f.MadeFrom || n.Copy.SHA256 != f.SHA256:
		v.wrong("%s is not the copy that its note describes.", f.Path)
	default:
		v.note("%s is a working copy in which something was changed on purpose. %s", f.Path,
			fmt.Sprintf("The original that it was made from (SHA-256 %.16s…) is in the package.", f.MadeFrom))
	}
}
