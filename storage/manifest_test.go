package storage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vedette-cctv/vedette/models"
)

// signer signs with a real key, as the program's own does.
type signer struct{ key ed25519.PrivateKey }

func newSigner(tb testing.TB) signer {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{key}
}

func (s signer) Sign(purpose string, data []byte) (models.Signature, error) {
	return models.Signature{Algorithm: "ed25519", Key: "0011223344556677", Purpose: purpose,
		Value: ed25519.Sign(s.key, append([]byte(purpose+"\n"), data...))}, nil
}

func (s signer) verify(data []byte, sig models.Signature) bool {
	return ed25519.Verify(s.key.Public().(ed25519.PublicKey), append([]byte(sig.Purpose+"\n"), data...), sig.Value)
}

// ledger is a custody log in memory.
type ledger struct {
	mu      sync.Mutex
	entries []models.Custody
	broken  error
}

func (l *ledger) Record(_ context.Context, c models.Custody) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	l.entries = append(l.entries, c)
	return nil
}

// acts are what was done to an incident, in order.
func (l *ledger) acts(id models.IncidentID) []models.Act {
	l.mu.Lock()
	defer l.mu.Unlock()
	var acts []models.Act
	for _, c := range l.entries {
		if c.Incident == id {
			acts = append(acts, c.Act)
		}
	}
	return acts
}

func TestSignedEvidence(t *testing.T) {
	key, log := newSigner(t), &ledger{}
	dir := t.TempDir()
	o := SpoolOptions{Signer: key, Custody: log, Identify: func(id models.CameraID) CameraIdentity {
		return CameraIdentity{Name: "Main " + string(id), Source: "rtsp://192.0.2.7/stream1"}
	}}
	s := mustSpool(t, dir, o)
	in := incident(1)
	in.Footage.Expected, in.Footage.ClockOffset, in.Footage.ClockDrift = 150, -1500*time.Millisecond, 12.3456
	finish(t, s, in, []byte("clip"))
	// A restart in between: what was signed is read again, not signed again.
	s.Close()
	s = mustSpool(t, dir, SpoolOptions{Custody: log})
	bucket, index := mustDisk(t), mustSQLite(t)
	u := &Uploader{Spool: s, Bucket: bucket, Index: index, Custody: log}
	start(t, u)
	drain(t, u)
	stored, err := index.Get(t.Context(), in.ID)
	if err != nil {
		t.Fatal(err)
	}
	manifest := readRole(t, Evidence{s, bucket}, stored, models.RoleManifest)
	var sig models.Signature
	if err := json.Unmarshal(readRole(t, Evidence{s, bucket}, stored, models.RoleSignature), &sig); err != nil {
		t.Fatal(err)
	}
	if sig.Purpose != models.PurposeManifest || !key.verify(manifest, sig) {
		t.Errorf("signature %+v does not fit the manifest", sig)
	}
	if key.verify(append(manifest, ' '), sig) {
		t.Error("the signature fits another manifest too")
	}
	m, err := ReadManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	f := m.Footage
	if m.Identity.Name != "Main gate" || m.Identity.Source != "rtsp://192.0.2.7/stream1" || f.Expected != 150 || f.ClockOffset != -1_500_000_000 || f.ClockDrift != 12346 {
		t.Errorf("got %+v %+v", m.Identity, f)
	}
	open := func(ctx context.Context, o models.Object) (io.ReadCloser, error) { return bucket.Open(ctx, o.Key) }
	if err := m.VerifyObjects(t.Context(), open); err != nil {
		t.Errorf("untouched: %v", err)
	}
	if got := log.acts(in.ID); !slices.Equal(got, []models.Act{models.ActCreated, models.ActUploaded}) {
		t.Errorf("custody: %v", got)
	}
	if up := log.entries[len(log.entries)-1]; !slices.Equal(up.Objects, stored.Footage.Objects) || len(up.Objects) != 5 || up.Who != "vedette" {
		t.Errorf("custody of the upload: %+v", up)
	}

	// Somebody alters one object and takes another away.
	root := bucket.(*disk)
	overwrite(t, root.file(m.Objects[0].Key), []byte("klip"))
	remove(t, root.file(m.Objects[1].Key))
	err = m.VerifyObjects(t.Context(), open)
	if !errors.Is(err, ErrContent) || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), m.Objects[0].Key) || !strings.Contains(err.Error(), m.Objects[1].Key) {
		t.Errorf("altered: %v", err)
	}
}

func readRole(t *testing.T, v Evidence, in models.Incident, role models.ObjectRole) []byte {
	t.Helper()
	r, _, err := v.Open(t.Context(), in, role)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type keyless string

func (r keyless) Sign(string, []byte) (models.Signature, error) {
	return models.Signature{}, errors.New(string(r))
}

// Without a usable key nothing is handed over as if it were signed; it waits in the spool.
func TestNothingIsHandedOverUnsigned(t *testing.T) {
	dir := t.TempDir()
	s := mustSpool(t, dir, SpoolOptions{Signer: keyless("key readable by others")})
	e := record(t, s, incident(1), []byte("clip"))
	if err := e.Ready(incident(1), evidence); err == nil || !strings.Contains(err.Error(), "key readable by others") || e.State() != EntryRecording {
		t.Fatalf("got %v, state %s", err, e.State())
	}
	s.Close()
	s = mustSpool(t, dir, SpoolOptions{Signer: newSigner(t)})
	e, _ = s.Entry(incident(1).ID)
	if err := e.Ready(incident(1), evidence); err != nil || e.State() != EntryReady {
		t.Fatalf("with a key: %v, state %s", err, e.State())
	}
	if _, err := os.Stat(e.Path(SignatureFile)); err != nil {
		t.Error(err)
	}
}

// Evidence goes its way when the custody log cannot be written.
func TestBrokenCustodyLogStopsNoEvidence(t *testing.T) {
	log := &ledger{broken: errors.New("disk full")}
	s := mustSpool(t, t.TempDir(), SpoolOptions{Custody: log})
	bucket, index := mustDisk(t), mustSQLite(t)
	clip := randomBytes(1000)
	finish(t, s, incident(1), clip)
	u := &Uploader{Spool: s, Bucket: bucket, Index: index, Custody: log}
	start(t, u)
	drain(t, u)
	wantStored(t, index, bucket, incident(1).ID, clip)
}

func TestManifestOfTheFirstSchema(t *testing.T) {
	old := []byte(`{"alarm":"2026-11-22T08:00:00Z","camera":"gate","config":"c","footage":{"asked_from":"2026-11-22T07:59:55Z","frames":3,"gaps":[]},` +
		`"incident":"i1","kind":"motion","objects":[],"opened":"2026-11-22T08:00:00Z","schema":1,"severity":"low","start":"2026-11-22T08:00:00Z","version":"1","zone":"yard"}`)
	m, err := ReadManifest(old)
	if err != nil || m.Incident != "i1" || m.Footage.Frames != 3 || m.Identity != (CameraIdentity{}) {
		t.Errorf("got %+v, %v", m, err)
	}
}

// A clock that has lost its way must not keep footage from being sealed.
func TestManifestHoldsAnyClock(t *testing.T) {
	for _, drift := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -0.0004} {
		in := incident(1)
		in.Footage.ClockDrift, in.Footage.ClockOffset = drift, math.MaxInt64
		data, err := newManifest(in).encode()
		if err != nil {
			t.Fatalf("drift %g: %v", drift, err)
		}
		if _, err := ReadManifest(data); err != nil {
			t.Errorf("drift %g: %v", drift, err)
		}
	}
}

func FuzzReadManifest(f *testing.F) {
	data, err := newManifest(incident(1)).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":2,"objects":[{"key":"../x","sha256":"","size":-1}]}`))
	f.Add([]byte(`{"schema":2,"footage":{"clock_drift_ppb":1e400}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(data)
		if err != nil {
			return
		}
		for _, o := range m.Objects {
			if checkKey(o.Key) != nil {
				t.Errorf("key %q was let through", o.Key)
			}
		}
		// What is canonical is read back as what it says.
		if again, err := ReadManifest(bytes.Clone(data)); err != nil || again.Incident != m.Incident {
			t.Errorf("read twice: %v", err)
		}
	})
}
