package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// manifestSchema is the version of Manifest. It changes when a reader of the old one
// would misunderstand the new one.
const manifestSchema = 1

// Manifest names every other object of an incident with its SHA-256, and says what the
// footage shows and what is missing from it. It is stored as canonical JSON (RFC 8785),
// so that its own hash, and a signature over it, can be made again from its content.
type Manifest struct {
	Schema   int               `json:"schema"`
	Incident models.IncidentID `json:"incident"`
	Camera   models.CameraID   `json:"camera"`
	Zone     models.ZoneID     `json:"zone"`
	Kind     models.Kind       `json:"kind"`
	Severity models.Severity   `json:"severity"`
	Start    time.Time         `json:"start"`
	Alarm    time.Time         `json:"alarm"`
	End      time.Time         `json:"end,omitzero"`
	Opened   time.Time         `json:"opened"`
	Footage  ManifestFootage   `json:"footage"`
	Objects  []models.Object   `json:"objects"`
	Config   string            `json:"config"`  // hash of the configuration in force
	Version  string            `json:"version"` // of vedette
}

// ManifestFootage is what models.Footage knows when the clip is finished.
type ManifestFootage struct {
	AskedFrom time.Time    `json:"asked_from"`
	AskedTo   time.Time    `json:"asked_to,omitzero"`
	From      time.Time    `json:"from,omitzero"`
	To        time.Time    `json:"to,omitzero"`
	Clock     models.Clock `json:"clock,omitempty"`
	Codec     models.Codec `json:"codec,omitempty"`
	Width     int          `json:"width,omitempty"`
	Height    int          `json:"height,omitempty"`
	Frames    int          `json:"frames"`
	Gaps      []models.Gap `json:"gaps"` // empty: nothing is missing
}

func newManifest(in models.Incident) Manifest {
	f := in.Footage
	gaps := make([]models.Gap, len(f.Gaps))
	for i, g := range f.Gaps {
		g.From, g.To = g.From.UTC(), g.To.UTC()
		gaps[i] = g
	}
	return Manifest{
		Schema: manifestSchema, Incident: in.ID, Camera: in.Camera, Zone: in.Zone, Kind: in.Kind, Severity: in.Severity,
		Start: in.Start.UTC(), Alarm: in.Alarm.UTC(), End: in.End.UTC(), Opened: in.Opened.UTC(),
		Footage: ManifestFootage{
			AskedFrom: f.AskedFrom.UTC(), AskedTo: f.AskedTo.UTC(), From: f.From.UTC(), To: f.To.UTC(),
			Clock: f.Clock, Codec: f.Codec, Width: f.Width, Height: f.Height, Frames: f.Frames, Gaps: gaps,
		},
		Objects: []models.Object{},
		Config:  in.Config, Version: in.Version,
	}
}

func (m Manifest) encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return canonical(data)
}

// parseManifest reads a manifest that this program, or an older one, wrote.
func parseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w", err)
	}
	if m.Schema < 1 || m.Schema > manifestSchema {
		return Manifest{}, fmt.Errorf("manifest: schema %d, this program knows 1 to %d", m.Schema, manifestSchema)
	}
	if canon, err := canonical(data); err != nil || !bytes.Equal(canon, data) {
		return Manifest{}, errors.New("manifest: not in canonical form")
	}
	for _, o := range m.Objects {
		if checkKey(o.Key) != nil || checkFileName(path.Base(o.Key)) != nil || o.Size < 0 || len(o.SHA256) != 64 {
			return Manifest{}, fmt.Errorf("manifest: object %.80q is not described soundly", o.Key)
		}
	}
	return m, nil
}
