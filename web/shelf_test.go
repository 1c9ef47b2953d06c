package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sync"
	"testing"

	"github.com/vedette-cctv/vedette/models"
	"github.com/vedette-cctv/vedette/storage"
)

// shelf is evidence in a real disk bucket.
type shelf struct{ storage.Bucket }

func newShelf(t *testing.T) shelf {
	t.Helper()
	b, err := storage.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return shelf{b}
}

func (s shelf) put(t *testing.T, in *models.Incident, role models.ObjectRole, name string, data []byte) {
	t.Helper()
	sum := sha256.Sum256(data)
	o := models.Object{Role: role, Key: "incidents/" + string(in.ID) + "/" + name, Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	if err := s.Put(t.Context(), o.Key, bytes.NewReader(data), o); err != nil {
		t.Fatal(err)
	}
	in.Footage.Objects = append(in.Footage.Objects, o)
}

func (s shelf) Open(ctx context.Context, in models.Incident, role models.ObjectRole) (storage.Reader, models.Object, error) {
	for _, o := range in.Footage.Objects {
		if o.Role == role {
			r, err := s.Bucket.Open(ctx, o.Key)
			return r, o, err
		}
	}
	return nil, models.Object{}, fs.ErrNotExist
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
