package storage

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/vedette-cctv/vedette/models"
)

// Evidence that waits for the bucket can be read as its manifest names it, and afterwards
// from the bucket under the same names.
func TestWaitingEvidence(t *testing.T) {
	s, b, x, in := mustSpool(t, t.TempDir(), SpoolOptions{}), mustDisk(t), mustSQLite(t), incident(1)
	v := Evidence{Spool: s, Bucket: b}
	if _, ok := v.Waiting(in.ID); ok {
		t.Error("an incident that is not there waits")
	}
	e := record(t, s, in, []byte("the footage"))
	if _, ok := v.Waiting(in.ID); ok {
		t.Error("an incident that goes on waits already")
	}
	if err := e.Ready(in, evidence); err != nil {
		t.Fatal(err)
	}
	f, ok := v.Waiting(in.ID)
	if !ok || len(f.Objects) < len(evidence)+1 {
		t.Fatalf("%v, %+v", ok, f)
	}
	read := func() {
		t.Helper()
		for _, o := range f.Objects {
			r, err := v.OpenObject(t.Context(), in.ID, o)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(copyVerified(t.Context(), io.Discard, r, o), r.Close()); err != nil {
				t.Errorf("%s: %v", o.Key, err)
			}
		}
	}
	read()
	create(t, x, in)
	u := &Uploader{Spool: s, Bucket: b, Index: x}
	stop := start(t, u)
	drain(t, u)
	stop()
	if _, ok := v.Waiting(in.ID); ok {
		t.Error("it is in the bucket and waits all the same")
	}
	read()
	if _, err := v.OpenObject(t.Context(), in.ID, models.Object{Key: "incidents/none.mp4"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
}
