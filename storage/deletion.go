package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// deletionSchema is the version of Deletion.
const deletionSchema = 1

// Deletion is what stays of evidence that retention has deleted: what it was, with every
// hash, and why it went. With it a copy that somebody else still has can be recognised.
type Deletion struct {
	Schema   int               `json:"schema"`
	Incident models.IncidentID `json:"incident"`
	Camera   models.CameraID   `json:"camera"`
	Zone     models.ZoneID     `json:"zone"`
	Kind     models.Kind       `json:"kind"`
	Severity models.Severity   `json:"severity"`
	Start    time.Time         `json:"start"`
	Alarm    time.Time         `json:"alarm"`
	End      time.Time         `json:"end,omitzero"`
	Objects  []models.Object   `json:"objects"` // that were deleted
	Policy   string            `json:"policy"`  // the part of it that let them go
	By       string            `json:"by"`
	At       time.Time         `json:"at"`
}

// deletionFile is the form in which a deletion is kept.
type deletionFile struct {
	Deletion  json.RawMessage   `json:"deletion"` // canonical JSON: what is signed
	Signature *models.Signature `json:"signature,omitempty"`
}

// encodeDeletion makes the file, signed when there is a signer.
func encodeDeletion(d Deletion, signer Signer) ([]byte, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("deletion: %w", err)
	}
	f := deletionFile{}
	if f.Deletion, err = canonical(raw); err != nil {
		return nil, fmt.Errorf("deletion: %w", err)
	}
	if signer != nil {
		sig, err := signer.Sign(models.PurposeDeletion, f.Deletion)
		if err != nil {
			return nil, fmt.Errorf("sign deletion: %w", err)
		}
		f.Signature = &sig
	}
	return json.Marshal(f)
}

// ReadDeletion reads a record of a deletion. signed are the bytes that the signature, nil
// when there is none, is over.
func ReadDeletion(data []byte) (d Deletion, signed []byte, sig *models.Signature, err error) {
	var f deletionFile
	if err := json.Unmarshal(data, &f); err != nil {
		return Deletion{}, nil, nil, fmt.Errorf("deletion: %w", err)
	}
	if err := json.Unmarshal(f.Deletion, &d); err != nil {
		return Deletion{}, nil, nil, fmt.Errorf("deletion: %w", err)
	}
	if d.Schema < 1 || d.Schema > deletionSchema {
		return Deletion{}, nil, nil, fmt.Errorf("deletion: schema %d, this program knows 1 to %d", d.Schema, deletionSchema)
	}
	if canon, err := canonical(f.Deletion); err != nil || !bytes.Equal(canon, f.Deletion) {
		return Deletion{}, nil, nil, errors.New("deletion: not in canonical form")
	}
	if err := checkID(d.Incident); err != nil {
		return Deletion{}, nil, nil, fmt.Errorf("deletion: %w", err)
	}
	for _, o := range d.Objects {
		if err := checkKey(o.Key); err != nil {
			return Deletion{}, nil, nil, fmt.Errorf("deletion: %w", err)
		}
	}
	return d, f.Deletion, f.Signature, nil
}
