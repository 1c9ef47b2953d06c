package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// shelf is evidence in a real spool and a real disk bucket.
type shelf struct{ storage.Evidence }

func newShelf(t testing.TB) shelf {
	t.Helper()
	bucket, err := storage.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := storage.OpenSpool(t.TempDir(), storage.SpoolOptions{Reserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	return shelf{storage.Evidence{Spool: spool, Bucket: bucket}}
}

func (s shelf) put(t testing.TB, in *models.Incident, role models.ObjectRole, name string, data []byte) {
	t.Helper()
	sum := sha256.Sum256(data)
	o := models.Object{Role: role, Key: "incidents/" + string(in.ID) + "/" + name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	if err := s.Bucket.Put(t.Context(), o.Key, bytes.NewReader(data), o); err != nil {
		t.Fatal(err)
	}
	in.Footage.Objects = append(in.Footage.Objects, o)
}

// journal is a log that several goroutines may write and a test may read meanwhile.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}
