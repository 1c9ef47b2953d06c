package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// manifestSchema is the version of Manifest. It changes when a reader of the old one
// would misunderstand the new one. Schema 1 had no Identity, and of the footage neither
// Expected nor the offset and drift of the camera's clock.
const manifestSchema = 2

// Manifest names every other object of an incident with its SHA-256, and says what the
// footage shows and what is missing from it. It is stored as canonical JSON (RFC 8785),
// so that its own hash, and the signature over it, can be made again from its content.
type Manifest struct {
	Schema   int               `json:"schema"`
	Incident models.IncidentID `json:"incident"`
	Camera   models.CameraID   `json:"camera"`
	Identity CameraIdentity    `json:"camera_identity,omitzero"`
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

// CameraIdentity says which device a camera's name stood for when the footage was taken.
type CameraIdentity struct {
	Name   string `json:"name,omitempty"`   // for people
	Source string `json:"source,omitempty"` // where its stream came from; never with credentials
}

// ManifestFootage is what models.Footage knows when the clip is finished.
type ManifestFootage struct {
	AskedFrom time.Time    `json:"asked_from"`
	AskedTo   time.Time    `json:"asked_to,omitzero"`
	From      time.Time    `json:"from,omitzero"`
	To        time.Time    `json:"to,omitzero"`
	Clock     models.Clock `json:"clock,omitempty"`
	// ClockOffset is the camera's clock minus ours, in ns, and ClockDrift how fast that
	// changes, in parts per thousand million; known when Clock is camera.
	ClockOffset int64        `json:"clock_offset_ns,omitempty"`
	ClockDrift  int64        `json:"clock_drift_ppb,omitempty"`
	Codec       models.Codec `json:"codec,omitempty"`
	Width       int          `json:"width,omitempty"`
	Height      int          `json:"height,omitempty"`
	Frames      int          `json:"frames"`
	Expected    int          `json:"expected,omitempty"` // 0: unknown
	Gaps        []models.Gap `json:"gaps"`               // empty: nothing is missing
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
			Clock: f.Clock, ClockOffset: integer(float64(f.ClockOffset)), ClockDrift: integer(f.ClockDrift * 1000),
			Codec: f.Codec, Width: f.Width, Height: f.Height, Frames: f.Frames, Expected: f.Expected, Gaps: gaps,
		},
		Objects: []models.Object{},
		Config:  in.Config, Version: in.Version,
	}
}

// integer rounds to what canonical JSON can hold: a camera whose clock is lost in time
// must not keep its footage from being sealed.
func integer(v float64) int64 {
	if math.IsNaN(v) {
		return 0
	}
	return int64(math.Round(max(-maxInteger, min(maxInteger, v))))
}

func (m Manifest) encode() ([]byte, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return canonical(data)
}

// ReadManifest reads a manifest that this program, or an older one, wrote. It says
// nothing about who wrote it: that is what the signature is for.
func ReadManifest(data []byte) (Manifest, error) {
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

// VerifyObjects reads every object that the manifest names and compares size and SHA-256.
// open gives an object's bytes, from wherever they are kept. All that is wrong is said at
// once; a content that differs is ErrContent.
func (m Manifest) VerifyObjects(ctx context.Context, open func(context.Context, models.Object) (io.ReadCloser, error)) error {
	var errs []error
	for _, o := range m.Objects {
		r, err := open(ctx, o)
		if err == nil {
			err = errors.Join(copyVerified(ctx, io.Discard, r, o), r.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.Key, err))
		}
	}
	return errors.Join(errs...)
}
