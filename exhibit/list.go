package exhibit

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// The files of the package itself.
const (
	ListFile      = "exhibit.json"
	SignatureFile = "exhibit.sig"
	SumsFile      = "SHA256SUMS"
	ReadmeFile    = "README.txt"
	KeysFile      = "keys/keys.json"
	CustodyFile   = "custody.json"
)

// listSchema is the version of List. It changes when a reader of the old one would
// misunderstand the new one.
const listSchema = 1

// Role is what a file of a package is.
type Role string

// The roles of files. Objects of evidence keep the role that they have in the bucket.
const (
	RoleReadme   Role = "readme"
	RoleRecord   Role = "record" // of the incident, JSON or PDF
	RoleSheet    Role = "contact_sheet"
	RolePlayable Role = "playable_copy" // made from a master that browsers refuse
	RoleClock    Role = "clock_note"
	RoleConfig   Role = "configuration" // in force, without its secrets
	RoleCustody  Role = "custody"
	RoleKeys     Role = "keys"
	RoleWorking  Role = "working_copy" // such as a redacted one
	RoleSidecar  Role = "working_copy_note"
)

// List is exhibit.json: it names every other file of the package, but for its own signature
// and SHA256SUMS, which follow from it.
type List struct {
	Schema    int        `json:"schema"`
	Folder    string     `json:"folder"` // that all files lie in
	Exported  time.Time  `json:"exported"`
	By        string     `json:"by"`
	Why       string     `json:"why"`
	Reference string     `json:"reference,omitempty"` // the recipient's, such as a case number
	Contact   string     `json:"contact,omitempty"`   // whom to ask
	Software  string     `json:"software"`
	Incidents []ListItem `json:"incidents"`
	Files     []File     `json:"files"` // in the order of the package
}

// ListItem is an incident in the list.
type ListItem struct {
	Incident models.IncidentID `json:"incident"`
	Folder   string            `json:"folder"`
	Camera   models.CameraID   `json:"camera"`
	Kind     models.Kind       `json:"kind"`
	Alarm    time.Time         `json:"alarm"`
	// Complete is the share of the footage asked for that is there, 0..1.
	Complete float64 `json:"complete"`
}

// File is a file in the list.
type File struct {
	Path     string            `json:"path"` // below List.Folder, slash-separated
	Role     Role              `json:"role"`
	Incident models.IncidentID `json:"incident,omitempty"`
	Type     string            `json:"type"`
	Size     int64             `json:"size"`
	SHA256   string            `json:"sha256"`
	Key      string            `json:"key,omitempty"` // of the object in the bucket that it is
	// MadeFrom is the SHA-256 of the master that a copy was made from.
	MadeFrom string `json:"made_from,omitempty"`
}

// encode writes the list in its one form.
func (l List) encode() ([]byte, error) {
	data, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ListFile, err)
	}
	return append(data, '\n'), nil
}

// maxSmall bounds what is read into memory of a package: lists, records, proofs.
const maxSmall = 64 << 20

// parseList reads a list and refuses what could do harm when it is followed.
func parseList(data []byte) (List, error) {
	var l List
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil {
		return List{}, fmt.Errorf("%s: %w", ListFile, err)
	}
	if l.Schema != listSchema {
		return List{}, fmt.Errorf("%s: it is of schema %d; this program knows %d: use a newer one", ListFile, l.Schema, listSchema)
	}
	if !fs.ValidPath(l.Folder) || l.Folder == "." || strings.ContainsAny(l.Folder, `/\`) {
		return List{}, fmt.Errorf("%s: %q is no name of a folder", ListFile, l.Folder)
	}
	seen := map[string]bool{ListFile: true, SignatureFile: true, SumsFile: true}
	for _, f := range l.Files {
		// Names that differ by case alone would be one file on Windows and macOS.
		folded := strings.ToLower(f.Path)
		switch {
		case !safePath(f.Path):
			return List{}, fmt.Errorf("%s: %.200q is no name of a file", ListFile, f.Path)
		case seen[folded]:
			return List{}, fmt.Errorf("%s: %.200q is there twice", ListFile, f.Path)
		case f.Size < 0 || !isSHA256(f.SHA256) || f.MadeFrom != "" && !isSHA256(f.MadeFrom):
			return List{}, fmt.Errorf("%s: %.200q is not described soundly", ListFile, f.Path)
		}
		seen[folded] = true
	}
	return l, nil
}

// safePath says whether a file can have this name on every system.
func safePath(p string) bool {
	if !fs.ValidPath(p) || p == "." || len(p) > maxName/2 {
		return false
	}
	for _, r := range p {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`<>:"\|?*`, r) {
			return false
		}
	}
	for part := range strings.SplitSeq(p, "/") {
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
			return false
		}
	}
	return true
}

// safeName makes one element of a path of a name that may come from a configuration.
func safeName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s)
	if s = strings.Trim(s, "._"); s == "" {
		return "x"
	}
	return s[:min(len(s), 120)]
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}

// sums writes SHA256SUMS, which `sha256sum --check` reads.
func (l List) sums(list, signature [32]byte) []byte {
	var b bytes.Buffer
	for _, f := range l.Files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA256, f.Path)
	}
	fmt.Fprintf(&b, "%x  %s\n%x  %s\n", list, ListFile, signature, SignatureFile)
	return b.Bytes()
}

// encodeSignature writes a signature in its one form.
func encodeSignature(s models.Signature) ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return append(data, '\n'), nil
}

// parseSignature reads a signature. With strict it accepts only the form of
// encodeSignature, so that no byte of it can be another.
func parseSignature(data []byte, strict bool) (models.Signature, error) {
	var s models.Signature
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("signature: %w", err)
	}
	if again, err := encodeSignature(s); strict && (err != nil || !bytes.Equal(again, data)) {
		return s, errors.New("signature: it is not written as this program writes it")
	}
	return s, nil
}
