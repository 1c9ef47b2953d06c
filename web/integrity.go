package web

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vedette-cctv/vedette/models"
)

// PublicKey is a key that signatures are checked with.
type PublicKey struct {
	ID    string    `json:"id" doc:"as signatures name it"`
	Key   []byte    `json:"key" doc:"Ed25519, 32 bytes"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero" doc:"when another one took its place"`
}

// KeyEntry is a public key as it is shown and handed out.
type KeyEntry struct {
	PublicKey
	Fingerprint string `json:"fingerprint" doc:"SHA-256 of the key, hex: what two people read to each other"`
	PEM         string `json:"pem" doc:"the key as openssl reads it"`
	Current     bool   `json:"current" doc:"this one signs now"`
}

// KeyList is every key that has signed here.
type KeyList struct {
	Items []KeyEntry `json:"items" doc:"the current one first"`
}

// Integrity is what a check of the evidence of one incident has found.
type Integrity struct {
	Manifest  string        `json:"manifest_sha256,omitempty" doc:"hash of the manifest; absent when there is none yet"`
	Signature string        `json:"signature" enum:"valid,invalid,absent,unknown_key,unchecked"`
	Key       string        `json:"key,omitempty" doc:"ID of the key that signed"`
	Objects   []CheckedFile `json:"objects" doc:"what the manifest names"`
	Sound     bool          `json:"sound" doc:"nothing that was checked is missing or altered"`
	Problems  []string      `json:"problems" doc:"in plain words; empty when sound"`
}

// CheckedFile is one object that the manifest names.
type CheckedFile struct {
	models.Object
	State string `json:"state" enum:"named,intact,altered,missing" doc:"named: its content was not read"`
}

type integrityQuery struct {
	OneIncident
	Files bool `query:"files" doc:"also read every file and compare its hash, which takes as long as reading them"`
}

// maxManifest bounds a manifest that is read whole. One names a handful of objects and at
// most some thousand gaps.
const maxManifest = 4 << 20

func (s *Server) describeIntegrity(api huma.API) {
	tags := []string{"custody"}
	huma.Register(api, needs(models.RightView, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/api/keys", Tags: tags,
		Summary: "The public keys that signatures are checked with", Errors: []int{401, 403, 501},
	}), func(ctx context.Context, _ *struct{}) (*struct{ Body KeyList }, error) {
		if s.Keys == nil {
			return nil, absent("signing")
		}
		list := KeyList{Items: []KeyEntry{}}
		for _, k := range s.Keys() {
			e, err := keyEntry(k)
			if err != nil {
				return nil, s.fail(ctx, "keys", err)
			}
			list.Items = append(list.Items, e)
		}
		return &struct{ Body KeyList }{list}, nil
	})
	huma.Register(api, needs(models.RightFootage, huma.Operation{
		OperationID: "check-integrity", Method: http.MethodGet, Path: "/api/incidents/{id}/integrity", Tags: tags,
		Summary: "Check the evidence of an incident",
		Description: "The signature of the manifest, and that record and manifest name the same objects; with files=true also the content of " +
			"each object. What is found altered or missing goes into the custody log.",
		Errors: []int{401, 403, 404, 503}, RejectUnknownQueryParameters: true,
	}), s.integrity)
}

func keyEntry(k PublicKey) (KeyEntry, error) {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(k.Key))
	if err != nil {
		return KeyEntry{}, fmt.Errorf("key %s: %w", k.ID, err)
	}
	sum := sha256.Sum256(k.Key)
	return KeyEntry{PublicKey: k, Fingerprint: hex.EncodeToString(sum[:]), Current: k.Until.IsZero(),
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

func (s *Server) integrity(ctx context.Context, q *integrityQuery) (*struct{ Body Integrity }, error) {
	id := models.IncidentID(q.ID)
	in, err := s.incident(ctx, q.ID, models.RightFootage)
	if err != nil {
		return nil, err
	}
	found, err := s.examine(ctx, in, q.Files)
	if err != nil {
		return nil, s.unopened(ctx, "manifest of incident "+q.ID, err)
	}
	if !found.Sound {
		for _, o := range found.Objects {
			if o.State != "altered" && o.State != "missing" {
				continue
			}
			if err := s.witness(ctx, q.ID+" "+o.Key+" "+o.State, models.Custody{Act: models.ActDamaged, Incident: id, Camera: in.Camera,
				Objects: []models.Object{o.Object}, Note: o.State}); err != nil {
				return nil, err
			}
		}
	}
	return &struct{ Body Integrity }{found}, nil
}

// examine checks what can be checked of an incident's evidence. Its error is that of a
// store that does not answer: then nothing is known.
func (s *Server) examine(ctx context.Context, in models.Incident, files bool) (Integrity, error) {
	out := Integrity{Signature: "absent", Objects: []CheckedFile{}, Problems: []string{}, Sound: true}
	wrong := func(format string, args ...any) {
		out.Sound = false
		out.Problems = append(out.Problems, fmt.Sprintf(format, args...))
	}
	data, object, err := s.document(ctx, in, models.RoleManifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if in.Footage.State == models.FootageStored {
			wrong("the manifest is missing")
		}
		return out, nil
	case err != nil:
		return out, err
	}
	sum := sha256.Sum256(data)
	out.Manifest = hex.EncodeToString(sum[:])
	if object.SHA256 != "" && object.SHA256 != out.Manifest {
		wrong("the manifest is not the one that the record names")
	}
	if err := s.examineSignature(ctx, in, data, &out, wrong); err != nil {
		return out, err
	}
	var manifest struct {
		Incident models.IncidentID `json:"incident"`
		Objects  []models.Object   `json:"objects"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		wrong("the manifest cannot be read")
		return out, nil
	}
	if manifest.Incident != in.ID {
		wrong("the manifest is that of incident %s", manifest.Incident)
	}
	for _, o := range manifest.Objects {
		checked := CheckedFile{Object: o, State: "named"}
		if named := having(in, o.Role); in.Footage.State == models.FootageStored && (len(named) == 0 || named[0].SHA256 != o.SHA256) {
			wrong("record and manifest name different files as %s", o.Role)
		}
		if files && in.Footage.State != models.FootageDeleted {
			if checked.State, err = s.rehash(ctx, in, o); err != nil {
				return out, err
			}
			if checked.State != "intact" {
				wrong("%s is %s", o.Role, checked.State)
			}
		}
		out.Objects = append(out.Objects, checked)
	}
	return out, nil
}

func (s *Server) examineSignature(ctx context.Context, in models.Incident, manifest []byte, out *Integrity, wrong func(string, ...any)) error {
	data, _, err := s.document(ctx, in, models.RoleSignature)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // evidence of a program that did not sign
	}
	if err != nil {
		return err
	}
	var sig models.Signature
	if err := json.Unmarshal(data, &sig); err != nil {
		out.Signature = "invalid"
		wrong("the signature cannot be read")
		return nil
	}
	out.Key = sig.Key
	switch {
	case s.CheckSignature == nil:
		out.Signature = "unchecked"
	case sig.Purpose != models.PurposeManifest:
		out.Signature = "invalid"
		wrong("the signature is not one of a manifest")
	default:
		out.Signature = "valid"
		if err := s.CheckSignature(manifest, sig); err != nil {
			out.Signature = "invalid"
			if s.Keys != nil && !knows(s.Keys(), sig.Key) {
				out.Signature = "unknown_key"
			}
			wrong("the signature does not fit the manifest: %v", err)
		}
	}
	return nil
}

func knows(keys []PublicKey, id string) bool {
	for _, k := range keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

// rehash reads one object and says what became of it.
func (s *Server) rehash(ctx context.Context, in models.Incident, o models.Object) (string, error) {
	body, _, err := s.Evidence.Open(ctx, in, o.Role)
	if errors.Is(err, fs.ErrNotExist) {
		return "missing", nil
	}
	if err != nil {
		return "", err
	}
	defer body.Close()
	h := sha256.New()
	n, err := io.Copy(h, contextual{ctx, body})
	if err != nil {
		return "", err
	}
	if n != o.Size || hex.EncodeToString(h.Sum(nil)) != o.SHA256 {
		return "altered", nil
	}
	return "intact", nil
}

// document reads a small object whole.
func (s *Server) document(ctx context.Context, in models.Incident, role models.ObjectRole) ([]byte, models.Object, error) {
	body, o, err := s.Evidence.Open(ctx, in, role)
	if err != nil {
		return nil, o, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(contextual{ctx, body}, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = fmt.Errorf("%s of incident %s is longer than %d bytes", role, in.ID, maxManifest)
	}
	return data, o, err
}

// unopened answers for evidence that is somewhere, but cannot be read now.
func (s *Server) unopened(ctx context.Context, what string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, context.Canceled) {
		return s.fail(ctx, what, err)
	}
	s.Log.Error("evidence cannot be opened", "what", what, "error", err)
	return huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("the store of evidence does not answer; the record names what it holds"),
		http.Header{"Retry-After": {"10"}})
}
